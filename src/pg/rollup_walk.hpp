#pragma once

#include "pg/folded_groups.hpp"
#include "pg/tuples.hpp"

namespace spend {

/// A walk over an index in the order of its keys, for rows that were there before. The next key is mostly a few entries
/// away: looking at those costs less than coming down from the root again.
class RollupWalk {
 public:
  /// The keys are those of the first columns of the index up to the attribution, which is asked for from there on.
  RollupWalk(Relation relation, Oid index, std::span<ScanKeyData> keys) : keys_(keys) {
    pg_call([&] {
      CommandCounterIncrement();
      snapshot_ = RegisterSnapshot(GetLatestSnapshot());
      index_ = index_open(index, AccessShareLock);
      slot_ = table_slot_create(relation, nullptr);
      scan_ = begin_index_scan(relation, index_, snapshot_, keys_.data(), static_cast<int>(keys_.size()));
      scan_->xs_want_itup = true;
    });
  }
  /// The row with this key, in its page until the next call; or nullptr. Calls are in the order of keys; the first of
  /// each time is to say so.
  HeapTuple find(const FoldedKey& key, bool is_new_time) {
    return pg_call([&]() -> HeapTuple {
      CHECK_FOR_INTERRUPTS();
      bool has_come_down = is_new_time;
      if (is_new_time) {
        come_down();
      }
      for (int steps = 0; is_at_entry_ && before(key); ++steps) {
        if (steps == most_steps && !has_come_down) {
          has_come_down = true;
          come_down();
        } else {
          next();
        }
      }
      for (; is_at_entry_ && is_at(key); next()) {
        if (index_fetch_heap(scan_, slot_)) {
          return ExecFetchSlotHeapTuple(slot_, false, nullptr);
        }
      }
      return nullptr;
    });
  }
  /// After an error the end of the transaction closes them.
  void close() {
    pg_call([&] {
      index_endscan(scan_);
      ExecDropSingleTupleTableSlot(slot_);
      index_close(index_, AccessShareLock);
      UnregisterSnapshot(snapshot_);
    });
  }

 private:
  static constexpr int most_steps = 16;

  void come_down() {
    index_rescan(scan_, keys_.data(), static_cast<int>(keys_.size()), nullptr, 0);
    next();
  }
  void next() {
    is_at_entry_ = index_getnext_tid(scan_, ForwardScanDirection) != nullptr;
    if (is_at_entry_) {
      read(static_cast<int>(keys_.size()), attribution_);
      read(static_cast<int>(keys_.size()) + 1, kind_);
    }
  }
  void read(int attribute, Hash128& id) {
    bool is_null;
    const Datum value = index_getattr(scan_->xs_itup, attribute, scan_->xs_itupdesc, &is_null);
    if (!is_null) {
      std::memcpy(id.data(), DatumGetUUIDP(value), id.size());
    }
  }
  bool before(const FoldedKey& key) const {
    return std::tie(attribution_, kind_) < std::tie(key.attribution, key.kind);
  }
  bool is_at(const FoldedKey& key) const { return attribution_ == key.attribution && kind_ == key.kind; }

  std::span<ScanKeyData> keys_;
  Snapshot snapshot_;
  Relation index_;
  TupleTableSlot* slot_;
  IndexScanDesc scan_;
  bool is_at_entry_ = false;
  Hash128 attribution_, kind_;  ///< of the entry
};

}  // namespace spend
