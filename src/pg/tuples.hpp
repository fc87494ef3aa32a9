#pragma once

#include "pg/guard.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// Reading and writing the extension's own tables the way the server treats its catalogs: no SPI, no ACL, no caller's
/// snapshot, and no predicate locks, so that no isolation level and no role fails a user's INSERT.

/// One tuple during a scan; valid until the next step.
struct ScannedTuple {
  HeapTuple tuple;
  TupleDesc descriptor;

  Datum get(AttrNumber attribute, bool* is_null) const { return heap_getattr(tuple, attribute, descriptor, is_null); }
};

/// What a scan of the latest committed state treats of the current transaction.
enum class OwnChanges {
  visible,  ///< as the next command would see them
  ignored   ///< as if this transaction had not written anything
};

/// What a scan sees.
class CommittedState {
 public:
  CommittedState(const CommittedState&) = delete;
  CommittedState& operator=(const CommittedState&) = delete;
  Snapshot snapshot() const { return snapshot_; }

 protected:
  explicit CommittedState(Snapshot snapshot) : snapshot_(snapshot) {}
  ~CommittedState() = default;

 private:
  Snapshot snapshot_;
};

/// The committed state of this moment, kept for as long as several scans shall agree on it.
class LatestState : public CommittedState {
 public:
  LatestState(Relation relation, OwnChanges own);
  ~LatestState();
  LatestState(const LatestState&) = delete;
  LatestState& operator=(const LatestState&) = delete;

 private:
  int exceptions_at_start_;
};

using TupleVisitor = bool (*)(void* context, const ScannedTuple& tuple);  ///< false ends the scan

namespace detail {
void scan(Relation relation, const CommittedState& state, TupleVisitor visit, void* context);
void scan_with_in_doubt(Relation relation, const CommittedState& state,
                        void (*visit)(void* context, const ScannedTuple& tuple, TransactionId in_doubt), void* context);
void scan_index(Relation relation, Oid index, const CommittedState& state, ScanKey keys, int key_count,
                TupleVisitor visit, void* context);
void scan_own_index(Relation relation, Oid index, ScanKey keys, int key_count, TupleVisitor visit, void* context);
void scan_places(Relation relation, std::span<const ItemPointerData> places, const LatestState& state,
                 TupleVisitor visit, void* context);
template <typename Visit>
bool visit_with(void* context, const ScannedTuple& tuple) {
  auto& visit = *static_cast<std::remove_reference_t<Visit>*>(context);
  if constexpr (std::is_void_v<decltype(visit(tuple))>) {
    visit(tuple);
    return true;
  } else {
    return visit(tuple);
  }
}
}  // namespace detail

/// Calls visit(ScannedTuple) for every tuple of the table in that state, or until it returns false.
template <typename Visit>
void scan(Relation relation, const CommittedState& state, Visit&& visit) {
  detail::scan(relation, state, detail::visit_with<Visit>, const_cast<void*>(static_cast<const void*>(&visit)));
}

/// The same through an index.
template <typename Visit>
void scan_index(Relation relation, Oid index, const CommittedState& state, std::span<ScanKeyData> keys, Visit&& visit) {
  detail::scan_index(relation, index, state, keys.data(), static_cast<int>(keys.size()), detail::visit_with<Visit>,
                     const_cast<void*>(static_cast<const void*>(&visit)));
}

/// The same of what lies at these places, if anything does.
template <typename Visit>
void scan_places(Relation relation, std::span<const ItemPointerData> places, const LatestState& state, Visit&& visit) {
  detail::scan_places(relation, places, state, detail::visit_with<Visit>,
                      const_cast<void*>(static_cast<const void*>(&visit)));
}

/// Calls visit(ScannedTuple, TransactionId) for every tuple of the table in that state, and for those that transactions
/// in progress at that time had inserted, with the transaction.
template <typename Visit>
void scan_with_in_doubt(Relation relation, const CommittedState& state, Visit&& visit) {
  detail::scan_with_in_doubt(
      relation, state,
      [](void* context, const ScannedTuple& tuple, TransactionId in_doubt) {
        (*static_cast<std::remove_reference_t<Visit>*>(context))(tuple, in_doubt);
      },
      const_cast<void*>(static_cast<const void*>(&visit)));
}

/// Calls visit(ScannedTuple) for every tuple of the table in the latest committed state.
template <typename Visit>
void scan_latest(Relation relation, OwnChanges own, Visit&& visit) {
  scan(relation, LatestState(relation, own), visit);
}

/// The same through an index.
template <typename Visit>
void scan_latest_index(Relation relation, Oid index, OwnChanges own, std::span<ScanKeyData> keys, Visit&& visit) {
  scan_index(relation, index, LatestState(relation, own), keys, visit);
}

/// Calls visit(ScannedTuple) for every tuple, found through the index, that this transaction has made and not taken
/// back, and for every one of others that it has deleted or replaced; own_sign() tells which.
template <typename Visit>
void scan_own_index(Relation relation, Oid index, std::span<ScanKeyData> keys, Visit&& visit) {
  detail::scan_own_index(relation, index, keys.data(), static_cast<int>(keys.size()), detail::visit_with<Visit>,
                         const_cast<void*>(static_cast<const void*>(&visit)));
}
/// The transaction that was deleting or replacing the version when the snapshot was taken; invalid if none was.
TransactionId changing_transaction(HeapTuple tuple, Snapshot snapshot);
/// +1 for a tuple that this transaction has made, -1 for one of others that it has taken away, 0 for any other.
int own_sign(HeapTuple tuple);

enum class IndexKind { btree, hash };

/// The index of `relation`, of that kind, on exactly these columns (or, for an expression-free prefix, starting with
/// them). Errors: XX000.
Oid index_on(Relation relation, std::span<const AttrNumber> columns, IndexKind kind = IndexKind::btree);
/// The same, or InvalidOid when there is none.
Oid index_on_if_any(Relation relation, std::span<const AttrNumber> columns, IndexKind kind = IndexKind::btree);

/// An index on the column, of all rows or of those in which it is not null; InvalidOid when there is none.
Oid index_on_present(Relation relation, AttrNumber column);

/// Finds the live tuple with these key values in a unique index, waiting for a concurrent transaction that is inserting
/// or deleting it, as a unique index would; never raises a serialization failure. A copy in the current context, or
/// nullptr.
HeapTuple find_unique(Relation relation, Oid index, std::span<ScanKeyData> keys);

/// For each of the values, whether the latest committed state or this transaction has a tuple with it as the first
/// column of the index; `equal` is the operator's function.
std::vector<bool> exist_latest(Relation relation, Oid index, RegProcedure equal, const std::vector<Datum>& values);

/// Inserts a tuple and its index entries.
void insert_tuple(Relation relation, Datum* values, bool* nulls);
/// Inserts a tuple into a table without indexes.
void append_tuple(Relation relation, Datum* values, bool* nulls);
/// Inserts many at once: `values` holds the columns of one tuple after the other, all are null in the same columns.
/// Where each was put is stored at `places` if that is given.
void insert_tuples(Relation relation, Datum* values, bool* nulls, std::size_t count, ItemPointer places = nullptr);
/// Inserts under a short lock on the key after looking once more: the tuple that is there afterwards belongs to this
/// transaction exactly if true is returned; false: another transaction was first, look again with find_unique().
bool insert_if_absent(Relation relation, Oid index, std::span<ScanKeyData> keys, std::uint64_t key_hash, Datum* values,
                      bool* nulls);

/// Locks the newest version of a tuple for update, following updates whatever the snapshot says. A copy of that
/// version, or nullptr when the tuple was deleted meanwhile.
HeapTuple lock_latest(Relation relation, ItemPointer tid);
/// Deletes tuples that nobody else deletes or updates meanwhile.
void delete_tuples(Relation relation, std::span<ItemPointerData> tids);
/// Replaces a tuple that this transaction has locked; `tuple` carries the t_self of the version to replace.
void update_locked(Relation relation, HeapTuple tuple, HeapTuple replacement);

}  // namespace spend
