#include "core/money_text.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace spend::test {
namespace {

std::string text(std::string_view amount, std::string_view currency, std::string_view locale) {
  const Result<std::string> result = format_amount(amount, currency, locale);
  return result.ok() ? *result : "error: " + result.error().message;
}

TEST(MoneyText, WritesAsTheLocaleDoes) {
  EXPECT_EQ(text("1234567.891", "USD", "en"), "$1,234,567.89");
  EXPECT_EQ(text("1234567.891", "EUR", "de"), "1.234.567,89\u00a0€");
  EXPECT_EQ(text("1234567.891", "INR", "en-IN"), "₹12,34,567.89");
  EXPECT_EQ(text("-0.5", "USD", "en_US"), "-$0.50");
}

TEST(MoneyText, RoundsToTheMinorUnitHalfUp) {
  EXPECT_EQ(text("1234.5", "JPY", "en"), "¥1,235");
  EXPECT_EQ(text("1.2345", "KWD", "en"), "KWD\u00a01.235");
  EXPECT_EQ(text("0.125", "USD", "en"), "$0.13");
  EXPECT_EQ(text("-0.125", "USD", "en"), "-$0.13");
}

TEST(MoneyText, KeepsDigitsThatNoDoubleHolds) {
  EXPECT_EQ(text("99999999999999999999.99", "USD", "en"), "$99,999,999,999,999,999,999.99");
  EXPECT_EQ(text("0.145", "USD", "en"), "$0.15");  // as a double it is less
}

TEST(MoneyText, PutsOtherUnitsBehindTheNumber) {
  EXPECT_EQ(text("1234.5", "DBU", "en"), "1,234.50\u00a0DBU");
  EXPECT_EQ(text("0.000000000000000001", "CREDITS", "de"), "0,000000000000000001\u00a0CREDITS");
}

TEST(MoneyText, RefusesWhatItDoesNotUnderstand) {
  for (const char* locale : {"", "xx", "english please", "en-", "../etc", "zz_ZZ"}) {
    EXPECT_TRUE(text("1", "USD", locale).starts_with("error: unknown locale")) << locale;
  }
  for (const char* currency : {"", "usd", "US D", "€", "TWELVELETTERS"}) {
    EXPECT_TRUE(text("1", currency, "en").starts_with("error: ")) << currency;
  }
  for (const char* amount : {"NaN", "Infinity", "-Infinity", "", "-", "1e5"}) {
    EXPECT_TRUE(text(amount, "USD", "en").starts_with("error: amount")) << amount;
  }
}

TEST(MoneyText, KnowsTheCurrenciesOfToday) {
  for (const char* code : {"USD", "EUR", "JPY", "INR", "GBP", "CHF", "KWD"}) {
    EXPECT_TRUE(is_iso_currency(code)) << code;
  }
  for (const char* code : {"", "usd", "DBU", "DEM", "USDX", "CREDITS", "US"}) {
    EXPECT_FALSE(is_iso_currency(code)) << code;
  }
}

}  // namespace
}  // namespace spend::test
