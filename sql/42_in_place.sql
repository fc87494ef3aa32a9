-- From the ninth row of a command on, rows are priced and accounted in the executor's slot, without a call of the row
-- triggers. Whatever way a row goes, it is stored and counted alike; how many went by the triggers, EXPLAIN tells.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "2/1M", "output_tokens": "8/1M"}}', '-infinity') AS price \gset
SELECT spend.set_price('mistral', 'euro', '{"currency": "EUR", "rates": {"input_tokens": "3/1M"}}', '-infinity') AS price \gset
INSERT INTO spend.budgets (name, amount, period, group_by, on_exceeded, measure) VALUES
  ('cost', 1000000, 'day', '{team}', 'halt', 'cost'), ('tokens', 100000000, 'hour', '{}', 'alert', 'tokens'), ('calls', 1000000, 'month', '{}', 'halt', 'calls');
SET client_min_messages = error;
-- The calls of the row triggers by one command.
CREATE FUNCTION regress.calls(command text) RETURNS TABLE (trigger text, calls int) LANGUAGE plpgsql AS $$
DECLARE
  line text;
  found text[];
  total jsonb := '{"price_row": 0, "account_row": 0}';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || command LOOP
    found := regexp_match(line, 'Trigger (price_row|account_row)[^:]*: calls=(\d+)');
    total := total || coalesce(jsonb_build_object(coalesce(found[1], 'none'), (total ->> found[1])::int + found[2]::int), '{}');
  END LOOP;
  RETURN QUERY SELECT t.key, t.value::int FROM jsonb_each_text(total - 'none') AS t ORDER BY 1;
END
$$;
-- The transaction's counters are right before it ends, and the stored ones after.
CREATE FUNCTION regress.wrong_counters() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM spend.verify() $$;

CREATE TABLE regress.rows AS
SELECT i, timestamptz '2026-01-01' + i * interval '7 minutes' AS occurred_at, 't' || i % 3 AS team, 'u' || i % 5 AS user_id,
  CASE i % 7 WHEN 0 THEN 'euro' WHEN 1 THEN 'unknown' WHEN 2 THEN NULL ELSE 'gpt-regress' END AS request_model,
  CASE WHEN i % 11 > 0 THEN i * 10 END AS input_tokens, CASE WHEN i % 4 = 0 THEN i END AS output_tokens,
  CASE WHEN i % 13 = 0 THEN format('{"cache_read_tokens": %s, "images": 2}', i)::spend.token_usage END AS other_usage,
  CASE WHEN i % 17 = 0 THEN i * 0.01 END AS reported_cost
FROM generate_series(1, 200) AS i;
CREATE FUNCTION regress.insert_from(first int, last int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO spend.usage (source, occurred_at, team, user_id, request_model, input_tokens, output_tokens, other_usage, reported_cost)
  SELECT CASE WHEN first < last THEN 'many' ELSE 'one' END, occurred_at, team, user_id, request_model, input_tokens, output_tokens, other_usage, reported_cost
  FROM regress.rows WHERE i BETWEEN first AND last ORDER BY i
$$;
-- With rows taken in place and with the setting off: the same rows, entries in the dictionary, movements of counters and sums, for
-- attributions that are new (the first command) and known (the second). Both roll back, so both begin with nothing.
CREATE FUNCTION regress.came_to(OUT rows bigint, OUT everything text) LANGUAGE sql AS $$
  WITH parts AS (
    SELECT 'row' AS part, (to_jsonb(u) - '{usage_id,recorded_at}'::text[])::text AS value FROM spend.usage AS u
    UNION ALL SELECT 'attribution', (to_jsonb(a) - '{first_seen_at}'::text[])::text FROM spend.attributions AS a
    UNION ALL SELECT 'movement', to_jsonb(m)::text FROM spend._pending_counters() AS m
    UNION ALL SELECT 'sum', to_jsonb(r)::text FROM spend._pending_rollup() AS r
  )
  SELECT count(*), string_agg(part || ' ' || value, E'\n' ORDER BY part, value) FROM parts
$$;
BEGIN;
SELECT count(regress.insert_from(1, 200)) FROM generate_series(1, 2);
SELECT rows AS on_rows, everything AS switched_on FROM regress.came_to() \gset
ROLLBACK;
BEGIN;
SET LOCAL pg_spend.in_place_rows = off;
SELECT count(regress.insert_from(1, 200)) FROM generate_series(1, 2);
SELECT rows AS off_rows, everything AS switched_off FROM regress.came_to() \gset
ROLLBACK;
SELECT :on_rows > 500 AS have_all_parts, :on_rows = :off_rows AND :'switched_on' = :'switched_off' AS are_the_same;
-- Many rows of one command are what each of them is alone.
SELECT count(regress.insert_from(i, i)) FROM generate_series(1, 200) AS i;
SELECT regress.insert_from(1, 200);
SELECT source, count(*), count(cost) AS priced, sum(cost) FILTER (WHERE currency = 'USD') AS usd, sum(cost) FILTER (WHERE currency = 'EUR') AS eur FROM spend.usage GROUP BY 1 ORDER BY 1;
SELECT count(*) AS different FROM (
  (SELECT to_jsonb(u) - '{usage_id,source,recorded_at}'::text[] FROM spend.usage AS u WHERE source = 'one' EXCEPT ALL SELECT to_jsonb(u) - '{usage_id,source,recorded_at}'::text[] FROM spend.usage AS u WHERE source = 'many')
) AS d;
SELECT regress.wrong_counters();
-- All but the first eight; the first row with a new attribution is accounted when the command ends, with the entries of all in the dictionary.
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t0'', ''gpt-regress'', i FROM generate_series(1, 50) AS i');
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t0'', ''gpt-regress'', i FROM generate_series(1, 50) AS i');
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''new '' || i, ''gpt-regress'', i FROM generate_series(1, 50) AS i');
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t0'', ''gpt-regress'', i FROM generate_series(1, 8) AS i');
SET pg_spend.in_place_rows = off;
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t0'', ''gpt-regress'', i FROM generate_series(1, 50) AS i');
RESET pg_spend.in_place_rows;
-- Leaves of their own, and the plan's branches with slots of their own.
DO $$ BEGIN PERFORM spend.maintain(); END $$;
SELECT * FROM regress.calls('INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT CASE WHEN i % 2 = 0 THEN now() ELSE ''2020-01-01'' END, ''t0'', ''gpt-regress'', i FROM generate_series(1, 50) AS i');
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t0'', ''gpt-regress'', i FROM generate_series(1, 50) AS i UNION ALL SELECT ''t1'', ''gpt-regress'', -i FROM generate_series(-50, -1) AS i');
SELECT * FROM regress.calls('WITH a AS (INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t0'', ''gpt-regress'', i FROM generate_series(1, 50) AS i RETURNING team, cost)
  INSERT INTO spend.usage (team, request_model, input_tokens) SELECT team, ''gpt-regress'', cost * 1000000 FROM a');
SELECT regress.wrong_counters();
-- A leaf with its columns in another order, addressed by itself and by its parent.
SELECT * FROM regress.calls('INSERT INTO spend.usage_default (occurred_at, team, request_model, input_tokens) SELECT ''2020-01-01'', ''t0'', ''gpt-regress'', i FROM generate_series(1, 50) AS i');
DO $$
BEGIN
  EXECUTE (SELECT 'CREATE TABLE spend.usage_backwards (' || string_agg(format('%I %s%s', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END), ', ' ORDER BY attnum DESC) || ')'
           FROM pg_attribute WHERE attrelid = 'spend.usage'::regclass AND attnum > 0 AND NOT attisdropped);
END
$$;
CALL spend._equip_leaf('spend.usage_backwards');
ALTER TABLE spend.usage ATTACH PARTITION spend.usage_backwards FOR VALUES FROM ('2019-01-01') TO ('2019-02-01');
SELECT * FROM regress.calls('INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT ''2019-01-02'', ''t0'', ''gpt-regress'', i FROM generate_series(1, 50) AS i');
SELECT count(*), sum(cost), count(DISTINCT attribution_id) AS attributions FROM spend.usage_backwards;
SELECT regress.wrong_counters();

-- COPY takes the same way.
CREATE TABLE regress.before AS SELECT count(*) FROM spend.usage;
\copy spend.usage (team, request_model, input_tokens) FROM PROGRAM 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo "t$((i % 3)),gpt-regress,1$i"; done' (FORMAT csv)
SELECT count(*) - (SELECT b.count FROM regress.before AS b) AS rows, sum(cost) FILTER (WHERE input_tokens BETWEEN 110 AND 115) AS cost FROM spend.usage;
SELECT regress.wrong_counters();

-- Rows that ON CONFLICT skips, or turns into updates, count once.
CREATE TABLE regress.taken AS SELECT usage_id, row_number() OVER (ORDER BY usage_id) AS i FROM spend.usage WHERE source = 'one';
BEGIN;
INSERT INTO spend.usage (usage_id, occurred_at, team, request_model, input_tokens)
SELECT CASE WHEN i % 2 = 0 THEN usage_id ELSE nextval('spend.usage_usage_id_seq') END, '2026-01-01', 't0', 'gpt-regress', 1000 FROM regress.taken ON CONFLICT DO NOTHING;
SELECT count(*) FROM spend.usage WHERE input_tokens = 1000 AND occurred_at = '2026-01-01';
SELECT regress.wrong_counters();
COMMIT;
SELECT regress.wrong_counters();
INSERT INTO spend.usage_2026_01 (usage_id, occurred_at, team, request_model, input_tokens)
SELECT CASE WHEN i % 2 = 0 THEN usage_id ELSE nextval('spend.usage_usage_id_seq') END, '2026-01-01', 't0', 'gpt-regress', 1001 FROM regress.taken ON CONFLICT (usage_id) DO UPDATE SET input_tokens = 5;
SELECT regress.wrong_counters();
-- Keys, restored rows and rows without a stamp among the others.
INSERT INTO spend.usage (idempotency_key, occurred_at, team, request_model, input_tokens)
SELECT CASE WHEN i % 3 = 0 THEN 'key ' || i % 12 END, '2026-01-01', 't0', 'gpt-regress', CASE WHEN i % 12 = 0 AND i > 50 THEN 8 ELSE 7 END FROM generate_series(1, 60) AS i;
SELECT count(*), count(idempotency_key) AS keyed, (SELECT count(*) FROM spend.usage_conflicts) AS conflicts FROM spend.usage WHERE input_tokens IN (7, 8) AND team = 't0' AND occurred_at = '2026-01-01';
BEGIN;
SELECT count(*) AS before FROM spend.usage WHERE recorded_at < '2026-01-02' \gset
INSERT INTO spend.usage (occurred_at, recorded_at, cost, currency, team, request_model, input_tokens)
SELECT '2026-01-01', CASE WHEN i % 5 = 0 THEN timestamptz '2026-01-01' END, CASE WHEN i % 5 = 0 THEN 77 END, CASE WHEN i % 5 = 0 THEN 'USD' END, 't0', 'gpt-regress', 9 FROM generate_series(1, 50) AS i;
SELECT count(*) - :before AS restored, count(*) FILTER (WHERE cost = 77) AS as_they_were FROM spend.usage WHERE recorded_at < '2026-01-02';
ROLLBACK;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, attempt)
SELECT '2026-01-01', set_config('session_replication_role', CASE WHEN i % 10 = 0 THEN 'replica' ELSE 'origin' END, true), 'gpt-regress', 11, i FROM generate_series(1, 49) AS i;
SELECT recorded_at IS NULL AS without_stamp, count(*), count(cost) AS priced FROM spend.usage WHERE attempt IS NOT NULL GROUP BY 1 ORDER BY 1;
SELECT regress.wrong_counters();
-- Savepoints, and a command that fails when rows of it were counted.
BEGIN;
SAVEPOINT one;
SELECT regress.insert_from(1, 100);
ROLLBACK TO one;
SELECT regress.insert_from(1, 100);
SAVEPOINT two;
SELECT regress.insert_from(101, 200);
RELEASE two;
SELECT regress.error('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t0'', ''gpt-regress'', 40 - i FROM generate_series(1, 50) AS i');
SELECT regress.wrong_counters();
COMMIT;
SELECT regress.wrong_counters();
-- Commands within the command.
CREATE FUNCTION regress.nested(i int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 't1', 'gpt-regress', k FROM generate_series(1, i) AS k; RETURN 't2'; END $$;
INSERT INTO spend.usage (team, request_model, input_tokens) SELECT regress.nested(i), 'gpt-regress', i FROM generate_series(1, 20) AS i;
SELECT regress.wrong_counters();

-- Where counters are rows, a reject budget decides when all rows of the command are known: its rows go by the AFTER trigger. In memory each
-- row is decided in place.
INSERT INTO spend.budgets (name, amount, scope, measure, period, on_exceeded) VALUES ('cap', 300, '{"team": "t2"}', 'calls', 'total', 'reject');
CREATE VIEW regress.mode AS SELECT counter_mode = 'shared' OR (current_setting('server_version_num')::integer >= 170000 AND current_setting('pg_spend.counters') <> 'table') AS is_shared FROM spend.status;
SELECT trigger, CASE WHEN trigger = 'account_row' AND NOT is_shared THEN calls - 15 ELSE calls END AS calls
FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t'' || i % 3, ''gpt-regress'', i FROM generate_series(1, 51) AS i') CROSS JOIN regress.mode;
SELECT regress.error('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t'' || i % 3, ''gpt-regress'', i FROM generate_series(1, 300) AS i');
SELECT regress.wrong_counters();
-- To the last call, beside rows of a key, in savepoints that go and stay, and when the cap is the transaction's own.
INSERT INTO spend.budgets (name, amount, scope, measure, period, on_exceeded) VALUES ('last', 283, '{"team": "t9"}', 'calls', 'total', 'reject');
BEGIN;
SAVEPOINT one;
SELECT regress.error('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t9'', ''gpt-regress'', i FROM generate_series(1, 284) AS i');
INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 't9', 'gpt-regress', i FROM generate_series(1, 100) AS i;
ROLLBACK TO one;
INSERT INTO spend.usage (team, request_model, input_tokens, idempotency_key) SELECT 't9', 'gpt-regress', i, CASE WHEN i % 9 = 0 THEN 'in place ' || i END FROM generate_series(1, 283) AS i;
SELECT regress.wrong_counters();
SELECT regress.error('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t9'', ''gpt-regress'', i FROM generate_series(1, 20) AS i');
INSERT INTO spend.budgets (name, amount, scope, measure, period, on_exceeded) VALUES ('own', 30, '{"team": "t8"}', 'calls', 'total', 'reject');
INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 't8', 'gpt-regress', i FROM generate_series(1, 30) AS i;
SELECT regress.error('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t0'', ''gpt-regress'', i FROM generate_series(1, 20) AS i UNION ALL SELECT ''t8'', ''gpt-regress'', 1');
-- What cannot be priced is refused.
UPDATE spend.budgets SET measure = 'cost', currency = 'USD' WHERE name = 'own';
SELECT regress.error('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t8'', CASE WHEN i < 40 THEN ''gpt-regress'' ELSE ''unknown'' END, 1 FROM generate_series(1, 40) AS i');
SELECT regress.wrong_counters();
ROLLBACK;
SELECT regress.wrong_counters();

-- Other triggers: one that comes first is heard; behind one that comes last, the row that it leaves is stored and counted.
CREATE FUNCTION regress.change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.input_tokens := NEW.input_tokens * 2; RETURN NEW; END $$;
CREATE FUNCTION regress.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION regress.forge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.cost := 5; RETURN NEW; END $$;
CREATE TRIGGER a_change BEFORE INSERT ON spend.usage_default FOR EACH ROW EXECUTE FUNCTION regress.change();
CREATE TRIGGER b_keep BEFORE INSERT ON spend.usage_default FOR EACH ROW EXECUTE FUNCTION regress.keep();
SELECT * FROM regress.calls('INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, source) SELECT ''2018-01-01'', ''t0'', ''gpt-regress'', 100, ''changed'' FROM generate_series(1, 20) AS i');
SELECT input_tokens, cost, count(*) FROM spend.usage WHERE source = 'changed' GROUP BY 1, 2;
CREATE TRIGGER z_forge BEFORE INSERT ON spend.usage_default FOR EACH ROW EXECUTE FUNCTION regress.forge();
SELECT * FROM regress.calls('INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, source) SELECT ''2018-01-01'', ''t0'', ''gpt-regress'', 100, ''forged'' FROM generate_series(1, 20) AS i');
SELECT input_tokens, cost, count(*) FROM spend.usage WHERE source = 'forged' GROUP BY 1, 2;
SELECT regress.wrong_counters();
DROP TRIGGER z_forge ON spend.usage_default;
DROP TRIGGER b_keep ON spend.usage_default;
DROP TRIGGER a_change ON spend.usage_default;

-- A session that has found enough combinations in the dictionary, one by one, reads it as a whole: of the others it knows then that
-- they are there, so that their first rows are taken in place, too.
\c -
SET client_min_messages = error;
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''new '' || i, ''gpt-regress'', i FROM generate_series(1, 20) AS i');
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''new '' || i, ''gpt-regress'', i FROM generate_series(21, 50) AS i');
-- It forgets that when the dictionary is changed by hand, in its own transaction, too; and what is rolled back is not known.
BEGIN;
DELETE FROM spend.attributions WHERE dimensions ->> 'team' = 'new 50';
INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 'new ' || i, 'gpt-regress', i FROM generate_series(20, 50) AS i;
SELECT count(*) FROM spend.attributions WHERE dimensions ->> 'team' = 'new 50';
SAVEPOINT one;
INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 'newer ' || i, 'gpt-regress', i FROM generate_series(1, 20) AS i;
ROLLBACK TO one;
INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 'newer ' || i, 'gpt-regress', i FROM generate_series(1, 20) AS i;
COMMIT;
DELETE FROM spend.attributions WHERE dimensions ->> 'team' LIKE 'new %';
INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 'new ' || i, 'gpt-regress', i FROM generate_series(1, 50) AS i;
SELECT count(*), count(DISTINCT attribution_id) AS different FROM spend.attributions WHERE dimensions ->> 'team' ~ '^newe?r? ';
SELECT count(*) FROM spend.usage AS u WHERE NOT EXISTS (SELECT FROM spend.attributions AS a WHERE a.attribution_id = u.attribution_id) AND u.attribution_id IS NOT NULL;
SELECT regress.wrong_counters();

-- Whoever else asks gets the answer that changes nothing, in whatever place.
SELECT spend._needs_row_trigger(a, s, t, l) FROM (VALUES (true), (false), (NULL)) AS a (a), (VALUES (0::bigint), (NULL), (9223372036854775807)) AS s (s), (VALUES ('(0,1)'::tid), (NULL)) AS t (t),
  (VALUES ('spend.usage_default'::regclass::oid), (NULL)) AS l (l) GROUP BY 1;
WITH r AS (
  INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT '2018-01-01', 't0', 'gpt-regress', 3 FROM generate_series(1, 20)
  RETURNING spend._needs_row_trigger(true, 0, ctid, tableoid) AND spend._needs_row_trigger(false, 0, ctid, tableoid) AS needed
)
SELECT bool_and(needed) FROM r;
CREATE ROLE regress_place_writer;
CREATE ROLE regress_place_guest;
SELECT spend.grant_access('regress_place_writer', 'writer');
GRANT USAGE ON SCHEMA spend TO regress_place_guest;
GRANT INSERT (team, request_model, input_tokens) ON spend.usage TO regress_place_guest;
GRANT USAGE ON SEQUENCE spend.usage_usage_id_seq TO regress_place_guest;
SET ROLE regress_place_writer;
SELECT regress.error('SET pg_spend.in_place_rows = off');
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t4'', ''gpt-regress'', 4 FROM generate_series(1, 20)');
SET ROLE regress_place_guest;
SELECT * FROM regress.calls('INSERT INTO spend.usage (team, request_model, input_tokens) SELECT ''t4'', ''gpt-regress'', 4 FROM generate_series(1, 20)');
RESET ROLE;
SELECT spend.revoke_access('regress_place_writer', 'writer');
DROP OWNED BY regress_place_guest;
DROP ROLE regress_place_writer, regress_place_guest;
SELECT input_tokens, cost, count(*) FROM spend.usage WHERE team = 't4' GROUP BY 1, 2;
-- The catalogs know nothing of it.
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgqual IS NOT NULL AND tgrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'spend.usage'::regclass);
SELECT regress.wrong_counters();
RESET client_min_messages;
-- New attributions are appended by AFTER ROW of one row of their command, also where a function of the same command inserts, and takes back.
CREATE FUNCTION regress.nested_new(i int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    INSERT INTO spend.usage (source, team, request_model, input_tokens) SELECT 'nested', CASE WHEN j > 15 THEN 'outer ' || i - 1 ELSE 'nested ' || i || ' ' || j % 3 END, 'gpt-regress', 1 FROM generate_series(1, 20) AS j;
    IF i % 3 = 0 THEN
      RAISE division_by_zero;
    END IF;
  EXCEPTION WHEN division_by_zero THEN
    INSERT INTO spend.usage (source, team, request_model, input_tokens) VALUES ('nested', 'caught ' || i % 2, 'gpt-regress', 1);
  END;
  RETURN i;
END
$$;
INSERT INTO spend.usage (source, team, request_model, input_tokens)
SELECT 'outer', 'outer ' || CASE WHEN i % 5 = 0 THEN regress.nested_new(i) ELSE i::text END, 'gpt-regress', 2 FROM generate_series(1, 60) AS i;
SELECT source, count(*), count(DISTINCT attribution_id) AS attributions, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM spend.attributions AS a WHERE a.attribution_id = u.attribution_id)) AS unknown
FROM spend.usage AS u WHERE source IN ('outer', 'nested') GROUP BY 1 ORDER BY 1;
BEGIN;
SAVEPOINT a;
INSERT INTO spend.usage (source, team, request_model, input_tokens) SELECT 'again', 'again ' || i, 'gpt-regress', 2 FROM generate_series(1, 30) AS i;
ROLLBACK TO a;
INSERT INTO spend.usage (source, team, request_model, input_tokens) SELECT 'again', 'again ' || i, 'gpt-regress', 2 FROM generate_series(1, 30) AS i;
COMMIT;
SELECT count(*) AS entries FROM spend.attributions WHERE dimensions ->> 'team' LIKE 'again %';
SELECT regress.wrong_counters();
-- A journal of many entries puts those of one key together: more keys than it finds again without, each several times.
BEGIN;
DELETE FROM spend.budgets WHERE on_exceeded = 'reject';
INSERT INTO spend.usage (occurred_at, team, user_id, request_model, input_tokens)
SELECT timestamptz '2026-01-05', 't' || i % 3, 'merged ' || i % 9000, 'gpt-regress', 1 FROM generate_series(1, 60000) AS i;
SELECT regress.wrong_counters();
ROLLBACK;
