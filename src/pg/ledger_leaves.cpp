#include "pg/ledger_leaves.hpp"

#include "pg/tables.hpp"

extern "C" {
#include "catalog/pg_inherits.h"
}

namespace spend {

std::vector<Oid> leaves_of_ledger() {
  const Oid parent = table_oid(Table::usage);
  List* const leaves = pg_call([&] {
    // Waiting for the lock on a leaf may be waiting for rows to move from it into a leaf that was not listed yet.
    List* locked = find_inheritance_children(parent, AccessShareLock);
    for (;;) {
      List* listed = find_inheritance_children(parent, AccessShareLock);
      if (equal(locked, listed)) {
        return locked;
      }
      locked = listed;
    }
  });
  std::vector<Oid> result;
  ListCell* cell;
  foreach (cell, leaves) {
    result.push_back(lfirst_oid(cell));
  }
  return result;
}

}  // namespace spend
