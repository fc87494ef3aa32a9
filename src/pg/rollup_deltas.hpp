#pragma once

#include "pg/rollup_groups.hpp"
#include "pg/tables.hpp"

namespace spend {

/// A row of spend.rollup_deltas, or of anything with columns of the same names.
class DeltaTuple {
 public:
  /// Errors: 42703 naming a column that is missing.
  explicit DeltaTuple(TupleDesc descriptor);
  /// Zero sums are NULL: a row has few of the many, and a NULL takes no space. Valid until the next call, as long as
  /// the group is.
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
  struct alignas(int) Image {
    std::array<char, numeric_image_size> bytes;
  };
  std::array<Image, rollup_amount_count> images_;
  AttrNumber bucket_start_, attribution_id_, kind_id_;
  std::array<AttrNumber, rollup_counts.size()> counts_;
  std::array<AttrNumber, rollup_amount_count> amounts_;
};

/// Appends a delta for each group that is not zero. Straight into the heap, whatever role or transaction mode is in
/// force: the table has no index, trigger or constraint that would be passed over.
void append_deltas(const RollupGroups& groups);

}  // namespace spend
