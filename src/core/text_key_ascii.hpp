#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace spend {

/// True when eight bytes are ASCII without capital letters, spaces and control characters: nothing to normalise.
inline bool is_plain_word(std::uint64_t word) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t high = 0x80 * ones;
  if ((word & high) != 0) {
    return false;
  }
  // Every byte is below 0x80, so adding less than 0x80 to each carries into no other; the high bit then tells >=.
  const std::uint64_t from_capital_a = word + (0x80 - 'A') * ones;
  const std::uint64_t above_capital_z = word + (0x80 - 'Z' - 1) * ones;
  const std::uint64_t above_space = word + (0x80 - ' ' - 1) * ones;
  return ((from_capital_a & ~above_capital_z) & high) == 0 && (above_space & high) == high;
}

/// True when a text is ASCII with nothing to normalise, so that it is its own text_key(). False may be said of a short
/// one, too.
inline bool is_own_text_key(std::string_view text) {
  std::uint64_t word = 0;
  if (text.size() < sizeof word) {
    return false;
  }
  const std::size_t last = text.size() - sizeof word;
  for (std::size_t place = 0; place < last; place += sizeof word) {
    std::memcpy(&word, text.data() + place, sizeof word);
    if (!is_plain_word(word)) {
      return false;
    }
  }
  std::memcpy(&word, text.data() + last, sizeof word);
  return is_plain_word(word);
}

/// text_key() for ASCII, written to `out` (room for text.size() bytes) without allocating; its length, or nothing when
/// the text has a byte outside ASCII.
inline std::optional<std::size_t> ascii_text_key(std::string_view text, char* out) {
  std::size_t length = 0;
  std::size_t i = 0;
  bool pending_space = false;
  while (i < text.size()) {
    std::uint64_t word = 0;
    if (!pending_space && text.size() - i >= sizeof(word)) {
      std::memcpy(&word, text.data() + i, sizeof(word));
      if (is_plain_word(word)) {
        std::memcpy(out + length, &word, sizeof(word));
        length += sizeof(word);
        i += sizeof(word);
        continue;
      }
    }
    const char c = text[i++];
    if (static_cast<unsigned char>(c) >= 0x80) {
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
