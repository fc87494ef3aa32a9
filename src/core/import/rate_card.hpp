#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/price.hpp"
#include "core/status.hpp"

namespace spend {

struct ScheduledRates;

/// The rates of one SKU while they are being gathered from a catalog, with steps by the request's input tokens.
class RateCard {
 public:
  struct Cell {
    bool has_base = false;
    Rate base;
    std::map<Decimal, Rate> steps;  ///< threshold → complete rate above it
    friend bool operator==(const Cell&, const Cell&) = default;
  };

  std::string currency = "USD";
  /// Whether a step begins at its threshold ("from") and not after it ("above").
  bool from_threshold = false;

  bool empty() const { return cells_.empty(); }
  const std::map<std::string, Cell, std::less<>>& cells() const { return cells_; }
  bool has(std::string_view meter) const { return cells_.find(meter) != cells_.end(); }
  void set(std::string_view meter, const Rate& rate);
  void set_step(std::string_view meter, const Decimal& threshold, const Rate& rate);

  /// This card with every meter of `other` in the place of its own: what a service tier or a variant does not state is
  /// at the standard rate. A meter with a rate of its own there has its own steps, or none: a service tier's rate comes
  /// before a step of the standard one. One whose rate here only repeats its parent's (reasoning at the price of
  /// output) goes with the parent.
  RateCard overlaid_with(const RateCard& other) const;
  /// This card with the cells of `other` in the place of its own, whatever they repeat.
  RateCard replaced_by(const RateCard& other) const;
  /// The cells of input_tokens, of output_tokens, or of both, with all that they contain.
  RateCard families(bool of_input, bool of_output) const;
  void drop(std::string_view meter);
  /// Takes out the meters that have steps and no rate below them; their names.
  std::vector<std::string> drop_steps_without_base();
  /// With the rates of all token meters multiplied; fees and other measures stay. Errors: out_of_range.
  Result<RateCard> tokens_times(const Decimal& factor) const;
  /// Whether some rate is not zero.
  bool charges() const;

  /// Errors: invalid_value for a meter with steps and no base rate; what Price::from_json refuses.
  Result<Price> price() const;
  /// With other rates at certain times, those that are asked first in front; and with `more` conditions, JSON each.
  Result<Price> price(const std::vector<ScheduledRates>& schedule, const std::vector<std::string>& more = {}) const;

 private:
  Result<std::string> rates_json() const;

  std::map<std::string, Cell, std::less<>> cells_;
};

/// Rates that hold at certain times.
struct ScheduledRates {
  std::string time;  ///< as a condition's "time" has it, JSON
  RateCard card;
};

/// Whether the meter counts tokens: the sanity guard and regional uplifts are about those.
bool is_token_meter(std::string_view meter);

}  // namespace spend
