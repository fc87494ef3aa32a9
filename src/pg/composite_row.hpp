#pragma once

#include "pg/guard.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// What is remembered of a composite argument's type at one call site: a query calls with the same type row after row,
/// and finding sixty columns by name costs more than most functions do with them.
struct CompositeType {
  std::uint64_t version;  ///< of the type's definition, unique in this backend
  TupleDesc descriptor;
  UsageColumns columns;
};

/// Uses fn_extra: for functions that keep nothing else there.
const CompositeType& composite_type_of_call(FunctionCallInfo fcinfo, HeapTupleHeader header);

/// Reads the composite argument spend.usage and hands the row to `use`; the row's arrays live in the current memory
/// context.
template <typename Use>
auto with_row(FunctionCallInfo fcinfo, Datum composite, Use&& use) {
  HeapTupleHeader header = pg_call([&] { return DatumGetHeapTupleHeader(composite); });
  const CompositeType& type = composite_type_of_call(fcinfo, header);
  HeapTupleData tuple;
  tuple.t_len = HeapTupleHeaderGetDatumLength(header);
  ItemPointerSetInvalid(&tuple.t_self);
  tuple.t_tableOid = InvalidOid;
  tuple.t_data = header;
  return use(UsageRow(&tuple, type.descriptor, type.columns));
}

}  // namespace spend
