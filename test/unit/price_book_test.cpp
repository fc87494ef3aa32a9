#include "core/price_book.hpp"

#include "core/timestamp_text.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

const char* const entries_json = R"({"prices": [
  {"provider": "OpenAI", "model": "GPT-4o", "price": {"rates": {"input_tokens": "2.50/1M"}}},
  {"provider": "openai", "model": "gpt-4o", "service_tier": "batch", "price": {"rates": {"input_tokens": "1.25/1M"}}},
  {"provider": "azure", "model": "gpt-4o", "region": "eu", "price": {"rates": {"input_tokens": "2.75/1M"}}},
  {"provider": "openai", "model": "o3", "valid_until": "2025-06-10", "price": {"rates": {"input_tokens": "10/1M"}}},
  {"provider": "openai", "model": "o3", "valid_from": "2025-06-10", "price": {"rates": {"input_tokens": "2/1M"}}},
  {"provider": "openai", "model": "old", "valid_until": "2024-01-01", "price": {"rates": {"input_tokens": "1/1M"}}},
  {"provider": "aimix", "model": "shared", "price": {"rates": {"input_tokens": "1/1M"}}},
  {"provider": "bmix", "model": "shared", "price": {"rates": {"input_tokens": "2/1M"}}},
  {"provider": "anthropic", "model": "claude-x", "price": {"rates": {"input_tokens": "5/1M"}}},
  {"provider": "anthropic", "model": "claude-x", "speed": "fast", "price": {"rates": {"input_tokens": "30/1M"}}},
  {"provider": "anthropic", "model": "claude-x", "region": "us", "service_tier": "batch",
   "price": {"rates": {"input_tokens": "2.75/1M"}}},
  {"provider": "anthropic", "model": "claude-x", "region": "us", "price": {"rates": {"input_tokens": "5.5/1M"}}}
]})";

Timestamp at(std::string_view text) {
  return must(parse_timestamp(text), text);
}

class PriceBookTest : public ::testing::Test {
 protected:
  PriceMatch find(const SkuQuery& query, std::string_view when = "2025-07-01") const {
    return book_.find(query, at(when));
  }
  std::string rate(const SkuQuery& query, std::string_view when = "2025-07-01") const {
    const PriceMatch match = find(query, when);
    return match.entry != nullptr ? match.entry->price.rates().front().base.to_string() : match.reason;
  }

  PriceBook book_ = PriceBook::build(must(PriceTable::from_json(entries_json), "prices").entries());
};

TEST_F(PriceBookTest, MatchesNormalisedText) {
  EXPECT_EQ(rate({.provider = "openai", .model = "gpt-4o"}), "2.5/1M");
  EXPECT_EQ(rate({.provider = " OPENAI ", .model = "Gpt-4O"}), "2.5/1M");
  EXPECT_EQ(rate({.provider = "ｏｐｅｎａｉ", .model = "gpt-4o"}), "2.5/1M");
}

TEST_F(PriceBookTest, ServiceTierStandardHasOtherNames) {
  for (const char* const tier : {"", "standard", "default", "on_demand", "Default"}) {
    const PriceMatch match = find({.provider = "openai", .model = "gpt-4o", .service_tier = tier});
    ASSERT_NE(match.entry, nullptr) << tier;
    EXPECT_EQ(match.entry->price.rates().front().base.to_string(), "2.5/1M");
    EXPECT_EQ(match.fallback, "");
  }
}

TEST_F(PriceBookTest, ServiceTierHasItsOwnRates) {
  EXPECT_EQ(rate({.provider = "openai", .model = "gpt-4o", .service_tier = "batch"}), "1.25/1M");
}

TEST_F(PriceBookTest, P7MissingTierIsBilledAtStandardAndNamed) {
  const PriceMatch match = find({.provider = "openai", .model = "o3", .service_tier = "batch"});
  ASSERT_NE(match.entry, nullptr);
  EXPECT_EQ(match.fallback, "service_tier batch at standard");
}

TEST_F(PriceBookTest, P6PriceOfTheTimeOfUse) {
  EXPECT_EQ(rate({.provider = "openai", .model = "o3"}, "2025-06-01"), "10/1M");
  EXPECT_EQ(rate({.provider = "openai", .model = "o3"}, "2025-06-09T23:59:59.999999Z"), "10/1M");
  EXPECT_EQ(rate({.provider = "openai", .model = "o3"}, "2025-06-10"), "2/1M");
  EXPECT_EQ(rate({.provider = "openai", .model = "o3"}, "infinity"), "2/1M");
  EXPECT_EQ(rate({.provider = "openai", .model = "o3"}, "-infinity"), "10/1M");
  EXPECT_EQ(rate({.provider = "openai", .model = "old"}), "no price valid at that time");
}

TEST_F(PriceBookTest, ProviderMayBeUnknown) {
  EXPECT_EQ(rate({.model = "o3"}), "2/1M") << "only provider";
  EXPECT_EQ(rate({.model = "gpt-4o"}), "2.5/1M") << "maker among several";
  EXPECT_EQ(rate({.model = "shared"}), "ambiguous provider");
  EXPECT_EQ(rate({.model = "nothing"}), "unknown model");
  EXPECT_EQ(rate({.provider = "openai", .model = "shared"}), "unknown model");
}

TEST_F(PriceBookTest, RelaxesLessTellingPartsFirst) {
  EXPECT_EQ(rate({.provider = "anthropic", .model = "claude-x", .region = "eu"}), "5/1M");
  EXPECT_EQ(rate({.provider = "anthropic", .model = "claude-x", .region = "us"}), "5.5/1M");
  EXPECT_EQ(rate({.provider = "anthropic", .model = "claude-x", .region = "us", .service_tier = "batch"}), "2.75/1M");
  EXPECT_EQ(rate({.provider = "anthropic", .model = "claude-x", .region = "us", .speed = "fast"}), "5.5/1M");
  EXPECT_EQ(rate({.provider = "anthropic", .model = "claude-x", .speed = "fast", .variant = "x"}), "30/1M");
  const PriceMatch region = find({.provider = "anthropic", .model = "claude-x", .region = "eu"});
  EXPECT_EQ(region.fallback, "") << "a price without region is a price for all regions";
  const PriceMatch slow = find({.provider = "openai", .model = "o3", .speed = "Fast"});
  EXPECT_EQ(slow.fallback, "speed fast at standard");
}

TEST_F(PriceBookTest, NoGeneralPrice) {
  EXPECT_EQ(rate({.provider = "azure", .model = "gpt-4o", .region = "eu"}), "2.75/1M");
  EXPECT_EQ(rate({.provider = "azure", .model = "gpt-4o"}),
            "no price for that surface, region, service tier, speed or variant");
}

TEST_F(PriceBookTest, LongAndForeignTextTakesNoShortcut) {
  const std::string long_text(5000, 'x');
  EXPECT_EQ(rate({.provider = "openai", .model = long_text}), "unknown model");
  EXPECT_EQ(rate({.provider = "openai", .model = "gpt-4o", .region = long_text, .variant = "ÄÖ\xff"}), "2.5/1M");
}

TEST(PriceBook, EmptyBookKnowsNothing) {
  const PriceBook book;
  EXPECT_EQ(book.size(), 0U);
  EXPECT_EQ(book.find({.model = "gpt-4o"}, 0).reason, "unknown model");
}

TEST(PriceBook, MakersByFamily) {
  EXPECT_EQ(PriceBook::maker_of("gpt-4o"), "openai");
  EXPECT_EQ(PriceBook::maker_of("O3-mini"), "openai");
  EXPECT_EQ(PriceBook::maker_of("claude-opus-4"), "anthropic");
  EXPECT_EQ(PriceBook::maker_of("gemini-2.5-flash"), "google");
  EXPECT_EQ(PriceBook::maker_of("text-embedding-3-small"), "openai");
  EXPECT_EQ(PriceBook::maker_of("text-embedding-004"), "google");
  EXPECT_EQ(PriceBook::maker_of("o100"), "") << "a family name ends at a word boundary";
  EXPECT_EQ(PriceBook::maker_of("claudette"), "");
  EXPECT_EQ(PriceBook::maker_of(""), "");
}

}  // namespace
}  // namespace spend::test
