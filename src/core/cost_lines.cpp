#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/evaluation.hpp"
#include "core/exact_sum.hpp"
#include "core/pow10.hpp"

namespace spend {

namespace {

std::string tier_text(const MeterRate& rate, const Tier* tier) {
  if (tier == nullptr) {
    return "";
  }
  const std::string& basis = rate.mode == MeterRate::Mode::graduated ? rate.meter : rate.basis;
  return basis + (tier->inclusive ? " >= " : " > ") + tier->threshold.to_string();
}

/// Makes the lines' amounts add up to the cost. Each was rounded on its own, so they miss it by less than one unit of
/// the last decimal per line; the largest line carries that, the next largest what it cannot.
void settle_remainder(std::vector<CostLine>& lines, const Decimal& cost) {
  const auto units = [](const Decimal& value) {
    return rescale(value.coefficient(), value.scale(), Decimal::max_scale);
  };
  const auto decimal = [](u128 value) { return Decimal::from_parts(value, Decimal::max_scale).value(); };
  // A line is at most the cost and a rounding, but thousands of them may pass 2^128: modulo arithmetic still yields the
  // difference, which is small.
  u128 sum = 0;
  for (const CostLine& line : lines) {
    sum += units(line.amount);
  }
  u128 excess = sum - units(cost);
  if (excess == 0) {
    return;
  }
  std::vector<CostLine*> by_amount;
  by_amount.reserve(lines.size());
  for (CostLine& line : lines) {
    by_amount.push_back(&line);
  }
  std::stable_sort(by_amount.begin(), by_amount.end(),
                   [](const CostLine* a, const CostLine* b) { return a->amount > b->amount; });
  if ((excess >> 127U) != 0) {
    const u128 missing = u128{0} - excess;
    by_amount.front()->amount = decimal(units(by_amount.front()->amount) + missing);
    return;
  }
  for (CostLine* const line : by_amount) {
    const u128 cut = std::min(excess, units(line->amount));
    line->amount = decimal(units(line->amount) - cut);
    excess -= cut;
  }
}

}  // namespace

std::vector<CostLine> Evaluation::lines(const Decimal& cost) const {
  std::vector<CostLine> result;
  for_each_slice([&](std::size_t place, const Tier* tier, u128 quantity, int scale, const Rate& rate) {
    const MeterRate& meter = *rates_[place];
    FastSum fast;
    std::optional<Decimal> amount = fast.add(quantity, scale, rate) ? fast.round() : std::nullopt;
    if (!amount.has_value()) {
      WideSum wide;
      wide.add(quantity, scale, rate);
      amount = wide.round();
    }
    CostLine line;
    line.meter = meter.meter;
    line.quantity = Decimal::from_parts(quantity, scale).value();
    line.rate = rate;
    line.tier = tier_text(meter, tier);
    line.condition = condition_text(place);
    line.amount = amount.value_or(cost);  // a part of a cost in range is in range
    result.push_back(std::move(line));
  });
  settle_remainder(result, cost);
  return result;
}

}  // namespace spend
