#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/attribution.hpp"
#include "core/status.hpp"

namespace spend {

/// Which rows a budget or a right covers: a conjunction of conditions on dimensions. {} covers all.
/// JSON: {"team": "search", "environment": ["prod", "staging"], "user_id": {"not": "ci"}, "project": {"present":
/// true}}; values are compared normalised, or as they were sent where the dimension is an id (see is_id_dimension()).
class Scope {
 public:
  enum class Test {
    any_of,   ///< the value is one of these
    none_of,  ///< the value is none of these; a row without a value meets it
    present,  ///< there is a value
    absent
  };
  struct Condition {
    std::string dimension;
    Test test = Test::any_of;
    std::vector<std::string> values = {};  ///< normalised, sorted, at least one where the test takes values

    bool matches(const Dimensions& dimensions) const;
    /// True when every row that meets this condition meets `other` too. Both test the same dimension.
    bool implies(const Condition& other) const;
  };
  static constexpr std::size_t max_json_bytes = 64 * 1024;

  /// Errors: invalid_text; invalid_value naming the dimension (empty value, empty list, not a string). Whether a
  /// dimension exists is the caller's concern: the registry is a table.
  static Result<Scope> from_json(std::string_view json);
  /// The same where every condition is a value or a list of values.
  static Result<Scope> of_values(std::string_view json);
  /// By dimension; one dimension may have two: {"not": "a", "present": true}.
  const std::vector<Condition>& conditions() const { return conditions_; }
  bool matches(const Dimensions& dimensions) const;
  /// True when every row this scope covers is covered by `wider` too (sufficient, by conditions).
  bool within(const Scope& wider) const;

 private:
  static Result<Scope> read(std::string_view json, bool values_only);

  std::vector<Condition> conditions_;
};

/// Whether a dimension's values are ids (run_id, trace_id, span_id, request_id), which are compared as they were sent:
/// two ids may differ in nothing but their case.
bool is_id_dimension(std::string_view name);
/// A value of a dimension in the form under which it is compared.
std::string dimension_key(std::string_view dimension, std::string_view raw_value);

/// The values by which one grouped counter differs from its siblings, normalised; a missing value counts to "(none)".
/// JSON array of pairs flattened as object in the order of group_by: {"user_id": "ada"}; and the 128-bit key; both are
/// ""/zero hash for no group_by.
struct GroupKey {
  std::string json;  ///< "{}" without group_by
  Hash128 hash{};    ///< all zero without group_by
};
/// What a row without a value of a grouping dimension counts to.
inline constexpr std::string_view no_group_value = "(none)";
GroupKey group_key(const std::vector<std::string>& group_by, const Dimensions& dimensions);

}  // namespace spend
