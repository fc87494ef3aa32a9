#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/cost.hpp"
#include "core/json.hpp"
#include "core/price_book.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// What the context argument of spend.cost() and its kin says: {"service_tier": "batch", "quality": "hd", "at": "…",
/// "strict": false}. The text lives here, what it returns points into it.
class PricingContext {
 public:
  /// Errors: 22023 for what is no object, for a value that is no scalar, and for a time that is none.
  explicit PricingContext(Datum jsonb);
  PricingContext() = default;
  PricingContext(const PricingContext&) = delete;
  PricingContext& operator=(const PricingContext&) = delete;

  OnInconsistent on_inconsistent() const { return on_inconsistent_; }
  /// `at` is the time where the context names none.
  RequestContext request(std::optional<Timestamp> at) const;
  SkuQuery sku(std::string_view provider, std::string_view model) const {
    SkuQuery query = sku_;
    query.provider = provider;
    query.model = model;
    return query;
  }
  /// Whether it has no say in which price a call has, or whether that may be asked for.
  bool is_silent() const { return is_silent_; }
  /// Raises 22023 for a key that this price does not test and that is no parameter known to price others: a misspelt
  /// key would change money in silence.
  void check_keys(const Price& price) const {
    if (!others_.empty()) {
      check_other_keys(price);
    }
  }

 private:
  void check_other_keys(const Price& price) const;
  void set(const std::string& key, const Json& value);

  OnInconsistent on_inconsistent_ = OnInconsistent::raise;
  std::optional<Timestamp> at_;
  std::string service_tier_;
  std::string region_;
  std::string surface_;
  std::string speed_;
  std::string variant_;
  std::vector<std::pair<std::string, std::string>> others_;
  std::vector<RequestContext::Parameter> parameters_;
  bool is_silent_ = true;
  SkuQuery sku_;  ///< what the context says of one
};

/// The contexts that a call site has met: mostly one, given as a constant, or a few for the tiers of the rows.
class ContextMemo {
 public:
  /// The context that is argument number `argument` of the call; valid until the next call. Errors: as the constructor
  /// of PricingContext.
  const PricingContext& get(FunctionCallInfo fcinfo, int argument) {
    return constant_ != nullptr ? *constant_ : find(fcinfo, argument);
  }
  /// Whether the call is written with a constant, which was seen, and is silent.
  bool is_silent_constant() const { return constant_ != nullptr && constant_->is_silent(); }
  /// What '{}' comes to.
  const PricingContext& none() const { return none_; }

 private:
  struct Known {
    std::string bytes;
    std::unique_ptr<const PricingContext> context;
  };
  static constexpr std::size_t most_known = 16;

  const PricingContext& find(FunctionCallInfo fcinfo, int argument);
  const PricingContext& look_up(Datum jsonb);

  PricingContext none_;
  std::vector<Known> known_;
  std::size_t last_ = 0;
  const PricingContext* constant_ = nullptr;  ///< where the call is written with a constant
};

}  // namespace spend
