#pragma once

#include "pg/counters.hpp"
#include "pg/tables.hpp"

namespace spend {

/// The rows of spend.counters, one for each counter, by their key. A counter's total is its row and what
/// spend.counter_deltas holds of it.
class CounterRows {
 public:
  struct Totals {
    CounterDelta sum;
    Atto claimed_percent = 0;
  };
  /// A row as one state shows it.
  struct Read {
    Totals totals;
    TransactionId changed_by = InvalidTransactionId;  ///< a transaction that was changing it then
  };

  explicit CounterRows(LOCKMODE lock);

  const OpenTable& table() const { return table_; }
  std::optional<Read> read(const LatestState& state, const CounterKey& key) const;
  /// The row's newest version, locked for this transaction, in the current memory context; nullptr without a row. Waits
  /// for transactions that have written or locked it.
  HeapTuple lock(const CounterKey& key) const;
  /// Whether there is a row, committed or of this transaction. Waits for one that is being inserted.
  bool exists(const CounterKey& key) const;
  Totals totals_of(HeapTuple version) const;
  CounterKey key_of(HeapTuple version) const;
  Timestamp period_end_of(HeapTuple version) const;
  std::string group_json_of(HeapTuple version) const;
  /// Inserts the row; false when somebody else has, or is about to.
  bool insert(const CounterKey& key, Timestamp period_end, const std::string& group_json, const Totals& totals) const;
  /// Replaces a locked version by one with other totals, which is returned, in the top transaction's memory.
  HeapTuple replace(HeapTuple locked, const Totals& totals) const;

 private:
  struct Columns {
    explicit Columns(const OpenTable& table);
    AttrNumber budget_id, generation, period_start, group_hash, period_end, group_values, spent, calls, unpriced_calls,
        claimed_percent;
  };
  OpenTable table_;
  Columns at_;
  Oid index_;
};

}  // namespace spend
