// Folding: deltas are summed up in memory, a bounded number of groups at a time, and added to the tables of rollups.

#include "pg/rollup_deltas.hpp"
#include "pg/rollup_table.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// What was read of the deltas and is in no table yet.
class Fold {
 public:
  Fold(Datum zone, Timestamp first_quarter) : zone_(zone), first_quarter_(first_quarter) {
    const std::size_t memory = static_cast<std::size_t>(maintenance_work_mem) * 1024;
    most_groups_ = std::max<std::size_t>(memory / (grains * sizeof(FoldedGroup)), 1000);
  }

  void add(const Delta& delta) {
    if (quarters_.size() >= most_groups_) {
      write();
    }
    const FoldedKey key{{delta.bucket, 0}, delta.attribution, delta.kind};
    if (!quarters_.at(key).try_add(delta.sums)) {
      write();
      quarters_.at(key).add(delta.sums);
    }
  }

  /// Adds all to the tables.
  void finish() {
    write();
    write(days_, day_table_);
    write(months_, month_table_);
  }

 private:
  static constexpr std::size_t grains = 3;

  static DateADT floor_to_day(Timestamp at) {
    const Timestamp days = at / USECS_PER_DAY;
    return static_cast<DateADT>(at % USECS_PER_DAY < 0 ? days - 1 : days);
  }

  /// The day in which a quarter hour begins on the clocks of the zone.
  DateADT day_of(Timestamp bucket) {
    if (bucket != known_bucket_) {
      const Timestamp local = pg_call(
          [&] { return DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, zone_, TimestampTzGetDatum(bucket))); });
      known_bucket_ = bucket;
      known_day_ = floor_to_day(local);
    }
    return known_day_;
  }

  /// Adds the quarter hours to their table, and to their days and months. Those wait in memory for more: the fewer
  /// times a row of a table is written, the better.
  void write() {
    const std::vector<const FoldedGroup*> ordered = in_order(quarters_);
    const auto recent = std::partition_point(
        ordered.begin(), ordered.end(), [&](const FoldedGroup* group) { return group->key.time[0] < first_quarter_; });
    quarter_table_.add({recent, ordered.end()});
    for (const FoldedGroup* const group : ordered) {
      const DateADT day = day_of(group->key.time[0]);
      const auto utc_day = static_cast<std::int64_t>(floor_to_day(group->key.time[0]));
      const FoldedKey in_day{{day, utc_day}, group->key.attribution, group->key.kind};
      add(days_, day_table_, in_day, group->sums);
      const FoldedKey in_month{{first_of_month(day), 0}, group->key.attribution, group->key.kind};
      add(months_, month_table_, in_month, group->sums);
    }
    quarters_.clear();
  }

  void add(FoldedSums& groups, RollupTable& table, const FoldedKey& key, const RollupSums& sums) const {
    if (groups.size() >= most_groups_) {
      write(groups, table);
    }
    if (!groups.at(key).try_add(sums)) {
      write(groups, table);
      groups.at(key).add(sums);
    }
  }

  static void write(FoldedSums& groups, RollupTable& table) {
    table.add(in_order(groups));
    groups.clear();
  }

  Datum zone_;
  Timestamp first_quarter_;
  std::size_t most_groups_;
  Timestamp known_bucket_ = timestamp_min;
  DateADT known_day_ = 0;
  FoldedSums quarters_, days_, months_;
  RollupTable quarter_table_{RollupTable::Grain::quarter};
  RollupTable day_table_{RollupTable::Grain::day};
  RollupTable month_table_{RollupTable::Grain::month};
};

/// The committed deltas of this moment, read and deleted.
class Deltas {
 public:
  Deltas() : table_(Table::rollup_deltas, RowExclusiveLock), reader_(table_.descriptor()) {
    pg_call([&] {
      snapshot_ = RegisterSnapshot(GetLatestSnapshot());
      scan_ = table_beginscan(table_.get(), snapshot_, 0, nullptr);
    });
  }

  /// The next delta, until the next call; or nullptr.
  const Delta* take() {
    const HeapTuple tuple = pg_call([&] {
      CHECK_FOR_INTERRUPTS();
      return heap_getnext(scan_, ForwardScanDirection);
    });
    if (tuple == nullptr) {
      return nullptr;
    }
    taken_.push_back(tuple->t_self);
    if (taken_.size() == most_kept) {
      delete_taken();
    }
    return &reader_.read(tuple);
  }

  /// After an error the end of the transaction closes them.
  void close() {
    delete_taken();
    pg_call([&] {
      table_endscan(scan_);
      UnregisterSnapshot(snapshot_);
    });
  }

 private:
  static constexpr std::size_t most_kept = 10'000;

  void delete_taken() {
    delete_tuples(table_.get(), taken_);
    taken_.clear();
  }

  OpenTable table_;
  DeltaReader reader_;
  Snapshot snapshot_;
  TableScanDesc scan_;
  std::vector<ItemPointerData> taken_;
};

/// Folds at most so many deltas; returns how many there were.
std::int64_t fold_rollups(std::int64_t most, Datum zone, Timestamp first_quarter) {
  const MemoryContext context =
      pg_call([] { return AllocSetContextCreate(CurrentMemoryContext, "pg_spend folding", ALLOCSET_DEFAULT_SIZES); });
  const MemoryContext outer = MemoryContextSwitchTo(context);
  std::int64_t count = 0;
  {
    Fold fold(zone, first_quarter);
    Deltas deltas;
    for (const Delta* delta; count < most && (delta = deltas.take()) != nullptr; ++count) {
      fold.add(*delta);
    }
    deltas.close();
    fold.finish();
  }
  MemoryContextSwitchTo(outer);
  pg_call([&] { MemoryContextDelete(context); });
  return count;
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_fold_rollups) {
  return Int64GetDatum(spend::fold_rollups(PG_GETARG_INT64(0), PG_GETARG_DATUM(1), PG_GETARG_TIMESTAMPTZ(2)));
}
