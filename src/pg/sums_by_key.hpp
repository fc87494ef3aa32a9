#pragma once

#include <memory>
#include <vector>

#include "core/hash_index.hpp"
#include "pg/rollup_sums.hpp"

namespace spend {

template <typename Key>
struct KeyedSums {
  Key key;
  OpenSums sums;
};

/// Sums by key: groups in order of arrival, which never move, and an index of them. A key has operator== and a
/// std::uint32_t hash_of(const Key&).
template <typename Key>
class SumsByKey {
 public:
  using Group = KeyedSums<Key>;

  /// The sums of a group, zero for a new one.
  OpenSums& at(const Key& key) {
    const Place place = place_of(key);
    if (place.is_new) {
      place.sums.clear();
    }
    return place.sums;
  }
  void add(const SumsByKey& other) {
    other.for_each([&](const Group& entry) { at(entry.key).add(entry.sums); });
  }
  void clear() {
    size_ = 0;
    last_ = 0;
    index_.clear();
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
    OpenSums& sums;  ///< of a new group: not cleared yet
    bool is_new;
  };
  Place place_of(const Key& key);
  Group& group(std::size_t place) const { return chunks_[place / chunk_size][place % chunk_size]; }
  Group& append(const Key& key);

  std::size_t size_ = 0;
  std::size_t last_ = 0;  ///< the group that was found last
  std::vector<std::unique_ptr<Group[]>> chunks_;
  HashIndex index_;  ///< of all groups, or of none while they are few
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
typename SumsByKey<Key>::Place SumsByKey<Key>::place_of(const Key& key) {
  if (last_ < size_ && group(last_).key == key) {
    return {group(last_).sums, false};
  }
  if (index_.size() == 0) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (group(i).key == key) {
        last_ = i;
        return {group(i).sums, false};
      }
    }
    index_.make_room();
    last_ = size_;
    OpenSums& sums = append(key).sums;
    for (std::size_t i = 0; size_ > most_unindexed && i < size_; ++i) {
      index_.add(hash_of(group(i).key), i);
    }
    return {sums, true};
  }
  const std::uint32_t hash = hash_of(key);
  const std::size_t known = index_.find(hash, [&](std::size_t place) { return group(place).key == key; });
  if (known != HashIndex::none) {
    last_ = known;
    return {group(known).sums, false};
  }
  index_.make_room();
  last_ = size_;
  OpenSums& sums = append(key).sums;
  index_.add(hash, last_);
  return {sums, true};
}

}  // namespace spend
