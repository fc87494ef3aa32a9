// spend.cost() and its kin: fetch the arguments, one call into the core, emit.

#include "core/cost.hpp"
#include "core/json.hpp"
#include "core/text_key.hpp"
#include "pg/cost_lines_result.hpp"
#include "pg/numeric.hpp"
#include "pg/price_cache.hpp"
#include "pg/set_result.hpp"
#include "pg/usage_row.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// What the context argument of spend.cost() may say; text lives here, the query points into it.
struct Context {
  std::string service_tier;
  std::string region;
  std::string surface;
  std::string speed;
  std::string variant;
  OnInconsistent on_inconsistent = OnInconsistent::raise;
};

Context context_of(Datum jsonb) {
  Context context;
  if (jsonb_is_empty_object(jsonb)) {
    return context;
  }
  const Json object = take(Json::parse(jsonb_text(jsonb), {.max_bytes = 64 * 1024}));
  if (object.type != Json::Type::object) {
    raise(Error{
        ErrorKind::invalid_value, "context must be a JSON object", {}, "Write it as '{\"service_tier\": \"batch\"}'."});
  }
  const std::array<std::pair<const char*, std::string*>, 5> parts = {{{"service_tier", &context.service_tier},
                                                                      {"region", &context.region},
                                                                      {"surface", &context.surface},
                                                                      {"speed", &context.speed},
                                                                      {"variant", &context.variant}}};
  for (const auto& [key, value] : object.members) {
    if (key == "strict" && value.type == Json::Type::boolean) {
      context.on_inconsistent = value.boolean ? OnInconsistent::raise : OnInconsistent::clamp;
      continue;
    }
    const auto part = std::find_if(parts.begin(), parts.end(),
                                   [&name = key](const auto& candidate) { return name == candidate.first; });
    if (part == parts.end() || value.type != Json::Type::string) {
      raise(Error{ErrorKind::invalid_value,
                  "context has an unknown key or a value of the wrong type: \"" + key + "\"",
                  {},
                  "Text: service_tier, region, surface, speed, variant; true or false: strict."});
    }
    *part->second = value.text;
  }
  return context;
}

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

Costing cost_by_price(FunctionCallInfo fcinfo, Datum price, Datum usage, const Context& context, bool with_lines) {
  return take(evaluate(price_of_call(fcinfo, price), usage_of(usage), context.on_inconsistent, with_lines));
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
  const Context context = context_of(PG_GETARG_DATUM(4));
  const SkuQuery query{.provider = provider,
                       .model = model,
                       .surface = context.surface,
                       .region = context.region,
                       .service_tier = context.service_tier,
                       .speed = context.speed,
                       .variant = context.variant};
  const PriceBook& book = price_book_of_call(fcinfo);
  const PriceMatch match = book.find(query, PG_GETARG_TIMESTAMPTZ(3));
  if (match.entry == nullptr) {
    warn_unpriced(provider, model, match.reason);
    return Costing{.status = PricingStatus::unpriced, .reason = match.reason, .cost = {}, .lines = {}};
  }
  Costing costing =
      take(evaluate(match.entry->price, usage_of(PG_GETARG_DATUM(1)), context.on_inconsistent, with_lines));
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
                                                        spend::context_of(PG_GETARG_DATUM(2)), false));
}

SPEND_FUNCTION(spend_price_times_usage) {
  return spend::cost_datum(
      fcinfo, spend::cost_by_price(fcinfo, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), spend::Context{}, false));
}

SPEND_FUNCTION(spend_usage_times_price) {
  return spend::cost_datum(
      fcinfo, spend::cost_by_price(fcinfo, PG_GETARG_DATUM(1), PG_GETARG_DATUM(0), spend::Context{}, false));
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
                                                        spend::context_of(PG_GETARG_DATUM(2)), true));
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_text_key) {
  return spend::text_datum(spend::text_key(spend::text_of(PG_GETARG_DATUM(0))));
}
