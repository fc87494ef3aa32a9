#pragma once

#include <vector>

#include "pg/counters.hpp"

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
  explicit AlertWriter(Mode mode) : mode_(mode) {}

  /// Inserts one row of spend.alerts per threshold that this delta crosses; none for a period that is over. Returns the
  /// highest threshold announced, to be stored with the counter.
  Atto announce_crossings(const CounterUse& use, const Counters::State& state, const CounterDelta& delta);
  /// Wakes listeners of spend_alert once if anything was written.
  void finish();

 private:
  void write(const CounterUse& use, Atto percent, Atto limit, Atto spent);

  Mode mode_;
  int written_ = 0;
};

}  // namespace spend
