#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/decimal.hpp"
#include "core/meters.hpp"
#include "core/status.hpp"

namespace spend {

/// How many units of the meter one amount buys. The divisor stays separate because 0.36 per hour is exact and 0.0001
/// per second need not be.
enum class Per : std::uint8_t { one, thousand, million, billion, hour };

/// Divisor of a unit: 1, 1e3, 1e6, 1e9, 3600 (an hour is 3600 s: the meter counts seconds).
std::uint64_t divisor(Per per);
/// The unit as written in a rate: "1", "1k", "1M", "1B", "hour".
std::string_view unit_name(Per per);

/// Decimal amount per N units of one meter. Text form "2.50/1M"; canonical text has the normalised amount ("2.5/1M").
struct Rate {
  Decimal amount;
  Per per = Per::one;
  static Result<Rate> parse(std::string_view text);
  std::string to_string() const;
  friend bool operator==(const Rate&, const Rate&) = default;
};

/// One step of a tiered rate: applies when the basis is above (>) or from (>=) the threshold.
struct Tier {
  Decimal threshold;
  bool inclusive = false;  ///< false: "above" (>), true: "from" (>=)
  Rate rate;
  friend bool operator==(const Tier&, const Tier&) = default;
};

/// The rate of one meter. Without tiers only `base` counts.
struct MeterRate {
  enum class Mode : std::uint8_t {
    whole,     ///< the highest threshold crossed by the basis prices the whole quantity: what vendors do
    graduated  ///< the meter's own billed quantity climbs through the tiers, each slice at its own rate
  };
  std::string meter;
  const MeterInfo* known = nullptr;
  Rate base;
  std::vector<Tier> tiers;  ///< ascending thresholds, no two equal in (threshold, inclusive)
  std::string basis;  ///< meter whose count in the request picks the tier; whole mode only, default "input_tokens"
  Mode mode = Mode::whole;
  friend bool operator==(const MeterRate&, const MeterRate&) = default;
};

/// All terms of one SKU. Canonical: rates in meter order, defaults left out of the text except the currency.
class Price {
 public:
  static constexpr std::size_t max_json_bytes = 64 * 1024;
  static constexpr std::size_t max_rates = 256;
  static constexpr std::size_t max_tiers = 64;

  /// {"currency": "USD", "rates": {meter: "AMOUNT/UNIT" | {"base": "…", "tiers": [{"above"|"from": N, "rate": "…"}],
  /// "basis": meter, "mode": "whole"|"graduated"}}}. currency: 1 to 12 of [A-Z0-9_], first a letter (ISO 4217, or a
  /// unit such as DBU); default USD. Errors name the offending part (key path): invalid_text, invalid_value,
  /// out_of_range, limit_exceeded. Unknown keys are refused: a misspelt condition would otherwise change money
  /// silently.
  static Result<Price> from_json(std::string_view json);
  std::string to_json() const;

  /// Storage and wire image: version byte, zero byte, canonical JSON. from_image re-parses and refuses (invalid_binary)
  /// what to_image would not produce.
  static Result<Price> from_image(std::span<const std::byte> image);
  std::string to_image() const;

  const std::string& currency() const { return currency_; }
  const std::vector<MeterRate>& rates() const { return rates_; }
  const MeterRate* find(std::string_view meter) const;

  friend bool operator==(const Price&, const Price&) = default;

 private:
  friend class PriceReader;
  std::string currency_ = "USD";
  std::vector<MeterRate> rates_;
};

}  // namespace spend
