#include "pg/rollup_days.hpp"

#include "pg/guard.hpp"

namespace spend {

namespace {

constexpr std::int64_t first_day = std::numeric_limits<DateADT>::min() + 10;
constexpr std::int64_t last_day = std::numeric_limits<DateADT>::max() - 10;

std::int64_t floor_to_days(Timestamp at) {
  const std::int64_t days = at / USECS_PER_DAY;
  return at % USECS_PER_DAY < 0 ? days - 1 : days;
}

DateADT first_of_next_month(DateADT first) {
  return first_of_month(first + 31);
}

}  // namespace

RollupRange::RollupRange(const Period& range, Datum zone) : range_(range), zone_(zone) {
  const bool has_start = range.start != timestamp_min;
  const bool has_end = range.end != timestamp_max;
  first_utc_day_ = has_start ? floor_to_days(range.start - 1) + 1 : first_day;
  end_utc_day_ = has_end ? floor_to_days(range.end) : last_day;
  // The days of a zone begin at most a day before or after those of UTC.
  first_month_ = static_cast<DateADT>(first_day);
  if (has_start) {
    const auto first = static_cast<DateADT>(first_utc_day_ + 1);
    const DateADT month = first_of_month(first);
    first_month_ = month == first ? month : first_of_next_month(month);
  }
  last_month_ = static_cast<DateADT>(last_day);
  if (has_end) {
    const DateADT month_of_end = first_of_month(static_cast<DateADT>(end_utc_day_ - 1));
    last_month_ = first_of_month(month_of_end - 1);
  }
}

std::pair<DateADT, DateADT> RollupRange::days() const {
  return {static_cast<DateADT>(std::max(first_utc_day_ - 2, first_day)),
          static_cast<DateADT>(std::min(end_utc_day_ + 1, last_day))};
}

DateADT RollupRange::day_after_months() const {
  return range_.end == timestamp_max ? static_cast<DateADT>(last_day + 1) : first_of_next_month(last_month_);
}

std::array<Period, 2> RollupRange::edges() const {
  if (first_utc_day_ > end_utc_day_) {
    return {range_, Period{0, 0}};
  }
  std::array<Period, 2> result = {Period{0, 0}, Period{0, 0}};
  if (range_.start != timestamp_min) {
    result[0] = {range_.start, first_utc_day_ * USECS_PER_DAY};
  }
  if (range_.end != timestamp_max) {
    result[1] = {end_utc_day_ * USECS_PER_DAY, range_.end};
  }
  return result;
}

RollupRange::Part RollupRange::part_of_cell(DateADT day, DateADT utc_day) {
  if (utc_day >= first_utc_day_ && utc_day < end_utc_day_) {
    return Part::all;
  }
  if (utc_day < first_utc_day_ - 1 || utc_day > end_utc_day_) {
    return Part::none;
  }
  const auto [place, is_new] = known_.try_emplace({day, utc_day}, Part::none);
  if (is_new) {
    place->second = enumerate(day, utc_day);
  }
  return place->second;
}

RollupRange::Part RollupRange::enumerate(DateADT day, DateADT utc_day) {
  const Timestamp start = std::int64_t{utc_day} * USECS_PER_DAY;
  int within = 0;
  int without = 0;
  for (Timestamp bucket = start; bucket < start + USECS_PER_DAY; bucket += quarter_hour) {
    if (day_of(bucket) == day) {
      ++(range_.contains(bucket) ? within : without);
    }
  }
  if (within == 0) {
    return without == 0 ? Part::unknown : Part::none;
  }
  return without == 0 ? Part::all : Part::some;
}

DateADT RollupRange::day_of(Timestamp bucket) {
  const auto [place, is_new] = days_of_buckets_.try_emplace(bucket, 0);
  if (is_new) {
    const Timestamp local = pg_call(
        [&] { return DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, zone_, TimestampTzGetDatum(bucket))); });
    place->second = static_cast<DateADT>(floor_to_days(local));
  }
  return place->second;
}

DateADT RollupRange::utc_day_of(Timestamp at) {
  return static_cast<DateADT>(floor_to_days(at));
}

}  // namespace spend
