#include "core/usage.hpp"
#include "fuzz.hpp"

using spend::Result;
using spend::Usage;
using spend::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view image = spend::fuzz::text(data, size);
  const Result<Usage> usage = Usage::from_image(spend::fuzz::bytes(image));
  if (!usage.ok()) {
    require(usage.error().kind == spend::ErrorKind::invalid_binary);
    return 0;
  }
  require(usage->to_image() == image);
  const Result<Usage> from_text = Usage::from_json(usage->to_json());
  require(from_text.ok() && *from_text == *usage);
  return 0;
}
