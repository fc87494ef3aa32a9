#pragma once

#include "pg/guard.hpp"
#include "pg/numeric.hpp"

/// How the server lays numerics out, which numeric.c keeps to itself.
namespace spend::numeric_image {

// The on-disk format of numeric since 9.1 (src/backend/utils/adt/numeric.c, NumericShort and NumericLong): a 16-bit
// header, for the long form a second 16-bit weight, then base-10000 digits, most significant first, no leading or
// trailing zero digit.
constexpr std::uint16_t sign_mask = 0xC000;
constexpr std::uint16_t sign_negative = 0x4000;
constexpr std::uint16_t form_short = 0x8000;
constexpr std::uint16_t form_special = 0xC000;
constexpr std::uint16_t special_nan = 0xC000;
constexpr std::uint16_t short_sign = 0x2000;
constexpr std::uint16_t short_scale_mask = 0x1F80;
constexpr int short_scale_shift = 7;
constexpr std::uint16_t short_weight_sign = 0x0040;
constexpr std::uint16_t short_weight_mask = 0x003F;
constexpr int base = 10000;
constexpr int decimals_per_digit = 4;

inline std::uint16_t read16(const char* at) {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// A numeric datum taken apart.
struct NumericImage {
  NumericValue::Kind kind = NumericValue::Kind::finite;
  bool negative = false;
  int weight = 0;  ///< power of 10000 of the first digit
  int count = 0;   ///< of digits
  const char* digits = nullptr;

  std::uint32_t digit(int i) const { return read16(digits + 2 * i); }
};

inline NumericImage image_of(Datum datum) {
  NumericImage result;
  struct varlena* const original = reinterpret_cast<struct varlena*>(DatumGetPointer(datum));
  struct varlena* const image = VARATT_IS_EXTERNAL(original) || VARATT_IS_COMPRESSED(original)
                                    ? pg_call([&] { return pg_detoast_datum_packed(original); })
                                    : original;
  const char* data = VARDATA_ANY(image);
  const char* const end = data + VARSIZE_ANY_EXHDR(image);
  const std::uint16_t header = read16(data);
  data += 2;
  if ((header & sign_mask) == form_special) {
    result.kind = (header == special_nan) ? NumericValue::Kind::nan : NumericValue::Kind::infinite;
    result.negative = (header & short_sign) != 0;
    return result;
  }
  if ((header & form_short) != 0) {
    result.negative = (header & short_sign) != 0;
    result.weight = static_cast<int>(header & short_weight_mask);
    if ((header & short_weight_sign) != 0) {
      result.weight -= 64;
    }
  } else {
    result.negative = (header & sign_mask) == sign_negative;
    result.weight = static_cast<std::int16_t>(read16(data));
    data += 2;
  }
  result.digits = data;
  result.count = static_cast<int>((end - data) / 2);
  return result;
}

constexpr Size image_size(std::size_t digits) {
  return VARHDRSZ + 2 + 2 * digits;
}

/// Writes a numeric from digits without leading or trailing zeros, lowest first.
inline void write_image(char* image, std::span<const std::uint16_t> reversed, int low_power, int scale, bool negative) {
  const std::size_t digits = reversed.size();
  const int weight = digits == 0 ? 0 : low_power + static_cast<int>(digits) - 1;
  // Decimal's limits (18 decimals, 20 integer digits) always fit the short form: scale < 64, weight in [-64, 63].
  std::uint16_t header = static_cast<std::uint16_t>(form_short | (scale << short_scale_shift));
  header = static_cast<std::uint16_t>(header & (form_short | short_scale_mask));
  header = static_cast<std::uint16_t>(header | (weight < 0 ? short_weight_sign : 0) |
                                      (static_cast<std::uint16_t>(weight) & short_weight_mask));
  if (negative && digits > 0) {
    header = static_cast<std::uint16_t>(header | short_sign);
  }
  SET_VARSIZE(image, image_size(digits));
  std::memcpy(image + VARHDRSZ, &header, 2);
  for (std::size_t i = 0; i < digits; ++i) {
    std::memcpy(image + VARHDRSZ + 2 + 2 * i, &reversed[digits - 1 - i], 2);
  }
}

}  // namespace spend::numeric_image
