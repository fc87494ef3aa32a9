#include "pg/shared_counters.hpp"
#include "pg/shared_memory.hpp"
#include "pg/tables.hpp"

// Which implementation a transaction uses.

namespace spend {

namespace {

Counters* in_use = nullptr;
/// Nesting level at which it was chosen; 0: the lock that choose() took went with a savepoint.
int locked_at = 0;

/// Which implementation this transaction uses. Whoever uses memory holds a weak lock on the deltas until its end, as
/// everybody does who writes there; so one who finds that counters have become rows (another version of the library is
/// at the memory) can wait for those who did not know.
Counters& choose() {
  static std::optional<SharedCounters> shared;
  static TableCounters rows(true, [] { return std::uint32_t{0}; });
  static bool has_passed_others = false;
  const Oid deltas = table_oid(Table::counter_deltas);
  if (shared_counter_table() != nullptr) {
    pg_call([&] { LockRelationOid(deltas, RowExclusiveLock); });
    if (SharedCounterTable* const table = shared_counter_table()) {
      if (!shared.has_value()) {
        shared.emplace(*table);
      }
      return *shared;
    }
    pg_call([&] { UnlockRelationOid(deltas, RowExclusiveLock); });
  }
  if (counters_were_shared() && !has_passed_others) {
    pg_call([&] {
      LockRelationOid(deltas, ShareLock);
      UnlockRelationOid(deltas, ShareLock);
    });
    has_passed_others = true;
  }
  return rows;
}

}  // namespace

Counters& counters() {
  if (in_use == nullptr || locked_at == 0) {
    Counters& chosen = choose();
    // Nothing is left of what it did at levels that are gone.
    if (in_use != nullptr && in_use != &chosen) {
      in_use->at_end(TransactionEnd::aborted);
    }
    in_use = &chosen;
    locked_at = GetCurrentTransactionNestLevel();
  }
  return *in_use;
}

SharedCounters* shared_counters() {
  return dynamic_cast<SharedCounters*>(&counters());
}

void counters_at_subabort(int level) {
  if (in_use != nullptr) {
    in_use->at_subabort(level);
    if (locked_at >= level) {
      locked_at = 0;
    }
  }
}

void counters_at_subcommit(int level) {
  if (in_use != nullptr) {
    in_use->at_subcommit(level);
    locked_at = std::min(locked_at, level - 1);
  }
}

void require_preparable_counters() {
  if (in_use != nullptr) {
    in_use->require_preparable();
  }
}

void counters_at_end(TransactionEnd end) {
  if (in_use != nullptr) {
    in_use->at_end(end);
    in_use = nullptr;
  }
}

}  // namespace spend
