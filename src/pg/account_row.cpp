// The AFTER ROW trigger of every leaf of spend.usage: sees stored rows only and moves everything that is a sum of rows.

#include "pg/accounting.hpp"
#include "pg/corrections.hpp"
#include "pg/holds.hpp"
#include "pg/rollup.hpp"
#include "pg/usage_row.hpp"

extern "C" {
#include "replication/logicalworker.h"
}

namespace spend {

namespace {

void account(const UsageRow& row, int sign, Arrival arrival) {
  account_row(row, sign, arrival);
  rollup_row(row, sign);
}

void account_insert(const UsageRow& row) {
  if (!row.is_counted()) {
    return;
  }
  if (IsLogicalWorker()) {
    account(row, +1, Arrival::reported);
    return;
  }
  // A restored row was stamped by the transaction that wrote it first; its movement is part of the restored counters
  // and rollups.
  if (row.timestamp(row.columns().recorded_at, 0) == GetCurrentTransactionStartTimestamp()) {
    const bool settles_hold = !row.is_null(row.columns().hold_id);
    account(row, +1, settles_hold ? Arrival::settlement : Arrival::direct);
    if (settles_hold) {
      settle_hold(row);
    }
  }
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_account_row) {
  using spend::Arrival;
  using spend::UsageRow;
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
      !TRIGGER_FIRED_FOR_ROW(trigger->tg_event)) {
    spend::raise(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                 "spend.account_row() is an AFTER ROW trigger of the leaves of spend.usage");
  }
  const Relation leaf = trigger->tg_relation;
  const spend::UsageColumns& columns = spend::usage_columns(leaf);
  const UsageRow row(trigger->tg_trigslot, RelationGetDescr(leaf), columns);
  if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event)) {
    spend::account_insert(row);
  } else {
    if (row.is_counted()) {
      spend::account(row, -1, Arrival::reported);
    }
    if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)) {
      const UsageRow replacement(trigger->tg_newslot, RelationGetDescr(leaf), columns);
      if (replacement.is_counted()) {
        spend::account(replacement, +1, Arrival::reported);
      }
      if (spend::running_correction() != nullptr) {
        spend::record_adjustment(row, replacement);
      }
    }
  }
  return PointerGetDatum(nullptr);  // a trigger's result is never SQL NULL
}
