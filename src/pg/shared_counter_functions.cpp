// SQL functions that look into shared memory.

#include "pg/counter_rows.hpp"
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

/// Counters in memory that are not what is stored. Looks at memory before and after it looks at what is stored, and
/// says nothing of what has changed in between.
std::vector<Drifted> drifted_counters(SharedCounterTable& table) {
  const Oid ledger = table_oid(Table::usage);
  std::vector<std::pair<Place, SharedCounterTable::Quiet>> quiet;
  for (Place place = 0; place < table.counter_capacity(); ++place) {
    if (const auto found = table.quiet(place, MyDatabaseId, ledger)) {
      quiet.emplace_back(place, *found);
    }
  }
  std::vector<Drifted> drifted;
  const CounterRows rows(AccessShareLock);
  const LatestState state(rows.table().get(), OwnChanges::ignored);
  const UnfoldedDeltas unfolded = unfolded_deltas(state);
  for (const auto& [place, before] : quiet) {
    const std::optional<CounterRows::Read> row = rows.read(state, before.key);
    if (!row.has_value()) {
      continue;
    }
    Atto stored = row->totals.sum.amount;
    if (const auto deltas = unfolded.totals.find(before.key); deltas != unfolded.totals.end()) {
      stored += deltas->second.delta.amount;
    }
    const auto after = table.quiet(place, MyDatabaseId, ledger);
    if (stored != before.committed && after.has_value() && after->version == before.version) {
      drifted.push_back({before.key, before.committed, stored});
    }
  }
  return drifted;
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_drifted_counters) {
  spend::begin_set(fcinfo);
  if (spend::SharedCounterTable* const table = spend::shared_counter_table()) {
    for (const spend::Drifted& entry : spend::drifted_counters(*table)) {
      spend::emit_row<6>(fcinfo, {Int64GetDatum(entry.key.budget_id), Int32GetDatum(entry.key.generation),
                                  TimestampTzGetDatum(entry.key.period_start), spend::uuid_datum(entry.key.group),
                                  spend::atto_to_numeric(entry.in_memory), spend::atto_to_numeric(entry.stored)});
    }
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_counter_memory) {
  spend::begin_set(fcinfo);
  spend::SharedCounterTable* const table = spend::shared_counter_table();
  const spend::SharedCounterTable::Load load = table == nullptr ? spend::SharedCounterTable::Load{} : table->load();
  spend::emit_row<6>(
      fcinfo, {spend::text_datum(table == nullptr ? "table" : "shared"), Int64GetDatum(load.used_counters),
               Int64GetDatum(load.counters), Int64GetDatum(load.used_reservations), Int64GetDatum(load.reservations),
               Int64GetDatum(load.row_bits)});
  PG_RETURN_NULL();
}
