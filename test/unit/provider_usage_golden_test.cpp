// Recorded responses of providers, and what other projects' test suites read out of them: see test/golden/README.md.

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "core/formats/provider_usage.hpp"
#include "json_text.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

std::string member_text(const Json& row, std::string_view name) {
  const Json* const value = row.find(name);
  return value != nullptr ? value->text : std::string();
}

/// Every listed meter has exactly that quantity; absent is 0.
void check_counts(const Usage& found, const Json& expected) {
  for (const auto& [meter, quantity] : expected.members) {
    const Decimal* const count = found.find(meter);
    EXPECT_EQ(count != nullptr ? *count : Decimal(), decimal(quantity.text)) << meter << " of " << found.to_json();
  }
}

/// The usage of the model that answered, or a list of each line's. A row that lists no usage must yield none.
void check(const Json& row, const std::string& provider, const std::string& api) {
  const ProviderUsage read = read_provider_usage(provider, json_text(*row.find("payload")), api);
  const Json& expected = *row.find("expect")->find("usage");
  if (expected.type == Json::Type::null) {
    EXPECT_NE(read.outcome, ProviderUsage::Outcome::usage);
    EXPECT_FALSE(read.problem.empty());
    return;
  }
  ASSERT_EQ(read.outcome, ProviderUsage::Outcome::usage) << read.problem;
  if (expected.type == Json::Type::array) {
    ASSERT_EQ(read.lines.size(), expected.items.size());
    for (std::size_t i = 0; i < read.lines.size(); ++i) {
      check_counts(read.lines[i].usage, expected.items[i]);
    }
  } else {
    check_counts(must(read.answered(), "sum"), expected);
  }
}

TEST(ProviderUsageGolden, EveryRow) {
  std::ifstream file(SPEND_GOLDEN_DIR "/provider_usage.jsonl");
  ASSERT_TRUE(file) << SPEND_GOLDEN_DIR;
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const Result<Json> row = Json::parse(line, {line.size(), 24});
    ASSERT_TRUE(row.ok()) << line;
    SCOPED_TRACE(line);
    check(*row, member_text(*row, "provider"), member_text(*row, "api"));
  }
  EXPECT_GT(rows, 400);
}

/// The vendor's own figure from its own counts, where the tokens explain it; the other rows say why they do not.
TEST(ProviderUsageGolden, WhatVendorsBilled) {
  std::ifstream file(SPEND_GOLDEN_DIR "/billed.jsonl");
  ASSERT_TRUE(file) << SPEND_GOLDEN_DIR;
  int explained = 0;
  int unexplained = 0;
  for (std::string line; std::getline(file, line);) {
    const Result<Json> row = Json::parse(line, {line.size(), 24});
    ASSERT_TRUE(row.ok()) << line;
    SCOPED_TRACE(line);
    const ProviderUsage read =
        read_provider_usage(member_text(*row, "provider"), json_text(*row->find("payload")), member_text(*row, "api"));
    ASSERT_EQ(read.outcome, ProviderUsage::Outcome::usage) << read.problem;
    ASSERT_TRUE(read.lines.front().reported_cost.has_value());
    EXPECT_EQ(read.lines.front().reported_currency, "USD");
    const Costing costed = costing(price(json_text(*row->find("price"))), must(read.answered(), "sum"));
    const bool equal = costed.status != PricingStatus::unpriced && costed.cost == *read.lines.front().reported_cost;
    if (row->find("unexplained") != nullptr) {
      EXPECT_FALSE(equal);
      ++unexplained;
    } else {
      EXPECT_TRUE(equal) << costed.cost.to_string() << " is not " << read.lines.front().reported_cost->to_string()
                         << " " << costed.reason;
      ++explained;
    }
  }
  EXPECT_EQ(explained, 24);
  EXPECT_EQ(unexplained, 7);
}

}  // namespace
}  // namespace spend::test
