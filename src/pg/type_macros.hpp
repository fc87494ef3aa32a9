#pragma once

#include "pg/values.hpp"

extern "C" {
#include "common/hashfn.h"
}

namespace spend {

/// Equality and hashing of the extension's types: their images are canonical, so equality is equality of bytes.
inline bool same_image(Datum a, Datum b) {
  const std::span<const std::byte> left = varlena_bytes(a);
  const std::span<const std::byte> right = varlena_bytes(b);
  return left.size() == right.size() && std::memcmp(left.data(), right.data(), left.size()) == 0;
}

inline Datum hash_image(Datum datum) {
  const std::span<const std::byte> bytes = varlena_bytes(datum);
  return hash_any(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
}

inline Datum hash_image_extended(Datum datum, Datum seed) {
  const std::span<const std::byte> bytes = varlena_bytes(datum);
  return hash_any_extended(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()),
                           DatumGetUInt64(seed));
}

}  // namespace spend

/// The four functions that an equality and a hash operator class need, for a type whose image is canonical.
#define SPEND_IMAGE_EQUALITY(type)                                                   \
  SPEND_FUNCTION(spend_##type##_eq) {                                                \
    return BoolGetDatum(spend::same_image(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));  \
  }                                                                                  \
  SPEND_FUNCTION(spend_##type##_ne) {                                                \
    return BoolGetDatum(!spend::same_image(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1))); \
  }                                                                                  \
  SPEND_FUNCTION(spend_##type##_hash) {                                              \
    return spend::hash_image(PG_GETARG_DATUM(0));                                    \
  }                                                                                  \
  SPEND_FUNCTION(spend_##type##_hash_extended) {                                     \
    return spend::hash_image_extended(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));       \
  }
