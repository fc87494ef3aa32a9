#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pg/prelude.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// A call that is yet to be made, and the row that it will leave in the ledger. The gate prices and matches that row
/// with the code that will do so when it comes, so the two cannot disagree.
class ExpectedCall {
 public:
  using Facts = std::vector<std::pair<std::string, std::string>>;

  /// `dimensions` and `context` are jsonb objects. Errors: 22023 naming a key that is no dimension or no column that
  /// may be known before a call, or a value that is no scalar.
  ExpectedCall(std::string provider, std::string model, Datum dimensions, Datum context);

  /// The call of a hold: what it names was checked when it was taken.
  static ExpectedCall of_hold(std::string provider, std::string model, Datum dimensions, Datum context);

  const std::string& provider() const { return provider_; }
  const std::string& model() const { return model_; }
  Datum dimensions() const { return dimensions_json_; }
  Datum context() const { return context_json_; }
  Datum estimate() const { return estimate_; }
  void set_estimate(Datum token_usage) { estimate_ = token_usage; }
  /// The same call of another model, whose provider is the one that it belongs to.
  ExpectedCall with_model(const std::string& model) const;

  /// Sets what the call says of itself: every dimension, also to NULL where it names none; of the rest what the row
  /// leaves open.
  void fill(UsageRow& row) const;
  /// The row that this call would leave at that time, priced and attributed. Valid as long as the memory context.
  UsageRow row(Relation usage, Timestamp at) const;

 private:
  ExpectedCall() = default;

  std::string provider_;
  std::string model_;
  Facts dimensions_;
  Facts context_;
  Datum dimensions_json_ = 0;
  Datum context_json_ = 0;
  Datum estimate_ = 0;
};

/// Prices a row whose quantities were changed again, quietly.
void price_expected(UsageRow& row);

}  // namespace spend
