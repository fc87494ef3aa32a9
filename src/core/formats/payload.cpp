#include "core/formats/payload.hpp"

#include <algorithm>
#include <array>

#include "core/error_text.hpp"
#include "core/formats/counts.hpp"
#include "core/formats/names.hpp"
#include "core/formats/provider_usage.hpp"
#include "core/formats/shape.hpp"
#include "core/json_reader.hpp"

namespace spend::formats {

namespace {

constexpr int deepest_read = 10'000;      // what is skipped may be deep, and costs nothing
constexpr std::size_t deepest_kept = 24;  // OTLP nests attributes of a span this far and less
constexpr std::size_t most_nodes = 300'000;
constexpr std::size_t most_members = 256;  // of a usage object: merging compares each with each

bool is_text_only(std::string_view key) {
  constexpr std::array<std::string_view, 8> names = {"content",  "embedding", "embeddings", "b64_json",
                                                     "logprobs", "messages",  "tools",      "instructions"};
  return std::find(names.begin(), names.end(), key) != names.end();
}

class PartReader final : public JsonEvents {
 public:
  explicit PartReader(const std::function<void(Json part)>& on_part) : on_part_(on_part) {}

  Outcome on_null() override { return scalar(&JsonBuilder::on_null); }
  Outcome on_boolean(bool value) override {
    return scalar([value](JsonBuilder& builder) { return builder.on_boolean(value); });
  }
  Outcome on_number(std::string_view text) override {
    return scalar([text](JsonBuilder& builder) { return builder.on_number(text); });
  }
  Outcome on_string(std::string_view text) override {
    if (skipped_ == 0 && !containers_.empty() && containers_.back() == Container::list && builder_.has_value()) {
      return builder_->on_string(text);  // a list of names; other scalars in lists are the numbers of vectors
    }
    return scalar([text](JsonBuilder& builder) { return builder.on_string(text); });
  }
  Outcome on_key(std::string_view text) override {
    if (skipped_ > 0) {
      return std::nullopt;
    }
    key_ = text;
    return builder_->on_key(text);
  }
  Outcome on_object_start() override { return open(Container::object); }
  Outcome on_array_start() override { return open(Container::list); }
  Outcome on_object_end() override { return close(); }
  Outcome on_array_end() override { return close(); }

 private:
  enum class Container : bool { object, list };

  template <typename Feed>
  Outcome scalar(Feed&& feed) {
    if (skipped_ > 0) {
      return std::nullopt;
    }
    if (!builder_.has_value()) {
      builder_.emplace(most_nodes);
    } else if (containers_.back() == Container::list) {
      return std::nullopt;
    }
    Outcome outcome = std::invoke(feed, *builder_);
    return outcome.has_value() ? outcome : finish();
  }
  Outcome open(Container kind) {
    if (skipped_ > 0) {
      ++skipped_;
      return std::nullopt;
    }
    if (!builder_.has_value()) {
      if (containers_.empty() && kind == Container::list) {
        containers_.push_back(kind);  // a list of parts
        return std::nullopt;
      }
      builder_.emplace(most_nodes);
    } else if (containers_.size() >= deepest_kept ||
               (containers_.back() == Container::object && is_text_only(key_) && !is_prediction(kind))) {
      skipped_ = 1;
      return builder_->on_null();
    }
    containers_.push_back(kind);
    return kind == Container::object ? builder_->on_object_start() : builder_->on_array_start();
  }
  /// Vertex AI keeps the count of an embedding beside its vector.
  bool is_prediction(Container kind) const { return kind == Container::object && key_ == "embeddings"; }
  Outcome close() {
    if (skipped_ > 0) {
      --skipped_;
      return std::nullopt;
    }
    const Container kind = containers_.back();
    containers_.pop_back();
    if (!builder_.has_value()) {
      return std::nullopt;  // the end of the list of parts
    }
    Outcome outcome = kind == Container::object ? builder_->on_object_end() : builder_->on_array_end();
    return outcome.has_value() ? outcome : finish();
  }
  Outcome finish() {
    if (builder_->complete()) {
      on_part_(builder_->take());
      builder_.reset();
    }
    return std::nullopt;
  }

  const std::function<void(Json part)>& on_part_;
  std::optional<JsonBuilder> builder_;  // of the part that is being read
  std::vector<Container> containers_;   // those open and kept
  std::size_t skipped_ = 0;             // those open and skipped
  std::string key_;
};

constexpr int deepest_wrapper = 5;

class Locator {
 public:
  Located result;

  bool look(const Json& object, int depth) {
    if (object.type != Json::Type::object || depth > deepest_wrapper) {
      return false;
    }
    result.envelopes.push_back(&object);
    for (const std::string_view name : {"usage", "usage_metadata", "token_usage", "last_token_usage", "usage_info",
                                        "amazon_bedrock_invocation_metrics", "usage_event"}) {
      const Json* const found = member(object, name);
      if (is_object(found)) {
        result.usage = found;
        return true;
      }
      if (found != nullptr) {
        result.problem = quoted(name) + " is not an object";
      }
    }
    const Json* const meta = member(object, "meta");
    if (is_object(meta) && shape_of(*meta) == Shape::cohere) {
      result.usage = meta;
      return true;
    }
    if (shape_of(object) != Shape::unknown) {
      result.usage = &object;
      return true;
    }
    for (const std::string_view name :
         {"x_groq", "response", "message", "interaction", "delta", "metadata", "result", "body", "data", "event",
          "payload", "info", "chunk", "response_metadata", "llm_output", "model_output", "metrics", "full_response"}) {
      const Json* const wrapped = member(object, name);
      if (wrapped != nullptr && look(*wrapped, depth + 1)) {
        return true;
      }
    }
    // An entry of Bedrock's log of invocations keeps the answer's body.
    const Json* const output = member(object, "output");
    const Json* const body = is_object(output) ? member(*output, "output_body_json") : nullptr;
    if (body != nullptr && look(*body, depth + 1)) {
      return true;
    }
    // watsonx counts beside the text.
    const Json* const results = member(object, "results");
    if (results != nullptr && results->items.size() == 1 &&
        member(results->items.front(), "generated_token_count") != nullptr) {
      result.usage = &results->items.front();
      return true;
    }
    // Moonshot puts the usage of a stream into the last choice.
    const Json* const choices = member(object, "choices");
    if (choices != nullptr && choices->type == Json::Type::array) {
      for (const Json& choice : choices->items) {
        const Json* const usage = member(choice, "usage");
        if (is_object(usage)) {
          result.usage = usage;
          return true;
        }
      }
    }
    result.envelopes.pop_back();
    return false;
  }
};

Count number_in(const Json& value) {
  if (value.type != Json::Type::number && value.type != Json::Type::string) {
    return std::nullopt;
  }
  const Result<Decimal> parsed = Decimal::parse(value.text);
  return parsed.ok() ? Count(*parsed) : std::nullopt;
}

}  // namespace

std::optional<Error> read_parts(std::string_view payload, const std::function<void(Json part)>& on_part) {
  PartReader reader(on_part);
  return read_json(payload, {max_payload_bytes, deepest_read}, reader);
}

Located locate_usage(const Json& part) {
  Locator locator;
  locator.look(part, 0);
  if (locator.result.usage != nullptr) {
    locator.result.problem.clear();
    if (locator.result.usage->members.size() > most_members) {
      locator.result.usage = nullptr;
      locator.result.problem = "the usage has more than " + std::to_string(most_members) + " members";
    }
  }
  return std::move(locator.result);
}

void merge_maximum(Json& into, Json&& later) {
  if (later.type == Json::Type::null) {
    return;
  }
  if (into.type == Json::Type::object && later.type == Json::Type::object) {
    if (into.members.size() > most_members || later.members.size() > most_members) {
      return;
    }
    for (auto& [key, value] : later.members) {
      const auto same = std::find_if(into.members.begin(), into.members.end(),
                                     [&name = key](const Json::Member& ours) { return ours.key == name; });
      if (same != into.members.end()) {
        merge_maximum(same->value, std::move(value));
      } else if (into.members.size() < most_members) {
        into.members.push_back({std::move(key), std::move(value)});
      }
    }
    return;
  }
  const Count ours = number_in(into);
  const Count theirs = number_in(later);
  const bool is_found_out = into.type == Json::Type::number && !ours.has_value();  // what is no count stays
  if (!is_found_out && !(ours.has_value() && theirs.has_value() && *theirs <= *ours)) {
    into = std::move(later);
  }
}

}  // namespace spend::formats
