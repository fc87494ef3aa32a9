#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/import/catalog.hpp"

namespace spend {

/// A live price of spend.prices.
struct StandingPrice {
  std::int64_t price_id = 0;
  Timestamp valid_from = timestamp_min;
  Timestamp valid_until = timestamp_max;
  Price price;
};

/// What an import does with one price of its document.
struct PricePlan {
  enum class Action { added, closed, unchanged, skipped } action = Action::unchanged;
  std::string reason;
  struct Closing {
    std::int64_t price_id;
    bool is_replaced;  ///< it had not begun to hold: superseded as a whole
    Timestamp at;      ///< otherwise: where its range ends now
  };
  struct Range {
    Timestamp from;
    Timestamp until;
  };
  std::vector<Closing> closings;
  std::vector<Range> ranges;  ///< of the new rows
  /// The price that this one follows, when one was closed.
  std::int64_t followed_price_id = 0;
};

struct ImportMoment {
  Timestamp effective_from;  ///< nothing before it is touched
  Timestamp now;
};

/// Fits the prices of one SKU, in time order, into what stands; `standing` is sorted, and kept up to date as the plans
/// would leave it (new rows have price_id 0). Rules: gaps are filled; an equal price stays; a price that has come to
/// its end is history and stays; the one in force is closed where the new one begins, but never before the moment at
/// which the document's figure was seen (its `checked`, else now) unless `effective_from` or the document itself says
/// when it began; one that lies in the future is replaced; one that began after the document was checked knows better
/// and stays.
std::vector<PricePlan> plan_prices(std::vector<StandingPrice>& standing, std::span<const ImportedPrice> wanted,
                                   ImportMoment moment);

}  // namespace spend
