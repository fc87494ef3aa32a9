#include "core/formats/otel.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/formats/families.hpp"
#include "core/formats/payload.hpp"
#include "core/meter_table.hpp"

namespace spend::formats {

namespace {

constexpr std::array<std::string_view, 7> prefixes = {"gen_ai",    "llm",           "ai",       "gcp",
                                                      "operation", "openinference", "traceloop"};

/// "gen_ai.usage.x" belongs to "gen_ai", "genuine" to none.
bool is_ours(std::string_view name) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
    return name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '.');
  });
}

/// Attributes as one flat, sorted list of names and values.
class Attributes {
 public:
  explicit Attributes(const Json& object) {
    flatten(object, "", 0);
    if (const Json* const nested = object.find("attributes")) {
      if (nested->type == Json::Type::object) {
        flatten(*nested, "", 0);
      }
      for (const Json& item : nested->items) {
        add_key_value(item);
      }
    }
    std::stable_sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  }

  const Json* find(std::string_view name) const {
    const auto place = std::lower_bound(all_.begin(), all_.end(), name,
                                        [](const auto& entry, std::string_view key) { return entry.first < key; });
    return place != all_.end() && place->first == name ? place->second : nullptr;
  }
  std::string_view text(Names names) const {
    for (const std::string_view name : names) {
      const Json* const value = find(name);
      if (value != nullptr && value->type == Json::Type::string && !value->text.empty()) {
        return value->text;
      }
    }
    return {};
  }
  const std::vector<std::pair<std::string, const Json*>>& all() const { return all_; }

 private:
  static constexpr std::size_t most = 4096;

  void flatten(const Json& object, const std::string& path, int depth) {
    for (const auto& [key, value] : object.members) {
      std::string name = path;
      name += path.empty() ? "" : ".";
      name += key;
      if (name.size() > 200 || !is_ours(name)) {
        continue;
      }
      add(name, value);
      if (value.type == Json::Type::object && depth < 6) {
        flatten(value, name, depth + 1);
      }
    }
  }
  /// {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "120"}}
  void add_key_value(const Json& item) {
    const Json* const key = item.find("key");
    const Json* const value = item.find("value");
    if (key == nullptr || value == nullptr || !is_ours(key->text)) {
      return;
    }
    const bool is_wrapped = value->type == Json::Type::object && value->members.size() == 1;
    add(key->text, is_wrapped ? value->members.front().value : *value);
  }
  void add(const std::string& name, const Json& value) {
    if (value.type != Json::Type::null && all_.size() < most) {
      all_.emplace_back(name, &value);
    }
  }

  std::vector<std::pair<std::string, const Json*>> all_;
};

struct Alias {
  std::string_view meter;
  std::string_view attribute;
};

/// For each meter the attributes that hold it; the first that is there wins, be it 0.
constexpr std::array aliases = {
    Alias{"input_tokens", "gen_ai.usage.input_tokens"},
    Alias{"input_tokens", "gen_ai.usage.prompt_tokens"},
    Alias{"input_tokens", "llm.token_count.prompt"},
    Alias{"input_tokens", "llm.usage.prompt_tokens"},
    Alias{"input_tokens", "llm.usage.input_tokens"},
    Alias{"input_tokens", "ai.usage.inputTokens"},
    Alias{"input_tokens", "ai.usage.promptTokens"},
    Alias{"input_tokens", "ai.usage.tokens"},
    Alias{"output_tokens", "gen_ai.usage.output_tokens"},
    Alias{"output_tokens", "gen_ai.usage.completion_tokens"},
    Alias{"output_tokens", "llm.token_count.completion"},
    Alias{"output_tokens", "llm.usage.completion_tokens"},
    Alias{"output_tokens", "llm.usage.output_tokens"},
    Alias{"output_tokens", "ai.usage.outputTokens"},
    Alias{"output_tokens", "ai.usage.completionTokens"},
    Alias{"cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"},
    Alias{"cache_read_tokens", "gen_ai.usage.cache_read_input_tokens"},
    Alias{"cache_read_tokens", "gen_ai.usage.input_cached_tokens"},
    Alias{"cache_read_tokens", "gen_ai.usage.input_tokens.cached"},
    Alias{"cache_read_tokens", "gen_ai.usage.cached_input_tokens"},
    Alias{"cache_read_tokens", "gen_ai.usage.cached_tokens"},
    Alias{"cache_read_tokens", "gen_ai.usage.details.cache_read_input_tokens"},
    Alias{"cache_read_tokens", "gen_ai.usage.details.cached_tokens"},
    Alias{"cache_read_tokens", "gen_ai.usage.prompt_tokens_details.cached_tokens"},
    Alias{"cache_read_tokens", "llm.token_count.prompt_details.cache_read"},
    Alias{"cache_read_tokens", "llm.token_count.prompt_details.cache_input"},
    Alias{"cache_read_tokens", "llm.token_count.prompt.cache_read"},
    Alias{"cache_read_tokens", "llm.usage.cache_read_input_tokens"},
    Alias{"cache_read_tokens", "ai.usage.cachedInputTokens"},
    Alias{"cache_read_tokens", "ai.usage.inputTokenDetails.cacheReadTokens"},
    Alias{"cache_write_tokens", "gen_ai.usage.cache_write.input_tokens"},
    Alias{"cache_write_tokens", "gen_ai.usage.cache_creation.input_tokens"},
    Alias{"cache_write_tokens", "gen_ai.usage.cache_write_input_tokens"},
    Alias{"cache_write_tokens", "gen_ai.usage.cache_creation_input_tokens"},
    Alias{"cache_write_tokens", "gen_ai.usage.input_cache_creation"},
    Alias{"cache_write_tokens", "gen_ai.usage.input_tokens.cache_write"},
    Alias{"cache_write_tokens", "gen_ai.usage.details.cache_write_input_tokens"},
    Alias{"cache_write_tokens", "gen_ai.usage.details.cache_creation_input_tokens"},
    Alias{"cache_write_tokens", "llm.token_count.prompt_details.cache_write"},
    Alias{"cache_write_tokens", "llm.token_count.prompt.cache_write"},
    Alias{"cache_write_tokens", "llm.usage.cache_creation_input_tokens"},
    Alias{"cache_write_tokens", "ai.usage.inputTokenDetails.cacheWriteTokens"},
    Alias{"output_reasoning_tokens", "gen_ai.usage.reasoning.output_tokens"},
    Alias{"output_reasoning_tokens", "gen_ai.usage.reasoning_tokens"},
    Alias{"output_reasoning_tokens", "gen_ai.usage.reasoning_output_tokens"},
    Alias{"output_reasoning_tokens", "gen_ai.usage.experimental.reasoning_tokens"},
    Alias{"output_reasoning_tokens", "gen_ai.usage.output_tokens.reasoning"},
    Alias{"output_reasoning_tokens", "gen_ai.usage.details.reasoning_tokens"},
    Alias{"output_reasoning_tokens", "gen_ai.usage.completion_tokens_details.reasoning_tokens"},
    Alias{"output_reasoning_tokens", "llm.token_count.completion_details.reasoning"},
    Alias{"output_reasoning_tokens", "llm.usage.reasoning_tokens"},
    Alias{"output_reasoning_tokens", "ai.usage.reasoningTokens"},
    Alias{"output_reasoning_tokens", "ai.usage.outputTokenDetails.reasoningTokens"},
    Alias{"input_audio_tokens", "llm.token_count.prompt_details.audio"},
    Alias{"input_image_tokens", "llm.token_count.prompt_details.image"},
    Alias{"output_audio_tokens", "llm.token_count.completion_details.audio"},
    Alias{"output_image_tokens", "llm.token_count.completion_details.image"},
};

/// The names an attribute of a modality may have: "gen_ai.usage.audio.input_tokens" and its turned forms.
constexpr std::array modality_forms = {
    std::array<std::string_view, 4>{"gen_ai.usage.", ".input_tokens", "input_", "_tokens"},
    std::array<std::string_view, 4>{"gen_ai.usage.", ".output_tokens", "output_", "_tokens"},
    std::array<std::string_view, 4>{"gen_ai.usage.input.", "_tokens", "input_", "_tokens"},
    std::array<std::string_view, 4>{"gen_ai.usage.output.", "_tokens", "output_", "_tokens"},
    std::array<std::string_view, 4>{"gen_ai.usage.cache_read.", ".input_tokens", "cache_", "_read_tokens"},
    std::array<std::string_view, 4>{"gen_ai.usage.cache_read.input_", "_tokens", "cache_", "_read_tokens"},
    std::array<std::string_view, 4>{"gen_ai.usage.", ".cache_read.input_tokens", "cache_", "_read_tokens"},
};

/// Sets meters from attributes and remembers which were told, be it 0.
class Reader {
 public:
  Reader(const Attributes& attributes, Counts& counts) : attributes_(attributes), counts_(counts) {}

  void read(std::string_view meter, const std::string& attribute) {
    const Json* const value = attributes_.find(attribute);
    // "gen_ai.usage.input_tokens" may also be the stem of longer names.
    if (value == nullptr || value->type == Json::Type::object || is_told(meter)) {
      return;
    }
    Json holder;
    holder.type = Json::Type::object;
    holder.members.push_back({std::string(meter), *value});
    counts_.set(meter, counts_.first(&holder, {meter}));
    told_.emplace_back(meter);
  }
  bool is_told(std::string_view meter) const { return std::find(told_.begin(), told_.end(), meter) != told_.end(); }
  /// Takes from a provider's own usage, kept beside the attributes, what they do not tell.
  void fill(const Counts& own) {
    if (!own.problem().empty() || !own.found()) {
      return;
    }
    const bool tells_totals = is_told("input_tokens") || is_told("output_tokens");
    for (const Usage::Entry& entry : own.usage.entries()) {
      const bool is_total = entry.meter() == "input_tokens" || entry.meter() == "output_tokens";
      if (!is_told(entry.meter()) && !(is_total && tells_totals)) {
        counts_.set(entry.meter(), entry.quantity);
        told_.emplace_back(entry.meter());
      }
    }
    // The whole is from one source and its parts from another: it is no less than they are.
    if (const Count input = count_of("input_tokens"); input.has_value()) {
      counts_.set("input_tokens",
                  larger(input, counts_.sum(count_of("cache_read_tokens"), count_of("cache_write_tokens"))));
    }
    counts_.mark_found();
  }

 private:
  Count count_of(std::string_view meter) const {
    const Decimal* const quantity = counts_.usage.find(meter);
    return quantity != nullptr ? Count(*quantity) : std::nullopt;
  }

  const Attributes& attributes_;
  Counts& counts_;
  std::vector<std::string> told_;
};

/// The usage that an SDK copied from the response: an object, or its JSON as text. What cannot be read is left out, it
/// is only the second source.
void fill_from_response(const Json* blob, Reader& reader) {
  if (blob == nullptr) {
    return;
  }
  const auto use = [&](const Json& response) {
    const Located located = locate_usage(response);
    Counts own;
    if (located.usage != nullptr) {
      read_usage(*located.usage, Hints{}, own);
    }
    reader.fill(own);
  };
  if (blob->type == Json::Type::object) {
    use(*blob);
  } else if (blob->type == Json::Type::string && blob->text.starts_with('{')) {
    const std::optional<Error> unread = read_parts(blob->text, [&](const Json& part) { use(part); });
    static_cast<void>(unread);
  }
}

/// Vercel keeps what providers say under their names.
void fill_from_metadata(const Json* metadata, Reader& reader) {
  if (metadata == nullptr) {
    return;
  }
  const auto use = [&](const Json& providers) {
    for (const auto& [provider, value] : providers.members) {
      fill_from_response(&value, reader);
    }
  };
  if (metadata->type == Json::Type::string && metadata->text.starts_with('{')) {
    const std::optional<Error> unread = read_parts(metadata->text, [&](const Json& part) { use(part); });
    static_cast<void>(unread);
  } else {
    use(*metadata);
  }
}

/// Operations that are, or repeat, something else than a model call. Others bill: names grow.
bool is_inference(std::string_view operation) {
  constexpr std::array<std::string_view, 12> others = {"agent",     "workflow", "tool",    "chain", "task",   "handoff",
                                                       "guardrail", "retriev",  "evaluat", "plan",  "memory", "search"};
  const std::string name = folded(operation.substr(0, 200));
  return std::none_of(others.begin(), others.end(),
                      [&](std::string_view other) { return name.find(other) != std::string::npos; });
}

/// Vercel's outer spans (ai.generateText) repeat the usage of the calls within (ai.generateText.doGenerate).
bool is_vercel_outer(std::string_view operation) {
  return operation.find(".do") == std::string_view::npos;
}

}  // namespace

bool is_otel(const Json& object) {
  if (object.type != Json::Type::object) {
    return false;
  }
  const auto is_sign = [](std::string_view key) {
    return key == "gen_ai" || key.starts_with("gen_ai.") || key.starts_with("llm.token_count.") ||
           key.starts_with("llm.usage.") || key.starts_with("ai.usage.") || key.starts_with("gcp.vertex.agent.");
  };
  if (std::any_of(object.members.begin(), object.members.end(),
                  [&](const Json::Member& each) { return is_sign(each.key); })) {
    return true;
  }
  if (const Json* const llm = object.find("llm"); is_object(llm)) {
    return llm->find("token_count") != nullptr || llm->find("usage") != nullptr;
  }
  const Json* const nested = object.find("attributes");
  if (nested == nullptr) {
    return false;
  }
  if (nested->type == Json::Type::object) {
    return std::any_of(nested->members.begin(), nested->members.end(), [&](const Json::Member& each) {
      return is_sign(each.key) || ((each.key == "llm" || each.key == "ai") && is_object(&each.value));
    });
  }
  return std::any_of(nested->items.begin(), nested->items.end(), [&](const Json& item) {
    const Json* const key = item.find("key");
    return key != nullptr && is_sign(key->text);
  });
}

OtelSpan read_otel(const Json& object, Counts& counts) {
  const Attributes attributes(object);
  OtelSpan span;
  for (const std::string_view name : {"gen_ai.operation.name", "openinference.span.kind", "traceloop.span.kind",
                                      "ai.operationId", "operation.name"}) {
    // Vercel appends the function's name after a blank.
    const std::string_view operation = attributes.text({name}).substr(0, attributes.text({name}).find(' '));
    const bool is_vercel = operation.starts_with("ai.");
    if (span.bills && (is_vercel ? is_vercel_outer(operation) : name != "operation.name" && !is_inference(operation))) {
      span.bills = false;
      span.operation = operation;
    }
  }
  Reader reader(attributes, counts);
  for (const Alias& alias : aliases) {
    reader.read(alias.meter, std::string(alias.attribute));
  }
  for (const Modality& modality : modalities) {
    for (const auto& form : modality_forms) {
      reader.read(meter_name(form[2], modality.meter, form[3]), meter_name(form[0], modality.vendor, form[1]));
    }
  }
  // Meters under their own names: gen_ai.usage.input_audio_tokens, gen_ai.usage.details.cache_audio_read_tokens.
  for (const MeterInfo& meter : known_meters()) {
    if (!meter.activity_only) {
      reader.read(meter.name, meter_name("gen_ai.usage.", meter.name, ""));
      reader.read(meter.name, meter_name("gen_ai.usage.details.", meter.name, ""));
    }
  }
  fill_from_metadata(attributes.find("ai.response.providerMetadata"), reader);
  fill_from_response(attributes.find("gcp.vertex.agent.llm_response"), reader);

  span.model = attributes.text({"gen_ai.response.model", "ai.response.model", "llm.model_name", "gen_ai.request.model",
                                "ai.model.id", "llm.response.model", "llm.request.model"});
  span.service_tier = attributes.text(
      {"gen_ai.openai.response.service_tier", "openai.response.service_tier", "gen_ai.response.service_tier"});
  for (const std::string_view name : {"gen_ai.usage.cost", "gen_ai.usage.total_cost", "llm.cost.total"}) {
    if (!span.cost.has_value()) {
      span.cost = read_cost(attributes.find(name));
    }
  }
  return span;
}

}  // namespace spend::formats
