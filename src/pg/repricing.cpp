// Re-rating: rows of the ledger are priced again with the prices known today.

#include "pg/repricing.hpp"

#include "pg/composite_row.hpp"
#include "pg/numeric.hpp"
#include "pg/row_price.hpp"
#include "pg/set_result.hpp"
#include "pg/usage_row.hpp"

namespace spend {

namespace {

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

}  // namespace

/// The same money under another price, or for another reason, is no difference.
bool money_differs(const UsageRow& before, const UsageRow& after) {
  const UsageColumns& at = before.columns();
  return !same_number(before, after, at.cost) || !same_number(before, after, at.list_cost) ||
         before.text(at.currency) != after.text(at.currency);
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

namespace {

/// The row as reprice() would leave it, when that differs in money; a row whose counts no price can be applied to stays
/// as it is.
template <typename Use>
void with_repriced_row(FunctionCallInfo fcinfo, Use&& use) {
  with_row(fcinfo, PG_GETARG_DATUM(0), [&](const UsageRow& before) {
    if (before.is_voided()) {
      return;
    }
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
