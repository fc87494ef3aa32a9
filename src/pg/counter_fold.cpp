// Upkeep of the counters' durable side: folds what transactions have appended into spend.counters, and repairs a
// counter that is not what the ledger says.

#include "pg/accounting.hpp"
#include "pg/counter_rows.hpp"
#include "pg/delta_log.hpp"
#include "pg/ledger_sums.hpp"
#include "pg/shared_counters.hpp"
#include "pg/shared_memory.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// Of one counter, what is being folded.
struct Folded {
  UnfoldedTotal total;
  Timestamp period_end;
  std::string group_json;
};

const Budget* budget_of(const BudgetSet& budgets, const CounterKey& key) {
  const Budget* const budget = budgets.find(key.budget_id);
  return budget != nullptr && budget->generation == key.generation ? budget : nullptr;
}

CounterUse use_of(const Budget& budget, const CounterKey& key, Timestamp period_end, std::string group_json) {
  auto group = std::make_shared<GroupKey>();
  group->hash = key.group;
  group->json = std::move(group_json);
  return {&budget, {key.period_start, period_end}, std::move(group)};
}

/// The counter's row, locked. It is made if whoever should have stored it was rolled back. Null for a budget that is
/// gone, or means something else.
HeapTuple row_to_fold_into(const CounterRows& rows, const BudgetSet& budgets, const CounterKey& key,
                           const Folded& folded) {
  for (;;) {
    if (HeapTuple row = rows.lock(key)) {
      return row;
    }
    const Budget* const budget = budget_of(budgets, key);
    if (budget == nullptr || budget->is_own_uncommitted()) {
      return nullptr;
    }
    if (rows.insert(key, folded.period_end, folded.group_json, {})) {
      CounterRows::Totals whole;
      whole.sum = row_for_moving(use_of(*budget, key, folded.period_end, folded.group_json), Source::quickest);
      return rows.replace(rows.lock(key), whole);
    }
  }
}

void fold_into_row(const BudgetSet& budgets, const CounterKey& key, const Folded& folded) {
  const CounterRows rows(RowExclusiveLock);
  HeapTuple row = row_to_fold_into(rows, budgets, key, folded);
  if (row != nullptr) {
    CounterRows::Totals totals = rows.totals_of(row);
    totals.sum += folded.total.delta;
    totals.claimed_percent = std::max(totals.claimed_percent, folded.total.claimed_percent);
    rows.replace(row, totals);
  }
}

constexpr std::size_t most_at_once = 50'000;

/// Returns how many rows of deltas there were, or -1 while somebody else is folding. Not for a transaction with usage
/// of its own, which may hold the rows.
std::int64_t fold_counters() {
  if (!pending_movements().empty() || !try_become_folder(Table::counter_deltas)) {
    return -1;
  }
  // Before the first look: what loses its line after it may have movements that are not seen.
  SharedCounters* const shared = shared_counters();
  const Place ledger = shared == nullptr ? no_place : shared->loaded_ledger();
  const std::uint32_t lost =
      ledger == no_place ? 0 : __atomic_load_n(&shared->table().ledger(ledger).lost, __ATOMIC_SEQ_CST);
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  const OpenTable table(Table::counter_deltas, RowExclusiveLock);
  const AttrNumber movements = table.column("movements");
  const MemoryContext batch =
      pg_call([] { return AllocSetContextCreate(CurrentMemoryContext, "pg_spend folding", ALLOCSET_DEFAULT_SIZES); });
  const MemoryContext outer = MemoryContextSwitchTo(batch);
  std::int64_t count = 0;
  for (bool done = false; !done; MemoryContextReset(batch)) {
    std::map<CounterKey, Folded> by_key;
    const std::size_t drained = drain(table.get(), most_at_once, [&](const ScannedTuple& row) {
      bool is_null;
      MovementReader reader(row.get(movements, &is_null));
      while (const std::optional<CounterMovement> movement = reader.next()) {
        Folded& folded = by_key[movement->key];
        folded.total.add(*movement);
        folded.period_end = movement->period_end;
        folded.group_json = movement->group_json;
      }
    });
    for (const auto& [key, folded] : by_key) {
      fold_into_row(*budgets, key, folded);
    }
    count += static_cast<std::int64_t>(drained);
    done = drained < most_at_once;
  }
  MemoryContextSwitchTo(outer);
  pg_call([&] {
    MemoryContextDelete(batch);
    // Who has read deltas of counters that are rows reads them again.
    CacheInvalidateRelcache(table.get());
  });
  if (ledger != no_place) {
    shared->note_folding(lost);
  }
  return count;
}

void repair_counter(const CounterKey& key) {
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  const Budget* const budget = budget_of(*budgets, key);
  if (budget == nullptr) {
    return;
  }
  if (SharedCounters* const shared = shared_counters()) {
    shared->close(key);
  }
  const CounterRows rows(RowExclusiveLock);
  HeapTuple row = rows.lock(key);
  if (row == nullptr) {
    return;
  }
  CounterRows::Totals totals = rows.totals_of(row);
  totals.sum = row_for_moving(use_of(*budget, key, rows.period_end_of(row), rows.group_json_of(row)), Source::rows);
  rows.replace(row, totals);
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_fold_counters) {
  return Int64GetDatum(spend::fold_counters());
}

SPEND_FUNCTION(spend_repair_counter) {
  spend::repair_counter(
      {PG_GETARG_INT64(0), PG_GETARG_INT32(1), PG_GETARG_TIMESTAMPTZ(2), spend::uuid_bytes(PG_GETARG_DATUM(3))});
  PG_RETURN_VOID();
}

SPEND_FUNCTION(spend_forget_counter) {
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event)) {
    spend::raise(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                 "spend._forget_counter() is an AFTER trigger of spend.counters");
  }
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (spend::SharedCounters* const shared = spend::shared_counters()) {
    if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event)) {
      shared->forget_row_at_commit(spend::CounterRows(AccessShareLock).key_of(trigger->tg_trigtuple));
    } else {
      shared->forget_ledger_at_commit();
    }
  }
  return PointerGetDatum(nullptr);  // a trigger's result is never SQL NULL
}
