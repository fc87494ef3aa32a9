#include "pg/statement_sums.hpp"

namespace spend {

void add_stored_months(std::set<DateADT>& months) {
  // Looks for the first, and from each for the next.
  const OpenTable table(Table::rollup_months, AccessShareLock);
  const std::array<AttrNumber, 1> key = {table.column("usage_month")};
  const Oid index_oid = index_on(table.get(), key);
  struct Opened {
    Relation index;
    IndexScanDesc scan;
    TupleTableSlot* slot;
  };
  ScanKeyData after;
  const Opened opened = pg_call([&] {
    ScanKeyInit(&after, 1, BTGreaterStrategyNumber, F_DATE_GT, DateADTGetDatum(DATEVAL_NOBEGIN));
    Opened result;
    result.index = index_open(index_oid, AccessShareLock);
    result.slot = table_slot_create(table.get(), nullptr);
    result.scan = begin_index_scan(table.get(), result.index, GetActiveSnapshot(), &after, 1);
    return result;
  });
  while (pg_call([&] { return index_getnext_slot(opened.scan, ForwardScanDirection, opened.slot); })) {
    bool is_null;
    const Datum month = pg_call([&] { return slot_getattr(opened.slot, key[0], &is_null); });
    months.insert(DatumGetDateADT(month));
    after.sk_argument = month;
    pg_call([&] { index_rescan(opened.scan, &after, 1, nullptr, 0); });
  }
  pg_call([&] {
    index_endscan(opened.scan);
    ExecDropSingleTupleTableSlot(opened.slot);
    index_close(opened.index, AccessShareLock);
  });
}

}  // namespace spend
