#pragma once

#include "pg/numeric.hpp"
#include "pg/usage_kinds.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// What rollups sum up. Every one follows from the row alone, so that a row that goes takes away what it brought.
enum class RollupCount : std::uint8_t {
  calls,
  unpriced_calls,
  failed_calls,
  abandoned_calls,
  blocked_calls,
  retried_calls,
  fallback_calls,
  cached_calls,
  accepted_calls,
  rejected_calls,
  reviewed_calls,
  late_calls
};
inline constexpr std::array<const char*, 12> rollup_counts = {
    "calls",          "unpriced_calls", "failed_calls",   "abandoned_calls", "blocked_calls",  "retried_calls",
    "fallback_calls", "cached_calls",   "accepted_calls", "rejected_calls",  "reviewed_calls", "late_calls"};

enum class RollupAmount : std::uint8_t {
  cost,
  list_cost,
  failed_cost,
  abandoned_cost,
  blocked_cost,
  retried_cost,
  fallback_cost,
  accepted_cost,
  late_cost,
  agent_steps,
  original_input_tokens,
  compressed_input_tokens,
  first_meter  ///< from here on the columns that hold the quantity of a meter
};
inline constexpr std::size_t rollup_amount_count =
    static_cast<std::size_t>(RollupAmount::first_meter) + UsageColumns::meter_names.size();
/// Their columns in the tables of rollups.
const std::array<const char*, rollup_amount_count>& rollup_amounts();

struct RollupSums {
  std::array<std::int64_t, rollup_counts.size()> counts;
  std::array<Atto, rollup_amount_count> amounts;

  /// Adds a row, or takes it away. Errors: out_of_range, and then nothing can be said of the sums.
  void add(const UsageRow& row, const RowClass& row_class, int sign);
  void add(const RollupSums& other);
  /// The same, or false and nothing is changed where a sum would be larger than sums can be.
  bool try_add(const RollupSums& other);
  bool try_subtract(const RollupSums& other);
  bool is_zero() const;
};

}  // namespace spend
