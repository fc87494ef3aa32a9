#pragma once

#include <string_view>

namespace spend {

/// A provider under the name that our catalog and documents use.
struct ProviderName {
  std::string_view name;     ///< "google"; the name itself where it is nobody's other name
  std::string_view surface;  ///< what the other name says of the host: "vertex_ai" for google-vertex; "" mostly
  bool known = false;        ///< whether the table has it at all
};

/// The provider meant by a name under which an SDK, gateway, tracer or hub files it ("aws.bedrock", "x-ai",
/// "vertex_ai", "mistralai"). `name` is normalised (text_key.hpp). Sources: OpenTelemetry's gen_ai.provider.name,
/// LiteLLM's and genai-prices' provider ids, Vercel's and Pydantic's SDKs, the organisations of model hubs.
ProviderName canonical_provider(std::string_view name);

/// Whether both names mean one provider.
bool same_provider(std::string_view a, std::string_view b);

/// Whether the provider passes calls on to others ("openrouter/anthropic/claude-…"): what stands behind its name in a
/// path is a whole name again.
bool is_router(std::string_view canonical);

}  // namespace spend
