#pragma once

#include "core/lattice.hpp"
#include "core/meter_table.hpp"

namespace spend {

/// Text and the kinds of tokens bill at their parent's rate with every vendor, so that is no fallback to report.
inline constexpr MeterSet silent_fallbacks =
    bit(meter_index("input_text_tokens")) | bit(meter_index("output_text_tokens")) |
    bit(meter_index("input_tool_tokens")) | bit(meter_index("input_text_tool_tokens")) |
    bit(meter_index("output_reasoning_tokens")) | bit(meter_index("output_citation_tokens")) |
    bit(meter_index("input_tokens")) | bit(meter_index("output_tokens"));

/// Cache writes by how long they live. Where their rates differ from that of cache writes, it is reported that the
/// usage does not split them.
inline constexpr MeterSet cache_write_lifetimes =
    bit(meter_index("cache_write_5m_tokens")) | bit(meter_index("cache_write_30m_tokens")) |
    bit(meter_index("cache_write_1h_tokens")) | bit(meter_index("cache_write_24h_tokens"));

}  // namespace spend
