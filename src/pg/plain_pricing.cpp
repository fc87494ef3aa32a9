#include "pg/plain_pricing.hpp"

#include "core/cost.hpp"
#include "core/plain_counts.hpp"
#include "pg/numeric.hpp"
#include "pg/price_cache.hpp"
#include "pg/price_terms_cache.hpp"
#include "pg/usage_row.hpp"
#include "pg/values.hpp"

namespace spend {

bool price_plainly(UsageRow& row, const PricingData& pricing) {
  if (!price_terms_of_command()->empty()) {
    return false;
  }
  const PriceAnswer* const answer = pricing.book.known_answer(row.sku(), row.priced_at());
  PlainCounts counts;
  if (answer == nullptr || answer->fallback != 0 || !answer->entry->price.plain().is_usable() ||
      !row.read_plain(counts)) {
    return false;
  }
  const PriceEntry& entry = *answer->entry;
  const std::optional<PlainCost> plain = entry.price.plain().cost(counts, PlainPrice::Wanted::cost_and_status);
  if (!plain.has_value()) {
    return false;
  }
  const UsageColumns& at = row.columns();
  const Datum cost = pg_call([&] { return encode_numeric_unguarded(plain->coefficient, plain->scale); });
  row.set(at.list_cost, cost);
  row.set(at.cost, cost);
  row.set_null(at.price_term_ids);
  row.set(at.currency, kept_text_datum(entry.price.currency()));
  row.set(at.price_id, Int64GetDatum(entry.price_id));
  row.set(at.pricing_status, kept_text_datum(to_string(PricingStatus::priced)));
  row.set_null(at.pricing_reason);
  if (answer->matched_by == MatchedBy::exact) {
    row.set_null(at.matched_by);
  } else {
    row.set(at.matched_by, kept_text_datum(to_string(answer->matched_by)));
  }
  row.set_null(at.computed_cost);
  return true;
}

}  // namespace spend
