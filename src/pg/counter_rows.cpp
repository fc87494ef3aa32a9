#include "pg/counter_rows.hpp"

#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/multixact.h"
}

namespace spend {

namespace {

std::array<ScanKeyData, 4> scan_keys(const CounterKey& key) {
  std::array<ScanKeyData, 4> keys;
  const Datum group = uuid_datum(key.group);
  pg_call([&] {
    ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key.budget_id));
    ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(key.generation));
    ScanKeyInit(&keys[2], 3, BTEqualStrategyNumber, F_TIMESTAMPTZ_EQ, TimestampTzGetDatum(key.period_start));
    ScanKeyInit(&keys[3], 4, BTEqualStrategyNumber, F_UUID_EQ, group);
  });
  return keys;
}

}  // namespace

CounterRows::Columns::Columns(const OpenTable& table)
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

CounterRows::CounterRows(LOCKMODE lock) : table_(Table::counters, lock), at_(table_) {
  const std::array<AttrNumber, 4> columns = {at_.budget_id, at_.generation, at_.period_start, at_.group_hash};
  index_ = index_on(table_.get(), columns);
}

std::optional<CounterRows::Read> CounterRows::read(const LatestState& state, const CounterKey& key) const {
  std::optional<Read> found;
  auto keys = scan_keys(key);
  scan_index(table_.get(), index_, state, keys, [&](const ScannedTuple& row) {
    found = Read{totals_of(row.tuple), changing_transaction(row.tuple, state.snapshot())};
  });
  return found;
}

bool CounterRows::exists(const CounterKey& key) const {
  auto keys = scan_keys(key);
  return find_unique(table_.get(), index_, keys) != nullptr;
}

HeapTuple CounterRows::lock(const CounterKey& key) const {
  auto keys = scan_keys(key);
  for (;;) {
    HeapTuple found = find_unique(table_.get(), index_, keys);
    if (found == nullptr) {
      return nullptr;
    }
    HeapTuple locked = lock_latest(table_.get(), &found->t_self);
    if (locked != nullptr) {
      return locked;
    }
  }
}

CounterRows::Totals CounterRows::totals_of(HeapTuple version) const {
  bool is_null;
  const ScannedTuple row{version, table_.descriptor()};
  Totals totals;
  totals.sum.amount = numeric_to_atto(row.get(at_.spent, &is_null));
  totals.sum.calls = DatumGetInt64(row.get(at_.calls, &is_null));
  totals.sum.unpriced_calls = DatumGetInt64(row.get(at_.unpriced_calls, &is_null));
  totals.claimed_percent = numeric_to_atto(row.get(at_.claimed_percent, &is_null));
  return totals;
}

CounterKey CounterRows::key_of(HeapTuple version) const {
  bool is_null;
  const ScannedTuple row{version, table_.descriptor()};
  return {DatumGetInt64(row.get(at_.budget_id, &is_null)), DatumGetInt32(row.get(at_.generation, &is_null)),
          DatumGetTimestampTz(row.get(at_.period_start, &is_null)), uuid_bytes(row.get(at_.group_hash, &is_null))};
}

Timestamp CounterRows::period_end_of(HeapTuple version) const {
  bool is_null;
  const ScannedTuple row{version, table_.descriptor()};
  return DatumGetTimestampTz(row.get(at_.period_end, &is_null));
}

std::string CounterRows::group_json_of(HeapTuple version) const {
  bool is_null;
  const ScannedTuple row{version, table_.descriptor()};
  return jsonb_text(row.get(at_.group_values, &is_null));
}

bool CounterRows::insert(const CounterKey& key, Timestamp period_end, const std::string& group_json,
                         const Totals& totals) const {
  TupleBuilder tuple(table_);
  tuple.set(at_.budget_id, Int64GetDatum(key.budget_id));
  tuple.set(at_.generation, Int32GetDatum(key.generation));
  tuple.set(at_.period_start, TimestampTzGetDatum(key.period_start));
  tuple.set(at_.period_end, TimestampTzGetDatum(period_end));
  tuple.set(at_.group_hash, uuid_datum(key.group));
  tuple.set(at_.group_values, jsonb_datum(group_json));
  tuple.set(at_.spent, atto_to_numeric(totals.sum.amount));
  tuple.set(at_.calls, Int64GetDatum(totals.sum.calls));
  tuple.set(at_.unpriced_calls, Int64GetDatum(totals.sum.unpriced_calls));
  tuple.set(at_.claimed_percent, atto_to_numeric(totals.claimed_percent));
  auto keys = scan_keys(key);
  const std::uint64_t hash = HashOfCounterKey{}(key);
  if (!insert_if_absent(table_.get(), index_, keys, hash, tuple.values(), tuple.nulls())) {
    return false;
  }
  pg_call([] { CommandCounterIncrement(); });
  return true;
}

HeapTuple CounterRows::replace(HeapTuple locked, const Totals& totals) const {
  const std::array<Datum, 4> values = {atto_to_numeric(totals.sum.amount), Int64GetDatum(totals.sum.calls),
                                       Int64GetDatum(totals.sum.unpriced_calls),
                                       atto_to_numeric(totals.claimed_percent)};
  HeapTuple replacement = pg_call([&] {
    int columns[4] = {at_.spent, at_.calls, at_.unpriced_calls, at_.claimed_percent};
    Datum replaced[4] = {values[0], values[1], values[2], values[3]};
    bool nulls[4] = {false, false, false, false};
    const MemoryContext outer = MemoryContextSwitchTo(TopTransactionContext);
    HeapTuple tuple = heap_modify_tuple_by_cols(locked, table_.descriptor(), 4, columns, replaced, nulls);
    MemoryContextSwitchTo(outer);
    return tuple;
  });
  update_locked(table_.get(), locked, replacement);
  return replacement;
}

}  // namespace spend
