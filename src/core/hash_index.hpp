#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace spend {

/// Finds entries that somebody else keeps, by the hash of their keys: of an entry it knows the hash and the number.
class HashIndex {
 public:
  static constexpr std::size_t none = ~std::size_t{0};

  /// The number of the entry of this hash for which is_it(number) holds; none if there is no such entry.
  template <typename IsIt>
  std::size_t find(std::uint32_t hash, IsIt&& is_it) const {
    if (count_ == 0) {
      return none;
    }
    for (std::size_t slot = first_slot(hash); slots_[slot] != 0; slot = next_slot(slot)) {
      if (hash_in(slots_[slot]) == hash && is_it(number_in(slots_[slot]))) {
        return number_in(slots_[slot]);
      }
    }
    return none;
  }

  /// Makes room for one more entry, so that add() needs no memory.
  void make_room() {
    if ((count_ + 1) * 2 > slots_.size()) {
      grow();
    }
  }

  /// Precondition: no entry has this number yet, which is below 2^32 - 1.
  void add(std::uint32_t hash, std::size_t number) {
    make_room();
    put(std::uint64_t{hash} << 32U | (number + 1));
    ++count_;
  }

  /// Keeps its memory. Takes no time where nothing was added.
  void clear() {
    if (count_ != 0) {
      std::fill(slots_.begin(), slots_.end(), 0);
      count_ = 0;
    }
  }

  std::size_t size() const { return count_; }

 private:
  static constexpr std::size_t first_size = 64;

  static std::uint32_t hash_in(std::uint64_t slot) { return static_cast<std::uint32_t>(slot >> 32U); }
  static std::size_t number_in(std::uint64_t slot) { return static_cast<std::uint32_t>(slot) - 1; }
  std::size_t first_slot(std::uint32_t hash) const { return hash & (slots_.size() - 1); }
  std::size_t next_slot(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }

  void put(std::uint64_t filled) {
    std::size_t slot = first_slot(hash_in(filled));
    while (slots_[slot] != 0) {
      slot = next_slot(slot);
    }
    slots_[slot] = filled;
  }

  void grow() {
    std::vector<std::uint64_t> before(std::max(slots_.size() * 2, first_size), 0);
    before.swap(slots_);
    for (const std::uint64_t slot : before) {
      if (slot != 0) {
        put(slot);
      }
    }
  }

  std::size_t count_ = 0;
  /// A power of two of them, at most half filled: 32 bits of hash, and the number plus one; 0 when free.
  std::vector<std::uint64_t> slots_;
};

/// Mixes words into a hash.
inline std::uint32_t hash_of_words(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  std::uint64_t hash = (a ^ c) * 0x9E3779B97F4A7C15U;
  hash ^= hash >> 32U;
  hash = (hash ^ b) * 0xC2B2AE3D27D4EB4FU;
  return static_cast<std::uint32_t>(hash >> 32U);
}

}  // namespace spend
