#include "core/price.hpp"
#include "pg/type_macros.hpp"

using spend::Price;

SPEND_FUNCTION(spend_price_in) {
  return spend::price_datum(spend::take(Price::from_json(PG_GETARG_CSTRING(0))));
}

SPEND_FUNCTION(spend_price_out) {
  return CStringGetDatum(spend::palloc_cstring(spend::price_of(PG_GETARG_DATUM(0)).to_json()));
}

SPEND_FUNCTION(spend_price_recv) {
  return spend::price_datum(spend::take(Price::from_image(spend::receive_rest(PG_GETARG_DATUM(0)))));
}

SPEND_FUNCTION(spend_price_send) {
  return spend::send_bytes(spend::price_of(PG_GETARG_DATUM(0)).to_image());
}

SPEND_FUNCTION(spend_price_from_jsonb) {
  return spend::price_datum(spend::take(Price::from_json(spend::jsonb_text(PG_GETARG_DATUM(0)))));
}

SPEND_FUNCTION(spend_price_to_jsonb) {
  return spend::jsonb_datum(spend::price_of(PG_GETARG_DATUM(0)).to_json());
}

SPEND_FUNCTION(spend_price_currency) {
  return spend::text_datum(spend::price_of(PG_GETARG_DATUM(0)).currency());
}

SPEND_IMAGE_EQUALITY(price)
