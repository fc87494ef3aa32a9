CREATE FUNCTION spend.format_amount(amount numeric, currency text, locale text DEFAULT 'en') RETURNS text
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'spend_format_amount';
COMMENT ON FUNCTION spend.format_amount(numeric, text, text) IS
  'An amount as people of a locale write it, rounded half up to the currency''s minor unit: $1,234.50, 1.234,50 €. The locale is a language tag (de-CH). A unit that is no currency, such as DBU, stands behind the number, which keeps its decimals.';
