#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <optional>

#include "core/decimal.hpp"
#include "core/pow10.hpp"
#include "core/price.hpp"

namespace spend {

/// A sum of quantity × rate / per as an exact fraction with denominator 9 · 10^scale: the 9 is what an hour's 3600
/// leaves beside powers of ten. Everything fits 128 bits in nearly every row; `add` and `round` say when it does not.
class FastSum {
 public:
  /// Adds quantity/10^scale at a rate; false on overflow.
  bool add(u128 quantity, int quantity_scale, const Rate& rate) {
    u128 product = 0;
    if (__builtin_mul_overflow(quantity, rate.amount.coefficient(), &product)) {
      return false;
    }
    const int scale = quantity_scale + rate.amount.scale();
    if (rate.per == Per::hour) {
      // 1/3600 = 25 / (9 * 10^4)
      return !__builtin_mul_overflow(product, u128{25}, &product) && add_to(hours_, product, scale + 4);
    }
    return add_to(plain_, product, scale + decimal_places(rate.per));
  }

  /// The sum rounded once, half-even, at 18 decimals; nothing when 128 bits do not hold it.
  std::optional<Decimal> round() const {
    u128 value = plain_.value;
    int scale = plain_.scale;
    u128 nines = 1;
    if (hours_.value != 0) {
      Part total = plain_;
      Part hours = hours_;
      if (__builtin_mul_overflow(total.value, u128{9}, &total.value) || !add_to(hours, total.value, total.scale)) {
        return std::nullopt;
      }
      value = hours.value;
      scale = hours.scale;
      nines = 9;
    }
    if (scale < Decimal::max_scale && nines != 1) {
      if (__builtin_mul_overflow(value, pow10[static_cast<std::size_t>(Decimal::max_scale - scale)], &value)) {
        return std::nullopt;
      }
      scale = Decimal::max_scale;
    }
    const int excess = scale > Decimal::max_scale ? scale - Decimal::max_scale : 0;
    u128 divisor = 0;
    if (excess >= static_cast<int>(pow10.size()) ||
        __builtin_mul_overflow(pow10[static_cast<std::size_t>(excess)], nines, &divisor)) {
      return std::nullopt;
    }
    if (divisor != 1) {
      const u128 rest = value % divisor;
      value /= divisor;
      const u128 to_next = divisor - rest;
      value += rest > to_next || (rest == to_next && (value & 1U) != 0) ? 1 : 0;
    }
    const Result<Decimal> result = Decimal::from_parts(value, scale - excess);
    if (!result.ok()) {
      return std::nullopt;
    }
    return *result;
  }

 private:
  struct Part {
    u128 value = 0;
    int scale = 0;
  };

  static int decimal_places(Per per) {
    switch (per) {
      case Per::thousand:
        return 3;
      case Per::million:
        return 6;
      case Per::billion:
        return 9;
      case Per::one:
      case Per::hour:
        break;
    }
    return 0;
  }

  static bool raise(u128& value, int by) {
    return by == 0 || value == 0 ||
           (by < static_cast<int>(pow10.size()) &&
            !__builtin_mul_overflow(value, pow10[static_cast<std::size_t>(by)], &value));
  }

  static bool add_to(Part& part, u128 value, int scale) {
    if (value == 0) {
      return true;
    }
    if (scale > part.scale) {
      if (!raise(part.value, scale - part.scale)) {
        return false;
      }
      part.scale = scale;
    } else if (!raise(value, part.scale - scale)) {
      return false;
    }
    return !__builtin_add_overflow(part.value, value, &part.value);
  }

  Part plain_;
  Part hours_;
};

/// The same sum in fixed 512 bits, which hold every sum of terms below 10^40: used when 128 bits do not. Neither
/// allocates nor throws.
class WideSum {
 public:
  void add(u128 quantity, int quantity_scale, const Rate& rate) {
    const int scale = quantity_scale + rate.amount.scale();
    Wide term = Wide(quantity) * Wide(rate.amount.coefficient());
    // The unit is 10^-45 / 9: 18 decimals of the quantity, 18 of the rate and 9 of the largest power-of-ten divisor.
    if (rate.per == Per::hour) {
      sum_ += term * 25U * power(unit_places - scale - 4);
    } else {
      const Wide whole = term * 9U * power(unit_places - scale);
      sum_ += whole / divisor(rate.per);
    }
  }

  /// The sum rounded half-even at 18 decimals; nothing when it is beyond the range of a Decimal.
  std::optional<Decimal> round() const {
    const Wide unit = Wide(9U) * power(unit_places - Decimal::max_scale);
    Wide value = sum_ / unit;
    const Wide rest = sum_ % unit;
    const Wide to_next = unit - rest;
    if (rest > to_next || (rest == to_next && (value & 1U) != 0)) {
      ++value;
    }
    if (value >= power(Decimal::max_digits)) {
      return std::nullopt;
    }
    const Result<Decimal> result = Decimal::from_parts(static_cast<u128>(value), Decimal::max_scale);
    if (!result.ok()) {
      return std::nullopt;
    }
    return *result;
  }

 private:
  using Wide = boost::multiprecision::number<
      boost::multiprecision::cpp_int_backend<512, 512, boost::multiprecision::unsigned_magnitude,
                                             boost::multiprecision::unchecked, void>,
      boost::multiprecision::et_off>;
  static constexpr int unit_places = 45;

  static Wide power(int exponent) {
    Wide result = 1U;
    for (int left = exponent; left > 0; left -= 38) {
      result *= Wide(pow10[static_cast<std::size_t>(left < 38 ? left : 38)]);
    }
    return result;
  }

  Wide sum_ = 0U;
};

/// True when two rates charge the same for one unit, however it is written.
inline bool same_value(const Rate& a, const Rate& b) {
  const auto scaled = [](const Rate& rate, Per other) {
    return boost::multiprecision::uint256_t(
               rescale(rate.amount.coefficient(), rate.amount.scale(), Decimal::max_scale)) *
           divisor(other);
  };
  return a == b || scaled(a, b.per) == scaled(b, a.per);
}

}  // namespace spend
