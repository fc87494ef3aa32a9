// Re-rating: rows of the ledger are priced again with the prices known today. The rows are updated by a plain UPDATE,
// so that the row triggers do what they do for every change; here is what tells them that it is a re-rating.

#include "pg/repricing.hpp"

#include "core/text_key.hpp"
#include "pg/composite_row.hpp"
#include "pg/numeric.hpp"
#include "pg/price_row.hpp"
#include "pg/set_result.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/usage_row.hpp"
#include "pg/values.hpp"

extern "C" {
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/spi.h"
}

namespace spend {

namespace {

struct Run {
  std::int64_t batch_id = 0;
  std::optional<std::string> reason;
};

const Run* running = nullptr;

/// Marks the UPDATEs in its lifetime as re-rating, whichever way it ends.
class RepricingScope {
 public:
  explicit RepricingScope(const Run& run) : outer_(running) { running = &run; }
  ~RepricingScope() { running = outer_; }
  RepricingScope(const RepricingScope&) = delete;
  RepricingScope& operator=(const RepricingScope&) = delete;

 private:
  const Run* outer_;
};

bool same_number(const UsageRow& a, const UsageRow& b, AttrNumber attribute) {
  if (a.is_null(attribute) || b.is_null(attribute)) {
    return a.is_null(attribute) && b.is_null(attribute);
  }
  const NumericValue left = decode_numeric(a.get(attribute));
  const NumericValue right = decode_numeric(b.get(attribute));
  if (left.kind != NumericValue::Kind::finite || !left.representable || !right.representable) {
    return a.same(attribute, b);
  }
  return right.kind == left.kind && left.negative == right.negative && left.magnitude == right.magnitude;
}

/// Whether the two versions of a row differ in money. The same money under another price, or for another reason, is no
/// adjustment.
bool money_differs(const UsageRow& before, const UsageRow& after) {
  const UsageColumns& at = before.columns();
  return !same_number(before, after, at.cost) || !same_number(before, after, at.list_cost) ||
         before.text(at.currency) != after.text(at.currency);
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

bool is_repricing() {
  return running != nullptr;
}

bool reprice_row(const UsageRow& before, UsageRow& after) {
  const UsageColumns& at = before.columns();
  price_usage_row(after, MissingPrice::quiet);
  // That a price is no longer known does not make the cost unknown that it gave.
  if (after.is_null(at.cost) && !before.is_null(at.cost)) {
    for (const AttrNumber ours : {at.cost, at.list_cost, at.currency, at.price_id, at.pricing_status, at.pricing_reason,
                                  at.matched_by, at.computed_cost, at.price_term_ids}) {
      after.copy(ours, before);
    }
  }
  return money_differs(before, after);
}

void record_adjustment(const UsageRow& before, const UsageRow& after) {
  if (!money_differs(before, after)) {
    return;
  }
  const UsageColumns& at = before.columns();
  const OpenTable table(Table::adjustments, RowExclusiveLock);
  TupleBuilder tuple(table);
  const std::int64_t adjustment_id = pg_call([&] {
    return nextval_internal(get_relname_relid("adjustments_adjustment_id_seq", RelationGetNamespace(table.get())),
                            false);
  });
  const char* user = pg_call([] { return GetUserNameFromId(GetSessionUserId(), false); });
  tuple.set("adjustment_id", Int64GetDatum(adjustment_id));
  tuple.set("batch_id", Int64GetDatum(running->batch_id));
  tuple.set("usage_id", after.get(at.usage_id));
  tuple.set("occurred_at", after.get(at.occurred_at));
  copy_or_null(tuple, "attribution_id", after, at.attribution_id);
  const SkuQuery sku = after.sku();
  set_name(tuple, "provider", sku.provider);
  set_name(tuple, "model", sku.model);
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

/// The row as reprice() would leave it, when that differs in money; a row whose counts no price can be applied to stays
/// as it is.
template <typename Use>
void with_repriced_row(FunctionCallInfo fcinfo, Use&& use) {
  with_row(fcinfo, PG_GETARG_DATUM(0), [&](const UsageRow& before) {
    UsageRow after = before.clone();
    try {
      if (!reprice_row(before, after)) {
        return;
      }
    } catch (const CoreError&) {
      return;
    }
    use(after);
  });
}

void emit_nullable(FunctionCallInfo fcinfo, const UsageRow& row, std::span<const AttrNumber> columns) {
  std::vector<Datum> values;
  const auto nulls = std::make_unique<bool[]>(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    nulls[i] = row.is_null(columns[i]);
    values.push_back(nulls[i] ? Datum{0} : row.get(columns[i]));
  }
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  pg_call([&] { tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.get()); });
}

/// Updates the mispriced rows of [since, until) that meet the condition, a SQL expression over u. The condition is
/// ours: it is made by spend._usage_condition().
void reprice_rows(Datum since, Datum until, const std::string& condition) {
  const std::string command =
      "UPDATE spend.usage AS u SET cost = u.cost WHERE u.occurred_at >= $1 AND u.occurred_at < $2 AND (" + condition +
      ") AND spend._is_mispriced(u)";
  std::array<Oid, 2> types = {TIMESTAMPTZOID, TIMESTAMPTZOID};
  std::array<Datum, 2> values = {since, until};
  pg_call([&] {
    SPI_connect();
    const int result = SPI_execute_with_args(command.c_str(), static_cast<int>(types.size()), types.data(),
                                             values.data(), nullptr, false, 0);
    if (result != SPI_OK_UPDATE) {
      elog(ERROR, "re-rating failed: %s", SPI_result_code_string(result));
    }
    SPI_finish();
  });
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_is_mispriced) {
  bool mispriced = false;
  spend::with_repriced_row(fcinfo, [&](const spend::UsageRow&) { mispriced = true; });
  return BoolGetDatum(mispriced);
}

SPEND_FUNCTION(spend_repriced) {
  spend::begin_set(fcinfo);
  spend::with_repriced_row(fcinfo, [&](const spend::UsageRow& row) {
    const spend::UsageColumns& at = row.columns();
    const std::array<AttrNumber, 6> columns = {at.cost,     at.list_cost,      at.currency,
                                               at.price_id, at.pricing_status, at.pricing_reason};
    spend::emit_nullable(fcinfo, row, columns);
  });
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_reprice_rows) {
  // A replica session fires no trigger of ours but ALWAYS: the rows would be rewritten and not one priced.
  if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA) {
    spend::raise(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "rows cannot be re-rated in a replica session", {},
                 "Set session_replication_role to origin.");
  }
  spend::Run run;
  run.batch_id = PG_GETARG_INT64(3);
  if (!PG_ARGISNULL(4)) {
    run.reason = spend::text_of(PG_GETARG_DATUM(4));
  }
  const spend::RepricingScope scope(run);
  spend::reprice_rows(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), spend::text_of(PG_GETARG_DATUM(2)));
  PG_RETURN_VOID();
}
