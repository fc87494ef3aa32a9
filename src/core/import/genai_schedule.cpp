#include "core/import/genai_schedule.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error_text.hpp"
#include "core/timestamp_text.hpp"

namespace spend {

namespace {

constexpr int minutes_of_day = 24 * 60;

Error invalid(std::string message) {
  return {ErrorKind::invalid_value, std::move(message), "", ""};
}

/// A number of two digits at `place`, below `end`; nothing otherwise.
std::optional<int> two_digits(std::string_view text, std::size_t place, int end) {
  int number = 0;
  if (text.size() < place + 2) {
    return std::nullopt;
  }
  const char* const last = text.data() + place + 2;
  const auto [stop, error] = std::from_chars(text.data() + place, last, number);
  return error == std::errc() && stop == last && number >= 0 && number < end ? std::optional(number) : std::nullopt;
}

/// "HH:MM" or "HH:MM:00" with "Z", an offset, or neither, as a minute of the day in UTC.
std::optional<int> minute_in_utc(std::string_view text) {
  const std::optional<int> hour = two_digits(text, 0, 24);
  const std::optional<int> minute = two_digits(text, 3, 60);
  if (!hour || !minute || text[2] != ':') {
    return std::nullopt;
  }
  std::string_view zone = text.substr(5);
  if (zone.starts_with(":00")) {
    zone.remove_prefix(3);
  }
  int offset = 0;
  if (!zone.empty() && zone != "Z" && zone != "z") {
    const std::optional<int> hours = two_digits(zone, 1, 24);
    const std::optional<int> minutes = two_digits(zone, 4, 60);
    if (zone.size() != 6 || zone[3] != ':' || (zone[0] != '+' && zone[0] != '-') || !hours || !minutes) {
      return std::nullopt;
    }
    offset = (*hours * 60 + *minutes) * (zone[0] == '+' ? 1 : -1);
  }
  return (*hour * 60 + *minute - offset + 2 * minutes_of_day) % minutes_of_day;
}

std::string clock_text(int minute) {
  const auto two = [](int number) {
    return std::string(1, static_cast<char>('0' + number / 10)) + static_cast<char>('0' + number % 10);
  };
  return two(minute / 60) + ":" + two(minute % 60);
}

/// One entry of the list.
struct Entry {
  const Json* rates = nullptr;
  std::string window;  ///< "" when it holds at all hours
  bool has_start = false;
  Timestamp start = timestamp_min;
};

Result<std::string> read_window(const Json& start, const Json& end) {
  const std::optional<int> from = minute_in_utc(start.text);
  const std::optional<int> until = minute_in_utc(end.text);
  if (!from || !until || *from == *until) {
    return invalid("prices by time of day from " + quoted(start.text) + " to " + quoted(end.text) +
                   " are no hours and minutes");
  }
  return clock_text(*from) + "-" + clock_text(*until);
}

Result<Entry> read_entry(const Json& element) {
  Entry entry;
  entry.rates = element.find("prices");
  if (entry.rates == nullptr || entry.rates->type != Json::Type::object) {
    return invalid("a price without \"prices\"");
  }
  const Json* const constraint = element.find("constraint");
  if (constraint == nullptr || constraint->type == Json::Type::null) {
    return entry;
  }
  const Json* const date = constraint->find("start_date");
  const Json* const start = constraint->find("start_time");
  const Json* const end = constraint->find("end_time");
  // "type" names the kind, which the other members do as well.
  const std::size_t members = constraint->members.size() - (constraint->find("type") == nullptr ? 0 : 1);
  if (date != nullptr && members == 1) {
    const Result<Timestamp> time = parse_timestamp(date->text);
    if (!time.ok()) {
      return time.error();
    }
    entry.has_start = true;
    entry.start = *time;
    return entry;
  }
  if (start == nullptr || end == nullptr || members != 2) {
    return invalid("a constraint that is neither a date nor hours of the day");
  }
  Result<std::string> window = read_window(*start, *end);
  if (!window.ok()) {
    return std::move(window).error();
  }
  entry.window = *std::move(window);
  return entry;
}

}  // namespace

Result<std::vector<GenaiPeriod>> read_genai_periods(const Json& prices) {
  std::vector<GenaiPeriod> periods;
  if (prices.type == Json::Type::object) {
    periods.emplace_back().rates = &prices;
    return periods;
  }
  for (const Json& element : prices.items) {
    Result<Entry> entry = read_entry(element);
    if (!entry.ok()) {
      return std::move(entry).error();
    }
    if (entry->window.empty()) {
      if (!periods.empty()) {
        GenaiPeriod& before = periods.back();
        if (!entry->has_start || (before.has_start && entry->start <= before.start)) {
          return invalid("its prices do not follow one another in time");
        }
        before.until = entry->start;
      }
      GenaiPeriod& period = periods.emplace_back();
      period.has_start = entry->has_start;
      period.start = entry->start;
      period.rates = entry->rates;
      continue;
    }
    if (periods.empty()) {
      return invalid("prices by time of day, and none for the rest of the day before them");
    }
    // The last entry whose constraint is met holds: also before a later date, and before hours that come earlier.
    for (GenaiPeriod& period : periods) {
      std::erase_if(period.hours, [&](const GenaiPeriod::Hours& other) { return other.window == entry->window; });
      period.hours.insert(period.hours.begin(), {entry->window, entry->rates});
    }
  }
  return periods;
}

}  // namespace spend
