#pragma once

#include <string>

#include "core/json.hpp"

namespace spend::test {

/// JSON without white space, members in their order.
inline std::string json_text(const Json& json) {
  std::string text;
  switch (json.type) {
    case Json::Type::null:
      return "null";
    case Json::Type::boolean:
      return json.boolean ? "true" : "false";
    case Json::Type::number:
      return json.text;
    case Json::Type::string:
      return json_quote(json.text);
    case Json::Type::array:
      for (const Json& item : json.items) {
        text += (text.empty() ? "" : ",") + json_text(item);
      }
      return "[" + text + "]";
    case Json::Type::object:
      for (const auto& [key, value] : json.members) {
        text += (text.empty() ? "" : ",") + json_quote(key) + ":" + json_text(value);
      }
      return "{" + text + "}";
  }
  return text;
}

}  // namespace spend::test
