#include "pg/pricing_context.hpp"

#include <algorithm>
#include <array>

#include "core/error_text.hpp"
#include "core/short_text.hpp"
#include "core/timestamp_text.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

constexpr std::size_t max_context_bytes = 64 * 1024;

/// Parameters by which vendors price, so that one context fits all models of a query.
constexpr std::array<std::string_view, 12> common_parameters = {
    "quality",   "size",     "resolution", "search_context_size", "inference_geo", "data_residency",
    "cache_ttl", "duration", "mode",       "reasoning_effort",    "style",         "format"};

[[noreturn]] void raise_wrong_value(const std::string& key) {
  raise(Error{ErrorKind::invalid_value,
              "context has a value of the wrong type: " + quoted(key),
              "service_tier, region, surface, speed and variant are text, other parameters text, numbers or true or "
              "false; \"strict\" is true or false; \"at\" is a time such as \"2026-01-31T16:30:00Z\".",
              {}});
}

}  // namespace

PricingContext::PricingContext(Datum jsonb) {
  if (jsonb_is_empty_object(jsonb)) {
    return;
  }
  const Json object = take(Json::parse(jsonb_text(jsonb), {.max_bytes = max_context_bytes}));
  if (object.type != Json::Type::object) {
    raise(Error{
        ErrorKind::invalid_value, "context must be a JSON object", {}, "Write it as '{\"service_tier\": \"batch\"}'."});
  }
  others_.reserve(object.members.size());
  for (const auto& [key, value] : object.members) {
    set(key, value);
  }
  for (const auto& [key, value] : others_) {
    parameters_.push_back({key, value});
  }
  is_silent_ = others_.empty() && surface_.empty() && region_.empty() && service_tier_.empty() && speed_.empty() &&
               variant_.empty();
  sku_ = {.surface = surface_, .region = region_, .service_tier = service_tier_, .speed = speed_, .variant = variant_};
}

void PricingContext::set(const std::string& key, const Json& value) {
  if (key == "strict") {
    if (value.type != Json::Type::boolean) {
      raise_wrong_value(key);
    }
    on_inconsistent_ = value.boolean ? OnInconsistent::raise : OnInconsistent::clamp;
    return;
  }
  const std::array<std::pair<std::string_view, std::string*>, 5> parts = {{{"service_tier", &service_tier_},
                                                                           {"region", &region_},
                                                                           {"surface", &surface_},
                                                                           {"speed", &speed_},
                                                                           {"variant", &variant_}}};
  const auto part =
      std::find_if(parts.begin(), parts.end(), [&](const auto& candidate) { return key == candidate.first; });
  if (value.type == Json::Type::null) {
    return;  // not known, as if it were not there
  }
  if (part != parts.end() || key == "at") {
    if (value.type != Json::Type::string) {
      raise_wrong_value(key);
    }
    if (key == "at") {
      at_ = take(parse_timestamp(value.text));
    } else {
      *part->second = value.text;
    }
    return;
  }
  if (value.type == Json::Type::boolean) {
    others_.emplace_back(key, value.boolean ? "true" : "false");
  } else if (value.type == Json::Type::string || value.type == Json::Type::number) {
    others_.emplace_back(key, value.text);
  } else {
    raise_wrong_value(key);
  }
}

RequestContext PricingContext::request(std::optional<Timestamp> at) const {
  RequestContext context;
  context.at = at_.has_value() ? at_ : at;
  context.service_tier = service_tier_;
  context.region = region_;
  context.surface = surface_;
  context.speed = speed_;
  context.variant = variant_;
  context.parameters = parameters_;
  return context;
}

void PricingContext::check_other_keys(const Price& price) const {
  for (const auto& [key, value] : others_) {
    if (std::find(common_parameters.begin(), common_parameters.end(), key) == common_parameters.end() &&
        !price.tests(key)) {
      raise(Error{ErrorKind::invalid_value, "context has an unknown key: " + quoted(key),
                  "No condition of the price tests it.",
                  "Every price knows service_tier, region, surface, speed, variant, at and strict, and common request "
                  "parameters such as quality, size, resolution and search_context_size."});
    }
  }
}

const PricingContext& ContextMemo::look_up(Datum jsonb) {
  const std::string_view bytes = text_view(jsonb);
  if (last_ < known_.size() && known_[last_].bytes.size() == bytes.size() &&
      same_bytes(bytes, known_[last_].bytes.data())) {
    return *known_[last_].context;
  }
  const auto found =
      std::find_if(known_.begin(), known_.end(), [&](const Known& known) { return known.bytes == bytes; });
  if (found != known_.end()) {
    last_ = static_cast<std::size_t>(found - known_.begin());
    return *found->context;
  }
  auto context = std::make_unique<const PricingContext>(jsonb);
  if (known_.size() == most_known) {
    known_.clear();
  }
  last_ = known_.size();
  known_.push_back({std::string(bytes), std::move(context)});
  return *known_.back().context;
}

const PricingContext& ContextMemo::find(FunctionCallInfo fcinfo, int argument) {
  const Node* const call = fcinfo->flinfo->fn_expr;
  const PricingContext& found = look_up(fcinfo->args[argument].value);
  if (call != nullptr && IsA(call, FuncExpr)) {
    const List* const arguments = reinterpret_cast<const FuncExpr*>(call)->args;
    if (argument < list_length(arguments) && IsA(list_nth(arguments, argument), Const)) {
      constant_ = &found;
    }
  }
  return found;
}

}  // namespace spend
