#include "core/cost.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

const char* const three_rates =
    R"("input_tokens": "2.50/1M", "cache_read_tokens": "1.25/1M", "output_tokens": "10/1M")";

TEST(P8BilledOnce, CountsAreInclusive) {
  EXPECT_EQ(cost(three_rates, R"({"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 100})"), "0.003");
}

TEST(P8BilledOnce, CachedTokensLeaveTheInput) {
  const Price card = rates(three_rates);
  const Costing result =
      costing(card, usage(R"({"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 100})"));
  EXPECT_EQ(result.status, PricingStatus::priced);
  EXPECT_EQ(result.reason, "");
  ASSERT_EQ(result.lines.size(), 3U);
  EXPECT_EQ(result.lines[0].meter, "input_tokens");
  EXPECT_EQ(result.lines[0].quantity, decimal("600"));
  EXPECT_EQ(result.lines[0].rate.to_string(), "2.5/1M");
  EXPECT_EQ(result.lines[0].amount, decimal("0.0015"));
  EXPECT_EQ(result.lines[1].meter, "cache_read_tokens");
  EXPECT_EQ(result.lines[1].quantity, decimal("400"));
  EXPECT_EQ(result.lines[1].amount, decimal("0.0005"));
  EXPECT_EQ(result.lines[2].meter, "output_tokens");
  EXPECT_EQ(result.lines[2].amount, decimal("0.001"));
}

TEST(P8BilledOnce, VendorsOwnFigures) {
  // xAI reports what it billed in units of 1e-10 USD.
  EXPECT_EQ(cost(R"("input_tokens": "0.30/1M", "cache_read_tokens": "0.075/1M", "output_tokens": "0.50/1M")",
                 R"({"input_tokens": 12, "cache_read_tokens": 11, "output_tokens": 291,
                     "output_reasoning_tokens": 290})"),
            "0.000146625");
  EXPECT_EQ(cost(R"("input_tokens": "1.25/1M", "cache_read_tokens": "0.20/1M", "output_tokens": "2.50/1M")",
                 R"({"input_tokens": 35683, "cache_read_tokens": 832, "output_tokens": 1176,
                     "output_reasoning_tokens": 731})"),
            "0.04667015");
}

TEST(P8BilledOnce, CacheLifetimesSplitTheWrites) {
  EXPECT_EQ(cost(R"("input_tokens": "3/1M", "cache_write_tokens": "3.75/1M", "cache_write_1h_tokens": "6/1M")",
                 R"({"input_tokens": 14055, "cache_write_tokens": 14055, "cache_write_5m_tokens": 56,
                     "cache_write_1h_tokens": 13999})"),
            "0.084204");
}

TEST(P8BilledOnce, CachedAudioIsTakenFromBothOnce) {
  const std::string all = R"("input_tokens": "1/1M", "cache_read_tokens": "2/1M", "input_audio_tokens": "3/1M",
                             "cache_audio_read_tokens": "4/1M")";
  // 400 neither, 300 cached, 200 audio, 100 both
  EXPECT_EQ(cost(all, R"({"input_tokens": 1000, "cache_read_tokens": 400, "input_audio_tokens": 300,
                          "cache_audio_read_tokens": 100})"),
            "0.002");
}

TEST(P8BilledOnce, CachedAudioWithoutRateBillsAsCached) {
  const Costing result =
      costing(rates(R"("input_tokens": "4/1M", "input_audio_tokens": "32/1M", "cache_read_tokens": "0.5/1M")"),
              usage(R"({"input_tokens": 283, "input_text_tokens": 116, "input_audio_tokens": 167,
                        "cache_read_tokens": 192, "cache_text_read_tokens": 64, "cache_audio_read_tokens": 128})"));
  EXPECT_EQ(result.cost.to_string(), "0.001552");
  EXPECT_EQ(result.status, PricingStatus::priced_with_fallback);
  EXPECT_EQ(result.reason, "cache_audio_read_tokens at the cache_read_tokens rate");
}

TEST(P8BilledOnce, CachedAudioWithoutCacheRateBillsAsAudio) {
  EXPECT_EQ(cost(R"("input_tokens": "1/1", "input_audio_tokens": "10/1")",
                 R"({"input_tokens": 10, "cache_read_tokens": 4, "input_audio_tokens": 3,
                     "cache_audio_read_tokens": 2})"),
            "37");
}

TEST(P8BilledOnce, ReasoningIsPartOfTheOutput) {
  EXPECT_EQ(cost(R"("output_tokens": "2/1")", R"({"output_tokens": 10, "output_reasoning_tokens": 7})"), "20");
  EXPECT_EQ(cost(R"("output_tokens": "2/1", "output_reasoning_tokens": "3/1")",
                 R"({"output_tokens": 10, "output_reasoning_tokens": 7})"),
            "27");
  EXPECT_EQ(cost(R"("output_tokens": "2/1", "output_reasoning_tokens": "0/1")",
                 R"({"output_tokens": 10, "output_reasoning_tokens": 7})"),
            "6")
      << "an explicit zero is free, absent is not";
}

TEST(P8BilledOnce, GrandchildrenOfAnUnratedParent) {
  EXPECT_EQ(cost(R"("input_tokens": "1/1", "cache_write_1h_tokens": "5/1")",
                 R"({"input_tokens": 10, "cache_write_tokens": 6, "cache_write_1h_tokens": 4,
                     "cache_write_5m_tokens": 2})"),
            "26");
}

TEST(MissingOverlap, CountsAsNothing) {
  EXPECT_EQ(cost(R"("input_tokens": "1/1", "cache_read_tokens": "2/1", "input_audio_tokens": "3/1")",
                 R"({"input_tokens": 10, "cache_read_tokens": 4, "input_audio_tokens": 3})"),
            "20");
}

TEST(MissingOverlap, IsAmbiguousWhenBothExceedTheInput) {
  const std::string card = R"("input_tokens": "1/1", "cache_read_tokens": "2/1", "input_audio_tokens": "3/1")";
  const char* const row = R"({"input_tokens": 10, "cache_read_tokens": 7, "input_audio_tokens": 6})";
  const Costing result = costing(rates(card), usage(row));
  EXPECT_EQ(result.status, PricingStatus::inconsistent);
  EXPECT_EQ(result.reason,
            "cache_audio_read_tokens is missing although there is cache_read_tokens 7 + "
            "input_audio_tokens 6 in input_tokens 10");
  EXPECT_EQ(result.cost.to_string(), "23") << "the least possible overlap: 3 audio, 7 cached";
  EXPECT_EQ(kind_of(evaluate(rates(card), usage(row), OnInconsistent::raise, false)), ErrorKind::inconsistent_usage);
}

TEST(MissingOverlap, IsAmbiguousWhenItHasItsOwnRate) {
  const std::string card = R"("input_tokens": "1/1", "cache_read_tokens": "2/1", "input_audio_tokens": "3/1",
                              "cache_audio_read_tokens": "4/1")";
  EXPECT_EQ(status(card, R"({"input_tokens": 10, "cache_read_tokens": 4, "input_audio_tokens": 3})"),
            PricingStatus::inconsistent);
  EXPECT_EQ(status(card, R"({"input_tokens": 10, "cache_read_tokens": 4, "input_audio_tokens": 3,
                             "cache_audio_read_tokens": 0})"),
            PricingStatus::priced)
      << "an explicit zero settles it";
  EXPECT_EQ(status(card, R"({"input_tokens": 10, "cache_read_tokens": 4})"), PricingStatus::priced);
}

TEST(MissingOverlap, IsNoQuestionWhenTheCountsLeaveNoChoice) {
  const std::string card = R"("input_tokens": "1/1", "cache_read_tokens": "2/1", "input_audio_tokens": "3/1",
                              "cache_audio_read_tokens": "4/1")";
  const Costing all_audio =
      costing(rates(card), usage(R"({"input_tokens": 10, "cache_read_tokens": 4, "input_audio_tokens": 10})"));
  EXPECT_EQ(all_audio.status, PricingStatus::priced) << "all cached tokens are audio";
  EXPECT_EQ(all_audio.cost.to_string(), "34");
  const Costing all_explained =
      costing(rates(card), usage(R"({"input_tokens": 10, "cache_read_tokens": 4, "input_audio_tokens": 3,
                                     "input_text_tokens": 7, "cache_text_read_tokens": 4})"));
  EXPECT_EQ(all_explained.status, PricingStatus::priced) << "all cached tokens are text";
  EXPECT_EQ(all_explained.cost.to_string(), "20");
}

TEST(MissingOverlap, DoesNotMatterWhereNothingIsRatedApart) {
  EXPECT_EQ(status(R"("input_tokens": "1/1", "cache_read_tokens": "2/1")",
                   R"({"input_tokens": 9, "input_text_tokens": 9, "cache_read_tokens": 4})"),
            PricingStatus::priced);
}

TEST(MissingOverlap, OfSeveralModalitiesTogether) {
  const std::string card = R"("input_tokens": "1/1", "cache_read_tokens": "2/1", "input_audio_tokens": "3/1",
                              "input_image_tokens": "4/1")";
  // Each modality alone could be uncached, both together cannot.
  const char* const row =
      R"({"input_tokens": 10, "cache_read_tokens": 4, "input_audio_tokens": 5, "input_image_tokens": 5})";
  const Costing result = costing(rates(card), usage(row));
  EXPECT_EQ(result.status, PricingStatus::inconsistent);
  Decimal billed;
  for (const CostLine& line : result.lines) {
    billed = must(add(billed, line.quantity), "quantities");
  }
  EXPECT_EQ(billed, decimal("10")) << "no token more than the input";
}

}  // namespace
}  // namespace spend::test
