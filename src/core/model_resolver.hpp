#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/model_aliases.hpp"

namespace spend {

/// How a model's name was recognised, in order of precedence.
enum class MatchedBy : std::uint8_t {
  none,
  override_alias,     ///< an alias that the customer set above all prices
  exact,              ///< the name as it stands
  alias,              ///< an alias
  normalised,         ///< another spelling, a date or a host's wrapping left off
  pattern,            ///< an alias with "*"
  fallback_provider,  ///< the price of another provider stands in
};
/// "override", "exact", "alias", "normalised", "pattern", "fallback_provider"; "" for none.
std::string_view to_string(MatchedBy matched_by);

/// A model that prices may exist for: names as they stand in the prices.
struct ModelMatch {
  MatchedBy matched_by = MatchedBy::none;
  std::string provider;
  std::string model;
  std::string surface;  ///< what the name said of these, "" mostly; they count where the caller says nothing
  std::string region;
  std::string variant;  ///< priced as this variant or not at all
  std::string reason;   ///< when nothing matched: "unknown model", "ambiguous provider", …
  bool depends_on_time = false;
};

/// What an organisation says of names beside the built-in rules.
struct ModelRules {
  ModelAliases aliases;
  /// Canonical provider → the provider whose prices stand in; "" for none, where the built-in one is not wanted.
  std::unordered_map<std::string, std::string> fallback_providers;
};

/// What the resolver asks of an index over prices.
class ModelIndex {
 public:
  virtual ~ModelIndex() = default;
  /// Providers that price this model, sorted; empty for an unknown one.
  virtual std::span<const std::string> providers_of(std::string_view model) const = 0;
  /// Models whose name has this form (model_name.hpp), sorted.
  virtual std::span<const std::string> models_of_form(const std::string& form) const = 0;
  /// Models that are one of this form at a date (form_without_date() in model_name.hpp), sorted.
  virtual std::span<const std::string> snapshots_of_form(const std::string& form) const = 0;
  virtual bool has_variant(std::string_view provider, std::string_view model, std::string_view variant) const = 0;
};

/// The provider meant by a name without one: the only one that has the model, else its maker; "" when neither tells.
std::string_view provider_meant(std::span<const std::string> candidates, std::string_view model);

/// Finds the model that a name means: override, exact, alias, other spellings, patterns, the only dated model of an
/// undated name, and last one hop to the provider's fallback. All arguments normalised, "" where unknown. Never
/// guesses: two equally good candidates are none.
ModelMatch resolve_model(const ModelIndex& index, const ModelRules& rules, std::string_view provider,
                         std::string_view surface, std::string_view model, Timestamp at);

}  // namespace spend
