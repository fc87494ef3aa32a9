// Cache writes by a lifetime that the registry of meters does not know: cache_write_2h_tokens is as much a part of
// cache_write_tokens as cache_write_1h_tokens, so it must not be billed beside it.

#include <algorithm>

#include "core/evaluation.hpp"
#include "core/silent_fallback.hpp"

namespace spend {

namespace {

constexpr std::size_t input = meter_index("input_tokens");
constexpr std::size_t cache_write = meter_index("cache_write_tokens");

std::string describe(const Usage::Entry& entry) {
  return entry.custom_name + " " + entry.quantity.to_string();
}

}  // namespace

bool is_cache_lifetime(std::string_view meter) {
  constexpr std::string_view prefix = "cache_write_";
  constexpr std::string_view suffix = "_tokens";
  if (meter.size() <= prefix.size() + suffix.size() || !meter.starts_with(prefix) || !meter.ends_with(suffix)) {
    return false;
  }
  const std::string_view lifetime = meter.substr(prefix.size(), meter.size() - prefix.size() - suffix.size());
  const std::size_t digits = std::min(lifetime.find_first_not_of("0123456789"), lifetime.size());
  const std::string_view unit = lifetime.substr(digits);
  return digits > 0 && unit.size() == 1 && std::string_view("smhd").find(unit) != std::string_view::npos;
}

template <typename Visit>
void Evaluation::for_each_lifetime(Visit visit) const {
  const std::vector<Usage::Entry>& entries = usage_.entries();
  // Meters outside the registry come last, in order of their names.
  for (std::size_t i = entries.size(); i-- > 0 && entries[i].known == nullptr;) {
    if (is_cache_lifetime(entries[i].custom_name)) {
      visit(entries[i]);
    }
  }
}

void Evaluation::prepare_lifetimes() {
  int scale = counts_.scale;
  for_each_lifetime([&](const Usage::Entry& entry) { scale = std::max(scale, entry.quantity.scale()); });
  if (scale != counts_.scale) {
    for_each_meter(counts_.present, [&](std::size_t meter) {
      counts_.count[meter] = rescale(counts_.count[meter], counts_.scale, scale);
    });
    counts_.scale = scale;
  }
  const bool is_missing = (counts_.present & bit(cache_write)) == 0;
  for_each_lifetime([&](const Usage::Entry& entry) {
    if (is_missing) {
      add_reason(inconsistencies_, "cache_write_tokens is missing although there is " + describe(entry));
      const u128 largest = pow10[static_cast<std::size_t>(Decimal::max_integer_digits + scale)] - 1;
      const u128 before = (counts_.present & bit(cache_write)) != 0 ? counts_.count[cache_write] : 0;
      const u128 sum = before + rescale(entry.quantity.coefficient(), entry.quantity.scale(), scale);
      counts_.count[cache_write] = std::min(sum, largest);
      counts_.present |= bit(cache_write);
    }
  });
}

void Evaluation::lift_lifetimes() {
  if ((counts_.present & bit(cache_write)) == 0) {
    return;
  }
  u128 room = counts_.count[cache_write];
  for_each_meter(counts_.present & cache_write_lifetimes,
                 [&](std::size_t meter) { room -= std::min(room, counts_.count[meter]); });
  for_each_lifetime([&](const Usage::Entry& entry) {
    u128 quantity = rescale(entry.quantity.coefficient(), entry.quantity.scale(), counts_.scale);
    if (quantity > room) {
      add_reason(inconsistencies_, describe(entry) + " is above what cache_write_tokens leaves for it");
      quantity = room;
    }
    room -= quantity;
    if (quantity == 0) {
      return;
    }
    const auto end = rates_.begin() + static_cast<std::ptrdiff_t>(rate_count_);
    const auto rate = std::find_if(rates_.begin(), end, [&](const MeterRate* candidate) {
      return candidate->known == nullptr && candidate->meter == entry.custom_name;
    });
    if (rate == end) {
      unrated_lifetimes_ += quantity;
      if (const std::size_t parent = rate_for(cache_write); parent != no_rate) {
        add_reason(fallbacks_, entry.custom_name + " at the " + rates_[parent]->meter + " rate");
      }
      return;
    }
    // Counts are consistent by now: what is written to the cache is part of the input.
    bill(static_cast<std::size_t>(rate - rates_.begin()), quantity, counts_.scale);
    counts_.count[cache_write] -= quantity;
    counts_.count[input] -= quantity;
    lifted_ += quantity;
  });
}

}  // namespace spend
