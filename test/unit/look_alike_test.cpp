#include "core/look_alike.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/text_key.hpp"

namespace spend::test {
namespace {

std::string looks(std::string_view raw) {
  return skeleton(text_key(raw));
}

TEST(LookAlike, LettersOfOtherScripts) {
  EXPECT_NE(text_key("marketing"), text_key("m\u0430rketing")) << "a Cyrillic a is another letter";
  EXPECT_EQ(looks("marketing"), looks("m\u0430rketing"));
  EXPECT_EQ(looks("search"), looks("\u0455\u0435\u0430r\u0441h"));
  EXPECT_EQ(looks("ops"), looks("\u03bfps")) << "a Greek omicron";
}

TEST(LookAlike, DigitsAndPairs) {
  EXPECT_EQ(looks("team-l"), looks("team-1"));
  EXPECT_EQ(looks("CC-O1"), looks("cc-01"));
  EXPECT_EQ(looks("modern"), looks("modem"));
}

TEST(LookAlike, WhatDiffersStaysApart) {
  EXPECT_NE(looks("search"), looks("research"));
  EXPECT_NE(looks("team-1"), looks("team-2"));
  EXPECT_NE(looks("\u6771\u4eac"), looks("\u4eac\u90fd"));
  EXPECT_EQ(looks(""), "");
}

TEST(LookAlike, AnyBytesHaveOne) {
  EXPECT_EQ(looks("a\xff"), looks("a\xfe")) << "ill-formed bytes are one and the same sign";
  EXPECT_FALSE(looks(std::string(100'000, 'x')).empty());
  for (const char* const value : {"m\u0430rketing", "CC-O1", "modern", "\u0455"}) {
    EXPECT_EQ(skeleton(looks(value)), looks(value)) << value;
  }
}

}  // namespace
}  // namespace spend::test
