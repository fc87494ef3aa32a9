#include "core/formats/provider_usage.hpp"

#include "core/usage.hpp"
#include "fuzz.hpp"

using spend::ProviderUsage;
using spend::fuzz::require;

/// First line: provider and API, parted by a blank; the rest is the payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = spend::fuzz::text(data, size);
  const std::size_t line = input.find('\n');
  const std::string_view names = line == std::string_view::npos ? std::string_view() : input.substr(0, line);
  const std::string_view payload = line == std::string_view::npos ? input : input.substr(line + 1);
  const std::size_t blank = names.find(' ');
  const std::string_view api = blank == std::string_view::npos ? std::string_view() : names.substr(blank + 1);

  const ProviderUsage read = spend::read_provider_usage(names.substr(0, blank), payload, api);
  require(!read.lines.empty());
  const bool has_usage = read.outcome == ProviderUsage::Outcome::usage;
  require(read.problem.empty() == has_usage);
  if (!has_usage) {
    require(read.lines.size() == 1 && read.lines.front().usage.empty());
    return 0;
  }
  for (const spend::UsageLine& each : read.lines) {
    const auto again = spend::Usage::from_json(each.usage.to_json());
    require(again.ok() && *again == each.usage);
    require(each.reported_cost.has_value() == !each.reported_currency.empty());
  }
  const auto answered = read.answered();
  require(answered.ok() || answered.error().kind == spend::ErrorKind::out_of_range);
  return 0;
}
