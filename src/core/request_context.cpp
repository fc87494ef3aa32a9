#include "core/request_context.hpp"

#include "core/text_key.hpp"

namespace spend {

std::string_view RequestContext::find(std::string_view key) const {
  if (key == "service_tier") {
    return service_tier;
  }
  if (key == "region") {
    return region;
  }
  if (key == "surface") {
    return surface;
  }
  if (key == "speed") {
    return speed;
  }
  if (key == "variant") {
    return variant;
  }
  for (const Parameter& parameter : parameters) {
    if (parameter.key == key) {
      return parameter.value;
    }
  }
  std::string_view found;
  for_each_parameter(variant, [&](std::string_view name, std::string_view value) {
    if (found.empty() && name == key) {
      found = value;
    }
  });
  return found;
}

std::string condition_value(std::string_view key, std::string_view text) {
  std::string value = text_key(text);
  if (key == "service_tier" && (value.empty() || value == "default" || value == "on_demand")) {
    value = "standard";
  }
  return value;
}

}  // namespace spend
