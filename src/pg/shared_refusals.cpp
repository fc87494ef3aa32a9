#include "pg/shared_refusals.hpp"

#include "pg/access.hpp"
#include "pg/budgets.hpp"
#include "pg/set_result.hpp"
#include "pg/shared_memory.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

namespace spend {

void SharedRefusals::initialise(int tranche) {
  LWLockInitialize(&lock_.lock, tranche);
}

void SharedRefusals::note(const CounterUse& use, const SharedKey& key, Atto cost, TimestampTz now) {
  constexpr std::size_t most_probes = 32;
  const std::uint64_t hash = shared_hash(key);
  SharedRefusal* place = nullptr;
  LWLockAcquire(&lock_.lock, LW_EXCLUSIVE);
  for (std::size_t i = 0; i < most_probes; ++i) {
    SharedRefusal& record = records_[(hash + i) % count];
    if (record.is_used && record.key == key) {
      place = &record;
      break;
    }
    if (!record.is_used && place == nullptr) {
      place = &record;
    }
  }
  if (place != nullptr) {
    if (!place->is_used) {
      *place = SharedRefusal{};
      place->key = key;
      place->is_used = true;
      place->period_end = use.period.end;
      place->first_at = now;
      std::string_view json = use.group->json;
      if (json.size() > SharedRefusal::most_json) {
        json = "{}";
      }
      place->json_size = static_cast<std::uint32_t>(json.size());
      std::memcpy(place->json, json.data(), json.size());
    }
    ++place->calls;
    (void)__builtin_add_overflow(place->cost, cost, &place->cost);
    place->last_at = now;
  }
  LWLockRelease(&lock_.lock);
}

std::optional<SharedRefusal> SharedRefusals::get(std::size_t place, Oid database, Oid ledger) {
  std::optional<SharedRefusal> found;
  LWLockAcquire(&lock_.lock, LW_SHARED);
  const SharedRefusal& record = records_[place];
  if (record.is_used && record.key.database == database && record.key.ledger == ledger) {
    found = record;
  }
  LWLockRelease(&lock_.lock);
  return found;
}

void SharedRefusals::subtract(std::size_t place, const SharedRefusal& written) {
  LWLockAcquire(&lock_.lock, LW_EXCLUSIVE);
  SharedRefusal& record = records_[place];
  if (record.is_used && record.key == written.key) {
    record.calls -= written.calls;
    record.cost -= written.cost;
    record.is_used = record.calls > 0;
  }
  LWLockRelease(&lock_.lock);
}

namespace {

struct WrittenDown {
  int level;  ///< savepoint level at which it was read
  std::size_t place;
  SharedRefusal refusal;
};
std::vector<WrittenDown> written_down;

void emit_refusal(FunctionCallInfo fcinfo, const SharedRefusal& refusal) {
  const CounterKey& key = refusal.key.counter;
  emit_row<10>(fcinfo, {Int64GetDatum(key.budget_id), Int32GetDatum(key.generation),
                        TimestampTzGetDatum(key.period_start), uuid_datum(key.group),
                        TimestampTzGetDatum(refusal.period_end), jsonb_datum({refusal.json, refusal.json_size}),
                        Int64GetDatum(refusal.calls), atto_to_numeric(refusal.cost),
                        TimestampTzGetDatum(refusal.first_at), TimestampTzGetDatum(refusal.last_at)});
}

bool is_visible(const BudgetSet& budgets, const CounterKey& key) {
  const Budget* const budget = budgets.find(key.budget_id);
  return budget != nullptr && budget->generation == key.generation && may_see_figures(*budget);
}

/// `taken`: this transaction writes them down.
void emit_refusals(FunctionCallInfo fcinfo, bool taken) {
  begin_set(fcinfo);
  SharedRefusals* const refusals = shared_refusals();
  if (refusals == nullptr) {
    return;
  }
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  const Oid ledger = table_oid(Table::usage);
  for (std::size_t place = 0; place < SharedRefusals::count; ++place) {
    const std::optional<SharedRefusal> refusal = refusals->get(place, MyDatabaseId, ledger);
    if (!refusal.has_value()) {
      continue;
    }
    if (taken) {
      written_down.push_back({GetCurrentTransactionNestLevel(), place, *refusal});
    }
    if (is_visible(*budgets, refusal->key.counter)) {
      emit_refusal(fcinfo, *refusal);
    }
  }
}

}  // namespace

void refusals_at_subabort(int level) {
  std::erase_if(written_down, [&](const WrittenDown& entry) { return entry.level >= level; });
}

void refusals_at_subcommit(int level) {
  for (WrittenDown& entry : written_down) {
    entry.level = std::min(entry.level, level - 1);
  }
}

void refusals_at_end(TransactionEnd end) {
  if (end == TransactionEnd::committed) {
    for (const WrittenDown& entry : written_down) {
      shared_refusals()->subtract(entry.place, entry.refusal);
    }
  }
  written_down.clear();
}

}  // namespace spend

SPEND_FUNCTION(spend_unwritten_refusals) {
  spend::emit_refusals(fcinfo, false);
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_take_refusals) {
  spend::emit_refusals(fcinfo, true);
  PG_RETURN_NULL();
}
