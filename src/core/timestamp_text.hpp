#pragma once

#include <string>
#include <string_view>

#include "core/price_table.hpp"
#include "core/status.hpp"

namespace spend {

/// RFC 3339 with an offset ("2025-06-10T00:00:00Z"), a date (midnight UTC), "infinity" or "-infinity". Errors:
/// invalid_text; out_of_range for years beyond 0001 to 9999 (UTC) and for fractions finer than a microsecond.
Result<Timestamp> parse_timestamp(std::string_view text);

/// The canonical text: UTC with "Z", fraction only when there is one. Precondition: is_writable_timestamp(value).
std::string timestamp_text(Timestamp value);

/// True when timestamp_text can write it, so that parse_timestamp reads it back.
bool is_writable_timestamp(Timestamp value);

}  // namespace spend
