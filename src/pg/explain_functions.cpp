// What spend.explain() needs of the core: the lines of a recorded row under the price that priced it.

#include "core/cost.hpp"
#include "pg/composite_row.hpp"
#include "pg/cost_lines_result.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// No line where the price does not price the row, whatever the reason: then it is not the one that did.
void emit_charge_lines(FunctionCallInfo fcinfo, const UsageRow& row, const Price& price) {
  try {
    const Result<Costing> costing = evaluate(price, row.usage(), OnInconsistent::clamp, true, row.request());
    if (costing.ok()) {
      emit_cost_lines(fcinfo, *costing);
    }
  } catch (const CoreError&) {  // counts that no row written here has
    return;
  }
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_charge_lines) {
  spend::begin_set(fcinfo);
  if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1)) {
    const spend::Price price = spend::price_of(PG_GETARG_DATUM(1));
    spend::with_row(fcinfo, PG_GETARG_DATUM(0),
                    [&](const spend::UsageRow& row) { spend::emit_charge_lines(fcinfo, row, price); });
  }
  PG_RETURN_NULL();
}
