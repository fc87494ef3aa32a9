#pragma once

#include "core/attribution.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// The dictionary spend.attributions: id → dimension values. Append-only and without a unique key: two writers that
/// meet a new combination at once both append it, and nobody waits or fails (a unique key would under REPEATABLE READ).

/// The id of these values; they are remembered for find_dimensions() to the end of the transaction.
Hash128 remember_attribution(Dimensions dimensions);
/// Keeps what find_dimensions() has found in memory to the end of the transaction.
void keep_attribution(const Hash128& id);
/// Appends the combination to the dictionary unless it is known to be there. Called for stored rows only.
void store_attribution(const Hash128& id);
/// The values under an id: from memory, else from the dictionary; null when it has none. Valid until the next call of
/// any of these functions.
const Dimensions* find_dimensions(const Hash128& id);

/// Forgets what a rolled back (sub)transaction added. `level` is the nesting level that ends.
void attributions_at_abort(int level);
void attributions_at_subcommit(int level);
void attributions_at_commit();

}  // namespace spend
