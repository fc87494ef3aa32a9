#include "core/rate_reader.hpp"

#include <algorithm>
#include <utility>

#include "core/price.hpp"
#include "core/price_error.hpp"

namespace spend::price_json {

namespace {

constexpr const char* default_basis = "input_tokens";

Result<Rate> read_rate(const Json& value, const std::string& path) {
  if (value.type != Json::Type::string) {
    return at(path, ErrorKind::invalid_text, "a rate must be a string such as \"2.50/1M\"");
  }
  Result<Rate> rate = Rate::parse(value.text);
  if (!rate.ok()) {
    return at(path, rate.error());
  }
  return rate;
}

Result<Tier> read_tier(const Json& value, const std::string& path) {
  if (value.type != Json::Type::object) {
    return at(path, ErrorKind::invalid_text, "a tier must be an object");
  }
  Tier tier;
  bool has_threshold = false;
  bool has_rate = false;
  for (const auto& [key, part] : value.members) {
    const std::string part_path = join(path, key);
    if (key == "rate") {
      Result<Rate> rate = read_rate(part, part_path);
      if (!rate.ok()) {
        return std::move(rate).error();
      }
      tier.rate = *rate;
      has_rate = true;
    } else if (key == "above" || key == "from") {
      if (has_threshold) {
        return at(path, ErrorKind::invalid_value, "a tier has either \"above\" or \"from\", not both");
      }
      if (part.type != Json::Type::number && part.type != Json::Type::string) {
        return at(part_path, ErrorKind::invalid_text, "a threshold must be a number");
      }
      const Result<Decimal> threshold = Decimal::parse(part.text);
      if (!threshold.ok()) {
        return at(part_path, threshold.error());
      }
      tier.threshold = *threshold;
      tier.inclusive = key == "from";
      has_threshold = true;
    } else {
      return at(part_path, ErrorKind::invalid_value, "unknown key", "A tier has \"above\" or \"from\", and \"rate\".");
    }
  }
  if (!has_threshold || !has_rate) {
    return at(path, ErrorKind::invalid_value, "a tier needs \"above\" or \"from\", and \"rate\"");
  }
  return tier;
}

/// Ascending by the first value of the basis that crosses: "from 5" is crossed by 5, "above 5" only by more.
bool tier_less(const Tier& a, const Tier& b) {
  if (a.threshold != b.threshold) {
    return a.threshold < b.threshold;
  }
  return a.inclusive && !b.inclusive;
}

std::optional<Error> read_tiers(const Json& value, const std::string& path, MeterRate& rate) {
  if (value.type != Json::Type::array) {
    return at(path, ErrorKind::invalid_text, "\"tiers\" must be an array");
  }
  if (value.items.size() > Price::max_tiers) {
    return at(path, ErrorKind::limit_exceeded, "more than " + std::to_string(Price::max_tiers) + " tiers");
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    Result<Tier> tier = read_tier(value.items[i], path + "[" + std::to_string(i) + "]");
    if (!tier.ok()) {
      return std::move(tier).error();
    }
    rate.tiers.push_back(*std::move(tier));
  }
  std::sort(rate.tiers.begin(), rate.tiers.end(), tier_less);
  const auto twice = std::adjacent_find(rate.tiers.begin(), rate.tiers.end(),
                                        [](const Tier& a, const Tier& b) { return !tier_less(a, b); });
  if (twice != rate.tiers.end()) {
    return at(path, ErrorKind::invalid_value, "two tiers at threshold " + twice->threshold.to_string());
  }
  return std::nullopt;
}

std::optional<Error> read_tiered(const Json& value, const std::string& path, MeterRate& rate) {
  bool has_base = false;
  std::optional<std::string> basis;
  for (const auto& [key, part] : value.members) {
    const std::string part_path = join(path, key);
    if (key == "base") {
      Result<Rate> base = read_rate(part, part_path);
      if (!base.ok()) {
        return std::move(base).error();
      }
      rate.base = *base;
      has_base = true;
    } else if (key == "tiers") {
      if (std::optional<Error> error = read_tiers(part, part_path, rate)) {
        return error;
      }
    } else if (key == "basis") {
      if (part.type != Json::Type::string || !is_meter_name(part.text)) {
        return at(part_path, ErrorKind::invalid_value, "\"basis\" must be the name of a meter");
      }
      basis = part.text;
    } else if (key == "mode") {
      if (part.type != Json::Type::string || (part.text != "whole" && part.text != "graduated")) {
        return at(part_path, ErrorKind::invalid_value, "\"mode\" must be \"whole\" or \"graduated\"");
      }
      rate.mode = part.text == "whole" ? MeterRate::Mode::whole : MeterRate::Mode::graduated;
    } else {
      return at(part_path, ErrorKind::invalid_value, "unknown key",
                "A rate has \"base\", \"tiers\", \"basis\" and \"mode\".");
    }
  }
  if (!has_base) {
    return at(path, ErrorKind::invalid_value, "\"base\" is missing");
  }
  if (rate.mode == MeterRate::Mode::graduated && basis.has_value() && *basis != rate.meter) {
    return at(join(path, "basis"), ErrorKind::invalid_value,
              "graduated tiers are climbed by the meter's own quantity, so they take no other basis");
  }
  if (rate.tiers.empty()) {
    rate.mode = MeterRate::Mode::whole;  // says nothing without tiers; equal prices must have equal text
  } else if (rate.mode == MeterRate::Mode::whole && basis.has_value()) {
    rate.basis = *std::move(basis);
  }
  return std::nullopt;
}

Result<MeterRate> read_meter_rate(std::string_view meter, const Json& value, const std::string& path) {
  MeterRate rate;
  if (!is_meter_name(meter)) {
    return at(path, ErrorKind::invalid_value, "not a meter name",
              "A meter name has 1 to 63 characters of a-z, 0-9 and _ and starts with a letter.");
  }
  rate.meter = meter;
  rate.known = find_meter(meter);
  rate.basis = default_basis;
  if (value.type == Json::Type::object) {
    if (std::optional<Error> error = read_tiered(value, path, rate)) {
      return *std::move(error);
    }
    return rate;
  }
  if (value.type != Json::Type::string) {
    return at(path, ErrorKind::invalid_text, "a rate must be a string such as \"2.50/1M\", or an object with tiers");
  }
  Result<Rate> base = read_rate(value, path);
  if (!base.ok()) {
    return std::move(base).error();
  }
  rate.base = *base;
  return rate;
}

}  // namespace

std::optional<Error> read_rates(const Json& value, const std::string& path, std::vector<MeterRate>& rates) {
  if (value.type != Json::Type::object) {
    return at(path, ErrorKind::invalid_text, "\"rates\" must be an object");
  }
  if (value.members.size() > Price::max_rates) {
    return at(path, ErrorKind::limit_exceeded, "more than " + std::to_string(Price::max_rates) + " rates");
  }
  rates.reserve(value.members.size());
  for (const auto& [meter, part] : value.members) {
    Result<MeterRate> rate = read_meter_rate(meter, part, join(path, meter));
    if (!rate.ok()) {
      return std::move(rate).error();
    }
    rates.push_back(*std::move(rate));
  }
  std::sort(rates.begin(), rates.end(),
            [](const MeterRate& a, const MeterRate& b) { return meter_less(a.meter, b.meter); });
  return std::nullopt;
}

}  // namespace spend::price_json
