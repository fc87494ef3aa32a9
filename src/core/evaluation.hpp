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

/// A rate's share of the usage.
struct Billed {
  u128 quantity;
  int scale;
};

/// The work of one evaluate() call. Everything lives on the stack: a row without remarks allocates nothing.
class Evaluation {
 public:
  Evaluation(const Price& price, const Usage& usage) : price_(price), usage_(usage) {
    std::fill_n(billed_.begin(), price.rates().size(), Billed{0, 0});
  }

  Result<Costing> run(OnInconsistent on_inconsistent, bool with_lines);

 private:
  void index_rates();
  void load_tree();
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
  const MeterRate* rate_for(std::size_t meter) const;
  u128 basis_count(const MeterRate& rate) const;
  const Tier* tier_crossed(const MeterRate& rate) const;
  const Rate& whole_rate(const MeterRate& rate) const;
  bool falls_back_silently(std::size_t meter, const MeterRate& billing) const;

  template <typename Visit>
  void for_each_slice(Visit visit) const;
  template <typename Visit>
  static void for_each_graduated_slice(const MeterRate& rate, const Billed& billed, Visit visit);

  const Price& price_;
  const Usage& usage_;
  TreeCounts counts_;
  Exclusive exclusive_;
  MeterSet priced_ = 0;
  std::array<std::uint16_t, tree_size> rate_of_;  ///< valid where priced_ has the bit
  std::array<Billed, Price::max_rates> billed_;   ///< valid for the price's rates
  bool anything_billed_ = false;
  bool call_basis_billed_ = false;
  bool requests_billed_ = false;
  std::string inconsistencies_;
  std::string unrated_;
  std::string unrated_activity_;
  std::string fallbacks_;
};

/// Calls visit(rate of the meter, tier or null, quantity, its scale, rate that applies) for each part billed at one
/// rate. Zero quantities are left out.
template <typename Visit>
void Evaluation::for_each_slice(Visit visit) const {
  const std::vector<MeterRate>& rates = price_.rates();
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (billed_[i].quantity == 0) {
      continue;
    }
    if (rates[i].mode == MeterRate::Mode::graduated) {
      for_each_graduated_slice(rates[i], billed_[i], visit);
      continue;
    }
    const Tier* const tier = tier_crossed(rates[i]);
    visit(rates[i], tier, billed_[i].quantity, billed_[i].scale, tier != nullptr ? tier->rate : rates[i].base);
  }
}

template <typename Visit>
void Evaluation::for_each_graduated_slice(const MeterRate& rate, const Billed& billed, Visit visit) {
  const u128 quantity = rescale(billed.quantity, billed.scale, Decimal::max_scale);
  u128 from = 0;
  const Tier* current = nullptr;
  const auto slice_up_to = [&](u128 until) {
    if (until > from) {
      visit(rate, current, until - from, Decimal::max_scale, current != nullptr ? current->rate : rate.base);
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
