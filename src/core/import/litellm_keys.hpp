#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/price.hpp"

namespace spend {

/// What a cost key of LiteLLM's catalog is about, before its context is known. `plain` keys have a meter of their own;
/// what the others mean depends on the rest of the model's entry (see litellm_roles.hpp).
enum class LiteLlmRole : std::uint8_t {
  plain,
  cached_input,  ///< input_cost_per_token_cache_hit: the older name of cache_read_input_token_cost
  cached_audio,  ///< cache_creation_input_audio_token_cost: stands for cached audio
  input_seconds,
  output_seconds,
  input_image,
  output_image,
  input_pixel,
  output_pixel,
  input_character,
  output_character,
  query,
  search_context,
  ranges,    ///< tiered_pricing
  off_peak,  ///< off_peak_pricing
  input_dbu,
  output_dbu,
  elsewhere,      ///< regional_endpoint_uplift_multiplier: Vertex AI's regions, all but the global one
  uplift,         ///< regional_processing_uplift_multiplier_REGION
  vendor_factors  ///< provider_specific_entry
};

/// A base key: what is left of a key without its suffixes.
struct LiteLlmKey {
  std::string_view name;
  LiteLlmRole role;
  std::string_view meter;   ///< of a plain key
  Per per;                  ///< the unit in which the rate is written
  std::uint32_t units;      ///< how many units the figure buys: 1, or 1000 for "per_1k"
  std::string_view target;  ///< for people, where the meter does not say it all
};

/// A cost key taken apart: base key, service tier, context threshold, variant.
struct LiteLlmCost {
  const LiteLlmKey* key = nullptr;
  std::string_view service_tier = "standard";
  std::uint64_t above_tokens = 0;  ///< 0: no threshold
  std::string variant;             ///< "1080p", "above_8s_interval"; of an uplift, its region
};

/// The key taken apart; nothing when it is not one that we know.
std::optional<LiteLlmCost> parse_litellm_key(std::string_view key);

/// Whether a key that we do not know looks like money, so that the report must name it.
bool looks_like_litellm_cost(std::string_view key);

/// Where a key goes, as the documentation says it: "`cache_read_tokens`, above 200000 input tokens, service tier
/// `priority`"; "" for an unknown key.
std::string describe_litellm_key(std::string_view key);

}  // namespace spend
