#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/decimal.hpp"
#include "core/status.hpp"
#include "core/usage.hpp"

namespace spend {

/// What one model did for a request, as its provider reports it.
struct UsageLine {
  std::string model;  ///< as sent; empty when the payload does not name it
  Usage usage;        ///< inclusive counts as sent: what contradicts itself is left for pricing to clamp and flag
  std::optional<Decimal> reported_cost;  ///< the vendor's own figure, rounded half-even to 18 decimals
  std::string reported_currency;         ///< ISO 4217; empty without a cost
  std::string service_tier;              ///< the tier that served, as reported; empty when not told
  std::string speed;                     ///< empty for the ordinary speed
  std::string region;                    ///< where inference was kept to; empty when it may run anywhere
  std::string variant;                   ///< a request parameter that picks the price: Perplexity's search context size
};

/// What a provider's payload says of usage. Missing or malformed usage is never zero usage.
struct ProviderUsage {
  enum class Outcome {
    usage,       ///< lines holds what to bill
    not_billed,  ///< a span that repeats its children's usage
    no_usage,    ///< the payload carries no count
    malformed,   ///< the payload carries something that cannot be a count, or is beyond a limit
  };
  Outcome outcome = Outcome::no_usage;
  /// With usage: one line for each model, first the one that answered. Otherwise one line with what is known besides
  /// the usage (model, service tier).
  std::vector<UsageLine> lines;
  std::string problem;  ///< why there is no usage, a clause without full stop; empty with usage

  /// The usage of the model that answered; a model that it consulted is not in it. Errors: out_of_range.
  /// Precondition: outcome is usage.
  Result<Usage> answered() const;
};

/// Streams hold the text too; the server's own limit on jsonb is far above.
constexpr std::size_t max_payload_bytes = 16 * 1024 * 1024;

/// Reads a provider's response body, its usage object alone, OpenTelemetry attributes, or an array of a stream's parts.
/// `provider` and `api` decide where the shape alone is ambiguous, and may be empty; names are compared without case
/// and punctuation, and a name that is not known counts as none. Linear in the size of the payload. Never fails: what
/// cannot be read is in `problem`.
ProviderUsage read_provider_usage(std::string_view provider, std::string_view payload, std::string_view api);

}  // namespace spend
