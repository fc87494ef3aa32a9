#include "core/decimal.hpp"

#include <algorithm>
#include <cstddef>

#include "core/error_text.hpp"
#include "core/pow10.hpp"

namespace spend {

namespace {

constexpr const char* range_detail =
    "A value has at most 20 digits before and 18 digits after the decimal point, so that money stays exact.";

Error range_error(std::string message) {
  return {ErrorKind::out_of_range, std::move(message), range_detail, ""};
}

/// Removes trailing zeros of the coefficient while digits after the point remain.
void strip_zeros(u128& coefficient, int& scale) {
  // 64-bit division is several times faster than 128-bit division, and nearly every amount fits.
  while (scale > 0 && (coefficient >> 64) != 0) {
    if (coefficient % 10 != 0) {
      return;
    }
    coefficient /= 10;
    --scale;
  }
  auto low = static_cast<std::uint64_t>(coefficient);
  if ((coefficient >> 64) == 0) {
    while (scale > 0 && low % 10 == 0) {
      low /= 10;
      --scale;
    }
    coefficient = low;
  }
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The parts of decimal text: significant digits without leading zeros, and the power of ten of the last one.
struct Scanned {
  bool negative = false;
  bool valid = false;
  bool too_long = false;  ///< more than max_digits significant digits
  u128 digits = 0;
  std::int64_t exponent = 0;
};

/// Collects significant digits in one pass; zeros are held back until a non-zero digit follows, so that trailing
/// zeros, however many, neither count nor overflow.
class DigitCollector {
 public:
  void push(char c, bool after_point) {
    if (c == '0') {
      ++pending_zeros_;
    } else {
      take(c);
    }
    position_after_point_ += after_point ? 1 : 0;
  }
  void finish(Scanned& out, std::int64_t written_exponent) const {
    out.too_long = digits_ > Decimal::max_digits;
    out.digits = value_;
    out.exponent = value_ == 0 ? 0 : written_exponent - position_after_point_ + (digits_ > 0 ? pending_zeros_ : 0);
  }

 private:
  void take(char c) {
    if (digits_ > 0) {
      digits_ += pending_zeros_;
    }
    const std::int64_t zeros = digits_ > 0 ? pending_zeros_ : 0;
    pending_zeros_ = 0;
    ++digits_;
    if (digits_ <= Decimal::max_digits) {
      value_ = value_ * pow10[static_cast<std::size_t>(zeros + 1)] + static_cast<unsigned>(c - '0');
    }
  }

  u128 value_ = 0;
  std::int64_t digits_ = 0;
  std::int64_t pending_zeros_ = 0;
  std::int64_t position_after_point_ = 0;
};

/// The exponent's value, saturated: its size must not cost work, nor overflow.
std::int64_t read_exponent(std::string_view digits) {
  constexpr std::int64_t saturated = 1'000'000'000'000;
  std::int64_t value = 0;
  for (const char c : digits) {
    value = std::min(saturated, value * 10 + (c - '0'));
  }
  return value;
}

Scanned scan(std::string_view text) {
  Scanned result;
  std::size_t i = 0;
  const auto digit_run_end = [&](std::size_t from) {
    while (from < text.size() && is_digit(text[from])) {
      ++from;
    }
    return from;
  };
  if (i < text.size() && text[i] == '-') {
    result.negative = true;
    ++i;
  }
  DigitCollector collector;
  std::size_t end = digit_run_end(i);
  if (end == i) {
    return result;
  }
  for (; i < end; ++i) {
    collector.push(text[i], false);
  }
  if (i < text.size() && text[i] == '.') {
    end = digit_run_end(i + 1);
    if (end == i + 1) {
      return result;
    }
    for (++i; i < end; ++i) {
      collector.push(text[i], true);
    }
  }
  std::int64_t exponent = 0;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    bool negative_exponent = false;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) {
      negative_exponent = text[i] == '-';
      ++i;
    }
    end = digit_run_end(i);
    if (end == i) {
      return result;
    }
    exponent = read_exponent(text.substr(i, end - i));
    exponent = negative_exponent ? -exponent : exponent;
    i = end;
  }
  result.valid = i == text.size();
  collector.finish(result, exponent);
  return result;
}

}  // namespace

Result<Decimal> Decimal::from_parts(u128 coefficient, int scale) {
  Decimal result;
  if (coefficient == 0) {
    return result;
  }
  if (scale < 0) {
    if (scale < -max_integer_digits || coefficient >= pow10[static_cast<std::size_t>(max_integer_digits + scale)]) {
      return range_error("number is out of range");
    }
    coefficient *= pow10[static_cast<std::size_t>(-scale)];
    scale = 0;
  }
  strip_zeros(coefficient, scale);
  if (scale > max_scale || coefficient >= pow10[static_cast<std::size_t>(max_integer_digits + scale)]) {
    return range_error("number is out of range");
  }
  result.coefficient_ = coefficient;
  result.scale_ = static_cast<std::uint8_t>(scale);
  return result;
}

Result<Decimal> Decimal::parse(std::string_view text) {
  const Scanned scanned = scan(text);
  if (!scanned.valid) {
    return Error{ErrorKind::invalid_text, "not a decimal number: " + quoted(text), "", ""};
  }
  if (scanned.digits == 0) {
    return Decimal();
  }
  if (scanned.negative) {
    return Error{ErrorKind::invalid_value, "number must not be negative: " + quoted(text), "", ""};
  }
  if (scanned.too_long || scanned.exponent < -max_scale || scanned.exponent >= max_integer_digits) {
    return range_error("number is out of range: " + quoted(text));
  }
  Result<Decimal> result = from_parts(scanned.digits, static_cast<int>(-scanned.exponent));
  if (!result.ok()) {
    return range_error("number is out of range: " + quoted(text));
  }
  return result;
}

std::string Decimal::to_string() const {
  char buffer[max_digits + 3];
  char* const end = buffer + sizeof(buffer);
  char* p = end;
  u128 rest = coefficient_;
  int written = 0;
  const auto put = [&](unsigned digit) {
    if (written == scale_ && scale_ > 0) {
      *--p = '.';
    }
    *--p = static_cast<char>('0' + digit);
    ++written;
  };
  while ((rest >> 64) != 0) {
    put(static_cast<unsigned>(rest % 10));
    rest /= 10;
  }
  for (auto low = static_cast<std::uint64_t>(rest); low != 0 || written <= scale_; low /= 10) {
    put(static_cast<unsigned>(low % 10));
  }
  return {p, end};
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale(), b.scale());
  return rescale(a.coefficient(), a.scale(), scale) <=> rescale(b.coefficient(), b.scale(), scale);
}

Result<Decimal> add(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale(), b.scale());
  // Two values below 10^38 stay below 2^128.
  return Decimal::from_parts(rescale(a.coefficient(), a.scale(), scale) + rescale(b.coefficient(), b.scale(), scale),
                             scale);
}

Decimal subtract(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale(), b.scale());
  const u128 difference = rescale(a.coefficient(), a.scale(), scale) - rescale(b.coefficient(), b.scale(), scale);
  return Decimal::from_parts(difference, scale).value();
}

}  // namespace spend
