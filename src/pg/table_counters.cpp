#include "pg/table_counters.hpp"

#include "pg/limits.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/transam.h"
}

namespace spend {

namespace {

struct CounterColumns {
  explicit CounterColumns(const OpenTable& table)
      : budget_id(table.column("budget_id")),
        generation(table.column("generation")),
        period_start(table.column("period_start")),
        group_hash(table.column("group_hash")),
        period_end(table.column("period_end")),
        group_values(table.column("group_values")),
        spent(table.column("spent")),
        calls(table.column("calls")),
        unpriced_calls(table.column("unpriced_calls")),
        claimed_percent(table.column("claimed_percent")) {}

  AttrNumber budget_id, generation, period_start, group_hash, period_end, group_values, spent, calls, unpriced_calls,
      claimed_percent;

  std::array<AttrNumber, 4> key() const { return {budget_id, generation, period_start, group_hash}; }
};

struct Key {
  std::array<ScanKeyData, 4> scan;
  std::uint64_t hash;
};

Key scan_key(const CounterUse& use) {
  Key key;
  const Datum group = uuid_datum(use.group->hash);
  pg_call([&] {
    ScanKeyInit(&key.scan[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(use.budget->budget_id));
    ScanKeyInit(&key.scan[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(use.budget->generation));
    ScanKeyInit(&key.scan[2], 3, BTEqualStrategyNumber, F_TIMESTAMPTZ_EQ, TimestampTzGetDatum(use.period.start));
    ScanKeyInit(&key.scan[3], 4, BTEqualStrategyNumber, F_UUID_EQ, group);
  });
  std::string bytes(reinterpret_cast<const char*>(use.group->hash.data()), use.group->hash.size());
  for (const std::int64_t part :
       {use.budget->budget_id, static_cast<std::int64_t>(use.budget->generation), use.period.start}) {
    bytes.append(reinterpret_cast<const char*>(&part), sizeof part);
  }
  const Hash128 digest = content_hash(bytes);
  std::memcpy(&key.hash, digest.data(), sizeof key.hash);
  return key;
}

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

}  // namespace

CounterDelta TableCounters::committed_totals(const CounterUse& use) {
  // Whoever moves a counter makes it. So as long as there is none, a sum that was taken once still holds, and neither
  // the next group of the period nor the next row that is refused sums the ledger again.
  pg_call([] { AcceptInvalidationMessages(); });
  if (!unchanged(Table::commit_window)) {
    summed_.clear();
    summed_groups_ = 0;
    mark_unchanged(Table::commit_window);
  }
  CounterKey period = use.key();
  period.group = {};
  const auto known = summed_.find(period);
  if (known != summed_.end()) {
    return known->second.of(use.group->hash);
  }
  wait_until_announced(*use.budget);
  pass_commit_windows();
  GroupTotals totals = totals_from_rows(use);
  const CounterDelta asked = totals.of(use.group->hash);
  if (totals.complete) {
    if (summed_.size() >= most_periods || summed_groups_ + totals.sums.size() > GroupTotals::most_groups) {
      summed_.clear();
      summed_groups_ = 0;
    }
    summed_groups_ += totals.sums.size();
    summed_.emplace(period, std::move(totals));
  }
  return asked;
}

void TableCounters::load(const CounterUse& use) {
  const CounterDelta totals = committed_totals(use);
  // A new counter over history announces the highest threshold only: the ones below it are taken as said.
  Atto claimed = 0;
  Atto below = 0;
  const Atto limit = limit_of(use);
  for (const Atto percent : use.budget->thresholds) {
    if (totals.amount > 0 && totals.amount >= share_of(limit, percent)) {
      claimed = below;
      below = percent;
    }
  }
  store(use, totals, claimed);
}

Atto TableCounters::total(const CounterUse& use) {
  const auto known = held_.find(use.key());
  if (known != held_.end()) {
    return known->second.state.spent;
  }
  std::optional<Atto> found;
  {
    const OpenTable table(Table::counters, AccessShareLock);
    const CounterColumns at(table);
    const std::array<AttrNumber, 4> key_columns = at.key();
    Key key = scan_key(use);
    scan_latest_index(table.get(), index_on(table.get(), key_columns), OwnChanges::visible, key.scan,
                      [&](const ScannedTuple& row) {
                        bool is_null;
                        found = numeric_to_atto(row.get(at.spent, &is_null));
                      });
  }
  return found.has_value() ? *found : committed_totals(use).amount;
}

void TableCounters::prepare(const CounterUse& use) {
  if (held_.contains(use.key())) {
    return;
  }
  const OpenTable table(Table::counters, RowExclusiveLock);
  const CounterColumns at(table);
  const std::array<AttrNumber, 4> key_columns = at.key();
  const Oid index = index_on(table.get(), key_columns);
  Key key = scan_key(use);
  for (;;) {
    if (find_unique(table.get(), index, key.scan) != nullptr) {
      return;
    }
    TupleBuilder tuple(table);
    tuple.set(at.budget_id, Int64GetDatum(use.budget->budget_id));
    tuple.set(at.generation, Int32GetDatum(use.budget->generation));
    tuple.set(at.period_start, TimestampTzGetDatum(use.period.start));
    tuple.set(at.period_end, TimestampTzGetDatum(use.period.end));
    tuple.set(at.group_hash, uuid_datum(use.group->hash));
    tuple.set(at.group_values, jsonb_datum(use.group->json));
    tuple.set(at.spent, atto_to_numeric(0));
    tuple.set(at.calls, Int64GetDatum(0));
    tuple.set(at.unpriced_calls, Int64GetDatum(0));
    tuple.set(at.claimed_percent, atto_to_numeric(0));
    if (insert_if_absent(table.get(), index, key.scan, key.hash, tuple.values(), tuple.nulls())) {
      pg_call([] { CommandCounterIncrement(); });
      load(use);
      return;
    }
  }
}

/// Locks the counter's row. Null when it does not exist.
TableCounters::Held* TableCounters::hold(const CounterUse& use) {
  const auto known = held_.find(use.key());
  if (known != held_.end()) {
    return &known->second;
  }
  const OpenTable table(Table::counters, RowExclusiveLock);
  const CounterColumns at(table);
  const std::array<AttrNumber, 4> key_columns = at.key();
  const Oid index = index_on(table.get(), key_columns);
  Key key = scan_key(use);
  for (;;) {
    HeapTuple found = find_unique(table.get(), index, key.scan);
    if (found == nullptr) {
      return nullptr;
    }
    HeapTuple locked = lock_latest(table.get(), &found->t_self);
    if (locked == nullptr) {
      continue;
    }
    bool is_null;
    const ScannedTuple row{locked, table.descriptor()};
    Held held;
    held.version = pg_call([&] {
      const MemoryContext outer = MemoryContextSwitchTo(TopTransactionContext);
      HeapTuple copy = heap_copytuple(locked);
      MemoryContextSwitchTo(outer);
      return copy;
    });
    held.state = {numeric_to_atto(row.get(at.spent, &is_null)), numeric_to_atto(row.get(at.claimed_percent, &is_null))};
    held.calls = DatumGetInt64(row.get(at.calls, &is_null));
    held.unpriced_calls = DatumGetInt64(row.get(at.unpriced_calls, &is_null));
    held.level = GetCurrentTransactionNestLevel();
    order_.push_back(use.key());
    return &held_.emplace(use.key(), held).first->second;
  }
}

Atto TableCounters::reserve(const CounterUse& use) {
  for (;;) {
    prepare(use);
    if (const Held* held = hold(use)) {
      return held->state.spent;
    }
  }
}

std::optional<Counters::State> TableCounters::lock(const CounterUse& use) {
  const Held* held = hold(use);
  return held == nullptr ? std::nullopt : std::optional<State>(held->state);
}

void TableCounters::store(const CounterUse& use, const CounterDelta& delta, Atto claimed_percent) {
  Held& held = *hold(use);
  Atto spent;
  if (__builtin_add_overflow(held.state.spent, delta.amount, &spent) || spent > atto_limit || spent < -atto_limit) {
    raise(Error{ErrorKind::out_of_range,
                "the total of budget \"" + use.budget->name + "\" is out of range",
                "Counters hold 20 integer digits and 18 decimals.",
                {}});
  }
  const OpenTable table(Table::counters, RowExclusiveLock);
  const CounterColumns at(table);
  const Datum values[4] = {atto_to_numeric(spent), Int64GetDatum(held.calls + delta.calls),
                           Int64GetDatum(held.unpriced_calls + delta.unpriced_calls), atto_to_numeric(claimed_percent)};
  HeapTuple replacement = pg_call([&] {
    int columns[4] = {at.spent, at.calls, at.unpriced_calls, at.claimed_percent};
    Datum replaced[4] = {values[0], values[1], values[2], values[3]};
    bool nulls[4] = {false, false, false, false};
    const MemoryContext outer = MemoryContextSwitchTo(TopTransactionContext);
    HeapTuple tuple = heap_modify_tuple_by_cols(held.version, table.descriptor(), 4, columns, replaced, nulls);
    MemoryContextSwitchTo(outer);
    return tuple;
  });
  update_locked(table.get(), held.version, replacement);
  held.version = replacement;
  held.state = {spent, claimed_percent};
  held.calls += delta.calls;
  held.unpriced_calls += delta.unpriced_calls;
}

void TableCounters::at_subabort(int level) {
  while (!order_.empty()) {
    const auto last = held_.find(order_.back());
    if (last->second.level < level) {
      return;
    }
    heap_freetuple(last->second.version);
    held_.erase(last);
    order_.pop_back();
  }
}

void TableCounters::at_subcommit(int level) {
  for (auto key = order_.rbegin(); key != order_.rend(); ++key) {
    Held& held = held_.find(*key)->second;
    if (held.level < level) {
      return;
    }
    held.level = level - 1;
  }
}

void TableCounters::at_end() {
  held_.clear();
  order_.clear();
}

Counters& counters() {
  static TableCounters implementation;
  return implementation;
}

}  // namespace spend
