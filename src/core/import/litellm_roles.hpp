#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/import/litellm_keys.hpp"
#include "core/import/rate_card.hpp"
#include "core/import/rate_text.hpp"
#include "core/json.hpp"

namespace spend {

/// One rate of a model's entry, with the place in which it belongs.
struct LiteLlmRate {
  LiteLlmCost cost;
  std::string key;    ///< as the document spells it
  std::string meter;  ///< "" when it is left out
  Rate rate;
  CatalogNumber figure;
};

/// What one model's entry says about money.
struct LiteLlmEntry {
  std::string mode;
  std::string provider;  ///< ours
  bool is_commitment = false;
  std::vector<LiteLlmRate> rates;
  std::vector<std::string> notes;
  const Json* search_context = nullptr;
  const Json* ranges = nullptr;
  const Json* off_peak = nullptr;
  const Json* vendor_factors = nullptr;
  std::optional<Decimal> elsewhere;                      ///< factor of all regions but the global one
  std::vector<std::pair<std::string, Decimal>> uplifts;  ///< region → factor
};

/// Reads the members of an entry: numbers cleaned and checked. Errors name the key: the entry is quarantined.
Result<LiteLlmEntry> read_litellm_entry(const Json& value, std::string_view provider, bool is_commitment);

/// Decides what keys with several meanings stand for in this entry, and leaves out what states a price a second time
/// (an image beside its tokens): both would be billed. What is left out is named in the notes.
void settle_litellm_roles(LiteLlmEntry& entry);

/// The number of one key; checked against the sanity guard when it is a rate per token. Errors name the key.
Result<CatalogNumber> litellm_number(const Json& value, const LiteLlmCost& cost, std::string_view key,
                                     std::vector<std::string>& notes);

}  // namespace spend
