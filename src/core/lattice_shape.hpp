#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/lattice.hpp"
#include "core/meter_table.hpp"

/// What follows from the parents in the registry of meters, worked out by the compiler.
namespace spend::lattice {

inline constexpr std::size_t none = tree_size;
inline constexpr std::size_t cache_write = meter_index("cache_write_tokens");
inline constexpr std::size_t cache_write_5m = meter_index("cache_write_5m_tokens");
inline constexpr std::size_t axis_count = 5;

using Fallbacks = std::array<std::uint8_t, max_fallbacks>;

struct Shape {
  std::array<std::array<std::size_t, 2>, tree_size> parents{};
  std::array<MeterSet, tree_size> children{};
  std::array<MeterSet, tree_size> descendants{};
  /// Children of a meter by axis.
  std::array<std::array<MeterSet, axis_count>, tree_size> on_axis{};
  std::array<Fallbacks, tree_size> fallback{};
  MeterSet roots = 0;
  MeterSet intersections = 0;  ///< meters with two parents
  MeterSet first_parents = 0;  ///< the parents of intersections
  MeterSet second_parents = 0;
};

constexpr std::size_t axis_number(MeterInfo::Axis axis) {
  return static_cast<std::size_t>(axis);
}

/// The axis of `meter` among the children of its parent number `which`. An intersection such as cached audio is one
/// modality of the cached tokens and one cache state of the audio tokens.
constexpr std::size_t axis_under(std::size_t meter, std::size_t first_parent, std::size_t which) {
  return axis_number(which == 0 ? meter_table[meter].axis : meter_table[first_parent].axis);
}

constexpr std::size_t tree_index(std::string_view name) {
  for (std::size_t i = 0; i < tree_size; ++i) {
    if (meter_table[i].name == name) {
      return i;
    }
  }
  return none;
}

constexpr void push_fallback(Fallbacks& list, std::size_t meter) {
  for (auto& place : list) {
    if (place == meter) {
      return;
    }
    if (place == none) {
      place = static_cast<std::uint8_t>(meter);
      return;
    }
  }
}

constexpr Shape make_shape() {
  Shape shape;
  for (std::size_t m = 0; m < tree_size; ++m) {
    shape.parents[m] = {none, none};
    for (std::size_t which = 0; which < 2; ++which) {
      const std::string_view name = meter_table[m].parents[which];
      if (name.empty()) {
        continue;
      }
      const std::size_t parent = tree_index(name);
      shape.parents[m][which] = parent;
      shape.children[parent] |= bit(m);
      shape.on_axis[parent][axis_under(m, shape.parents[m][0], which)] |= bit(m);
    }
    shape.roots |= shape.parents[m][0] == none ? bit(m) : 0;
    if (shape.parents[m][1] != none) {
      shape.intersections |= bit(m);
      shape.first_parents |= bit(shape.parents[m][0]);
      shape.second_parents |= bit(shape.parents[m][1]);
    }
  }
  for (std::size_t m = tree_size; m-- > 0;) {
    for (std::size_t d = m + 1; d < tree_size; ++d) {
      if ((shape.children[m] & bit(d)) != 0) {
        shape.descendants[m] |= bit(d) | shape.descendants[d];
      }
    }
  }
  for (std::size_t m = 0; m < tree_size; ++m) {
    Fallbacks& list = shape.fallback[m];
    list.fill(none);
    // Nearest first: a breadth-first walk. Where cache writes have no rate, their five-minute rate is their rate.
    std::array<std::size_t, 2> level = {m, none};
    while (level[0] != none) {
      std::array<std::size_t, 2> next = {none, none};
      for (const std::size_t place : level) {
        if (place == none) {
          continue;
        }
        if (place != m) {
          push_fallback(list, place);
        }
        if (place == cache_write && m != cache_write_5m) {
          push_fallback(list, cache_write_5m);
        }
        for (const std::size_t parent : shape.parents[place]) {
          if (parent != none && parent != next[0]) {
            (next[0] == none ? next[0] : next[1]) = parent;
          }
        }
      }
      level = next;
    }
  }
  return shape;
}

inline constexpr Shape shape = make_shape();

constexpr bool parents_precede_children() {
  for (std::size_t m = 0; m < tree_size; ++m) {
    for (const std::size_t parent : shape.parents[m]) {
      if (parent != none && parent >= m) {
        return false;
      }
    }
  }
  return true;
}
static_assert(parents_precede_children());

}  // namespace spend::lattice
