#include <cstddef>

#include "core/evaluation.hpp"
#include "core/exact_sum.hpp"
#include "core/meter_table.hpp"
#include "core/silent_fallback.hpp"

namespace spend {

namespace {

constexpr std::size_t input = meter_index("input_tokens");
constexpr std::size_t output = meter_index("output_tokens");
constexpr std::size_t cache_write = meter_index("cache_write_tokens");
constexpr MeterSet cached_text =
    bit(meter_index("cache_text_read_tokens")) | bit(meter_index("cache_text_write_tokens"));
constexpr MeterSet tool_modality =
    bit(meter_index("input_audio_tool_tokens")) | bit(meter_index("input_image_tool_tokens")) |
    bit(meter_index("input_video_tool_tokens")) | bit(meter_index("input_document_tool_tokens"));

}  // namespace

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
  for_each_meter(counts_.present & ~priced_ & ~silent_fallbacks, [&](std::size_t meter) {
    if (!has_own_quantity(counts_, meter)) {
      return;
    }
    const std::size_t rate = rate_for(meter);
    if (rate != no_rate && !falls_back_silently(meter, *rates_[rate])) {
      add_reason(fallbacks_, meter_table[meter].name);
      fallbacks_ += " at the " + rates_[rate]->meter + " rate";
    }
  });
}

void Evaluation::report_unsplit_writes() {
  if ((exclusive_.participants & bit(cache_write)) == 0 || (priced_ & bit(cache_write)) == 0 ||
      exclusive_.quantity[cache_write] <= unrated_lifetimes_ || !has_own_quantity(counts_, cache_write)) {
    return;
  }
  const Rate& applied = whole_rate(*rates_[rate_of_[cache_write]]);
  bool differs = false;
  for_each_meter(priced_ & cache_write_lifetimes, [&](std::size_t lifetime) {
    if (!differs && !same_value(applied, whole_rate(*rates_[rate_of_[lifetime]]))) {
      differs = true;
      add_reason(fallbacks_, "cache_write_tokens without a lifetime at the cache_write_tokens rate, ");
      fallbacks_ += meter_table[lifetime].name;
      fallbacks_ += " has another";
    }
  });
}

/// A service tier that leaves out a meter of a family which it prices: that meter bills at the standard rate, and says
/// so. Tools cost the same in all tiers, so they say nothing.
void Evaluation::report_standard_rates() {
  if (rate_count_ == 0 || price_.conditions().empty()) {
    return;
  }
  const auto is_of_tier = [&](std::size_t rate) {
    return source_[rate] != from_price && price_.conditions()[source_[rate]].find_test("service_tier") != nullptr;
  };
  for (const std::size_t root : {input, output}) {
    const MeterSet family = tree_of(root) & priced_;
    bool has_tier = false;
    for_each_meter(family, [&](std::size_t meter) { has_tier = has_tier || is_of_tier(rate_of_[meter]); });
    for_each_meter(has_tier ? family : 0, [&](std::size_t meter) {
      const std::size_t rate = rate_of_[meter];
      if (billed_[rate].quantity != 0 && source_[rate] == from_price) {
        add_reason(fallbacks_, meter_table[meter].name);
        fallbacks_ += " at the standard rate";
      }
    });
  }
}

}  // namespace spend
