#include <array>
#include <set>

#include "core/import/catalog.hpp"
#include "core/import/rate_text.hpp"
#include "core/import/timeline.hpp"
#include "core/model_aliases.hpp"
#include "fuzz.hpp"

using spend::ImportedCatalog;
using spend::ImportedPrice;
using spend::ImportMoment;
using spend::PricePlan;
using spend::Result;
using spend::fuzz::require;

namespace {

/// What an import leaves can be imported again without a change, and its ranges never overlap.
void check_timeline(const ImportedCatalog& catalog) {
  for (std::size_t first = 0; first < catalog.prices.size();) {
    std::size_t end = first + 1;
    while (end < catalog.prices.size() && catalog.prices[end].sku == catalog.prices[first].sku) {
      require(catalog.prices[end - 1].valid_until <= catalog.prices[end].valid_from);
      ++end;
    }
    const std::span<const ImportedPrice> wanted(&catalog.prices[first], end - first);
    for (const ImportMoment moment : {ImportMoment{0, 0}, ImportMoment{spend::timestamp_min, 0}}) {
      std::vector<spend::StandingPrice> standing = {{.price_id = 1,
                                                     .valid_from = spend::timestamp_min,
                                                     .valid_until = spend::timestamp_max,
                                                     .price = catalog.prices.front().price}};
      plan_prices(standing, wanted, moment);
      for (std::size_t i = 0; i < standing.size(); ++i) {
        require(standing[i].valid_from < standing[i].valid_until);
        require(i == 0 || standing[i - 1].valid_until <= standing[i].valid_from);
      }
      for (const PricePlan& plan : plan_prices(standing, wanted, moment)) {
        require(plan.closings.empty() && plan.ranges.empty());
      }
    }
    first = end;
  }
}

}  // namespace

/// The same bytes are tried as a document of each format. What comes out is a price table, or a quarantined entry with
/// its reason.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = spend::fuzz::text(data, size);
  for (const char* const format : {"litellm", "genai-prices", "pg_spend"}) {
    const Result<ImportedCatalog> catalog = spend::read_catalog(format, input);
    if (!catalog.ok()) {
      require(!catalog.error().message.empty());
      continue;
    }
    for (const spend::QuarantinedEntry& entry : catalog->quarantined) {
      require(!entry.reason.empty());
    }
    for (const ImportedPrice& price : catalog->prices) {
      const Result<spend::Price> again = spend::Price::from_json(price.price.to_json());
      require(again.ok() && *again == price.price && !price.sku.provider.empty() && !price.sku.model.empty());
    }
    for (const spend::ImportedAlias& alias : catalog->aliases) {
      require(!alias.alias.empty() && !alias.provider.empty() && !alias.model.empty());
      require(!spend::ModelPattern::is_pattern(alias.alias) || spend::ModelPattern::is_valid(alias.alias));
    }
    check_timeline(*catalog);
  }
  if (const Result<spend::CatalogNumber> number = spend::read_catalog_number(input); number.ok()) {
    const Result<spend::CatalogNumber> again = spend::read_catalog_number(number->value.to_string());
    require(!number->cleaned || (again.ok() && !again->cleaned && again->value == number->value));
  }
  return 0;
}
