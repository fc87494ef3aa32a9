#pragma once

#include <string>
#include <string_view>

#include "core/decimal.hpp"
#include "core/price.hpp"
#include "core/status.hpp"

namespace spend {

/// A figure of somebody else's catalog.
struct CatalogNumber {
  Decimal value;
  Per per = Per::one;    ///< what it buys
  bool cleaned = false;  ///< the text had float dust, value is the decimal that was meant
};

/// Reads a figure that may have passed through a binary float. Up to 15 significant digits stand as they are: that many
/// survive the passage. Beyond, the text is the float's and not the author's: it is rounded to 15 digits and taken if
/// that leaves at most 12 and changes less than one part in 10^15 ("4.5003000000000007E-7" is 4.5003E-7). Errors:
/// invalid_value when that is ambiguous ("0.0002833333333333333") or the number is negative; what Decimal::parse
/// refuses.
Result<CatalogNumber> read_catalog_number(std::string_view text);

/// Reads the price of one unit, be its text finer than a Decimal: what does not end by the second ends by the hour
/// ("0.0002833333333333333" of what counts seconds is 1.02 an hour), and what has more than 18 decimals has fewer by
/// the `per` in which it is going to be written. Errors: as of the number alone.
Result<CatalogNumber> read_catalog_rate(std::string_view text, Per per, bool counts_seconds);

/// a × b, exact. Errors: out_of_range.
Result<Decimal> multiply(const Decimal& a, const Decimal& b);

/// The rate of `amount` per one unit, written per `per` units: 0.0000025 per token is 2.5 per million. Errors:
/// out_of_range.
Result<Rate> rate_per(const Decimal& amount, Per per);

/// The same of a figure as it was read: one that was read by the hour or the million stays so.
Result<Rate> rate_of(const CatalogNumber& number, Per per);

/// Whether a price of tokens is one that somebody can mean: 0, or 1e-10 to 1e-2 for one. Catalogs hold figures that are
/// a thousand or a million times too high because somebody typed the price of a thousand or a million tokens.
bool is_sane_token_rate(const Decimal& amount, Per per = Per::one);

}  // namespace spend
