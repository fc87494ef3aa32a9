#include <algorithm>
#include <bitset>
#include <optional>
#include <string>

#include "core/evaluation.hpp"
#include "core/timestamp_text.hpp"

namespace spend {

namespace {

constexpr std::size_t input = meter_index("input_tokens");
constexpr std::size_t output = meter_index("output_tokens");

using ConditionSet = std::bitset<Price::max_conditions>;

/// The tree meter of a rate, or tree_size.
std::size_t tree_meter(const MeterRate& rate) {
  const std::size_t meter = rate.known != nullptr ? index_of(*rate.known) : tree_size;
  return std::min(meter, tree_size);
}

bool is_known(const std::optional<Timestamp>& at) {
  return at.has_value() && *at != timestamp_min && *at != timestamp_max && is_writable_timestamp(*at);
}

bool is_open(const Condition& condition, Timestamp at, const std::vector<Condition>& conditions,
             const ConditionSet& met) {
  // A window with dates claims its days: on them no window without dates is open.
  const auto is_claimed = [&](DayNumber day) {
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      if (met[i] && std::any_of(conditions[i].windows.begin(), conditions[i].windows.end(),
                                [&](const TimeWindow& window) { return window.has_date(day); })) {
        return true;
      }
    }
    return false;
  };
  return std::any_of(condition.windows.begin(), condition.windows.end(),
                     [&](const TimeWindow& window) { return window.contains(at, is_claimed); });
}

}  // namespace

void Evaluation::take_rate(const MeterRate& rate, std::uint8_t source) {
  const std::size_t meter = tree_meter(rate);
  const auto end = rates_.begin() + static_cast<std::ptrdiff_t>(rate_count_);
  const bool is_taken = std::any_of(rates_.begin(), end, [&](const MeterRate* other) {
    return other->known == rate.known && (rate.known != nullptr || other->meter == rate.meter);
  });
  if (is_taken || (meter != tree_size && (replaced_ & bit(meter)) != 0)) {
    return;
  }
  rates_[rate_count_] = &rate;
  source_[rate_count_] = source;
  ++rate_count_;
}

void Evaluation::take_rates(const std::vector<MeterRate>& rates, std::uint8_t source) {
  for (const MeterRate& rate : rates) {
    take_rate(rate, source);
  }
}

std::optional<Error> Evaluation::choose_by_conditions() {
  const std::vector<Condition>& conditions = price_.conditions();
  ConditionSet met;
  bool needs_time = false;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    met[i] = conditions[i].meets_tests(context_);
    needs_time = needs_time || (met[i] && conditions[i].is_schedule());
  }
  if (needs_time && !is_known(context_.at)) {
    return Error{ErrorKind::invalid_value, "the price depends on the time of the request, and that is not known", "",
                 "Give the time at which the request started: \"at\" in the context, or the argument of that name."};
  }
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Condition& condition = conditions[i];
    const auto source = static_cast<std::uint8_t>(i);
    if (!met[i] || (condition.is_schedule() && !is_open(condition, *context_.at, conditions, met))) {
      continue;
    }
    if (condition.is_factor()) {
      factors_[factor_count_++] = source;
      continue;
    }
    take_rates(condition.rates, source);
    for (const MeterRate& rate : condition.rates) {
      const std::size_t meter = tree_meter(rate);
      if (condition.is_schedule() && (meter == input || meter == output)) {
        replaced_ |= tree_of(meter);
      }
    }
  }
  take_rates(price_.rates(), from_price);
  // In meter order. Few rates, nearly sorted: an insertion sort that moves both arrays.
  for (std::size_t i = 1; i < rate_count_; ++i) {
    for (std::size_t k = i; k > 0 && meter_less(rates_[k]->meter, rates_[k - 1]->meter); --k) {
      std::swap(rates_[k], rates_[k - 1]);
      std::swap(source_[k], source_[k - 1]);
    }
  }
  return std::nullopt;
}

std::optional<Error> Evaluation::choose_rates() {
  if (!price_.conditions().empty()) {
    return choose_by_conditions();
  }
  for (const MeterRate& rate : price_.rates()) {
    rates_[rate_count_++] = &rate;
  }
  return std::nullopt;
}

Rate Evaluation::multiplied(const MeterRate& meter, const Rate& rate) const {
  u128 coefficient = rate.amount.coefficient();
  int scale = rate.amount.scale();
  for (std::size_t i = 0; i < factor_count_ && coefficient != 0; ++i) {
    const Condition& condition = price_.conditions()[factors_[i]];
    if (condition.multiplies(meter)) {
      coefficient *= condition.factor.coefficient();
      scale += condition.factor.scale();
    }
  }
  // Whoever read the price has made sure that the product is a decimal.
  return Rate{Decimal::from_parts(coefficient, coefficient == 0 ? 0 : scale).value(), rate.per};
}

std::string Evaluation::condition_text(std::size_t rate) const {
  std::string text;
  if (price_.conditions().empty()) {
    return text;
  }
  if (source_[rate] != from_price) {
    text = price_.conditions()[source_[rate]].to_text();
  }
  for (std::size_t i = 0; i < factor_count_; ++i) {
    const Condition& condition = price_.conditions()[factors_[i]];
    if (condition.multiplies(*rates_[rate])) {
      text += text.empty() ? "" : "; ";
      text += condition.to_text();
    }
  }
  return text;
}

}  // namespace spend
