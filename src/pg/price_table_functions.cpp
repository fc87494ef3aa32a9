// Rate cards from rate cards and from queries: merge() and the aggregates price_table().

#include "core/price_table_merge.hpp"
#include "pg/tables.hpp"
#include "pg/time_range.hpp"
#include "pg/values.hpp"

extern "C" {
#include "utils/typcache.h"
}

namespace spend {

namespace {

PriceTable table_of(Datum datum) {
  return take(PriceTable::from_storage(varlena_bytes(datum)));
}
Datum table_datum(const PriceTable& table) {
  return varlena_datum(table.to_storage());
}

/// The state of an aggregate: entries on the C++ heap, owned by the aggregate's memory context.
struct TableState {
  std::vector<PriceEntry> entries;
  MemoryContextCallback release{};
};

TableState& state_of(FunctionCallInfo fcinfo) {
  MemoryContext context = nullptr;
  if (AggCheckCallContext(fcinfo, &context) == 0) {
    raise(ERRCODE_FEATURE_NOT_SUPPORTED, "this function is part of an aggregate and cannot be called directly");
  }
  if (!PG_ARGISNULL(0)) {
    return *reinterpret_cast<TableState*>(PG_GETARG_POINTER(0));
  }
  auto fresh = std::make_unique<TableState>();
  fresh->release.func = [](void* pointer) { delete static_cast<TableState*>(pointer); };
  fresh->release.arg = fresh.get();
  TableState* const state = fresh.release();
  MemoryContextRegisterResetCallback(context, &state->release);
  return *state;
}

void append(TableState& state, PriceEntry entry) {
  if (state.entries.size() >= PriceTable::max_entries) {
    raise(Error{ErrorKind::limit_exceeded,
                "price table has more than " + std::to_string(PriceTable::max_entries) + " prices",
                {},
                {}});
  }
  state.entries.push_back(std::move(entry));
}

/// The columns in the order in which the aggregate over columns takes them.
constexpr std::array<const char*, 9> column_names = {"provider", "model",   "price", "valid_during", "service_tier",
                                                     "region",   "surface", "speed", "variant"};

/// One price from its columns; nothing for one that is never valid.
template <typename Get>
std::optional<PriceEntry> entry_of(const Get& get) {
  const auto text = [&](std::size_t i) {
    const NullableDatum value = get(i);
    return value.isnull ? std::string() : text_of(value.value);
  };
  const NullableDatum price = get(2);
  if (get(0).isnull || get(1).isnull || price.isnull) {
    raise(ERRCODE_NULL_VALUE_NOT_ALLOWED, "provider, model and price must not be null", {},
          "Leave rows without a price out of the query.");
  }
  PriceEntry entry;
  entry.sku = Sku{.provider = text(0),
                  .model = text(1),
                  .surface = text(6),
                  .region = text(5),
                  .service_tier = text(4),
                  .speed = text(7),
                  .variant = text(8)};
  entry.price = price_of(price.value);
  if (const NullableDatum range = get(3); !range.isnull) {
    const TimeRange bounds = time_range(range.value);
    if (bounds.empty) {
      return std::nullopt;
    }
    entry.valid_from = bounds.from;
    entry.valid_until = bounds.until;
  }
  return entry;
}

/// One price from a row of spend.prices.
std::optional<PriceEntry> entry_of_row(Datum composite) {
  struct Opened {
    HeapTupleData tuple;
    TupleDesc descriptor;
  };
  const Opened opened = pg_call([&] {
    HeapTupleHeader header = DatumGetHeapTupleHeader(composite);
    Opened found{};
    found.descriptor = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
    found.tuple.t_len = HeapTupleHeaderGetDatumLength(header);
    ItemPointerSetInvalid(&found.tuple.t_self);
    found.tuple.t_data = header;
    return found;
  });
  HeapTupleData tuple = opened.tuple;
  return entry_of([&](std::size_t i) {
    NullableDatum value{};
    const AttrNumber attribute = column(opened.descriptor, column_names[i]);
    value.value = pg_call([&] { return heap_getattr(&tuple, attribute, opened.descriptor, &value.isnull); });
    return value;
  });
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_price_table_merge) {
  return spend::table_datum(
      spend::take(spend::merge(spend::table_of(PG_GETARG_DATUM(0)), spend::table_of(PG_GETARG_DATUM(1)))));
}

SPEND_FUNCTION(spend_price_table_step) {
  spend::TableState& state = spend::state_of(fcinfo);
  const auto argument = [&](std::size_t i) {
    // Called with three columns, the others are at their defaults.
    return i + 1 < static_cast<std::size_t>(PG_NARGS()) ? fcinfo->args[i + 1] : NullableDatum{0, true};
  };
  if (std::optional<spend::PriceEntry> entry = spend::entry_of(argument)) {
    spend::append(state, *std::move(entry));
  }
  PG_RETURN_POINTER(&state);
}

SPEND_FUNCTION(spend_price_table_step_row) {
  spend::TableState& state = spend::state_of(fcinfo);
  if (!PG_ARGISNULL(1)) {
    if (std::optional<spend::PriceEntry> entry = spend::entry_of_row(PG_GETARG_DATUM(1))) {
      spend::append(state, *std::move(entry));
    }
  }
  PG_RETURN_POINTER(&state);
}

SPEND_FUNCTION(spend_price_table_final) {
  spend::TableState& state = spend::state_of(fcinfo);
  return spend::table_datum(spend::take(spend::PriceTable::from_entries(state.entries)));
}
