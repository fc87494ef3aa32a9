// Applications send most rows one by one. What the executor does around our triggers is then as much as what they do:
// it plans the leaf's partition constraint as an expression, to test it once, and for AFTER ROW it queues an event and
// reads the row again from its page.
//
// Both are for what may happen in general between BEFORE ROW and the end of a command: another trigger may move the row
// to another month, ON CONFLICT may skip it, other rows of the command may come that have to be counted in one order
// with it. A command of one row without ON CONFLICT, whose last BEFORE ROW trigger is ours, stores the row as we left
// it, or fails; and then nothing of the (sub)transaction counts. So its row may be accounted before it is stored.
//
// What makes it safe:
//  * The executor's record of the leaf is that of the running command: it holds the very trigger that was called, in a
//    copy which ends with the command.
//  * Everything else is left to the triggers: COPY, several rows, ON CONFLICT, a leaf that was named by the command,
//    an INSERT inside WITH, a row that settles a hold or comes from a dump.
//  * It rests on how the executor keeps leaves and triggers, as in_place.cpp does, and goes off with that.

#include "pg/one_row_command.hpp"

#include "pg/accounting.hpp"
#include "pg/attributions.hpp"
#include "pg/in_place.hpp"
#include "pg/rollup.hpp"
#include "pg/usage_row.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "parser/parse_func.h"
}

namespace spend {

namespace {

/// The INSERT that the executor runs, innermost last.
struct RunningInsert {
  QueryDesc* query;
  RunningInsert* outer;
};
RunningInsert* running = nullptr;

ExecutorRun_hook_type next_hook = nullptr;

#if PG_VERSION_NUM >= 180000
#define RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count
#define RUN_ARGUMENTS query, direction, count
#else
#define RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define RUN_ARGUMENTS query, direction, count, execute_once
#endif

void run_next(RUN_PARAMETERS) {
  if (next_hook != nullptr) {
    next_hook(RUN_ARGUMENTS);
  } else {
    standard_ExecutorRun(RUN_ARGUMENTS);
  }
}

void run(RUN_PARAMETERS) {
  if (query->operation != CMD_INSERT) {
    run_next(RUN_ARGUMENTS);
    return;
  }
  RunningInsert here = {query, running};
  running = &here;
  PG_TRY();
  { run_next(RUN_ARGUMENTS); }
  PG_FINALLY();
  { running = here.outer; }
  PG_END_TRY();
}

#undef RUN_PARAMETERS
#undef RUN_ARGUMENTS

/// The plan of INSERT … VALUES (…) with one row computes it without a plan below.
bool stores_one_row(const ModifyTable* plan) {
  const Plan* const rows = outerPlan(plan);
  return plan->operation == CMD_INSERT && plan->onConflictAction == ONCONFLICT_NONE && rows != nullptr &&
         IsA(rows, Result) && outerPlan(rows) == nullptr;
}

bool has_trigger(const ResultRelInfo* leaf, const Trigger* trigger) {
  const TriggerDesc* const all = leaf->ri_TrigDesc;
  return all != nullptr && trigger >= all->triggers && trigger < all->triggers + all->numtriggers;
}

Datum always_true(ExprState*, ExprContext*, bool* is_null) {
  *is_null = false;
  return BoolGetDatum(true);
}

/// The executor's record of the leaf, if the running command stores this row and no other, and chose the leaf by the
/// row's time.
ResultRelInfo* leaf_of_one_row(const TriggerData* trigger) {
  if (running == nullptr || running->query->planstate == nullptr || !IsA(running->query->planstate, ModifyTableState)) {
    return nullptr;
  }
  const auto* const command = reinterpret_cast<const ModifyTableState*>(running->query->planstate);
  if (!stores_one_row(reinterpret_cast<const ModifyTable*>(command->ps.plan))) {
    return nullptr;
  }
  const List* const leaves = command->ps.state->es_tuple_routing_result_relations;
  for (int i = 0; i < list_length(leaves); ++i) {
    auto* const leaf = static_cast<ResultRelInfo*>(list_nth(leaves, i));
    if (leaf->ri_RelationDesc == trigger->tg_relation && leaf->ri_RootResultRelInfo != nullptr &&
        leaf->ri_RootResultRelInfo == command->rootResultRelInfo && has_trigger(leaf, trigger->tg_trigger)) {
      return leaf;
    }
  }
  return nullptr;
}

std::span<Trigger> triggers_of(ResultRelInfo* leaf) {
  return {leaf->ri_TrigDesc->triggers, static_cast<std::size_t>(leaf->ri_TrigDesc->numtriggers)};
}

/// The executor tests once more that the row belongs into the leaf, since a BEFORE ROW trigger may have changed its
/// time. Ours does not.
void spare_partition_check(ResultRelInfo* leaf) {
  const std::span<Trigger> triggers = triggers_of(leaf);
  const auto before = std::count_if(triggers.begin(), triggers.end(), [](const Trigger& trigger) {
    return TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_BEFORE(trigger.tgtype) && TRIGGER_FOR_INSERT(trigger.tgtype);
  });
  if (before > 1 || leaf->ri_PartitionCheckExpr != nullptr) {
    return;
  }
  static ExprState state = [] {
    ExprState made = {};
    made.type = T_ExprState;
    made.evalfunc = always_true;
    return made;
  }();
  leaf->ri_PartitionCheckExpr = &state;
}

/// The oid of account_row(). Both functions come and go with the extension.
Oid account_row_oid(Oid price_row) {
  static struct { Oid price_row, account_row; } known = {};
  if (known.price_row != price_row) {
    known.account_row = pg_call([] {
      char schema[] = "spend";
      char function[] = "account_row";
      return LookupFuncName(list_make2(makeString(schema), makeString(function)), 0, nullptr, true);
    });
    known.price_row = price_row;
  }
  return known.account_row;
}

/// The leaf's trigger account_row() as this command has it; nullptr unless it is sure to be called for the row.
Trigger* accounting_trigger(ResultRelInfo* leaf, Oid account_row) {
  for (Trigger& trigger : triggers_of(leaf)) {
    if (trigger.tgfoid == account_row && TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_AFTER(trigger.tgtype) &&
        TRIGGER_FOR_INSERT(trigger.tgtype)) {
      return trigger.tgenabled == TRIGGER_FIRES_ALWAYS && trigger.tgqual == nullptr ? &trigger : nullptr;
    }
  }
  return nullptr;
}

}  // namespace

void watch_commands() {
  next_hook = std::exchange(ExecutorRun_hook, run);
}

bool account_one_row(const TriggerData* trigger, Oid price_row, const UsageRow& row, Attribution& attribution) {
  ResultRelInfo* const leaf = knows_executor() ? leaf_of_one_row(trigger) : nullptr;
  if (leaf == nullptr) {
    return false;
  }
  spare_partition_check(leaf);
  Trigger* const later = accounting_trigger(leaf, account_row_oid(price_row));
  if (later == nullptr || !row.is_counted()) {
    return false;
  }
  account_row(row, attribution, +1, Arrival::direct);
  rollup_row(row, +1);
  later->tgenabled = TRIGGER_DISABLED;
  return true;
}

}  // namespace spend
