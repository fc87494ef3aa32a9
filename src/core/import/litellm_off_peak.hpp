#pragma once

#include <string>
#include <vector>

#include "core/import/litellm_roles.hpp"
#include "core/json.hpp"
#include "core/status.hpp"

namespace spend {

/// What `off_peak_pricing` says: rates, and when they hold.
struct LiteLlmOffPeak {
  std::string time;  ///< as a condition's "time" has it, JSON; "" when the block never holds
  std::vector<LiteLlmRate> rates;
};

/// Reads the block: `hours_utc` (every day) and `windows`, each with `hours_utc` and, on the calendar of
/// `weekday_timezone`, either `weekdays` or `override_dates`. A rule that cannot be read is left out alone, and named
/// in the notes. Errors: a rate that the guard refuses; the entry is quarantined.
Result<LiteLlmOffPeak> read_litellm_off_peak(const Json& block, std::vector<std::string>& notes);

}  // namespace spend
