#pragma once

#include "pg/shared_counter_table.hpp"

namespace spend {

/// The time that one row spends waiting for others' transactions.
class Patience {
 public:
  Patience();
  /// Waits for the transaction's end as for a lock, so that deadlocks are seen; a part of the time at once, because a
  /// transaction may give its reservation back before it ends. False when pg_spend.pending_wait is over. Errors: those
  /// of a wait for a lock; 55P03 when lock_timeout comes first.
  bool wait(const SharedCounterTable::Owner& owner);

 private:
  TimestampTz started_;
  int next_slice_ = 10;  ///< milliseconds
};

/// Waits for the transaction's end without limit.
void wait_for_end(const SharedCounterTable::Owner& owner);

}  // namespace spend
