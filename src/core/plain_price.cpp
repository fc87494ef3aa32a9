#include "core/plain_price.hpp"

#include <algorithm>

#include "core/exact_sum.hpp"
#include "core/lattice_shape.hpp"
#include "core/pow10.hpp"
#include "core/silent_fallback.hpp"

namespace spend {

namespace {

using lattice::cache_write;
using lattice::cache_write_5m;
using lattice::none;
using lattice::shape;

constexpr std::size_t input = meter_index("input_tokens");
constexpr std::size_t output = meter_index("output_tokens");
constexpr MeterSet in_trees = (MeterSet{1} << tree_size) - 1;

constexpr MeterSet activities() {
  MeterSet result = 0;
  for (std::size_t meter = tree_size; meter < meter_table.size(); ++meter) {
    result |= meter_table[meter].activity_only ? bit(meter) : 0;
  }
  return result;
}

/// A rate per single unit as coefficient / 10^scale.
struct Multiplier {
  u128 coefficient;
  int scale;
};

std::optional<Multiplier> multiplier(const MeterRate& rate) {
  if (!rate.tiers.empty() || rate.base.per == Per::hour) {
    return std::nullopt;
  }
  int scale = rate.base.amount.scale();
  for (std::uint64_t units = divisor(rate.base.per); units > 1; units /= 10) {
    ++scale;
  }
  // An amount of zero has no decimals, whatever its unit.
  return Multiplier{rate.base.amount.coefficient(), rate.base.amount.is_zero() ? 0 : scale};
}

/// The nearest meter around one that bills what it contains, or none.
std::size_t billed_around(std::size_t meter, MeterSet billed) {
  std::size_t around = shape.parents[meter][0];
  while (around != none && (billed & bit(around)) == 0) {
    around = shape.parents[around][0];
  }
  return around;
}

}  // namespace

PlainPrice::PlainPrice(const std::vector<MeterRate>& rates, const std::vector<Condition>& conditions) {
  if (!conditions.empty()) {
    return;
  }
  MeterSet priced = 0;
  MeterSet plain = 0;
  std::array<const MeterRate*, meter_table.size()> rate_of{};
  std::array<Multiplier, meter_table.size()> own{};
  int scale = 0;
  for (const MeterRate& rate : rates) {
    if (rate.known == nullptr) {
      continue;
    }
    const std::size_t meter = index_of(*rate.known);
    priced |= bit(meter);
    rate_of[meter] = &rate;
    if (const std::optional<Multiplier> found = multiplier(rate)) {
      plain |= bit(meter);
      own[meter] = *found;
      scale = std::max(scale, found->scale);
    }
  }
  const bool is_plain = (priced & (in_trees | bit(requests)) & ~plain) == 0 && scale <= Decimal::max_scale;
  if (!is_plain) {
    return;
  }

  MeterSet covered = 0;
  for (const std::size_t root : {input, output}) {
    covered |= (priced & bit(root)) != 0 ? tree_of(root) & ~shape.intersections : 0;
  }
  MeterSet billed = covered & (priced | shape.roots);
  if ((priced & bit(cache_write_5m)) != 0) {
    billed |= covered & bit(cache_write);
  }
  const auto rate_for = [&](std::size_t meter) {
    if ((priced & bit(meter)) != 0) {
      return meter;
    }
    const auto& others = fallbacks(meter);
    return static_cast<std::size_t>(
        *std::find_if(others.begin(), others.end(), [&](std::uint8_t other) { return (priced & bit(other)) != 0; }));
  };
  bool fits = true;
  const auto scaled = [&](std::size_t meter) {
    const Multiplier& rate = own[rate_for(meter)];
    u128 value = 0;
    constexpr u128 limit = u128{1} << 62U;
    fits = fits &&
           !__builtin_mul_overflow(rate.coefficient, pow10[static_cast<std::size_t>(scale - rate.scale)], &value) &&
           value < limit;
    return static_cast<std::int64_t>(value);
  };
  std::size_t count = 0;
  MeterSet rated = 0;
  const auto add = [&](std::size_t meter, std::int64_t value) {
    if (value != 0 && count < max_multipliers) {
      rated |= bit(meter);
      multipliers_[count] = value;
    }
    count += value != 0 ? 1 : 0;
  };
  for_each_meter(billed, [&](std::size_t meter) {
    const std::size_t around = billed_around(meter, billed);
    add(meter, scaled(meter) - (around != none ? scaled(around) : 0));
  });
  // The unpriced activities are information only, beside something billed.
  covered |= (plain & ~in_trees) | (activities() & ~priced);
  for_each_meter(plain & ~in_trees, [&](std::size_t meter) { add(meter, scaled(meter)); });
  if (!fits || count > max_multipliers) {
    *this = PlainPrice();
    return;
  }
  kind_ = {covered, rated};
  scale_ = scale;
  remarked_ = covered & in_trees & ~priced & ~silent_fallbacks;
  for_each_meter((priced & bit(cache_write)) != 0 ? priced & cache_write_lifetimes : 0, [&](std::size_t lifetime) {
    if (!same_value(rate_of[cache_write]->base, rate_of[lifetime]->base)) {
      remarked_ |= bit(cache_write);
    }
  });
}

bool PlainPrice::Kind::takes(MeterSet present) const {
  const bool is_covered = covered != 0 && (present & ~covered) == 0;
  const bool may_overlap = (present & shape.first_parents) != 0 && (present & shape.second_parents) != 0;
  const bool only_activity = present != 0 && (present & ~(activities() & ~rated)) == 0;
  return is_covered && !may_overlap && !only_activity;
}

std::optional<PlainCost> PlainPrice::cost(const PlainCounts& counts, Wanted wanted) const {
  const MeterSet present = counts.present();
  const bool is_remarked = wanted == Wanted::cost_and_status && (present & remarked_) != 0;
  if (is_remarked || !kind_.takes(present)) {
    return std::nullopt;
  }
  // Parts must fit into what contains them. Together is more than each axis for itself asks, and leaves no overlap.
  std::array<std::uint64_t, tree_size> parts;
  for (MeterSet rest = present & in_trees & ~shape.roots; rest != 0; rest &= rest - 1) {
    parts[shape.parents[static_cast<std::size_t>(__builtin_ctzll(rest))][0]] = 0;
  }
  for (MeterSet rest = present & in_trees & ~shape.roots; rest != 0; rest &= rest - 1) {
    const auto meter = static_cast<std::size_t>(__builtin_ctzll(rest));
    const std::size_t around = shape.parents[meter][0];
    parts[around] += counts[meter];
    if ((present & bit(around)) == 0 || parts[around] > counts[around]) {
      return std::nullopt;
    }
  }
  std::int64_t sum = 0;
  const std::int64_t* multiplier_of = multipliers_.data();
  for (MeterSet rest = kind_.rated; rest != 0; rest &= rest - 1, ++multiplier_of) {
    const MeterSet meter = rest & (~rest + 1);
    if ((present & meter) == 0 && meter != bit(requests)) {
      continue;
    }
    // A call that the usage does not count is one.
    const std::uint64_t count = (present & meter) == 0 ? 1 : counts[static_cast<std::size_t>(__builtin_ctzll(meter))];
    std::int64_t amount = 0;
    if (__builtin_mul_overflow(static_cast<std::int64_t>(count), *multiplier_of, &amount) ||
        __builtin_add_overflow(sum, amount, &sum)) {
      return std::nullopt;
    }
  }
  if (sum == 0 && wanted == Wanted::cost_and_status) {
    return std::nullopt;  // it may be free, which is more than priced at zero
  }
  return PlainCost{static_cast<std::uint64_t>(sum), scale_};
}

}  // namespace spend
