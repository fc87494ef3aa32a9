#pragma once

#include "pg/guard.hpp"
#include "pg/period.hpp"

extern "C" {
#include "utils/date.h"
}

namespace spend {

/// The day of UTC in which a time lies, or on the clocks of its own zone, when it is one of those.
inline DateADT floor_to_day(Timestamp at) {
  const Timestamp days = at / USECS_PER_DAY;
  return static_cast<DateADT>(at % USECS_PER_DAY < 0 ? days - 1 : days);
}

/// The days in which quarter hours begin on the clocks of a zone.
class LocalDays {
 public:
  /// `zone`: text.
  explicit LocalDays(Datum zone) : zone_(zone) {}

  DateADT of(Timestamp bucket) {
    Known& known = known_[static_cast<std::uint64_t>(bucket / quarter_hour) % known_.size()];
    if (known.bucket != bucket) {
      const Timestamp local = pg_call(
          [&] { return DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, zone_, TimestampTzGetDatum(bucket))); });
      known = {bucket, floor_to_day(local)};
    }
    return known.day;
  }

 private:
  struct Known {
    Timestamp bucket = timestamp_min;
    DateADT day = 0;
  };

  Datum zone_;
  std::array<Known, 1024> known_;
};

}  // namespace spend
