// Closed periods: what a correction has to know of them.

#include "pg/tables.hpp"
#include "pg/tuples.hpp"

SPEND_FUNCTION(spend_closed_until) {
  // spend.close_period() waits for this lock, so that no correction is under way in a period while it is closed.
  const spend::OpenTable periods(spend::Table::periods, RowShareLock);
  const AttrNumber end = periods.column("period_end_at");
  TimestampTz closed_until = DT_NOBEGIN;
  spend::scan_latest(periods.get(), spend::OwnChanges::visible, [&](const spend::ScannedTuple& period) {
    bool is_null;
    closed_until = std::max(closed_until, DatumGetTimestampTz(period.get(end, &is_null)));
  });
  return TimestampTzGetDatum(closed_until);
}
