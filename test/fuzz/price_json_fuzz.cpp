#include "core/price.hpp"
#include "fuzz.hpp"

using spend::Price;
using spend::Result;
using spend::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<Price> price = Price::from_json(spend::fuzz::text(data, size));
  if (!price.ok()) {
    require(!price.error().message.empty());
    return 0;
  }
  const std::string json = price->to_json();
  const Result<Price> again = Price::from_json(json);
  require(again.ok() && *again == *price && again->to_json() == json);
  const std::string image = price->to_image();
  const Result<Price> from_image = Price::from_image(spend::fuzz::bytes(image));
  require(from_image.ok() && *from_image == *price);
  return 0;
}
