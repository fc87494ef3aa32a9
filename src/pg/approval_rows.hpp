#pragma once

#include <boost/container/small_vector.hpp>
#include <string>
#include <vector>

#include "pg/tables.hpp"
#include "pg/tuples.hpp"

namespace spend {

/// The rows of spend.approvals.

struct ApprovalColumns {
  explicit ApprovalColumns(const OpenTable& table)
      : approval_id(table.column("approval_id")),
        writer(table.column("writer")),
        state(table.column("state")),
        expires_at(table.column("expires_at")),
        budget_ids(table.column("budget_ids")),
        provider(table.column("provider")),
        model(table.column("model")),
        dimensions(table.column("dimensions")),
        context(table.column("context")),
        estimate(table.column("estimate")),
        cost(table.column("cost")),
        currency(table.column("currency")),
        request_hash(table.column("request_hash")),
        decided_at(table.column("decided_at")),
        decided_by(table.column("decided_by")),
        reason(table.column("reason")),
        used_at(table.column("used_at")),
        hold_id(table.column("hold_id")) {}

  AttrNumber approval_id, writer, state, expires_at, budget_ids, provider, model, dimensions, context, estimate, cost,
      currency, request_hash, decided_at, decided_by, reason, used_at, hold_id;
};

/// One row of spend.approvals.
class ApprovalRow {
 public:
  ApprovalRow(const OpenTable& table, const ApprovalColumns& at, HeapTuple tuple)
      : at_(at), row_{tuple, table.descriptor()} {}

  std::string text(AttrNumber attribute) const;  ///< "" for NULL
  std::optional<Datum> value(AttrNumber attribute) const;
  Timestamp expires_at() const { return DatumGetTimestampTz(*value(at_.expires_at)); }
  std::vector<std::int64_t> budget_ids() const;
  std::string state() const { return text(at_.state); }
  /// Its time is over, whether somebody has noticed or not.
  bool is_over(Timestamp now) const;

 private:
  const ApprovalColumns& at_;
  ScannedTuple row_;
};

/// The newest committed version; null when there is none.
HeapTuple find_approval_row(const OpenTable& table, const ApprovalColumns& at, std::int64_t approval_id);
/// The same, locked to the end of the transaction. Errors: 42704 when there is none.
HeapTuple lock_approval_row(const OpenTable& table, const ApprovalColumns& at, std::int64_t approval_id);

std::string approval_name(std::int64_t approval_id);
/// 42704, in the same words whether there is no such approval or it is somebody else's.
[[noreturn]] void raise_unknown_approval(std::int64_t approval_id);
/// 55000: it is good for one call, and that has been made.
[[noreturn]] void raise_used_approval(std::int64_t approval_id, const ApprovalRow& row, const ApprovalColumns& at);

using ApprovalChanges = boost::container::small_vector<std::pair<AttrNumber, Datum>, 6>;

}  // namespace spend
