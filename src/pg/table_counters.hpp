#pragma once

#include "pg/counters.hpp"

namespace spend {

/// Counters as rows of spend.counters, needing nothing preloaded.
///
/// What can happen at once, and what holds against it:
/// - Two writers move one counter: the row is locked (latest version, whatever the snapshot) until the transaction
/// ends, so each
///   adds to what is committed. Reject counters are locked in the statement, all others at pre-commit, each time in key
///   order. Pre-commit never waits for a counter that somebody holds across statements, so the two phases cannot wait
///   for each other.
/// - Two writers create one counter: the second meets the first one's uncommitted row and waits for that transaction.
/// - A budget appears while writers are under way: a writer derives its counters at pre-commit from the budgets of that
/// moment,
///   inside a commit window (a weak lock on spend.commit_window, taken for the time from there to the commit). Whoever
///   loads a new counter first inserts its row, so that every later writer of that counter waits, then lets the windows
///   of that moment close (a moment's stronger lock), and only then sums the rows: each row is either in that sum or
///   its writer knows the budget.
/// - A savepoint rolls back: the rows' locks and versions go with it, and what was remembered of them.
class TableCounters final : public Counters {
 public:
  Atto total(const CounterUse& use) override;
  void prepare(const CounterUse& use) override;
  Atto reserve(const CounterUse& use) override;
  std::optional<State> lock(const CounterUse& use) override;
  void store(const CounterUse& use, const CounterDelta& delta, Atto claimed_percent) override;
  void at_subabort(int level) override;
  void at_subcommit(int level) override;
  void at_end() override;

 private:
  struct Held {
    HeapTuple version;  ///< in the top transaction's memory
    State state;
    std::int64_t calls;
    std::int64_t unpriced_calls;
    int level;  ///< nesting level at which it was locked
  };
  Held* hold(const CounterUse& use);
  void load(const CounterUse& use);
  CounterDelta committed_totals(const CounterUse& use);

  CounterMap<Held> held_;
  /// What this backend has summed, by period: the key of the group is zero. Forgotten when counters were deleted.
  /// Bounded by periods and by groups in all of them: a backend must not keep the ledger in its memory.
  static constexpr std::size_t most_periods = 100;
  std::map<CounterKey, GroupTotals> summed_;
  std::size_t summed_groups_ = 0;
  std::vector<CounterKey> order_;  ///< keys of held_ as they were locked, so by nesting level
};

}  // namespace spend
