-- Allocation rules: whose usage it is where the app does not say; versions, order, dry run, and which rule it was.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS m \gset
CREATE VIEW regress.rows AS SELECT u.usage_id, u.api_key, u.team AS team_sent, a.dimensions, u.cost FROM spend.usage AS u JOIN spend._dimensions_of AS a USING (attribution_id);

-- A key belongs to a team, a team to a cost center; a rule sees what those before it gave. The row keeps what was sent.
SELECT spend.set_allocation_rule('keys of search', '{"api_key": ["KEY-7", "key-8"]}', '{"team": "Search"}', 10, '2026-01-01'),
       spend.set_allocation_rule('search', '{"team": "search"}', '{"cost_center": "4711", "department": "R&D"}', 20, '2026-01-01'),
       spend.set_allocation_rule('everything else', '{}', '{"cost_center": "overhead"}', 1000, '2026-01-01'),
       spend.set_allocation_rule('before all, so never for what the key gives', '{"team": "search"}', '{"project": "early"}', 1, '2026-01-01');
INSERT INTO spend.usage (occurred_at, api_key, request_model, input_tokens) VALUES ('2026-02-01', ' Key-7', 'm', 1), ('2026-02-01', 'key-9', 'm', 2), ('2025-12-31', 'key-7', 'm', 4);
-- What the app says stands.
INSERT INTO spend.usage (occurred_at, api_key, team, cost_center, request_model, input_tokens) VALUES ('2026-02-01', 'key-7', 'ads', NULL, 'm', 8), ('2026-02-01', 'key-8', NULL, '0815', 'm', 16), ('2026-02-01', NULL, 'search', '', 'm', 32);
SELECT * FROM regress.rows ORDER BY usage_id;
SELECT usage_id, item, detail FROM spend.usage AS u CROSS JOIN LATERAL spend.explain(u.usage_id) AS e WHERE e.item = 'allocated' ORDER BY usage_id, line;
-- Reports, budgets and rows in detail go by the attribution.
SELECT team, cost_center, sum(calls) AS calls FROM spend.daily_spend GROUP BY 1, 2 ORDER BY 1, 2;
SELECT usage_id, department FROM spend.usage_detail ORDER BY usage_id;
INSERT INTO spend.budgets (name, amount, scope, period, on_exceeded) VALUES ('search', 60, '{"cost_center": "4711"}', 'total', 'reject');
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, api_key, request_model, input_tokens) VALUES ('2026-02-01', 'key-7', 'm', 28)$$);
INSERT INTO spend.usage (occurred_at, api_key, request_model, input_tokens) VALUES ('2026-02-01', 'key-7', 'm', 27);
SELECT budget_name, trim_scale(spent) AS spent FROM spend.budget_status;
SELECT count(*) AS wrong FROM spend.verify();
-- Many rows of one command, in place, and by COPY.
INSERT INTO spend.usage (occurred_at, api_key, request_model, input_tokens) SELECT '2026-02-02', 'key-' || (i % 3 + 7), 'm', 0 FROM generate_series(1, 300) AS i;
COPY spend.usage (occurred_at, api_key, request_model, input_tokens) FROM stdin;
2026-02-02	key-8	m	0
2026-02-02	key-9	m	0
\.
SELECT a.dimensions, count(*) FROM spend.usage AS u JOIN spend._dimensions_of AS a USING (attribution_id) WHERE u.occurred_at = '2026-02-02' GROUP BY 1 ORDER BY a.dimensions::text COLLATE "C";
-- The gate asks by the same rules; the row that settles the hold is attributed as the hold was.
SELECT verdict, reason FROM spend.authorize('m', '{"api_key": "key-7"}', '{"input_tokens": 1}');
UPDATE spend.budgets SET amount = 100;
SELECT verdict, hold_id FROM spend.authorize('m', '{"api_key": "key-7"}', '{"input_tokens": 30}') \gset
SELECT :'verdict' AS verdict;
SELECT verdict FROM spend.authorize('m', '{"team": "search"}', '{"input_tokens": 11}');
INSERT INTO spend.usage (hold_id, input_tokens) VALUES (:hold_id, 20) RETURNING team, spend._attributed(attribution_id, 'cost_center') AS cost_center;
SELECT budget_name, trim_scale(spent) AS spent FROM spend.budget_status;
DELETE FROM spend.budgets;
-- Customer terms go by it, too.
SELECT spend.set_price_term('search pays half', 'discount', 50, scope => '{"cost_center": "4711"}', valid_from => '-infinity') > 0 AS set;
INSERT INTO spend.usage (occurred_at, api_key, request_model, input_tokens) VALUES ('2026-02-03', 'key-7', 'm', 10), ('2026-02-03', 'key-9', 'm', 10) RETURNING api_key, cost;
SELECT changed_rows FROM spend.reprice('2026-02-03', '2026-02-04', '{}', 'nothing has changed') AS changed_rows;
SELECT spend.end_price_term('search pays half', '-infinity') > 0 AS ended;
SELECT count(*) AS of_4711 FROM spend.reprice('2026-02-03', '2026-02-04', '{"cost_center": "4711"}', 'term taken back');

-- A rule that says so overwrites: the work is that of who asked for it, not of the account that made the call.
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('requested_by', false);
SELECT spend.set_allocation_rule('who asked', '{"user_id": "svc-gateway", "requested_by": {"present": true}}', '{"user_id": {"from": "requested_by"}}', 5, '-infinity', overwrites => true),
       spend.set_allocation_rule('marketing', '{"user_id": ["ada", "bob"]}', '{"department": "marketing"}', 6, '-infinity');
INSERT INTO spend.usage (occurred_at, user_id, tags) VALUES ('2026-03-01', 'svc-gateway', '{"requested_by": "Ada"}'), ('2026-03-01', 'svc-gateway', NULL), ('2026-03-01', 'carl', '{"requested_by": "ada"}');
SELECT u.user_id AS sent, a.dimensions FROM spend.usage AS u JOIN spend._dimensions_of AS a USING (attribution_id) WHERE u.occurred_at = '2026-03-01' ORDER BY usage_id;
SELECT e.detail FROM spend.usage AS u CROSS JOIN LATERAL spend.explain(u.usage_id) AS e WHERE u.occurred_at = '2026-03-01' AND e.item = 'allocated' ORDER BY usage_id, line;
-- By other facts than dimensions.
SELECT spend.set_allocation_rule('by source', '{"source": "LiteLLM", "provider": {"not": "maker"}}', '{"application": "proxy"}', 1, '-infinity');
INSERT INTO spend.usage (occurred_at, source, provider) VALUES ('2026-03-02', 'litellm', 'other'), ('2026-03-02', 'litellm', 'maker'), ('2026-03-02', 'x', 'other');
SELECT u.source, u.provider, a.dimensions ->> 'application' AS application FROM spend.usage AS u JOIN spend._dimensions_of AS a USING (attribution_id) WHERE u.occurred_at = '2026-03-02' ORDER BY usage_id;

-- A change makes a version; the one before stays for the time before, and on record. Recorded rows keep their attribution.
SELECT spend.set_allocation_rule('keys of search', '{"api_key": "key-7"}', '{"team": "Find"}', valid_from => '2026-04-01', reason => 'renamed') > 0 AS set;
SELECT priority, assign, valid_during, reason, withdrawn_at IS NOT NULL AS is_withdrawn FROM spend.allocation_rules WHERE name = 'keys of search' ORDER BY rule_id;
INSERT INTO spend.usage (occurred_at, api_key) VALUES ('2026-03-31 23:59:59', 'key-7'), ('2026-04-01', 'key-7'), ('2026-04-01', 'key-8');
SELECT u.occurred_at, u.api_key, a.dimensions ->> 'team' AS team FROM spend.usage AS u JOIN spend._dimensions_of AS a USING (attribution_id) WHERE u.occurred_at > '2026-03-31' AND u.occurred_at < '2026-05-01' ORDER BY usage_id;
-- An UPDATE of something else keeps it, one of a dimension attributes the row by the rules of now; a row is explained by those it was attributed by.
SELECT spend.end_allocation_rule('keys of search', '2026-01-01');
UPDATE spend.usage SET status = 'ok' WHERE api_key = ' Key-7' RETURNING spend._attributed(attribution_id, 'team') AS team;
SELECT e.detail FROM spend.usage AS u CROSS JOIN LATERAL spend.explain(u.usage_id) AS e WHERE u.api_key = ' Key-7' AND e.item = 'allocated';
UPDATE spend.usage SET api_key = 'KEY-7' WHERE api_key = ' Key-7' RETURNING spend._attributed(attribution_id, 'team') AS team;
SELECT count(*) AS differences FROM spend.verify_rollups();
-- A window in the middle leaves what is before and after.
SELECT spend.set_allocation_rule('everything else', '{}', '{"cost_center": "project x"}', valid_from => '2026-06-01', valid_until => '2026-07-01') > 0 AS set;
SELECT assign, valid_during, priority FROM spend.allocation_rules WHERE name = 'everything else' AND withdrawn_at IS NULL ORDER BY valid_during;

-- A dry run shows where recorded usage would go; nothing changes.
SELECT count(*) AS before FROM spend.allocation_rules \gset
SELECT * FROM spend.preview_allocation_rule('nines', '{"api_key": "key-9"}', '{"team": "nine", "cost_center": "999"}', 1, since => '2026-02-01', until => '2026-02-02');
SELECT count(*) - :before AS added, (SELECT count(*) FROM spend.attributions WHERE dimensions ->> 'team' = 'nine') AS stored FROM spend.allocation_rules;
INSERT INTO spend.usage (occurred_at, api_key) VALUES ('2026-02-01', 'key-9') RETURNING spend._attributed(attribution_id, 'team') AS team;
-- For those who attribute again: by given facts, now or as it was known then; of a row.
SELECT spend._allocate('{"team": " Search", "provider": "x"}', '2026-02-01') AS now, spend._allocate('{"api_key": "key-7"}', '2026-02-01') AS now_without, spend._allocate('{"api_key": "key-7"}', '2025-01-01') AS before_all,
       spend._allocate(NULL, '2026-01-01') IS NULL AS of_nothing;
SELECT n.dimensions, n.attribution_id = u.attribution_id AS as_it_is FROM spend.usage AS u CROSS JOIN LATERAL spend._attribution_now(u) AS n WHERE u.api_key IN ('key-8') AND occurred_at = '2026-02-01';

-- What a rule cannot be.
SELECT spend.set_allocation_rule('x', '{"team": "a"}', '{"project": "p"}') > 0 AS set;
SELECT r AS rule, regress.error(format('SELECT spend.set_allocation_rule(''bad'', %s)', r)) AS error FROM unnest(ARRAY[
  $$'{"tean": "a"}', '{"project": "p"}'$$, $$'{"run_id": "a"}', '{"project": "p"}'$$, $$'{"team": "a"}', '{"projekt": "p"}'$$, $$'{"team": "a"}', '{"requested_by": "p"}'$$, $$'{"team": "a"}', '{}'$$,
  $$'{"team": "a"}', '{"project": 1}'$$, $$'{"team": "a"}', '{"project": " "}'$$, $$'{"team": "a"}', '{"project": {"from": "project"}}'$$, $$'{"team": "a"}', '{"project": {"of": "team"}}'$$,
  $$'{"team": "a"}', '{"team": "b"}'$$, $$'{"team": []}', '{"project": "p"}'$$, $$'[]', '{"project": "p"}'$$, $$NULL, '{"project": "p"}'$$, $$'{}', '{"project": "p"}', valid_from => '2026-01-02', valid_until => '2026-01-02'$$]) AS r;
SELECT regress.error($$SELECT spend.end_allocation_rule('none', '2026-01-01')$$);
SELECT regress.error($$UPDATE spend.allocation_rules SET assign = '{"team": "b"}'$$);
SELECT regress.error($$INSERT INTO spend.allocation_rules (name, scope, assign, recorded_at) VALUES ('from a dump', '{"team": []}', '{"project": "p"}', now())$$);
-- A dimension that is not rolled up any more gets no value.
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('project', false);
INSERT INTO spend.usage (occurred_at, team) VALUES (now(), 'a');
SELECT a.dimensions FROM spend.usage AS u JOIN spend._dimensions_of AS a USING (attribution_id) WHERE u.occurred_at = (SELECT max(occurred_at) FROM spend.usage);
-- A savepoint that goes takes its rule along.
BEGIN;
SAVEPOINT a;
SELECT spend.set_allocation_rule('undone', '{"team": "undone"}', '{"feature": "f"}') > 0 AS set;
INSERT INTO spend.usage (team) VALUES ('undone') RETURNING spend._attributed(attribution_id, 'feature') AS feature;
ROLLBACK TO a;
INSERT INTO spend.usage (team) VALUES ('undone') RETURNING spend._attributed(attribution_id, 'feature') AS feature;
COMMIT;

-- A writer's rows are attributed by rules that it may not read; a reader sees which rule it was in rows that are its own to see.
CREATE ROLE regress_writer;
CREATE ROLE regress_reader;
SELECT spend.grant_access('regress_writer', 'writer'), spend.grant_access('regress_reader', 'reader', '{"department": "marketing"}');
SET ROLE regress_writer;
INSERT INTO spend.usage (occurred_at, user_id, tags) VALUES ('2026-03-03', 'svc-gateway', '{"requested_by": "Bob"}');
SELECT regress.error('SELECT * FROM spend.allocation_rules'), regress.error($$SELECT spend._allocate('{}', now())$$);
RESET ROLE;
SET ROLE regress_reader;
SELECT d.user_id, d.department FROM spend.daily_spend AS d ORDER BY 1;
SELECT e.detail FROM spend.usage_detail AS u CROSS JOIN LATERAL spend.explain(u.usage_id) AS e WHERE e.item = 'allocated' ORDER BY u.usage_id, line;
SELECT regress.error($$SELECT spend.set_allocation_rule('x', '{}', '{"department": "marketing"}')$$);
-- What others' rows are attributed to is not found out by asking with a row of one's own making.
SELECT count(*) AS steps FROM spend._allocation_steps(jsonb_populate_record(NULL::spend.usage, '{"team": "search", "occurred_at": "2026-02-01Z", "recorded_at": "2999-01-01"}'));
RESET ROLE;
SELECT spend._attributed(attribution_id, 'cost_center') AS secret, attribution_id FROM spend.usage WHERE cost_center = '0815' \gset
SET ROLE regress_reader;
SELECT spend._attributed(:'attribution_id', 'cost_center') AS secret;
RESET ROLE;
DROP OWNED BY regress_writer, regress_reader;
DROP ROLE regress_writer, regress_reader;
