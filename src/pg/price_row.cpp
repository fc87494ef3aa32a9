// The BEFORE ROW trigger of every leaf of spend.usage: checks, prices and attributes the row. It touches no shared
// state but the idempotency key of a keyed row, so a row that ON CONFLICT then skips has cost nothing.

#include "core/cost.hpp"
#include "pg/access.hpp"
#include "pg/accounting.hpp"
#include "pg/attributions.hpp"
#include "pg/corrections.hpp"
#include "pg/holds.hpp"
#include "pg/idempotency.hpp"
#include "pg/in_place.hpp"
#include "pg/numeric.hpp"
#include "pg/one_row_command.hpp"
#include "pg/pauses.hpp"
#include "pg/price_cache.hpp"
#include "pg/repricing.hpp"
#include "pg/row_attribution.hpp"
#include "pg/row_price.hpp"
#include "pg/settings.hpp"
#include "pg/tag_requirements.hpp"
#include "pg/usage_row.hpp"
#include "pg/values.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
}

namespace spend {

namespace {

/// A row from a dump: the table's owner stores it with what only we write already set. It is kept as it is; pricing it
/// again would change history. Writers cannot forge it, they have no INSERT on those columns.
bool is_restored(const UsageRow& row, Relation leaf) {
  if (row.is_null(row.columns().recorded_at)) {
    return false;
  }
  const Oid owner = leaf->rd_rel->relowner;
  return pg_call([&] { return has_privs_of_role(GetUserId(), owner); });
}

/// A time that no clock shows (infinite, before the year 1 or after 9999) belongs to no month and no budget's period.
void check_time(const UsageRow& row) {
  constexpr Timestamp earliest = -63'082'281'600LL * USECS_PER_SEC;  // 0001-01-01, from 2000-01-01
  constexpr Timestamp latest = 252'455'616'000LL * USECS_PER_SEC;    // 10000-01-01
  const UsageColumns& at = row.columns();
  for (const AttrNumber time : {at.occurred_at, at.started_at}) {
    const Timestamp value = row.timestamp(time, 0);
    if (value < earliest || value >= latest) {
      raise(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
            std::string(time == at.occurred_at ? "occurred_at" : "started_at") + " is out of range", {},
            "Usage happens in the years 1 to 9999.");
    }
  }
}

void check_indexed_ids(const UsageRow& row) {
  check_indexed_id("run_id", row.text(row.columns().run_id).size());
  check_indexed_id("request_id", row.text(row.columns().request_id).size());
}

/// What an administrator set to be refused. Only a row that comes by INSERT is: what reports a later fact is recorded.
void refuse_by_settings(const UsageRow& row) {
  const Settings& rules = *settings();
  if (!rules.strict_usage && !rules.strict_pricing) {
    return;
  }
  const UsageColumns& at = row.columns();
  const std::string_view status = row.text(at.pricing_status);
  if (rules.strict_usage && status == to_string(PricingStatus::inconsistent)) {
    raise(Error{ErrorKind::inconsistent_usage, "inconsistent usage: " + std::string(row.text(at.pricing_reason)),
                "spend.settings.strict_usage is on.",
                "Counts are inclusive: input_tokens contains cached and modality tokens, output_tokens contains "
                "reasoning tokens."});
  }
  if (rules.strict_pricing && status == to_string(PricingStatus::unpriced)) {
    raise(MAKE_SQLSTATE('S', 'P', '0', '0', '3'),
          "usage row cannot be priced: " + std::string(row.text(at.pricing_reason)),
          "spend.settings.strict_pricing is on.", "Set the price with spend.set_price(), then insert the row again.");
  }
}

/// Whether no other BEFORE ROW trigger for INSERT comes after this one.
bool is_last_before_insert(const TriggerData* trigger) {
  const TriggerDesc* const all = trigger->tg_relation->trigdesc;
  for (int i = all->numtriggers - 1; i >= 0 && all->triggers[i].tgoid != trigger->tg_trigger->tgoid; --i) {
    if (TRIGGER_FOR_ROW(all->triggers[i].tgtype) && TRIGGER_FOR_BEFORE(all->triggers[i].tgtype) &&
        TRIGGER_FOR_INSERT(all->triggers[i].tgtype)) {
      return false;
    }
  }
  return true;
}

/// The slot to write the computed columns into, or nullptr if a new tuple has to be returned. What the executor stores
/// is the slot; the tuple that it makes for triggers is a copy. A virtual slot is an array of values, so writing there
/// spares to form a tuple and to deform it again, a third of the cost of the whole row. A trigger after ours would
/// still get the copy, so it must be the last one.
TupleTableSlot* writable_slot(const TriggerData* trigger) {
  TupleTableSlot* const slot = trigger->tg_trigslot;
  return slot != nullptr && TTS_IS_VIRTUAL(slot) && is_last_before_insert(trigger) ? slot : nullptr;
}

/// The work on a row that comes by INSERT, but for its idempotency key.
Attribution& complete(UsageRow& row) {
  // What settles a hold reports a call that was let through: it is never refused.
  const bool settles_hold = !row.is_null(row.columns().hold_id);
  if (settles_hold) {
    fill_from_hold(row);
  }
  check_time(row);
  check_indexed_ids(row);
  row.spread_other_usage();
  // First whose it is: customer terms ask for that.
  Attribution& attribution = attribute(row);
  price_usage_row(row, MissingPrice::warn);
  if (!settles_hold) {
    refuse_by_settings(row);
    refuse_missing_tags(row, attribution);
  }
  return attribution;
}

/// A date is no way past a cap: what a writer dates far from now is held against the budgets of now, too. Whoever owns
/// the ledger fills in history; that concerns its own time only.
void flag_time(UsageRow& row) {
  const UsageColumns& at = row.columns();
  row.set_null(at.timing);
  row.set_null(at.enforced_at);
  const Timestamp now = GetCurrentTransactionStartTimestamp();
  const Timestamp ahead = row.timestamp(at.occurred_at, now) - now;
  const std::int64_t skew = settings()->max_clock_skew;
  if (ahead < -skew || ahead > skew) {
    row.set(at.timing, kept_text_datum(ahead < 0 ? "late" : "future"));
    if (!owns_ledger()) {
      row.set(at.enforced_at, TimestampTzGetDatum(now));
    }
  }
}

/// The row is going to be stored.
void expect(UsageRow& row, Attribution& attribution) {
  row.set(row.columns().recorded_at, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
  flag_time(row);
  if (row.is_null(row.columns().hold_id)) {
    refuse_if_paused(row, attribution);
  }
  expect_attribution(attribution);
  expect_row(row, attribution);
}

HeapTuple before_insert(TriggerData* trigger, FmgrInfo* called) {
  drop_handed_over();
  const Relation leaf = trigger->tg_relation;
  TupleTableSlot* const slot = writable_slot(trigger);
  const TupleDesc descriptor = RelationGetDescr(leaf);
  UsageRow row = slot != nullptr ? UsageRow(slot, descriptor, usage_columns(leaf))
                                 : UsageRow(trigger->tg_trigtuple, descriptor, usage_columns(leaf));
  if (is_restored(row, leaf)) {
    return trigger->tg_trigtuple;
  }
  Attribution& attribution = complete(row);
  if (!row.text(row.columns().idempotency_key).empty() && !claim_idempotency_key(row)) {
    return nullptr;
  }
  expect(row, attribution);
  if (slot == nullptr) {
    return row.form();
  }
  if (row.is_null(row.columns().hold_id)) {
    if (account_one_row(trigger, called->fn_oid, row, attribution)) {
      return trigger->tg_trigtuple;
    }
    hand_over(slot, row, attribution);
  }
  take_rows_in_place(trigger, called);
  return trigger->tg_trigtuple;
}

bool same_utc_month(Timestamp a, Timestamp b) {
  return pg_call([&] {
    struct pg_tm first;
    struct pg_tm second;
    fsec_t fraction;
    return timestamp2tm(a, nullptr, &first, &fraction, nullptr, nullptr) == 0 &&
           timestamp2tm(b, nullptr, &second, &fraction, nullptr, nullptr) == 0 && first.tm_year == second.tm_year &&
           first.tm_mon == second.tm_mon;
  });
}

/// A reported cost is what the price depends on where it counts.
bool trusted_cost_changed(const UsageRow& before, const UsageRow& after) {
  const UsageColumns& at = after.columns();
  if (after.same(at.reported_cost, before) && after.same(at.reported_currency, before)) {
    return false;
  }
  return before.text(at.pricing_status) == to_string(PricingStatus::reported) ||
         pricing_data_of_command()->trusted.has(after.text(at.provider));
}

/// Only a change of what the price depends on prices a row again, at the row's own time; new tags keep the cost (P6).
bool pricing_changed(const UsageRow& before, const UsageRow& after) {
  const UsageColumns& at = after.columns();
  for (const AttrNumber attribute : {at.provider, at.request_model, at.response_model, at.service_tier, at.region,
                                     at.surface, at.speed, at.variant, at.other_usage}) {
    if (!after.same(attribute, before)) {
      return true;
    }
  }
  for (const AttrNumber meter : at.meters) {
    if (!after.same(meter, before)) {
      return true;
    }
  }
  return after.priced_at() != before.priced_at() || trusted_cost_changed(before, after);
}

/// The row stays, and counts nothing. What it cost is kept in its adjustment.
void take_out(UsageRow& row, const Correction& correction) {
  const UsageColumns& at = row.columns();
  const Datum nothing = encode_numeric(Decimal());
  row.set(at.cost, nothing);
  row.set(at.list_cost, nothing);
  row.set_null(at.computed_cost);
  row.set_null(at.price_term_ids);
  row.set(at.pricing_status, kept_text_datum(UsageRow::voided_status));
  row.set_text(at.pricing_reason, correction.reason.value_or(std::string()));
}

HeapTuple before_update(TriggerData* trigger) {
  const Relation leaf = trigger->tg_relation;
  const UsageRow before(trigger->tg_trigtuple, RelationGetDescr(leaf), usage_columns(leaf));
  UsageRow after(trigger->tg_newtuple, RelationGetDescr(leaf), usage_columns(leaf));
  const UsageColumns& at = after.columns();
  const Timestamp old_time = before.timestamp(at.occurred_at, 0);
  const Timestamp new_time = after.timestamp(at.occurred_at, 0);
  if (old_time != new_time && !same_utc_month(old_time, new_time)) {
    raise(ERRCODE_FEATURE_NOT_SUPPORTED, "occurred_at of a usage row cannot move to another month",
          "Usage is partitioned by the month of occurred_at (UTC).",
          "Delete the row and insert it with the right time.");
  }
  // The computed columns are ours: whatever the UPDATE said of them, they follow from the row. A hold is settled by an
  // INSERT.
  for (const AttrNumber ours : {at.hold_id, at.recorded_at, at.cost, at.list_cost, at.currency, at.price_id,
                                at.pricing_status, at.pricing_reason, at.matched_by, at.computed_cost,
                                at.price_term_ids, at.attribution_id, at.timing, at.enforced_at}) {
    after.copy(ours, before);
  }
  const Correction* const correction = running_correction();
  if (correction != nullptr && correction->kind == CorrectionKind::reprice) {
    if (!before.is_voided()) {
      reprice_row(before, after);
    }
    return after.form();
  }
  if (correction != nullptr && correction->kind == CorrectionKind::void_row) {
    take_out(after, *correction);
    return after.form();
  }
  if (correction != nullptr && correction->kind == CorrectionKind::reattribute) {
    attribute(after);
    return after.form();
  }
  check_time(after);
  check_indexed_ids(after);
  after.spread_other_usage();
  // Nothing gives a voided row a cost again, or another attribution: it is in no sum whose dimensions would be known.
  if (before.is_voided()) {
    return after.form();
  }
  attribute_update(before, after);
  if (pricing_changed(before, after)) {
    price_usage_row(after, MissingPrice::warn);
  }
  return after.form();
}

}  // namespace

bool price_in_place(TupleTableSlot* slot, Oid leaf) {
  drop_handed_over();
  const UsageColumns* const columns = known_usage_columns(leaf, slot->tts_tupleDescriptor->natts);
  if (columns == nullptr) {
    return false;
  }
  UsageRow row(slot, slot->tts_tupleDescriptor, *columns);
  if (!row.is_null(columns->recorded_at) || !row.is_null(columns->idempotency_key) || !row.is_null(columns->hold_id)) {
    return false;
  }
  Attribution& attribution = complete(row);
  expect(row, attribution);
  hand_over(slot, row, attribution);
  return true;
}

}  // namespace spend

SPEND_FUNCTION(spend_price_row) {
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event) ||
      !TRIGGER_FIRED_FOR_ROW(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event)) {
    spend::raise(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                 "spend.price_row() is a BEFORE ROW trigger of the leaves of spend.usage");
  }
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event)) {
    return PointerGetDatum(spend::before_insert(trigger, fcinfo->flinfo));
  }
  return PointerGetDatum(spend::before_update(trigger));
}
