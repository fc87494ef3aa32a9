#include "pg/model_tables.hpp"

#include "core/model_name.hpp"
#include "core/provider_names.hpp"
#include "core/text_key.hpp"
#include "pg/call_site.hpp"
#include "pg/price_cache.hpp"
#include "pg/tables.hpp"
#include "pg/time_range.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

std::vector<ModelAlias> load_aliases() {
  std::vector<ModelAlias> aliases;
  const OpenTable table(Table::model_aliases, AccessShareLock);
  struct {
    AttrNumber alias, for_provider, for_surface, provider, model, is_override, valid_during, origin;
  } const at = {table.column("alias"),        table.column("for_provider"), table.column("for_surface"),
                table.column("provider"),     table.column("model"),        table.column("is_override"),
                table.column("valid_during"), table.column("origin")};
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const TimeRange bounds = time_range(row.get(at.valid_during, &is_null));
    if (bounds.empty) {
      return;
    }
    const auto text = [&](AttrNumber attribute) { return text_of(row.get(attribute, &is_null)); };
    aliases.push_back({.alias = text(at.alias),
                       .for_provider = text(at.for_provider),
                       .for_surface = text(at.for_surface),
                       .provider = text(at.provider),
                       .model = text(at.model),
                       .is_override = DatumGetBool(row.get(at.is_override, &is_null)),
                       .is_catalogs = text(at.origin) == "catalog",
                       .valid_from = bounds.from,
                       .valid_until = bounds.until});
  });
  return aliases;
}

}  // namespace

bool TrustedProviders::has(std::string_view provider) const {
  return !names_.empty() && names_.contains(std::string(canonical_provider(text_key(provider)).name));
}

void TrustedProviders::add(std::string_view normalised) {
  names_.emplace(canonical_provider(normalised).name);
}

std::shared_ptr<const ModelRules> load_model_rules(TrustedProviders& trusted) {
  auto rules = std::make_shared<ModelRules>();
  rules->aliases = ModelAliases(load_aliases());
  const OpenTable table(Table::providers, AccessShareLock);
  struct {
    AttrNumber provider, fallback_provider, reported_cost_policy;
  } const at = {table.column("provider"), table.column("fallback_provider"), table.column("reported_cost_policy")};
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const std::string provider = text_of(row.get(at.provider, &is_null));
    if (text_of(row.get(at.reported_cost_policy, &is_null)) == "trust") {
      trusted.add(provider);
    }
    const Datum fallback = row.get(at.fallback_provider, &is_null);
    if (!is_null) {
      rules->fallback_providers.emplace(canonical_provider(provider).name, text_of(fallback));
    }
  });
  return rules;
}

}  // namespace spend

SPEND_FUNCTION(spend_resolve_model) {
  const TupleDesc descriptor = spend::pg_call([&] {
    TupleDesc found;
    if (get_call_result_type(fcinfo, nullptr, &found) != TYPEFUNC_COMPOSITE) {
      ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a record is expected where none is accepted")));
    }
    return BlessTupleDesc(found);
  });
  std::array<Datum, 3> values = {};
  std::array<bool, 3> nulls = {true, true, true};
  if (!PG_ARGISNULL(0)) {
    const std::string model = spend::text_of(PG_GETARG_DATUM(0));
    const std::string provider = PG_ARGISNULL(1) ? std::string() : spend::text_of(PG_GETARG_DATUM(1));
    const spend::ModelMatch match = spend::call_site<spend::PricePin>(fcinfo).book().resolve(
        model, provider, GetCurrentTransactionStartTimestamp());
    if (match.matched_by != spend::MatchedBy::none) {
      values = {spend::text_datum(match.provider), spend::text_datum(match.model),
                spend::text_datum(spend::to_string(match.matched_by))};
      nulls = {};
    }
  }
  return spend::pg_call([&] { return HeapTupleGetDatum(heap_form_tuple(descriptor, values.data(), nulls.data())); });
}

SPEND_FUNCTION(spend_model_form) {
  return spend::text_datum(spend::alias_form(spend::text_key(spend::text_of(PG_GETARG_DATUM(0)))));
}

SPEND_FUNCTION(spend_model_pattern_is_valid) {
  PG_RETURN_BOOL(spend::ModelPattern::is_valid(spend::text_of(PG_GETARG_DATUM(0))));
}

SPEND_FUNCTION(spend_canonical_provider) {
  return spend::text_datum(spend::canonical_provider(spend::text_key(spend::text_of(PG_GETARG_DATUM(0)))).name);
}
