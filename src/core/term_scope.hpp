#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "core/scope.hpp"
#include "core/sku_key.hpp"

namespace spend {

/// What customer terms and commitments may ask of a row: its SKU and its dimension values, all normalised.
struct TermFacts {
  std::array<std::string, sku_part_count> sku;  ///< by SkuPart; "" where unknown, the service tier never is
  Dimensions dimensions;

  TermFacts();
  void set_sku(SkuPart part, std::string_view raw_value);
  /// A flat object with the keys of a scope: {"provider": "openai", "model": "gpt-5", "team": "search"}. null is the
  /// same as no key. Errors: invalid_text, limit_exceeded, invalid_value naming a key whose value is not text.
  static Result<TermFacts> from_json(std::string_view json);
};

/// Which rows a customer term or a commitment covers: a Scope whose keys may also be parts of the SKU (provider, model,
/// surface, region, service_tier, speed, variant). A value of `model` may be a pattern in which * stands for any
/// characters. A dimension of the same name as a part of the SKU cannot be asked for.
class TermScope {
 public:
  static constexpr std::size_t max_pattern_bytes = 256;

  /// Errors: those of Scope::of_values; invalid_value for * in another part than the model, or a longer pattern.
  static Result<TermScope> from_json(std::string_view json);
  bool matches(const TermFacts& facts) const;

  /// The conditions on dimensions: whether these exist is the caller's concern.
  const std::vector<Scope::Condition>& dimension_conditions() const { return dimensions_; }
  /// All conditions, whatever they ask for.
  const Scope& as_scope() const { return scope_; }

  /// More conditions are more specific; among as many, a model's name over a longer pattern over a shorter one over
  /// none.
  struct Specificity {
    std::size_t conditions = 0;
    std::size_t model = 0;
    friend auto operator<=>(const Specificity&, const Specificity&) = default;
  };
  Specificity specificity() const;
  /// False only if no row can be covered by both.
  bool may_meet(const TermScope& other) const;

 private:
  Scope scope_;
  /// By SkuPart; empty: not asked for. Normalised and sorted.
  std::array<std::vector<std::string>, sku_part_count> sku_;
  std::vector<Scope::Condition> dimensions_;
};

/// Whether `text` matches a pattern in which * stands for any characters. Time: the product of the lengths at most.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace spend
