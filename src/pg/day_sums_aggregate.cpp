// The aggregates behind spend.daily_spend. Its groups are many and most are of one row: one state of fixed size for all
// of a group's sums, which the aggregates share, instead of nine of the server's own, each of some allocations.

#include <limits>

#include "pg/guard.hpp"
#include "pg/numeric.hpp"

extern "C" {
#include "utils/datum.h"
#include "utils/numeric.h"
}

namespace spend {

namespace {

/// The arguments, in their order: two counts, then amounts.
enum class Summed : std::uint8_t {
  calls,
  unpriced_calls,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cache_write_tokens,
  output_reasoning_tokens,
  cost,
  list_cost
};
constexpr std::size_t count_columns = 2;
constexpr std::size_t amount_columns = 7;

/// An Atto where memory is aligned for words only.
struct StoredAtto {
  std::uint64_t low, high;

  Atto get() const {
    Atto value;
    std::memcpy(&value, this, sizeof value);
    return value;
  }
  void set(Atto value) { std::memcpy(this, &value, sizeof value); }
};

/// Plain data in the aggregate's memory.
struct DaySums {
  std::array<std::int64_t, count_columns> counts;
  /// What an amount holds beyond what an Atto does: a numeric, or 0.
  std::array<Datum, amount_columns>* beyond;
  std::array<StoredAtto, amount_columns> amounts;
};

MemoryContext aggregate_context(FunctionCallInfo fcinfo) {
  MemoryContext context = nullptr;
  if (AggCheckCallContext(fcinfo, &context) == 0) {
    raise(ERRCODE_FEATURE_NOT_SUPPORTED, "this function is part of an aggregate and cannot be called directly");
  }
  return context;
}

/// Adds what is too large for an Atto, by the server's own arithmetic.
void add_beyond(MemoryContext context, DaySums& sums, std::size_t place, Datum numeric) {
  pg_call([&] {
    const MemoryContext outer = MemoryContextSwitchTo(context);
    if (sums.beyond == nullptr) {
      sums.beyond =
          static_cast<std::array<Datum, amount_columns>*>(MemoryContextAllocZero(context, sizeof *sums.beyond));
    }
    Datum& beyond = (*sums.beyond)[place];
    beyond = beyond == 0 ? datumCopy(numeric, false, -1) : DirectFunctionCall2(numeric_add, beyond, numeric);
    MemoryContextSwitchTo(outer);
  });
}

void add_amount(MemoryContext context, DaySums& sums, std::size_t place, Datum numeric) {
  const std::optional<Atto> amount = try_numeric_to_atto(numeric);
  Atto total;
  if (amount.has_value() && !__builtin_add_overflow(sums.amounts[place].get(), *amount, &total) &&
      total <= atto_limit && total >= -atto_limit) {
    sums.amounts[place].set(total);
  } else {
    add_beyond(context, sums, place, numeric);
  }
}

const DaySums* state_of(FunctionCallInfo fcinfo) {
  aggregate_context(fcinfo);
  return PG_ARGISNULL(0) ? nullptr : reinterpret_cast<const DaySums*>(PG_GETARG_POINTER(0));
}

Datum count_of(FunctionCallInfo fcinfo, Summed which) {
  const DaySums* const sums = state_of(fcinfo);
  return Int64GetDatum(sums == nullptr ? 0 : sums->counts[static_cast<std::size_t>(which)]);
}

Datum amount_of(const DaySums& sums, std::size_t place) {
  const Datum amount = atto_to_numeric(sums.amounts[place].get());
  if (sums.beyond == nullptr || (*sums.beyond)[place] == 0) {
    return amount;
  }
  return pg_call([&] { return DirectFunctionCall2(numeric_add, amount, (*sums.beyond)[place]); });
}

Datum amount_of(FunctionCallInfo fcinfo, Summed which) {
  const DaySums* const sums = state_of(fcinfo);
  return sums == nullptr ? atto_to_numeric(0) : amount_of(*sums, static_cast<std::size_t>(which) - count_columns);
}

/// As the cast of a numeric to bigint.
Datum tokens_of(FunctionCallInfo fcinfo, Summed which) {
  const DaySums* const sums = state_of(fcinfo);
  if (sums == nullptr) {
    return Int64GetDatum(0);
  }
  const std::size_t place = static_cast<std::size_t>(which) - count_columns;
  const Atto amount = sums->amounts[place].get();
  if (sums->beyond == nullptr && amount % atto_per_unit == 0) {
    const Atto units = amount / atto_per_unit;
    if (units >= std::numeric_limits<std::int64_t>::min() && units <= std::numeric_limits<std::int64_t>::max()) {
      return Int64GetDatum(static_cast<std::int64_t>(units));
    }
  }
  const Datum numeric = amount_of(*sums, place);
  return pg_call([&] { return DirectFunctionCall1(numeric_int8, numeric); });
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_day_sums_step) {
  using namespace spend;
  const MemoryContext context = aggregate_context(fcinfo);
  DaySums* sums;
  if (PG_ARGISNULL(0)) {
    sums = static_cast<DaySums*>(pg_call([&] { return MemoryContextAllocZero(context, sizeof *sums); }));
  } else {
    sums = reinterpret_cast<DaySums*>(PG_GETARG_POINTER(0));
  }
  for (std::size_t i = 0; i < count_columns; ++i) {
    const int argument = static_cast<int>(i) + 1;
    if (!PG_ARGISNULL(argument)) {
      sums->counts[i] += PG_GETARG_INT64(argument);
    }
  }
  for (std::size_t i = 0; i < amount_columns; ++i) {
    const int argument = static_cast<int>(count_columns + i) + 1;
    if (!PG_ARGISNULL(argument)) {
      add_amount(context, *sums, i, PG_GETARG_DATUM(argument));
    }
  }
  PG_RETURN_POINTER(sums);
}
SPEND_FUNCTION(spend_summed_calls) {
  return spend::count_of(fcinfo, spend::Summed::calls);
}
SPEND_FUNCTION(spend_summed_unpriced_calls) {
  return spend::count_of(fcinfo, spend::Summed::unpriced_calls);
}
SPEND_FUNCTION(spend_summed_input_tokens) {
  return spend::tokens_of(fcinfo, spend::Summed::input_tokens);
}
SPEND_FUNCTION(spend_summed_output_tokens) {
  return spend::tokens_of(fcinfo, spend::Summed::output_tokens);
}
SPEND_FUNCTION(spend_summed_cache_read_tokens) {
  return spend::tokens_of(fcinfo, spend::Summed::cache_read_tokens);
}
SPEND_FUNCTION(spend_summed_cache_write_tokens) {
  return spend::tokens_of(fcinfo, spend::Summed::cache_write_tokens);
}
SPEND_FUNCTION(spend_summed_output_reasoning_tokens) {
  return spend::tokens_of(fcinfo, spend::Summed::output_reasoning_tokens);
}
SPEND_FUNCTION(spend_summed_cost) {
  return spend::amount_of(fcinfo, spend::Summed::cost);
}
SPEND_FUNCTION(spend_summed_list_cost) {
  return spend::amount_of(fcinfo, spend::Summed::list_cost);
}
