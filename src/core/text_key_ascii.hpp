#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace spend {

/// text_key() for ASCII, written to `out` (room for text.size() bytes) without allocating; its length, or nothing when
/// the text has a byte outside ASCII.
inline std::optional<std::size_t> ascii_text_key(std::string_view text, char* out) {
  std::size_t length = 0;
  bool pending_space = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      return std::nullopt;
    }
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      pending_space = length > 0;
      continue;
    }
    if (pending_space) {
      out[length++] = ' ';
      pending_space = false;
    }
    out[length++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return length;
}

}  // namespace spend
