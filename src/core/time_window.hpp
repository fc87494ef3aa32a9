#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/timestamp.hpp"

namespace spend {

/// Days since 2000-01-01 on some zone's calendar.
using DayNumber = std::int32_t;

/// The calendar day of "YYYY-MM-DD"; nothing for any other text or a day that does not exist.
std::optional<DayNumber> parse_day(std::string_view text);
/// "YYYY-MM-DD". Precondition: a day of the years 1 to 9999.
std::string day_text(DayNumber day);

/// A recurring window of time on the wall clock of one zone. A window that wraps midnight belongs to the day on which
/// it begins: 22:00-06:00 on Fridays ends on Saturday morning.
struct TimeWindow {
  /// [from, until) in minutes of the day; until <= from ends on the next day, so equal ends are a whole day.
  struct Hours {
    std::uint16_t from = 0;
    std::uint16_t until = 0;
    friend bool operator==(const Hours&, const Hours&) = default;
  };
  static constexpr std::uint8_t every_day = 0x7F;

  std::vector<Hours> hours;           ///< ascending; empty: the whole day
  std::uint8_t weekdays = every_day;  ///< bit 0 is Monday
  std::vector<DayNumber> dates;       ///< ascending; the only days of this window, whatever their weekday
  std::string time_zone = "UTC";      ///< IANA name

  /// True when the window is open at that moment. `is_overridden(day)` tells whether another window claims that day for
  /// itself; it is asked only where this window has no dates. Precondition: `at` lies in the years 1 to 9999.
  template <typename IsOverridden>
  bool contains(Timestamp at, IsOverridden is_overridden) const;

  bool has_date(DayNumber day) const;
  /// {"hours": "16:30-00:30", "weekdays": ["mon", "tue"], "dates": ["2026-01-01"], "time_zone": "Asia/Kolkata"}, what
  /// says nothing left out.
  std::string to_json() const;
  /// For a line of a bill: "16:30-00:30 UTC".
  std::string to_text() const;

  friend bool operator==(const TimeWindow&, const TimeWindow&) = default;

 private:
  struct Local {
    DayNumber day;
    int minute;
  };
  Local local_time(Timestamp at) const;

  template <typename IsOverridden>
  bool begins_on(DayNumber day, IsOverridden is_overridden) const {
    if (!dates.empty()) {
      return has_date(day);
    }
    // 2000-01-01 was a Saturday.
    const int weekday = ((day + 5) % 7 + 7) % 7;
    return (weekdays >> static_cast<unsigned>(weekday) & 1U) != 0 && !is_overridden(day);
  }
};

/// Names of the days of the week from Monday on: "mon" … "sun".
std::string_view weekday_name(unsigned weekday);

template <typename IsOverridden>
bool TimeWindow::contains(Timestamp at, IsOverridden is_overridden) const {
  const Local now = local_time(at);
  if (hours.empty()) {
    return begins_on(now.day, is_overridden);
  }
  for (const Hours& span : hours) {
    const bool wraps = span.until <= span.from;
    if (now.minute >= span.from && (wraps || now.minute < span.until) && begins_on(now.day, is_overridden)) {
      return true;
    }
    if (wraps && now.minute < span.until && begins_on(now.day - 1, is_overridden)) {
      return true;
    }
  }
  return false;
}

}  // namespace spend
