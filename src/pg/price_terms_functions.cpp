// SQL functions of spend.price_terms: checking a scope, applying terms, and saying what they did.

#include "pg/access.hpp"
#include "pg/composite_row.hpp"
#include "pg/dimension_registry.hpp"
#include "pg/numeric.hpp"
#include "pg/price_cache.hpp"
#include "pg/price_terms_cache.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

TermScope scope_of(Datum jsonb) {
  return take(TermScope::from_json(jsonb_text(jsonb)));
}

/// A scope argument that is mostly the same from call to call.
const TermScope& scope_of_call(FunctionCallInfo fcinfo, Datum jsonb) {
  struct Pin {
    std::string image;
    TermScope scope;
    MemoryContextCallback release;
  };
  const std::span<const std::byte> bytes = varlena_bytes(jsonb);
  const std::string_view image(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  auto* pin = static_cast<Pin*>(fcinfo->flinfo->fn_extra);
  if (pin == nullptr) {
    auto fresh = std::make_unique<Pin>();
    fresh->release.func = [](void* pointer) { delete static_cast<Pin*>(pointer); };
    fresh->release.arg = fresh.get();
    pin = fresh.release();
    MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &pin->release);
    fcinfo->flinfo->fn_extra = pin;
  }
  if (pin->image != image) {
    pin->image.clear();
    pin->scope = scope_of(jsonb);
    pin->image = image;
  }
  return pin->scope;
}

Decimal list_cost_of(Datum numeric) {
  const NumericValue value = decode_numeric(numeric);
  if (value.kind != NumericValue::Kind::finite || value.negative || !value.representable) {
    raise(Error{ErrorKind::invalid_value,
                "list_cost must be a number of 0 or more, below 1e20",
                {},
                "Pass what spend.cost() returned; NULL, not 0, stands for a cost that is not known."});
  }
  return value.magnitude;
}

/// What terms may ask of a stored row. Its SKU is that of the price which it would get now, else as it was sent.
TermFacts facts_of(const UsageRow& row) {
  const SkuQuery query = row.sku();
  Sku sku;
  sku.provider = query.provider;
  sku.model = query.model;
  const std::shared_ptr<const PricingData>& pricing = pricing_data_of_command();
  const PriceMatch match = pricing->book.find(query, row.priced_at());
  if (match.entry != nullptr) {
    sku = match.entry->sku;
  }
  return term_facts(row, sku, true);
}

struct Applied {
  std::shared_ptr<const PriceTerms> keeps;
  std::vector<const PriceTerm*> terms;
};

Applied terms_for(const TermFacts& facts, std::string_view currency, Timestamp at) {
  Applied applied{price_terms_of_command(), {}};
  applied.terms = applied.keeps->applicable(facts, currency, at);
  return applied;
}

/// list_cost, facts, currency, at
Applied terms_of_arguments(FunctionCallInfo fcinfo) {
  const TermFacts facts = take(TermFacts::from_json(jsonb_text(PG_GETARG_DATUM(1))));
  return terms_for(facts, text_of(PG_GETARG_DATUM(2)), PG_GETARG_TIMESTAMPTZ(3));
}

std::string condition_text(const PriceTerm& term) {
  const std::string figure =
      term.kind == TermKind::fixed ? term.amount.to_string() + " " + term.currency : term.percent.to_string() + " %";
  return std::string(to_string(term.kind)) + " " + figure;
}

/// A reader's rows may be covered by terms that tell of others: a customer's, for whom several teams work.
bool is_visible(const PriceTerm& term) {
  return term.scope.dimension_conditions().empty() || may_see_all_of(term.scope.as_scope());
}

void emit_line(FunctionCallInfo fcinfo, std::int64_t term_id, const PriceTerm* term, Datum amount) {
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  std::array<Datum, 5> values = {Int64GetDatum(term_id), 0, 0, 0, amount};
  std::array<bool, 5> nulls = {true, true, true, false, false};
  values[3] = text_datum("terms that spend.price_terms no longer has");
  if (term != nullptr && !is_visible(*term)) {
    values[2] = text_datum(to_string(term->kind));
    values[3] = text_datum("a term of another scope");
    nulls[2] = false;
  } else if (term != nullptr) {
    values[1] = text_datum(term->name);
    values[2] = text_datum(to_string(term->kind));
    values[3] = text_datum(condition_text(*term));
    nulls = {};
  }
  pg_call([&] { tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data()); });
}

void emit_lines(FunctionCallInfo fcinfo, const Decimal& list_cost, std::span<const PriceTerm* const> terms) {
  for (const TermLine& line : take(term_lines(list_cost, terms))) {
    emit_line(fcinfo, line.term->term_id, line.term, encode_numeric(line.amount, line.is_negative));
  }
}

/// The lines of a stored row, by the terms that it remembers. Where the table has lost one, what they did together.
void emit_recorded_lines(FunctionCallInfo fcinfo, const UsageRow& row) {
  const UsageColumns& at = row.columns();
  if (row.is_null(at.price_term_ids) || row.is_null(at.cost) || row.is_null(at.list_cost)) {
    return;
  }
  const std::shared_ptr<const PriceTerms> known = price_terms_of_command();
  std::vector<const PriceTerm*> terms;
  for (const std::int64_t term_id : bigints_of(row.get(at.price_term_ids))) {
    terms.push_back(known->find(term_id));
  }
  if (std::find(terms.begin(), terms.end(), nullptr) == terms.end()) {
    emit_lines(fcinfo, list_cost_of(row.get(at.list_cost)), terms);
    return;
  }
  emit_line(fcinfo, 0, nullptr,
            atto_to_numeric(numeric_to_atto(row.get(at.cost)) - numeric_to_atto(row.get(at.list_cost))));
}

std::string currency_of(const UsageRow& row) {
  return std::string(row.text(row.columns().currency));
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_check_term_scope) {
  const spend::TermScope scope = spend::scope_of(PG_GETARG_DATUM(0));
  const std::shared_ptr<const spend::DimensionRegistry> registry = spend::dimension_registry();
  for (const spend::Scope::Condition& condition : scope.dimension_conditions()) {
    if (!registry->is_known(condition.dimension)) {
      spend::raise(spend::Error{spend::ErrorKind::invalid_value, "unknown dimension \"" + condition.dimension + "\"",
                                "No row would ever be covered.",
                                "Use provider, model, surface, region, service_tier, speed, variant, a dimension "
                                "column of spend.usage, or a tag that is registered in spend.dimensions with "
                                "is_rolled_up."});
    }
  }
  PG_RETURN_VOID();
}

SPEND_FUNCTION(spend_scopes_tie) {
  const spend::TermScope a = spend::scope_of(PG_GETARG_DATUM(0));
  const spend::TermScope b = spend::scope_of(PG_GETARG_DATUM(1));
  return BoolGetDatum(a.specificity() == b.specificity() && a.may_meet(b));
}

SPEND_FUNCTION(spend_scope_covers) {
  const spend::TermScope& scope = spend::scope_of_call(fcinfo, PG_GETARG_DATUM(0));
  const spend::TermFacts facts = spend::take(spend::TermFacts::from_json(spend::jsonb_text(PG_GETARG_DATUM(1))));
  return BoolGetDatum(scope.matches(facts));
}

SPEND_FUNCTION(spend_apply_price_terms) {
  const spend::Decimal list_cost = spend::list_cost_of(PG_GETARG_DATUM(0));
  return spend::encode_numeric(spend::take(spend::apply_terms(list_cost, spend::terms_of_arguments(fcinfo).terms)));
}

SPEND_FUNCTION(spend_apply_price_terms_row) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) {
    PG_RETURN_NULL();
  }
  const spend::Decimal list_cost = spend::list_cost_of(PG_GETARG_DATUM(1));
  return spend::with_row(fcinfo, PG_GETARG_DATUM(0), [&](const spend::UsageRow& row) {
    const std::string currency = PG_ARGISNULL(2) ? spend::currency_of(row) : spend::text_of(PG_GETARG_DATUM(2));
    const spend::Applied applied = spend::terms_for(spend::facts_of(row), currency, row.priced_at());
    return spend::encode_numeric(spend::take(spend::apply_terms(list_cost, applied.terms)));
  });
}

SPEND_FUNCTION(spend_price_term_lines) {
  spend::begin_set(fcinfo);
  if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3)) {
    spend::emit_lines(fcinfo, spend::list_cost_of(PG_GETARG_DATUM(0)), spend::terms_of_arguments(fcinfo).terms);
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_price_term_lines_row) {
  spend::begin_set(fcinfo);
  if (!PG_ARGISNULL(0)) {
    spend::with_row(fcinfo, PG_GETARG_DATUM(0),
                    [&](const spend::UsageRow& row) { spend::emit_recorded_lines(fcinfo, row); });
  }
  PG_RETURN_NULL();
}
