#include "core/import/rate_card.hpp"

#include <utility>

#include "core/error_text.hpp"
#include "core/import/rate_text.hpp"
#include "core/json.hpp"

namespace spend {

bool is_token_meter(std::string_view meter) {
  return meter.ends_with("_tokens");
}

void RateCard::set(std::string_view meter, const Rate& rate) {
  Cell& cell = cells_[std::string(meter)];
  cell.has_base = true;
  cell.base = rate;
}

void RateCard::set_step(std::string_view meter, const Decimal& threshold, const Rate& rate) {
  cells_[std::string(meter)].steps[threshold] = rate;
}

RateCard RateCard::overlaid_with(const RateCard& other) const {
  RateCard result = *this;
  for (const auto& [meter, mine] : cells_) {
    // What only repeats its parent's rate goes with the parent.
    const MeterInfo* const known = find_meter(meter);
    const auto parent = known == nullptr ? cells_.end() : cells_.find(known->parents[0]);
    if (parent != cells_.end() && parent->second == mine && other.has(parent->first)) {
      result.cells_.erase(meter);
    }
  }
  for (const auto& [meter, theirs] : other.cells_) {
    Cell& cell = result.cells_[meter];
    if (theirs.has_base) {
      cell = theirs;
      continue;
    }
    for (const auto& [threshold, rate] : theirs.steps) {
      cell.steps[threshold] = rate;
    }
  }
  return result;
}

RateCard RateCard::replaced_by(const RateCard& other) const {
  RateCard result = *this;
  for (const auto& [meter, cell] : other.cells_) {
    result.cells_[meter] = cell;
  }
  return result;
}

RateCard RateCard::families(bool of_input, bool of_output) const {
  RateCard result = *this;
  std::erase_if(result.cells_, [&](const auto& cell) {
    std::string_view root = cell.first;
    for (const MeterInfo* meter = find_meter(root); meter != nullptr && !meter->parents[0].empty();) {
      root = meter->parents[0];
      meter = find_meter(root);
    }
    return !(of_input && root == "input_tokens") && !(of_output && root == "output_tokens");
  });
  return result;
}

void RateCard::drop(std::string_view meter) {
  const auto cell = cells_.find(meter);
  if (cell != cells_.end()) {
    cells_.erase(cell);
  }
}

std::vector<std::string> RateCard::drop_steps_without_base() {
  std::vector<std::string> dropped;
  for (auto cell = cells_.begin(); cell != cells_.end();) {
    if (cell->second.has_base) {
      ++cell;
    } else {
      dropped.push_back(cell->first);
      cell = cells_.erase(cell);
    }
  }
  return dropped;
}

Result<RateCard> RateCard::tokens_times(const Decimal& factor) const {
  RateCard result = *this;
  for (auto& [meter, cell] : result.cells_) {
    if (!is_token_meter(meter)) {
      continue;
    }
    Result<Decimal> base = multiply(cell.base.amount, factor);
    if (!base.ok()) {
      return std::move(base).error();
    }
    cell.base.amount = *base;
    for (auto& [threshold, rate] : cell.steps) {
      Result<Decimal> step = multiply(rate.amount, factor);
      if (!step.ok()) {
        return std::move(step).error();
      }
      rate.amount = *step;
    }
  }
  return result;
}

bool RateCard::charges() const {
  for (const auto& [meter, cell] : cells_) {
    if (!cell.base.amount.is_zero()) {
      return true;
    }
    for (const auto& [threshold, rate] : cell.steps) {
      if (!rate.amount.is_zero()) {
        return true;
      }
    }
  }
  return false;
}

Result<std::string> RateCard::rates_json() const {
  std::string json = "{";
  const char* separator = "";
  for (const auto& [meter, cell] : cells_) {
    if (!cell.has_base) {
      return Error{ErrorKind::invalid_value, "a rate of " + quoted(meter) + " above a threshold, and none below it", "",
                   ""};
    }
    json += separator + json_quote(meter) + ": ";
    separator = ", ";
    if (cell.steps.empty()) {
      json += json_quote(cell.base.to_string());
      continue;
    }
    json += R"({"base": )" + json_quote(cell.base.to_string()) + R"(, "tiers": [)";
    const char* comma = "";
    for (const auto& [threshold, rate] : cell.steps) {
      json += comma + std::string(from_threshold ? R"({"from": )" : R"({"above": )") + threshold.to_string() +
              R"(, "rate": )" + json_quote(rate.to_string()) + "}";
      comma = ", ";
    }
    json += "]}";
  }
  return json + "}";
}

Result<Price> RateCard::price() const {
  return price({});
}

Result<Price> RateCard::price(const std::vector<ScheduledRates>& schedule, const std::vector<std::string>& more) const {
  Result<std::string> rates = rates_json();
  if (!rates.ok()) {
    return std::move(rates).error();
  }
  std::string json = R"({"currency": )" + json_quote(currency) + R"(, "rates": )" + *rates;
  const char* separator = R"(, "conditions": [)";
  for (const ScheduledRates& at_times : schedule) {
    rates = at_times.card.rates_json();
    if (!rates.ok()) {
      return std::move(rates).error();
    }
    json += separator + std::string(R"({"if": {"time": )") + at_times.time + R"(}, "rates": )" + *rates + "}";
    separator = ", ";
  }
  for (const std::string& condition : more) {
    json += separator + condition;
    separator = ", ";
  }
  return Price::from_json(json + (schedule.empty() && more.empty() ? "}" : "]}"));
}

}  // namespace spend
