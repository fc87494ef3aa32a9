#pragma once

#include <string_view>

#include "core/import/catalog.hpp"

namespace spend {

/// Reads genai-prices' data.json (MIT, github.com/pydantic/genai-prices): an array of providers, each with models,
/// their prices per million tokens or thousand calls, steps above a number of input tokens, and prices that begin on a
/// date.
Result<ImportedCatalog> read_genai_prices(std::string_view document);

}  // namespace spend
