#include "core/price_terms.hpp"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "core/pow10.hpp"

namespace spend {

namespace {

using Wide = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<>, boost::multiprecision::et_off>;

/// The denominator of a percentage is 10^2.
constexpr int percent_places = 2;

const char* const out_of_range_message = "cost after customer terms is out of range";

Error out_of_range() {
  return {ErrorKind::out_of_range, out_of_range_message, "A cost is below 1e20.", ""};
}

/// 100 ± percent.
Decimal factor_of(const PriceTerm& term) {
  const Decimal hundred = Decimal::from_integer(100);
  if (term.kind == TermKind::discount) {
    return subtract(hundred, std::min(term.percent, hundred));
  }
  return add(hundred, term.percent).value();
}

/// value / 10^places, half-even.
template <typename Integer>
void divide(Integer& value, const Integer& divisor) {
  const Integer rest = value % divisor;
  value /= divisor;
  const Integer to_next = divisor - rest;
  if (rest > to_next || (rest == to_next && value % 2 != 0)) {
    value += 1;
  }
}

Wide wide_power(int exponent) {
  Wide result = 1;
  for (int left = exponent; left > 0; left -= Decimal::max_digits) {
    result *= Wide(pow10[static_cast<std::size_t>(std::min(left, Decimal::max_digits))]);
  }
  return result;
}

/// An exact product: 128 bits hold that of nearly every row, what they do not is worked out in as many as it takes.
class Product {
 public:
  explicit Product(const Decimal& start) : fast_(start.coefficient()), scale_(start.scale()) {}

  void multiply(const Decimal& factor) {
    scale_ += factor.scale() + percent_places;
    u128 product = 0;
    if (!is_wide_ && !__builtin_mul_overflow(fast_, factor.coefficient(), &product)) {
      fast_ = product;
      return;
    }
    if (!is_wide_) {
      wide_ = fast_;
      is_wide_ = true;
    }
    wide_ *= Wide(factor.coefficient());
  }

  /// Half-even at 18 decimals.
  Result<Decimal> rounded() const {
    const int excess = std::max(0, scale_ - Decimal::max_scale);
    if (!is_wide_ && excess < static_cast<int>(pow10.size())) {
      u128 value = fast_;
      divide(value, pow10[static_cast<std::size_t>(excess)]);
      return checked(value, scale_ - excess);
    }
    Wide value = is_wide_ ? wide_ : Wide(fast_);
    divide(value, wide_power(excess));
    if (value >= wide_power(Decimal::max_digits)) {
      return out_of_range();
    }
    return checked(static_cast<u128>(value), scale_ - excess);
  }

 private:
  static Result<Decimal> checked(u128 value, int scale) {
    Result<Decimal> result = Decimal::from_parts(value, scale);
    return result.ok() ? std::move(result) : Result<Decimal>(out_of_range());
  }

  u128 fast_;
  Wide wide_;
  bool is_wide_ = false;
  int scale_;
};

/// Calls visit(term, cost so far) after each term; the last cost is the result.
template <typename Visit>
Result<Decimal> walk(const Decimal& list_cost, std::span<const PriceTerm* const> terms, Visit visit) {
  Product product(list_cost);
  Decimal cost = list_cost;
  for (const PriceTerm* const term : terms) {
    Result<Decimal> next = out_of_range();
    if (term->kind == TermKind::fixed) {
      next = add(cost, term->amount);
    } else {
      product.multiply(factor_of(*term));
      next = product.rounded();
    }
    if (!next.ok()) {
      return out_of_range();
    }
    cost = *next;
    visit(*term, cost);
  }
  return cost;
}

auto choice_order(const PriceTerm& term) {
  const TermScope::Specificity specificity = term.scope.specificity();
  return std::make_tuple(term.precedence, specificity.conditions, specificity.model, term.term_id);
}

bool covers(const PriceTerm& term, const TermFacts& facts, std::string_view currency, Timestamp at) {
  return term.valid_from <= at && at < term.valid_until &&
         (term.kind != TermKind::fixed || term.currency == currency) && term.scope.matches(facts);
}

}  // namespace

std::string_view to_string(TermKind kind) {
  switch (kind) {
    case TermKind::discount:
      return "discount";
    case TermKind::markup:
      return "markup";
    case TermKind::fixed:
      break;
  }
  return "fixed";
}

PriceTerms PriceTerms::build(std::vector<PriceTerm> terms) {
  PriceTerms result;
  result.terms_ = std::move(terms);
  std::sort(result.terms_.begin(), result.terms_.end(),
            [](const PriceTerm& a, const PriceTerm& b) { return a.term_id < b.term_id; });
  for (const PriceTerm& term : result.terms_) {
    if (!term.is_withdrawn && term.valid_from < term.valid_until) {
      result.live_.push_back(&term);
      result.asks_dimensions_ = result.asks_dimensions_ || !term.scope.dimension_conditions().empty();
    }
  }
  std::sort(result.live_.begin(), result.live_.end(), [](const PriceTerm* a, const PriceTerm* b) {
    return a->kind != b->kind ? a->kind < b->kind : choice_order(*a) > choice_order(*b);
  });
  return result;
}

std::vector<const PriceTerm*> PriceTerms::applicable(const TermFacts& facts, std::string_view currency,
                                                     Timestamp at) const {
  std::vector<const PriceTerm*> result;
  std::optional<TermKind> chosen;
  for (const PriceTerm* const term : live_) {
    if ((term->is_additional || chosen != term->kind) && covers(*term, facts, currency, at)) {
      result.push_back(term);
      if (!term->is_additional) {
        chosen = term->kind;
      }
    }
  }
  return result;
}

const PriceTerm* PriceTerms::find(std::int64_t term_id) const {
  const auto found = std::lower_bound(terms_.begin(), terms_.end(), term_id,
                                      [](const PriceTerm& term, std::int64_t wanted) { return term.term_id < wanted; });
  return found != terms_.end() && found->term_id == term_id ? &*found : nullptr;
}

Result<Decimal> apply_terms(const Decimal& list_cost, std::span<const PriceTerm* const> terms) {
  return walk(list_cost, terms, [](const PriceTerm&, const Decimal&) {});
}

Result<std::vector<TermLine>> term_lines(const Decimal& list_cost, std::span<const PriceTerm* const> terms) {
  std::vector<TermLine> lines;
  Decimal before = list_cost;
  const Result<Decimal> cost = walk(list_cost, terms, [&](const PriceTerm& term, const Decimal& after) {
    const bool is_negative = after < before;
    lines.push_back({&term, is_negative, is_negative ? subtract(before, after) : subtract(after, before)});
    before = after;
  });
  if (!cost.ok()) {
    return cost.error();
  }
  return lines;
}

}  // namespace spend
