#include "core/import/litellm_keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace spend {

namespace {

using Role = LiteLlmRole;

/// Source of names and meanings: the catalog's own "sample_spec" entry and the vendors' price lists that its entries
/// link to.
constexpr std::array keys = {
    LiteLlmKey{"input_cost_per_token", Role::plain, "input_tokens", Per::million, 1, ""},
    LiteLlmKey{"output_cost_per_token", Role::plain, "output_tokens", Per::million, 1, ""},
    LiteLlmKey{"cache_read_input_token_cost", Role::plain, "cache_read_tokens", Per::million, 1, ""},
    LiteLlmKey{"input_cost_per_token_cache_hit", Role::cached_input, "cache_read_tokens", Per::million, 1,
               "`cache_read_tokens`, unless `cache_read_input_token_cost` says it"},
    LiteLlmKey{"cache_creation_input_token_cost", Role::plain, "cache_write_tokens", Per::million, 1, ""},
    LiteLlmKey{"cache_creation_input_token_cost_above_1hr", Role::plain, "cache_write_1h_tokens", Per::million, 1, ""},
    LiteLlmKey{"cache_read_input_audio_token_cost", Role::plain, "cache_audio_read_tokens", Per::million, 1, ""},
    LiteLlmKey{"cache_creation_input_audio_token_cost", Role::cached_audio, "cache_audio_read_tokens", Per::million, 1,
               "`cache_audio_read_tokens`, unless `cache_read_input_audio_token_cost` says it"},
    LiteLlmKey{"input_cost_per_audio_token", Role::plain, "input_audio_tokens", Per::million, 1, ""},
    LiteLlmKey{"output_cost_per_audio_token", Role::plain, "output_audio_tokens", Per::million, 1, ""},
    LiteLlmKey{"input_cost_per_image_token", Role::plain, "input_image_tokens", Per::million, 1, ""},
    LiteLlmKey{"output_cost_per_image_token", Role::plain, "output_image_tokens", Per::million, 1, ""},
    LiteLlmKey{"input_cost_per_video_token", Role::plain, "input_video_tokens", Per::million, 1, ""},
    LiteLlmKey{"output_cost_per_video_token", Role::plain, "output_video_tokens", Per::million, 1, ""},
    LiteLlmKey{"output_cost_per_reasoning_token", Role::plain, "output_reasoning_tokens", Per::million, 1, ""},
    LiteLlmKey{"citation_cost_per_token", Role::plain, "output_citation_tokens", Per::million, 1, ""},
    LiteLlmKey{"input_cost_per_character", Role::input_character, "characters", Per::million, 1,
               "`characters`; left out beside a token rate"},
    LiteLlmKey{"output_cost_per_character", Role::output_character, "output_characters", Per::million, 1,
               "`output_characters`; left out beside a token rate"},
    LiteLlmKey{"input_cost_per_second", Role::input_seconds, "audio_seconds", Per::one, 1,
               "`audio_seconds`; `provisioned_hours` of a commitment"},
    LiteLlmKey{"output_cost_per_second", Role::output_seconds, "video_seconds", Per::one, 1,
               "`video_seconds`; of sound `audio_seconds`, left out where the input or a token rate bills the call"},
    LiteLlmKey{"input_cost_per_audio_per_second", Role::plain, "audio_seconds", Per::one, 1, ""},
    LiteLlmKey{"input_cost_per_video_per_second", Role::plain, "video_seconds", Per::one, 1, ""},
    LiteLlmKey{"output_cost_per_video_per_second", Role::plain, "video_seconds", Per::one, 1, ""},
    LiteLlmKey{"input_cost_per_image", Role::input_image, "input_images", Per::one, 1,
               "`input_images`; `images` where the model makes them; below 0.0001 beside a token rate "
               "`input_image_tokens`, else left out there"},
    LiteLlmKey{"output_cost_per_image", Role::output_image, "images", Per::one, 1,
               "`images`; left out beside a token rate of output"},
    LiteLlmKey{
        "input_cost_per_pixel", Role::input_pixel, "input_pixels", Per::million, 1,
        "`output_pixels` where the model makes images and has no other rate, left out beside a price of an image"},
    LiteLlmKey{"output_cost_per_pixel", Role::output_pixel, "output_pixels", Per::million, 1,
               "`output_pixels`; left out beside a price of an image"},
    LiteLlmKey{"input_cost_per_query", Role::query, "web_searches", Per::thousand, 1,
               "`rerank_searches` of a reranker, else `web_searches`"},
    LiteLlmKey{"input_cost_per_request", Role::plain, "requests", Per::thousand, 1, ""},
    LiteLlmKey{"search_context_cost_per_query", Role::search_context, "web_searches", Per::thousand, 1,
               "`web_searches`; where the sizes differ one variant each, of Perplexity in `requests`"},
    LiteLlmKey{"google_maps_grounding_cost_per_query", Role::plain, "map_searches", Per::thousand, 1, ""},
    LiteLlmKey{"code_interpreter_cost_per_session", Role::plain, "code_sessions", Per::one, 1, ""},
    LiteLlmKey{"file_search_cost_per_1k_calls", Role::plain, "file_searches", Per::thousand, 1000, ""},
    LiteLlmKey{"file_search_cost_per_gb_per_day", Role::plain, "storage_gb_days", Per::one, 1, ""},
    LiteLlmKey{"vector_store_cost_per_gb_per_day", Role::plain, "vector_storage_gb_days", Per::one, 1, ""},
    LiteLlmKey{"computer_use_input_cost_per_1k_tokens", Role::plain, "computer_use_input_tokens", Per::million, 1000,
               ""},
    LiteLlmKey{"computer_use_output_cost_per_1k_tokens", Role::plain, "computer_use_output_tokens", Per::million, 1000,
               ""},
    LiteLlmKey{"ocr_cost_per_page", Role::plain, "pages", Per::thousand, 1, ""},
    LiteLlmKey{"annotation_cost_per_page", Role::plain, "annotated_pages", Per::thousand, 1, ""},
    LiteLlmKey{"ocr_cost_per_credit", Role::plain, "ocr_credits", Per::one, 1, ""},
    LiteLlmKey{"tiered_pricing", Role::ranges, "", Per::million, 1,
               "steps by `input_tokens`, each with the keys above; ranges of search results are variants"},
    LiteLlmKey{"off_peak_pricing", Role::off_peak, "", Per::one, 1,
               "a [schedule](prices.md#conditions) with the rates of its keys; rates that it does not have stay"},
    LiteLlmKey{"input_dbu_cost_per_token", Role::input_dbu, "input_tokens", Per::million, 1,
               "left out beside the price in USD, else `input_tokens` in `DBU`"},
    LiteLlmKey{"output_dbu_cost_per_token", Role::output_dbu, "output_tokens", Per::million, 1,
               "left out beside the price in USD, else `output_tokens` in `DBU`"},
    LiteLlmKey{"regional_processing_uplift_multiplier", Role::uplift, "", Per::one, 1, "all token rates times it"},
    LiteLlmKey{"regional_endpoint_uplift_multiplier", Role::elsewhere, "", Per::one, 1,
               "all rates times it in the regions of Google Cloud, not for `global`"},
    LiteLlmKey{"provider_specific_entry", Role::vendor_factors, "", Per::one, 1,
               "region `us` and speed `fast`: all token rates times the factor"},
};

const LiteLlmKey* find_key(std::string_view name) {
  const auto* const found =
      std::find_if(keys.begin(), keys.end(), [&](const LiteLlmKey& candidate) { return candidate.name == name; });
  return found == keys.end() ? nullptr : found;
}

/// Removes "_above_200k_tokens" or "_above_512_tokens" from the end; 0 when it is not there.
std::uint64_t take_threshold(std::string_view& key) {
  constexpr std::string_view before = "_above_";
  constexpr std::string_view after = "_tokens";
  const std::size_t place = key.rfind(before);
  if (place == std::string_view::npos || !key.ends_with(after) || place + before.size() + after.size() > key.size()) {
    return 0;
  }
  std::string_view digits = key.substr(place + before.size(), key.size() - after.size() - place - before.size());
  const bool is_thousands = digits.ends_with('k');
  digits.remove_suffix(is_thousands ? 1 : 0);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return 0;
  }
  key = key.substr(0, place);
  return std::uint64_t{number} * (is_thousands ? 1000 : 1);
}

/// Removes what stands for a variant from the end: a resolution ("_1080p", "_4k") or "_above_8s_interval".
std::string take_variant(std::string_view& key) {
  std::size_t place = key.rfind('_');
  if (key.ends_with("s_interval")) {
    place = key.rfind("_above_");
  }
  if (place == std::string_view::npos || place + 1 == key.size()) {
    return {};
  }
  const std::string_view suffix = key.substr(place + 1);
  const bool is_resolution =
      suffix.front() >= '0' && suffix.front() <= '9' && (suffix.ends_with('p') || suffix.ends_with('k'));
  if (!is_resolution && !suffix.ends_with("s_interval")) {
    return {};
  }
  key = key.substr(0, place);
  return std::string(suffix);
}

}  // namespace

std::optional<LiteLlmCost> parse_litellm_key(std::string_view key) {
  LiteLlmCost cost;
  constexpr std::string_view uplift = "regional_processing_uplift_multiplier_";
  if (key.starts_with(uplift) && key.size() > uplift.size()) {
    cost.key = find_key(uplift.substr(0, uplift.size() - 1));
    cost.variant = key.substr(uplift.size());
    return cost;
  }
  cost.key = find_key(key);
  if (cost.key != nullptr) {
    return cost.key->role == Role::uplift ? std::nullopt : std::optional(cost);
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> tiers = {
      {{"_batches", "batch"}, {"_flex", "flex"}, {"_priority", "priority"}, {"_ultrafast", "ultrafast"}}};
  for (const auto& [suffix, tier] : tiers) {
    if (key.ends_with(suffix)) {
      key.remove_suffix(suffix.size());
      cost.service_tier = tier;
      break;
    }
  }
  cost.above_tokens = take_threshold(key);
  cost.variant = take_variant(key);
  cost.key = find_key(key);
  if (cost.key == nullptr || cost.key->role == Role::uplift) {
    return std::nullopt;
  }
  // Only a rate can have a tier, a step or a variant.
  const bool is_rate = !cost.key->meter.empty() && cost.key->role != Role::search_context;
  return is_rate ? std::optional(cost) : std::nullopt;
}

bool looks_like_litellm_cost(std::string_view key) {
  constexpr std::array<std::string_view, 7> words = {"cost",       "price",  "pricing", "_fee",
                                                     "multiplier", "uplift", "rate_per"};
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return key.find(word) != std::string_view::npos; });
}

std::string describe_litellm_key(std::string_view key) {
  const std::optional<LiteLlmCost> cost = parse_litellm_key(key);
  if (!cost.has_value()) {
    return {};
  }
  std::string text =
      cost->key->target.empty() ? "`" + std::string(cost->key->meter) + "`" : std::string(cost->key->target);
  if (cost->key->role == Role::uplift) {
    return "region `" + cost->variant + "`: " + text;
  }
  if (cost->above_tokens != 0) {
    text += ", above " + std::to_string(cost->above_tokens) + " input tokens";
  }
  if (cost->service_tier != "standard") {
    text += ", service tier `" + std::string(cost->service_tier) + "`";
  }
  if (!cost->variant.empty()) {
    text += ", variant `" + cost->variant + "`";
  }
  return text;
}

}  // namespace spend
