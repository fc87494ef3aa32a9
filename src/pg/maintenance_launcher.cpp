// The process that has the databases named in pg_spend.worker_databases maintained: it is connected to none of them and
// starts a worker for one after the other. A worker is connected for as long as it has something to do, so that nobody
// who drops the database or the extension waits for longer than that.

#include "pg/guard.hpp"
#include "pg/maintenance.hpp"
#include "pg/prelude.hpp"

extern "C" {
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/varlena.h"

PGDLLEXPORT void spend_maintenance_launcher(Datum argument);
}

namespace spend {

namespace {

char* worker_databases = nullptr;
int worker_interval_s = 10;

/// Written by the worker, read by the launcher after its end: one at a time.
MaintenanceEnd* last_end = nullptr;

shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

void request_memory() {
  if (previous_request_hook != nullptr) {
    previous_request_hook();
  }
  RequestAddinShmemSpace(sizeof(MaintenanceEnd));
}

void start_memory() {
  if (previous_startup_hook != nullptr) {
    previous_startup_hook();
  }
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  bool found;
  last_end = static_cast<MaintenanceEnd*>(ShmemInitStruct("pg_spend maintenance", sizeof(MaintenanceEnd), &found));
  LWLockRelease(AddinShmemInitLock);
}

bool check_databases(char** value, [[maybe_unused]] void** extra, [[maybe_unused]] GucSource source) {
  List* names;
  if (!SplitIdentifierString(pstrdup(*value), ',', &names)) {
    GUC_check_errdetail("It is a list of names of databases, separated by commas.");
    return false;
  }
  return true;
}

std::vector<std::string> named_databases() {
  const List* const names = pg_call([] {
    List* result;
    (void)SplitIdentifierString(pstrdup(worker_databases), ',', &result);
    return result;
  });
  std::vector<std::string> databases;
  databases.reserve(static_cast<std::size_t>(list_length(names)));
  for (int i = 0; i < list_length(names); ++i) {
    databases.emplace_back(static_cast<const char*>(list_nth(names, i)));
  }
  return databases;
}

/// When a database is looked at next, and how often in a row that went wrong.
struct Schedule {
  TimestampTz due = 0;
  int failures = 0;

  void plan(MaintenanceEnd end) {
    failures = end == MaintenanceEnd::failed ? failures + 1 : 0;
    constexpr int longest_wait_s = 600;
    int wait_s = worker_interval_s;
    for (int i = 0; i < failures && wait_s < longest_wait_s; ++i) {
      wait_s = std::min(2 * wait_s, longest_wait_s);
    }
    due = end == MaintenanceEnd::has_more ? GetCurrentTimestamp()
                                          : TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_s * int64{1000});
  }
};

Oid database_oid(const std::string& name) {
  return pg_call([&] {
    StartTransactionCommand();
    const Oid oid = get_database_oid(name.c_str(), true);
    CommitTransactionCommand();
    return oid;
  });
}

void take_signals() {
  pg_call([] {
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
    }
  });
}

void sleep_until_signal(std::int64_t milliseconds) {
  pg_call([&] {
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, static_cast<long>(milliseconds),
                    PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
  });
}

MaintenanceEnd run_worker(const std::string& name) {
  const Oid database = database_oid(name);
  if (!OidIsValid(database)) {
    pg_call([&] { ereport(LOG, (errmsg("pg_spend.worker_databases: database \"%s\" does not exist", name.c_str()))); });
    return MaintenanceEnd::failed;
  }
  *last_end = MaintenanceEnd::failed;
  BackgroundWorkerHandle* const handle = pg_call([&] {
    BackgroundWorker worker = {};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_main_arg = ObjectIdGetDatum(database);
    worker.bgw_notify_pid = MyProcPid;
    strlcpy(worker.bgw_name, "pg_spend maintenance", BGW_MAXLEN);
    strlcpy(worker.bgw_type, "pg_spend maintenance", BGW_MAXLEN);
    strlcpy(worker.bgw_library_name, "pg_spend", sizeof worker.bgw_library_name);
    strlcpy(worker.bgw_function_name, "spend_maintenance_worker", BGW_MAXLEN);
    BackgroundWorkerHandle* result = nullptr;
    if (!RegisterDynamicBackgroundWorker(&worker, &result)) {
      ereport(LOG, (errmsg("pg_spend: no background worker is free"), errhint("Raise max_worker_processes.")));
      return static_cast<BackgroundWorkerHandle*>(nullptr);
    }
    return result;
  });
  if (handle == nullptr) {
    return MaintenanceEnd::failed;
  }
  pid_t pid;
  while (pg_call([&] { return GetBackgroundWorkerPid(handle, &pid); }) != BGWH_STOPPED) {
    if (ShutdownRequestPending) {
      pg_call([&] { TerminateBackgroundWorker(handle); });
    }
    sleep_until_signal(1000);
    take_signals();
  }
  pg_call([&] { pfree(handle); });
  return *last_end;
}

void launch() {
  std::map<std::string, Schedule> schedules;
  while (!ShutdownRequestPending) {
    const MemoryContext round = pg_call(
        [] { return AllocSetContextCreate(TopMemoryContext, "pg_spend maintenance round", ALLOCSET_SMALL_SIZES); });
    const MemoryContext outer = MemoryContextSwitchTo(round);
    TimestampTz next = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), worker_interval_s * int64{1000});
    for (const std::string& name : named_databases()) {
      Schedule& schedule = schedules[name];
      if (!ShutdownRequestPending && schedule.due <= GetCurrentTimestamp()) {
        schedule.plan(run_worker(name));
      }
      next = std::min(next, schedule.due);
    }
    MemoryContextSwitchTo(outer);
    pg_call([&] { MemoryContextDelete(round); });
    if (!ShutdownRequestPending) {
      sleep_until_signal(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next));
      take_signals();
    }
  }
}

}  // namespace

void set_maintenance_end(MaintenanceEnd end) {
  if (last_end != nullptr) {
    *last_end = end;
  }
}

void prepare_maintenance() {
  DefineCustomStringVariable(
      "pg_spend.worker_databases", "Databases in which a background worker calls spend.maintain().",
      "A list of names. For a library in shared_preload_libraries; empty when the server starts: "
      "there is no worker.",
      &worker_databases, "", PGC_SIGHUP, GUC_LIST_INPUT, check_databases, nullptr, nullptr);
  DefineCustomIntVariable("pg_spend.worker_interval", "How long the background worker rests between two calls.",
                          "After an error it rests longer, up to ten minutes.", &worker_interval_s, 10, 1, 86400,
                          PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr, nullptr);
  if (!process_shared_preload_libraries_in_progress || worker_databases[0] == '\0') {
    return;
  }
  previous_request_hook = shmem_request_hook;
  shmem_request_hook = request_memory;
  previous_startup_hook = shmem_startup_hook;
  shmem_startup_hook = start_memory;
  BackgroundWorker launcher = {};
  launcher.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  launcher.bgw_start_time = BgWorkerStart_RecoveryFinished;
  launcher.bgw_restart_time = 60;
  strlcpy(launcher.bgw_name, "pg_spend launcher", BGW_MAXLEN);
  strlcpy(launcher.bgw_type, "pg_spend launcher", BGW_MAXLEN);
  strlcpy(launcher.bgw_library_name, "pg_spend", sizeof launcher.bgw_library_name);
  strlcpy(launcher.bgw_function_name, "spend_maintenance_launcher", BGW_MAXLEN);
  RegisterBackgroundWorker(&launcher);
}

}  // namespace spend

void spend_maintenance_launcher([[maybe_unused]] Datum argument) {
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
  BackgroundWorkerUnblockSignals();
  // To no database: only the list of them is read.
  BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
  spend::guarded_callback([](void*) { spend::launch(); }, nullptr);
  proc_exit(0);
}
