// The trigger that announces a change of a configuration table to the caches of every backend.

#include "pg/guard.hpp"

SPEND_FUNCTION(spend_invalidate) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    spend::raise(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                 "spend.invalidate() is a trigger of pg_spend's configuration tables");
  }
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  spend::pg_call([&] {
    // An argument names another table of the schema to be reported instead, one that no vacuum ever reports.
    if (trigger->tg_trigger->tgnargs == 0) {
      CacheInvalidateRelcache(trigger->tg_relation);
    } else {
      CacheInvalidateRelcacheByRelid(
          get_relname_relid(trigger->tg_trigger->tgargs[0], RelationGetNamespace(trigger->tg_relation)));
    }
  });
  return PointerGetDatum(nullptr);  // a trigger's result is never SQL NULL
}
