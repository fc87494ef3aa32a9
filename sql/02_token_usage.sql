-- spend.token_usage: text and binary form, operators, casts, hashing, sum().
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SET search_path = public, spend;

-- Canonical text: meters in their order, quantities without needless zeros, zeros left out.
SELECT '{"output_tokens": 350, "cache_read_tokens": 800, "input_tokens": 1200}'::token_usage;
SELECT '{"zeta": 1, "alpha": 2, "output_tokens": 3.500, "requests": 1, "input_tokens": 1e3}'::token_usage;
SELECT '{}'::token_usage, '{"input_tokens": 0}'::token_usage, '{"input_tokens": -0}'::token_usage, ' { "a" : 0.10 } '::token_usage;
SELECT '{"a": "12.50"}'::token_usage AS quantity_as_text;
SELECT '{"a": 99999999999999999999.999999999999999999}'::token_usage AS largest, '{"a": 0.000000000000000001}'::token_usage AS smallest;
SELECT '{"a": 1.5e-7, "b": 1E+3, "c": 0e5}'::token_usage;
-- A zero that says more than absence is kept: none of the cached tokens is audio.
SELECT '{"input_tokens": 10, "cache_audio_read_tokens": 0}'::token_usage;
-- What is printed is read back as the same value.
SELECT bool_and(u::text::token_usage = u) AS round_trip
FROM (VALUES ('{}'::token_usage), ('{"input_tokens": 1, "x": 0.1}'), ('{"cache_audio_read_tokens": 0}')) AS v(u);

-- Equality is by quantity, not by text.
SELECT '{"input_tokens": 1.0, "x": 0}'::token_usage = '{"input_tokens": 1}'::token_usage AS equal,
       '{"input_tokens": 1}'::token_usage <> '{"output_tokens": 1}'::token_usage AS different,
       '{"input_tokens": 1}'::token_usage = '{"input_tokens": 1.000000000000000001}'::token_usage AS not_equal,
       NULL::token_usage = '{}' AS nothing;
SELECT token_usage_hash('{"input_tokens": 1.0}') = token_usage_hash('{"input_tokens": 1}') AS same_hash,
       token_usage_hash('{"input_tokens": 2}') = token_usage_hash('{"input_tokens": 1}') AS other_hash,
       token_usage_hash_extended('{"a": 1}', 0) = token_usage_hash_extended('{"a": 1.0}', 0) AS same_seeded,
       token_usage_hash_extended('{"a": 1}', 1) = token_usage_hash_extended('{"a": 1}', 2) AS other_seed;
-- No ordering.
SELECT '{}'::token_usage < '{}'::token_usage;
SELECT u FROM (VALUES ('{}'::token_usage)) AS v(u) ORDER BY u;

-- Reading one meter, adding.
SELECT '{"input_tokens": 1200, "x": 0.50}'::token_usage -> 'input_tokens' AS input_tokens, '{"x": 0.50}'::token_usage -> 'x' AS x,
       '{"x": 1}'::token_usage -> 'input_tokens' AS absent, '{"x": 1}'::token_usage -> '' AS unnamed;
SELECT '{"a": 0.1, "input_tokens": 5}'::token_usage + '{"a": 0.2, "output_tokens": 1}'::token_usage AS sum, '{"a": 1}'::token_usage + NULL AS nothing;
SELECT regress.error($$SELECT '{"a": 99999999999999999999}'::spend.token_usage OPERATOR(spend.+) '{"a": 1}'$$);

-- Casts from and to jsonb are assignments: explicit, or into a column.
SELECT '{"b": 2, "a": 1.50}'::jsonb::token_usage AS from_jsonb, '{"b": 2, "a": 1.50}'::token_usage::jsonb AS to_jsonb;
CREATE TABLE regress.usages (id integer, u token_usage, j jsonb);
INSERT INTO regress.usages VALUES (1, '{"input_tokens": 7}'::jsonb, '{"input_tokens": 7.0}'::token_usage);
SELECT * FROM regress.usages;
SELECT regress.error($$SELECT '[1]'::jsonb::spend.token_usage$$);
SELECT regress.error($$SELECT '{"input_tokens": {"a": 1}}'::jsonb::spend.token_usage$$);
SELECT regress.error($$SELECT 'null'::jsonb::spend.token_usage$$);
-- jsonb takes numbers that no quantity can be.
SELECT regress.error($$SELECT jsonb_build_object('a', 1e30)::spend.token_usage$$);
SELECT regress.error($$SELECT jsonb_build_object('a', -1)::spend.token_usage$$);

-- GROUP BY, DISTINCT, hash join.
INSERT INTO regress.usages (id, u) SELECT i, format('{"input_tokens": %s}', i % 5)::token_usage FROM generate_series(2, 101) AS i;
SELECT u, count(*) FROM regress.usages GROUP BY u ORDER BY u::text COLLATE "C";
SELECT count(DISTINCT u::text), count(*) FROM (SELECT DISTINCT u FROM regress.usages) AS d;
SET enable_nestloop = off;
SELECT count(*) FROM regress.usages AS a JOIN regress.usages AS b ON a.u = b.u WHERE a.id = 2;
RESET enable_nestloop;

-- sum(): NULLs do not count, nothing sums to NULL.
SELECT sum(u) FROM regress.usages WHERE id < 0;
SELECT sum(u) FROM (VALUES (NULL::token_usage), (NULL)) AS v(u);
SELECT sum(u) FROM (VALUES (NULL::token_usage), ('{"a": 1}'), (NULL), ('{"a": 0.5, "b": 2}')) AS v(u);
SELECT sum('{}'::token_usage) FROM generate_series(1, 3);
-- 1..100 modulo 5, twenty times 0+1+2+3+4, and the 7.
SELECT sum(u) AS sum, 20 * (0 + 1 + 2 + 3 + 4) + 7 AS by_hand FROM regress.usages;
SELECT id, sum(u) OVER (ORDER BY id) AS running, sum(u) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS last_two
FROM regress.usages WHERE id IN (2, 3, 4, 6) ORDER BY id;
SELECT sum(u) FILTER (WHERE id > 100) AS filtered FROM regress.usages;
SELECT regress.error($$SELECT spend.sum(u) FROM (VALUES ('{"a": 99999999999999999999}'::spend.token_usage), ('{"a": 1}')) AS v(u)$$);
-- Exact however it is split: 0.1 a million times is 100,000.
SELECT sum('{"a": 0.1}'::token_usage) FROM generate_series(1, 1000000);

-- In parallel, the same figure.
CREATE TABLE regress.many AS SELECT i, format('{"input_tokens": %s, "output_tokens": 0.5}', i)::token_usage AS u FROM generate_series(1, 100000) AS i;
ANALYZE regress.many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION regress.plan_has(query text, node text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
    IF strpos(line, node) > 0 THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END
$$;
SELECT regress.plan_has('SELECT spend.sum(u) FROM regress.many', 'Partial Aggregate') AS is_parallel;
SELECT sum(u) AS parallel FROM regress.many;
SET max_parallel_workers_per_gather = 0;
SELECT sum(u) AS serial FROM regress.many;
SELECT sum(i) AS by_hand, count(*) * 0.5 AS output_by_hand FROM regress.many;
-- 100,000 groups.
SELECT count(*) AS groups, sum(s) -> 'input_tokens' AS total FROM (SELECT i, sum(u) AS s FROM regress.many GROUP BY i) AS g;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- Partition-wise aggregation combines states within one process.
CREATE TABLE regress.parts (k integer, u token_usage) PARTITION BY LIST (k);
CREATE TABLE regress.parts1 PARTITION OF regress.parts FOR VALUES IN (1);
CREATE TABLE regress.parts2 PARTITION OF regress.parts FOR VALUES IN (2);
INSERT INTO regress.parts SELECT 1 + i % 2, format('{"a": %s}', i)::token_usage FROM generate_series(1, 10) AS i;
INSERT INTO regress.parts VALUES (1, NULL);
SET enable_partitionwise_aggregate = on;
SELECT sum(u) FROM regress.parts;
DELETE FROM regress.parts WHERE k = 2;
SELECT sum(u) FROM regress.parts;
RESET enable_partitionwise_aggregate;

-- Binary form: a version byte, then the meters; stable, so written out here once.
SELECT token_usage_send('{"input_tokens": 258, "b": 0.5}');
SELECT token_usage_send('{}');
SELECT octet_length(token_usage_send('{"a": 1}')) AS short;
\set binary `mktemp -u /tmp/regress_usage_XXXXXX`
COPY regress.usages (u) TO :'binary' (FORMAT binary);
CREATE TABLE regress.again (u token_usage);
COPY regress.again FROM :'binary' (FORMAT binary);
SELECT count(*) AS rows, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM regress.usages AS o WHERE o.u = a.u)) AS strangers, sum(a.u) AS sum FROM regress.again AS a;

-- Hostile bytes raise.
SELECT what, regress.receive('spend.token_usage', bytes) AS received
FROM (VALUES (1, 'as sent', token_usage_send('{"input_tokens": 258, "b": 0.5}')),
             (2, 'nothing', ''::bytea),
             (3, 'version byte only', '\x01'),
             (4, 'another version', '\x02' || substr(token_usage_send('{"a": 1}'), 2)),
             (5, 'cut off', substr(token_usage_send('{"a": 1}'), 1, octet_length(token_usage_send('{"a": 1}')) - 1)),
             (6, 'one byte too many', token_usage_send('{"a": 1}') || '\x00'),
             (7, 'all ones', '\xffffffffffffffffffffffff'),
             (8, 'text instead', convert_to('{"input_tokens": 1}', 'UTF8')),
             (9, 'count without meters', substr(token_usage_send('{"a": 1}'), 1, 2) || '\xffff'),
             (10, 'bad meter name', overlay(token_usage_send('{"a": 1}') PLACING '\xc3' FROM 6)),
             (11, 'order of meters', overlay(overlay(token_usage_send('{"a": 1, "b": 1}') PLACING '\x62' FROM 6) PLACING '\x61' FROM 11)),
             (12, 'meter twice', overlay(token_usage_send('{"a": 1, "b": 1}') PLACING '\x61' FROM 11)),
             (13, 'scale 19', overlay(token_usage_send('{"a": 1}') PLACING '\x13' FROM 7)),
             (14, 'trailing zero', overlay(overlay(token_usage_send('{"a": 1}') PLACING '\x01' FROM 7) PLACING '\x0a' FROM 9)),
             (15, 'zero', overlay(token_usage_send('{"a": 1}') PLACING '\x00' FROM 9))) AS v(n, what, bytes) ORDER BY n;
-- Every cut of a good image, and every change of one byte to 0, 1 or 255: an error of its own kind or a readable value, never a crash.
SELECT left(result, 6) AS outcome, count(*) > 0 AS seen
FROM (SELECT regress.receive('spend.token_usage', bytes) AS result
      FROM (SELECT token_usage_send('{"input_tokens": 258, "b": 0.5}') AS good) AS g
      CROSS JOIN LATERAL (
        SELECT substr(good, 1, n) AS bytes FROM generate_series(0, octet_length(good) - 1) AS n
        UNION ALL SELECT set_byte(good, n, b) FROM generate_series(0, octet_length(good) - 1) AS n, unnest(ARRAY[0, 1, 255]) AS b) AS mutated) AS r
GROUP BY 1 ORDER BY 1;
\setenv file :binary
\setenv port :PORT
\! rm -f "$file" /tmp/regress_recv_"$port"_*

-- Stored large and compressed, indexed by hash.
INSERT INTO regress.usages (id, u)
SELECT 1000, jsonb_object_agg('meter_' || i, i)::token_usage FROM generate_series(1, 200) AS i;
SELECT (u -> 'meter_200') AS last, pg_column_size(u) > 1000 AS is_large FROM regress.usages WHERE id = 1000;
CREATE INDEX ON regress.usages USING hash (u);
SET enable_seqscan = off;
SELECT id FROM regress.usages WHERE u = '{"input_tokens": 7}';
RESET enable_seqscan;
CREATE INDEX ON regress.usages (u);

-- The server's own soft-error functions (16 and later) meet an error of the type as a value, not as an exception.
SELECT current_setting('server_version_num')::integer >= 160000 AS has_soft_errors \gset
\if :has_soft_errors
SELECT pg_input_is_valid('{"a": 1}', 'spend.token_usage') AND NOT pg_input_is_valid('{"a": -1}', 'spend.token_usage')
       AND NOT pg_input_is_valid('{"a"', 'spend.token_usage') AND NOT pg_input_is_valid('{"a": 1e400}', 'spend.token_usage') AS soft \gset
\else
\set soft t
\endif
\echo :soft
DROP TABLE regress.usages, regress.many, regress.again, regress.parts;
