#include "pg/counters.hpp"

namespace spend {

namespace {

/// The period of a budget at a time, remembered for the last answer: rows come in bunches of one period.
Period period_of(const Budget& budget, Timestamp at) {
  struct Remembered {
    std::int64_t budget_id;
    PeriodKind kind;
    std::string time_zone;
    Period period;
  };
  static std::array<std::optional<Remembered>, 64> memory;
  std::optional<Remembered>& slot = memory[static_cast<std::size_t>(budget.budget_id) % memory.size()];
  if (!slot.has_value() || slot->budget_id != budget.budget_id || slot->kind != budget.period ||
      slot->time_zone != budget.time_zone || !slot->period.contains(at)) {
    slot =
        Remembered{budget.budget_id, budget.period, budget.time_zone, period_at(budget.period, budget.time_zone, at)};
  }
  return slot->period;
}

}  // namespace

CounterUse use_of(const BudgetMatch& match, Timestamp at) {
  return {match.budget, period_of(*match.budget, at), match.group};
}

}  // namespace spend
