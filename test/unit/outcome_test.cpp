#include "core/outcome.hpp"

#include <gtest/gtest.h>

namespace spend::test {
namespace {

TEST(Outcome, KnowsTheUsualWords) {
  EXPECT_EQ(outcome_of("error", false), Outcome::failed);
  EXPECT_EQ(outcome_of("timeout", false), Outcome::failed);
  EXPECT_EQ(outcome_of("timed out", false), Outcome::failed);
  EXPECT_EQ(outcome_of("abandoned", false), Outcome::abandoned);
  EXPECT_EQ(outcome_of("cancelled", false), Outcome::abandoned);
  EXPECT_EQ(outcome_of("refused", false), Outcome::blocked);
  EXPECT_EQ(outcome_of("content_filter", false), Outcome::blocked);
}

TEST(Outcome, AnyOtherWordIsNoFailure) {
  for (const char* status : {"", "ok", "success", "completed", "a", "zzz", "err", "errors", "ERROR"}) {
    EXPECT_EQ(outcome_of(status, false), Outcome::ok) << status;
  }
}

TEST(Outcome, AReasonToBlockWins) {
  EXPECT_EQ(outcome_of("ok", true), Outcome::blocked);
  EXPECT_EQ(outcome_of("error", true), Outcome::blocked);
}

TEST(Outcome, HasNames) {
  EXPECT_EQ(to_string(Outcome::ok), "ok");
  EXPECT_EQ(to_string(Outcome::failed), "failed");
  EXPECT_EQ(to_string(Outcome::abandoned), "abandoned");
  EXPECT_EQ(to_string(Outcome::blocked), "blocked");
}

}  // namespace
}  // namespace spend::test
