#include "pg/limits.hpp"

#include <boost/multiprecision/cpp_int.hpp>

#include "pg/budget_rows.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// The amount of the period by itself: the one that holds at its start.
Atto amount_of(const Budget& budget, const Period& period) {
  Atto amount = budget.amount;
  // Of a rolling budget the day on which its window ends.
  const Timestamp start =
      budget.period.kind == PeriodKind::rolling ? period_at(budget.period, period.end - 1).start : period.start;
  for (const DatedAmount& dated : budget.amounts) {
    if (dated.valid_from > start) {
      break;
    }
    amount = dated.amount;
  }
  return amount;
}

const std::vector<LimitOverride>& overrides_of(const Budget& budget, const Hash128& group) {
  const auto known = budget.overrides.find(group);
  if (known != budget.overrides.end()) {
    return known->second;
  }
  return budget.overrides.emplace(group, read_overrides(budget.budget_id, group)).first->second;
}

Atto added(Atto a, Atto b) {
  Atto sum;
  return __builtin_add_overflow(a, b, &sum) || sum > atto_limit ? atto_limit : sum;
}

}  // namespace

Atto limit_of(const CounterUse& use) {
  const Budget& budget = *use.budget;
  if (!budget.has_other_limits()) {
    return budget.amount;
  }
  const Atto limit = amount_of(budget, use.period);
  if (!budget.has_overrides) {
    return limit;
  }
  // A period that is over keeps what was in force at its end; one to come begins with what will be.
  const Timestamp now = GetCurrentTransactionStartTimestamp();
  const Timestamp at = std::clamp(now, use.period.start, use.period.end - 1);
  const LimitOverride* replacement = nullptr;
  Atto more = 0;
  // What is said of the group itself comes last and so wins; of two replacements the later one.
  std::vector<Hash128> groups = {Hash128{}};
  if (use.group->hash != Hash128{}) {
    groups.push_back(use.group->hash);
  }
  for (const Hash128& group : groups) {
    const LimitOverride* of_group = nullptr;
    for (const LimitOverride& change : overrides_of(budget, group)) {
      if (!change.valid.contains(at)) {
        continue;
      }
      if (!change.replaces) {
        more = added(more, change.amount);
      } else if (of_group == nullptr || of_group->override_id < change.override_id) {
        of_group = &change;
      }
    }
    if (of_group != nullptr) {
      replacement = of_group;
    }
  }
  return added(replacement != nullptr ? replacement->amount : limit, more);
}

namespace {

Atto computed_share(Atto limit, Atto percent) {
  // A whole number of percent is the rule, and divides by itself without wide arithmetic.
  Atto narrow;
  if (percent % atto_per_unit == 0 && !__builtin_mul_overflow(limit, percent / atto_per_unit, &narrow)) {
    const Atto quotient = narrow / 100;
    return std::min(quotient * 100 < narrow ? quotient + 1 : quotient, atto_limit);
  }
  namespace mp = boost::multiprecision;
  const mp::int256_t product = mp::int256_t(limit) * mp::int256_t(percent);
  const mp::int256_t divisor = mp::int256_t(atto_per_unit) * 100;
  mp::int256_t quotient = product / divisor;
  if (quotient * divisor < product) {
    quotient += 1;
  }
  return quotient > mp::int256_t(atto_limit) ? atto_limit : static_cast<Atto>(quotient);
}

}  // namespace

Atto share_of(Atto limit, Atto percent) {
  // Each movement of a counter asks for the shares of its few thresholds; dividing is most of what that would take.
  struct Known {
    Atto limit = 0, percent = 0, share = 0;
  };
  static std::array<Known, 64> known = {};
  const auto mixed =
      static_cast<std::uint64_t>(limit) ^ static_cast<std::uint64_t>(limit >> 64) ^ static_cast<std::uint64_t>(percent);
  Known& entry = known[(mixed * 0x9E3779B97F4A7C15U) >> 58U];
  if (entry.limit != limit || entry.percent != percent) {
    entry = {limit, percent, computed_share(limit, percent)};
  }
  return entry.share;
}

}  // namespace spend

SPEND_FUNCTION(spend_budget_limit) {
  const std::shared_ptr<const spend::BudgetSet> budgets = spend::budget_set();
  const spend::Budget* const budget = budgets->find(PG_GETARG_INT64(0));
  if (budget == nullptr || !spend::may_see_figures(*budget)) {
    PG_RETURN_NULL();
  }
  auto group = std::make_shared<spend::GroupKey>();
  group->hash = spend::uuid_bytes(PG_GETARG_DATUM(3));
  const spend::CounterUse use{budget, {PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2)}, std::move(group)};
  return spend::atto_to_numeric(spend::limit_of(use));
}
