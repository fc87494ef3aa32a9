#include "core/price_table_merge.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

namespace spend::test {
namespace {

struct Entry {
  std::string model;
  Timestamp from;
  Timestamp until;
  int rate;
  std::string tier = "standard";
};

constexpr Timestamp day = 86'400'000'000;

PriceTable table(const std::vector<Entry>& entries) {
  std::vector<PriceEntry> prices;
  for (const Entry& entry : entries) {
    PriceEntry price;
    price.sku.provider = "p";
    price.sku.model = entry.model;
    price.sku.service_tier = entry.tier;
    price.valid_from = entry.from;
    price.valid_until = entry.until;
    price.price = rates(R"("input_tokens": ")" + std::to_string(entry.rate) + R"(/1")");
    prices.push_back(price);
  }
  return must(PriceTable::from_entries(std::move(prices)), "entries");
}

void expect_merged(const std::vector<Entry>& base, const std::vector<Entry>& overrides,
                   const std::vector<Entry>& expected) {
  EXPECT_EQ(must(merge(table(base), table(overrides)), "merge").to_json(), table(expected).to_json());
}

TEST(PriceTableMerge, OverridesCutIntoTheBase) {
  const Timestamp first = timestamp_min;
  const Timestamp last = timestamp_max;
  expect_merged({{"a", first, last, 1}}, {{"a", first, last, 2}}, {{"a", first, last, 2}});
  expect_merged({{"a", first, last, 1}}, {{"a", 0, day, 2}},
                {{"a", first, 0, 1}, {"a", 0, day, 2}, {"a", day, last, 1}});
  expect_merged({{"a", first, last, 1}}, {{"a", 0, day, 2}, {"a", day, 2 * day, 3}, {"a", 4 * day, last, 4}},
                {{"a", first, 0, 1},
                 {"a", 0, day, 2},
                 {"a", day, 2 * day, 3},
                 {"a", 2 * day, 4 * day, 1},
                 {"a", 4 * day, last, 4}});
  expect_merged({{"a", 0, 2 * day, 1}, {"a", 2 * day, 4 * day, 2}}, {{"a", day, 3 * day, 9}},
                {{"a", 0, day, 1}, {"a", day, 3 * day, 9}, {"a", 3 * day, 4 * day, 2}});
}

TEST(PriceTableMerge, RangesThatTouchDoNotCut) {
  expect_merged({{"a", 0, day, 1}}, {{"a", day, 2 * day, 2}}, {{"a", 0, day, 1}, {"a", day, 2 * day, 2}});
  expect_merged({{"a", day, 2 * day, 1}}, {{"a", 0, day, 2}}, {{"a", 0, day, 2}, {"a", day, 2 * day, 1}});
}

TEST(PriceTableMerge, SkusAreComparedByNormalisedText) {
  expect_merged({{"Modell \xC3\x84", 0, day, 1}}, {{" modell \xC3\xA4", 0, day, 2}}, {{" modell \xC3\xA4", 0, day, 2}});
  expect_merged({{"a", 0, day, 1, "default"}}, {{"a", 0, day, 2}}, {{"a", 0, day, 2}});
  expect_merged({{"a", 0, day, 1, "batch"}}, {{"a", 0, day, 2}}, {{"a", 0, day, 1, "batch"}, {"a", 0, day, 2}});
}

TEST(PriceTableMerge, NothingOnEitherSide) {
  expect_merged({}, {{"a", 0, day, 1}}, {{"a", 0, day, 1}});
  expect_merged({{"a", 0, day, 1}}, {}, {{"a", 0, day, 1}});
  expect_merged({}, {}, {});
}

TEST(PriceTableMerge, TooManyPricesAreRefused) {
  // Each override splits one base price in two, so the merged card has three for each pair.
  std::vector<PriceEntry> base;
  std::vector<PriceEntry> overrides;
  for (std::size_t i = 0; i < PriceTable::max_entries / 3 + 1; ++i) {
    PriceEntry entry;
    entry.sku.provider = "p";
    entry.sku.model = std::to_string(i);
    base.push_back(entry);
    entry.valid_from = 0;
    entry.valid_until = day;
    overrides.push_back(entry);
  }
  const Result<PriceTable> merged =
      merge(must(PriceTable::from_entries(base), "base"), must(PriceTable::from_entries(overrides), "overrides"));
  ASSERT_FALSE(merged.ok());
  EXPECT_EQ(merged.error().kind, ErrorKind::limit_exceeded);
}

}  // namespace
}  // namespace spend::test
