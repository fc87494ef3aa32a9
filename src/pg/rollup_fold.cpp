// Folding: deltas are summed up in memory, a bounded number of groups at a time, and added to the tables of rollups.

#include "pg/local_days.hpp"
#include "pg/rollup_deltas.hpp"
#include "pg/rollup_table.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

extern "C" {
#include "port/pg_bswap.h"
}

namespace spend {

namespace {

/// What was read of the deltas and is in no table yet.
class Fold {
 public:
  Fold(Datum zone, Timestamp first_quarter)
      : days_(zone), first_quarter_(first_quarter), memory_(static_cast<std::size_t>(maintenance_work_mem) * 1024) {}

  void add(const Delta& delta) {
    if (groups_.memory() + groups_.size() * sizeof(FoldedPart) >= memory_) {
      write();
    }
    const FoldedKey key{delta.key.bucket, delta.key.attribution, delta.key.kind};
    if (!groups_.try_add(key, delta.sums)) {
      write();
      (void)groups_.try_add(key, delta.sums);
    }
  }

  /// Adds all to the tables: to months, what is of more than one quarter hour there to days, and what is so there to
  /// quarter hours.
  void write() {
    std::deque<FoldedGroup> moved;
    std::vector<FoldedPart> parts;
    parts.reserve(groups_.size());
    for (const FoldedGroup& group : groups_.groups()) {
      const DateADT day = days_.of(group.key.bucket);
      parts.push_back(part_of(group, {first_of_month(day), 0}, day));
    }
    std::vector<const FoldedGroup*> handed_down = month_table_.add(parts, groups_, moved);
    parts.clear();
    for (const FoldedGroup* const group : handed_down) {
      const DateADT day = days_.of(group->key.bucket);
      parts.push_back(part_of(*group, {day, floor_to_day(group->key.bucket)}, day));
    }
    handed_down = day_table_.add(parts, groups_, moved);
    parts.clear();
    for (const FoldedGroup* const group : handed_down) {
      if (group->key.bucket >= first_quarter_) {
        parts.push_back(part_of(*group, {group->key.bucket, 0}, 0));
      }
    }
    quarter_table_.add(parts, groups_, moved);
    groups_.clear();
  }

 private:
  static FoldedPart part_of(const FoldedGroup& group, const std::array<std::int64_t, 2>& time, DateADT day) {
    const std::array<std::uint64_t, 2> attribution = words_of(group.key.attribution);
    return {time, day, floor_to_day(group.key.bucket), attribution, words_of(group.key.kind)[0], &group};
  }

  /// They compare as the bytes do.
  static std::array<std::uint64_t, 2> words_of(const Hash128& id) {
    std::array<std::uint64_t, 2> words;
    std::memcpy(words.data(), id.data(), sizeof words);
    return {pg_ntoh64(words[0]), pg_ntoh64(words[1])};
  }

  LocalDays days_;
  Timestamp first_quarter_;
  std::size_t memory_;
  FoldedGroups groups_;
  RollupTable quarter_table_{RollupTable::Grain::quarter};
  RollupTable day_table_{RollupTable::Grain::day};
  RollupTable month_table_{RollupTable::Grain::month};
};

/// The committed deltas of this moment, read and deleted.
class Deltas {
 public:
  Deltas() : table_(Table::rollup_deltas, RowExclusiveLock) {
    pg_call([&] {
      snapshot_ = RegisterSnapshot(GetLatestSnapshot());
      scan_ = table_beginscan(table_.get(), snapshot_, 0, nullptr);
    });
  }

  /// The packed sums of the next row, until the next call; nothing at the end.
  std::optional<std::string_view> take() {
    const HeapTuple tuple = pg_call([&] {
      CHECK_FOR_INTERRUPTS();
      return heap_getnext(scan_, ForwardScanDirection);
    });
    if (tuple == nullptr) {
      return std::nullopt;
    }
    taken_.push_back(tuple->t_self);
    if (taken_.size() == most_kept) {
      delete_taken();
    }
    return packed_of(tuple, table_.descriptor());
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
  Snapshot snapshot_;
  TableScanDesc scan_;
  std::vector<ItemPointerData> taken_;
};

/// Folds so many groups of deltas and what else their last row holds; returns how many there were.
std::int64_t fold_rollups(std::int64_t most, Datum zone, Timestamp first_quarter) {
  const MemoryContext context =
      pg_call([] { return AllocSetContextCreate(CurrentMemoryContext, "pg_spend folding", ALLOCSET_DEFAULT_SIZES); });
  const MemoryContext outer = MemoryContextSwitchTo(context);
  std::int64_t count = 0;
  {
    Fold fold(zone, first_quarter);
    Deltas deltas;
    for (std::optional<std::string_view> packed; count < most && (packed = deltas.take()).has_value();) {
      for_each_delta(*packed, [&](const Delta& delta) {
        fold.add(delta);
        ++count;
      });
    }
    deltas.close();
    fold.write();
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
