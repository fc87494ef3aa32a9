#include "core/decimal.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

#include "support.hpp"

namespace spend::test {
namespace {

TEST(Decimal, ReadsAndWritesPlainNotation) {
  const std::array<std::pair<const char*, const char*>, 20> cases = {{
      {"0", "0"},
      {"-0", "0"},
      {"-0.000", "0"},
      {"0e999999999999999999999", "0"},
      {"1", "1"},
      {"007", "7"},
      {"1200", "1200"},
      {"1.50", "1.5"},
      {"0.0000015", "0.0000015"},
      {"1.5e-6", "0.0000015"},
      {"1E3", "1000"},
      {"1e+3", "1000"},
      {"12.5e1", "125"},
      {"0.1e19", "1000000000000000000"},
      {"99999999999999999999", "99999999999999999999"},
      {"0.000000000000000001", "0.000000000000000001"},
      {"99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"},
      {"18446744073709551616", "18446744073709551616"},
      {"18446744073709551616.5", "18446744073709551616.5"},
      {"100e-2", "1"},
  }};
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(decimal(text).to_string(), expected) << text;
  }
}

TEST(Decimal, ZerosThatSayNothingAreNoDigits) {
  EXPECT_EQ(decimal(std::string(400, '0') + "1"), decimal("1"));
  EXPECT_EQ(decimal("1." + std::string(400, '0')), decimal("1"));
  EXPECT_EQ(decimal("0." + std::string(400, '0') + "5e401"), decimal("5"));
  EXPECT_EQ(decimal("5" + std::string(400, '0') + "e-400"), decimal("5"));
}

TEST(Decimal, RefusesWhatIsNoNumber) {
  for (const char* const text :
       {"",         "-",         "+1",  ".5",   "5.",  "1e",    "1e+", "1.2.3", " 1",  "1 ", "NaN", "nan",
        "Infinity", "-Infinity", "inf", "0x10", "1,5", "1_000", "१",   "1e1.5", "--1", "e5", "-e5"}) {
    EXPECT_EQ(kind_of(Decimal::parse(text)), ErrorKind::invalid_text) << text;
  }
  EXPECT_EQ(kind_of(Decimal::parse(std::string_view("1\0", 2))), ErrorKind::invalid_text);
}

TEST(Decimal, RefusesNegativeNumbers) {
  EXPECT_EQ(kind_of(Decimal::parse("-1")), ErrorKind::invalid_value);
  EXPECT_EQ(kind_of(Decimal::parse("-0.000000000000000001")), ErrorKind::invalid_value);
  EXPECT_EQ(kind_of(Decimal::parse("-1e999")), ErrorKind::invalid_value);
}

TEST(Decimal, RefusesWhatItCannotHoldExactly) {
  for (const std::string& text :
       {std::string("100000000000000000000"), std::string("1e20"), std::string("1e999999999999999999999"),
        std::string("0.0000000000000000001"), std::string("1e-19"), std::string("1e-999999999999999999999"),
        std::string("99999999999999999999.9999999999999999999"), std::string(400, '9'), "0." + std::string(400, '9')}) {
    EXPECT_EQ(kind_of(Decimal::parse(text)), ErrorKind::out_of_range) << text;
  }
}

TEST(Decimal, TenMillionDigitsCostOneLook) {
  std::string digits;
  digits.resize(10'000'000, '7');
  EXPECT_EQ(kind_of(Decimal::parse(digits)), ErrorKind::out_of_range);
  const Error error = error_of(Decimal::parse(digits));
  EXPECT_LT(error.message.size(), 200U) << "the message quotes the start only";
}

TEST(Decimal, EqualValuesHaveEqualMembers) {
  EXPECT_EQ(decimal("1.50"), decimal("15e-1"));
  EXPECT_EQ(decimal("1.50").scale(), 1);
  EXPECT_EQ(decimal("0.000").scale(), 0);
  EXPECT_EQ(must(Decimal::from_parts(1500, 3), "1500/10^3"), decimal("1.5"));
  EXPECT_EQ(must(Decimal::from_parts(0, 100), "0"), Decimal());
  EXPECT_EQ(must(Decimal::from_parts(15, -2), "15*10^2"), decimal("1500"));
  EXPECT_EQ(Decimal::from_integer(1500), decimal("1500"));
}

TEST(Decimal, PartsBeyondTheRangeAreRefused) {
  EXPECT_EQ(kind_of(Decimal::from_parts(1, 19)), ErrorKind::out_of_range);
  EXPECT_EQ(kind_of(Decimal::from_parts(1, -20)), ErrorKind::out_of_range);
  EXPECT_EQ(kind_of(Decimal::from_parts(1, -1000)), ErrorKind::out_of_range);
  EXPECT_EQ(kind_of(Decimal::from_parts(1, 1000)), ErrorKind::out_of_range);
  EXPECT_EQ(kind_of(Decimal::from_parts(~u128{0}, 18)), ErrorKind::out_of_range);
  EXPECT_EQ(must(Decimal::from_parts(1, -19), "10^19"), decimal("1e19"));
  EXPECT_EQ(must(Decimal::from_parts(10, 19), "10/10^19"), decimal("1e-18"));
}

TEST(Decimal, ComparesByValue) {
  EXPECT_LT(decimal("90"), decimal("128"));
  EXPECT_LT(decimal("0.1"), decimal("0.10000000000000001"));
  EXPECT_LT(decimal("0.999999999999999999"), decimal("99999999999999999999"));
  EXPECT_EQ(decimal("2") <=> decimal("2.0"), std::strong_ordering::equal);
}

TEST(P2Exact, AdditionAndSubtraction) {
  EXPECT_EQ(must(add(decimal("0.1"), decimal("0.2")), "0.1 + 0.2"), decimal("0.3"));
  EXPECT_EQ(must(add(decimal("99999999999999999999"), decimal("0.999999999999999999")), "largest").to_string(),
            "99999999999999999999.999999999999999999");
  EXPECT_EQ(kind_of(add(decimal("99999999999999999999.999999999999999999"), decimal("0.000000000000000001"))),
            ErrorKind::out_of_range);
  EXPECT_EQ(kind_of(add(decimal("99999999999999999999"), decimal("99999999999999999999"))), ErrorKind::out_of_range);
  EXPECT_EQ(subtract(decimal("1"), decimal("0.000000000000000001")).to_string(), "0.999999999999999999");
  EXPECT_EQ(subtract(decimal("1.5"), decimal("1.5")), Decimal());
}

TEST(P2Exact, AMillionSmallAmountsAddUp) {
  Decimal sum;
  const Decimal amount = decimal("0.0000015");
  for (int i = 0; i < 1'000'000; ++i) {
    sum = must(add(sum, amount), "sum");
  }
  EXPECT_EQ(sum.to_string(), "1.5");
}

TEST(Decimal, ErrorsQuoteOnlyWhatIsText) {
  const Error error = error_of(Decimal::parse("1\x01\xff\xc3\xa9\"" + std::string(100, 'x')));
  EXPECT_EQ(error.message.find('\x01'), std::string::npos);
  EXPECT_EQ(error.message.find('\xff'), std::string::npos);
  EXPECT_NE(error.message.find("\xc3\xa9"), std::string::npos);
}

}  // namespace
}  // namespace spend::test
