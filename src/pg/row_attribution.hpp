#pragma once

#include "pg/attributions.hpp"
#include "pg/prelude.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// To which attribution a row belongs: what it says of its dimensions, and what the allocation rules that are valid at
/// its time add. The row's columns keep what was sent.

/// The attribution that registry and rules of this moment give the row; it stays in memory, in its place, to the end of
/// the transaction.
Attribution& attribution_now(const UsageRow& row);
/// Sets the row's attribution_id to that.
Attribution& attribute(UsageRow& row);
/// BEFORE ROW of an UPDATE: the same if anything changed that the attribution depends on, else the row keeps the one it
/// has. History does not change because rules do.
void attribute_update(const UsageRow& before, UsageRow& after);

/// The dimensions under which a row is attributed: of its attribution, or what it says itself when it has none yet.
Dimensions attributed_dimensions(const UsageRow& row);

}  // namespace spend
