#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/rate.hpp"

namespace spend::price_json {

/// Reads {meter: rate, …} into `rates`, in meter order. Errors: see Price::from_json; `path` names the value in them.
std::optional<Error> read_rates(const Json& value, const std::string& path, std::vector<MeterRate>& rates);

}  // namespace spend::price_json
