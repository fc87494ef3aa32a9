#include "core/scope.hpp"

#include <algorithm>
#include <utility>

#include "core/error_text.hpp"
#include "core/image.hpp"
#include "core/json.hpp"
#include "core/text_key.hpp"

namespace spend {

namespace {

/// What a row without a value of a grouping dimension counts to.
constexpr const char* no_value = "(none)";

Error scope_error(std::string_view dimension, const char* what) {
  return {
      ErrorKind::invalid_value, "scope dimension " + quoted(dimension) + " " + what, "",
      "Write a value or a list of values, such as {\"team\": \"search\", \"environment\": [\"prod\", \"staging\"]}."};
}

std::optional<Error> add_value(const Json& value, Scope::Condition& condition) {
  if (value.type != Json::Type::string) {
    return scope_error(condition.dimension, "must have text values");
  }
  std::string key = text_key(value.text);
  if (key.empty()) {
    return scope_error(condition.dimension, "has an empty value");
  }
  condition.any_of.push_back(std::move(key));
  return std::nullopt;
}

Result<Scope::Condition> read_condition(const std::string& dimension, const Json& value) {
  if (dimension.empty()) {
    return scope_error(dimension, "has no name");
  }
  Scope::Condition condition{dimension, {}};
  if (value.type == Json::Type::array) {
    if (value.items.empty()) {
      return scope_error(dimension, "has an empty list");
    }
    for (const Json& item : value.items) {
      if (std::optional<Error> error = add_value(item, condition)) {
        return *std::move(error);
      }
    }
  } else if (std::optional<Error> error = add_value(value, condition)) {
    return *std::move(error);
  }
  std::sort(condition.any_of.begin(), condition.any_of.end());
  condition.any_of.erase(std::unique(condition.any_of.begin(), condition.any_of.end()), condition.any_of.end());
  return condition;
}

}  // namespace

Result<Scope> Scope::from_json(std::string_view json) {
  Result<Json> parsed = Json::parse(json, {max_json_bytes, 2});
  if (!parsed.ok()) {
    return std::move(parsed).error();
  }
  if (parsed->type != Json::Type::object) {
    return Error{ErrorKind::invalid_text, "scope must be a JSON object", "",
                 "Write {} to cover everything, or conditions such as {\"team\": \"search\"}."};
  }
  Scope scope;
  for (const auto& [dimension, value] : parsed->members) {
    Result<Condition> condition = read_condition(dimension, value);
    if (!condition.ok()) {
      return std::move(condition).error();
    }
    scope.conditions_.push_back(*std::move(condition));
  }
  std::sort(scope.conditions_.begin(), scope.conditions_.end(),
            [](const Condition& a, const Condition& b) { return a.dimension < b.dimension; });
  return scope;
}

bool Scope::matches(const Dimensions& dimensions) const {
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
    const std::string* const value = dimensions.find(condition.dimension);
    return value != nullptr && std::binary_search(condition.any_of.begin(), condition.any_of.end(), *value);
  });
}

bool Scope::within(const Scope& wider) const {
  return std::all_of(wider.conditions_.begin(), wider.conditions_.end(), [&](const Condition& needed) {
    const auto own = std::lower_bound(
        conditions_.begin(), conditions_.end(), needed.dimension,
        [](const Condition& condition, const std::string& name) { return condition.dimension < name; });
    return own != conditions_.end() && own->dimension == needed.dimension &&
           std::includes(needed.any_of.begin(), needed.any_of.end(), own->any_of.begin(), own->any_of.end());
  });
}

GroupKey group_key(const std::vector<std::string>& group_by, const Dimensions& dimensions) {
  GroupKey key;
  key.json = "{";
  std::string canonical;
  for (const std::string& name : group_by) {
    const std::string* const found = dimensions.find(name);
    const std::string_view value = found != nullptr ? std::string_view(*found) : std::string_view(no_value);
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
