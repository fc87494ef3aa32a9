#include "core/usage.hpp"
#include "pg/numeric.hpp"
#include "pg/type_macros.hpp"

using spend::Usage;

SPEND_FUNCTION(spend_token_usage_in) {
  return spend::usage_datum(spend::take(Usage::from_json(PG_GETARG_CSTRING(0))));
}

SPEND_FUNCTION(spend_token_usage_out) {
  return CStringGetDatum(spend::palloc_cstring(spend::usage_of(PG_GETARG_DATUM(0)).to_json()));
}

SPEND_FUNCTION(spend_token_usage_recv) {
  return spend::usage_datum(spend::take(Usage::from_image(spend::receive_rest(PG_GETARG_DATUM(0)))));
}

SPEND_FUNCTION(spend_token_usage_send) {
  return spend::send_bytes(spend::usage_of(PG_GETARG_DATUM(0)).to_image());
}

SPEND_FUNCTION(spend_token_usage_from_jsonb) {
  return spend::usage_datum(spend::take(Usage::from_json(spend::jsonb_text(PG_GETARG_DATUM(0)))));
}

SPEND_FUNCTION(spend_token_usage_to_jsonb) {
  return spend::jsonb_datum(spend::usage_of(PG_GETARG_DATUM(0)).to_json());
}

SPEND_IMAGE_EQUALITY(token_usage)

SPEND_FUNCTION(spend_token_usage_add) {
  Usage sum = spend::usage_of(PG_GETARG_DATUM(0));
  if (std::optional<spend::Error> error = sum.add(spend::usage_of(PG_GETARG_DATUM(1)))) {
    spend::raise(std::move(*error));
  }
  return spend::usage_datum(sum);
}

SPEND_FUNCTION(spend_token_usage_get) {
  const Usage usage = spend::usage_of(PG_GETARG_DATUM(0));
  const spend::Decimal* quantity = usage.find(spend::text_of(PG_GETARG_DATUM(1)));
  if (quantity == nullptr) {
    PG_RETURN_NULL();
  }
  return spend::encode_numeric(*quantity);
}

// sum(token_usage): the state is a Usage on the C++ heap, owned by the aggregate's memory context.

namespace {

struct SumState {
  Usage total;
  MemoryContextCallback release;
};

SumState* new_sum_state(MemoryContext context) {
  auto* state = new SumState();
  state->release.func = [](void* pointer) { delete static_cast<SumState*>(pointer); };
  state->release.arg = state;
  MemoryContextRegisterResetCallback(context, &state->release);
  return state;
}

MemoryContext aggregate_context(FunctionCallInfo fcinfo) {
  MemoryContext context = nullptr;
  if (AggCheckCallContext(fcinfo, &context) == 0) {
    spend::raise(ERRCODE_FEATURE_NOT_SUPPORTED,
                 "this function is part of sum(token_usage) and cannot be called directly");
  }
  return context;
}

void add_to(SumState& state, const Usage& usage) {
  if (std::optional<spend::Error> error = state.total.add(usage)) {
    spend::raise(std::move(*error));
  }
}

}  // namespace

SPEND_FUNCTION(spend_token_usage_sum_step) {
  const MemoryContext context = aggregate_context(fcinfo);
  auto* state = PG_ARGISNULL(0) ? nullptr : reinterpret_cast<SumState*>(PG_GETARG_POINTER(0));
  if (!PG_ARGISNULL(1)) {
    if (state == nullptr) {
      state = new_sum_state(context);
    }
    add_to(*state, spend::usage_of(PG_GETARG_DATUM(1)));
  }
  if (state == nullptr) {
    PG_RETURN_NULL();
  }
  PG_RETURN_POINTER(state);
}

SPEND_FUNCTION(spend_token_usage_sum_combine) {
  const MemoryContext context = aggregate_context(fcinfo);
  auto* state = PG_ARGISNULL(0) ? nullptr : reinterpret_cast<SumState*>(PG_GETARG_POINTER(0));
  if (!PG_ARGISNULL(1)) {
    // The second state is only read: it may live in a context that is reset before ours.
    if (state == nullptr) {
      state = new_sum_state(context);
    }
    add_to(*state, reinterpret_cast<SumState*>(PG_GETARG_POINTER(1))->total);
  }
  if (state == nullptr) {
    PG_RETURN_NULL();
  }
  PG_RETURN_POINTER(state);
}

SPEND_FUNCTION(spend_token_usage_sum_serialize) {
  aggregate_context(fcinfo);
  return spend::send_bytes(reinterpret_cast<SumState*>(PG_GETARG_POINTER(0))->total.to_image());
}

SPEND_FUNCTION(spend_token_usage_sum_deserialize) {
  SumState* state = new_sum_state(aggregate_context(fcinfo));
  state->total = spend::take(Usage::from_image(spend::varlena_bytes(PG_GETARG_DATUM(0))));
  PG_RETURN_POINTER(state);
}

SPEND_FUNCTION(spend_token_usage_sum_final) {
  aggregate_context(fcinfo);
  if (PG_ARGISNULL(0)) {
    PG_RETURN_NULL();
  }
  return spend::usage_datum(reinterpret_cast<SumState*>(PG_GETARG_POINTER(0))->total);
}
