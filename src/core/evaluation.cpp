#include "core/evaluation.hpp"

#include <algorithm>
#include <utility>

#include "core/exact_sum.hpp"
#include "core/meter_table.hpp"

namespace spend {

namespace {

constexpr std::size_t input = meter_index("input_tokens");
constexpr std::size_t output = meter_index("output_tokens");
constexpr std::size_t cache_write = meter_index("cache_write_tokens");
constexpr std::size_t requests = meter_index("requests");

}  // namespace

void Evaluation::index_rates() {
  for (std::size_t i = 0; i < rate_count_; ++i) {
    const MeterInfo* const known = rates_[i]->known;
    if (known == nullptr) {
      break;  // known meters come first
    }
    const std::size_t meter = index_of(*known);
    if (meter >= tree_size) {
      break;  // and tree meters before flat ones
    }
    priced_ |= bit(meter);
    rate_of_[meter] = static_cast<std::uint16_t>(i);
  }
  std::fill_n(billed_.begin(), rate_count_, Billed{0, 0});
}

void Evaluation::load_tree() {
  for (const Usage::Entry& entry : usage_.entries()) {
    if (entry.known == nullptr || index_of(*entry.known) >= tree_size) {
      break;
    }
    counts_.scale = std::max(counts_.scale, entry.quantity.scale());
  }
  for (const Usage::Entry& entry : usage_.entries()) {
    if (entry.known == nullptr || index_of(*entry.known) >= tree_size) {
      break;
    }
    const std::size_t meter = index_of(*entry.known);
    counts_.present |= bit(meter);
    counts_.count[meter] = rescale(entry.quantity.coefficient(), entry.quantity.scale(), counts_.scale);
  }
}

std::optional<Error> Evaluation::reconcile(OnInconsistent on_inconsistent) {
  const bool may_have_lifetimes = has_custom_meters();
  if (may_have_lifetimes) {
    prepare_lifetimes();
  }
  if (!is_consistent(counts_)) {
    make_consistent(counts_, inconsistencies_);
  }
  if (may_have_lifetimes) {
    lift_lifetimes();
  }
  split_exclusively(counts_, priced_, exclusive_, inconsistencies_);
  if (on_inconsistent == OnInconsistent::raise && !inconsistencies_.empty()) {
    return Error{ErrorKind::inconsistent_usage, "inconsistent usage: " + inconsistencies_, "",
                 "Counts are inclusive: input_tokens contains cached and modality tokens, output_tokens contains "
                 "reasoning tokens."};
  }
  return std::nullopt;
}

void Evaluation::bill(std::size_t rate, u128 quantity, int scale) {
  billed_[rate].quantity += quantity;  // parts of one root's count, so the sum stays below 10^38
  billed_[rate].scale = scale;
  anything_billed_ = true;
}

std::size_t Evaluation::rate_for(std::size_t meter) const {
  if ((priced_ & bit(meter)) != 0) {
    return rate_of_[meter];
  }
  for (const std::uint8_t other : fallbacks(meter)) {
    if (other == tree_size) {
      break;
    }
    if ((priced_ & bit(other)) != 0) {
      return rate_of_[other];
    }
  }
  return no_rate;
}

void Evaluation::bill_tree() {
  for_each_meter(exclusive_.participants, [&](std::size_t meter) {
    const u128 quantity = exclusive_.quantity[meter];
    if (quantity == 0) {
      return;
    }
    if (const std::size_t rate = rate_for(meter); rate != no_rate) {
      bill(rate, quantity, counts_.scale);
    }
  });
}

void Evaluation::bill_flat() {
  std::size_t next = 0;
  const auto rate_before = [](const MeterRate& rate, const Usage::Entry& entry) {
    if (rate.known != nullptr || entry.known != nullptr) {
      return entry.known == nullptr || (rate.known != nullptr && rate.known < entry.known);
    }
    return rate.meter < entry.custom_name;
  };
  // Both lists are in meter order: one walk over each.
  for (const Usage::Entry& entry : usage_.entries()) {
    if (entry.known != nullptr ? index_of(*entry.known) < tree_size : is_cache_lifetime(entry.custom_name)) {
      continue;
    }
    if (entry.quantity.is_zero()) {
      continue;  // it needs no rate
    }
    while (next < rate_count_ && rate_before(*rates_[next], entry)) {
      ++next;
    }
    if (next < rate_count_ && rates_[next]->known == entry.known &&
        (entry.known != nullptr || rates_[next]->meter == entry.custom_name)) {
      bill(next, entry.quantity.coefficient(), entry.quantity.scale());
      call_basis_billed_ = call_basis_billed_ || (entry.known != nullptr && is_call_basis(index_of(*entry.known)));
    } else {
      std::string& list = entry.known != nullptr && entry.known->activity_only ? unrated_activity_ : unrated_;
      list += list.empty() ? "" : ", ";
      list += entry.meter();
    }
  }
}

void Evaluation::bill_requests() {
  const MeterInfo* const meter = &meter_table[requests];
  for (std::size_t i = 0; i < rate_count_ && rates_[i]->known != nullptr; ++i) {
    if (rates_[i]->known == meter) {
      const Decimal* const counted = usage_.find(meter->name);
      if (counted != nullptr && counted->is_zero()) {
        return;
      }
      requests_billed_ = true;
      if (billed_[i].quantity == 0) {
        bill(i, 1, 0);
      }
      return;
    }
  }
}

void Evaluation::judge_unrated() {
  std::string tokens;
  for (const std::size_t root : {input, output}) {
    const bool left_over =
        (exclusive_.participants & bit(root)) != 0 && exclusive_.quantity[root] != 0 && rate_for(root) == no_rate;
    // A fee per request is usually charged beside tokens, so it stands in for them only where the price rates none.
    const bool other_basis =
        (call_basis_billed_ && (priced_ & tree_of(root)) == 0) || (requests_billed_ && priced_ == 0);
    if (left_over && !other_basis) {
      tokens += tokens.empty() ? "" : ", ";
      tokens += meter_table[root].name;
    }
  }
  if (!tokens.empty()) {
    unrated_ = unrated_.empty() ? tokens : tokens + ", " + unrated_;
  }
  if (unrated_.empty() && !anything_billed_) {
    unrated_ = unrated_activity_;
  }
}

u128 Evaluation::basis_count(const MeterRate& rate) const {
  const MeterInfo* const known = find_meter(rate.basis);
  if (known != nullptr && index_of(*known) < tree_size) {
    const std::size_t meter = index_of(*known);
    if ((counts_.present & bit(meter)) == 0) {
      return 0;
    }
    const u128 lifted = meter == input || meter == cache_write ? lifted_ : 0;
    return rescale(counts_.count[meter] + lifted, counts_.scale, Decimal::max_scale);
  }
  const Decimal* const quantity = usage_.find(rate.basis);
  return quantity != nullptr ? rescale(quantity->coefficient(), quantity->scale(), Decimal::max_scale) : 0;
}

const Tier* Evaluation::tier_crossed(const MeterRate& rate) const {
  if (rate.tiers.empty()) {
    return nullptr;
  }
  const u128 basis = basis_count(rate);
  const Tier* crossed = nullptr;
  for (const Tier& tier : rate.tiers) {
    const u128 threshold = rescale(tier.threshold.coefficient(), tier.threshold.scale(), Decimal::max_scale);
    if (basis > threshold || (tier.inclusive && basis == threshold)) {
      crossed = &tier;
    }
  }
  return crossed;
}

const Rate& Evaluation::whole_rate(const MeterRate& rate) const {
  const Tier* const tier = rate.mode == MeterRate::Mode::whole ? tier_crossed(rate) : nullptr;
  return tier != nullptr ? tier->rate : rate.base;
}

bool Evaluation::is_free() const {
  bool free = anything_billed_;
  for_each_slice([&](std::size_t /*place*/, const Tier* /*tier*/, u128 /*quantity*/, int /*scale*/, const Rate& rate) {
    free = free && rate.amount.is_zero();
  });
  return free;
}

Result<Decimal> Evaluation::total() const {
  FastSum fast;
  bool fits = true;
  for_each_slice([&](std::size_t /*place*/, const Tier* /*tier*/, u128 quantity, int scale, const Rate& rate) {
    fits = fits && fast.add(quantity, scale, rate);
  });
  std::optional<Decimal> sum = fits ? fast.round() : std::nullopt;
  if (!sum.has_value()) {
    WideSum wide;
    for_each_slice([&](std::size_t /*place*/, const Tier* /*tier*/, u128 quantity, int scale, const Rate& rate) {
      wide.add(quantity, scale, rate);
    });
    sum = wide.round();
  }
  if (!sum.has_value()) {
    return Error{ErrorKind::out_of_range, "cost is out of range",
                 "A cost has at most 20 digits before the decimal point.", ""};
  }
  return *sum;
}

Result<Costing> Evaluation::run(OnInconsistent on_inconsistent, bool with_lines) {
  if (std::optional<Error> error = choose_rates()) {
    return *std::move(error);
  }
  index_rates();
  load_tree();
  if (std::optional<Error> error = reconcile(on_inconsistent)) {
    return *std::move(error);
  }
  bill_tree();
  bill_flat();
  bill_requests();
  judge_unrated();
  Costing costing;
  if (!unrated_.empty()) {
    costing.status = PricingStatus::unpriced;
    costing.reason = "no rate for " + unrated_;
    if (!inconsistencies_.empty()) {
      add_reason(costing.reason, inconsistencies_);
    }
    return costing;
  }
  const Result<Decimal> cost = total();
  if (!cost.ok()) {
    return cost.error();
  }
  costing.cost = *cost;
  report_fallbacks();
  report_standard_rates();
  report_unsplit_writes();
  if (!inconsistencies_.empty()) {
    costing.status = PricingStatus::inconsistent;
    costing.reason = std::move(inconsistencies_);
  } else if (costing.cost.is_zero() && is_free()) {
    costing.status = PricingStatus::free;
  } else if (!fallbacks_.empty()) {
    costing.status = PricingStatus::priced_with_fallback;
    costing.reason = std::move(fallbacks_);
  } else {
    costing.status = PricingStatus::priced;
  }
  if (with_lines) {
    costing.lines = lines(costing.cost);
  }
  return costing;
}

}  // namespace spend
