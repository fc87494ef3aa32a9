#include <string>

#include "core/cost.hpp"
#include "fuzz.hpp"

using spend::Costing;
using spend::CostLine;
using spend::Decimal;
using spend::OnInconsistent;
using spend::Price;
using spend::PricingStatus;
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

Result<Price> make_price(Choices& choices) {
  std::string json = "{\"rates\": {";
  const unsigned rates = choices.below(10);
  for (unsigned i = 0; i < rates; ++i) {
    json += i > 0 ? ", " : "";
    json += "\"" + meter_name(choices) + "\": " + meter_rate(choices);
  }
  return Price::from_json(json + "}}");
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
  const Result<Costing> clamped = evaluate(*price, usage, OnInconsistent::clamp, true);
  const Result<Costing> strict = evaluate(*price, usage, OnInconsistent::raise, true);
  const Result<Costing> brief = evaluate(*price, usage, OnInconsistent::clamp, false);
  require(clamped.ok() == brief.ok());
  if (!clamped.ok()) {
    require(clamped.error().kind == spend::ErrorKind::out_of_range);
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
