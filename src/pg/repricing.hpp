#pragma once

#include "pg/prelude.hpp"

namespace spend {

class UsageRow;

/// Whether the two versions of a row differ in cost, list cost or currency.
bool money_differs(const UsageRow& before, const UsageRow& after);

/// Prices `after`, a copy of `before`, with today's prices; a cost is never replaced by none. Returns whether the money
/// differs. Errors: as price_usage_row().
bool reprice_row(const UsageRow& before, UsageRow& after);

}  // namespace spend
