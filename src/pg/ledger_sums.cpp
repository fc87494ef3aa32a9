#include "pg/ledger_sums.hpp"

#include "pg/counter_deltas.hpp"
#include "pg/ledger_leaves.hpp"
#include "pg/limits.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/transam.h"
}

namespace spend {

namespace {

/// Waits until the invalidation that announces this budget's present meaning has been sent. A commit becomes visible a
/// moment before that; in between a writer could open its commit window without having heard of the budget.
void wait_until_announced(const Budget& budget) {
  pg_call([&] {
    const FullTransactionId announced_by = FullTransactionIdFromU64(budget.redefined_by);
    const FullTransactionId next = ReadNextFullTransactionId();
    const bool recent = FullTransactionIdIsNormal(announced_by) && FullTransactionIdPrecedes(announced_by, next) &&
                        U64FromFullTransactionId(next) - U64FromFullTransactionId(announced_by) < 1000000000;
    if (recent) {
      // Its lock and not what a snapshot says of it: the lock goes last, after the messages have been sent.
      XactLockTableWait(XidFromFullTransactionId(announced_by), nullptr, nullptr, XLTW_None);
    }
  });
}

/// Lets every commit window that is open now close. Windows are short: nobody waits in one for a transaction that is
/// idle.
void pass_commit_windows() {
  const Oid window = table_oid(Table::commit_window);
  pg_call([&] {
    LockRelationOid(window, ShareLock);
    UnlockRelationOid(window, ShareLock);
  });
}

/// What this backend has summed, by period: the key of the group is zero. Bounded by periods and by groups in all of
/// them: a backend must not keep the ledger in its memory.
struct Summed {
  static constexpr std::size_t most_periods = 100;
  std::map<CounterKey, GroupTotals> periods;
  std::size_t groups = 0;
  std::uint32_t epoch = 0;

  void clear() {
    periods.clear();
    groups = 0;
  }
};
Summed summed;

/// Adds what rows that were dropped had contributed.
void add_sealed(const CounterUse& use, const LatestState& state, GroupTotals& totals) {
  const CounterKey key = use.key();
  const OpenTable table(Table::sealed_counters, AccessShareLock);
  const AttrNumber budget_id = table.column("budget_id");
  const AttrNumber generation = table.column("generation");
  const AttrNumber period_start = table.column("period_start");
  const AttrNumber group_hash = table.column("group_hash");
  const AttrNumber amount = table.column("amount");
  const AttrNumber calls = table.column("calls");
  const AttrNumber unpriced_calls = table.column("unpriced_calls");
  scan(table.get(), state, [&](const ScannedTuple& row) {
    bool is_null;
    if (DatumGetInt64(row.get(budget_id, &is_null)) != key.budget_id ||
        DatumGetInt32(row.get(generation, &is_null)) != key.generation ||
        DatumGetTimestampTz(row.get(period_start, &is_null)) != key.period_start) {
      return;
    }
    const Hash128 group = uuid_bytes(row.get(group_hash, &is_null));
    if (group != key.group && !totals.sums.contains(group) &&
        (!totals.complete || totals.sums.size() >= GroupTotals::most_groups)) {
      totals.complete = false;
      return;
    }
    totals.sums[group] +=
        CounterDelta{numeric_to_atto(row.get(amount, &is_null)), DatumGetInt64(row.get(calls, &is_null)),
                     DatumGetInt64(row.get(unpriced_calls, &is_null))};
  });
}

/// What rows contribute that are there, and those that were dropped. Whoever drops rows has to wait from
/// lock_ledger() on, so that a state taken after it shows each of them once.
GroupTotals totals_in(const CounterUse& use, const LatestState& state, Source source) {
  GroupTotals totals = source == Source::rows ? totals_from_rows(use, state) : totals_of_ledger(use, state);
  add_sealed(use, state, totals);
  return totals;
}

void lock_ledger() {
  (void)leaves_of_ledger();
}

GroupTotals totals_of_latest(const CounterUse& use) {
  lock_ledger();
  const OpenTable counters(Table::counters, AccessShareLock);
  return totals_in(use, LatestState(counters.get(), OwnChanges::ignored), Source::quickest);
}

}  // namespace

CounterDelta sum_of_unmoved(const CounterUse& use, std::uint32_t epoch) {
  pg_call([] { AcceptInvalidationMessages(); });
  if (!unchanged(Table::commit_window) || summed.epoch != epoch) {
    summed.clear();
    summed.epoch = epoch;
    mark_unchanged(Table::commit_window);
  }
  CounterKey period = use.key();
  period.group = {};
  const auto known = summed.periods.find(period);
  if (known != summed.periods.end()) {
    return known->second.of(use.group->hash);
  }
  wait_until_announced(*use.budget);
  pass_commit_windows();
  GroupTotals totals = totals_of_latest(use);
  const CounterDelta asked = totals.of(use.group->hash);
  if (totals.complete) {
    if (summed.periods.size() >= Summed::most_periods ||
        summed.groups + totals.sums.size() > GroupTotals::most_groups) {
      summed.clear();
    }
    summed.groups += totals.sums.size();
    summed.periods.emplace(period, std::move(totals));
  }
  return asked;
}

CounterDelta row_for_moving(const CounterUse& use, Source source) {
  wait_until_announced(*use.budget);
  pass_commit_windows();
  lock_ledger();
  const OpenTable counters(Table::counters, AccessShareLock);
  const LatestState state(counters.get(), OwnChanges::ignored);
  CounterDelta row = totals_in(use, state, source).of(use.group->hash);
  row += -unfolded_total(state, use.key()).delta;
  return row;
}

Atto claimed_by_history(const CounterUse& use, Atto amount) {
  Atto claimed = 0;
  Atto below = 0;
  const Atto limit = limit_of(use);
  for (const Atto percent : use.budget->thresholds) {
    if (amount > 0 && amount >= share_of(limit, percent)) {
      claimed = below;
      below = percent;
    }
  }
  return claimed;
}

}  // namespace spend
