#pragma once

#include <boost/container/static_vector.hpp>
#include <compare>
#include <string>

#include "core/attribution.hpp"
#include "pg/budgets.hpp"
#include "pg/tuples.hpp"

namespace spend {

/// Names one running total. Its order is the order in which counters are locked.
struct CounterKey {
  std::int64_t budget_id = 0;
  std::int32_t generation = 0;
  Timestamp period_start = 0;
  Hash128 group{};
  friend auto operator<=>(const CounterKey&, const CounterKey&) = default;
};

struct HashOfCounterKey {
  std::size_t operator()(const CounterKey& key) const noexcept;
};
template <typename Value>
using CounterMap = std::unordered_map<CounterKey, Value, HashOfCounterKey>;

/// What is added to one counter; may be negative (a deleted row).
struct CounterDelta {
  Atto amount = 0;
  std::int64_t calls = 0;
  std::int64_t unpriced_calls = 0;

  CounterDelta& operator+=(const CounterDelta& other);
  CounterDelta operator-() const { return {-amount, -calls, -unpriced_calls}; }
  bool is_zero() const { return amount == 0 && calls == 0 && unpriced_calls == 0; }
};

/// A counter as a writer meets it.
struct CounterUse {
  const Budget* budget;
  Period period;
  std::shared_ptr<const GroupKey> group;

  CounterKey key() const { return {budget->budget_id, budget->generation, period.start, group->hash}; }
};

/// What a hold sets aside of a counter.
struct LiveHold {
  std::int64_t hold_id = 0;
  Atto amount = 0;
  Timestamp expires_at = 0;
};

/// The period of a budget at a time.
Period period_of(const Budget& budget, Timestamp at);
/// The counter that a row of a matching attribution moves at that time.
CounterUse use_of(const BudgetMatch& match, Timestamp at);

/// Whether a row that occurred at one time and is enforced at another counts once under a budget, when it occurred:
/// both lie in one period, or some window of a rolling budget holds both and would have the row twice.
bool counts_once(const Budget& budget, Timestamp occurred_at, Timestamp enforced_at);

/// The counters that a row moves under one budget, none if the row is outside its validity: that of the time when it
/// occurred, and if it is enforced at another time, too, that of this time where it is another one
/// and the row does not count once.
boost::container::static_vector<CounterUse, 2> uses_of(const BudgetMatch& match, Timestamp occurred_at,
                                                       const std::optional<Timestamp>& enforced_at);

/// Who may be waited for, and how long: the time that one row spends waiting for other transactions.
class Patience;

/// How a transaction ended.
enum class TransactionEnd { committed, aborted, prepared };

/// The one interface of budget counters: the rows are the truth, a counter is a cache of what they say. All calls but
/// the last three may wait for other transactions and may raise (cancel, for one).
class Counters {
 public:
  struct State {
    Atto spent = 0;                   ///< before the running transaction's own movement
    Atto held = 0;                    ///< set aside by holds that are not settled
    Atto claimed_percent = 0;         ///< highest threshold already announced
    bool is_being_announced = false;  ///< by a transaction that has not ended, so that its alert is not to be seen
  };
  enum class Verdict {
    fits,
    exceeds,           ///< also if everybody else rolled back
    others_in_the_way  ///< only for what other transactions have not committed
  };
  struct Decision {
    Verdict verdict = Verdict::fits;
    Atto spent = 0;  ///< committed, and this transaction's own
    Atto held = 0;
    Atto pending = 0;  ///< other transactions'
  };
  virtual ~Counters() = default;

  /// What is committed and stored, making nothing.
  virtual Atto total(const CounterUse& use) = 0;
  /// Whether admit() takes rows, which must be taken in key order.
  virtual bool takes_rows() const = 0;
  /// In the statement: takes the counter for this transaction, ahead of admit().
  virtual void take(const CounterUse& use) = 0;
  /// What the gate finds at a counter.
  struct Standing {
    Atto spent = 0;    ///< committed
    Atto held = 0;     ///< set aside by holds, this transaction's own included
    Atto pending = 0;  ///< what other transactions may come to add
  };
  /// For the gate. Where admit() takes rows, the row of a reject budget is taken.
  virtual Standing stand(const CounterUse& use) = 0;
  /// For the gate, ahead of stand(): makes sure that there is a place for hold().
  virtual void expect_hold(const CounterUse& use) = 0;
  /// Sets aside what a hold says, `taken` of which admit() has taken for it. Whether it is also in spend.hold_amounts
  /// is for the caller to see to, in the same transaction.
  virtual void hold(const CounterUse& use, const LiveHold& hold, Atto taken) = 0;
  /// The transaction settles or releases a hold that ends at that time. Its expiry is to be looked at after that: from
  /// here on, what it holds is nobody else's, whatever the time.
  virtual void resolve_hold(const CounterKey& key, std::int64_t hold_id, Timestamp expires_at) = 0;
  /// Whether admit() has locked the counter's row and left the holds to be looked up in their table.
  virtual bool leaves_holds_to_table(const CounterUse& use) = 0;
  /// In the statement: whether `asked` fits below the limit beside what this transaction has already added, `own`. If
  /// so, it is this transaction's until its end, or that of its savepoint.
  virtual Decision admit(const CounterUse& use, Atto own, Atto asked, Atto limit) = 0;
  /// What this transaction has added is this much, whatever the limit says: takes back what admit() has added, or tells
  /// others in time what is recorded anyway.
  virtual void set_own(const CounterUse& use, Atto own) = 0;
  /// After others_in_the_way: waits for one of them. False when patience is at its end.
  virtual bool wait_for_others(const CounterUse& use, Patience& patience) = 0;

  /// At pre-commit, before the commit window: whatever may take time before move().
  virtual void prepare(const CounterUse& use, const CounterDelta& delta) = 0;
  /// At pre-commit, in the commit window, in key order: moves the counter and claims the thresholds that the movement
  /// crosses (see claimed_after). The state before it; nothing when the budget was deleted and the counter with it.
  virtual std::optional<State> move(const CounterUse& use, const CounterDelta& delta) = 0;
  /// The same moment: the state of a prepared counter that is not moved.
  virtual std::optional<State> look(const CounterUse& use) = 0;
  /// After the last move().
  virtual void finish_moves() = 0;

  /// A savepoint level was rolled back, or released: what it had belongs to the level above.
  virtual void at_subabort(int level) = 0;
  virtual void at_subcommit(int level) = 0;
  /// Before PREPARE TRANSACTION. Errors: 0A000 when the transaction has done what COMMIT PREPARED could not finish.
  virtual void require_preparable() const = 0;
  virtual void at_end(TransactionEnd end) = 0;
};

/// The implementation that this transaction uses; chosen at its first use.
Counters& counters();
/// The ends of savepoints and transactions, for the implementation in use if there is one.
void counters_at_subabort(int level);
void counters_at_subcommit(int level);
void require_preparable_counters();
void counters_at_end(TransactionEnd end);

/// The highest threshold that is announced after the counter has moved from `spent` by `amount`; `claimed` if none is
/// crossed.
Atto claimed_after(const CounterUse& use, Atto claimed, Atto spent, Atto amount);

/// What the ledger says about all counters that a budget has in one period.
struct GroupTotals {
  static constexpr std::size_t most_groups = 100'000;
  std::map<Hash128, CounterDelta> sums;  ///< a group without an entry has no rows
  bool complete = true;                  ///< false: there are more groups than are kept here

  CounterDelta of(const Hash128& group) const {
    const auto found = sums.find(group);
    return found == sums.end() ? CounterDelta{} : found->second;
  }
};
/// Sums the rows of the use's period as a state shows them. The use's own group is among the groups, whatever their
/// number.
GroupTotals totals_of_ledger(const CounterUse& use, const LatestState& state);
/// The same without a look at the rollups, which somebody may have spoilt.
GroupTotals totals_from_rows(const CounterUse& use, const LatestState& state);

}  // namespace spend
