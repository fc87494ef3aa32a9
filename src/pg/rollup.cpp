#include "pg/rollup.hpp"

#include "pg/period.hpp"
#include "pg/rollup_deltas.hpp"
#include "pg/set_result.hpp"
#include "pg/tables.hpp"
#include "pg/usage_kinds.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// One level for each open savepoint that wrote rows, merged on release and dropped on rollback. Sums belong to the
/// ledger that was there: DROP EXTENSION and CREATE EXTENSION in one transaction make another, which has none of them.
struct Level {
  int nesting;
  Oid ledger;
  RollupGroups groups;
  std::size_t rows = 0;  ///< that they are the sums of
};
std::vector<Level> levels;  // ascending nesting

/// A bulk load over many groups writes deltas while it runs, so that its memory is bounded. What it has written belongs
/// to the savepoint that it runs in, as the groups did.
constexpr std::size_t most_groups = 10'000;
/// Where nearly each row has a group of its own they need not wait for more, and few stay in the processor's caches.
constexpr std::size_t few_groups = 1'000;

bool is_time_to_write(const RollupGroups& groups, std::size_t rows) {
  return groups.size() >= most_groups || (groups.size() >= few_groups && rows < groups.size() + groups.size() / 4);
}

/// Where the next row goes.
RollupGroups& current_groups() {
  const int nesting = GetCurrentTransactionNestLevel();
  const Oid ledger = table_oid(Table::rollup_deltas);
  if (levels.empty() || levels.back().nesting < nesting) {
    levels.push_back({nesting, ledger, {}, 0});
  } else if (levels.back().ledger != ledger) {
    levels.back() = {nesting, ledger, {}, 0};
  }
  Level& level = levels.back();
  if (is_time_to_write(level.groups, level.rows)) {
    append_deltas(level.groups);
    level.groups.clear();
    level.rows = 0;
    if (levels.size() == 1) {
      bound_kinds();
    }
  }
  ++level.rows;
  return level.groups;
}

void at_subabort(int level) {
  while (!levels.empty() && levels.back().nesting >= level) {
    levels.pop_back();
  }
  kinds_at_abort();
}

void at_subcommit(int level) {
  if (levels.empty() || levels.back().nesting < level) {
    return;
  }
  if (levels.size() < 2 || levels[levels.size() - 2].nesting < level - 1) {
    levels.back().nesting = level - 1;
    return;
  }
  Level ended = std::move(levels.back());
  levels.pop_back();
  if (levels.back().ledger == ended.ledger) {
    levels.back().groups.add(ended.groups);
    levels.back().rows += ended.rows;
  } else {
    levels.back() = {level - 1, ended.ledger, std::move(ended.groups), ended.rows};
  }
}

/// Calls visit(groups) for those of the ledger that is there now.
template <typename Visit>
void for_each_level(Visit&& visit) {
  const Oid ledger = table_oid_if_exists(Table::rollup_deltas);
  for (const Level& level : levels) {
    if (level.ledger == ledger) {
      visit(level.groups);
    }
  }
}

void flush() {
  // DROP EXTENSION earlier in this transaction took the ledger with it: nothing is left to sum up.
  if (levels.empty() || !OidIsValid(table_oid_if_exists(Table::rollup_deltas))) {
    return;
  }
  // In a loop that commits, the memory of this moment lives as long as the loop.
  const MemoryContext outer = CurrentMemoryContext;
  const MemoryContext context = pg_call([] {
    PushActiveSnapshot(GetTransactionSnapshot());
    return AllocSetContextCreate(TopTransactionContext, "pg_spend rollup flush", ALLOCSET_DEFAULT_SIZES);
  });
  MemoryContextSwitchTo(context);
  for_each_level([](const RollupGroups& groups) { append_deltas(groups); });
  MemoryContextSwitchTo(outer);
  pg_call([&] {
    MemoryContextDelete(context);
    PopActiveSnapshot();
  });
  levels.clear();
}

void end_transaction() {
  levels.clear();
  bound_kinds();
}

void on_transaction_event(XactEvent event, [[maybe_unused]] void* argument) {
  switch (event) {
    case XACT_EVENT_PRE_COMMIT:
    case XACT_EVENT_PRE_PREPARE:
      guarded_callback([](void*) { flush(); }, nullptr);
      break;
    case XACT_EVENT_COMMIT:
      kinds_at_commit();
      end_transaction();
      break;
    case XACT_EVENT_PREPARE:  // whether it will commit is not known here: what it appended is looked up again
    case XACT_EVENT_ABORT:
      kinds_at_abort();
      end_transaction();
      break;
    case XACT_EVENT_PARALLEL_COMMIT:
    case XACT_EVENT_PARALLEL_ABORT:
    case XACT_EVENT_PARALLEL_PRE_COMMIT:
      break;
  }
}

void on_subtransaction_event(SubXactEvent event, [[maybe_unused]] SubTransactionId own,
                             [[maybe_unused]] SubTransactionId parent, [[maybe_unused]] void* argument) {
  static int level;
  level = GetCurrentTransactionNestLevel();
  if (event == SUBXACT_EVENT_ABORT_SUB) {
    at_subabort(level);
  } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
    guarded_callback([](void*) { at_subcommit(level); }, nullptr);
  }
}

}  // namespace

void rollup_row(const UsageRow& row, int sign) {
  const UsageColumns& at = row.columns();
  RollupGroups& groups = current_groups();
  const RowClass row_class = class_of(row);
  store_kind(*row_class.kind);
  RollupKey key = {};
  key.bucket = floor_to_quarter_hour(row.timestamp(at.occurred_at, 0));
  key.kind = row_class.kind;
  if (!row.is_null(at.attribution_id)) {
    std::memcpy(key.attribution.data(), DatumGetUUIDP(row.get(at.attribution_id)), key.attribution.size());
  }
  groups.at(key).add(row, row_class, sign);
}

std::vector<const RollupGroups*> pending_rollups() {
  std::vector<const RollupGroups*> pending;
  for_each_level([&](const RollupGroups& groups) { pending.push_back(&groups); });
  return pending;
}

void watch_rollups() {
  RegisterXactCallback(on_transaction_event, nullptr);
  RegisterSubXactCallback(on_subtransaction_event, nullptr);
}

}  // namespace spend

SPEND_FUNCTION(spend_pending_rollup) {
  spend::begin_set(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  spend::DeltaTuple tuple(result->setDesc);
  spend::for_each_level([&](const spend::RollupGroups& groups) {
    groups.for_each([&](const spend::RollupGroup& group) {
      tuple.set(group.key.bucket, group.key.attribution, group.key.kind->id, group.sums.all());
      spend::pg_call([&] { tuplestore_putvalues(result->setResult, result->setDesc, tuple.values(), tuple.nulls()); });
    });
  });
  PG_RETURN_NULL();
}
