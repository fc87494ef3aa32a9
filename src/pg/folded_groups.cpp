#include "pg/folded_groups.hpp"

#include <bit>

extern "C" {
#include "common/pg_prng.h"
}

namespace spend {

namespace {

constexpr std::size_t amount_count = rollup_amount_count;
static_assert(amount_count + rollup_counts.size() <= 64);

/// Calls visit(number of the bit) for each that is set, in ascending order.
template <typename Visit>
void for_each_bit(std::uint64_t bits, Visit&& visit) {
  for (; bits != 0; bits &= bits - 1) {
    visit(static_cast<std::size_t>(std::countr_zero(bits)));
  }
}

constexpr std::uint64_t amount_bits = (std::uint64_t{1} << amount_count) - 1;

std::uint32_t hash_of(const FoldedKey& key) {
  // Ids are keyless hashes of what users chose, so something that they do not know goes in.
  static const std::uint64_t secret = pg_prng_uint64(&pg_global_prng_state);
  std::array<std::uint64_t, 4> ids;
  std::memcpy(ids.data(), key.attribution.data(), sizeof key.attribution);
  std::memcpy(&ids[2], key.kind.data(), sizeof key.kind);
  return hash_of_words(ids[0] ^ secret, ids[1] ^ static_cast<std::uint64_t>(key.bucket),
                       ids[2] * 0xD6E8FEB86659FD93U ^ ids[3]);
}

}  // namespace

std::uint64_t PackedSums::present_in(const RollupSums& sums) {
  std::uint64_t present = 0;
  for (std::size_t i = 0; i < sums.amounts.size(); ++i) {
    present |= std::uint64_t{sums.amounts[i] != 0} << i;
  }
  for (std::size_t i = 0; i < sums.counts.size(); ++i) {
    present |= std::uint64_t{sums.counts[i] != 0} << (amount_count + i);
  }
  return present;
}

std::size_t PackedSums::size_for(std::uint64_t present) {
  const auto amounts = static_cast<std::size_t>(std::popcount(present & amount_bits));
  const auto counts = static_cast<std::size_t>(std::popcount(present & ~amount_bits));
  const std::size_t size = sizeof(PackedSums) + amounts * sizeof(Atto) + counts * sizeof(std::int64_t);
  return (size + alignof(PackedSums) - 1) / alignof(PackedSums) * alignof(PackedSums);
}

std::size_t PackedSums::first_count() const {
  return static_cast<std::size_t>(std::popcount(present_ & amount_bits));
}

PackedSums::PackedSums(const RollupSums& sums, std::uint64_t present) : present_(present) {
  write(sums);
}

void PackedSums::write(const RollupSums& sums) {
  Atto* amount = amounts();
  for_each_bit(present_ & amount_bits, [&](std::size_t bit) { *amount++ = sums.amounts[bit]; });
  auto* count = reinterpret_cast<std::int64_t*>(amounts() + first_count());
  for_each_bit(present_ & ~amount_bits, [&](std::size_t bit) { *count++ = sums.counts[bit - amount_count]; });
}

RollupSums PackedSums::unpack() const {
  RollupSums sums = {};
  const Atto* amount = amounts();
  for_each_bit(present_ & amount_bits, [&](std::size_t bit) { sums.amounts[bit] = *amount++; });
  const auto* count = reinterpret_cast<const std::int64_t*>(amounts() + first_count());
  for_each_bit(present_ & ~amount_bits, [&](std::size_t bit) { sums.counts[bit - amount_count] = *count++; });
  return sums;
}

bool PackedSums::try_add_to(RollupSums& total) const {
  bool fits = true;
  const Atto* amount = amounts();
  for_each_bit(present_ & amount_bits, [&](std::size_t bit) {
    Atto sum;
    fits =
        !__builtin_add_overflow(*amount++, total.amounts[bit], &sum) && sum <= atto_limit && sum >= -atto_limit && fits;
  });
  if (!fits) {
    return false;
  }
  amount = amounts();
  for_each_bit(present_ & amount_bits, [&](std::size_t bit) { total.amounts[bit] += *amount++; });
  const auto* count = reinterpret_cast<const std::int64_t*>(amounts() + first_count());
  for_each_bit(present_ & ~amount_bits, [&](std::size_t bit) { total.counts[bit - amount_count] += *count++; });
  return true;
}

bool PackedSums::try_add(const RollupSums& sums, std::uint64_t present) {
  // How many there are before the place of a bit.
  const auto places_before = [](std::uint64_t bits, std::size_t bit) {
    return std::popcount(bits & ((std::uint64_t{1} << bit) - 1));
  };
  std::array<Atto, amount_count> totals;
  bool fits = true;
  Atto* const first = amounts();
  const std::uint64_t amounts_here = present_ & amount_bits;
  for_each_bit(present & amount_bits, [&](std::size_t bit) {
    fits = !__builtin_add_overflow(first[places_before(amounts_here, bit)], sums.amounts[bit], &totals[bit]) &&
           totals[bit] <= atto_limit && totals[bit] >= -atto_limit && fits;
  });
  if (!fits) {
    return false;
  }
  for_each_bit(present & amount_bits, [&](std::size_t bit) { first[places_before(amounts_here, bit)] = totals[bit]; });
  auto* const counts = reinterpret_cast<std::int64_t*>(first + first_count());
  for_each_bit(present & ~amount_bits, [&](std::size_t bit) {
    counts[places_before(present_ & ~amount_bits, bit)] += sums.counts[bit - amount_count];
  });
  return true;
}

PackedSums* FoldedGroups::pack(const RollupSums& sums, std::uint64_t present) {
  const std::size_t size = PackedSums::size_for(present);
  if (used_in_chunk_ + size > chunk_size) {
    if (chunks_used_ == chunks_.size()) {
      chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(chunk_size));
    }
    ++chunks_used_;
    used_in_chunk_ = 0;
  }
  void* const place = chunks_[chunks_used_ - 1].get() + used_in_chunk_;
  used_in_chunk_ += size;
  packed_ += size;
  return new (place) PackedSums(sums, present);
}

PackedSums* FoldedGroups::pack(const RollupSums& sums) {
  return pack(sums, PackedSums::present_in(sums));
}

void FoldedGroups::clear() {
  groups_.clear();
  index_.clear();
  chunks_used_ = 0;
  used_in_chunk_ = chunk_size;
  packed_ = 0;
}

bool FoldedGroups::try_add(const FoldedKey& key, const RollupSums& sums, std::uint64_t present) {
  const std::uint32_t hash = hash_of(key);
  const std::size_t place = index_.find(hash, [&](std::size_t number) { return groups_[number].key == key; });
  if (place == HashIndex::none) {
    index_.add(hash, groups_.size());
    groups_.push_back({key, pack(sums, present)});
    return true;
  }
  FoldedGroup& known = groups_[place];
  if (known.sums->holds(present)) {
    return known.sums->try_add(sums, present);
  }
  RollupSums total = known.sums->unpack();
  if (!total.try_add(sums)) {
    return false;
  }
  known.sums = pack(total);
  return true;
}

}  // namespace spend
