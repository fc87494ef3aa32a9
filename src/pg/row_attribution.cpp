#include "pg/row_attribution.hpp"

#include "pg/allocation.hpp"
#include "pg/budgets.hpp"
#include "pg/dimension_registry.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// Two rows with the same bytes have the same attribution, as long as neither registry nor rules change.
std::string_view as_sent(const UsageRow& row, const KnownAllocationRules& known) {
  const DimensionRegistry& registry = *dimension_registry();
  if (known.rules.empty()) {
    return row.dimensions_as_sent(registry, {}, {});
  }
  // What the rules may give is a matter of the registry, too.
  const std::array<std::uint64_t, 3> asked_when = {known.version, registry.version,
                                                   known.rules.stretch_of(row.timestamp(row.columns().occurred_at, 0))};
  return row.dimensions_as_sent(registry, known.rules.asked(), asked_when);
}

Dimensions allocated_dimensions(const UsageRow& row, const AllocationRules& rules) {
  if (rules.empty()) {
    return row.dimensions(*dimension_registry());
  }
  Dimensions facts = allocation_facts(row, rules);
  rules.allocate(facts, row.timestamp(row.columns().occurred_at, 0));
  return rolled_up_of(facts);
}

}  // namespace

Attribution& attribution_now(const UsageRow& row) {
  const std::shared_ptr<const KnownAllocationRules>& known = allocation_rules_of_command();
  const std::string_view sent = as_sent(row, *known);
  Attribution* attribution = find_attribution_as_sent(sent);
  if (attribution == nullptr) {
    attribution = &remember_attribution(allocated_dimensions(row, known->rules));
    remember_as_sent(sent, *attribution);
  }
  return *attribution;
}

Attribution& attribute(UsageRow& row) {
  Attribution& attribution = attribution_now(row);
  // It stays in its place as long as the row is on its way.
  row.set(row.columns().attribution_id, UUIDPGetDatum(reinterpret_cast<pg_uuid_t*>(attribution.id.data())));
  return attribution;
}

void attribute_update(const UsageRow& before, UsageRow& after) {
  const UsageColumns& at = after.columns();
  const auto is_same = [&](AttrNumber attribute) { return after.same(attribute, before); };
  if (!before.is_null(at.attribution_id) && is_same(at.tags) &&
      std::all_of(at.dimensions.begin(), at.dimensions.end(), is_same)) {
    const KnownAllocationRules& known = *allocation_rules_of_command();
    if (known.rules.empty() || std::string(as_sent(before, known)) == as_sent(after, known)) {
      return;
    }
  }
  attribute(after);
}

Dimensions attributed_dimensions(const UsageRow& row) {
  return row.is_null(row.columns().attribution_id) ? row.dimensions(*dimension_registry())
                                                   : attribution_of(row).dimensions;
}

}  // namespace spend
