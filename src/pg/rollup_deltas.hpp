#pragma once

#include "core/packed_sums.hpp"
#include "pg/rollup_columns.hpp"
#include "pg/rollup_groups.hpp"
#include "pg/values.hpp"

namespace spend {

/// Sums of one group as a row of spend.rollup_quarters, or of anything with columns of the same names.
class DeltaTuple {
 public:
  /// Errors: 42703 naming a column that is missing.
  explicit DeltaTuple(TupleDesc descriptor);
  /// Valid until the next call, as long as what was given is.
  void set(Timestamp bucket, const Hash128& attribution, const Hash128& kind, const RollupSums& sums);
  Datum* values() { return values_.data(); }
  bool* nulls() { return nulls_.get(); }

 private:
  void put(AttrNumber attribute, Datum value);

  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
  RollupColumns sums_;
  AttrNumber bucket_start_, attribution_id_, kind_id_;
};

/// One group of a delta.
struct Delta {
  SumsKey key;
  RollupSums sums;
};

/// Calls visit(const Delta&) for each group of packed sums. Errors: 22P03 for what no transaction has written.
template <typename Visit>
void for_each_delta(std::string_view packed, Visit&& visit) {
  SumsUnpacker unpacker(packed);
  Delta delta;
  for (;;) {
    const Result<bool> found = unpacker.next(delta.key, delta.sums.counts, delta.sums.amounts);
    if (!found.ok()) {
      raise(found.error());
    }
    if (!*found) {
      return;
    }
    visit(static_cast<const Delta&>(delta));
  }
}

/// What a row of spend.rollup_deltas holds, as long as the tuple.
std::string_view packed_of(HeapTuple tuple, TupleDesc descriptor);

/// Appends the groups that are not zero to spend.rollup_deltas, packed. Straight into the heap, whatever role or
/// transaction mode is in force: the table has no index, trigger or constraint that would be passed over.
void append_deltas(const RollupGroups& groups);

}  // namespace spend
