#include "core/import/timeline.hpp"

#include <algorithm>

namespace spend {

namespace {

void add_range(std::vector<PricePlan::Range>& ranges, Timestamp from, Timestamp until) {
  if (from >= until) {
    return;
  }
  if (!ranges.empty() && ranges.back().until == from) {
    ranges.back().until = until;
  } else {
    ranges.push_back({from, until});
  }
}

/// Where a standing price ends that the wanted one differs from: its own end when it stays.
Timestamp cut_of(const StandingPrice& stands, const ImportedPrice& wanted, Timestamp from, ImportMoment moment) {
  const bool is_checked = wanted.checked < moment.now;
  const Timestamp seen = is_checked ? wanted.checked : moment.now;
  if (stands.valid_until <= seen) {
    return stands.valid_until;
  }
  if (stands.valid_from < from) {
    return from;
  }
  if (stands.valid_from > seen && stands.valid_from <= moment.now) {
    return stands.valid_until;
  }
  return std::max(stands.valid_from, seen);
}

PricePlan plan_one(std::vector<StandingPrice>& standing, const ImportedPrice& wanted, ImportMoment moment) {
  PricePlan plan;
  const Timestamp from = wanted.has_start ? std::max(wanted.valid_from, moment.effective_from) : moment.effective_from;
  if (from >= wanted.valid_until) {
    plan.reason = "ended before the import takes effect";
    return plan;
  }
  Timestamp position = from;
  bool is_newer = false;
  std::vector<StandingPrice> result;
  for (StandingPrice& stands : standing) {
    if (stands.valid_until <= from || stands.valid_from >= wanted.valid_until) {
      result.push_back(std::move(stands));
      continue;
    }
    add_range(plan.ranges, position, std::max(stands.valid_from, position));
    const Timestamp end = stands.valid_until;
    Timestamp cut = stands.price == wanted.price ? end : cut_of(stands, wanted, from, moment);
    if (cut >= wanted.valid_until) {
      cut = end;  // what the document knows about the past comes too late
    }
    is_newer = is_newer || (cut == end && stands.valid_from > from && !(stands.price == wanted.price));
    if (cut < end) {
      const bool is_replaced = cut == stands.valid_from;
      plan.closings.push_back({stands.price_id, is_replaced, cut});
      plan.followed_price_id = stands.price_id;
      add_range(plan.ranges, cut, std::min(end, wanted.valid_until));
      stands.valid_until = cut;
      if (!is_replaced) {
        result.push_back(std::move(stands));
      }
    } else {
      result.push_back(std::move(stands));
    }
    position = std::max(position, std::min(end, wanted.valid_until));
  }
  add_range(plan.ranges, position, wanted.valid_until);
  for (const PricePlan::Range& range : plan.ranges) {
    result.push_back({.price_id = 0, .valid_from = range.from, .valid_until = range.until, .price = wanted.price});
  }
  std::sort(result.begin(), result.end(),
            [](const StandingPrice& a, const StandingPrice& b) { return a.valid_from < b.valid_from; });
  standing = std::move(result);
  if (!plan.closings.empty()) {
    plan.action = PricePlan::Action::closed;
  } else if (!plan.ranges.empty()) {
    plan.action = PricePlan::Action::added;
  } else if (is_newer) {
    plan.reason = "what stands is newer than the document";
  }
  return plan;
}

}  // namespace

std::vector<PricePlan> plan_prices(std::vector<StandingPrice>& standing, std::span<const ImportedPrice> wanted,
                                   ImportMoment moment) {
  std::vector<PricePlan> plans;
  plans.reserve(wanted.size());
  for (const ImportedPrice& price : wanted) {
    plans.push_back(plan_one(standing, price, moment));
  }
  return plans;
}

}  // namespace spend
