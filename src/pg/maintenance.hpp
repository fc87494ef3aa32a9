#pragma once

namespace spend {

/// Settings and, in a preloaded library with databases named, the process that has spend.maintain() called in them.
/// Called once from _PG_init.
void prepare_maintenance();

/// How a run of the worker ended: kept in shared memory, since a process leaves nothing else that tells.
enum class MaintenanceEnd { failed, done, has_more };
void set_maintenance_end(MaintenanceEnd end);

}  // namespace spend
