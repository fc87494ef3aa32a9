// Makes the header of the extension's shared memory as a version of the library would that lays the memory out in
// another way: preloaded before the extension's library; or loaded by a session where that is not preloaded, which the
// server lets share memory from PostgreSQL 17 on. test/tap/117_layout.pl builds and loads it. Never installed.

#include "pg/prelude.hpp"

extern "C" {
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);
}

namespace {

/// As in src/pg/shared_memory.cpp, for all versions.
struct Header {
  std::uint32_t magic, layout, rows_since, memory_kb;
};

shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

void request() {
  if (previous_request_hook != nullptr) {
    previous_request_hook();
  }
  RequestAddinShmemSpace(sizeof(Header));
}

void start() {
  if (previous_startup_hook != nullptr) {
    previous_startup_hook();
  }
  bool found;
  auto* const header = static_cast<Header*>(ShmemInitStruct("pg_spend", sizeof(Header), &found));
  *header = {0x53504E44, 1, 0, 32 * 1024};
}

#if PG_VERSION_NUM >= 170000
void initialise(void* fresh) {
  *static_cast<Header*>(fresh) = {0x53504E44, 1, 0, 32 * 1024};
}

void load() {
  bool found;
  static_cast<Header*>(GetNamedDSMSegment("pg_spend", sizeof(Header), initialise, &found))->layout = 1;
}
#endif

}  // namespace

void _PG_init(void) {
#if PG_VERSION_NUM >= 170000
  if (!process_shared_preload_libraries_in_progress) {
    load();
    return;
  }
#endif
  previous_request_hook = shmem_request_hook;
  shmem_request_hook = request;
  previous_startup_hook = shmem_startup_hook;
  shmem_startup_hook = start;
}
