#pragma once

#include <cstdint>
#include <string_view>

#include "core/timestamp.hpp"

namespace spend {

/// True for a name of the IANA time zone database, spelled as there ("UTC", "Asia/Kolkata").
bool is_time_zone(std::string_view name);

/// Seconds by which the zone's clocks are ahead of UTC at that moment, daylight saving time included.
/// Preconditions: is_time_zone(name); `at` lies in the years 1 to 9999.
std::int32_t utc_offset(std::string_view name, Timestamp at);

}  // namespace spend
