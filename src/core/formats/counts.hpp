#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/decimal.hpp"
#include "core/formats/names.hpp"
#include "core/json.hpp"
#include "core/usage.hpp"

namespace spend::formats {

using Count = std::optional<Decimal>;

/// Reads counts out of a usage object and builds a Usage of them. What is no count (negative, text, a list) is
/// remembered as a problem, the first one wins, and makes the whole payload malformed: a count that cannot be read is
/// not 0.
class Counts {
 public:
  /// The count under the first of `names` that is there; an explicit 0 is there, null is not.
  Count first(const Json* object, Names names);
  /// The count that this value is; `name` is for the problem where it is none.
  Count read(std::string_view name, const Json& value);
  /// The largest of the counts under `names`, for fields that say the same thing and are filled in by some only.
  Count largest(const Json* object, Names names);
  /// The nested object under the first of `names`; nullptr when it is absent, null or an empty list.
  const Json* object(const Json* parent, Names names);
  /// The nested list, likewise.
  const Json* list(const Json* parent, Names names);

  /// Whether any count was there at all, be it 0.
  bool found() const { return found_; }
  void mark_found() { found_ = true; }
  const std::string& problem() const { return problem_; }
  void fail(std::string problem);

  /// Sums, where an absent part is none; absent when both are.
  Count sum(Count a, Count b);

  Usage usage;
  /// Sets a meter; an absent count leaves it absent.
  void set(std::string_view meter, const Count& count);
  /// Adds to a meter.
  void add(std::string_view meter, const Count& count);

 private:
  bool found_ = false;
  std::string problem_;
};

/// The larger of two, where an absent one is smaller than any.
Count larger(const Count& a, const Count& b);
/// a - b, or absent when either is, or b is more.
Count difference(const Count& a, const Count& b);

/// A cost as decimal, rounded half-even to 18 decimals: some vendors send the digits of a binary float. Absent for what
/// is no such number.
Count read_cost(const Json* value);

}  // namespace spend::formats
