#include "core/cost.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

TEST(P2Exact, HourRateIsDividedLast) {
  EXPECT_EQ(cost(R"("audio_seconds": "0.36/hour")", R"({"audio_seconds": 1})"), "0.0001");
  EXPECT_EQ(cost(R"("audio_seconds": "3.6/hour")", R"({"audio_seconds": 0.1})"), "0.0001");
  EXPECT_EQ(cost(R"("audio_seconds": "1/hour")", R"({"audio_seconds": 1})"), "0.000277777777777778");
  EXPECT_EQ(cost(R"("audio_seconds": "1/hour")", R"({"audio_seconds": 3600})"), "1");
  EXPECT_EQ(cost(R"("audio_seconds": "1/hour", "video_seconds": "1/hour", "pages": "1/1")",
                 R"({"audio_seconds": 1200, "video_seconds": 2400, "pages": 1})"),
            "2")
      << "a third and two thirds";
}

TEST(P2Exact, HalfEvenAtEighteenDecimals) {
  const auto tiny = [](const char* tokens) {
    return cost(R"("input_tokens": "0.000000000000000001/1k")", "{\"input_tokens\": " + std::string(tokens) + "}");
  };
  EXPECT_EQ(tiny("499"), "0");
  EXPECT_EQ(tiny("500"), "0") << "half goes to even";
  EXPECT_EQ(tiny("501"), "0.000000000000000001");
  EXPECT_EQ(tiny("1500"), "0.000000000000000002");
  EXPECT_EQ(tiny("2500"), "0.000000000000000002");
  EXPECT_EQ(tiny("2500.000000000000000001"), "0.000000000000000003");
}

TEST(P2Exact, RoundedOnceNotPerMeter) {
  const Price card = rates(R"("input_tokens": "0.000000000000000001/1k", "output_tokens": "0.000000000000000001/1k")");
  const Costing result = costing(card, usage(R"({"input_tokens": 400, "output_tokens": 400})"));
  EXPECT_EQ(result.cost.to_string(), "0.000000000000000001");
  ASSERT_EQ(result.lines.size(), 2U);
  EXPECT_EQ(must(add(result.lines[0].amount, result.lines[1].amount), "lines"), result.cost);
}

TEST(P2Exact, AMillionRowsOfTenTokens) {
  Decimal sum;
  const Price card = rates(R"("input_tokens": "0.15/1M")");
  const Usage row = usage(R"({"input_tokens": 10})");
  for (int i = 0; i < 1'000'000; ++i) {
    const Result<Costing> result = evaluate(card, row, OnInconsistent::raise, false);
    ASSERT_TRUE(result.ok());
    sum = must(add(sum, result->cost), "sum");
  }
  EXPECT_EQ(sum.to_string(), "1.5");
}

TEST(P2Exact, ExtremesAreExactOrAnError) {
  const char* const largest = "99999999999999999999.999999999999999999";
  const Usage many = usage("{\"input_tokens\": " + std::string(largest) + "}");
  EXPECT_EQ(cost(rates(R"("input_tokens": "1/1")"), many), largest);
  EXPECT_EQ(cost(rates("\"input_tokens\": \"" + std::string(largest) + "/1\""), usage(R"({"input_tokens": 1})")),
            largest);
  EXPECT_EQ(kind_of(evaluate(rates(R"("input_tokens": "1.000000000000000001/1")"), many, OnInconsistent::clamp, false)),
            ErrorKind::out_of_range);
  EXPECT_EQ(kind_of(evaluate(rates("\"input_tokens\": \"" + std::string(largest) + "/1\""), many, OnInconsistent::clamp,
                             true)),
            ErrorKind::out_of_range);
  EXPECT_EQ(cost(rates(R"("input_tokens": "0.000000000000000001/1B")"), many), "0.0000001");
  EXPECT_EQ(cost(rates(R"("audio_seconds": "36/hour")"), usage("{\"audio_seconds\": " + std::string(largest) + "}")),
            "1000000000000000000");
  EXPECT_EQ(kind_of(evaluate(rates(R"("a": "1/1", "b": "1/1")"), usage(R"({"a": 99999999999999999999, "b": 1})"),
                             OnInconsistent::clamp, false)),
            ErrorKind::out_of_range);
}

TEST(P2Exact, LinesAddUpEvenWhenEachRoundsUp) {
  // 256 lines of 0.6 units of the last decimal: each rounds to 1, together they are 153.6.
  std::string members;
  std::string row = "{";
  for (int i = 0; i < 256; ++i) {
    members += (i > 0 ? ", " : "") + std::string("\"m") + std::to_string(i) + R"(": "0.000000000000000001/1k")";
    row += (i > 0 ? ", " : "") + std::string("\"m") + std::to_string(i) + "\": 600";
  }
  const Price card = rates(members);
  const Costing result = costing(card, usage(row + "}"));
  EXPECT_EQ(result.cost.to_string(), "0.000000000000000154");
  ASSERT_EQ(result.lines.size(), 256U);
  Decimal sum;
  for (const CostLine& line : result.lines) {
    sum = must(add(sum, line.amount), "lines");
  }
  EXPECT_EQ(sum, result.cost);
}

TEST(Cost, StatusNames) {
  EXPECT_EQ(to_string(PricingStatus::priced), "priced");
  EXPECT_EQ(to_string(PricingStatus::priced_with_fallback), "priced_with_fallback");
  EXPECT_EQ(to_string(PricingStatus::free), "free");
  EXPECT_EQ(to_string(PricingStatus::inconsistent), "inconsistent");
  EXPECT_EQ(to_string(PricingStatus::unpriced), "unpriced");
}

}  // namespace
}  // namespace spend::test
