#include <string>

#include "core/cost.hpp"
#include "fuzz.hpp"

using spend::Costing;
using spend::CostLine;
using spend::Decimal;
using spend::OnInconsistent;
using spend::Price;
using spend::PricingStatus;
using spend::RequestContext;
using spend::Result;
using spend::Usage;
using spend::fuzz::require;

namespace {

/// Takes decisions from the input; at its end all are zero.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

  unsigned byte() {
    if (left_ == 0) {
      return 0;
    }
    --left_;
    return *data_++;
  }
  unsigned below(unsigned limit) { return byte() % limit; }
  /// 0 to 65535. Signed, so that what is counted from it may be before the epoch.
  std::int64_t two_bytes() {
    const std::int64_t high = byte();
    return high * 256 + byte();
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

std::string meter_name(Choices& choices) {
  const auto known = spend::known_meters();
  const unsigned place = choices.byte();
  return place < known.size() ? std::string(known[place].name) : "custom_" + std::to_string(place % 4);
}

std::string number(Choices& choices) {
  std::string digits;
  for (unsigned left = choices.below(21); left > 0; --left) {
    digits += static_cast<char>('0' + choices.below(10));
  }
  if (digits.empty()) {
    digits = "0";
  }
  if (const unsigned decimals = choices.below(19); decimals > 0 && choices.below(4) == 0) {
    digits += '.';
    for (unsigned left = decimals; left > 0; --left) {
      digits += static_cast<char>('0' + choices.below(10));
    }
  }
  return digits;
}

std::string rate(Choices& choices) {
  static constexpr const char* units[] = {"1", "1k", "1M", "1B", "hour"};
  return "\"" + number(choices) + "/" + units[choices.below(5)] + "\"";
}

std::string meter_rate(Choices& choices) {
  const unsigned tiers = choices.below(4);
  if (tiers == 0) {
    return rate(choices);
  }
  std::string json = "{\"base\": " + rate(choices) + ", \"tiers\": [";
  for (unsigned i = 0; i < tiers; ++i) {
    json += i > 0 ? ", {" : "{";
    json += choices.below(2) == 0 ? "\"above\": " : "\"from\": ";
    json += number(choices) + ", \"rate\": " + rate(choices) + "}";
  }
  json += choices.below(3) == 0 ? "], \"mode\": \"graduated\"}" : "], \"basis\": \"" + meter_name(choices) + "\"}";
  return json;
}

Usage make_usage(Choices& choices) {
  Usage usage;
  for (unsigned left = choices.below(12); left > 0; --left) {
    const std::string meter = meter_name(choices);
    const Result<Decimal> quantity = Decimal::parse(number(choices));
    if (quantity.ok()) {
      usage.set(meter, *quantity);
    }
  }
  return usage;
}

std::string rate_set(Choices& choices, unsigned limit) {
  std::string json = "{";
  const unsigned rates = choices.below(limit);
  for (unsigned i = 0; i < rates; ++i) {
    json += i > 0 ? ", " : "";
    json += "\"" + meter_name(choices) + "\": " + meter_rate(choices);
  }
  return json + "}";
}

std::string condition(Choices& choices) {
  static constexpr const char* tests[] = {R"("service_tier": "batch")",
                                          R"("service_tier": ["flex", "batch"])",
                                          R"("region": "eu")",
                                          R"("quality": "hd", "size": "big")",
                                          R"("time": {"hours": "22:30-06:00", "weekdays": ["fri", "sat"]})",
                                          R"("time": {"dates": "2026-03-29", "time_zone": "Europe/Berlin"})",
                                          R"("region": "eu", "time": {"hours": "00:00-00:00"})"};
  static constexpr const char* scopes[] = {R"("all")", R"("all_but_cache")", R"(["cache_read_tokens", "custom_1"])"};
  std::string json = std::string("{\"if\": {") + tests[choices.below(7)] + "}, ";
  if (choices.below(3) == 0) {
    json += "\"multiply\": \"" + std::to_string(1 + choices.below(30)) + "." + std::to_string(choices.below(10)) +
            "\", \"scope\": " + scopes[choices.below(3)];
  } else {
    json += "\"rates\": " + rate_set(choices, 5);
  }
  return json + "}";
}

Result<Price> make_price(Choices& choices) {
  std::string json = "{\"rates\": " + rate_set(choices, 10);
  if (const unsigned conditions = choices.below(5); conditions > 0) {
    json += ", \"conditions\": [";
    for (unsigned i = 0; i < conditions; ++i) {
      json += (i > 0 ? ", " : "") + condition(choices);
    }
    json += "]";
  }
  return Price::from_json(json + "}");
}

/// A request that meets some of those conditions; its time is somewhere in the years around 2026, or not known.
RequestContext make_context(Choices& choices) {
  static constexpr const char* variants[] = {"", "quality=hd, size=big", "quality=hd;;=,x", "big"};
  static constexpr const char* tiers[] = {"", "Batch", "flex", "default"};
  RequestContext context;
  context.service_tier = tiers[choices.below(4)];
  context.region = choices.below(2) == 0 ? "" : "EU";
  context.variant = variants[choices.below(4)];
  if (choices.below(8) != 0) {
    constexpr spend::Timestamp minute = 60 * spend::microseconds_per_second;
    const spend::Timestamp day = choices.two_bytes() - 32768 + 9500;
    context.at = day * spend::microseconds_per_day + choices.two_bytes() * minute;
  }
  return context;
}

void check_lines(const Costing& costing) {
  Decimal sum;
  for (const CostLine& line : costing.lines) {
    require(!line.quantity.is_zero());
    const Result<Decimal> next = add(sum, line.amount);
    require(next.ok());
    sum = *next;
  }
  require(sum == costing.cost);
}

}  // namespace

/// A price and a usage made from the input: whatever they are, the cost is the sum of its lines, the same twice, and
/// known exactly where everything has a rate.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  const Result<Price> price = make_price(choices);
  if (!price.ok()) {
    return 0;
  }
  const Usage usage = make_usage(choices);
  const RequestContext context = make_context(choices);
  const Result<Costing> clamped = evaluate(*price, usage, OnInconsistent::clamp, true, context);
  const Result<Costing> strict = evaluate(*price, usage, OnInconsistent::raise, true, context);
  const Result<Costing> brief = evaluate(*price, usage, OnInconsistent::clamp, false, context);
  require(clamped.ok() == brief.ok());
  if (!clamped.ok()) {
    require(clamped.error().kind == spend::ErrorKind::out_of_range || !context.at.has_value());
    require(!strict.ok());
    return 0;
  }
  require(clamped->status == brief->status && clamped->reason == brief->reason && clamped->cost == brief->cost);
  require(brief->lines.empty());
  if (clamped->status == PricingStatus::unpriced) {
    require(!clamped->reason.empty() && clamped->lines.empty());
    return 0;
  }
  check_lines(*clamped);
  if (clamped->status == PricingStatus::inconsistent) {
    require(!strict.ok() && strict.error().kind == spend::ErrorKind::inconsistent_usage);
  } else {
    require(strict.ok() && strict->cost == clamped->cost);
  }
  require(clamped->status != PricingStatus::free || clamped->cost.is_zero());
  return 0;
}
