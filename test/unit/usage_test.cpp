#include "core/usage.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "support.hpp"

namespace spend::test {
namespace {

std::string canonical(std::string_view json) {
  return usage(json).to_json();
}

TEST(Usage, CanonicalTextIsInMeterOrderWithoutZeros) {
  EXPECT_EQ(canonical(R"({"output_tokens": 350, "zzz": 1, "aaa": 2.50, "input_tokens": 1.2e3, "images": 0})"),
            R"({"input_tokens": 1200, "output_tokens": 350, "aaa": 2.5, "zzz": 1})");
  EXPECT_EQ(canonical("{}"), "{}");
  EXPECT_EQ(canonical(R"( { "images" : 0.0 } )"), "{}");
  EXPECT_EQ(canonical(R"({"input_tokens": "1200"})"), R"({"input_tokens": 1200})") << "exporters write numbers as text";
}

TEST(Usage, AZeroOverlapIsAStatement) {
  EXPECT_EQ(canonical(R"({"input_tokens": 5, "cache_audio_read_tokens": 0})"),
            R"({"input_tokens": 5, "cache_audio_read_tokens": 0})");
  EXPECT_EQ(canonical(R"({"requests": 0, "images": 0})"), R"({"requests": 0})");
}

TEST(Usage, ErrorsNameTheMeter) {
  const auto error = [](std::string_view json) { return error_of(Usage::from_json(json)); };
  EXPECT_EQ(error(R"({"input_tokens": -1})").kind, ErrorKind::invalid_value);
  EXPECT_NE(error(R"({"input_tokens": -1})").message.find("input_tokens"), std::string::npos);
  EXPECT_EQ(error(R"({"a": 1, "b": 2, "a": 1})").kind, ErrorKind::invalid_value);
  EXPECT_EQ(error(R"({"a": 1, "b": 2, "a": 1})").message, "meter \"a\" occurs twice");
  EXPECT_EQ(error(R"({"images": 0, "images": 0})").kind, ErrorKind::invalid_value);
  EXPECT_EQ(error(R"({"Input-Tokens": 1})").kind, ErrorKind::invalid_value);
  EXPECT_EQ(error(R"({"Input-Tokens": 1})").message, "invalid meter name \"Input-Tokens\"");
  EXPECT_EQ(error(R"({"pages": true})").kind, ErrorKind::invalid_text);
  EXPECT_NE(error(R"({"pages": true})").message.find("\"pages\""), std::string::npos);
  EXPECT_EQ(error(R"({"pages": null})").kind, ErrorKind::invalid_text);
  EXPECT_EQ(error(R"({"pages": {}})").kind, ErrorKind::invalid_text);
  EXPECT_EQ(error(R"({"pages": [1]})").kind, ErrorKind::invalid_text);
  EXPECT_EQ(error(R"({"pages": "many"})").kind, ErrorKind::invalid_text);
  EXPECT_EQ(error(R"({"pages": "NaN"})").kind, ErrorKind::invalid_text);
  EXPECT_EQ(error(R"({"pages": 1e20})").kind, ErrorKind::out_of_range);
  EXPECT_NE(error(R"({"pages": 1e20})").message.find("\"pages\""), std::string::npos);
  EXPECT_EQ(error(R"({"pages": 1e999999999})").kind, ErrorKind::out_of_range);
  EXPECT_NE(error(R"({"pages": 1e999999999})").message.find("\"pages\""), std::string::npos);
  EXPECT_EQ(error("{\"pages\": " + std::string(400, '9') + "}").kind, ErrorKind::out_of_range);
  EXPECT_EQ(error("{\"pages\": 1e-" + std::string(400, '9') + "}").kind, ErrorKind::out_of_range);
  for (const char* const json : {"", "1", "null", "\"x\"", "true", "[]", "[{}]"}) {
    EXPECT_EQ(error(json).kind, ErrorKind::invalid_text) << json;
  }
}

TEST(Usage, HostileSizes) {
  EXPECT_EQ(kind_of(Usage::from_json("{\"a\": \"" + std::string(10'000'000, '1') + "\"}")), ErrorKind::limit_exceeded);
  std::string many = "{";
  for (int i = 0; i < 257; ++i) {
    many += "\"m" + std::to_string(i) + "\": 1, ";
  }
  EXPECT_EQ(kind_of(Usage::from_json(many + "\"last\": 1}")), ErrorKind::limit_exceeded);
  std::string bomb;
  for (int i = 0; i < 10'000; ++i) {
    bomb += "{\"a\":";
  }
  EXPECT_FALSE(Usage::from_json(bomb).ok());
}

TEST(Usage, LargestUsageSurvivesItsOwnText) {
  Usage largest;
  for (std::size_t i = 0; i < Usage::max_meters; ++i) {
    const std::string number = std::to_string(i);
    largest.set(std::string(63 - number.size(), 'm') + number, decimal("99999999999999999999.999999999999999999"));
  }
  ASSERT_EQ(largest.entries().size(), Usage::max_meters);
  EXPECT_EQ(usage(largest.to_json()), largest);
  EXPECT_EQ(must(Usage::from_image(bytes_of(largest.to_image())), "image"), largest);
}

TEST(Usage, SetReplacesAndRemoves) {
  Usage row;
  row.set("output_tokens", decimal("5"));
  row.set("zzz", decimal("1"));
  row.set(*find_meter("input_tokens"), decimal("7"));
  row.set("aaa", decimal("1"));
  row.set("output_tokens", decimal("6"));
  EXPECT_EQ(row.to_json(), R"({"input_tokens": 7, "output_tokens": 6, "aaa": 1, "zzz": 1})");
  row.set("output_tokens", Decimal());
  row.set("aaa", Decimal());
  row.set("never", Decimal());
  row.set("zzz", decimal("2"));
  EXPECT_EQ(row.to_json(), R"({"input_tokens": 7, "zzz": 2})");
  ASSERT_NE(row.find("zzz"), nullptr);
  EXPECT_EQ(*row.find("zzz"), decimal("2"));
  EXPECT_EQ(row.find("output_tokens"), nullptr);
}

TEST(Usage, AddSumsEachMeter) {
  Usage sum;
  EXPECT_FALSE(sum.add(usage(R"({"input_tokens": 1, "b": 2})")).has_value());
  EXPECT_FALSE(sum.add(usage(R"({"output_tokens": 0.5, "a": 1, "b": 3})")).has_value());
  EXPECT_FALSE(sum.add(usage(R"({"output_tokens": 0.5, "b": 1})")).has_value());
  EXPECT_FALSE(sum.add(Usage()).has_value());
  EXPECT_EQ(sum.to_json(), R"({"input_tokens": 1, "output_tokens": 1, "a": 1, "b": 6})");
  EXPECT_FALSE(sum.add(sum).has_value()) << "to itself";
  EXPECT_EQ(sum.to_json(), R"({"input_tokens": 2, "output_tokens": 2, "a": 2, "b": 12})");
}

TEST(Usage, FailedAddChangesNothing) {
  Usage sum = usage(R"({"input_tokens": 1, "output_tokens": 99999999999999999999})");
  const Usage before = sum;
  std::optional<Error> error = sum.add(usage(R"({"input_tokens": 1, "output_tokens": 1})"));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, ErrorKind::out_of_range);
  EXPECT_NE(error->message.find("output_tokens"), std::string::npos);
  EXPECT_EQ(sum, before);
  error = sum.add(usage(R"({"input_tokens": 1, "output_tokens": 1, "x": 1})"));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(sum, before);
  Usage many;
  for (std::size_t i = 0; i < Usage::max_meters; ++i) {
    many.set("m" + std::to_string(i), decimal("1"));
  }
  error = many.add(usage(R"({"x": 1})"));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, ErrorKind::limit_exceeded);
  EXPECT_EQ(many.entries().size(), Usage::max_meters);
}

/// A usage of random known and unknown meters.
Usage random_usage(std::mt19937_64& random) {
  Usage result;
  for (std::uint64_t left = random() % 12; left > 0; --left) {
    const Result<Decimal> quantity =
        Decimal::from_parts(u128{random()} * (random() % 1000), static_cast<int>(random() % 19));
    const std::size_t known = random() % (known_meters().size() + 5);
    result.set(
        known < known_meters().size() ? std::string(known_meters()[known].name) : "custom" + std::to_string(known),
        quantity.ok() ? *quantity : Decimal());
  }
  return result;
}

TEST(Usage, TextAndImageRoundTrip) {
  std::mt19937_64 random(1);  // the same cases in every run
  for (int i = 0; i < 5000; ++i) {
    const Usage original = random_usage(random);
    EXPECT_EQ(usage(original.to_json()), original);
    const Usage back = must(Usage::from_image(bytes_of(original.to_image())), original.to_json());
    EXPECT_EQ(back, original);
    EXPECT_EQ(back.to_image(), original.to_image());
  }
}

TEST(Usage, EqualUsagesHaveEqualImages) {
  Usage other_order;
  other_order.set("b", decimal("1.0"));
  other_order.set("a", decimal("10"));
  other_order.set("input_tokens", decimal("3"));
  EXPECT_EQ(usage(R"({"a": 1e1, "input_tokens": 3.00, "b": 1, "pages": 0})").to_image(), other_order.to_image());
}

TEST(Usage, HostileImagesAreRefused) {
  const std::string image = usage(R"({"input_tokens": 1200, "zzz": 2.5})").to_image();
  const auto refused = [](const std::string& bytes) {
    return kind_of(Usage::from_image(bytes_of(bytes))) == ErrorKind::invalid_binary;
  };
  for (std::size_t length = 0; length < image.size(); ++length) {
    EXPECT_TRUE(refused(image.substr(0, length))) << "cut at " << length;
  }
  EXPECT_TRUE(refused(image + '\0')) << "trailing byte";
  EXPECT_TRUE(refused("\x02" + image.substr(1))) << "version";
  EXPECT_TRUE(refused(image.substr(0, 1) + "\x01" + image.substr(2))) << "reserved byte";
  EXPECT_TRUE(
      refused(std::string("\x01\0\x02\0\x01"
                          "b\0\x01\x01\x01"
                          "a\0\x01\x01",
                          15)))
      << "order";
  EXPECT_TRUE(
      refused(std::string("\x01\0\x02\0\x01"
                          "a\0\x01\x01\x01"
                          "a\0\x01\x01",
                          15)))
      << "duplicate";
  EXPECT_TRUE(
      refused(std::string("\x01\0\x01\0\x01"
                          "a\0\0",
                          8)))
      << "zero";
  EXPECT_TRUE(
      refused(std::string("\x01\0\x01\0\x01"
                          "a\0\x02\x01\0",
                          10)))
      << "leading zero byte";
  EXPECT_TRUE(
      refused(std::string("\x01\0\x01\0\x01"
                          "a\x01\x01\x0a",
                          9)))
      << "trailing zero digit";
  EXPECT_TRUE(
      refused(std::string("\x01\0\x01\0\x01"
                          "a\x13\x01\x01",
                          9)))
      << "scale 19";
  EXPECT_TRUE(
      refused(std::string("\x01\0\x01\0\x01"
                          "A\0\x01\x01",
                          9)))
      << "name";
  EXPECT_TRUE(refused(std::string("\x01\0\x01\0\x01"
                                  "a\0\x10",
                                  8) +
                      std::string(16, '\xff')))
      << "range";
  EXPECT_TRUE(refused(std::string("\x01\0\x01\0\x01"
                                  "a\0\x11",
                                  8) +
                      std::string(17, '\x01')))
      << "length";
  EXPECT_TRUE(refused(std::string("\x01\0\x01\x01", 4) + std::string(10000, 'a'))) << "count";
  EXPECT_FALSE(
      refused(std::string("\x01\0\x01\0\x01"
                          "a\0\x01\x01",
                          9)))
      << "the shortest valid one";
}

TEST(Usage, MutatedImagesAreRefusedOrCanonical) {
  std::mt19937_64 random(2);  // the same cases in every run
  for (int i = 0; i < 50'000; ++i) {
    std::string image = random_usage(random).to_image();
    for (std::uint64_t left = 1 + random() % 3; left > 0; --left) {
      image[random() % image.size()] = static_cast<char>(random());
    }
    const Result<Usage> result = Usage::from_image(bytes_of(image));
    if (result.ok()) {
      EXPECT_EQ(result->to_image(), image);
    } else {
      EXPECT_EQ(result.error().kind, ErrorKind::invalid_binary);
    }
  }
}

}  // namespace
}  // namespace spend::test
