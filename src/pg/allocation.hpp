#pragma once

#include "core/allocation.hpp"
#include "pg/prelude.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// spend.allocation_rules as they are now, replaced after a change of the table.
struct KnownAllocationRules {
  AllocationRules rules;
  std::uint64_t version = 0;               ///< no two sets of rules in this backend have the same
  std::vector<Timestamp> changed_at = {};  ///< when rules were written or withdrawn, sorted
};
/// The version that the current statement applies: every row of one command is attributed by the same.
const std::shared_ptr<const KnownAllocationRules>& allocation_rules_of_command();
/// The rules that were on record at a time.
std::shared_ptr<const AllocationRules> allocation_rules_on_record(Timestamp at);

/// Facts of a row that are no rolled-up dimensions, but may be known to rules: registered tags and columns that are not
/// rolled up, row_dimension_columns without ids, and the model.
bool is_allocation_fact(std::string_view name);

/// What the row says itself of its rolled-up dimensions and of the facts that the rules ask for.
Dimensions allocation_facts(const UsageRow& row, const AllocationRules& rules);
/// What remains of facts: the rolled-up dimensions.
Dimensions rolled_up_of(const Dimensions& facts);

}  // namespace spend
