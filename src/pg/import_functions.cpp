// spend._plan_import(): what an import of a catalog does to spend.prices, step by step, and spend._priced(): what a row
// costs under the prices of this moment. The steps are carried out by SQL.

#include <map>

#include "core/import/alias_timeline.hpp"
#include "core/import/catalog.hpp"
#include "core/import/timeline.hpp"
#include "core/model_aliases.hpp"
#include "core/sku_key.hpp"
#include "pg/composite_row.hpp"
#include "pg/row_price.hpp"
#include "pg/set_result.hpp"
#include "pg/tables.hpp"
#include "pg/time_range.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// What stands under one SKU.
struct Standing {
  bool is_users = false;  ///< a price was set by hand: catalogs leave the SKU alone
  std::vector<StandingPrice> prices;
};

std::unordered_map<std::string, Standing> read_standing() {
  std::unordered_map<std::string, Standing> result;
  const OpenTable table(Table::prices, AccessShareLock);
  struct {
    AttrNumber provider, model, surface, region, service_tier, speed, variant, valid_during, price, price_id, origin,
        superseded_at;
  } const at = {table.column("provider"), table.column("model"),        table.column("surface"),
                table.column("region"),   table.column("service_tier"), table.column("speed"),
                table.column("variant"),  table.column("valid_during"), table.column("price"),
                table.column("price_id"), table.column("origin"),       table.column("superseded_at")};
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const auto text = [&](AttrNumber attribute) { return text_of(row.get(attribute, &is_null)); };
    Standing& standing = result[sku_key(Sku{.provider = text(at.provider),
                                            .model = text(at.model),
                                            .surface = text(at.surface),
                                            .region = text(at.region),
                                            .service_tier = text(at.service_tier),
                                            .speed = text(at.speed),
                                            .variant = text(at.variant)})];
    standing.is_users = standing.is_users || text(at.origin) == "user";
    row.get(at.superseded_at, &is_null);
    if (!is_null) {
      return;
    }
    const TimeRange bounds = time_range(row.get(at.valid_during, &is_null));
    StandingPrice price;
    price.price_id = DatumGetInt64(row.get(at.price_id, &is_null));
    price.valid_from = bounds.from;
    price.valid_until = bounds.until;
    price.price = price_of(row.get(at.price, &is_null));
    standing.prices.push_back(std::move(price));
  });
  for (auto& [key, standing] : result) {
    std::sort(standing.prices.begin(), standing.prices.end(),
              [](const StandingPrice& a, const StandingPrice& b) { return a.valid_from < b.valid_from; });
  }
  return result;
}

/// The aliases for all surfaces, by the provider whose rows they are for and their form, each sorted by time.
std::map<std::pair<std::string, std::string>, std::vector<StandingAlias>> read_standing_aliases() {
  std::map<std::pair<std::string, std::string>, std::vector<StandingAlias>> result;
  const OpenTable table(Table::model_aliases, AccessShareLock);
  struct {
    AttrNumber alias_id, alias, for_provider, for_surface, provider, model, valid_during, origin;
  } const at = {table.column("alias_id"),     table.column("alias"),    table.column("for_provider"),
                table.column("for_surface"),  table.column("provider"), table.column("model"),
                table.column("valid_during"), table.column("origin")};
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const auto text = [&](AttrNumber attribute) { return text_of(row.get(attribute, &is_null)); };
    if (text(at.for_surface).empty()) {
      const TimeRange bounds = time_range(row.get(at.valid_during, &is_null));
      result[{text(at.for_provider), alias_form(text(at.alias))}].push_back(
          {.alias_id = DatumGetInt64(row.get(at.alias_id, &is_null)),
           .provider = text(at.provider),
           .model = text(at.model),
           .is_users = text(at.origin) == "user",
           .valid_from = bounds.from,
           .valid_until = bounds.until});
    }
  });
  for (auto& [key, standing] : result) {
    std::sort(standing.begin(), standing.end(),
              [](const StandingAlias& a, const StandingAlias& b) { return a.valid_from < b.valid_from; });
  }
  return result;
}

std::string_view action_name(PricePlan::Action action) {
  switch (action) {
    case PricePlan::Action::added:
      return "added";
    case PricePlan::Action::closed:
      return "closed";
    case PricePlan::Action::skipped:
      return "skipped";
    case PricePlan::Action::unchanged:
      break;
  }
  return "unchanged";
}

/// One row of the result; the columns are those of the function's declaration, in its order.
class Step {
 public:
  enum Column {
    step,
    name,
    provider,
    model,
    surface,
    region,
    service_tier,
    speed,
    variant,
    alias,
    row_id,
    range_from,
    range_until,
    price,
    source,
    checked,
    action,
    reason,
    column_count
  };

  explicit Step(std::string_view kind) {
    nulls_.fill(true);
    set(step, text_datum(kind));
  }
  void set(Column column, Datum value) {
    values_[column] = value;
    nulls_[column] = false;
  }
  void set_text(Column column, std::string_view text) {
    if (!text.empty()) {
      set(column, text_datum(text));
    }
  }
  void set_sku(const Sku& sku) {
    set(provider, text_datum(sku.provider));
    set(model, text_datum(sku.model));
    set(surface, text_datum(sku.surface));
    set(region, text_datum(sku.region));
    set(service_tier, text_datum(sku.service_tier));
    set(speed, text_datum(sku.speed));
    set(variant, text_datum(sku.variant));
  }
  void set_price(const ImportedPrice& imported) {
    set(price, price_datum(imported.price));
    set_text(source, imported.source);
    if (imported.checked != timestamp_max) {
      set(checked, TimestampTzGetDatum(imported.checked));
    }
  }
  void emit(FunctionCallInfo fcinfo) {
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    pg_call([&] { tuplestore_putvalues(result->setResult, result->setDesc, values_.data(), nulls_.data()); });
  }

 private:
  std::array<Datum, column_count> values_ = {};
  std::array<bool, column_count> nulls_ = {};
};

void emit_plan(FunctionCallInfo fcinfo, const ImportedPrice& imported, const PricePlan& plan) {
  for (const PricePlan::Closing& closing : plan.closings) {
    Step step(closing.is_replaced ? "replace" : "close");
    step.set(Step::row_id, Int64GetDatum(closing.price_id));
    step.set(Step::range_until, TimestampTzGetDatum(closing.at));
    step.emit(fcinfo);
  }
  for (const PricePlan::Range& range : plan.ranges) {
    Step step("insert");
    step.set_sku(imported.sku);
    step.set(Step::range_from, TimestampTzGetDatum(range.from));
    step.set(Step::range_until, TimestampTzGetDatum(range.until));
    step.set_price(imported);
    step.emit(fcinfo);
  }
  Step step("report");
  step.set(Step::name, text_datum(imported.name));
  step.set_sku(imported.sku);
  step.set_price(imported);
  if (!plan.ranges.empty()) {
    step.set(Step::range_from, TimestampTzGetDatum(plan.ranges.front().from));
  }
  if (plan.followed_price_id != 0) {
    step.set(Step::row_id, Int64GetDatum(plan.followed_price_id));
  }
  step.set(Step::action, text_datum(action_name(plan.action)));
  step.set_text(Step::reason, plan.reason.empty() ? imported.note : plan.reason);
  step.emit(fcinfo);
}

void emit_sku(FunctionCallInfo fcinfo, std::span<const ImportedPrice> wanted, Standing& standing, ImportMoment moment) {
  if (standing.is_users) {
    const PricePlan skipped{.action = PricePlan::Action::skipped,
                            .reason = "a price of this SKU was set by hand",
                            .closings = {},
                            .ranges = {},
                            .followed_price_id = 0};
    for (const ImportedPrice& imported : wanted) {
      emit_plan(fcinfo, imported, skipped);
    }
    return;
  }
  const std::vector<PricePlan> plans = plan_prices(standing.prices, wanted, moment);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    emit_plan(fcinfo, wanted[i], plans[i]);
  }
}

void emit_alias(FunctionCallInfo fcinfo, const ImportedAlias& imported, const AliasPlan& plan) {
  for (const AliasPlan::Closing& closing : plan.closings) {
    Step step(closing.is_replaced ? "delete alias" : "close alias");
    step.set(Step::row_id, Int64GetDatum(closing.alias_id));
    step.set(Step::range_until, TimestampTzGetDatum(closing.at));
    step.emit(fcinfo);
  }
  const auto set_alias = [&](Step& step) {
    step.set_text(Step::provider, imported.provider);
    step.set_text(Step::model, imported.model);
    step.set_text(Step::alias, imported.alias);
  };
  for (const PricePlan::Range& range : plan.ranges) {
    Step step("insert alias");
    set_alias(step);
    step.set(Step::range_from, TimestampTzGetDatum(range.from));
    step.set(Step::range_until, TimestampTzGetDatum(range.until));
    step.emit(fcinfo);
  }
  Step step("report");
  step.set(Step::name, text_datum(imported.name));
  set_alias(step);
  if (!plan.ranges.empty()) {
    step.set(Step::range_from, TimestampTzGetDatum(plan.ranges.front().from));
  }
  step.set(Step::action, text_datum(action_name(plan.action)));
  step.set_text(Step::reason, plan.reason);
  step.emit(fcinfo);
}

void emit_aliases(FunctionCallInfo fcinfo, const std::vector<ImportedAlias>& aliases, ImportMoment moment) {
  if (aliases.empty()) {
    return;
  }
  const auto standing = read_standing_aliases();
  for (const ImportedAlias& imported : aliases) {
    const auto found = standing.find({imported.provider, alias_form(imported.alias)});
    emit_alias(fcinfo, imported,
               plan_alias(found == standing.end() ? std::vector<StandingAlias>() : found->second, imported.provider,
                          imported.model, moment));
  }
}

void emit_import(FunctionCallInfo fcinfo, const ImportedCatalog& catalog, ImportMoment moment) {
  std::unordered_map<std::string, Standing> standing = read_standing();
  const std::span<const ImportedPrice> prices(catalog.prices);
  // The prices are sorted by SKU.
  for (std::size_t first = 0; first < prices.size();) {
    std::size_t end = first + 1;
    while (end < prices.size() && prices[end].sku == prices[first].sku) {
      ++end;
    }
    emit_sku(fcinfo, prices.subspan(first, end - first), standing[sku_key(prices[first].sku)], moment);
    first = end;
  }
  emit_aliases(fcinfo, catalog.aliases, moment);
  for (const QuarantinedEntry& entry : catalog.quarantined) {
    Step step("report");
    step.set(Step::name, text_datum(entry.name));
    step.set_text(Step::provider, entry.provider);
    step.set_text(Step::model, entry.model);
    step.set_text(Step::alias, entry.alias);
    step.set(Step::action, text_datum("quarantined"));
    step.set(Step::reason, text_datum(entry.reason));
    step.emit(fcinfo);
  }
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_plan_import) {
  spend::begin_set(fcinfo);
  const std::string format = spend::text_of(PG_GETARG_DATUM(0));
  const spend::ImportedCatalog catalog =
      spend::take(spend::read_catalog(format, spend::jsonb_text(PG_GETARG_DATUM(1))));
  spend::emit_import(fcinfo, catalog,
                     {.effective_from = PG_GETARG_TIMESTAMPTZ(2), .now = GetCurrentTransactionStartTimestamp()});
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_priced) {
  spend::begin_set(fcinfo);
  spend::with_row(fcinfo, PG_GETARG_DATUM(0), [&](const spend::UsageRow& row) {
    spend::UsageRow priced = row.clone();
    try {
      spend::price_usage_row(priced, spend::MissingPrice::quiet);
    } catch (const spend::CoreError&) {
      return;  // counts that no price can be applied to
    }
    const spend::UsageColumns& at = priced.columns();
    const std::array<AttrNumber, 3> columns = {at.price_id, at.list_cost, at.currency};
    std::array<Datum, columns.size()> values = {};
    std::array<bool, columns.size()> nulls = {};
    for (std::size_t i = 0; i < columns.size(); ++i) {
      nulls[i] = priced.is_null(columns[i]);
      values[i] = nulls[i] ? Datum{0} : priced.get(columns[i]);
    }
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    spend::pg_call([&] { tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data()); });
  });
  PG_RETURN_NULL();
}
