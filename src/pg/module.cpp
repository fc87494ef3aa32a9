// The library's entry: refuses servers it cannot run in and registers what every backend needs.

#include "pg/access.hpp"
#include "pg/accounting.hpp"
#include "pg/guard.hpp"
#include "pg/in_place.hpp"
#include "pg/maintenance.hpp"
#include "pg/numeric.hpp"
#include "pg/one_row_command.hpp"
#include "pg/rollup.hpp"
#include "pg/shared_memory.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"
#include "pg/view_plans.hpp"

extern "C" {
#include "utils/guc.h"

#if PG_VERSION_NUM >= 180000
PG_MODULE_MAGIC_EXT(.name = "pg_spend", .version = PG_SPEND_VERSION);
#else
PG_MODULE_MAGIC;
#endif

void _PG_init(void);
}

extern "C" void _PG_init(void) {
  // These minor releases changed the layout of a struct that modules read, and took it back in the next one.
  const int version = pg_strtoint32(GetConfigOption("server_version_num", false, false));
  if (version == 150009 || version == 160005 || version == 170001) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("pg_spend does not run on PostgreSQL %s", GetConfigOption("server_version", false, false)),
                    errdetail("This minor release has an incompatible binary interface."),
                    errhint("Update the server to the next minor release.")));
  }
  spend::prepare_maintenance();
  spend::prepare_shared_memory();
  spend::define_in_place_setting();
  MarkGUCPrefixReserved("pg_spend");
  spend::watch_tables();
  spend::watch_roles();
  spend::watch_plans();
  spend::watch_commands();
  spend::watch_transactions();
  // The server calls the one that was registered last first: deltas are written before the commit window opens, which
  // is to be short.
  spend::watch_rollups();
}

SPEND_FUNCTION(spend_version) {
  return spend::text_datum(PG_SPEND_VERSION);
}
