// Plain costs against the whole engine: random prices and usages of the kinds that the short way takes, and of those
// that it must leave alone, down to each digit, status and error.

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/plain_price.hpp"
#include "core/price_book.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

class RandomCase {
 public:
  explicit RandomCase(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }

  std::string number() {
    switch (below(12)) {
      case 0:
        return "0";
      case 1:
        return digits(1 + below(20));
      case 2:
        return digits(1 + below(8)) + "." + digits(1 + below(18));
      default:
        return digits(1 + below(5));
    }
  }

  std::string rate() {
    static const std::vector<std::string> units = {"1", "1k", "1M", "1M", "1M", "1M", "1B", "hour"};
    const std::string amount = below(4) == 0 ? number() : digits(1) + "." + digits(1 + below(3));
    return "\"" + amount + "/" + units[below(units.size())] + "\"";
  }

  std::string price() {
    std::string members;
    for (const std::string& meter : meters(1 + below(9))) {
      members += (members.empty() ? "\"" : ", \"") + meter + "\": ";
      members += below(40) == 0 ? R"({"base": "1/1M", "tiers": [{"above": 1000, "rate": "2/1M"}]})" : rate();
    }
    std::string json = "{\"rates\": {" + members + "}";
    if (below(40) == 0) {
      json += R"(, "conditions": [{"if": {"region": "us"}, "multiply": "1.1"}])";
    }
    return json + "}";
  }

  /// Mostly consistent: a part is drawn from its parent's count.
  Usage usage() {
    Usage result;
    for (const std::string& meter : meters(1 + below(6))) {
      const Decimal* const around = parent_of(result, meter);
      const bool fits = around != nullptr && around->scale() == 0 && !around->is_zero() && below(12) != 0;
      const u128 limit = fits ? around->coefficient() / (1 + below(3)) + 1 : 0;
      result.set(meter, fits ? must(Decimal::from_parts(random_() % limit, 0), "part") : decimal(number()));
    }
    return result;
  }

 private:
  std::string digits(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += static_cast<char>('0' + below(10));
    }
    return text.front() == '0' ? "1" + text.substr(1) : text;
  }

  static const Decimal* parent_of(const Usage& usage, const std::string& meter) {
    const MeterInfo* const known = find_meter(meter);
    return known != nullptr && !known->parents[0].empty() ? usage.find(known->parents[0]) : nullptr;
  }

  /// In the registry's order, so that parents come first. The common ones often, all others and strangers at times.
  std::vector<std::string> meters(std::size_t most) {
    static const std::vector<std::string> common = {"input_tokens",
                                                    "cache_read_tokens",
                                                    "cache_write_tokens",
                                                    "cache_write_5m_tokens",
                                                    "cache_write_1h_tokens",
                                                    "output_tokens",
                                                    "output_reasoning_tokens",
                                                    "web_searches",
                                                    "tool_calls",
                                                    "requests"};
    std::vector<std::string> result;
    if (below(10) != 0) {
      result = {"input_tokens", "output_tokens"};
    }
    while (result.size() < most) {
      const std::size_t kind = below(12);
      result.push_back(kind == 0   ? "custom_" + std::to_string(below(2))
                       : kind == 1 ? "cache_write_2h_tokens"
                       : kind < 5  ? std::string(known_meters()[below(known_meters().size())].name)
                                   : common[below(common.size())]);
    }
    std::sort(result.begin(), result.end(), meter_less);
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
  }

  std::mt19937_64 random_;
};

TEST(PlainPrice, CostsWhatTheWholeEngineSays) {
  std::size_t plain_costs = 0;
  std::size_t judged = 0;
  RandomCase cases(20261127);
  for (int i = 0; i < 30'000; ++i) {
    const std::string json = cases.price();
    const Result<Price> price = Price::from_json(json);
    if (!price.ok()) {
      continue;  // a rate that no decimal holds
    }
    for (int k = 0; k < 10; ++k) {
      const Usage usage = cases.usage();
      const std::string image = usage.to_image();
      const std::string what = json + " * " + usage.to_json();
      // With lines asked for, evaluate() never takes the short way.
      const Result<Costing> whole = evaluate(*price, usage, OnInconsistent::raise, true);
      const Result<Costing> brief = evaluate(*price, usage, OnInconsistent::raise, false);
      ASSERT_EQ(whole.ok(), brief.ok()) << what;
      if (whole.ok()) {
        ASSERT_EQ(whole->status, brief->status) << what;
        ASSERT_EQ(whole->reason, brief->reason) << what;
        ASSERT_EQ(whole->cost, brief->cost) << what;
      } else {
        ASSERT_EQ(whole.error().message, brief.error().message) << what;
      }
      PlainCounts counts;
      PlainCounts from_image;
      const bool is_plain = counts.read(usage);
      ASSERT_EQ(is_plain, from_image.read(bytes_of(image))) << what;
      if (!is_plain) {
        continue;
      }
      ASSERT_EQ(counts.present(), from_image.present()) << what;
      for_each_meter(counts.present(), [&](std::size_t meter) { ASSERT_EQ(counts[meter], from_image[meter]) << what; });
      ++judged;
      if (const std::optional<PlainCost> cost = price->plain().cost(from_image, PlainPrice::Wanted::cost)) {
        ++plain_costs;
        ASSERT_TRUE(whole.ok()) << what << ": " << whole.error().message;
        ASSERT_NE(whole->status, PricingStatus::unpriced) << what;
        ASSERT_EQ(whole->cost, cost->decimal()) << what;
      }
    }
  }
  // Both ways are taken often enough for the comparison to say something.
  EXPECT_GT(plain_costs, 50'000U);
  EXPECT_GT(judged - plain_costs, 50'000U);
}

// The way of a report's rows: one book of many prices meets usages of more shapes and kinds than it keeps.
TEST(PlainPrice, BooksCostWhatTheWholeEngineSays) {
  constexpr std::size_t models = 60;
  std::size_t plain_costs = 0;
  std::size_t differing = 0;
  RandomCase cases(20261128);
  for (int round = 0; round < 60; ++round) {
    std::vector<PriceEntry> entries;
    while (entries.size() < models) {
      if (const Result<Price> price = Price::from_json(cases.price()); price.ok()) {
        PriceEntry& entry = entries.emplace_back();
        entry.sku.provider = "p";
        entry.sku.model = "model-of-some-name-" + std::to_string(entries.size());
        entry.price = *price;
      }
    }
    const PriceBook book = PriceBook::build(entries);
    for (int i = 0; i < 3'000; ++i) {
      const PriceEntry& entry = entries[cases.below(models)];
      const Usage usage = cases.usage();
      const std::string image = usage.to_image();
      const std::string what = entry.price.to_json() + " * " + usage.to_json();
      ASSERT_NE(book.answer({.provider = "p", .model = entry.sku.model}, 0), nullptr) << what;
      const std::optional<PlainCost> cost = book.plain_cost("p", entry.sku.model, 0, bytes_of(image));
      PlainCounts counts;
      const bool is_plain = counts.read(bytes_of(image));
      const std::optional<PlainCost> expected =
          is_plain ? entry.price.plain().cost(counts, PlainPrice::Wanted::cost) : std::nullopt;
      // What the book leaves alone is more: large multipliers and usages of many meters.
      ASSERT_LE(cost.has_value(), expected.has_value()) << what;
      differing += cost.has_value() != expected.has_value() ? 1 : 0;
      if (cost.has_value()) {
        ++plain_costs;
        ASSERT_EQ(cost->decimal(), must(evaluate(entry.price, usage, OnInconsistent::raise, true), what).cost) << what;
        for (std::size_t size = 0; i % 50 == 0 && size < image.size(); ++size) {
          ASSERT_FALSE(book.plain_cost("p", entry.sku.model, 0, bytes_of(image).first(size)).has_value()) << what;
        }
        ASSERT_FALSE(book.plain_cost("p", entry.sku.model, 0, bytes_of(image + '\1')).has_value()) << what;
      }
    }
  }
  EXPECT_GT(plain_costs, 20'000U);
  EXPECT_LT(differing, plain_costs / 2);
}

TEST(PlainPrice, BooksLeaveOverflowsToTheEngine) {
  std::vector<PriceEntry> entries(3);
  entries[0].price = rates(R"("input_tokens": "1/1", "cache_read_tokens": "0.000000000000000001/1")");
  entries[1].price = rates(R"("input_tokens": "2.147483647/1", "requests": "1/1")");
  entries[2].price = rates(R"("input_tokens": "2.147483648/1")");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].sku.provider = "p";
    entries[i].sku.model = std::to_string(i);
  }
  const PriceBook book = PriceBook::build(entries);
  const auto cost = [&](const char* model, const char* usage_json) {
    book.answer({.provider = "p", .model = model}, 0);
    const std::optional<PlainCost> found = book.plain_cost("p", model, 0, bytes_of(usage(usage_json).to_image()));
    return found.has_value() ? std::optional(found->decimal().to_string()) : std::nullopt;
  };
  EXPECT_EQ(cost("0", R"({"input_tokens": 1})"), std::nullopt) << "18 decimals beside whole units";
  EXPECT_EQ(cost("1", R"({"input_tokens": 1})"), "3.147483647") << "a call counts once";
  EXPECT_EQ(cost("1", R"({"input_tokens": 1, "requests": 3})"), "5.147483647");
  EXPECT_EQ(cost("1", R"({"input_tokens": 4294967297})"), "9223372035.707292159");
  EXPECT_EQ(cost("1", R"({"input_tokens": 4294967298})"), std::nullopt) << "64 bits hold no more";
  EXPECT_EQ(cost("1", R"({"input_tokens": 72057594037927935})"), std::nullopt);
  EXPECT_EQ(cost("2", R"({"input_tokens": 1})"), std::nullopt) << "32 bits hold no such rate";
  EXPECT_EQ(book.plain_cost("p", "unheard", 0, bytes_of(usage("{}").to_image())), std::nullopt);
}

std::optional<std::string> plain(const std::string& members, std::string_view usage_json) {
  PlainCounts counts;
  if (!counts.read(usage(usage_json))) {
    return std::nullopt;
  }
  const std::optional<PlainCost> cost = rates(members).plain().cost(counts, PlainPrice::Wanted::cost);
  return cost.has_value() ? std::optional(cost->decimal().to_string()) : std::nullopt;
}

TEST(PlainPrice, CommonUsageIsPlain) {
  const std::string claude =
      R"("input_tokens": "3/1M", "cache_read_tokens": "0.3/1M", "cache_write_5m_tokens": "3.75/1M",
                                "cache_write_1h_tokens": "6/1M", "output_tokens": "15/1M", "web_searches": "10/1k")";
  EXPECT_EQ(plain(claude, R"({"input_tokens": 1000, "cache_read_tokens": 800, "output_tokens": 10})"), "0.00099");
  EXPECT_EQ(plain(claude, R"({"input_tokens": 1000, "cache_write_tokens": 900, "cache_write_5m_tokens": 500,
                              "cache_write_1h_tokens": 400, "output_tokens": 10, "web_searches": 2})"),
            "0.024725");
  EXPECT_EQ(plain(claude, R"({"output_tokens": 10, "output_reasoning_tokens": 7, "tool_calls": 3})"), "0.00015");
  EXPECT_EQ(plain(claude, "{}"), "0");
  EXPECT_EQ(plain(R"("output_tokens": "1/1", "requests": "0.005/1")", R"({"output_tokens": 2})"), "2.005");
}

TEST(PlainPrice, LeavesTheRestToTheEngine) {
  const std::string members = R"("input_tokens": "3/1M", "cache_read_tokens": "0.3/1M")";
  for (const char* const usage_json :
       {R"({"input_tokens": 10, "cache_read_tokens": 11})", R"({"cache_read_tokens": 11})", R"({"input_tokens": 1.5})",
        R"({"input_tokens": 72057594037927936})", R"({"output_tokens": 1})", R"({"input_tokens": 10, "other": 1})",
        R"({"tool_calls": 1})", R"({"input_tokens": 10, "cache_read_tokens": 5, "input_audio_tokens": 6})",
        R"({"input_tokens": 10, "cache_read_tokens": 6, "input_tool_tokens": 6})"}) {
    EXPECT_EQ(plain(members, usage_json), std::nullopt) << usage_json;
  }
  EXPECT_EQ(plain(R"("input_tokens": "9000000000/1")", R"({"input_tokens": 9000000000})"), std::nullopt);
  EXPECT_FALSE(rates(R"("input_tokens": "3/hour")").plain().is_usable());
}

TEST(PlainCounts, HostileImagesAreNotRead) {
  const std::string image = usage(R"({"input_tokens": 300, "output_tokens": 10})").to_image();
  for (std::size_t size = 0; size < image.size(); ++size) {
    PlainCounts counts;
    EXPECT_FALSE(counts.read(bytes_of(std::string_view(image).substr(0, size)))) << size;
  }
  PlainCounts counts;
  EXPECT_FALSE(counts.read(bytes_of(image + '\0')));
  const std::string twice = std::string("\1\0\2\0", 4) + std::string("\5pages\0\1\7\5pages\0\1\7", 18);
  EXPECT_FALSE(PlainCounts().read(bytes_of(twice)));
}

}  // namespace
}  // namespace spend::test
