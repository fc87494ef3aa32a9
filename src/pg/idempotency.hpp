#pragma once

#include "pg/usage_row.hpp"

namespace spend {

/// Claims (source, idempotency_key) of a new row in spend.usage_keys. True: the row is new. False: the same fact was
/// recorded before and the row is to be skipped; if its payload differs, that is recorded in spend.usage_conflicts.
/// Waits for a concurrent transaction that claims the same key, as a unique index would.
bool claim_idempotency_key(const UsageRow& row);

}  // namespace spend
