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

/// The period of a budget at a time.
Period period_of(const Budget& budget, Timestamp at);
/// The counter that a row of a matching attribution moves at that time.
CounterUse use_of(const BudgetMatch& match, Timestamp at);

/// The counters that a row moves under one budget, none if the row is outside its validity: that of the time when it
/// occurred, and if it is enforced at another time, too, that of this time where it is another one.
boost::container::static_vector<CounterUse, 2> uses_of(const BudgetMatch& match, Timestamp occurred_at,
                                                       const std::optional<Timestamp>& enforced_at);

/// The one interface of budget counters: the rows are the truth, a counter is a cache of what they say. All calls may
/// wait for other transactions and may raise (cancel, for one).
class Counters {
 public:
  struct State {
    Atto spent = 0;            ///< what is committed and stored, without the running transaction's own rows
    Atto claimed_percent = 0;  ///< highest threshold already announced
  };
  virtual ~Counters() = default;

  /// What is committed and stored, taking nothing and making nothing.
  virtual Atto total(const CounterUse& use) = 0;
  /// Makes sure the counter exists for everybody, loading it from the rows if it is new.
  virtual void prepare(const CounterUse& use) = 0;
  /// In the statement: takes the counter for this transaction and returns its total. Call in key order; repeating is
  /// free.
  virtual Atto reserve(const CounterUse& use) = 0;
  /// At pre-commit, in key order: the counter's state, nobody else can change it from here. Nothing when its budget was
  /// deleted and the counter with it.
  virtual std::optional<State> lock(const CounterUse& use) = 0;
  /// Adds to a locked counter and records the highest announced threshold.
  virtual void store(const CounterUse& use, const CounterDelta& delta, Atto claimed_percent) = 0;

  /// A savepoint level was rolled back (its locks are gone) or released (they belong to the level above).
  virtual void at_subabort(int level) = 0;
  virtual void at_subcommit(int level) = 0;
  virtual void at_end() = 0;
};

/// The implementation in use.
Counters& counters();

/// What committed rows say about all counters that a budget has in one period.
struct GroupTotals {
  static constexpr std::size_t most_groups = 100'000;
  std::map<Hash128, CounterDelta> sums;  ///< a group without an entry has no rows
  bool complete = true;                  ///< false: there are more groups than are kept here

  CounterDelta of(const Hash128& group) const {
    const auto found = sums.find(group);
    return found == sums.end() ? CounterDelta{} : found->second;
  }
};
/// Sums the rows of the use's period as if the running transaction had not written any. The use's own group is among
/// the groups, whatever their number.
GroupTotals totals_from_rows(const CounterUse& use);

}  // namespace spend
