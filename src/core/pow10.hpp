#pragma once

#include <array>

#include "core/decimal.hpp"

namespace spend {

namespace detail {
constexpr std::array<u128, 39> make_pow10() {
  std::array<u128, 39> table{};
  u128 value = 1;
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = value;
    value *= 10;  // the last product wraps and is not stored
  }
  return table;
}
}  // namespace detail

/// 10^0 … 10^38: every power of ten that an unsigned 128-bit integer holds.
inline constexpr std::array<u128, 39> pow10 = detail::make_pow10();

/// `value` at a finer scale. Precondition: value is the coefficient of a Decimal, from_scale <= to_scale <= 18; such a
/// product stays below 10^38, so it cannot overflow.
constexpr u128 rescale(u128 value, int from_scale, int to_scale) {
  return from_scale == to_scale ? value : value * pow10[static_cast<std::size_t>(to_scale - from_scale)];
}

}  // namespace spend
