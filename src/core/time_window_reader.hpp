#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/status.hpp"
#include "core/time_window.hpp"

namespace spend::price_json {

/// Reads one window, or an array of them: {"hours": "16:30-00:30" | […], "weekdays": "sat" | […], "dates": "2026-01-01"
/// | […], "time_zone": "UTC"}. Errors name the place under `path`: invalid_text, invalid_value, limit_exceeded.
std::optional<Error> read_windows(const Json& value, const std::string& path, std::vector<TimeWindow>& windows);

}  // namespace spend::price_json
