#include "pg/hold_amounts.hpp"

#include "pg/shared_counters.hpp"
#include "pg/values.hpp"

extern "C" {
#include "utils/fmgrprotos.h"
}

namespace spend {

namespace {

struct AmountColumns {
  explicit AmountColumns(const OpenTable& table)
      : hold_id(table.column("hold_id")),
        budget_id(table.column("budget_id")),
        generation(table.column("generation")),
        period_start(table.column("period_start")),
        group_hash(table.column("group_hash")),
        group_values(table.column("group_values")),
        amount(table.column("amount")),
        expires_at(table.column("expires_at")) {}

  CounterKey counter_of(const ScannedTuple& row) const {
    bool is_null;
    return {DatumGetInt64(row.get(budget_id, &is_null)), DatumGetInt32(row.get(generation, &is_null)),
            DatumGetTimestampTz(row.get(period_start, &is_null)), uuid_bytes(row.get(group_hash, &is_null))};
  }
  LiveHold hold_of(const ScannedTuple& row) const {
    bool is_null;
    return {DatumGetInt64(row.get(hold_id, &is_null)), numeric_to_atto(row.get(amount, &is_null)),
            DatumGetTimestampTz(row.get(expires_at, &is_null))};
  }

  AttrNumber hold_id, budget_id, generation, period_start, group_hash, group_values, amount, expires_at;
};

/// Calls visit(hold) for what the latest committed state, and this transaction if asked for, says of a counter's
/// unexpired holds.
template <typename Visit>
void scan_holds(const CounterKey& counter, OwnChanges own, Visit&& visit) {
  const OpenTable table(Table::hold_amounts, AccessShareLock);
  const AmountColumns at(table);
  const std::array<AttrNumber, 3> key_columns = {at.budget_id, at.group_hash, at.expires_at};
  const Oid index = index_on(table.get(), key_columns);
  const Datum group = uuid_datum(counter.group);
  const Timestamp now = GetCurrentTimestamp();
  std::array<ScanKeyData, 3> keys;
  pg_call([&] {
    ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(counter.budget_id));
    ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_UUID_EQ, group);
    ScanKeyInit(&keys[2], 3, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT, TimestampTzGetDatum(now));
  });
  scan_latest_index(table.get(), index, own, keys, [&](const ScannedTuple& row) {
    if (at.counter_of(row) == counter) {
      visit(at.hold_of(row));
    }
  });
}

/// The values of a counter's group as jsonb. Groups come again and again, so the last ones are remembered.
Datum group_values_datum(const GroupKey& group) {
  struct Remembered {
    std::string json;
    std::string image;
  };
  static std::array<Remembered, 64> memory;
  if (group.json == "{}") {
    return empty_object_datum();
  }
  Remembered& place = memory[group.hash[0] % memory.size()];
  if (place.json != group.json) {
    const std::span<const std::byte> made = varlena_bytes(jsonb_datum(group.json));
    place = {group.json, std::string(reinterpret_cast<const char*>(made.data()), made.size())};
  }
  return varlena_datum(place.image);
}

}  // namespace

/// The hold remembers where its rows were put. That is believed only if each of them is there and its own: after a dump
/// and restore, or when the table was rewritten, they lie elsewhere and are looked for. The table has the rows of open
/// holds only, and an index for this would cost each call more than all else that it stores.
HeldAmounts amounts_of(const OpenTable& table, std::int64_t hold_id, const std::vector<ItemPointerData>& places) {
  const AmountColumns at(table);
  HeldAmounts found;
  const auto take_own = [&](const ScannedTuple& row) {
    bool is_null;
    if (DatumGetInt64(row.get(at.hold_id, &is_null)) == hold_id) {
      found.rows.push_back(row.tuple->t_self);
      found.counters.emplace_back(at.counter_of(row), at.hold_of(row).expires_at);
    }
  };
  const LatestState state(table.get(), OwnChanges::visible);
  scan_places(table.get(), places, state, take_own);
  if (found.rows.size() != places.size() || places.empty()) {
    found = {};
    scan(table.get(), state, take_own);
  }
  return found;
}

Atto held_on(const CounterKey& counter) {
  Atto held = 0;
  scan_holds(counter, OwnChanges::visible,
             [&](const LiveHold& hold) { held = held > atto_limit - hold.amount ? atto_limit : held + hold.amount; });
  return held;
}

std::vector<LiveHold> live_holds(const CounterKey& counter) {
  std::vector<LiveHold> holds;
  scan_holds(counter, OwnChanges::ignored, [&](const LiveHold& hold) { holds.push_back(hold); });
  return holds;
}

CounterMap<HoldsOfCounter> counters_with_holds(const LatestState& state, Timestamp now) {
  const OpenTable table(Table::hold_amounts, AccessShareLock);
  const AmountColumns at(table);
  CounterMap<HoldsOfCounter> found;
  scan_with_in_doubt(table.get(), state, [&](const ScannedTuple& row, TransactionId taken_by) {
    const LiveHold hold = at.hold_of(row);
    if (hold.expires_at > now) {
      HoldsOfCounter& of_counter = found[at.counter_of(row)];
      of_counter.live.push_back(hold);
      of_counter.are_in_doubt = of_counter.are_in_doubt || TransactionIdIsValid(taken_by) ||
                                TransactionIdIsValid(changing_transaction(row.tuple, state.snapshot()));
    }
  });
  return found;
}

std::vector<ItemPointerData> store_amounts(std::int64_t hold_id, Timestamp expires_at,
                                           std::span<const HoldAmount> amounts) {
  const OpenTable table(Table::hold_amounts, RowExclusiveLock);
  const AmountColumns at(table);
  const auto width = static_cast<std::size_t>(table.descriptor()->natts);
  std::vector<Datum> values(amounts.size() * width);
  std::size_t first = 0;
  for (const HoldAmount& amount : amounts) {
    const CounterKey counter = amount.use.key();
    const auto set = [&](AttrNumber attribute, Datum value) {
      values[first + static_cast<std::size_t>(attribute - 1)] = value;
    };
    set(at.hold_id, Int64GetDatum(hold_id));
    set(at.budget_id, Int64GetDatum(counter.budget_id));
    set(at.generation, Int32GetDatum(counter.generation));
    set(at.period_start, TimestampTzGetDatum(counter.period_start));
    set(at.group_hash, uuid_datum(counter.group));
    set(at.group_values, group_values_datum(*amount.use.group));
    set(at.amount, atto_to_numeric(amount.amount));
    set(at.expires_at, TimestampTzGetDatum(expires_at));
    first += width;
  }
  const auto nulls = std::make_unique<bool[]>(width);
  std::vector<ItemPointerData> places(amounts.size());
  insert_tuples(table.get(), values.data(), nulls.get(), amounts.size(), places.data());
  return places;
}

}  // namespace spend

SPEND_FUNCTION(spend_correct_hold) {
  using namespace spend;
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event)) {
    raise(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "spend._correct_hold() is an AFTER trigger of spend.hold_amounts");
  }
  SharedCounters* const shared = shared_counters();
  if (shared == nullptr) {
    return PointerGetDatum(nullptr);
  }
  if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event)) {
    shared->forget_holds_at_commit();
    return PointerGetDatum(nullptr);
  }
  const OpenTable table(Table::hold_amounts, AccessShareLock);
  const AmountColumns at(table);
  const ScannedTuple before{trigger->tg_trigtuple, table.descriptor()};
  const LiveHold hold = at.hold_of(before);
  // One whose time is over goes by itself.
  if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && hold.expires_at > GetCurrentTimestamp()) {
    shared->correct_hold_at_commit(at.counter_of(before), hold, false);
  }
  if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) {
    HeapTuple now = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
    const ScannedTuple after{now, table.descriptor()};
    shared->correct_hold_at_commit(at.counter_of(after), at.hold_of(after), true);
  }
  return PointerGetDatum(nullptr);  // a trigger's result is never SQL NULL
}
