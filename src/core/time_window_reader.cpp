#include "core/time_window_reader.hpp"

#include <algorithm>
#include <utility>

#include "core/condition.hpp"
#include "core/price_error.hpp"
#include "core/time_zone.hpp"

namespace spend::price_json {

namespace {

constexpr int minutes_of_day = 24 * 60;

/// Calls read(text, path) for a string or each string of an array; its first error ends the walk.
template <typename Read>
std::optional<Error> for_each_text(const Json& value, const std::string& path, std::size_t limit, const char* what,
                                   Read read) {
  if (value.type == Json::Type::string) {
    return read(value.text, path);
  }
  if (value.type != Json::Type::array || value.items.empty()) {
    return at(path, ErrorKind::invalid_text, std::string("must be ") + what + ", or an array of them");
  }
  if (value.items.size() > limit) {
    return at(path, ErrorKind::limit_exceeded, "more than " + std::to_string(limit) + " entries");
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const Json& part = value.items[i];
    if (part.type != Json::Type::string) {
      return at(item(path, i), ErrorKind::invalid_text, std::string("must be ") + what);
    }
    if (std::optional<Error> error = read(part.text, item(path, i))) {
      return error;
    }
  }
  return std::nullopt;
}

constexpr int no_time = -1;

/// Minutes since midnight of "HH:MM", 24:00 included; no_time for any other text.
int parse_clock(std::string_view text) {
  const auto is_digit = [&](std::size_t place) { return text[place] >= '0' && text[place] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !is_digit(0) || !is_digit(1) || !is_digit(3) || !is_digit(4)) {
    return no_time;
  }
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  const int total = ((text[0] - '0') * 10 + (text[1] - '0')) * 60 + minute;
  return minute < 60 && total <= minutes_of_day ? total : no_time;
}

std::optional<Error> read_hours(const std::string& text, const std::string& path, TimeWindow& window) {
  const std::size_t dash = std::min(text.find('-'), text.size());
  const int from = parse_clock(std::string_view(text).substr(0, dash));
  const int until = parse_clock(std::string_view(text).substr(std::min(dash + 1, text.size())));
  if (from == no_time || until == no_time || from == minutes_of_day) {
    return at(path, ErrorKind::invalid_value, quoted(text) + " is not of the form HH:MM-HH:MM",
              "The end is not part of the window; an end before the start lies on the next day, as in "
              "\"16:30-00:30\".");
  }
  window.hours.push_back(
      {static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(until == minutes_of_day ? 0 : until)});
  return std::nullopt;
}

std::optional<Error> read_weekday(const std::string& text, const std::string& path, TimeWindow& window) {
  for (unsigned i = 0; i < 7; ++i) {
    if (text == weekday_name(i)) {
      window.weekdays = static_cast<std::uint8_t>(window.weekdays | 1U << i);
      return std::nullopt;
    }
  }
  return at(path, ErrorKind::invalid_value, quoted(text) + " is not a day of the week",
            "The days are mon, tue, wed, thu, fri, sat and sun.");
}

std::optional<Error> read_date(const std::string& text, const std::string& path, TimeWindow& window) {
  const std::optional<DayNumber> day = parse_day(text);
  if (!day) {
    return at(path, ErrorKind::invalid_value, quoted(text) + " is not a date of the form YYYY-MM-DD");
  }
  window.dates.push_back(*day);
  return std::nullopt;
}

/// Equal windows have equal text: what says nothing is left out, and what is said in any order is sorted.
void normalise(TimeWindow& window) {
  constexpr TimeWindow::Hours whole_day = {0, 0};
  const auto before = [](const TimeWindow::Hours& a, const TimeWindow::Hours& b) {
    return a.from != b.from ? a.from < b.from : a.until < b.until;
  };
  std::sort(window.hours.begin(), window.hours.end(), before);
  window.hours.erase(std::unique(window.hours.begin(), window.hours.end()), window.hours.end());
  std::sort(window.dates.begin(), window.dates.end());
  window.dates.erase(std::unique(window.dates.begin(), window.dates.end()), window.dates.end());
  if (std::find(window.hours.begin(), window.hours.end(), whole_day) != window.hours.end()) {
    window.hours.clear();
  }
  if (window.hours.empty() && window.weekdays == TimeWindow::every_day && window.dates.empty()) {
    window.hours.push_back(whole_day);
  }
}

std::optional<Error> read_window(const Json& value, const std::string& path, TimeWindow& window) {
  if (value.type != Json::Type::object) {
    return at(path, ErrorKind::invalid_text, "a time must be an object",
              "Write it as {\"hours\": \"16:30-00:30\", \"time_zone\": \"UTC\"}.");
  }
  bool has_weekdays = false;
  for (const auto& [key, part] : value.members) {
    const std::string part_path = join(path, key);
    std::optional<Error> error;
    if (key == "hours") {
      error =
          for_each_text(part, part_path, Condition::max_hours, "a text such as \"16:30-00:30\"",
                        [&](const std::string& text, const std::string& at) { return read_hours(text, at, window); });
    } else if (key == "weekdays") {
      has_weekdays = true;
      window.weekdays = 0;
      error =
          for_each_text(part, part_path, 7, "a day such as \"mon\"",
                        [&](const std::string& text, const std::string& at) { return read_weekday(text, at, window); });
    } else if (key == "dates") {
      error =
          for_each_text(part, part_path, Condition::max_dates, "a date such as \"2026-01-01\"",
                        [&](const std::string& text, const std::string& at) { return read_date(text, at, window); });
    } else if (key == "time_zone") {
      if (part.type != Json::Type::string || !is_time_zone(part.text)) {
        error = at(part_path, ErrorKind::invalid_value, "not the name of a time zone",
                   "Names are those of the IANA database, such as \"UTC\" or \"Asia/Kolkata\".");
      } else {
        window.time_zone = part.text;
      }
    } else {
      error = at(part_path, ErrorKind::invalid_value, "unknown key",
                 "A time has \"hours\", \"weekdays\" or \"dates\", and \"time_zone\".");
    }
    if (error) {
      return error;
    }
  }
  if (window.hours.empty() && !has_weekdays && window.dates.empty()) {
    return at(path, ErrorKind::invalid_value, "a time needs \"hours\", \"weekdays\" or \"dates\"");
  }
  if (has_weekdays && !window.dates.empty()) {
    return at(path, ErrorKind::invalid_value, "a time has either \"weekdays\" or \"dates\", not both");
  }
  normalise(window);
  return std::nullopt;
}

}  // namespace

std::optional<Error> read_windows(const Json& value, const std::string& path, std::vector<TimeWindow>& windows) {
  if (value.type != Json::Type::array) {
    return read_window(value, path, windows.emplace_back());
  }
  if (value.items.empty()) {
    return at(path, ErrorKind::invalid_value, "an empty list is never met");
  }
  if (value.items.size() > Condition::max_windows) {
    return at(path, ErrorKind::limit_exceeded, "more than " + std::to_string(Condition::max_windows) + " windows");
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (std::optional<Error> error = read_window(value.items[i], item(path, i), windows.emplace_back())) {
      return error;
    }
  }
  return std::nullopt;
}

}  // namespace spend::price_json
