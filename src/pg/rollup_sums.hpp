#pragma once

#include "core/packed_sums.hpp"
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

  void add(const RollupSums& other);
  /// The same, or false and nothing is changed where a sum would be larger than sums can be.
  bool try_add(const RollupSums& other);
  bool try_subtract(const RollupSums& other);
  bool is_zero() const;
};

/// The same in memory that is not set where nothing was added: a row adds to few of them, and in a bulk load it is
/// often the only one of its group. New sums are cleared before they are used.
class OpenSums {
 public:
  void clear() { present_ = 0; }
  /// Adds a row, or takes it away. Errors: out_of_range, and then nothing can be said of the sums.
  void add(const UsageRow& row, const RowClass& row_class, int sign);
  void add(const OpenSums& other);
  void add_count(RollupCount count, std::int64_t value) { add_count(static_cast<std::size_t>(count), value); }
  void add_amount(RollupAmount amount, Atto value) { add_amount(static_cast<std::size_t>(amount), value); }
  /// Of the quantity in UsageColumns::meters.
  void add_meter(std::size_t meter, Atto value) {
    add_amount(static_cast<std::size_t>(RollupAmount::first_meter) + meter, value);
  }
  bool is_zero() const;
  RollupSums all() const;

  /// See SumsPacker::append().
  SumsPresent present() const { return present_; }
  const SummedCounts& counts() const { return counts_; }
  const SummedAmounts& amounts() const { return amounts_; }

 private:
  void add_count(std::size_t number, std::int64_t value);
  void add_amount(std::size_t number, Atto value);

  SumsPresent present_;
  SummedCounts counts_;
  SummedAmounts amounts_;
};
static_assert(std::tuple_size_v<SummedCounts> == rollup_counts.size());
static_assert(std::tuple_size_v<SummedAmounts> == rollup_amount_count);

}  // namespace spend
