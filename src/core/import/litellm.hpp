#pragma once

#include <string_view>

#include "core/import/catalog.hpp"

namespace spend {

/// Reads LiteLLM's model_prices_and_context_window.json (MIT, github.com/BerriAI/litellm): an object of models, each
/// with rates per single unit. Service tiers, regional uplifts, search context sizes and speeds become SKUs of their
/// own, complete in themselves. The document has no dates.
Result<ImportedCatalog> read_litellm(std::string_view document);

}  // namespace spend
