#pragma once

#include "pg/tables.hpp"
#include "pg/tuples.hpp"

namespace spend {

/// Tables that transactions append movements to at their pre-commit, and that one folder at a time empties into totals.
/// Appending is insert_tuple(), which meets nobody; whoever wants totals reads them together with what is not folded
/// yet, under one snapshot. Such a table has no index, trigger, foreign key or row-level security.

/// Makes this transaction the one that folds the table; false when another one is at it.
bool try_become_folder(Table table);

/// Calls visit(ScannedTuple) for at most so many rows that are committed, and deletes them. Returns how many there
/// were. What the caller makes of them must be written in the same transaction, so that a reader's snapshot has either
/// the rows or the totals. Only for the folder.
template <typename Visit>
std::size_t drain(Relation relation, std::size_t most, Visit&& visit) {
  std::vector<ItemPointerData> drained;
  {
    const LatestState state(relation, OwnChanges::visible);
    scan(relation, state, [&](const ScannedTuple& row) {
      visit(row);
      drained.push_back(row.tuple->t_self);
      return drained.size() < most;
    });
  }
  delete_tuples(relation, drained);
  return drained.size();
}

}  // namespace spend
