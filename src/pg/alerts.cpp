#include "pg/alerts.hpp"

#include "pg/limits.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

extern "C" {
#include "commands/async.h"
#include "commands/sequence.h"
}

namespace spend {

Atto AlertWriter::announce_crossings(const CounterUse& use, const Counters::State& state, const CounterDelta& delta) {
  Atto claimed = state.claimed_percent;
  const Atto spent = state.spent + delta.amount;
  if (delta.amount <= 0 || use.period.end <= GetCurrentTransactionStartTimestamp()) {
    return claimed;
  }
  const Atto limit = limit_of(use);
  for (const Atto percent : use.budget->thresholds) {
    if (percent > claimed && spent >= share_of(limit, percent)) {
      if (mode_ != Mode::silent) {
        write(use, percent, limit, spent);
      }
      claimed = percent;
    }
  }
  return claimed;
}

void AlertWriter::write(const CounterUse& use, Atto percent, Atto limit, Atto spent) {
  const Budget& budget = *use.budget;
  const OpenTable table(Table::alerts, RowExclusiveLock);
  TupleBuilder tuple(table);
  const std::int64_t alert_id = pg_call([&] {
    return nextval_internal(get_relname_relid("alerts_alert_id_seq", RelationGetNamespace(table.get())), false);
  });
  tuple.set("alert_id", Int64GetDatum(alert_id));
  tuple.set("created_at", TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
  tuple.set("event", text_datum(percent >= 100 * atto_per_unit ? "budget_crossed" : "threshold_crossed"));
  tuple.set("budget_id", Int64GetDatum(budget.budget_id));
  tuple.set("budget_name", text_datum(budget.name));
  tuple.set("threshold_percent", atto_to_numeric(percent));
  tuple.set("period_start", TimestampTzGetDatum(use.period.start));
  tuple.set("period_end", TimestampTzGetDatum(use.period.end));
  tuple.set("group_values", jsonb_datum(use.group->json));
  tuple.set("spent", atto_to_numeric(spent));
  tuple.set("amount", atto_to_numeric(limit));
  if (budget.measure == Measure::cost) {
    tuple.set("currency", text_datum(budget.currency));
  }
  tuple.insert();
  ++written_;
}

void AlertWriter::finish() {
  if (written_ > 0 && mode_ == Mode::announce) {
    const std::string payload = std::to_string(written_);
    pg_call([&] { Async_Notify("spend_alert", payload.c_str()); });
  }
}

}  // namespace spend
