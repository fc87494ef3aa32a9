#include "pg/limits.hpp"

#include <boost/multiprecision/cpp_int.hpp>

#include "pg/values.hpp"

namespace spend {

Atto limit_of(const CounterUse& use) {
  return use.budget->amount;
}

Atto share_of(Atto limit, Atto percent) {
  namespace mp = boost::multiprecision;
  const mp::int256_t product = mp::int256_t(limit) * mp::int256_t(percent);
  const mp::int256_t divisor = mp::int256_t(atto_per_unit) * 100;
  mp::int256_t quotient = product / divisor;
  if (quotient * divisor < product) {
    quotient += 1;
  }
  return quotient > mp::int256_t(atto_limit) ? atto_limit : static_cast<Atto>(quotient);
}

}  // namespace spend

SPEND_FUNCTION(spend_budget_limit) {
  const std::shared_ptr<const spend::BudgetSet> budgets = spend::budget_set();
  const std::int64_t budget_id = PG_GETARG_INT64(0);
  const auto found = std::find_if(budgets->budgets().begin(), budgets->budgets().end(),
                                  [&](const spend::Budget& budget) { return budget.budget_id == budget_id; });
  if (found == budgets->budgets().end() || !spend::may_see_figures(*found)) {
    PG_RETURN_NULL();
  }
  auto group = std::make_shared<spend::GroupKey>();
  group->hash = spend::uuid_bytes(PG_GETARG_DATUM(3));
  const spend::CounterUse use{&*found, {PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2)}, std::move(group)};
  return spend::atto_to_numeric(spend::limit_of(use));
}
