#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/attribution.hpp"
#include "core/scope.hpp"
#include "core/status.hpp"
#include "core/timestamp.hpp"

namespace spend {

/// What an allocation rule gives one dimension: a value of its own, or the one that the row has of another fact.
struct Assignment {
  std::string dimension;
  std::string value = {};  ///< normalised; "" where `from` is set
  std::string from = {};

  /// {"team": "search", "user_id": {"from": "requested_by"}}, at least one. Errors: invalid_text, invalid_value naming
  /// the dimension.
  static Result<std::vector<Assignment>> from_json(std::string_view json);
  static constexpr std::size_t max_json_bytes = 64 * 1024;
};

/// Gives rows that its scope covers values of dimensions that they lack.
struct AllocationRule {
  std::int64_t rule_id = 0;
  std::string name = {};
  std::int32_t priority = 0;  ///< the lower one comes first, then by name
  Scope scope = {};
  std::vector<Assignment> assignments = {};
  bool overwrites = false;  ///< also what the row says itself
  Timestamp valid_from = timestamp_min;
  Timestamp valid_until = timestamp_max;
};

/// A value that a rule has given.
struct Allocated {
  std::string dimension;
  std::string value;
  std::string said;  ///< what the row says itself; "" when it lacks a value
  const AllocationRule* rule;
};

/// A set of rules, ready to be asked. Immutable.
class AllocationRules {
 public:
  AllocationRules() = default;
  /// Rules that are over before they begin never apply.
  static AllocationRules build(std::vector<AllocationRule> rules);

  bool empty() const { return rules_.empty(); }
  std::size_t size() const { return rules_.size(); }
  /// Names of all facts that some rule reads, sorted.
  const std::vector<std::string>& asked() const { return asked_; }
  /// The number of the stretch of time that `at` lies in: within one, the same rules are valid.
  std::size_t stretch_of(Timestamp at) const;

  /// Gives `facts` what the rules valid at that time say, in their order. The first rule that matches gives a dimension
  /// its value; a rule sees what those before it have given. Which they were, in that order.
  ///
  /// The cost depends on the number of facts and of the rules that name one of their values, not on how many there are:
  /// each rule that asks for values is found by those of one dimension, the one in which the rules differ most.
  std::vector<Allocated> allocate(Dimensions& facts, Timestamp at) const;

 private:
  std::vector<AllocationRule> rules_;  ///< in their order; a rule's place is its rank
  std::vector<std::string> asked_;
  std::vector<Timestamp> boundaries_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_value_;  ///< ranks by dimension and value
  std::vector<std::uint32_t> others_;                                     ///< ranks of rules that ask for no value
};

}  // namespace spend
