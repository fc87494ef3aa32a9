#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/decimal.hpp"
#include "core/meter_table.hpp"

namespace spend {

/// A set of tree meters, bit i for meter_table[i].
using MeterSet = std::uint64_t;

constexpr MeterSet bit(std::size_t meter) {
  return MeterSet{1} << meter;
}

/// Inclusive counts of the tree meters of one usage, all as integers at one scale. Only entries whose bit is set in
/// `present` are valid.
struct TreeCounts {
  MeterSet present = 0;
  int scale = 0;
  std::array<u128, tree_size> count;  ///< left uninitialised: half a kilobyte per row
};

/// Exclusive quantities: what each participating meter bills. Together they make up the counts of the roots.
struct Exclusive {
  MeterSet participants = 0;
  std::array<u128, tree_size> quantity;  ///< valid where the bit is set
};

/// True when no child exceeds or lacks its parent and no siblings of one axis exceed it together.
bool is_consistent(const TreeCounts& counts);

/// Makes counts consistent and appends to `findings` what was wrong, with figures: a missing parent is raised to its
/// children's sum, a child above its parent is reduced to it, siblings of one axis above it are reduced from the last
/// in canonical order on. Nothing is scaled, so that the money stays exact and can be explained.
void make_consistent(TreeCounts& counts, std::string& findings);

/// Splits consistent counts into exclusive quantities (`result`) for a price that has rates for the meters in `priced`.
///
/// Participants are the roots, the priced meters, intersections of two priced parents, and cache writes that bill at
/// the five-minute rate; all other meters stay inside their nearest participating ancestor, where they are billed
/// anyway. An intersection that the usage does not mention counts as 0, or as what the other counts imply when they
/// leave no choice; when they do leave one (cached and audio exceed the input together, or the intersection has a rate
/// of its own) the least possible overlap is taken and the ambiguity is appended to `findings`.
void split_exclusively(TreeCounts& counts, MeterSet priced, Exclusive& result, std::string& findings);

/// The meters at whose rate `meter` bills when it has none, nearest first; ends at the first value of tree_size.
constexpr std::size_t max_fallbacks = 6;
const std::array<std::uint8_t, max_fallbacks>& fallbacks(std::size_t meter);

/// Meters of the same tree as `root`, itself included.
MeterSet tree_of(std::size_t root);

/// True when some of `meter`'s count lies in none of the other meters present: it is itself a leaf of the usage.
bool has_own_quantity(const TreeCounts& counts, std::size_t meter);

/// Calls `visit` with each meter of the set, in canonical order.
template <typename Visit>
void for_each_meter(MeterSet set, Visit visit) {
  while (set != 0) {
    visit(static_cast<std::size_t>(__builtin_ctzll(set)));
    set &= set - 1;
  }
}

/// The same from the last to the first: descendants before their ancestors.
template <typename Visit>
void for_each_meter_backwards(MeterSet set, Visit visit) {
  while (set != 0) {
    const auto meter = static_cast<std::size_t>(63 - __builtin_clzll(set));
    visit(meter);
    set &= ~bit(meter);
  }
}

}  // namespace spend
