#include "pg/shared_memory.hpp"

#include "pg/guard.hpp"

extern "C" {
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif
}

namespace spend {

namespace {

/// Raised whenever anything in the table's memory changes its place or its meaning.
constexpr std::uint32_t layout_version = 3;
constexpr std::uint32_t header_magic = 0x53504E44;

/// Kept as it is by every version of the library, so that each can tell what the others do.
struct Header {
  std::uint32_t magic;
  std::uint32_t layout;
  std::uint32_t rows_since;  ///< whether counters are rows for everybody
  std::uint32_t memory_kb;
};

enum RowsSince : std::uint32_t { never, the_start, another_version };

enum CountersSetting { counters_auto, counters_table };
constexpr config_enum_entry counters_options[] = {
    {"auto", counters_auto, false}, {"table", counters_table, false}, {nullptr, 0, false}};

int counters_setting = counters_auto;
int counter_memory_kb = 32 * 1024;
int pending_wait_ms = 1000;

Header* header = nullptr;
SharedCounterTable* table = nullptr;
SharedRefusals* refusals = nullptr;
bool log_refusals_setting = true;

bool loaded_at_start = false;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

std::size_t counter_memory() {
  return static_cast<std::size_t>(counter_memory_kb) * 1024;
}

void initialise_header(Header* fresh) {
  fresh->magic = header_magic;
  fresh->layout = layout_version;
  fresh->rows_since = counters_setting == counters_table ? the_start : never;
  fresh->memory_kb = static_cast<std::uint32_t>(counter_memory_kb);
}

/// The table, and behind it the refusals.
Size segment_size(std::size_t memory) {
  return SharedCounterTable::size_for(memory) + sizeof(SharedRefusals);
}

SharedRefusals* refusals_in(SharedCounterTable* segment, std::size_t memory) {
  return reinterpret_cast<SharedRefusals*>(reinterpret_cast<char*>(segment) + SharedCounterTable::size_for(memory));
}

void initialise_segment_of(void* fresh, std::size_t memory) {
  std::memset(fresh, 0, segment_size(memory));
  auto* const counters = static_cast<SharedCounterTable*>(fresh);
  counters->initialise(memory);
  refusals_in(counters, memory)->initialise(counters->tranche());
}

void request_memory() {
  if (previous_request_hook != nullptr) {
    previous_request_hook();
  }
  RequestAddinShmemSpace(sizeof(Header));
  RequestAddinShmemSpace(segment_size(counter_memory()));
}

void start_memory() {
  if (previous_startup_hook != nullptr) {
    previous_startup_hook();
  }
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  bool found;
  header = static_cast<Header*>(ShmemInitStruct("pg_spend", sizeof(Header), &found));
  if (!found) {
    initialise_header(header);
  } else if (header->magic != header_magic || header->layout != layout_version) {
    // What another version means by its memory is not to be guessed.
    ereport(FATAL, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("shared memory of pg_spend was laid out by another version of the library"),
                    errdetail("Its layout is %u, this library's is %u.", header->layout, layout_version),
                    errhint("Preload one version of the library only.")));
  }
  table =
      static_cast<SharedCounterTable*>(ShmemInitStruct("pg_spend counters", segment_size(counter_memory()), &found));
  if (!found) {
    initialise_segment_of(table, counter_memory());
  }
  refusals = refusals_in(table, counter_memory());
  LWLockRelease(AddinShmemInitLock);
  table->register_tranche();
}

#if PG_VERSION_NUM >= 170000
void initialise_segment_header(void* fresh) {
  initialise_header(static_cast<Header*>(fresh));
}

void initialise_segment(void* fresh) {
  initialise_segment_of(fresh, std::size_t{header->memory_kb} * 1024);
}

/// Without preloading: whoever comes first makes the segments.
void attach_segments() {
  pg_call([] {
    bool found;
    header = static_cast<Header*>(GetNamedDSMSegment("pg_spend", sizeof(Header), initialise_segment_header, &found));
    if (header->layout != layout_version) {
      // The old library's backends still count in a memory that we cannot read: from here on, everybody uses rows.
      header->rows_since = another_version;
      ereport(WARNING, (errmsg("another version of the pg_spend library is in use"),
                        errdetail("Budget counters are kept as rows until the server is restarted."),
                        errhint("Let all sessions reconnect, then restart the server when it suits.")));
      return;
    }
    const std::size_t memory = std::size_t{header->memory_kb} * 1024;
    table = static_cast<SharedCounterTable*>(
        GetNamedDSMSegment("pg_spend counters", segment_size(memory), initialise_segment, &found));
    refusals = refusals_in(table, memory);
    table->register_tranche();
  });
}
#endif

}  // namespace

void prepare_shared_memory() {
  const GucContext at_start = process_shared_preload_libraries_in_progress ? PGC_POSTMASTER : PGC_SIGHUP;
  DefineCustomEnumVariable("pg_spend.counters", "Where budget counters are kept.",
                           "auto: in shared memory if the library is in shared_preload_libraries, or from PostgreSQL "
                           "17 on, else as rows. table: as rows. Taken when the server starts.",
                           &counters_setting, counters_auto, counters_options, at_start, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("pg_spend.counter_memory", "Shared memory for budget counters.",
                          "Half of it for counters, three tenths for reservations of running transactions, a fifth for "
                          "holds: some 2,000, 2,400 and 3,200 to a megabyte. Taken when the server starts.",
                          &counter_memory_kb, 32 * 1024, 64, 4 * 1024 * 1024, at_start, GUC_UNIT_KB, nullptr, nullptr,
                          nullptr);
  DefineCustomIntVariable("pg_spend.pending_wait",
                          "How long a row waits for other transactions before a reject budget refuses it.",
                          "Only where nothing but their uncommitted amounts stands in its way.", &pending_wait_ms, 1000,
                          0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("pg_spend.log_refusals", "Writes each row that a budget refuses to the server's log.",
                           "One line of JSON with the budget, the figures and the row.", &log_refusals_setting, true,
                           PGC_SUSET, 0, nullptr, nullptr, nullptr);
  if (process_shared_preload_libraries_in_progress) {
    loaded_at_start = true;
    previous_request_hook = shmem_request_hook;
    shmem_request_hook = request_memory;
    previous_startup_hook = shmem_startup_hook;
    shmem_startup_hook = start_memory;
  }
}

bool is_preloaded() {
  return loaded_at_start;
}

SharedCounterTable* shared_counter_table() {
#if PG_VERSION_NUM >= 170000
  if (header == nullptr) {
    attach_segments();
  }
#endif
  return header == nullptr || header->rows_since != never ? nullptr : table;
}

bool counters_were_shared() {
  return header != nullptr && header->rows_since == another_version;
}

SharedRefusals* shared_refusals() {
  (void)shared_counter_table();  // attaches the segment
  return refusals;
}

bool logs_refusals() {
  return log_refusals_setting;
}

int pending_wait() {
  return pending_wait_ms;
}

}  // namespace spend
