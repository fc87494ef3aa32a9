#include "pg/group_sums.hpp"

namespace spend {

CounterDelta* GroupSums::sums_of(const Dimensions& dimensions) {
  if (!use_.budget->scope.matches(dimensions)) {
    return nullptr;
  }
  const Hash128 group = group_key(use_.budget->group_by, dimensions).hash;
  if (group != use_.group->hash && own_group_only_) {
    return nullptr;
  }
  if (totals_.sums.size() >= GroupTotals::most_groups && group != use_.group->hash && !totals_.sums.contains(group)) {
    totals_.complete = false;
    return nullptr;
  }
  return &totals_.sums[group];
}

void GroupSums::add(const UsageRow& row) {
  const Budget& budget = *use_.budget;
  const Attribution& attribution = attribution_of(row);
  CounterDelta* sums;
  if (budget.row_dimensions.empty()) {
    sums = sums_of(attribution.dimensions);
  } else {
    Dimensions dimensions = attribution.dimensions;
    for (const std::string& name : budget.row_dimensions) {
      dimensions.set_normalised(name, row.row_dimension(name));
    }
    sums = sums_of(dimensions);
  }
  if (sums != nullptr) {
    const Movement movement = movement_of(budget, facts_of(row));
    *sums += CounterDelta{movement.amount, 1, movement.unpriced ? 1 : 0};
  }
}

}  // namespace spend
