// Amounts as text for people, and what counts as a currency.

#include "core/money_text.hpp"
#include "pg/values.hpp"

SPEND_FUNCTION(spend_is_iso_currency) {
  PG_RETURN_BOOL(spend::is_iso_currency(spend::text_view(PG_GETARG_DATUM(0))));
}

SPEND_FUNCTION(spend_format_amount) {
  const Datum amount = PG_GETARG_DATUM(0);
  const Datum digits = spend::pg_call([&] { return DirectFunctionCall1(numeric_out, amount); });
  return spend::text_datum(spend::take(spend::format_amount(
      spend::cstring_of(digits), spend::text_view(PG_GETARG_DATUM(1)), spend::text_view(PG_GETARG_DATUM(2)))));
}
