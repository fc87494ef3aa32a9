#include "core/cost.hpp"

#include "support.hpp"

namespace spend::test {
namespace {

const char* const three_rates =
    R"("input_tokens": "2.50/1M", "cache_read_tokens": "1.25/1M", "output_tokens": "10/1M")";

TEST(P8BilledOnce, CountsAreInclusive) {
  const Usage row = usage(R"({"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 100})");
  EXPECT_EQ(cost(rates(three_rates), row), "0.003");
}

TEST(P8BilledOnce, CachedTokensLeaveTheInput) {
  const Price card = rates(three_rates);
  const Costing result =
      costing(card, usage(R"({"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 100})"));
  EXPECT_EQ(result.status, PricingStatus::priced);
  ASSERT_EQ(result.lines.size(), 3U);
  EXPECT_EQ(result.lines[0].meter, "input_tokens");
  EXPECT_EQ(result.lines[0].quantity, decimal("600"));
  EXPECT_EQ(result.lines[0].amount, decimal("0.0015"));
  EXPECT_EQ(result.lines[1].meter, "cache_read_tokens");
  EXPECT_EQ(result.lines[1].quantity, decimal("400"));
  EXPECT_EQ(result.lines[1].amount, decimal("0.0005"));
  EXPECT_EQ(result.lines[2].amount, decimal("0.001"));
}

TEST(P2Exact, VendorsOwnFigures) {
  // xAI reports what it billed in units of 1e-10 USD.
  EXPECT_EQ(cost(rates(R"("input_tokens": "0.30/1M", "cache_read_tokens": "0.075/1M", "output_tokens": "0.50/1M")"),
                 usage(R"({"input_tokens": 12, "cache_read_tokens": 11, "output_tokens": 291,
                           "output_reasoning_tokens": 290})")),
            "0.000146625");
  EXPECT_EQ(cost(rates(R"("input_tokens": "1.25/1M", "cache_read_tokens": "0.20/1M", "output_tokens": "2.50/1M")"),
                 usage(R"({"input_tokens": 35683, "cache_read_tokens": 832, "output_tokens": 1176,
                           "output_reasoning_tokens": 731})")),
            "0.04667015");
}

TEST(P8BilledOnce, CacheLifetimesSplitTheWrites) {
  const Price split =
      rates(R"("input_tokens": "3/1M", "cache_write_tokens": "3.75/1M", "cache_write_1h_tokens": "6/1M")");
  EXPECT_EQ(cost(split, usage(R"({"input_tokens": 14055, "cache_write_tokens": 14055, "cache_write_5m_tokens": 56,
                                 "cache_write_1h_tokens": 13999})")),
            "0.084204");
}

TEST(ContextTier, AppliesToTheWholeRequestAboveTheThreshold) {
  const Price tiered = rates(R"("input_tokens": {"base": "3/1M", "tiers": [{"above": 200000, "rate": "6/1M"}]})");
  EXPECT_EQ(cost(tiered, usage(R"({"input_tokens": 200000})")), "0.6");
  EXPECT_EQ(cost(tiered, usage(R"({"input_tokens": 200001})")), "1.200006");
}

TEST(ContextTier, FromIncludesTheThreshold) {
  const Price tiered = rates(R"("input_tokens": {"base": "3/1M", "tiers": [{"from": 200000, "rate": "6/1M"}]})");
  EXPECT_EQ(cost(tiered, usage(R"({"input_tokens": 199999})")), "0.599997");
  EXPECT_EQ(cost(tiered, usage(R"({"input_tokens": 200000})")), "1.2");
}

TEST(P7UnknownIsNotFree, LeftoverWithoutRate) {
  const Costing result =
      costing(rates(R"("input_tokens": "0.02/1M")"), usage(R"({"input_tokens": 1000, "output_tokens": 100})"));
  EXPECT_EQ(result.status, PricingStatus::unpriced);
  EXPECT_EQ(result.reason, "no rate for output_tokens");
}

TEST(P2Exact, HourRateIsDividedLast) {
  EXPECT_EQ(cost(rates(R"("audio_seconds": "0.36/hour")"), usage(R"({"audio_seconds": 1})")), "0.0001");
  EXPECT_EQ(cost(rates(R"("audio_seconds": "1/hour")"), usage(R"({"audio_seconds": 1})")), "0.000277777777777778");
  EXPECT_EQ(cost(rates(R"("audio_seconds": "1/hour")"), usage(R"({"audio_seconds": 3600})")), "1");
}

}  // namespace
}  // namespace spend::test
