#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/import/timeline.hpp"

namespace spend {

/// A row of spend.model_aliases that an import meets: one form and provider, for all surfaces.
struct StandingAlias {
  std::int64_t alias_id = 0;
  std::string provider;
  std::string model;
  bool is_users = false;
  Timestamp valid_from = timestamp_min;
  Timestamp valid_until = timestamp_max;
};

/// What an import does with one alias of its document.
struct AliasPlan {
  PricePlan::Action action = PricePlan::Action::unchanged;
  std::string reason;
  struct Closing {
    std::int64_t alias_id;
    bool is_replaced;  ///< it had not begun to hold: deleted
    Timestamp at;      ///< otherwise: where its range ends now
  };
  std::vector<Closing> closings;
  std::vector<PricePlan::Range> ranges;  ///< of the new rows
};

/// Fits an alias into the rows of its form and provider, sorted by time, as plan_prices() does with prices: from
/// `effective_from` on, gaps are filled, the same meaning stays, another one ends where the new one begins, what has
/// come to its end is history. A name to which somebody has given a meaning by hand, at any time, is left alone.
AliasPlan plan_alias(const std::vector<StandingAlias>& standing, const std::string& provider, const std::string& model,
                     ImportMoment moment);

}  // namespace spend
