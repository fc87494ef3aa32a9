#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/condition.hpp"
#include "core/plain_price.hpp"
#include "core/rate.hpp"
#include "core/status.hpp"

namespace spend {

/// All terms of one SKU: rates, and conditions under which other rates or multipliers hold. Canonical: rates in meter
/// order, conditions in the order in which they are asked, defaults left out of the text except the currency.
class Price {
 public:
  static constexpr std::size_t max_json_bytes = 64 * 1024;
  static constexpr std::size_t max_rates = 256;  ///< also of all distinct meters of rates and conditions together
  static constexpr std::size_t max_tiers = 64;
  static constexpr std::size_t max_conditions = 128;

  /// {"currency": "USD", "rates": {meter: "AMOUNT/UNIT" | {"base": "…", "tiers": [{"above"|"from": N, "rate": "…"}],
  /// "basis": meter, "mode": "whole"|"graduated"}}, "conditions": [{"if": {key: value | [value, …], "time": {"hours":
  /// "16:30-00:30", "weekdays": […], "dates": […], "time_zone": "UTC"}}, "rates": {…}} | {"if": {…}, "multiply": "1.1",
  /// "scope": "all"|"all_but_cache"|[meter, …]}]}. currency: 1 to 12 of [A-Z0-9_], first a letter (ISO 4217, or a unit
  /// such as DBU); default USD. Errors name the offending part (key path): invalid_text, invalid_value, out_of_range,
  /// limit_exceeded. Unknown keys are refused: a misspelt condition would otherwise change money silently.
  static Result<Price> from_json(std::string_view json);
  std::string to_json() const;

  /// Storage and wire image: version byte, zero byte, canonical JSON. from_image re-parses and refuses (invalid_binary)
  /// what to_image would not produce.
  static Result<Price> from_image(std::span<const std::byte> image);
  std::string to_image() const;

  const std::string& currency() const { return currency_; }
  const std::vector<MeterRate>& rates() const { return rates_; }
  /// Conditions with rates first, in the order in which they are asked for a rate: schedules, then the others, each by
  /// number of tests, most first; then those with a factor.
  const std::vector<Condition>& conditions() const { return conditions_; }
  const MeterRate* find(std::string_view meter) const;
  /// What the rates come to for a usage that needs no judgement.
  const PlainPrice& plain() const { return plain_; }
  /// Whether some condition tests that key of a request.
  bool tests(std::string_view key) const;
  /// Whether some condition is met by that value of the key; for a variant made of parameters ("quality=hd"), whether
  /// all of them are tested. `value` is normalised (text_key.hpp).
  bool answers(std::string_view key, std::string_view value) const;

  friend bool operator==(const Price&, const Price&) = default;

 private:
  friend class PriceReader;
  std::string currency_ = "USD";
  std::vector<MeterRate> rates_;
  std::vector<Condition> conditions_;
  PlainPrice plain_;  ///< follows from the rates
};

}  // namespace spend
