#pragma once

#include "pg/counters.hpp"

namespace spend {

/// What one transaction did to one counter, as it stands in spend.counter_deltas: the part of a counter's total that
/// spend.counters lacks until it is folded.
struct CounterMovement {
  CounterKey key;
  Timestamp period_end = 0;
  std::string_view group_json;  ///< valid as long as what it was read from
  CounterDelta delta;
  Atto claimed_percent = 0;  ///< highest threshold announced when it was written
};

/// Appends the movements of a transaction to spend.counter_deltas, many to a row.
void append_counter_deltas(const std::vector<CounterMovement>& movements);

/// Reads the column `movements` of a row. Errors: invalid_binary.
class MovementReader {
 public:
  explicit MovementReader(Datum movements);
  /// The next movement, or nothing at the end.
  std::optional<CounterMovement> next();

 private:
  template <typename T>
  T integer();
  std::span<const std::byte> bytes(std::size_t count);

  std::span<const std::byte> rest_;
};

/// Sum and highest claim of movements that are not folded.
struct UnfoldedTotal {
  CounterDelta delta;
  Atto claimed_percent = 0;

  void add(const CounterMovement& movement) {
    delta += movement.delta;
    claimed_percent = std::max(claimed_percent, movement.claimed_percent);
  }
};

/// What the deltas that a state shows say of one counter. Reads them all.
UnfoldedTotal unfolded_total(const LatestState& state, const CounterKey& key);

/// The deltas of all counters.
struct UnfoldedDeltas {
  struct InDoubt {
    TransactionId xid;
    CounterKey key;
    UnfoldedTotal total;
  };
  CounterMap<UnfoldedTotal> totals;  ///< of what is committed
  std::vector<InDoubt> in_doubt;     ///< of transactions in progress
};
UnfoldedDeltas unfolded_deltas(const LatestState& state);

/// What stands in the deltas of a counter that is held as a row. Nobody appends to those, so what was read once is true
/// until somebody folds, or `epoch` changes because a counter is no row any more. `all_are_rows`: no counter will be
/// anything else, and one reading serves them all. Waits for prepared transactions that have moved the counter.
UnfoldedTotal unfolded_total_of_row(const CounterKey& key, bool all_are_rows, std::uint32_t epoch);

}  // namespace spend
