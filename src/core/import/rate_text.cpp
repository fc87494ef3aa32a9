#include "core/import/rate_text.hpp"

#include <charconv>
#include <cstddef>

#include "core/error_text.hpp"
#include "core/pow10.hpp"

namespace spend {

namespace {

constexpr int float_digits = 15;  // every decimal of so many digits survives a double and back
constexpr int clean_digits = 12;  // three zeros to spare: a coincidence is one in a thousand

int digits_of(u128 value) {
  int digits = 1;
  while (value >= 10) {
    value /= 10;
    ++digits;
  }
  return digits;
}

}  // namespace

Result<Decimal> multiply(const Decimal& a, const Decimal& b) {
  u128 product = 0;
  if (__builtin_mul_overflow(a.coefficient(), b.coefficient(), &product)) {
    return Error{ErrorKind::out_of_range, "a product of rates is out of range", "", ""};
  }
  return Decimal::from_parts(product, a.scale() + b.scale());
}

namespace {

/// "4.5003000000000007E-7" as digits, the number of them after the point, and the exponent as written.
struct Figure {
  std::string digits;
  int scale = 0;
  std::string_view exponent;
};

Figure figure_of(std::string_view text) {
  Figure figure;
  bool after_point = false;
  std::size_t i = 0;
  for (; i < text.size() && ((text[i] >= '0' && text[i] <= '9') || text[i] == '.'); ++i) {
    if (text[i] == '.') {
      if (after_point) {
        break;
      }
      after_point = true;
      continue;
    }
    if (!figure.digits.empty() || text[i] != '0') {
      figure.digits += text[i];
    }
    figure.scale += after_point ? 1 : 0;
  }
  while (!figure.digits.empty() && figure.digits.back() == '0') {
    figure.digits.pop_back();
    --figure.scale;
  }
  figure.exponent = text.substr(i);
  return figure;
}

bool is_of_a_float(const Figure& figure) {
  constexpr std::size_t most_digits = 30;  // beyond, not what a float prints
  return figure.digits.size() > float_digits && figure.digits.size() <= most_digits;
}

/// The decimal that was meant by `times` the figure, which has more digits than its author wrote.
Result<Decimal> cleaned(const Figure& figure, unsigned times, std::string_view text) {
  u128 written = 0;
  for (const char digit : figure.digits) {
    written = written * 10 + static_cast<u128>(digit - '0');
  }
  written *= times;
  const u128 unit = pow10[static_cast<std::size_t>(digits_of(written) - float_digits)];
  const u128 rounded = (written + unit / 2) / unit * unit;
  const u128 difference = rounded > written ? rounded - written : written - rounded;
  u128 significant = rounded;
  int trailing = 0;
  while (significant % 10 == 0) {
    significant /= 10;
    ++trailing;
  }
  // One part in 10^15 is a few units in the last place of a double.
  if (digits_of(significant) > clean_digits || difference > written / pow10[float_digits] + 1) {
    return Error{ErrorKind::invalid_value,
                 "float dust: which decimal " + quoted(text) + " was meant to be is ambiguous", "", ""};
  }
  // The cleaned coefficient with the exponent as written; Decimal reads the exponent.
  std::string result;
  for (u128 rest = significant; rest != 0; rest /= 10) {
    result.insert(result.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  }
  const int decimals = figure.scale - trailing;
  if (decimals > 0) {
    if (result.size() <= static_cast<std::size_t>(decimals)) {
      result.insert(0, static_cast<std::size_t>(decimals) - result.size() + 1, '0');
    }
    result.insert(result.size() - static_cast<std::size_t>(decimals), 1, '.');
  } else {
    result.append(static_cast<std::size_t>(-decimals), '0');
  }
  return Decimal::parse(result.append(figure.exponent));
}

/// The number with its point moved to the right, for those that are finer than a Decimal is.
Result<Decimal> shifted(const Figure& figure, int places) {
  int exponent = 0;
  if (!figure.exponent.empty()) {
    const std::string_view digits = figure.exponent.substr(figure.exponent.starts_with("e-") ? 2 : 1);
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (failure != std::errc() || end != digits.data() + digits.size() || exponent > 100) {
      return Error{ErrorKind::out_of_range, "number is out of range", "", ""};
    }
    exponent = figure.exponent.starts_with("e-") ? -exponent : exponent;
  }
  return Decimal::parse(figure.digits + "e" + std::to_string(exponent - figure.scale + places));
}

}  // namespace

Result<CatalogNumber> read_catalog_number(std::string_view text) {
  // A catalog's numbers are finer than 18 decimals when they carry dust ("4.5003000000000007E-7" has 23), so the digits
  // are read apart from their exponent.
  const Figure figure = figure_of(text);
  const bool dusty = is_of_a_float(figure);
  Result<Decimal> value = dusty ? cleaned(figure, 1, text) : Decimal::parse(text);
  if (!value.ok()) {
    return std::move(value).error();
  }
  return CatalogNumber{*value, Per::one, dusty};
}

Result<CatalogNumber> read_catalog_rate(std::string_view text, Per per, bool counts_seconds) {
  Result<CatalogNumber> one = read_catalog_number(text);
  if (one.ok()) {
    return one;
  }
  const Figure figure = figure_of(text);
  if (counts_seconds && is_of_a_float(figure)) {
    if (const Result<Decimal> hour = cleaned(figure, static_cast<unsigned>(divisor(Per::hour)), text); hour.ok()) {
      return CatalogNumber{*hour, Per::hour, true};
    }
  }
  if (one.error().kind == ErrorKind::out_of_range && per != Per::one && per != Per::hour) {
    if (const Result<Decimal> many = shifted(figure, digits_of(divisor(per)) - 1); many.ok()) {
      return CatalogNumber{*many, per, false};
    }
  }
  return one;
}

Result<Rate> rate_of(const CatalogNumber& number, Per per) {
  return number.per == Per::one ? rate_per(number.value, per) : Rate{number.value, number.per};
}

Result<Rate> rate_per(const Decimal& amount, Per per) {
  Result<Decimal> scaled = multiply(amount, Decimal::from_integer(divisor(per)));
  if (!scaled.ok()) {
    return std::move(scaled).error();
  }
  return Rate{*scaled, per};
}

bool is_sane_token_rate(const Decimal& amount, Per per) {
  static const Decimal least = *Decimal::from_parts(1, 10);
  static const Decimal most = *Decimal::from_parts(1, 2);
  const Decimal units = Decimal::from_integer(divisor(per));
  return amount.is_zero() || (amount >= *multiply(least, units) && amount <= *multiply(most, units));
}

}  // namespace spend
