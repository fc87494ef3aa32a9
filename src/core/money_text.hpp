#pragma once

#include <string>
#include <string_view>

#include "core/status.hpp"

namespace spend {

/// Whether ISO 4217 knows the code today (USD; not DBU, not DEM). Exactly as written: three capital letters.
bool is_iso_currency(std::string_view code);

/// An amount as people of a locale write it: symbol or code, separators and digits of the language, rounded half up to
/// the currency's minor unit (USD 2, JPY 0, KWD 3 decimals). A code that ISO 4217 does not know stands behind the
/// number, which keeps its decimals, two at least. `amount` is a decimal as PostgreSQL writes it and never becomes
/// binary floating point. `locale` is a language tag or an ICU name ("de-CH", "de_CH"). Errors: invalid_value for an
/// amount that is no number, a locale whose language ICU has no data for, or a code that cannot be one.
Result<std::string> format_amount(std::string_view amount, std::string_view currency, std::string_view locale);

}  // namespace spend
