#pragma once

#include <string>
#include <vector>

#include "core/import/litellm_roles.hpp"
#include "core/import/rate_card.hpp"
#include "core/status.hpp"

namespace spend {

/// The rates of one SKU of a model, and which SKU it is.
struct LiteLlmSheet {
  std::string service_tier = "standard";
  std::string region = {};
  std::string speed = {};
  std::string variant = {};
  RateCard card = {};
  std::vector<ScheduledRates> schedule = {};
  std::vector<std::string> conditions = {};  ///< further ones of the price, JSON each
};

/// The sheets of an entry: standard, and one for each service tier, variant, region and speed that has rates of its
/// own. Adds to the entry's notes what is left out. Errors: what cannot be meant; the entry is quarantined then.
Result<std::vector<LiteLlmSheet>> litellm_sheets(LiteLlmEntry& entry);

}  // namespace spend
