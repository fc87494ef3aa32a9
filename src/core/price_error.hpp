#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/error_text.hpp"
#include "core/status.hpp"

namespace spend::price_json {

/// An error at one place of a price: `path` names it ("rates.input_tokens", "prices[3].price.rates"), "" is the whole.
inline Error at(const std::string& path, ErrorKind kind, const std::string& what, std::string hint = "") {
  return {kind, path.empty() ? "invalid price: " + what : "invalid price at " + quoted(path) + ": " + what, "",
          std::move(hint)};
}

inline Error at(const std::string& path, const Error& cause) {
  Error error = at(path, cause.kind, cause.message, cause.hint);
  error.detail = cause.detail;
  return error;
}

/// The path of a member.
inline std::string join(const std::string& path, std::string_view part) {
  std::string result = path;
  if (!result.empty()) {
    result += '.';
  }
  result += part;
  return result;
}

/// The path of an item of an array.
inline std::string item(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

}  // namespace spend::price_json
