#pragma once

#include "pg/counter_deltas.hpp"
#include "pg/shared_counter_table.hpp"
#include "pg/table_counters.hpp"

namespace spend {

/// Counters in shared memory; docs/architecture.md has the states of a counter and what may happen at once. A
/// transaction reserves what it adds before anything can fail, appends it to spend.counter_deltas at pre-commit, and
/// only its end settles the reservation: so there is no moment at which committed spend is not counted. What cannot be
/// kept in memory is kept as a row, by TableCounters.
class SharedCounters final : public Counters {
 public:
  explicit SharedCounters(SharedCounterTable& table);

  bool takes_rows() const override { return false; }
  Atto total(const CounterUse& use) override;
  void take(const CounterUse& use) override;
  Standing stand(const CounterUse& use) override;
  void expect_hold(const CounterUse& use) override;
  void hold(const CounterUse& use, const LiveHold& hold, Atto taken) override;
  void resolve_hold(const CounterKey& key, std::int64_t hold_id, Timestamp expires_at) override;
  bool leaves_holds_to_table(const CounterUse& use) override { return attach(use).is_row; }
  Decision admit(const CounterUse& use, Atto own, Atto asked, Atto limit) override;
  void set_own(const CounterUse& use, Atto own) override;
  bool wait_for_others(const CounterUse& use, Patience& patience) override;
  void prepare(const CounterUse& use, const CounterDelta& delta) override;
  std::optional<State> move(const CounterUse& use, const CounterDelta& delta) override;
  std::optional<State> look(const CounterUse& use) override;
  void finish_moves() override;
  void at_subabort(int level) override;
  void at_subcommit(int level) override;
  void require_preparable() const override;
  void at_end(TransactionEnd end) override;

  SharedCounterTable& table() { return table_; }
  /// The ledger of this database, with what was not folded when the server started taken in; no_place if the table of
  /// ledgers is full.
  Place loaded_ledger();
  static SharedKey shared_key(const CounterKey& key);
  /// Keeps everybody from loading the counter until the end of the transaction, waits for those who use it, and takes
  /// it out of memory. Errors: 55006 when this transaction has moved it.
  void close(const CounterKey& key);

  /// Each takes effect at the end of this transaction, if it commits: a counter's row is gone; all of them are; what
  /// had no line in memory when folding began is folded.
  void forget_row_at_commit(const CounterKey& key) { forgotten_rows_.push_back(shared_key(key)); }
  void forget_ledger_at_commit();
  /// A row of spend.hold_amounts was made or deleted; all were deleted.
  void correct_hold_at_commit(const CounterKey& key, const LiveHold& hold, bool is_there);
  void forget_holds_at_commit() { forgets_holds_ = true; }
  void note_folding(std::uint32_t lost) { folded_of_lost_ = lost; }

 private:
  /// What one savepoint level has added.
  struct Level {
    int level;
    Atto amount;
  };
  struct Own {
    CounterKey key;
    Place counter = no_place;
    Place reservation = no_place;  ///< no_place: a row without a line
    bool is_row = false;           ///< kept as a row
    Place spare_hold = no_place;   ///< a place for the next hold
    std::vector<Level> levels;

    Atto amount() const;
  };
  /// An Own at the savepoint level at which it got its entry in `levels`.
  struct Touch {
    int level;
    Own* own;
  };
  /// A hold taken, or one resolved, at a savepoint level.
  struct HoldEvent {
    int level;
    Place hold;
    bool was_taken;
  };
  struct HoldChange {
    int level;
    SharedKey key;
    LiveHold hold;
    bool is_there;
  };
  Own& attach(const CounterUse& use);
  Own* attach_if_loaded(const CounterKey& key);
  Own* try_attach(const CounterKey& key, SharedCounterTable::Attached* attached);
  Own& remember(const CounterKey& key);
  Own& remember_row(const CounterKey& key);
  void keep_row(Own& own);
  void load(const CounterUse& use);
  void load_ledger(Place place);
  void make_row(const CounterKey& key);
  void wait_for_users(const SharedKey& key, SharedCounterTable::Among among);
  void empty(const SharedKey& key);
  void resolve_in_doubt(Place counter);
  void set_amount(Own& own, Atto amount);
  void note_amount(Own& own, Atto amount);
  void end_own(Own& own, bool committed);
  void note_hold(Place hold, bool was_taken);
  void resolve_loaded(const Own& own, std::int64_t hold_id, Timestamp expires_at);
  void resolve_unseen(const Own& own);
  void undo_holds(int level);
  void lift_holds(int level);
  void end_holds(TransactionEnd end);

  SharedCounterTable& table_;
  TableCounters rows_;
  CounterMap<Own> own_;
  std::vector<Touch> touches_;
  std::vector<CounterMovement> moved_;
  std::vector<std::shared_ptr<const GroupKey>> moved_groups_;  ///< keep alive what moved_ points into
  std::vector<HoldEvent> hold_events_;
  std::vector<HoldChange> hold_corrections_;
  std::vector<HoldChange> unseen_;  ///< resolved on counters that were not loaded
  bool forgets_holds_ = false;
  std::vector<SharedKey> closed_;
  std::vector<SharedKey> forgotten_rows_;
  std::optional<Oid> forgotten_ledger_;
  std::optional<std::uint32_t> folded_of_lost_;
  Place ledger_ = no_place;
  Oid ledger_oid_ = InvalidOid;
};

/// The implementation in use if it is the shared one, else nullptr.
SharedCounters* shared_counters();

}  // namespace spend
