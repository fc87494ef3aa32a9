#include "pg/counters.hpp"

namespace spend {

// Remembered for the last answer: rows come in bunches of one period.
Period period_of(const Budget& budget, Timestamp at) {
  struct Remembered {
    std::int64_t budget_id;
    PeriodRule rule;
    Period period;
  };
  static std::array<std::optional<Remembered>, 64> memory;
  std::optional<Remembered>& slot = memory[static_cast<std::size_t>(budget.budget_id) % memory.size()];
  if (!slot.has_value() || slot->budget_id != budget.budget_id || slot->rule != budget.period ||
      !slot->period.contains(at)) {
    slot = Remembered{budget.budget_id, budget.period, period_at(budget.period, at)};
  }
  return slot->period;
}

boost::container::static_vector<CounterUse, 2> uses_of(const BudgetMatch& match, Timestamp occurred_at,
                                                       const std::optional<Timestamp>& enforced_at) {
  boost::container::static_vector<CounterUse, 2> uses;
  const Budget& budget = *match.budget;
  const bool is_valid = budget.valid.contains(occurred_at);
  if (is_valid) {
    uses.push_back(use_of(match, occurred_at));
  }
  if (enforced_at.has_value() && budget.valid.contains(*enforced_at) &&
      !(is_valid && period_of(budget, *enforced_at).start == uses.front().period.start)) {
    uses.push_back(use_of(match, *enforced_at));
  }
  return uses;
}

CounterUse use_of(const BudgetMatch& match, Timestamp at) {
  return {match.budget, period_of(*match.budget, at), match.group};
}

}  // namespace spend
