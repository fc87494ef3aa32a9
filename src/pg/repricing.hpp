#pragma once

#include "pg/prelude.hpp"

namespace spend {

class UsageRow;

/// Whether the rows that are being updated are re-rated by spend.reprice(). The row triggers cannot be told by the
/// UPDATE itself, whose say on computed columns they ignore, nor by a setting, which anybody could set: only code of
/// this library can begin a re-rating.
bool is_repricing();

/// Prices `after`, a copy of `before`, with today's prices; a cost is never replaced by none. Returns whether the money
/// differs. Errors: as price_usage_row().
bool reprice_row(const UsageRow& before, UsageRow& after);

/// AFTER ROW of a re-rated row: the ledger entry with what it cost and what it costs now.
void record_adjustment(const UsageRow& before, const UsageRow& after);

}  // namespace spend
