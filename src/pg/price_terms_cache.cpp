#include "pg/price_terms_cache.hpp"

#include "pg/command_identity.hpp"
#include "pg/numeric.hpp"
#include "pg/row_attribution.hpp"
#include "pg/tables.hpp"
#include "pg/time_range.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
}

namespace spend {

namespace {

TermKind kind_of(std::string_view name) {
  return name == "discount" ? TermKind::discount : name == "markup" ? TermKind::markup : TermKind::fixed;
}

PriceTerms load() {
  check_numeric_codec();
  std::vector<PriceTerm> terms;
  const OpenTable table(Table::price_terms, AccessShareLock);
  struct {
    AttrNumber term_id, name, kind, percent, amount, currency, scope, is_additional, precedence, valid_during,
        withdrawn_at;
  } const at = {table.column("term_id"),      table.column("name"),          table.column("kind"),
                table.column("percent"),      table.column("amount"),        table.column("currency"),
                table.column("scope"),        table.column("is_additional"), table.column("precedence"),
                table.column("valid_during"), table.column("withdrawn_at")};
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const auto decimal = [&](AttrNumber attribute) {
      const Datum value = row.get(attribute, &is_null);
      return is_null ? Decimal() : decode_numeric(value).magnitude;
    };
    PriceTerm term;
    term.term_id = DatumGetInt64(row.get(at.term_id, &is_null));
    term.name = text_of(row.get(at.name, &is_null));
    term.kind = kind_of(text_of(row.get(at.kind, &is_null)));
    term.percent = decimal(at.percent);
    term.amount = decimal(at.amount);
    const Datum currency = row.get(at.currency, &is_null);
    if (!is_null) {
      term.currency = text_of(currency);
    }
    term.scope = take(TermScope::from_json(jsonb_text(row.get(at.scope, &is_null))));
    term.is_additional = DatumGetBool(row.get(at.is_additional, &is_null));
    term.precedence = DatumGetInt32(row.get(at.precedence, &is_null));
    const TimeRange valid = time_range(row.get(at.valid_during, &is_null));
    term.valid_from = valid.from;
    term.valid_until = valid.until;
    row.get(at.withdrawn_at, &is_null);
    term.is_withdrawn = !is_null || valid.empty;
    terms.push_back(std::move(term));
  });
  return PriceTerms::build(std::move(terms));
}

TableCache<PriceTerms> cache(Table::price_terms, load);

}  // namespace

const std::shared_ptr<const PriceTerms>& price_terms_of_command() {
  static CommandIdentity pinned_for;
  static std::shared_ptr<const PriceTerms> pinned;
  const CommandIdentity current = CommandIdentity::current();
  if (pinned == nullptr || !(pinned_for == current)) {
    // What others have committed is taken in here: a command that was planned before takes no lock that would.
    pg_call([] { AcceptInvalidationMessages(); });
    pinned = cache.get();
    pinned_for = current;
  }
  return pinned;
}

TermFacts term_facts(const UsageRow& row, const Sku& priced, bool with_dimensions) {
  const UsageColumns& at = row.columns();
  TermFacts facts;
  facts.set_sku(SkuPart::provider, priced.provider);
  facts.set_sku(SkuPart::model, priced.model);
  facts.set_sku(SkuPart::surface, row.text(at.surface));
  facts.set_sku(SkuPart::region, row.text(at.region));
  facts.set_sku(SkuPart::service_tier, row.text(at.service_tier));
  facts.set_sku(SkuPart::speed, row.text(at.speed));
  facts.set_sku(SkuPart::variant, row.text(at.variant));
  if (with_dimensions) {
    facts.dimensions = attributed_dimensions(row);
  }
  return facts;
}

Result<CustomerCost> apply_price_terms(const UsageRow& row, const Sku& priced, std::string_view currency,
                                       const Decimal& list_cost) {
  CustomerCost result{list_cost, {}};
  if (price_terms_of_command()->empty()) {
    return result;
  }
  const std::shared_ptr<const PriceTerms> terms = price_terms_of_command();
  const std::vector<const PriceTerm*> applicable =
      terms->applicable(term_facts(row, priced, terms->asks_dimensions()), currency, row.priced_at());
  Result<Decimal> cost = spend::apply_terms(list_cost, applicable);
  if (!cost.ok()) {
    return std::move(cost).error();
  }
  result.cost = *cost;
  for (const PriceTerm* const term : applicable) {
    result.term_ids.push_back(term->term_id);
  }
  return result;
}

}  // namespace spend
