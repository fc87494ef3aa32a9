#include "core/cost.hpp"

#include "core/evaluation.hpp"

namespace spend {

std::string_view to_string(PricingStatus status) {
  switch (status) {
    case PricingStatus::priced:
      return "priced";
    case PricingStatus::priced_with_fallback:
      return "priced_with_fallback";
    case PricingStatus::reported:
      return "reported";
    case PricingStatus::free:
      return "free";
    case PricingStatus::inconsistent:
      return "inconsistent";
    case PricingStatus::unpriced:
      break;
  }
  return "unpriced";
}

Result<Costing> evaluate(const Price& price, const Usage& usage, OnInconsistent on_inconsistent, bool with_lines,
                         const RequestContext& context) {
  if (!with_lines && price.plain().is_usable()) {
    PlainCounts counts;
    if (counts.read(usage)) {
      if (std::optional<PlainCost> cost = price.plain().cost(counts, PlainPrice::Wanted::cost_and_status)) {
        return Costing{.status = PricingStatus::priced, .reason = {}, .cost = cost->decimal(), .lines = {}};
      }
    }
  }
  return Evaluation(price, usage, context).run(on_inconsistent, with_lines);
}

}  // namespace spend
