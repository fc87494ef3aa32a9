#include "pg/own_rows.hpp"

#include "pg/ledger_leaves.hpp"
#include "pg/tuples.hpp"

namespace spend {

namespace {

void visit_leaf(Oid leaf, const Period& range, const std::function<void(const UsageRow&, int)>& visit) {
  const Relation relation = pg_call([&] { return table_open(leaf, AccessShareLock); });
  const UsageColumns& columns = usage_columns(relation);
  const std::array<AttrNumber, 1> key_columns = {columns.occurred_at};
  const Oid index = index_on(relation, key_columns);
  std::array<ScanKeyData, 2> keys;
  pg_call([&] {
    ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE, TimestampTzGetDatum(range.start));
    ScanKeyInit(&keys[1], 1, BTLessStrategyNumber, F_TIMESTAMPTZ_LT, TimestampTzGetDatum(range.end));
  });
  scan_own_index(relation, index, keys, [&](const ScannedTuple& scanned) {
    const UsageRow row(scanned.tuple, scanned.descriptor, columns);
    if (row.is_counted()) {
      visit(row, own_sign(scanned.tuple));
    }
  });
  pg_call([&] { table_close(relation, NoLock); });
}

}  // namespace

void for_each_own_row(const Period& range, const std::function<void(const UsageRow&, int sign)>& visit) {
  for (const Oid leaf : leaves_of_ledger()) {
    visit_leaf(leaf, range, visit);
  }
}

}  // namespace spend
