#include "core/rate.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/error_text.hpp"

namespace spend {

namespace {

struct Unit {
  Per per;
  std::string_view name;
  std::uint64_t divisor;
};

constexpr std::array units = {
    Unit{Per::one, "1", 1},
    Unit{Per::thousand, "1k", 1'000},
    Unit{Per::million, "1M", 1'000'000},
    Unit{Per::billion, "1B", 1'000'000'000},
    Unit{Per::hour, "hour", 3'600},
};

Error rate_syntax_error(std::string_view text) {
  return {ErrorKind::invalid_text, "rate " + quoted(text) + " is not of the form AMOUNT/UNIT", "",
          "The units are 1, 1k, 1M, 1B and hour, as in \"2.50/1M\"."};
}

void append_tiered(std::string& out, const MeterRate& rate) {
  out += R"({"base": ")";
  out += rate.base.to_string();
  out += R"(", "tiers": [)";
  bool first = true;
  for (const Tier& tier : rate.tiers) {
    out += first ? "{\"" : ", {\"";
    first = false;
    out += tier.inclusive ? "from" : "above";
    out += "\": ";
    out += tier.threshold.to_string();
    out += R"(, "rate": ")";
    out += tier.rate.to_string();
    out += "\"}";
  }
  out += ']';
  if (rate.mode == MeterRate::Mode::graduated) {
    out += R"(, "mode": "graduated")";
  } else if (rate.basis != "input_tokens") {
    out += R"(, "basis": ")";
    out += rate.basis;
    out += '"';
  }
  out += '}';
}

}  // namespace

std::uint64_t divisor(Per per) {
  return units[static_cast<std::size_t>(per)].divisor;
}

std::string_view unit_name(Per per) {
  return units[static_cast<std::size_t>(per)].name;
}

Result<Rate> Rate::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return rate_syntax_error(text);
  }
  const std::string_view unit = text.substr(slash + 1);
  const auto* const found =
      std::find_if(units.begin(), units.end(), [&](const Unit& candidate) { return candidate.name == unit; });
  if (found == units.end()) {
    return rate_syntax_error(text);
  }
  Result<Decimal> amount = Decimal::parse(text.substr(0, slash));
  if (!amount.ok()) {
    if (amount.error().kind == ErrorKind::invalid_text) {
      return rate_syntax_error(text);
    }
    Error error = std::move(amount).error();
    error.message = "rate " + quoted(text) + ": " + error.message;
    return error;
  }
  return Rate{*amount, found->per};
}

std::string Rate::to_string() const {
  std::string result = amount.to_string();
  result += '/';
  result += unit_name(per);
  return result;
}

std::string rates_json(const std::vector<MeterRate>& rates) {
  std::string result = "{";
  bool first = true;
  for (const MeterRate& rate : rates) {
    result += first ? "\"" : ", \"";
    first = false;
    result += rate.meter;
    result += "\": ";
    if (rate.tiers.empty()) {
      result += '"';
      result += rate.base.to_string();
      result += '"';
    } else {
      append_tiered(result, rate);
    }
  }
  result += '}';
  return result;
}

}  // namespace spend
