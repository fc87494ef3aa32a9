#include "core/lattice.hpp"

#include <algorithm>

#include "core/lattice_shape.hpp"
#include "core/pow10.hpp"

namespace spend {

namespace {

using lattice::axis_number;
using lattice::axis_under;
using lattice::cache_write;
using lattice::cache_write_5m;
using lattice::none;
using lattice::shape;

/// Sum that stays at its largest value: it is compared with counts below 10^38 only, so the true value is not needed.
u128 saturating_add(u128 a, u128 b) {
  u128 sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? ~u128{0} : sum;
}

u128 minus_or_zero(u128 a, u128 b) {
  return a > b ? a - b : 0;
}

u128 sum_of(const TreeCounts& counts, MeterSet meters) {
  u128 sum = 0;
  for_each_meter(meters & counts.present, [&](std::size_t m) { sum = saturating_add(sum, counts.count[m]); });
  return sum;
}

u128 count_or_zero(const TreeCounts& counts, std::size_t meter) {
  return (counts.present & bit(meter)) != 0 ? counts.count[meter] : 0;
}

std::string figure(const TreeCounts& counts, u128 value) {
  const Result<Decimal> decimal = Decimal::from_parts(value, counts.scale);
  return decimal.ok() ? decimal->to_string() : "over 1e20";
}

std::string figure_of(const TreeCounts& counts, std::size_t meter) {
  return std::string(meter_table[meter].name) + " " + figure(counts, count_or_zero(counts, meter));
}

void add_finding(std::string& findings, const std::string& text) {
  if (!findings.empty()) {
    findings += "; ";
  }
  findings += text;
}

std::string list_of(const TreeCounts& counts, MeterSet meters) {
  std::string text;
  for_each_meter(meters & counts.present, [&](std::size_t m) {
    if (counts.count[m] != 0) {
      text += text.empty() ? "" : " + ";
      text += figure_of(counts, m);
    }
  });
  return text;
}

/// The children's sum with each overlap of two of them taken once.
u128 union_of_children(const TreeCounts& counts, std::size_t parent) {
  u128 sum = sum_of(counts, shape.children[parent]);
  for_each_meter(shape.intersections & shape.descendants[parent] & counts.present, [&](std::size_t m) {
    const bool both = (shape.children[parent] & bit(shape.parents[m][0])) != 0 &&
                      (shape.children[parent] & bit(shape.parents[m][1])) != 0;
    if (both) {
      sum = minus_or_zero(sum, counts.count[m]);
    }
  });
  return sum;
}

void raise_missing_parents(TreeCounts& counts, std::string& findings) {
  const u128 largest = pow10[static_cast<std::size_t>(Decimal::max_integer_digits + counts.scale)] - 1;
  for (std::size_t m = tree_size; m-- > 0;) {
    if (count_or_zero(counts, m) != 0 || sum_of(counts, shape.children[m]) == 0) {
      continue;
    }
    add_finding(findings, std::string(meter_table[m].name) + " is missing although there is " +
                              list_of(counts, shape.children[m]));
    counts.count[m] = std::min(union_of_children(counts, m), largest);
    counts.present |= bit(m);
  }
}

void reduce_children(TreeCounts& counts, std::size_t parent, std::string& findings) {
  const u128 limit = counts.count[parent];
  for_each_meter(shape.children[parent] & counts.present, [&](std::size_t child) {
    if (counts.count[child] > limit) {
      add_finding(findings, figure_of(counts, child) + " is above " + figure_of(counts, parent));
      counts.count[child] = limit;
    }
  });
  for (const MeterSet axis : shape.on_axis[parent]) {
    u128 sum = sum_of(counts, axis);
    if (sum <= limit) {
      continue;
    }
    add_finding(findings, list_of(counts, axis) + " together are above " + figure_of(counts, parent));
    for_each_meter_backwards(axis & counts.present, [&](std::size_t child) {
      const u128 others = sum_of(counts, axis & ~bit(child));
      counts.count[child] = std::min(counts.count[child], minus_or_zero(limit, others));
    });
  }
}

/// What an absent intersection can be, given everything else.
struct Overlap {
  u128 least = 0;
  u128 most = 0;
};

/// The part of `meter` that no intersection present explains, on the axis of `intersection`.
u128 unexplained(const TreeCounts& counts, std::size_t meter, MeterSet on_axis) {
  return minus_or_zero(count_or_zero(counts, meter), sum_of(counts, on_axis & shape.children[meter]));
}

/// The least of `part` (cached tokens, say) that must lie in `other` (audio), because neither the tokens outside every
/// modality nor the other modalities can take it.
u128 forced_overlap(const TreeCounts& counts, std::size_t intersection, std::size_t which) {
  const std::size_t part = shape.parents[intersection][which];
  const std::size_t other = shape.parents[intersection][1 - which];
  const std::size_t root = shape.parents[part][0];
  const MeterSet siblings = shape.on_axis[part][axis_under(intersection, shape.parents[intersection][0], which)];
  const MeterSet alternatives = shape.on_axis[root][axis_number(meter_table[other].axis)];
  u128 rest = unexplained(counts, part, siblings);
  rest = minus_or_zero(rest, minus_or_zero(counts.count[root], sum_of(counts, alternatives)));
  for_each_meter(siblings & ~counts.present & ~bit(intersection), [&](std::size_t sibling) {
    const std::size_t elsewhere = shape.parents[sibling][1 - which];
    rest = minus_or_zero(rest, unexplained(counts, elsewhere, shape.intersections));
  });
  return rest;
}

Overlap possible_overlap(const TreeCounts& counts, std::size_t intersection) {
  const std::array<std::size_t, 2>& parents = shape.parents[intersection];
  Overlap overlap;
  overlap.most =
      std::min(unexplained(counts, parents[0], shape.on_axis[parents[0]][axis_under(intersection, parents[0], 0)]),
               unexplained(counts, parents[1], shape.on_axis[parents[1]][axis_under(intersection, parents[0], 1)]));
  overlap.least = std::max(forced_overlap(counts, intersection, 0), forced_overlap(counts, intersection, 1));
  overlap.least = std::min(overlap.least, overlap.most);
  return overlap;
}

void settle_intersections(TreeCounts& counts, MeterSet priced, std::string& findings) {
  if ((counts.present & shape.first_parents) == 0 || (counts.present & shape.second_parents) == 0) {
    return;  // most rows: nothing that could overlap
  }
  for_each_meter(shape.intersections & ~counts.present, [&](std::size_t m) {
    const auto [first, second] = shape.parents[m];
    if (count_or_zero(counts, first) == 0 || count_or_zero(counts, second) == 0) {
      return;
    }
    const bool own_rate = (priced & bit(m)) != 0;
    const MeterSet both = bit(first) | bit(second);
    if (!own_rate && (priced & both) != both) {
      return;  // billed alike wherever the overlap lies
    }
    const Overlap overlap = possible_overlap(counts, m);
    if (overlap.least != overlap.most && (own_rate || overlap.least != 0)) {
      add_finding(findings, std::string(meter_table[m].name) + " is missing although there is " +
                                list_of(counts, both) + " in " + figure_of(counts, shape.parents[first][0]));
    }
    if (overlap.least != 0) {
      counts.count[m] = overlap.least;
      counts.present |= bit(m);
    }
  });
}

MeterSet choose_participants(const TreeCounts& counts, MeterSet priced) {
  MeterSet chosen = counts.present & (priced | shape.roots);
  for_each_meter(counts.present & shape.intersections & ~priced, [&](std::size_t m) {
    const MeterSet both = bit(shape.parents[m][0]) | bit(shape.parents[m][1]);
    chosen |= (priced & both) != 0 ? bit(m) : 0;
  });
  if ((priced & bit(cache_write_5m)) != 0) {
    chosen |= counts.present & bit(cache_write);
  }
  return chosen;
}

}  // namespace

bool is_consistent(const TreeCounts& counts) {
  for (MeterSet rest = counts.present & ~shape.roots; rest != 0; rest &= rest - 1) {
    const auto m = static_cast<std::size_t>(__builtin_ctzll(rest));
    for (const std::size_t parent : shape.parents[m]) {
      if (parent != none && counts.count[m] > count_or_zero(counts, parent)) {
        return false;
      }
    }
  }
  for (MeterSet rest = counts.present; rest != 0; rest &= rest - 1) {
    const auto m = static_cast<std::size_t>(__builtin_ctzll(rest));
    const MeterSet children = shape.children[m] & counts.present;
    if ((children & (children - 1)) == 0) {
      continue;
    }
    for (const MeterSet axis : shape.on_axis[m]) {
      if (sum_of(counts, axis) > counts.count[m]) {
        return false;
      }
    }
  }
  return true;
}

void make_consistent(TreeCounts& counts, std::string& findings) {
  raise_missing_parents(counts, findings);
  for (std::size_t m = 0; m < tree_size; ++m) {
    if ((counts.present & bit(m)) != 0 && (counts.present & shape.children[m]) != 0) {
      reduce_children(counts, m, findings);
    }
  }
}

void split_exclusively(TreeCounts& counts, MeterSet priced, Exclusive& result, std::string& findings) {
  settle_intersections(counts, priced, findings);
  result.participants = choose_participants(counts, priced);
  for_each_meter_backwards(result.participants, [&](std::size_t m) {
    const MeterSet parts = shape.descendants[m] & result.participants;
    u128 sum = 0;
    for_each_meter(parts, [&](std::size_t part) { sum = saturating_add(sum, result.quantity[part]); });
    if (sum <= counts.count[m]) {
      result.quantity[m] = counts.count[m] - sum;
      return;
    }
    // Parts of different axes overlap and no meter says by how much.
    add_finding(findings, list_of(counts, parts) + " overlap in " + figure_of(counts, m));
    result.quantity[m] = 0;
    u128 room = counts.count[m];
    for_each_meter(parts, [&](std::size_t part) {
      result.quantity[part] = std::min(result.quantity[part], room);
      room -= result.quantity[part];
    });
  });
}

const std::array<std::uint8_t, max_fallbacks>& fallbacks(std::size_t meter) {
  return shape.fallback[meter];
}

MeterSet tree_of(std::size_t root) {
  return bit(root) | shape.descendants[root];
}

bool has_own_quantity(const TreeCounts& counts, std::size_t meter) {
  return count_or_zero(counts, meter) > sum_of(counts, shape.children[meter]);
}

}  // namespace spend
