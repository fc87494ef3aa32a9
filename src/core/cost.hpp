#pragma once

#include <string>
#include <vector>

#include "core/decimal.hpp"
#include "core/price.hpp"
#include "core/request_context.hpp"
#include "core/usage.hpp"

namespace spend {

enum class PricingStatus { priced, priced_with_fallback, reported, free, inconsistent, unpriced };
/// The status as stored in spend.usage.pricing_status.
std::string_view to_string(PricingStatus status);

/// What to do with usage whose sub-meters contradict their parent.
enum class OnInconsistent {
  raise,  ///< report ErrorKind::inconsistent_usage: a bare function call has no row to flag
  clamp   ///< child reduced to its parent (a missing parent is raised to its children), status inconsistent, reason
          ///< names the meters
};

/// One line of a bill: a quantity of a meter at one rate. Lines with the same meter and tier are one.
struct CostLine {
  std::string_view meter;  ///< the meter whose rate bills it (points into the Price)
  Decimal quantity;        ///< exclusive quantity billed by this line
  Rate rate;               ///< with the multipliers that applied
  std::string tier;        ///< "" or the tier that applied: "input_tokens > 200000"
  std::string condition;   ///< "" or the conditions that applied: "service_tier batch; x 1.1 (region us)"
  Decimal amount;          ///< 18 decimals at most; the lines' amounts add up to the cost exactly
};

struct Costing {
  PricingStatus status = PricingStatus::unpriced;
  std::string reason;           ///< why unpriced or inconsistent, or which meters fell back to which rate; else ""
  Decimal cost;                 ///< meaningless when status is unpriced
  std::vector<CostLine> lines;  ///< only when asked for
};

/// Cost of one usage under one price: Σ over exclusive quantities × rate / per, exact, then once half-even at 18
/// decimals.
///
/// Exclusive quantity of a meter = its count minus the exclusive quantities of its proper descendants that are billed
/// apart (inclusion–exclusion on the lattice of meters.hpp). Each is billed at the meter's own rate or that of its
/// nearest priced ancestor, first parent first; cache writes without a rate of their own at the five-minute rate. A
/// non-zero one without any rate makes the usage unpriced, with the meter named; exceptions: activity-only meters
/// beside something billed, and token meters when the price bills the call on another basis that the usage carries
/// (images, pixels, seconds, characters, pages, search units) and has no token rate for that direction, or bills
/// requests and has no token rate at all. `requests` counts 1 when the price rates it and the usage does not say.
/// Anything else absent counts nothing, so an empty usage costs 0 (status priced; free only when a rate of explicit 0
/// applied to all that was billed).
///
/// A missing intersection (cached audio) counts as 0, or as what the other counts leave no choice about; it is
/// inconsistent usage when cached and modality exceed the input, or it has a rate of its own, and the counts leave a
/// choice.
///
/// Which rates hold: conditions that the request meets are asked in the price's order, the first that rates a meter
/// decides, else the price's own rate. A schedule (a condition with times) that rates input_tokens or output_tokens
/// replaces the rates of that whole family. Then each meter's context tier, then fallbacks to parents, then all factors
/// that are met. A price with schedules needs context.at.
///
/// In the lines each amount is rounded half-even to 18 decimals and the largest carries the remainder. Errors:
/// inconsistent_usage (OnInconsistent::raise), out_of_range (cost of 1e20 or more),
/// invalid_value (a schedule, and no time of the years 1 to 9999).
Result<Costing> evaluate(const Price& price, const Usage& usage, OnInconsistent on_inconsistent, bool with_lines,
                         const RequestContext& context = {});

}  // namespace spend
