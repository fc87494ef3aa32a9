#include "pg/rollup_sums.hpp"

#include <bit>
#include <functional>

#include "pg/guard.hpp"

namespace spend {

namespace {

constexpr std::size_t index_of(RollupAmount amount) {
  return static_cast<std::size_t>(amount);
}

void add_checked(Atto& total, Atto amount) {
  if (__builtin_add_overflow(total, amount, &total) || total > atto_limit || total < -atto_limit) {
    raise(Error{ErrorKind::out_of_range,
                "the usage of one transaction is out of range",
                "Amounts hold 20 integer digits and 18 decimals.",
                {}});
  }
}

/// Calls visit_count(number) and visit_amount(number) for each sum that is present.
template <typename VisitCount, typename VisitAmount>
void for_each_present(SumsPresent present, VisitCount&& visit_count, VisitAmount&& visit_amount) {
  for (; present != 0; present &= present - 1) {
    const auto bit = static_cast<std::size_t>(std::countr_zero(present));
    if (bit < rollup_counts.size()) {
      visit_count(bit);
    } else {
      visit_amount(bit - rollup_counts.size());
    }
  }
}

/// A row that was written more than this after its usage is late: its day may have been reported by then.
constexpr Timestamp late_after = USECS_PER_DAY;

bool is_true(const UsageRow& row, AttrNumber attribute) {
  return !row.is_null(attribute) && DatumGetBool(row.get(attribute));
}

bool is_false(const UsageRow& row, AttrNumber attribute) {
  return !row.is_null(attribute) && !DatumGetBool(row.get(attribute));
}

bool is_further_attempt(const UsageRow& row) {
  const UsageColumns& at = row.columns();
  return !row.is_null(at.attempt) && DatumGetInt32(row.get(at.attempt)) > 1;
}

bool is_late(const UsageRow& row) {
  const UsageColumns& at = row.columns();
  return row.timestamp(at.recorded_at, 0) - row.timestamp(at.occurred_at, 0) > late_after;
}

/// Amounts of one row, most of which come several times.
class RowAmounts {
 public:
  RowAmounts(const UsageRow& row, OpenSums& sums, int sign) : row_(row), sums_(sums), sign_(sign) {}

  Atto read(AttrNumber attribute) const {
    return row_.is_null(attribute) ? 0 : sign_ * numeric_to_atto(row_.get(attribute));
  }
  void add(RollupAmount amount, Atto value) { sums_.add_amount(amount, value); }
  void add_meter(std::size_t meter, Atto value) { sums_.add_meter(meter, value); }
  /// One more call of a sort that has a cost of its own in the sums.
  void count(RollupCount calls, RollupAmount amount, Atto cost) {
    count(calls);
    add(amount, cost);
  }
  void count(RollupCount calls) { sums_.add_count(calls, sign_); }

 private:
  const UsageRow& row_;
  OpenSums& sums_;
  int sign_;
};

}  // namespace

const std::array<const char*, rollup_amount_count>& rollup_amounts() {
  static const std::array<const char*, rollup_amount_count> names = [] {
    std::array<const char*, rollup_amount_count> result = {
        "cost",         "list_cost",    "failed_cost",           "abandoned_cost",
        "blocked_cost", "retried_cost", "fallback_cost",         "accepted_cost",
        "late_cost",    "agent_steps",  "original_input_tokens", "compressed_input_tokens"};
    std::copy(UsageColumns::meter_names.begin(), UsageColumns::meter_names.end(),
              result.begin() + index_of(RollupAmount::first_meter));
    return result;
  }();
  return names;
}

void OpenSums::add_count(std::size_t number, std::int64_t value) {
  const SumsPresent bit = bit_of_count(number);
  counts_[number] = (present_ & bit) != 0 ? counts_[number] + value : value;
  present_ |= bit;
}

void OpenSums::add_amount(std::size_t number, Atto value) {
  const SumsPresent bit = bit_of_amount(number);
  if ((present_ & bit) == 0) {
    amounts_[number] = 0;
    present_ |= bit;
  }
  add_checked(amounts_[number], value);
}

void OpenSums::add(const UsageRow& row, const RowClass& row_class, int sign) {
  const UsageColumns& at = row.columns();
  RowAmounts adder(row, *this, sign);
  adder.count(RollupCount::calls);
  const Atto cost = adder.read(at.cost);
  if (row.is_null(at.cost)) {
    adder.count(RollupCount::unpriced_calls);
  } else {
    adder.add(RollupAmount::cost, cost);
  }
  if (!row.is_null(at.list_cost)) {
    adder.add(RollupAmount::list_cost, row.is_same_value(at.list_cost, at.cost) ? cost : adder.read(at.list_cost));
  }
  switch (row_class.outcome) {
    case Outcome::failed:
      adder.count(RollupCount::failed_calls, RollupAmount::failed_cost, cost);
      break;
    case Outcome::abandoned:
      adder.count(RollupCount::abandoned_calls, RollupAmount::abandoned_cost, cost);
      break;
    case Outcome::blocked:
      adder.count(RollupCount::blocked_calls, RollupAmount::blocked_cost, cost);
      break;
    case Outcome::ok:
      break;
  }
  if (row_class.is_for_retry || is_further_attempt(row)) {
    adder.count(RollupCount::retried_calls, RollupAmount::retried_cost, cost);
  }
  if (!row.text(at.fallback_of).empty()) {
    adder.count(RollupCount::fallback_calls, RollupAmount::fallback_cost, cost);
  }
  if (is_true(row, at.response_cache_hit)) {
    adder.count(RollupCount::cached_calls);
  }
  if (is_true(row, at.accepted)) {
    adder.count(RollupCount::accepted_calls, RollupAmount::accepted_cost, cost);
  } else if (is_false(row, at.accepted)) {
    adder.count(RollupCount::rejected_calls);
  }
  if (is_true(row, at.human_reviewed)) {
    adder.count(RollupCount::reviewed_calls);
  }
  if (is_late(row)) {
    adder.count(RollupCount::late_calls, RollupAmount::late_cost, cost);
  }
  for (std::size_t meter = 0; meter < at.meters.size(); ++meter) {
    if (!row.is_null(at.meters[meter])) {
      adder.add_meter(meter, adder.read(at.meters[meter]));
    }
  }
  const auto& [agent_steps, original_input_tokens] = at.unpriced_counts;
  if (!row.is_null(agent_steps)) {
    adder.add(RollupAmount::agent_steps, adder.read(agent_steps));
  }
  // What compression saved is told by the rows that know both sizes.
  const AttrNumber input_tokens = at.meters[0];
  if (!row.is_null(original_input_tokens) && !row.is_null(input_tokens)) {
    adder.add(RollupAmount::original_input_tokens, adder.read(original_input_tokens));
    adder.add(RollupAmount::compressed_input_tokens, adder.read(input_tokens));
  }
}

void RollupSums::add(const RollupSums& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] += other.counts[i];
  }
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    add_checked(amounts[i], other.amounts[i]);
  }
}

bool RollupSums::try_add(const RollupSums& other) {
  const auto fits = [](Atto a, Atto b) {
    Atto total;
    return !__builtin_add_overflow(a, b, &total) && total <= atto_limit && total >= -atto_limit;
  };
  if (!std::equal(amounts.begin(), amounts.end(), other.amounts.begin(), fits)) {
    return false;
  }
  add(other);
  return true;
}

bool RollupSums::try_subtract(const RollupSums& other) {
  RollupSums negated;
  std::transform(other.counts.begin(), other.counts.end(), negated.counts.begin(), std::negate<>());
  std::transform(other.amounts.begin(), other.amounts.end(), negated.amounts.begin(), std::negate<>());
  return try_add(negated);
}

bool RollupSums::is_zero() const {
  return std::all_of(counts.begin(), counts.end(), [](std::int64_t count) { return count == 0; }) &&
         std::all_of(amounts.begin(), amounts.end(), [](Atto amount) { return amount == 0; });
}

void OpenSums::add(const OpenSums& other) {
  for_each_present(
      other.present_, [&](std::size_t number) { add_count(number, other.counts_[number]); },
      [&](std::size_t number) { add_amount(number, other.amounts_[number]); });
}

bool OpenSums::is_zero() const {
  bool is_zero = true;
  for_each_present(
      present_, [&](std::size_t number) { is_zero = is_zero && counts_[number] == 0; },
      [&](std::size_t number) { is_zero = is_zero && amounts_[number] == 0; });
  return is_zero;
}

RollupSums OpenSums::all() const {
  RollupSums sums = {};
  for_each_present(
      present_, [&](std::size_t number) { sums.counts[number] = counts_[number]; },
      [&](std::size_t number) { sums.amounts[number] = amounts_[number]; });
  return sums;
}

}  // namespace spend
