// Model names of other projects' test suites and pattern tables: see test/golden/README.md.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "core/json.hpp"
#include "core/price_book.hpp"
#include "core/text_key.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

const std::string& text(const Json& json) {
  return json.text;
}

/// A book of models that all have the same price, and the aliases that go with them: for rows of the provider that
/// they name, or of the one in fourth place.
PriceBook book_of(const Json& row) {
  const Price price = must(Price::from_json(R"({"rates": {"input_tokens": "1/1M"}})"), "price");
  std::vector<PriceEntry> entries;
  for (const Json& model : row.find("models")->items) {
    PriceEntry entry;
    entry.sku.provider = text(model.items[0]);
    entry.sku.model = text(model.items[1]);
    entry.price = price;
    entries.push_back(entry);
  }
  std::vector<ModelAlias> aliases;
  if (const Json* const listed = row.find("aliases"); listed != nullptr) {
    for (const Json& item : listed->items) {
      aliases.push_back({.alias = text_key(text(item.items[0])),
                         .for_provider = text(item.items[item.items.size() == 4 ? 3 : 1]),
                         .for_surface = "",
                         .provider = text(item.items[1]),
                         .model = text_key(text(item.items[2]))});
    }
  }
  auto rules = std::make_shared<ModelRules>();
  rules->aliases = ModelAliases(std::move(aliases));
  return PriceBook::build(std::move(entries), std::move(rules));
}

std::string shown(const ModelMatch& match) {
  return match.matched_by == MatchedBy::none ? "none" : match.provider + " " + match.model;
}

TEST(ModelMatchingGoldenTest, EveryCaseIsFound) {
  std::ifstream file(SPEND_GOLDEN_DIR "/model_matching.jsonl");
  ASSERT_TRUE(file);
  std::map<std::string, PriceBook> catalogs;
  std::string line;
  std::size_t cases = 0;
  while (std::getline(file, line)) {
    const Json row = must(Json::parse(line, {.max_bytes = 1 << 20}), "row");
    if (row.find("name") == nullptr) {
      catalogs.emplace(text(*row.find("catalog")), book_of(row));
      continue;
    }
    SCOPED_TRACE(text(*row.find("name")) + " (" + text(*row.find("source")->find("case")) + ")");
    const Json* const catalog = row.find("catalog");
    const Json* const provider = row.find("provider");
    const Json* const expect = row.find("expect");
    const PriceBook own = catalog == nullptr ? book_of(row) : PriceBook();
    const PriceBook& book = catalog == nullptr ? own : catalogs.at(text(*catalog));
    const ModelMatch match = book.resolve(text(*row.find("name")), provider == nullptr ? "" : text(*provider), 0);
    EXPECT_EQ(shown(match), expect->type == Json::Type::null
                                ? "none"
                                : text(*expect->find("provider")) + " " + text_key(text(*expect->find("model"))));
    ++cases;
  }
  EXPECT_GT(cases, 200U);
}

}  // namespace
}  // namespace spend::test
