#include "core/condition_reader.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/pow10.hpp"
#include "core/price.hpp"
#include "core/price_error.hpp"
#include "core/rate_reader.hpp"
#include "core/time_window_reader.hpp"

namespace spend::price_json {

namespace {

std::optional<Error> read_value(const Json& value, const std::string& path, Condition::Test& test) {
  std::string text;
  switch (value.type) {
    case Json::Type::string:
    case Json::Type::number:
      text = value.text;
      break;
    case Json::Type::boolean:
      text = value.boolean ? "true" : "false";
      break;
    default:
      return at(path, ErrorKind::invalid_text, "must be a text, a number or true or false, or an array of them");
  }
  test.values.push_back(condition_value(test.key, text));
  return std::nullopt;
}

std::optional<Error> read_test(const Json& value, const std::string& path, Condition::Test& test) {
  if (value.type != Json::Type::array) {
    return read_value(value, path, test);
  }
  if (value.items.empty()) {
    return at(path, ErrorKind::invalid_value, "an empty list is never met");
  }
  if (value.items.size() > Condition::max_values) {
    return at(path, ErrorKind::limit_exceeded, "more than " + std::to_string(Condition::max_values) + " values");
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (std::optional<Error> error = read_value(value.items[i], item(path, i), test)) {
      return error;
    }
  }
  std::sort(test.values.begin(), test.values.end());
  test.values.erase(std::unique(test.values.begin(), test.values.end()), test.values.end());
  return std::nullopt;
}

std::optional<Error> read_tests(const Json& value, const std::string& path, Condition& condition) {
  if (value.type != Json::Type::object) {
    return at(path, ErrorKind::invalid_text, "\"if\" must be an object",
              "Write it as {\"service_tier\": \"batch\"}, or {\"time\": {\"hours\": \"16:30-00:30\"}}.");
  }
  if (value.members.size() > Condition::max_tests) {
    return at(path, ErrorKind::limit_exceeded, "more than " + std::to_string(Condition::max_tests) + " tests");
  }
  for (const auto& [key, part] : value.members) {
    const std::string part_path = join(path, key);
    if (key == "time") {
      if (std::optional<Error> error = read_windows(part, part_path, condition.windows)) {
        return error;
      }
      continue;
    }
    if (!is_meter_name(key) || key == "at" || key == "strict") {
      return at(part_path, ErrorKind::invalid_value, "not a key that a condition can test",
                "A key has 1 to 63 characters of a-z, 0-9 and _ and starts with a letter, such as service_tier, region "
                "or quality; \"time\" holds the hours.");
    }
    Condition::Test& test = condition.tests.emplace_back();
    test.key = key;
    if (std::optional<Error> error = read_test(part, part_path, test)) {
      return error;
    }
  }
  std::sort(condition.tests.begin(), condition.tests.end(),
            [](const Condition::Test& a, const Condition::Test& b) { return a.key < b.key; });
  return std::nullopt;
}

std::optional<Error> read_factor(const Json& value, const std::string& path, Condition& condition) {
  if (value.type != Json::Type::number && value.type != Json::Type::string) {
    return at(path, ErrorKind::invalid_text, "a factor must be a number such as \"1.1\"");
  }
  const Result<Decimal> factor = Decimal::parse(value.text);
  if (!factor.ok()) {
    return at(path, factor.error());
  }
  if (factor->is_zero()) {
    return at(path, ErrorKind::invalid_value, "a factor must be above 0", "What is free has rates of 0.");
  }
  condition.factor = *factor;
  return std::nullopt;
}

std::optional<Error> read_scope(const Json& value, const std::string& path, Condition& condition) {
  if (value.type == Json::Type::string && (value.text == "all" || value.text == "all_but_cache")) {
    condition.scope = value.text == "all" ? Condition::Scope::all : Condition::Scope::all_but_cache;
    return std::nullopt;
  }
  if (value.type != Json::Type::array || value.items.empty()) {
    return at(path, ErrorKind::invalid_value, "\"scope\" must be \"all\", \"all_but_cache\" or an array of meters");
  }
  if (value.items.size() > Price::max_rates) {
    return at(path, ErrorKind::limit_exceeded, "more than " + std::to_string(Price::max_rates) + " meters");
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const Json& meter = value.items[i];
    if (meter.type != Json::Type::string || !is_meter_name(meter.text)) {
      return at(item(path, i), ErrorKind::invalid_value, "not a meter name");
    }
    condition.scope_meters.push_back(meter.text);
  }
  std::sort(condition.scope_meters.begin(), condition.scope_meters.end(), meter_less);
  condition.scope_meters.erase(std::unique(condition.scope_meters.begin(), condition.scope_meters.end()),
                               condition.scope_meters.end());
  condition.scope = Condition::Scope::listed;
  return std::nullopt;
}

std::optional<Error> read_condition(const Json& value, const std::string& path, Condition& condition) {
  if (value.type != Json::Type::object) {
    return at(path, ErrorKind::invalid_text, "a condition must be an object",
              "Write it as {\"if\": {\"service_tier\": \"batch\"}, \"rates\": {\"input_tokens\": \"1.25/1M\"}}.");
  }
  bool has_rates = false;
  bool has_scope = false;
  for (const auto& [key, part] : value.members) {
    const std::string part_path = join(path, key);
    std::optional<Error> error;
    if (key == "if") {
      error = read_tests(part, part_path, condition);
    } else if (key == "rates") {
      error = read_rates(part, part_path, condition.rates);
      has_rates = true;
    } else if (key == "multiply") {
      error = read_factor(part, part_path, condition);
    } else if (key == "scope") {
      error = read_scope(part, part_path, condition);
      has_scope = true;
    } else {
      error = at(part_path, ErrorKind::invalid_value, "unknown key",
                 "A condition has \"if\", and either \"rates\" or \"multiply\" with \"scope\".");
    }
    if (error) {
      return error;
    }
  }
  if (has_rates == condition.is_factor()) {
    return at(path, ErrorKind::invalid_value, "a condition has either \"rates\" or \"multiply\"");
  }
  if (has_scope && has_rates) {
    return at(join(path, "scope"), ErrorKind::invalid_value, "only \"multiply\" has a scope");
  }
  if (has_rates && condition.tests.empty() && condition.windows.empty()) {
    return at(path, ErrorKind::invalid_value, "\"if\" tests nothing",
              "Rates that always hold belong to the price's own \"rates\".");
  }
  return std::nullopt;
}

/// Schedules before other rates, more tests before fewer; factors, whose order means nothing, last.
bool asked_before(const Condition& a, const Condition& b) {
  const auto rank = [](const Condition& condition) {
    return condition.is_factor() ? 2 : condition.is_schedule() ? 0 : 1;
  };
  return rank(a) != rank(b) ? rank(a) < rank(b) : rank(a) != 2 && a.tests.size() > b.tests.size();
}

/// What no two conditions of a price may share. Factors of different meters may hold under the same tests.
std::string identity(const Condition& condition) {
  std::string text = condition.tests_json();
  if (condition.is_factor()) {
    text += "x" + std::to_string(static_cast<int>(condition.scope));
    for (const std::string& meter : condition.scope_meters) {
      text += " " + meter;
    }
  }
  return text;
}

bool fits(u128 coefficient, int scale) {
  return Decimal::from_parts(coefficient, scale).ok();
}

/// Whether the rate times any of the factors, or several, or all of them, is a decimal of ours.
bool can_be_multiplied(const Rate& rate, const std::vector<Condition>& conditions) {
  u128 product = rate.amount.coefficient();
  u128 largest = product;
  int scale = rate.amount.scale();
  int scale_of_largest = scale;
  for (const Condition& condition : conditions) {
    if (!condition.is_factor() || product == 0) {
      continue;
    }
    const u128 factor = condition.factor.coefficient();
    scale += condition.factor.scale();
    if (scale > Decimal::max_scale || __builtin_mul_overflow(product, factor, &product) ||
        product >= pow10[Decimal::max_digits]) {
      return false;
    }
    if (condition.factor >= Decimal::from_integer(1)) {
      largest *= factor;  // at most the product
      scale_of_largest += condition.factor.scale();
      if (!fits(largest, scale_of_largest)) {
        return false;
      }
    }
  }
  return true;
}

std::optional<Error> check_factors(const std::vector<MeterRate>& rates, const std::vector<Condition>& conditions,
                                   const std::string& path) {
  const auto error_of = [&](const MeterRate& meter, const Rate& rate) {
    return at(
        join(path, meter.meter), ErrorKind::out_of_range,
        "the rate \"" + rate.to_string() + "\" times its multipliers has too many digits",
        "Write the rate per more units (\"2.5/1M\" rather than \"0.0000025/1\"), or the multiplied rates themselves.");
  };
  for (const MeterRate& meter : rates) {
    if (!can_be_multiplied(meter.base, conditions)) {
      return error_of(meter, meter.base);
    }
    for (const Tier& tier : meter.tiers) {
      if (!can_be_multiplied(tier.rate, conditions)) {
        return error_of(meter, tier.rate);
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Error> read_conditions(const Json& value, const std::string& path, std::vector<Condition>& conditions) {
  if (value.type != Json::Type::array) {
    return at(path, ErrorKind::invalid_text, "\"conditions\" must be an array");
  }
  if (value.items.size() > Price::max_conditions) {
    return at(path, ErrorKind::limit_exceeded, "more than " + std::to_string(Price::max_conditions) + " conditions");
  }
  conditions.reserve(value.items.size());
  std::set<std::string> seen;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Condition& condition = conditions.emplace_back();
    if (std::optional<Error> error = read_condition(value.items[i], item(path, i), condition)) {
      return error;
    }
    if (!seen.insert(identity(condition)).second) {
      return at(item(path, i), ErrorKind::invalid_value, "another condition has the same \"if\"",
                "Of two with the same tests only the first would ever be used.");
    }
  }
  std::stable_sort(conditions.begin(), conditions.end(), asked_before);
  return std::nullopt;
}

std::optional<Error> check_together(const std::vector<MeterRate>& rates, const std::vector<Condition>& conditions,
                                    const std::string& path) {
  if (conditions.empty()) {
    return std::nullopt;
  }
  std::set<std::string_view> meters;
  for (const MeterRate& rate : rates) {
    meters.insert(rate.meter);
  }
  for (const Condition& condition : conditions) {
    for (const MeterRate& rate : condition.rates) {
      meters.insert(rate.meter);
    }
  }
  if (meters.size() > Price::max_rates) {
    return at(path, ErrorKind::limit_exceeded, "more than " + std::to_string(Price::max_rates) + " meters");
  }
  if (std::optional<Error> error = check_factors(rates, conditions, join(path, "rates"))) {
    return error;
  }
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const std::string rates_path = join(item(join(path, "conditions"), i), "rates");
    if (std::optional<Error> error = check_factors(conditions[i].rates, conditions, rates_path)) {
      return error;
    }
  }
  return std::nullopt;
}

}  // namespace spend::price_json
