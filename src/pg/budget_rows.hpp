#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "pg/budgets.hpp"

namespace spend {

/// Reading budgets and what belongs to them from their tables: the latest committed state, and what this transaction
/// has done to it.

/// Null when there is no such budget.
std::unique_ptr<const Budget> read_budget(std::int64_t budget_id, const DimensionRegistry& registry);
/// The same as its own row defines it: without amounts, overrides and epoch.
std::unique_ptr<Budget> read_budget_row(std::int64_t budget_id, const DimensionRegistry& registry);
/// Every budget, in no order, as its own row defines it: without amounts, overrides and epoch.
void for_each_budget(const DimensionRegistry& registry, const std::function<void(const Budget&)>& visit);

/// The kinds of scope that there are budgets of.
std::vector<ScopeKind> read_scope_kinds();
/// The budgets under a hash of a kind: those that the kind's key finds; what else they test is not looked at.
std::vector<std::int64_t> read_budgets_under(const ScopeKind& kind, std::int64_t hash);

/// Overrides of one group of a budget; a group of zeros: of all its groups.
std::vector<LimitOverride> read_overrides(std::int64_t budget_id, const Hash128& group);

/// Elements of an array of a configuration table. Errors: 22004 for a null among them.
std::vector<Datum> array_elements(Datum array, Oid type, int length, bool by_value, char alignment);

}  // namespace spend
