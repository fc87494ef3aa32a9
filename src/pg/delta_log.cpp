#include "pg/delta_log.hpp"

#include "pg/own_locks.hpp"

namespace spend {

bool try_become_folder(Table table) {
  const LOCKTAG tag = own_lock(OwnLock::folding, table_oid(table), 0);
  return pg_call([&] { return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL; });
}

}  // namespace spend
