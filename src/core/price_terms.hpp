#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/decimal.hpp"
#include "core/price_table.hpp"
#include "core/term_scope.hpp"

namespace spend {

/// What a term does to a cost, in the order in which the kinds apply.
enum class TermKind : std::uint8_t {
  discount,  ///< takes a percentage off
  markup,    ///< adds a percentage to what the discounts have left
  fixed      ///< adds an amount to each row
};
/// As stored in spend.price_terms.kind.
std::string_view to_string(TermKind kind);

/// One row of spend.price_terms: what a customer's contract changes in the costs by the price card.
struct PriceTerm {
  std::int64_t term_id = 0;
  std::string name;
  TermKind kind = TermKind::discount;
  Decimal percent;       ///< discount: at most 100; mark-up
  Decimal amount;        ///< fixed
  std::string currency;  ///< fixed: covers rows in this currency only
  TermScope scope;
  bool is_additional = false;   ///< applies beside the one that was chosen for its kind
  std::int32_t precedence = 0;  ///< a higher one is chosen, whatever the scopes
  bool is_withdrawn = false;    ///< applies no more, but explains rows that it has priced
  Timestamp valid_from = timestamp_min;
  Timestamp valid_until = timestamp_max;  ///< exclusive
};

/// One step from the cost by the price card to the cost after terms.
struct TermLine {
  const PriceTerm* term;
  bool is_negative;
  Decimal amount;
};

/// All terms, immutable. Of the terms of one kind that cover a row, one is chosen: by precedence, then the most
/// specific scope, then the newest; besides it all additional ones apply. Percentages of one kind multiply, so their
/// order makes no difference; amounts add.
class PriceTerms {
 public:
  PriceTerms() = default;
  PriceTerms(const PriceTerms&) = delete;
  PriceTerms& operator=(const PriceTerms&) = delete;
  PriceTerms(PriceTerms&&) noexcept = default;
  PriceTerms& operator=(PriceTerms&&) noexcept = default;
  ~PriceTerms() = default;

  static PriceTerms build(std::vector<PriceTerm> terms);

  /// True when no row is covered by any.
  bool empty() const { return live_.empty(); }
  /// Whether any asks for a dimension.
  bool asks_dimensions() const { return asks_dimensions_; }
  /// The terms that apply, in the order in which they do. They live as long as this.
  std::vector<const PriceTerm*> applicable(const TermFacts& facts, std::string_view currency, Timestamp at) const;
  /// By number, a withdrawn one too; nullptr for none.
  const PriceTerm* find(std::int64_t term_id) const;

 private:
  std::vector<PriceTerm> terms_;        ///< by number
  std::vector<const PriceTerm*> live_;  ///< by kind, in the order of choice
  bool asks_dimensions_ = false;
};

/// list_cost × Π (1 ± percent / 100), exact, then once half-even at 18 decimals, plus the fixed amounts. `terms` in the
/// order of PriceTerms::applicable(). Errors: out_of_range (1e20 or more).
Result<Decimal> apply_terms(const Decimal& list_cost, std::span<const PriceTerm* const> terms);

/// The same in steps: what each term adds or takes. The steps add up to the difference exactly.
Result<std::vector<TermLine>> term_lines(const Decimal& list_cost, std::span<const PriceTerm* const> terms);

}  // namespace spend
