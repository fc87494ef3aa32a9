#pragma once

#include "pg/holds.hpp"
#include "pg/tables.hpp"
#include "pg/tuples.hpp"

namespace spend {

// The rows of spend.hold_amounts.

/// What a hold has set aside, to be given back.
struct HeldAmounts {
  std::vector<ItemPointerData> rows;
  std::vector<std::pair<CounterKey, Timestamp>> counters;  ///< each with the end of what is held of it
};

/// Of spend.hold_amounts, which is open.
HeldAmounts amounts_of(const OpenTable& table, std::int64_t hold_id, const std::vector<ItemPointerData>& places);

/// Stores what a hold sets aside; where the rows were put.
std::vector<ItemPointerData> store_amounts(std::int64_t hold_id, Timestamp expires_at,
                                           std::span<const HoldAmount> amounts);

}  // namespace spend
