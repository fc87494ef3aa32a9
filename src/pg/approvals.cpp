#include "pg/approvals.hpp"

#include "core/json.hpp"
#include "core/text_key.hpp"
#include "pg/access.hpp"
#include "pg/approval_rows.hpp"
#include "pg/numeric.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

extern "C" {
#include "commands/sequence.h"
}

namespace spend {

namespace {

constexpr Timestamp longest_wait = 7 * USECS_PER_DAY;  ///< of a request for somebody's decision

[[noreturn]] void raise_other_call(std::int64_t approval_id, const std::string& detail) {
  raise(ERRCODE_INVALID_PARAMETER_VALUE, approval_name(approval_id) + " is for another call", detail,
        "Ask with the provider, model, dimensions, context and estimate that the approval was asked for with.");
}

/// Quantities up to the approved ones are what was approved.
void check_estimate(std::int64_t approval_id, Datum approved, Datum asked) {
  const Usage most = usage_of(approved);
  const Usage used = usage_of(asked);
  const Decimal none = Decimal::from_integer(0);
  for (const Usage::Entry& entry : used.entries()) {
    const Decimal* const limit = most.find(entry.meter());
    if (entry.quantity > (limit == nullptr ? none : *limit)) {
      raise_other_call(approval_id, "It was asked for with " + (limit == nullptr ? "no" : limit->to_string()) + ' ' +
                                        std::string(entry.meter()) + ", and is used with " +
                                        entry.quantity.to_string() + '.');
    }
  }
}

void check_same_call(std::int64_t approval_id, const ApprovalRow& row, const ApprovalColumns& at,
                     const ExpectedCall& call) {
  const auto check_text = [&](const char* what, const std::string& approved, const std::string& asked) {
    if (text_key(approved) != text_key(asked)) {
      raise_other_call(approval_id, std::string("Its ") + what + " is \"" + approved + "\", not \"" + asked + "\".");
    }
  };
  check_text("model", row.text(at.model), call.model());
  check_text("provider", row.text(at.provider), call.provider());
  const auto check_json = [&](const char* what, Datum approved, Datum asked) {
    if (jsonb_text(approved) != jsonb_text(asked)) {
      raise_other_call(approval_id, std::string("Its ") + what + " are " + jsonb_text(approved) + ", not " +
                                        jsonb_text(asked) + ".");
    }
  };
  check_json("dimensions", *row.value(at.dimensions), call.dimensions());
  check_json("context values", *row.value(at.context), call.context());
  check_estimate(approval_id, *row.value(at.estimate), call.estimate());
}

std::vector<std::int64_t> asking_budgets(const Candidate& call) {
  std::set<std::int64_t> ids;
  for (const GateLine& line : call.lines) {
    if (line.needs_approval()) {
      ids.insert(line.use.budget->budget_id);
    }
  }
  return {ids.begin(), ids.end()};
}

std::string current_role() {
  return pg_call([] { return GetUserNameFromId(GetUserId(), false); });
}

Hash128 hash_of(const std::string& writer, const ExpectedCall& call) {
  std::string named;
  for (const std::string& part :
       {writer, text_key(call.provider()), text_key(call.model()), jsonb_text(call.dimensions()),
        jsonb_text(call.context()), usage_of(call.estimate()).to_json()}) {
    named += json_quote(part) + '\n';
  }
  return content_hash(named);
}

/// An open request of this hash that these budgets are among the ones of.
std::optional<std::int64_t> open_request(const OpenTable& table, const ApprovalColumns& at, const Hash128& hash,
                                         const std::vector<std::int64_t>& budgets, Timestamp now) {
  const std::array<AttrNumber, 1> key_columns = {at.request_hash};
  const Oid index = index_on(table.get(), key_columns);
  std::array<ScanKeyData, 1> key;
  const Datum value = uuid_datum(hash);
  pg_call([&] { ScanKeyInit(&key[0], 1, BTEqualStrategyNumber, F_UUID_EQ, value); });
  std::optional<std::int64_t> found;
  scan_latest_index(table.get(), index, OwnChanges::visible, key, [&](const ScannedTuple& scanned) {
    const ApprovalRow row(table, at, scanned.tuple);
    const std::vector<std::int64_t> known = row.budget_ids();
    if (row.state() == "requested" && !row.is_over(now) &&
        std::includes(known.begin(), known.end(), budgets.begin(), budgets.end())) {
      found = DatumGetInt64(*row.value(at.approval_id));
    }
  });
  return found;
}

}  // namespace

bool Approval::covers(const Candidate& call) const {
  const std::vector<std::int64_t> asking = asking_budgets(call);
  if (!std::includes(budget_ids.begin(), budget_ids.end(), asking.begin(), asking.end())) {
    return false;
  }
  const UsageColumns& at = call.row.columns();
  return !cost.has_value() || (!call.row.is_null(at.cost) && currency == call.row.text(at.currency) &&
                               numeric_to_atto(call.row.get(at.cost)) <= *cost);
}

Approval find_approval(std::int64_t approval_id, const ExpectedCall& call) {
  const OpenTable table(Table::approvals, AccessShareLock);
  const ApprovalColumns at(table);
  HeapTuple found = find_approval_row(table, at, approval_id);
  if (found == nullptr) {
    raise_unknown_approval(approval_id);
  }
  const ApprovalRow row(table, at, found);
  if (!may_act_for(row.text(at.writer))) {
    raise_unknown_approval(approval_id);
  }
  check_same_call(approval_id, row, at, call);
  Approval approval;
  approval.approval_id = approval_id;
  approval.budget_ids = row.budget_ids();
  if (const std::optional<Datum> cost = row.value(at.cost)) {
    approval.cost = numeric_to_atto(*cost);
    approval.currency = row.text(at.currency);
  }
  const std::string state = row.state();
  if (state == "used") {
    raise_used_approval(approval_id, row, at);
  }
  approval.state = row.is_over(GetCurrentTimestamp()) ? Approval::State::expired
                   : state == "approved"              ? Approval::State::approved
                   : state == "declined"              ? Approval::State::declined
                                                      : Approval::State::requested;
  return approval;
}

ApprovalRequest request_approval(const Candidate& call, Timestamp now) {
  const OpenTable table(Table::approvals, RowExclusiveLock);
  const ApprovalColumns at(table);
  const std::vector<std::int64_t> budgets = asking_budgets(call);
  const std::string writer = current_role();
  const Hash128 hash = hash_of(writer, call.call);
  if (const std::optional<std::int64_t> open = open_request(table, at, hash, budgets, now)) {
    return {*open, false};
  }
  const std::int64_t approval_id = pg_call([&] {
    return nextval_internal(get_relname_relid("approvals_approval_id_seq", RelationGetNamespace(table.get())), false);
  });
  TupleBuilder row(table);
  row.set(at.approval_id, Int64GetDatum(approval_id));
  row.set("requested_at", TimestampTzGetDatum(now));
  row.set(at.writer, text_datum(writer));
  row.set(at.state, text_datum("requested"));
  row.set(at.expires_at, TimestampTzGetDatum(now + longest_wait));
  row.set(at.budget_ids, bigint_array_datum(budgets));
  if (!call.call.provider().empty()) {
    row.set(at.provider, text_datum(call.call.provider()));
  }
  row.set(at.model, text_datum(call.call.model()));
  row.set(at.dimensions, call.call.dimensions());
  row.set(at.context, call.call.context());
  row.set(at.estimate, call.call.estimate());
  const UsageColumns& of_row = call.row.columns();
  if (!call.row.is_null(of_row.cost)) {
    row.set(at.cost, call.row.get(of_row.cost));
    row.set(at.currency, call.row.get(of_row.currency));
  }
  row.set(at.request_hash, uuid_datum(hash));
  row.insert();
  pg_call([] { CommandCounterIncrement(); });
  return {approval_id, true};
}

void use_approval(std::int64_t approval_id, std::int64_t hold_id) {
  const OpenTable table(Table::approvals, RowExclusiveLock);
  const ApprovalColumns at(table);
  HeapTuple locked = lock_approval_row(table, at, approval_id);
  const ApprovalRow row(table, at, locked);
  const Timestamp now = GetCurrentTimestamp();
  if (row.state() == "used") {
    raise_used_approval(approval_id, row, at);
  }
  if (row.state() != "approved" || row.is_over(now)) {
    raise(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, approval_name(approval_id) + " does not hold any more", {},
          "Ask again without approval_id.");
  }
  const ApprovalChanges changes = {
      {at.state, text_datum("used")}, {at.used_at, TimestampTzGetDatum(now)}, {at.hold_id, Int64GetDatum(hold_id)}};
  change_locked(table, locked, {changes.data(), changes.size()});
}

}  // namespace spend
