#include "core/timestamp_text.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>

#include "core/error_text.hpp"

namespace spend {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year;

constexpr sys_days epoch = year(2000) / 1 / 1;
constexpr Timestamp first_written = (sys_days(year(1) / 1 / 1) - epoch).count() * microseconds_per_day;
constexpr Timestamp first_not_written = (sys_days(year(10000) / 1 / 1) - epoch).count() * microseconds_per_day;

/// Walks over text of fixed-width fields.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  /// Exactly `width` digits.
  std::optional<unsigned> number(std::size_t width) {
    if (rest_.size() < width) {
      return std::nullopt;
    }
    unsigned value = 0;
    for (const char c : rest_.substr(0, width)) {
      if (c < '0' || c > '9') {
        return std::nullopt;
      }
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    rest_.remove_prefix(width);
    return value;
  }

  /// One character out of `choices`.
  std::optional<char> one_of(std::string_view choices) {
    if (rest_.empty() || choices.find(rest_.front()) == std::string_view::npos) {
      return std::nullopt;
    }
    const char found = rest_.front();
    rest_.remove_prefix(1);
    return found;
  }

  /// All digits that follow.
  std::string_view digits() {
    const std::size_t end = rest_.find_first_not_of("0123456789");
    const std::string_view result = rest_.substr(0, end);
    rest_.remove_prefix(result.size());
    return result;
  }

 private:
  std::string_view rest_;
};

Error syntax_error(std::string_view text) {
  return {ErrorKind::invalid_text, "invalid timestamp " + quoted(text), "",
          "Write RFC 3339 with an offset, such as \"2025-06-10T00:00:00Z\", a date, or \"infinity\"."};
}

Error range_error(std::string_view text, const char* detail) {
  return {ErrorKind::out_of_range, "timestamp out of range: " + quoted(text), detail, ""};
}

/// Microseconds of a fraction's digits; nothing when they are finer.
std::optional<std::int64_t> fraction(std::string_view digits) {
  constexpr std::size_t places = 6;
  if (digits.size() > places && digits.find_first_not_of('0', places) != std::string_view::npos) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  for (std::size_t i = 0; i < places; ++i) {
    value = value * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  }
  return value;
}

/// Offset from UTC in minutes.
std::optional<std::int64_t> offset_minutes(Fields& fields) {
  const std::optional<char> sign = fields.one_of("Zz+-");
  if (!sign.has_value() || *sign == 'Z' || *sign == 'z') {
    return sign.has_value() ? std::optional<std::int64_t>(0) : std::nullopt;
  }
  const std::optional<unsigned> hours = fields.number(2);
  const bool colon = fields.one_of(":").has_value();
  const std::optional<unsigned> minutes = fields.number(2);
  if (!hours.has_value() || !colon || !minutes.has_value() || *hours > 23 || *minutes > 59) {
    return std::nullopt;
  }
  const std::int64_t total = static_cast<std::int64_t>(*hours) * 60 + *minutes;
  return *sign == '-' ? -total : total;
}

std::optional<sys_days> read_date(Fields& fields) {
  const std::optional<unsigned> y = fields.number(4);
  const bool first_dash = fields.one_of("-").has_value();
  const std::optional<unsigned> m = fields.number(2);
  const bool second_dash = fields.one_of("-").has_value();
  const std::optional<unsigned> d = fields.number(2);
  if (!y.has_value() || !first_dash || !m.has_value() || !second_dash || !d.has_value()) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{year(static_cast<int>(*y)), std::chrono::month(*m), std::chrono::day(*d)};
  return date.ok() ? std::optional<sys_days>(sys_days(date)) : std::nullopt;
}

}  // namespace

bool is_writable_timestamp(Timestamp value) {
  return value == timestamp_min || value == timestamp_max || (value >= first_written && value < first_not_written);
}

Result<Timestamp> parse_timestamp(std::string_view text) {
  if (text == "infinity") {
    return timestamp_max;
  }
  if (text == "-infinity") {
    return timestamp_min;
  }
  Fields fields(text);
  const std::optional<sys_days> date = read_date(fields);
  if (!date.has_value()) {
    return syntax_error(text);
  }
  Timestamp value = (*date - epoch).count() * microseconds_per_day;
  if (!fields.at_end()) {
    const bool separator = fields.one_of("Tt ").has_value();
    const std::optional<unsigned> hour = fields.number(2);
    const bool first_colon = fields.one_of(":").has_value();
    const std::optional<unsigned> minute = fields.number(2);
    const bool second_colon = fields.one_of(":").has_value();
    const std::optional<unsigned> second = fields.number(2);
    if (!separator || !hour.has_value() || !first_colon || !minute.has_value() || !second_colon ||
        !second.has_value() || *hour > 23 || *minute > 59 || *second > 59) {
      return syntax_error(text);
    }
    value += ((*hour * std::int64_t{60} + *minute) * 60 + *second) * microseconds_per_second;
    if (fields.one_of(".").has_value()) {
      const std::string_view digits = fields.digits();
      if (digits.empty()) {
        return syntax_error(text);
      }
      const std::optional<std::int64_t> micros = fraction(digits);
      if (!micros.has_value()) {
        return range_error(text, "Times are kept to the microsecond.");
      }
      value += *micros;
    }
    const std::optional<std::int64_t> offset = offset_minutes(fields);
    if (!offset.has_value() || !fields.at_end()) {
      return syntax_error(text);
    }
    value -= *offset * 60 * microseconds_per_second;
  }
  if (!is_writable_timestamp(value)) {
    return range_error(text, "Years go from 0001 to 9999.");
  }
  return value;
}

std::string timestamp_text(Timestamp value) {
  if (value == timestamp_min) {
    return "-infinity";
  }
  if (value == timestamp_max) {
    return "infinity";
  }
  const std::chrono::microseconds since_epoch(value);
  const auto whole_days = std::chrono::floor<days>(since_epoch);
  const std::chrono::year_month_day date(epoch + whole_days);
  const std::int64_t micros = (since_epoch - whole_days).count();
  const std::int64_t seconds = micros / microseconds_per_second;
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  std::string text = buffer.data();
  if (const std::int64_t rest = micros % microseconds_per_second; rest != 0) {
    std::snprintf(buffer.data(), buffer.size(), ".%06d", static_cast<int>(rest));
    text += buffer.data();
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

}  // namespace spend
