#include "pg/budget_rows.hpp"

#include "pg/settings.hpp"
#include "pg/tables.hpp"
#include "pg/time_range.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/xid8.h"
}

namespace spend {

namespace {

OnExceeded on_exceeded_of(std::string_view name) {
  return name == "reject" ? OnExceeded::reject : name == "alert" ? OnExceeded::alert : OnExceeded::halt;
}

Measure measure_of(std::string_view name) {
  return name == "tokens" ? Measure::tokens : name == "calls" ? Measure::calls : Measure::cost;
}

struct BudgetColumns {
  explicit BudgetColumns(const OpenTable& table)
      : budget_id(table.column("budget_id")),
        name(table.column("name")),
        scope(table.column("scope")),
        group_by(table.column("group_by")),
        measure(table.column("measure")),
        amount(table.column("amount")),
        currency(table.column("currency")),
        period(table.column("period")),
        rolling_days(table.column("rolling_days")),
        valid_during(table.column("valid_during")),
        time_zone(table.column("time_zone")),
        thresholds(table.column("thresholds")),
        on_exceeded(table.column("on_exceeded")),
        on_unpriced(table.column("on_unpriced")),
        fallback_model(table.column("fallback_model")),
        fallback_at(table.column("fallback_at")),
        approval_above(table.column("approval_above")),
        owner(table.column("owner")),
        cost_center(table.column("cost_center")),
        generation(table.column("generation")) {}

  AttrNumber budget_id, name, scope, group_by, measure, amount, currency, period, rolling_days, valid_during, time_zone,
      thresholds, on_exceeded, on_unpriced, fallback_model, fallback_at, approval_above, owner, cost_center, generation;
};

Period bounds_of_range(Datum range) {
  const TimeRange bounds = time_range(range);
  return bounds.empty ? Period{timestamp_min, timestamp_min} : Period{bounds.from, bounds.until};
}

/// The defaults are part of what the budget means: other settings, other counters.
std::int32_t mixed_generation(const Budget& budget, std::int32_t own) {
  std::string defaults = budget.period.time_zone + '\n' + budget.currency;
  if (budget.period.first != 1) {
    defaults += '\n' + std::to_string(budget.period.first);
  }
  const Hash128 hash = content_hash(defaults);
  std::uint32_t mixed;
  std::memcpy(&mixed, hash.data(), sizeof mixed);
  mixed += static_cast<std::uint32_t>(own);
  return static_cast<std::int32_t>(mixed & 0x7FFFFFFFU);
}

/// What the row itself says.
Budget budget_of(const ScannedTuple& row, const BudgetColumns& at, const DimensionRegistry& registry) {
  const std::shared_ptr<const Settings> defaults = settings();
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
  std::set<std::string> of_row;
  for (const std::string& name : budget.group_by) {
    if (registry.is_of_row(name)) {
      of_row.insert(name);
    }
  }
  for (const Scope::Condition& condition : budget.scope.conditions()) {
    if (registry.is_of_row(condition.dimension)) {
      of_row.insert(condition.dimension);
    }
  }
  budget.row_dimensions.assign(of_row.begin(), of_row.end());
  budget.measure = measure_of(text(at.measure, {}));
  budget.amount = numeric_to_atto(row.get(at.amount, &is_null));
  budget.currency = budget.measure == Measure::cost ? text(at.currency, defaults->currency) : std::string();
  budget.valid = bounds_of_range(row.get(at.valid_during, &is_null));
  budget.period.kind = period_kind(text(at.period, {}));
  budget.period.time_zone = text(at.time_zone, defaults->time_zone);
  if (budget.period.kind == PeriodKind::week) {
    budget.period.first = defaults->week_start;
  } else if (budget.period.kind == PeriodKind::fiscal_year) {
    budget.period.first = defaults->fiscal_year_start;
  } else if (budget.period.kind == PeriodKind::range) {
    budget.period.range = budget.valid;
  } else if (budget.period.kind == PeriodKind::rolling) {
    budget.period.days = DatumGetInt32(row.get(at.rolling_days, &is_null));
  }
  for (const Datum percent : array_elements(row.get(at.thresholds, &is_null), NUMERICOID, -1, false, TYPALIGN_INT)) {
    budget.thresholds.push_back(numeric_to_atto(percent));
  }
  std::sort(budget.thresholds.begin(), budget.thresholds.end());
  budget.on_exceeded = on_exceeded_of(text(at.on_exceeded, {}));
  budget.owner = text(at.owner, {});
  budget.cost_center = text(at.cost_center, {});
  const std::string on_unpriced = text(at.on_unpriced, budget.on_exceeded == OnExceeded::alert ? "allow" : "deny");
  budget.denies_unpriced = on_unpriced == "deny";
  budget.fallback_model = text(at.fallback_model, {});
  budget.fallback_at = numeric_to_atto(row.get(at.fallback_at, &is_null));
  const Datum approval_above = row.get(at.approval_above, &is_null);
  if (!is_null) {
    budget.approval_above = numeric_to_atto(approval_above);
  }
  budget.generation = mixed_generation(budget, DatumGetInt32(row.get(at.generation, &is_null)));
  return budget;
}

/// Calls visit(row) for the rows of a table whose first columns have these values, through the index on them.
template <typename Visit>
void look_up(const OpenTable& table, std::span<const AttrNumber> columns, std::span<ScanKeyData> keys, Visit&& visit) {
  scan_latest_index(table.get(), index_on(table.get(), columns), OwnChanges::visible, keys, visit);
}

/// A key of a btree index.
ScanKeyData equal_to(AttrNumber position, RegProcedure function, Datum value) {
  ScanKeyData key;
  pg_call([&] { ScanKeyInit(&key, position, BTEqualStrategyNumber, function, value); });
  return key;
}

/// The transaction that gave the budget its present meaning.
std::uint64_t read_epoch(std::int64_t budget_id) {
  const OpenTable table(Table::budget_epochs, AccessShareLock);
  const std::array<AttrNumber, 1> columns = {table.column("budget_id")};
  std::array<ScanKeyData, 1> keys = {equal_to(1, F_INT8EQ, Int64GetDatum(budget_id))};
  const AttrNumber redefined_by = table.column("redefined_by");
  std::uint64_t epoch = 0;
  look_up(table, columns, keys, [&](const ScannedTuple& row) {
    bool is_null;
    epoch = U64FromFullTransactionId(DatumGetFullTransactionId(row.get(redefined_by, &is_null)));
  });
  return epoch;
}

std::vector<DatedAmount> read_amounts(std::int64_t budget_id) {
  const OpenTable table(Table::budget_amounts, AccessShareLock);
  const std::array<AttrNumber, 1> columns = {table.column("budget_id")};
  std::array<ScanKeyData, 1> keys = {equal_to(1, F_INT8EQ, Int64GetDatum(budget_id))};
  const AttrNumber valid_from = table.column("valid_from");
  const AttrNumber amount = table.column("amount");
  std::vector<DatedAmount> amounts;
  look_up(table, columns, keys, [&](const ScannedTuple& row) {
    bool is_null;
    amounts.push_back({DatumGetTimestampTz(row.get(valid_from, &is_null)), numeric_to_atto(row.get(amount, &is_null))});
  });
  std::sort(amounts.begin(), amounts.end(),
            [](const DatedAmount& a, const DatedAmount& b) { return a.valid_from < b.valid_from; });
  return amounts;
}

bool has_overrides(std::int64_t budget_id) {
  const OpenTable table(Table::budget_overrides, AccessShareLock);
  const std::array<AttrNumber, 2> columns = {table.column("budget_id"), table.column("group_hash")};
  std::array<ScanKeyData, 1> keys = {equal_to(1, F_INT8EQ, Int64GetDatum(budget_id))};
  bool found = false;
  look_up(table, columns, keys, [&](const ScannedTuple&) {
    found = true;
    return false;
  });
  return found;
}

}  // namespace

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

std::unique_ptr<Budget> read_budget_row(std::int64_t budget_id, const DimensionRegistry& registry) {
  std::unique_ptr<Budget> budget;
  const OpenTable table(Table::budgets, AccessShareLock);
  const BudgetColumns at(table);
  const std::array<AttrNumber, 1> columns = {at.budget_id};
  std::array<ScanKeyData, 1> keys = {equal_to(1, F_INT8EQ, Int64GetDatum(budget_id))};
  look_up(table, columns, keys,
          [&](const ScannedTuple& row) { budget = std::make_unique<Budget>(budget_of(row, at, registry)); });
  return budget;
}

std::unique_ptr<const Budget> read_budget(std::int64_t budget_id, const DimensionRegistry& registry) {
  std::unique_ptr<Budget> budget = read_budget_row(budget_id, registry);
  if (budget != nullptr) {
    // After the budget: what is committed between the looks must not be a budget without its epoch.
    budget->redefined_by = read_epoch(budget_id);
    budget->amounts = read_amounts(budget_id);
    budget->has_overrides = has_overrides(budget_id);
  }
  return budget;
}

void for_each_budget(const DimensionRegistry& registry, const std::function<void(const Budget&)>& visit) {
  const OpenTable table(Table::budgets, AccessShareLock);
  const BudgetColumns at(table);
  const MemoryContext per_row =
      pg_call([] { return AllocSetContextCreate(CurrentMemoryContext, "pg_spend budget", ALLOCSET_DEFAULT_SIZES); });
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    const MemoryContext outer = MemoryContextSwitchTo(per_row);
    const Budget budget = budget_of(row, at, registry);
    MemoryContextSwitchTo(outer);
    MemoryContextReset(per_row);
    visit(budget);
  });
  pg_call([&] { MemoryContextDelete(per_row); });
}

std::vector<ScopeKind> read_scope_kinds() {
  const OpenTable table(Table::budget_keys, AccessShareLock);
  const AttrNumber kind = table.column("kind");
  const std::array<AttrNumber, 2> columns = {kind, table.column("key_hash")};
  const Oid index = index_on(table.get(), columns);
  std::vector<ScopeKind> kinds;
  // From each kind to the next: their number counts, not that of the budgets.
  std::string last;
  for (;;) {
    const Datum after = text_datum(last);
    std::array<ScanKeyData, 1> keys;
    pg_call([&] { ScanKeyInit(&keys[0], 1, BTGreaterStrategyNumber, F_TEXT_GT, after); });
    bool found = false;
    scan_latest_index(table.get(), index, OwnChanges::visible, keys, [&](const ScannedTuple& row) {
      bool is_null;
      last = text_of(row.get(kind, &is_null));
      found = true;
      return false;
    });
    if (!found) {
      return kinds;
    }
    kinds.push_back(ScopeKind::from_text(last));
  }
}

std::vector<std::int64_t> read_budgets_under(const ScopeKind& kind, std::int64_t hash) {
  const OpenTable table(Table::budget_keys, AccessShareLock);
  struct {
    AttrNumber kind, key_hash, budget_id;
  } const at = {table.column("kind"), table.column("key_hash"), table.column("budget_id")};
  const std::string kind_text = kind.to_text();
  std::vector<std::int64_t> found;
  const auto take = [&](const ScannedTuple& row) {
    bool is_null;
    // What a hash index finds may have another key.
    if (DatumGetInt64(row.get(at.key_hash, &is_null)) == hash && text_of(row.get(at.kind, &is_null)) == kind_text) {
      found.push_back(DatumGetInt64(row.get(at.budget_id, &is_null)));
    }
  };
  // A hash index is read at one place however many budgets there are; the tree has more levels then.
  const std::array<AttrNumber, 1> by_hash = {at.key_hash};
  if (const Oid index = index_on_if_any(table.get(), by_hash, IndexKind::hash); OidIsValid(index)) {
    std::array<ScanKeyData, 1> keys;
    pg_call([&] { ScanKeyInit(&keys[0], 1, HTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(hash)); });
    scan_latest_index(table.get(), index, OwnChanges::visible, keys, take);
    std::sort(found.begin(), found.end());
    return found;
  }
  const std::array<AttrNumber, 2> columns = {at.kind, at.key_hash};
  std::array<ScanKeyData, 2> keys = {equal_to(1, F_TEXTEQ, text_datum(kind_text)),
                                     equal_to(2, F_INT8EQ, Int64GetDatum(hash))};
  look_up(table, columns, keys, take);
  return found;
}

std::vector<LimitOverride> read_overrides(std::int64_t budget_id, const Hash128& group) {
  const OpenTable table(Table::budget_overrides, AccessShareLock);
  const std::array<AttrNumber, 2> columns = {table.column("budget_id"), table.column("group_hash")};
  std::array<ScanKeyData, 2> keys = {equal_to(1, F_INT8EQ, Int64GetDatum(budget_id)),
                                     equal_to(2, F_UUID_EQ, uuid_datum(group))};
  struct {
    AttrNumber override_id, kind, amount, valid_during;
  } const at = {table.column("override_id"), table.column("kind"), table.column("amount"),
                table.column("valid_during")};
  std::vector<LimitOverride> overrides;
  look_up(table, columns, keys, [&](const ScannedTuple& row) {
    bool is_null;
    overrides.push_back(
        {DatumGetInt64(row.get(at.override_id, &is_null)), text_of(row.get(at.kind, &is_null)) == "replace",
         numeric_to_atto(row.get(at.amount, &is_null)), bounds_of_range(row.get(at.valid_during, &is_null))});
  });
  return overrides;
}

}  // namespace spend
