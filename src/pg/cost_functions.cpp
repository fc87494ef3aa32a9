// spend.cost() and its kin: fetch the arguments, one call into the core, emit.

#include "core/cost.hpp"
#include "core/text_key.hpp"
#include "pg/cost_lines_result.hpp"
#include "pg/numeric.hpp"
#include "pg/price_cache.hpp"
#include "pg/pricing_context.hpp"
#include "pg/set_result.hpp"
#include "pg/usage_row.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// The price of a call site whose price argument is mostly the same value.
const Price& price_of_call(FunctionCallInfo fcinfo, Datum datum) {
  struct Pin {
    std::string image;
    Price price;
    MemoryContextCallback release;
  };
  const std::span<const std::byte> bytes = varlena_bytes(datum);
  const std::string_view image(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  auto* pin = static_cast<Pin*>(fcinfo->flinfo->fn_extra);
  if (pin == nullptr) {
    pin = new Pin();
    pin->release.func = [](void* pointer) { delete static_cast<Pin*>(pointer); };
    pin->release.arg = pin;
    MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &pin->release);
    fcinfo->flinfo->fn_extra = pin;
  }
  if (pin->image != image) {
    pin->image.clear();
    pin->price = take(Price::from_image(bytes));
    pin->image = image;
  }
  return pin->price;
}

Datum cost_datum(FunctionCallInfo fcinfo, const Costing& costing) {
  if (costing.status == PricingStatus::unpriced) {
    PG_RETURN_NULL();
  }
  return encode_numeric(costing.cost);
}

Costing cost_by_price(FunctionCallInfo fcinfo, Datum price_datum, Datum usage, const PricingContext& context,
                      bool with_lines) {
  const Price& price = price_of_call(fcinfo, price_datum);
  context.check_keys(price);
  return take(evaluate(price, usage_of(usage), context.on_inconsistent(), with_lines, context.request(std::nullopt)));
}

/// By model name; a missing price warns once and leaves the status unpriced.
Costing cost_by_model(FunctionCallInfo fcinfo, bool with_lines) {
  const std::string model = text_of(PG_GETARG_DATUM(0));
  if (model.starts_with('{')) {
    raise(Error{ErrorKind::invalid_value,
                "the model name looks like JSON",
                {},
                "To apply a price, cast it: spend.cost('{…}'::spend.price, …)."});
  }
  const std::string provider = PG_ARGISNULL(2) ? std::string() : text_of(PG_GETARG_DATUM(2));
  const PricingContext context(PG_GETARG_DATUM(4));
  const Timestamp at = PG_GETARG_TIMESTAMPTZ(3);
  const PriceBook& book = price_book_of_call(fcinfo);
  const PriceMatch match = book.find(context.sku(provider, model), at);
  if (match.entry == nullptr) {
    warn_unpriced(provider, model, match.reason);
    return Costing{.status = PricingStatus::unpriced, .reason = match.reason, .cost = {}, .lines = {}};
  }
  context.check_keys(match.entry->price);
  Costing costing = take(evaluate(match.entry->price, usage_of(PG_GETARG_DATUM(1)), context.on_inconsistent(),
                                  with_lines, context.request(at)));
  if (costing.status == PricingStatus::unpriced) {
    warn_unpriced(provider, model, costing.reason);
  }
  return costing;
}

/// Model, usage, time and context must be known; the provider need not be.
bool lacks_argument_by_model(FunctionCallInfo fcinfo) {
  return PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3) || PG_ARGISNULL(4);
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_cost_by_model) {
  if (spend::lacks_argument_by_model(fcinfo)) {
    PG_RETURN_NULL();
  }
  return spend::cost_datum(fcinfo, spend::cost_by_model(fcinfo, false));
}

SPEND_FUNCTION(spend_cost_by_price) {
  return spend::cost_datum(fcinfo, spend::cost_by_price(fcinfo, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1),
                                                        spend::PricingContext(PG_GETARG_DATUM(2)), false));
}

SPEND_FUNCTION(spend_price_times_usage) {
  return spend::cost_datum(
      fcinfo, spend::cost_by_price(fcinfo, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), spend::PricingContext(), false));
}

SPEND_FUNCTION(spend_usage_times_price) {
  return spend::cost_datum(
      fcinfo, spend::cost_by_price(fcinfo, PG_GETARG_DATUM(1), PG_GETARG_DATUM(0), spend::PricingContext(), false));
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
    spend::emit_cost_lines(fcinfo, spend::cost_by_price(fcinfo, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1),
                                                        spend::PricingContext(PG_GETARG_DATUM(2)), true));
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_text_key) {
  return spend::text_datum(spend::text_key(spend::text_of(PG_GETARG_DATUM(0))));
}
