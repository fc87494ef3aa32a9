#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/decimal.hpp"
#include "core/rate.hpp"
#include "core/request_context.hpp"
#include "core/time_window.hpp"

namespace spend {

/// One alternative of a price: when the request meets all its tests, its rates take the place of others, or its factor
/// multiplies them.
struct Condition {
  /// One key of the request; met by any of the values. Values are normalised (text_key.hpp), ascending, no two equal.
  struct Test {
    std::string key;
    std::vector<std::string> values;
    friend bool operator==(const Test&, const Test&) = default;
  };
  /// Which rates a factor multiplies.
  enum class Scope : std::uint8_t {
    all,            ///< all that the model itself bills: tokens, images, seconds, characters, …; no tools, no fees
    all_but_cache,  ///< the same without cache reads and writes
    listed          ///< the meters named in scope_meters and what they contain
  };
  static constexpr std::size_t max_tests = 16;
  static constexpr std::size_t max_values = 64;
  static constexpr std::size_t max_windows = 32;
  static constexpr std::size_t max_hours = 16;
  static constexpr std::size_t max_dates = 400;

  std::vector<Test> tests;          ///< by key
  std::vector<TimeWindow> windows;  ///< one of them must be open; none: at any time
  std::vector<MeterRate> rates;     ///< in meter order; empty when there is a factor
  Decimal factor;                   ///< 0: this condition has rates
  Scope scope = Scope::all;
  std::vector<std::string> scope_meters;  ///< in meter order

  bool is_factor() const { return !factor.is_zero(); }
  bool is_schedule() const { return !windows.empty(); }
  const Test* find_test(std::string_view key) const;
  /// Whether all tests are met; the windows are not looked at.
  bool meets_tests(const RequestContext& context) const;
  /// Whether the factor multiplies the rate of that meter.
  bool multiplies(const MeterRate& rate) const;

  /// {"service_tier": "batch", "time": {…}}: the value of "if".
  std::string tests_json() const;
  std::string to_json() const;
  /// For a line of a bill: "service_tier batch, 16:30-00:30 UTC", "x 1.1 (region us)".
  std::string to_text() const;

  friend bool operator==(const Condition&, const Condition&) = default;
};

}  // namespace spend
