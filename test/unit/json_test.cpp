#include "core/json.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

constexpr Json::Limits limits{64 * 1024, 16};

std::string nested(int depth, char open, char close) {
  return std::string(static_cast<std::size_t>(depth), open) + std::string(static_cast<std::size_t>(depth), close);
}

TEST(Json, KeepsNumbersAsWritten) {
  const Json json =
      must(Json::parse(R"([0.6619999999999999, 1e5, -0, 12345678901234567890123, 1.50])", limits), "json");
  ASSERT_EQ(json.items.size(), 5U);
  EXPECT_EQ(json.items[0].text, "0.6619999999999999");
  EXPECT_EQ(json.items[1].text, "1e5");
  EXPECT_EQ(json.items[2].text, "-0");
  EXPECT_EQ(json.items[3].text, "12345678901234567890123");
  EXPECT_EQ(json.items[4].text, "1.50");
}

TEST(Json, ReadsEveryKindOfValue) {
  const Json json =
      must(Json::parse(R"( {"n": null, "t": true, "f": false, "s": "a\"\u00e9\ud83d\ude00\n", "o": {"x": [[], {}]}} )",
                       limits),
           "json");
  ASSERT_EQ(json.type, Json::Type::object);
  EXPECT_EQ(json.find("n")->type, Json::Type::null);
  EXPECT_TRUE(json.find("t")->boolean);
  EXPECT_FALSE(json.find("f")->boolean);
  EXPECT_EQ(json.find("s")->text, "a\"\xc3\xa9\xf0\x9f\x98\x80\n");
  EXPECT_EQ(json.find("o")->find("x")->items.size(), 2U);
  EXPECT_EQ(json.find("missing"), nullptr);
  EXPECT_EQ(json.members[4].key, "o");
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const char* const text :
       {"",        " ",           "{",        "}",   "[1,]", "{\"a\":}",  "{\"a\" 1}", "{a: 1}",
        "'a'",     "NaN",         "Infinity", "01",  "1.",   ".5",        "+1",        "tru",
        "\"\\x\"", "\"\\ud800\"", "\"\x01\"", "1 2", "{} x", "/* c */ 1", "[1}",       "\"open"}) {
    const Result<Json> result = Json::parse(text, limits);
    EXPECT_EQ(kind_of(result), ErrorKind::invalid_text) << text;
    EXPECT_NE(error_of(result).detail.find("byte offset"), std::string::npos) << text;
  }
}

TEST(Json, RefusesIllFormedUtf8) {
  for (const char* const bytes : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_EQ(kind_of(Json::parse("\"" + std::string(bytes) + "\"", limits)), ErrorKind::invalid_text);
    EXPECT_EQ(kind_of(Json::parse("{\"" + std::string(bytes) + "\": 1}", limits)), ErrorKind::invalid_text);
  }
}

TEST(Json, RefusesHalfASurrogatePair) {
  for (const char* const text : {R"("\ud800")", R"("\udbffx")", R"("\udddd")", R"("x\udfff\ud800")",
                                 R"("\ud800\ud800")", R"({"\udc00": 1})", R"("\ud83d\ude00\ude00")"}) {
    const Result<Json> result = Json::parse(text, limits);
    EXPECT_EQ(kind_of(result), ErrorKind::invalid_text) << text;
    EXPECT_NE(error_of(result).detail.find("byte offset"), std::string::npos) << text;
  }
  EXPECT_EQ(must(Json::parse(R"("\ud7ff\ue000")", limits), "neighbours").text, "\xed\x9f\xbf\xee\x80\x80");
}

TEST(Json, RefusesNulInAnyForm) {
  EXPECT_EQ(kind_of(Json::parse(std::string_view("1\0", 2), limits)), ErrorKind::invalid_text);
  EXPECT_EQ(kind_of(Json::parse(std::string_view("{}\0{", 4), limits)), ErrorKind::invalid_text);
  EXPECT_EQ(kind_of(Json::parse(std::string_view("\"a\0b\"", 5), limits)), ErrorKind::invalid_text);
  EXPECT_EQ(kind_of(Json::parse(R"("a\u0000b")", limits)), ErrorKind::invalid_text);
  EXPECT_EQ(kind_of(Json::parse(R"({"a\u0000b": 1})", limits)), ErrorKind::invalid_text);
}

TEST(Json, NamesADuplicateKey) {
  const Error error = error_of(Json::parse(R"({"a": 1, "b": {"x": 1, "y": 2, "x": 3}})", limits));
  EXPECT_EQ(error.kind, ErrorKind::invalid_text);
  EXPECT_NE(error.message.find("\"x\""), std::string::npos) << error.message;
  EXPECT_EQ(kind_of(Json::parse(R"({"a": 1, "\u0061": 2})", limits)), ErrorKind::invalid_text) << "escaped alike";
}

TEST(Json, BoundsDepthWithoutRecursion) {
  EXPECT_TRUE(Json::parse(nested(16, '[', ']'), limits).ok());
  EXPECT_EQ(kind_of(Json::parse(nested(17, '[', ']'), limits)), ErrorKind::limit_exceeded);
  EXPECT_EQ(kind_of(Json::parse(std::string(10'000'000, '['), {20'000'000, 16})), ErrorKind::limit_exceeded);
  std::string objects;
  for (int i = 0; i < 10000; ++i) {
    objects += "{\"a\":";
  }
  EXPECT_EQ(kind_of(Json::parse(objects, limits)), ErrorKind::limit_exceeded);
}

TEST(Json, BoundsSize) {
  const std::string ten_megabytes = "\"" + std::string(10'000'000, 'x') + "\"";
  const Error error = error_of(Json::parse(ten_megabytes, limits));
  EXPECT_EQ(error.kind, ErrorKind::limit_exceeded);
  EXPECT_NE(error.detail.find("10000002"), std::string::npos) << error.detail;
}

TEST(Json, NamesTheKeyOfAnAbsurdNumber) {
  const Error error = error_of(Json::parse(R"({"a": 1, "b": 1e999999999})", limits));
  EXPECT_EQ(error.kind, ErrorKind::out_of_range);
  EXPECT_NE(error.message.find("\"b\""), std::string::npos) << error.message;
}

TEST(Json, ManyKeysTakeLinearTime) {
  // Quadratic comparison of 100,000 keys would take minutes.
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i) {
    text += "\"key" + std::to_string(i) + "\":0,";
  }
  text += "\"end\":0}";
  const Json json = must(Json::parse(text, {16 * 1024 * 1024, 4}), "many keys");
  EXPECT_EQ(json.members.size(), 100'001U);
}

TEST(Json, QuoteEscapesOnlyWhatItMust) {
  EXPECT_EQ(json_quote("a/é\"\\\n\r\t\x01\x1f\x7f"), "\"a/é\\\"\\\\\\n\\r\\t\\u0001\\u001f\x7f\"");
  EXPECT_EQ(must(Json::parse(json_quote("a\"\\\n\x02 ü"), limits), "round trip").text, "a\"\\\n\x02 ü");
}

}  // namespace
}  // namespace spend::test
