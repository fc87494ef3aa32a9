#pragma once

#include "pg/shared_refusals.hpp"

namespace spend {

/// Defines the settings and, in the postmaster, asks for the shared memory. Called once, from _PG_init.
void prepare_shared_memory();

/// Whether the server loaded the library when it started.
bool is_preloaded();

/// The table of counters in shared memory, or nullptr where counters are rows: the library is not preloaded (before
/// PostgreSQL 17), or pg_spend.counters is 'table', or another version of the library is at it. Errors: the segment
/// cannot be attached, which must not pass for another answer.
SharedCounterTable* shared_counter_table();

/// Whether transactions may still be under way that began to count in shared memory before everybody left it.
bool counters_were_shared();

/// What was refused, in shared memory if there is any, else nullptr. Also where counters are rows.
SharedRefusals* shared_refusals();

/// pg_spend.log_refusals.
bool logs_refusals();

/// pg_spend.pending_wait, in milliseconds.
int pending_wait();

}  // namespace spend
