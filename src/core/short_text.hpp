#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace spend {

// For names that are looked up in every row. All go through words, the last of which overlaps the one before: a call
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
  constexpr std::size_t step = 2 * sizeof(Word);
  const char* at = text.data();
  const std::size_t size = text.size();
  if (size < sizeof(Word)) {
    return detail::few_bytes(at, size) == detail::few_bytes(other, size);
  }
  const auto differ = [&](std::size_t place) {
    return detail::word_at<Word>(at + place) ^ detail::word_at<Word>(other + place);
  };
  if (size <= step) {
    return (differ(0) | differ(size - sizeof(Word))) == 0;
  }
  const std::size_t last = size - step;
  for (std::size_t place = 0; place < last; place += step) {
    if ((differ(place) | differ(place + sizeof(Word))) != 0) {
      return false;
    }
  }
  return (differ(last) | differ(last + sizeof(Word))) == 0;
}

/// Copies the text to where there is room for it.
inline void copy_bytes(std::string_view text, char* to) {
  using Word = std::uint64_t;
  using Half = std::uint32_t;
  constexpr std::size_t many = 64;
  const char* const at = text.data();
  const std::size_t size = text.size();
  const auto copy_word = [&](auto word, std::size_t place) {
    std::memcpy(&word, at + place, sizeof word);
    std::memcpy(to + place, &word, sizeof word);
  };
  if (size > many) {
    std::memcpy(to, at, size);
  } else if (size >= sizeof(Word)) {
    for (std::size_t place = 0; place + sizeof(Word) < size; place += sizeof(Word)) {
      copy_word(Word{}, place);
    }
    copy_word(Word{}, size - sizeof(Word));
  } else if (size >= sizeof(Half)) {
    copy_word(Half{}, 0);
    copy_word(Half{}, size - sizeof(Half));
  } else {
    for (std::size_t i = 0; i < size; ++i) {
      to[i] = at[i];
    }
  }
}

/// What makes a hash unguessable where the texts are somebody's input: random numbers.
struct HashSecret {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

/// A hash of a short text. Sixteen bytes are one multiplication, and the last sixteen do not wait for those before
/// them.
inline std::uint64_t hash_of_short(std::string_view text, const HashSecret& secret) {
  using Word = std::uint64_t;
  constexpr std::size_t step = 2 * sizeof(Word);
  const auto fold = [](Word a, Word b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<Word>(product) ^ static_cast<Word>(product >> 64U);
  };
  const char* const at = text.data();
  const std::size_t size = text.size();
  if (size < sizeof(Word)) {
    return fold(detail::few_bytes(at, size) ^ secret.first, secret.second ^ size);
  }
  if (size <= step) {
    return fold(detail::word_at<Word>(at) ^ secret.first,
                detail::word_at<Word>(at + size - sizeof(Word)) ^ secret.second ^ size);
  }
  Word hash = size;
  const std::size_t last = size - step;
  for (std::size_t place = 0; place < last; place += step) {
    hash = fold(detail::word_at<Word>(at + place) ^ hash ^ secret.first,
                detail::word_at<Word>(at + place + sizeof(Word)) ^ secret.second);
  }
  return hash ^ fold(detail::word_at<Word>(at + last) ^ secret.second,
                     detail::word_at<Word>(at + last + sizeof(Word)) ^ secret.first);
}

}  // namespace spend
