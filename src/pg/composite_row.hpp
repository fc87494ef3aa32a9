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

/// The type of `header`, found once and kept in `known`, allocated in `keep`.
const CompositeType& composite_type(CompositeType*& known, MemoryContext keep, HeapTupleHeader header);

/// Reads a composite spend.usage and hands the row to `use`; the row's arrays live in the current memory context.
template <typename Use>
auto with_row(CompositeType*& known, MemoryContext keep, Datum composite, Use&& use) {
  HeapTupleHeader header = pg_call([&] { return DatumGetHeapTupleHeader(composite); });
  const CompositeType& type = composite_type(known, keep, header);
  HeapTupleData tuple;
  tuple.t_len = HeapTupleHeaderGetDatumLength(header);
  ItemPointerSetInvalid(&tuple.t_self);
  tuple.t_tableOid = InvalidOid;
  tuple.t_data = header;
  return use(UsageRow(&tuple, type.descriptor, type.columns));
}

/// The same for a function that keeps nothing else in fn_extra.
template <typename Use>
auto with_row(FunctionCallInfo fcinfo, Datum composite, Use&& use) {
  auto* known = static_cast<CompositeType*>(fcinfo->flinfo->fn_extra);
  const auto remember = [&](const UsageRow& row) {
    fcinfo->flinfo->fn_extra = known;
    return use(row);
  };
  return with_row(known, fcinfo->flinfo->fn_mcxt, composite, remember);
}

}  // namespace spend
