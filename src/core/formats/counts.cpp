#include "core/formats/counts.hpp"

#include <algorithm>
#include <utility>

#include "core/error_text.hpp"

namespace spend::formats {

namespace {

/// No call has more of anything; the ledger refuses such a count too.
constexpr std::uint64_t count_limit = 1'000'000'000'000'000;

/// "0.12345e-7" as digits and the number of them after the point; false for what is no plain number.
bool split_number(std::string_view text, std::string& digits, long& scale) {
  const std::size_t e = text.find_first_of("eE");
  const std::string_view mantissa = text.substr(0, e);
  long exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view rest = text.substr(e + 1);
    const bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) {
      rest.remove_prefix(1);
    }
    if (rest.empty() || rest.size() > 4 || rest.find_first_not_of("0123456789") != std::string_view::npos) {
      return false;
    }
    for (const char c : rest) {
      exponent = exponent * 10 + (c - '0');
    }
    exponent = negative ? -exponent : exponent;
  }
  scale = -exponent;
  bool after_point = false;
  for (const char c : mantissa) {
    if (c == '.' && !after_point) {
      after_point = true;
    } else if (c >= '0' && c <= '9') {
      digits += c;
      scale += after_point ? 1 : 0;
    } else {
      return false;
    }
  }
  return !digits.empty() && digits.size() < 400;
}

/// Cuts digits down to 18 after the point, half-even.
void round_half_even(std::string& digits, long& scale) {
  const auto cut = static_cast<std::size_t>(std::min<long>(scale - Decimal::max_scale, 1000));
  if (cut > digits.size()) {
    digits = "0";
    scale = 0;
    return;
  }
  const std::string dropped = digits.substr(digits.size() - cut);
  digits.resize(digits.size() - cut);
  digits.insert(0, "0");
  scale = Decimal::max_scale;
  const bool more_than_half =
      dropped[0] > '5' || (dropped[0] == '5' && dropped.find_first_not_of('0', 1) != std::string::npos);
  const bool half = dropped[0] == '5' && !more_than_half;
  if (more_than_half || (half && (digits.back() - '0') % 2 == 1)) {
    std::size_t i = digits.size() - 1;
    while (digits[i] == '9') {
      digits[i--] = '0';
    }
    ++digits[i];
  }
}

}  // namespace

void Counts::fail(std::string problem) {
  if (problem_.empty()) {
    problem_ = std::move(problem);
  }
}

Count Counts::read(std::string_view name, const Json& value) {
  found_ = true;
  if (value.type != Json::Type::number && value.type != Json::Type::string) {
    fail(quoted(name) + " is not a number");
    return std::nullopt;
  }
  const Result<Decimal> parsed = Decimal::parse(value.text);
  if (!parsed.ok() || *parsed >= Decimal::from_integer(count_limit)) {
    fail(quoted(name) + " is not a count: " + quoted(value.text));
    return std::nullopt;
  }
  return *parsed;
}

Count Counts::first(const Json* object, Names names) {
  if (object == nullptr) {
    return std::nullopt;
  }
  for (const std::string_view name : names) {
    if (const Json* const value = member(*object, name)) {
      return read(name, *value);
    }
  }
  return std::nullopt;
}

Count Counts::largest(const Json* object, Names names) {
  Count result;
  for (const std::string_view name : names) {
    result = larger(result, first(object, {name}));
  }
  return result;
}

const Json* Counts::object(const Json* parent, Names names) {
  const Json* const value = parent != nullptr ? member(*parent, names) : nullptr;
  if (value == nullptr || value->type == Json::Type::object) {
    return value;
  }
  // PHP writes an empty object as an empty list.
  if (value->type != Json::Type::array || !value->items.empty()) {
    fail(quoted(*names.begin()) + " is not an object");
  }
  return nullptr;
}

const Json* Counts::list(const Json* parent, Names names) {
  const Json* const value = parent != nullptr ? member(*parent, names) : nullptr;
  if (value == nullptr || value->type == Json::Type::array) {
    return value;
  }
  fail(quoted(*names.begin()) + " is not a list");
  return nullptr;
}

Count Counts::sum(Count a, Count b) {
  if (!a.has_value() || !b.has_value()) {
    return a.has_value() ? a : b;
  }
  const Result<Decimal> total = spend::add(*a, *b);
  if (!total.ok()) {
    fail("a sum of counts is out of range");
    return std::nullopt;
  }
  return *total;
}

void Counts::set(std::string_view meter, const Count& count) {
  if (count.has_value()) {
    usage.set(meter, *count);
  }
}

void Counts::add(std::string_view meter, const Count& count) {
  const Decimal* const before = usage.find(meter);
  set(meter, sum(before != nullptr ? Count(*before) : std::nullopt, count));
}

Count larger(const Count& a, const Count& b) {
  if (!a.has_value() || !b.has_value()) {
    return a.has_value() ? a : b;
  }
  return *a < *b ? b : a;
}

Count difference(const Count& a, const Count& b) {
  return a.has_value() && b.has_value() && *a >= *b ? Count(subtract(*a, *b)) : std::nullopt;
}

Count read_cost(const Json* value) {
  if (value == nullptr || (value->type != Json::Type::number && value->type != Json::Type::string)) {
    return std::nullopt;
  }
  std::string digits;
  long scale = 0;
  if (!split_number(value->text, digits, scale)) {
    return std::nullopt;
  }
  if (scale > Decimal::max_scale) {
    round_half_even(digits, scale);
  }
  const Result<Decimal> cost = Decimal::parse(digits + "e" + std::to_string(-scale));
  return cost.ok() ? Count(*cost) : std::nullopt;
}

}  // namespace spend::formats
