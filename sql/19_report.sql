-- spend.report(): periods, groups, filters, errors, rights; its figures are those of the views.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
INSERT INTO spend.settings (time_zone, fiscal_year_start, week_start) VALUES ('Asia/Kolkata', 4, 7);
-- 2026-11-27 is a Friday; weeks begin on Sunday here, ISO weeks on Monday.
SELECT p AS period, d.since, d.until FROM unnest(ARRAY['2026', '2026-11', '2026-02', '2028-02', '2026-Q1', '2026-q4', '2026-W01', '2026-W53', '2020-W53', '2026-11-27', '2026-02-28', 'FY2026', 'fy 2027', 'today', 'yesterday', 'this week', 'last week',
  'This  Month', 'last month', 'this quarter', 'last quarter', 'this year', 'last year', 'this fiscal year', 'last fiscal year', 'last 7 days', 'last 30 days', '2026-10..2026-11', '2025-12-31 .. 2026-Q1', 'last month..today']) WITH ORDINALITY AS t(p, n)
CROSS JOIN LATERAL spend._period_of(p, '2026-11-27') AS d ORDER BY n;
SELECT d.since, d.until FROM spend._period_of('this fiscal year', '2026-03-31') AS d;
SELECT p AS period, regress.error(format('SELECT spend.report(%L)', p)) LIKE '22023: unknown period "%2026-W48%' AS is_refused
FROM unnest(ARRAY['', 'soon', '2026-13', '2026-00', '2026-Q5', '2026-W00', '2026-W54', '2025-W53', '2026-02-29', '26-11', '2026-1', 'last 0 days', 'next month', '2026-11..', '..', '2026-11-27 10:00', 'FY', '0000', '0000-01', '9999-99-99', repeat('x', 1000)]) AS p;
SELECT regress.error($$SELECT spend.report('2026-11..2026-10')$$);
SELECT regress.error($$SELECT spend.report('soon')$$);

SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "0.25/1", "output_tokens": "0.000000000000000001/1"}}', '-infinity') AS m,
       spend.set_price('maker', 'e', '{"currency": "EUR", "rates": {"input_tokens": "1/1"}}', '-infinity') AS e \gset
INSERT INTO spend.dimensions (name) VALUES ('campaign');
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('agent', false);
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, team, feature, route, tags, request_model, input_tokens, output_tokens, status, accepted) VALUES
  ('2026-01-10', 'a', 'chat', 'best', '{"campaign": "x"}', 'm', 100, 1, 'ok', true), ('2026-01-11', 'A ', 'search', NULL, NULL, 'm', 200, 1, 'error', NULL), ('2026-01-31 18:30Z', 'b', 'chat', NULL, NULL, 'm', 7, NULL, 'ok', NULL),
  ('2026-01-12', 'b', 'chat', NULL, NULL, 'e', 7, NULL, 'ok', false), ('2026-01-12', NULL, 'chat', 'best', NULL, 'm', 12, NULL, 'ok', NULL), ('2026-01-12', 'a', 'chat', NULL, NULL, 'unknown', 5, 5, 'refused', NULL);
RESET client_min_messages;
SELECT jsonb_pretty(spend.report('2026-01', '{team}'));
-- Rows, in short.
CREATE FUNCTION regress.rows(period text, group_by text[], filter jsonb DEFAULT '{}') RETURNS TABLE (labels jsonb, currency text, cost text, calls int, unpriced int) LANGUAGE sql AS $$
  SELECT r -> 'group', r ->> 'currency', r ->> 'cost', (r ->> 'calls')::int, (r ->> 'unpriced_calls')::int FROM jsonb_array_elements(spend.report(period, group_by, filter) -> 'rows') AS r $$;
SELECT * FROM regress.rows('2026', '{}');
SELECT * FROM regress.rows('2026', '{month,model}');
-- The last row of January is one of February in Kolkata.
SELECT * FROM regress.rows('2026-01-31..2026-02-01', '{day,team}');
SELECT * FROM regress.rows('2026-W02', '{week,campaign,route}');
SELECT * FROM regress.rows('2026', '{feature,team}', '{"team": [" A", null], "feature": "chat"}');
SELECT * FROM regress.rows('2026', '{}', '{"model": ["m", "e"], "month": "2026-01"}');
SELECT * FROM regress.rows('2026', '{}', '{"route": null}');
SELECT * FROM regress.rows('2026', '{}', '{"team": "(untagged)"}');
SELECT * FROM regress.rows('2026', '{}', '{"team": "a'') OR true --"}');
SELECT * FROM regress.rows('2026', '{}', '{"team": []}');
SELECT spend.report('2024') -> 'rows' AS nothing, spend.report('2024') -> 'totals' AS totals;
-- As the views have it, folded or not, by days or months.
CREATE TABLE regress.before AS SELECT * FROM regress.rows('2026', '{team,model}');
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
SELECT count(*) AS differences FROM ((TABLE regress.before EXCEPT ALL SELECT * FROM regress.rows('2026', '{team,model}')) UNION ALL (SELECT * FROM regress.rows('2026-01-01..2026-12-31', '{team,model}') EXCEPT ALL TABLE regress.before)) AS x;
SELECT (SELECT jsonb_agg(jsonb_build_object('c', t ->> 'currency', 'x', (t ->> 'cost')::numeric)) FROM jsonb_array_elements(spend.report('2026') -> 'totals') AS t)
     = (SELECT jsonb_agg(jsonb_build_object('c', currency, 'x', cost) ORDER BY currency) FROM (SELECT currency, trim_scale(sum(cost)) AS cost FROM spend.daily_spend GROUP BY 1) AS d) AS as_daily_spend;
SELECT regress.error($$SELECT spend.report('2026', '{colour}')$$);
SELECT regress.error($$SELECT spend.report('2026', ARRAY['team"; DROP TABLE x'])$$) LIKE '22023: unknown dimension%' AS is_refused, regress.error($$SELECT spend.report('2026', '{agent}')$$) LIKE '22023: unknown dimension "agent"%' AS not_rolled_up,
       regress.error($$SELECT spend.report('2026', '{}', '{"run_id": "r"}')$$) LIKE '22023: unknown dimension "run_id"%' AS no_dimension;
SELECT regress.error($$SELECT spend.report('2026', '{team,team}')$$);
SELECT regress.error($$SELECT spend.report('2026', ARRAY[NULL])$$);
SELECT regress.error($$SELECT spend.report('2026', '{}', '["a"]')$$);
SELECT regress.error($$SELECT spend.report('2026', '{}', '{"team": {"a": 1}}')$$);
SELECT regress.error($$SELECT spend.report(NULL)$$);
-- A reader with a scope gets the report of their part.
CREATE ROLE regress_report;
SELECT spend.grant_access('regress_report', 'reader', '{"team": "b"}');
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress TO regress_report;
SET ROLE regress_report;
SELECT * FROM regress.rows('2026', '{team}');
SELECT * FROM regress.rows('2026', '{}', '{"team": "a"}');
SELECT spend.report('2026') -> 'totals' AS totals;
RESET ROLE;
SELECT spend.revoke_access('regress_report', 'reader');
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA regress FROM regress_report;
DROP ROLE regress_report;
-- A session that reads backslashes in plain strings as escapes gets the same: what runs in it has none.
SELECT p.oid::regprocedure AS has_backslash FROM pg_proc AS p WHERE p.pronamespace = 'spend'::regnamespace AND p.prosrc LIKE '%\\%';
CREATE ROLE regress_plain;
SET standard_conforming_strings = off;
SELECT spend.grant_access('regress_plain', 'reader');
SELECT has_table_privilege('regress_plain', 'spend.daily_spend', 'SELECT') AS reads, spend.report('2026-01 .. 2026-02') -> 'period' AS period, spend.report('last 7 days') ? 'totals' AS has_days;
SELECT spend.revoke_access('regress_plain', 'reader');
SET standard_conforming_strings = on;
DROP ROLE regress_plain;
