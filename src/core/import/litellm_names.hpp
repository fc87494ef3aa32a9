#pragma once

#include <string>
#include <string_view>

#include "core/price_table.hpp"

namespace spend {

/// Our name of a provider that a catalog knows under another: "bedrock_converse" and "aws" are bedrock, "gemini" and
/// "vertex_ai-anthropic_models" google. Others stay as they are.
std::string provider_name(std::string_view catalog_name);

/// The SKU that a key of LiteLLM's catalog names: the provider's prefix goes, and what stands in the path and is no
/// part of the model's name becomes region ("azure/eu/…", "bedrock/us-east-1/…") or variant ("hd/1024-x-1024/dall-e-3",
/// "6-month-commitment"). Models of Google's Vertex AI get the surface "vertex_ai".
Sku litellm_sku(std::string_view key, std::string_view litellm_provider);

}  // namespace spend
