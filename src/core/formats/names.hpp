#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace spend::formats {

/// Names to look for, in the order in which they win.
using Names = std::initializer_list<std::string_view>;

/// Whether two names are the same but for case and punctuation: SDKs write promptTokenCount and prompt_token_count for
/// the same field.
bool same_name(std::string_view a, std::string_view b);

/// The name without case and punctuation: "x-ai" and "xAI" are one provider.
std::string folded(std::string_view name);

/// The member of the first of `names` that is there and not null; nullptr also when `object` is no object.
const Json* member(const Json& object, std::string_view name);
const Json* member(const Json& object, Names names);

/// The text of such a member if it is a string, else "".
std::string_view text_member(const Json& object, Names names);

inline bool is_object(const Json* value) {
  return value != nullptr && value->type == Json::Type::object;
}

}  // namespace spend::formats
