#include "pg/composite_row.hpp"

extern "C" {
#include "utils/typcache.h"
}

namespace spend {

const CompositeType& composite_type(CompositeType*& known, MemoryContext keep, HeapTupleHeader header) {
  const Oid oid = HeapTupleHeaderGetTypeId(header);
  const std::int32_t modifier = HeapTupleHeaderGetTypMod(header);
  const std::uint64_t version = pg_call([&] { return assign_record_type_identifier(oid, modifier); });
  if (known != nullptr && known->version == version) {
    return *known;
  }
  const TupleDesc descriptor = pg_call([&] {
    const TupleDesc shared = lookup_rowtype_tupdesc(oid, modifier);
    const MemoryContext outer = MemoryContextSwitchTo(keep);
    const TupleDesc copy = CreateTupleDescCopy(shared);
    MemoryContextSwitchTo(outer);
    ReleaseTupleDesc(shared);
    return copy;
  });
  static_assert(std::is_trivially_destructible_v<CompositeType>);
  const UsageColumns columns = UsageColumns::of(descriptor);
  void* const room = pg_call([&] { return MemoryContextAlloc(keep, sizeof(CompositeType)); });
  known = new (room) CompositeType{version, descriptor, columns};
  return *known;
}

}  // namespace spend
