#include <gtest/gtest.h>

#include "core/import/timeline.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

using Action = PricePlan::Action;

Price cents(int amount) {
  return rates("\"input_tokens\": \"" + std::to_string(amount) + "/1M\"");
}

StandingPrice stands(std::int64_t price_id, Timestamp from, Timestamp until, int amount) {
  return {.price_id = price_id, .valid_from = from, .valid_until = until, .price = cents(amount)};
}

ImportedPrice undated(int amount, Timestamp until = timestamp_max) {
  ImportedPrice price;
  price.price = cents(amount);
  price.valid_until = until;
  return price;
}
ImportedPrice dated(int amount, Timestamp from, Timestamp until = timestamp_max) {
  ImportedPrice price = undated(amount, until);
  price.has_start = true;
  price.valid_from = from;
  return price;
}
ImportedPrice checked(int amount, Timestamp when) {
  ImportedPrice price = undated(amount);
  price.checked = when;
  return price;
}

/// What stands after the import, as text: "[0,100)1 [100,inf)2".
std::string text(const std::vector<StandingPrice>& standing) {
  const auto bound = [](Timestamp time) {
    return time == timestamp_min ? "-inf" : time == timestamp_max ? "inf" : std::to_string(time);
  };
  std::string result;
  for (const StandingPrice& price : standing) {
    result += (result.empty() ? "[" : " [") + bound(price.valid_from) + "," + bound(price.valid_until) + ")" +
              price.price.rates()[0].base.amount.to_string();
  }
  return result;
}

constexpr Timestamp now = 1000;
constexpr ImportMoment from_now{.effective_from = now, .now = now};
constexpr ImportMoment for_all_times{.effective_from = timestamp_min, .now = now};

/// Imports twice: the second time nothing may change. The second import is a little later, as it is in life.
std::string import(std::vector<StandingPrice> standing, const std::vector<ImportedPrice>& wanted, ImportMoment moment,
                   std::vector<Action> actions) {
  const std::vector<PricePlan> plans = plan_prices(standing, wanted, moment);
  EXPECT_EQ(plans.size(), actions.size());
  for (std::size_t i = 0; i < plans.size(); ++i) {
    EXPECT_EQ(plans[i].action, actions[i]) << i;
  }
  const std::string result = text(standing);
  ImportMoment later = moment;
  later.now += 10;
  later.effective_from += moment.effective_from == moment.now ? 10 : 0;
  for (const PricePlan& plan : plan_prices(standing, wanted, later)) {
    EXPECT_EQ(plan.action, Action::unchanged);
    EXPECT_TRUE(plan.ranges.empty() && plan.closings.empty());
  }
  EXPECT_EQ(text(standing), result);
  return result;
}

TEST(ImportTimeline, NewSku) {
  EXPECT_EQ(import({}, {undated(1)}, from_now, {Action::added}), "[1000,inf)1");
  EXPECT_EQ(import({}, {undated(1)}, for_all_times, {Action::added}), "[-inf,inf)1");
  EXPECT_EQ(import({}, {undated(1, 500), dated(2, 500)}, for_all_times, {Action::added, Action::added}),
            "[-inf,500)1 [500,inf)2");
  // Nothing before the import takes effect is touched, not even to fill it.
  EXPECT_EQ(import({}, {undated(1, 500), dated(2, 500)}, from_now, {Action::unchanged, Action::added}), "[1000,inf)2");
  EXPECT_EQ(import({}, {undated(1, 2000), dated(2, 2000)}, from_now, {Action::added, Action::added}),
            "[1000,2000)1 [2000,inf)2");
}

TEST(ImportTimeline, HistoryIsClosedNeverOverwritten) {
  EXPECT_EQ(import({stands(1, timestamp_min, timestamp_max, 1)}, {undated(2)}, from_now, {Action::closed}),
            "[-inf,1000)1 [1000,inf)2");
  // The price held until now whatever the import's start: it says what holds, not since when.
  EXPECT_EQ(import({stands(1, timestamp_min, timestamp_max, 1)}, {undated(2)}, for_all_times, {Action::closed}),
            "[-inf,1000)1 [1000,inf)2");
  EXPECT_EQ(
      import({stands(1, 0, 400, 1), stands(2, 400, timestamp_max, 2)}, {undated(3)}, for_all_times, {Action::closed}),
      "[-inf,0)3 [0,400)1 [400,1000)2 [1000,inf)3");
  // A time that somebody asked for, or the document names, is another matter.
  EXPECT_EQ(
      import({stands(1, 0, timestamp_max, 1)}, {undated(2)}, {.effective_from = 700, .now = now}, {Action::closed}),
      "[0,700)1 [700,inf)2");
  EXPECT_EQ(import({stands(1, 0, timestamp_max, 1)}, {dated(2, 800)}, for_all_times, {Action::closed}),
            "[0,800)1 [800,inf)2");
  // What the document knows about a past that has its price already.
  EXPECT_EQ(import({stands(1, timestamp_min, timestamp_max, 2)}, {undated(1, 500), dated(2, 500)}, for_all_times,
                   {Action::unchanged, Action::unchanged}),
            "[-inf,inf)2");
}

TEST(ImportTimeline, EqualPricesStay) {
  EXPECT_EQ(import({stands(1, 0, timestamp_max, 1)}, {undated(1)}, from_now, {Action::unchanged}), "[0,inf)1");
  EXPECT_EQ(import({stands(1, 0, timestamp_max, 1)}, {undated(1)}, for_all_times, {Action::added}),
            "[-inf,0)1 [0,inf)1");
  EXPECT_EQ(import({stands(1, 0, timestamp_max, 1)}, {undated(1, 2000), dated(2, 2000)}, from_now,
                   {Action::unchanged, Action::closed}),
            "[0,2000)1 [2000,inf)2");
}

TEST(ImportTimeline, WhatHasNotBegunIsReplaced) {
  EXPECT_EQ(
      import({stands(1, 0, 2000, 1), stands(2, 2000, timestamp_max, 2)}, {undated(1)}, from_now, {Action::closed}),
      "[0,2000)1 [2000,inf)1");
  // In one transaction: what began at this very moment.
  EXPECT_EQ(import({stands(1, 1000, timestamp_max, 1)}, {undated(2)}, from_now, {Action::closed}), "[1000,inf)2");
}

TEST(ImportTimeline, TheDayItWasCheckedCounts) {
  EXPECT_EQ(import({stands(1, timestamp_min, timestamp_max, 1)}, {checked(2, 600)}, for_all_times, {Action::closed}),
            "[-inf,600)1 [600,inf)2");
  // A price that began after the document was checked knows better.
  EXPECT_EQ(import({stands(1, timestamp_min, 800, 1), stands(2, 800, timestamp_max, 3)}, {checked(1, 600)},
                   for_all_times, {Action::unchanged}),
            "[-inf,800)1 [800,inf)3");
  // Checked in the future is checked today.
  EXPECT_EQ(import({stands(1, timestamp_min, timestamp_max, 1)}, {checked(2, 5000)}, from_now, {Action::closed}),
            "[-inf,1000)1 [1000,inf)2");
}

}  // namespace
}  // namespace spend::test
