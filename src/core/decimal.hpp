#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.hpp"

namespace spend {

using u128 = unsigned __int128;
using i128 = __int128;

/// A non-negative exact decimal: coefficient / 10^scale. Always normalised: no trailing zero in the
/// coefficient unless scale is 0, and zero is {0, 0}; so equal values have equal members.
/// Range: at most 38 significant digits, at most 18 decimals, at most 20 integer digits (38 = 20 + 18).
class Decimal {
 public:
  static constexpr int max_scale = 18;
  static constexpr int max_digits = 38;
  static constexpr int max_integer_digits = 20;

  constexpr Decimal() = default;

  /// From an integer; exact.
  static constexpr Decimal from_integer(std::uint64_t value);
  /// From coefficient / 10^scale, normalised. Precondition: 0 <= scale <= max_scale; then it is within the limits.
  static constexpr Decimal from_scaled(std::uint64_t coefficient, int scale);
  /// From coefficient / 10^scale, normalised. Errors: out_of_range when the value exceeds the limits above.
  static Result<Decimal> from_parts(u128 coefficient, int scale);
  /// From text: digits, optional fraction, optional exponent ("1.5e-7"), as in JSON or SQL; surrounding white
  /// space not accepted. Errors: invalid_text for anything else (also for NaN, Infinity and a leading '+');
  /// invalid_value for a negative number other than -0; out_of_range beyond the limits above. Linear time, and an
  /// exponent of any size is refused without work proportional to it.
  static Result<Decimal> parse(std::string_view text);

  constexpr u128 coefficient() const { return coefficient_; }
  constexpr int scale() const { return scale_; }
  constexpr bool is_zero() const { return coefficient_ == 0; }

  /// Plain notation without exponent or trailing zeros: "0.0000015", "1200".
  std::string to_string() const;

  friend constexpr bool operator==(const Decimal&, const Decimal&) = default;
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);

 private:
  u128 coefficient_ = 0;
  std::uint8_t scale_ = 0;
};

/// a + b, exact. Errors: out_of_range.
Result<Decimal> add(const Decimal& a, const Decimal& b);
/// a - b, exact. Precondition: a >= b.
Decimal subtract(const Decimal& a, const Decimal& b);

constexpr Decimal Decimal::from_integer(std::uint64_t value) {
  Decimal result;
  result.coefficient_ = value;
  return result;
}

constexpr Decimal Decimal::from_scaled(std::uint64_t coefficient, int scale) {
  if (coefficient == 0) {
    return {};
  }
  while (scale > 0 && coefficient % 10 == 0) {
    coefficient /= 10;
    --scale;
  }
  Decimal result;
  result.coefficient_ = coefficient;
  result.scale_ = static_cast<std::uint8_t>(scale);
  return result;
}

}  // namespace spend
