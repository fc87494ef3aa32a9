#include "core/attribution.hpp"

#include <sodium.h>

#include <algorithm>
#include <new>
#include <utility>

#include "core/image.hpp"
#include "core/json.hpp"
#include "core/text_key.hpp"

namespace spend {

namespace {

auto place_of(std::vector<DimensionValue>& values, std::string_view name) {
  return std::lower_bound(values.begin(), values.end(), name,
                          [](const DimensionValue& entry, std::string_view wanted) { return entry.name < wanted; });
}

void append_text(std::string& out, std::string_view text) {
  append_integer(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

}  // namespace

Hash128 content_hash(std::string_view bytes) {
  // Picks the implementation for this processor; safe to call from any thread, and again.
  static const bool ready = sodium_init() >= 0;
  Hash128 hash{};
  if (!ready || crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                                   bytes.size(), nullptr, 0) != 0) {
    throw std::bad_alloc();  // sodium_init fails only when the system gives it no resources
  }
  return hash;
}

void Dimensions::set(std::string_view name, std::string_view raw_value) {
  set_normalised(name, text_key(raw_value));
}

void Dimensions::set_normalised(std::string_view name, std::string value) {
  const auto place = place_of(values_, name);
  const bool found = place != values_.end() && place->name == name;
  if (found && value.empty()) {
    values_.erase(place);
  } else if (found) {
    place->value = std::move(value);
  } else if (!value.empty()) {
    values_.insert(place, DimensionValue{std::string(name), std::move(value)});
  }
}

const std::string* Dimensions::find(std::string_view name) const {
  const auto place =
      std::lower_bound(values_.begin(), values_.end(), name,
                       [](const DimensionValue& entry, std::string_view wanted) { return entry.name < wanted; });
  return place != values_.end() && place->name == name ? &place->value : nullptr;
}

std::string Dimensions::canonical() const {
  std::string result;
  for (const DimensionValue& entry : values_) {
    append_text(result, entry.name);
    append_text(result, entry.value);
  }
  return result;
}

Hash128 Dimensions::attribution_id() const {
  return content_hash(canonical());
}

std::string Dimensions::to_json() const {
  std::string result = "{";
  for (const DimensionValue& entry : values_) {
    if (result.size() > 1) {
      result += ", ";
    }
    result += json_quote(entry.name);
    result += ": ";
    result += json_quote(entry.value);
  }
  result += '}';
  return result;
}

Result<Dimensions> Dimensions::from_json(std::string_view json) {
  Result<Json> parsed = Json::parse(json, {max_json_bytes, 1});
  if (!parsed.ok()) {
    return std::move(parsed).error();
  }
  if (parsed->type != Json::Type::object) {
    return Error{ErrorKind::invalid_text, "dimensions must be a JSON object", "", ""};
  }
  Dimensions dimensions;
  for (const auto& [name, value] : parsed->members) {
    if (value.type != Json::Type::string || name.empty()) {
      return Error{ErrorKind::invalid_value, "dimension " + json_quote(name) + " must have a text value", "", ""};
    }
    dimensions.set(name, value.text);
  }
  return dimensions;
}

}  // namespace spend
