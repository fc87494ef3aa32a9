// SQL functions over the allocation rules: what they make of given dimensions, of a row, and what they made of one.

#include "core/error_text.hpp"
#include "pg/access.hpp"
#include "pg/allocation.hpp"
#include "pg/composite_row.hpp"
#include "pg/dimension_registry.hpp"
#include "pg/row_attribution.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

constexpr const char* fact_hint =
    "Rules may ask for dimensions, registered tags, source, provider, model, route, operation, purpose, region, "
    "service_tier and surface.";

void require_fact(const std::string& name) {
  if (is_id_dimension(name)) {
    raise(Error{ErrorKind::invalid_value, "a rule cannot ask for " + name, "It differs from row to row.", fact_hint});
  }
  if (!is_allocation_fact(name)) {
    raise(Error{ErrorKind::invalid_value, "unknown dimension " + quoted(name),
                "A rule that asks for it would never match.", fact_hint});
  }
}

/// Errors: 22P02 and 22023 for what could not work.
void check_rule(const Scope& scope, const std::vector<Assignment>& assignments, bool overwrites) {
  for (const Scope::Condition& condition : scope.conditions()) {
    require_fact(condition.dimension);
  }
  for (const Assignment& assignment : assignments) {
    if (!dimension_registry()->is_known(assignment.dimension)) {
      raise(Error{ErrorKind::invalid_value, "no rule can give a value of " + quoted(assignment.dimension),
                  "It is no dimension that is rolled up.",
                  "Use a dimension column of spend.usage, or register the tag in spend.dimensions with is_rolled_up."});
    }
    if (!assignment.from.empty()) {
      require_fact(assignment.from);
    }
    for (const Scope::Condition& condition : scope.conditions()) {
      if (condition.dimension == assignment.dimension && !overwrites &&
          (condition.test == Scope::Test::any_of || condition.test == Scope::Test::present)) {
        raise(Error{ErrorKind::invalid_value, "the rule could never give a value of " + quoted(assignment.dimension),
                    "It covers only rows that have one, and does not overwrite what a row says itself.",
                    "Set overwrites to true, or take the condition out of the scope."});
      }
    }
  }
}

struct ExplainedAllocation {
  std::shared_ptr<const KnownAllocationRules> keeps_current;
  std::shared_ptr<const AllocationRules> keeps_recorded;
  std::vector<Allocated> given;
};

/// The rules that gave a row the attribution which it has: those on record when it was written, or else those of now.
ExplainedAllocation explain_allocation(const UsageRow& row) {
  const UsageColumns& at = row.columns();
  ExplainedAllocation result{allocation_rules_of_command(), nullptr, {}};
  if (result.keeps_current->changed_at.empty() || row.is_null(at.attribution_id)) {
    return result;
  }
  const Hash128 id = uuid_bytes(row.get(at.attribution_id));
  if (!may_see_attribution(id)) {
    return result;
  }
  const auto explains = [&](const AllocationRules& rules) {
    Dimensions facts = allocation_facts(row, rules);
    result.given = rules.allocate(facts, row.timestamp(at.occurred_at, 0));
    return rolled_up_of(facts).attribution_id() == id;
  };
  result.keeps_recorded = allocation_rules_on_record(row.timestamp(at.recorded_at, timestamp_max - 1));
  if (!explains(*result.keeps_recorded) && !explains(result.keeps_current->rules)) {
    result.given.clear();
  }
  return result;
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_check_allocation_rule) {
  const spend::Scope scope = spend::take(spend::Scope::from_json(spend::jsonb_text(PG_GETARG_DATUM(0))));
  const std::vector<spend::Assignment> assignments =
      spend::take(spend::Assignment::from_json(spend::jsonb_text(PG_GETARG_DATUM(1))));
  if (PG_GETARG_BOOL(3)) {
    spend::check_rule(scope, assignments, PG_GETARG_BOOL(2));
  }
  PG_RETURN_BOOL(true);
}

SPEND_FUNCTION(spend_allocate) {
  const std::shared_ptr<const spend::KnownAllocationRules>& current = spend::allocation_rules_of_command();
  std::shared_ptr<const spend::AllocationRules> recorded;
  if (!PG_ARGISNULL(2)) {
    recorded = spend::allocation_rules_on_record(PG_GETARG_TIMESTAMPTZ(2));
  }
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) {
    PG_RETURN_NULL();
  }
  spend::Dimensions facts = spend::take(spend::Dimensions::from_json(spend::jsonb_text(PG_GETARG_DATUM(0))));
  const spend::AllocationRules& rules = recorded != nullptr ? *recorded : current->rules;
  rules.allocate(facts, PG_GETARG_TIMESTAMPTZ(1));
  return spend::jsonb_datum(spend::rolled_up_of(facts).to_json());
}

SPEND_FUNCTION(spend_attribution_now) {
  spend::begin_set(fcinfo);
  spend::with_row(fcinfo, PG_GETARG_DATUM(0), [&](const spend::UsageRow& row) {
    const spend::Attribution& attribution = spend::attribution_now(row);
    spend::emit_row<2>(fcinfo,
                       {spend::uuid_datum(attribution.id), spend::jsonb_datum(attribution.dimensions.to_json())});
  });
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_attribution_on_record) {
  const auto rules = spend::allocation_rules_on_record(PG_GETARG_TIMESTAMPTZ(1));
  return spend::with_row(fcinfo, PG_GETARG_DATUM(0), [&](const spend::UsageRow& row) {
    spend::Dimensions facts = spend::allocation_facts(row, *rules);
    rules->allocate(facts, row.timestamp(row.columns().occurred_at, 0));
    return spend::jsonb_datum(spend::rolled_up_of(facts).to_json());
  });
}

SPEND_FUNCTION(spend_attributed) {
  const spend::Hash128 id = spend::uuid_bytes(PG_GETARG_DATUM(0));
  const spend::Attribution* const attribution = spend::may_see_attribution(id) ? spend::find_attribution(id) : nullptr;
  const std::string* const value =
      attribution == nullptr ? nullptr : attribution->dimensions.find(spend::text_of(PG_GETARG_DATUM(1)));
  if (value == nullptr) {
    PG_RETURN_NULL();
  }
  return spend::text_datum(*value);
}

SPEND_FUNCTION(spend_allocation_steps) {
  spend::begin_set(fcinfo);
  spend::with_row(fcinfo, PG_GETARG_DATUM(0), [&](const spend::UsageRow& row) {
    const spend::ExplainedAllocation explained = spend::explain_allocation(row);
    for (const spend::Allocated& step : explained.given) {
      if (spend::dimension_registry()->is_known(step.dimension)) {
        spend::emit_row<5>(
            fcinfo, {spend::text_datum(step.dimension), spend::text_datum(step.value), spend::text_datum(step.said),
                     Int64GetDatum(step.rule->rule_id), spend::text_datum(step.rule->name)});
      }
    }
  });
  PG_RETURN_NULL();
}
