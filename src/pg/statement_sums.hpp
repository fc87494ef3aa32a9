#pragma once

#include <set>

#include "pg/local_days.hpp"
#include "pg/rollup.hpp"
#include "pg/rollup_deltas.hpp"
#include "pg/rollup_table.hpp"
#include "pg/tuples.hpp"

namespace spend {

/// What the statement that asks sees of the ledger's sums. Read by the server's own scans, under the statement's
/// snapshot, so that all holds that its isolation level promises.

/// A row of a table of sums; valid until the next.
struct StoredSums {
  DateADT day;  ///< of the table of months: that of the quarter hour of a row all of which is of one
  bool has_day;
  Hash128 attribution, kind;
  const Datum* values;
  const bool* nulls;
};

/// A table of sums.
class StoredRows {
 public:
  /// `key`: the first column of its key, a date.
  StoredRows(Table table, const char* key) : table_(table, AccessShareLock), columns_(table_.descriptor()) {
    const std::array<AttrNumber, 1> indexed = {table_.column(key)};
    index_ = index_on(table_.get(), indexed);
  }

  /// Calls visit(const StoredSums&) for each row whose key is from the first day on and before the other one, or until
  /// it returns false.
  template <typename Visit>
  void for_each(DateADT first, DateADT end, Visit&& visit) const {
    struct Opened {
      Relation index;
      IndexScanDesc scan;
      TupleTableSlot* slot;
    };
    std::array<ScanKeyData, 2> keys;
    const Opened opened = pg_call([&] {
      ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, F_DATE_GE, DateADTGetDatum(first));
      ScanKeyInit(&keys[1], 1, BTLessStrategyNumber, F_DATE_LT, DateADTGetDatum(end));
      Opened result;
      result.index = index_open(index_, AccessShareLock);
      result.slot = table_slot_create(table_.get(), nullptr);
      result.scan = begin_index_scan(table_.get(), result.index, GetActiveSnapshot(), keys.data(), 2);
      return result;
    });
    for (;;) {
      const bool found = pg_call([&] {
        CHECK_FOR_INTERRUPTS();
        if (!index_getnext_slot(opened.scan, ForwardScanDirection, opened.slot)) {
          return false;
        }
        slot_getallattrs(opened.slot);
        return true;
      });
      if (!found) {
        break;
      }
      const Datum* const values = opened.slot->tts_values;
      const bool* const nulls = opened.slot->tts_isnull;
      const auto at = [&](AttrNumber column) { return values[static_cast<std::size_t>(column - 1)]; };
      const bool has_day = !nulls[static_cast<std::size_t>(day_ - 1)];
      if (!visit(StoredSums{has_day ? DatumGetDateADT(at(day_)) : 0, has_day, uuid_bytes(at(attribution_id_)),
                            uuid_bytes(at(kind_id_)), values, nulls})) {
        break;
      }
    }
    pg_call([&] {
      index_endscan(opened.scan);
      ExecDropSingleTupleTableSlot(opened.slot);
      index_close(opened.index, AccessShareLock);
    });
  }

  const RollupColumns& columns() const { return columns_; }

 private:
  OpenTable table_;
  RollupColumns columns_;
  AttrNumber day_ = table_.column("usage_date");
  AttrNumber attribution_id_ = table_.column("attribution_id");
  AttrNumber kind_id_ = table_.column("kind_id");
  Oid index_;
};

/// The first day of the month after that of a day.
inline DateADT next_month(DateADT first_day) {
  return first_of_month(first_day + 31);
}

/// Adds the first days of the months of which the table of months has rows.
void add_stored_months(std::set<DateADT>& months);

/// What is in no rollup yet.
class Unfolded {
 public:
  explicit Unfolded(Datum zone) : days_(zone) {}

  /// Calls visit(day, delta) for each group: of what others have committed and this transaction has written, and of
  /// what it will append.
  template <typename Visit>
  void for_each(Visit&& visit) {
    const OpenTable table(Table::rollup_deltas, AccessShareLock);
    TableScanDesc scan = pg_call([&] { return table_beginscan(table.get(), GetActiveSnapshot(), 0, nullptr); });
    for (;;) {
      const HeapTuple tuple = pg_call([&] {
        CHECK_FOR_INTERRUPTS();
        return heap_getnext(scan, ForwardScanDirection);
      });
      if (tuple == nullptr) {
        break;
      }
      for_each_delta(packed_of(tuple, table.descriptor()),
                     [&](const Delta& delta) { visit(days_.of(delta.key.bucket), delta); });
    }
    pg_call([&] { table_endscan(scan); });
    for (const RollupGroups* const groups : pending_rollups()) {
      groups->for_each([&](const RollupGroup& group) {
        const Delta delta = {{group.key.bucket, group.key.attribution, group.key.kind->id}, group.sums.all()};
        visit(days_.of(group.key.bucket), delta);
      });
    }
  }

 private:
  LocalDays days_;
};

}  // namespace spend
