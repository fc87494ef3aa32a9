#include "core/formats/families.hpp"

namespace spend::formats {

namespace {

/// xAI's own keys, for whoever passes its answers on under another name.
bool looks_like_xai(const Json& usage) {
  return member(usage, {"cost_in_usd_ticks", "num_sources_used", "prompt_text_tokens", "cached_prompt_text_tokens"}) !=
         nullptr;
}

bool looks_like_perplexity(const Json& usage) {
  return member(usage, {"citation_tokens", "num_search_queries", "search_context_size"}) != nullptr;
}

}  // namespace

void read_chat(const Json& usage, const Hints& hints, Counts& counts) {
  const Json* const in =
      counts.object(&usage, {"prompt_tokens_details", "input_tokens_details", "input_token_details"});
  const Json* const out =
      counts.object(&usage, {"completion_tokens_details", "output_tokens_details", "output_token_details"});
  const Count total = counts.first(&usage, {"total_tokens"});
  Count input = counts.first(&usage, {"prompt_tokens", "input_tokens"});
  const Count completion = counts.first(&usage, {"completion_tokens", "output_tokens"});

  // Anthropic's parts beside a prompt count: some translations leave one of them out of the prompt.
  const Count read_part = counts.first(&usage, {"cache_read_input_tokens"});
  const Count write_part = counts.first(&usage, {"cache_creation_input_tokens"});
  const Count parts = counts.sum(read_part, write_part);
  if (!input.has_value()) {
    input = difference(total, completion);
  }
  if (input.has_value()) {
    input = larger(input, parts);
  }
  counts.set("input_tokens", input);
  counts.set("cache_read_tokens",
             larger(counts.largest(in, {"cached_tokens", "cache_read_tokens"}),
                    larger(read_part, counts.largest(&usage, {"cached_tokens", "prompt_cache_hit_tokens",
                                                              "num_cached_tokens", "cached_prompt_text_tokens",
                                                              "cached_prompt_tokens", "cache_read_tokens"}))));
  // Gateways pass on what Anthropic says of the time to live, beside the prompt or within its details.
  const Count written =
      read_cache_lifetimes({object_member(&usage, "cache_creation"), object_member(in, "cache_creation_token_details"),
                            object_member(in, "cache_creation")},
                           counts);
  counts.set("cache_write_tokens",
             larger(larger(written, counts.largest(in, {"cache_write_tokens", "cache_creation_tokens",
                                                        "cache_creation_input_tokens"})),
                    larger(write_part, counts.first(&usage, {"cache_write_tokens"}))));
  read_modalities(in, "input_", "_tokens", counts);
  read_modalities(counts.object(in, {"cached_tokens_details"}), "cache_", "_read_tokens", counts);
  counts.add("input_text_tokens", counts.first(&usage, {"prompt_text_tokens"}));
  counts.add("input_image_tokens", counts.first(&usage, {"prompt_image_tokens"}));

  const Count reasoning = larger(counts.first(out, {"reasoning_tokens"}), counts.first(&usage, {"reasoning_tokens"}));
  const Count citations = counts.first(&usage, {"citation_tokens"});
  const bool is_perplexity = hints.perplexity || looks_like_perplexity(usage);
  Count output = completion;
  Count hidden;  // what only the total tells of
  if (is_perplexity) {
    output = counts.sum(counts.sum(completion, reasoning), citations);
  } else if (!parts.has_value()) {
    const Count beside = counts.sum(completion, reasoning);
    const Count by_total = difference(total, input);
    // More reasoning than completion stands beside it, whoever passes the answer on.
    const bool is_beside = hints.xai || looks_like_xai(usage) || reasoning > completion;
    if (is_beside && reasoning.has_value() &&
        (!total.has_value() || (by_total.has_value() && *by_total >= beside.value_or(Decimal())))) {
      output = beside;
    }
    if (by_total.has_value() && (!output.has_value() || *by_total > *output)) {
      hidden = completion.has_value() ? difference(by_total, completion) : std::nullopt;
      output = by_total;
    }
  }
  counts.set("output_tokens", output);
  counts.set("output_reasoning_tokens", larger(reasoning, hidden));
  counts.set("output_citation_tokens", citations);
  read_modalities(out, "output_", "_tokens", counts);

  // Mistral writes {} where there was no audio.
  if (!is_object(member(usage, "prompt_audio_seconds"))) {
    counts.set("audio_seconds", counts.first(&usage, {"prompt_audio_seconds"}));
  }
  counts.set("web_searches", counts.first(&usage, {"num_search_queries"}));
  counts.set("search_sources", counts.first(&usage, {"num_sources_used"}));
  read_server_tools(usage, counts);
}

}  // namespace spend::formats
