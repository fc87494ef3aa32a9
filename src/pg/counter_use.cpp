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

CounterUse use_of(const BudgetMatch& match, Timestamp at) {
  return {match.budget, period_of(*match.budget, at), match.group};
}

}  // namespace spend
