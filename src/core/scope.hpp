#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/attribution.hpp"
#include "core/status.hpp"

namespace spend {

/// Which rows a budget or a right covers: a conjunction of conditions on dimensions. {} covers all.
/// JSON: {"team": "search", "environment": ["prod", "staging"]}; values are compared normalised.
class Scope {
 public:
  struct Condition {
    std::string dimension;
    std::vector<std::string> any_of;  ///< normalised, sorted, at least one
  };
  static constexpr std::size_t max_json_bytes = 64 * 1024;

  /// Errors: invalid_text; invalid_value naming the dimension (empty value, empty list, not a string). Whether a
  /// dimension exists is the caller's concern: the registry is a table.
  static Result<Scope> from_json(std::string_view json);
  const std::vector<Condition>& conditions() const { return conditions_; }
  bool matches(const Dimensions& dimensions) const;
  /// True when every row this scope covers is covered by `wider` too (sufficient, by conditions).
  bool within(const Scope& wider) const;

 private:
  std::vector<Condition> conditions_;
};

/// The values by which one grouped counter differs from its siblings, normalised; a missing value counts to "(none)".
/// JSON array of pairs flattened as object in the order of group_by: {"user_id": "ada"}; and the 128-bit key; both are
/// ""/zero hash for no group_by.
struct GroupKey {
  std::string json;  ///< "{}" without group_by
  Hash128 hash{};    ///< all zero without group_by
};
GroupKey group_key(const std::vector<std::string>& group_by, const Dimensions& dimensions);

}  // namespace spend
