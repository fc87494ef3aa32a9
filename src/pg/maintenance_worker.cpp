// One run of upkeep in one database, as the owner of the extension.

#include "pg/maintenance.hpp"
#include "pg/owner.hpp"
#include "pg/prelude.hpp"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

PGDLLEXPORT void spend_maintenance_worker(Datum database);
}

namespace {

/// So many deltas are folded in one transaction: half a second of somebody who waits for it.
constexpr std::int64_t deltas_at_once = 200'000;
/// A run that has taken this long ends, even if there is more to fold, and lets those in who wait for the database.
constexpr int longest_run_ms = 2000;

/// The function of the extension with this name; InvalidOid where there is no extension. Whoever drops the extension
/// waits for the end of this transaction, and was not before us.
Oid function_of_extension(const char* name, int arguments, Oid argument) {
  const Oid extension = get_extension_oid("pg_spend", true);
  if (!OidIsValid(extension)) {
    return InvalidOid;
  }
  LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
  if (get_extension_oid("pg_spend", true) != extension) {
    return InvalidOid;
  }
  const Oid function =
      LookupFuncName(list_make2(makeString(pstrdup("spend")), makeString(pstrdup(name))), arguments, &argument, true);
  // The schema may be somebody else's: what is called here is called with the rights of its owner.
  return OidIsValid(function) && getExtensionOfObject(ProcedureRelationId, function) == extension ? function
                                                                                                  : InvalidOid;
}

/// Calls the function in a transaction of its own and returns its first answer as text, in the context of the caller;
/// nullptr for none, or without the extension.
char* call(const char* name, Oid argument, const char* query) {
  char* answer = nullptr;
  const MemoryContext outer = CurrentMemoryContext;
  SetCurrentStatementStartTimestamp();
  StartTransactionCommand();
  PushActiveSnapshot(GetTransactionSnapshot());
  const Oid function = function_of_extension(name, 1, argument);
  if (OidIsValid(function)) {
    pgstat_report_activity(STATE_RUNNING, query);
    Oid user;
    int context;
    GetUserIdAndSecContext(&user, &context);
    SetUserIdAndSecContext(spend::owner_of(function), context | SECURITY_LOCAL_USERID_CHANGE);
    SPI_connect();
    if (SPI_execute(query, false, 0) != SPI_OK_SELECT) {
      elog(ERROR, "unexpected result of \"%s\"", query);
    }
    if (SPI_processed > 0) {
      char* const value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
      answer = value == nullptr ? nullptr : MemoryContextStrdup(outer, value);
    }
    SPI_finish();
    SetUserIdAndSecContext(user, context);
  }
  PopActiveSnapshot();
  CommitTransactionCommand();
  pgstat_report_stat(true);
  pgstat_report_activity(STATE_IDLE, nullptr);
  MemoryContextSwitchTo(outer);
  return answer;
}

/// What a database or a role may have set, and what upkeep cannot work with. The search path is the database owner's to
/// set, and names that are looked up in it would be called with the rights of the extension's owner.
void take_settings() {
  struct Setting {
    const char* name;
    const char* value;
  };
  for (const Setting& setting :
       {Setting{"search_path", "pg_catalog, pg_temp"}, Setting{"default_transaction_isolation", "read committed"},
        Setting{"default_transaction_read_only", "off"}, Setting{"statement_timeout", "0"},
        Setting{"session_replication_role", "origin"}}) {
    SetConfigOption(setting.name, setting.value, PGC_SUSET, PGC_S_SESSION);
  }
}

}  // namespace

void spend_maintenance_worker(Datum database) {
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
  take_settings();
  const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), longest_run_ms);
  char* const fold =
      psprintf("SELECT m.subject FROM spend._maintain_rollups(" INT64_FORMAT ") AS m WHERE m.action = 'folded deltas'",
               deltas_at_once);
  bool has_more = true;
  while (has_more && GetCurrentTimestamp() < end) {
    const char* const folded = call("_maintain_rollups", INT8OID, fold);
    has_more = folded != nullptr && strtoll(folded, nullptr, 10) == deltas_at_once;
  }
  (void)call("_maintain_ledger", INT4OID, "SELECT m.action FROM spend._maintain_ledger(3) AS m");
  spend::set_maintenance_end(has_more ? spend::MaintenanceEnd::has_more : spend::MaintenanceEnd::done);
  proc_exit(0);
}
