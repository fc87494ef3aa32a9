#include "pg/refusal.hpp"

#include "pg/guard.hpp"
#include "pg/limits.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

constexpr int budget_exceeded = MAKE_SQLSTATE('S', 'P', '0', '0', '1');
constexpr int unpriced_refused = MAKE_SQLSTATE('S', 'P', '0', '0', '3');

std::string quoted(const std::string& name) {
  return '"' + name + '"';
}

/// "in the period from 2026-11-01 00:00:00+00", or "" for a budget without end.
std::string in_period(const Period& period) {
  if (period.start == timestamp_min) {
    return {};
  }
  const Timestamp start = period.start;
  const char* text = pg_call([&] { return timestamptz_to_str(start); });
  return std::string(" in the period from ") + text;
}

std::string in_group(const GroupKey& group) {
  return group.json == "{}" ? std::string() : ", group " + group.json;
}

}  // namespace

std::string with_unit(const Budget& budget, Atto amount) {
  const std::string unit = budget.measure == Measure::cost     ? budget.currency
                           : budget.measure == Measure::tokens ? "tokens"
                                                               : "calls";
  return atto_to_string(amount) + ' ' + unit;
}

void refuse_exceeded(const CounterUse& use, Atto spent, Atto held, Atto asked) {
  const Budget& budget = *use.budget;
  std::string detail;
  if (may_see_figures(budget)) {
    detail = "Budget " + quoted(budget.name) + ": limit " + with_unit(budget, limit_of(use)) + ", spent " +
             with_unit(budget, spent) + (held == 0 ? "" : ", held " + with_unit(budget, held)) + ", asked " +
             with_unit(budget, asked) + in_period(use.period) + in_group(*use.group) + ".";
  }
  raise(budget_exceeded, "budget " + quoted(budget.name) + " exceeded", std::move(detail),
        "Wait for the next period, or ask the budget's owner to raise its amount in spend.budgets.");
}

void refuse_unpriced(const CounterUse& use, const RowFacts& facts, std::string_view reason) {
  const Budget& budget = *use.budget;
  std::string detail = facts.is_priced ? "The row is priced in " + std::string(facts.currency) +
                                             " and the budget counts in " + budget.currency + "."
                                       : "Reason: " + std::string(reason) + ".";
  raise(unpriced_refused, "usage without a price is refused by budget " + quoted(budget.name), std::move(detail),
        "Add the price with spend.set_price(), or set on_unpriced = 'allow' on the budget.");
}

}  // namespace spend
