// spend.approve() and spend.decline(): a person's word on a call that the gate has asked about.

#include "pg/access.hpp"
#include "pg/approval_rows.hpp"
#include "pg/budgets.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

extern "C" {
#include "utils/fmgrprotos.h"
}

namespace spend {

namespace {

constexpr Timestamp longest_approval = 90 * USECS_PER_DAY;

std::string time_text(Timestamp at) {
  return pg_call([&] { return timestamptz_to_str(at); });
}

/// Whether the current role may decide for all of these budgets. One that is gone asks for nobody any more; without any
/// it takes the right to approve everything.
bool may_decide(const std::vector<std::int64_t>& budget_ids) {
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  bool any = false;
  for (const std::int64_t budget_id : budget_ids) {
    if (const Budget* const budget = budgets->find(budget_id)) {
      any = true;
      if (!may_approve_all_of(budget->scope)) {
        return false;
      }
    }
  }
  return any || may_approve_all_of(Scope{});
}

/// Locks a row that the current role may decide and that is still to be decided, or can be.
HeapTuple lock_undecided(const OpenTable& table, const ApprovalColumns& at, std::int64_t approval_id,
                         bool may_be_approved) {
  HeapTuple found = find_approval_row(table, at, approval_id);
  if (found == nullptr || !may_decide(ApprovalRow(table, at, found).budget_ids())) {
    raise_unknown_approval(approval_id);
  }
  HeapTuple locked = lock_approval_row(table, at, approval_id);
  const ApprovalRow row(table, at, locked);
  const std::string state = row.state();
  if (state == "used") {
    raise_used_approval(approval_id, row, at);
  }
  if (row.is_over(GetCurrentTimestamp())) {
    raise(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, approval_name(approval_id) + " has expired",
          "It expired at " + time_text(row.expires_at()) + ".", "The app asks again, and gets another number.");
  }
  if (state == "declined" || (state == "approved" && !may_be_approved)) {
    raise(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, approval_name(approval_id) + " was " + state + " already",
          row.text(at.decided_by) + " did so at " + time_text(DatumGetTimestampTz(*row.value(at.decided_at))) + ".",
          {});
  }
  return locked;
}

ApprovalChanges decision(const ApprovalColumns& at, const char* state, std::optional<Datum> reason) {
  ApprovalChanges changes;
  changes.emplace_back(at.state, text_datum(state));
  changes.emplace_back(at.decided_at, TimestampTzGetDatum(GetCurrentTimestamp()));
  changes.emplace_back(at.decided_by, text_datum(pg_call([] { return GetUserNameFromId(GetSessionUserId(), false); })));
  if (reason.has_value()) {
    changes.emplace_back(at.reason, *reason);
  }
  return changes;
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_approve) {
  using namespace spend;
  if (PG_ARGISNULL(0) || PG_ARGISNULL(2)) {
    raise(ERRCODE_NULL_VALUE_NOT_ALLOWED, "approval_id and valid_for must not be null");
  }
  pg_call([] { PreventCommandIfReadOnly("spend.approve()"); });
  const OpenTable table(Table::approvals, RowExclusiveLock);
  const ApprovalColumns at(table);
  HeapTuple locked = lock_undecided(table, at, PG_GETARG_INT64(0), false);
  const Timestamp now = GetCurrentTimestamp();
  const Datum valid_for = PG_GETARG_DATUM(2);
  const Timestamp until = pg_call([&] {
    return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), valid_for));
  });
  if (until <= now || until > now + longest_approval) {
    raise(Error{ErrorKind::invalid_value, "valid_for must be positive and at most 90 days", {}, {}});
  }
  ApprovalChanges changes =
      decision(at, "approved", PG_ARGISNULL(1) ? std::nullopt : std::optional<Datum>(PG_GETARG_DATUM(1)));
  changes.emplace_back(at.expires_at, TimestampTzGetDatum(until));
  change_locked(table, locked, {changes.data(), changes.size()});
  PG_RETURN_TIMESTAMPTZ(until);
}

SPEND_FUNCTION(spend_decline) {
  using namespace spend;
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) {
    raise(ERRCODE_NULL_VALUE_NOT_ALLOWED, "approval_id and reason must not be null", {},
          "Say why: it is what people will read when their call does not run.");
  }
  pg_call([] { PreventCommandIfReadOnly("spend.decline()"); });
  const OpenTable table(Table::approvals, RowExclusiveLock);
  const ApprovalColumns at(table);
  HeapTuple locked = lock_undecided(table, at, PG_GETARG_INT64(0), true);
  const ApprovalChanges changes = decision(at, "declined", PG_GETARG_DATUM(1));
  change_locked(table, locked, {changes.data(), changes.size()});
  PG_RETURN_VOID();
}

SPEND_FUNCTION(spend_may_decide) {
  PG_RETURN_BOOL(spend::may_decide(spend::bigints_of(PG_GETARG_DATUM(0))));
}
