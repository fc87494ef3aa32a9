#pragma once

#include "pg/rollup_columns.hpp"
#include "pg/rollup_groups.hpp"

namespace spend {

/// A row of spend.rollup_deltas, or of anything with columns of the same names.
class DeltaTuple {
 public:
  /// Errors: 42703 naming a column that is missing.
  explicit DeltaTuple(TupleDesc descriptor);
  /// Valid until the next call, as long as the group is.
  void set(const RollupGroup& group);
  Datum* values() { return values_.data(); }
  bool* nulls() { return nulls_.get(); }
  /// How many columns there are up to the last that is not NULL.
  AttrNumber length() const { return length_; }

 private:
  void put(AttrNumber attribute, Datum value);

  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
  AttrNumber length_ = 0;
  RollupColumns sums_;
  AttrNumber bucket_start_, attribution_id_, kind_id_;
};

/// A row of spend.rollup_deltas as it is read.
struct Delta {
  Timestamp bucket;
  Hash128 attribution;
  Hash128 kind;
  RollupSums sums;
};

class DeltaReader {
 public:
  explicit DeltaReader(TupleDesc descriptor);
  /// Valid until the next call. Errors: out_of_range for sums that no transaction has written.
  const Delta& read(HeapTuple tuple);

 private:
  TupleDesc descriptor_;
  RollupColumns sums_;
  AttrNumber bucket_start_, attribution_id_, kind_id_;
  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
  Delta delta_;
};

/// Appends a delta for each group that is not zero. Straight into the heap, whatever role or transaction mode is in
/// force: the table has no index, trigger or constraint that would be passed over.
void append_deltas(const RollupGroups& groups);

}  // namespace spend
