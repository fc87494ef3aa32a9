#include "pg/approval_rows.hpp"

#include "pg/values.hpp"

namespace spend {

std::string ApprovalRow::text(AttrNumber attribute) const {
  const std::optional<Datum> found = value(attribute);
  return found.has_value() ? text_of(*found) : std::string();
}

std::optional<Datum> ApprovalRow::value(AttrNumber attribute) const {
  bool is_null;
  const Datum value = row_.get(attribute, &is_null);
  return is_null ? std::nullopt : std::optional(value);
}

std::vector<std::int64_t> ApprovalRow::budget_ids() const {
  return bigints_of(*value(at_.budget_ids));
}

bool ApprovalRow::is_over(Timestamp now) const {
  return state() == "expired" || ((state() == "requested" || state() == "approved") && expires_at() <= now);
}

HeapTuple find_approval_row(const OpenTable& table, const ApprovalColumns& at, std::int64_t approval_id) {
  const std::array<AttrNumber, 1> key_columns = {at.approval_id};
  const Oid index = index_on(table.get(), key_columns);
  std::array<ScanKeyData, 1> key;
  pg_call([&] { ScanKeyInit(&key[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(approval_id)); });
  return find_unique(table.get(), index, key);
}

HeapTuple lock_approval_row(const OpenTable& table, const ApprovalColumns& at, std::int64_t approval_id) {
  HeapTuple found = find_approval_row(table, at, approval_id);
  HeapTuple locked = found == nullptr ? nullptr : lock_latest(table.get(), &found->t_self);
  if (locked == nullptr) {
    raise_unknown_approval(approval_id);
  }
  return locked;
}

std::string approval_name(std::int64_t approval_id) {
  return "approval " + std::to_string(approval_id);
}

void raise_unknown_approval(std::int64_t approval_id) {
  raise(
      ERRCODE_UNDEFINED_OBJECT, approval_name(approval_id) + " does not exist", {},
      "spend.authorize() returns its number with the verdict needs_approval; spend.pending_approvals lists those that "
      "you may decide.");
}

void raise_used_approval(std::int64_t approval_id, const ApprovalRow& row, const ApprovalColumns& at) {
  raise(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, approval_name(approval_id) + " was used already",
        "Hold " + std::to_string(DatumGetInt64(*row.value(at.hold_id))) + " has it.",
        "An approval is good for one call; ask again without approval_id for another one.");
}

}  // namespace spend
