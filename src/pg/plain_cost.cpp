#include "pg/plain_cost.hpp"

#include "pg/numeric.hpp"
#include "pg/values.hpp"

namespace spend {

std::optional<PlainCost> plain_cost(const PlainPrice& price, Datum token_usage) {
  PlainCounts counts;
  return price.is_usable() && counts.read(varlena_bytes(token_usage)) ? price.cost(counts, PlainPrice::Wanted::cost)
                                                                      : std::nullopt;
}

std::optional<PlainCost> plain_cost(const PriceBook& book, const SkuQuery& query, Timestamp at,
                                    const PricingContext& context, Datum token_usage) {
  std::string_view usage;
  if (context.is_silent() && bytes_in_place(token_usage, usage)) {
    const std::optional<PlainCost> cost =
        book.plain_cost(query.provider, query.model, at, std::as_bytes(std::span(usage)));
    if (cost.has_value()) {
      return cost;
    }
  }
  const PriceAnswer* const answer = book.answer(query, at);
  if (answer == nullptr) {
    return std::nullopt;
  }
  const std::optional<PlainCost> cost = plain_cost(answer->entry->price.plain(), token_usage);
  if (cost.has_value()) {
    context.check_keys(answer->entry->price);
  }
  return cost;
}

Datum encode_plain_cost(const PlainCost& cost) {
  return encode_numeric_unguarded(cost.coefficient, cost.scale);
}

}  // namespace spend
