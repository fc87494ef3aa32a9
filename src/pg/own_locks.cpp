#include "pg/own_locks.hpp"

#include "pg/guard.hpp"

namespace spend {

LOCKTAG own_lock(OwnLock kind, std::uint32_t first, std::uint32_t second) {
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, first, second, static_cast<std::uint16_t>(kind));
  return tag;
}

}  // namespace spend

SPEND_FUNCTION(spend_lock) {
  const LOCKTAG tag =
      spend::own_lock(spend::OwnLock::subject, PG_GETARG_OID(0), static_cast<std::uint32_t>(PG_GETARG_INT32(1)));
  spend::pg_call([&] { (void)LockAcquire(&tag, ExclusiveLock, false, false); });
  PG_RETURN_VOID();
}

SPEND_FUNCTION(spend_try_lock) {
  const LOCKTAG tag =
      spend::own_lock(spend::OwnLock::subject, PG_GETARG_OID(0), static_cast<std::uint32_t>(PG_GETARG_INT32(1)));
  return BoolGetDatum(
      spend::pg_call([&] { return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL; }));
}
