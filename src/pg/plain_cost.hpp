#pragma once

#include "core/plain_price.hpp"
#include "core/price_book.hpp"
#include "pg/pricing_context.hpp"

namespace spend {

/// The cost of a token_usage datum under the price, without taking the usage apart; or nothing where that takes the
/// whole engine.
std::optional<PlainCost> plain_cost(const PlainPrice& price, Datum token_usage);
/// The same under the price that the book has for the query. The caller has nothing to say about such a cost, so it is
/// what every row of a report goes through: a look into the memory of the book and a few multiplications.
std::optional<PlainCost> plain_cost(const PriceBook& book, const SkuQuery& query, Timestamp at,
                                    const PricingContext& context, Datum token_usage);

/// The cost as encode_numeric() writes it. For a caller that owns no C++ object: an error of the server passes through
/// without pg_call().
Datum encode_plain_cost(const PlainCost& cost);

}  // namespace spend
