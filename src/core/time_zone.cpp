#include "core/time_zone.hpp"

#include <unicode/ucal.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace spend {

namespace {

constexpr std::size_t max_name = 64;
constexpr double milliseconds_at_2000 = 946'684'800'000.0;

/// ICU fails here only for want of memory (or of its own data): the one failure the core throws.
void require(UErrorCode status) {
  if (U_FAILURE(status) != 0) {
    throw std::bad_alloc();
  }
}

/// An ASCII name as ICU wants it; empty when it cannot be a zone.
std::u16string to_icu(std::string_view name) {
  std::u16string result;
  if (name.size() > max_name) {
    return result;
  }
  for (const char c : name) {
    if (c <= ' ' || c > '~') {
      return {};
    }
    result += static_cast<char16_t>(c);
  }
  return result;
}

/// A zone whose offset at the last moment asked for is remembered together with the time until it changes, so that
/// asking ICU, which is slow, is rare.
class Zone {
 public:
  explicit Zone(std::string_view name) : name_(name) {
    const std::u16string id = to_icu(name);
    UErrorCode status = U_ZERO_ERROR;
    calendar_.reset(ucal_open(id.data(), static_cast<std::int32_t>(id.size()), "", UCAL_GREGORIAN, &status));
    require(status);
  }

  const std::string& name() const { return name_; }

  std::int32_t offset(double milliseconds) {
    if (milliseconds < from_ || milliseconds >= until_) {
      look_up(milliseconds);
    }
    return offset_;
  }

 private:
  struct Close {
    void operator()(UCalendar* calendar) const { ucal_close(calendar); }
  };

  void look_up(double milliseconds) {
    UErrorCode status = U_ZERO_ERROR;
    ucal_setMillis(calendar_.get(), milliseconds, &status);
    const std::int32_t offset =
        ucal_get(calendar_.get(), UCAL_ZONE_OFFSET, &status) + ucal_get(calendar_.get(), UCAL_DST_OFFSET, &status);
    require(status);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    from_ = -infinity;
    until_ = infinity;
    UDate change = 0;
    if (ucal_getTimeZoneTransitionDate(calendar_.get(), UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE, &change, &status) != 0) {
      from_ = change;
    }
    if (ucal_getTimeZoneTransitionDate(calendar_.get(), UCAL_TZ_TRANSITION_NEXT, &change, &status) != 0) {
      until_ = change;
    }
    require(status);
    offset_ = offset / 1000;
  }

  std::string name_;
  std::unique_ptr<UCalendar, Close> calendar_;
  double from_ = 0;
  double until_ = 0;
  std::int32_t offset_ = 0;
};

}  // namespace

bool is_time_zone(std::string_view name) {
  const std::u16string id = to_icu(name);
  if (id.empty()) {
    return false;
  }
  std::array<UChar, 2 * max_name> canonical;
  UBool is_system = 0;
  UErrorCode status = U_ZERO_ERROR;
  ucal_getCanonicalTimeZoneID(id.data(), static_cast<std::int32_t>(id.size()), canonical.data(),
                              static_cast<std::int32_t>(canonical.size()), &is_system, &status);
  return U_SUCCESS(status) != 0 && is_system != 0;
}

std::int32_t utc_offset(std::string_view name, Timestamp at) {
  if (name == "UTC") {
    return 0;
  }
  constexpr std::size_t max_remembered = 32;
  thread_local std::vector<Zone> zones;
  auto zone = std::find_if(zones.begin(), zones.end(), [&](const Zone& known) { return known.name() == name; });
  if (zone == zones.end()) {
    if (zones.size() == max_remembered) {
      zones.clear();
    }
    zones.emplace_back(name);
    zone = std::prev(zones.end());
  }
  // Whole milliseconds are exact in a double for 285,000 years; clocks change at whole seconds.
  const Timestamp milliseconds = at / 1000 - (at % 1000 < 0 ? 1 : 0);
  return zone->offset(static_cast<double>(milliseconds) + milliseconds_at_2000);
}

}  // namespace spend
