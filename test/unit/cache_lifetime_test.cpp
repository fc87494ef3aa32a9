// Cache writes by lifetime: the registry knows some lifetimes, their names are open.

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

const std::string card = R"("input_tokens": {"base": "1/1", "tiers": [{"above": 9, "rate": "2/1"}]},
  "cache_write_tokens": "3/1", "cache_write_1h_tokens": "5/1", "cache_write_2h_tokens": "7/1")";

TEST(CacheLifetime, AnyLifetimeIsPartOfTheCacheWrites) {
  EXPECT_EQ(cost(card, R"({"input_tokens": 9, "cache_write_tokens": 5, "cache_write_2h_tokens": 5})"), "39");  // 4 + 35
  EXPECT_EQ(
      cost(card,
           R"({"input_tokens": 9, "cache_write_tokens": 8, "cache_write_1h_tokens": 1, "cache_write_2h_tokens": 2})"),
      "35");  // 1 + 5 x 3 + 5 + 14
}

TEST(CacheLifetime, TheContextTierSeesTheWholeInput) {
  EXPECT_EQ(cost(card, R"({"input_tokens": 10, "cache_write_tokens": 5, "cache_write_2h_tokens": 5})"), "45");
}

TEST(CacheLifetime, WithoutARateOfItsOwnItBillsAsItsParentAndSaysSo) {
  const Costing result =
      costing(rates(card), usage(R"({"input_tokens": 6, "cache_write_tokens": 5, "cache_write_7d_tokens": 5})"));
  EXPECT_EQ(result.cost, decimal("16"));
  EXPECT_EQ(result.status, PricingStatus::priced_with_fallback);
  EXPECT_EQ(result.reason, "cache_write_7d_tokens at the cache_write_tokens rate");
}

TEST(CacheLifetime, FractionsKeepTheirDigits) {
  EXPECT_EQ(cost(card, R"({"input_tokens": 5, "cache_write_tokens": 5, "cache_write_2h_tokens": 0.25})"), "16");
}

TEST(CacheLifetime, AboveOrWithoutItsParentIsInconsistent) {
  for (const char* const json : {R"({"input_tokens": 9, "cache_write_tokens": 4, "cache_write_2h_tokens": 5})",
                                 R"({"input_tokens": 9, "cache_write_2h_tokens": 5})"}) {
    const Result<Costing> strict = evaluate(rates(card), usage(json), OnInconsistent::raise, false);
    EXPECT_EQ(kind_of(strict), ErrorKind::inconsistent_usage) << json;
  }
  const Costing clamped = must(
      evaluate(rates(card), usage(R"({"input_tokens": 9, "cache_write_2h_tokens": 5})"), OnInconsistent::clamp, false),
      "");
  EXPECT_EQ(clamped.cost, decimal("39"));
  EXPECT_EQ(clamped.reason, "cache_write_tokens is missing although there is cache_write_2h_tokens 5");
}

TEST(CacheLifetime, OtherNamesStandAlone) {
  EXPECT_EQ(cost(R"("input_tokens": "1/1", "cache_write_two_tokens": "2/1")",
                 R"({"input_tokens": 1, "cache_write_two_tokens": 1})"),
            "3");
}

}  // namespace
}  // namespace spend::test
