#include "pg/holds.hpp"

#include <boost/container/small_vector.hpp>

#include "pg/access.hpp"
#include "pg/command_identity.hpp"
#include "pg/hold_amounts.hpp"
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
