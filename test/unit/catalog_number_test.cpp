#include <gtest/gtest.h>

#include "core/import/rate_text.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

struct Figure {
  const char* text;
  const char* value;  ///< "" when it is refused
  bool cleaned;
};

TEST(CatalogNumber, FloatDust) {
  const Figure figures[] = {
      {"2.5e-06", "0.0000025", false},
      {"0", "0", false},
      {"12", "12", false},
      {"1200", "1200", false},
      {"4.5003000000000007E-7", "0.00000045003", true},
      {"0.00000045003000000000007", "0.00000045003", true},
      {"3.0001999999999996e-07", "0.00000030002", true},
      {"0.18000000000000002", "0.18", true},
      {"29999.900000000002", "29999.9", true},
      {"300000000000000040", "300000000000000000", true},
      // Fifteen digits may be an author's own.
      {"0.000416666666666667", "0.000416666666666667", false},
      // Thirds, sixtieths: nobody can tell.
      {"0.0002833333333333333", "", false},
      {"3.3333333333333335e-05", "", false},
      {"0.08333333333333334", "", false},
      // Digits that differ where a float would not.
      {"1.000000000050003", "", false},
      {"-1", "", false},
      {"1.2.3", "", false},
      {"1.2.3000000000000000007", "", false},
      {"", "", false},
      {"1e99999999", "", false},
      {"NaN", "", false},
  };
  for (const Figure& figure : figures) {
    const Result<CatalogNumber> number = read_catalog_number(figure.text);
    ASSERT_EQ(number.ok(), *figure.value != '\0') << figure.text;
    if (number.ok()) {
      EXPECT_EQ(number->value.to_string(), figure.value) << figure.text;
      EXPECT_EQ(number->cleaned, figure.cleaned) << figure.text;
    }
  }
}

TEST(CatalogNumber, SecondsThatDoNotEndEndByTheHour) {
  const auto seconds = [](const char* text) {
    const Result<CatalogNumber> number = read_catalog_rate(text, Per::one, true);
    return number.ok() ? must(rate_of(*number, Per::one), text).to_string() : "refused";
  };
  EXPECT_EQ(seconds("0.0002833333333333333"), "1.02/hour");
  EXPECT_EQ(seconds("3.3333333333333335e-05"), "0.12/hour");
  EXPECT_EQ(seconds("0.0001"), "0.0001/1");
  EXPECT_EQ(seconds("0.0002833333333312345"), "refused");
  EXPECT_FALSE(read_catalog_rate("0.0002833333333333333", Per::one, false).ok());
}

TEST(CatalogNumber, WhatIsFinerThanADecimalIsReadByTheUnitInWhichItIsWritten) {
  const auto million = [](const char* text) {
    const Result<CatalogNumber> number = read_catalog_rate(text, Per::million, false);
    return number.ok() ? must(rate_of(*number, Per::million), text).to_string() : "refused";
  };
  EXPECT_EQ(million("0.0000000020751953125"), "0.0020751953125/1M");
  EXPECT_EQ(million("2.0751953125e-09"), "0.0020751953125/1M");
  EXPECT_EQ(million("0.0000000000000000020751953125"), "refused");
  EXPECT_EQ(million("1e-30"), "refused");
  EXPECT_EQ(million("-0.0000000020751953125"), "refused");
  EXPECT_FALSE(read_catalog_rate("0.0000000020751953125", Per::one, false).ok());
}

TEST(CatalogNumber, RatesKeepTheirUnit) {
  EXPECT_EQ(must(rate_per(must(Decimal::parse("0.0000025"), ""), Per::million), "").to_string(), "2.5/1M");
  EXPECT_EQ(must(rate_per(must(Decimal::parse("0.01"), ""), Per::thousand), "").to_string(), "10/1k");
  EXPECT_FALSE(multiply(must(Decimal::parse("1e19"), ""), must(Decimal::parse("1e19"), "")).ok());
  EXPECT_FALSE(multiply(must(Decimal::parse("1e-18"), ""), must(Decimal::parse("0.1"), "")).ok());
}

TEST(CatalogNumber, SanityGuard) {
  for (const char* sane : {"0", "1e-10", "0.000003", "0.01"}) {
    EXPECT_TRUE(is_sane_token_rate(must(Decimal::parse(sane), sane))) << sane;
  }
  for (const char* insane : {"0.54", "0.010000000000000001", "9.9e-11"}) {
    EXPECT_FALSE(is_sane_token_rate(must(Decimal::parse(insane), insane))) << insane;
  }
}

}  // namespace
}  // namespace spend::test
