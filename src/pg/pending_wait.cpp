#include "pg/pending_wait.hpp"

#include "pg/guard.hpp"
#include "pg/shared_memory.hpp"

extern "C" {
#include "utils/resowner.h"
}

namespace spend {

namespace {

void lock_until_end(const SharedCounterTable::Owner& owner) {
  if (TransactionIdIsValid(owner.prepared)) {
    XactLockTableWait(owner.prepared, nullptr, nullptr, XLTW_None);
  } else {
    (void)VirtualXactLock(owner.virtual_xid, true);
  }
}

/// The wait in a subtransaction of its own, with a lock_timeout of its own, whose error ends the subtransaction only.
/// No C++ object lives in here.
void wait_in_subtransaction(const SharedCounterTable::Owner& owner, int milliseconds) {
  const MemoryContext memory = CurrentMemoryContext;
  const ResourceOwner resources = CurrentResourceOwner;
  const int outer_timeout = LockTimeout;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(memory);
  PG_TRY();
  {
    LockTimeout = milliseconds;
    lock_until_end(owner);
    LockTimeout = outer_timeout;
    ReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(memory);
    CurrentResourceOwner = resources;
  }
  PG_CATCH();
  {
    LockTimeout = outer_timeout;
    MemoryContextSwitchTo(memory);
    ErrorData* const error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(memory);
    CurrentResourceOwner = resources;
    if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE) {
      ReThrowError(error);
    }
    FreeErrorData(error);
  }
  PG_END_TRY();
}

}  // namespace

Patience::Patience() : started_(GetCurrentTimestamp()) {}

bool Patience::wait(const SharedCounterTable::Owner& owner) {
  const std::int64_t waited = (GetCurrentTimestamp() - started_) / 1000;
  const std::int64_t left = pending_wait() - waited;
  if (left <= 0) {
    return false;
  }
  std::int64_t slice = std::min<std::int64_t>(next_slice_, left);
  next_slice_ = std::min(next_slice_ * 2, 1 << 20);
  if (LockTimeout > 0) {
    const std::int64_t lock_left = LockTimeout - waited;
    if (lock_left <= 0) {
      raise(ERRCODE_LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout");
    }
    slice = std::min(slice, lock_left);
  }
  pg_call([&] { wait_in_subtransaction(owner, static_cast<int>(slice)); });
  return true;
}

void wait_for_end(const SharedCounterTable::Owner& owner) {
  pg_call([&] { lock_until_end(owner); });
}

}  // namespace spend
