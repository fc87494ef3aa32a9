#pragma once

#include "pg/tuples.hpp"

namespace spend {

/// The committed state of the moment at which it was made, without what this transaction has written. It may be scanned
/// in later transactions, too, but the server does not know of it: whoever scans sees to it that what it shows is still
/// there, because nobody has taken it away since, or not before the oldest snapshot that this backend holds.
class KeptState : public CommittedState {
 public:
  explicit KeptState(Relation relation);

  /// False if it would have to ask the server for the transactions that subtransactions belonged to, which it forgets.
  bool is_complete() const { return !data_.suboverflowed; }

 private:
  SnapshotData data_;
  std::vector<TransactionId> in_progress_;  ///< transactions, and behind them their subtransactions
};

}  // namespace spend
