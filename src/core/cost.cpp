#include "core/cost.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "core/exact_sum.hpp"
#include "core/lattice.hpp"
#include "core/meter_table.hpp"

namespace spend {

namespace {

constexpr std::size_t input = meter_index("input_tokens");
constexpr std::size_t output = meter_index("output_tokens");
constexpr std::size_t cache_write = meter_index("cache_write_tokens");
constexpr std::size_t requests = meter_index("requests");
constexpr std::array lifetimes = {meter_index("cache_write_5m_tokens"), meter_index("cache_write_30m_tokens"),
                                  meter_index("cache_write_1h_tokens"), meter_index("cache_write_24h_tokens")};

/// Text and the kinds of tokens bill at their parent's rate with every vendor, so that is no fallback to report.
constexpr MeterSet silent = bit(meter_index("input_text_tokens")) | bit(meter_index("output_text_tokens")) |
                            bit(meter_index("input_tool_tokens")) | bit(meter_index("input_text_tool_tokens")) |
                            bit(meter_index("output_reasoning_tokens")) | bit(meter_index("output_citation_tokens")) |
                            bit(input) | bit(output);
constexpr MeterSet cached_text =
    bit(meter_index("cache_text_read_tokens")) | bit(meter_index("cache_text_write_tokens"));
constexpr MeterSet tool_modality =
    bit(meter_index("input_audio_tool_tokens")) | bit(meter_index("input_image_tool_tokens")) |
    bit(meter_index("input_video_tool_tokens")) | bit(meter_index("input_document_tool_tokens"));

/// Flat meters by which vendors bill a whole call, so that token counts beside them are information only. Tools such as
/// web searches are charged beside tokens and are no such basis.
constexpr bool is_call_basis(std::size_t meter) {
  return meter >= meter_index("images") && meter <= meter_index("rerank_searches");
}

/// A rate's share of the usage.
struct Billed {
  u128 quantity;
  int scale;
};

void add_reason(std::string& reason, std::string_view text) {
  if (!reason.empty()) {
    reason += "; ";
  }
  reason += text;
}

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
  std::array<std::uint16_t, tree_size> rate_of_;  // NOLINT: valid where priced_ has the bit
  std::array<Billed, Price::max_rates> billed_;   // NOLINT: valid for the price's rates
  bool anything_billed_ = false;
  bool call_basis_billed_ = false;
  bool requests_billed_ = false;
  std::string inconsistencies_;
  std::string unrated_;
  std::string unrated_activity_;
  std::string fallbacks_;
};

void Evaluation::index_rates() {
  const std::vector<MeterRate>& rates = price_.rates();
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (rates[i].known == nullptr) {
      break;  // known meters come first
    }
    const std::size_t meter = index_of(*rates[i].known);
    if (meter >= tree_size) {
      break;  // and tree meters before flat ones
    }
    priced_ |= bit(meter);
    rate_of_[meter] = static_cast<std::uint16_t>(i);
  }
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
  if (!is_consistent(counts_)) {
    make_consistent(counts_, inconsistencies_);
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

const MeterRate* Evaluation::rate_for(std::size_t meter) const {
  if ((priced_ & bit(meter)) != 0) {
    return &price_.rates()[rate_of_[meter]];
  }
  for (const std::uint8_t other : fallbacks(meter)) {
    if (other == tree_size) {
      break;
    }
    if ((priced_ & bit(other)) != 0) {
      return &price_.rates()[rate_of_[other]];
    }
  }
  return nullptr;
}

void Evaluation::bill_tree() {
  for_each_meter(exclusive_.participants, [&](std::size_t meter) {
    const u128 quantity = exclusive_.quantity[meter];
    if (quantity == 0) {
      return;
    }
    if (const MeterRate* const rate = rate_for(meter)) {
      bill(static_cast<std::size_t>(rate - price_.rates().data()), quantity, counts_.scale);
    }
  });
}

void Evaluation::bill_flat() {
  const std::vector<MeterRate>& rates = price_.rates();
  std::size_t next = 0;
  const auto rate_before = [](const MeterRate& rate, const Usage::Entry& entry) {
    if (rate.known != nullptr || entry.known != nullptr) {
      return entry.known == nullptr || (rate.known != nullptr && rate.known < entry.known);
    }
    return rate.meter < entry.custom_name;
  };
  // Both lists are in meter order: one walk over each.
  for (const Usage::Entry& entry : usage_.entries()) {
    if (entry.known != nullptr && index_of(*entry.known) < tree_size) {
      continue;
    }
    while (next < rates.size() && rate_before(rates[next], entry)) {
      ++next;
    }
    if (next < rates.size() && rates[next].known == entry.known &&
        (entry.known != nullptr || rates[next].meter == entry.custom_name)) {
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
  const std::vector<MeterRate>& rates = price_.rates();
  const MeterInfo* const meter = &meter_table[requests];
  for (std::size_t i = 0; i < rates.size() && rates[i].known != nullptr; ++i) {
    if (rates[i].known == meter) {
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
        (exclusive_.participants & bit(root)) != 0 && exclusive_.quantity[root] != 0 && rate_for(root) == nullptr;
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

bool Evaluation::falls_back_silently(std::size_t meter, const MeterRate& billing) const {
  const std::size_t rate_meter = index_of(*billing.known);
  if ((cached_text & bit(meter)) != 0) {
    return rate_meter != input && meter_table[rate_meter].name != meter_table[meter].parents[1];
  }
  if ((tool_modality & bit(meter)) != 0) {
    return meter_table[rate_meter].name == meter_table[meter].parents[1];
  }
  return false;
}

void Evaluation::report_fallbacks() {
  for_each_meter(counts_.present & ~priced_ & ~silent, [&](std::size_t meter) {
    if (!has_own_quantity(counts_, meter)) {
      return;
    }
    const MeterRate* const rate = rate_for(meter);
    if (rate != nullptr && !falls_back_silently(meter, *rate)) {
      add_reason(fallbacks_, meter_table[meter].name);
      fallbacks_ += " at the " + rate->meter + " rate";
    }
  });
}

void Evaluation::report_unsplit_writes() {
  if ((exclusive_.participants & bit(cache_write)) == 0 || (priced_ & bit(cache_write)) == 0 ||
      exclusive_.quantity[cache_write] == 0 || !has_own_quantity(counts_, cache_write)) {
    return;
  }
  const Rate& applied = whole_rate(price_.rates()[rate_of_[cache_write]]);
  for (const std::size_t lifetime : lifetimes) {
    if ((priced_ & bit(lifetime)) != 0 && !same_value(applied, whole_rate(price_.rates()[rate_of_[lifetime]]))) {
      add_reason(fallbacks_, "cache_write_tokens without a lifetime at the cache_write_tokens rate, ");
      fallbacks_ += meter_table[lifetime].name;
      fallbacks_ += " has another";
      return;
    }
  }
}

u128 Evaluation::basis_count(const MeterRate& rate) const {
  const MeterInfo* const known = find_meter(rate.basis);
  if (known != nullptr && index_of(*known) < tree_size) {
    const std::size_t meter = index_of(*known);
    return (counts_.present & bit(meter)) != 0 ? rescale(counts_.count[meter], counts_.scale, Decimal::max_scale) : 0;
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

bool Evaluation::is_free() const {
  bool free = anything_billed_;
  for_each_slice([&](const MeterRate& /*meter*/, const Tier* /*tier*/, u128 /*quantity*/, int /*scale*/,
                     const Rate& rate) { free = free && rate.amount.is_zero(); });
  return free;
}

Result<Decimal> Evaluation::total() const {
  FastSum fast;
  bool fits = true;
  for_each_slice([&](const MeterRate& /*meter*/, const Tier* /*tier*/, u128 quantity, int scale, const Rate& rate) {
    fits = fits && fast.add(quantity, scale, rate);
  });
  std::optional<Decimal> sum = fits ? fast.round() : std::nullopt;
  if (!sum.has_value()) {
    WideSum wide;
    for_each_slice([&](const MeterRate& /*meter*/, const Tier* /*tier*/, u128 quantity, int scale, const Rate& rate) {
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

std::vector<CostLine> Evaluation::lines(const Decimal& cost) const {
  std::vector<CostLine> result;
  for_each_slice([&](const MeterRate& meter, const Tier* tier, u128 quantity, int scale, const Rate& rate) {
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
    line.amount = amount.value_or(cost);  // a part of a cost in range is in range
    result.push_back(std::move(line));
  });
  settle_remainder(result, cost);
  return result;
}

Result<Costing> Evaluation::run(OnInconsistent on_inconsistent, bool with_lines) {
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

}  // namespace

std::string_view to_string(PricingStatus status) {
  switch (status) {
    case PricingStatus::priced:
      return "priced";
    case PricingStatus::priced_with_fallback:
      return "priced_with_fallback";
    case PricingStatus::free:
      return "free";
    case PricingStatus::inconsistent:
      return "inconsistent";
    case PricingStatus::unpriced:
      break;
  }
  return "unpriced";
}

Result<Costing> evaluate(const Price& price, const Usage& usage, OnInconsistent on_inconsistent, bool with_lines) {
  return Evaluation(price, usage).run(on_inconsistent, with_lines);
}

}  // namespace spend
