#include "pg/cost_lines_result.hpp"

#include "pg/numeric.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

namespace spend {

void emit_cost_lines(FunctionCallInfo fcinfo, const Costing& costing) {
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (costing.status == PricingStatus::unpriced) {
    return;
  }
  for (const CostLine& line : costing.lines) {
    const std::array<Datum, 7> values = {text_datum(line.meter),
                                         encode_numeric(line.quantity),
                                         encode_numeric(line.rate.amount),
                                         encode_numeric(Decimal::from_integer(divisor(line.rate.per))),
                                         text_datum(line.tier),
                                         text_datum(line.condition),
                                         encode_numeric(line.amount)};
    std::array<bool, 7> nulls = {};
    nulls[4] = line.tier.empty();
    nulls[5] = line.condition.empty();
    pg_call([&] {
      tuplestore_putvalues(result->setResult, result->setDesc, const_cast<Datum*>(values.data()),
                           const_cast<bool*>(nulls.data()));
    });
  }
}

}  // namespace spend
