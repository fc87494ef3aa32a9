#include "pg/settings.hpp"

#include "pg/tables.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

Settings load() {
  Settings loaded;
  const OpenTable table(Table::settings, AccessShareLock);
  const AttrNumber time_zone = table.column("time_zone");
  const AttrNumber currency = table.column("currency");
  const AttrNumber week_start = table.column("week_start");
  const AttrNumber fiscal_year_start = table.column("fiscal_year_start");
  const AttrNumber max_clock_skew = table.column("max_clock_skew");
  const AttrNumber strict_usage = table.column("strict_usage");
  const AttrNumber strict_pricing = table.column("strict_pricing");
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    Datum value = row.get(time_zone, &is_null);
    if (!is_null) {
      loaded.time_zone = text_of(value);
    }
    value = row.get(currency, &is_null);
    if (!is_null) {
      loaded.currency = text_of(value);
    }
    loaded.week_start = DatumGetInt32(row.get(week_start, &is_null));  // NOT NULL, like all that follow
    loaded.fiscal_year_start = DatumGetInt32(row.get(fiscal_year_start, &is_null));
    const Interval* const skew = DatumGetIntervalP(row.get(max_clock_skew, &is_null));
    loaded.max_clock_skew =
        skew->time + (static_cast<std::int64_t>(skew->month) * DAYS_PER_MONTH + skew->day) * USECS_PER_DAY;
    loaded.strict_usage = DatumGetBool(row.get(strict_usage, &is_null));
    loaded.strict_pricing = DatumGetBool(row.get(strict_pricing, &is_null));
  });
  return loaded;
}

TableCache<Settings> cache(Table::settings, load);

}  // namespace

const std::shared_ptr<const Settings>& settings() {
  return cache.get();
}

}  // namespace spend
