// Random prices and usages against a second way of computing the same cost: usage is made out of disjoint cells, so
// that what each token costs is known before it is counted, and sums are rational numbers of any size.

#include <gtest/gtest.h>

#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/cost.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

using Rational = boost::multiprecision::cpp_rational;
using Integer = boost::multiprecision::cpp_int;

/// Tokens that share every property, the meters that count them, and the meters whose rate they bill at, nearest first.
struct Cell {
  std::vector<std::string> counted_by;
  std::vector<std::string> billed_by;
};

std::vector<Cell> make_cells() {
  std::vector<Cell> cells;
  for (const std::string modality : {"", "text", "audio", "image", "video", "document"}) {
    const std::string of_input = "input_" + modality + "_tokens";
    const std::string of_output = "output_" + modality + "_tokens";
    if (modality.empty()) {
      cells.push_back({{}, {}});
      cells.push_back({{"cache_read_tokens"}, {"cache_read_tokens"}});
      cells.push_back({{"cache_write_tokens"}, {"cache_write_tokens", "cache_write_5m_tokens"}});
      cells.push_back(
          {{"cache_write_tokens", "cache_write_5m_tokens"}, {"cache_write_5m_tokens", "cache_write_tokens"}});
      for (const std::string lifetime : {"30m", "1h", "24h"}) {
        const std::string meter = "cache_write_" + lifetime + "_tokens";
        cells.push_back({{"cache_write_tokens", meter}, {meter, "cache_write_tokens", "cache_write_5m_tokens"}});
      }
      cells.push_back({{"input_tool_tokens"}, {"input_tool_tokens"}});
    } else {
      const std::string read = "cache_" + modality + "_read_tokens";
      const std::string write = "cache_" + modality + "_write_tokens";
      const std::string tool = "input_" + modality + "_tool_tokens";
      cells.push_back({{of_input}, {of_input}});
      cells.push_back({{"cache_read_tokens", of_input, read}, {read, "cache_read_tokens", of_input}});
      cells.push_back(
          {{"cache_write_tokens", of_input, write}, {write, "cache_write_tokens", "cache_write_5m_tokens", of_input}});
      cells.push_back({{"input_tool_tokens", of_input, tool}, {tool, "input_tool_tokens", of_input}});
    }
  }
  for (Cell& cell : cells) {
    cell.counted_by.emplace_back("input_tokens");
    cell.billed_by.emplace_back("input_tokens");
  }
  for (const std::string part : {"", "reasoning_", "citation_", "text_", "audio_", "image_", "video_", "document_"}) {
    const std::string meter = "output_" + part + "tokens";
    std::vector<std::string> meters = {meter};
    if (!part.empty()) {
      meters.emplace_back("output_tokens");
    }
    cells.push_back({meters, meters});
  }
  for (const std::string flat : {"web_searches", "audio_seconds", "pages", "storage_gb_days", "custom"}) {
    cells.push_back({{flat}, {flat}});
  }
  return cells;
}

class RandomCase {
 public:
  explicit RandomCase(std::mt19937_64& random) : random_(random) {}

  Decimal decimal(int digits, int scale) {
    u128 value = 0;
    for (int i = 0; i < digits; ++i) {
      value = value * 10 + random_() % 10;
    }
    const Result<Decimal> result = Decimal::from_parts(value, scale);
    return result.ok() ? *result : Decimal();
  }
  Decimal quantity() {
    return one_in(20) ? decimal(below(18), below(19))
                      : Decimal::from_integer(static_cast<std::uint64_t>(below(100'000)));
  }
  std::string rate() {
    static constexpr std::array units = {"1", "1k", "1M", "1M", "1M", "1B", "hour"};
    const Decimal amount = one_in(10)   ? Decimal()
                           : one_in(20) ? decimal(below(28), below(19))
                                        : decimal(below(6), below(5));
    return amount.to_string() + "/" + units[static_cast<std::size_t>(below(static_cast<int>(units.size())))];
  }
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool one_in(int count) { return below(count) == 0; }

 private:
  std::mt19937_64& random_;
};

Integer power_of_ten(int exponent) {
  return boost::multiprecision::pow(Integer(10), static_cast<unsigned>(exponent));
}

Rational rational(const Decimal& value) {
  return {Integer(value.coefficient()), power_of_ten(value.scale())};
}

/// Half-even at 18 decimals, as text of an integer count of the last decimal.
Integer rounded(const Rational& value) {
  const Rational scaled = value * power_of_ten(18);
  const Integer numerator = boost::multiprecision::numerator(scaled);
  const Integer denominator = boost::multiprecision::denominator(scaled);
  Integer whole = numerator / denominator;
  const Integer twice = numerator % denominator * 2;
  if (twice > denominator || (twice == denominator && whole % 2 != 0)) {
    ++whole;
  }
  return whole;
}

TEST(P2Exact, RandomPricesAndUsagesAgreeWithRationalArithmetic) {
  std::mt19937_64 random(20'260'305);  // the same cases in every run
  RandomCase make(random);
  const std::vector<Cell> cells = make_cells();
  int priced = 0;
  int unpriced = 0;
  for (int i = 0; i < 20'000; ++i) {
    // A price.
    std::string members;
    for (const Cell& cell : cells) {
      const std::string& meter = cell.billed_by.front();
      if (!make.one_in(3) || meter == "input_tokens" || meter == "output_tokens") {
        if (make.one_in(30)) {
          continue;
        }
        const std::string rate = make.one_in(4) ? R"({"base": ")" + make.rate() + R"(", "tiers": [{"above": )" +
                                                      std::to_string(make.below(200'000)) + R"(, "rate": ")" +
                                                      make.rate() + "\"}]}"
                                                : "\"" + make.rate() + "\"";
        members += (members.empty() ? "\"" : ", \"") + meter + "\": " + rate;
      }
    }
    const Price card = rates(members);

    // A usage, by cells.
    std::vector<std::pair<const Cell*, Decimal>> filled;
    Usage row;
    for (const Cell& cell : cells) {
      // Whatever overlaps is said, zero or not.
      const Decimal amount = make.one_in(2) ? make.quantity() : Decimal();
      filled.emplace_back(&cell, amount);
      for (const std::string& meter : cell.counted_by) {
        const Decimal* const before = row.find(meter);
        row.set(meter, before == nullptr ? amount : must(add(*before, amount), "count"));
      }
    }

    // What it should cost.
    const Decimal* const input = row.find("input_tokens");
    const Decimal basis = input != nullptr ? *input : Decimal();
    bool everything_rated = true;
    Rational expected = 0;
    for (const auto& [cell, amount] : filled) {
      const MeterRate* rate = nullptr;
      for (const std::string& meter : cell->billed_by) {
        rate = rate == nullptr ? card.find(meter) : rate;
      }
      if (rate == nullptr) {
        everything_rated = everything_rated && amount.is_zero();
        continue;
      }
      const bool crossed = !rate->tiers.empty() && basis > rate->tiers[0].threshold;
      const Rate& applied = crossed ? rate->tiers[0].rate : rate->base;
      expected += rational(amount) * rational(applied.amount) / divisor(applied.per);
    }

    const Result<Costing> result = evaluate(card, row, OnInconsistent::raise, true);
    if (rounded(expected) >= power_of_ten(38)) {
      EXPECT_FALSE(result.ok() && result->status != PricingStatus::unpriced);
      continue;
    }
    ASSERT_TRUE(result.ok()) << result.error().message << "\n" << card.to_json() << "\n" << row.to_json();
    if (result->status == PricingStatus::unpriced) {
      // Some other basis may stand in for tokens, so only this direction is certain.
      EXPECT_FALSE(everything_rated) << card.to_json() << "\n" << row.to_json() << "\n" << result->reason;
      ++unpriced;
      continue;
    }
    if (!everything_rated) {
      continue;
    }
    ++priced;
    const Decimal& cost = result->cost;
    ASSERT_EQ(rounded(expected), rounded(rational(cost))) << card.to_json() << "\n" << row.to_json();
    Rational sum = 0;
    for (const CostLine& line : result->lines) {
      sum += rational(line.amount);
    }
    ASSERT_EQ(sum, rational(cost)) << card.to_json() << "\n" << row.to_json();
  }
  EXPECT_GT(priced, 1000);
  EXPECT_GT(unpriced, 1000);
}

}  // namespace
}  // namespace spend::test
