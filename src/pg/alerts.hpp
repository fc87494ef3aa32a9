#pragma once

#include <vector>

#include "pg/alert_history.hpp"
#include "pg/counters.hpp"
#include "pg/rolling.hpp"

namespace spend {

/// Writes threshold alerts of one transaction at its pre-commit. Which thresholds have been announced is claimed in the
/// counter, under its lock: two writers cannot announce one crossing twice, and no unique key can fail a COMMIT.
class AlertWriter {
 public:
  enum class Mode {
    announce,
    without_notify,  ///< PREPARE TRANSACTION refuses a NOTIFY
    silent           ///< claims only: the server that these rows were inserted on has announced them
  };
  explicit AlertWriter(Mode mode);

  /// Inserts one row of spend.alerts per threshold that this delta crosses, and one a day for what a halt budget is
  /// bypassed by; none for a period that is over. The counter has claimed them.
  void announce_crossings(const CounterUse& use, const Counters::State& before, const CounterDelta& delta);
  /// The same for the window of a rolling budget. No counter claims it: a threshold is announced when it is crossed,
  /// once while the window begins on the same day.
  void announce_window(const WindowMovement& movement);
  /// Wakes listeners of spend_alert once if anything was written.
  void finish();

 private:
  void announce_again(const CounterUse& use, Atto percent, Atto limit, Atto spent);
  void announce_bypass(const CounterUse& use, Atto limit, Atto spent);
  void announce_once(const CounterUse& use, const EarlierAlert& alert, Atto limit, Atto spent);
  void write(const CounterUse& use, std::string_view event, std::optional<Atto> percent, Atto limit, Atto spent);

  Mode mode_;
  int written_ = 0;
};

}  // namespace spend
