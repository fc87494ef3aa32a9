#include "core/formats/hints.hpp"

#include <algorithm>
#include <string>

#include "core/formats/names.hpp"

namespace spend::formats {

namespace {

bool is_one_of(std::string_view name, Names names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_one_of(std::string_view name, Names parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return name.find(part) != std::string_view::npos; });
}

}  // namespace

Hints Hints::of(std::string_view provider_name, std::string_view api_name) {
  constexpr std::size_t longest = 200;  // a name; more is not compared
  const std::string provider = folded(provider_name.substr(0, longest));
  const std::string api = folded(api_name.substr(0, longest));
  Hints hints;
  hints.xai = is_one_of(provider, {"xai", "grok"});
  hints.perplexity = provider == "perplexity";
  hints.openai = is_one_of(provider, {"openai", "azure", "azureopenai"});
  hints.images = has_one_of(api, {"image"});
  hints.total_is_input = has_one_of(api, {"embed", "rerank"}) || is_one_of(provider, {"voyage", "voyageai", "jina"});
  hints.processed = api == "tokens";
  hints.counts_only = has_one_of(api, {"counttoken", "tokencount"});
  hints.includes_cache =
      has_one_of(api, {"otel", "opentelemetry", "responses", "realtime", "codex", "transcription", "image"});
  hints.excludes_cache = !hints.includes_cache && has_one_of(api, {"messages", "anthropic", "converse", "invokemodel"});
  return hints;
}

}  // namespace spend::formats
