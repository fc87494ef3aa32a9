-- Pauses: what is stopped and what goes on, from the next row on; who may, and what is seen.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS usd \gset
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('session', false);
SELECT regress.error(format('SELECT spend.pause(%s)', a)) AS error FROM unnest(ARRAY['''{"wurkflow": "w"}'', ''r''', '''{}'', NULL', 'NULL, ''r''', '''{}'', ''r'', ''stop''', '''[]'', ''r''', '''{"team": {"like": "a"}}'', ''r''']) AS a;
SELECT count(*) AS pauses FROM spend.pauses;

-- One run is stopped; the rest goes on, and what is only to be recorded, too.
SELECT spend.pause('{"run_id": "r-1"}', 'loops', 'reject') AS run, spend.pause('{"workflow": "w"}', 'too expensive') AS workflow \gset
INSERT INTO spend.usage (run_id, workflow, request_model, input_tokens) VALUES ('r-1', 'w', 'm', 1);
INSERT INTO spend.usage (run_id, workflow, request_model, input_tokens) VALUES ('R-1', 'w', 'm', 1), ('r-2', 'w', 'm', 1), (NULL, 'w', 'm', 1) RETURNING run_id, cost;
-- A statement fails as a whole; COPY, an exception block, and a row that ON CONFLICT would skip.
INSERT INTO spend.usage (run_id, request_model, input_tokens) SELECT 'r-' || i % 2, 'm', 1 FROM generate_series(1, 10) AS i;
COPY spend.usage (run_id, request_model, input_tokens) FROM STDIN;
r-2	m	1
r-1	m	1
\.
SELECT count(*) AS stored FROM spend.usage;
DO $$
BEGIN
  INSERT INTO spend.usage (run_id, request_model, input_tokens) VALUES ('r-1', 'm', 1);
EXCEPTION WHEN SQLSTATE 'SP005' THEN
  RAISE NOTICE '% / %', SQLSTATE, SQLERRM;
END
$$;
-- A retry of what is stored already is no new usage.
INSERT INTO spend.usage (run_id, source, idempotency_key, request_model, input_tokens) VALUES ('r-3', 'app', 'k', 'm', 1);
SELECT spend.pause('{"run_id": "r-3"}', 'done', 'reject') AS third \gset
INSERT INTO spend.usage (run_id, source, idempotency_key, request_model, input_tokens) VALUES ('r-3', 'app', 'k', 'm', 1);
INSERT INTO spend.usage (run_id, source, idempotency_key, request_model, input_tokens) VALUES ('r-3', 'app', 'l', 'm', 1);
SELECT count(*) AS keys FROM spend.usage_keys;
-- What reports a fact is recorded: an UPDATE.
UPDATE spend.usage SET run_id = 'r-1' WHERE run_id = 'R-1' RETURNING run_id;
-- Any dimension, rolled up or not, alone or together.
SELECT spend.pause('{"team": ["a", "b"], "session": "S"}', 'session', 'reject') > 0 AS paused;
SELECT t AS team, s AS session, split_part(regress.error(format('INSERT INTO spend.usage (team, tags, request_model, input_tokens) VALUES (%L, %L, ''m'', 1)', t, s)), E'\n', 1) AS error
FROM unnest(ARRAY['A', 'c']) AS t, unnest(ARRAY['{"session": " s"}', '{"session": "t"}', NULL]) AS s;
SELECT spend.pause('{"model": "M", "user_id": {"not": "ci"}}', 'model', 'reject') > 0 AS paused;
SELECT u AS user_id, split_part(regress.error(format('INSERT INTO spend.usage (user_id, request_model, response_model) VALUES (%L, ''x'', ''m '')', u)), E'\n', 1) AS error FROM unnest(ARRAY['ci', 'ada']) AS u;

-- Resumed: by number, by scope; another pause still holds.
SELECT spend.pause('{"run_id": "r-1"}', 'again', 'reject') AS second \gset
SELECT spend.resume(:run, 'fixed');
SELECT split_part(regress.error($$INSERT INTO spend.usage (run_id, user_id, request_model) VALUES ('r-1', 'ci', 'm')$$), E'\n', 1) AS error;
SELECT spend.resume('{"run_id": "r-1"}', 'fixed, too') AS ended;
INSERT INTO spend.usage (run_id, user_id, request_model, input_tokens) VALUES ('r-1', 'ci', 'm', 1) RETURNING cost;
SELECT regress.error(format('SELECT spend.resume(%s)', :run)) LIKE '55000: pause % has ended%' AS ended;
SELECT regress.error($$SELECT spend.resume(77777)$$), regress.error($$SELECT spend.resume('{"run_id": "r-1"}'::jsonb)$$);
-- Rolled back, it never was; within the transaction it is.
BEGIN;
SELECT spend.pause('{}', 'all', 'reject') > 0 AS paused;
SAVEPOINT a;
INSERT INTO spend.usage (user_id, request_model) VALUES ('ci', 'x');
ROLLBACK TO a;
ROLLBACK;
INSERT INTO spend.usage (user_id, request_model) VALUES ('ci', 'x') RETURNING user_id;
SELECT scope, on_insert, reason, paused_by = session_user AS by_me FROM spend.active_pauses ORDER BY pause_id;
SELECT object_kind, operation, new_value -> 'scope' AS scope, new_value ->> 'resume_reason' AS resume_reason, reason FROM spend.change_log WHERE object_kind = 'pause' ORDER BY change_id LIMIT 8;

-- Administrators pause; readers see what concerns them; others nothing.
CREATE ROLE regress_pause_admin;
CREATE ROLE regress_pause_reader;
CREATE ROLE regress_pause_writer;
SELECT spend.grant_access('regress_pause_admin', 'admin'), spend.grant_access('regress_pause_reader', 'reader', '{"workflow": "w"}'), spend.grant_access('regress_pause_writer', 'writer');
SET ROLE regress_pause_admin;
SELECT spend.pause('{"agent": "a"}', 'by an admin', 'reject') AS by_admin \gset
SELECT count(*) > 1 AS sees FROM spend.pauses;
SELECT regress.error($$INSERT INTO spend.pauses (scope, reason, on_insert) VALUES ('{}', 'mine', 'reject')$$), regress.error($$UPDATE spend.pauses SET resumed_at = NULL$$);
SET ROLE regress_pause_reader;
SELECT scope, reason FROM spend.active_pauses;
SELECT regress.error($$SELECT spend.pause('{}', 'mine')$$), regress.error($$SELECT spend.resume(1)$$), regress.error($$SELECT FROM spend.pauses$$);
SET ROLE regress_pause_writer;
INSERT INTO spend.usage (agent, request_model) VALUES ('A', 'x');
SELECT regress.error($$SELECT spend.pause('{}', 'mine')$$), regress.error($$SELECT FROM spend.active_pauses$$);
RESET ROLE;
SELECT spend.resume(:by_admin);
SELECT spend.revoke_access('regress_pause_admin', 'admin'), spend.revoke_access('regress_pause_reader', 'reader'), spend.revoke_access('regress_pause_writer', 'writer');
DROP ROLE regress_pause_admin, regress_pause_reader, regress_pause_writer;
SELECT * FROM spend.verify();
