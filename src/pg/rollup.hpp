#pragma once

#include "pg/rollup_groups.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// Rollups: sums of the ledger by quarter hour, attribution and kind of usage. A transaction sums up its rows in memory
/// and appends one delta for each group to spend.rollup_deltas when it commits, or as soon as there are many groups.
/// Nobody else writes what it writes, so writers never wait for each other; spend.maintain() folds deltas into the
/// rollups, and views read both.

/// AFTER ROW: a row that was stored (sign +1) or that is gone (-1).
void rollup_row(const UsageRow& row, int sign);

/// What this transaction will append when it commits, one element for each open savepoint that wrote rows. Valid until
/// the next row.
std::vector<const RollupGroups*> pending_rollups();

/// Registers the transaction callbacks that write and forget; from _PG_init.
void watch_rollups();

}  // namespace spend
