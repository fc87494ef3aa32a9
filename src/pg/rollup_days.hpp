#pragma once

#include <map>

#include "pg/period.hpp"
#include "pg/rollup_table.hpp"

namespace spend {

/// Which sums of the rollups make up a range of time. A row of spend.rollup is a *cell*: the quarter hours of one day
/// of the rollup's zone that lie in one day of UTC.
class RollupRange {
 public:
  /// `zone`: text, of the rollup's days.
  RollupRange(const Period& range, Datum zone);

  /// How much of a cell lies in the range; unknown: the zone's rules have changed since it was cut.
  enum class Part { none, some, all, unknown };
  Part part_of_cell(DateADT day, DateADT utc_day);
  /// That of the cell in which a quarter hour lies.
  Part part_of_cell_of(Timestamp bucket) { return part_of_cell(day_of(bucket), utc_day_of(bucket)); }

  /// Days of the zone, first and last, of which there may be cells in the range.
  std::pair<DateADT, DateADT> days() const;
  /// First days of the first and the last month that lie in the range with all their cells; the first is after the last
  /// where there is none.
  std::pair<DateADT, DateADT> months() const { return {first_month_, last_month_}; }
  /// The first day after those months; after days().second where they have no end.
  DateADT day_after_months() const;
  /// The stretches of time in which there may be cells of which some lies in the range; the second may be empty.
  std::array<Period, 2> edges() const;

 private:
  DateADT day_of(Timestamp bucket);
  static DateADT utc_day_of(Timestamp at);
  Part enumerate(DateADT day, DateADT utc_day);

  Period range_;
  Datum zone_;
  std::int64_t first_utc_day_, end_utc_day_;  ///< days of UTC from the one on to before the other are in it whole
  DateADT first_month_, last_month_;
  std::map<std::pair<DateADT, DateADT>, Part> known_;
  std::map<Timestamp, DateADT> days_of_buckets_;
};

}  // namespace spend
