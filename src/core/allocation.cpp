#include "core/allocation.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <tuple>
#include <utility>

#include "core/error_text.hpp"
#include "core/json.hpp"

namespace spend {

namespace {

constexpr const char* assign_hint =
    R"(Write values by dimension, or where to take them from, such as {"team": "search", "user_id": {"from": "requested_by"}}.)";

Error assign_error(std::string_view dimension, const char* what) {
  return {ErrorKind::invalid_value, "assigned dimension " + quoted(dimension) + " " + what, "", assign_hint};
}

Result<Assignment> read_assignment(const std::string& dimension, const Json& value) {
  if (dimension.empty()) {
    return assign_error(dimension, "has no name");
  }
  Assignment assignment{dimension};
  if (value.type == Json::Type::string) {
    assignment.value = dimension_key(dimension, value.text);
    if (assignment.value.empty()) {
      return assign_error(dimension, "has an empty value");
    }
    return assignment;
  }
  if (value.type != Json::Type::object || value.members.size() != 1) {
    return assign_error(dimension, R"(must have a text value or {"from": "dimension"})");
  }
  const auto& [key, source] = value.members.front();
  if (key != "from" || source.type != Json::Type::string || source.text.empty()) {
    return assign_error(dimension, R"(must have a text value or {"from": "dimension"})");
  }
  assignment.from = source.text;
  if (assignment.from == dimension) {
    return assign_error(dimension, "is assigned from itself");
  }
  return assignment;
}

std::string value_key(std::string_view dimension, std::string_view value) {
  std::string key(dimension);
  key += '\0';
  key += value;
  return key;
}

/// How many different values the rules ask of each dimension.
std::map<std::string, std::size_t> count_values(const std::vector<AllocationRule>& rules) {
  std::map<std::string, std::set<std::string_view>> values;
  for (const AllocationRule& rule : rules) {
    for (const Scope::Condition& condition : rule.scope.conditions()) {
      if (condition.test == Scope::Test::any_of) {
        values[condition.dimension].insert(condition.values.begin(), condition.values.end());
      }
    }
  }
  std::map<std::string, std::size_t> counts;
  for (const auto& [dimension, distinct] : values) {
    counts[dimension] = distinct.size();
  }
  return counts;
}

const Scope::Condition* most_telling(const AllocationRule& rule, const std::map<std::string, std::size_t>& counts) {
  const Scope::Condition* best = nullptr;
  for (const Scope::Condition& condition : rule.scope.conditions()) {
    if (condition.test == Scope::Test::any_of &&
        (best == nullptr || counts.at(condition.dimension) > counts.at(best->dimension))) {
      best = &condition;
    }
  }
  return best;
}

}  // namespace

Result<std::vector<Assignment>> Assignment::from_json(std::string_view json) {
  Result<Json> parsed = Json::parse(json, {max_json_bytes, 2});
  if (!parsed.ok()) {
    return std::move(parsed).error();
  }
  if (parsed->type != Json::Type::object || parsed->members.empty()) {
    return Error{ErrorKind::invalid_text, "what a rule assigns must be a JSON object with at least one dimension", "",
                 assign_hint};
  }
  std::vector<Assignment> assignments;
  for (const auto& [dimension, value] : parsed->members) {
    Result<Assignment> assignment = read_assignment(dimension, value);
    if (!assignment.ok()) {
      return std::move(assignment).error();
    }
    assignments.push_back(*std::move(assignment));
  }
  return assignments;
}

AllocationRules AllocationRules::build(std::vector<AllocationRule> rules) {
  std::erase_if(rules, [](const AllocationRule& rule) { return rule.valid_from >= rule.valid_until; });
  std::sort(rules.begin(), rules.end(), [](const AllocationRule& a, const AllocationRule& b) {
    return std::tie(a.priority, a.name, a.rule_id) < std::tie(b.priority, b.name, b.rule_id);
  });
  AllocationRules built;
  built.rules_ = std::move(rules);
  const std::map<std::string, std::size_t> counts = count_values(built.rules_);
  std::set<std::string> asked;
  std::set<Timestamp> boundaries;
  for (std::size_t i = 0; i < built.rules_.size(); ++i) {
    const AllocationRule& rule = built.rules_[i];
    const auto rank = static_cast<std::uint32_t>(i);
    for (const Scope::Condition& condition : rule.scope.conditions()) {
      asked.insert(condition.dimension);
    }
    for (const Assignment& assignment : rule.assignments) {
      if (!assignment.from.empty()) {
        asked.insert(assignment.from);
      }
    }
    boundaries.insert({rule.valid_from, rule.valid_until});
    if (const Scope::Condition* const condition = most_telling(rule, counts)) {
      for (const std::string& value : condition->values) {
        built.by_value_[value_key(condition->dimension, value)].push_back(rank);
      }
    } else {
      built.others_.push_back(rank);
    }
  }
  built.asked_.assign(asked.begin(), asked.end());
  built.boundaries_.assign(boundaries.begin(), boundaries.end());
  return built;
}

std::size_t AllocationRules::stretch_of(Timestamp at) const {
  return static_cast<std::size_t>(std::upper_bound(boundaries_.begin(), boundaries_.end(), at) - boundaries_.begin());
}

std::vector<Allocated> AllocationRules::allocate(Dimensions& facts, Timestamp at) const {
  std::vector<Allocated> given;
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> candidates(std::greater<>(), others_);
  const auto add_candidates = [&](std::string_view dimension, std::string_view value) {
    if (const auto found = by_value_.find(value_key(dimension, value)); found != by_value_.end()) {
      for (const std::uint32_t rank : found->second) {
        candidates.push(rank);
      }
    }
  };
  for (const DimensionValue& fact : facts.values()) {
    add_candidates(fact.name, fact.value);
  }
  const auto is_given = [&](const std::string& dimension) {
    return std::any_of(given.begin(), given.end(),
                       [&](const Allocated& earlier) { return earlier.dimension == dimension; });
  };
  std::int64_t last = -1;
  while (!candidates.empty()) {
    const std::uint32_t rank = candidates.top();
    candidates.pop();
    // What a rule gives may call for rules that came before it: their turn is over.
    if (static_cast<std::int64_t>(rank) <= last) {
      continue;
    }
    last = rank;
    const AllocationRule& rule = rules_[rank];
    if (at < rule.valid_from || at >= rule.valid_until || !rule.scope.matches(facts)) {
      continue;
    }
    for (const Assignment& assignment : rule.assignments) {
      const std::string* const present = facts.find(assignment.dimension);
      if (is_given(assignment.dimension) || (present != nullptr && !rule.overwrites)) {
        continue;
      }
      const std::string* const source = assignment.from.empty() ? &assignment.value : facts.find(assignment.from);
      if (source == nullptr) {
        continue;
      }
      // Copies: setting a value may move them.
      const std::string value = *source;
      given.push_back({assignment.dimension, value, present != nullptr ? *present : std::string(), &rule});
      facts.set_normalised(assignment.dimension, value);
      add_candidates(assignment.dimension, value);
    }
  }
  return given;
}

}  // namespace spend
