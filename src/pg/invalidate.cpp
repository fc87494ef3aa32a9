// The trigger that announces a change of a configuration table to the caches of every backend.

#include "pg/command_identity.hpp"
#include "pg/guard.hpp"
#include "pg/tables.hpp"

extern "C" {
#include "storage/sinval.h"
}

namespace spend {

namespace {

/// Tells every backend of a change before it is committed. The server's own message comes after that: in between,
/// others see the change and do not know of it. Once for each subtransaction: if it is rolled back its lock on the
/// table goes, and whoever writes after that has to say so again.
void announce_at_once(Oid relation) {
  static LocalTransactionId transaction = InvalidLocalTransactionId;
  static SubTransactionId subtransaction = InvalidSubTransactionId;
  const LocalTransactionId current = CommandIdentity::current().transaction;
  if (transaction == current && subtransaction == GetCurrentSubTransactionId()) {
    return;
  }
  SharedInvalidationMessage message = {};
  message.rc.id = SHAREDINVALRELCACHE_ID;
  message.rc.dbId = MyDatabaseId;
  message.rc.relId = relation;
  SendSharedInvalidMessages(&message, 1);
  transaction = current;
  subtransaction = GetCurrentSubTransactionId();
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_invalidate) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    spend::raise(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                 "spend.invalidate() is a trigger of pg_spend's configuration tables");
  }
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  const bool is_of_prices = spend::table_oid_if_exists(spend::Table::prices) == RelationGetRelid(trigger->tg_relation);
  spend::pg_call([&] {
    // An argument names another table of the schema to be reported instead, one that no vacuum ever reports.
    if (trigger->tg_trigger->tgnargs == 0) {
      CacheInvalidateRelcache(trigger->tg_relation);
      if (is_of_prices) {
        spend::announce_at_once(RelationGetRelid(trigger->tg_relation));
      }
    } else {
      CacheInvalidateRelcacheByRelid(
          get_relname_relid(trigger->tg_trigger->tgargs[0], RelationGetNamespace(trigger->tg_relation)));
    }
  });
  return PointerGetDatum(nullptr);  // a trigger's result is never SQL NULL
}
