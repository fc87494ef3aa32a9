#pragma once

#include <string>

#include "core/price_table.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// Budget periods. The server's own time zone code decides where they begin, so that a period and a view's date_trunc
/// agree.
enum class PeriodKind { hour, day, week, month, quarter, year, total };

/// Errors: 22023 for an unknown name.
PeriodKind period_kind(std::string_view name);

/// Half-open; `total` is [timestamp_min, timestamp_max).
struct Period {
  Timestamp start = timestamp_min;
  Timestamp end = timestamp_max;
  bool contains(Timestamp at) const { return start <= at && at < end; }
};

/// Usage is summed by quarter hours; see Journal.
constexpr Timestamp quarter_hour = 15 * USECS_PER_MINUTE;
constexpr Timestamp floor_to_quarter_hour(Timestamp at) {
  const Timestamp within = at % quarter_hour;
  return at - (within < 0 ? within + quarter_hour : within);
}

/// The period of that kind, in that zone, that contains `at`, which is finite. Bounds stand on quarter hours: in a zone
/// whose offset does not (local mean times before 1972, POSIX zones) a period begins with the next one. Errors: 22023
/// for an unknown zone.
Period period_at(PeriodKind kind, const std::string& time_zone, Timestamp at);

}  // namespace spend
