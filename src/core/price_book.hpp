#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/price_table.hpp"

namespace spend {

/// What a caller knows about the thing to be priced; text as sent, "" where unknown.
struct SkuQuery {
  std::string_view provider = {};  ///< "" when unknown: the only provider of the model, else its maker
  std::string_view model = {};
  std::string_view surface = {};
  std::string_view region = {};
  std::string_view service_tier = {};  ///< "" means standard; "default" and "on_demand" too
  std::string_view speed = {};
  std::string_view variant = {};
};

/// Outcome of a lookup: the entry, or why there is none.
struct PriceMatch {
  const PriceEntry* entry = nullptr;  ///< lives as long as the book
  std::string reason;  ///< when entry is null: "unknown model", "ambiguous provider", "no price valid at that time", …
  std::string fallback;  ///< when a less specific SKU stood in ("service_tier batch at standard"); else ""
};

/// An immutable index over prices: lookup in time independent of the number of models. Matching is on normalised text
/// (text_key.hpp). Exact SKU first; then parts are relaxed one at a time, most specific result first: variant, speed,
/// region, surface to '', last service_tier to 'standard' (named in fallback: a batch call without batch price is
/// billed at the standard rate, never at 0).
class PriceBook {
 public:
  PriceBook();
  ~PriceBook();
  PriceBook(PriceBook&&) noexcept;
  PriceBook& operator=(PriceBook&&) noexcept;

  /// Takes over the entries. They need not be sorted; overlaps are the caller's concern (the table has a constraint).
  static PriceBook build(std::vector<PriceEntry> entries);

  PriceMatch find(const SkuQuery& query, Timestamp at) const;
  /// The maker of a model by its family name (gpt- → openai, claude → anthropic, gemini → google, …); "" when unknown.
  static std::string_view maker_of(std::string_view model);
  std::size_t size() const;

 private:
  struct Index;
  std::unique_ptr<Index> index_;
};

}  // namespace spend
