#include "core/price_table.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/attribution.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

PriceTable table(std::string_view json) {
  return must(PriceTable::from_json(json), json);
}

/// A table of entries, each given as the members before its price.
std::string with_prices(const std::vector<std::string>& entries) {
  std::string json = R"({"prices": [)";
  for (const std::string& entry : entries) {
    json += (json.back() == '[' ? "{" : ", {") + entry + R"(, "price": {"rates": {"input_tokens": "1/1M"}}})";
  }
  return json + "]}";
}

const std::string openai = R"("provider": "openai", "model": "gpt-4o")";

TEST(PriceTable, CanonicalText) {
  const std::string json = with_prices(
      {openai + R"(, "valid_from": "2025-06-10T02:00:00+02:00", "region": "", "service_tier": "standard")",
       openai + R"(, "valid_until": "2025-06-10", "valid_from": "-infinity")",
       R"("model": "claude", "variant": "v", "speed": "fast", "service_tier": "batch", "region": "us", "surface": "api",
          "provider": "anthropic")"});
  const std::string rates = R"("price": {"currency": "USD", "rates": {"input_tokens": "1/1M"}}})";
  EXPECT_EQ(table(json).to_json(),
            R"({"prices": [{"provider": "anthropic", "model": "claude", "surface": "api", "region": "us", )"
            R"("service_tier": "batch", "speed": "fast", "variant": "v", )" +
                rates + ", {" + openai + R"(, "valid_until": "2025-06-10T00:00:00Z", )" + rates + ", {" + openai +
                R"(, "valid_from": "2025-06-10T00:00:00Z", )" + rates + "]}");
  EXPECT_EQ(table(table(json).to_json()).entries(), table(json).entries());
  EXPECT_EQ(table(R"({"prices": []})").to_json(), R"({"prices": []})");
}

TEST(PriceTable, EmptyServiceTierIsStandard) {
  EXPECT_EQ(table(with_prices({openai + R"(, "service_tier": "")"})).to_json(), table(with_prices({openai})).to_json());
}

TEST(P6HistoryIsUnambiguous, OverlappingPricesAreRefused) {
  const auto overlaps = [](const std::string& a, const std::string& b) {
    const Result<PriceTable> result = PriceTable::from_json(with_prices({a, b}));
    if (!result.ok()) {
      EXPECT_EQ(result.error().kind, ErrorKind::invalid_value);
      EXPECT_NE(result.error().message.find("overlap"), std::string::npos) << result.error().message;
    }
    return !result.ok();
  };
  EXPECT_TRUE(overlaps(openai, openai));
  EXPECT_TRUE(overlaps(openai + R"(, "valid_until": "2025-06-10")", openai + R"(, "valid_from": "2025-06-09")"));
  EXPECT_FALSE(overlaps(openai + R"(, "valid_until": "2025-06-10")", openai + R"(, "valid_from": "2025-06-10")"));
  EXPECT_TRUE(overlaps(openai, R"("provider": " OpenAI", "model": "GPT-4O ", "valid_from": "2025-01-01")"))
      << "compared by normalised text";
  EXPECT_TRUE(overlaps(openai, openai + R"(, "service_tier": "default")")) << "names of the standard tier";
  EXPECT_FALSE(overlaps(openai, openai + R"(, "region": "us")"));
  EXPECT_FALSE(overlaps(R"("provider": "a", "model": "bc")", R"("provider": "ab", "model": "c")"));
  const Error error =
      error_of(PriceTable::from_json(with_prices({openai, openai + R"(, "valid_from": "2025-01-01")"})));
  EXPECT_NE(error.detail.find("from -infinity until infinity"), std::string::npos) << error.detail;
  EXPECT_NE(error.detail.find("from 2025-01-01T00:00:00Z until infinity"), std::string::npos) << error.detail;
}

TEST(PriceTable, ErrorsNameThePart) {
  const auto message = [](const std::string& json, ErrorKind kind) {
    const Error error = error_of(PriceTable::from_json(json));
    EXPECT_EQ(error.kind, kind) << json << ": " << error.message;
    return error.message;
  };
  const ErrorKind text = ErrorKind::invalid_text;
  const ErrorKind value = ErrorKind::invalid_value;
  const std::string rest = R"(, "price": {"rates": {}}})";
  EXPECT_NE(message(with_prices({openai, openai + R"(, "currency": "USD")"}), value).find("prices[1]"),
            std::string::npos);
  EXPECT_NE(message(with_prices({openai + R"(, "valid_from": "yesterday")"}), text).find("yesterday"),
            std::string::npos);
  EXPECT_NE(message(R"({"prices": [{)" + openai + R"(, "price": {"rates": {"a": "x"}}}]})", text)
                .find("prices[0].price.rates.a"),
            std::string::npos);
  message(with_prices({openai + R"(, "region": 5)"}), text);
  message(with_prices({openai + R"(, "valid_from": 5)"}), text);
  message(with_prices({openai + R"(, "valid_from": "2025-06-10", "valid_until": "2025-06-10")"}), value);
  message(with_prices({openai + R"(, "valid_from": "infinity")"}), value);
  message(with_prices({R"("provider": "openai")"}), value);
  message(with_prices({R"("model": "gpt-4o")"}), value);
  message(with_prices({R"("provider": "  ", "model": "gpt-4o")"}), value);
  message(R"({"prices": [{)" + openai + "}]}", value);
  message(R"({"prices": [{)" + openai + R"(, "model": "x")" + rest + "]}", text);
  for (const char* const json :
       {"", "{}", "[]", "1", "null", R"({"prices": {}})", R"({"prices": 1})", R"({"prices": [1]})",
        R"({"prices": [[]]})", R"({"prices": null})", R"({"prices": [null]})"}) {
    message(json, text);
  }
  message(R"({"prices": [], "prices": []})", text);
  message(R"({"version": 1, "prices": []})", value);
}

TEST(PriceTable, HostileSizes) {
  EXPECT_EQ(kind_of(PriceTable::from_json("{\"prices\": \"" + std::string(17'000'000, 'x') + "\"}")),
            ErrorKind::limit_exceeded);
  EXPECT_FALSE(PriceTable::from_json("{\"prices\": [" + std::string(15'000'000, '[')).ok());
  // One entry as a tree of millions of parts.
  std::string zeros = R"({"prices": [{"model": [0)";
  for (int i = 0; i < 7'000'000; ++i) {
    zeros += ",0";
  }
  EXPECT_EQ(kind_of(PriceTable::from_json(zeros + "]}]}")), ErrorKind::limit_exceeded);
}

std::string big_table(int entries) {
  std::string json = R"({"prices":[)";
  for (int i = 0; i < entries; ++i) {
    json += (i > 0 ? "," : "") + std::string(R"({"provider":"p","model":"m)") + std::to_string(i * 7919 % entries) +
            R"(","price":{"rates":{}}})";
  }
  return json + "]}";
}

TEST(PriceTable, TimeGrowsWithSizeOnly) {
  // Linear parsing takes a second at most; quadratic work on 150,000 entries would take minutes.
  const std::string json = big_table(150'000);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(table(json).entries().size(), 150'000U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(PriceTable, BoundsTheNumberOfEntries) {
  std::string json = R"({"prices":[)";
  const std::string entry = R"({"provider":"p","model":"m","price":{"rates":{}}},)";
  for (std::size_t i = 0; i <= PriceTable::max_entries; ++i) {
    json += entry;
  }
  ASSERT_LT(json.size(), PriceTable::max_json_bytes);
  EXPECT_EQ(kind_of(PriceTable::from_json(json)), ErrorKind::limit_exceeded);
  EXPECT_EQ(kind_of(PriceTable::from_entries(std::vector<PriceEntry>(PriceTable::max_entries + 1))),
            ErrorKind::limit_exceeded);
}

TEST(PriceTable, EntriesFromElsewhereMeetTheSameRules) {
  PriceEntry entry;
  EXPECT_EQ(kind_of(PriceTable::from_entries({entry})), ErrorKind::invalid_value) << "no provider";
  entry.sku.provider = "p";
  entry.sku.model = "m";
  entry.price_id = 17;
  const PriceTable one = must(PriceTable::from_entries({entry}), "one");
  EXPECT_EQ(one.entries()[0].price_id, 0) << "a value belongs to no row";
  entry.valid_from = timestamp_min + 1;
  EXPECT_EQ(kind_of(PriceTable::from_entries({entry})), ErrorKind::out_of_range) << "no text for that time";
}

TEST(PriceTable, WireAndStorage) {
  const PriceTable original = table(with_prices({openai, R"("provider": "ä\"b", "model": "\u0001")"}));
  EXPECT_EQ(must(PriceTable::from_wire(bytes_of(original.to_wire())), "wire").entries(), original.entries());
  const std::string storage = original.to_storage();
  EXPECT_EQ(must(PriceTable::from_storage(bytes_of(storage)), "storage").entries(), original.entries());
  const Hash128 digest = content_hash(original.to_json());
  EXPECT_EQ(storage.substr(2, 16), std::string(digest.begin(), digest.end()));
  EXPECT_EQ(storage.substr(PriceTable::storage_header_bytes), original.to_json());
  EXPECT_EQ(original.to_wire().substr(2), original.to_json()) << "no digest on the wire";
}

TEST(PriceTable, HostileWireIsRefused) {
  const std::string wire = table(with_prices({openai})).to_wire();
  const auto refused = [](const std::string& bytes) {
    return kind_of(PriceTable::from_wire(bytes_of(bytes))) == ErrorKind::invalid_binary;
  };
  EXPECT_FALSE(refused(wire));
  for (std::size_t length = 0; length < wire.size(); ++length) {
    EXPECT_TRUE(refused(wire.substr(0, length)));
  }
  EXPECT_TRUE(refused(wire + " "));
  EXPECT_TRUE(refused("\x02" + wire.substr(1)));
  EXPECT_TRUE(refused(table(with_prices({openai})).to_storage())) << "a digest is never taken from outside";
}

}  // namespace
}  // namespace spend::test
