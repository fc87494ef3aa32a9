#include "core/price.hpp"
#include "fuzz.hpp"

using spend::Price;
using spend::Result;
using spend::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view image = spend::fuzz::text(data, size);
  const Result<Price> price = Price::from_image(spend::fuzz::bytes(image));
  if (!price.ok()) {
    require(price.error().kind == spend::ErrorKind::invalid_binary);
    return 0;
  }
  require(price->to_image() == image);
  return 0;
}
