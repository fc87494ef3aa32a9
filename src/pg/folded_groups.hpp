#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/hash_index.hpp"
#include "pg/rollup_sums.hpp"

namespace spend {

/// What is summed up by in memory before it goes to the tables of rollups.
struct FoldedKey {
  Timestamp bucket;  ///< start of the quarter hour
  Hash128 attribution;
  Hash128 kind;
  friend auto operator<=>(const FoldedKey&, const FoldedKey&) = default;
};

/// Sums without those that are zero: most groups have few of the many. What is there stands behind the object.
class PackedSums {
 public:
  /// Which sums are not zero: a bit for each amount, then for each count.
  static std::uint64_t present_in(const RollupSums& sums);
  static std::size_t size_for(std::uint64_t present);

  PackedSums(const RollupSums& sums, std::uint64_t present);
  RollupSums unpack() const;
  /// Adds them to others; false, and nothing is changed, where one would be larger than sums can be.
  bool try_add_to(RollupSums& total) const;
  /// Whether it has a place for each of these.
  bool holds(std::uint64_t present) const { return (present & ~present_) == 0; }
  /// Adds sums for which there are places; false, and nothing is changed, where one would be larger than sums can be.
  bool try_add(const RollupSums& sums, std::uint64_t present);

 private:
  /// Precondition: there is a place for each that is not zero.
  void write(const RollupSums& sums);
  Atto* amounts() { return reinterpret_cast<Atto*>(this + 1); }
  const Atto* amounts() const { return reinterpret_cast<const Atto*>(this + 1); }
  /// Behind the amounts.
  std::size_t first_count() const;

  alignas(Atto) std::uint64_t present_;
};

struct FoldedGroup {
  FoldedKey key;
  PackedSums* sums;
};

/// Groups by key, in order of arrival; in as little memory as it takes, because the more there are at a time, the fewer
/// times a row of a table is written.
class FoldedGroups {
 public:
  /// Adds sums to a group, or makes it; false, and nothing is changed, where a sum would be larger than sums can be.
  bool try_add(const FoldedKey& key, const RollupSums& sums) {
    return try_add(key, sums, PackedSums::present_in(sums));
  }
  /// The same of sums of which it is known which are not zero.
  bool try_add(const FoldedKey& key, const RollupSums& sums, std::uint64_t present);
  /// Packed sums that live until clear(), of no group.
  PackedSums* pack(const RollupSums& sums);
  void clear();
  std::size_t size() const { return groups_.size(); }
  /// Bytes that they take, about.
  std::size_t memory() const { return packed_ + groups_.size() * (sizeof(FoldedGroup) + 2 * sizeof(std::uint64_t)); }
  const std::vector<FoldedGroup>& groups() const { return groups_; }

 private:
  static constexpr std::size_t chunk_size = 256 * 1024;

  PackedSums* pack(const RollupSums& sums, std::uint64_t present);

  std::vector<FoldedGroup> groups_;
  HashIndex index_;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::size_t chunks_used_ = 0;
  std::size_t used_in_chunk_ = chunk_size;
  std::size_t packed_ = 0;
};

}  // namespace spend
