// Scans of a whole table, a page at a time.

#include "pg/tuples.hpp"

extern "C" {
#include "storage/bufmgr.h"
}

namespace spend {

namespace {

/// The transaction that had inserted a tuple and was in progress when the snapshot was taken. Not: is in progress now,
/// because one that has committed in between would be neither visible nor in doubt.
TransactionId inserter_in_doubt(HeapTuple tuple, Snapshot snapshot) {
  const HeapTupleHeader header = tuple->t_data;
  const TransactionId xid = HeapTupleHeaderGetXmin(header);
  return TransactionIdIsNormal(xid) && !TransactionIdIsCurrentTransactionId(xid) && XidInMVCCSnapshot(xid, snapshot)
             ? xid
             : InvalidTransactionId;
}

/// What a page has for a scan: tuples that are visible, and those in doubt with their transactions.
struct PageOfTuples {
  struct Found {
    OffsetNumber offset;
    TransactionId in_doubt;
  };
  Buffer buffer = InvalidBuffer;
  int count = 0;
  std::array<Found, MaxHeapTuplesPerPage> found;  // valid up to count

  /// Reads and pins a page. The server's own scans would take predicate locks in a SERIALIZABLE transaction if they
  /// were given the snapshot, and a reader of configuration must not make somebody's INSERT fail; without one they lock
  /// the page for each tuple.
  void read(Relation relation, BlockNumber block, Snapshot snapshot, bool with_in_doubt) {
    buffer = ReadBuffer(relation, block);
    count = 0;
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const Page page = BufferGetPage(buffer);
    const bool all_visible = PageIsAllVisible(page) && !snapshot->takenDuringRecovery;
    const OffsetNumber last = PageGetMaxOffsetNumber(page);
    for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset = OffsetNumberNext(offset)) {
      HeapTupleData tuple;
      if (!get(relation, block, offset, tuple)) {
        continue;
      }
      TransactionId in_doubt = InvalidTransactionId;
      if (!all_visible && !HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer)) {
        in_doubt = with_in_doubt ? inserter_in_doubt(&tuple, snapshot) : InvalidTransactionId;
        if (!TransactionIdIsValid(in_doubt)) {
          continue;
        }
      }
      found[static_cast<std::size_t>(count++)] = {offset, in_doubt};
    }
    LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  }

  /// False where nothing is stored.
  bool get(Relation relation, BlockNumber block, OffsetNumber offset, HeapTupleData& tuple) const {
    const Page page = BufferGetPage(buffer);
    const ItemId item = PageGetItemId(page, offset);
    if (!ItemIdIsNormal(item)) {
      return false;
    }
    tuple.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
    tuple.t_len = ItemIdGetLength(item);
    tuple.t_tableOid = RelationGetRelid(relation);
    ItemPointerSet(&tuple.t_self, block, offset);
    return true;
  }
};

/// Visits what is visible, and what is in doubt if `visit` wants it.
template <typename Visit>
void scan_heap(Relation relation, Snapshot snapshot, bool with_in_doubt, const Visit& visit) {
  PageOfTuples page;
  HeapTupleData tuple;
  const BlockNumber blocks = pg_call([&] { return RelationGetNumberOfBlocks(relation); });
  bool goes_on = true;
  for (BlockNumber block = 0; goes_on && block < blocks; ++block) {
    pg_call([&] {
      CHECK_FOR_INTERRUPTS();
      page.read(relation, block, snapshot, with_in_doubt);
    });
    for (int i = 0; goes_on && i < page.count; ++i) {
      const PageOfTuples::Found& found = page.found[static_cast<std::size_t>(i)];
      page.get(relation, block, found.offset, tuple);
      goes_on = visit(ScannedTuple{&tuple, RelationGetDescr(relation)}, found.in_doubt);
    }
    pg_call([&] { ReleaseBuffer(page.buffer); });
  }
}

}  // namespace

void detail::scan(Relation relation, const CommittedState& state, TupleVisitor visit, void* context) {
  scan_heap(relation, state.snapshot(), false,
            [&](const ScannedTuple& tuple, TransactionId) { return visit(context, tuple); });
}

void detail::scan_with_in_doubt(Relation relation, const CommittedState& state,
                                void (*visit)(void* context, const ScannedTuple& tuple, TransactionId in_doubt),
                                void* context) {
  scan_heap(relation, state.snapshot(), true, [&](const ScannedTuple& tuple, TransactionId in_doubt) {
    visit(context, tuple, in_doubt);
    return true;
  });
}

}  // namespace spend
