#pragma once

#include <unordered_set>

#include "core/model_resolver.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// Providers whose own reported cost counts (spend.providers.reported_cost_policy = 'trust').
class TrustedProviders {
 public:
  /// `provider` as sent.
  bool has(std::string_view provider) const;
  void add(std::string_view normalised);

 private:
  std::unordered_set<std::string> names_;  ///< canonical
};

/// spend.model_aliases and spend.providers in the latest committed state.
std::shared_ptr<const ModelRules> load_model_rules(TrustedProviders& trusted);

}  // namespace spend
