#include "core/import/catalog.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/error_text.hpp"
#include "core/import/genai_prices.hpp"
#include "core/import/litellm.hpp"
#include "core/import/pg_spend_format.hpp"

namespace spend {

namespace {

struct Format {
  std::string_view name;
  Result<ImportedCatalog> (*read)(std::string_view);
};

constexpr std::array formats = {Format{"genai-prices", read_genai_prices}, Format{"litellm", read_litellm},
                                Format{"pg_spend", read_pg_spend_catalog}};

/// Of two entries for one SKU at one time, the one with the shorter name is taken: "gpt-4o" before "openai/gpt-4o".
bool comes_first(const ImportedPrice& a, const ImportedPrice& b) {
  if (const std::strong_ordering order = a.sku <=> b.sku; order != 0) {
    return order < 0;
  }
  if (a.valid_from != b.valid_from) {
    return a.valid_from < b.valid_from;
  }
  return a.name.size() != b.name.size() ? a.name.size() < b.name.size() : a.name < b.name;
}

/// Entries that name one SKU at one time: equal ones are one, of different ones the later are quarantined.
void remove_overlaps(ImportedCatalog& catalog) {
  std::sort(catalog.prices.begin(), catalog.prices.end(), comes_first);
  std::vector<ImportedPrice> kept;
  kept.reserve(catalog.prices.size());
  for (ImportedPrice& price : catalog.prices) {
    if (kept.empty() || kept.back().sku != price.sku || kept.back().valid_until <= price.valid_from) {
      kept.push_back(std::move(price));
    } else if (!(kept.back().price == price.price)) {
      QuarantinedEntry entry{price.name, price.sku.provider, price.sku.model,
                             quoted(kept.back().name) + " has another price for the same SKU"};
      // One word for all the service tiers in which they differ.
      if (catalog.quarantined.empty() || catalog.quarantined.back().name != entry.name) {
        catalog.quarantined.push_back(std::move(entry));
      }
    }
  }
  catalog.prices = std::move(kept);
}

}  // namespace

std::string_view catalog_formats() {
  return "genai-prices, litellm, pg_spend";
}

Result<ImportedCatalog> read_catalog(std::string_view format, std::string_view document) {
  const auto* const found =
      std::find_if(formats.begin(), formats.end(), [&](const Format& candidate) { return candidate.name == format; });
  if (found == formats.end()) {
    return Error{ErrorKind::invalid_value, "unknown catalog format " + quoted(format), "",
                 "The formats are " + std::string(catalog_formats()) + "."};
  }
  Result<ImportedCatalog> catalog = found->read(document);
  if (!catalog.ok()) {
    return catalog;
  }
  if (catalog->prices.size() > PriceTable::max_entries) {
    return Error{ErrorKind::limit_exceeded,
                 "the catalog has more than " + std::to_string(PriceTable::max_entries) + " prices", "", ""};
  }
  for (ImportedPrice& price : catalog->prices) {
    if (price.source.empty()) {
      price.source = found->name;
    }
  }
  remove_overlaps(*catalog);
  return catalog;
}

}  // namespace spend
