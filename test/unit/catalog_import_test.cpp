#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "core/import/catalog.hpp"
#include "core/import/litellm_keys.hpp"
#include "core/import/litellm_names.hpp"
#include "core/json.hpp"
#include "core/timestamp_text.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

std::string file_text(const std::string& name) {
  std::ifstream file(std::string(SPEND_SOURCE_DIR) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

ImportedCatalog read(std::string_view format, std::string_view document) {
  return must(read_catalog(format, document), format);
}

Sku sku(std::string provider, std::string model, std::string service_tier = "standard", std::string region = "",
        std::string speed = "", std::string variant = "", std::string surface = "") {
  return {std::move(provider),     std::move(model), std::move(surface), std::move(region),
          std::move(service_tier), std::move(speed), std::move(variant)};
}

/// The price of a SKU at a time, as text; "" when there is none.
std::string price_of(const ImportedCatalog& catalog, const Sku& wanted, Timestamp at = 0) {
  for (const ImportedPrice& price : catalog.prices) {
    if (price.sku == wanted && price.valid_from <= at && at < price.valid_until) {
      return price.price.to_json();
    }
  }
  return {};
}

std::string reason_of(const ImportedCatalog& catalog, std::string_view name) {
  for (const QuarantinedEntry& entry : catalog.quarantined) {
    if (entry.name == name) {
      return entry.reason;
    }
  }
  return {};
}

std::string note_of(const ImportedCatalog& catalog, std::string_view name) {
  for (const ImportedPrice& price : catalog.prices) {
    if (price.name == name) {
      return price.note;
    }
  }
  return {};
}

std::string usd(const std::string& text) {
  return R"({"currency": "USD", "rates": {)" + text + "}}";
}

TEST(LiteLlm, EveryCostKeyOfTheCatalogGoesSomewhere) {
  const Json document = must(Json::parse(file_text("test/catalogs/litellm.json"), {.max_bytes = 1 << 20}), "cut");
  std::set<std::string> cost_keys;
  for (const auto& [model, entry] : document.members) {
    for (const auto& [key, value] : entry.members) {
      if (looks_like_litellm_cost(key)) {
        cost_keys.insert(key);
        EXPECT_NE(describe_litellm_key(key), "") << key << " of " << model;
      }
    }
  }
  EXPECT_EQ(cost_keys.size(), 88U);
  // The documentation says of each of them where it goes, and nothing else.
  std::map<std::string, std::string> documented;
  std::istringstream lines(file_text("docs/catalogs.md"));
  bool in_table = false;
  for (std::string line; std::getline(lines, line);) {
    in_table = line == "| key | becomes |" || (in_table && line.starts_with('|'));
    if (in_table && line.starts_with("| `")) {
      const std::size_t end = line.find("` | ");
      const std::string key = line.substr(3, end - 3);
      documented[key] = line.substr(end + 4, line.rfind(" |") - end - 4);
    }
  }
  for (const std::string& key : cost_keys) {
    EXPECT_EQ(documented[key], describe_litellm_key(key)) << key;
  }
  EXPECT_EQ(documented.size(), cost_keys.size());
}

TEST(LiteLlm, Keys) {
  EXPECT_EQ(describe_litellm_key("cache_creation_input_token_cost_above_1hr_above_200k_tokens"),
            "`cache_write_1h_tokens`, above 200000 input tokens");
  EXPECT_EQ(describe_litellm_key("input_cost_per_token_above_512k_tokens_flex"),
            "`input_tokens`, above 512000 input tokens, service tier `flex`");
  EXPECT_EQ(describe_litellm_key("output_cost_per_second_4k").substr(0, 15), "`video_seconds`");
  for (const char* unknown :
       {"input_cost_per_smell", "_batches", "input_cost_per_token_above_k_tokens", "cost", "tiered_pricing_flex",
        "regional_processing_uplift_multiplier", "input_cost_per_token_", "regional_processing_uplift_multiplier_",
        "input_cost_per_token_above_99999999999k_tokens"}) {
    EXPECT_FALSE(parse_litellm_key(unknown).has_value()) << unknown;
  }
}

/// What the standard sheet of one model costs at a time.
std::string cost_of(const std::string& entry, const std::string& usage, std::string_view at,
                    const std::string& service_tier = "standard", const std::string& region = "") {
  const ImportedCatalog catalog = read("litellm", R"({"m": {"litellm_provider": "p", "mode": "chat", )" + entry + "}}");
  for (const ImportedPrice& price : catalog.prices) {
    if (price.sku == sku("p", "m", service_tier)) {
      RequestContext request;
      request.at = must(parse_timestamp(at), at);
      request.service_tier = service_tier;
      request.region = region;
      return must(evaluate(price.price, must(Usage::from_json(usage), usage), OnInconsistent::raise, false, request),
                  entry)
          .cost.to_string();
    }
  }
  return "no price: " + reason_of(catalog, "m");
}

TEST(LiteLlm, OffPeakRatesReplaceAllOthersAtTheirHours) {
  // Figures of test_llm_cost_calc_utils.py in BerriAI/litellm.
  const std::string base =
      R"("input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "cache_read_input_token_cost": 1e-7,
         "cache_creation_input_token_cost": 1.25e-6, "output_cost_per_reasoning_token": 4e-6, )";
  const std::string usage = R"({"input_tokens": 100, "output_tokens": 80, "output_reasoning_tokens": 30})";
  const char* const inside = "2026-01-01T18:00:00Z";
  const char* const outside = "2026-01-01T12:00:00Z";
  const std::string all = base + R"("off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 5e-7,
      "output_cost_per_token": 1e-6, "output_cost_per_reasoning_token": "5e-7"})";
  EXPECT_EQ(cost_of(all, usage, inside), "0.000115");
  EXPECT_EQ(cost_of(all, usage, outside), "0.00032");
  EXPECT_EQ(cost_of(all, usage, "2026-01-01T16:29:59Z"), "0.00032");
  EXPECT_EQ(cost_of(all, usage, "2026-01-02T00:29:59Z"), "0.000115");
  // What the block does not rate stays: reasoning and cached tokens at their own rates.
  const std::string some = base + R"("off_peak_pricing": {"hours_utc": ["16:30-00:30"], "input_cost_per_token": 5e-7,
                                     "output_cost_per_token": 1e-6, "cache_creation_input_token_cost": true})";
  EXPECT_EQ(cost_of(some, usage, inside), "0.00022");
  EXPECT_EQ(cost_of(some, R"({"input_tokens": 1000, "cache_read_tokens": 100, "cache_write_tokens": 400})", inside),
            "0.00076");
  // A rate that the model does not have goes with its parent at that hour.
  const std::string plain = R"("input_cost_per_token": 3e-6, "off_peak_pricing": {"hours_utc": "00:00-23:59",
                               "input_cost_per_token": 5e-6})";
  EXPECT_EQ(cost_of(plain, R"({"input_tokens": 100, "cache_read_tokens": 100})", inside), "0.0005");
  // Steps and service tiers give way, too.
  const std::string steps = R"("input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
      "input_cost_per_token_above_200k_tokens": 3e-6, "output_cost_per_token_above_200k_tokens": 4e-6,
      "input_cost_per_token_priority": 2e-6, "output_cost_per_token_priority": 3e-6,
      "off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 5e-7, "output_cost_per_token": 1e-6})";
  const std::string large = R"({"input_tokens": 250000, "output_tokens": 250000})";
  EXPECT_EQ(cost_of(steps, large, inside), "0.375");
  EXPECT_EQ(cost_of(steps, large, outside), "1.75");
  EXPECT_EQ(cost_of(steps, usage, inside, "priority"), "0.00013");
  EXPECT_EQ(cost_of(steps, usage, outside, "priority"), "0.00044");
  const std::string ranges = R"("tiered_pricing": [{"range": [0, 128000], "input_cost_per_token": 3e-6,
      "output_cost_per_token": 6e-6, "output_cost_per_reasoning_token": 8e-6}],
      "off_peak_pricing": {"hours_utc": "16:30-00:30", "output_cost_per_token": 1e-6,
                           "output_cost_per_reasoning_token": 5e-7})";
  EXPECT_EQ(cost_of(ranges, usage, inside), "0.000365");
  EXPECT_EQ(cost_of(ranges, usage, outside), "0.00084");
}

TEST(LiteLlm, OffPeakDays) {
  const auto is_off_peak = [](const std::string& block, std::string_view at) {
    const std::string cost =
        cost_of(R"("input_cost_per_token": 1e-6, "off_peak_pricing": {"input_cost_per_token": 5e-7,)" + block + "}",
                R"({"input_tokens": 1000000})", at);
    EXPECT_TRUE(cost == "1" || cost == "0.5") << cost << block;
    return cost == "0.5";
  };
  const std::string deepseek = R"("windows": [
      {"hours_utc": ["00:00-01:00", "04:00-06:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
      {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
      {"hours_utc": "00:00-00:00", "override_dates": ["2026-01-01", "2026-10-01"]},
      {"hours_utc": ["00:00-01:00", "04:00-06:00", "10:00-00:00"], "override_dates": ["2026-01-04", "2026-02-14"]}])";
  EXPECT_TRUE(is_off_peak(deepseek, "2026-01-01T02:00:00Z"));
  EXPECT_FALSE(is_off_peak(deepseek, "2026-01-08T02:00:00Z"));
  EXPECT_FALSE(is_off_peak(deepseek, "2026-01-04T02:00:00Z"));
  EXPECT_TRUE(is_off_peak(deepseek, "2026-01-04T05:00:00Z"));
  EXPECT_TRUE(is_off_peak(deepseek, "2026-01-11T02:00:00Z"));
  // On a date of its own nothing but that rule decides.
  const std::string dated = R"("hours_utc": "00:00-00:00", "windows": [
      {"hours_utc": "00:00-00:00", "weekdays": [1, 2, 3, 4, 5, 6, 7]},
      {"override_dates": ["2026-03-03"], "hours_utc": "12:00-13:00"}])";
  EXPECT_FALSE(is_off_peak(dated, "2026-03-03T02:00:00Z"));
  EXPECT_TRUE(is_off_peak(dated, "2026-03-03T12:30:00Z"));
  EXPECT_TRUE(is_off_peak(dated, "2026-03-04T02:00:00Z"));
  // Days are those of a calendar; hours are always UTC.
  const std::string saturday =
      R"("weekday_timezone": "Asia/Shanghai", "windows": [{"hours_utc": "16:00-17:00", "weekdays": [6]}])";
  EXPECT_TRUE(is_off_peak(saturday, "2026-08-28T16:30:00Z"));
  EXPECT_FALSE(is_off_peak(saturday, "2026-08-29T16:30:00Z"));
  const std::string holiday =
      R"("weekday_timezone": "Asia/Shanghai", "windows": [{"hours_utc": "00:00-00:00", "override_dates": ["2026-01-01"]}])";
  EXPECT_TRUE(is_off_peak(holiday, "2025-12-31T16:30:00Z"));
  EXPECT_FALSE(is_off_peak(holiday, "2025-12-31T15:30:00Z"));
  EXPECT_FALSE(is_off_peak(holiday, "2026-01-01T16:30:00Z"));
  // The day is that of the moment, not of the beginning.
  const std::string over_midnight = R"("windows": [{"hours_utc": "22:00-02:00", "weekdays": ["Sat", "thurs"]}])";
  EXPECT_TRUE(is_off_peak(over_midnight, "2026-08-29T01:00:00Z"));
  EXPECT_TRUE(is_off_peak(over_midnight, "2026-08-29T23:00:00Z"));
  EXPECT_FALSE(is_off_peak(over_midnight, "2026-08-30T01:00:00Z"));
  EXPECT_TRUE(is_off_peak(R"("hours_utc": "04:00-06:00", "windows": [{"hours_utc": "00:00-00:00", "weekdays": [7]}])",
                          "2026-08-28T05:00:00Z"));
  // A rule that cannot be read is left out, and only that.
  const std::string friday =
      R"("weekday_timezone": "Not/AZone", "windows": [{"hours_utc": "16:00-17:00", "weekdays": [5]}])";
  EXPECT_TRUE(is_off_peak(friday, "2026-08-28T16:30:00Z"));
  for (const char* const bad :
       {R"("windows": [{"hours_utc": "00:00-00:00", "weekdays": []}])",
        R"("windows": [{"hours_utc": "00:00-00:00", "weekdays": [0, 8, "noday", true]}])",
        R"("windows": [{"weekdays": [6]}])", R"("windows": [{"hours_utc": 1630}])", R"("windows": ["00:00-00:00"])",
        R"("windows": "00:00-00:00")", R"("hours_utc": 1630)",
        R"("windows": [{"hours_utc": "00:00-00:00", "override_dates": ["2026-08-29", "2026-8-29"]}])",
        R"("windows": [{"hours_utc": "00:00-00:00", "override_dates": "2026-08-29"}])",
        R"("weekday_timezone": "Europe/Berlin", "windows": [{"hours_utc": "00:00-00:00", "weekdays": [6]}])"}) {
    EXPECT_FALSE(is_off_peak(bad, "2026-08-29T12:00:00Z")) << bad;
  }
  EXPECT_TRUE(
      is_off_peak(R"("hours_utc": "00:00-00:00", "windows": [{"override_dates": ["2026-03-03"], "hours_utc": 5}])",
                  "2026-03-03T12:00:00Z"));
  const ImportedCatalog catalog = read("litellm", R"({"m": {"litellm_provider": "p", "input_cost_per_token": 1e-6,
      "off_peak_pricing": {"input_cost_per_token": 5e-7, "hours_utc": ["25:00-26:00", "1:00-2:00"], "smell": 1}}})");
  EXPECT_EQ(note_of(catalog, "m"),
            "left out: off_peak_pricing: \"25:00-26:00\" are no hours; left out: off_peak_pricing: smell");
  EXPECT_EQ(
      note_of(
          read("litellm",
               R"({"m": {"litellm_provider": "p", "input_cost_per_token": 1e-6, "off_peak_pricing": "16:00-19:00"}})"),
          "m"),
      "left out: off_peak_pricing: it is no object");
}

TEST(LiteLlm, ARangeBillsTheRequestAsAWhole) {
  const char* const at = "2026-01-01T00:00:00Z";
  const std::string cached =
      R"({"input_tokens": 40000, "cache_read_tokens": 5000, "cache_write_tokens": 15000, "output_tokens": 100})";
  // Cached tokens that no range rates are at the range's input rate, whatever stands beside the ranges.
  EXPECT_EQ(cost_of(R"("cache_read_input_token_cost": 9e-9, "cache_creation_input_token_cost": 9e-6, "tiered_pricing": [
      {"range": [0, 32000], "input_cost_per_token": 4.6e-7, "output_cost_per_token": 2.3e-6},
      {"range": [32000, 128000], "input_cost_per_token": 7e-7, "output_cost_per_token": 3.5e-6}])",
                    cached, at),
            "0.02835");
  EXPECT_EQ(cost_of(R"("cache_creation_input_token_cost_above_1hr": 9e-5, "tiered_pricing": [{"range": [0, 128000],
      "input_cost_per_token": 7e-7, "output_cost_per_token": 3.5e-6, "cache_creation_input_token_cost": 8.75e-7}])",
                    R"({"input_tokens": 1000, "cache_write_tokens": 800, "cache_write_5m_tokens": 300,
                        "cache_write_1h_tokens": 500, "output_tokens": 10})",
                    at),
            "0.000875");
  // A range without a rate that another one has.
  const std::string uneven = R"("tiered_pricing": [
      {"range": [0, 32000], "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
       "cache_read_input_token_cost": 1e-7, "output_cost_per_reasoning_token": 3e-6},
      {"range": [32000, 128000], "input_cost_per_token": 2e-6, "output_cost_per_token": 4e-6}])";
  EXPECT_EQ(cost_of(uneven, R"({"input_tokens": 40000, "cache_read_tokens": 5000, "output_tokens": 100,
                                "output_reasoning_tokens": 50})",
                    at),
            "0.0804");
  // The model's own rate of output stands in where no range has one.
  EXPECT_EQ(cost_of(R"("output_cost_per_token": 2e-6, "output_cost_per_reasoning_token": 5e-6,
      "tiered_pricing": [{"range": [0, 128000], "input_cost_per_token": 1e-3}])",
                    R"({"input_tokens": 13, "output_tokens": 182, "output_reasoning_tokens": 100})", at),
            "0.013664");
  EXPECT_EQ(cost_of(R"("input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
      "tiered_pricing": [{"range": [0, 128000], "output_cost_per_token": 3.5e-6}])",
                    R"({"input_tokens": 1000, "output_tokens": 100})", at),
            "0.0012");
  EXPECT_EQ(cost_of(R"("tiered_pricing": [{"range": [0, 10], "input_cost_per_token": 1e-6},
                                          {"range": [10, 20], "output_cost_per_token": 1e-6}])",
                    R"({"input_tokens": 1})", at),
            "no price: tiered_pricing: a range without a rate of input");
}

TEST(LiteLlm, RegionsOfGoogleCostMoreThanTheGlobalEndpoint) {
  const std::string entry = R"("input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
      "input_cost_per_token_above_128k_tokens": 2e-06, "output_cost_per_token_above_128k_tokens": 4e-06,
      "regional_endpoint_uplift_multiplier": 1.1)";
  const std::string usage = R"({"input_tokens": 200000, "output_tokens": 10})";
  const char* const at = "2026-01-01T00:00:00Z";
  EXPECT_EQ(cost_of(entry, usage, at, "standard", "europe-west1"), "0.440044");
  EXPECT_EQ(cost_of(entry, usage, at, "standard", "global"), "0.40004");
  EXPECT_EQ(cost_of(entry, usage, at), "0.40004");
}

TEST(LiteLlm, NewerKeys) {
  const char* const at = "2026-01-01T00:00:00Z";
  const std::string entry = R"("input_cost_per_token": 5e-06, "output_cost_per_token": 3e-05,
      "cache_creation_input_token_cost": 6.25e-06, "cache_read_input_token_cost": 5e-07,
      "input_cost_per_token_ultrafast": 5e-05, "output_cost_per_token_ultrafast": 3e-04,
      "cache_creation_input_token_cost_ultrafast": 6.25e-05, "cache_read_input_token_cost_ultrafast": 5e-06,
      "input_cost_per_video_token": 1.2e-5, "google_maps_grounding_cost_per_query": 0.014,
      "input_cost_per_token_above_512_tokens": 6e-6)";
  EXPECT_EQ(cost_of(entry, R"({"input_tokens": 500, "input_video_tokens": 100, "map_searches": 2})", at), "0.0312");
  EXPECT_EQ(cost_of(entry, R"({"input_tokens": 1000})", at), "0.006");
  EXPECT_EQ(cost_of(entry, R"({"input_tokens": 1000, "cache_read_tokens": 200, "cache_write_tokens": 300,
                               "output_tokens": 400})",
                    at, "ultrafast"),
            "0.16475");
}

TEST(LiteLlm, Names) {
  const struct {
    const char* key;
    const char* provider;
    Sku named;
  } cases[] = {
      {"gpt-4o", "openai", sku("openai", "gpt-4o")},
      {"azure/eu/gpt-4o", "azure", sku("azure", "gpt-4o", "standard", "eu")},
      {"azure/global-standard/gpt-4o", "azure", sku("azure", "gpt-4o", "standard", "global")},
      {"vertex_ai/claude-opus-4", "vertex_ai-anthropic_models",
       sku("google", "claude-opus-4", "standard", "", "", "", "vertex_ai")},
      {"openrouter/anthropic/claude-3-haiku", "openrouter", sku("openrouter", "anthropic/claude-3-haiku")},
      {"bedrock/us-gov-west-1/amazon.nova-pro-v1:0", "bedrock",
       sku("bedrock", "amazon.nova-pro-v1:0", "standard", "us-gov-west-1")},
      {"fireworks_ai/accounts/fireworks/models/x", "fireworks_ai", sku("fireworks", "accounts/fireworks/models/x")},
      {"openai", "openai", sku("openai", "openai")},
      {"a/", "a", sku("a", "")},
  };
  for (const auto& [key, provider, named] : cases) {
    EXPECT_EQ(litellm_sku(key, provider), named) << key;
  }
  EXPECT_EQ(litellm_sku("hd/1024-x-1792/dall-e-3", "openai").variant, "hd/1024x1792");
  EXPECT_EQ(litellm_sku("1024-x-1024/50-steps/bedrock/amazon.nova-canvas-v1:0", "bedrock").variant,
            "1024x1024/50-steps");
  EXPECT_EQ(litellm_sku("1024-x-1024/50-steps/bedrock/amazon.nova-canvas-v1:0", "bedrock").model,
            "amazon.nova-canvas-v1:0");
  EXPECT_EQ(litellm_sku("bedrock/*/6-month-commitment/m", "bedrock").variant, "6-month-commitment");
}

TEST(LiteLlm, TiersRegionsAndSpeedsAreSkusOfTheirOwn) {
  const ImportedCatalog catalog = read("litellm", file_text("test/catalogs/litellm.json"));
  EXPECT_EQ(price_of(catalog, sku("openai", "gpt-4o")),
            usd(R"("input_tokens": "2.5/1M", "cache_read_tokens": "1.25/1M", "output_tokens": "10/1M")"));
  EXPECT_EQ(price_of(catalog, sku("openai", "gpt-4o", "batch")),
            usd(R"("input_tokens": "1.25/1M", "cache_read_tokens": "1.25/1M", "output_tokens": "5/1M")"));
  EXPECT_EQ(price_of(catalog, sku("openai", "gpt-5.6", "flex", "eu")),
            usd(R"("input_tokens": {"base": "2.75/1M", "tiers": [{"above": 272000, "rate": "5.5/1M"}]}, )"
                R"("cache_read_tokens": {"base": "0.275/1M", "tiers": [{"above": 272000, "rate": "0.55/1M"}]}, )"
                R"("cache_write_tokens": {"base": "3.4375/1M", "tiers": [{"above": 272000, "rate": "6.875/1M"}]}, )"
                R"("output_tokens": {"base": "16.5/1M", "tiers": [{"above": 272000, "rate": "24.75/1M"}]})"));
  // Fees are not multiplied.
  EXPECT_EQ(price_of(catalog, sku("anthropic", "claude-opus-4-6", "standard", "us", "fast")),
            usd(R"("input_tokens": "33/1M", "cache_read_tokens": "3.3/1M", "cache_write_tokens": "41.25/1M", )"
                R"("cache_write_1h_tokens": "66/1M", "output_tokens": "165/1M", "web_searches": "10/1k")"));
  // A service tier's own rate comes before a step of the standard one.
  const std::string batch = price_of(catalog, sku("openai", "gpt-5.6", "batch"));
  EXPECT_NE(batch.find(R"("input_tokens": "2.5/1M")"), std::string::npos) << batch;
}

TEST(LiteLlm, OtherMeasures) {
  const ImportedCatalog catalog = read("litellm", file_text("test/catalogs/litellm.json"));
  EXPECT_EQ(price_of(catalog, sku("openai", "whisper-1")), usd(R"("audio_seconds": "0.0001/1")"));
  EXPECT_EQ(price_of(catalog, sku("openai", "dall-e-3", "standard", "", "", "hd/1024x1024")),
            usd(R"("output_pixels": "0.07629/1M")"));
  EXPECT_EQ(price_of(catalog,
                     sku("bedrock", "anthropic.claude-instant-v1", "standard", "us-west-2", "", "1-month-commitment")),
            usd(R"("provisioned_hours": "39.6/1")"));
  EXPECT_EQ(price_of(catalog, sku("exa_ai", "search", "standard", "", "", "26-100")),
            usd(R"("web_searches": "25/1k")"));
  EXPECT_EQ(price_of(catalog, sku("perplexity", "sonar-pro", "standard", "", "", "high")),
            usd(R"("input_tokens": "3/1M", "output_tokens": "15/1M", "requests": "14/1k")"));
  EXPECT_EQ(price_of(catalog, sku("dashscope", "qwen-plus-latest")),
            usd(R"("input_tokens": {"base": "0.4/1M", "tiers": [{"above": 256000, "rate": "1.2/1M"}]}, )"
                R"("output_tokens": {"base": "1.2/1M", "tiers": [{"above": 256000, "rate": "3.6/1M"}]}, )"
                R"("output_reasoning_tokens": {"base": "4/1M", "tiers": [{"above": 256000, "rate": "12/1M"}]})"));
  // xAI counts from the threshold on.
  EXPECT_NE(price_of(catalog, sku("xai", "grok-4-fast-reasoning")).find(R"({"from": 128000)"), std::string::npos);
}

TEST(LiteLlm, WhatCannotBeRightIsQuarantined) {
  const ImportedCatalog catalog = read("litellm", file_text("test/catalogs/litellm.json"));
  EXPECT_EQ(reason_of(catalog, "wandb/openai/gpt-oss-120b"),
            "input_cost_per_token: 0.015 per token is outside 1e-10 to 1e-2");
  EXPECT_EQ(note_of(catalog, "gpt-realtime-whisper"),
            "input_cost_per_second 0.0002833333333333333 taken as 1.02 an hour");
  EXPECT_EQ(reason_of(catalog, "github_copilot/gpt-4o"), "it has no price");
  EXPECT_EQ(reason_of(catalog, "deepseek/deepseek-chat"), "\"deepseek-chat\" has another price for the same SKU");
  EXPECT_EQ(note_of(catalog, "databricks/databricks-meta-llama-3-1-8b-instruct"),
            "input_cost_per_token 1.5000999999999998e-07 taken as 0.00000015001; "
            "input_dbu_cost_per_token 2.1429999999999996e-06 taken as 0.000002143; "
            "output_cost_per_token 4.5003000000000007e-07 taken as 0.00000045003; "
            "output_dbu_cost_per_token 6.429000000000001e-06 taken as 0.000006429; "
            "left out: input_dbu_cost_per_token (the price in DBU); left out: output_dbu_cost_per_token (the price in "
            "DBU)");
  EXPECT_EQ(note_of(catalog, "ollama/llama2"), "free: every rate is 0");
}

TEST(LiteLlm, OneBadEntryFailsNothingElse) {
  const ImportedCatalog catalog = read("litellm", R"({
    "good": {"litellm_provider": "p", "input_cost_per_token": 1e-06, "input_cost_per_smell": 3},
    "negative": {"litellm_provider": "p", "input_cost_per_token": -1},
    "text": {"litellm_provider": "p", "input_cost_per_token": [1]},
    "steps": {"litellm_provider": "p", "tiered_pricing": {"range": [0, 1]}},
    "gap": {"litellm_provider": "p", "tiered_pricing": [{"range": [5, 9], "input_cost_per_token": 1e-06}]},
    "sizes": {"litellm_provider": "p", "input_cost_per_token": 1e-06, "search_context_cost_per_query": {"huge": 1}},
    "dbu": {"litellm_provider": "p", "input_dbu_cost_per_token": 1e-06},
    "nobody's": {"input_cost_per_token": 1e-06},
    "list": [1, 2], "word": "x", "nothing": null})");
  ASSERT_EQ(catalog.prices.size(), 2U);
  EXPECT_EQ(note_of(catalog, "good"), "left out: input_cost_per_smell (unknown)");
  EXPECT_EQ(price_of(catalog, sku("p", "dbu")), R"({"currency": "DBU", "rates": {"input_tokens": "1/1M"}})");
  EXPECT_EQ(catalog.quarantined.size(), 9U);
  EXPECT_EQ(reason_of(catalog, "text"), "input_cost_per_token: not a number");
  EXPECT_EQ(reason_of(catalog, "gap"), "tiered_pricing: a range from 5 to 9 does not go on from 0");
  EXPECT_EQ(reason_of(catalog, "nobody's"), "it is no model");
}

TEST(LiteLlm, RangesOfTokensFollowOneAnotherBesideOtherRates) {
  const auto ranges = [](const std::string& list, const std::string& beside = "") {
    return read("litellm", R"({"m": {"litellm_provider": "p", )" + beside + R"("tiered_pricing": [)" + list + "]}}");
  };
  const std::string low = R"({"range": [0, 32000.0], "input_cost_per_token": 8e-07})";
  const std::string high = R"({"range": [32000, 128000], "input_cost_per_token": 9e-07})";
  const std::string steps = R"("input_tokens": {"base": "0.8/1M", "tiers": [{"above": 32000, "rate": "0.9/1M"}]})";
  EXPECT_EQ(price_of(ranges(low + "," + high), sku("p", "m")), usd(steps));
  // A flat rate of the same meter gives way, and what a range bills as part of it; others stay: one SKU, not two that
  // contradict each other.
  EXPECT_EQ(
      price_of(ranges(low + "," + high, R"("input_cost_per_token": 5e-07, "cache_read_input_token_cost": 1e-07, )"
                                        R"("search_context_cost_per_query": {"search_context_size_medium": 0.01}, )"),
               sku("p", "m")),
      usd(steps + R"(, "web_searches": "10/1k")"));
  for (const std::string& list :
       {low + "," + low, low + R"(,{"range": [64000, 128000], "input_cost_per_token": 1e-06})", high + "," + low,
        std::string(R"({"range": [0, 0], "input_cost_per_token": 1e-06})")}) {
    EXPECT_EQ(reason_of(ranges(list), "m").substr(0, 28), "tiered_pricing: a range from") << list;
  }
}

TEST(LiteLlm, FiguresThatStandElsewhereThanUsual) {
  const ImportedCatalog catalog = read("litellm", R"({
    "soniox/stt": {"litellm_provider": "soniox", "mode": "audio_transcription", "input_cost_per_second": 0.0,
                   "output_cost_per_second": 2.77778e-05},
    "stt": {"litellm_provider": "p", "mode": "audio_transcription", "input_cost_per_second": 0.0001,
            "output_cost_per_second": 0.0},
    "free": {"litellm_provider": "p", "mode": "audio_transcription", "input_cost_per_second": 0.0,
             "output_cost_per_second": 0.0},
    "fee": {"litellm_provider": "p", "input_cost_per_token": 1e-06, "search_context_cost_per_query": 0.01},
    "list": {"litellm_provider": "p", "input_cost_per_token": 1e-06, "search_context_cost_per_query": [0.01]}})");
  // A second of sound is billed once, and what some entry says under "output" is not free for the zero beside it.
  EXPECT_EQ(price_of(catalog, sku("soniox", "stt")), usd(R"("audio_seconds": "0.0000277778/1")"));
  EXPECT_EQ(price_of(catalog, sku("p", "stt")), usd(R"("audio_seconds": "0.0001/1")"));
  EXPECT_EQ(price_of(catalog, sku("p", "free")), usd(R"("audio_seconds": "0/1")"));
  EXPECT_EQ(note_of(catalog, "free"), "free: every rate is 0");
  EXPECT_EQ(price_of(catalog, sku("p", "fee")), usd(R"("input_tokens": "1/1M", "web_searches": "10/1k")"));
  EXPECT_EQ(reason_of(catalog, "list"), "search_context_cost_per_query: not a number");
}

TEST(GenaiPrices, Prices) {
  const ImportedCatalog catalog = read("genai-prices", file_text("test/catalogs/genai_prices.json"));
  const Timestamp before = must(parse_timestamp("2025-06-09T23:59:59Z"), "");
  const Timestamp after = must(parse_timestamp("2025-06-10"), "");
  const Sku o3 = sku("openai", "o3");
  EXPECT_EQ(price_of(catalog, o3, before),
            usd(R"("input_tokens": "10/1M", "cache_read_tokens": "0.5/1M", "output_tokens": "40/1M")"));
  EXPECT_EQ(price_of(catalog, o3, after),
            usd(R"("input_tokens": "2/1M", "cache_read_tokens": "0.5/1M", "output_tokens": "8/1M")"));
  EXPECT_EQ(price_of(catalog, sku("perplexity", "sonar")),
            usd(R"("input_tokens": "1/1M", "output_tokens": "1/1M", "requests": "12/1k")"));
  EXPECT_EQ(
      price_of(catalog, sku("google", "gemini-2.5-pro")).substr(0, 121),
      R"({"currency": "USD", "rates": {"input_tokens": {"base": "1.25/1M", "tiers": [{"above": 200000, "rate": "2.5/1M"}]}, "cache)");
  EXPECT_EQ(note_of(catalog, "huggingface_together/Qwen/Qwen3-VL-8B-Instruct"),
            "input_mtok 0.18000000000000002 taken as 0.18");
  EXPECT_EQ(reason_of(catalog, "openai/moderation"), "it has no price");
  EXPECT_EQ(reason_of(catalog, "openrouter/google/gemini-3-flash-preview").substr(0, 28),
            "cache_write_mtok: float dust");
}

TEST(GenaiPrices, OneBadModelFailsNothingElse) {
  const ImportedCatalog catalog = read("genai-prices", R"([{"models": [
    {"id": "good", "prices": {"input_mtok": 1, "output_mtok": null}},
    {"id": "unknown", "prices": {"input_mtok": 1, "smell": 2}},
    {"id": "absurd", "prices": {"input_mtok": 10001}},
    {"id": "backwards", "prices": [{"constraint": {"start_date": "2026-02-01"}, "prices": {"input_mtok": 1}},
                                   {"constraint": {"start_date": "2026-01-01"}, "prices": {"input_mtok": 2}}]},
    {"id": "tier", "prices": {"input_mtok": {"base": 1, "tiers": [{"start": 5}]}}},
    {"prices": {}}, 7], "id": "P-Q"}])");
  ASSERT_EQ(catalog.prices.size(), 1U);
  EXPECT_EQ(catalog.prices[0].sku.provider, "p-q");
  EXPECT_EQ(catalog.quarantined.size(), 6U);
  EXPECT_EQ(reason_of(catalog, "p-q/backwards"), "its prices do not follow one another in time");
}

TEST(GenaiPrices, OneBadProviderFailsNothingElse) {
  const ImportedCatalog catalog =
      read("genai-prices", R"([null, 7, ["x"], {"id": "a", "models": {"id": "m"}}, {"id": "b"},
    {"models": [{"id": "m", "match": {"equals": "m-2"}, "prices": {"input_mtok": 1}}]},
    {"id": "", "models": [{"id": "m", "prices": [{"prices": {"input_mtok": 1}}]}]},
    {"id": "c", "models": [{"id": "m", "match": {"equals": "m-3"}, "prices": {"input_mtok": 1}}]}])");
  ASSERT_EQ(catalog.prices.size(), 1U);
  EXPECT_EQ(catalog.prices[0].sku.provider, "c");
  ASSERT_EQ(catalog.aliases.size(), 1U);
  EXPECT_EQ(catalog.quarantined.size(), 6U);
  EXPECT_EQ(reason_of(catalog, "a/"), "its models are no list");
  EXPECT_EQ(reason_of(catalog, "/m"), "its provider has no \"id\"");
  EXPECT_EQ(reason_of(catalog, ""), "it is no provider");
}

TEST(GenaiPrices, HoursOfTheDayAreConditions) {
  const ImportedCatalog catalog = read("genai-prices", file_text("test/catalogs/genai_prices.json"));
  EXPECT_EQ(price_of(catalog, sku("deepseek", "deepseek-chat")),
            R"({"currency": "USD", "rates": {"input_tokens": "0.135/1M", "cache_read_tokens": "0.035/1M", )"
            R"("output_tokens": "0.55/1M"}, "conditions": [{"if": {"time": {"hours": "00:30-16:30"}}, "rates": )"
            R"({"input_tokens": "0.27/1M", "cache_read_tokens": "0.07/1M", "output_tokens": "1.1/1M"}}]})");
  const auto model = [](const std::string& prices) {
    return R"([{"id": "p", "models": [{"id": "m", "prices": [)" + prices + "]}]}]";
  };
  const std::string always = R"({"prices": {"input_mtok": 1}})";
  const std::string evening =
      R"({"constraint": {"start_time": "22:00", "end_time": "06:00:00+02:00"}, "prices": {"input_mtok": 2}})";
  const std::string noon =
      R"({"constraint": {"type": "time_of_date", "start_time": "11:00:00Z", "end_time": "13:00:00Z"}, "prices": {"input_mtok": 3}})";
  const std::string later = R"({"constraint": {"start_date": "2026-01-01"}, "prices": {"input_mtok": 4}})";
  const auto rate = [](const std::string& amount) { return R"({"input_tokens": ")" + amount + R"(/1M"})"; };
  const auto at = [&](const std::string& hours, const std::string& amount) {
    return R"({"if": {"time": {"hours": ")" + hours + R"("}}, "rates": )" + rate(amount) + "}";
  };
  const auto price = [&](const std::string& base, const std::string& conditions) {
    return R"({"currency": "USD", "rates": )" + rate(base) +
           (conditions.empty() ? "" : R"(, "conditions": [)" + conditions + "]") + "}";
  };
  // The last entry that holds is asked first; an offset becomes UTC.
  const ImportedCatalog two = read("genai-prices", model(always + "," + evening + "," + noon));
  EXPECT_EQ(price_of(two, sku("p", "m")), price("1", at("11:00-13:00", "3") + ", " + at("22:00-04:00", "2")));
  // From the date on, what stands before it holds no more; what stands behind it holds before as well.
  const Timestamp before = must(parse_timestamp("2025-12-31T23:59:59Z"), "");
  const Timestamp after = must(parse_timestamp("2026-01-01"), "");
  const ImportedCatalog dated = read("genai-prices", model(always + "," + evening + "," + later));
  EXPECT_EQ(price_of(dated, sku("p", "m"), before), price("1", at("22:00-04:00", "2")));
  EXPECT_EQ(price_of(dated, sku("p", "m"), after), price("4", ""));
  const ImportedCatalog both = read("genai-prices", model(always + "," + later + "," + noon));
  EXPECT_EQ(price_of(both, sku("p", "m"), before), price("1", at("11:00-13:00", "3")));
  EXPECT_EQ(price_of(both, sku("p", "m"), after), price("4", at("11:00-13:00", "3")));
  // The same hours again.
  const ImportedCatalog again = read("genai-prices", model(always + "," + noon + "," + noon));
  EXPECT_EQ(price_of(again, sku("p", "m")), price("1", at("11:00-13:00", "3")));
  const struct {
    std::string prices;
    const char* reason;
  } refused[] = {
      {noon, "prices by time of day, and none for the rest of the day before them"},
      {noon + "," + always, "prices by time of day, and none for the rest of the day before them"},
      {always + R"(,{"constraint": {"start_time": "11:00:30Z", "end_time": "13:00Z"}, "prices": {"input_mtok": 2}})",
       R"(prices by time of day from "11:00:30Z" to "13:00Z" are no hours and minutes)"},
      {always + R"(,{"constraint": {"start_time": "11:00Z", "end_time": "13:00+02:00"}, "prices": {"input_mtok": 2}})",
       R"(prices by time of day from "11:00Z" to "13:00+02:00" are no hours and minutes)"},
      {always + R"(,{"constraint": {"weekday": "mon"}, "prices": {"input_mtok": 2}})",
       "a constraint that is neither a date nor hours of the day"},
      {always + R"(,{"constraint": {"start_time": "11:00Z", "end_time": "13:00Z"}, "prices": {}})", "it has no price"},
  };
  for (const auto& [prices, reason] : refused) {
    EXPECT_EQ(reason_of(read("genai-prices", model(prices)), "p/m"), reason) << prices;
  }
}

TEST(GenaiPrices, NamesAreAliases) {
  const ImportedCatalog catalog = read("genai-prices", R"([{"models": [
    {"id": "M-1", "match": {"or": [{"equals": "m-1"}, {"equals": "m-2"}, {"equals": "m-9"}, {"starts_with": "m-1-"}]},
     "prices": {"input_mtok": 1}},
    {"id": "m-2", "match": {"or": [{"equals": "M-9"}, {"contains": "m-1-"}, {"starts_with": "M-1-"}]}, "prices": {"input_mtok": 2}},
    {"id": "m-3", "match": {"regex": "^m-3-[ab]"}, "prices": {"input_mtok": 2}},
    {"id": "m-4", "match": {"starts_with": "m-4"}, "prices": {}}], "id": "aws"}])");
  std::vector<std::string> aliases;
  for (const ImportedAlias& alias : catalog.aliases) {
    EXPECT_EQ(alias.provider, "bedrock");
    aliases.push_back(alias.name + " " + alias.model + " " + alias.alias);
  }
  // A priced name means its own model; a model without a price has no names.
  EXPECT_EQ(aliases,
            (std::vector<std::string>{"bedrock/M-1 m-1 m-9", "bedrock/M-1 m-1 m-1-*", "bedrock/m-2 m-2 *m-1-*"}));
  std::vector<std::string> refused;
  for (const QuarantinedEntry& entry : catalog.quarantined) {
    refused.push_back(entry.name + " " + entry.alias + ": " + entry.reason);
  }
  EXPECT_EQ(refused,
            (std::vector<std::string>{
                "bedrock/m-4 : it has no price", "bedrock/m-2 m-9: ambiguous: \"bedrock/M-1\" has the same name",
                "bedrock/m-2 m-1-*: ambiguous: \"bedrock/M-1\" has the same name",
                "bedrock/m-3 regex \"^m-3-[ab]\": patterns of model names know no more than \"*\""}));
}

TEST(PgSpendCatalog, ShippedCatalogIsReadWhole) {
  const ImportedCatalog catalog = read("pg_spend", file_text("catalog/pg_spend_catalog.json"));
  EXPECT_GT(catalog.prices.size(), 1000U);
  EXPECT_TRUE(catalog.quarantined.empty());
  for (const ImportedPrice& price : catalog.prices) {
    EXPECT_FALSE(price.source.empty());
    EXPECT_NE(price.checked, timestamp_max);
  }
}

TEST(PgSpendCatalog, OneBadEntryFailsNothingElse) {
  const ImportedCatalog catalog =
      read("pg_spend", R"({"format": "pg_spend", "version": 1, "checked": "2026-01-01", "prices": [
    {"provider": "P", "model": " M ", "service_tier": "default", "price": {"rates": {"input_tokens": "1/1M"}}},
    {"provider": "p", "model": "m", "price": {"rates": {"input_tokens": "2/1M"}}},
    {"provider": "p", "price": {"rates": {}}}, {"provider": "p", "model": "n", "price": {"rates": {"input_tokens": 1}}},
    {"provider": "p", "model": "o", "colour": "red", "price": {"rates": {}}}, 5]})");
  ASSERT_EQ(catalog.prices.size(), 1U);
  EXPECT_EQ(catalog.prices[0].sku, sku("p", "m"));
  EXPECT_EQ(catalog.quarantined.size(), 5U);
  EXPECT_EQ(reason_of(catalog, "prices[4]"), "unknown key \"colour\"");
}

TEST(Catalog, DocumentsOfAnotherKind) {
  const struct {
    const char* format;
    const char* document;
    ErrorKind kind;
  } cases[] = {
      {"csv", "{}", ErrorKind::invalid_value},
      {"litellm", "[]", ErrorKind::invalid_text},
      {"litellm", "7", ErrorKind::invalid_text},
      {"litellm", "{", ErrorKind::invalid_text},
      {"genai-prices", "{}", ErrorKind::invalid_text},
      {"genai-prices", "[5]", ErrorKind::invalid_text},
      {"genai-prices", "null", ErrorKind::invalid_text},
      {"genai-prices", "[[]]", ErrorKind::invalid_text},
      {"pg_spend", "[]", ErrorKind::invalid_text},
      {"pg_spend", "{}", ErrorKind::invalid_text},
      {"pg_spend", R"({"prices": 5})", ErrorKind::invalid_text},
      {"pg_spend", R"({"version": 2, "prices": []})", ErrorKind::invalid_value},
      {"pg_spend", R"({"format": "litellm", "prices": []})", ErrorKind::invalid_value},
  };
  for (const auto& [format, document, kind] : cases) {
    const Result<ImportedCatalog> result = read_catalog(format, document);
    ASSERT_FALSE(result.ok()) << format << ' ' << document;
    EXPECT_EQ(result.error().kind, kind) << document << ": " << result.error().message;
  }
  EXPECT_TRUE(read("litellm", "{}").prices.empty());
  EXPECT_TRUE(read("genai-prices", "[]").prices.empty());
}

TEST(Catalog, HostileDocumentsStaySmall) {
  // One entry with too many parts; too deep; very many entries that are no models.
  std::string wide = R"({"m": {"litellm_provider": "p", "x": [)";
  for (int i = 0; i < 100'000; ++i) {
    wide += "1,";
  }
  const Result<ImportedCatalog> too_wide = read_catalog("litellm", wide + "1]}}");
  ASSERT_FALSE(too_wide.ok());
  EXPECT_EQ(too_wide.error().message, "JSON value has too many parts in \"m\"");
  const std::string deep = R"({"m": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_FALSE(read_catalog("litellm", deep).ok());
  EXPECT_FALSE(read_catalog("litellm", std::string(max_catalog_bytes + 1, ' ')).ok());
}

}  // namespace
}  // namespace spend::test
