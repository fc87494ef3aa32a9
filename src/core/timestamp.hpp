#pragma once

#include <cstdint>
#include <limits>

namespace spend {

/// Microseconds since 2000-01-01 00:00 UTC, PostgreSQL's timestamptz; the extremes mean -infinity and infinity.
using Timestamp = std::int64_t;
constexpr Timestamp timestamp_min = std::numeric_limits<Timestamp>::min();
constexpr Timestamp timestamp_max = std::numeric_limits<Timestamp>::max();

constexpr Timestamp microseconds_per_second = 1'000'000;
constexpr Timestamp microseconds_per_day = 86'400 * microseconds_per_second;

}  // namespace spend
