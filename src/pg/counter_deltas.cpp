#include "pg/counter_deltas.hpp"

#include <bit>

#include "pg/set_result.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// First byte of each row: how the rest is laid out.
constexpr std::uint8_t packed_version = 1;
/// Rows beyond this would be stored out of line.
constexpr std::size_t most_packed_bytes = 1'800;

/// Little-endian, so that a dump can be restored on any machine.
template <typename T>
void put(std::string& packed, T value) {
  if constexpr (std::endian::native == std::endian::little) {
    packed.append(reinterpret_cast<const char*>(&value), sizeof value);
  } else {
    auto rest = static_cast<unsigned __int128>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      packed += static_cast<char>(static_cast<unsigned char>(rest));
      rest >>= 8U;
    }
  }
}

void put(std::string& packed, const CounterMovement& movement) {
  put(packed, movement.key.budget_id);
  put(packed, movement.key.generation);
  put(packed, movement.key.period_start);
  put(packed, movement.period_end);
  packed.append(reinterpret_cast<const char*>(movement.key.group.data()), movement.key.group.size());
  put(packed, movement.delta.amount);
  put(packed, movement.delta.calls);
  put(packed, movement.delta.unpriced_calls);
  put(packed, movement.claimed_percent);
  put(packed, static_cast<std::uint32_t>(movement.group_json.size()));
  packed += movement.group_json;
}

void append_row(const OpenTable& table, const std::string& packed) {
  TupleBuilder tuple(table);
  tuple.set("written_at", TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
  tuple.set("movements", varlena_datum(packed));
  append_tuple(table.get(), tuple.values(), tuple.nulls());
}

}  // namespace

void append_counter_deltas(const std::vector<CounterMovement>& movements) {
  if (movements.empty()) {
    return;
  }
  const OpenTable table(Table::counter_deltas, RowExclusiveLock);
  std::string packed;
  packed.reserve(most_packed_bytes);
  packed += static_cast<char>(packed_version);
  for (const CounterMovement& movement : movements) {
    put(packed, movement);
    if (packed.size() > most_packed_bytes - 200) {
      append_row(table, packed);
      packed.resize(1);
    }
  }
  if (packed.size() > 1) {
    append_row(table, packed);
  }
}

MovementReader::MovementReader(Datum movements) : rest_(varlena_bytes(movements)) {
  if (integer<std::uint8_t>() != packed_version) {
    raise(Error{ErrorKind::invalid_binary, "counter movements of an unknown version",
                "They were written by another version of the library.", "Run ALTER EXTENSION pg_spend UPDATE."});
  }
}

std::span<const std::byte> MovementReader::bytes(std::size_t count) {
  if (rest_.size() < count) {
    raise(Error{ErrorKind::invalid_binary, "counter movements end too early", {}, {}});
  }
  const auto taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

template <typename T>
T MovementReader::integer() {
  unsigned __int128 value = 0;
  const auto taken = bytes(sizeof(T));
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(taken[i]);
  }
  return static_cast<T>(value);
}

std::optional<CounterMovement> MovementReader::next() {
  if (rest_.empty()) {
    return std::nullopt;
  }
  CounterMovement movement;
  movement.key.budget_id = integer<std::int64_t>();
  movement.key.generation = integer<std::int32_t>();
  movement.key.period_start = integer<std::int64_t>();
  movement.period_end = integer<std::int64_t>();
  const auto group = bytes(movement.key.group.size());
  std::memcpy(movement.key.group.data(), group.data(), group.size());
  movement.delta.amount = integer<Atto>();
  movement.delta.calls = integer<std::int64_t>();
  movement.delta.unpriced_calls = integer<std::int64_t>();
  movement.claimed_percent = integer<Atto>();
  const auto json = bytes(integer<std::uint32_t>());
  movement.group_json = {reinterpret_cast<const char*>(json.data()), json.size()};
  return movement;
}

UnfoldedTotal unfolded_total(const LatestState& state, const CounterKey& key) {
  const OpenTable table(Table::counter_deltas, AccessShareLock);
  const AttrNumber movements = table.column("movements");
  UnfoldedTotal total;
  scan(table.get(), state, [&](const ScannedTuple& row) {
    bool is_null;
    MovementReader reader(row.get(movements, &is_null));
    while (const std::optional<CounterMovement> movement = reader.next()) {
      if (movement->key == key) {
        total.add(*movement);
      }
    }
  });
  return total;
}

UnfoldedDeltas unfolded_deltas(const LatestState& state) {
  const OpenTable table(Table::counter_deltas, AccessShareLock);
  const AttrNumber movements = table.column("movements");
  UnfoldedDeltas found;
  scan_with_in_doubt(table.get(), state, [&](const ScannedTuple& row, TransactionId in_doubt) {
    bool is_null;
    MovementReader reader(row.get(movements, &is_null));
    while (const std::optional<CounterMovement> movement = reader.next()) {
      if (TransactionIdIsValid(in_doubt)) {
        found.in_doubt.push_back({in_doubt, movement->key, {}});
        found.in_doubt.back().total.add(*movement);
      } else {
        found.totals[movement->key].add(*movement);
      }
    }
  });
  return found;
}

namespace {

/// What this backend has read for counters that are rows.
struct Remembered {
  CounterMap<UnfoldedTotal> totals;
  bool has_all = false;
  std::uint32_t epoch = 0;
};
Remembered remembered;

UnfoldedDeltas read_without_doubt(const CounterKey& key) {
  for (;;) {
    UnfoldedDeltas found = [] {
      const OpenTable table(Table::counter_deltas, AccessShareLock);
      return unfolded_deltas(LatestState(table.get(), OwnChanges::visible));
    }();
    const auto in_doubt = std::find_if(found.in_doubt.begin(), found.in_doubt.end(),
                                       [&](const UnfoldedDeltas::InDoubt& entry) { return entry.key == key; });
    if (in_doubt == found.in_doubt.end()) {
      return found;
    }
    const TransactionId xid = in_doubt->xid;
    pg_call([&] { XactLockTableWait(xid, nullptr, nullptr, XLTW_None); });
  }
}

}  // namespace

UnfoldedTotal unfolded_total_of_row(const CounterKey& key, bool all_are_rows, std::uint32_t epoch) {
  pg_call([] { AcceptInvalidationMessages(); });
  if (!unchanged(Table::counter_deltas) || remembered.epoch != epoch) {
    remembered = {};
    remembered.epoch = epoch;
    mark_unchanged(Table::counter_deltas);
  }
  const auto known = remembered.totals.find(key);
  if (known != remembered.totals.end()) {
    return known->second;
  }
  if (remembered.has_all) {
    return {};
  }
  UnfoldedDeltas found = read_without_doubt(key);
  const UnfoldedTotal total = found.totals[key];
  if (all_are_rows && found.in_doubt.empty()) {
    remembered.totals = std::move(found.totals);
    remembered.has_all = true;
  } else {
    remembered.totals[key] = total;
  }
  return total;
}

}  // namespace spend

SPEND_FUNCTION(spend_counter_movements) {
  spend::begin_set(fcinfo);
  spend::MovementReader reader(PG_GETARG_DATUM(0));
  while (const std::optional<spend::CounterMovement> movement = reader.next()) {
    spend::emit_row<10>(
        fcinfo, {Int64GetDatum(movement->key.budget_id), Int32GetDatum(movement->key.generation),
                 TimestampTzGetDatum(movement->key.period_start), spend::uuid_datum(movement->key.group),
                 TimestampTzGetDatum(movement->period_end), spend::jsonb_datum(movement->group_json),
                 spend::atto_to_numeric(movement->delta.amount), Int64GetDatum(movement->delta.calls),
                 Int64GetDatum(movement->delta.unpriced_calls), spend::atto_to_numeric(movement->claimed_percent)});
  }
  PG_RETURN_NULL();
}
