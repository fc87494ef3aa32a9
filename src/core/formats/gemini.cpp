#include "core/formats/families.hpp"

namespace spend::formats {

namespace {

/// [{"modality": "TEXT", "tokenCount": 7}, …] into before + modality + after. A modality without a count has none.
void read_modality_list(const Json& usage, Names names, std::string_view before, std::string_view after,
                        Counts& counts) {
  const Json* const list = counts.list(&usage, names);
  if (list == nullptr) {
    return;
  }
  for (const Json& item : list->items) {
    const std::string_view name = text_member(item, {"modality"});
    for (const Modality& modality : modalities) {
      if (same_name(name, modality.vendor)) {
        counts.add(meter_name(before, modality.meter, after), counts.first(&item, {"token_count", "tokens"}));
      }
    }
  }
}

}  // namespace

void read_gemini(const Json& usage, Counts& counts) {
  const Count tools = counts.first(&usage, {"tool_use_prompt_token_count", "tool_token_count"});
  const Count thoughts = counts.first(&usage, {"thoughts_token_count"});
  counts.set("input_tokens", counts.sum(counts.first(&usage, {"prompt_token_count", "input_token_count"}), tools));
  counts.set("cache_read_tokens", counts.first(&usage, {"cached_content_token_count"}));
  counts.set("input_tool_tokens", tools);
  counts.set("output_tokens", counts.sum(counts.first(&usage, {"candidates_token_count", "response_token_count",
                                                               "generation_token_count", "output_token_count"}),
                                         thoughts));
  counts.set("output_reasoning_tokens", thoughts);
  read_modality_list(usage, {"prompt_tokens_details", "prompt_token_details"}, "input_", "_tokens", counts);
  read_modality_list(usage, {"tool_use_prompt_tokens_details"}, "input_", "_tokens", counts);
  read_modality_list(usage, {"tool_use_prompt_tokens_details"}, "input_", "_tool_tokens", counts);
  read_modality_list(usage, {"cache_tokens_details"}, "cache_", "_read_tokens", counts);
  read_modality_list(usage, {"candidates_tokens_details", "response_tokens_details"}, "output_", "_tokens", counts);
}

void read_interactions(const Json& usage, Counts& counts) {
  const Count tools = counts.first(&usage, {"total_tool_use_tokens"});
  const Count thoughts = counts.first(&usage, {"total_thought_tokens"});
  counts.set("input_tokens", counts.sum(counts.first(&usage, {"total_input_tokens"}), tools));
  counts.set("cache_read_tokens", counts.first(&usage, {"total_cached_tokens"}));
  counts.set("input_tool_tokens", tools);
  counts.set("output_tokens", counts.sum(counts.first(&usage, {"total_output_tokens"}), thoughts));
  counts.set("output_reasoning_tokens", thoughts);
  read_modality_list(usage, {"input_tokens_by_modality"}, "input_", "_tokens", counts);
  read_modality_list(usage, {"tool_use_tokens_by_modality"}, "input_", "_tokens", counts);
  read_modality_list(usage, {"tool_use_tokens_by_modality"}, "input_", "_tool_tokens", counts);
  read_modality_list(usage, {"cached_tokens_by_modality"}, "cache_", "_read_tokens", counts);
  read_modality_list(usage, {"output_tokens_by_modality"}, "output_", "_tokens", counts);
  // Amazon's Nova Sonic: what was spoken, and what was written, of the session so far.
  const Json* const so_far = object_member(object_member(&usage, "details"), "total");
  for (const std::string_view side : {"input", "output"}) {
    const Json* const told = object_member(so_far, side);
    counts.add(meter_name(side, "_audio", "_tokens"), counts.first(told, {"speech_tokens"}));
    counts.add(meter_name(side, "_text", "_tokens"), counts.first(told, {"text_tokens"}));
  }
}

}  // namespace spend::formats
