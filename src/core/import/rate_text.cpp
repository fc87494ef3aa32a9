#include "core/import/rate_text.hpp"

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

Result<CatalogNumber> read_catalog_number(std::string_view text) {
  // A catalog's numbers are finer than 18 decimals when they carry dust ("4.5003000000000007E-7" has 23), so the digits
  // are read apart from their exponent.
  std::string digits;
  int scale = 0;
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
    if (!digits.empty() || text[i] != '0') {
      digits += text[i];
    }
    scale += after_point ? 1 : 0;
  }
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    --scale;
  }
  constexpr std::size_t most_digits = 30;  // beyond, not what a float prints
  if (digits.size() <= float_digits || digits.size() > most_digits) {
    Result<Decimal> value = Decimal::parse(text);
    if (!value.ok()) {
      return std::move(value).error();
    }
    return CatalogNumber{*value, false};
  }
  const std::string_view exponent = text.substr(i);
  u128 written = 0;
  for (const char digit : digits) {
    written = written * 10 + static_cast<u128>(digit - '0');
  }
  const int surplus = static_cast<int>(digits.size()) - float_digits;
  const u128 unit = pow10[static_cast<std::size_t>(surplus)];
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
  std::string cleaned;
  for (u128 rest = significant; rest != 0; rest /= 10) {
    cleaned.insert(cleaned.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  }
  const int decimals = scale - trailing;
  if (decimals > 0) {
    if (cleaned.size() <= static_cast<std::size_t>(decimals)) {
      cleaned.insert(0, static_cast<std::size_t>(decimals) - cleaned.size() + 1, '0');
    }
    cleaned.insert(cleaned.size() - static_cast<std::size_t>(decimals), 1, '.');
  } else {
    cleaned.append(static_cast<std::size_t>(-decimals), '0');
  }
  Result<Decimal> value = Decimal::parse(cleaned.append(exponent));
  if (!value.ok()) {
    return std::move(value).error();
  }
  return CatalogNumber{*value, true};
}

Result<Rate> rate_per(const Decimal& amount, Per per) {
  Result<Decimal> scaled = multiply(amount, Decimal::from_integer(divisor(per)));
  if (!scaled.ok()) {
    return std::move(scaled).error();
  }
  return Rate{*scaled, per};
}

bool is_sane_token_rate(const Decimal& per_token) {
  static const Decimal least = *Decimal::from_parts(1, 10);
  static const Decimal most = *Decimal::from_parts(1, 2);
  return per_token.is_zero() || (per_token >= least && per_token <= most);
}

}  // namespace spend
