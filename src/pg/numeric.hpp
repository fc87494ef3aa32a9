#pragma once

#include "core/decimal.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// What a numeric datum holds, in the core's terms.
struct NumericValue {
  enum class Kind { finite, nan, infinite } kind = Kind::finite;
  bool negative = false;
  bool representable = true;  ///< false: finite, but beyond Decimal's limits
  Decimal magnitude;
};

/// Decodes a numeric datum (detoasts where needed). Reads the on-disk format directly: numeric.c keeps its struct to
/// itself, and its exported conversions allocate or round; check_numeric_codec() proves the layout once per backend.
NumericValue decode_numeric(Datum datum);

/// The value of a whole number from 0 to below 1e16, as counts are, or -1: what is not such a number takes longer.
std::int64_t small_count(Datum datum);

/// A palloc'd numeric equal to the value, without trailing zeros in its scale. Its header is that of a value in memory,
/// four bytes long: every function on numerics unpacks a shorter one first, into a copy.
Datum encode_numeric(const Decimal& value, bool negative = false);
/// The same for coefficient / 10^scale, scale at most Decimal::max_scale, with whatever zeros are at its end: for one
/// amount per row. For a caller that owns no C++ object: an error of the server passes through without pg_call().
Datum encode_numeric_unguarded(std::uint64_t coefficient, int scale);

/// Amounts inside counters: signed, in units of 1e-18, so that they add exactly without a scale.
using Atto = i128;
constexpr Atto atto_per_unit = static_cast<Atto>(1'000'000'000'000'000'000LL);
/// Largest magnitude a numeric(38,18) holds.
constexpr Atto atto_limit = atto_per_unit * 100 * static_cast<Atto>(1'000'000'000'000'000'000LL) - 1;

Atto to_atto(const Decimal& value);  ///< Precondition: value < 1e20.
Datum atto_to_numeric(Atto value);   ///< palloc'd
/// The same in memory of the caller's, numeric_image_size bytes that are aligned as an int.
Datum write_numeric(char* image, Atto value);
constexpr std::size_t numeric_image_size = 28;
/// Errors: out_of_range for what a numeric(38,18) does not hold, or NaN.
Atto numeric_to_atto(Datum datum);
/// The same, or nullopt for those.
std::optional<Atto> try_numeric_to_atto(Datum datum);
/// "12.5": plain text of an amount for messages.
std::string atto_to_string(Atto value);

/// Raises XX000 when this server lays numerics out differently from what the codec reads and writes.
void check_numeric_codec();

}  // namespace spend
