#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "pg/rollup_sums.hpp"

namespace spend {

template <typename Key>
struct KeyedSums {
  Key key;
  RollupSums sums;
};

/// Sums by key: groups in order of arrival, which never move, and an index of them. A key has operator== and a
/// std::uint32_t hash_of(const Key&).
template <typename Key>
class SumsByKey {
 public:
  using Group = KeyedSums<Key>;

  /// The sums of a group, zero for a new one.
  RollupSums& at(const Key& key) {
    const Place place = place_of(key);
    if (place.is_new) {
      place.sums = {};
    }
    return place.sums;
  }
  void add(const SumsByKey& other) {
    other.for_each([&](const Group& entry) { at(entry.key).add(entry.sums); });
  }
  void clear() {
    size_ = 0;
    last_ = 0;
    std::fill(slots_.begin(), slots_.end(), 0);
  }
  std::size_t size() const { return size_; }

  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < size_; ++i) {
      visit(static_cast<const Group&>(group(i)));
    }
  }

 private:
  static constexpr std::size_t chunk_size = 16;     ///< a group is nearly half a kilobyte
  static constexpr std::size_t most_unindexed = 4;  ///< few are found faster without an index

  struct Place {
    RollupSums& sums;  ///< of a new group: not set yet
    bool is_new;
  };
  Place place_of(const Key& key);
  Group& group(std::size_t place) const { return chunks_[place / chunk_size][place % chunk_size]; }
  Group& append(const Key& key);
  void index(std::uint32_t hash, std::size_t place);
  void grow_index();

  std::size_t size_ = 0;
  std::size_t last_ = 0;  ///< the group that was found last
  std::vector<std::unique_ptr<Group[]>> chunks_;
  /// A power of two of them, at most half filled: 32 bits of hash, and the place in groups plus one; 0 when free.
  std::vector<std::uint64_t> slots_;
};

template <typename Key>
KeyedSums<Key>& SumsByKey<Key>::append(const Key& key) {
  if (size_ % chunk_size == 0 && size_ / chunk_size == chunks_.size()) {
    chunks_.push_back(std::make_unique_for_overwrite<Group[]>(chunk_size));
  }
  Group& appended = group(size_++);
  appended.key = key;
  return appended;
}

template <typename Key>
void SumsByKey<Key>::index(std::uint32_t hash, std::size_t place) {
  std::size_t slot = hash & (slots_.size() - 1);
  while (slots_[slot] != 0) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  slots_[slot] = std::uint64_t{hash} << 32U | (place + 1);
}

template <typename Key>
void SumsByKey<Key>::grow_index() {
  slots_.assign(std::max<std::size_t>(slots_.size() * 2, 64), 0);
  for (std::size_t i = 0; i < size_; ++i) {
    index(hash_of(group(i).key), i);
  }
}

template <typename Key>
typename SumsByKey<Key>::Place SumsByKey<Key>::place_of(const Key& key) {
  if (last_ < size_ && group(last_).key == key) {
    return {group(last_).sums, false};
  }
  if (slots_.empty()) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (group(i).key == key) {
        last_ = i;
        return {group(i).sums, false};
      }
    }
    if (size_ < most_unindexed) {
      last_ = size_;
      return {append(key).sums, true};
    }
  }
  if (size_ * 2 >= slots_.size()) {
    grow_index();
  }
  const std::uint32_t hash = hash_of(key);
  for (std::size_t slot = hash & (slots_.size() - 1); slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot] >> 32U == hash) {
      const std::size_t place = static_cast<std::uint32_t>(slots_[slot]) - 1;
      if (group(place).key == key) {
        last_ = place;
        return {group(place).sums, false};
      }
    }
  }
  last_ = size_;
  RollupSums& sums = append(key).sums;
  index(hash, last_);
  return {sums, true};
}

/// Mixes words into a hash.
inline std::uint32_t hash_of_words(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  std::uint64_t hash = (a ^ c) * 0x9E3779B97F4A7C15U;
  hash ^= hash >> 32U;
  hash = (hash ^ b) * 0xC2B2AE3D27D4EB4FU;
  return static_cast<std::uint32_t>(hash >> 32U);
}

}  // namespace spend
