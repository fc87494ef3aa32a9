#include "pg/row_price.hpp"

#include "core/cost.hpp"
#include "pg/numeric.hpp"
#include "pg/plain_pricing.hpp"
#include "pg/price_cache.hpp"
#include "pg/price_terms_cache.hpp"
#include "pg/usage_row.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

void set_unpriced(UsageRow& row, std::string_view reason) {
  const UsageColumns& at = row.columns();
  for (const AttrNumber unknown :
       {at.cost, at.list_cost, at.currency, at.price_id, at.matched_by, at.computed_cost, at.price_term_ids}) {
    row.set_null(unknown);
  }
  row.set(at.pricing_status, kept_text_datum(to_string(PricingStatus::unpriced)));
  row.set(at.pricing_reason, text_datum(reason));
}

/// Sets what the prices make of the row; returns the provider whose price it was, as far as known.
std::string price_by_table(UsageRow& row, const PricingData& pricing, MissingPrice missing) {
  const UsageColumns& at = row.columns();
  const Usage& usage = row.usage();
  const SkuQuery sku = row.sku();
  std::string provider(sku.provider);
  if (sku.model.empty()) {
    set_unpriced(row, "no model");
    return provider;
  }
  if (!row.has_usage()) {
    set_unpriced(row, "no usage");
    return provider;
  }
  PriceMatch match = pricing.book.find(sku, row.priced_at());
  if (match.entry == nullptr) {
    set_unpriced(row, match.reason);
    if (missing == MissingPrice::warn) {
      warn_unpriced(sku.provider, sku.model, match.reason);
    }
    return provider;
  }
  if (provider.empty()) {
    provider = match.entry->sku.provider;
  }
  Result<Costing> costing = evaluate(match.entry->price, usage, OnInconsistent::clamp, false, row.request());
  if (!costing.ok()) {
    set_unpriced(row, costing.error().message);
    return provider;
  }
  std::string reason = costing->reason;
  PricingStatus status = costing->status;
  if (!match.fallback.empty()) {
    reason = reason.empty() ? match.fallback : match.fallback + "; " + reason;
    if (status == PricingStatus::priced) {
      status = PricingStatus::priced_with_fallback;
    }
  }
  if (status == PricingStatus::unpriced) {
    set_unpriced(row, reason);
    if (missing == MissingPrice::warn) {
      warn_unpriced(sku.provider, sku.model, reason);
    }
    return provider;
  }
  const Result<CustomerCost> customer =
      apply_price_terms(row, match.entry->sku, match.entry->price.currency(), costing->cost);
  if (!customer.ok()) {
    set_unpriced(row, customer.error().message);
    return provider;
  }
  const Datum list_cost = encode_numeric(costing->cost);
  row.set(at.list_cost, list_cost);
  row.set(at.cost, customer->term_ids.empty() ? list_cost : encode_numeric(customer->cost));
  if (customer->term_ids.empty()) {
    row.set_null(at.price_term_ids);
  } else {
    row.set(at.price_term_ids, bigint_array_datum(customer->term_ids));
  }
  row.set(at.currency, kept_text_datum(match.entry->price.currency()));
  row.set(at.price_id, Int64GetDatum(match.entry->price_id));
  row.set(at.pricing_status, kept_text_datum(to_string(status)));
  row.set_text(at.pricing_reason, reason);
  if (match.matched_by == MatchedBy::exact) {
    row.set_null(at.matched_by);
  } else {
    row.set(at.matched_by, kept_text_datum(to_string(match.matched_by)));
  }
  row.set_null(at.computed_cost);
  return provider;
}

/// Makes the reported cost the row's cost; what the price said stays beside it. A list cost in another currency than
/// the cost could be taken for one in the same.
void use_reported_cost(UsageRow& row, const Decimal& reported, const std::string& currency) {
  const UsageColumns& at = row.columns();
  if (row.is_null(at.cost)) {
    row.set_null(at.computed_cost);
  } else {
    row.copy(at.computed_cost, at.cost);
    if (row.text(at.currency) != currency) {
      row.set_null(at.list_cost);
    }
  }
  row.set(at.cost, encode_numeric(reported));
  row.set_null(at.price_term_ids);
  row.set(at.currency, text_datum(currency));
  row.set(at.pricing_status, kept_text_datum(to_string(PricingStatus::reported)));
}

/// The reported cost where it can be the cost of a call: not negative, and not so large that a few of them are more
/// than a view's sum can hold. Errors: 22023 for NaN and infinity.
std::optional<Decimal> reported_cost(const UsageRow& row) {
  const UsageColumns& at = row.columns();
  if (row.is_null(at.reported_cost)) {
    return std::nullopt;
  }
  const NumericValue reported = decode_numeric(row.get(at.reported_cost));
  if (reported.kind != NumericValue::Kind::finite) {
    raise(Error{ErrorKind::invalid_value,
                "reported_cost must be a finite number",
                {},
                "Leave the column out when the cost is not known."});
  }
  constexpr Decimal most = Decimal::from_integer(1'000'000'000'000'000);
  const bool is_cost = reported.representable && !reported.negative && reported.magnitude <= most;
  return is_cost ? std::optional(reported.magnitude) : std::nullopt;
}

/// The currency of the reported cost, "USD" where none is given; "" for what is no currency (price.hpp).
std::string reported_currency(const UsageRow& row) {
  const std::string_view said = row.text(row.columns().reported_currency);
  std::string currency;
  for (const char c : said.empty() ? std::string_view("USD") : said) {
    currency += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  const bool is_currency = currency.size() <= 12 && currency.front() >= 'A' && currency.front() <= 'Z' &&
                           std::all_of(currency.begin(), currency.end(), [](char c) {
                             return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
                           });
  return is_currency ? currency : std::string();
}

}  // namespace

// Nothing here fails the INSERT for want of a price (P1, P7); only a quantity that no count can be does.
void price_usage_row(UsageRow& row, MissingPrice missing) {
  const std::optional<Decimal> reported = reported_cost(row);
  const std::shared_ptr<const PricingData>& pricing = pricing_data_of_command();
  if (!reported.has_value()) {
    if (!price_plainly(row, *pricing)) {
      price_by_table(row, *pricing, missing);
    }
    return;
  }
  const std::string currency = reported_currency(row);
  const bool is_trusted = pricing->trusted.has(row.text(row.columns().provider));
  const std::string provider =
      price_by_table(row, *pricing, is_trusted && !currency.empty() ? MissingPrice::quiet : missing);
  if (!currency.empty() && (is_trusted || pricing->trusted.has(provider))) {
    use_reported_cost(row, *reported, currency);
  }
}

}  // namespace spend
