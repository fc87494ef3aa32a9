#include "core/scope.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/error_text.hpp"
#include "core/image.hpp"
#include "core/json.hpp"
#include "core/text_key.hpp"

namespace spend {

namespace {

Error scope_error(std::string_view dimension, const char* what) {
  return {ErrorKind::invalid_value, "scope dimension " + quoted(dimension) + " " + what, "", ""};
}

constexpr const char* values_hint =
    R"(Write a value or a list of values, such as {"team": "search", "environment": ["prod", "staging"]}.)";
constexpr const char* tests_hint =
    R"(Write a value, a list of values, {"not": "value"}, {"not": ["a", "b"]} or {"present": true}, such as )"
    R"({"team": "search", "environment": ["prod", "staging"]}.)";

std::optional<Error> add_value(const Json& value, Scope::Condition& condition) {
  if (value.type != Json::Type::string) {
    return scope_error(condition.dimension, "must have text values");
  }
  std::string key = dimension_key(condition.dimension, value.text);
  if (key.empty()) {
    return scope_error(condition.dimension, "has an empty value");
  }
  condition.values.push_back(std::move(key));
  return std::nullopt;
}

std::optional<Error> add_values(const Json& value, Scope::Condition& condition) {
  if (value.type != Json::Type::array) {
    return add_value(value, condition);
  }
  if (value.items.empty()) {
    return scope_error(condition.dimension, "has an empty list");
  }
  for (const Json& item : value.items) {
    if (std::optional<Error> error = add_value(item, condition)) {
      return error;
    }
  }
  std::sort(condition.values.begin(), condition.values.end());
  condition.values.erase(std::unique(condition.values.begin(), condition.values.end()), condition.values.end());
  return std::nullopt;
}

std::optional<Error> add_conditions(const std::string& dimension, const Json& value, bool values_only,
                                    std::vector<Scope::Condition>& conditions) {
  if (dimension.empty()) {
    return scope_error(dimension, "has no name");
  }
  if (values_only || value.type != Json::Type::object) {
    conditions.push_back({dimension});
    return add_values(value, conditions.back());
  }
  if (value.members.empty()) {
    return scope_error(dimension, "has an empty condition");
  }
  for (const auto& [test, operand] : value.members) {
    if (test == "not") {
      conditions.push_back({dimension, Scope::Test::none_of});
      if (std::optional<Error> error = add_values(operand, conditions.back())) {
        return error;
      }
    } else if (test == "present" && operand.type == Json::Type::boolean) {
      conditions.push_back({dimension, operand.boolean ? Scope::Test::present : Scope::Test::absent});
    } else {
      return scope_error(dimension, "has an unknown condition");
    }
  }
  return std::nullopt;
}

bool is_disjoint(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::none_of(a.begin(), a.end(),
                      [&](const std::string& value) { return std::binary_search(b.begin(), b.end(), value); });
}

bool is_subset(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

}  // namespace

bool is_id_dimension(std::string_view name) {
  return name == "run_id" || name == "trace_id" || name == "span_id" || name == "request_id";
}

std::string dimension_key(std::string_view dimension, std::string_view raw_value) {
  return is_id_dimension(dimension) ? std::string(raw_value) : text_key(raw_value);
}

bool Scope::Condition::matches(const Dimensions& dimensions) const {
  const std::string* const value = dimensions.find(dimension);
  switch (test) {
    case Test::any_of:
      return value != nullptr && std::binary_search(values.begin(), values.end(), *value);
    case Test::none_of:
      return value == nullptr || !std::binary_search(values.begin(), values.end(), *value);
    case Test::present:
      return value != nullptr;
    case Test::absent:
      break;
  }
  return value == nullptr;
}

bool Scope::Condition::implies(const Condition& other) const {
  switch (other.test) {
    case Test::any_of:
      return test == Test::any_of && is_subset(values, other.values);
    case Test::none_of:
      return test == Test::absent || (test == Test::any_of && is_disjoint(values, other.values)) ||
             (test == Test::none_of && is_subset(other.values, values));
    case Test::present:
      return test == Test::any_of || test == Test::present;
    case Test::absent:
      break;
  }
  return test == Test::absent;
}

Result<Scope> Scope::read(std::string_view json, bool values_only) {
  Result<Json> parsed = Json::parse(json, {max_json_bytes, values_only ? 2 : 3});
  if (!parsed.ok()) {
    return std::move(parsed).error();
  }
  if (parsed->type != Json::Type::object) {
    return Error{ErrorKind::invalid_text, "scope must be a JSON object", "",
                 "Write {} to cover everything, or conditions such as {\"team\": \"search\"}."};
  }
  Scope scope;
  for (const auto& [dimension, value] : parsed->members) {
    if (std::optional<Error> error = add_conditions(dimension, value, values_only, scope.conditions_)) {
      error->hint = values_only ? values_hint : tests_hint;
      return *std::move(error);
    }
  }
  std::sort(scope.conditions_.begin(), scope.conditions_.end(), [](const Condition& a, const Condition& b) {
    return std::tie(a.dimension, a.test) < std::tie(b.dimension, b.test);
  });
  return scope;
}

Result<Scope> Scope::from_json(std::string_view json) {
  return read(json, false);
}

Result<Scope> Scope::of_values(std::string_view json) {
  return read(json, true);
}

bool Scope::matches(const Dimensions& dimensions) const {
  return std::all_of(conditions_.begin(), conditions_.end(),
                     [&](const Condition& condition) { return condition.matches(dimensions); });
}

bool Scope::within(const Scope& wider) const {
  return std::all_of(wider.conditions_.begin(), wider.conditions_.end(), [&](const Condition& needed) {
    return std::any_of(conditions_.begin(), conditions_.end(),
                       [&](const Condition& own) { return own.dimension == needed.dimension && own.implies(needed); });
  });
}

GroupKey group_key(const std::vector<std::string>& group_by, const Dimensions& dimensions) {
  GroupKey key;
  key.json = "{";
  std::string canonical;
  for (const std::string& name : group_by) {
    const std::string* const found = dimensions.find(name);
    const std::string_view value = found != nullptr ? std::string_view(*found) : no_group_value;
    if (key.json.size() > 1) {
      key.json += ", ";
    }
    key.json += json_quote(name);
    key.json += ": ";
    key.json += json_quote(value);
    for (const std::string_view part : {std::string_view(name), value}) {
      append_integer(canonical, static_cast<std::uint32_t>(part.size()));
      canonical += part;
    }
  }
  key.json += '}';
  if (!group_by.empty()) {
    key.hash = content_hash(canonical);
  }
  return key;
}

}  // namespace spend
