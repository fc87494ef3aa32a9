#include "core/price_book.hpp"
#include "core/price_table.hpp"
#include "core/price_table_merge.hpp"
#include "fuzz.hpp"

using spend::PriceBook;
using spend::PriceEntry;
using spend::PriceMatch;
using spend::PriceTable;
using spend::Result;
using spend::fuzz::require;

namespace {

/// Every price of a table is found under its own name at its own time.
void check_book(const PriceTable& table) {
  const PriceBook book = PriceBook::build(table.entries());
  require(book.size() == table.entries().size());
  for (const PriceEntry& entry : table.entries()) {
    spend::SkuQuery query;
    query.provider = entry.sku.provider;
    query.model = entry.sku.model;
    query.surface = entry.sku.surface;
    query.region = entry.sku.region;
    query.service_tier = entry.sku.service_tier;
    query.speed = entry.sku.speed;
    query.variant = entry.sku.variant;
    const PriceMatch match = book.find(query, entry.valid_from);
    require(match.entry != nullptr && match.fallback.empty() && *match.entry == entry);
    query.provider = {};
    require(book.find(query, entry.valid_from).reason != "unknown model");
  }
}

void check_table(const PriceTable& table) {
  const std::string json = table.to_json();
  const Result<PriceTable> again = PriceTable::from_json(json);
  require(again.ok() && again->entries() == table.entries() && again->to_json() == json);
  const std::string wire = table.to_wire();
  const Result<PriceTable> from_wire = PriceTable::from_wire(spend::fuzz::bytes(wire));
  require(from_wire.ok() && from_wire->entries() == table.entries());
  const std::string storage = table.to_storage();
  const Result<PriceTable> from_storage = PriceTable::from_storage(spend::fuzz::bytes(storage));
  require(from_storage.ok() && from_storage->entries() == table.entries());
  check_book(table);
  const Result<PriceTable> itself = spend::merge(table, table);
  require(itself.ok() && itself->entries() == table.entries());
}

}  // namespace

/// The same bytes are tried as text and as a wire image.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = spend::fuzz::text(data, size);
  if (const Result<PriceTable> table = PriceTable::from_json(input); table.ok()) {
    check_table(*table);
  }
  if (const Result<PriceTable> table = PriceTable::from_wire(spend::fuzz::bytes(input)); table.ok()) {
    require(table->to_wire() == input);
    check_table(*table);
  } else {
    require(table.error().kind == spend::ErrorKind::invalid_binary);
  }
  return 0;
}
