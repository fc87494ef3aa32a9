#include "core/time_window.hpp"

#include <algorithm>
#include <array>

#include "core/json.hpp"
#include "core/time_zone.hpp"
#include "core/timestamp_text.hpp"

namespace spend {

namespace {

constexpr std::array<std::string_view, 7> weekday_names = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::string padded(unsigned value, std::size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

std::string clock_text(std::uint16_t minute) {
  return padded(minute / 60U, 2) + ":" + padded(minute % 60U, 2);
}

std::string hours_text(const TimeWindow::Hours& span) {
  return clock_text(span.from) + "-" + clock_text(span.until);
}

/// One text as it is, several as an array.
template <typename Items, typename ToText>
std::string one_or_more(const Items& items, ToText to_text) {
  std::string list;
  for (const auto& item : items) {
    list += list.empty() ? "\"" : ", \"";
    list += to_text(item);
    list += '"';
  }
  return items.size() == 1 ? list : "[" + list + "]";
}

std::vector<std::string_view> names_of(std::uint8_t weekdays) {
  std::vector<std::string_view> names;
  for (unsigned i = 0; i < weekday_names.size(); ++i) {
    if ((weekdays >> i & 1U) != 0) {
      names.push_back(weekday_names[i]);
    }
  }
  return names;
}

template <typename Items, typename ToText>
void append_words(std::string& text, const Items& items, ToText to_text) {
  bool first = true;
  for (const auto& item : items) {
    text += first ? (text.empty() ? "" : " ") : ", ";
    text += to_text(item);
    first = false;
  }
}

}  // namespace

std::string_view weekday_name(unsigned weekday) {
  return weekday_names[weekday];
}

std::optional<DayNumber> parse_day(std::string_view text) {
  constexpr std::size_t length = std::string_view("YYYY-MM-DD").size();
  const Result<Timestamp> midnight = text.size() == length ? parse_timestamp(text) : Timestamp{timestamp_max};
  if (!midnight.ok() || *midnight == timestamp_max) {
    return std::nullopt;
  }
  return static_cast<DayNumber>(*midnight / microseconds_per_day);
}

std::string day_text(DayNumber day) {
  const std::string text = timestamp_text(day * microseconds_per_day);
  return text.substr(0, text.find('T'));
}

bool TimeWindow::has_date(DayNumber day) const {
  return std::binary_search(dates.begin(), dates.end(), day);
}

TimeWindow::Local TimeWindow::local_time(Timestamp at) const {
  const Timestamp local = at + utc_offset(time_zone, at) * microseconds_per_second;
  const Timestamp day = local / microseconds_per_day - (local % microseconds_per_day < 0 ? 1 : 0);
  const Timestamp minute = (local - day * microseconds_per_day) / (60 * microseconds_per_second);
  return {static_cast<DayNumber>(day), static_cast<int>(minute)};
}

std::string TimeWindow::to_json() const {
  std::string json;
  const auto add = [&](std::string_view key, const std::string& value) {
    json += json.empty() ? "{\"" : ", \"";
    json += key;
    json += "\": ";
    json += value;
  };
  if (!hours.empty()) {
    add("hours", one_or_more(hours, hours_text));
  }
  if (weekdays != every_day) {
    add("weekdays", one_or_more(names_of(weekdays), [](std::string_view name) { return std::string(name); }));
  }
  if (!dates.empty()) {
    add("dates", one_or_more(dates, day_text));
  }
  if (time_zone != "UTC") {
    add("time_zone", json_quote(time_zone));
  }
  return json + "}";
}

std::string TimeWindow::to_text() const {
  std::string text;
  if (weekdays != every_day) {
    append_words(text, names_of(weekdays), [](std::string_view name) { return std::string(name); });
  }
  append_words(text, dates, day_text);
  append_words(text, hours, hours_text);
  return text + " " + time_zone;
}

}  // namespace spend
