#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace spend {

/// One meter that pg_spend knows: its place among the inclusive counts. Any other name is a meter of its own
/// without a parent. Source of names and tree: OpenTelemetry GenAI usage attributes, FOCUS, and vendors' price lists.
struct MeterInfo {
  std::string_view name;
  /// Direct parents in the order in which a missing rate falls back to them ("cached audio bills as cached, then as
  /// input"); at most two. A quantity of this meter is contained in each parent's quantity.
  std::string_view parents[2];
  /// The axis on which siblings under one parent are disjoint: siblings of one axis may not exceed the parent together.
  enum class Axis : std::uint8_t { none, cache, modality, kind, ttl } axis;
  /// A count of activity that vendors bill through other meters unless the price has a rate for it (tool_calls,
  /// retrieval_queries): without a rate it does not make an otherwise priced usage unpriced.
  bool activity_only;
};

/// All known meters in canonical output order: input_tokens first, output_tokens after the input family.
std::span<const MeterInfo> known_meters();
/// The known meter of that exact name, or nullptr.
const MeterInfo* find_meter(std::string_view name);
/// True when `name` may be a meter: 1 to 63 bytes of [a-z0-9_], first a letter.
bool is_meter_name(std::string_view name);
/// Order in which meters are stored and printed: known ones by place in known_meters(), then others by name.
bool meter_less(std::string_view a, std::string_view b);

}  // namespace spend
