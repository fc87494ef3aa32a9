#include "pg/budgets.hpp"

#include "pg/access.hpp"
#include "pg/set_result.hpp"
#include "pg/settings.hpp"
#include "pg/tables.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"
#include "utils/xid8.h"
}

namespace spend {

namespace {

std::vector<Datum> array_elements(Datum array, Oid type, int length, bool by_value, char alignment) {
  struct Elements {
    Datum* values;
    int count;
  };
  const Elements elements = pg_call([&] {
    Elements found;
    bool* nulls;
    deconstruct_array(DatumGetArrayTypeP(array), type, length, by_value, alignment, &found.values, &nulls,
                      &found.count);
    for (int i = 0; i < found.count; ++i) {
      if (nulls[i]) {
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a list of a budget must not contain nulls")));
      }
    }
    return found;
  });
  return {elements.values, elements.values + elements.count};
}

Period bounds_of(Datum range_datum) {
  return pg_call([&] {
    RangeType* range = DatumGetRangeTypeP(range_datum);
    TypeCacheEntry* type = lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO);
    RangeBound lower;
    RangeBound upper;
    bool empty;
    range_deserialize(type, range, &lower, &upper, &empty);
    Period bounds;
    if (empty) {
      bounds.end = bounds.start;
      return bounds;
    }
    if (!lower.infinite) {
      bounds.start = DatumGetTimestampTz(lower.val);
    }
    if (!upper.infinite) {
      bounds.end = DatumGetTimestampTz(upper.val);
    }
    return bounds;
  });
}

OnExceeded on_exceeded_of(std::string_view name) {
  return name == "reject" ? OnExceeded::reject : name == "alert" ? OnExceeded::alert : OnExceeded::halt;
}

Measure measure_of(std::string_view name) {
  return name == "tokens" ? Measure::tokens : name == "calls" ? Measure::calls : Measure::cost;
}

/// The transaction that gave each budget its present meaning.
std::map<std::int64_t, std::uint64_t> load_epochs() {
  std::map<std::int64_t, std::uint64_t> epochs;
  const OpenTable table(Table::budget_epochs, AccessShareLock);
  const AttrNumber budget_id = table.column("budget_id");
  const AttrNumber redefined_by = table.column("redefined_by");
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const std::int64_t budget = DatumGetInt64(row.get(budget_id, &is_null));
    epochs[budget] = U64FromFullTransactionId(DatumGetFullTransactionId(row.get(redefined_by, &is_null)));
  });
  return epochs;
}

BudgetSet load() {
  std::vector<Budget> budgets;
  const std::shared_ptr<const Settings> defaults = settings();
  const OpenTable table(Table::budgets, AccessShareLock);
  struct {
    AttrNumber budget_id, name, scope, group_by, measure, amount, currency, period, valid_during, time_zone, thresholds,
        on_exceeded, on_unpriced, generation;
  } const at = {table.column("budget_id"),   table.column("name"),       table.column("scope"),
                table.column("group_by"),    table.column("measure"),    table.column("amount"),
                table.column("currency"),    table.column("period"),     table.column("valid_during"),
                table.column("time_zone"),   table.column("thresholds"), table.column("on_exceeded"),
                table.column("on_unpriced"), table.column("generation")};
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const auto text = [&](AttrNumber attribute, const std::string& otherwise) {
      const Datum value = row.get(attribute, &is_null);
      return is_null ? otherwise : text_of(value);
    };
    Budget budget;
    budget.budget_id = DatumGetInt64(row.get(at.budget_id, &is_null));
    budget.name = text(at.name, {});
    budget.scope = take(Scope::from_json(jsonb_text(row.get(at.scope, &is_null))));
    for (const Datum name : array_elements(row.get(at.group_by, &is_null), TEXTOID, -1, false, TYPALIGN_INT)) {
      budget.group_by.push_back(text_of(name));
    }
    budget.measure = measure_of(text(at.measure, {}));
    budget.amount = numeric_to_atto(row.get(at.amount, &is_null));
    budget.currency = budget.measure == Measure::cost ? text(at.currency, defaults->currency) : std::string();
    budget.period = period_kind(text(at.period, {}));
    budget.time_zone = text(at.time_zone, defaults->time_zone);
    budget.valid = bounds_of(row.get(at.valid_during, &is_null));
    for (const Datum percent : array_elements(row.get(at.thresholds, &is_null), NUMERICOID, -1, false, TYPALIGN_INT)) {
      budget.thresholds.push_back(numeric_to_atto(percent));
    }
    std::sort(budget.thresholds.begin(), budget.thresholds.end());
    budget.on_exceeded = on_exceeded_of(text(at.on_exceeded, {}));
    const std::string on_unpriced = text(at.on_unpriced, budget.on_exceeded == OnExceeded::alert ? "allow" : "deny");
    budget.denies_unpriced = on_unpriced == "deny";
    // The defaults are part of what the budget means: other settings, other counters.
    const Hash128 defaults_hash = content_hash(budget.time_zone + '\n' + budget.currency);
    std::uint32_t mixed;
    std::memcpy(&mixed, defaults_hash.data(), sizeof mixed);
    mixed += static_cast<std::uint32_t>(DatumGetInt32(row.get(at.generation, &is_null)));
    budget.generation = static_cast<std::int32_t>(mixed & 0x7FFFFFFFU);
    budgets.push_back(std::move(budget));
  });
  // After the budgets: what is committed between the two looks must not be a budget without its epoch.
  const std::map<std::int64_t, std::uint64_t> epochs = load_epochs();
  for (Budget& budget : budgets) {
    const auto epoch = epochs.find(budget.budget_id);
    budget.redefined_by = epoch == epochs.end() ? 0 : epoch->second;
  }
  // The order in which the counters of one row are locked.
  std::sort(budgets.begin(), budgets.end(), [](const Budget& a, const Budget& b) { return a.budget_id < b.budget_id; });
  return BudgetSet(std::move(budgets));
}

TableCache<BudgetSet> cache(Table::budgets, load);

}  // namespace

bool Budget::is_own_uncommitted() const {
  const FullTransactionId own = GetTopFullTransactionIdIfAny();
  return FullTransactionIdIsValid(own) && U64FromFullTransactionId(own) == redefined_by;
}

BudgetSet::BudgetSet(std::vector<Budget> budgets) : budgets_(std::move(budgets)) {
  static std::uint64_t last_number = 0;
  number_ = ++last_number;
}

std::shared_ptr<const std::vector<BudgetMatch>> BudgetSet::matching(Attribution& attribution) const {
  if (attribution.matched_by != number_) {
    std::vector<BudgetMatch> found;
    for (const Budget& budget : budgets_) {
      if (budget.scope.matches(attribution.dimensions)) {
        found.push_back(
            {&budget, std::make_shared<const GroupKey>(group_key(budget.group_by, attribution.dimensions))});
      }
    }
    attribution.matches = std::make_shared<const std::vector<BudgetMatch>>(std::move(found));
    attribution.matched_by = number_;
  }
  return attribution.matches;
}

std::shared_ptr<const BudgetSet> budget_set() {
  // Their defaults come from the settings, which others read, too: whether those are another version tells their
  // address.
  static std::shared_ptr<const Settings> defaults;
  if (std::shared_ptr<const Settings> current = settings(); current != defaults) {
    mark_changed(Table::budgets);
    defaults = std::move(current);
  }
  return cache.get();
}

bool may_see_figures(const Budget& budget) {
  return may_see_all_of(budget.scope);
}

RowFacts facts_of(const UsageRow& row) {
  const UsageColumns& at = row.columns();
  RowFacts facts;
  facts.occurred_at = row.timestamp(at.occurred_at, 0);
  facts.is_priced = !row.is_null(at.cost);
  if (facts.is_priced) {
    facts.cost = numeric_to_atto(row.get(at.cost));
    facts.currency = row.text(at.currency);
  }
  for (const std::size_t place :
       {UsageColumns::meter_place("input_tokens"), UsageColumns::meter_place("output_tokens")}) {
    if (!row.is_null(at.meters[place])) {
      facts.tokens += numeric_to_atto(row.get(at.meters[place]));
    }
  }
  return facts;
}

Attribution& attribution_of(const UsageRow& row) {
  static Attribution none{.stored_at = Attribution::committed_level};  // nothing to store
  const AttrNumber column = row.columns().attribution_id;
  if (row.is_null(column)) {
    return none;
  }
  const Hash128 id = uuid_bytes(row.get(column));
  if (Attribution* const known = find_attribution(id)) {
    return *known;
  }
  // Another id than the row's means that the row comes from a server whose registered tags are not known here. Its
  // columns are: they are the best there is.
  return remember_attribution(row.dimensions(*dimension_registry()));
}

Movement movement_of(const Budget& budget, const RowFacts& facts) {
  switch (budget.measure) {
    case Measure::tokens:
      return {facts.tokens, false};
    case Measure::calls:
      return {atto_per_unit, false};
    case Measure::cost:
      break;
  }
  // Until exchange rates exist, an amount in another currency is one we cannot express in this budget's.
  if (!facts.is_priced || facts.currency != budget.currency) {
    return {0, true};
  }
  return {facts.cost, false};
}

}  // namespace spend

SPEND_FUNCTION(spend_check_scope) {
  const spend::Scope scope = spend::take(spend::Scope::from_json(spend::jsonb_text(PG_GETARG_DATUM(0))));
  const std::shared_ptr<const spend::DimensionRegistry> registry = spend::dimension_registry();
  const auto require_known = [&](const std::string& name) {
    if (!registry->is_known(name)) {
      spend::raise(spend::Error{
          spend::ErrorKind::invalid_value, "unknown dimension \"" + name + "\"",
          "A budget on a dimension that no row carries would never trip.",
          "Use a dimension column of spend.usage, or register the tag in spend.dimensions with is_rolled_up."});
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

SPEND_FUNCTION(spend_budget_periods) {
  spend::begin_set(fcinfo);
  const std::shared_ptr<const spend::BudgetSet> budgets = spend::budget_set();
  for (const spend::Budget& budget : budgets->budgets()) {
    if (!spend::may_see_figures(budget)) {
      continue;
    }
    const spend::Period period =
        spend::period_at(budget.period, budget.time_zone, GetCurrentTransactionStartTimestamp());
    spend::emit_row<6>(fcinfo, {Int64GetDatum(budget.budget_id), Int32GetDatum(budget.generation),
                                TimestampTzGetDatum(period.start), TimestampTzGetDatum(period.end),
                                spend::text_datum(budget.currency), spend::text_datum(budget.time_zone)});
  }
  PG_RETURN_NULL();
}
