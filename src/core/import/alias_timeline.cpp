#include "core/import/alias_timeline.hpp"

#include <algorithm>

namespace spend {

AliasPlan plan_alias(const std::vector<StandingAlias>& standing, const std::string& provider, const std::string& model,
                     ImportMoment moment) {
  AliasPlan plan;
  if (std::any_of(standing.begin(), standing.end(), [](const StandingAlias& alias) { return alias.is_users; })) {
    plan.action = PricePlan::Action::skipped;
    plan.reason = "an alias of this name was set by hand";
    return plan;
  }
  const auto add_range = [&](Timestamp from, Timestamp until) {
    if (from >= until) {
      return;
    }
    if (!plan.ranges.empty() && plan.ranges.back().until == from) {
      plan.ranges.back().until = until;
    } else {
      plan.ranges.push_back({from, until});
    }
  };
  Timestamp position = moment.effective_from;
  for (const StandingAlias& stands : standing) {
    if (stands.valid_until <= moment.effective_from) {
      continue;
    }
    add_range(position, stands.valid_from);
    position = stands.valid_until;
    if ((stands.provider == provider && stands.model == model) || stands.valid_until <= moment.now) {
      continue;
    }
    const Timestamp cut =
        stands.valid_from < moment.effective_from ? moment.effective_from : std::max(stands.valid_from, moment.now);
    plan.closings.push_back({stands.alias_id, cut == stands.valid_from, cut});
    plan.reason = "stood for " + stands.provider + " " + stands.model + " before";
    add_range(cut, stands.valid_until);
  }
  add_range(position, timestamp_max);
  plan.action = !plan.closings.empty() ? PricePlan::Action::closed
                : !plan.ranges.empty() ? PricePlan::Action::added
                                       : PricePlan::Action::unchanged;
  return plan;
}

}  // namespace spend
