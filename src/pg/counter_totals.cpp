#include "core/json.hpp"
#include "pg/group_sums.hpp"
#include "pg/ledger_leaves.hpp"
#include "pg/rollup_totals.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

extern "C" {
#include "storage/bufmgr.h"
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

/// A value of an id that every row of the counter has: its rows are found by the index on that column, where there is
/// one, and not among all rows of the period.
struct Pin {
  std::string dimension;
  std::string value;
};

std::optional<Pin> pin_of(const CounterUse& use) {
  const Budget& budget = *use.budget;
  const Json group = take(Json::parse(use.group->json, {.max_bytes = MaxAllocHugeSize}));
  for (const std::string& name : budget.row_dimensions) {
    if (!is_id_dimension(name)) {
      continue;
    }
    const Json* const value = group.find(name);
    if (value != nullptr && value->text != no_group_value) {
      return Pin{name, value->text};
    }
    for (const Scope::Condition& condition : budget.scope.conditions()) {
      if (condition.dimension == name && condition.test == Scope::Test::any_of && condition.values.size() == 1) {
        return Pin{name, condition.values.front()};
      }
    }
  }
  return std::nullopt;
}

/// How the rows of a counter are found in a leaf.
struct RowScan {
  Oid index = InvalidOid;
  std::array<ScanKeyData, 2> keys = {};
  std::size_t key_count = 0;
};

RowScan scan_by_time(Oid index, const Period& range) {
  RowScan scan{index, {}, 2};
  pg_call([&] {
    ScanKeyInit(&scan.keys[0], 1, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE, TimestampTzGetDatum(range.start));
    ScanKeyInit(&scan.keys[1], 1, BTLessStrategyNumber, F_TIMESTAMPTZ_LT, TimestampTzGetDatum(range.end));
  });
  return scan;
}

RowScan scan_by_id(Oid index, Oid collation, const std::string& id) {
  RowScan scan{index, {}, 1};
  const Datum value = text_datum(id);
  pg_call([&] {
    ScanKeyEntryInitialize(&scan.keys[0], 0, 1, BTEqualStrategyNumber, InvalidOid, collation, F_TEXTEQ, value);
  });
  return scan;
}

/// How many more rows may be read; nothing: as many as there are.
using RowsLeft = std::optional<std::size_t>;

/// Which of the rows of a period.
enum class Rows {
  all,
  enforced_only  ///< those that count in it only by the time at which they were written
};

/// False when it has ended before its time.
bool add_rows_of_leaf(Oid leaf, const Period& range, const std::optional<Pin>& pin, Rows which,
                      const LatestState& state, RowsLeft& left, GroupSums& sums) {
  const Relation relation = pg_call([&] { return table_open(leaf, AccessShareLock); });
  const UsageColumns& columns = usage_columns(relation);
  // A summary of millions of rows must not keep what each of them detoasted.
  const MemoryContext per_row = pg_call(
      [] { return AllocSetContextCreate(CurrentMemoryContext, "pg_spend counter row", ALLOCSET_DEFAULT_SIZES); });
  bool is_done = true;
  const auto add_rows = [&](RowScan scan, auto&& is_of_counter) {
    scan_index(relation, scan.index, state, std::span(scan.keys).first(scan.key_count),
               [&](const ScannedTuple& scanned) {
                 if (left.has_value() && (*left)-- == 0) {
                   is_done = false;
                   return false;
                 }
                 const MemoryContext outer = MemoryContextSwitchTo(per_row);
                 const UsageRow row(scanned.tuple, scanned.descriptor, columns);
                 const Timestamp occurred_at = row.timestamp(columns.occurred_at, 0);
                 const bool occurred = sums.contains(occurred_at);
                 const bool enforced = !row.is_null(columns.enforced_at) &&
                                       sums.contains_enforced(occurred_at, row.timestamp(columns.enforced_at, 0));
                 if (row.is_counted() && is_of_counter(occurred, enforced)) {
                   sums.add(row);
                 }
                 MemoryContextSwitchTo(outer);
                 MemoryContextReset(per_row);
                 return true;
               });
  };
  const AttrNumber pinned =
      pin.has_value() ? column(RelationGetDescr(relation), pin->dimension.c_str()) : AttrNumber{InvalidAttrNumber};
  const Oid index_of_ids = pin.has_value() ? index_on_present(relation, pinned) : InvalidOid;
  if (OidIsValid(index_of_ids)) {
    const Oid collation = TupleDescAttr(RelationGetDescr(relation), pinned - 1)->attcollation;
    add_rows(scan_by_id(index_of_ids, collation, pin->value),
             [](bool occurred, bool enforced) { return occurred || enforced; });
  } else {
    if (which == Rows::all) {
      const std::array<AttrNumber, 1> key_columns = {columns.occurred_at};
      add_rows(scan_by_time(index_on(relation, key_columns), range), [](bool occurred, bool) { return occurred; });
    }
    const Oid index_of_enforced = index_on_present(relation, columns.enforced_at);
    if (!OidIsValid(index_of_enforced)) {
      raise(ERRCODE_UNDEFINED_OBJECT,
            std::string("the index on enforced_at of \"spend.") + RelationGetRelationName(relation) + "\" is missing",
            {}, "Create it again as the extension's script does.");
    }
    if (is_done) {
      add_rows(scan_by_time(index_of_enforced, range),
               [](bool occurred, bool enforced) { return enforced && !occurred; });
    }
  }
  pg_call([&] {
    MemoryContextDelete(per_row);
    table_close(relation, NoLock);
  });
  return is_done;
}

bool add_rows(const CounterUse& use, const std::optional<Pin>& pin, Rows which, const LatestState& state, RowsLeft left,
              GroupSums& sums) {
  const Period range{std::max(use.period.start, use.budget->valid.start),
                     std::min(use.period.end, use.budget->valid.end)};
  const std::vector<Oid> leaves = leaves_of_ledger();
  return std::all_of(leaves.begin(), leaves.end(),
                     [&](Oid leaf) { return add_rows_of_leaf(leaf, range, pin, which, state, left, sums); });
}

/// How many rows are read before rollups are asked: what takes about as long as reading all deltas that are not folded.
/// A period that has just begun has few rows, and the deltas of a bulk load are none of it.
std::size_t rows_worth_reading() {
  constexpr std::size_t at_least = 1000;
  constexpr std::size_t for_each_block = 20;
  const OpenTable deltas(Table::rollup_deltas, AccessShareLock);
  return at_least + for_each_block * pg_call([&] { return RelationGetNumberOfBlocks(deltas.get()); });
}

}  // namespace

GroupTotals totals_from_rows(const CounterUse& use, const LatestState& state) {
  const std::optional<Pin> pin = pin_of(use);
  GroupTotals totals;
  GroupSums sums(use, pin.has_value(), totals);
  add_rows(use, pin, Rows::all, state, std::nullopt, sums);
  return totals;
}

GroupTotals totals_of_ledger(const CounterUse& use, const LatestState& state) {
  if (!use.budget->row_dimensions.empty()) {
    return totals_from_rows(use, state);
  }
  {
    GroupTotals totals;
    GroupSums sums(use, false, totals);
    if (add_rows(use, std::nullopt, Rows::all, state, rows_worth_reading(), sums)) {
      return totals;
    }
  }
  {
    GroupTotals totals;
    GroupSums sums(use, false, totals);
    if (add_rollups(use, state, sums)) {
      add_rows(use, std::nullopt, Rows::enforced_only, state, std::nullopt, sums);
      return totals;
    }
  }
  return totals_from_rows(use, state);
}

}  // namespace spend
