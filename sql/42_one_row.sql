-- The row of an INSERT … VALUES (…) is accounted before it is stored, without the AFTER trigger, unless something could come between; EXPLAIN
-- tells which way it went. Either way the books are the same.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SET client_min_messages = error;
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "2/1M", "output_tokens": "8/1M"}}', '-infinity') AS price \gset
INSERT INTO spend.budgets (name, amount, period, group_by, on_exceeded, measure) VALUES ('all', 1000000, 'total', '{}', 'halt', 'tokens'), ('few', 6, 'total', '{team}', 'reject', 'calls');
CREATE FUNCTION regress.after_calls(command text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  line text;
  calls int := 0;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || command LOOP
    calls := calls + coalesce((regexp_match(line, 'Trigger account_row[^:]*: calls=(\d+)'))[1]::int, 0);
  END LOOP;
  RETURN calls;
END
$$;
CREATE FUNCTION regress.books() RETURNS TABLE (team text, calls bigint, tokens numeric, rolled_up bigint, counted numeric, wrong bigint) LANGUAGE sql AS $$
  SELECT u.team, count(*), sum(u.input_tokens), (SELECT sum(d.calls) FROM spend.daily_spend AS d WHERE d.team = u.team),
    (SELECT b.spent FROM spend.budget_status AS b WHERE b.budget_name = 'few' AND b.group_label LIKE '%' || u.team), (SELECT count(*) FROM spend.verify())
  FROM spend.usage AS u GROUP BY 1 ORDER BY 1
$$;
-- The simple case, also prepared, with RETURNING, inside a function, and with a new attribution; a savepoint takes it back.
SELECT regress.after_calls($$INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('simple', 'gpt-regress', 1000)$$) AS calls;
PREPARE one AS INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ($1, 'gpt-regress', $2) RETURNING team, cost;
EXECUTE one('simple', 10);
SELECT regress.after_calls($$EXECUTE one('simple', 100)$$) AS calls;
BEGIN;
SAVEPOINT s;
EXECUTE one('gone', 5);
EXECUTE one('simple', 5);
ROLLBACK TO s;
EXECUTE one('simple', 1);
COMMIT;
SELECT * FROM regress.books();
-- The budget's last call, and one more.
EXECUTE one('simple', 1);
EXECUTE one('simple', 1);
SELECT regress.error('EXECUTE one(''simple'', 1)');
SELECT * FROM regress.books();
-- What has to go by the AFTER trigger: several rows, ON CONFLICT, a leaf, an INSERT in WITH, rows of a plan, the setting off.
SELECT regress.after_calls($$INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('by trigger', 'gpt-regress', 1), ('by trigger', 'gpt-regress', 2)$$) AS several,
  regress.after_calls($$INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('on conflict', 'gpt-regress', 1) ON CONFLICT DO NOTHING$$) AS on_conflict,
  regress.after_calls($$INSERT INTO spend.usage_default (occurred_at, team, request_model, input_tokens) VALUES ('2018-01-01', 'leaf', 'gpt-regress', 1)$$) AS leaf,
  regress.after_calls($$WITH w AS (INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('in with', 'gpt-regress', 1) RETURNING team) SELECT * FROM w$$) AS in_with,
  regress.after_calls($$INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 'selected', 'gpt-regress', i FROM generate_series(1, 1) AS i$$) AS selected;
SET pg_spend.in_place_rows = off;
SELECT regress.after_calls($$INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('off', 'gpt-regress', 1)$$) AS switched_off;
RESET pg_spend.in_place_rows;
-- Skipped by a key, once stored; skipped by ON CONFLICT.
INSERT INTO spend.usage (team, request_model, input_tokens, idempotency_key) VALUES ('keyed', 'gpt-regress', 1, 'k');
INSERT INTO spend.usage (team, request_model, input_tokens, idempotency_key) VALUES ('keyed', 'gpt-regress', 1, 'k');
SELECT max(usage_id) AS taken, max(occurred_at) AS at FROM spend.usage WHERE team = 'keyed' \gset
INSERT INTO spend.usage (usage_id, occurred_at, team, request_model, input_tokens) VALUES (:taken, :'at', 'keyed', 'gpt-regress', 1) ON CONFLICT DO NOTHING;
SELECT * FROM regress.books();
-- Stored by nobody: the id is taken, a constraint is not met. The row was accounted by then.
SELECT split_part(regress.error(format($$INSERT INTO spend.usage (usage_id, occurred_at, team, request_model, input_tokens) VALUES (%s, %L, 'refused', 'gpt-regress', 1)$$, :taken, :'at')), E'\n', 1) AS error;
ALTER TABLE spend.usage ADD CONSTRAINT regress_few CHECK (input_tokens < 1000000);
SELECT split_part(regress.error($$INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('refused', 'gpt-regress', 1000000)$$), E'\n', 1) AS error;
ALTER TABLE spend.usage DROP CONSTRAINT regress_few;
SELECT count(*) FROM regress.books() WHERE wrong > 0 OR team = 'refused';
-- Other triggers: one behind ours leaves it to AFTER ROW; one that moves the row to another month is found out, before ours and behind; an AFTER
-- trigger of one's own is called; and where ours is off, nothing is accounted.
CREATE FUNCTION regress.move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.occurred_at := NEW.occurred_at + interval '40 days'; RETURN NEW; END $$;
CREATE FUNCTION regress.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE regress.heard (team text);
CREATE FUNCTION regress.hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO regress.heard VALUES (NEW.team); RETURN NULL; END $$;
CREATE TABLE spend.usage_2017_01 (LIKE spend.usage INCLUDING DEFAULTS);
CALL spend._equip_leaf('spend.usage_2017_01');
ALTER TABLE spend.usage ATTACH PARTITION spend.usage_2017_01 FOR VALUES FROM ('2017-01-01') TO ('2017-02-01');
CREATE TRIGGER a_move BEFORE INSERT ON spend.usage_2017_01 FOR EACH ROW EXECUTE FUNCTION regress.move();
SELECT split_part(regress.error($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2017-01-10', 'moved', 'gpt-regress', 1)$$), E'\n', 1) AS error;
DROP TRIGGER a_move ON spend.usage_2017_01;
CREATE TRIGGER z_move BEFORE INSERT ON spend.usage_2017_01 FOR EACH ROW EXECUTE FUNCTION regress.move();
SELECT split_part(regress.error($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2017-01-10', 'moved', 'gpt-regress', 1)$$), E'\n', 1) AS error;
DROP TRIGGER z_move ON spend.usage_2017_01;
CREATE TRIGGER z_keep BEFORE INSERT ON spend.usage_2017_01 FOR EACH ROW EXECUTE FUNCTION regress.keep();
SELECT regress.after_calls($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2017-01-10', 'kept', 'gpt-regress', 1)$$) AS behind_ours;
DROP TRIGGER z_keep ON spend.usage_2017_01;
CREATE TRIGGER z_hear AFTER INSERT ON spend.usage_2017_01 FOR EACH ROW EXECUTE FUNCTION regress.hear();
SELECT regress.after_calls($$INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2017-01-10', 'heard', 'gpt-regress', 1)$$) AS with_another;
SELECT * FROM regress.heard;
SELECT count(*) FROM regress.books() WHERE wrong > 0 OR team = 'moved';
ALTER TABLE spend.usage_2017_01 DISABLE TRIGGER account_row;
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2017-01-10', 'unaccounted', 'gpt-regress', 1);
SELECT calls, rolled_up FROM regress.books() WHERE team = 'unaccounted';
ROLLBACK;
ALTER TABLE spend.usage_2017_01 ENABLE ALWAYS TRIGGER account_row;
-- A command of one row within one of many, and one that fails there.
CREATE FUNCTION regress.nested(i int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2017-01-11', 'inner ' || i % 2, 'gpt-regress', CASE WHEN i % 5 = 0 THEN -1 ELSE 1 END);
  EXCEPTION WHEN invalid_parameter_value OR SQLSTATE 'SP001' THEN
    NULL;
  END;
  RETURN 'outer ' || i;
END
$$;
INSERT INTO spend.usage (team, request_model, input_tokens) SELECT regress.nested(i), 'gpt-regress', 1 FROM generate_series(1, 12) AS i;
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES (regress.nested(13), 'gpt-regress', 1);
SELECT * FROM regress.books() WHERE team LIKE 'inner%' OR team LIKE 'outer 1%';
