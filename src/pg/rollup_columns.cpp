#include "pg/rollup_columns.hpp"

extern "C" {
#include "utils/numeric.h"
}

namespace spend {

RollupColumns::RollupColumns(TupleDesc descriptor) {
  const auto at = [&](const char* name) { return column(descriptor, name); };
  std::transform(rollup_counts.begin(), rollup_counts.end(), counts_.begin(), at);
  std::transform(rollup_amounts().begin(), rollup_amounts().end(), amounts_.begin(), at);
}

RollupSums RollupColumns::read(const Datum* values, const bool* nulls) const {
  RollupSums sums = {};
  read_counts(values, nulls, sums);
  for (std::size_t i = 0; i < amounts_.size(); ++i) {
    const auto place = static_cast<std::size_t>(amounts_[i] - 1);
    if (!nulls[place]) {
      sums.amounts[i] = numeric_to_atto(values[place]);
    }
  }
  return sums;
}

std::optional<RollupSums> RollupColumns::try_read(const Datum* values, const bool* nulls) const {
  RollupSums sums = {};
  read_counts(values, nulls, sums);
  for (std::size_t i = 0; i < amounts_.size(); ++i) {
    const auto place = static_cast<std::size_t>(amounts_[i] - 1);
    if (!nulls[place]) {
      const std::optional<Atto> amount = try_numeric_to_atto(values[place]);
      if (!amount.has_value()) {
        return std::nullopt;
      }
      sums.amounts[i] = *amount;
    }
  }
  return sums;
}

void RollupColumns::read_counts(const Datum* values, const bool* nulls, RollupSums& sums) const {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const auto place = static_cast<std::size_t>(counts_[i] - 1);
    if (!nulls[place]) {
      sums.counts[i] = DatumGetInt64(values[place]);
    }
  }
}

void RollupColumns::add(const RollupSums& sums, Datum* values, bool* nulls) {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const auto place = static_cast<std::size_t>(counts_[i] - 1);
    if (sums.counts[i] != 0) {
      const std::int64_t total = (nulls[place] ? 0 : DatumGetInt64(values[place])) + sums.counts[i];
      values[place] = Int64GetDatum(total);
      nulls[place] = total == 0;
    }
  }
  for (std::size_t i = 0; i < amounts_.size(); ++i) {
    const auto place = static_cast<std::size_t>(amounts_[i] - 1);
    if (sums.amounts[i] == 0) {
      continue;
    }
    const std::optional<Atto> before = nulls[place] ? Atto{0} : try_numeric_to_atto(values[place]);
    Atto total;
    if (before.has_value() && !__builtin_add_overflow(*before, sums.amounts[i], &total) && total <= atto_limit &&
        total >= -atto_limit) {
      values[place] = write_numeric(images_[i].bytes.data(), total);
      nulls[place] = total == 0;
    } else {
      // Each row is within what sums hold; a month of them need not be.
      const Datum added = write_numeric(images_[i].bytes.data(), sums.amounts[i]);
      values[place] = pg_call([&] { return DirectFunctionCall2(numeric_add, values[place], added); });
    }
  }
}

}  // namespace spend
