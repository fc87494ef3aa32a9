#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/scope.hpp"

namespace spend {

/// How the budgets that cover a row are found among any number of them: not by testing each, but by the values that
/// they ask for. All budgets that ask for values of the same dimensions are of one kind; a row is looked up once per
/// kind, by the hash of its own values of these dimensions. What a budget tests in another way is tested afterwards.
struct ScopeKind {
  std::vector<std::string> keys;    ///< dimensions whose values make up the hash; sorted
  std::vector<std::string> others;  ///< further dimensions that the budget tests or groups by; sorted

  /// "environment,team|user_id"
  std::string to_text() const;
  static ScopeKind from_text(std::string_view text);
};

struct ScopeKeys {
  ScopeKind kind;
  std::vector<std::int64_t> hashes;  ///< one per combination of listed values; sorted, no hash twice
};

/// The kind of a scope, and every hash under which it is to be found. Lists whose combinations would be too many are
/// left to be tested afterwards.
ScopeKeys scope_keys(const Scope& scope, const std::vector<std::string>& group_by);

/// The hash of a row's values of the kind's key dimensions; nothing when it lacks one: no budget of the kind covers it.
std::optional<std::int64_t> key_hash(const ScopeKind& kind, const Dimensions& dimensions);

}  // namespace spend
