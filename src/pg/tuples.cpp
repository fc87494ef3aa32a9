#include "pg/tuples.hpp"

#include "pg/own_locks.hpp"

extern "C" {
#include "access/heaptoast.h"
#include "access/relscan.h"
#include "storage/bufmgr.h"
}

namespace spend {

namespace {

/// The latest committed state. Not the transaction's snapshot: a cache loaded through that would stay stale for ever in
/// a REPEATABLE READ transaction, and a counter would miss what others have committed.
Snapshot latest_snapshot(Relation relation, OwnChanges own) {
  Snapshot snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(relation)));
  if (own == OwnChanges::ignored) {
    // Inserts of this transaction have cmin >= 0 and so are invisible, its deletions not yet done.
    snapshot->curcid = FirstCommandId;
  }
  return snapshot;
}

bool is_visible(HeapTuple tuple, Snapshot snapshot, Buffer buffer) {
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  const bool visible = HeapTupleSatisfiesVisibility(tuple, snapshot, buffer);
  LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  return visible;
}

}  // namespace

LatestState::LatestState(Relation relation, OwnChanges own)
    : CommittedState(pg_call([&] { return latest_snapshot(relation, own); })),
      exceptions_at_start_(std::uncaught_exceptions()) {}

LatestState::~LatestState() {
  if (std::uncaught_exceptions() == exceptions_at_start_) {  // otherwise the abort lets go of it
    UnregisterSnapshot(snapshot());
  }
}

namespace {

/// Visits what accepts(tuple, buffer) of the tuples, dead or alive, that an index finds.
template <typename Accepts>
void visit_through_index(Relation relation, Oid index, ScanKey keys, int key_count, Accepts&& accepts,
                         TupleVisitor visit, void* context) {
  struct Opened {
    Relation index;
    IndexScanDesc scan;
    TupleTableSlot* slot;
  };
  const Opened opened = pg_call([&] {
    Opened result;
    result.index = index_open(index, AccessShareLock);
    result.slot = table_slot_create(relation, nullptr);
    result.scan = begin_index_scan(relation, result.index, SnapshotAny, keys, key_count);
    return result;
  });
  for (;;) {
    const HeapTuple tuple = pg_call([&]() -> HeapTuple {
      while (index_getnext_slot(opened.scan, ForwardScanDirection, opened.slot)) {
        CHECK_FOR_INTERRUPTS();
        HeapTuple candidate = ExecFetchSlotHeapTuple(opened.slot, false, nullptr);
        if (accepts(candidate, reinterpret_cast<BufferHeapTupleTableSlot*>(opened.slot)->buffer)) {
          return candidate;
        }
      }
      return nullptr;
    });
    if (tuple == nullptr || !visit(context, ScannedTuple{tuple, RelationGetDescr(relation)})) {
      break;
    }
  }
  pg_call([&] {
    index_endscan(opened.scan);
    ExecDropSingleTupleTableSlot(opened.slot);
    index_close(opened.index, AccessShareLock);
  });
}

}  // namespace

void detail::scan_index(Relation relation, Oid index, const CommittedState& state, ScanKey keys, int key_count,
                        TupleVisitor visit, void* context) {
  visit_through_index(
      relation, index, keys, key_count,
      [&](HeapTuple tuple, Buffer buffer) { return is_visible(tuple, state.snapshot(), buffer); }, visit, context);
}

void detail::scan_own_index(Relation relation, Oid index, ScanKey keys, int key_count, TupleVisitor visit,
                            void* context) {
  visit_through_index(
      relation, index, keys, key_count,
      [](HeapTuple tuple, Buffer buffer) {
        LockBuffer(buffer, BUFFER_LOCK_SHARE);
        const int sign = own_sign(tuple);
        LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
        return sign != 0;
      },
      visit, context);
}

void detail::scan_places(Relation relation, std::span<const ItemPointerData> places, const LatestState& state,
                         TupleVisitor visit, void* context) {
  TupleTableSlot* const slot = pg_call([&] { return table_slot_create(relation, nullptr); });
  const BlockNumber blocks = pg_call([&] { return RelationGetNumberOfBlocks(relation); });
  for (ItemPointerData place : places) {
    const HeapTuple tuple = pg_call([&]() -> HeapTuple {
      if (!ItemPointerIsValid(&place) || ItemPointerGetBlockNumber(&place) >= blocks ||
          !table_tuple_fetch_row_version(relation, &place, SnapshotAny, slot)) {
        return nullptr;
      }
      HeapTuple found = ExecFetchSlotHeapTuple(slot, false, nullptr);
      return is_visible(found, state.snapshot(), reinterpret_cast<BufferHeapTupleTableSlot*>(slot)->buffer) ? found
                                                                                                            : nullptr;
    });
    if (tuple != nullptr && !visit(context, ScannedTuple{tuple, RelationGetDescr(relation)})) {
      break;
    }
  }
  pg_call([&] { ExecDropSingleTupleTableSlot(slot); });
}

TransactionId changing_transaction(HeapTuple tuple, Snapshot snapshot) {
  return pg_call([&] {
    const HeapTupleHeader header = tuple->t_data;
    if ((header->t_infomask & HEAP_XMAX_INVALID) != 0 || HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask)) {
      return InvalidTransactionId;
    }
    const TransactionId xid = HeapTupleHeaderGetUpdateXid(header);
    return !TransactionIdIsCurrentTransactionId(xid) && XidInMVCCSnapshot(xid, snapshot) ? xid : InvalidTransactionId;
  });
}

int own_sign(HeapTuple tuple) {
  const HeapTupleHeader header = tuple->t_data;
  const bool is_made = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(header));
  const bool is_gone = (header->t_infomask & HEAP_XMAX_INVALID) == 0 && !HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
                       TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header));
  return is_made == is_gone ? 0 : is_made ? 1 : -1;
}

namespace {

/// One look with a dirty snapshot. `wait_for` is set to a transaction that must end before the answer is known.
HeapTuple look_dirty(Relation relation, Relation index, ScanKey keys, int key_count, TransactionId* wait_for) {
  SnapshotData dirty;
  InitDirtySnapshot(dirty);
  *wait_for = InvalidTransactionId;
  TupleTableSlot* slot = table_slot_create(relation, nullptr);
  IndexScanDesc scan = begin_index_scan(relation, index, &dirty, keys, key_count);
  HeapTuple found = nullptr;
  while (found == nullptr && index_getnext_slot(scan, ForwardScanDirection, slot)) {
    if (TransactionIdIsValid(dirty.xmin)) {
      *wait_for = dirty.xmin;
      break;
    }
    // dirty.xmax: being deleted or updated or merely locked by another transaction. The tuple is still the live one.
    found = ExecCopySlotHeapTuple(slot);
  }
  index_endscan(scan);
  ExecDropSingleTupleTableSlot(slot);
  return found;
}

/// The same with a snapshot of this moment.
HeapTuple look_committed(Relation relation, Relation index, ScanKey keys, int key_count) {
  Snapshot snapshot = latest_snapshot(relation, OwnChanges::visible);
  TupleTableSlot* slot = table_slot_create(relation, nullptr);
  // Any tuple is fetched and then tested: an MVCC snapshot given to the scan would take predicate locks.
  IndexScanDesc scan = begin_index_scan(relation, index, SnapshotAny, keys, key_count);
  HeapTuple found = nullptr;
  while (found == nullptr && index_getnext_slot(scan, ForwardScanDirection, slot)) {
    HeapTuple candidate = ExecFetchSlotHeapTuple(slot, false, nullptr);
    if (is_visible(candidate, snapshot, reinterpret_cast<BufferHeapTupleTableSlot*>(slot)->buffer)) {
      found = ExecCopySlotHeapTuple(slot);
    }
  }
  index_endscan(scan);
  ExecDropSingleTupleTableSlot(slot);
  UnregisterSnapshot(snapshot);
  return found;
}

/// The live tuple, or the transaction to wait for, or neither.
HeapTuple look(Relation relation, Relation index, ScanKey keys, int key_count, TransactionId* wait_for) {
  HeapTuple found = look_dirty(relation, index, keys, key_count, wait_for);
  if (found == nullptr && !TransactionIdIsValid(*wait_for)) {
    // A dirty scan can miss a tuple that is updated beside it: it reads the index before the new version has its entry
    // and the heap after the old version is dead. A snapshot taken now sees one of the two.
    found = look_committed(relation, index, keys, key_count);
  }
  return found;
}

}  // namespace

HeapTuple find_unique(Relation relation, Oid index_oid, std::span<ScanKeyData> keys) {
  return pg_call([&] {
    Relation index = index_open(index_oid, AccessShareLock);
    HeapTuple found;
    for (;;) {
      CHECK_FOR_INTERRUPTS();
      TransactionId wait_for;
      found = look(relation, index, keys.data(), static_cast<int>(keys.size()), &wait_for);
      if (!TransactionIdIsValid(wait_for)) {
        break;
      }
      XactLockTableWait(wait_for, relation, nullptr, XLTW_None);
    }
    index_close(index, NoLock);
    return found;
  });
}

std::vector<bool> exist_latest(Relation relation, Oid index_oid, RegProcedure equal, const std::vector<Datum>& values) {
  auto found = std::make_unique<bool[]>(values.size());
  pg_call([&] {
    const Snapshot snapshot = latest_snapshot(relation, OwnChanges::visible);
    Relation index = index_open(index_oid, AccessShareLock);
    TupleTableSlot* slot = table_slot_create(relation, nullptr);
    ScanKeyData key;
    ScanKeyInit(&key, 1, BTEqualStrategyNumber, equal, static_cast<Datum>(0));
    IndexScanDesc scan = begin_index_scan(relation, index, SnapshotAny, &key, 1);
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK_FOR_INTERRUPTS();
      key.sk_argument = values[i];
      index_rescan(scan, &key, 1, nullptr, 0);
      while (!found[i] && index_getnext_slot(scan, ForwardScanDirection, slot)) {
        found[i] = is_visible(ExecFetchSlotHeapTuple(slot, false, nullptr), snapshot,
                              reinterpret_cast<BufferHeapTupleTableSlot*>(slot)->buffer);
      }
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, AccessShareLock);
    UnregisterSnapshot(snapshot);
  });
  return std::vector<bool>(found.get(), found.get() + values.size());
}

void insert_tuple(Relation relation, Datum* values, bool* nulls) {
  pg_call([&] {
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);
    CatalogTupleInsert(relation, tuple);
    heap_freetuple(tuple);
  });
}

void append_tuple(Relation relation, Datum* values, bool* nulls) {
  pg_call([&] {
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);
    heap_insert(relation, tuple, GetCurrentCommandId(true), 0, nullptr);
    heap_freetuple(tuple);
  });
}

namespace {

/// A slot for each tuple of a batch takes time, too.
constexpr std::size_t worth_a_batch = 4;

/// A page of tuples is one record in the log. Sets t_self; the tuples are the slots' from then on. Precondition: none
/// of them is so long that values of it would be stored out of line.
TupleTableSlot** insert_batch(Relation relation, HeapTuple* tuples, std::size_t count, CatalogIndexState indexes) {
  auto** const slots = static_cast<TupleTableSlot**>(palloc(count * sizeof(TupleTableSlot*)));
  for (std::size_t i = 0; i < count; ++i) {
    slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsHeapTuple);
    ExecStoreHeapTuple(tuples[i], slots[i], true);
  }
  CatalogTuplesMultiInsertWithInfo(relation, slots, static_cast<int>(count), indexes);
  return slots;
}

}  // namespace

void insert_tuples(Relation relation, Datum* values, bool* nulls, std::size_t count, ItemPointer places) {
  if (count == 0) {
    return;
  }
  pg_call([&] {
    const TupleDesc descriptor = RelationGetDescr(relation);
    const auto width = static_cast<std::size_t>(descriptor->natts);
    auto* const tuples = static_cast<HeapTuple*>(palloc(count * sizeof(HeapTuple)));
    bool are_short = true;
    for (std::size_t i = 0; i < count; ++i) {
      tuples[i] = heap_form_tuple(descriptor, values + i * width, nulls);
      are_short = are_short && tuples[i]->t_len <= TOAST_TUPLE_THRESHOLD;
    }
    CatalogIndexState indexes = CatalogOpenIndexes(relation);
    // The server's function for many does not say where it put a tuple with values out of line.
    TupleTableSlot** const slots =
        are_short && count >= worth_a_batch ? insert_batch(relation, tuples, count, indexes) : nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      if (slots == nullptr) {
        CatalogTupleInsertWithInfo(relation, tuples[i], indexes);
      }
      if (places != nullptr) {
        places[i] = tuples[i]->t_self;
      }
      if (slots == nullptr) {
        heap_freetuple(tuples[i]);
      } else {
        ExecDropSingleTupleTableSlot(slots[i]);
      }
    }
    CatalogCloseIndexes(indexes);
  });
}

bool insert_if_absent(Relation relation, Oid index_oid, std::span<ScanKeyData> keys, std::uint64_t key_hash,
                      Datum* values, bool* nulls) {
  return pg_call([&] {
    // The lock is held across a look and an insert only, never across a wait, so it cannot take part in a deadlock; a
    // collision of hashes merely makes two inserts follow each other.
    const LOCKTAG tag = own_lock(OwnLock::key, static_cast<uint32>(key_hash >> 32) ^ RelationGetRelid(relation),
                                 static_cast<uint32>(key_hash));
    (void)LockAcquire(&tag, ExclusiveLock, false, false);
    Relation index = index_open(index_oid, AccessShareLock);
    TransactionId wait_for;
    HeapTuple found = look(relation, index, keys.data(), static_cast<int>(keys.size()), &wait_for);
    const bool absent = found == nullptr && !TransactionIdIsValid(wait_for);
    if (absent) {
      HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);
      CatalogTupleInsert(relation, tuple);
      heap_freetuple(tuple);
    }
    index_close(index, NoLock);
    LockRelease(&tag, ExclusiveLock, false);
    return absent;
  });
}

HeapTuple lock_latest(Relation relation, ItemPointer tid) {
  return pg_call([&]() -> HeapTuple {
    TupleTableSlot* slot = table_slot_create(relation, nullptr);
    TM_FailureData failure;
    ItemPointerData at = *tid;
    const TM_Result result =
        table_tuple_lock(relation, &at, SnapshotAny, slot, GetCurrentCommandId(true), LockTupleNoKeyExclusive,
                         LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
    HeapTuple locked = nullptr;
    switch (result) {
      case TM_Ok:
        locked = ExecCopySlotHeapTuple(slot);
        break;
      case TM_Deleted:
        break;
      case TM_Invisible:
      case TM_SelfModified:
      case TM_Updated:
      case TM_BeingModified:
      case TM_WouldBlock:
        elog(ERROR, "unexpected result %d of locking a row of \"spend.%s\"", static_cast<int>(result),
             RelationGetRelationName(relation));
    }
    ExecDropSingleTupleTableSlot(slot);
    return locked;
  });
}

void delete_tuples(Relation relation, std::span<ItemPointerData> tids) {
  pg_call([&] {
    for (ItemPointerData& tid : tids) {
      CHECK_FOR_INTERRUPTS();
      CatalogTupleDelete(relation, &tid);
    }
    CommandCounterIncrement();
  });
}

void update_locked(Relation relation, HeapTuple tuple, HeapTuple replacement) {
  pg_call([&] {
    replacement->t_self = tuple->t_self;
    CatalogTupleUpdate(relation, &replacement->t_self, replacement);
    // The next change of the same row in this transaction must not meet its own uncommitted version as "self-modified".
    CommandCounterIncrement();
  });
}

}  // namespace spend
