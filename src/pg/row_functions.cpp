// SQL functions over a row of spend.usage, and over what this transaction has accounted.

#include "pg/accounting.hpp"
#include "pg/composite_row.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

SPEND_FUNCTION(spend_tokens) {
  return spend::with_row(fcinfo, PG_GETARG_DATUM(0),
                         [](const spend::UsageRow& row) { return spend::usage_datum(row.usage()); });
}

SPEND_FUNCTION(spend_row_counters) {
  spend::begin_set(fcinfo);
  spend::with_row(fcinfo, PG_GETARG_DATUM(0), [&](const spend::UsageRow& row) {
    if (!row.is_counted()) {
      return;
    }
    for (const spend::RowMovement& movement : spend::movements_of(row)) {
      const spend::CounterUse& use = movement.use;
      if (!spend::may_see_figures(*use.budget)) {
        continue;
      }
      spend::emit_row<9>(fcinfo, {Int64GetDatum(use.budget->budget_id), Int32GetDatum(use.budget->generation),
                                  TimestampTzGetDatum(use.period.start), spend::uuid_datum(use.group->hash),
                                  TimestampTzGetDatum(use.period.end), spend::jsonb_datum(use.group->json),
                                  spend::atto_to_numeric(movement.delta.amount), Int64GetDatum(movement.delta.calls),
                                  Int64GetDatum(movement.delta.unpriced_calls)});
    }
  });
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_pending_counters) {
  spend::begin_set(fcinfo);
  for (const spend::PendingMovement& pending : spend::pending_movements()) {
    spend::emit_row<7>(fcinfo, {Int64GetDatum(pending.key.budget_id), Int32GetDatum(pending.key.generation),
                                TimestampTzGetDatum(pending.key.period_start), spend::uuid_datum(pending.key.group),
                                spend::atto_to_numeric(pending.delta.amount), Int64GetDatum(pending.delta.calls),
                                Int64GetDatum(pending.delta.unpriced_calls)});
  }
  PG_RETURN_NULL();
}
