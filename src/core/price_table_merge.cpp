#include "core/price_table_merge.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/sku_key.hpp"

namespace spend {

namespace {

using Ranges = std::vector<std::pair<Timestamp, Timestamp>>;  ///< half-open, ascending, apart

/// Adds what is left of the entry outside of the ranges.
void add_rest(std::vector<PriceEntry>& entries, const PriceEntry& entry, const Ranges& ranges) {
  Timestamp from = entry.valid_from;
  const auto add_until = [&](Timestamp until) {
    if (from < until) {
      PriceEntry& rest = entries.emplace_back(entry);
      rest.valid_from = from;
      rest.valid_until = until;
    }
  };
  for (const auto& [start, end] : ranges) {
    if (end <= from) {
      continue;
    }
    if (start >= entry.valid_until) {
      break;
    }
    add_until(start);
    from = end;
  }
  add_until(entry.valid_until);
}

}  // namespace

Result<PriceTable> merge(const PriceTable& base, const PriceTable& overrides) {
  std::unordered_map<std::string, Ranges> overridden;
  for (const PriceEntry& entry : overrides.entries()) {
    overridden[sku_key(entry.sku)].emplace_back(entry.valid_from, entry.valid_until);
  }
  for (auto& [key, ranges] : overridden) {
    std::sort(ranges.begin(), ranges.end());
  }
  std::vector<PriceEntry> entries = overrides.entries();
  for (const PriceEntry& entry : base.entries()) {
    const auto found = overridden.find(sku_key(entry.sku));
    if (found == overridden.end()) {
      entries.push_back(entry);
    } else {
      add_rest(entries, entry, found->second);
    }
  }
  return PriceTable::from_entries(std::move(entries));
}

}  // namespace spend
