#pragma once

#include <limits>

#include "pg/shared_counter_table.hpp"

namespace spend {

// What the parts of SharedCounterTable share.

/// Totals stay below 1e38 each; sums of them saturate instead of wrapping.
inline Atto saturating_sum(Atto a, Atto b) {
  Atto sum;
  if (__builtin_add_overflow(a, b, &sum)) {
    return b > 0 ? std::numeric_limits<Atto>::max() : std::numeric_limits<Atto>::min();
  }
  return sum;
}

inline Atto added_by(Atto amount) {
  return std::max<Atto>(amount, 0);
}

/// What a transaction may come to add to what is committed and held, whichever way it ends. What it takes away makes no
/// room before it commits, and a hold that it resolves may be left as it was.
inline Atto pending_of(const Reservation& reservation) {
  return std::max(saturating_sum(added_by(reservation.amount), reservation.holding), reservation.resolving);
}

/// While a reservation is changed. The line is locked.
class ReservationChange {
 public:
  ReservationChange(SharedCounter& counter, const Reservation& entry)
      : counter_(counter), entry_(entry), before_(pending_of(entry)) {}
  ~ReservationChange() {
    counter_.reserved = saturating_sum(counter_.reserved - before_, pending_of(entry_));
    ++counter_.version;
  }
  ReservationChange(const ReservationChange&) = delete;
  ReservationChange& operator=(const ReservationChange&) = delete;

 private:
  SharedCounter& counter_;
  const Reservation& entry_;
  Atto before_;
};

class PartitionLock {
 public:
  explicit PartitionLock(LWLock* lock) : lock_(lock) { LWLockAcquire(lock, LW_EXCLUSIVE); }
  ~PartitionLock() { LWLockRelease(lock_); }
  PartitionLock(const PartitionLock&) = delete;
  PartitionLock& operator=(const PartitionLock&) = delete;

 private:
  LWLock* lock_;
};

class LineLock {
 public:
  explicit LineLock(SharedCounter& counter) : counter_(counter) { SpinLockAcquire(&counter_.mutex); }
  ~LineLock() { SpinLockRelease(&counter_.mutex); }
  LineLock(const LineLock&) = delete;
  LineLock& operator=(const LineLock&) = delete;

 private:
  SharedCounter& counter_;
};

/// A locked line on which no hold is over. What is over is dropped some at a time, so that nobody spins for long.
class CurrentLine {
 public:
  CurrentLine(SharedCounterTable& table, SharedCounter& counter, Timestamp now) : counter_(counter) {
    for (;;) {
      SpinLockAcquire(&counter_.mutex);
      if (table.drop_expired(counter_, now)) {
        return;
      }
      SpinLockRelease(&counter_.mutex);
    }
  }
  ~CurrentLine() { SpinLockRelease(&counter_.mutex); }
  CurrentLine(const CurrentLine&) = delete;
  CurrentLine& operator=(const CurrentLine&) = delete;

 private:
  SharedCounter& counter_;
};

inline VirtualTransactionId own_virtual_xid() {
  VirtualTransactionId own;
  GET_VXID_FROM_PGPROC(own, *MyProc);
  return own;
}

}  // namespace spend
