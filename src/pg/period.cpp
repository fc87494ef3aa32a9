#include "pg/period.hpp"

#include "pg/guard.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

struct Unit {
  std::string_view name;
  PeriodKind kind;
  int months;
  int days;
};

constexpr std::array<Unit, 7> units = {{
    {"hour", PeriodKind::hour, 0, 0},
    {"day", PeriodKind::day, 0, 1},
    {"week", PeriodKind::week, 0, 7},
    {"month", PeriodKind::month, 1, 0},
    {"quarter", PeriodKind::quarter, 3, 0},
    {"year", PeriodKind::year, 12, 0},
    {"total", PeriodKind::total, 0, 0},
}};

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
              "Periods are hour, day, week, month, quarter, year and total."});
}

Period period_at(PeriodKind kind, const std::string& time_zone, Timestamp at) {
  if (kind == PeriodKind::total) {
    return {};
  }
  const Unit& unit =
      *std::find_if(units.begin(), units.end(), [&](const Unit& candidate) { return candidate.kind == kind; });
  const Datum unit_name = text_datum(unit.name);
  const Datum zone = text_datum(time_zone);
  const Timestamp bucket = floor_to_quarter_hour(at);
  const auto ceil = [](Timestamp time) { return floor_to_quarter_hour(time + quarter_hour - 1); };
  return pg_call([&] {
    Period period;
    const Datum start = DirectFunctionCall3(timestamptz_trunc_zone, unit_name, TimestampTzGetDatum(bucket), zone);
    period.start = ceil(DatumGetTimestampTz(start));
    if (kind == PeriodKind::hour) {
      period.end = period.start + USECS_PER_HOUR;
      return period;
    }
    // One unit later on the zone's own clock: a day with a clock change has 23 or 25 hours.
    Interval step = {};
    step.month = unit.months;
    step.day = unit.days;
    const Datum local = DirectFunctionCall2(timestamptz_zone, zone, start);
    const Datum next = DirectFunctionCall2(timestamp_pl_interval, local, IntervalPGetDatum(&step));
    period.end = ceil(DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, zone, next)));
    return period;
  });
}

}  // namespace spend
