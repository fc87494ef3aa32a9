#pragma once

#include "pg/counters.hpp"

namespace spend {

/// Sums what rows contribute to the counters of one budget in one period by group, up to a number of groups.
class GroupSums {
 public:
  /// `own_group_only`: the rows come from an index that finds those of the use's own group only.
  GroupSums(const CounterUse& use, bool own_group_only, GroupTotals& totals)
      : use_(use), own_group_only_(own_group_only), totals_(totals) {
    totals_.complete = !own_group_only;
  }

  /// Whether a row of that time belongs to the counter. (Beside a clock that is set back by half an hour, the hours
  /// overlap.) Says the same of all times of a quarter hour.
  bool contains(Timestamp at) const {
    return use_.period.contains(at) && use_.budget->valid.contains(at) &&
           period_of(*use_.budget, at).start == use_.period.start;
  }

  /// Whether a row that is enforced then belongs to it for that.
  bool contains_enforced(Timestamp occurred_at, Timestamp enforced_at) const {
    return contains(enforced_at) && !counts_once(*use_.budget, occurred_at, enforced_at);
  }

  void add(const UsageRow& row);

  /// Where what belongs to an attribution is added; nullptr when the budget does not cover it, or nobody asked for its
  /// group and there are too many. Stays in its place. Only for budgets without row dimensions.
  CounterDelta* sums_of(const Dimensions& dimensions);

 private:
  const CounterUse& use_;
  bool own_group_only_;
  GroupTotals& totals_;
};

}  // namespace spend
