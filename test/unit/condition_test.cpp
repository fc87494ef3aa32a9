// Conditions of a price: which rates hold for a request. Worked examples of vendors are in docs/prices.md and
// test/golden.

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "core/time_zone.hpp"
#include "core/timestamp_text.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

struct Request {
  std::string at = {};
  std::string service_tier = {};
  std::string region = {};
  std::string variant = {};
  std::vector<RequestContext::Parameter> parameters = {};
};

Result<Costing> evaluated(const Price& terms, std::string_view usage_json, const Request& request) {
  RequestContext context;
  if (!request.at.empty()) {
    context.at = must(parse_timestamp(request.at), request.at);
  }
  context.service_tier = request.service_tier;
  context.region = request.region;
  context.variant = request.variant;
  context.parameters = request.parameters;
  return evaluate(terms, usage(usage_json), OnInconsistent::raise, true, context);
}

std::string cost_of(std::string_view price_json, std::string_view usage_json, const Request& request) {
  const Costing result = must(evaluated(price(price_json), usage_json, request), price_json);
  return result.status == PricingStatus::unpriced ? "unpriced" : result.cost.to_string();
}

std::string refusal(std::string_view json) {
  const Result<Price> result = Price::from_json(json);
  return result.ok() ? "accepted" : result.error().message;
}

/// Whether a window is open, seen from the rate that it gives.
bool is_open(const std::string& time, const std::string& at) {
  return cost_of(R"({"rates": {"input_tokens": "1/1"}, "conditions": [{"if": {"time": )" + time +
                     R"(}, "rates": {"input_tokens": "2/1"}}]})",
                 R"({"input_tokens": 1})", {.at = at}) == "2";
}

constexpr std::string_view tiers =
    R"({"rates": {"input_tokens": "4/1", "cache_read_tokens": "1/1", "output_tokens": "8/1",
  "web_searches": "10/1"}, "conditions": [{"if": {"service_tier": "batch"}, "rates": {"input_tokens": "2/1"}},
  {"if": {"service_tier": "batch", "region": "eu"}, "rates": {"input_tokens": "3/1"}}]})";

TEST(Condition, ServiceTierIsARateSetWithFallbackPerMeter) {
  EXPECT_EQ(cost_of(tiers, R"({"input_tokens": 10})", {}), "40");
  EXPECT_EQ(cost_of(tiers, R"({"input_tokens": 10})", {.service_tier = "Batch "}), "20");
  // Tier's rate, then the standard rate of that meter, then the parent's rate in what results.
  EXPECT_EQ(cost_of(tiers, R"({"input_tokens": 10, "cache_read_tokens": 4})", {.service_tier = "batch"}), "16");
  EXPECT_EQ(cost_of(tiers, R"({"input_tokens": 10, "input_audio_tokens": 4})", {.service_tier = "batch"}), "20");
  EXPECT_EQ(cost_of(tiers, R"({"input_tokens": 10, "output_tokens": 1, "web_searches": 1})", {.service_tier = "batch"}),
            "38");
}

TEST(Condition, ATokenAtTheStandardRateOfATierIsToldAsFallback) {
  const Costing result =
      must(evaluated(price(tiers), R"({"input_tokens": 10, "cache_read_tokens": 4, "web_searches": 1})",
                     {.service_tier = "batch"}),
           "tiers");
  EXPECT_EQ(result.status, PricingStatus::priced_with_fallback);
  EXPECT_EQ(result.reason, "cache_read_tokens at the standard rate");
}

TEST(Condition, MostTestsWin) {
  EXPECT_EQ(cost_of(tiers, R"({"input_tokens": 1})", {.service_tier = "batch", .region = "eu"}), "3");
  EXPECT_EQ(cost_of(tiers, R"({"input_tokens": 1})", {.region = "eu"}), "4");
}

TEST(Condition, OfEquallyManyTestsTheFirstWrittenWins) {
  const std::string_view terms = R"({"rates": {"images": "1/1"}, "conditions": [
      {"if": {"size": "big"}, "rates": {"images": "2/1"}}, {"if": {"quality": "hd"}, "rates": {"images": "3/1"}}]})";
  EXPECT_EQ(cost_of(terms, R"({"images": 1})", {.parameters = {{"size", "big"}, {"quality", "hd"}}}), "2");
  EXPECT_EQ(cost_of(terms, R"({"images": 1})", {.parameters = {{"quality", "HD"}}}), "3");
  EXPECT_EQ(cost_of(terms, R"({"images": 1})", {.variant = "quality = hd; size=small"}), "3");
  EXPECT_EQ(cost_of(terms, R"({"images": 1})", {.variant = "hd"}), "1");
}

TEST(Condition, StandardTierHasOneName) {
  const std::string_view terms =
      R"({"rates": {"input_tokens": "1/1"}, "conditions": [{"if": {"service_tier": "default"}, "rates": {"input_tokens": "2/1"}}]})";
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 1})", {}), "2");
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 1})", {.service_tier = "on_demand"}), "2");
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 1})", {.service_tier = "flex"}), "1");
}

TEST(Condition, ConditionsBringMetersOfTheirOwn) {
  const std::string_view terms =
      R"({"rates": {"input_tokens": "1/1"}, "conditions": [{"if": {"mode": "deep"}, "rates": {"zz_steps": "5/1", "images": "7/1"}}]})";
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 1, "zz_steps": 1, "images": 1})", {.parameters = {{"mode", "deep"}}}),
            "13");
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 1, "zz_steps": 1})", {}), "unpriced");
}

TEST(Condition, NoConditionMetLeavesAPlainPrice) {
  const std::string_view terms =
      R"({"rates": {}, "conditions": [{"if": {"region": "eu"}, "rates": {"input_tokens": "1/1"}}]})";
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 1})", {}), "unpriced");
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 1})", {.region = "eu"}), "1");
}

TEST(Schedule, ReplacesTheWholeFamilyTiersAndServiceTierIncluded) {
  const std::string terms = R"({"rates": {"input_tokens": {"base": "4/1", "tiers": [{"above": 5, "rate": "9/1"}]},
      "cache_read_tokens": "1/1", "output_tokens": "8/1", "web_searches": "3/1"}, "conditions": [
      {"if": {"service_tier": "batch"}, "rates": {"input_tokens": "2/1", "output_tokens": "6/1"}},
      {"if": {"time": {"hours": "12:00-13:00"}}, "rates": {"input_tokens": "1/1"}}]})";
  const std::string noon = "2026-01-01T12:30:00Z";
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 10})", {.at = noon, .service_tier = "batch"}), "10");
  // Cached input is part of the input of the schedule; output and tools are not rated by it.
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 10, "cache_read_tokens": 5, "output_tokens": 1, "web_searches": 1})",
                    {.at = noon}),
            "21");
  EXPECT_EQ(cost_of(terms, R"({"output_tokens": 1})", {.at = noon, .service_tier = "batch"}), "6");
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 10})", {.at = "2026-01-01T13:00:00Z"}), "90");
}

TEST(Schedule, ASubmeterAloneReplacesOnlyItself) {
  const std::string terms = R"({"rates": {"input_tokens": "4/1", "cache_read_tokens": "2/1"}, "conditions": [
      {"if": {"time": {"weekdays": "thu"}}, "rates": {"cache_read_tokens": "1/1"}}]})";
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 2, "cache_read_tokens": 1})", {.at = "2026-01-01T00:00:00Z"}), "5");
  EXPECT_EQ(cost_of(terms, R"({"input_tokens": 2, "cache_read_tokens": 1})", {.at = "2026-01-02T00:00:00Z"}), "6");
}

TEST(Schedule, StartIsInTheWindowAndEndIsNot) {
  EXPECT_FALSE(is_open(R"({"hours": "09:30-17:00"})", "2026-03-02T09:29:59.999999Z"));
  EXPECT_TRUE(is_open(R"({"hours": "09:30-17:00"})", "2026-03-02T09:30:00Z"));
  EXPECT_TRUE(is_open(R"({"hours": "09:30-17:00"})", "2026-03-02T16:59:59.999999Z"));
  EXPECT_FALSE(is_open(R"({"hours": "09:30-17:00"})", "2026-03-02T17:00:00Z"));
  EXPECT_TRUE(is_open(R"({"hours": "10:00-24:00"})", "1999-12-31T23:59:59Z"));
  EXPECT_FALSE(is_open(R"({"hours": "10:00-00:00"})", "1999-12-31T00:00:00Z"));
}

TEST(Schedule, AWindowThatWrapsBelongsToTheDayOnWhichItBegins) {
  const std::string friday_night = R"({"hours": "22:00-06:00", "weekdays": "fri"})";
  EXPECT_TRUE(is_open(friday_night, "2026-01-02T22:00:00Z"));   // a Friday
  EXPECT_TRUE(is_open(friday_night, "2026-01-03T05:59:00Z"));   // the Saturday after
  EXPECT_FALSE(is_open(friday_night, "2026-01-02T05:59:00Z"));  // began on Thursday
  EXPECT_FALSE(is_open(friday_night, "2026-01-03T22:00:00Z"));
  EXPECT_TRUE(is_open(R"({"hours": "06:00-06:00", "weekdays": "fri"})", "2026-01-03T05:00:00Z"));
}

TEST(Schedule, DatesOverrideWindowsWithoutDates) {
  const std::string time = R"([{"hours": "00:00-08:00"}, {"hours": "12:00-13:00", "dates": ["2026-12-25"]}])";
  EXPECT_TRUE(is_open(time, "2026-12-24T01:00:00Z"));
  EXPECT_FALSE(is_open(time, "2026-12-25T01:00:00Z"));
  EXPECT_TRUE(is_open(time, "2026-12-25T12:00:00Z"));
  EXPECT_FALSE(is_open(time, "2026-12-26T12:00:00Z"));
}

TEST(Schedule, HalfHourZones) {
  const std::string kolkata = R"({"hours": "09:00-10:00", "time_zone": "Asia/Kolkata"})";
  EXPECT_FALSE(is_open(kolkata, "2026-06-01T03:29:59Z"));
  EXPECT_TRUE(is_open(kolkata, "2026-06-01T03:30:00Z"));
  EXPECT_FALSE(is_open(kolkata, "2026-06-01T04:30:00Z"));
  const std::string kathmandu = R"({"hours": "00:00-01:00", "weekdays": "mon", "time_zone": "Asia/Kathmandu"})";
  EXPECT_TRUE(is_open(kathmandu, "2026-05-31T18:15:00Z"));  // Monday 00:00 there
  EXPECT_FALSE(is_open(kathmandu, "2026-05-31T18:14:59Z"));
}

TEST(Schedule, DaysOnWhichClocksChange) {
  const std::string berlin = R"({"hours": "02:00-03:00", "time_zone": "Europe/Berlin"})";
  // 2026-03-29: the hour does not exist there.
  EXPECT_FALSE(is_open(berlin, "2026-03-29T00:59:59Z"));
  EXPECT_FALSE(is_open(berlin, "2026-03-29T01:00:00Z"));
  EXPECT_TRUE(is_open(berlin, "2026-03-28T01:00:00Z"));
  EXPECT_TRUE(is_open(berlin, "2026-03-30T00:00:00Z"));
  // 2026-10-25: it comes twice.
  EXPECT_TRUE(is_open(berlin, "2026-10-25T00:00:00Z"));
  EXPECT_TRUE(is_open(berlin, "2026-10-25T01:59:59Z"));
  EXPECT_FALSE(is_open(berlin, "2026-10-25T02:00:00Z"));
  // Half an hour of daylight saving time.
  EXPECT_EQ(utc_offset("Australia/Lord_Howe", must(parse_timestamp("2026-01-01T00:00:00Z"), "")), 11 * 3600);
  EXPECT_EQ(utc_offset("Australia/Lord_Howe", must(parse_timestamp("2026-07-01T00:00:00Z"), "")), 10 * 3600 + 1800);
  EXPECT_EQ(utc_offset("UTC", 0), 0);
}

TEST(Schedule, WithoutATimeIsAnError) {
  const Price terms = price(
      R"({"rates": {"input_tokens": "1/1"}, "conditions": [{"if": {"region": "eu", "time": {"weekdays": "sat"}}, "rates": {"input_tokens": "2/1"}}]})");
  EXPECT_EQ(kind_of(evaluated(terms, R"({"input_tokens": 1})", {.region = "eu"})), ErrorKind::invalid_value);
  EXPECT_EQ(kind_of(evaluated(terms, R"({"input_tokens": 1})", {.at = "infinity", .region = "eu"})),
            ErrorKind::invalid_value);
  EXPECT_TRUE(evaluated(terms, R"({"input_tokens": 1})", {}).ok());
}

constexpr std::string_view factors =
    R"({"rates": {"input_tokens": "5/1M", "cache_read_tokens": "0.5/1M", "images": "0.1/1",
  "web_searches": "10/1k", "requests": "0.2/1", "zz_custom": "1/1"}, "conditions": [
  {"if": {"region": "us"}, "multiply": "1.1"},
  {"if": {"region": "eu"}, "multiply": 1.2, "scope": "all_but_cache"},
  {"if": {"region": ["in", "us"], "speed": "fast"}, "multiply": "6", "scope": ["cache_read_tokens", "zz_custom"]},
  {"multiply": "2", "scope": ["requests"]}]})";

TEST(Multiplier, Scopes) {
  const std::string_view all =
      R"({"input_tokens": 1000000, "cache_read_tokens": 200000, "images": 1, "web_searches": 1, "zz_custom": 1})";
  EXPECT_EQ(cost_of(factors, all, {}), "5.61");                // 4 + 0.1 + 0.1 + 0.01 + 0.4 + 1
  EXPECT_EQ(cost_of(factors, all, {.region = "us"}), "6.03");  // 4.4 + 0.11 + 0.11 + 0.01 + 0.4 + 1
  EXPECT_EQ(cost_of(factors, all, {.region = "eu"}), "6.43");  // 4.8 + 0.1 + 0.12 + 0.01 + 0.4 + 1
}

TEST(Multiplier, AllThatAreMetMultiply) {
  RequestContext context;
  context.region = "us";
  context.speed = "fast";
  const Costing result =
      must(evaluate(price(factors), usage(R"({"input_tokens": 1000000, "cache_read_tokens": 1000000})"),
                    OnInconsistent::raise, true, context),
           "");
  EXPECT_EQ(result.cost.to_string(), "3.7");  // 0.5 x 1.1 x 6, and the request 0.2 x 2
  ASSERT_EQ(result.lines.size(), 2U);
  EXPECT_EQ(result.lines[0].rate.to_string(), "3.3/1M");
  EXPECT_EQ(result.lines[0].condition, "x 1.1 (region us); x 6 (region in or us, speed fast)");
  EXPECT_EQ(result.lines[1].condition, "x 2");
}

TEST(Multiplier, ZeroStaysFree) {
  const std::string_view terms = R"({"rates": {"input_tokens": "0/1M"}, "conditions": [{"multiply": "1.1"}]})";
  EXPECT_EQ(must(evaluated(price(terms), R"({"input_tokens": 5})", {}), "").status, PricingStatus::free);
}

TEST(ConditionJson, CanonicalText) {
  const Price terms = price(R"({"conditions": [
      {"scope": "all", "multiply": 1.10, "if": {}},
      {"rates": {"images": "2.0/1"}, "if": {"size": ["B", "a", "b"]}},
      {"if": {"quality": true, "n": 2}, "rates": {}},
      {"if": {"time": [{"hours": ["10:00-24:00", "00:00-01:00"], "time_zone": "UTC"}, {"hours": "00:00-00:00", "weekdays": ["tue", "mon"]}]}, "rates": {}}
    ], "rates": {}})");
  EXPECT_EQ(
      terms.to_json(),
      R"({"currency": "USD", "rates": {}, "conditions": [)"
      R"({"if": {"time": [{"hours": ["00:00-01:00", "10:00-00:00"]}, {"weekdays": ["mon", "tue"]}]}, "rates": {}}, )"
      R"({"if": {"n": "2", "quality": "true"}, "rates": {}}, )"
      R"({"if": {"size": ["a", "b"]}, "rates": {"images": "2/1"}}, )"
      R"({"if": {}, "multiply": "1.1"}]})");
  EXPECT_EQ(price(terms.to_json()), terms);
  const std::string image = terms.to_image();
  EXPECT_EQ(must(Price::from_image(std::as_bytes(std::span(image))), "image"), terms);
}

TEST(ConditionJson, ErrorsNameThePlace) {
  const auto with = [](const std::string& condition) {
    return refusal(R"({"rates": {"input_tokens": "1/1"}, "conditions": [)" + condition + "]}");
  };
  EXPECT_EQ(with(R"({"if": {"region": "eu"}, "ratez": {}})"), R"(invalid price at "conditions[0].ratez": unknown key)");
  EXPECT_EQ(with(R"({"if": {"region": "eu"}})"),
            R"(invalid price at "conditions[0]": a condition has either "rates" or "multiply")");
  EXPECT_EQ(with(R"({"if": {}, "rates": {}})"), R"(invalid price at "conditions[0]": "if" tests nothing)");
  EXPECT_EQ(with(R"({"if": {"region": []}, "rates": {}})"),
            R"(invalid price at "conditions[0].if.region": an empty list is never met)");
  EXPECT_EQ(with(R"({"if": {"Region": "eu"}, "rates": {}})"),
            R"(invalid price at "conditions[0].if.Region": not a key that a condition can test)");
  EXPECT_EQ(with(R"({"if": {"time": {"hours": "9:00-10:00"}}, "rates": {}})"),
            R"(invalid price at "conditions[0].if.time.hours": "9:00-10:00" is not of the form HH:MM-HH:MM)");
  EXPECT_EQ(with(R"({"if": {"time": {"hours": "24:00-10:00"}}, "rates": {}})"),
            R"(invalid price at "conditions[0].if.time.hours": "24:00-10:00" is not of the form HH:MM-HH:MM)");
  EXPECT_EQ(with(R"({"if": {"time": [{"weekdays": ["mon", "Tue"]}]}, "rates": {}})"),
            R"(invalid price at "conditions[0].if.time[0].weekdays[1]": "Tue" is not a day of the week)");
  EXPECT_EQ(with(R"({"if": {"time": {"dates": "2026-02-29"}}, "rates": {}})"),
            R"(invalid price at "conditions[0].if.time.dates": "2026-02-29" is not a date of the form YYYY-MM-DD)");
  EXPECT_EQ(with(R"({"if": {"time": {"hours": "09:00-10:00", "time_zone": "Mars/Olympus"}}, "rates": {}})"),
            R"(invalid price at "conditions[0].if.time.time_zone": not the name of a time zone)");
  EXPECT_EQ(with(R"({"if": {"time": {"time_zone": "UTC"}}, "rates": {}})"),
            R"(invalid price at "conditions[0].if.time": a time needs "hours", "weekdays" or "dates")");
  EXPECT_EQ(with(R"({"if": {"region": "eu"}, "multiply": "0"})"),
            R"(invalid price at "conditions[0].multiply": a factor must be above 0)");
  EXPECT_EQ(with(R"({"multiply": "2", "scope": "some"})"),
            R"(invalid price at "conditions[0].scope": "scope" must be "all", "all_but_cache" or an array of meters)");
  EXPECT_EQ(with(R"({"if": {"region": "eu"}, "rates": {}}, {"if": {"region": "EU"}, "rates": {}})"),
            R"(invalid price at "conditions[1]": another condition has the same "if")");
  EXPECT_EQ(
      with(R"({"if": {"region": "eu"}, "rates": {"input_tokens": "0.000000000000000001/1"}}, {"multiply": "1.1"})"),
      R"(invalid price at "conditions[0].rates.input_tokens": the rate "0.000000000000000001/1" times its multipliers has too many digits)");
}

TEST(ConditionJson, Limits) {
  std::string many;
  for (std::size_t i = 0; i <= Price::max_conditions; ++i) {
    many += (i > 0 ? ", " : "") + (R"({"if": {"size": ")" + std::to_string(i) + R"("}, "rates": {}})");
  }
  EXPECT_EQ(refusal(R"({"rates": {}, "conditions": [)" + many + "]}"),
            R"(invalid price at "conditions": more than 128 conditions)");
  std::string meters;
  for (std::size_t i = 0; i < 130; ++i) {
    meters += (i > 0 ? ", " : "") + ("\"m" + std::to_string(i) + "\": \"1/1\"");
  }
  std::string others = meters;
  for (std::size_t at = 0; (at = others.find("\"m", at)) != std::string::npos; ++at) {
    others[at + 1] = 'n';
  }
  EXPECT_EQ(
      refusal("{\"rates\": {" + meters + R"(}, "conditions": [{"if": {"region": "eu"}, "rates": {)" + others + "}}]}"),
      "invalid price: more than 256 meters");
}

}  // namespace
}  // namespace spend::test
