#pragma once

#include <vector>

#include "pg/counters.hpp"

namespace spend {

/// The counters whose sum is the window of a rolling budget that ends today, if the counter, of one day, is one of them
/// or of a day to come; else none: a day that has left the window concerns nobody.
std::vector<CounterUse> counters_of_window(const CounterUse& day);

/// What a transaction moves in the window of one group of a rolling budget.
struct WindowMovement {
  CounterUse window;  ///< its period is the whole window
  Atto before = 0;
  Atto amount = 0;
};
/// Sums the counters of windows as they are moved.
class WindowSums {
 public:
  /// `before`: the total of the day ahead of this transaction's movement.
  void add(const CounterUse& day, Atto before, Atto amount);
  const std::vector<WindowMovement>& movements() const { return movements_; }

 private:
  std::vector<WindowMovement> movements_;
  std::map<std::pair<std::int64_t, Hash128>, std::size_t> places_;
};

}  // namespace spend
