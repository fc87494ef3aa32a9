#include "pg/allocation.hpp"

#include "pg/command_identity.hpp"
#include "pg/dimension_registry.hpp"
#include "pg/tables.hpp"
#include "pg/time_range.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// Calls visit(AllocationRule, recorded_at, withdrawn_at) for every rule that there is or was.
template <typename Visit>
void scan_rules(Visit&& visit) {
  const OpenTable table(Table::allocation_rules, AccessShareLock);
  struct {
    AttrNumber rule_id, name, priority, scope, assign, overwrites, valid_during, recorded_at, withdrawn_at;
  } const at = {table.column("rule_id"),      table.column("name"),        table.column("priority"),
                table.column("scope"),        table.column("assign"),      table.column("overwrites"),
                table.column("valid_during"), table.column("recorded_at"), table.column("withdrawn_at")};
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    AllocationRule rule;
    rule.rule_id = DatumGetInt64(row.get(at.rule_id, &is_null));
    rule.name = text_of(row.get(at.name, &is_null));
    rule.priority = DatumGetInt32(row.get(at.priority, &is_null));
    rule.scope = take(Scope::from_json(jsonb_text(row.get(at.scope, &is_null))));
    rule.assignments = take(Assignment::from_json(jsonb_text(row.get(at.assign, &is_null))));
    rule.overwrites = DatumGetBool(row.get(at.overwrites, &is_null));
    const TimeRange valid = time_range(row.get(at.valid_during, &is_null));
    rule.valid_from = valid.from;
    rule.valid_until = valid.empty ? valid.from : valid.until;
    const Timestamp recorded_at = DatumGetTimestampTz(row.get(at.recorded_at, &is_null));
    const Datum withdrawn = row.get(at.withdrawn_at, &is_null);
    visit(std::move(rule), recorded_at, is_null ? timestamp_max : DatumGetTimestampTz(withdrawn));
  });
}

KnownAllocationRules load() {
  static std::uint64_t version = 0;
  KnownAllocationRules known;
  known.version = ++version;
  std::vector<AllocationRule> live;
  scan_rules([&](AllocationRule&& rule, Timestamp recorded_at, Timestamp withdrawn_at) {
    known.changed_at.push_back(recorded_at);
    if (withdrawn_at == timestamp_max) {
      live.push_back(std::move(rule));
    } else {
      known.changed_at.push_back(withdrawn_at);
    }
  });
  std::sort(known.changed_at.begin(), known.changed_at.end());
  known.rules = AllocationRules::build(std::move(live));
  return known;
}

TableCache<KnownAllocationRules> cache(Table::allocation_rules, load);

}  // namespace

const std::shared_ptr<const KnownAllocationRules>& allocation_rules_of_command() {
  static CommandIdentity pinned_for;
  static std::shared_ptr<const KnownAllocationRules> pinned;
  const CommandIdentity current = CommandIdentity::current();
  if (pinned == nullptr || !(pinned_for == current)) {
    // What others have committed is taken in here: a command that was planned before takes no lock that would.
    pg_call([] { AcceptInvalidationMessages(); });
    pinned = cache.get();
    pinned_for = current;
  }
  return pinned;
}

std::shared_ptr<const AllocationRules> allocation_rules_on_record(Timestamp at) {
  static std::map<std::size_t, std::shared_ptr<const AllocationRules>> known;
  static std::uint64_t known_for = 0;
  const std::shared_ptr<const KnownAllocationRules>& now = allocation_rules_of_command();
  constexpr std::size_t most_kept = 64;
  if (known_for != now->version || known.size() >= most_kept) {
    known.clear();
    known_for = now->version;
  }
  const auto changes = static_cast<std::size_t>(std::upper_bound(now->changed_at.begin(), now->changed_at.end(), at) -
                                                now->changed_at.begin());
  std::shared_ptr<const AllocationRules>& found = known[changes];
  if (found == nullptr) {
    std::vector<AllocationRule> rules;
    scan_rules([&](AllocationRule&& rule, Timestamp recorded_at, Timestamp withdrawn_at) {
      if (recorded_at <= at && at < withdrawn_at) {
        rules.push_back(std::move(rule));
      }
    });
    found = std::make_shared<const AllocationRules>(AllocationRules::build(std::move(rules)));
  }
  return found;
}

bool is_allocation_fact(std::string_view name) {
  const DimensionRegistry& registry = *dimension_registry();
  return registry.is_known(name) || (registry.is_of_row(name) && !is_id_dimension(name));
}

Dimensions allocation_facts(const UsageRow& row, const AllocationRules& rules) {
  Dimensions facts = row.dimensions(*dimension_registry());
  for (const std::string& name : rules.asked()) {
    if (facts.find(name) == nullptr) {
      facts.set(name, row.fact(name));
    }
  }
  return facts;
}

Dimensions rolled_up_of(const Dimensions& facts) {
  const DimensionRegistry& registry = *dimension_registry();
  Dimensions result;
  for (const DimensionValue& fact : facts.values()) {
    if (registry.is_known(fact.name)) {
      result.set_normalised(fact.name, fact.value);
    }
  }
  return result;
}

}  // namespace spend
