#include "core/price_book.hpp"

#include <array>
#include <memory>
#include <random>

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

/// A book that has answered before answers like one that is asked for the first time, whatever was asked in between.
TEST(PriceBook, RemembersNothingWrong) {
  const char* const json = R"({"prices": [
    {"provider": "a", "model": "m", "valid_until": "2025-03-01", "price": {"rates": {"input_tokens": "1/1M"}}},
    {"provider": "a", "model": "m", "valid_from": "2025-04-01", "price": {"rates": {"input_tokens": "2/1M"}}},
    {"provider": "a", "model": "m", "service_tier": "batch", "valid_from": "2025-02-01", "valid_until": "2025-05-01",
     "price": {"rates": {"input_tokens": "0.5/1M"}}},
    {"provider": "a", "model": "m", "region": "eu", "valid_from": "2025-01-15", "valid_until": "2025-02-15",
     "price": {"rates": {"input_tokens": "3/1M"}}},
    {"provider": "b", "model": "m", "price": {"rates": {"input_tokens": "4/1M"}}},
    {"provider": "b", "model": "only-b", "price": {"rates": {"input_tokens": "5/1M"}}}]})";
  const std::vector<PriceEntry> entries = must(PriceTable::from_json(json), json).entries();
  const auto rules = std::make_shared<ModelRules>();
  rules->aliases =
      ModelAliases({{.alias = "later",
                     .for_provider = "",
                     .for_surface = "",
                     .provider = "b",
                     .model = "only-b",
                     .valid_from = at("2025-03-10")},
                    {.alias = "always", .for_provider = "", .for_surface = "", .provider = "a", .model = "m"}});
  const PriceBook asked_often = PriceBook::build(entries, rules);
  const std::array<std::string_view, 9> models = {
      "m",     "M ",     "only-b",
      "later", "always", "nothing",
      "a/m",   "",       "a-name-so-long-that-it-does-not-lie-in-place-beside-its-answer"};
  const std::array<std::string_view, 4> providers = {"", "a", "b", "c"};
  const std::array<std::string_view, 3> tiers = {"", "batch", "flex"};
  const std::array<std::string_view, 3> regions = {"", "eu", "us"};
  std::mt19937_64 random(7);
  const auto one_of = [&](const auto& list) { return list[random() % list.size()]; };
  std::size_t found = 0;
  for (int i = 0; i < 20'000; ++i) {
    const SkuQuery query = {.provider = one_of(providers),
                            .model = one_of(models),
                            .region = one_of(regions),
                            .service_tier = one_of(tiers)};
    const Timestamp when = at("2025-01-01") + static_cast<Timestamp>(random() % 150) * microseconds_per_day;
    const PriceBook fresh = PriceBook::build(entries, rules);
    const PriceMatch expected = fresh.find(query, when);
    const PriceAnswer* const answer = asked_often.answer(query, when);
    const PriceMatch match = asked_often.find(query, when);
    const std::string what = std::string(query.provider) + "/" + std::string(query.model) + " " +
                             std::string(query.region) + " " + std::string(query.service_tier) + " " +
                             timestamp_text(when);
    ASSERT_EQ(match.entry == nullptr, expected.entry == nullptr) << what;
    ASSERT_EQ(match.reason, expected.reason) << what;
    ASSERT_EQ(match.fallback, expected.fallback) << what;
    if (expected.entry != nullptr) {
      ++found;
      ASSERT_EQ(*match.entry, *expected.entry) << what;
      ASSERT_EQ(match.matched_by, expected.matched_by) << what;
      ASSERT_TRUE(answer == nullptr || answer->entry == match.entry) << what;
    } else {
      ASSERT_EQ(answer, nullptr) << what;
    }
  }
  EXPECT_GT(found, 5'000U);
}

TEST(PriceBook, RemembersWithinBounds) {
  const PriceBook book = PriceBook::build(
      must(PriceTable::from_json(R"({"prices": [{"provider": "a", "model": "m", "price": {"rates": {}}}]})"), "one")
          .entries());
  // More names of tiers than answers are kept, some longer than any that is kept.
  for (std::size_t i = 0; i < PriceAnswers::most_answers + 1000; ++i) {
    const std::string tier = std::string(i % 1000 == 0 ? 3000 : 0, 'x') + std::to_string(i);
    const PriceMatch match = book.find({.provider = "a", .model = "m", .service_tier = tier}, 0);
    ASSERT_NE(match.entry, nullptr);
    ASSERT_EQ(match.fallback, "service_tier " + tier + " at standard");
  }
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
