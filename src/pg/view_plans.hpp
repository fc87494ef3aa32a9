#pragma once

namespace spend {

/// Keeps the server from compiling queries over the sums of the ledger to machine code: registered from _PG_init.
void watch_plans();

}  // namespace spend
