#include <gtest/gtest.h>

#include <algorithm>

#include "core/import/alias_timeline.hpp"

namespace spend::test {
namespace {

using Action = PricePlan::Action;

constexpr Timestamp now = 1000;
constexpr ImportMoment from_now{.effective_from = now, .now = now};
constexpr ImportMoment for_all_times{.effective_from = timestamp_min, .now = now};

StandingAlias stands(std::int64_t id, Timestamp from, Timestamp until, const char* model) {
  return {.alias_id = id, .provider = "p", .model = model, .valid_from = from, .valid_until = until};
}

/// What stands after the plan is carried out, as "[0,100)a [100,inf)b".
std::string text(const std::vector<StandingAlias>& standing) {
  const auto bound = [](Timestamp time) {
    return time == timestamp_min ? "-inf" : time == timestamp_max ? "inf" : std::to_string(time);
  };
  std::string result;
  for (const StandingAlias& alias : standing) {
    result +=
        (result.empty() ? "[" : " [") + bound(alias.valid_from) + "," + bound(alias.valid_until) + ")" + alias.model;
  }
  return result;
}

std::vector<StandingAlias> carried_out(std::vector<StandingAlias> standing, const AliasPlan& plan, const char* model) {
  for (const AliasPlan::Closing& closing : plan.closings) {
    const auto place = std::find_if(standing.begin(), standing.end(),
                                    [&](const StandingAlias& alias) { return alias.alias_id == closing.alias_id; });
    if (closing.is_replaced) {
      standing.erase(place);
    } else {
      place->valid_until = closing.at;
    }
  }
  for (const PricePlan::Range& range : plan.ranges) {
    standing.push_back(stands(static_cast<std::int64_t>(standing.size()) + 100, range.from, range.until, model));
  }
  std::sort(standing.begin(), standing.end(),
            [](const StandingAlias& a, const StandingAlias& b) { return a.valid_from < b.valid_from; });
  return standing;
}

/// Imports twice: the second time, a little later, nothing may change.
std::string import(std::vector<StandingAlias> standing, const char* model, ImportMoment moment, Action action) {
  const AliasPlan plan = plan_alias(standing, "p", model, moment);
  EXPECT_EQ(plan.action, action);
  standing = carried_out(std::move(standing), plan, model);
  for (std::size_t i = 0; i < standing.size(); ++i) {
    EXPECT_LT(standing[i].valid_from, standing[i].valid_until);
    EXPECT_TRUE(i == 0 || standing[i - 1].valid_until <= standing[i].valid_from);
  }
  ++moment.now;
  const AliasPlan again = plan_alias(standing, "p", model, moment);
  EXPECT_EQ(again.action, Action::unchanged);
  EXPECT_TRUE(again.closings.empty() && again.ranges.empty());
  return text(standing);
}

TEST(AliasTimeline, GapsAreFilled) {
  EXPECT_EQ(import({}, "a", from_now, Action::added), "[1000,inf)a");
  EXPECT_EQ(import({}, "a", for_all_times, Action::added), "[-inf,inf)a");
  EXPECT_EQ(import({stands(1, 500, timestamp_max, "a")}, "a", from_now, Action::unchanged), "[500,inf)a");
  EXPECT_EQ(import({stands(1, 500, timestamp_max, "a")}, "a", for_all_times, Action::added), "[-inf,500)a [500,inf)a");
  EXPECT_EQ(import({stands(1, 500, 700, "a")}, "a", for_all_times, Action::added), "[-inf,500)a [500,700)a [700,inf)a");
}

TEST(AliasTimeline, AnotherMeaningEndsWhereTheNewOneBegins) {
  EXPECT_EQ(import({stands(1, timestamp_min, timestamp_max, "a")}, "b", from_now, Action::closed),
            "[-inf,1000)a [1000,inf)b");
  // It began within the time of the import: what has been stays.
  EXPECT_EQ(import({stands(1, 500, timestamp_max, "a")}, "b", for_all_times, Action::closed),
            "[-inf,500)b [500,1000)a [1000,inf)b");
  EXPECT_EQ(import({stands(1, 500, 700, "a")}, "b", for_all_times, Action::added), "[-inf,500)b [500,700)a [700,inf)b");
  // It has not begun.
  EXPECT_EQ(import({stands(1, 2000, timestamp_max, "a")}, "b", from_now, Action::closed), "[1000,inf)b");
  EXPECT_EQ(import({stands(1, 2000, timestamp_max, "a"), stands(2, 0, 2000, "b")}, "b",
                   {.effective_from = 3000, .now = now}, Action::closed),
            "[0,2000)b [2000,3000)a [3000,inf)b");
  EXPECT_EQ(plan_alias({stands(1, 0, timestamp_max, "a")}, "p", "b", from_now).reason, "stood for p a before");
}

TEST(AliasTimeline, WhatSomebodySetStays) {
  StandingAlias set = stands(1, 0, 10, "a");
  set.is_users = true;
  const AliasPlan plan = plan_alias({set}, "p", "b", from_now);
  EXPECT_EQ(plan.action, Action::skipped);
  EXPECT_TRUE(plan.ranges.empty());
}

}  // namespace
}  // namespace spend::test
