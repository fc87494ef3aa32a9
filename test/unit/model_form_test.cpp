#include <gtest/gtest.h>

#include "core/model_form.hpp"

using spend::model_form;

namespace {

TEST(ModelForm, ClaudesVersionStandsBehindItsFamily) {
  EXPECT_EQ(model_form("claude-3-5-sonnet"), "claude-sonnet-3-5");
  EXPECT_EQ(model_form("claude-3.5-sonnet@20241022"), "claude-sonnet-3-5-20241022");
  EXPECT_EQ(model_form("claude-opus-4.0"), "claude-opus-4");
}

TEST(ModelForm, AVersionIsNotPutBeforeANumberThatWouldJoinIt) {
  EXPECT_EQ(model_form("claude-sonnet-4-0-5"), "claude-sonnet-4-0-5");
  EXPECT_EQ(model_form("claude-3-5-sonnet4"), "claude-3-5-sonnet4");
  EXPECT_EQ(model_form("claude-3-sonnet-2"), "claude-3-sonnet-2");
}

TEST(ModelForm, AFormIsItsOwnForm) {
  for (const char* name :
       {"anthropic/claude-3-5-son.4", "claude-3-0-sonnetson-0-sonnet", "claude-3-x.gemini-0.0-flash-001"}) {
    const std::string form = model_form(name);
    EXPECT_EQ(model_form(form), form) << name;
  }
}

}  // namespace
