// SQL functions that look into shared memory.

#include "pg/counter_rows.hpp"
#include "pg/holds.hpp"
#include "pg/set_result.hpp"
#include "pg/shared_counters.hpp"
#include "pg/shared_memory.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

struct Drifted {
  CounterKey key;
  Atto in_memory;
  Atto stored;
};

/// The counters in memory that nobody is using, and what they are a moment later. Who compares them with what is stored
/// looks at that in between, and says nothing of what has changed.
class QuietCounters {
 public:
  explicit QuietCounters(SharedCounterTable& table) : table_(table) {
    for (Place place = 0; place < table.counter_capacity(); ++place) {
      if (const auto found = table.quiet(place, MyDatabaseId, ledger_, now_)) {
        quiet_.emplace_back(place, *found);
      }
    }
  }

  /// Those for which `stored(counter)` says something else than `in_memory(counter)`.
  template <typename InMemory, typename Stored>
  std::vector<Drifted> drifted(InMemory&& in_memory, Stored&& stored) const {
    std::vector<Drifted> found;
    for (const auto& [place, before] : quiet_) {
      const std::optional<Atto> other = stored(before);
      if (other.has_value() && *other != in_memory(before)) {
        const auto after = table_.quiet(place, MyDatabaseId, ledger_, now_);
        if (after.has_value() && after->version == before.version) {
          found.push_back({before.key, in_memory(before), *other});
        }
      }
    }
    return found;
  }

  Timestamp now() const { return now_; }

 private:
  SharedCounterTable& table_;
  Oid ledger_ = table_oid(Table::usage);
  Timestamp now_ = GetCurrentTimestamp();
  std::vector<std::pair<Place, SharedCounterTable::Quiet>> quiet_;
};

std::vector<Drifted> drifted_counters(SharedCounterTable& table) {
  const QuietCounters quiet(table);
  const CounterRows rows(AccessShareLock);
  const LatestState state(rows.table().get(), OwnChanges::ignored);
  const UnfoldedDeltas unfolded = unfolded_deltas(state);
  return quiet.drifted([](const SharedCounterTable::Quiet& counter) { return counter.committed; },
                       [&](const SharedCounterTable::Quiet& counter) -> std::optional<Atto> {
                         const std::optional<CounterRows::Read> row = rows.read(state, counter.key);
                         if (!row.has_value()) {
                           return std::nullopt;
                         }
                         const auto deltas = unfolded.totals.find(counter.key);
                         return row->totals.sum.amount +
                                (deltas == unfolded.totals.end() ? 0 : deltas->second.delta.amount);
                       });
}

std::vector<Drifted> drifted_holds(SharedCounterTable& table) {
  const QuietCounters quiet(table);
  CounterMap<Atto> held;
  {
    const CounterRows rows(AccessShareLock);
    const LatestState state(rows.table().get(), OwnChanges::ignored);
    for (const auto& [key, holds] : counters_with_holds(state, quiet.now())) {
      for (const LiveHold& hold : holds.live) {
        held[key] += hold.amount;
      }
    }
  }
  return quiet.drifted([](const SharedCounterTable::Quiet& counter) { return counter.held; },
                       [&](const SharedCounterTable::Quiet& counter) -> std::optional<Atto> {
                         const auto found = held.find(counter.key);
                         return found == held.end() ? 0 : found->second;
                       });
}

void emit(FunctionCallInfo fcinfo, const std::vector<Drifted>& drifted) {
  for (const Drifted& entry : drifted) {
    emit_row<6>(fcinfo, {Int64GetDatum(entry.key.budget_id), Int32GetDatum(entry.key.generation),
                         TimestampTzGetDatum(entry.key.period_start), uuid_datum(entry.key.group),
                         atto_to_numeric(entry.in_memory), atto_to_numeric(entry.stored)});
  }
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_drifted_counters) {
  spend::begin_set(fcinfo);
  if (spend::SharedCounterTable* const table = spend::shared_counter_table()) {
    spend::emit(fcinfo, spend::drifted_counters(*table));
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_drifted_holds) {
  spend::begin_set(fcinfo);
  if (spend::SharedCounterTable* const table = spend::shared_counter_table()) {
    spend::emit(fcinfo, spend::drifted_holds(*table));
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_counter_memory) {
  spend::begin_set(fcinfo);
  spend::SharedCounterTable* const table = spend::shared_counter_table();
  const spend::SharedCounterTable::Load load = table == nullptr ? spend::SharedCounterTable::Load{} : table->load();
  spend::emit_row<7>(
      fcinfo, {spend::text_datum(table == nullptr ? "table" : "shared"), Int64GetDatum(load.used_counters),
               Int64GetDatum(load.counters), Int64GetDatum(load.used_reservations), Int64GetDatum(load.reservations),
               Int64GetDatum(load.row_bits), BoolGetDatum(spend::is_preloaded())});
  PG_RETURN_NULL();
}
