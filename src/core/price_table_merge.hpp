#pragma once

#include "core/price_table.hpp"

namespace spend {

/// A rate card with overrides: where both have a price of one SKU (compared by normalised text) for the same time, that
/// of `overrides` holds, and what the base says before and after stays. Errors: limit_exceeded (see PriceTable).
Result<PriceTable> merge(const PriceTable& base, const PriceTable& overrides);

}  // namespace spend
