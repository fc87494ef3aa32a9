#pragma once

#include <string_view>

#include "core/import/catalog.hpp"

namespace spend {

/// Reads our own catalog format, version 1: {"format": "pg_spend", "version": 1, "checked": DATE, "sources": {…},
/// "prices": [{"provider", "model", "service_tier", "surface", "region", "speed", "variant", "valid_from",
/// "valid_until", "price", "source", "checked"}]}; provider, model and price are required. Nothing in it is cleaned: it
/// is written by hand or by us, and what does not read as a price is quarantined.
Result<ImportedCatalog> read_pg_spend_catalog(std::string_view document);

}  // namespace spend
