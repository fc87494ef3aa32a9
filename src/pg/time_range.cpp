#include "pg/time_range.hpp"

extern "C" {
#include "utils/rangetypes.h"
#include "utils/typcache.h"
}

namespace spend {

TimeRange time_range(Datum tstzrange) {
  return pg_call([&] {
    RangeType* range = DatumGetRangeTypeP(tstzrange);
    TypeCacheEntry* type = lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO);
    RangeBound lower;
    RangeBound upper;
    TimeRange bounds;
    range_deserialize(type, range, &lower, &upper, &bounds.empty);
    if (!bounds.empty && !lower.infinite) {
      bounds.from = DatumGetTimestampTz(lower.val) + (lower.inclusive ? 0 : 1);
    }
    if (!bounds.empty && !upper.infinite) {
      bounds.until = DatumGetTimestampTz(upper.val) + (upper.inclusive ? 1 : 0);
    }
    return bounds;
  });
}

}  // namespace spend
