#pragma once

#include <functional>

#include "pg/period.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// Calls visit(row, +1) for the rows of the ledger that this transaction has written and not taken back, and
/// visit(row, -1) for those of others that it has deleted or replaced, if they occurred in the range. The row is valid
/// during the call.
void for_each_own_row(const Period& range, const std::function<void(const UsageRow&, int sign)>& visit);

}  // namespace spend
