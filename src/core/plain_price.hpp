#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/condition.hpp"
#include "core/plain_counts.hpp"
#include "core/rate.hpp"

namespace spend {

/// An exact amount as it was summed up: coefficient / 10^scale, with whatever zeros are at its end.
struct PlainCost {
  std::uint64_t coefficient;
  int scale;  ///< at most Decimal::max_scale

  Decimal decimal() const { return Decimal::from_scaled(coefficient, scale); }
};

/// A price boiled down to one whole number per meter: where no tier, condition or overlap of meters has a say, a cost
/// is the sum of count × multiplier / 10^scale. That holds for nearly every row, and takes a tenth of the time of the
/// whole engine; whatever is not as simple as that has no plain cost and is left to evaluate().
///
/// The multiplier of a meter with a rate of its own is that rate minus the rate of the nearest billed meter around it:
/// with input at 2.50 and cached input at 1.25, each cached token takes 1.25 off what input_tokens, which contains it,
/// comes to.
class PlainPrice {
 public:
  enum class Wanted {
    cost,            ///< the cost only
    cost_and_status  ///< only where there is nothing more to say than "priced"
  };

  static constexpr std::size_t max_multipliers = 7;
  /// The place of the meter whose multiplier counts once where the usage has no such count.
  static constexpr std::size_t requests = meter_index("requests");

  /// What prices of the same meters have in common: what may be billed plainly by them, and by which meters.
  struct Kind {
    MeterSet covered = 0;  ///< meters whose presence is understood; none: no usage has a plain cost
    MeterSet rated = 0;    ///< meters with a multiplier, which stand in their order

    /// Whether these meters may have a plain cost together. That parts fit into what contains them is for the counts to
    /// say.
    bool takes(MeterSet present) const;
    friend bool operator==(const Kind&, const Kind&) = default;
  };

  PlainPrice() = default;
  PlainPrice(const std::vector<MeterRate>& rates, const std::vector<Condition>& conditions);

  /// The same as evaluate() makes of it, exactly; or nothing where the whole engine is needed.
  std::optional<PlainCost> cost(const PlainCounts& counts, Wanted wanted) const;
  /// Whether there may be a cost at all.
  bool is_usable() const { return kind_.covered != 0; }
  const Kind& kind() const { return kind_; }
  /// Of the rated meters of its kind, in their order.
  const std::array<std::int64_t, max_multipliers>& multipliers() const { return multipliers_; }
  int scale() const { return scale_; }

  friend bool operator==(const PlainPrice&, const PlainPrice&) = default;

 private:
  Kind kind_;
  MeterSet remarked_ = 0;  ///< meters about which evaluate() may have something to say
  std::array<std::int64_t, max_multipliers> multipliers_{};
  int scale_ = 0;
};

}  // namespace spend
