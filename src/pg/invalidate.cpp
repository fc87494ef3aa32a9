// The trigger that announces a change of a configuration table to the caches of every backend.

#include "pg/guard.hpp"

SPEND_FUNCTION(spend_invalidate) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    spend::raise(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                 "spend.invalidate() is a trigger of pg_spend's configuration tables");
  }
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  spend::pg_call([&] { CacheInvalidateRelcache(trigger->tg_relation); });
  return PointerGetDatum(nullptr);  // a trigger's result is never SQL NULL
}
