#include "core/price_reader.hpp"

#include <algorithm>
#include <utility>

#include "core/condition_reader.hpp"
#include "core/price_error.hpp"
#include "core/rate_reader.hpp"

namespace spend {

using price_json::at;
using price_json::join;

namespace {

bool is_currency(std::string_view text) {
  if (text.empty() || text.size() > 12 || text.front() < 'A' || text.front() > 'Z') {
    return false;
  }
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

Result<Price> PriceReader::read(const Json& value, const std::string& path) {
  if (value.type != Json::Type::object) {
    return at(path, ErrorKind::invalid_text, "a price must be a JSON object",
              "Write it as {\"currency\": \"USD\", \"rates\": {\"input_tokens\": \"2.50/1M\"}}.");
  }
  Price price;
  bool has_rates = false;
  for (const auto& [key, part] : value.members) {
    const std::string part_path = join(path, key);
    if (key == "currency") {
      if (part.type != Json::Type::string || !is_currency(part.text)) {
        return at(part_path, ErrorKind::invalid_value,
                  "a currency has 1 to 12 characters of A-Z, 0-9 and _ and starts with a letter");
      }
      price.currency_ = part.text;
    } else if (key == "rates") {
      if (std::optional<Error> error = price_json::read_rates(part, part_path, price.rates_)) {
        return *std::move(error);
      }
      has_rates = true;
    } else if (key == "conditions") {
      if (std::optional<Error> error = price_json::read_conditions(part, part_path, price.conditions_)) {
        return *std::move(error);
      }
    } else {
      return at(part_path, ErrorKind::invalid_value, "unknown key",
                "A price has \"currency\", \"rates\" and \"conditions\".");
    }
  }
  if (!has_rates) {
    return at(path, ErrorKind::invalid_value, "\"rates\" is missing");
  }
  if (std::optional<Error> error = price_json::check_together(price.rates_, price.conditions_, path)) {
    return *std::move(error);
  }
  // Canonical text may be longer than what was read; a value that its own input function refuses could not be restored
  // from a dump.
  if (price.to_json().size() > Price::max_json_bytes) {
    return at(path, ErrorKind::limit_exceeded,
              "its text has more than " + std::to_string(Price::max_json_bytes) + " bytes");
  }
  price.plain_ = PlainPrice(price.rates_, price.conditions_);
  return price;
}

}  // namespace spend
