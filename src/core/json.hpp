#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.hpp"

namespace spend {

/// A parsed JSON value that keeps numbers as their text: money never passes through a float.
struct Json {
  enum class Type { null, boolean, number, string, array, object };
  Type type = Type::null;
  bool boolean = false;
  std::string text;         ///< number: as written; string: decoded UTF-8
  std::vector<Json> items;  ///< array
  struct Member;
  std::vector<Member> members;  ///< object, in input order

  const Json* find(std::string_view key) const;

  struct Limits {
    std::size_t max_bytes;
    int max_depth = 16;
  };
  /// Errors: limit_exceeded, invalid_text with the byte offset in detail (also for ill-formed UTF-8, duplicate keys
  /// with the key named, trailing input, NUL in a string).
  static Result<Json> parse(std::string_view text, Limits limits);
};

struct Json::Member {
  std::string key;
  Json value;
};

/// `text` as a JSON string literal with quotes, escaping only what JSON requires.
std::string json_quote(std::string_view text);

}  // namespace spend
