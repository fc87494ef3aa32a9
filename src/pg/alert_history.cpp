#include "pg/alert_history.hpp"

#include "pg/own_locks.hpp"
#include "pg/tables.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// The table of locks is shared by all.
constexpr int most_reserved = 50;
int reserved = 0;

}  // namespace

bool was_announced(const CounterUse& use, const EarlierAlert& alert) {
  const OpenTable table(Table::alerts, AccessShareLock);
  struct {
    AttrNumber budget_id, period_start, group_hash, event, percent, amount, created_at;
  } const at = {table.column("budget_id"), table.column("period_start"),      table.column("group_hash"),
                table.column("event"),     table.column("threshold_percent"), table.column("amount"),
                table.column("created_at")};
  const std::array<AttrNumber, 3> columns = {at.budget_id, at.period_start, at.group_hash};
  const Datum group = uuid_datum(use.group->hash);
  std::array<ScanKeyData, 3> keys;
  pg_call([&] {
    ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(use.budget->budget_id));
    ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_TIMESTAMPTZ_EQ, TimestampTzGetDatum(use.period.start));
    ScanKeyInit(&keys[2], 3, BTEqualStrategyNumber, F_UUID_EQ, group);
  });
  bool found = false;
  scan_latest_index(table.get(), index_on(table.get(), columns), OwnChanges::visible, keys,
                    [&](const ScannedTuple& row) {
                      bool is_null;
                      if (text_of(row.get(at.event, &is_null)) != alert.event ||
                          DatumGetTimestampTz(row.get(at.created_at, &is_null)) < alert.since ||
                          (alert.limit.has_value() && numeric_to_atto(row.get(at.amount, &is_null)) != *alert.limit)) {
                        return true;
                      }
                      const Datum percent = row.get(at.percent, &is_null);
                      found = !alert.percent.has_value() || (!is_null && numeric_to_atto(percent) == *alert.percent);
                      return !found;
                    });
  return found;
}

bool reserve_announcement(const CounterUse& use, std::string_view event) {
  if (reserved >= most_reserved) {
    return false;
  }
  std::string name(event);
  name.append(reinterpret_cast<const char*>(use.group->hash.data()), use.group->hash.size());
  for (const std::int64_t part : {use.budget->budget_id, use.period.start}) {
    name.append(reinterpret_cast<const char*>(&part), sizeof part);
  }
  std::uint64_t hash;
  const Hash128 digest = content_hash(name);
  std::memcpy(&hash, digest.data(), sizeof hash);
  const LOCKTAG tag = own_lock(OwnLock::announcement, hash);
  const bool is_ours = pg_call([&] { return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL; });
  reserved += is_ours ? 1 : 0;
  return is_ours;
}

void forget_reserved_announcements() {
  reserved = 0;
}

}  // namespace spend
