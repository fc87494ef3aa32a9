#include "core/money_text.hpp"

#include <unicode/uloc.h>
#include <unicode/unumberformatter.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>

#include "core/error_text.hpp"
#include "core/iso_currencies.hpp"

namespace spend {

namespace {

constexpr std::size_t max_locale = 64;

/// ICU fails here only for want of memory (or of its own data): the one failure the core throws.
void require(UErrorCode status) {
  if (U_FAILURE(status) != 0) {
    throw std::bad_alloc();
  }
}

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= 12 && text.front() >= 'A' && text.front() <= 'Z' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) {
    text.remove_prefix(1);
  }
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

bool has_data_for(const char* locale) {
  std::array<char, max_locale> language = {};
  UErrorCode status = U_ZERO_ERROR;
  uloc_getLanguage(locale, language.data(), static_cast<std::int32_t>(language.size()), &status);
  if (U_FAILURE(status) != 0 || language.front() == '\0') {
    return false;
  }
  const std::string_view wanted = language.data();
  for (std::int32_t i = 0; i < uloc_countAvailable(); ++i) {
    const std::string_view known = uloc_getAvailable(i);
    if (known.substr(0, known.find('_')) == wanted) {
      return true;
    }
  }
  return false;
}

/// ICU's name of a locale that is written as a language tag or as that name; nothing when it has no data for it.
std::optional<std::string> locale_name(std::string_view locale) {
  if (locale.empty() || locale.size() > max_locale || locale.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::string tag(locale);
  std::replace(tag.begin(), tag.end(), '_', '-');
  std::array<char, 2 * max_locale> name = {};
  std::int32_t parsed = 0;
  UErrorCode status = U_ZERO_ERROR;
  uloc_forLanguageTag(tag.c_str(), name.data(), static_cast<std::int32_t>(name.size()), &parsed, &status);
  if (U_FAILURE(status) != 0 || static_cast<std::size_t>(parsed) != tag.size() || !has_data_for(name.data())) {
    return std::nullopt;
  }
  return std::string(name.data());
}

std::u16string widened(std::string_view ascii) {
  return {ascii.begin(), ascii.end()};
}

std::string to_utf8(const std::u16string& text) {
  std::string result(3 * text.size() + 1, '\0');
  std::int32_t length = 0;
  UErrorCode status = U_ZERO_ERROR;
  u_strToUTF8(result.data(), static_cast<std::int32_t>(result.size()), &length, text.data(),
              static_cast<std::int32_t>(text.size()), &status);
  require(status);
  result.resize(static_cast<std::size_t>(length));
  return result;
}

std::string formatted(std::string_view amount, const std::string& skeleton, const std::string& locale) {
  const std::u16string wide = widened(skeleton);
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UNumberFormatter, decltype(&unumf_close)> formatter(
      unumf_openForSkeletonAndLocale(wide.data(), static_cast<std::int32_t>(wide.size()), locale.c_str(), &status),
      &unumf_close);
  require(status);
  const std::unique_ptr<UFormattedNumber, decltype(&unumf_closeResult)> number(unumf_openResult(&status),
                                                                               &unumf_closeResult);
  require(status);
  unumf_formatDecimal(formatter.get(), amount.data(), static_cast<std::int32_t>(amount.size()), number.get(), &status);
  require(status);
  const std::int32_t length = unumf_resultToString(number.get(), nullptr, 0, &status);
  if (status == U_BUFFER_OVERFLOW_ERROR) {
    status = U_ZERO_ERROR;
  }
  require(status);
  std::u16string text(static_cast<std::size_t>(length) + 1, u'\0');
  unumf_resultToString(number.get(), text.data(), static_cast<std::int32_t>(text.size()), &status);
  require(status);
  text.resize(static_cast<std::size_t>(length));
  return to_utf8(text);
}

}  // namespace

bool is_iso_currency(std::string_view code) {
  if (code.size() != 3) {
    return false;
  }
  const std::size_t place = iso_currencies.find(code);
  return place != std::string_view::npos && place % 4 == 0;
}

Result<std::string> format_amount(std::string_view amount, std::string_view currency, std::string_view locale) {
  if (!is_decimal(amount)) {
    return Error{ErrorKind::invalid_value, "amount is not a finite number: " + quoted(amount), {}, {}};
  }
  if (!is_code(currency)) {
    return Error{
        ErrorKind::invalid_value,
        quoted(currency) + " is not the code of a currency",
        {},
        "Codes are those of ISO 4217, such as USD, or units of 1 to 12 capital letters, digits and underscores."};
  }
  const std::optional<std::string> name = locale_name(locale);
  if (!name) {
    return Error{ErrorKind::invalid_value,
                 "unknown locale " + quoted(locale),
                 {},
                 "Write a language tag that ICU knows, such as en, en-IN, de-CH or ja-JP."};
  }
  const std::string rounding = " rounding-mode-half-up";
  if (is_iso_currency(currency)) {
    return formatted(amount, "currency/" + std::string(currency) + rounding, *name);
  }
  constexpr std::string_view no_break_space = "\u00a0";
  return formatted(amount, ".00################" + rounding, *name).append(no_break_space).append(currency);
}

}  // namespace spend
