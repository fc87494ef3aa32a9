-- The views: the contract with BI tools, totals to the last digit, currencies apart, the chargeback by hand.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
-- What begins with an underscore is internal: only functions read it.
CREATE VIEW regress.view_columns AS
SELECT c.relname AS view, a.attname AS column, a.attnum, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind = 'v' AND c.relname NOT LIKE '\_%';

-- The contract: names, types, comments, keys, barriers. The names in the FOCUS views are those of the specification.
SELECT view, string_agg("column" || ' ' || type, ', ' ORDER BY attnum) AS columns FROM regress.view_columns GROUP BY 1 ORDER BY view COLLATE "C";
SELECT type, count(*) > 0 AS used FROM regress.view_columns GROUP BY 1 ORDER BY type COLLATE "C";
SELECT view, "column" AS numeric_without_typmod FROM regress.view_columns WHERE atttypid = 'numeric'::regtype AND atttypmod = -1;
SELECT view, "column" AS no_base_type FROM regress.view_columns AS v JOIN pg_type AS t ON t.oid = v.atttypid WHERE t.typtype <> 'b' OR t.typelem <> 0 OR t.typnamespace <> 'pg_catalog'::regnamespace;
SELECT view, "column" AS no_snake_case FROM regress.view_columns WHERE "column" !~ '^[a-z][a-z0-9_]*$' AND view NOT LIKE 'focus%';
SELECT view, "column" AS misnamed FROM regress.view_columns
WHERE view NOT LIKE 'focus%' AND ((atttypid = 'timestamptz'::regtype) <> ("column" ~ '_at$') OR (atttypid = 'boolean'::regtype) <> ("column" ~ '^(is|has)_') OR (atttypid = 'date'::regtype) <> ("column" ~ '(_date|_date_utc|^period_start)$'));
SELECT v.view, v."column" AS reserved_word FROM regress.view_columns AS v JOIN pg_get_keywords() AS k ON k.word = v."column" WHERE k.catcode = 'R';
SELECT view, "column" AS without_comment FROM regress.view_columns WHERE col_description(format('spend.%I', view)::regclass, attnum) IS NULL;
SELECT c.relname AS without_comment_or_barrier FROM pg_class AS c
WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind = 'v'
  AND (obj_description(c.oid, 'pg_class') IS NULL
       -- What nobody may read needs no barrier of its own.
       OR (NOT coalesce(c.reloptions @> '{security_barrier=true}', false)
           AND (c.relname NOT LIKE '\_%' OR EXISTS (SELECT FROM spend._privileges('admin') AS p WHERE p.object = format('TABLE spend.%I', c.relname)))));
SELECT view AS without_key_or_time FROM regress.view_columns GROUP BY 1
HAVING count(*) FILTER (WHERE type = 'text' AND ("column" = view || '_key' AND attnum = 1 OR view LIKE 'focus%' AND "column" = 'x_ChargeId')) <> 1 OR count(*) FILTER (WHERE type = 'timestamp with time zone') = 0;
-- Over an empty ledger they are empty and work.
SELECT (SELECT count(*) FROM spend.daily_spend) AS daily, (SELECT count(*) FROM spend.spend_by_model) AS models, (SELECT count(*) FROM spend.chargeback_monthly) AS chargeback,
       (SELECT count(*) FROM spend.budget_status) AS budgets, (SELECT count(*) FROM spend.unpriced_usage) AS unpriced;

-- A small company. One token of m costs 0.25 dollars, of e one euro.
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "0.25/1", "output_tokens": "0.000000000000000001/1"}}', '-infinity') AS m, spend.set_price('maker', 'e', '{"currency": "EUR", "rates": {"input_tokens": "1/1"}}', '-infinity') AS e \gset
SET client_min_messages = error;
INSERT INTO spend.cost_centers (code, name, department, is_charged_back) VALUES (' CC-1', 'Search', 'engineering', true), ('lab', 'Laboratory', 'research', false);
INSERT INTO spend.usage (occurred_at, cost_center, department, team, request_model, input_tokens, output_tokens) VALUES
  ('2026-01-10', 'CC-1', 'Search', 'a', 'm', 100, 1), ('2026-01-11', 'cc-1 ', 'Ads', 'b', 'm', 200, 0), ('2026-01-12', 'cc-1', NULL, 'a', 'e', 7, NULL), ('2026-01-12', 'cc-1', NULL, 'a', 'unknown', 5, 5),
  ('2026-01-10', 'CC-2', 'Marketing', 'c', 'm', 40, NULL), ('2026-01-10', 'CC-3', 'Sales', 'd', 'm', 8, NULL), ('2026-01-10', 'CC-3', 'Support', 'd', 'm', 4, NULL), ('2026-01-10', 'LAB', NULL, NULL, 'm', 1000, NULL),
  ('2026-01-10', NULL, 'Sales', 'd', 'm', 12, NULL), ('2026-01-10', '', 'Support', 'd', 'm', 16, NULL), ('2026-01-10', NULL, NULL, NULL, 'm', 20, NULL),
  ('2026-03-01', 'CC-1', 'Search', 'a', 'm', 400, NULL), ('2026-01-31 23:30+00', 'CC-2', 'Marketing', 'c', 'm', 80, NULL);
INSERT INTO spend.budgets (name, amount, cost_center, valid_during, currency) VALUES
  ('plan 1', 50, 'CC-1', '[2026-01-01, 2026-04-01)', NULL), ('plan 2', 40, 'cc-2', '[2026-01-01, 2026-02-01)', NULL), ('plan idle', 9, 'cc-9', '[2026-01-01, 2026-04-01)', NULL), ('plan lab', 100, 'lab', '[2026-01-01, 2026-02-01)', 'EUR');
INSERT INTO spend.budgets (name, amount, scope, valid_during) VALUES ('guard', 1, '{"cost_center": "cc-1"}', '[2026-01-01, 2026-04-01)');
RESET client_min_messages;
-- budget - actual, what is booked, and what has no budget, no center or another currency, each in a line of its own.
SELECT period_start, cost_center, department, currency, trim_scale(budget) AS budget, actual, trim_scale(variance) AS variance, trim_scale(chargeback) AS chargeback, calls, tokens, unpriced_calls AS unpriced
FROM spend.chargeback_monthly WHERE period_start < '2026-05-01' ORDER BY period_start, cost_center COLLATE "C", currency, department COLLATE "C";
-- Totals equal the ledger to the last digit, by currency; nothing counts twice.
SELECT currency, sum(cost) AS ledger, count(*) AS calls,
       (SELECT sum(d.cost) FROM spend.daily_spend AS d WHERE d.currency = u.currency) = sum(u.cost) AS daily, (SELECT sum(m.cost) FROM spend.spend_by_model AS m WHERE m.currency = u.currency) = sum(u.cost) AS by_model,
       (SELECT sum(c.actual) FROM spend.chargeback_monthly AS c WHERE c.currency = u.currency) = sum(u.cost) AS chargeback
FROM spend.usage AS u WHERE currency IS NOT NULL GROUP BY 1 ORDER BY 1;
SELECT count(*) AS ledger, (SELECT sum(calls) FROM spend.daily_spend) AS daily, (SELECT sum(calls) FROM spend.spend_by_model) AS by_model, (SELECT sum(calls) FROM spend.chargeback_monthly) AS chargeback,
       (SELECT sum(unpriced_calls) FROM spend.chargeback_monthly) AS unpriced, (SELECT sum(calls) FROM spend.unpriced_usage) AS unpriced_view
FROM spend.usage;
SELECT usage_date, cost_center, department, team, provider, model, service_tier, currency, calls, input_tokens, cost, unpriced_calls AS unpriced FROM spend.daily_spend
ORDER BY usage_date, cost_center COLLATE "C", department COLLATE "C", team COLLATE "C", model COLLATE "C" LIMIT 8;
SELECT period_start, provider, model, currency, calls, input_tokens, cost, cost_per_call, unpriced_calls AS unpriced FROM spend.spend_by_model ORDER BY period_start, model COLLATE "C";
SELECT provider, model, pricing_reason, calls, input_tokens, output_tokens, first_usage_date, last_usage_date, last_day_start_at FROM spend.unpriced_usage;
-- The month of now is always there for a plan line, used or not.
INSERT INTO spend.budgets (name, amount, cost_center) VALUES ('for ever', 5, 'cc-ever');
SELECT count(*) AS lines, sum(budget)::integer AS budget, sum(actual)::integer AS actual FROM spend.chargeback_monthly WHERE cost_center = 'cc-ever' AND period_start = date_trunc('month', now() AT TIME ZONE 'UTC');

-- The organisation's zone decides days and months; UTC stands beside. 2026-01-31 23:30Z is February in Berlin.
INSERT INTO spend.settings (time_zone, unallocated_cost_center) VALUES ('Europe/Berlin', 'overhead');
SELECT usage_date, usage_date_utc, day_start_at FROM spend.daily_spend WHERE input_tokens = 80;
SELECT period_start, period_start_at, cost_center, trim_scale(actual) AS actual FROM spend.chargeback_monthly WHERE cost_center = 'cc-2' AND actual > 0 ORDER BY 1;
SELECT DISTINCT cost_center FROM spend.chargeback_monthly WHERE department IN ('support', 'sales', '(untagged)') ORDER BY 1;
-- Usage without a center stands apart by department, and is booked to nobody; unless something is said of it as a whole.
SELECT cost_center, department, trim_scale(budget) AS budget, trim_scale(actual) AS actual, trim_scale(chargeback) AS chargeback FROM spend.chargeback_monthly WHERE cost_center = 'overhead' ORDER BY department COLLATE "C";
BEGIN;
INSERT INTO spend.usage (occurred_at, cost_center, department, request_model, input_tokens) VALUES ('2026-01-10', 'Overhead', 'Sales', 'm', 4), ('2026-01-10', 'Overhead', 'IT', 'm', 4);
SELECT cost_center, department, trim_scale(actual) AS actual, count(*) OVER (PARTITION BY chargeback_monthly_key) AS of_this_key FROM spend.chargeback_monthly WHERE cost_center = 'overhead' ORDER BY department COLLATE "C";
INSERT INTO spend.budgets (name, amount, cost_center) VALUES ('overhead', 100, 'overhead');
SELECT cost_center, department, trim_scale(budget) AS budget, trim_scale(actual) AS actual, trim_scale(chargeback) AS chargeback FROM spend.chargeback_monthly WHERE cost_center = 'overhead' AND period_start = '2026-01-01';
INSERT INTO spend.cost_centers (code, department) VALUES ('overhead', 'finance');
SELECT cost_center, department, trim_scale(budget) AS budget, trim_scale(actual) AS actual, trim_scale(chargeback) AS chargeback FROM spend.chargeback_monthly WHERE cost_center = 'overhead' AND period_start = '2026-01-01';
ROLLBACK;
DELETE FROM spend.settings;

-- Keys are unique and the same whoever asks, whatever the values contain.
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, provider, request_model, surface, region, service_tier, speed, variant, cost_center, department) VALUES
  ('2026-04-01', 'p', 'x', 'eu', NULL, NULL, NULL, NULL, 'c', 'd'), ('2026-04-01', 'p', 'x', NULL, 'eu', NULL, NULL, NULL, 'c', 'd'), ('2026-04-01', 'p', 'x', NULL, NULL, 'eu', NULL, NULL, 'c', 'd'),
  ('2026-04-01', 'p', 'x', NULL, NULL, NULL, 'eu', NULL, 'c', 'd'), ('2026-04-01', 'p', 'x', NULL, NULL, NULL, NULL, 'eu', 'c', 'd'), ('2026-04-01', 'p', 'x', '', '', '', '', '', 'c', 'd'),
  ('2026-04-01', NULL, 'x', NULL, NULL, NULL, NULL, NULL, 'c', 'd'), ('2026-04-01', '', 'x', NULL, NULL, NULL, NULL, NULL, 'c', 'd'), ('2026-04-01', 'p', NULL, NULL, NULL, NULL, NULL, NULL, 'c', 'd'), ('2026-04-01', 'p', '', NULL, NULL, NULL, NULL, NULL, 'c', 'd'),
  ('2026-04-01', E'p\u001fx', 'y', NULL, NULL, NULL, NULL, NULL, 'c', 'd'), ('2026-04-01', 'p', E'x\u001fy', NULL, NULL, NULL, NULL, NULL, 'c', 'd'), ('2026-04-01', 'p', 'x', NULL, NULL, NULL, NULL, NULL, E'c\u001fd', NULL),
  ('2026-04-01', '(unknown)', '(unknown)', NULL, NULL, NULL, NULL, NULL, '(untagged)', '(several)');
INSERT INTO spend.budgets (name, amount, group_by, period, measure) VALUES ('groups', 5, '{cost_center,department}', 'total', 'calls');
RESET client_min_messages;
SELECT (SELECT count(*) - count(DISTINCT daily_spend_key) FROM spend.daily_spend) AS daily, (SELECT count(*) - count(DISTINCT spend_by_model_key) FROM spend.spend_by_model) AS models,
       (SELECT count(*) - count(DISTINCT chargeback_monthly_key) FROM spend.chargeback_monthly) AS chargeback, (SELECT count(*) - count(DISTINCT budget_status_key) FROM spend.budget_status) AS budgets,
       (SELECT count(*) - count(DISTINCT unpriced_usage_key) FROM spend.unpriced_usage) AS unpriced;
SELECT surface, region, service_tier, speed, variant, calls FROM spend.daily_spend WHERE model = 'x' AND provider = 'p' AND cost_center = 'c' ORDER BY surface, region, service_tier, speed, variant;
CREATE TABLE regress.keys AS SELECT daily_spend_key AS key FROM spend.daily_spend UNION ALL SELECT chargeback_monthly_key FROM spend.chargeback_monthly UNION ALL SELECT spend_by_model_key FROM spend.spend_by_model
  UNION ALL SELECT budget_status_key FROM spend.budget_status UNION ALL SELECT unpriced_usage_key FROM spend.unpriced_usage;
SET DateStyle = 'German';
SET TimeZone = 'Asia/Kolkata';
SELECT count(*) AS keys_that_depend_on_the_session FROM (
  SELECT daily_spend_key AS key FROM spend.daily_spend UNION ALL SELECT chargeback_monthly_key FROM spend.chargeback_monthly UNION ALL SELECT spend_by_model_key FROM spend.spend_by_model
  UNION ALL SELECT budget_status_key FROM spend.budget_status UNION ALL SELECT unpriced_usage_key FROM spend.unpriced_usage EXCEPT ALL SELECT key FROM regress.keys) AS x;
SET DateStyle = 'ISO, YMD';
SET TimeZone = 'UTC';

-- budget_status: counted or not yet counted, what the rows say; by group; total has no first day.
DELETE FROM spend.budgets;
DELETE FROM spend.usage;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-10', 'a', 'm', 8), ('2026-01-11', NULL, 'm', 4);
INSERT INTO spend.budgets (name, amount, group_by, period, owner, is_critical, on_exceeded) VALUES ('teams', 2, '{team}', 'total', 'Ann', true, 'alert'), ('none yet', 3, '{}', 'total', NULL, false, 'halt');
SELECT budget_name, period_start_at, period_end_at, period_start, period_kind, group_label, measure, currency, trim_scale(amount) AS amount, trim_scale(spent) AS spent, trim_scale(remaining) AS remaining, used_percent, is_exceeded, on_exceeded, is_critical, calls, owner
FROM spend.budget_status ORDER BY budget_id, group_label COLLATE "C";
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-12', 'a', 'm', 0.4), ('2026-01-12', 'b', 'unknown', 1);
DELETE FROM spend.usage WHERE request_model = 'unknown';
UPDATE spend.budgets SET on_unpriced = 'allow';
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-01-12', 'b', 'unknown', 1);
RESET client_min_messages;
SELECT budget_name, group_label, trim_scale(spent) AS spent, trim_scale(remaining) AS remaining, used_percent, is_exceeded, calls, unpriced_calls FROM spend.budget_status ORDER BY budget_id, group_label COLLATE "C";
-- Periods that are not the current one are not shown; a budget outside its validity is not.
INSERT INTO spend.budgets (name, amount, valid_during) VALUES ('past', 1, '[2020-01-01, 2020-02-01)'), ('future', 1, '[2999-01-01, 2999-02-01)');
SELECT budget_name FROM spend.budget_status WHERE budget_name IN ('past', 'future');
-- Rounding happens nowhere: 10 tokens at 0.15 per million, ten thousand times.
SELECT spend.set_price('maker', 'tiny', '{"rates": {"input_tokens": "0.15/1M"}}', '-infinity') AS tiny \gset
INSERT INTO spend.usage (occurred_at, cost_center, request_model, input_tokens) SELECT '2026-02-02', 'dust', 'tiny', 10 FROM generate_series(1, 10000);
SELECT actual, chargeback, calls FROM spend.chargeback_monthly WHERE cost_center = 'dust';
