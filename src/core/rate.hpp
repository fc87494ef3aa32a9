#pragma once

#include <cstddef>
#include <cstdint>
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

/// The JSON form of a set of rates: {"input_tokens": "2.5/1M", …}.
std::string rates_json(const std::vector<MeterRate>& rates);

}  // namespace spend
