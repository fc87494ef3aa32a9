#include "core/price_book.hpp"

#include <array>
#include <memory>
#include <random>
#include <stdexcept>

#include "core/text_key.hpp"
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

/// Prices that are dear to read: counts how often they were.
class CountedPrices final : public PriceBook::Source {
 public:
  struct Counts {
    std::size_t alone = 0;
    std::size_t whole = 0;
    std::size_t decoded = 0;
    bool fails = false;  ///< in the middle of telling models
  };
  CountedPrices(std::vector<PriceEntry> entries, Counts& counts) : entries_(std::move(entries)), counts_(counts) {}

  std::optional<std::vector<PriceEntry>> prices_of(std::string_view model) override {
    ++counts_.alone;
    std::vector<PriceEntry> found;
    for (const PriceEntry& entry : entries_) {
      if (text_key(entry.sku.model) == model) {
        found.push_back(entry);
      }
    }
    return found;
  }
  void tell_models(const std::function<void(std::string_view model)>& tell) override {
    ++counts_.whole;
    for (const PriceEntry& entry : entries_) {
      tell(entry.sku.model);
      if (counts_.fails) {
        throw std::runtime_error("cut short");
      }
    }
  }
  PriceEntry price_at(std::size_t number) override {
    ++counts_.decoded;
    return entries_[number];
  }

 private:
  std::vector<PriceEntry> entries_;
  Counts& counts_;
};

std::vector<PriceEntry> numbered_models(std::size_t count) {
  std::vector<PriceEntry> entries(2 * count);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    PriceEntry& entry = entries[i];
    entry.sku.provider = "p";
    entry.sku.model = "model-" + std::to_string(i % count);
    (i < count ? entry.valid_until : entry.valid_from) = at("2025-01-01");
    entry.price = must(Price::from_json(R"({"rates": {"input_tokens": "1/1M"}})"), "price");
    entry.price_id = static_cast<std::int64_t>(i);
  }
  return entries;
}

TEST(PriceBook, ReadsAModelWhenItIsAskedForIt) {
  CountedPrices::Counts counts;
  const PriceBook book = PriceBook::over(std::make_unique<CountedPrices>(numbered_models(1000), counts), nullptr);
  const PriceEntry* const first = book.find({.model = "model-7"}, at("2025-02-01")).entry;
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->price_id, 1007);
  EXPECT_EQ(book.find({.model = "Model-7"}, at("2024-02-01")).entry->price_id, 7);
  EXPECT_EQ(book.find({.provider = "p", .model = "model-8"}, at("2024-02-01")).entry->price_id, 8);
  EXPECT_EQ(counts.alone, 2U);
  EXPECT_EQ(counts.whole, 0U);
  EXPECT_FALSE(book.is_whole());

  // A name that is not there as it stands may mean any of them.
  EXPECT_EQ(book.find({.model = "models/model-9"}, at("2025-02-01")).entry->price_id, 1009);
  EXPECT_EQ(counts.whole, 1U);
  EXPECT_TRUE(book.is_whole());
  EXPECT_EQ(book.find({.model = "unknown"}, at("2025-02-01")).reason, "unknown model");
  EXPECT_EQ(book.find({.model = "model-10"}, at("2025-02-01")).entry->price_id, 1010);
  EXPECT_EQ(book.find({.model = "model-7"}, at("2025-02-01")).entry, first) << "what was given stays where it is";
  EXPECT_EQ(first->price_id, 1007);
  EXPECT_EQ(counts.whole, 1U);
  EXPECT_EQ(counts.decoded, 4U) << "two versions of two models";
  EXPECT_EQ(book.size(), 2000U);
}

TEST(PriceBook, ReadsAllOnceManyWereAskedFor) {
  CountedPrices::Counts counts;
  const PriceBook book = PriceBook::over(std::make_unique<CountedPrices>(numbered_models(1000), counts), nullptr);
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(book.find({.model = "model-" + std::to_string(i)}, at("2024-02-01")).entry->price_id,
              static_cast<std::int64_t>(i));
  }
  EXPECT_EQ(counts.alone, 64U);
  EXPECT_EQ(counts.whole, 1U);
  EXPECT_EQ(counts.decoded, 2 * (1000U - 64U));
}

TEST(PriceBook, NamesThatStandForOthersDoNotReadAloneForEver) {
  CountedPrices::Counts counts;
  const auto rules = std::make_shared<ModelRules>();
  rules->aliases = ModelAliases({{.alias = "ours",
                                  .for_provider = "",
                                  .for_surface = "",
                                  .provider = "p",
                                  .model = "model-1",
                                  .valid_from = at("2025-03-10")}});
  const PriceBook book = PriceBook::over(std::make_unique<CountedPrices>(numbered_models(10), counts), rules);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(book.find({.model = "ours"}, at("2025-04-01")).entry->price_id, 11);
  }
  EXPECT_LE(counts.alone, 64U);
  EXPECT_LE(counts.whole, 1U);
}

TEST(PriceBook, CanBeReadAfterAnAttemptThatWasCutShort) {
  CountedPrices::Counts counts;
  const PriceBook book = PriceBook::over(std::make_unique<CountedPrices>(numbered_models(10), counts), nullptr);
  EXPECT_NE(book.find({.model = "model-0"}, at("2024-02-01")).entry, nullptr);
  counts.fails = true;
  EXPECT_THROW(book.find({.model = "models/model-3"}, at("2024-02-01")), std::runtime_error);
  EXPECT_FALSE(book.is_whole());
  counts.fails = false;
  for (int i = 0; i < 10; ++i) {
    const PriceMatch match = book.find({.model = "models/model-" + std::to_string(i)}, at("2025-02-01"));
    ASSERT_NE(match.entry, nullptr);
    EXPECT_EQ(match.entry->price_id, 10 + i);
  }
  EXPECT_EQ(book.size(), 20U);
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
