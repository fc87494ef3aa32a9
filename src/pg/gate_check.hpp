#pragma once

#include <string>
#include <vector>

#include "pg/accounting.hpp"
#include "pg/expected_call.hpp"

namespace spend {

/// One counter that a call would move, as the gate finds it.
struct GateLine {
  CounterUse use;
  Movement asked;
  Counters::Standing standing;
  Atto limit = 0;
  bool is_later_period = false;  ///< the hold may be settled in it; the call begins in an earlier one

  /// What the call asks for does not fit beside what is spent and held. What asks for nothing always fits.
  bool is_exceeded() const { return asked.amount > 0 && standing.spent + standing.held + asked.amount > limit; }
  bool is_denied_unpriced() const { return asked.unpriced && use.budget->denies_unpriced; }
  bool stops() const { return is_denied_unpriced() || (is_exceeded() && use.budget->on_exceeded != OnExceeded::alert); }
  /// It asks for more than its budget lets run without somebody's approval; what nobody can price may be more.
  bool needs_approval() const {
    return use.budget->approval_above.has_value() && (asked.unpriced || asked.amount > *use.budget->approval_above);
  }
  /// The budget has a model for when it is nearly used up, and is.
  bool is_near_limit() const;
};

/// One model that the call could be made with, and what stands against it.
struct Candidate {
  ExpectedCall call;
  UsageRow row;
  std::vector<GateLine> lines;

  bool is_unpriced() const { return row.is_null(row.columns().cost); }
  bool fits() const;
  /// The first line that stops the call; null when it fits.
  const GateLine* stopped_by() const;
  /// What it asks of the reject budgets, in key order.
  std::vector<Asked> asked_of_reject_budgets() const;
  /// The first line that asks for an approval; null when none does.
  const GateLine* asks_approval() const;
  /// How many output tokens fit below every limit that stops calls, and what needs approval unless that was given, all
  /// else being as estimated; nothing when no budget limits them.
  std::optional<std::int64_t> output_tokens_that_fit(bool is_approved) const;
};

/// The lines of a call that begins now and whose hold ends at `until`: every period in which it may be settled.
/// Standing and limit are left open.
std::vector<GateLine> lines_of(const UsageRow& row, Timestamp now, Timestamp until);

/// Fills in how the counters of all candidates stand; what others have not committed as if it were held, if asked for.
/// Where counters are rows, those of reject budgets are taken, in one order.
void find_standing(std::vector<Candidate>& candidates, bool counts_pending);

}  // namespace spend
