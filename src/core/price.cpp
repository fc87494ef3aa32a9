#include "core/price.hpp"

#include <algorithm>
#include <utility>

#include "core/image.hpp"
#include "core/price_reader.hpp"

namespace spend {

namespace {

constexpr int json_depth = 10;

}  // namespace

Result<Price> Price::from_json(std::string_view json) {
  Result<Json> value = Json::parse(json, {max_json_bytes, json_depth});
  if (!value.ok()) {
    return std::move(value).error();
  }
  return PriceReader::read(*value, "");
}

std::string Price::to_json() const {
  std::string result = R"({"currency": ")";
  result += currency_;
  result += R"(", "rates": )";
  result += rates_json(rates_);
  for (const Condition& condition : conditions_) {
    result += &condition == conditions_.data() ? R"(, "conditions": [)" : ", ";
    result += condition.to_json();
  }
  result += conditions_.empty() ? "}" : "]}";
  return result;
}

bool Price::answers(std::string_view key, std::string_view value) const {
  if (conditions_.empty()) {
    return false;
  }
  bool all_tested = true;
  if (key == "variant" && for_each_parameter(value, [&](std::string_view parameter, std::string_view /*value*/) {
        all_tested = all_tested && tests(parameter);
      })) {
    return all_tested;
  }
  return std::any_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
    const Condition::Test* const test = condition.find_test(key);
    return test != nullptr && std::binary_search(test->values.begin(), test->values.end(), value);
  });
}

bool Price::tests(std::string_view key) const {
  return std::any_of(conditions_.begin(), conditions_.end(),
                     [&](const Condition& condition) { return condition.find_test(key) != nullptr; });
}

Result<Price> Price::from_image(std::span<const std::byte> image) {
  ByteReader reader(image);
  if (!reader.header()) {
    return Error{ErrorKind::invalid_binary, "invalid binary price", "The version is not known.", ""};
  }
  const std::string_view json = *reader.text(reader.left());
  Result<Price> price = from_json(json);
  if (!price.ok()) {
    Error error = std::move(price).error();
    error.kind = ErrorKind::invalid_binary;
    return error;
  }
  if (price->to_json() != json) {
    return Error{ErrorKind::invalid_binary, "invalid binary price", "The text is not in canonical form.", ""};
  }
  return price;
}

std::string Price::to_image() const {
  return image_header() + to_json();
}

const MeterRate* Price::find(std::string_view meter) const {
  for (const MeterRate& rate : rates_) {
    if (rate.meter == meter) {
      return &rate;
    }
  }
  return nullptr;
}

}  // namespace spend
