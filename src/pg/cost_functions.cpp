// spend.cost() and its kin: fetch the arguments, one call into the core, emit.

#include "core/cost.hpp"
#include "core/look_alike.hpp"
#include "core/text_key.hpp"
#include "pg/call_site.hpp"
#include "pg/cost_lines_result.hpp"
#include "pg/numeric.hpp"
#include "pg/plain_cost.hpp"
#include "pg/price_cache.hpp"
#include "pg/pricing_context.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// The price of a call site whose price argument is mostly the same value.
class PriceArgument {
 public:
  const Price& get(Datum datum) {
    const std::string_view image = text_view(datum);
    if (image_ != image) {
      image_.clear();
      price_ = take(Price::from_image(std::as_bytes(std::span(image))));
      image_ = image;
    }
    return price_;
  }

 private:
  std::string image_;
  Price price_;
};

struct SiteByPrice {
  PriceArgument price;
  ContextMemo contexts;
};

struct SiteByModel {
  PricePin prices;
  ContextMemo contexts;
};

Datum cost_datum(FunctionCallInfo fcinfo, const Costing& costing) {
  if (costing.status == PricingStatus::unpriced) {
    PG_RETURN_NULL();
  }
  return encode_numeric(costing.cost);
}

Costing cost_by_price(const Price& price, Datum usage, const PricingContext& context, bool with_lines) {
  context.check_keys(price);
  return take(evaluate(price, usage_of(usage), context.on_inconsistent(), with_lines, context.request(std::nullopt)));
}

Datum cost_datum_by_price(FunctionCallInfo fcinfo, const Price& price, Datum usage, const PricingContext& context) {
  if (const std::optional<PlainCost> cost = plain_cost(price.plain(), usage)) {
    context.check_keys(price);
    return encode_plain_cost(*cost);
  }
  return cost_datum(fcinfo, cost_by_price(price, usage, context, false));
}

/// A price where a model's name belongs, as a text that was not cast.
bool looks_like_json(std::string_view model) {
  return model.starts_with('{');
}

/// model, usage, provider, at, context
SkuQuery query_by_model(FunctionCallInfo fcinfo, const PricingContext& context) {
  return context.sku(PG_ARGISNULL(2) ? std::string_view() : text_view(PG_GETARG_DATUM(2)),
                     text_view(PG_GETARG_DATUM(0)));
}

std::optional<PlainCost> plain_cost_by_model(FunctionCallInfo fcinfo) {
  auto& site = call_site<SiteByModel>(fcinfo);
  const PricingContext& context = site.contexts.get(fcinfo, 4);
  const SkuQuery query = query_by_model(fcinfo, context);
  return looks_like_json(query.model)
             ? std::nullopt
             : plain_cost(site.prices.book(), query, PG_GETARG_TIMESTAMPTZ(3), context, PG_GETARG_DATUM(1));
}

/// By model name; a missing price warns once and leaves the status unpriced.
Costing cost_by_model(FunctionCallInfo fcinfo, bool with_lines) {
  auto& site = call_site<SiteByModel>(fcinfo);
  const PricingContext& context = site.contexts.get(fcinfo, 4);
  const SkuQuery query = query_by_model(fcinfo, context);
  if (looks_like_json(query.model)) {
    raise(Error{ErrorKind::invalid_value,
                "the model name looks like JSON",
                {},
                "To apply a price, cast it: spend.cost('{…}'::spend.price, …)."});
  }
  const Timestamp at = PG_GETARG_TIMESTAMPTZ(3);
  const PriceMatch match = site.prices.book().find(query, at);
  if (match.entry == nullptr) {
    warn_unpriced(query.provider, query.model, match.reason);
    return Costing{.status = PricingStatus::unpriced, .reason = match.reason, .cost = {}, .lines = {}};
  }
  context.check_keys(match.entry->price);
  Costing costing = take(evaluate(match.entry->price, usage_of(PG_GETARG_DATUM(1)), context.on_inconsistent(),
                                  with_lines, context.request(at)));
  if (costing.status == PricingStatus::unpriced) {
    warn_unpriced(query.provider, query.model, costing.reason);
  }
  return costing;
}

/// Model, usage, time and context must be known; the provider need not be.
bool lacks_argument_by_model(FunctionCallInfo fcinfo) {
  return PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3) || PG_ARGISNULL(4);
}

/// Most rows of a report: prices at hand, arguments that lie in place, and a cost that is plain.
std::optional<Datum> plain_cost_at_hand(FunctionCallInfo fcinfo) {
  const auto* const site = known_call_site<SiteByModel>(fcinfo);
  if (site == nullptr || lacks_argument_by_model(fcinfo) || !site->contexts.is_silent_constant()) {
    return std::nullopt;
  }
  const PriceBook* const book = site->prices.book_at_hand();
  std::string_view provider;
  std::string_view model;
  std::string_view usage;
  if (book == nullptr || !(PG_ARGISNULL(2) || bytes_in_place(PG_GETARG_DATUM(2), provider)) ||
      !bytes_in_place(PG_GETARG_DATUM(0), model) || looks_like_json(model) ||
      !bytes_in_place(PG_GETARG_DATUM(1), usage)) {
    return std::nullopt;
  }
  const std::optional<PlainCost> cost =
      book->plain_cost(provider, model, PG_GETARG_TIMESTAMPTZ(3), std::as_bytes(std::span(usage)));
  return cost.has_value() ? std::optional(encode_plain_cost(*cost)) : std::nullopt;
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION_WITH_SHORTCUT(spend_cost_by_model, spend::plain_cost_at_hand) {
  if (spend::lacks_argument_by_model(fcinfo)) {
    PG_RETURN_NULL();
  }
  if (const std::optional<spend::PlainCost> cost = spend::plain_cost_by_model(fcinfo)) {
    return spend::encode_plain_cost(*cost);
  }
  return spend::cost_datum(fcinfo, spend::cost_by_model(fcinfo, false));
}

SPEND_FUNCTION(spend_cost_by_price) {
  auto& site = spend::call_site<spend::SiteByPrice>(fcinfo);
  return spend::cost_datum_by_price(fcinfo, site.price.get(PG_GETARG_DATUM(0)), PG_GETARG_DATUM(1),
                                    site.contexts.get(fcinfo, 2));
}

SPEND_FUNCTION(spend_price_times_usage) {
  auto& site = spend::call_site<spend::SiteByPrice>(fcinfo);
  return spend::cost_datum_by_price(fcinfo, site.price.get(PG_GETARG_DATUM(0)), PG_GETARG_DATUM(1),
                                    site.contexts.none());
}

SPEND_FUNCTION(spend_usage_times_price) {
  auto& site = spend::call_site<spend::SiteByPrice>(fcinfo);
  return spend::cost_datum_by_price(fcinfo, site.price.get(PG_GETARG_DATUM(1)), PG_GETARG_DATUM(0),
                                    site.contexts.none());
}

SPEND_FUNCTION(spend_cost_breakdown_by_model) {
  spend::begin_set(fcinfo);
  if (!spend::lacks_argument_by_model(fcinfo)) {
    spend::emit_cost_lines(fcinfo, spend::cost_by_model(fcinfo, true));
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_cost_breakdown_by_price) {
  spend::begin_set(fcinfo);
  if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1) && !PG_ARGISNULL(2)) {
    auto& site = spend::call_site<spend::SiteByPrice>(fcinfo);
    spend::emit_cost_lines(fcinfo, spend::cost_by_price(site.price.get(PG_GETARG_DATUM(0)), PG_GETARG_DATUM(1),
                                                        site.contexts.get(fcinfo, 2), true));
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_text_key) {
  return spend::text_datum(spend::text_key(spend::text_of(PG_GETARG_DATUM(0))));
}

SPEND_FUNCTION(spend_skeleton) {
  return spend::text_datum(spend::skeleton(spend::text_key(spend::text_of(PG_GETARG_DATUM(0)))));
}
