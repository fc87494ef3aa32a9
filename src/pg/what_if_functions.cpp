// spend.cost() and its kin under a rate card that is a value: nothing but the arguments decides.

#include "core/cost.hpp"
#include "pg/call_site.hpp"
#include "pg/composite_row.hpp"
#include "pg/cost_lines_result.hpp"
#include "pg/numeric.hpp"
#include "pg/plain_cost.hpp"
#include "pg/price_card.hpp"
#include "pg/pricing_context.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// What a call site keeps.
struct CallSite {
  PriceCard card;
  ContextMemo contexts;
  CompositeType* row_type = nullptr;
};

Costing unpriced(std::string_view model, std::string reason) {
  warn_not_on_card(model, reason);
  return Costing{.status = PricingStatus::unpriced, .reason = std::move(reason), .cost = {}, .lines = {}};
}

/// card, usage, model, at, context, provider
SkuQuery query_by_table(FunctionCallInfo fcinfo, const PricingContext& context) {
  return context.sku(PG_ARGISNULL(5) ? std::string_view() : text_view(PG_GETARG_DATUM(5)),
                     text_view(PG_GETARG_DATUM(2)));
}

Costing cost_by_table(FunctionCallInfo fcinfo, bool with_lines) {
  auto& site = call_site<CallSite>(fcinfo);
  const PriceBook& book = site.card.book_of(PG_GETARG_DATUM(0));
  const Timestamp at = PG_GETARG_TIMESTAMPTZ(3);
  const PricingContext& context = site.contexts.get(fcinfo, 4);
  const SkuQuery query = query_by_table(fcinfo, context);
  const PriceMatch match = book.find(query, at);
  if (match.entry == nullptr) {
    return unpriced(query.model, match.reason);
  }
  context.check_keys(match.entry->price);
  Costing costing = take(evaluate(match.entry->price, usage_of(PG_GETARG_DATUM(1)), context.on_inconsistent(),
                                  with_lines, context.request(at)));
  return costing.status == PricingStatus::unpriced ? unpriced(query.model, costing.reason) : costing;
}

std::optional<PlainCost> plain_cost_by_table(FunctionCallInfo fcinfo) {
  auto& site = call_site<CallSite>(fcinfo);
  const PriceBook& book = site.card.book_of(PG_GETARG_DATUM(0));
  const PricingContext& context = site.contexts.get(fcinfo, 4);
  return plain_cost(book, query_by_table(fcinfo, context), PG_GETARG_TIMESTAMPTZ(3), context, PG_GETARG_DATUM(1));
}

bool lacks_argument_by_table(FunctionCallInfo fcinfo) {
  return PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4);
}

/// A recorded row under a card, as itself or with another model in its place.
Costing cost_of_row(const UsageRow& row, const PriceBook& book, std::string_view model, std::string_view provider) {
  SkuQuery sku = row.sku();
  if (!model.empty()) {
    sku.model = model;
    sku.provider = provider;
  } else if (!provider.empty()) {
    sku.provider = provider;
  }
  if (sku.model.empty() || !row.has_usage()) {
    return Costing{};
  }
  const PriceMatch match = book.find(sku, row.priced_at());
  if (match.entry == nullptr) {
    return unpriced(sku.model, match.reason);
  }
  Costing costing = take(evaluate(match.entry->price, row.usage(), OnInconsistent::clamp, false, row.request()));
  return costing.status == PricingStatus::unpriced ? unpriced(sku.model, costing.reason) : costing;
}

Datum cost_or_null(FunctionCallInfo fcinfo, const Costing& costing) {
  if (costing.status == PricingStatus::unpriced) {
    PG_RETURN_NULL();
  }
  return encode_numeric(costing.cost);
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_cost_by_table) {
  if (spend::lacks_argument_by_table(fcinfo)) {
    PG_RETURN_NULL();
  }
  if (const std::optional<spend::PlainCost> cost = spend::plain_cost_by_table(fcinfo)) {
    return spend::encode_plain_cost(*cost);
  }
  return spend::cost_or_null(fcinfo, spend::cost_by_table(fcinfo, false));
}

SPEND_FUNCTION(spend_cost_breakdown_by_table) {
  spend::begin_set(fcinfo);
  if (!spend::lacks_argument_by_table(fcinfo)) {
    spend::emit_cost_lines(fcinfo, spend::cost_by_table(fcinfo, true));
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_what_if) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) {
    PG_RETURN_NULL();
  }
  const std::string model = PG_ARGISNULL(2) ? std::string() : spend::text_of(PG_GETARG_DATUM(2));
  const std::string provider = PG_ARGISNULL(3) ? std::string() : spend::text_of(PG_GETARG_DATUM(3));
  auto& site = spend::call_site<spend::CallSite>(fcinfo);
  const spend::PriceBook& book = site.card.book_of(PG_GETARG_DATUM(1));
  return spend::with_row(site.row_type, fcinfo->flinfo->fn_mcxt, PG_GETARG_DATUM(0), [&](const spend::UsageRow& row) {
    if (row.is_voided()) {
      return spend::encode_numeric(spend::Decimal());
    }
    return spend::cost_or_null(fcinfo, spend::cost_of_row(row, book, model, provider));
  });
}
