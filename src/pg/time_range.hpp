#pragma once

#include "core/price_table.hpp"
#include "pg/guard.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// A tstzrange as half-open bounds. Timestamps are discrete in microseconds: the other kinds of bound shift by one.
struct TimeRange {
  Timestamp from = timestamp_min;
  Timestamp until = timestamp_max;
  bool empty = false;
};
TimeRange time_range(Datum tstzrange);

}  // namespace spend
