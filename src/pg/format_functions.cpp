// spend.usage_from() and its kin: providers' payloads into token_usage.

#include "core/formats/provider_usage.hpp"

#include "pg/numeric.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

using Outcome = ProviderUsage::Outcome;

std::string text_or_empty(FunctionCallInfo fcinfo, int argument) {
  return PG_ARGISNULL(argument) ? std::string() : text_of(PG_GETARG_DATUM(argument));
}

/// The payload of (provider, payload, api, …). Precondition: payload is not NULL.
ProviderUsage read_arguments(FunctionCallInfo fcinfo) {
  return read_provider_usage(text_or_empty(fcinfo, 0), jsonb_text(PG_GETARG_DATUM(1)), text_or_empty(fcinfo, 2));
}

/// A fourth argument of true asks for an error where there is no usage. A span that only repeats others is no error.
void require_usage(FunctionCallInfo fcinfo, const ProviderUsage& read) {
  const bool is_strict = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
  if (is_strict && read.outcome != Outcome::usage && read.outcome != Outcome::not_billed) {
    raise(
        Error{ErrorKind::invalid_value, "no usage can be read from the payload", "The reason is: " + read.problem + ".",
              "Pass the whole response, its usage object, OpenTelemetry attributes, or the list of a stream's parts."});
  }
}

Datum answered_usage(FunctionCallInfo fcinfo, const ProviderUsage& read) {
  if (read.outcome != Outcome::usage) {
    PG_RETURN_NULL();
  }
  return usage_datum(take(read.answered()));
}

void emit_line(FunctionCallInfo fcinfo, const UsageLine& line, const std::string& problem) {
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  std::array<Datum, 9> values = {};
  std::array<bool, 9> nulls = {};
  const auto put_text = [&](std::size_t i, const std::string& text) {
    nulls[i] = text.empty();
    values[i] = text.empty() ? Datum{} : text_datum(text);
  };
  put_text(0, line.model);
  nulls[1] = !problem.empty();
  values[1] = problem.empty() ? usage_datum(line.usage) : Datum{};
  nulls[2] = !line.reported_cost.has_value();
  values[2] = line.reported_cost.has_value() ? encode_numeric(*line.reported_cost) : Datum{};
  put_text(3, line.service_tier);
  put_text(4, line.speed);
  put_text(5, line.region);
  put_text(6, line.variant);
  put_text(7, line.reported_currency);
  put_text(8, problem);
  pg_call([&] { tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data()); });
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_usage_from) {
  if (PG_ARGISNULL(1)) {
    PG_RETURN_NULL();
  }
  const spend::ProviderUsage read = spend::read_arguments(fcinfo);
  spend::require_usage(fcinfo, read);
  return spend::answered_usage(fcinfo, read);
}

SPEND_FUNCTION(spend_usage_from_otel) {
  return spend::answered_usage(fcinfo, spend::read_provider_usage("", spend::jsonb_text(PG_GETARG_DATUM(0)), ""));
}

SPEND_FUNCTION(spend_usage_lines) {
  spend::begin_set(fcinfo);
  if (!PG_ARGISNULL(1)) {
    const spend::ProviderUsage read = spend::read_arguments(fcinfo);
    spend::require_usage(fcinfo, read);
    if (read.outcome != spend::Outcome::not_billed) {
      for (const spend::UsageLine& line : read.lines) {
        spend::emit_line(fcinfo, line, read.problem);
      }
    }
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_usage_problem) {
  if (PG_ARGISNULL(1)) {
    PG_RETURN_NULL();
  }
  const spend::ProviderUsage read = spend::read_arguments(fcinfo);
  if (read.outcome == spend::Outcome::usage) {
    PG_RETURN_NULL();
  }
  return spend::text_datum(read.problem);
}
