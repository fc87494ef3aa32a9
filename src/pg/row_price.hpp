#pragma once

#include "pg/prelude.hpp"

namespace spend {

class UsageRow;
struct Attribution;

/// Whether a row without a price is worth a WARNING (one per connection and model).
enum class MissingPrice { warn, quiet };

/// Sets the pricing columns of a row (cost, list_cost, currency, price_id, pricing_status, pricing_reason) from the
/// prices of the running command, each row at its own time. No price is an outcome, not an error. Errors: 22023 and
/// 22003 for a quantity or reported_cost that none can be.
void price_usage_row(UsageRow& row, MissingPrice missing);

}  // namespace spend
