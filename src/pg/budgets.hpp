#pragma once

#include <string>
#include <vector>

#include "core/scope.hpp"
#include "pg/attributions.hpp"
#include "pg/numeric.hpp"
#include "pg/period.hpp"
#include "pg/prelude.hpp"
#include "pg/usage_row.hpp"

namespace spend {

enum class OnExceeded { alert, halt, reject };
enum class Measure { cost, tokens, calls };

/// One row of spend.budgets with the defaults of spend.settings filled in.
struct Budget {
  std::int64_t budget_id = 0;
  std::string name;
  Scope scope;
  std::vector<std::string> group_by;
  Measure measure = Measure::cost;
  Atto amount = 0;       ///< of one period; what a counter may hold says limit_of()
  std::string currency;  ///< of the amount; "" for tokens and calls
  PeriodKind period = PeriodKind::month;
  std::string time_zone;
  Period valid;                  ///< rows outside are not covered; bounds stand on quarter hours
  std::vector<Atto> thresholds;  ///< percent of the limit at which an alert fires, ascending
  OnExceeded on_exceeded = OnExceeded::halt;
  bool denies_unpriced = true;
  std::int32_t generation = 0;  ///< spend.budgets.generation with the settings' defaults mixed in
  /// Full transaction id that gave the budget its present meaning (scope, period, ...): the counters start from rows.
  std::uint64_t redefined_by = 0;

  /// True for every counter that is locked in the statement and not at pre-commit.
  bool locks_in_statement() const { return on_exceeded == OnExceeded::reject; }
  /// Created or redefined by the transaction that is running: nobody else knows it, so its counters are not stored yet.
  bool is_own_uncommitted() const;
};

/// One budget that covers an attribution, with the group that the attribution falls into.
struct BudgetMatch {
  const Budget* budget;
  std::shared_ptr<const GroupKey> group;
};

/// All budgets of the database by budget_id.
class BudgetSet {
 public:
  explicit BudgetSet(std::vector<Budget> budgets);
  const std::vector<Budget>& budgets() const { return budgets_; }
  /// Those that cover an attribution, in the same order. It remembers them; keep the answer, not a reference into it.
  std::shared_ptr<const std::vector<BudgetMatch>> matching(Attribution& attribution) const;

 private:
  std::uint64_t number_;  ///< no two sets of one backend have the same
  std::vector<Budget> budgets_;
};

std::shared_ptr<const BudgetSet> budget_set();

/// Whether the current role may see this budget's figures: the extension's owner, an admin, or a reader whose scope
/// covers it.
bool may_see_figures(const Budget& budget);

/// What one row contributes to the budgets that cover it.
struct RowFacts {
  Timestamp occurred_at = 0;
  bool is_priced = false;
  Atto cost = 0;
  std::string_view currency;  ///< read in place: valid as long as the row
  Atto tokens = 0;            ///< input + output
};
RowFacts facts_of(const UsageRow& row);
/// The attribution of a stored row: the dictionary's, or that of its columns when it has no entry. Valid as with
/// find_attribution().
Attribution& attribution_of(const UsageRow& row);

/// The change of one budget's counter by a row; `unpriced` when the row cannot be expressed in the budget's measure.
struct Movement {
  Atto amount = 0;
  bool unpriced = false;
};
Movement movement_of(const Budget& budget, const RowFacts& facts);

}  // namespace spend
