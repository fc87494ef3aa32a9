#include "pg/rolling.hpp"

namespace spend {

namespace {

/// The window that the counter of a day is part of, as its days. It ends today; usage of a day to come ends it then.
std::vector<Period> window_of(const CounterUse& day) {
  const PeriodRule& rule = day.budget->period;
  const Period today = period_of(*day.budget, GetCurrentTransactionStartTimestamp());
  std::vector<Period> days = days_of_window(
      rule, std::max(today, day.period, [](const Period& a, const Period& b) { return a.start < b.start; }));
  if (day.period.start < days.front().start) {
    days.clear();
  }
  return days;
}

}  // namespace

std::vector<CounterUse> counters_of_window(const CounterUse& day) {
  std::vector<CounterUse> counters;
  for (const Period& period : window_of(day)) {
    counters.push_back({day.budget, period, day.group});
  }
  return counters;
}

void WindowSums::add(const CounterUse& day, Atto before, Atto amount) {
  const auto [place, is_new] = places_.try_emplace({day.budget->budget_id, day.group->hash}, movements_.size());
  if (is_new) {
    movements_.push_back({day, 0, 0});
  }
  WindowMovement& movement = movements_[place->second];
  movement.window.period.start = std::min(movement.window.period.start, day.period.start);
  movement.window.period.end = std::max(movement.window.period.end, day.period.end);
  movement.before += before;
  movement.amount += amount;
}

}  // namespace spend
