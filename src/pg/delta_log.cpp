#include "pg/delta_log.hpp"

extern "C" {
#include "storage/lock.h"
}

namespace spend {

bool try_become_folder(Table table) {
  const Oid oid = table_oid(table);
  return pg_call([&] {
    // The last field keeps it apart from users' advisory locks, which use 1 and 2.
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, oid, 0, 6);
    return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
  });
}

}  // namespace spend
