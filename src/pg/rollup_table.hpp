#pragma once

#include "pg/rollup_columns.hpp"
#include "pg/sums_by_key.hpp"

extern "C" {
#include "utils/date.h"
}

namespace spend {

/// What the tables of rollups are keyed by: their times, then attribution and kind, in the order of their index.
struct FoldedKey {
  /// Start of the quarter hour; or day of the zone, and day in UTC; or first day of the month. What is not there is 0.
  std::array<std::int64_t, 2> time;
  Hash128 attribution;
  Hash128 kind;
  friend auto operator<=>(const FoldedKey&, const FoldedKey&) = default;
};
std::uint32_t hash_of(const FoldedKey& key);

using FoldedGroup = KeyedSums<FoldedKey>;
using FoldedSums = SumsByKey<FoldedKey>;

/// The groups in the order of their keys.
std::vector<const FoldedGroup*> in_order(const FoldedSums& groups);

/// First day of the month of a day, both in days since 2000.
DateADT first_of_month(DateADT day);

/// One of the tables that deltas are folded into; only for the transaction that folds, under READ COMMITTED. Written as
/// the server writes its catalogs: each group is found through the index and added to, or inserted.
class RollupTable {
 public:
  enum class Grain { quarter, day, month };
  /// Errors: 42P01, 42703 where the extension's SQL is older.
  explicit RollupTable(Grain grain);
  /// Adds these groups, in the order of their keys, each key once.
  void add(std::span<const FoldedGroup* const> groups);

 private:
  static constexpr std::size_t most_key_columns = 4;

  void set_keys(const FoldedKey& key);
  HeapTuple new_row(const FoldedGroup& group);
  HeapTuple sum_of(HeapTuple row, const RollupSums& sums);

  Grain grain_;
  OpenTable table_;
  RollupColumns sums_;
  std::vector<AttrNumber> key_columns_;
  AttrNumber month_column_ = InvalidAttrNumber;  ///< beside the key, of days
  Oid index_;
  std::array<ScanKeyData, most_key_columns> keys_ = {};
  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
};

}  // namespace spend
