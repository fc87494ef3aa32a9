#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/timestamp.hpp"

namespace spend {

/// What is known of a request beside its quantities: what the conditions of a price test. Text as sent; it must live as
/// long as the context. "" and absent are the same.
struct RequestContext {
  struct Parameter {
    std::string_view key;
    std::string_view value;
  };

  std::optional<Timestamp> at;  ///< when the request started
  std::string_view service_tier = {};
  std::string_view region = {};
  std::string_view surface = {};
  std::string_view speed = {};
  /// Free text, or parameters written as "quality=hd, size=1024x1792": then each is a key of its own, too.
  std::string_view variant = {};
  std::span<const Parameter> parameters = {};

  /// The value of a key as sent, "" when the request does not say. A parameter given by itself goes before one in
  /// `variant`.
  std::string_view find(std::string_view key) const;
};

/// The form in which conditions compare a value (text_key.hpp); the standard service tier has one name.
std::string condition_value(std::string_view key, std::string_view text);

/// Calls visit(key, value) for each "key=value" of a variant; false when it holds anything else.
template <typename Visit>
bool for_each_parameter(std::string_view variant, Visit visit) {
  constexpr std::string_view blanks = " \t\r\n";
  bool only_parameters = !variant.empty();
  const auto trim = [&](std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(blanks) - first + 1);
  };
  for (std::string_view rest = variant; !rest.empty();) {
    const std::size_t end = rest.find_first_of(",;");
    const std::string_view part = trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      only_parameters = only_parameters && part.empty();
      continue;
    }
    visit(trim(part.substr(0, equals)), trim(part.substr(equals + 1)));
  }
  return only_parameters;
}

}  // namespace spend
