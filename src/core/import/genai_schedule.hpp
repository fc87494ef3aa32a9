#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/status.hpp"
#include "core/timestamp.hpp"

namespace spend {

/// The prices of a genai-prices model that hold from one date to the next.
struct GenaiPeriod {
  /// Rates that hold at certain hours instead, those that are asked first in front.
  struct Hours {
    std::string window;  ///< "00:30-16:30", UTC
    const Json* rates = nullptr;
  };
  bool has_start = false;
  Timestamp start = timestamp_min;
  Timestamp until = timestamp_max;
  const Json* rates = nullptr;
  std::vector<Hours> hours;
};

/// Reads "prices" of a model: one object of rates, or a list in which the last entry whose constraint is met holds:
/// {"start_date": DATE} or {"start_time": TIME, "end_time": TIME}. The result points into `prices`. Errors:
/// invalid_value, invalid_text for what has no such meaning.
Result<std::vector<GenaiPeriod>> read_genai_periods(const Json& prices);

}  // namespace spend
