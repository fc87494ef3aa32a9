// SQL functions on what budgets cover and when their periods are.

#include <set>

#include "core/json.hpp"
#include "pg/access.hpp"
#include "pg/budget_rows.hpp"
#include "pg/budgets.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

SPEND_FUNCTION(spend_check_scope) {
  const spend::Scope scope = spend::take(spend::Scope::from_json(spend::jsonb_text(PG_GETARG_DATUM(0))));
  const std::shared_ptr<const spend::DimensionRegistry> registry = spend::dimension_registry();
  const bool may_be_of_row = PG_GETARG_BOOL(2);
  const auto require_known = [&](const std::string& name) {
    if (registry->is_known(name)) {
      return;
    }
    if (!registry->is_of_row(name)) {
      spend::raise(spend::Error{
          spend::ErrorKind::invalid_value, "unknown dimension \"" + name + "\"",
          "A budget on a dimension that no row carries would never trip.",
          "Use a dimension column of spend.usage, or register the tag in spend.dimensions with is_rolled_up."});
    }
    if (!may_be_of_row) {
      spend::raise(spend::Error{spend::ErrorKind::invalid_value,
                                "dimension \"" + name + "\" is not part of the attribution",
                                "What a role may see is decided by attribution.",
                                {}});
    }
  };
  for (const spend::Scope::Condition& condition : scope.conditions()) {
    require_known(condition.dimension);
  }
  std::set<std::string> seen;
  for (const Datum element : spend::array_elements(PG_GETARG_DATUM(1), TEXTOID, -1, false, TYPALIGN_INT)) {
    const std::string name = spend::text_of(element);
    require_known(name);
    if (!seen.insert(name).second) {
      spend::raise(spend::Error{spend::ErrorKind::invalid_value, "group_by names \"" + name + "\" twice", {}, {}});
    }
  }
  PG_RETURN_VOID();
}

SPEND_FUNCTION(spend_scope_keys) {
  spend::begin_set(fcinfo);
  const spend::Scope scope = spend::take(spend::Scope::from_json(spend::jsonb_text(PG_GETARG_DATUM(0))));
  std::vector<std::string> group_by;
  for (const Datum element : spend::array_elements(PG_GETARG_DATUM(1), TEXTOID, -1, false, TYPALIGN_INT)) {
    group_by.push_back(spend::text_of(element));
  }
  const spend::ScopeKeys keys = spend::scope_keys(scope, group_by);
  const Datum kind = spend::text_datum(keys.kind.to_text());
  for (const std::int64_t hash : keys.hashes) {
    spend::emit_row<2>(fcinfo, {kind, Int64GetDatum(hash)});
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_budget_periods) {
  spend::begin_set(fcinfo);
  const TimestampTz now = GetCurrentTransactionStartTimestamp();
  spend::for_each_budget(*spend::dimension_registry(), [&](const spend::Budget& budget) {
    if (!spend::may_see_figures(budget)) {
      return;
    }
    spend::Period period = spend::period_at(budget.period, now);
    if (budget.period.kind == spend::PeriodKind::rolling) {
      period.start = spend::days_of_window(budget.period, period).front().start;
    }
    spend::emit_row<6>(fcinfo, {Int64GetDatum(budget.budget_id), Int32GetDatum(budget.generation),
                                TimestampTzGetDatum(period.start), TimestampTzGetDatum(period.end),
                                spend::text_datum(budget.currency), spend::text_datum(budget.period.time_zone)});
  });
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_budget_meaning) {
  spend::begin_set(fcinfo);
  if (const auto budget = spend::read_budget_row(PG_GETARG_INT64(0), *spend::dimension_registry())) {
    spend::emit_row<2>(fcinfo, {Int32GetDatum(budget->generation), spend::text_datum(budget->currency)});
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_budget_period) {
  spend::begin_set(fcinfo);
  const auto budget = spend::read_budget(PG_GETARG_INT64(0), *spend::dimension_registry());
  if (budget != nullptr) {
    const spend::Period period = spend::period_at(budget->period, PG_GETARG_TIMESTAMPTZ(1));
    spend::emit_row<2>(fcinfo, {TimestampTzGetDatum(period.start), TimestampTzGetDatum(period.end)});
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_group_of) {
  spend::begin_set(fcinfo);
  const auto budget = spend::read_budget(PG_GETARG_INT64(0), *spend::dimension_registry());
  if (budget == nullptr) {
    spend::raise(ERRCODE_UNDEFINED_OBJECT, "budget " + std::to_string(PG_GETARG_INT64(0)) + " does not exist");
  }
  const spend::Json given =
      spend::take(spend::Json::parse(spend::jsonb_text(PG_GETARG_DATUM(1)), {spend::Dimensions::max_json_bytes, 1}));
  spend::Dimensions dimensions;
  for (const auto& [name, value] : given.members) {
    if (value.type == spend::Json::Type::string) {
      dimensions.set_normalised(name, spend::dimension_key(name, value.text));
    }
  }
  const bool names_the_group = given.members.size() == budget->group_by.size() &&
                               dimensions.values().size() == budget->group_by.size() &&
                               std::all_of(budget->group_by.begin(), budget->group_by.end(),
                                           [&](const std::string& name) { return dimensions.find(name) != nullptr; });
  if (!names_the_group) {
    std::string wanted;
    for (const std::string& name : budget->group_by) {
      wanted += (wanted.empty() ? "\"" : ", \"") + name + "\": \"...\"";
    }
    spend::raise(spend::Error{spend::ErrorKind::invalid_value,
                              "no group of budget \"" + budget->name + "\" is named by these values",
                              "The values are " + spend::jsonb_text(PG_GETARG_DATUM(1)) + ".",
                              budget->group_by.empty() ? "The budget has no group_by: leave group_values NULL."
                                                       : "Write a value for each dimension of group_by, {" + wanted +
                                                             "}; \"(none)\" names the rows without one."});
  }
  const spend::GroupKey key = spend::group_key(budget->group_by, dimensions);
  spend::emit_row<2>(fcinfo, {spend::jsonb_datum(key.json), spend::uuid_datum(key.hash)});
  PG_RETURN_NULL();
}

// attribution_id, since, until: whether a budget covers usage of the attribution, by its dimensions alone.
SPEND_FUNCTION(spend_has_budget) {
  const spend::Hash128 id = spend::uuid_bytes(PG_GETARG_DATUM(0));
  if (!spend::may_see_attribution(id) || spend::find_attribution(id) == nullptr) {
    PG_RETURN_NULL();
  }
  PG_RETURN_BOOL(spend::has_budget(id, {PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2)}));
}
