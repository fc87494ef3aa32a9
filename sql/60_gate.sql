-- The gate: what may run, what a hold holds, how it resolves, and who learns what.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
-- An input token of m costs one dollar and an output token two; those of s a tenth. t doubles its input above 100 and has graduated output; f is free, e in euro.
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1", "output_tokens": "2/1"}}', '-infinity') AS m,
       spend.set_price('maker', 's', '{"rates": {"input_tokens": "0.1/1", "output_tokens": "0.2/1"}}', '-infinity') AS s,
       spend.set_price('maker', 't', '{"rates": {"input_tokens": {"base": "1/1", "tiers": [{"above": 100, "rate": "2/1"}]}, "output_tokens": {"base": "2/1", "mode": "graduated", "tiers": [{"above": 10, "rate": "5/1"}]}}}', '-infinity') AS t,
       spend.set_price('maker', 'f', '{"rates": {"input_tokens": "0/1", "output_tokens": "0/1"}}', '-infinity') AS f,
       spend.set_price('maker', 'e', '{"currency": "EUR", "rates": {"input_tokens": "1/1", "output_tokens": "2/1"}}', '-infinity') AS e \gset
CREATE FUNCTION regress.ask(model text, input bigint, output bigint, dimensions jsonb DEFAULT '{}', context jsonb DEFAULT '{}', ttl interval DEFAULT '10 min',
  OUT verdict text, OUT reason text, OUT model text, OUT held boolean, OUT most bigint, OUT budgets text) LANGUAGE sql AS $$
  SELECT a.verdict, a.reason, a.model, a.hold_id IS NOT NULL, a.max_output_tokens,
         (SELECT string_agg(concat_ws(' ', b->>'budget', b->>'on_exceeded', b->>'outcome', b->>'limit', b->>'spent', b->>'held', b->>'asked', b->>'unit'), '; ') FROM jsonb_array_elements(a.budgets) AS b)
  FROM spend.authorize(model, dimensions, jsonb_build_object('input_tokens', input, 'output_tokens', output)::spend.token_usage, ttl => ttl, context => context) AS a
$$;
CREATE FUNCTION regress.last() RETURNS bigint LANGUAGE sql AS 'SELECT max(hold_id) FROM spend.holds';
CREATE PROCEDURE regress.clean() LANGUAGE sql AS $$
  DELETE FROM spend.budgets; DELETE FROM spend.usage; DELETE FROM spend.alerts; DELETE FROM spend.counters; DELETE FROM spend.holds; DELETE FROM spend.hold_amounts; DELETE FROM spend.decisions;
$$;

-- No budget: allowed, with a hold that settles like any other.
SELECT * FROM regress.ask('m', 1, 1);
SELECT * FROM regress.ask('unknown', 1, 1);
SELECT usage_id IS NOT NULL AS recorded, cost, currency, pricing_status FROM spend.settle(regress.last() - 1, '{"input_tokens": 1}');
-- What cannot be asked.
SELECT regress.error($$SELECT spend.authorize(NULL, '{}', '{}')$$);
SELECT regress.error($$SELECT spend.authorize('m', NULL, '{}')$$);
SELECT regress.error($$SELECT spend.authorize('m', '{}', NULL)$$);
SELECT regress.error($$SELECT spend.authorize('m', '{"teem": "a"}', '{}')$$);
SELECT regress.error($$SELECT spend.authorize('m', '{"team": ["a"]}', '{}')$$);
SELECT regress.error($$SELECT spend.authorize('m', '[]', '{}')$$);
SELECT regress.error($$SELECT spend.authorize('m', '{}', '{}', context => '{"tier": "batch"}')$$);
SELECT t AS ttl, regress.error(format($$SELECT spend.authorize('m', '{}', '{}', ttl => %L)$$, t)) FROM unnest(ARRAY['0', '-1 min', '25 hours']) AS t;
SELECT regress.error($$SELECT spend.authorize('m', '{}', '{}', ttl => NULL)$$);
BEGIN READ ONLY;
SELECT spend.authorize('m', '{}', '{}');
ROLLBACK;
-- In a transaction block the hold is nobody's business before COMMIT.
BEGIN;
SELECT * FROM regress.ask('m', 1, 1);
ROLLBACK;
SELECT count(*) FILTER (WHERE state = 'settled') AS settled, count(*) AS holds FROM spend.holds;
CALL regress.clean();

-- A budget that rejects: spent and held never exceed it. 7 a call, limit 20.
INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded) VALUES ('cap', '{"team": "a"}', 20, 'total', 'reject');
SELECT * FROM regress.ask('m', 1, 3, '{"team": " A "}');
SELECT * FROM regress.ask('m', 1, 3, '{"team": "b"}');
SELECT * FROM regress.ask('m', 1, 3, '{"team": "a"}');
SELECT * FROM regress.ask('m', 1, 3, '{"team": "a"}');
SELECT * FROM regress.ask('m', 1, 2, '{"team": "a"}');
-- Holds stand in an INSERT's way, too: 1 is left.
SELECT regress.error($$INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 2)$$);
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 1);
-- What costs nothing may always run.
SELECT * FROM regress.ask('f', 100, 100, '{"team": "a"}');
-- Partial use gives the rest back; the row takes the hold's model and dimensions, whatever it says, and keeps its tags.
SELECT hold_id AS first FROM spend.holds WHERE dimensions = '{"team": " A "}' \gset
SELECT hold_id AS second FROM spend.holds WHERE dimensions = '{"team": "a"}' AND state = 'open' AND cost = 7 \gset
INSERT INTO spend.usage (hold_id, team, project, tags, input_tokens) VALUES (:first, 'b', 'p', '{"note": "n"}', 1) RETURNING team, project, tags, request_model, cost;
SELECT h.state, h.resolved_at IS NOT NULL AS resolved, u.cost FROM spend.holds AS h JOIN spend.usage AS u USING (usage_id) WHERE h.hold_id = :first;
SELECT * FROM regress.ask('m', 0, 0, '{"team": "a"}');
-- More than was held is recorded in full, and closes the gate.
SELECT cost FROM spend.settle(:second, '{"input_tokens": 1, "output_tokens": 30}');
SELECT * FROM regress.ask('m', 1, 1, '{"team": "a"}');
SELECT spent FROM spend._counter_totals;
SELECT * FROM spend.verify();
-- Denied requests stand with what they would have cost.
SELECT verdict, reason, budget_name, requested_model, model, dimensions, estimate, cost, currency, hold_id FROM spend.decisions ORDER BY decision_id;

-- A hold resolves once: an error of its own for each second try.
UPDATE spend.budgets SET amount = 1000;
SELECT verdict FROM regress.ask('m', 1, 3, '{"team": "a"}');
SELECT regress.last() AS third \gset
SELECT spend.release(:third);
SELECT regress.error(format($$SELECT spend.settle(%s, '{}')$$, :first)) LIKE 'SP007: hold % was settled already%' AS settle_settled,
       regress.error(format($$SELECT spend.release(%s)$$, :first)) LIKE 'SP007: hold % was settled already%' AS release_settled,
       regress.error(format($$SELECT spend.settle(%s, '{}')$$, :third)) LIKE 'SP007: hold % was released%' AS settle_released,
       regress.error(format($$SELECT spend.release(%s)$$, :third)) LIKE 'SP007: hold % was released%' AS release_released,
       regress.error(format($$SELECT spend.settle(%s, '{}', even_if_expired => true)$$, :third)) LIKE 'SP007: hold % was released%' AS settle_late;
SELECT regress.error($$SELECT spend.release(-1)$$);
SELECT regress.error($$INSERT INTO spend.usage (hold_id, input_tokens) VALUES (-1, 1)$$);
SELECT regress.error($$SELECT spend.settle(NULL, '{}')$$);
-- Two rows of one command for one hold.
SELECT verdict FROM regress.ask('m', 1, 3, '{"team": "a"}');
SELECT split_part(regress.error(format($$INSERT INTO spend.usage (hold_id, input_tokens) VALUES (%s, 1), (%s, 1)$$, regress.last(), regress.last())), ' ', 1) AS twice;
SELECT state FROM spend.holds WHERE hold_id = regress.last();
-- Expiry needs nobody: what is over holds nothing, and settles only where that is asked for.
UPDATE spend.holds SET expires_at = clock_timestamp() WHERE hold_id = regress.last();
UPDATE spend.hold_amounts SET expires_at = clock_timestamp() WHERE hold_id = regress.last();
SELECT budgets FROM regress.ask('m', 1000, 0, '{"team": "a"}');
SELECT regress.error(format($$SELECT spend.release(%s)$$, regress.last())) LIKE 'SP007: hold % has expired%' AS release_expired,
       regress.error(format($$INSERT INTO spend.usage (hold_id, input_tokens) VALUES (%s, 1)$$, regress.last())) LIKE 'SP007: hold % has expired%' AS settle_expired;
SELECT action, subject FROM spend.maintain() WHERE action LIKE '%holds';
SELECT state, expires_at = resolved_at AS at_expiry, (SELECT count(*) FROM spend.hold_amounts AS a WHERE a.hold_id = h.hold_id) AS amounts FROM spend.holds AS h WHERE hold_id = regress.last();
SELECT regress.error(format($$INSERT INTO spend.usage (hold_id, input_tokens) VALUES (%s, 1)$$, regress.last())) LIKE 'SP007: hold % has expired%' AS settle_expired;
SELECT cost FROM spend.settle(regress.last(), '{"input_tokens": 1}', even_if_expired => true);
SELECT regress.error(format($$SELECT spend.settle(%s, '{}', even_if_expired => true)$$, regress.last())) LIKE 'SP007: hold % was settled already%' AS twice;
-- A retry with its idempotency key is the same fact, and no second settlement.
SELECT verdict FROM regress.ask('m', 1, 3, '{"team": "a"}');
SELECT cost FROM spend.settle(regress.last(), '{"input_tokens": 1}', source => 'app', idempotency_key => 'k');
SELECT cost FROM spend.settle(regress.last(), '{"input_tokens": 1}', source => 'app', idempotency_key => 'k');
SELECT count(*) AS conflicts FROM spend.usage_conflicts;
-- An UPDATE neither takes a row's hold away nor gives it one.
UPDATE spend.usage SET hold_id = -1 WHERE hold_id = :first;
SELECT count(*) AS kept FROM spend.usage WHERE hold_id = :first;
-- Rolled back, the hold is open again, or was never there.
SELECT verdict FROM regress.ask('m', 1, 3, '{"team": "a"}');
SELECT regress.last() AS open \gset
BEGIN;
SELECT cost FROM spend.settle(:open, '{"input_tokens": 1}');
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT spend.release(:open);
ROLLBACK TO a;
SELECT cost FROM spend.settle(:open, '{"input_tokens": 2}');
COMMIT;
SELECT state FROM spend.holds WHERE hold_id = :open;
SELECT count(*) AS amounts_left FROM spend.hold_amounts AS a JOIN spend.holds AS h USING (hold_id) WHERE h.state <> 'open';
SELECT * FROM spend.verify();
CALL regress.clean();

-- Many settling rows in one command.
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('cap', 100, 'total', 'reject');
SELECT count(a.verdict) AS allowed FROM generate_series(1, 20) AS i CROSS JOIN LATERAL spend.authorize('m', jsonb_build_object('user_id', i), '{"input_tokens": 5}') AS a;
SELECT budgets FROM regress.ask('m', 1, 0);
INSERT INTO spend.usage (hold_id, input_tokens) SELECT hold_id, 1 FROM spend.holds WHERE state = 'open' ORDER BY hold_id LIMIT 18;
INSERT INTO spend.usage (hold_id, input_tokens) SELECT hold_id, 1 FROM spend.holds WHERE state = 'open' ON CONFLICT DO NOTHING;
SELECT count(*) AS rows, count(DISTINCT user_id) AS users, sum(cost) AS cost FROM spend.usage;
SELECT count(*) AS open FROM spend.holds WHERE state = 'open';
SELECT * FROM spend.verify();
CALL regress.clean();

-- Several budgets: each is asked. halt denies like reject, alert says so; measures of all kinds; unpriced usage.
INSERT INTO spend.budgets (name, scope, amount, measure, period, on_exceeded, on_unpriced) VALUES
  ('money', '{"team": "a"}', 100, 'cost', 'total', 'halt', NULL), ('tokens', '{"team": "a"}', 50, 'tokens', 'total', 'halt', NULL),
  ('calls', '{"team": "a"}', 2, 'calls', 'total', 'halt', NULL), ('watch', '{}', 1, 'cost', 'total', 'alert', NULL), ('lenient', '{"team": "b"}', 10, 'cost', 'total', 'reject', 'allow');
SELECT * FROM regress.ask('m', 10, 10, '{"team": "a"}');
SELECT * FROM regress.ask('m', 20, 11, '{"team": "a"}');
SELECT * FROM regress.ask('m', 20, 10, '{"team": "a"}');
SELECT * FROM regress.ask('f', 0, 0, '{"team": "a"}');
SELECT * FROM regress.ask('unknown', 1, 1, '{"team": "a"}');
SELECT * FROM regress.ask('e', 1, 1, '{"team": "a"}');
SELECT * FROM regress.ask('unknown', 1, 1, '{"team": "b"}');
SELECT * FROM regress.ask('m', 1, 1, '{"team": "c"}');
INSERT INTO spend.settings (strict_pricing) VALUES (true) ON CONFLICT DO NOTHING;
UPDATE spend.settings SET strict_pricing = true;
SELECT * FROM regress.ask('unknown', 1, 1, '{"team": "z"}');
-- What was let through is recorded although nothing prices it any more.
SELECT pricing_status FROM spend.settle((SELECT max(hold_id) FROM spend.holds WHERE model = 'unknown'), '{"input_tokens": 1}');
UPDATE spend.settings SET strict_pricing = false;
CALL regress.clean();

-- How many output tokens fit: exactly, through tiers, whatever the measure.
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('cap', 100.5, 'total', 'halt');
SELECT m AS model, a.most, spend.cost(m, jsonb_build_object('input_tokens', 10, 'output_tokens', a.most)::spend.token_usage) <= 100.5 AS fits,
       spend.cost(m, jsonb_build_object('input_tokens', 10, 'output_tokens', a.most + 1)::spend.token_usage) > 100.5 AS no_more
FROM unnest(ARRAY['m', 's', 't']) AS m CROSS JOIN LATERAL regress.ask(m, 10, 1) AS a;
SELECT most FROM regress.ask('m', 200, 1);
SELECT most FROM regress.ask('f', 10, 1);
CALL regress.clean();

-- Fallback: proposed from 90 percent of use on, or from what the budget says, and where the call as asked does not fit.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, fallback_model, fallback_at) VALUES ('cap', 100, 'total', 'reject', 's', 50);
SELECT * FROM regress.ask('m', 49, 0);
SELECT * FROM regress.ask('m', 1, 0);
SELECT * FROM regress.ask('m', 10, 0);
SELECT * FROM regress.ask('s', 10, 0);
UPDATE spend.budgets SET fallback_at = 90;
SELECT * FROM regress.ask('m', 10, 0);
SELECT * FROM regress.ask('m', 100, 0);
SELECT * FROM regress.ask('m', 1000, 0);
UPDATE spend.budgets SET fallback_model = 'unknown', fallback_at = 1;
SELECT * FROM regress.ask('m', 10, 0);
SELECT verdict, reason, budget_name, requested_model, model, cost, hold_id IS NOT NULL AS held FROM spend.decisions ORDER BY decision_id;
-- The row of a downgraded call is one of the model that ran.
SELECT max(hold_id) AS downgraded FROM spend.holds WHERE requested_model = 'm' AND model = 's' \gset
SELECT cost FROM spend.settle(:downgraded, '{"input_tokens": 10}');
SELECT request_model, cost FROM spend.usage WHERE hold_id = :downgraded;
SELECT regress.error($$UPDATE spend.budgets SET fallback_at = 101$$) LIKE '23514%' AS range, regress.error($$UPDATE spend.budgets SET fallback_model = ''$$) LIKE '23514%' AS empty;
CALL regress.clean();

-- Groups have counters of their own. A hold that may be settled in the next period holds there, too.
INSERT INTO spend.budgets (name, amount, period, on_exceeded, group_by) VALUES ('each', 10, 'hour', 'reject', '{user_id}');
SELECT verdict FROM regress.ask('m', 9, 0, '{"user_id": "ada"}', ttl => '2 hours');
SELECT verdict FROM regress.ask('m', 9, 0, '{"user_id": "bob"}', ttl => '2 hours');
SELECT verdict FROM regress.ask('m', 9, 0, '{"user_id": "ada"}', ttl => '2 hours');
SELECT count(DISTINCT period_start) BETWEEN 2 AND 3 AS hours, count(DISTINCT group_hash) AS groups FROM spend.hold_amounts;
CALL regress.clean();

-- Registered tags are dimensions; what a dimension requires is asked for before the call. Context columns go with the hold.
INSERT INTO spend.dimensions (name) VALUES ('squad');
INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded) VALUES ('squad', '{"squad": "x"}', 10, 'total', 'reject');
SELECT * FROM regress.ask('m', 1, 1, '{"squad": "X"}', '{"run_id": "r1", "purpose": "work"}');
INSERT INTO spend.usage (hold_id, tags, input_tokens) VALUES (regress.last(), '{"squad": "y", "note": 1}', 1) RETURNING tags, run_id, purpose;
SELECT spent FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = 'squad';
INSERT INTO spend.required_tags (dimension, on_missing) VALUES ('squad', 'reject');
SELECT regress.error($$SELECT spend.authorize('m', '{}', '{"input_tokens": 1}')$$);
DELETE FROM spend.required_tags;
DELETE FROM spend.dimensions;
CALL regress.clean();

-- Budgets on what differs from row to row, windows of days, limits of single groups; what is paused does not run.
SET client_min_messages = error;
INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded, group_by) VALUES ('run', '{"run_id": {"present": true}}', 5, 'total', 'reject', '{run_id}');
INSERT INTO spend.budgets (name, scope, amount, period, rolling_days, on_exceeded) VALUES ('week', '{"team": "w"}', 10, 'rolling', 7, 'halt');
RESET client_min_messages;
SELECT verdict, budgets FROM regress.ask('m', 4, 0, '{}', '{"run_id": "r1"}');
SELECT verdict, budgets FROM regress.ask('m', 4, 0, '{}', '{"run_id": "r1"}');
SELECT verdict, budgets FROM regress.ask('m', 4, 0, '{}', '{"run_id": "r2"}');
SELECT cost FROM spend.settle(regress.last(), '{"input_tokens": 3}');
SELECT group_values, spent FROM spend._counter_totals WHERE spent > 0;
INSERT INTO spend.usage (team, occurred_at, request_model, input_tokens) VALUES ('w', now() - interval '3 days', 'm', 6), ('w', now() - interval '30 days', 'm', 100);
SELECT verdict, budgets FROM regress.ask('m', 3, 0, '{"team": "w"}');
SELECT verdict, budgets FROM regress.ask('m', 3, 0, '{"team": "w"}');
SELECT verdict FROM regress.ask('m', 1, 0, '{}', '{"run_id": "r5"}');
SELECT spend.pause('{"run_id": "r5"}', 'runs away', 'reject') AS pause \gset
SELECT verdict, reason, held FROM regress.ask('m', 1, 0, '{}', '{"run_id": "r5"}');
SELECT verdict, reason, held FROM regress.ask('m', 1, 0, '{}', '{"run_id": "r6"}');
-- What was under way when it was paused is recorded.
SELECT cost FROM spend.settle((SELECT max(hold_id) FROM spend.holds WHERE context = '{"run_id": "r5"}'), '{"input_tokens": 1}');
SELECT spend.resume(:pause);
SELECT * FROM spend.verify();
CALL regress.clean();

-- Roles: a writer asks, settles and releases its own, and learns no figures; a reader may not ask.
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_gate_a, regress_gate_b, regress_gate_reader, regress_gate_nobody;
CREATE ROLE regress_gate_a;
CREATE ROLE regress_gate_b;
CREATE ROLE regress_gate_reader;
CREATE ROLE regress_gate_nobody;
RESET client_min_messages;
SELECT spend.grant_access('regress_gate_a', 'writer'), spend.grant_access('regress_gate_b', 'writer'), spend.grant_access('regress_gate_reader', 'reader');
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('cap', 1000, 'total', 'reject');
GRANT EXECUTE ON FUNCTION regress.ask(text, bigint, bigint, jsonb, jsonb, interval) TO regress_gate_a, regress_gate_b;
SET ROLE regress_gate_a;
SELECT * FROM regress.ask('m', 1, 3);
SELECT * FROM regress.ask('m', 1, 5000);
SELECT regress.error('SELECT * FROM spend.holds'), regress.error('SELECT * FROM spend.hold_amounts'), regress.error('SELECT * FROM spend.decisions'), regress.error('SELECT spend._tidy_holds()');
RESET ROLE;
SELECT regress.last() AS of_a \gset
SET ROLE regress_gate_b;
SELECT regress.error(format('SELECT spend.release(%s)', :of_a)) = replace(regress.error('SELECT spend.release(-1)'), '-1', :'of_a') AS release_as_unknown,
       regress.error(format($$INSERT INTO spend.usage (hold_id, input_tokens) VALUES (%s, 1)$$, :of_a)) = replace(regress.error('SELECT spend.release(-1)'), '-1', :'of_a') AS settle_as_unknown,
       regress.error(format('SELECT spend._reopen_hold(%s)', :of_a)) = replace(regress.error('SELECT spend.release(-1)'), '-1', :'of_a') AS reopen_as_unknown;
RESET ROLE;
SET ROLE regress_gate_reader;
SELECT regress.error($$SELECT spend.authorize('m', '{}', '{}')$$), regress.error(format('SELECT spend.release(%s)', :of_a)), regress.error(format($$SELECT spend.settle(%s, '{}')$$, :of_a));
RESET ROLE;
SET ROLE regress_gate_nobody;
SELECT regress.error($$SELECT spend.authorize('m', '{}', '{}')$$), regress.error(format('SELECT spend.release(%s)', :of_a));
RESET ROLE;
SET ROLE regress_gate_a;
SELECT cost, currency, pricing_status FROM spend.settle(:of_a, '{"input_tokens": 1, "output_tokens": 1}');
RESET ROLE;
-- A role that reads as well sees the figures.
SELECT spend.grant_access('regress_gate_a', 'reader');
SET ROLE regress_gate_a;
SELECT most, budgets FROM regress.ask('m', 1, 3);
RESET ROLE;
SELECT spend.release(regress.last());
SELECT writer, state, count(*) FROM spend.holds GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM spend.verify();
SELECT spend.revoke_access('regress_gate_a', 'writer'), spend.revoke_access('regress_gate_a', 'reader'), spend.revoke_access('regress_gate_b', 'writer'), spend.revoke_access('regress_gate_reader', 'reader');
DROP OWNED BY regress_gate_a, regress_gate_b, regress_gate_reader, regress_gate_nobody;
DROP ROLE regress_gate_a, regress_gate_b, regress_gate_reader, regress_gate_nobody;
