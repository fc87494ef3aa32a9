// The server compiles expressions to machine code (jit, on by default) when it takes a query for an expensive one. Our
// views have hundreds of expressions over few rows, and the planner, which knows little of functions that return sets,
// takes them for expensive: what runs for hundredths of a second was compiled for seconds.

#include "pg/view_plans.hpp"

#include "pg/guard.hpp"
#include "pg/tables.hpp"

extern "C" {
#include "jit/jit.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
}

namespace spend {

namespace {

planner_hook_type next_hook = nullptr;

PlannedStmt* plan(Query* query, const char* text, int cursor_options, ParamListInfo parameters) {
  PlannedStmt* const planned = next_hook != nullptr ? next_hook(query, text, cursor_options, parameters)
                                                    : standard_planner(query, text, cursor_options, parameters);
  if (planned->jitFlags == PGJIT_NONE) {
    return planned;
  }
  guarded_callback(
      [](void* argument) {
        auto* const made = static_cast<PlannedStmt*>(argument);
        // Every view over sums reads of what kinds they are.
        const Oid kinds = table_oid_if_exists(Table::usage_kinds);
        if (OidIsValid(kinds) && list_member_oid(made->relationOids, kinds)) {
          made->jitFlags = PGJIT_NONE;
        }
      },
      planned);
  return planned;
}

}  // namespace

void watch_plans() {
  next_hook = std::exchange(planner_hook, plan);
}

}  // namespace spend
