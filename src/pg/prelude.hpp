#pragma once

// The one door to the server's headers. Standard headers come first: PostgreSQL redefines words that libstdc++ uses,
// and its port layer renames stdio functions, which is undone below. Every version difference that more than one file
// meets has its shim here.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

extern "C" {
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
}

#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vsnprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef strerror
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef Min
#undef Max
#undef Abs

static_assert(sizeof(TimestampTz) == sizeof(std::int64_t));

/// An index scan with these keys, begun.
inline IndexScanDesc begin_index_scan(Relation relation, Relation index, Snapshot snapshot, ScanKey keys,
                                      int key_count) {
#if PG_VERSION_NUM >= 180000
  IndexScanDesc scan = index_beginscan(relation, index, snapshot, nullptr, key_count, 0);
#else
  IndexScanDesc scan = index_beginscan(relation, index, snapshot, key_count, 0);
#endif
  index_rescan(scan, keys, key_count, nullptr, 0);
  return scan;
}
