#pragma once

#include "pg/rollup_sums.hpp"
#include "pg/tables.hpp"

namespace spend {

/// Where a table of rollups, or of deltas, has its sums. A sum that is zero is NULL there: a row has few of the many,
/// and a NULL takes no space.
class RollupColumns {
 public:
  /// Errors: 42703 naming a column that is missing.
  explicit RollupColumns(TupleDesc descriptor);

  /// Calls put(AttrNumber, Datum) for each sum that is not zero. The datums are valid until the next call, as long as
  /// the sums are.
  template <typename Put>
  void write(const RollupSums& sums, Put&& put) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (sums.counts[i] != 0) {
        put(counts_[i], Int64GetDatum(sums.counts[i]));
      }
    }
    for (std::size_t i = 0; i < amounts_.size(); ++i) {
      if (sums.amounts[i] != 0) {
        put(amounts_[i], write_numeric(images_[i].bytes.data(), sums.amounts[i]));
      }
    }
  }
  /// The sums of a row. Errors: out_of_range for what sums do not hold.
  RollupSums read(const Datum* values, const bool* nulls) const;
  /// The same, or nothing for a row that has what sums do not hold.
  std::optional<RollupSums> try_read(const Datum* values, const bool* nulls) const;
  /// Calls put(AttrNumber here, Datum) for each sum that a row of another table, with columns `from`, has.
  template <typename Put>
  void copy(const RollupColumns& from, const Datum* values, const bool* nulls, Put&& put) const {
    const auto copy_column = [&](AttrNumber to, AttrNumber column) {
      const auto place = static_cast<std::size_t>(column - 1);
      if (!nulls[place]) {
        put(to, values[place]);
      }
    };
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      copy_column(counts_[i], from.counts_[i]);
    }
    for (std::size_t i = 0; i < amounts_.size(); ++i) {
      copy_column(amounts_[i], from.amounts_[i]);
    }
  }
  /// Adds sums to those of a row, which may be larger than sums can be. Nothing else of the row is touched; what is
  /// new is valid until the next call, or as long as the memory context.
  void add(const RollupSums& sums, Datum* values, bool* nulls);

 private:
  struct alignas(int) Image {
    std::array<char, numeric_image_size> bytes;
  };
  void read_counts(const Datum* values, const bool* nulls, RollupSums& sums) const;

  std::array<Image, rollup_amount_count> images_;
  std::array<AttrNumber, rollup_counts.size()> counts_;
  std::array<AttrNumber, rollup_amount_count> amounts_;
};

}  // namespace spend
