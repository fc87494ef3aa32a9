#include "core/cost.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

TEST(ContextTier, AppliesToTheWholeRequestAboveTheThreshold) {
  const std::string card = R"("input_tokens": {"base": "3/1M", "tiers": [{"above": 200000, "rate": "6/1M"}]})";
  EXPECT_EQ(cost(card, R"({"input_tokens": 200000})"), "0.6");
  EXPECT_EQ(cost(card, R"({"input_tokens": 200001})"), "1.200006");
}

TEST(ContextTier, FromIncludesTheThreshold) {
  const std::string card = R"("input_tokens": {"base": "3/1M", "tiers": [{"from": 200000, "rate": "6/1M"}]})";
  EXPECT_EQ(cost(card, R"({"input_tokens": 199999})"), "0.599997");
  EXPECT_EQ(cost(card, R"({"input_tokens": 200000})"), "1.2");
}

TEST(ContextTier, FromAndAboveTheSameThreshold) {
  const std::string card = R"("input_tokens": {"base": "1/1", "tiers": [{"above": 5, "rate": "3/1"},
                                                                       {"from": 5, "rate": "2/1"}]})";
  EXPECT_EQ(cost(card, R"({"input_tokens": 4})"), "4");
  EXPECT_EQ(cost(card, R"({"input_tokens": 5})"), "10");
  EXPECT_EQ(cost(card, R"({"input_tokens": 6})"), "18");
}

TEST(ContextTier, HighestThresholdWinsInNumericOrder) {
  const std::string card = R"("input_tokens": {"base": "1/1", "tiers": [{"above": 128000, "rate": "3/1"},
                                                                       {"above": 90000, "rate": "2/1"}]})";
  EXPECT_EQ(cost(card, R"({"input_tokens": 100000})"), "200000");
  EXPECT_EQ(cost(card, R"({"input_tokens": 128001})"), "384003");
}

TEST(ContextTier, BasisIsTheRequestsInput) {
  const std::string card = R"("input_tokens": "1/1", "cache_read_tokens": {"base": "1/1",
      "tiers": [{"above": 100, "rate": "2/1"}]}, "output_tokens": {"base": "10/1",
      "tiers": [{"above": 100, "rate": "20/1"}]})";
  EXPECT_EQ(cost(card, R"({"input_tokens": 100, "cache_read_tokens": 50, "output_tokens": 500})"), "5100");
  EXPECT_EQ(cost(card, R"({"input_tokens": 101, "cache_read_tokens": 50, "output_tokens": 1})"), "171")
      << "cached tokens count to the basis";
}

TEST(ContextTier, AnotherBasis) {
  const std::string card = R"("output_tokens": {"base": "1/1", "basis": "output_tokens",
      "tiers": [{"above": 10, "rate": "2/1"}]}, "custom": {"base": "1/1", "basis": "pages",
      "tiers": [{"above": 10, "rate": "2/1"}]}, "pages": "0/1")";
  EXPECT_EQ(cost(card, R"({"output_tokens": 11})"), "22");
  EXPECT_EQ(cost(card, R"({"custom": 1, "pages": 10})"), "1");
  EXPECT_EQ(cost(card, R"({"custom": 1, "pages": 10.5})"), "2");
  EXPECT_EQ(cost(card, R"({"custom": 1})"), "1") << "an absent basis crosses nothing";
}

TEST(ContextTier, IsNamedInTheLine) {
  const Price card = rates(R"("output_tokens": {"base": "1/1", "tiers": [{"above": 10, "rate": "2/1"},
                                                                       {"from": 20, "rate": "3/1"}]},
                              "input_tokens": "1/1")");
  EXPECT_EQ(costing(card, usage(R"({"input_tokens": 10, "output_tokens": 1})")).lines[1].tier, "");
  EXPECT_EQ(costing(card, usage(R"({"input_tokens": 11, "output_tokens": 1})")).lines[1].tier, "input_tokens > 10");
  EXPECT_EQ(costing(card, usage(R"({"input_tokens": 20, "output_tokens": 1})")).lines[1].tier, "input_tokens >= 20");
}

TEST(GraduatedTier, EachSliceAtItsOwnRate) {
  const Price card = rates(R"("input_tokens": {"base": "0.05/1M", "tiers": [{"above": 256000, "rate": "0.25/1M"}],
                              "mode": "graduated"})");
  EXPECT_EQ(cost(card, usage(R"({"input_tokens": 256000})")), "0.0128");
  const Costing result = costing(card, usage(R"({"input_tokens": 1200000})"));
  EXPECT_EQ(result.cost.to_string(), "0.2488");
  ASSERT_EQ(result.lines.size(), 2U);
  EXPECT_EQ(result.lines[0].quantity, decimal("256000"));
  EXPECT_EQ(result.lines[0].tier, "");
  EXPECT_EQ(result.lines[1].quantity, decimal("944000"));
  EXPECT_EQ(result.lines[1].tier, "input_tokens > 256000");
}

TEST(GraduatedTier, ClimbsByTheBilledQuantity) {
  const Price card = rates(R"("input_tokens": {"base": "1/1", "tiers": [{"above": 5, "rate": "2/1"}],
                              "mode": "graduated"}, "cache_read_tokens": "10/1")");
  EXPECT_EQ(cost(card, usage(R"({"input_tokens": 10, "cache_read_tokens": 5})")), "55");
  EXPECT_EQ(cost(card, usage(R"({"input_tokens": 10, "input_audio_tokens": 6})")), "15") << "fallen back alike";
  EXPECT_EQ(
      cost(rates(R"("pages": {"base": "1/1", "tiers": [{"from": 2.5, "rate": "3/1"}, {"above": 2.5, "rate": "2/1"}],
                          "mode": "graduated"})"),
           usage(R"({"pages": 4})")),
      "5.5");
}

}  // namespace
}  // namespace spend::test
