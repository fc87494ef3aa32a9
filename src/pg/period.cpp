#include "pg/period.hpp"

#include "pg/guard.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

struct Unit {
  std::string_view name;
  PeriodKind kind;
  const char* trunc;  ///< what the server calls it
  int months;
  int days;
};

constexpr std::array<Unit, 10> units = {{
    {"hour", PeriodKind::hour, "hour", 0, 0},
    {"day", PeriodKind::day, "day", 0, 1},
    {"week", PeriodKind::week, "week", 0, 7},
    {"month", PeriodKind::month, "month", 1, 0},
    {"quarter", PeriodKind::quarter, "quarter", 3, 0},
    {"year", PeriodKind::year, "year", 12, 0},
    {"fiscal_year", PeriodKind::fiscal_year, "year", 12, 0},
    {"total", PeriodKind::total, nullptr, 0, 0},
    {"range", PeriodKind::range, nullptr, 0, 0},
    {"rolling", PeriodKind::rolling, "day", 0, 1},
}};

Timestamp ceil_to_quarter_hour(Timestamp at) {
  return floor_to_quarter_hour(at + quarter_hour - 1);
}

// What follows calls the server without a guard of its own.

Datum local_time(Datum zone, Timestamp at) {
  return DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(at));
}

Datum moved(Datum local, int months, int days) {
  Interval step = {};
  step.month = months;
  step.day = days;
  return DirectFunctionCall2(timestamp_pl_interval, local, IntervalPGetDatum(&step));
}

/// The first moment at which the zone's clocks show this time, or pass over it. The server means the second one where
/// they show it twice (Cuba sets them back at one o'clock to midnight), but the day has begun with the first.
Timestamp first_moment(Datum zone, Datum local) {
  const Timestamp moment = DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, zone, local));
  for (const Timestamp back : {USECS_PER_HOUR, USECS_PER_HOUR / 2}) {
    if (DatumGetTimestamp(local_time(zone, moment - back)) == DatumGetTimestamp(local)) {
      return moment - back;
    }
  }
  return moment;
}

}  // namespace

PeriodKind period_kind(std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) {
      return unit.kind;
    }
  }
  raise(Error{ErrorKind::invalid_value,
              "unknown period \"" + std::string(name) + "\"",
              {},
              "Periods are hour, day, week, month, quarter, year, fiscal_year, total, range and rolling."});
}

Period period_at(const PeriodRule& rule, Timestamp at) {
  if (rule.kind == PeriodKind::total) {
    return {};
  }
  if (rule.kind == PeriodKind::range) {
    return rule.range;
  }
  const Unit& unit =
      *std::find_if(units.begin(), units.end(), [&](const Unit& candidate) { return candidate.kind == rule.kind; });
  const int later_months = rule.kind == PeriodKind::fiscal_year ? rule.first - 1 : 0;
  const int later_days = rule.kind == PeriodKind::week ? rule.first - 1 : 0;
  const Datum unit_name = text_datum(unit.trunc);
  const Datum zone = text_datum(rule.time_zone);
  const Timestamp bucket = floor_to_quarter_hour(at);
  return pg_call([&] {
    Period period;
    if (rule.kind == PeriodKind::hour) {
      const Datum start = DirectFunctionCall3(timestamptz_trunc_zone, unit_name, TimestampTzGetDatum(bucket), zone);
      period.start = ceil_to_quarter_hour(DatumGetTimestampTz(start));
      period.end = period.start + USECS_PER_HOUR;
      return period;
    }
    // On the zone's own clock: a day with a clock change has 23 or 25 hours.
    const Datum earlier = moved(local_time(zone, bucket), -later_months, -later_days);
    const Datum start = moved(DirectFunctionCall2(timestamp_trunc, unit_name, earlier), later_months, later_days);
    period.start = ceil_to_quarter_hour(first_moment(zone, start));
    period.end = ceil_to_quarter_hour(first_moment(zone, moved(start, unit.months, unit.days)));
    return period;
  });
}

std::vector<Period> days_of_window(const PeriodRule& rule, const Period& last) {
  std::vector<Period> days = {last};
  while (days.size() < static_cast<std::size_t>(rule.days)) {
    days.push_back(period_at(rule, days.back().start - quarter_hour));
  }
  std::reverse(days.begin(), days.end());
  return days;
}

}  // namespace spend
