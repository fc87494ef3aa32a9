#pragma once

#include <string>

#include "core/price_table.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// Budget periods. The server's own time zone code decides where they begin, so that a period and a view's date_trunc
/// agree.
enum class PeriodKind {
  hour,
  day,
  week,
  month,
  quarter,
  year,
  fiscal_year,
  total,
  range,   ///< one period, from here to there
  rolling  ///< a window of days that ends with the present one; counted day by day
};

/// Errors: 22023 for an unknown name.
PeriodKind period_kind(std::string_view name);

/// Half-open; `total` is [timestamp_min, timestamp_max).
struct Period {
  Timestamp start = timestamp_min;
  Timestamp end = timestamp_max;
  bool contains(Timestamp at) const { return start <= at && at < end; }
  friend bool operator==(const Period&, const Period&) = default;
};

/// Usage is summed by quarter hours; see Journal.
constexpr Timestamp quarter_hour = 15 * USECS_PER_MINUTE;
constexpr Timestamp floor_to_quarter_hour(Timestamp at) {
  const Timestamp within = at % quarter_hour;
  return at - (within < 0 ? within + quarter_hour : within);
}

/// What says where the periods of a budget begin.
struct PeriodRule {
  PeriodKind kind = PeriodKind::month;
  std::string time_zone;
  int first = 1;      ///< of a week: its first day, 1 is Monday; of a fiscal year: its first month
  int days = 0;       ///< of a rolling window
  Period range = {};  ///< the only period of a range

  friend bool operator==(const PeriodRule&, const PeriodRule&) = default;
};

/// The period that contains `at`, which is finite; of a rolling window the day. The same periods come out of it for all
/// of their times, and they do not overlap but for hours in which a clock is set back by less than an hour. Bounds
/// stand on quarter hours: in a zone whose offset does not (local mean times before 1972, POSIX zones) a period begins
/// with the next one. Errors: 22023 for an unknown zone.
Period period_at(const PeriodRule& rule, Timestamp at);

/// The days of a rolling window that ends with the day `last`, the oldest first.
std::vector<Period> days_of_window(const PeriodRule& rule, const Period& last);

}  // namespace spend
