-- Required tags per scope: flagged, assigned or refused; look-alikes; sources; how much of the spend is covered.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS m \gset
INSERT INTO spend.required_tags (dimension, scope, on_missing, assign_to) VALUES ('team', '{}', DEFAULT, NULL), ('cost_center', '{"environment": "prod"}', 'assign', 'Nobody''s'), ('feature', '{"environment": "prod"}', 'reject', NULL);
-- After allocation rules.
SELECT spend.set_allocation_rule('keys', '{"api_key": "k1"}', '{"team": "search", "feature": "chat"}', valid_from => '-infinity') > 0 AS set;
INSERT INTO spend.usage (occurred_at, environment, api_key, team, cost_center, feature, source, request_model, input_tokens) VALUES
  ('2026-02-01', 'prod', 'k1', NULL, NULL, NULL, 'Gateway', 'm', 1), ('2026-02-01', 'PROD', 'k2', 'ads', 'cc-1', 'x', 'gateway', 'm', 2), ('2026-02-01', 'dev', 'k2', NULL, NULL, NULL, 'script', 'm', 4), ('2026-02-01', NULL, NULL, 'ads', NULL, NULL, NULL, 'm', 8);
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, environment, api_key) VALUES ('2026-02-01', 'prod', 'k2')$$);
SELECT u.usage_id, a.dimensions FROM spend.usage AS u JOIN spend._dimensions_of AS a USING (attribution_id) ORDER BY usage_id;
SELECT e.detail FROM spend.explain(1) AS e WHERE e.item = 'allocated';
-- A cost center that stands in is none: the row is not covered.
SELECT period_start, calls, trim_scale(cost) AS cost, trim_scale(tagged_cost) AS tagged, tagged_share, trim_scale(untagged_cost) AS untagged, trim_scale(unbudgeted_cost) AS unbudgeted, trim_scale(unknown_key_cost) AS unknown_key, trim_scale(unsanctioned_cost) AS unsanctioned FROM spend.coverage;
SELECT issue, detail, calls, trim_scale(cost) AS cost, cost_share FROM spend.data_quality WHERE issue = 'missing_tag' ORDER BY 2;
-- What a budget covers, which keys are known, which sources are sanctioned.
INSERT INTO spend.budgets (name, amount, scope, on_exceeded) VALUES ('ads', 5, '{"team": "ads"}', 'alert');
INSERT INTO spend.budgets (name, amount, scope, on_exceeded, valid_during) VALUES ('later', 5, '{}', 'alert', '[2026-03-01,)');
INSERT INTO spend.dimension_values (dimension, value, label) VALUES ('api_key', 'K1', 'Key of search');
INSERT INTO spend.sources (source, is_sanctioned, owner) VALUES ('GATEWAY', true, 'Ada'), ('old', false, NULL);
SELECT trim_scale(unbudgeted_cost) AS unbudgeted, trim_scale(unknown_key_cost) AS unknown_key, trim_scale(unsanctioned_cost) AS unsanctioned FROM spend.coverage;
SELECT source, is_sanctioned, owner, first_usage_date, last_usage_date, calls, trim_scale(cost) AS cost FROM spend.source_usage ORDER BY source COLLATE "C";
SELECT issue, detail, calls, trim_scale(cost) AS cost, cost_share FROM spend.data_quality WHERE issue IN ('unbudgeted', 'unknown_key', 'unsanctioned_source') ORDER BY 1, 2;
-- A change holds from the next row; what was assigned stays.
UPDATE spend.required_tags SET on_missing = 'flag', assign_to = NULL WHERE dimension = 'cost_center';
DELETE FROM spend.required_tags WHERE dimension = 'feature';
INSERT INTO spend.usage (occurred_at, environment) VALUES ('2026-02-02', 'prod') RETURNING spend._attributed(attribution_id, 'cost_center') AS cost_center;
SELECT name, withdrawn_at IS NULL AS is_live FROM spend.allocation_rules WHERE name ~ '^required' ORDER BY rule_id;
-- Of each row: the run.
INSERT INTO spend.required_tags (dimension, on_missing) VALUES ('run_id', 'reject');
SELECT regress.error($$INSERT INTO spend.usage (team) VALUES ('a')$$);
INSERT INTO spend.usage (team, run_id) VALUES ('a', 'r') RETURNING run_id;
-- The gate refuses what the row would be refused for.
SELECT regress.error($$SELECT spend.authorize('m', '{"team": "a"}', '{"input_tokens": 1}')$$);
DELETE FROM spend.required_tags;
-- What cannot be required.
SELECT r AS requirement, regress.error(format('INSERT INTO spend.required_tags (dimension, scope, on_missing, assign_to) VALUES (%s)', r)) AS error FROM unnest(ARRAY[
  $$'tean', '{}', 'flag', NULL$$, $$'run_id', '{}', 'flag', NULL$$, $$'team', '{"route": "x"}', 'flag', NULL$$, $$'team', '{"team": "x"}', 'flag', NULL$$, $$'team', '{"project": []}', 'flag', NULL$$]) AS r;
SELECT split_part(regress.error($$INSERT INTO spend.required_tags (dimension, on_missing) VALUES ('team', 'assign')$$), E'\n', 1) AS error;

-- Names that only look the same are different to budgets, and are reported with their money; names that are the same are one.
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-04-01', 'marketing', 'm', 100);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-04-02', U&'m\0430rketing', 'm', 30), ('2026-04-02', ' MARKETING', 'm', 5), ('2026-04-02', U&'\ff4darketing', 'm', 5), ('2026-04-03', 'sales', 'm', 1);
SELECT dimension, dimension_value, looks_like, is_original, calls, trim_scale(cost) AS cost FROM spend.confusable_values ORDER BY 1, is_original DESC;
-- All of it in one list, also for a reader with a scope: who may not see the original learns nothing of it.
SELECT period_start, issue, detail, calls, trim_scale(cost) AS cost FROM spend.data_quality WHERE issue = 'confusable' ORDER BY 2, 3;
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_copy, regress_both;
CREATE ROLE regress_copy;
CREATE ROLE regress_both;
SELECT spend.grant_access('regress_copy', 'reader', jsonb_build_object('team', U&'m\0430rketing')), spend.grant_access('regress_both', 'reader', jsonb_build_object('team', jsonb_build_array(U&'m\0430rketing', 'marketing'))) \gset grant_
SET ROLE regress_copy;
SELECT issue, detail, calls, trim_scale(cost) AS cost FROM spend.data_quality WHERE issue <> 'untagged' ORDER BY 1, 2;
SET ROLE regress_both;
SELECT issue, detail, calls, trim_scale(cost) AS cost FROM spend.data_quality WHERE issue <> 'untagged' ORDER BY 1, 2;
RESET ROLE;
DROP OWNED BY regress_copy, regress_both;
DROP ROLE regress_copy, regress_both;
RESET client_min_messages;
SELECT spend.skeleton('marketing') = spend.skeleton(U&'M\0430rketing') AS alike, spend.skeleton('sales') = spend.skeleton('marketing') AS others, spend.skeleton('CC-O1') = spend.skeleton('cc-01') AS digits;
