#include "pg/counters.hpp"
#include "pg/tables.hpp"

extern "C" {
#include "catalog/pg_inherits.h"
}

namespace spend {

std::size_t HashOfCounterKey::operator()(const CounterKey& key) const noexcept {
  std::size_t group;
  std::memcpy(&group, key.group.data(), sizeof group);
  const std::size_t budget =
      (static_cast<std::size_t>(key.budget_id) << 32U) ^ static_cast<std::uint32_t>(key.generation);
  return group ^ (budget * 0x9E3779B97F4A7C15U) ^ (static_cast<std::size_t>(key.period_start) * 0xC2B2AE3D27D4EB4FU);
}

CounterDelta& CounterDelta::operator+=(const CounterDelta& other) {
  if (__builtin_add_overflow(amount, other.amount, &amount)) {
    raise(Error{ErrorKind::out_of_range,
                "the total of a budget is out of range",
                "Counters hold 20 integer digits and 18 decimals.",
                {}});
  }
  calls += other.calls;
  unpriced_calls += other.unpriced_calls;
  return *this;
}

namespace {

/// Sums rows by group, up to a number of groups.
class GroupSums {
 public:
  GroupSums(const CounterUse& use, GroupTotals& totals) : use_(use), totals_(totals) {}

  void add(const RowFacts& facts, const Dimensions& dimensions) {
    if (!use_.budget->scope.matches(dimensions)) {
      return;
    }
    const Hash128 group = group_key(use_.budget->group_by, dimensions).hash;
    if (totals_.sums.size() >= GroupTotals::most_groups && group != use_.group->hash && !totals_.sums.contains(group)) {
      totals_.complete = false;
      return;
    }
    const Movement movement = movement_of(*use_.budget, facts);
    totals_.sums[group] += CounterDelta{movement.amount, 1, movement.unpriced ? 1 : 0};
  }

 private:
  const CounterUse& use_;
  GroupTotals& totals_;
};

void add_rows_of_leaf(Oid leaf, const Period& range, GroupSums& sums) {
  const Relation relation = pg_call([&] { return table_open(leaf, AccessShareLock); });
  const UsageColumns& columns = usage_columns(relation);
  const std::array<AttrNumber, 1> key_columns = {columns.occurred_at};
  const Oid index = index_on(relation, key_columns);
  std::array<ScanKeyData, 2> keys;
  pg_call([&] {
    ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE, TimestampTzGetDatum(range.start));
    ScanKeyInit(&keys[1], 1, BTLessStrategyNumber, F_TIMESTAMPTZ_LT, TimestampTzGetDatum(range.end));
  });
  // A summary of millions of rows must not keep what each of them detoasted.
  const MemoryContext per_row = pg_call(
      [] { return AllocSetContextCreate(CurrentMemoryContext, "pg_spend counter row", ALLOCSET_DEFAULT_SIZES); });
  scan_latest_index(relation, index, OwnChanges::ignored, keys, [&](const ScannedTuple& scanned) {
    const MemoryContext outer = MemoryContextSwitchTo(per_row);
    const UsageRow row(scanned.tuple, scanned.descriptor, columns);
    if (!row.is_null(columns.recorded_at)) {
      const RowFacts facts = facts_of(row);
      sums.add(facts, attribution_of(row).dimensions);
    }
    MemoryContextSwitchTo(outer);
    MemoryContextReset(per_row);
  });
  pg_call([&] {
    MemoryContextDelete(per_row);
    table_close(relation, NoLock);
  });
}

}  // namespace

GroupTotals totals_from_rows(const CounterUse& use) {
  const Period range{std::max(use.period.start, use.budget->valid.start),
                     std::min(use.period.end, use.budget->valid.end)};
  GroupTotals totals;
  GroupSums sums(use, totals);
  const Oid parent = table_oid(Table::usage);
  List* const leaves = pg_call([&] {
    // Waiting for the lock on a leaf may be waiting for rows to move from it into a leaf that was not listed yet.
    List* locked = find_inheritance_children(parent, AccessShareLock);
    for (;;) {
      List* listed = find_inheritance_children(parent, AccessShareLock);
      if (equal(locked, listed)) {
        return locked;
      }
      locked = listed;
    }
  });
  ListCell* cell;
  foreach (cell, leaves) {
    add_rows_of_leaf(lfirst_oid(cell), range, sums);
  }
  return totals;
}

}  // namespace spend
