#include "pg/holds.hpp"

#include <boost/container/small_vector.hpp>

#include "pg/access.hpp"
#include "pg/command_identity.hpp"
#include "pg/shared_counters.hpp"
#include "pg/tables.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

extern "C" {
#include "commands/sequence.h"
#include "utils/fmgrprotos.h"
}

namespace spend {

namespace {

constexpr int hold_not_open = MAKE_SQLSTATE('S', 'P', '0', '0', '7');

struct HoldColumns {
  explicit HoldColumns(const OpenTable& table)
      : hold_id(table.column("hold_id")),
        expires_at(table.column("expires_at")),
        writer(table.column("writer")),
        state(table.column("state")),
        resolved_at(table.column("resolved_at")),
        usage_id(table.column("usage_id")),
        provider(table.column("provider")),
        model(table.column("model")),
        dimensions(table.column("dimensions")),
        context(table.column("context")),
        amounts_at(table.column("amounts_at")),
        mark_at(table.column("mark_at")) {}

  AttrNumber hold_id, expires_at, writer, state, resolved_at, usage_id, provider, model, dimensions, context,
      amounts_at, mark_at;
};

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

std::string name_of(std::int64_t hold_id) {
  return "hold " + std::to_string(hold_id);
}

std::string time_text(Timestamp at) {
  return pg_call([&] { return timestamptz_to_str(at); });
}

constexpr const char* how_to_record =
    "A call that has no open hold is recorded by an INSERT without hold_id, or after the expiry of its hold by "
    "spend.settle(…, even_if_expired => true).";

/// The same words whether there is no such hold or it is somebody else's.
[[noreturn]] void raise_unknown(std::int64_t hold_id) {
  raise(hold_not_open, name_of(hold_id) + " does not exist", {}, how_to_record);
}

[[noreturn]] void raise_expired(std::int64_t hold_id, Timestamp expired_at) {
  raise(hold_not_open, name_of(hold_id) + " has expired", "It expired at " + time_text(expired_at) + ".",
        how_to_record);
}

/// The newest committed version of a hold of this role.
HeapTuple find_hold(const OpenTable& table, const HoldColumns& at, std::int64_t hold_id) {
  const std::array<AttrNumber, 1> key_columns = {at.hold_id};
  const Oid index = index_on(table.get(), key_columns);
  std::array<ScanKeyData, 1> key;
  pg_call([&] { ScanKeyInit(&key[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(hold_id)); });
  HeapTuple found = find_unique(table.get(), index, key);
  bool is_null;
  if (found == nullptr || !may_act_for(text_of(ScannedTuple{found, table.descriptor()}.get(at.writer, &is_null)))) {
    raise_unknown(hold_id);
  }
  return found;
}

/// Where fill_from_hold() has found a hold: the AFTER trigger of the same row need not look for it again. A version
/// that was live for a command stays where it is as long as the command runs.
struct FoundHold {
  std::int64_t hold_id = 0;
  ItemPointerData place = {};
  CommandIdentity command;
};
FoundHold found_hold;

void remember_found(std::int64_t hold_id, HeapTuple found) {
  found_hold = {hold_id, found->t_self, CommandIdentity::current()};
}

/// Its place, once.
std::optional<ItemPointerData> forget_found(std::int64_t hold_id) {
  const FoundHold found = std::exchange(found_hold, FoundHold{});
  const bool is_it = found.hold_id == hold_id && found.command == CommandIdentity::current();
  return is_it ? std::optional(found.place) : std::nullopt;
}

/// A hold of this role, locked to the end of the transaction: whoever else wants to resolve it waits, and then finds
/// what became of it.
HeapTuple lock_hold(const OpenTable& table, const HoldColumns& at, std::int64_t hold_id) {
  std::optional<ItemPointerData> place = forget_found(hold_id);
  if (!place.has_value()) {
    place = find_hold(table, at, hold_id)->t_self;
  }
  HeapTuple locked = lock_latest(table.get(), &*place);
  if (locked == nullptr) {
    raise_unknown(hold_id);
  }
  return locked;
}

void check_state(const ScannedTuple& row, const HoldColumns& at, std::int64_t hold_id) {
  bool is_null;
  const std::string state = text_of(row.get(at.state, &is_null));
  if (state == "settled") {
    const std::int64_t usage_id = DatumGetInt64(row.get(at.usage_id, &is_null));
    raise(hold_not_open, name_of(hold_id) + " was settled already",
          "Row " + std::to_string(usage_id) + " of spend.usage settled it.",
          "Each call needs a hold of its own. A retry of the same row is skipped when it carries an idempotency_key.");
  }
  if (state == "released") {
    raise(hold_not_open, name_of(hold_id) + " was released", {}, how_to_record);
  }
}

/// What a hold has set aside, to be given back.
struct HeldAmounts {
  std::vector<ItemPointerData> rows;
  std::vector<std::pair<CounterKey, Timestamp>> counters;  ///< each with the end of what is held of it
};

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

/// What a locked hold has set aside.
HeldAmounts amounts_of(const OpenTable& table, const ScannedTuple& hold, const HoldColumns& at) {
  bool is_null;
  const std::int64_t hold_id = DatumGetInt64(hold.get(at.hold_id, &is_null));
  const Datum places = hold.get(at.amounts_at, &is_null);
  if (is_null) {
    return {};
  }
  return amounts_of(table, hold_id, tids_of(places));
}

/// Resolves an open hold. The clock is read after every lock is there, and every counter in memory knows: whoever gives
/// its amount to somebody else because its time is over has looked at the clock before then, so exactly one of the two
/// happens.
void resolve(std::int64_t hold_id, const char* state, std::optional<std::int64_t> usage_id) {
  const OpenTable table(Table::holds, RowExclusiveLock);
  const HoldColumns at(table);
  HeapTuple locked = lock_hold(table, at, hold_id);
  const ScannedTuple row{locked, table.descriptor()};
  check_state(row, at, hold_id);
  const OpenTable amounts_table(Table::hold_amounts, RowExclusiveLock);
  HeldAmounts amounts = amounts_of(amounts_table, row, at);
  std::sort(amounts.counters.begin(), amounts.counters.end());
  for (const auto& [counter, ends_at] : amounts.counters) {
    counters().resolve_hold(counter, hold_id, ends_at);
  }
  bool is_null;
  const Timestamp expires_at = DatumGetTimestampTz(row.get(at.expires_at, &is_null));
  const Timestamp now = GetCurrentTimestamp();
  if (expires_at <= now) {
    raise_expired(hold_id, expires_at);
  }
  boost::container::small_vector<std::pair<AttrNumber, Datum>, 3> changes;
  changes.emplace_back(at.state, text_datum(state));
  changes.emplace_back(at.resolved_at, TimestampTzGetDatum(now));
  if (usage_id.has_value()) {
    changes.emplace_back(at.usage_id, Int64GetDatum(*usage_id));
  }
  change_locked(table, locked, {changes.data(), changes.size()}, {at.mark_at});
  delete_tuples(amounts_table.get(), amounts.rows);
}

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

}  // namespace

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

namespace {

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

/// Where they were put.
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

}  // namespace

std::int64_t take_hold(const NewHold& hold, std::span<const HoldAmount> amounts) {
  const OpenTable table(Table::holds, RowExclusiveLock);
  const std::int64_t hold_id = pg_call([&] {
    return nextval_internal(get_relname_relid("holds_hold_id_seq", RelationGetNamespace(table.get())), false);
  });
  TupleBuilder row(table);
  row.set("hold_id", Int64GetDatum(hold_id));
  row.set("created_at", TimestampTzGetDatum(hold.created_at));
  row.set("expires_at", TimestampTzGetDatum(hold.expires_at));
  row.set("writer", text_datum(pg_call([] { return GetUserNameFromId(GetUserId(), false); })));
  row.set("state", text_datum("open"));
  if (!hold.call->provider().empty()) {
    row.set("provider", text_datum(hold.call->provider()));
  }
  row.set("model", text_datum(hold.call->model()));
  row.set("requested_model", text_datum(hold.requested_model));
  row.set("dimensions", hold.call->dimensions());
  row.set("context", hold.call->context());
  row.set("estimate", hold.call->estimate());
  if (hold.cost.has_value()) {
    row.set("cost", *hold.cost);
    row.set("currency", text_datum(hold.currency));
  }
  if (amounts.empty()) {
    row.set("mark_at", TimestampTzGetDatum(hold.expires_at));
  } else {
    row.set("amounts_at", tid_array_datum(store_amounts(hold_id, hold.expires_at, amounts)));
  }
  row.insert();
  for (const HoldAmount& amount : amounts) {
    if (!amount.use.budget->is_own_uncommitted()) {
      counters().hold(amount.use, {hold_id, amount.amount, hold.expires_at}, amount.taken);
    }
  }
  pg_call([] { CommandCounterIncrement(); });
  return hold_id;
}

void fill_from_hold(UsageRow& row) {
  const std::int64_t hold_id = DatumGetInt64(row.get(row.columns().hold_id));
  const OpenTable table(Table::holds, RowExclusiveLock);  // as settle_hold() will need it
  const HoldColumns at(table);
  const ScannedTuple hold{find_hold(table, at, hold_id), table.descriptor()};
  remember_found(hold_id, hold.tuple);
  bool is_null;
  const auto text = [&](AttrNumber attribute) {
    const Datum value = hold.get(attribute, &is_null);
    return is_null ? std::string() : text_of(value);
  };
  ExpectedCall::of_hold(text(at.provider), text(at.model), hold.get(at.dimensions, &is_null),
                        hold.get(at.context, &is_null))
      .fill(row);
}

void settle_hold(const UsageRow& row) {
  const UsageColumns& at = row.columns();
  resolve(DatumGetInt64(row.get(at.hold_id)), "settled", DatumGetInt64(row.get(at.usage_id)));
}

}  // namespace spend

SPEND_FUNCTION(spend_release) {
  spend::pg_call([] { PreventCommandIfReadOnly("spend.release()"); });
  spend::resolve(PG_GETARG_INT64(0), "released", std::nullopt);
  PG_RETURN_VOID();
}

// What the hold set aside may be somebody else's by now, so it stays given back; only the row that settles the hold is
// let in, if it comes within a minute.
SPEND_FUNCTION(spend_reopen_hold) {
  spend::pg_call([] { PreventCommandIfReadOnly("spend.settle()"); });
  const std::int64_t hold_id = PG_GETARG_INT64(0);
  const spend::OpenTable table(spend::Table::holds, RowExclusiveLock);
  const spend::HoldColumns at(table);
  HeapTuple locked = spend::lock_hold(table, at, hold_id);
  const spend::ScannedTuple row{locked, table.descriptor()};
  spend::check_state(row, at, hold_id);
  bool is_null;
  const TimestampTz now = GetCurrentTimestamp();
  if (DatumGetTimestampTz(row.get(at.expires_at, &is_null)) > now + USECS_PER_MINUTE) {
    PG_RETURN_VOID();
  }
  // Its amounts may be gone, so it would not be found by them.
  const Datum until = TimestampTzGetDatum(now + USECS_PER_MINUTE);
  const std::array<std::pair<AttrNumber, Datum>, 3> changes = {
      {{at.state, spend::text_datum("open")}, {at.expires_at, until}, {at.mark_at, until}}};
  spend::change_locked(table, locked, changes);
  PG_RETURN_VOID();
}

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
