-- spend.price_table: a whole rate card as one value.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SET search_path = public, spend;

SELECT '{"prices": []}'::price_table AS empty;
-- Canonical: sorted by SKU and start, defaults left out, times in UTC.
SELECT jsonb_pretty('{"prices": [
  {"provider": "openai", "model": "gpt-z", "service_tier": "batch", "price": {"rates": {"input_tokens": "1/1M"}}},
  {"provider": "openai", "model": "gpt-z", "service_tier": "standard", "price": {"rates": {"input_tokens": "2.0/1M"}}, "valid_from": "2026-03-01T00:00:00+01:00"},
  {"provider": "anthropic", "model": "claude-z", "region": "eu", "price": {"currency": "EUR", "rates": {"input_tokens": "3/1M"}}, "valid_until": "2026-06-01T00:00:00Z"}
]}'::price_table::jsonb);
SELECT t::text::price_table = t AS text_round_trip, t::jsonb::price_table = t AS jsonb_round_trip, t <> '{"prices": []}' AS not_empty
FROM (SELECT '{"prices": [{"model": "m", "provider": "p", "price": {"rates": {}}, "valid_from": "2026-03-01T00:00:00.123456Z"}]}'::price_table AS t) AS x;
SELECT price_table_hash('{"prices": [{"model": "m", "provider": "p", "price": {"rates": {}}}]}')
     = price_table_hash('{"prices": [{"provider": "p", "model": "m", "surface": "", "price": {"currency": "USD", "rates": {}}}]}') AS same_hash;
SELECT t, count(*) FROM (VALUES ('{"prices": []}'::price_table), (' {"prices": [ ]}')) AS v(t) GROUP BY t;

-- Two prices of one SKU that overlap are refused, touching ones are not.
SELECT '{"prices": [
  {"provider": "p", "model": "m", "price": {"rates": {"a": "1/1"}}, "valid_until": "2026-03-01T00:00:00Z"},
  {"provider": "p", "model": "m", "price": {"rates": {"a": "2/1"}}, "valid_from": "2026-03-01T00:00:00Z"}]}'::price_table IS NOT NULL AS touching;
SELECT regress.error($$SELECT '{"prices": [
  {"provider": "p", "model": "m", "price": {"rates": {"a": "1/1"}}, "valid_until": "2026-03-02T00:00:00Z"},
  {"provider": "p", "model": "m", "price": {"rates": {"a": "2/1"}}, "valid_from": "2026-03-01T00:00:00Z"}]}'::spend.price_table$$);
-- The same SKU under another spelling overlaps too.
SELECT regress.error($$SELECT '{"prices": [
  {"provider": "P ", "model": "m", "price": {"rates": {}}}, {"provider": "p", "model": " M", "service_tier": "Standard", "price": {"rates": {}}}]}'::spend.price_table$$);
SELECT regress.error(format('SELECT %L::spend.price_table', t)) FROM unnest(ARRAY[
  '[]', 'null', '7', '{}', '{"prices": {}}', '{"prices": [1]}', '{"prices": [], "prices": []}', '{"prices": [], "x": 1}',
  '{"prices": [{}]}', '{"prices": [{"provider": "p", "model": "m"}]}', '{"prices": [{"provider": "p", "price": {"rates": {}}}]}',
  '{"prices": [{"provider": "p", "model": "m", "price": {"rates": {"a": "1/2"}}}]}', '{"prices": [{"provider": "p", "model": "m", "colour": "red", "price": {"rates": {}}}]}',
  '{"prices": [{"provider": "p", "model": 7, "price": {"rates": {}}}]}',
  '{"prices": [{"provider": "p", "model": "m", "valid_from": "yesterday", "price": {"rates": {}}}]}',
  '{"prices": [{"provider": "p", "model": "m", "valid_from": "2026-02-30T00:00:00Z", "price": {"rates": {}}}]}',
  '{"prices": [{"provider": "p", "model": "m", "valid_from": "2026-03-01T00:00:00Z", "valid_until": "2026-03-01T00:00:00Z", "price": {"rates": {}}}]}',
  '{"prices": [{"provider": "p", "model": "m", "price": {"rates": {}}}', '{"prices": [{"provider": "p", "model": "m", "price": {"rates": {}}, "price": {"rates": {}}}]}']) AS t;

-- Two thousand prices in one value; 17 MB are too many.
SELECT octet_length(t::text) > 100000 AS large, t::text::price_table = t AS round_trip, pg_column_size(t) > 100000 AS stored_plain
FROM (SELECT jsonb_build_object('prices', jsonb_agg(jsonb_build_object('provider', 'p', 'model', 'model-' || i, 'price', '{"rates": {"input_tokens": "1/1M"}}'::jsonb)))::price_table AS t
      FROM generate_series(1, 2000) AS i) AS x;
SELECT regress.error($$SELECT ('{"prices": [' || repeat(' ', 17 * 1024 * 1024) || ']}')::spend.price_table$$);

-- Binary form.
SELECT price_table_send('{"prices": []}');
\set binary `mktemp -u /tmp/regress_table_XXXXXX`
CREATE TABLE regress.cards (t price_table);
INSERT INTO regress.cards VALUES ('{"prices": []}'), ('{"prices": [{"provider": "p", "model": "m", "price": {"rates": {}}}]}'), (NULL);
COPY regress.cards TO :'binary' (FORMAT binary);
COPY regress.cards FROM :'binary' (FORMAT binary);
SELECT t, count(*) FROM regress.cards GROUP BY t ORDER BY t::text COLLATE "C";
SELECT what, regress.receive('spend.price_table', bytes) AS received
FROM (VALUES (1, 'as sent', price_table_send('{"prices": [{"provider": "p", "model": "m", "price": {"rates": {}}}]}')),
             (2, 'nothing', ''::bytea),
             (3, 'another version', '\x0900' || convert_to('{"prices": []}', 'UTF8')),
             (4, 'not canonical', '\x0100' || convert_to('{"prices":[]}', 'UTF8')),
             (5, 'invalid UTF-8', '\x0100' || convert_to('{"prices": [{"provider": "', 'UTF8') || '\xff' || convert_to('"}]}', 'UTF8')),
             (6, 'cut off', '\x0100' || convert_to('{"prices": [', 'UTF8')),
             (7, 'NUL', '\x0100' || convert_to('{"prices": []}', 'UTF8') || '\x00')) AS v(n, what, bytes) ORDER BY n;
\setenv file :binary
\setenv port :PORT
\! rm -f "$file" /tmp/regress_recv_"$port"_*
DROP TABLE regress.cards;
