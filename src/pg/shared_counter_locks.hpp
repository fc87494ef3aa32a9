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

class Exclusive {
 public:
  explicit Exclusive(LWLock* lock) : lock_(lock) { LWLockAcquire(lock, LW_EXCLUSIVE); }
  ~Exclusive() { LWLockRelease(lock_); }
  Exclusive(const Exclusive&) = delete;
  Exclusive& operator=(const Exclusive&) = delete;

 private:
  LWLock* lock_;
};

class Line {
 public:
  explicit Line(SharedCounter& counter) : counter_(counter) { SpinLockAcquire(&counter_.mutex); }
  ~Line() { SpinLockRelease(&counter_.mutex); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

 private:
  SharedCounter& counter_;
};

inline VirtualTransactionId own_virtual_xid() {
  VirtualTransactionId own;
  GET_VXID_FROM_PGPROC(own, *MyProc);
  return own;
}

}  // namespace spend
