#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/attribution.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// The dimensions by whose values sums are asked for: two, one or none.
struct Grouping {
  std::string first, second;  ///< empty for none
  friend bool operator==(const Grouping&, const Grouping&) = default;
};

/// Values of the dimensions of a grouping; nothing where usage has none.
struct ValuesOfGrouping {
  std::uint32_t grouping;
  std::optional<std::string> first, second;
};

/// Numbers the combinations of values that attributions have, so that sums can be kept by them; and says of which
/// combinations an attribution is a part. What the current role may not see is a part of none.
class ValuePlaces {
 public:
  enum class Kind {
    one,          ///< each attribution is of one combination of the grouping
    as_found,     ///< of those that somebody else says
    each_present  ///< of the one without dimensions, and of one for each value that it has
  };
  struct NamedValue {
    std::string_view name, value;
  };
  /// Says of what combinations an attribution with these values is a part: calls `add` for each.
  using Add = std::function<void(std::string_view first, std::string_view second)>;
  using Finder = std::function<void(const Hash128& attribution, std::span<const NamedValue> values, const Add& add)>;

  /// `grouping`: of Kind::one.
  ValuePlaces(Kind kind, Grouping grouping);
  /// Of what it says, in which empty is none.
  explicit ValuePlaces(Finder finder);

  /// The numbers of an attribution's combinations; valid until the next call.
  std::span<const std::uint32_t> places_of(const Hash128& attribution);
  std::size_t size() const { return combinations_.size(); }
  const ValuesOfGrouping& at(std::size_t place) const { return combinations_[place]; }
  const Grouping& grouping_of(std::size_t place) const { return groupings_[combinations_[place].grouping]; }
  /// Bytes that the combinations take, about.
  std::size_t memory() const { return memory_; }

 private:
  struct Range {
    std::uint32_t first, count;
  };
  struct HashOfText {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };

  void learn(const Hash128& attribution, std::span<const NamedValue> values);
  void learn_from_dictionary();
  std::uint32_t grouping_named(std::string_view dimension);
  std::uint32_t place(std::uint32_t grouping, const NamedValue* first, const NamedValue* second);

  Kind kind_;
  Finder finder_;
  bool sees_everything_;
  std::vector<Grouping> groupings_;
  std::vector<ValuesOfGrouping> combinations_;
  std::unordered_map<std::string, std::uint32_t, HashOfText, std::equal_to<>> place_by_image_;
  std::string image_;
  std::vector<std::uint32_t> places_;
  std::unordered_map<Hash128, Range, HashOfId> by_attribution_;
  Hash128 last_ = {};
  Range last_range_ = {0, 0};
  bool has_last_ = false;
  std::size_t asked_one_by_one_ = 0;
  std::size_t ask_at_most_;
  std::size_t memory_ = 0;
};

}  // namespace spend
