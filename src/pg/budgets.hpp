#pragma once

#include <string>
#include <vector>

#include "core/byte_cache.hpp"
#include "core/scope.hpp"
#include "core/scope_key.hpp"
#include "pg/attributions.hpp"
#include "pg/commit_horizon.hpp"
#include "pg/numeric.hpp"
#include "pg/period.hpp"
#include "pg/prelude.hpp"
#include "pg/usage_row.hpp"

namespace spend {

enum class OnExceeded { alert, halt, reject };
enum class Measure { cost, tokens, calls };

/// The amount of a budget from a time on.
struct DatedAmount {
  Timestamp valid_from;
  Atto amount;
};

/// A change of the limit of one group, or of all, for a time.
struct LimitOverride {
  std::int64_t override_id = 0;
  bool replaces = false;  ///< the amount; otherwise adds to it
  Atto amount = 0;
  Period valid;
};

/// One row of spend.budgets with the defaults of spend.settings filled in.
struct Budget {
  std::int64_t budget_id = 0;
  std::string name;
  Scope scope;
  std::vector<std::string> group_by;
  /// Those of the dimensions it tests or groups by that are row dimensions; sorted.
  std::vector<std::string> row_dimensions;
  Measure measure = Measure::cost;
  Atto fallback_at = 0;             ///< percent of the limit from which on the gate proposes fallback_model
  std::string fallback_model = {};  ///< "" for none
  /// A call that asks for more needs somebody's approval.
  std::optional<Atto> approval_above = {};
  Atto amount = 0;                   ///< of one period; what a counter may hold says limit_of()
  std::vector<DatedAmount> amounts;  ///< ascending; from each one's time on instead of `amount`
  bool has_overrides = false;
  /// Whether the limit may be another than `amount`.
  bool has_other_limits() const { return has_overrides || !amounts.empty(); }
  /// What limit_of() has read of them, by group.
  mutable std::map<Hash128, std::vector<LimitOverride>> overrides = {};
  std::string currency;  ///< of the amount; "" for tokens and calls
  PeriodRule period;
  Period valid;                  ///< rows outside are not covered; bounds stand on quarter hours
  std::vector<Atto> thresholds;  ///< percent of the limit at which an alert fires, ascending
  OnExceeded on_exceeded = OnExceeded::halt;
  std::string owner;
  std::string cost_center;
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

/// The budgets of the database as of one moment. There may be a million of them: what is known beforehand is which
/// kinds of scope there are, and a budget is read when an attribution is met that it may cover. Pointers to budgets are
/// valid as long as the set.
class BudgetSet {
 public:
  BudgetSet(std::vector<ScopeKind> kinds, std::shared_ptr<const DimensionRegistry> registry, CommitHorizon seen);

  bool empty() const { return kinds_.empty(); }
  /// Those that cover an attribution, by budget_id: the order in which the counters of one row are locked. It remembers
  /// them; copy the pointer to keep the answer across anything that may read rows.
  const std::shared_ptr<const std::vector<BudgetMatch>>& matching(Attribution& attribution) const;
  /// What a row of this attribution is counted under: the attribution itself, unless a budget that may cover it asks
  /// for row dimensions; then one that has these in addition. Kept to the end of the transaction, as its base is.
  Attribution& refine(const UsageRow& row, Attribution& attribution) const;
  /// The same for a passing look: nothing when it is the attribution itself.
  std::optional<Attribution> refined(const UsageRow& row, Attribution& attribution) const;
  /// False when budgets of this set ask for row dimensions of the attribution's rows that nobody looked at when these
  /// were accounted: matching() leaves those budgets out.
  bool knows_rows_of(Attribution& attribution) const;
  /// Null when there is none.
  const Budget* find(std::int64_t budget_id) const;
  /// Whether the budget, of a later set, had its present meaning when this set was made.
  bool saw(const Budget& budget) const;
  /// How much of the database's budgets the set keeps in memory.
  std::size_t remembered() const { return budgets_.size() + found_.size(); }

 private:
  struct Kind {
    ScopeKind dimensions;
    std::vector<std::string> row_dimensions;
    bool is_keyed_by_row = false;  ///< some of the key's dimensions are row dimensions
  };

  /// What matching() says of all attributions that are alike in what budgets look at.
  struct Answer {
    std::shared_ptr<const std::vector<BudgetMatch>> matches;
    std::vector<std::string> needed_of_row;
  };

  std::string_view looked_at_in(const Attribution& attribution) const;
  bool looks_at_all_of(const Budget& budget) const;
  const std::vector<const Budget*>& under(const Kind& kind, std::int64_t hash) const;
  bool may_cover(const Budget& budget, const Dimensions& dimensions) const;
  const std::vector<std::string>& needed_of_row(Attribution& attribution) const;

  std::uint64_t number_;  ///< no two sets of one backend have the same
  std::vector<Kind> kinds_;
  std::vector<std::string> dimensions_;  ///< of all kinds, sorted
  std::shared_ptr<const DimensionRegistry> registry_;
  CommitHorizon seen_;
  mutable std::unordered_map<std::int64_t, std::unique_ptr<const Budget>> budgets_;  ///< null: there is none
  mutable std::map<std::pair<const Kind*, std::int64_t>, std::vector<const Budget*>> found_;
  mutable ByteCache<Answer> answers_{16'384, 4 * 1024 * 1024};
};

/// Copy the pointer to keep the set across the next call.
const std::shared_ptr<const BudgetSet>& budget_set();
/// Whether a budget that is valid in a time covers usage of an attribution, by its dimensions alone; false for one that
/// the dictionary lacks.
bool has_budget(const Hash128& attribution, const Period& time);
/// At the end of a transaction: a backend that has met very many budgets starts over.
void bound_budget_set();

/// Whether the current role may see this budget's figures: the extension's owner, an admin, or a reader whose scope
/// covers it.
bool may_see_figures(const Budget& budget);

/// What one row contributes to the budgets that cover it.
struct RowFacts {
  Timestamp occurred_at = 0;
  std::optional<Timestamp> enforced_at = {};  ///< when budgets count it a second time; see uses_of()
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
