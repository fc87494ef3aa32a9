#pragma once

#include "pg/prelude.hpp"

namespace spend {

class UsageRow;
struct PricingData;

/// Prices a row whose price is plain (core/plain_price.hpp) and of which there is nothing more to say than "priced", as
/// of nearly all: the same as the whole way would set. False, and nothing is set, for any other row. The row has no
/// reported cost.
bool price_plainly(UsageRow& row, const PricingData& pricing);

}  // namespace spend
