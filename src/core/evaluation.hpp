#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cost.hpp"
#include "core/lattice.hpp"
#include "core/pow10.hpp"

namespace spend {

/// Appends one remark to a list of them.
inline void add_reason(std::string& reason, std::string_view text) {
  if (!reason.empty()) {
    reason += "; ";
  }
  reason += text;
}

/// True for cache_write_<number><s|m|h|d>_tokens: cache writes by lifetime, whose names are open.
bool is_cache_lifetime(std::string_view meter);

/// A rate's share of the usage.
struct Billed {
  u128 quantity;
  int scale;
};

/// The work of one evaluate() call. Everything lives on the stack: a row without remarks allocates nothing.
class Evaluation {
 public:
  Evaluation(const Price& price, const Usage& usage, const RequestContext& context)
      : price_(price), usage_(usage), context_(context) {}

  Result<Costing> run(OnInconsistent on_inconsistent, bool with_lines);

 private:
  std::optional<Error> choose_rates();
  std::optional<Error> choose_by_conditions();
  void take_rates(const std::vector<MeterRate>& rates, std::uint8_t source);
  void take_rate(const MeterRate& rate, std::uint8_t source);
  void index_rates();
  void load_tree();
  bool has_custom_meters() const { return !usage_.entries().empty() && usage_.entries().back().known == nullptr; }
  template <typename Visit>
  void for_each_lifetime(Visit visit) const;
  /// Brings the counts to a scale that holds all cache lifetimes, and their parent to what they are together where it
  /// is missing.
  void prepare_lifetimes();
  /// Bills cache lifetimes outside the registry and takes them out of the counts of their parents.
  void lift_lifetimes();
  std::optional<Error> reconcile(OnInconsistent on_inconsistent);
  void bill_tree();
  void bill_flat();
  void bill_requests();
  void judge_unrated();
  void report_fallbacks();
  void report_unsplit_writes();
  bool is_free() const;
  Result<Decimal> total() const;
  std::vector<CostLine> lines(const Decimal& cost) const;

  void bill(std::size_t rate, u128 quantity, int scale);
  static constexpr std::size_t no_rate = Price::max_rates;
  /// Place in rates_ of the rate that bills a tree meter, or no_rate.
  std::size_t rate_for(std::size_t meter) const;
  u128 basis_count(const MeterRate& rate) const;
  const Tier* tier_crossed(const MeterRate& rate) const;
  const Rate& whole_rate(const MeterRate& rate) const;
  bool falls_back_silently(std::size_t meter, const MeterRate& billing) const;
  void report_standard_rates();
  Rate multiplied(const MeterRate& meter, const Rate& rate) const;
  std::string condition_text(std::size_t rate) const;

  template <typename Visit>
  void for_each_slice(Visit visit) const;
  template <typename Visit>
  static void for_each_graduated_slice(const MeterRate& rate, const Billed& billed, Visit visit);

  /// Where a rate comes from: the place of its condition, or one of these.
  static constexpr std::uint8_t from_price = 255;
  static_assert(Price::max_conditions < from_price);

  const Price& price_;
  const Usage& usage_;
  const RequestContext& context_;
  TreeCounts counts_;
  Exclusive exclusive_;
  /// The rates that hold for this request, in meter order.
  std::size_t rate_count_ = 0;
  std::array<const MeterRate*, Price::max_rates> rates_;
  std::array<std::uint8_t, Price::max_rates> source_;  ///< valid where the price has conditions
  std::size_t factor_count_ = 0;
  std::array<std::uint8_t, Price::max_conditions> factors_;  ///< places of the conditions that multiply
  MeterSet replaced_ = 0;  ///< meters whose rates a schedule has replaced, or left without
  MeterSet priced_ = 0;
  std::array<std::uint16_t, tree_size> rate_of_;  ///< valid where priced_ has the bit
  std::array<Billed, Price::max_rates> billed_;   ///< valid for the rates that hold
  u128 lifted_ = 0;             ///< part of input_tokens and cache_write_tokens that lift_lifetimes() has billed
  u128 unrated_lifetimes_ = 0;  ///< part of cache_write_tokens with a lifetime that has no rate and is in no registry
  bool anything_billed_ = false;
  bool call_basis_billed_ = false;
  bool requests_billed_ = false;
  std::string inconsistencies_;
  std::string unrated_;
  std::string unrated_activity_;
  std::string fallbacks_;
};

/// Calls visit(place of the rate, tier or null, quantity, its scale, rate that applies) for each part billed at one
/// rate. Zero quantities are left out.
template <typename Visit>
void Evaluation::for_each_slice(Visit visit) const {
  for (std::size_t i = 0; i < rate_count_; ++i) {
    if (billed_[i].quantity == 0) {
      continue;
    }
    const MeterRate& meter = *rates_[i];
    const auto visit_rate = [&](const Tier* tier, u128 quantity, int scale) {
      const Rate& rate = tier != nullptr ? tier->rate : meter.base;
      if (factor_count_ == 0) {
        visit(i, tier, quantity, scale, rate);
      } else {
        visit(i, tier, quantity, scale, multiplied(meter, rate));
      }
    };
    if (meter.mode == MeterRate::Mode::graduated) {
      for_each_graduated_slice(meter, billed_[i], visit_rate);
    } else {
      visit_rate(tier_crossed(meter), billed_[i].quantity, billed_[i].scale);
    }
  }
}

template <typename Visit>
void Evaluation::for_each_graduated_slice(const MeterRate& rate, const Billed& billed, Visit visit) {
  const u128 quantity = rescale(billed.quantity, billed.scale, Decimal::max_scale);
  u128 from = 0;
  const Tier* current = nullptr;
  const auto slice_up_to = [&](u128 until) {
    if (until > from) {
      visit(current, until - from, Decimal::max_scale);
      from = until;
    }
  };
  for (const Tier& tier : rate.tiers) {
    const u128 threshold = rescale(tier.threshold.coefficient(), tier.threshold.scale(), Decimal::max_scale);
    slice_up_to(std::min(quantity, threshold));
    current = &tier;
    if (quantity <= threshold) {
      return;
    }
  }
  slice_up_to(quantity);
}

}  // namespace spend
