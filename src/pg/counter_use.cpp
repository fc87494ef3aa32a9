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

bool counts_once(const Budget& budget, Timestamp occurred_at, Timestamp enforced_at) {
  if (!budget.valid.contains(occurred_at)) {
    return false;
  }
  const Period occurred = period_of(budget, occurred_at);
  const Period enforced = period_of(budget, enforced_at);
  if (budget.period.kind != PeriodKind::rolling) {
    return occurred.start == enforced.start;
  }
  const bool is_late = occurred.start < enforced.start;
  const Period& first = is_late ? occurred : enforced;
  const Period& last = is_late ? enforced : occurred;
  return days_of_window(budget.period, last).front().start <= first.start;
}

boost::container::static_vector<CounterUse, 2> uses_of(const BudgetMatch& match, Timestamp occurred_at,
                                                       const std::optional<Timestamp>& enforced_at) {
  boost::container::static_vector<CounterUse, 2> uses;
  const Budget& budget = *match.budget;
  if (budget.valid.contains(occurred_at)) {
    uses.push_back(use_of(match, occurred_at));
  }
  if (enforced_at.has_value() && budget.valid.contains(*enforced_at) &&
      !counts_once(budget, occurred_at, *enforced_at)) {
    uses.push_back(use_of(match, *enforced_at));
  }
  return uses;
}

CounterUse use_of(const BudgetMatch& match, Timestamp at) {
  return {match.budget, period_of(*match.budget, at), match.group};
}

}  // namespace spend
