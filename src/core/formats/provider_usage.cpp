#include "core/formats/provider_usage.hpp"

#include <utility>

#include "core/formats/collector.hpp"
#include "core/formats/payload.hpp"

namespace spend {

Result<Usage> ProviderUsage::answered() const {
  Usage total = lines.front().usage;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].model == lines.front().model) {
      if (std::optional<Error> error = total.add(lines[i].usage)) {
        return *std::move(error);
      }
    }
  }
  return total;
}

ProviderUsage read_provider_usage(std::string_view provider, std::string_view payload, std::string_view api) {
  formats::Collector collector(formats::Hints::of(provider, api));
  bool is_structured = false;
  const std::optional<Error> error = formats::read_parts(payload, [&](Json part) {
    is_structured = is_structured || part.type == Json::Type::object || part.type == Json::Type::string ||
                    part.type == Json::Type::null;
    collector.add(std::move(part));
  });
  if (error.has_value()) {
    std::string problem = error->message;
    if (!error->detail.empty()) {
      problem += " (" + error->detail.substr(0, error->detail.size() - 1) + ")";
    }
    collector.fail(std::move(problem));
  } else if (!is_structured) {
    collector.fail("the payload is neither an object nor a list of objects");
  }
  return std::move(collector).finish();
}

}  // namespace spend
