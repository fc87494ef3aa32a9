#pragma once

#include <string>

#include "pg/prelude.hpp"

namespace spend {

/// The row of spend.settings, or its defaults while there is none (CREATE EXTENSION seeds no rows).
struct Settings {
  std::string time_zone = "UTC";
  std::string currency = "USD";
  int week_start = 1;                            ///< first day of the week, 1 is Monday
  int fiscal_year_start = 1;                     ///< first month of the fiscal year
  std::int64_t max_clock_skew = 86'400'000'000;  ///< microseconds
  bool strict_usage = false;                     ///< inconsistent counts are refused
  bool strict_pricing = false;                   ///< a row without a price is refused
};

const std::shared_ptr<const Settings>& settings();

}  // namespace spend
