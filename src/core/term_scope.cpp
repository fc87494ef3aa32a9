#include "core/term_scope.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "core/error_text.hpp"
#include "core/json.hpp"

namespace spend {

namespace {

constexpr std::array<std::string_view, sku_part_count> part_names = {"provider",     "model", "surface", "region",
                                                                     "service_tier", "speed", "variant"};

constexpr std::size_t index(SkuPart part) {
  return static_cast<std::size_t>(part);
}

/// The index of a part of the SKU by its name; sku_part_count for any other name.
std::size_t part_of(std::string_view name) {
  return static_cast<std::size_t>(std::find(part_names.begin(), part_names.end(), name) - part_names.begin());
}

bool is_pattern(std::string_view value) {
  return value.find('*') != std::string_view::npos;
}

/// Whether some text may match both. Two patterns are compared by what stands before their first and after their last
/// asterisk only, so this may be true for two that no text matches.
bool patterns_may_meet(std::string_view a, std::string_view b) {
  if (!is_pattern(a)) {
    return matches_pattern(b, a);
  }
  if (!is_pattern(b)) {
    return matches_pattern(a, b);
  }
  const auto agree_at_start = [](std::string_view x, std::string_view y) {
    return x.starts_with(y) || y.starts_with(x);
  };
  const auto agree_at_end = [](std::string_view x, std::string_view y) { return x.ends_with(y) || y.ends_with(x); };
  return agree_at_start(a.substr(0, a.find('*')), b.substr(0, b.find('*'))) &&
         agree_at_end(a.substr(a.rfind('*') + 1), b.substr(b.rfind('*') + 1));
}

bool values_may_meet(const std::vector<std::string>& a, const std::vector<std::string>& b, bool patterns) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& mine) {
    return std::any_of(b.begin(), b.end(), [&](const std::string& theirs) {
      return patterns ? patterns_may_meet(mine, theirs) : mine == theirs;
    });
  });
}

std::optional<Error> check_values(std::string_view part, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    if (is_pattern(value) && part != part_names[index(SkuPart::model)]) {
      return Error{ErrorKind::invalid_value, "scope has a pattern for " + quoted(part) + ": " + quoted(value), "",
                   "Only a model may be a pattern; write a list of values."};
    }
    if (is_pattern(value) && value.size() > TermScope::max_pattern_bytes) {
      return Error{ErrorKind::limit_exceeded, "a pattern of a scope is too long",
                   "It may have " + std::to_string(TermScope::max_pattern_bytes) + " bytes.", ""};
    }
  }
  return std::nullopt;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  const std::size_t first = pattern.find('*');
  if (first == std::string_view::npos) {
    return pattern == text;
  }
  if (!text.starts_with(pattern.substr(0, first))) {
    return false;
  }
  text.remove_prefix(first);
  pattern.remove_prefix(first + 1);
  // What stands between two asterisks is taken where it comes first: that leaves most for the rest.
  for (std::size_t next = pattern.find('*'); next != std::string_view::npos; next = pattern.find('*')) {
    const std::string_view literal = pattern.substr(0, next);
    const std::size_t found = text.find(literal);
    if (found == std::string_view::npos) {
      return false;
    }
    text.remove_prefix(found + literal.size());
    pattern.remove_prefix(next + 1);
  }
  return text.ends_with(pattern);
}

TermFacts::TermFacts() {
  set_sku(SkuPart::service_tier, "");
}

void TermFacts::set_sku(SkuPart part, std::string_view raw_value) {
  std::string value = text_key(raw_value);
  if (part == SkuPart::service_tier) {
    value = canonical_service_tier(value);
  }
  sku[index(part)] = std::move(value);
}

Result<TermFacts> TermFacts::from_json(std::string_view json) {
  Result<Json> parsed = Json::parse(json, {Dimensions::max_json_bytes, 2});
  if (!parsed.ok()) {
    return std::move(parsed).error();
  }
  if (parsed->type != Json::Type::object) {
    return Error{ErrorKind::invalid_value, "facts must be a JSON object", "",
                 R"(Write {"provider": "openai", "model": "gpt-5", "team": "search"}.)"};
  }
  TermFacts facts;
  for (const auto& [name, value] : parsed->members) {
    if (value.type == Json::Type::null) {
      continue;
    }
    if (value.type != Json::Type::string) {
      return Error{ErrorKind::invalid_value, "fact " + quoted(name) + " is not text", "", ""};
    }
    const std::size_t part = part_of(name);
    if (part < sku_part_count) {
      facts.set_sku(static_cast<SkuPart>(part), value.text);
    } else {
      facts.dimensions.set(name, value.text);
    }
  }
  return facts;
}

Result<TermScope> TermScope::from_json(std::string_view json) {
  Result<Scope> parsed = Scope::of_values(json);
  if (!parsed.ok()) {
    return std::move(parsed).error();
  }
  TermScope scope;
  for (const Scope::Condition& condition : parsed->conditions()) {
    const std::size_t part = part_of(condition.dimension);
    if (part == sku_part_count) {
      scope.dimensions_.push_back(condition);
      continue;
    }
    if (std::optional<Error> error = check_values(condition.dimension, condition.values)) {
      return *std::move(error);
    }
    std::vector<std::string>& values = scope.sku_[part];
    values = condition.values;
    if (part == index(SkuPart::service_tier)) {
      for (std::string& tier : values) {
        tier = canonical_service_tier(tier);
      }
    }
  }
  scope.scope_ = *std::move(parsed);
  return scope;
}

bool TermScope::matches(const TermFacts& facts) const {
  for (std::size_t part = 0; part < sku_part_count; ++part) {
    const std::vector<std::string>& values = sku_[part];
    const auto meets = [&](const std::string& value) { return matches_pattern(value, facts.sku[part]); };
    const auto equals = [&](const std::string& value) { return value == facts.sku[part]; };
    if (!values.empty() && (part == index(SkuPart::model) ? std::none_of(values.begin(), values.end(), meets)
                                                          : std::none_of(values.begin(), values.end(), equals))) {
      return false;
    }
  }
  return std::all_of(dimensions_.begin(), dimensions_.end(),
                     [&](const Scope::Condition& condition) { return condition.matches(facts.dimensions); });
}

TermScope::Specificity TermScope::specificity() const {
  Specificity result;
  result.conditions =
      dimensions_.size() + static_cast<std::size_t>(std::count_if(sku_.begin(), sku_.end(),
                                                                  [](const auto& values) { return !values.empty(); }));
  // A list is as specific as its least specific value.
  const std::vector<std::string>& models = sku_[index(SkuPart::model)];
  if (!models.empty()) {
    result.model = std::numeric_limits<std::size_t>::max();
    for (const std::string& model : models) {
      if (is_pattern(model)) {
        const auto asterisks = static_cast<std::size_t>(std::count(model.begin(), model.end(), '*'));
        result.model = std::min(result.model, 1 + model.size() - asterisks);
      }
    }
  }
  return result;
}

bool TermScope::may_meet(const TermScope& other) const {
  for (std::size_t part = 0; part < sku_part_count; ++part) {
    if (!sku_[part].empty() && !other.sku_[part].empty() &&
        !values_may_meet(sku_[part], other.sku_[part], part == index(SkuPart::model))) {
      return false;
    }
  }
  return std::all_of(dimensions_.begin(), dimensions_.end(), [&](const Scope::Condition& mine) {
    const auto theirs =
        std::find_if(other.dimensions_.begin(), other.dimensions_.end(),
                     [&](const Scope::Condition& condition) { return condition.dimension == mine.dimension; });
    return theirs == other.dimensions_.end() || values_may_meet(mine.values, theirs->values, false);
  });
}

}  // namespace spend
