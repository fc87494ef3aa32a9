-- The reports over the rollups: what adds up, folded or not, and what a reader with a scope sees of each.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1", "cache_read_tokens": "0.1/1"}}', '-infinity') AS m, spend.set_price('maker', 'big', '{"rates": {"input_tokens": "10/1"}}', '-infinity') AS b,
       spend.set_price('maker', 'm', '{"rates": {"input_tokens": "2/1", "cache_read_tokens": "0.2/1"}}', '2026-02-01') AS dearer \gset
SET client_min_messages = error;
INSERT INTO spend.models (provider, model, tier) VALUES ('maker', 'big', 'premium');
INSERT INTO spend.budgets (name, amount, cost_center, valid_during, owner) VALUES ('plan', 50, 'cc', '[2026-01-01, 2026-04-01)', 'Ann');
INSERT INTO spend.dimensions (name) VALUES ('campaign');
INSERT INTO spend.usage (occurred_at, cost_center, team, feature, tags, run_id, request_model, input_tokens, cache_read_tokens, output_tokens, status, accepted, blocked_reason, original_input_tokens, purpose) VALUES
  ('2026-01-10', 'cc', 'a', 'chat', '{"campaign": "x"}', 'r1', 'm', 10, 5, NULL, 'ok', true, NULL, 20, NULL), ('2026-01-11', 'cc', 'b', 'chat', NULL, 'r1', 'm', 10, NULL, NULL, 'error', NULL, NULL, NULL, NULL),
  ('2026-02-10', 'cc', 'a', 'chat', NULL, 'r2', 'm', 20, 5, NULL, 'ok', true, NULL, 40, NULL), ('2026-02-11', 'cc', 'b', 'search', NULL, 'r3', 'big', 10, NULL, NULL, 'ok', false, NULL, NULL, 'experiment'),
  ('2026-02-12', NULL, 'b', 'search', NULL, NULL, 'unknown', 10, NULL, NULL, 'cancelled', NULL, NULL, NULL, NULL), ('2026-02-12', 'cc', 'b', 'search', NULL, NULL, 'm', 1, NULL, 3, 'ok', NULL, 'pii', NULL, 'retry');
RESET client_min_messages;
-- Price: 20 tokens that cost 0.55 each and cost 1.1 now; volume: more tokens at last month's average; mix: the model that is new. They add up.
SELECT dimension_value AS team, trim_scale(cost) AS cost, trim_scale(previous_cost) AS previous, trim_scale(price_effect) AS price, trim_scale(volume_effect) AS volume, trim_scale(mix_effect) AS mix,
       change = price_effect + volume_effect + mix_effect AS adds_up
FROM spend.spend_change WHERE dimension IN ('total', 'team') AND period_start = '2026-02-01' ORDER BY 1;
SELECT period_start, dimension_value AS campaign, trim_scale(change) AS change FROM spend.spend_change WHERE dimension = 'campaign' AND period_start < '2026-04-01' ORDER BY 1, 2;
SELECT dimension, count(DISTINCT (period_start, currency, total)) = count(DISTINCT (period_start, currency)) AND bool_and(total = whole) AS adds_up
FROM (SELECT dimension, period_start, currency, sum(cost) AS total, (SELECT sum(t.cost) FROM spend.efficiency AS t WHERE t.dimension = 'total' AND t.period_start = e.period_start AND t.currency = e.currency) AS whole
      FROM spend.efficiency AS e GROUP BY 1, 2, 3) AS x GROUP BY 1 HAVING NOT bool_and(total = whole);
SELECT period_start, dimension_value AS team, calls, trim_scale(cost) AS cost, cache_hit_rate, trim_scale(cache_savings) AS saved, premium_share, failed_calls AS failed, abandoned_calls AS abandoned, blocked_calls AS blocked, retried_calls AS retried,
       acceptance_rate AS accepted, trim_scale(experiment_cost) AS experiment, compression_ratio AS compression
FROM spend.efficiency WHERE dimension = 'team' ORDER BY 1, 2;
SELECT period_start, unit, units, trim_scale(cost) AS cost, trim_scale(cost_per_unit) AS per_unit, trim_scale(p50_cost) AS p50, trim_scale(p95_cost) AS p95 FROM spend.unit_costs ORDER BY 1, 2;
SELECT period_start, unit, units, trim_scale(cost) AS cost, trim_scale(cost_per_unit) AS per_unit, trim_scale(p50_cost) AS p50, trim_scale(p95_cost) AS p95 FROM spend.call_costs ORDER BY 1, 2;
SELECT period_start, trim_scale(cost) AS cost, trim_scale(previous_cost) AS previous, trim_scale(month_budget) AS budget, trim_scale(month_actual) AS actual, top_feature, cache_hit_rate, premium_share FROM spend.weekly_report ORDER BY 1;
SELECT period_start, issue, detail, calls, trim_scale(cost) AS cost, cost_share, calls_share FROM spend.data_quality WHERE detail NOT IN (SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = 'spend.usage'::regclass AND a.attname NOT IN ('cost_center', 'team')) ORDER BY 1, 2, 3;
-- The newest rows come from the leaves' indexes: nothing is sorted.
CREATE FUNCTION regress.sorts(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    IF line ~ '-> +(Incremental )?Sort$' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END
$$;
SET enable_sort = off;
SELECT regress.sorts('SELECT * FROM spend.usage_detail ORDER BY occurred_at DESC LIMIT 5') AS newest,
       regress.sorts($$SELECT * FROM spend.usage_detail WHERE department = 'd' ORDER BY occurred_at DESC LIMIT 5$$) AS newest_of_one,
       regress.sorts('SELECT * FROM spend.usage_detail ORDER BY usage_id LIMIT 5') AS by_number;
RESET enable_sort;
SELECT usage_date, run_status, is_accepted, blocked_reason, trim_scale(cost) AS cost, budget_owner FROM spend.usage_detail ORDER BY usage_id;
-- Folded, they say the same; keys are unique.
CREATE TABLE regress.said AS SELECT t::text FROM spend.efficiency AS t UNION ALL SELECT t::text FROM spend.spend_change AS t UNION ALL SELECT t::text FROM spend.unit_costs AS t UNION ALL SELECT t::text FROM spend.call_costs AS t UNION ALL SELECT t::text FROM spend.weekly_report AS t UNION ALL SELECT t::text FROM spend.data_quality AS t;
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
CREATE TABLE regress.says AS SELECT t::text FROM spend.efficiency AS t UNION ALL SELECT t::text FROM spend.spend_change AS t UNION ALL SELECT t::text FROM spend.unit_costs AS t UNION ALL SELECT t::text FROM spend.call_costs AS t UNION ALL SELECT t::text FROM spend.weekly_report AS t UNION ALL SELECT t::text FROM spend.data_quality AS t;
SELECT count(*) AS differences FROM (TABLE regress.said EXCEPT ALL TABLE regress.says) AS x;
SELECT (SELECT count(*) - count(DISTINCT efficiency_key) FROM spend.efficiency) + (SELECT count(*) - count(DISTINCT spend_change_key) FROM spend.spend_change) + (SELECT count(*) - count(DISTINCT unit_costs_key) FROM spend.unit_costs) + (SELECT count(*) - count(DISTINCT call_costs_key) FROM spend.call_costs)
  + (SELECT count(*) - count(DISTINCT weekly_report_key) FROM spend.weekly_report) + (SELECT count(*) - count(DISTINCT data_quality_key) FROM spend.data_quality) AS double_keys;
-- A reader with a scope sees their part of each, and nothing else.
CREATE ROLE regress_team_a;
SELECT spend.grant_access('regress_team_a', 'reader', '{"team": "a"}');
SET ROLE regress_team_a;
SELECT (SELECT string_agg(DISTINCT dimension_value, ' ') FROM spend.efficiency WHERE dimension = 'team') AS teams, (SELECT trim_scale(sum(cost)) FROM spend.efficiency WHERE dimension = 'total') AS efficiency,
       (SELECT trim_scale(sum(cost)) FROM spend.spend_change WHERE dimension = 'total') AS change, (SELECT trim_scale(sum(cost)) FROM spend.unit_costs WHERE unit = 'call') AS calls, (SELECT trim_scale(sum(cost)) FROM spend.unit_costs WHERE unit = 'team') AS units,
       (SELECT trim_scale(sum(cost)) FROM spend.weekly_report) AS weeks, (SELECT trim_scale(sum(cost)) FROM spend.data_quality WHERE detail = 'user_id') AS quality, (SELECT trim_scale(sum(cost)) FROM spend.usage_detail) AS rows,
       (SELECT trim_scale(sum(cost)) FROM spend.daily_spend) AS days, (SELECT count(*) FROM spend.unpriced_usage) AS unpriced;
RESET ROLE;
SELECT trim_scale(sum(cost)) AS rows FROM spend.usage WHERE team = 'a';
SELECT spend.revoke_access('regress_team_a', 'reader');
DROP ROLE regress_team_a;
-- A price with a schedule: what the cache saves is told by its rates outside of it.
SELECT spend.set_price('maker', 'night', '{"rates": {"input_tokens": "1/1M", "cache_read_tokens": "0.1/1M"}, "conditions": [{"if": {"time": {"hours": "16:30-00:30"}}, "rates": {"input_tokens": "0.5/1M"}}]}', '-infinity') AS night \gset
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, cache_read_tokens) VALUES ('2026-05-01 12:00Z', 'night', 1000, 500);
SELECT trim_scale(cost) AS cost, trim_scale(cache_savings) AS saved FROM spend.efficiency WHERE dimension = 'model' AND dimension_value = 'night';
-- A week with input and nothing from the cache has a hit rate of 0, as a row that says 0; one without input has none.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, cache_read_tokens, output_tokens) VALUES
  ('2026-06-03', 'm', 10, 0, NULL), ('2026-06-10', 'm', 10, NULL, NULL), ('2026-06-17', 'm', NULL, NULL, 1);
SELECT period_start, cache_hit_rate, previous_cache_hit_rate FROM spend.weekly_report WHERE period_start >= '2026-06-01' ORDER BY 1;
-- The month to date at the end of each week; one in which a month ends says what there is of the new one.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-07-08', 'm', 1), ('2026-07-22', 'm', 10), ('2026-07-27', 'm', 20), ('2026-08-02', 'm', 5), ('2026-08-03', 'm', 7), ('2026-08-31', 'm', 1);
SELECT period_start, trim_scale(cost) AS cost, trim_scale(month_actual) AS month_to_date FROM spend.weekly_report WHERE period_start >= '2026-07-01' ORDER BY 1;
