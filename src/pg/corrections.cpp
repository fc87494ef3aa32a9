// Corrections: rows of the ledger are changed by a plain UPDATE, so that the row triggers do what they do for every
// change; here is what tells them whose correction it is, and what keeps the row as it was.

#include "pg/corrections.hpp"

#include "core/json.hpp"
#include "core/text_key.hpp"
#include "core/timestamp_text.hpp"
#include "pg/repricing.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/usage_row.hpp"
#include "pg/values.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/spi.h"
}

namespace spend {

namespace {

const Correction* running = nullptr;

/// Marks the UPDATEs in its lifetime, whichever way it ends.
class CorrectionScope {
 public:
  explicit CorrectionScope(const Correction& correction) : outer_(running) { running = &correction; }
  ~CorrectionScope() { running = outer_; }
  CorrectionScope(const CorrectionScope&) = delete;
  CorrectionScope& operator=(const CorrectionScope&) = delete;

 private:
  const Correction* outer_;
};

constexpr std::array<std::pair<std::string_view, CorrectionKind>, 5> kinds = {{
    {"reprice", CorrectionKind::reprice},
    {"amend", CorrectionKind::amend},
    {"void", CorrectionKind::void_row},
    {"outcome", CorrectionKind::outcome},
    {"reattribute", CorrectionKind::reattribute},
}};

std::string_view name_of(CorrectionKind kind) {
  return std::find_if(kinds.begin(), kinds.end(), [&](const auto& entry) { return entry.second == kind; })->first;
}

CorrectionKind kind_of(std::string_view name) {
  const auto* const found =
      std::find_if(kinds.begin(), kinds.end(), [&](const auto& entry) { return entry.first == name; });
  if (found == kinds.end()) {
    raise(ERRCODE_INVALID_PARAMETER_VALUE, "unknown kind of correction \"" + std::string(name) + "\"");
  }
  return found->second;
}

/// The value of one column as JSON.
std::string json_of(const UsageRow& row, const FormData_pg_attribute& attribute) {
  if (row.is_null(attribute.attnum)) {
    return "null";
  }
  const Datum value = row.get(attribute.attnum);
  const Oid type = attribute.atttypid;
  if (type == TIMESTAMPTZOID) {
    return json_quote(timestamp_text(DatumGetTimestampTz(value)));
  }
  if (type == BOOLOID) {
    return DatumGetBool(value) ? "true" : "false";
  }
  if (type == JSONBOID) {
    return jsonb_text(value);
  }
  const std::string text = pg_call([&]() -> const char* {
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(type, &output, &is_varlena);
    return OidOutputFunctionCall(output, value);
  });
  // Numbers, and token_usage, whose text is a JSON object.
  return type == TEXTOID ? json_quote(text) : text;
}

/// The columns that differ, as they were and as they are: two JSON objects, empty where nothing differs. What we have
/// computed has columns of its own in the adjustment.
struct Changes {
  std::string before;
  std::string after;
};

Changes changes_of(const UsageRow& before, const UsageRow& after) {
  const UsageColumns& at = after.columns();
  const std::array<AttrNumber, 13> computed = {at.recorded_at,   at.cost,           at.list_cost,      at.currency,
                                               at.price_id,      at.pricing_status, at.pricing_reason, at.matched_by,
                                               at.computed_cost, at.price_term_ids, at.timing,         at.enforced_at,
                                               at.attribution_id};
  const TupleDesc descriptor = after.descriptor();
  Changes changes;
  for (int i = 0; i < descriptor->natts; ++i) {
    const FormData_pg_attribute& attribute = *TupleDescAttr(descriptor, i);
    if (attribute.attisdropped || after.same(attribute.attnum, before) ||
        std::find(computed.begin(), computed.end(), attribute.attnum) != computed.end()) {
      continue;
    }
    const std::string key = (changes.before.empty() ? "{" : ", ") + json_quote(NameStr(attribute.attname)) + ": ";
    changes.before += key + json_of(before, attribute);
    changes.after += key + json_of(after, attribute);
  }
  if (!changes.before.empty()) {
    changes.before += "}";
    changes.after += "}";
  }
  return changes;
}

void copy_or_null(TupleBuilder& tuple, const char* column, const UsageRow& row, AttrNumber attribute) {
  if (!row.is_null(attribute)) {
    tuple.set(column, row.get(attribute));
  }
}

void set_name(TupleBuilder& tuple, const char* column, std::string_view as_sent) {
  const std::string name = text_key(as_sent);
  if (!name.empty()) {
    tuple.set(column, text_datum(name));
  }
}

}  // namespace

const Correction* running_correction() {
  return running;
}

void record_adjustment(const UsageRow& before, const UsageRow& after) {
  const UsageColumns& at = before.columns();
  const bool is_reattributed = !after.same(at.attribution_id, before);
  Changes changes;
  if (running->kind != CorrectionKind::reprice) {
    changes = changes_of(before, after);
  }
  // That nothing but the price's number or the reason differs is no adjustment.
  if (changes.before.empty() && !is_reattributed && before.is_voided() == after.is_voided() &&
      !money_differs(before, after)) {
    return;
  }
  const OpenTable table(Table::adjustments, RowExclusiveLock);
  TupleBuilder tuple(table);
  const std::int64_t adjustment_id = pg_call([&] {
    return nextval_internal(get_relname_relid("adjustments_adjustment_id_seq", RelationGetNamespace(table.get())),
                            false);
  });
  const char* user = pg_call([] { return GetUserNameFromId(GetSessionUserId(), false); });
  tuple.set("adjustment_id", Int64GetDatum(adjustment_id));
  tuple.set("batch_id", Int64GetDatum(running->batch_id));
  tuple.set("kind", text_datum(name_of(running->kind)));
  tuple.set("usage_id", after.get(at.usage_id));
  tuple.set("occurred_at", after.get(at.occurred_at));
  copy_or_null(tuple, "attribution_id", after, at.attribution_id);
  copy_or_null(tuple, "old_attribution_id", before, at.attribution_id);
  const SkuQuery sku = after.sku();
  set_name(tuple, "provider", sku.provider);
  set_name(tuple, "model", sku.model);
  if (!changes.before.empty()) {
    tuple.set("old_values", jsonb_datum(changes.before));
    tuple.set("new_values", jsonb_datum(changes.after));
  }
  copy_or_null(tuple, "old_cost", before, at.cost);
  copy_or_null(tuple, "new_cost", after, at.cost);
  copy_or_null(tuple, "old_list_cost", before, at.list_cost);
  copy_or_null(tuple, "new_list_cost", after, at.list_cost);
  copy_or_null(tuple, "old_currency", before, at.currency);
  copy_or_null(tuple, "new_currency", after, at.currency);
  copy_or_null(tuple, "old_price_id", before, at.price_id);
  copy_or_null(tuple, "new_price_id", after, at.price_id);
  copy_or_null(tuple, "old_pricing_status", before, at.pricing_status);
  copy_or_null(tuple, "new_pricing_status", after, at.pricing_status);
  copy_or_null(tuple, "old_pricing_reason", before, at.pricing_reason);
  copy_or_null(tuple, "new_pricing_reason", after, at.pricing_reason);
  if (running->reason.has_value()) {
    tuple.set("reason", text_datum(*running->reason));
  }
  tuple.set("adjusted_at", TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
  tuple.set("adjusted_by", pg_call([&] { return DirectFunctionCall1(namein, CStringGetDatum(user)); }));
  tuple.insert();
}

namespace {

/// Runs an UPDATE of spend.usage whose parameters are the two ends of a time; the command is ours. How many rows.
std::int64_t update_rows(const std::string& command, Datum since, Datum until) {
  std::array<Oid, 2> types = {TIMESTAMPTZOID, TIMESTAMPTZOID};
  std::array<Datum, 2> values = {since, until};
  return pg_call([&] {
    SPI_connect();
    const int result = SPI_execute_with_args(command.c_str(), static_cast<int>(types.size()), types.data(),
                                             values.data(), nullptr, false, 0);
    if (result != SPI_OK_UPDATE) {
      elog(ERROR, "correcting rows failed: %s", SPI_result_code_string(result));
    }
    const auto updated = static_cast<std::int64_t>(SPI_processed);
    SPI_finish();
    return updated;
  });
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_correct_rows) {
  // A replica session fires no trigger of ours but ALWAYS: the rows would be rewritten, and nothing computed anew.
  if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA) {
    spend::raise(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "recorded rows cannot be corrected in a replica session", {},
                 "Set session_replication_role to origin.");
  }
  spend::Correction correction{spend::kind_of(spend::text_of(PG_GETARG_DATUM(0))), PG_GETARG_INT64(1), {}};
  if (!PG_ARGISNULL(2)) {
    correction.reason = spend::text_of(PG_GETARG_DATUM(2));
  }
  const spend::CorrectionScope scope(correction);
  PG_RETURN_INT64(spend::update_rows(spend::text_of(PG_GETARG_DATUM(3)), PG_GETARG_DATUM(4), PG_GETARG_DATUM(5)));
}
