#include "core/price.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

std::string canonical(std::string_view json) {
  return price(json).to_json();
}

TEST(Price, RatesAreAmountPerUnit) {
  for (const char* const text : {"2.5/1M", "0/1", "0.36/hour", "30/1k", "1.25/1B", "0.000000000000000001/1"}) {
    EXPECT_EQ(must(Rate::parse(text), text).to_string(), text);
  }
  EXPECT_EQ(must(Rate::parse("2.50/1M"), "2.50/1M").to_string(), "2.5/1M");
  EXPECT_EQ(must(Rate::parse("1e-6/1"), "1e-6/1").to_string(), "0.000001/1");
  for (const char* const text : {"", "/", "2.5", "2.5/", "/1M", "2.5/1m", "2.5/2M", "2.5/1M/1M", "2.5 /1M", "2.5/ 1M",
                                 "x/1M", "NaN/1M", "Infinity/1M", "2.5/minute", "2,5/1M", "+1/1M"}) {
    EXPECT_EQ(kind_of(Rate::parse(text)), ErrorKind::invalid_text) << text;
  }
  EXPECT_EQ(kind_of(Rate::parse("-1/1M")), ErrorKind::invalid_value);
  EXPECT_EQ(kind_of(Rate::parse("0.0000000000000000001/1")), ErrorKind::out_of_range);
  EXPECT_EQ(kind_of(Rate::parse("1e999999999/1M")), ErrorKind::out_of_range);
  EXPECT_EQ(kind_of(Rate::parse(std::string(400, '9') + "/1M")), ErrorKind::out_of_range);
}

TEST(Price, Units) {
  EXPECT_EQ(divisor(Per::one), 1U);
  EXPECT_EQ(divisor(Per::thousand), 1'000U);
  EXPECT_EQ(divisor(Per::million), 1'000'000U);
  EXPECT_EQ(divisor(Per::billion), 1'000'000'000U);
  EXPECT_EQ(divisor(Per::hour), 3'600U);
  EXPECT_EQ(unit_name(Per::hour), "hour");
}

TEST(Price, CanonicalText) {
  EXPECT_EQ(canonical(R"({"rates": {"zzz": "1/1", "output_tokens": "10.0/1M", "input_tokens": "2.50/1M"}})"),
            R"({"currency": "USD", "rates": {"input_tokens": "2.5/1M", "output_tokens": "10/1M", "zzz": "1/1"}})");
  EXPECT_EQ(canonical(R"({"currency": "DBU_2", "rates": {}})"), R"({"currency": "DBU_2", "rates": {}})");
}

TEST(Price, CanonicalTextOfTiers) {
  EXPECT_EQ(
      canonical(R"({"rates": {"output_tokens": {"mode": "whole", "basis": "input_tokens", "base": "10/1M",
                          "tiers": [{"rate": "20/1M", "above": 400000}, {"above": "2e5", "rate": "15/1M"},
                                    {"from": 200000, "rate": "12/1M"}]}}})"),
      R"({"currency": "USD", "rates": {"output_tokens": {"base": "10/1M", "tiers": [)"
      R"({"from": 200000, "rate": "12/1M"}, {"above": 200000, "rate": "15/1M"}, {"above": 400000, "rate": "20/1M"}]}}})");
  EXPECT_EQ(
      canonical(
          R"({"rates": {"a": {"base": "1/1", "basis": "output_tokens", "tiers": [{"above": 1, "rate": "2/1"}]}}})"),
      R"({"currency": "USD", "rates": {"a": {"base": "1/1", "tiers": [{"above": 1, "rate": "2/1"}], "basis": "output_tokens"}}})");
  EXPECT_EQ(
      canonical(R"({"rates": {"a": {"base": "1/1", "basis": "a", "mode": "graduated",
                                          "tiers": [{"above": 1, "rate": "2/1"}]}}})"),
      R"({"currency": "USD", "rates": {"a": {"base": "1/1", "tiers": [{"above": 1, "rate": "2/1"}], "mode": "graduated"}}})");
}

TEST(Price, WhatSaysNothingIsLeftOut) {
  const Price plain = price(R"({"rates": {"a": "1/1"}})");
  EXPECT_EQ(price(R"({"rates": {"a": {"base": "1.0/1"}}})"), plain);
  EXPECT_EQ(price(R"({"rates": {"a": {"base": "1/1", "tiers": [], "basis": "b", "mode": "whole"}}})"), plain);
  EXPECT_EQ(price(R"({"rates": {"a": {"base": "1/1", "tiers": [], "mode": "graduated"}}})"), plain);
  EXPECT_EQ(price(R"({"currency": "USD", "rates": {"a": "1/1"}})"), plain);
}

TEST(Price, ErrorsNameThePart) {
  const auto message = [](const std::string& json, ErrorKind kind) {
    const Error error = error_of(Price::from_json(json));
    EXPECT_EQ(error.kind, kind) << json << ": " << error.message;
    return error.message;
  };
  const auto tiered = [](const std::string& rest) { return R"({"rates": {"a": {"base": "1/1", )" + rest + "}}}"; };
  const ErrorKind text = ErrorKind::invalid_text;
  const ErrorKind value = ErrorKind::invalid_value;
  EXPECT_NE(message(R"({"rates": {"input_tokens": "2.50"}})", text).find("rates.input_tokens"), std::string::npos);
  EXPECT_NE(message(R"({"rates": {"a": 2.5}})", text).find("rates.a"), std::string::npos);
  EXPECT_NE(message(R"({"rates": {"a": "-1/1M"}})", value).find("rates.a"), std::string::npos);
  EXPECT_NE(message(R"({"rates": {"a": "1e20/1"}})", ErrorKind::out_of_range).find("rates.a"), std::string::npos);
  EXPECT_NE(message(R"({"rates": {"A b": "1/1"}})", value).find("rates.A b"), std::string::npos);
  EXPECT_NE(message(R"({"rates": {}, "condition": {}})", value).find("\"condition\""), std::string::npos);
  EXPECT_NE(message(R"({"rates": {}, "currency": "usd"})", value).find("\"currency\""), std::string::npos);
  message(R"({"rates": {}, "currency": "ABCDEFGHIJKLM"})", value);
  message(R"({"rates": {}, "currency": ""})", value);
  message(R"({"rates": {}, "currency": "1A"})", value);
  message(R"({"rates": {}, "currency": 5})", value);
  message(R"({"currency": "USD"})", value);
  message(R"({"rates": []})", text);
  message(R"({"rates": {"a": "1/1", "a": "1/1"}})", text);
  message("[]", text);
  message("", text);
  message("\"2.5/1M\"", text);
  message(R"({"rates": {"a": {"tiers": []}}})", value);
  EXPECT_NE(message(tiered(R"("tiers": [{"above": 5, "rate": "x"}])"), text).find("rates.a.tiers[0].rate"),
            std::string::npos);
  EXPECT_NE(message(tiered(R"("tiers": [{"above": 1, "rate": "1/1"}, {"above": -5, "rate": "1/1"}])"), value)
                .find("rates.a.tiers[1].above"),
            std::string::npos);
  message(tiered(R"("tiers": [{"above": 5, "from": 5, "rate": "1/1"}])"), value);
  message(tiered(R"("tiers": [{"rate": "1/1"}])"), value);
  message(tiered(R"("tiers": [{"above": 5}])"), value);
  message(tiered(R"("tiers": [{"above": 5, "rate": "1/1", "op": ">"}])"), value);
  message(tiered(R"("tiers": [{"above": true, "rate": "1/1"}])"), text);
  message(tiered(R"("tiers": [{"above": "90k", "rate": "1/1"}])"), text);
  message(tiered(R"("tiers": [5])"), text);
  message(tiered(R"("tiers": {})"), text);
  message(tiered(R"("tiers": [{"above": 5, "rate": "1/1"}, {"above": 5.0, "rate": "2/1"}])"), value);
  message(tiered(R"("mode": "marginal")"), value);
  message(tiered(R"("basis": "Not A Meter")"), value);
  message(tiered(R"("basis": 5)"), value);
  message(tiered(R"("surcharge": 5)"), value);
  message(tiered(R"("mode": "graduated", "basis": "b", "tiers": [{"above": 5, "rate": "1/1"}])"), value);
}

TEST(Price, HostileSizes) {
  EXPECT_EQ(kind_of(Price::from_json("{\"rates\": \"" + std::string(10'000'000, 'x') + "\"}")),
            ErrorKind::limit_exceeded);
  EXPECT_FALSE(Price::from_json(std::string(60'000, '[')).ok());
  std::string many;
  for (int i = 0; i < 257; ++i) {
    many += (i > 0 ? "," : "") + std::string("\"m") + std::to_string(i) + "\":\"1/1\"";
  }
  EXPECT_EQ(kind_of(Price::from_json("{\"rates\":{" + many + "}}")), ErrorKind::limit_exceeded);
  std::string tiers;
  for (int i = 0; i < 65; ++i) {
    tiers += (i > 0 ? "," : "") + std::string("{\"above\":") + std::to_string(i) + ",\"rate\":\"1/1\"}";
  }
  EXPECT_EQ(kind_of(Price::from_json(R"({"rates":{"a":{"base":"1/1","tiers":[)" + tiers + "]}}}")),
            ErrorKind::limit_exceeded);
}

TEST(Price, TextThatWouldNotReadBackIsRefused) {
  // Canonical text has spaces that the input need not have; it must not outgrow what the type accepts.
  std::string tiers;
  for (int i = 0; i < 64; ++i) {
    tiers += (i > 0 ? "," : "") + std::string("{\"above\":") + std::to_string(i) + ",\"rate\":\"1/1\"}";
  }
  std::string rates;
  for (int i = 0; rates.size() < 63'000; ++i) {
    rates +=
        (i > 0 ? "," : "") + std::string("\"m") + std::to_string(i) + R"(":{"base":"1/1","tiers":[)" + tiers + "]}";
  }
  const std::string json = "{\"rates\":{" + rates + "}}";
  ASSERT_LT(json.size(), Price::max_json_bytes);
  EXPECT_EQ(kind_of(Price::from_json(json)), ErrorKind::limit_exceeded);
}

TEST(Price, ImageIsCanonicalText) {
  const Price original = price(R"({"rates": {"a": {"base": "1/1", "tiers": [{"above": 1, "rate": "2/1"}]}}})");
  EXPECT_EQ(must(Price::from_image(bytes_of(original.to_image())), "image"), original);
  const std::string json = original.to_json();
  const auto refused = [](const std::string& bytes) {
    return kind_of(Price::from_image(bytes_of(bytes))) == ErrorKind::invalid_binary;
  };
  const std::string header("\x01\0", 2);
  EXPECT_FALSE(refused(header + json));
  EXPECT_TRUE(refused(header + " " + json)) << "not canonical";
  EXPECT_TRUE(refused(std::string("\x02\0", 2) + json));
  EXPECT_TRUE(refused(std::string("\x01\x01", 2) + json));
  EXPECT_TRUE(refused(json));
  for (std::size_t length = 0; length < header.size() + json.size(); ++length) {
    EXPECT_TRUE(refused((header + json).substr(0, length)));
  }
}

TEST(Price, FindsARate) {
  const Price card = price(R"({"rates": {"input_tokens": "1/1", "zzz": "2/1"}})");
  ASSERT_NE(card.find("zzz"), nullptr);
  EXPECT_EQ(card.find("zzz")->known, nullptr);
  EXPECT_EQ(card.find("input_tokens")->known, find_meter("input_tokens"));
  EXPECT_EQ(card.find("output_tokens"), nullptr);
}

}  // namespace
}  // namespace spend::test
