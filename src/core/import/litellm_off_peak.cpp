#include "core/import/litellm_off_peak.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error_text.hpp"
#include "core/time_window.hpp"
#include "core/time_zone.hpp"

namespace spend {

namespace {

constexpr int minutes_of_day = 24 * 60;

/// From the first minute up to the second, which may lie on the next day.
struct Span {
  int from;
  int until;
};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  return text;
}

std::optional<int> number_below(std::string_view text, int end) {
  int number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && stop == text.data() + text.size() && text.size() <= 2;
  return is_whole && number >= 0 && number < end ? std::optional(number) : std::nullopt;
}

/// "16:30", and "6:30" as well.
std::optional<int> minute_of(std::string_view text) {
  text = trimmed(text);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<int> hour = number_below(text.substr(0, colon), 24);
  const std::optional<int> minute = number_below(text.substr(colon + 1), 60);
  return hour && minute ? std::optional(*hour * 60 + *minute) : std::nullopt;
}

std::optional<Span> span_of(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<int> from = minute_of(text.substr(0, dash));
  const std::optional<int> until = minute_of(text.substr(dash + 1));
  return from && until ? std::optional(Span{*from, *until}) : std::nullopt;
}

std::string clock_text(int minute) {
  const auto two = [](int number) {
    return std::string(1, static_cast<char>('0' + number / 10)) + static_cast<char>('0' + number % 10);
  };
  return two(minute / 60) + ":" + two(minute % 60);
}

std::string list_text(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    list += (list.empty() ? "" : ", ") + json_quote(text);
  }
  return "[" + list + "]";
}

/// The hours of a rule; those that cannot be read are named in `bad`.
std::vector<Span> read_hours(const Json* value, std::vector<std::string>& bad) {
  std::vector<Span> spans;
  const auto add = [&](const Json& hours) {
    const std::optional<Span> span = hours.type == Json::Type::string ? span_of(hours.text) : std::nullopt;
    if (span.has_value()) {
      spans.push_back(*span);
    } else {
      bad.push_back(hours.text.empty() ? "hours_utc" : quoted(hours.text));
    }
  };
  if (value == nullptr) {
    return spans;
  }
  if (value->type == Json::Type::array) {
    std::for_each(value->items.begin(), value->items.end(), add);
  } else {
    add(*value);
  }
  return spans;
}

/// The day's name in our words: 1 is Monday, "Thurs" and "thursday" are the same.
std::optional<std::string> weekday_of(const Json& value) {
  if (value.type == Json::Type::number) {
    const std::optional<int> number = number_below(value.text, 8);
    return number && *number > 0 ? std::optional(std::string(weekday_name(static_cast<unsigned>(*number - 1))))
                                 : std::nullopt;
  }
  constexpr std::array<std::array<std::string_view, 4>, 7> names = {{{"mon", "monday"},
                                                                     {"tue", "tues", "tuesday"},
                                                                     {"wed", "wednesday"},
                                                                     {"thu", "thur", "thurs", "thursday"},
                                                                     {"fri", "friday"},
                                                                     {"sat", "saturday"},
                                                                     {"sun", "sunday"}}};
  if (value.type != Json::Type::string) {
    return std::nullopt;
  }
  std::string name(trimmed(value.text));
  for (char& c : name) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  for (unsigned day = 0; day < names.size() && !name.empty(); ++day) {
    if (std::find(names[day].begin(), names[day].end(), name) != names[day].end()) {
      return std::string(weekday_name(day));
    }
  }
  return std::nullopt;
}

/// Minutes by which the zone's clocks are ahead of UTC, now and always; nothing where they are put forward and back.
std::optional<int> fixed_offset(std::string_view zone) {
  constexpr Timestamp month = Timestamp{30} * 24 * 3600 * 1'000'000;
  constexpr int from = 20 * 12;  // about 2020
  constexpr int until = 40 * 12;
  const std::int32_t first = utc_offset(zone, from * month);
  for (int i = from; i < until; ++i) {
    if (utc_offset(zone, i * month) != first) {
      return std::nullopt;
    }
  }
  return first % 60 == 0 ? std::optional(first / 60) : std::nullopt;
}

/// One rule: hours in UTC, and the days on which they hold.
struct Rule {
  std::vector<Span> hours;
  std::string days;  ///< `"weekdays": [...]` or `"dates": [...]`; "" for every day
};

class RuleReader {
 public:
  explicit RuleReader(std::vector<std::string>& notes) : notes_(notes) {}

  std::vector<Rule> rules;

  void read_flat(const Json* hours) {
    Rule rule;
    rule.hours = hours_of(hours);
    add(std::move(rule));
  }
  void read_rule(const Json& value) {
    const Json* const dates = value.find("override_dates");
    const Json* const weekdays = value.find("weekdays");
    Rule rule;
    rule.hours = hours_of(value.find("hours_utc"));
    if (is_given(dates)) {
      rule.days = read_dates(*dates);
    } else if (is_given(weekdays)) {
      rule.days = read_weekdays(*weekdays);
    }
    const bool says_days = is_given(dates) || is_given(weekdays);
    if (rule.hours.empty() || (says_days && rule.days.empty())) {
      leave_out("a rule without hours or days");
      return;
    }
    add(std::move(rule));
  }
  void leave_out(const std::string& what) { notes_.push_back("left out: off_peak_pricing: " + what); }

 private:
  static bool is_given(const Json* value) { return value != nullptr && value->type != Json::Type::null; }

  std::vector<Span> hours_of(const Json* value) {
    std::vector<std::string> bad;
    std::vector<Span> spans = read_hours(value, bad);
    for (const std::string& text : bad) {
      leave_out(text + " are no hours");
    }
    return spans;
  }
  /// One date that cannot be read makes the rule void: it could otherwise hold on fewer days than were meant.
  static std::string read_dates(const Json& value) {
    std::vector<std::string> dates;
    for (const Json& item : value.items) {
      if (item.type != Json::Type::string || !parse_day(item.text)) {
        return {};
      }
      dates.push_back(item.text);
    }
    return dates.empty() ? "" : R"("dates": )" + list_text(dates);
  }
  std::string read_weekdays(const Json& value) {
    std::vector<std::string> names;
    for (const Json& item : value.items) {
      if (std::optional<std::string> name = weekday_of(item)) {
        names.push_back(*std::move(name));
      } else {
        leave_out(quoted(item.text) + " is no day of the week");
      }
    }
    return names.empty() ? "" : R"("weekdays": )" + list_text(names);
  }
  void add(Rule rule) {
    if (!rule.hours.empty()) {
      rules.push_back(std::move(rule));
    }
  }

  std::vector<std::string>& notes_;
};

/// The rule as a window of ours. On a calendar the hours end at midnight and go on in the next morning: the day is that
/// of the moment, whereas a window of ours that wraps belongs to the day on which it began.
std::string window_text(const Rule& rule, int offset, std::string_view zone, bool by_calendar) {
  std::vector<std::string> hours;
  for (const Span& span : rule.hours) {
    const int from = (span.from + offset + minutes_of_day) % minutes_of_day;
    const int until = (span.until + offset + minutes_of_day) % minutes_of_day;
    if (by_calendar && span.from == span.until) {
      hours.emplace_back("00:00-00:00");
    } else if (by_calendar && until < from) {
      hours.push_back(clock_text(from) + "-00:00");
      if (until > 0) {
        hours.push_back("00:00-" + clock_text(until));
      }
    } else {
      hours.push_back(clock_text(from) + "-" + clock_text(until));
    }
  }
  std::string text = R"({"hours": )" + list_text(hours);
  if (!rule.days.empty()) {
    text += ", " + rule.days;
  }
  if (zone != "UTC") {
    text += R"(, "time_zone": )" + json_quote(zone);
  }
  return text + "}";
}

std::string time_of(const Json& block, RuleReader& reader) {
  reader.read_flat(block.find("hours_utc"));
  const Json* const windows = block.find("windows");
  for (const Json& rule : windows != nullptr ? windows->items : std::vector<Json>()) {
    if (rule.type == Json::Type::object) {
      reader.read_rule(rule);
    } else {
      reader.leave_out("a rule that is no object");
    }
  }
  const bool by_calendar =
      std::any_of(reader.rules.begin(), reader.rules.end(), [](const Rule& rule) { return !rule.days.empty(); });
  std::string zone = "UTC";
  int offset = 0;
  const Json* const calendar = block.find("weekday_timezone");
  if (by_calendar && calendar != nullptr && calendar->type == Json::Type::string) {
    const std::string name(trimmed(calendar->text));
    if (!is_time_zone(name)) {
      reader.leave_out(quoted(name) + " is no time zone, days are those of UTC");
    } else if (const std::optional<int> fixed = fixed_offset(name)) {
      zone = name;
      offset = *fixed;
    } else {
      reader.leave_out("days of " + quoted(name) + ", whose clocks change, with hours of UTC");
      return {};
    }
  }
  std::string time;
  for (const Rule& rule : reader.rules) {
    time += (time.empty() ? "" : ", ") + window_text(rule, offset, zone, by_calendar);
  }
  return time.empty() ? time : "[" + time + "]";
}

}  // namespace

Result<LiteLlmOffPeak> read_litellm_off_peak(const Json& block, std::vector<std::string>& notes) {
  LiteLlmOffPeak off_peak;
  RuleReader reader(notes);
  if (block.type != Json::Type::object) {
    reader.leave_out("it is no object");
    return off_peak;
  }
  off_peak.time = time_of(block, reader);
  constexpr std::array<std::string_view, 5> known = {"input_cost_per_token", "output_cost_per_token",
                                                     "cache_read_input_token_cost", "cache_creation_input_token_cost",
                                                     "output_cost_per_reasoning_token"};
  for (const auto& [key, value] : block.members) {
    if (key == "hours_utc" || key == "windows" || key == "weekday_timezone" || value.type == Json::Type::null) {
      continue;
    }
    const bool is_figure = value.type == Json::Type::number || value.type == Json::Type::string;
    if (!is_figure || std::find(known.begin(), known.end(), key) == known.end()) {
      reader.leave_out(key);
      continue;
    }
    const std::optional<LiteLlmCost> cost = parse_litellm_key(key);
    Result<CatalogNumber> number = litellm_number(value, *cost, key, notes);
    if (!number.ok()) {
      return std::move(number).error();
    }
    Result<Rate> written = rate_of(*number, cost->key->per);
    if (!written.ok()) {
      return std::move(written).error();
    }
    off_peak.rates.push_back(
        {.cost = *cost, .key = key, .meter = std::string(cost->key->meter), .rate = *written, .figure = *number});
  }
  if (off_peak.time.empty() || off_peak.rates.empty()) {
    off_peak = {};
    reader.leave_out("it has no hours, or no rates");
  }
  return off_peak;
}

}  // namespace spend
