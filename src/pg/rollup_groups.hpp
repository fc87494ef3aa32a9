#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "pg/rollup_sums.hpp"

namespace spend {

struct RollupKey {
  Hash128 attribution;
  Timestamp bucket;  ///< start of the quarter hour
  UsageKind* kind;
  friend bool operator==(const RollupKey&, const RollupKey&) = default;
};

struct RollupGroup {
  RollupKey key;
  RollupSums sums;
};

/// Sums by key: groups in order of arrival, which never move, and an index of them.
class RollupGroups {
 public:
  /// The sums of a group, zero for a new one.
  RollupSums& at(const RollupKey& key);
  void add(const RollupGroups& other);
  void clear();
  std::size_t size() const { return size_; }

  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < size_; ++i) {
      visit(static_cast<const RollupGroup&>(group(i)));
    }
  }

 private:
  static constexpr std::size_t chunk_size = 16;     ///< a group is nearly half a kilobyte
  static constexpr std::size_t most_unindexed = 4;  ///< few are found faster without an index

  RollupGroup& group(std::size_t place) const { return chunks_[place / chunk_size][place % chunk_size]; }
  RollupGroup& append(const RollupKey& key);
  void index(std::uint32_t hash, std::size_t place);
  void grow_index();

  std::size_t size_ = 0;
  std::size_t last_ = 0;  ///< the group that was found last
  std::vector<std::unique_ptr<RollupGroup[]>> chunks_;
  /// A power of two of them, at most half filled: 32 bits of hash, and the place in groups plus one; 0 when free.
  std::vector<std::uint64_t> slots_;
};

}  // namespace spend
