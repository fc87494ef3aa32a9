// What the FOCUS views need of the core: a sum of usage split by the rates of its price, if those give the sum's own
// cost.

#include <map>
#include <optional>

#include "core/cost.hpp"
#include "pg/call_site.hpp"
#include "pg/cost_lines_result.hpp"
#include "pg/numeric.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// The meters that sums have, in the order of the arguments after price and cost.
constexpr std::array<std::string_view, 8> summed_meters = {
    "input_tokens", "output_tokens",     "cache_read_tokens", "cache_write_tokens", "output_reasoning_tokens",
    "tool_calls",   "retrieval_queries", "requests"};

constexpr int factor_argument = 10;

/// The prices that a call site has met: sums of many models come in any order.
class Prices {
 public:
  const Price& get(Datum datum) {
    const std::string_view image = text_view(datum);
    const auto found = prices_.find(image);
    if (found != prices_.end()) {
      return found->second;
    }
    Price price = take(Price::from_image(std::as_bytes(std::span(image))));
    if (prices_.size() == most) {
      prices_.clear();
    }
    return prices_.emplace(image, std::move(price)).first->second;
  }

 private:
  static constexpr std::size_t most = 4096;
  std::map<std::string, Price, std::less<>> prices_;
};

/// What the price makes of the sum, when it is what the sum cost.
std::optional<Costing> split(FunctionCallInfo fcinfo, bool with_lines) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(factor_argument)) {
    return std::nullopt;
  }
  Usage usage;
  for (std::size_t i = 0; i < summed_meters.size(); ++i) {
    const int argument = static_cast<int>(i) + 2;
    if (PG_ARGISNULL(argument)) {
      continue;
    }
    const NumericValue quantity = decode_numeric(PG_GETARG_DATUM(argument));
    if (quantity.kind != NumericValue::Kind::finite || quantity.negative || !quantity.representable) {
      return std::nullopt;
    }
    usage.set(summed_meters.at(i), quantity.magnitude);
  }
  const Price& price = call_site<Prices>(fcinfo).get(PG_GETARG_DATUM(0));
  const NumericValue cost = decode_numeric(PG_GETARG_DATUM(1));
  const int factor_scale = decode_numeric(PG_GETARG_DATUM(factor_argument)).magnitude.scale();
  Result<Costing> costing = evaluate(price, usage, OnInconsistent::clamp, with_lines || factor_scale > 0);
  if (!costing.ok() || costing->status == PricingStatus::unpriced || cost.negative || costing->cost != cost.magnitude) {
    return std::nullopt;
  }
  for (const CostLine& line : costing->lines) {
    if (factor_scale > 0 && line.amount.scale() + factor_scale > Decimal::max_scale) {
      return std::nullopt;
    }
  }
  return std::move(costing).value();
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_sum_lines) {
  spend::begin_set(fcinfo);
  if (const auto costing = spend::split(fcinfo, true)) {
    spend::emit_cost_lines(fcinfo, *costing);
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_is_sum) {
  PG_RETURN_BOOL(spend::split(fcinfo, false).has_value());
}
