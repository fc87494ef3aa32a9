-- Rollups: every sum of every change, deltas and folding, what is not rolled up, cut days, dropped months.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "0.25/1", "output_tokens": "0.000000000000000001/1"}}', '-infinity') AS m, spend.set_price('maker', 'e', '{"currency": "EUR", "rates": {"input_tokens": "1/1"}}', '-infinity') AS e \gset
SET client_min_messages = error;

-- Words of a status.
SELECT s, spend.outcome(s) FROM unnest(ARRAY['ok', NULL, '', ' Timed  OUT ', 'ERROR', 'cancelled', 'Content_Filter', 'whatever']) AS s;
SELECT spend.outcome('ok', 'pii') AS blocked, spend.outcome('error', '') AS failed;

-- One row with everything, and one with nothing. A row is late when it is written more than a day after its usage.
INSERT INTO spend.usage (occurred_at, team, run_id, request_model, operation, route, purpose, attempt, fallback_of, status, accepted, human_reviewed, response_cache_hit, input_tokens,
  output_tokens, cache_read_tokens, cache_write_tokens, output_reasoning_tokens, tool_calls, retrieval_queries, agent_steps, original_input_tokens)
VALUES ('2026-01-10 10:07:00.5+00', 'A', 'r1', 'M', 'Chat', 'cheap', 'work', 2, 'big', 'error', true, true, true, 100, 9, 1, 2, 3, 4, 5, 6, 150),
       ('2026-01-10 10:14:59.999999+00', NULL, 'r2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT provider, model, service_tier, currency, price_id = :m AS price, operation, route, purpose, pricing_status, pricing_reason FROM spend.usage_kinds ORDER BY model;
\x on
SELECT (to_jsonb(d) - '{attribution_id,kind_id}'::text[]) - (SELECT array_agg(k) FROM jsonb_object_keys(to_jsonb(d)) AS k WHERE to_jsonb(d) -> k = 'null') AS delta FROM spend._unfolded_rollup AS d ORDER BY cost;
\x off
SELECT * FROM spend.verify_rollups();
SELECT * FROM spend.maintain(0) WHERE action LIKE 'folded%';
SELECT (SELECT count(*) FROM spend._unfolded_rollup) AS deltas, (SELECT count(*) FROM spend.rollup_months) AS months, (SELECT count(*) FROM spend.rollup) AS days, (SELECT count(*) FROM spend.rollup_quarters) AS recent_quarters, (SELECT time_zone FROM spend.rollup_state) AS zone;
SELECT usage_month, usage_date, usage_date_utc, bucket_start, calls, cost FROM spend.rollup_months ORDER BY cost;
SELECT * FROM spend.verify_rollups();

-- Every change is a difference: a corrected row, one that is gone, one whose dimensions, outcome, model or price change.
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT '2026-01-11', 't' || i % 3, 'm', i FROM generate_series(1, 30) AS i;
SELECT count(*) AS deltas FROM spend._unfolded_rollup;
UPDATE spend.usage SET input_tokens = 7 WHERE input_tokens = 3;
UPDATE spend.usage SET team = 'moved' WHERE input_tokens = 4;
UPDATE spend.usage SET accepted = false, status = 'abandoned' WHERE input_tokens = 5;
UPDATE spend.usage SET blocked_reason = 'pii', purpose = 'Retry' WHERE input_tokens = 6;
UPDATE spend.usage SET request_model = 'e' WHERE input_tokens = 8;
UPDATE spend.usage SET request_model = 'unheard of' WHERE input_tokens = 9;
UPDATE spend.usage SET occurred_at = '2026-01-12 23:59' WHERE input_tokens = 10;
UPDATE spend.usage SET run_id = 'no sum says anything of it' WHERE input_tokens = 11;
DELETE FROM spend.usage WHERE input_tokens = 12;
SELECT * FROM spend.verify_rollups();
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
SELECT * FROM spend.verify_rollups();
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "0.5/1"}}', '2026-01-11') AS dearer \gset
SELECT old_cost, new_cost FROM spend.reprice('2026-01-11', reason => 'contract');
SELECT * FROM spend.verify_rollups();
-- A kind that no row has any more has sums of zero, and views do not show it.
DELETE FROM spend.usage WHERE request_model = 'e';
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
SELECT count(*) AS rows_of_nothing FROM spend._folded_days WHERE calls IS NULL;
SELECT count(*) AS shown FROM spend.daily_spend WHERE model = 'e' OR calls = 0;
SELECT * FROM spend.verify_rollups();

-- Savepoints, and what the transaction itself sees; nothing of it stays.
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-01', 'kept', 'm', 1);
SAVEPOINT a;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-01', 'dropped', 'm', 2), ('2026-02-01', 'kept', 'new kind', 2);
SAVEPOINT b;
DELETE FROM spend.usage WHERE team = 'kept' AND request_model = 'm';
SELECT team, calls FROM spend.daily_spend WHERE usage_date = '2026-02-01' ORDER BY team;
SELECT * FROM spend.verify_rollups();
RELEASE b;
SELECT * FROM spend.verify_rollups();
ROLLBACK TO a;
SELECT team, calls FROM spend.daily_spend WHERE usage_date = '2026-02-01' ORDER BY team;
SELECT * FROM spend.verify_rollups();
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-01', 'kept', 'new kind', 2);
SAVEPOINT c;
UPDATE spend.usage SET input_tokens = 3 WHERE team = 'kept';
RELEASE c;
COMMIT;
SELECT team, calls, input_tokens FROM spend.daily_spend WHERE usage_date = '2026-02-01' ORDER BY model;
SELECT * FROM spend.verify_rollups();
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-02', 'nobody', 'a kind of its own', 1);
ROLLBACK;
SELECT count(*) AS kinds FROM spend.usage_kinds WHERE model = 'a kind of its own';
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-02', 'somebody', 'a kind of its own', 1);
SELECT count(*) AS kinds FROM spend.usage_kinds WHERE model = 'a kind of its own';
DO $$
BEGIN
  FOR i IN 1..20 LOOP
    BEGIN
      INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-03', 'loop', 'm', i);
      IF i % 3 = 0 THEN RAISE EXCEPTION 'no'; END IF;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
  END LOOP;
END
$$;
SELECT calls, input_tokens FROM spend.daily_spend WHERE team = 'loop';
SELECT * FROM spend.verify_rollups();

-- At COMMIT the role and the mode of the transaction do not matter; a skipped row counts for nothing, a copied one does.
CREATE ROLE regress_writer;
SELECT spend.grant_access('regress_writer', 'writer');
BEGIN;
SET LOCAL ROLE regress_writer;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-06', 'w', 'm', 1);
SET TRANSACTION READ ONLY;
COMMIT;
INSERT INTO spend.usage (occurred_at, source, idempotency_key, team, request_model, input_tokens) VALUES ('2026-02-06', 's', 'k', 'w', 'm', 2), ('2026-02-06', 's', 'k', 'w', 'm', 2);
COPY spend.usage (occurred_at, team, request_model, input_tokens) FROM STDIN;
2026-02-06	w	m	4
\.
SELECT calls, input_tokens FROM spend.daily_spend WHERE team = 'w';
SELECT * FROM spend.verify_rollups();
SET ROLE regress_writer;
SELECT regress.error($$SELECT * FROM spend.rollup_deltas$$) AS deltas, regress.error($$SELECT * FROM spend._usage_days$$) AS days, regress.error($$SELECT * FROM spend._pending_rollup()$$) AS pending;
RESET ROLE;
SELECT spend.revoke_access('regress_writer', 'writer');
DROP ROLE regress_writer;
-- Rows that no trigger of ours saw are in no sum.
SET session_replication_role = replica;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-07', 'replica', 'm', 1);
RESET session_replication_role;
SELECT count(*) AS shown FROM spend.daily_spend WHERE usage_date = '2026-02-07';
SELECT * FROM spend.verify_rollups();
UPDATE spend.usage SET input_tokens = 1 WHERE team = 'replica';
SELECT count(*) AS shown FROM spend.daily_spend WHERE usage_date = '2026-02-07';
SELECT * FROM spend.verify_rollups();

-- Dimensions that are not rolled up make no groups; the registry may change, rows keep the attribution that they came with.
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('user_id', false), ('campaign', true);
INSERT INTO spend.usage (occurred_at, team, user_id, tags, request_model, input_tokens) SELECT '2026-02-08', 'many', 'u' || i, '{"campaign": "x"}', 'm', 1 FROM generate_series(1, 50) AS i;
SELECT count(*) AS groups, sum(calls) AS calls FROM spend.daily_spend WHERE usage_date = '2026-02-08';
DELETE FROM spend.dimensions;
UPDATE spend.usage SET accepted = true WHERE occurred_at = '2026-02-08' AND user_id < 'u2';
DELETE FROM spend.usage WHERE occurred_at = '2026-02-08' AND user_id < 'u3';
SELECT * FROM spend.verify_rollups();

-- Only under READ COMMITTED is there something to fold that is there.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM spend.maintain(0);
ROLLBACK;
SELECT count(*) > 0 AS folded FROM spend.maintain(0) WHERE action = 'folded deltas';
SELECT count(*) AS deltas FROM spend._unfolded_rollup;
SELECT * FROM spend.verify_rollups();

-- Days of another zone: until the rollups are cut anew, views count in the old one. India is half an hour off, Nepal three quarters.
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-10 18:14:59+00', 'zone', 'm', 1), ('2026-02-10 18:15:00+00', 'zone', 'm', 2), ('2026-02-10 18:30:00+00', 'zone', 'm', 4);
INSERT INTO spend.settings (time_zone) VALUES ('Asia/Kathmandu');
SELECT usage_date, usage_date_utc, day_start_at, input_tokens FROM spend.daily_spend WHERE team = 'zone' ORDER BY 1;
SELECT action, subject FROM spend.maintain(0);
SELECT usage_date, usage_date_utc, day_start_at, input_tokens FROM spend.daily_spend WHERE team = 'zone' ORDER BY 1;
SELECT * FROM spend.verify_rollups();
UPDATE spend.settings SET time_zone = 'Asia/Kolkata';
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-10 18:29:59+00', 'zone', 'm', 8);
SELECT action, subject FROM spend.maintain(0) WHERE action LIKE 'cut%';
SELECT * FROM spend.verify_rollups();
COMMIT;
SELECT usage_date, usage_date_utc, day_start_at, input_tokens FROM spend.daily_spend WHERE team = 'zone' ORDER BY 1;
SELECT * FROM spend.verify_rollups();
-- Two days a year have 23 and 25 hours.
UPDATE spend.settings SET time_zone = 'Europe/Berlin';
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT h, 'dst', 'm', 1 FROM generate_series('2026-03-28 23:00+00'::timestamptz, '2026-03-29 21:45+00', '15 minutes') AS h;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT h, 'dst', 'm', 1 FROM generate_series('2025-10-25 22:00+00'::timestamptz, '2025-10-26 22:45+00', '15 minutes') AS h;
SELECT count(*) > 0 AS cut FROM spend.maintain(0);
SELECT usage_date, sum(calls) / 4 AS hours FROM spend.daily_spend WHERE team = 'dst' GROUP BY 1 ORDER BY 1;
SELECT * FROM spend.verify_rollups();

-- Retention: rows of whole months go; sums, budgets and keys stay, and late rows still come.
INSERT INTO spend.budgets (name, amount, period) VALUES ('all', 1000000, 'total'), ('monthly', 1000000, 'month');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-20', 'counted', 'm', 1), ('2026-02-20', 'counted', 'm', 1);
CREATE TABLE regress.before AS SELECT * FROM spend.daily_spend;
SELECT regress.error($$SELECT spend.drop_rows((now() AT TIME ZONE 'UTC')::date)$$) ~ '^55000' AS recent, regress.error($$SELECT spend.drop_rows(NULL)$$) AS none;
SELECT * FROM spend.drop_rows('2026-02-15', dry_run => true);
SELECT * FROM spend.drop_rows('2026-02-15');
SELECT count(*) AS rows_left FROM spend.usage WHERE occurred_at < '2026-02-01';
(TABLE regress.before EXCEPT ALL SELECT * FROM spend.daily_spend) UNION ALL (SELECT * FROM spend.daily_spend EXCEPT ALL TABLE regress.before);
SELECT * FROM spend.verify_rollups();
SELECT * FROM spend.verify();
INSERT INTO spend.usage (occurred_at, source, idempotency_key, team, request_model, input_tokens) VALUES ('2026-02-06', 's', 'k', 'w', 'm', 2);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-20 12:00+00', 'counted', 'm', 5);
SELECT usage_date, calls, input_tokens FROM spend.daily_spend WHERE team = 'counted' ORDER BY 1;
SELECT count(*) AS made FROM spend.maintain(0) WHERE action = 'created partition';
SELECT * FROM spend.drop_rows('2026-02-01');
SELECT * FROM spend.verify_rollups();
SELECT * FROM spend.verify();
UPDATE spend.settings SET time_zone = 'Pacific/Kiritimati';
SELECT count(*) > 0 AS cut FROM spend.maintain(0);
SELECT * FROM spend.verify_rollups();
SELECT sum(calls) AS calls, sum(input_tokens) AS tokens FROM spend.daily_spend WHERE team = 'counted';

-- verify_rollups() would tell.
BEGIN;
DELETE FROM spend.rollup WHERE usage_month = '2026-02-01' AND calls = 1 AND input_tokens = 1 AND usage_date = '2026-02-20';
SELECT grain, bucket, sum_name, rollup, from_rows, difference FROM spend.verify_rollups() ORDER BY grain COLLATE "C", sum_name COLLATE "C";
ROLLBACK;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-20', 'twice', 'm', 3);
BEGIN;
INSERT INTO spend.rollup_deltas SELECT packed FROM spend.rollup_deltas;
SELECT grain, sum_name, sum(difference) FROM spend.verify_rollups() GROUP BY 1, 2 ORDER BY grain COLLATE "C", sum_name COLLATE "C";
ROLLBACK;
-- What is no delta is an error, for whoever reads the sums.
SELECT regress.error(format('SELECT * FROM spend._unpack_sums(%L)', packed)) AS error FROM unnest(ARRAY['\x02', '\x01ffff00', '\x01020001', '\x0100'::bytea]) AS packed;
BEGIN;
INSERT INTO spend.rollup_deltas VALUES ('\x010200ffff');
SELECT regress.error('SELECT sum(calls) FROM spend.daily_spend') AS error, regress.error('SELECT spend.maintain(0)') AS folding;
ROLLBACK;
-- More groups than are kept in memory are written while the statement runs; a savepoint takes them back all the same.
BEGIN;
SAVEPOINT a;
INSERT INTO spend.usage (occurred_at, user_id, request_model, input_tokens) SELECT '2026-02-04', 'u' || i, 'm', 1 FROM generate_series(1, 21000) AS i;
SELECT count(*) >= 20000 AS written_early FROM spend.rollup_deltas AS d CROSS JOIN LATERAL spend._unpack_sums(d.packed) AS u WHERE u.bucket_start = '2026-02-04';
SELECT sum(calls) AS seen FROM spend.daily_spend WHERE usage_date = '2026-02-04';
ROLLBACK TO a;
SELECT sum(calls) AS seen FROM spend.daily_spend WHERE usage_date = '2026-02-04';
SAVEPOINT b;
INSERT INTO spend.usage (occurred_at, user_id, request_model, input_tokens) SELECT '2026-02-05', 'u' || i, 'm', 1 FROM generate_series(1, 11000) AS i;
RELEASE b;
UPDATE spend.usage SET input_tokens = 2 WHERE occurred_at = '2026-02-05';
COMMIT;
SELECT sum(calls) AS calls, sum(input_tokens) AS tokens FROM spend.daily_spend WHERE usage_date = '2026-02-05';
SELECT * FROM spend.verify_rollups();

-- A fold sums up a part at a time: as much as its memory holds, here the least.
SET maintenance_work_mem = '1MB';
INSERT INTO spend.usage (occurred_at, team, user_id, request_model, input_tokens) SELECT '2026-02-06'::timestamptz + i % 7 * interval '10 hours', 't' || i % 3, 'v' || i % 1300, 'm', i FROM generate_series(1, 9100) AS i;
SELECT subject FROM spend.maintain(0) WHERE action = 'folded deltas';
INSERT INTO spend.usage (occurred_at, team, user_id, request_model, input_tokens) SELECT '2026-02-06'::timestamptz + i % 7 * interval '10 hours', 't' || i % 3, 'v' || i % 1900, 'm', i FROM generate_series(1, 9100) AS i;
SELECT subject FROM spend.maintain(0) WHERE action = 'folded deltas';
RESET maintenance_work_mem;
SELECT * FROM spend.verify_rollups();
SELECT (SELECT count(*) FROM spend.rollup) = (SELECT count(DISTINCT (usage_date, usage_date_utc, attribution_id, kind_id)) FROM spend.rollup) AS once;

-- What is of one quarter hour is one row, of the month. The second quarter hour of a day, and the second day, bring rows of their own.
CREATE VIEW regress.cut AS
SELECT a.dimensions ->> 'team' AS team, m.bucket_start IS NOT NULL AS month_is_one, d.days, d.days_that_are_one, q.quarters
FROM spend.rollup_months AS m JOIN spend._dimensions_of AS a USING (attribution_id)
CROSS JOIN LATERAL (SELECT count(*) AS days, count(d.bucket_start) AS days_that_are_one FROM spend.rollup AS d WHERE (d.usage_month, d.attribution_id, d.kind_id) = (m.usage_month, m.attribution_id, m.kind_id)) AS d
CROSS JOIN LATERAL (SELECT count(*) AS quarters FROM spend.rollup_quarters AS q WHERE (q.attribution_id, q.kind_id) = (m.attribution_id, m.kind_id)) AS q
WHERE a.dimensions ->> 'team' IN ('recent', 'old');
CREATE PROCEDURE regress.step(inserted timestamptz, team text) LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL client_min_messages = error;
  INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (inserted, team, 'm', 3);
  COMMIT;
  PERFORM spend.maintain(0);
END
$$;
CALL regress.step(date_trunc('day', now(), 'UTC') - interval '12 hours', 'recent');
CALL regress.step('2026-02-20 10:00+00', 'old');
TABLE regress.cut ORDER BY team;
CALL regress.step(date_trunc('day', now(), 'UTC') - interval '11 hours 50 minutes', 'recent');
TABLE regress.cut ORDER BY team;
SELECT * FROM spend.verify_rollups();
CALL regress.step(date_trunc('day', now(), 'UTC') - interval '11 hours', 'recent');
CALL regress.step('2026-02-22 10:00+00', 'old');
TABLE regress.cut ORDER BY team;
SELECT * FROM spend.verify_rollups();
CALL regress.step('2026-02-22 12:00+00', 'old');
TABLE regress.cut ORDER BY team;
-- What goes again leaves its rows; an old snapshot sees what it saw.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT usage_date, calls FROM spend.daily_spend WHERE team = 'old' ORDER BY 1;
COMMIT;
DELETE FROM spend.usage WHERE team IN ('recent', 'old');
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT * FROM spend.verify_rollups();
-- Days cut anew know days only, and go on.
CALL regress.step(date_trunc('day', now(), 'UTC') - interval '12 hours', 'recent');
UPDATE spend.settings SET time_zone = 'UTC';
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
SELECT * FROM spend.verify_rollups();
CALL regress.step(date_trunc('day', now(), 'UTC') - interval '11 hours', 'recent');
CALL regress.step('2026-02-22 12:00+00', 'old');
SELECT * FROM spend.verify_rollups();
DELETE FROM spend.usage WHERE team IN ('recent', 'old');

-- Rows are within numeric(38,18), what they sum up to need not be; and that may become less again.
DELETE FROM spend.budgets;
SELECT spend.set_price('maker', 'huge', '{"rates": {"input_tokens": "90000000000/1"}}', '-infinity') AS huge \gset
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-09 10:00', 'huge', 'huge', 1000000000);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-09 10:00', 'huge', 'huge', 1000000000);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-09 20:00', 'huge', 'huge', 1000000000);
SELECT subject FROM spend.maintain(0) WHERE action = 'folded deltas';
SELECT cost, calls FROM spend.rollup_months WHERE cost > 1e19;
SELECT * FROM spend.verify_rollups();
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-09 20:00', 'huge', 'huge', 1);
SELECT subject FROM spend.maintain(0) WHERE action = 'folded deltas';
SELECT cost, calls FROM spend.rollup_months WHERE cost > 1e19;
DELETE FROM spend.usage WHERE usage_id = (SELECT min(u.usage_id) FROM spend.usage AS u WHERE u.team = 'huge');
DELETE FROM spend.usage WHERE usage_id = (SELECT min(u.usage_id) FROM spend.usage AS u WHERE u.team = 'huge');
DELETE FROM spend.usage WHERE usage_id = (SELECT min(u.usage_id) FROM spend.usage AS u WHERE u.team = 'huge');
SELECT subject FROM spend.maintain(0) WHERE action = 'folded deltas';
SELECT * FROM spend.verify_rollups();
SELECT cost, calls FROM spend.daily_spend WHERE team = 'huge';
DELETE FROM spend.usage WHERE team = 'huge';
-- All of one quarter hour, and more than memory holds of a sum: the quarter hour gets a row.
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (date_trunc('day', now(), 'UTC') - interval '10 hours', 'vast', 'huge', 1000000000);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (date_trunc('day', now(), 'UTC') - interval '10 hours', 'vast', 'huge', 1000000000);
SELECT subject FROM spend.maintain(0) WHERE action = 'folded deltas';
SELECT cost, calls FROM spend.rollup_quarters WHERE cost > 1e20;
SELECT * FROM spend.verify_rollups();

-- The ledger dropped in the transaction that wrote.
BEGIN;
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('last', 'm', 1);
DROP EXTENSION pg_spend CASCADE;
COMMIT;
