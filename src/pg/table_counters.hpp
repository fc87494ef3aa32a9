#pragma once

#include "pg/counters.hpp"

namespace spend {

/// Counters as rows of spend.counters, needing nothing preloaded.
///
/// What can happen at once, and what holds against it:
/// - Two writers move one counter: the row is locked (latest version, whatever the snapshot) until the transaction
///   ends, so each adds to what is committed. Reject counters are locked in the statement, all others at pre-commit,
///   each time in key order. Pre-commit never waits for a counter that somebody holds across statements, so the two
///   phases cannot wait for each other.
/// - Two writers create one counter: the second meets the first one's uncommitted row and waits for that transaction.
/// - A budget appears while writers are under way: a writer derives its counters at pre-commit from the budgets of that
///   moment, inside a commit window (a weak lock on spend.commit_window, taken for the time from there to the commit).
///   Whoever loads a new counter first inserts its row, so that every later writer of that counter waits, then lets the
///   windows of that moment close (a moment's stronger lock), and only then sums the rows: each row is either in that
///   sum or its writer knows the budget.
/// - A savepoint rolls back: the rows' locks and versions go with it, and what was remembered of them.
/// - The counter was in shared memory once: its total is its row and what spend.counter_deltas still holds of it.
class TableCounters final : public Counters {
 public:
  /// `all`: every counter of the cluster is a row. `epoch`: see sum_of_unmoved() and
  /// unfolded_total_of_row().
  TableCounters(bool all, std::uint32_t (*epoch)()) : all_(all), epoch_(epoch) {}

  bool takes_rows() const override { return true; }
  Atto total(const CounterUse& use) override;
  void take(const CounterUse& use) override { reserve(use); }
  Standing stand(const CounterUse& use) override;
  void expect_hold([[maybe_unused]] const CounterUse& use) override {}
  void hold([[maybe_unused]] const CounterUse& use, [[maybe_unused]] const LiveHold& hold,
            [[maybe_unused]] Atto taken) override {}
  void resolve_hold([[maybe_unused]] const CounterKey& key, [[maybe_unused]] std::int64_t hold_id,
                    [[maybe_unused]] Timestamp expires_at) override {}
  bool leaves_holds_to_table([[maybe_unused]] const CounterUse& use) override { return true; }
  Decision admit(const CounterUse& use, Atto own, Atto asked, Atto limit) override;
  void set_own([[maybe_unused]] const CounterUse& use, [[maybe_unused]] Atto own) override {}
  bool wait_for_others([[maybe_unused]] const CounterUse& use, [[maybe_unused]] Patience& patience) override {
    return false;
  }
  void prepare(const CounterUse& use, const CounterDelta& delta) override;
  std::optional<State> move(const CounterUse& use, const CounterDelta& delta) override;
  std::optional<State> look(const CounterUse& use) override;
  void finish_moves() override {}
  void at_subabort(int level) override;
  void at_subcommit(int level) override;
  void require_preparable() const override {}
  void at_end(TransactionEnd end) override;

 private:
  struct Held {
    HeapTuple version;      ///< in the top transaction's memory
    CounterDelta row;       ///< what the row says
    CounterDelta unfolded;  ///< and what is not in it yet
    Atto claimed_percent;
    int level;  ///< nesting level at which it was locked

    Atto spent() const { return row.amount + unfolded.amount; }
  };
  Held* hold(const CounterUse& use);
  const Held& reserve(const CounterUse& use);
  void make(const CounterUse& use);
  void store(const CounterUse& use, Held& held, const CounterDelta& delta, Atto claimed_percent);

  bool all_;
  std::uint32_t (*epoch_)();
  CounterMap<Held> held_;
  std::vector<CounterKey> order_;  ///< keys of held_ as they were locked, so by nesting level
};

}  // namespace spend
