-- Holds as budget_status shows them and verify_holds() checks them; taken, resolved and rolled back in one transaction; changed by other hands.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS m \gset
CREATE FUNCTION regress.ask(input bigint, dimensions jsonb DEFAULT '{"team": "a"}', context jsonb DEFAULT '{}', ttl interval DEFAULT '10 min', OUT verdict text, OUT budgets text) LANGUAGE sql AS $$
  SELECT a.verdict, (SELECT string_agg(concat_ws(' ', b->>'budget', b->>'outcome', b->>'spent', b->>'held'), '; ') FROM jsonb_array_elements(a.budgets) AS b)
  FROM spend.authorize('m', dimensions, jsonb_build_object('input_tokens', input)::spend.token_usage, context => context, ttl => ttl) AS a
$$;
CREATE FUNCTION regress.last() RETURNS bigint LANGUAGE sql AS 'SELECT max(hold_id) FROM spend.holds';
CREATE VIEW regress.status AS
  SELECT budget_name, group_label, round(spent, 2) AS spent, round(held, 2) AS held, round(remaining, 2) AS remaining FROM spend.budget_status ORDER BY budget_name, group_label;
CREATE VIEW regress.problems AS
  SELECT problem, hold_id - (SELECT min(hold_id) FROM spend.holds) AS hold, budget, group_values, recorded, expected FROM spend.verify_holds() WHERE problem <> 'held in memory differs' ORDER BY 1, 2;
SET client_min_messages = error;
INSERT INTO spend.budgets (name, scope, amount, measure, period, rolling_days, on_exceeded, group_by) VALUES
  ('a cap', '{"team": "a"}', 20, 'cost', 'total', NULL, 'reject', '{}'), ('b each', '{"team": "a"}', 15, 'cost', 'total', NULL, 'halt', '{user_id}'),
  ('c week', '{"team": "a"}', 100, 'tokens', 'rolling', 7, 'halt', '{}'), ('d run', '{"run_id": {"present": true}}', 10, 'cost', 'total', NULL, 'reject', '{run_id}'), ('e calls', '{}', 100, 'calls', 'total', NULL, 'alert', '{}');

-- Held, per budget and group, also where nothing is spent yet; budgets of every kind.
SELECT * FROM regress.ask(6, '{"team": "a", "user_id": "u"}', '{"run_id": "r1"}');
SELECT regress.last() AS first \gset
SELECT * FROM regress.ask(5, '{"team": "a", "user_id": "v"}', '{"run_id": "r1"}');
SELECT * FROM regress.ask(4, '{"team": "a", "user_id": "v"}', '{"run_id": "r1"}');
SELECT * FROM regress.status;
SELECT cost FROM spend.settle(:first, '{"input_tokens": 3}');
SELECT * FROM regress.status;
SELECT * FROM regress.ask(4, '{"team": "a", "user_id": "v"}', '{"run_id": "r1"}');
SELECT * FROM spend.verify();

-- In one transaction: taken, settled, released, rolled back, in any order. 13 are left: 3 spent, 4 held.
BEGIN;
SELECT * FROM regress.ask(10);
SELECT * FROM regress.ask(4);
SAVEPOINT s;
SELECT spend.release(regress.last());
SELECT * FROM regress.ask(13);
ROLLBACK TO s;
SELECT * FROM regress.ask(4);
SELECT cost FROM spend.settle(regress.last(), '{"input_tokens": 1}');
SELECT * FROM regress.ask(13);
SAVEPOINT s;
SELECT * FROM regress.ask(12);
SAVEPOINT t;
SELECT spend.release(regress.last());
RELEASE SAVEPOINT t;
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 12);
ROLLBACK TO s;
SELECT * FROM regress.ask(12);
COMMIT;
SELECT * FROM regress.status WHERE budget_name = 'a cap';
SELECT regress.error($$INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 1)$$);
SELECT spend.release(regress.last());
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 1);
BEGIN;
SELECT * FROM regress.ask(11);
ROLLBACK;
BEGIN;
SELECT spend.release((SELECT max(hold_id) FROM spend.holds WHERE state = 'open'));
ROLLBACK;
SELECT * FROM regress.ask(12);
SELECT * FROM regress.ask(11);
SELECT * FROM regress.status WHERE budget_name = 'a cap';
SELECT * FROM spend.verify();

-- What other hands do to holds counts, and is found.
UPDATE spend.hold_amounts SET amount = 9 WHERE hold_id = regress.last() AND amount = 11;
SELECT * FROM regress.ask(2);
SELECT * FROM regress.ask(1);
SELECT * FROM regress.problems;
SELECT budget, counter, from_rows, difference, counter_calls FROM spend.verify();
UPDATE spend.hold_amounts AS a SET amount = h.cost FROM spend.holds AS h WHERE h.hold_id = a.hold_id AND a.amount = 9;
SELECT * FROM regress.problems;
DELETE FROM spend.holds WHERE hold_id = regress.last();
SELECT problem, budget, recorded, expected FROM regress.problems ORDER BY budget;
SELECT count(*) AS found FROM spend.verify(true);
SELECT * FROM regress.problems;
SELECT * FROM regress.ask(2);
SELECT spend.release(regress.last());
INSERT INTO spend.hold_amounts SELECT * FROM spend.hold_amounts;
SELECT problem, budget, recorded, expected FROM regress.problems ORDER BY budget, problem;
TRUNCATE spend.hold_amounts;
SELECT * FROM regress.ask(16, '{"team": "a", "user_id": "w"}');
SELECT * FROM regress.ask(13);
UPDATE spend.hold_amounts SET expires_at = expires_at + interval '1 hour';
SELECT problem, budget FROM regress.problems ORDER BY budget;
UPDATE spend.hold_amounts SET expires_at = clock_timestamp();
SELECT problem, budget FROM regress.problems ORDER BY budget;
SELECT * FROM regress.ask(13);
SELECT * FROM regress.status WHERE budget_name = 'a cap';
-- Where a hold says that its amounts lie is where they are, or is not believed: they have moved, lie in no page, are another hold's.
TRUNCATE spend.hold_amounts;
UPDATE spend.holds SET state = 'released', resolved_at = now() WHERE state = 'open';
SELECT (regress.ask(1)).verdict FROM generate_series(1, 5);
SELECT count(*) AS places, count(*) FILTER (WHERE cardinality(h.amounts_at) = 4 AND EXISTS (SELECT FROM spend.hold_amounts AS a WHERE a.hold_id = h.hold_id AND a.ctid = ANY (h.amounts_at))) AS found
FROM spend.holds AS h WHERE state = 'open';
SELECT spend.release(regress.last());
VACUUM FULL spend.hold_amounts;
SELECT spend.release(regress.last() - 1);
UPDATE spend.holds SET amounts_at = '{"(4000000000,1)","(0,0)",NULL}' WHERE hold_id = regress.last() - 2;
SELECT spend.release(regress.last() - 2);
UPDATE spend.holds AS h SET amounts_at = o.amounts_at FROM spend.holds AS o WHERE h.hold_id = regress.last() - 3 AND o.hold_id = regress.last() - 4;
SELECT spend.release(regress.last() - 3);
SELECT count(*) AS left, count(DISTINCT hold_id) AS holds FROM spend.hold_amounts;
SELECT spend.release(regress.last() - 4);
SELECT count(*) AS left FROM spend.hold_amounts;
SELECT problem, budget FROM regress.problems WHERE problem LIKE '%amount%';
-- What sets nothing aside is marked, too, when its time is over; and so is what was let in again and not settled.
DELETE FROM spend.budgets WHERE name = 'e calls';
SELECT hold_id AS free, reason FROM spend.authorize('m', '{"team": "z"}', '{}') \gset
UPDATE spend.holds SET expires_at = clock_timestamp() WHERE hold_id = :free;
SELECT expired FROM spend._tidy_holds();
SELECT state, resolved_at = expires_at AS at_expiry FROM spend.holds WHERE hold_id = :free;
SELECT verdict FROM regress.ask(1);
UPDATE spend.hold_amounts SET expires_at = clock_timestamp() WHERE hold_id = regress.last();
UPDATE spend.holds SET expires_at = clock_timestamp() WHERE hold_id = regress.last();
SELECT expired FROM spend._tidy_holds();
SELECT spend._reopen_hold(regress.last());
SELECT state, expires_at = mark_at AS to_be_marked FROM spend.holds WHERE hold_id = regress.last();
UPDATE spend.holds SET amounts_at = NULL, expires_at = clock_timestamp() WHERE hold_id = regress.last();
SELECT expired FROM spend._tidy_holds();
-- Three months after their end they are forgotten, open ones are not.
UPDATE spend.holds SET expires_at = now() - interval '91 days' WHERE hold_id = :free;
SELECT forgotten FROM spend._tidy_holds();
SELECT count(*) AS kept FROM spend.holds WHERE hold_id = :free;
-- Rows and holds that contradict each other.
SELECT max(hold_id) AS settled FROM spend.holds WHERE state = 'settled' \gset
UPDATE spend.holds SET state = 'released', usage_id = NULL WHERE hold_id = :settled;
SELECT problem, hold_id = :settled AS of_the_hold, recorded, expected FROM spend.verify_holds();
UPDATE spend.holds SET state = 'settled', usage_id = (SELECT usage_id FROM spend.usage WHERE hold_id = :settled) WHERE hold_id = :settled;
SET session_replication_role = replica;
INSERT INTO spend.usage SELECT (jsonb_populate_record(u, '{"usage_id": -1, "recorded_at": null}')).* FROM spend.usage AS u WHERE hold_id = :settled;
RESET session_replication_role;
SELECT problem, hold_id = :settled AS of_the_hold, recorded, expected FROM spend.verify_holds();
