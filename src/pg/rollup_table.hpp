#pragma once

#include <deque>

#include "pg/folded_groups.hpp"
#include "pg/rollup_columns.hpp"
#include "pg/tuple_prefixes.hpp"

extern "C" {
#include "utils/date.h"
}

namespace spend {

/// The sums of a quarter hour, and where they go in a table.
struct FoldedPart {
  /// What the table is keyed by, before attribution and kind: start of the quarter hour; or day of the zone, and day in
  /// UTC; or first day of the month. What is not there is 0.
  std::array<std::int64_t, 2> time;
  DateADT day, utc_day;
  /// In the order of the ids: what tells keys apart lies beside the pointer. The kind by its first bytes.
  std::array<std::uint64_t, 2> attribution;
  std::uint64_t kind;
  const FoldedGroup* group;
};

/// First day of the month of a day, both in days since 2000.
DateADT first_of_month(DateADT day);

/// One of the tables that deltas are folded into; only for the transaction that folds, under READ COMMITTED. Written as
/// the server writes its catalogs: each row is found through the index and added to, or inserted.
///
/// A row of days or months all of which is of one quarter hour says which, and there are no rows of it in the tables of
/// finer grain: where most groups are of one call, one row is written for each, not three. When another quarter hour
/// comes, the first is handed down with it.
class RollupTable {
 public:
  enum class Grain { quarter, day, month };
  /// Errors: 42P01, 42703 where the extension's SQL is older.
  explicit RollupTable(Grain grain);
  /// Adds these parts, and puts them into the order of their keys. Returns those of which the tables of finer grain are
  /// to have rows, too; what rows held before that is among them, and is kept in `moved`, with sums of `groups`.
  std::vector<const FoldedGroup*> add(std::vector<FoldedPart>& parts, FoldedGroups& groups,
                                      std::deque<FoldedGroup>& moved);

 private:
  static constexpr std::size_t most_key_columns = 4;

  using Run = std::span<const FoldedPart>;

  void put(AttrNumber attribute, Datum value);
  void set_key(const FoldedPart& part);
  bool has_one_quarter() const { return bucket_column_ != InvalidAttrNumber && !is_null(bucket_column_); }
  bool is_null(AttrNumber attribute) const { return nulls_[static_cast<std::size_t>(attribute - 1)]; }
  void set_quarter(const FoldedPart& part);
  void clear_quarter();
  HeapTuple form();
  HeapTuple new_row(Run run);
  HeapTuple changed_row(HeapTuple row, Run run, FoldedGroups& groups, std::deque<FoldedGroup>& moved,
                        std::vector<const FoldedGroup*>& handed_down);
  void add_sums(Run run);

  Grain grain_;
  OpenTable table_;
  RollupColumns sums_;
  TuplePrefixes prefixes_;
  std::vector<AttrNumber> key_columns_;
  AttrNumber month_column_ = InvalidAttrNumber;                                     ///< beside the key, of days
  AttrNumber bucket_column_ = InvalidAttrNumber;                                    ///< of days and months
  AttrNumber day_column_ = InvalidAttrNumber, utc_day_column_ = InvalidAttrNumber;  ///< of the quarter hour of months
  Oid index_;
  std::array<ScanKeyData, most_key_columns> keys_ = {};
  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
};

}  // namespace spend
