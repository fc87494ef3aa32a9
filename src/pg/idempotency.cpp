#include "pg/idempotency.hpp"

#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/numeric.h"
}

namespace spend {

namespace {

/// Text that is the same for the same value, whatever TimeZone and DateStyle the session has and however many zeros
/// stand behind the point.
std::string canonical_text(Datum value, Oid type) {
  if (type == TIMESTAMPTZOID) {
    return std::to_string(DatumGetTimestampTz(value));
  }
  return pg_call([&]() -> const char* {
    if (type == NUMERICOID) {
      return numeric_normalize(DatumGetNumeric(value));
    }
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(type, &output, &is_varlena);
    return OidOutputFunctionCall(output, value);
  });
}

/// What makes two rows of one key the same fact: every column that the app may set, but for the key itself, our own
/// columns, and the time of the event, which a retry that leaves it to its default repeats with a later value.
std::string payload_of(const UsageRow& row, TupleDesc descriptor) {
  const UsageColumns& at = row.columns();
  const std::array<AttrNumber, 17> left_out = {
      at.usage_id,   at.occurred_at,   at.recorded_at,    at.source,         at.idempotency_key, at.cost,
      at.list_cost,  at.currency,      at.price_id,       at.pricing_status, at.pricing_reason,  at.attribution_id,
      at.matched_by, at.computed_cost, at.price_term_ids, at.timing,         at.enforced_at};
  // Ordered by name, not by position: leaves may order their columns differently.
  std::map<std::string, std::string> parts;
  for (int i = 0; i < descriptor->natts; ++i) {
    const Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
    if (attribute->attisdropped || row.is_null(attribute->attnum) ||
        std::find(left_out.begin(), left_out.end(), attribute->attnum) != left_out.end()) {
      continue;
    }
    const std::string text = canonical_text(row.get(attribute->attnum), attribute->atttypid);
    if (!text.empty()) {  // '' is NULL
      parts.emplace(NameStr(attribute->attname), text);
    }
  }
  std::string canonical;
  for (const auto& [name, text] : parts) {
    canonical.append(std::to_string(name.size())).append(":").append(name);
    canonical.append(std::to_string(text.size())).append(":").append(text);
  }
  return canonical;
}

void record_conflict(const UsageRow& row, TupleDesc descriptor, std::string_view source, std::string_view key,
                     std::int64_t first) {
  const OpenTable table(Table::usage_conflicts, RowExclusiveLock);
  TupleBuilder tuple(table);
  const HeapTuple refused = row.form();
  tuple.set("source", text_datum(source));
  tuple.set("idempotency_key", text_datum(key));
  tuple.set("usage_id", Int64GetDatum(first));
  tuple.set("recorded_at", TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
  tuple.set("refused_row", pg_call([&] {
              const Datum composite = heap_copy_tuple_as_datum(refused, descriptor);
              const Oid to_jsonb = fmgr_internal_function("to_jsonb");
              FmgrInfo function;
              fmgr_info(to_jsonb, &function);
              // to_jsonb(anyelement) learns its argument's type from a call expression.
              Const* argument = makeConst(descriptor->tdtypeid, -1, InvalidOid, -1, composite, false, false);
              FuncExpr* call =
                  makeFuncExpr(to_jsonb, JSONBOID, list_make1(argument), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
              fmgr_info_set_expr(reinterpret_cast<Node*>(call), &function);
              return FunctionCall1(&function, composite);
            }));
  tuple.insert();
}

}  // namespace

bool claim_idempotency_key(const UsageRow& row) {
  const std::string source(row.text(row.columns().source));
  const std::string key(row.text(row.columns().idempotency_key));
  if (source.size() + key.size() > longest_indexed_id) {
    raise(ERRCODE_INVALID_PARAMETER_VALUE, "source and idempotency_key are too long",
          "They have " + std::to_string(source.size() + key.size()) + " bytes; at most " +
              std::to_string(longest_indexed_id) + " are accepted.",
          "Use a hash of the key.");
  }
  const OpenTable table(Table::usage_keys, RowExclusiveLock);
  const std::array<AttrNumber, 2> key_columns = {table.column("source"), table.column("idempotency_key")};
  const AttrNumber payload_column = table.column("payload_hash");
  const AttrNumber usage_id_column = table.column("usage_id");
  const Oid index = index_on(table.get(), key_columns);
  std::array<ScanKeyData, 2> keys;
  const Datum source_datum = text_datum(source);
  const Datum key_datum = text_datum(key);
  pg_call([&] {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ScanKeyEntryInitialize(&keys[i], 0, static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber, TEXTOID,
                             C_COLLATION_OID, F_TEXTEQ, i == 0 ? source_datum : key_datum);
    }
  });
  const TupleDesc descriptor = row.descriptor();
  const Hash128 payload = content_hash(payload_of(row, descriptor));
  const Hash128 digest = content_hash(std::to_string(source.size()) + ':' + source + key);
  std::uint64_t key_hash;
  std::memcpy(&key_hash, digest.data(), sizeof key_hash);

  TupleBuilder claim(table);
  claim.set("source", source_datum);
  claim.set("idempotency_key", key_datum);
  claim.set("payload_hash", uuid_datum(payload));
  claim.set("usage_id", row.get(row.columns().usage_id));
  claim.set("recorded_at", TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
  for (;;) {
    if (HeapTuple found = find_unique(table.get(), index, keys)) {
      bool is_null;
      const ScannedTuple first{found, table.descriptor()};
      if (uuid_bytes(first.get(payload_column, &is_null)) != payload) {
        record_conflict(row, descriptor, source, key, DatumGetInt64(first.get(usage_id_column, &is_null)));
      }
      return false;
    }
    if (insert_if_absent(table.get(), index, keys, key_hash, claim.values(), claim.nulls())) {
      return true;
    }
  }
}

}  // namespace spend
