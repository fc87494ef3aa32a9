#include "pg/rollup_groups.hpp"

namespace spend {

namespace {

/// An attribution id is a keyless hash of what users chose, so a place in memory that they do not know goes in.
std::uint32_t hash_of(const RollupKey& key) {
  std::array<std::uint64_t, 2> id;
  std::memcpy(id.data(), key.attribution.data(), sizeof id);
  std::uint64_t hash = (id[0] ^ reinterpret_cast<std::uintptr_t>(key.kind)) * 0x9E3779B97F4A7C15U;
  hash ^= hash >> 32U;
  hash = (hash ^ id[1] ^ static_cast<std::uint64_t>(key.bucket)) * 0xC2B2AE3D27D4EB4FU;
  return static_cast<std::uint32_t>(hash >> 32U);
}

}  // namespace

RollupGroup& RollupGroups::append(const RollupKey& key) {
  if (size_ % chunk_size == 0 && size_ / chunk_size == chunks_.size()) {
    chunks_.push_back(std::make_unique_for_overwrite<RollupGroup[]>(chunk_size));
  }
  RollupGroup& appended = group(size_++);
  appended = {key, {}};
  return appended;
}

void RollupGroups::index(std::uint32_t hash, std::size_t place) {
  std::size_t slot = hash & (slots_.size() - 1);
  while (slots_[slot] != 0) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  slots_[slot] = std::uint64_t{hash} << 32U | (place + 1);
}

void RollupGroups::grow_index() {
  slots_.assign(std::max<std::size_t>(slots_.size() * 2, 64), 0);
  for (std::size_t i = 0; i < size_; ++i) {
    index(hash_of(group(i).key), i);
  }
}

RollupSums& RollupGroups::at(const RollupKey& key) {
  if (last_ < size_ && group(last_).key == key) {
    return group(last_).sums;
  }
  if (slots_.empty()) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (group(i).key == key) {
        last_ = i;
        return group(i).sums;
      }
    }
    if (size_ < most_unindexed) {
      last_ = size_;
      return append(key).sums;
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
        return group(place).sums;
      }
    }
  }
  last_ = size_;
  RollupSums& sums = append(key).sums;
  index(hash, last_);
  return sums;
}

void RollupGroups::add(const RollupGroups& other) {
  other.for_each([&](const RollupGroup& entry) { at(entry.key).add(entry.sums); });
}

void RollupGroups::clear() {
  size_ = 0;
  last_ = 0;
  slots_.clear();
}

}  // namespace spend
