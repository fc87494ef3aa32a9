#pragma once

#include "core/price_terms.hpp"
#include "pg/prelude.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// spend.price_terms, replaced after a change of the table. This is the version that the current statement applies:
/// every row trigger of one command sees the same, whatever is committed meanwhile.
const std::shared_ptr<const PriceTerms>& price_terms_of_command();

/// What terms may ask of a row that was priced as `priced`; without its dimensions if no term asks for them. Provider
/// and model are those of the price; the other parts of the SKU are the row's own, also where another price stood in.
TermFacts term_facts(const UsageRow& row, const Sku& priced, bool with_dimensions);

/// The cost of a row after customer terms, and which they were, in the order in which they apply.
struct CustomerCost {
  Decimal cost;
  std::vector<std::int64_t> term_ids;
};
/// Errors: out_of_range.
Result<CustomerCost> apply_price_terms(const UsageRow& row, const Sku& priced, std::string_view currency,
                                       const Decimal& list_cost);

}  // namespace spend
