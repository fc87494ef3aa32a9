#pragma once

#include "pg/sums_by_key.hpp"

namespace spend {

/// What a transaction sums up by.
struct RollupKey {
  Hash128 attribution;
  Timestamp bucket;  ///< start of the quarter hour
  UsageKind* kind;
  friend bool operator==(const RollupKey&, const RollupKey&) = default;
};

/// An attribution id is a keyless hash of what users chose, so a place in memory that they do not know goes in.
inline std::uint32_t hash_of(const RollupKey& key) {
  std::array<std::uint64_t, 2> id;
  std::memcpy(id.data(), key.attribution.data(), sizeof id);
  return hash_of_words(id[0], id[1] ^ static_cast<std::uint64_t>(key.bucket),
                       reinterpret_cast<std::uintptr_t>(key.kind));
}

using RollupGroup = KeyedSums<RollupKey>;
using RollupGroups = SumsByKey<RollupKey>;

}  // namespace spend
