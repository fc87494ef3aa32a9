-- What a budget allows: amounts from a date on, top-ups, limits of single groups, and the log of all changes.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS usd \gset
CREATE VIEW regress.status AS
SELECT budget_name AS budget, group_label AS grp, amount::float8 AS amount, spent::float8 AS spent, remaining::float8 AS remaining, is_exceeded FROM spend.budget_status ORDER BY budget_id, group_label;
CREATE PROCEDURE regress.clean() LANGUAGE sql AS $$
  DELETE FROM spend.budgets;
  DELETE FROM spend.usage;
  DELETE FROM spend.alerts;
  DELETE FROM spend.counters;
  DELETE FROM spend.change_log;
$$;
CREATE FUNCTION regress.month(n integer) RETURNS timestamptz LANGUAGE sql AS $$ SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month') AT TIME ZONE 'UTC' $$;
CREATE FUNCTION regress.limit_of(budget text, at timestamptz, grp jsonb DEFAULT NULL) RETURNS numeric LANGUAGE sql AS $$
  SELECT spend._budget_limit(b.budget_id, p.period_start, p.period_end, CASE WHEN grp IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE (SELECT g.group_hash FROM spend._group_of(b.budget_id, grp) AS g) END)
  FROM spend.budgets AS b CROSS JOIN LATERAL spend._budget_period(b.budget_id, at) AS p WHERE b.name = limit_of.budget
$$;

-- A change of this month's amount leaves the last month's alone, in the chargeback too; what is planned comes in its month.
INSERT INTO spend.budgets (name, cost_center, amount, on_exceeded, reason) VALUES ('plan', 'cc', 100, 'reject', 'first plan');
INSERT INTO spend.usage (occurred_at, cost_center, request_model, input_tokens) VALUES (regress.month(-1), 'cc', 'm', 90), (regress.month(-2), 'cc', 'm', 80), (now(), 'cc', 'm', 95);
SELECT regress.error($$INSERT INTO spend.usage (cost_center, request_model, input_tokens) VALUES ('cc', 'm', 10)$$) LIKE 'SP001%' AS refused;
SELECT spend.set_budget_amount('plan', 200, 'more customers') = regress.month(0) AS from_this_month;
INSERT INTO spend.usage (cost_center, request_model, input_tokens) VALUES ('cc', 'm', 10) RETURNING cost;
SELECT spend.set_budget_amount('plan', 300, 'next year', regress.month(1)) = regress.month(1) AS from_next_month;
SELECT n, regress.limit_of('plan', regress.month(n)) AS amount FROM generate_series(-2, 2) AS n;
SELECT c.period_start = regress.month(0)::date AS this_month, c.budget::float8, c.actual::float8, c.variance::float8 FROM spend.chargeback_monthly AS c ORDER BY c.period_start;
-- Changing it again changes this month's; the plan for the next one stands.
UPDATE spend.budgets SET amount = 250, reason = 'still more' WHERE name = 'plan';
UPDATE spend.budgets SET amount = 260 WHERE name = 'plan';
SELECT n, regress.limit_of('plan', regress.month(n)) AS amount FROM generate_series(-2, 2) AS n;
SELECT CASE WHEN isfinite(valid_from) THEN (valid_from = regress.month(0))::text ELSE valid_from::text END AS this_month, amount, reason, set_by = session_user AS by_me FROM spend.budget_amounts ORDER BY spend.budget_amounts.valid_from;
SELECT regress.error($$SELECT spend.set_budget_amount('plan', 1, 'too late', '2020-01-01')$$) LIKE '22023: the amount of a period that is over does not change%' AS refused;
SELECT regress.error($$SELECT spend.set_budget_amount('plan', -1)$$);
SELECT regress.error($$SELECT spend.set_budget_amount('plan', NULL)$$);
SELECT regress.error($$SELECT spend.set_budget_amount('nothing', 1)$$);
SELECT regress.error($$INSERT INTO spend.budget_amounts (budget_id, valid_from, amount) VALUES (77, now(), 1)$$);
SELECT regress.error($$UPDATE spend.budget_amounts SET amount = 'NaN'$$);
-- An amount that is lowered below what is spent shuts the gate; nothing is lost.
UPDATE spend.budgets SET amount = 50 WHERE name = 'plan';
SELECT regress.error($$INSERT INTO spend.usage (cost_center, request_model, input_tokens) VALUES ('cc', 'm', 10)$$) LIKE 'SP001%' AS refused;
SELECT * FROM regress.status;
-- Who changed what, and why.
SELECT object_kind, object_name, operation, old_value - '{created_at,set_at,valid_from}'::text[] AS old, new_value - '{budget_id,created_at,set_at,set_by,valid_from,valid_during,thresholds,scope,group_by,measure,generation,is_critical}'::text[] AS new, reason, changed_by = session_user AS by_me
FROM spend.change_log ORDER BY change_id;
CALL regress.clean();
SELECT (SELECT count(*) FROM spend.budget_amounts) AS amounts, (SELECT count(*) FROM spend.budget_overrides) AS overrides;

-- A total has one period: its amount is replaced.
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('total', 10, 'total', 'alert');
UPDATE spend.budgets SET amount = 20;
UPDATE spend.budgets SET amount = 30;
SELECT valid_from, amount FROM spend.budget_amounts;
SELECT regress.limit_of('total', now()) AS amount;
CALL regress.clean();

-- Every user 50, this one 500; a top-up for one, and one for all. Rows of both kinds count as long as they are in force.
INSERT INTO spend.budgets (name, amount, group_by, on_exceeded) VALUES ('each user', 50, '{user_id}', 'reject');
SELECT spend.set_budget_limit('each user', '{"user_id": " Ada "}', 500, 'trains models') AS ada \gset
SELECT spend.top_up_budget('each user', 7, 'launch', '{"user_id": "bob"}') AS bob \gset
SELECT spend.top_up_budget('each user', 3, 'for all') AS everybody \gset
SELECT u AS user_id, regress.limit_of('each user', now(), jsonb_build_object('user_id', u)) AS amount FROM unnest(ARRAY['ada', 'bob', 'cy', '(none)']) AS u;
INSERT INTO spend.usage (user_id, request_model, input_tokens) VALUES ('ADA', 'm', 503), ('bob', 'm', 60), ('cy', 'm', 53) RETURNING cost;
SELECT regress.error($$INSERT INTO spend.usage (user_id, request_model, input_tokens) VALUES ('ada', 'm', 1)$$) LIKE '%limit 503 USD, spent 503 USD, asked 1 USD%group {"user_id": "ada"}%' AS refused;
SELECT regress.error($$INSERT INTO spend.usage (user_id, request_model, input_tokens) VALUES ('bob', 'm', 1)$$) LIKE '%limit 60 USD%' AS refused;
SELECT * FROM regress.status;
-- Past and future periods: a top-up ends with its period, a limit of one's own goes on.
SELECT n, u AS user_id, regress.limit_of('each user', regress.month(n), jsonb_build_object('user_id', u)) AS amount FROM generate_series(-1, 1) AS n, unnest(ARRAY['ada', 'bob']) AS u ORDER BY 2, 1;
-- What is said of a group wins over what is said of all; of two, the later. What is over, or yet to come, says nothing.
SELECT spend.set_budget_limit('each user', NULL, 100, 'all alike') > 0 AS set;
SELECT spend.set_budget_limit('each user', '{"user_id": "cy"}', 70, 'first') < spend.set_budget_limit('each user', '{"user_id": "cy"}', 80, 'second') AS in_order;
SELECT spend.set_budget_limit('each user', '{"user_id": "bob"}', 1, 'over', tstzrange(now() - interval '2 days', now() - interval '1 day')) > 0 AS past, spend.top_up_budget('each user', 1000, 'later', '{"user_id": "bob"}', tstzrange(now() + interval '1 hour', NULL)) > 0 AS future;
SELECT u AS user_id, regress.limit_of('each user', now(), jsonb_build_object('user_id', u)) AS amount FROM unnest(ARRAY['ada', 'bob', 'cy', 'dan']) AS u;
-- One that ends has ended for the row that comes next.
BEGIN;
SELECT spend.end_budget_override(:ada, 'done');
SELECT override_id = :ada AS ada, upper(valid_during) = now() AS ended, reason FROM spend.budget_overrides WHERE override_id = :ada;
SELECT regress.limit_of('each user', now(), '{"user_id": "ada"}') AS ada;
COMMIT;
SELECT regress.error(format('SELECT spend.end_budget_override(%s)', :ada)) LIKE '55000: override % has ended at %' AS ended;
SELECT regress.error($$SELECT spend.end_budget_override(77777)$$);
SELECT regress.error($$SELECT spend.top_up_budget('each user', 1, 'wrong', '{"team": "a"}')$$);
SELECT regress.error($$SELECT spend.top_up_budget('each user', 1, 'wrong', '{"user_id": "a", "team": "a"}')$$);
SELECT regress.error($$SELECT spend.top_up_budget('each user', 1, 'wrong', '{"user_id": 7}')$$);
SELECT regress.error($$SELECT spend.top_up_budget('each user', 1e30, 'wrong')$$);
SELECT regress.error($$UPDATE spend.budgets SET group_by = '{team}' WHERE name = 'each user'$$);
SELECT object_kind, operation, new_value ->> 'kind' AS kind, (new_value ->> 'amount')::numeric AS amount, new_value -> 'group_values' AS grp, reason FROM spend.change_log WHERE object_kind = 'budget_override' ORDER BY change_id;
SELECT * FROM spend.verify();
CALL regress.clean();

-- The limit is read anew by every session at its next row, and after a rollback; a transaction sees its own.
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('cap', 10, 'total', 'reject');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 10);
BEGIN;
SELECT spend.top_up_budget('cap', 5, 'a little') > 0 AS set;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 5) RETURNING cost;
ROLLBACK;
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-01-01', 'm', 5)$$) LIKE '%limit 10 USD%' AS refused;
DELETE FROM spend.budgets;
SELECT object_kind, operation, old_value ->> 'name' AS name FROM spend.change_log ORDER BY change_id;
CALL regress.clean();

-- Administrators set limits, but not who set them; others do not even see them.
CREATE ROLE regress_limits_admin;
CREATE ROLE regress_limits_reader;
SELECT spend.grant_access('regress_limits_admin', 'admin');
SELECT spend.grant_access('regress_limits_reader', 'reader');
INSERT INTO spend.budgets (name, amount, group_by, on_exceeded) VALUES ('each user', 50, '{user_id}', 'alert');
SET ROLE regress_limits_admin;
SELECT spend.set_budget_amount('each user', 60, 'by an admin') IS NOT NULL AS set, spend.top_up_budget('each user', 1, 'by an admin') > 0 AS topped_up, spend.set_budget_limit('each user', '{"user_id": "a"}', 2, 'by an admin') > 0 AS given;
INSERT INTO spend.budget_overrides (budget_id, kind, amount) SELECT budget_id, 'add', 5 FROM spend.budgets RETURNING kind;
SELECT regress.error($$INSERT INTO spend.budget_overrides (budget_id, kind, amount, set_by) SELECT budget_id, 'add', 5, 'someone' FROM spend.budgets$$);
SELECT regress.error($$DELETE FROM spend.change_log$$);
SELECT count(*) > 4 AS logged FROM spend.change_log;
SET ROLE regress_limits_reader;
SELECT regress.error($$SELECT FROM spend.budget_overrides$$), regress.error($$SELECT FROM spend.budget_amounts$$), regress.error($$SELECT FROM spend.change_log$$), regress.error($$SELECT spend.top_up_budget('each user', 1, 'mine')$$);
RESET ROLE;
SELECT spend.revoke_access('regress_limits_admin', 'admin'), spend.revoke_access('regress_limits_reader', 'reader');
DROP ROLE regress_limits_admin, regress_limits_reader;
CALL regress.clean();
