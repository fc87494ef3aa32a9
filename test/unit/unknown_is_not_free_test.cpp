#include "core/cost.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

const char* const three_rates =
    R"("input_tokens": "2.50/1M", "cache_read_tokens": "1.25/1M", "output_tokens": "10/1M")";

TEST(P7UnknownIsNotFree, LeftoverWithoutRate) {
  const Costing result =
      costing(rates(R"("input_tokens": "0.02/1M")"), usage(R"({"input_tokens": 1000, "output_tokens": 100})"));
  EXPECT_EQ(result.status, PricingStatus::unpriced);
  EXPECT_EQ(result.reason, "no rate for output_tokens");
  EXPECT_TRUE(result.lines.empty());
}

TEST(P7UnknownIsNotFree, EveryMeterWithoutRateIsNamed) {
  EXPECT_EQ(reason(R"("cache_read_tokens": "1/1")",
                   R"({"input_tokens": 10, "cache_read_tokens": 4, "output_tokens": 1, "web_searches": 2, "gpus": 1})"),
            "no rate for input_tokens, output_tokens, web_searches, gpus");
}

TEST(P7UnknownIsNotFree, AZeroCountNeedsNoRate) {
  EXPECT_EQ(status(R"("input_tokens": "1/1")", R"({"input_tokens": 1, "output_tokens": 0})"), PricingStatus::priced);
  EXPECT_EQ(status(R"("cache_read_tokens": "1/1")", R"({"input_tokens": 4, "cache_read_tokens": 4})"),
            PricingStatus::priced)
      << "nothing is left of the input";
}

TEST(P7UnknownIsNotFree, AnEmptyPriceKnowsNothing) {
  EXPECT_EQ(status("", R"({"input_tokens": 1})"), PricingStatus::unpriced);
  EXPECT_EQ(status("", R"({"tool_calls": 1})"), PricingStatus::unpriced);
}

TEST(P7UnknownIsNotFree, EmptyUsageCostsNothing) {
  const Costing result = costing(rates(three_rates), Usage());
  EXPECT_EQ(result.status, PricingStatus::priced);
  EXPECT_TRUE(result.cost.is_zero());
  EXPECT_EQ(status("", "{}"), PricingStatus::priced);
}

TEST(P7UnknownIsNotFree, ExplicitZeroIsFree) {
  EXPECT_EQ(status(R"("input_tokens": "0/1M", "output_tokens": "0/1M")", R"({"input_tokens": 5, "output_tokens": 5})"),
            PricingStatus::free);
  EXPECT_EQ(status(R"("input_tokens": "0/1M", "output_tokens": "1/1M")", R"({"input_tokens": 5, "output_tokens": 5})"),
            PricingStatus::priced);
  EXPECT_EQ(status(R"("input_tokens": "0/1M")", "{}"), PricingStatus::priced) << "nothing was free";
  EXPECT_EQ(status(R"("input_tokens": "0/1M")", R"({"input_tokens": 5, "output_tokens": 1})"), PricingStatus::unpriced);
}

TEST(P7UnknownIsNotFree, RoundedToNothingIsNotFree) {
  const Costing result =
      costing(rates(R"("input_tokens": "0.000000000000000001/1M")"), usage(R"({"input_tokens": 1})"));
  EXPECT_TRUE(result.cost.is_zero());
  EXPECT_EQ(result.status, PricingStatus::priced);
}

TEST(AnotherBasis, TokensBesideItAreNotBilled) {
  EXPECT_EQ(cost(R"("images": "0.05/1")", R"({"images": 2, "input_tokens": 10, "output_tokens": 1290})"), "0.1");
  EXPECT_EQ(
      cost(R"("audio_seconds": "0.00016/1")", R"({"input_tokens": 64, "input_audio_tokens": 64, "audio_seconds": 2})"),
      "0.00032");
  EXPECT_EQ(cost(R"("input_tokens": "5/1M", "images": "0.04/1")",
                 R"({"input_tokens": 100, "output_tokens": 4160, "images": 1})"),
            "0.0405")
      << "the output is billed by image";
  EXPECT_EQ(cost(R"("requests": "12/1k")", R"({"input_tokens": 1000})"), "0.012");
}

TEST(AnotherBasis, MustBeCarriedByTheUsage) {
  EXPECT_EQ(status(R"("images": "0.05/1")", R"({"input_tokens": 10})"), PricingStatus::unpriced);
  EXPECT_EQ(status(R"("input_audio_tokens": "5/1M", "images": "0.04/1")", R"({"input_tokens": 100, "images": 1})"),
            PricingStatus::unpriced)
      << "the price rates input tokens, but not these";
}

TEST(AnotherBasis, SurchargesAreNone) {
  EXPECT_EQ(status(R"("web_searches": "10/1k")", R"({"input_tokens": 10, "web_searches": 1})"),
            PricingStatus::unpriced);
  EXPECT_EQ(status(R"("custom": "10/1k")", R"({"input_tokens": 10, "custom": 1})"), PricingStatus::unpriced);
  EXPECT_EQ(status(R"("input_tokens": "1/1M", "requests": "5/1k")", R"({"input_tokens": 10, "output_tokens": 1})"),
            PricingStatus::unpriced)
      << "a fee per request is charged beside tokens";
}

TEST(Requests, CountOneUnlessSaid) {
  const std::string card = R"("input_tokens": "1/1M", "requests": "12/1k")";
  EXPECT_EQ(cost(card, R"({"input_tokens": 1000})"), "0.013");
  EXPECT_EQ(cost(card, R"({"input_tokens": 1000, "requests": 3})"), "0.037");
  EXPECT_EQ(cost(card, R"({"input_tokens": 1000, "requests": 0})"), "0.001") << "none is said";
  EXPECT_EQ(status(R"("requests": "5/1k")", R"({"input_tokens": 10, "requests": 0})"), PricingStatus::unpriced);
  EXPECT_EQ(cost(R"("input_tokens": "1/1M")", R"({"input_tokens": 1000, "requests": 0})"), "0.001");
  EXPECT_EQ(cost(card, "{}"), "0.012") << "a call that says nothing is still a call";
  EXPECT_EQ(cost(R"("input_tokens": "1/1M")", R"({"input_tokens": 1000, "requests": 3})"), "0.001")
      << "without a rate they are information";
}

TEST(ActivityMeters, NeedNoRateBesideSomethingBilled) {
  EXPECT_EQ(status(R"("input_tokens": "1/1M")", R"({"input_tokens": 1, "tool_calls": 3, "retrieval_queries": 2})"),
            PricingStatus::priced);
  EXPECT_EQ(cost(R"("input_tokens": "1/1", "tool_calls": "5/1")", R"({"input_tokens": 1, "tool_calls": 3})"), "16");
  EXPECT_EQ(reason(R"("input_tokens": "1/1M")", R"({"tool_calls": 3})"), "no rate for tool_calls");
}

TEST(OtherMeters, StandAlone) {
  EXPECT_EQ(cost(R"("aaa": "1/1", "zzz": "10/1", "review_minutes": "100/1", "mmm": "3/1")",
                 R"({"zzz": 1, "aaa": 2, "review_minutes": 0.5})"),
            "62");
}

TEST(Fallback, IsReportedWhereAPersonShouldKnow) {
  const auto check = [](const std::string& card, std::string_view row, std::string_view expected) {
    const Costing result = costing(rates(card), usage(row));
    EXPECT_EQ(result.status, PricingStatus::priced_with_fallback) << row;
    EXPECT_EQ(result.reason, expected) << row;
  };
  check(R"("input_tokens": "1/1")", R"({"input_tokens": 2, "cache_read_tokens": 1})",
        "cache_read_tokens at the input_tokens rate");
  check(R"("input_tokens": "1/1")", R"({"input_tokens": 3, "cache_read_tokens": 1, "cache_write_tokens": 1})",
        "cache_read_tokens at the input_tokens rate; cache_write_tokens at the input_tokens rate");
  check(R"("output_tokens": "1/1")", R"({"output_tokens": 2, "output_image_tokens": 1})",
        "output_image_tokens at the output_tokens rate");
  check(R"("input_tokens": "1/1", "cache_write_tokens": "2/1")",
        R"({"input_tokens": 2, "cache_write_tokens": 2, "cache_write_24h_tokens": 2})",
        "cache_write_24h_tokens at the cache_write_tokens rate");
}

TEST(Fallback, IsSilentWhereVendorsAllDoIt) {
  EXPECT_EQ(status(R"("input_tokens": "1/1", "output_tokens": "1/1", "cache_read_tokens": "1/1")",
                   R"({"input_tokens": 9, "input_text_tokens": 8, "input_tool_tokens": 1, "cache_read_tokens": 2,
                       "cache_text_read_tokens": 2, "input_text_tool_tokens": 1, "output_tokens": 9,
                       "output_text_tokens": 2, "output_reasoning_tokens": 3, "output_citation_tokens": 3})"),
            PricingStatus::priced);
}

TEST(Fallback, OfAnEmptyLeafIsNone) {
  EXPECT_EQ(status(R"("input_tokens": "1/1", "cache_audio_read_tokens": "1/1", "input_audio_tokens": "1/1")",
                   R"({"input_tokens": 9, "input_audio_tokens": 4, "cache_read_tokens": 4,
                       "cache_audio_read_tokens": 4})"),
            PricingStatus::priced)
      << "all cached tokens are audio, and that is rated";
}

TEST(Fallback, UnsplitWritesBillAtTheFiveMinuteRateAndSaySo) {
  const Costing without = costing(rates(R"("input_tokens": "3/1", "cache_write_5m_tokens": "4/1",
                                           "cache_write_1h_tokens": "6/1")"),
                                  usage(R"({"input_tokens": 10, "cache_write_tokens": 5})"));
  EXPECT_EQ(without.cost.to_string(), "35");
  EXPECT_EQ(without.status, PricingStatus::priced_with_fallback);
  EXPECT_EQ(without.reason, "cache_write_tokens at the cache_write_5m_tokens rate");
  const std::string both = R"("input_tokens": "3/1M", "cache_write_tokens": "4/1M", "cache_write_1h_tokens": "6/1M")";
  EXPECT_EQ(reason(both, R"({"input_tokens": 10, "cache_write_tokens": 5})"),
            "cache_write_tokens without a lifetime at the cache_write_tokens rate, cache_write_1h_tokens has another");
  EXPECT_EQ(status(both, R"({"input_tokens": 10, "cache_write_tokens": 5, "cache_write_1h_tokens": 5})"),
            PricingStatus::priced);
  EXPECT_EQ(status(R"("input_tokens": "3/1M", "cache_write_tokens": "4/1M", "cache_write_1h_tokens": "0.004/1k")",
                   R"({"input_tokens": 10, "cache_write_tokens": 5})"),
            PricingStatus::priced)
      << "the same rate, written otherwise";
}

}  // namespace
}  // namespace spend::test
