#include "pg/composite_row.hpp"

extern "C" {
#include "utils/typcache.h"
}

namespace spend {

const CompositeType& composite_type_of_call(FunctionCallInfo fcinfo, HeapTupleHeader header) {
  const Oid oid = HeapTupleHeaderGetTypeId(header);
  const std::int32_t modifier = HeapTupleHeaderGetTypMod(header);
  auto* known = static_cast<CompositeType*>(fcinfo->flinfo->fn_extra);
  const std::uint64_t version = pg_call([&] { return assign_record_type_identifier(oid, modifier); });
  if (known != nullptr && known->version == version) {
    return *known;
  }
  const TupleDesc descriptor = pg_call([&] {
    const TupleDesc shared = lookup_rowtype_tupdesc(oid, modifier);
    const MemoryContext outer = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
    const TupleDesc copy = CreateTupleDescCopy(shared);
    MemoryContextSwitchTo(outer);
    ReleaseTupleDesc(shared);
    return copy;
  });
  static_assert(std::is_trivially_destructible_v<CompositeType>);
  if (known == nullptr) {
    known = static_cast<CompositeType*>(
        pg_call([&] { return MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CompositeType)); }));
  }
  known->version = 0;  // until the columns are known to be there
  fcinfo->flinfo->fn_extra = known;
  known->columns = UsageColumns::of(descriptor);
  known->descriptor = descriptor;
  known->version = version;
  return *known;
}

}  // namespace spend
