#include "core/price_table.hpp"
#include "pg/type_macros.hpp"

using spend::PriceTable;

namespace {

PriceTable table_of(Datum datum) {
  return spend::take(PriceTable::from_storage(spend::varlena_bytes(datum)));
}
Datum table_datum(const PriceTable& table) {
  return spend::varlena_datum(table.to_storage());
}

}  // namespace

SPEND_FUNCTION(spend_price_table_in) {
  return table_datum(spend::take(PriceTable::from_json(PG_GETARG_CSTRING(0))));
}

SPEND_FUNCTION(spend_price_table_out) {
  return CStringGetDatum(spend::palloc_cstring(table_of(PG_GETARG_DATUM(0)).to_json()));
}

SPEND_FUNCTION(spend_price_table_recv) {
  return table_datum(spend::take(PriceTable::from_wire(spend::receive_rest(PG_GETARG_DATUM(0)))));
}

SPEND_FUNCTION(spend_price_table_send) {
  return spend::send_bytes(table_of(PG_GETARG_DATUM(0)).to_wire());
}

SPEND_FUNCTION(spend_price_table_from_jsonb) {
  return table_datum(spend::take(PriceTable::from_json(spend::jsonb_text(PG_GETARG_DATUM(0)))));
}

SPEND_FUNCTION(spend_price_table_to_jsonb) {
  return spend::jsonb_datum(table_of(PG_GETARG_DATUM(0)).to_json());
}

SPEND_IMAGE_EQUALITY(price_table)
