#pragma once

#include "pg/journal.hpp"

namespace spend {

/// State of the running transaction. Everything in it ends with the transaction; at a savepoint's end the callbacks
/// of accounting_flush keep it true.
struct Accounting {
  Journal journal;
  /// The budgets that were known at the first accounted row: for a budget that was not, the reject check looks back
  /// into the journal.
  std::shared_ptr<const BudgetSet> first_budgets;
  /// Own movement of reject counters, per savepoint level.
  struct Level {
    int nesting;
    CounterMap<Atto> own;
  };
  std::vector<Level> reject_levels;
  /// Totals of budgets that this very transaction created, by period: nobody else knows them, so nothing is stored or
  /// locked.
  std::map<CounterKey, GroupTotals> private_totals;
  /// What holds set aside of the reject counters that this transaction has locked: nobody else can add to it, and what
  /// is given back meanwhile is seen before a row is refused.
  CounterMap<Atto> held;
  /// Reject counters that rows of the running command will need, and what keeps the budgets alive that it points into.
  CounterMap<CounterUse> expected;
  std::shared_ptr<const BudgetSet> expected_from;

  void clear() {
    journal.clear();
    first_budgets.reset();
    reject_levels.clear();
    private_totals.clear();
    held.clear();
    expected.clear();
    expected_from.reset();
  }
};
extern Accounting accounting;

/// Whether an entry of the journal is a second count of rows that the budget has counted in the same period already.
bool is_counted_already(const Budget& budget, const Journal::Entry& entry);

}  // namespace spend
