#include "pg/alerts.hpp"

#include "pg/alert_history.hpp"
#include "pg/limits.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

extern "C" {
#include "commands/async.h"
#include "commands/sequence.h"
}

namespace spend {

namespace {

constexpr const char* bypassed = "budget_bypassed";

const char* event_of(Atto percent) {
  return percent >= 100 * atto_per_unit ? "budget_crossed" : "threshold_crossed";
}

const char* name_of(OnExceeded on_exceeded) {
  return on_exceeded == OnExceeded::reject ? "reject" : on_exceeded == OnExceeded::halt ? "halt" : "alert";
}

const char* name_of(Measure measure) {
  return measure == Measure::cost ? "cost" : measure == Measure::tokens ? "tokens" : "calls";
}

/// The day of the present moment on the budget's clock.
Period today_of(const Budget& budget) {
  return period_at({.kind = PeriodKind::day, .time_zone = budget.period.time_zone},
                   GetCurrentTransactionStartTimestamp());
}

}  // namespace

AlertWriter::AlertWriter(Mode mode) : mode_(mode) {
  forget_reserved_announcements();
}

Atto claimed_after(const CounterUse& use, Atto claimed, Atto spent, Atto amount) {
  if (amount <= 0 || use.period.end <= GetCurrentTransactionStartTimestamp() ||
      use.budget->period.kind == PeriodKind::rolling) {
    return claimed;
  }
  const Atto limit = limit_of(use);
  for (const Atto percent : use.budget->thresholds) {
    if (percent > claimed && spent + amount >= share_of(limit, percent)) {
      claimed = percent;
    }
  }
  return claimed;
}

void AlertWriter::announce_crossings(const CounterUse& use, const Counters::State& before, const CounterDelta& delta) {
  if (delta.amount <= 0 || use.period.end <= GetCurrentTransactionStartTimestamp() ||
      use.budget->period.kind == PeriodKind::rolling) {
    return;
  }
  const Atto limit = limit_of(use);
  const Atto spent = before.spent + delta.amount;
  Atto reached = 0;
  for (const Atto percent : use.budget->thresholds) {
    if (spent >= share_of(limit, percent)) {
      reached = percent;
      if (percent > before.claimed_percent) {
        write(use, event_of(percent), percent, limit, spent);
      }
    }
  }
  if (reached > 0 && reached <= before.claimed_percent && use.budget->has_other_limits() &&
      !before.is_being_announced) {
    announce_again(use, reached, limit, spent);
  }
  if (before.spent >= limit) {
    announce_bypass(use, limit, spent);
  }
}

void AlertWriter::announce_window(const WindowMovement& movement) {
  if (movement.amount <= 0) {
    return;
  }
  const CounterUse& use = movement.window;
  const Atto limit = limit_of(use);
  const Atto spent = movement.before + movement.amount;
  for (const Atto percent : use.budget->thresholds) {
    const Atto reached_at = share_of(limit, percent);
    if (spent >= reached_at && movement.before < reached_at &&
        !was_announced(use, {.event = event_of(percent), .percent = percent, .limit = limit})) {
      write(use, event_of(percent), percent, limit, spent);
    }
  }
  if (movement.before >= limit) {
    announce_bypass(use, limit, spent);
  }
}

/// A limit that has been changed since the threshold was announced makes it news. That the total had gone down for a
/// while does not.
void AlertWriter::announce_again(const CounterUse& use, Atto percent, Atto limit, Atto spent) {
  announce_once(use, {.event = event_of(percent), .percent = percent, .limit = limit}, limit, spent);
}

void AlertWriter::announce_bypass(const CounterUse& use, Atto limit, Atto spent) {
  if (use.budget->on_exceeded == OnExceeded::halt) {
    announce_once(use, {.event = bypassed, .since = today_of(*use.budget).start}, limit, spent);
  }
}

void AlertWriter::announce_once(const CounterUse& use, const EarlierAlert& alert, Atto limit, Atto spent) {
  if (mode_ == Mode::silent) {
    return;
  }
  // What this backend has seen to be announced need not be looked up for every row.
  static std::map<std::pair<CounterKey, std::string_view>, EarlierAlert> seen;  // the events are literals
  const std::pair name(use.key(), alert.event);
  const auto known = seen.find(name);
  if ((known != seen.end() && known->second == alert) || !reserve_announcement(use, alert.event)) {
    return;
  }
  if (!was_announced(use, alert)) {
    write(use, alert.event, alert.percent, limit, spent);
    return;
  }
  constexpr std::size_t most_seen = 1000;
  if (seen.size() >= most_seen) {
    seen.clear();
  }
  seen[name] = alert;
}

void AlertWriter::write(const CounterUse& use, std::string_view event, std::optional<Atto> percent, Atto limit,
                        Atto spent) {
  if (mode_ == Mode::silent) {
    return;
  }
  const Budget& budget = *use.budget;
  const OpenTable table(Table::alerts, RowExclusiveLock);
  TupleBuilder tuple(table);
  const std::int64_t alert_id = pg_call([&] {
    return nextval_internal(get_relname_relid("alerts_alert_id_seq", RelationGetNamespace(table.get())), false);
  });
  const Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
  tuple.set("alert_id", Int64GetDatum(alert_id));
  tuple.set("created_at", now);
  tuple.set("event", text_datum(event));
  tuple.set("budget_id", Int64GetDatum(budget.budget_id));
  tuple.set("budget_name", text_datum(budget.name));
  if (!budget.owner.empty()) {
    tuple.set("owner", text_datum(budget.owner));
  }
  if (!budget.cost_center.empty()) {
    tuple.set("cost_center", text_datum(budget.cost_center));
  }
  tuple.set("on_exceeded", text_datum(name_of(budget.on_exceeded)));
  tuple.set("measure", text_datum(name_of(budget.measure)));
  if (percent.has_value()) {
    tuple.set("threshold_percent", atto_to_numeric(*percent));
  }
  tuple.set("period_start", TimestampTzGetDatum(use.period.start));
  tuple.set("period_end", TimestampTzGetDatum(use.period.end));
  tuple.set("group_values", jsonb_datum(use.group->json));
  tuple.set("group_hash", uuid_datum(use.group->hash));
  tuple.set("spent", atto_to_numeric(spent));
  tuple.set("amount", atto_to_numeric(limit));
  if (budget.measure == Measure::cost) {
    tuple.set("currency", text_datum(budget.currency));
  }
  tuple.set("attempts", Int32GetDatum(0));
  tuple.set("next_attempt_at", now);
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
