#pragma once

#include <string>
#include <vector>

#include "core/key_table.hpp"
#include "core/price_table.hpp"
#include "core/sku_key.hpp"

namespace spend {

/// Outcome of a lookup: the entry, or why there is none.
struct SkuMatch {
  const PriceEntry* entry = nullptr;
  std::string reason;               ///< when entry is null
  std::string fallback;             ///< when a less specific SKU stood in ("service_tier batch at standard"); else ""
  Timestamp from = timestamp_min;   ///< the entry is the answer at all times from here
  Timestamp until = timestamp_max;  ///< to before here
};

/// All prices of one model, at all providers: an immutable index by SKU, then time.
class ModelPrices {
 public:
  explicit ModelPrices(std::vector<PriceEntry> entries);

  /// Exact SKU first; then parts are given up one at a time, most specific result first: variant, speed, region,
  /// surface to '', last service_tier to 'standard'. `wanted` is normalised and names a provider.
  SkuMatch find(const SkuParts& wanted, Timestamp at, bool keep_variant) const;
  /// Normalised, sorted.
  const std::vector<std::string>& providers() const { return providers_; }
  bool has_variant(std::string_view provider, std::string_view variant) const;

 private:
  /// What is valid at a time, or nothing, and the times around it for which that is so.
  struct Validity {
    const PriceEntry* entry;
    Timestamp from;
    Timestamp until;
  };
  Validity valid_at(const KeyTable::Range& range, Timestamp at) const;

  std::vector<PriceEntry> entries_;  ///< by SKU, then valid_from
  KeyTable skus_;                    ///< SKU key → its entries
  std::vector<std::string> providers_;
};

}  // namespace spend
