#pragma once

#include "core/cost.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// Adds the lines of a cost to a set begun by begin_set(): meter, quantity, rate, per, tier, condition, amount. Nothing
/// for an unpriced usage.
void emit_cost_lines(FunctionCallInfo fcinfo, const Costing& costing);

}  // namespace spend
