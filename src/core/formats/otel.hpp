#pragma once

#include <string>

#include "core/formats/counts.hpp"
#include "core/json.hpp"

namespace spend::formats {

/// Whether an object carries OpenTelemetry attributes of a model call: flat names, nested ones, a span's "attributes"
/// object, or OTLP's list of keys and values.
bool is_otel(const Json& object);

/// What the attributes of one span say.
struct OtelSpan {
  bool bills = true;      ///< false for agent, workflow and tool spans, which repeat their children's tokens
  std::string operation;  ///< the word that decided it
  std::string model;
  std::string service_tier;
  Count cost;
};

/// Reads the attributes into inclusive counts, which they are by convention, and what else they say. Names:
/// OpenTelemetry GenAI semantic conventions, older and vendors' aliases, OpenInference, Vercel AI SDK.
OtelSpan read_otel(const Json& object, Counts& counts);

}  // namespace spend::formats
