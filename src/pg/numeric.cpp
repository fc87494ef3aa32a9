#include "pg/numeric.hpp"

#include <bit>

#include "core/pow10.hpp"
#include "pg/numeric_image.hpp"

extern "C" {
#include "utils/numeric.h"
}

namespace spend {

using namespace numeric_image;

std::int64_t small_count(Datum datum) {
  const auto* const image = reinterpret_cast<const struct varlena*>(DatumGetPointer(datum));
  if (VARATT_IS_EXTERNAL(image) || VARATT_IS_COMPRESSED(image)) {
    return -1;
  }
  const char* const data = VARDATA_ANY(image);
  const std::uint16_t header = read16(data);
  const int count = static_cast<int>((VARSIZE_ANY_EXHDR(image) - 2) / 2);
  const int weight = header & short_weight_mask;
  constexpr std::uint16_t plain_mask = sign_mask | short_sign | short_weight_sign;
  if ((header & plain_mask) != form_short || count > weight + 1 || weight > 3) {
    return -1;
  }
  std::int64_t value = 0;
  for (int i = 0; i <= weight; ++i) {
    value = value * base + (i < count ? read16(data + 2 + 2 * i) : 0);
  }
  return value;
}

NumericValue decode_numeric(Datum datum) {
  NumericValue result;
  if (const std::int64_t value = small_count(datum); value >= 0) {
    result.magnitude = Decimal::from_integer(static_cast<std::uint64_t>(value));
    return result;
  }
  const NumericImage image = image_of(datum);
  result.kind = image.kind;
  result.negative = image.negative;
  if (image.kind != NumericValue::Kind::finite || image.count == 0) {
    return result;
  }
  // The coefficient may carry up to three trailing zeros more than the decimals it needs, and ten digits hold 40
  // decimal places: enough for every value within Decimal's limits, and what does not fit overflows visibly.
  u128 coefficient = 0;
  for (int i = 0; i < image.count - 1; ++i) {
    if (__builtin_mul_overflow(coefficient, static_cast<u128>(base), &coefficient) ||
        __builtin_add_overflow(coefficient, static_cast<u128>(image.digit(i)), &coefficient)) {
      result.representable = false;
      return result;
    }
  }
  u128 last = image.digit(image.count - 1);
  u128 scale_up = base;
  // value = coefficient * 10^exponent
  int exponent = (image.weight - image.count + 1) * decimals_per_digit;
  while (scale_up > 1 && last % 10 == 0) {
    last /= 10;
    scale_up /= 10;
    ++exponent;
  }
  result.representable = !__builtin_mul_overflow(coefficient, scale_up, &coefficient) &&
                         !__builtin_add_overflow(coefficient, last, &coefficient);
  for (; result.representable && exponent > 0; --exponent) {
    result.representable = !__builtin_mul_overflow(coefficient, static_cast<u128>(10), &coefficient);
  }
  if (result.representable) {
    const Result<Decimal> value = Decimal::from_parts(coefficient, -exponent);
    result.representable = value.ok();
    if (value.ok()) {
      result.magnitude = *value;
    }
  }
  return result;
}

namespace {

/// Divides in place and returns the remainder. Nearly all amounts fit 64 bits, where that is several times faster.
int divide(u128& value, int divisor) {
  if ((value >> 64) == 0) {
    const auto low = static_cast<std::uint64_t>(value);
    const auto by = static_cast<std::uint64_t>(divisor);
    value = low / by;
    return static_cast<int>(low % by);
  }
  const auto by = static_cast<u128>(divisor);
  const int remainder = static_cast<int>(value % by);
  value /= by;
  return remainder;
}

}  // namespace

Datum encode_numeric(const Decimal& value, bool negative) {
  // Align the decimal point to a digit boundary, then peel base-10000 digits off the low end.
  const int padding = (decimals_per_digit - value.scale() % decimals_per_digit) % decimals_per_digit;
  u128 rest = value.coefficient();
  std::array<std::uint16_t, 12> reversed;
  int count = 0;
  int low_power = -(value.scale() + padding) / decimals_per_digit;  // power of 10000 of the lowest digit
  if (rest != 0) {
    int shift = 1;
    for (int i = 0; i < padding; ++i) {
      shift *= 10;
    }
    // The lowest digit takes (4 - padding) decimals of the coefficient, shifted left by the padding.
    const int low_base = base / shift;
    reversed[static_cast<std::size_t>(count++)] = static_cast<std::uint16_t>(divide(rest, low_base) * shift);
    while (rest != 0) {
      reversed[static_cast<std::size_t>(count++)] = static_cast<std::uint16_t>(divide(rest, base));
    }
  }
  int skip = 0;
  while (skip < count && reversed[static_cast<std::size_t>(skip)] == 0) {
    ++skip;
    ++low_power;
  }
  const std::span<const std::uint16_t> digits(reversed.begin() + skip, reversed.begin() + count);
  char* const image = static_cast<char*>(pg_call([&] { return palloc(image_size(digits.size())); }));
  write_image(image, digits, low_power, value.scale(), negative);
  return PointerGetDatum(image);
}

namespace {

/// Divides by a power of ten that is a constant wherever it counts.
std::uint16_t take_decimals(std::uint64_t& value, int decimals) {
  std::uint64_t rest = 0;
  switch (decimals) {
    case 1:
      rest = value % 10;
      value /= 10;
      break;
    case 2:
      rest = value % 100;
      value /= 100;
      break;
    case 3:
      rest = value % 1000;
      value /= 1000;
      break;
    default:
      rest = value % base;
      value /= base;
      break;
  }
  return static_cast<std::uint16_t>(rest);
}

/// Where the coefficient has many digits, or the machine another byte order.
Datum encode_any(std::uint64_t coefficient, int scale) {
  constexpr std::array<std::uint16_t, decimals_per_digit> power = {1, 10, 100, 1000};
  std::array<std::uint16_t, 6> reversed;
  int count = 0;
  int kept_scale = 0;
  // The decimal point lies on a digit boundary, so the lowest digit holds what is left over of the scale.
  const int over = scale % decimals_per_digit;
  int low_power = -((scale + decimals_per_digit - 1) / decimals_per_digit);
  int of_digit = over == 0 ? decimals_per_digit : over;
  while (coefficient != 0) {
    std::uint16_t digit = take_decimals(coefficient, of_digit);
    if (of_digit != decimals_per_digit) {
      digit = static_cast<std::uint16_t>(digit * power[static_cast<std::size_t>(decimals_per_digit - of_digit)]);
      of_digit = decimals_per_digit;
    }
    if (count == 0) {
      if (digit == 0) {
        ++low_power;
        continue;
      }
      kept_scale = -low_power * decimals_per_digit;
      for (std::uint16_t rest = digit; kept_scale > 0 && rest % 10 == 0; rest = static_cast<std::uint16_t>(rest / 10)) {
        --kept_scale;
      }
      kept_scale = std::max(kept_scale, 0);
    }
    reversed[static_cast<std::size_t>(count++)] = digit;
  }
  const std::span<const std::uint16_t> digits(reversed.data(), static_cast<std::size_t>(count));
  char* const image = static_cast<char*>(palloc(image_size(digits.size())));
  write_image(image, digits, low_power, kept_scale, false);
  return PointerGetDatum(image);
}

}  // namespace

// As long as the digits are taken apart one after the other, the processor guesses how many there will be, and where
// the zeros at the end begin, and is wrong for every other amount. So all four digits are made of every amount, first
// digit first in one word, and zeros are shifted out: no branch depends on the amount.
Datum encode_numeric_unguarded(std::uint64_t coefficient, int scale) {
  constexpr int digits_of_word = 4;
  constexpr std::uint64_t limit = std::uint64_t{base} * base * base * base;
  constexpr std::uint64_t half = std::uint64_t{base} * base;
  constexpr std::array<std::uint64_t, decimals_per_digit> padding = {1, 1000, 100, 10};
  const auto decimals = static_cast<unsigned>(scale);
  const unsigned unaligned = decimals % decimals_per_digit;
  const bool fits = coefficient < limit / 1000 || (unaligned == 0 && coefficient < limit);
  if (std::endian::native != std::endian::little || !fits || coefficient == 0) {
    return encode_any(coefficient, scale);
  }
  char* const image = static_cast<char*>(palloc(image_size(digits_of_word)));
  const std::uint64_t padded = coefficient * padding[unaligned];
  const auto high = static_cast<std::uint32_t>(padded / half);
  const auto low = static_cast<std::uint32_t>(padded % half);
  const std::uint64_t word = high / base | std::uint64_t{high % base} << 16U | std::uint64_t{low / base} << 32U |
                             std::uint64_t{low % base} << 48U;
  const int leading = __builtin_ctzll(word) / 16;
  const int trailing = __builtin_clzll(word) / 16;
  const auto last = static_cast<std::uint32_t>(word >> static_cast<unsigned>(48 - 16 * trailing)) & 0xFFFFU;
  const int whole_digits = digits_of_word - static_cast<int>((decimals + decimals_per_digit - 1) / decimals_per_digit);
  const int zeros_of_last =
      static_cast<int>(last % 10 == 0) + static_cast<int>(last % 100 == 0) + static_cast<int>(last % 1000 == 0);
  const int kept_scale = std::max(0, (digits_of_word - whole_digits - trailing) * decimals_per_digit - zeros_of_last);
  const int weight = whole_digits - 1 - leading;
  const auto header = static_cast<std::uint16_t>(form_short | kept_scale << short_scale_shift |
                                                 (weight & (short_weight_sign | short_weight_mask)));
  const std::uint64_t digits = word >> static_cast<unsigned>(16 * leading);
  SET_VARSIZE(image, image_size(static_cast<std::size_t>(digits_of_word - leading - trailing)));
  std::memcpy(image + VARHDRSZ, &header, sizeof header);
  std::memcpy(image + VARHDRSZ + sizeof header, &digits, sizeof digits);
  return PointerGetDatum(image);
}

Atto to_atto(const Decimal& value) {
  u128 scaled = value.coefficient();
  for (int i = value.scale(); i < Decimal::max_scale; ++i) {
    scaled *= 10;
  }
  return static_cast<Atto>(scaled);
}

namespace {

Decimal magnitude_of(Atto value) {
  const u128 magnitude = value < 0 ? -static_cast<u128>(value) : static_cast<u128>(value);
  return take(Decimal::from_parts(magnitude, Decimal::max_scale));
}

}  // namespace

namespace {

[[noreturn]] void raise_out_of_range() {
  raise(Error{ErrorKind::out_of_range, "amount out of range", "Amounts hold 20 integer digits and 18 decimals.", {}});
}

}  // namespace

Datum atto_to_numeric(Atto value) {
  char* const image = static_cast<char*>(pg_call([] { return palloc(numeric_image_size); }));
  return write_numeric(image, value);
}

Datum write_numeric(char* image, Atto value) {
  const u128 magnitude = value < 0 ? -static_cast<u128>(value) : static_cast<u128>(value);
  if (magnitude > static_cast<u128>(atto_limit)) {
    raise_out_of_range();
  }
  constexpr auto unit = static_cast<std::uint64_t>(atto_per_unit);
  u128 whole;
  std::uint64_t fraction;
  if ((magnitude >> 64) == 0) {
    whole = static_cast<std::uint64_t>(magnitude) / unit;
    fraction = static_cast<std::uint64_t>(magnitude) % unit;
  } else {
    whole = magnitude / unit;
    fraction = static_cast<std::uint64_t>(magnitude % unit);
  }
  constexpr int fraction_digits = 5;  // 18 decimals, of which the last digit takes two
  std::array<std::uint16_t, fraction_digits + 6> reversed;
  std::size_t count = 0;
  std::size_t skip = 0;
  int scale = 0;
  int low_power = 0;
  if (fraction != 0) {
    reversed[count++] = static_cast<std::uint16_t>(fraction % 100 * 100);
    for (fraction /= 100; count < fraction_digits; fraction /= base) {
      reversed[count++] = static_cast<std::uint16_t>(fraction % base);
    }
    while (reversed[skip] == 0) {
      ++skip;
    }
    low_power = static_cast<int>(skip) - fraction_digits;
    scale = -low_power * decimals_per_digit;
    for (std::uint16_t lowest = reversed[skip]; lowest % 10 == 0; lowest = static_cast<std::uint16_t>(lowest / 10)) {
      --scale;
    }
  }
  while (whole != 0) {
    reversed[count++] = static_cast<std::uint16_t>(divide(whole, base));
  }
  if (skip == 0 && low_power == 0) {
    while (skip < count && reversed[skip] == 0) {
      ++skip;
      ++low_power;
    }
  }
  while (count > skip && reversed[count - 1] == 0) {
    --count;
  }
  static_assert(image_size(reversed.size()) <= numeric_image_size);
  write_image(image, {reversed.begin() + skip, reversed.begin() + count}, low_power, scale, value < 0);
  return PointerGetDatum(image);
}

std::optional<Atto> try_numeric_to_atto(Datum datum) {
  if (const std::int64_t value = small_count(datum); value >= 0) {
    return value * atto_per_unit;
  }
  const NumericImage image = image_of(datum);
  constexpr int highest_weight = 4;        // below 1e20
  constexpr int lowest_whole_weight = -4;  // 16 decimals; the next digit has two more
  bool fits = image.kind == NumericValue::Kind::finite && (image.count == 0 || image.weight <= highest_weight);
  u128 sum = 0;
  for (int i = 0; fits && i < image.count; ++i) {
    const u128 digit = image.digit(i);
    const int weight = image.weight - i;
    if (weight >= lowest_whole_weight) {
      sum += digit * pow10[static_cast<std::size_t>(Decimal::max_scale + weight * decimals_per_digit)];
    } else if (weight == lowest_whole_weight - 1 && digit % 100 == 0) {
      sum += digit / 100;
    } else {
      fits = digit == 0;
    }
  }
  if (!fits) {
    return std::nullopt;
  }
  return image.negative ? -static_cast<Atto>(sum) : static_cast<Atto>(sum);
}

Atto numeric_to_atto(Datum datum) {
  if (const std::optional<Atto> value = try_numeric_to_atto(datum)) {
    return *value;
  }
  raise_out_of_range();
}

std::string atto_to_string(Atto value) {
  return (value < 0 ? "-" : "") + magnitude_of(value).to_string();
}

namespace {

Datum encoded_small(const Decimal& value) {
  return pg_call(
      [&] { return encode_numeric_unguarded(static_cast<std::uint64_t>(value.coefficient()), value.scale()); });
}

bool is_same_image(Datum a, Datum b) {
  return VARSIZE(DatumGetPointer(a)) == VARSIZE(DatumGetPointer(b)) &&
         std::memcmp(DatumGetPointer(a), DatumGetPointer(b), VARSIZE(DatumGetPointer(b))) == 0;
}

}  // namespace

void check_numeric_codec() {
  static bool checked = false;
  if (checked) {
    return;
  }
  for (const char* text : {"0", "1", "10000", "12345678901234567890.123456789012345678", "0.000000000000000001",
                           "0.00001", "100", "1234.5", "10000.0001", "0.00000000000000001", "99999999999999999999"}) {
    const Datum reference = pg_call([&] {
      return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
    });
    for (const bool negative : {false, true}) {
      const Datum expected =
          negative ? pg_call([&] { return DirectFunctionCall1(numeric_uminus, reference); }) : reference;
      const NumericValue decoded = decode_numeric(expected);
      const Datum encoded = encode_numeric(decoded.magnitude, decoded.negative);
      const bool same = decoded.representable && decoded.magnitude.to_string() == text &&
                        is_same_image(encoded, expected) &&
                        is_same_image(atto_to_numeric(numeric_to_atto(expected)), expected) &&
                        (negative || (decoded.magnitude.coefficient() >> 64) != 0 ||
                         is_same_image(encoded_small(decoded.magnitude), expected));
      if (!same) {
        raise(ERRCODE_INTERNAL_ERROR, "this server stores numeric values in an unknown format",
              "The check value was " + std::string(text) + ".", "Install a pg_spend built for this server version.");
      }
    }
  }
  checked = true;
}

}  // namespace spend
