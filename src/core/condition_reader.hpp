#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/condition.hpp"
#include "core/json.hpp"

namespace spend::price_json {

/// Reads [{"if": …, "rates": …}, …] into `conditions`, in canonical order. Errors: see Price::from_json; `path` names
/// the value in them.
std::optional<Error> read_conditions(const Json& value, const std::string& path, std::vector<Condition>& conditions);

/// Checks what no condition shows alone: the number of distinct meters, and that every rate times every factor is a
/// decimal of ours, so that a cost can never fail for it.
std::optional<Error> check_together(const std::vector<MeterRate>& rates, const std::vector<Condition>& conditions,
                                    const std::string& path);

}  // namespace spend::price_json
