// A row trigger costs much more than what it does. Before BEFORE ROW the executor forms a tuple of all 70 columns,
// which nobody but the trigger reads; for AFTER ROW it queues an event, and later reads the row again from its page.
// Together that is a quarter of the time of a plain INSERT.
//
// A trigger's WHEN condition costs nothing of the kind: it is evaluated on the row as it lies in the executor's slot,
// for BEFORE ROW before the tuple is formed, for AFTER ROW right after the row was stored and entered in the indexes.
// So when a command turns out to bring many rows, the BEFORE ROW trigger gives the executor's own copy of the leaf's
// triggers, which ends with the command, a condition that is a call of ours. It does the trigger's work and says
// whether the trigger is still needed. Whatever is not simple is left to the trigger: it is always right to say so.
//
// What makes it safe:
//  * The condition's arguments are constants and NEW.ctid. That of a slot is a field of the slot, passed by reference,
//    so its address tells where the slot is. Nobody else can make such a call: it carries a random number that
//    never leaves this backend's memory.
//  * The BEFORE condition writes into the slot only if the slot is an array of values and no other BEFORE ROW trigger
//    comes after ours: what stands there is what the executor stores.
//  * The AFTER condition is asked for stored rows only, each after its own BEFORE: rows that ON CONFLICT skips have
//    none, and rows that others changed, restored, or sent without our BEFORE trigger are not the one handed over.
//  * The catalogs know nothing of it: a dump has plain triggers, and a command of few rows pays nothing.
//  * It rests on how the executor keeps slots and triggers, so it is off on a server that it was not tested with.

#include "pg/in_place.hpp"

#include <sodium.h>

#include "pg/accounting.hpp"
#include "pg/attributions.hpp"
#include "pg/rollup.hpp"
#include "pg/usage_row.hpp"

extern "C" {
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "rewrite/prs2lock.h"
#include "utils/guc.h"
}

namespace spend {

namespace {

/// Rows that a command has brought before the rest is taken in place: what a condition costs to set up is saved again
/// by about four rows.
constexpr int rows_before = 8;

/// The newest server that this was tested with.
constexpr int newest_tested = 18;

bool in_place_setting = true;

struct HandedOver {
  const TupleTableSlot* slot = nullptr;
  std::int64_t usage_id = 0;
  Attribution* attribution = nullptr;
};
HandedOver handed_over;

std::int64_t secret = 0;  ///< 0: no condition has been made yet

void make_secret() {
  if (sodium_init() < 0) {
    throw std::bad_alloc();
  }
  while (secret == 0) {
    randombytes_buf(&secret, sizeof secret);
  }
}

/// The triggers of the leaf as the running command has them; none where they are not a copy of its own.
std::span<Trigger> own_triggers(const TriggerData* trigger) {
  const TriggerDesc* const shared = trigger->tg_relation->trigdesc;
  for (int i = 0; shared != nullptr && i < shared->numtriggers; ++i) {
    if (shared->triggers[i].tgoid == trigger->tg_trigger->tgoid) {
      const bool is_copy = &shared->triggers[i] != trigger->tg_trigger;
      return is_copy ? std::span(trigger->tg_trigger - i, static_cast<std::size_t>(shared->numtriggers))
                     : std::span<Trigger>();
    }
  }
  return {};
}

Oid function_oid(const char* name, int arguments, const Oid* types) {
  char schema[] = "spend";
  char* const function = const_cast<char*>(name);
  List* const qualified = list_make2(makeString(schema), makeString(function));
  return LookupFuncName(qualified, arguments, types, true);
}

Expr* constant(Oid type, int length, Datum value) {
  return reinterpret_cast<Expr*>(makeConst(type, -1, InvalidOid, length, value, false, true));
}

/// The condition as the executor reads it, in memory that stays: it is read when the next row comes.
char* condition(Oid function, bool is_after, Oid leaf) {
  static std::map<std::tuple<Oid, bool, Oid>, char*> known;
  char*& text = known[{function, is_after, leaf}];
  if (text == nullptr) {
    make_secret();
    const Datum number = Int64GetDatum(secret);
    text = pg_call([&] {
      Expr* const row =
          reinterpret_cast<Expr*>(makeVar(PRS2_NEW_VARNO, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0));
      List* const arguments = list_make4(constant(BOOLOID, 1, BoolGetDatum(is_after)), constant(INT8OID, 8, number),
                                         row, constant(OIDOID, 4, ObjectIdGetDatum(leaf)));
      FuncExpr* const call = makeFuncExpr(function, BOOLOID, arguments, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
      return MemoryContextStrdup(TopMemoryContext, nodeToString(call));
    });
  }
  return text;
}

bool may_execute(Oid function) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
#else
  return pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

}  // namespace

void define_in_place_setting() {
  DefineCustomBoolVariable("pg_spend.in_place_rows",
                           "Prices and accounts the ninth and later rows of a command without a call of the row "
                           "triggers, and accounts the only row of INSERT ... VALUES before it is stored.",
                           "What is stored and counted is the same with and without. Off on servers newer than those "
                           "that the library was tested with.",
                           &in_place_setting, true, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

bool knows_executor() {
  return in_place_setting && PG_VERSION_NUM / 10000 <= newest_tested;
}

void take_rows_in_place(const TriggerData* trigger, FmgrInfo* called) {
  if (!knows_executor()) {
    return;
  }
  if (called->fn_extra == nullptr) {
    called->fn_extra = pg_call([&] { return MemoryContextAllocZero(called->fn_mcxt, sizeof(int)); });
  }
  if (++*static_cast<int*>(called->fn_extra) != rows_before) {
    return;
  }
  struct Functions {
    Oid needs_trigger, account_row;
    bool usable;
  };
  const auto functions = pg_call([]() -> Functions {
    const std::array<Oid, 4> types = {BOOLOID, INT8OID, TIDOID, OIDOID};
    const Oid needs_trigger = function_oid("_needs_row_trigger", static_cast<int>(types.size()), types.data());
    const Oid account_row = function_oid("account_row", 0, nullptr);
    const bool exist = OidIsValid(needs_trigger) && OidIsValid(account_row);
    return {needs_trigger, account_row, exist && may_execute(needs_trigger)};
  });
  if (!functions.usable) {
    return;
  }
  const Oid leaf = RelationGetRelid(trigger->tg_relation);
  for (Trigger& own : own_triggers(trigger)) {
    const bool is_before = own.tgoid == trigger->tg_trigger->tgoid;
    const bool is_after = own.tgfoid == functions.account_row && TRIGGER_FOR_ROW(own.tgtype) &&
                          TRIGGER_FOR_AFTER(own.tgtype) && TRIGGER_FOR_INSERT(own.tgtype);
    if ((is_before || is_after) && own.tgqual == nullptr) {
      own.tgqual = condition(functions.needs_trigger, is_after, leaf);
    }
  }
}

void hand_over(const TupleTableSlot* slot, const UsageRow& row, Attribution& attribution) {
  handed_over = {slot, DatumGetInt64(row.get(row.columns().usage_id)), &attribution};
}

void drop_handed_over() {
  handed_over = {};
}

namespace {

/// AFTER ROW for the row that was just stored. False: nothing was done.
bool account_in_place(TupleTableSlot* slot, Oid leaf) {
  const HandedOver row = std::exchange(handed_over, {});
  const UsageColumns* const columns = known_usage_columns(leaf, slot->tts_tupleDescriptor->natts);
  if (row.slot != slot || columns == nullptr) {
    return false;
  }
  const UsageRow stored(slot, slot->tts_tupleDescriptor, *columns);
  if (DatumGetInt64(stored.get(columns->usage_id)) != row.usage_id || stored.is_null(columns->recorded_at) ||
      !account_at_once(stored, *row.attribution)) {
    return false;
  }
  rollup_row(stored, +1);
  return true;
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_needs_row_trigger) {
  for (int i = 0; i < 4; ++i) {
    if (PG_ARGISNULL(i)) {
      PG_RETURN_BOOL(true);
    }
  }
  if (PG_GETARG_INT64(1) != spend::secret || spend::secret == 0) {
    PG_RETURN_BOOL(true);
  }
  auto* const slot =
      reinterpret_cast<TupleTableSlot*>(DatumGetPointer(PG_GETARG_DATUM(2)) - offsetof(TupleTableSlot, tts_tid));
  if (!TTS_IS_VIRTUAL(slot) || slot->tts_nvalid < slot->tts_tupleDescriptor->natts) {
    PG_RETURN_BOOL(true);
  }
  const Oid leaf = PG_GETARG_OID(3);
  PG_RETURN_BOOL(!(PG_GETARG_BOOL(0) ? spend::account_in_place(slot, leaf) : spend::price_in_place(slot, leaf)));
}
