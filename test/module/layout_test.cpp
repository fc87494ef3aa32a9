// Preloaded before the extension's library: makes the header of its shared memory as a version of the library would
// that lays the memory out in another way. test/tap/117_layout.pl builds and loads it. Never installed.

#include "pg/prelude.hpp"

extern "C" {
#include "storage/ipc.h"
#include "storage/shmem.h"
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

}  // namespace

void _PG_init(void) {
  previous_request_hook = shmem_request_hook;
  shmem_request_hook = request;
  previous_startup_hook = shmem_startup_hook;
  shmem_startup_hook = start;
}
