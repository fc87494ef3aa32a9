#include <string>

#include "core/formats/families.hpp"
#include "core/meter_table.hpp"

namespace spend::formats {

namespace {

/// Cache writes by time to live, as Bedrock lists them. Their sum.
Count read_cache_details(const Json& usage, Counts& counts) {
  Count written;
  const Json* const list = counts.list(&usage, {"cache_details"});
  for (const Json& item : list != nullptr ? list->items : std::vector<Json>()) {
    const std::string_view ttl = text_member(item, {"ttl"});
    const Count count = counts.first(&item, {"input_tokens"});
    for (const std::string_view lifetime : cache_lifetimes) {
      if (ttl == lifetime) {
        counts.add(meter_name("cache_write_", lifetime, "_tokens"), count);
      }
    }
    written = counts.sum(written, count);
  }
  return written;
}

/// OpenAI's image API names no cached tokens, and its answers without output details are images.
bool looks_like_images(const Json* in, const Json* out) {
  return in != nullptr && out == nullptr && member(*in, "image_tokens") != nullptr &&
         member(*in, "cached_tokens") == nullptr && member(*in, "audio_tokens") == nullptr;
}

/// Output of Amazon's Titan, which counts each of its results; the last part of a stream has the total.
Count read_titan_output(const Json& usage, Counts& counts) {
  Count written = counts.first(&usage, {"total_output_text_token_count"});
  const Json* const results = counts.list(&usage, {"results"});
  for (const Json& result : results != nullptr && !written.has_value() ? results->items : std::vector<Json>()) {
    written = counts.sum(written, counts.first(&result, {"token_count"}));
  }
  return written;
}

/// Counts under our own meters' names, as some libraries keep them.
void read_own_names(const Json& usage, Counts& counts) {
  for (const auto& [key, value] : usage.members) {
    const MeterInfo* const meter = find_meter(key);
    if (meter != nullptr && value.type != Json::Type::null && index_of(*meter) < tree_size &&
        counts.usage.find(key) == nullptr) {
      counts.set(key, counts.first(&usage, {key}));
    }
  }
}

/// Vercel's AI SDK from version 6: the whole and its parts in one object each.
bool is_divided(const Json* count) {
  return is_object(count) && member(*count, "total") != nullptr;
}

void read_divided(const Json& in, const Json& out, Counts& counts) {
  counts.set("input_tokens", counts.first(&in, {"total"}));
  counts.set("cache_read_tokens", counts.first(&in, {"cache_read"}));
  counts.set("cache_write_tokens", counts.first(&in, {"cache_write"}));
  counts.set("output_tokens", counts.first(&out, {"total"}));
  counts.set("output_reasoning_tokens", counts.first(&out, {"reasoning"}));
}

}  // namespace

void read_tokens(const Json& usage, const Hints& hints, Counts& counts) {
  const Json* const whole_in = member(usage, "input_tokens");
  const Json* const whole_out = member(usage, "output_tokens");
  if (is_divided(whole_in) && is_divided(whole_out)) {
    return read_divided(*whole_in, *whole_out, counts);
  }
  const Json* const in =
      counts.object(&usage, {"input_tokens_details", "input_token_details", "prompt_tokens_details"});
  const Json* const out = counts.object(&usage, {"output_tokens_details", "output_token_details"});
  // The last of each stand in the headers of what Bedrock's InvokeModel answers.
  const Count input = counts.first(
      &usage, {"input_tokens", "input_token_count", "input_text_token_count", "x_amzn_bedrock_input_token_count"});
  Count output = counts.first(
      &usage, {"output_tokens", "output_token_count", "generated_token_count", "x_amzn_bedrock_output_token_count"});
  if (!output.has_value() && member(usage, "input_text_token_count") != nullptr) {
    output = read_titan_output(usage, counts);
  }
  const Count total = counts.first(&usage, {"total_tokens", "total_token_count"});

  // Claude Code's events leave "input" out of the names; of the libraries that do, too, none says "creation".
  const bool is_claude_code = member(usage, "cache_creation_tokens") != nullptr;
  const Count read_beside = is_claude_code
                                ? counts.first(&usage, {"cache_read_tokens"})
                                : counts.first(&usage, {"cache_read_input_tokens", "cache_read_input_token_count"});
  const Count write_flat = counts.first(
      &usage, {"cache_creation_input_tokens", "cache_write_input_tokens", "cache_creation_input_token_count",
               "cache_write_input_token_count", "cache_creation_tokens"});
  const Count write_by_lifetime = read_cache_lifetimes({object_member(&usage, "cache_creation"), in}, counts);
  const Count write_beside = larger(write_flat, counts.sum(write_by_lifetime, read_cache_details(usage, counts)));
  const Count read_inside =
      larger(counts.largest(in, {"cached_tokens", "cache_read", "cache_read_tokens"}),
             is_claude_code ? std::nullopt
                            : counts.largest(&usage, {"cached_input_tokens", "cached_tokens", "cache_read_tokens",
                                                      "cached_token_count"}));
  const Json* const write_details = object_member(in, "cache_creation");
  const Count write_inside =
      larger(larger(counts.largest(in, {"cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens"}),
                    write_details != nullptr ? read_cache_lifetimes({write_details}, counts)
                                             : counts.first(in, {"cache_creation"})),
             counts.first(&usage, {"cache_write_tokens"}));

  const bool cache_beside = (read_beside.has_value() || write_beside.has_value()) && !hints.includes_cache &&
                            (hints.excludes_cache || (!read_inside.has_value() && !write_inside.has_value()));
  if (cache_beside && input.has_value()) {
    counts.set("input_tokens", counts.sum(input, counts.sum(read_beside, write_beside)));
  } else {
    counts.set("input_tokens", input);
  }
  counts.set("cache_read_tokens", larger(read_beside, read_inside));
  counts.set("cache_write_tokens", larger(write_beside, write_inside));
  read_modalities(in, "input_", "_tokens", counts);
  read_modalities(counts.object(in, {"cached_tokens_details"}), "cache_", "_read_tokens", counts);

  const Count by_total = cache_beside ? std::nullopt : difference(total, input);
  counts.set("output_tokens", larger(output, by_total));
  const Count reasoning =
      larger(counts.first(out, {"reasoning_tokens", "thinking_tokens", "reasoning"}),
             larger(counts.first(&usage, {"reasoning_tokens", "reasoning_output_tokens", "reasoning_token_count"}),
                    counts.first(object_member(&usage, "details"), {"reasoning_tokens"})));
  counts.set("output_reasoning_tokens",
             larger(reasoning, by_total > output && output.has_value() ? difference(by_total, output) : std::nullopt));
  read_modalities(out, "output_", "_tokens", counts);
  if ((hints.images && out == nullptr) || looks_like_images(in, out)) {
    counts.set("output_image_tokens", output);
  }
  read_server_tools(usage, counts);
  read_own_names(usage, counts);
}

}  // namespace spend::formats
