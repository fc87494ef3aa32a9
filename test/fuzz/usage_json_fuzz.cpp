#include "core/usage.hpp"
#include "fuzz.hpp"

using spend::Result;
using spend::Usage;
using spend::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<Usage> usage = Usage::from_json(spend::fuzz::text(data, size));
  if (!usage.ok()) {
    require(!usage.error().message.empty());
    return 0;
  }
  const std::string json = usage->to_json();
  const Result<Usage> again = Usage::from_json(json);
  require(again.ok() && *again == *usage && again->to_json() == json);
  const std::string image = usage->to_image();
  const Result<Usage> from_image = Usage::from_image(spend::fuzz::bytes(image));
  require(from_image.ok() && *from_image == *usage && from_image->to_image() == image);
  Usage sum = *usage;
  if (!sum.add(*usage).has_value()) {
    require(sum.entries().size() == usage->entries().size());
  } else {
    require(sum == *usage);
  }
  return 0;
}
