#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace spend {

// For names that are looked up in every row. Both go through words, the last of which overlaps the one before: a call
// of a library function takes longer than what it has to do for so few bytes.

namespace detail {

template <typename Word>
inline std::uint64_t word_at(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Fewer than eight bytes as one word, different for different bytes of one length.
inline std::uint64_t few_bytes(const char* bytes, std::size_t size) {
  if (size >= 4) {
    return word_at<std::uint32_t>(bytes) << 32U | word_at<std::uint32_t>(bytes + size - 4);
  }
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    word = word << 8U | static_cast<unsigned char>(bytes[i]);
  }
  return word;
}

}  // namespace detail

/// Whether the bytes at `other`, of which there are as many, are those of the text.
inline bool same_bytes(std::string_view text, const char* other) {
  using Word = std::uint64_t;
  const char* const bytes = text.data();
  if (text.size() < sizeof(Word)) {
    return detail::few_bytes(bytes, text.size()) == detail::few_bytes(other, text.size());
  }
  const std::size_t last = text.size() - sizeof(Word);
  for (std::size_t i = 0; i < last; i += sizeof(Word)) {
    if (detail::word_at<Word>(bytes + i) != detail::word_at<Word>(other + i)) {
      return false;
    }
  }
  return detail::word_at<Word>(bytes + last) == detail::word_at<Word>(other + last);
}

/// A hash of a short text, keyed by a secret where the texts are somebody's input. Sixteen bytes are one
/// multiplication, and the last sixteen do not wait for those before them.
inline std::uint64_t hash_of_short(std::string_view text, std::uint64_t secret) {
  using Word = std::uint64_t;
  constexpr Word odd = 0x9E3779B97F4A7C15;
  constexpr Word other_odd = 0xD6E8FEB86659FD93;
  constexpr std::size_t step = 2 * sizeof(Word);
  const auto fold = [](Word a, Word b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<Word>(product) ^ static_cast<Word>(product >> 64U);
  };
  const Word second = (secret << 32U | secret >> 32U) ^ odd;
  const char* at = text.data();
  if (text.size() < sizeof(Word)) {
    return fold(detail::few_bytes(at, text.size()) ^ secret, second ^ text.size());
  }
  const char* const last = at + text.size() - sizeof(Word);
  if (text.size() <= step) {
    return fold(detail::word_at<Word>(at) ^ secret, detail::word_at<Word>(last) ^ second ^ text.size());
  }
  Word hash = text.size();
  for (; last - at > static_cast<std::ptrdiff_t>(sizeof(Word)); at += step) {
    hash = fold(detail::word_at<Word>(at) ^ hash ^ secret, detail::word_at<Word>(at + sizeof(Word)) ^ second);
  }
  return hash ^ fold(detail::word_at<Word>(last - sizeof(Word)) ^ secret ^ other_odd,
                     detail::word_at<Word>(last) ^ second ^ other_odd);
}

}  // namespace spend
