-- Access: least privilege that works, scopes that hold in every view, and attempts to get around them.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_reader, regress_sales, regress_writer, regress_admin, regress_stranger, regress_analyst, regress_team, regress_many, "regress Odd ""name""";
CREATE ROLE regress_reader;
CREATE ROLE regress_sales;
CREATE ROLE regress_writer;
CREATE ROLE regress_admin;
CREATE ROLE regress_stranger;
CREATE ROLE regress_team;
CREATE ROLE regress_analyst IN ROLE regress_team;
CREATE ROLE regress_many;
CREATE ROLE "regress Odd ""name""";
RESET client_min_messages;
CREATE VIEW regress.view_names AS SELECT c.relname AS view FROM pg_class AS c WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind = 'v' AND c.relname NOT LIKE '\_%';
CREATE FUNCTION regress.as_role(role text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', role);
  result := split_part(regress.error(command), E'\n', 1);
  RESET ROLE;
  RETURN result;
END
$$;

SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS m \gset
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, department, team, cost_center, request_model, input_tokens) VALUES
  ('2026-01-10', 'Sales', 'a', 'c1', 'm', 1), ('2026-01-10', 'sales', 'b', 'c1', 'm', 2), ('2026-01-10', 'Search', 'c', 'c2', 'm', 4), ('2026-01-10', NULL, NULL, NULL, 'm', 8), ('2026-01-10', 'search', 'd', 'c2', 'unknown', 16), ('2026-01-10', 'sales', 'a', 'c1', 'unknown', 32);
INSERT INTO spend.budgets (name, amount, scope, group_by, period, on_exceeded) VALUES
  ('company', 100, '{}', '{}', 'total', 'alert'), ('sales', 100, '{"department": "sales"}', '{}', 'total', 'alert'), ('sales team a', 100, '{"department": "Sales", "team": ["a"]}', '{}', 'total', 'alert'),
  ('search', 100, '{"department": "search"}', '{}', 'total', 'alert'), ('both', 100, '{"department": ["sales", "search"]}', '{department}', 'total', 'alert');
INSERT INTO spend.budgets (name, amount, cost_center, valid_during) VALUES ('plan c1', 10, 'c1', '[2026-01-01, 2026-02-01)'), ('plan c2', 10, 'c2', '[2026-01-01, 2026-02-01)');
RESET client_min_messages;

-- Nobody has anything to begin with, and only who may can grant.
SELECT regress.as_role('regress_stranger', 'SELECT * FROM spend.daily_spend') AS view, regress.as_role('regress_stranger', 'INSERT INTO spend.usage DEFAULT VALUES') AS insert,
       regress.as_role('regress_stranger', $$SELECT spend.grant_access('regress_stranger', 'admin')$$) AS grant, regress.as_role('regress_stranger', 'SELECT spend.version()') AS version;
-- What cannot be granted.
SELECT regress.error($$SELECT spend.grant_access('regress_reader', 'owner')$$);
SELECT regress.error($$SELECT spend.grant_access('regress_reader', NULL)$$);
SELECT regress.error($$SELECT spend.grant_access(NULL, 'reader')$$);
SELECT regress.error($$SELECT spend.grant_access('regress_reader', 'reader', '{"teem": "a"}')$$);
SELECT regress.error($$SELECT spend.grant_access('regress_reader', 'reader', '[]')$$);
SELECT regress.error($$SELECT spend.grant_access('regress_writer', 'writer', '{"team": "a"}')$$);
SELECT regress.error($$SELECT spend.grant_access('regress_no_such_role', 'reader')$$);
SELECT regress.error($$SELECT spend.grant_access('public', 'reader')$$);
SELECT regress.error($$SELECT spend.grant_access(0, 'reader')$$);
SELECT regress.error($$SELECT spend.revoke_access('regress_reader', 'reader')$$);

SELECT spend.grant_access('regress_reader', 'reader');
SELECT spend.grant_access('regress_sales', 'reader', '{"department": " SALES "}');
SELECT spend.grant_access('regress_writer', 'writer');
SELECT spend.grant_access('regress_admin', 'admin');
SELECT spend.grant_access('regress_team', 'reader', '{"team": ["c", "d"]}');
SELECT spend.grant_access('"regress Odd ""name"""', 'reader', '{"team": "b"}');
SELECT member, access, scope FROM spend.access ORDER BY member COLLATE "C";

-- A reader reads every view and nothing else; within a scope, only its rows, totals of its rows, budgets that lie within.
SELECT r AS role, string_agg(v.view, ' ' ORDER BY v.view COLLATE "C") FILTER (WHERE regress.as_role(r, format('SELECT * FROM spend.%I', v.view)) = 'no error') AS readable
FROM unnest(ARRAY['regress_reader', 'regress_sales', 'regress_admin', 'regress_analyst', 'regress_writer', 'regress_stranger']) AS r, regress.view_names AS v GROUP BY 1 ORDER BY 1;
SELECT t AS table, regress.as_role('regress_reader', format('SELECT * FROM spend.%I', t)) AS reader, regress.as_role('regress_sales', format('SELECT * FROM spend.%I', t)) AS scoped
FROM unnest(ARRAY['usage', 'usage_default', 'attributions', 'counters', 'budgets', 'alerts', 'prices', 'access', 'settings', 'usage_keys', 'usage_conflicts']) AS t;
CREATE FUNCTION regress.seen() RETURNS TABLE (what text, seen text) LANGUAGE sql AS $$
  SELECT 'daily', string_agg(concat_ws(' ', department, team, input_tokens), ', ' ORDER BY input_tokens) FROM spend.daily_spend
  UNION ALL SELECT 'models', string_agg(concat_ws(' ', model, calls, trim_scale(cost)), ', ' ORDER BY model) FROM spend.spend_by_model
  UNION ALL SELECT 'chargeback', string_agg(concat_ws(' ', cost_center, trim_scale(budget), trim_scale(actual)), ', ' ORDER BY cost_center) FROM spend.chargeback_monthly WHERE period_start = '2026-01-01'
  UNION ALL SELECT 'budgets', string_agg(concat_ws(' ', budget_name, group_label, trim_scale(spent)), ', ' ORDER BY budget_id, group_label) FROM spend.budget_status
  UNION ALL SELECT 'unpriced', string_agg(concat_ws(' ', model, calls, input_tokens), ', ') FROM spend.unpriced_usage
$$;
GRANT EXECUTE ON FUNCTION regress.seen() TO PUBLIC;
SET ROLE regress_reader;
SELECT * FROM regress.seen();
SET ROLE regress_sales;
SELECT * FROM regress.seen();
-- The role's own membership counts: the analyst is in the team.
SET ROLE regress_analyst;
SELECT * FROM regress.seen();
SET ROLE "regress Odd ""name""";
SELECT * FROM regress.seen();
SET ROLE regress_admin;
SELECT * FROM regress.seen();
RESET ROLE;
-- Which object is denied first is the server's choice.
SELECT left(regress.as_role('regress_stranger', 'SELECT * FROM regress.seen()'), 5) AS stranger;
-- A member of two roles sees what both see; a change of membership or scope holds from the next statement on.
GRANT regress_sales, regress_team TO regress_many;
SET ROLE regress_many;
SELECT * FROM regress.seen() WHERE what IN ('daily', 'budgets');
RESET ROLE;
REVOKE regress_sales FROM regress_many;
SET ROLE regress_many;
SELECT * FROM regress.seen() WHERE what IN ('daily', 'budgets');
RESET ROLE;
SELECT spend.grant_access('regress_team', 'reader', '{"team": "d"}');
SET ROLE regress_many;
SELECT * FROM regress.seen() WHERE what = 'daily';
RESET ROLE;
-- New rows and new attributions are judged as they come.
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, department, team, request_model, input_tokens) VALUES ('2026-01-10', 'Search', ' D', 'm', 64), ('2026-01-10', 'new', 'd', 'm', 128), ('2026-01-10', 'new', 'e', 'm', 256);
RESET client_min_messages;
SET ROLE regress_many;
SELECT * FROM regress.seen() WHERE what = 'daily';
RESET ROLE;

-- Attempts to get around it. A function of the caller's own, cheap as it may be, sees only rows that the caller sees.
GRANT CREATE ON SCHEMA regress TO regress_sales;
SET ROLE regress_sales;
CREATE FUNCTION regress.peek(team text, tokens bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
  PERFORM set_config('regress.peeked', concat_ws(', ', nullif(current_setting('regress.peeked', true), ''), team || ' ' || tokens), false);
  RETURN true;
END
$$;
SELECT count(*) AS rows FROM spend.daily_spend WHERE regress.peek(team, input_tokens);
SELECT count(*) AS rows FROM spend.chargeback_monthly WHERE regress.peek(cost_center, tokens) AND period_start = '2026-01-01';
SELECT count(*) AS rows FROM spend.budget_status WHERE regress.peek(budget_name, calls);
SELECT count(*) AS rows FROM spend.unpriced_usage WHERE regress.peek(model, calls);
SELECT string_agg(p, ', ' ORDER BY p) AS peeked_at FROM string_to_table(current_setting('regress.peeked'), ', ') AS p;
SELECT count(*) AS no_division_by_zero FROM spend.daily_spend WHERE 1 / (input_tokens - 4) IS NOT NULL;
-- The row type of the ledger can be made up, but says nothing of others' budgets; the id of an attribution that is not its own neither.
SELECT count(*) AS counters_of_others FROM spend._row_counters(jsonb_populate_record(NULL::spend.usage, '{"occurred_at": "2026-01-10", "recorded_at": "2026-01-10", "department": "search", "team": "c", "input_tokens": 1}'));
SELECT budget_id, name IS NOT NULL FROM spend._budget_periods() AS p LEFT JOIN (SELECT budget_id, budget_name AS name FROM spend.budget_status) AS s USING (budget_id) ORDER BY 1;
SELECT spend.visible(NULL) AS unattributed, spend.visible('00000000-0000-0000-0000-000000000000') AS unknown;
-- Functions for others' eyes.
RESET ROLE;
SELECT f AS call, regress.as_role('regress_sales', 'SELECT ' || f) AS reader, regress.as_role('regress_writer', 'SELECT ' || f) AS writer
FROM unnest(ARRAY['spend.verify()', 'spend.maintain()', 'spend.load_catalog()', $$spend.set_price('p', 'm', '{"rates": {}}')$$, $$spend.grant_access('regress_sales', 'admin')$$, $$spend.revoke_access('regress_reader', 'reader')$$,
  'spend._pending_counters()', 'spend._catalog()', $$spend._check_scope('{}', '{}', true)$$, $$spend._privileges('admin')$$, 'spend._settings()', $$spend.cost('m', '{"input_tokens": 1}')$$, $$spend.text_key('A')$$]) AS f;
-- SET ROLE, SECURITY DEFINER and views: rights are those of the current user.
CREATE FUNCTION regress.sales_total() RETURNS numeric LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$SELECT trim_scale(sum(cost)) FROM spend.daily_spend$$;
ALTER FUNCTION regress.sales_total() OWNER TO regress_sales;
GRANT EXECUTE ON FUNCTION regress.sales_total() TO PUBLIC;
SET ROLE regress_reader;
SELECT regress.sales_total() AS total_of_sales, trim_scale(sum(cost)) AS own_total FROM spend.daily_spend;
RESET ROLE;
SELECT trim_scale(sum(cost)) AS total FROM spend.daily_spend;

-- A plan that was made for one role serves another only what is its own.
PREPARE total AS SELECT trim_scale(sum(cost)) AS total FROM spend.daily_spend;
EXECUTE total;
SET ROLE regress_sales;
EXECUTE total;
SET ROLE regress_stranger;
EXECUTE total;
RESET ROLE;
DEALLOCATE total;

-- A writer inserts what an app knows, gets four columns back, and that is all.
SET ROLE regress_writer;
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, department, request_model, input_tokens, source, idempotency_key, tags, other_usage, reported_cost, hold_id) VALUES ('2026-01-20', 'sales', 'm', 3, 'app', 'k', '{"a": 1}', '{"requests": 1}', 3, NULL)
RETURNING cost, currency, pricing_status, usage_id IS NOT NULL AS has_id;
INSERT INTO spend.usage (occurred_at, department, request_model, input_tokens, source, idempotency_key) VALUES ('2026-01-20', 'sales', 'm', 4, 'app', 'k') ON CONFLICT DO NOTHING;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) SELECT '2026-01-20', 'm', i FROM generate_series(1, 3) AS i;
COPY spend.usage (occurred_at, department, request_model, input_tokens) FROM STDIN;
2026-01-20 00:00:00+00	sales	m	5
\.
INSERT INTO spend.usage DEFAULT VALUES;
RESET client_min_messages;
RESET ROLE;
SELECT count(*) AS rows, sum(cost) AS cost FROM spend.usage WHERE occurred_at = '2026-01-20';
SELECT count(*) AS conflicts FROM spend.usage_conflicts;
SELECT command, regress.as_role('regress_writer', command) AS error FROM unnest(ARRAY[
  'SELECT count(*) FROM spend.usage', 'SELECT usage_id, cost, currency, pricing_status FROM spend.usage', 'SELECT department FROM spend.usage', 'SELECT * FROM spend.usage', 'INSERT INTO spend.usage DEFAULT VALUES RETURNING attribution_id',
  'INSERT INTO spend.usage DEFAULT VALUES RETURNING *', 'INSERT INTO spend.usage (cost) VALUES (0)', 'INSERT INTO spend.usage (list_cost) VALUES (0)', $$INSERT INTO spend.usage (currency) VALUES ('X')$$, 'INSERT INTO spend.usage (price_id) VALUES (1)',
  $$INSERT INTO spend.usage (pricing_status) VALUES ('free')$$, $$INSERT INTO spend.usage (pricing_reason) VALUES ('x')$$, 'INSERT INTO spend.usage (recorded_at) VALUES (now())', 'INSERT INTO spend.usage (usage_id) VALUES (1)',
  $$INSERT INTO spend.usage (attribution_id) VALUES ('00000000-0000-0000-0000-000000000000')$$, 'UPDATE spend.usage SET input_tokens = 0', 'UPDATE spend.usage SET cost = 0', 'DELETE FROM spend.usage', 'TRUNCATE spend.usage', 'LOCK TABLE spend.usage',
  'INSERT INTO spend.usage_default DEFAULT VALUES', 'SELECT cost FROM spend.usage_default', 'ALTER TABLE spend.usage DISABLE TRIGGER ALL',
  'INSERT INTO spend.usage (input_tokens) VALUES (1) ON CONFLICT (usage_id) DO UPDATE SET cost = 0', $$SELECT setval('spend.usage_usage_id_seq', 1)$$, 'DELETE FROM spend.counters', 'UPDATE spend.budgets SET amount = 1e9', 'DELETE FROM spend.usage_keys',
  'INSERT INTO spend.alerts DEFAULT VALUES', 'SELECT * FROM spend.budget_status', 'CREATE TABLE spend.mine ()', 'SET session_replication_role = replica']) AS command;
SET ROLE regress_writer;
COPY spend.usage TO STDOUT;
COPY spend.usage_default (cost) TO STDOUT;
RESET ROLE;
-- A refusal names the budget; its figures are for those who may read them.
INSERT INTO spend.budgets (name, amount, scope, on_exceeded, period, group_by) VALUES ('cap', 1, '{"team": "capped"}', 'reject', 'total', '{customer}');
GRANT regress_writer TO regress_sales, regress_reader;
SET ROLE regress_writer;
INSERT INTO spend.usage (occurred_at, team, customer, request_model, input_tokens) VALUES ('2026-01-20', 'capped', 'secret', 'm', 2);
SET ROLE regress_sales;
INSERT INTO spend.usage (occurred_at, team, customer, request_model, input_tokens) VALUES ('2026-01-20', 'capped', 'secret', 'm', 2);
SET ROLE regress_reader;
INSERT INTO spend.usage (occurred_at, team, customer, request_model, input_tokens) VALUES ('2026-01-20', 'capped', 'secret', 'm', 2);
RESET ROLE;
REVOKE regress_writer FROM regress_sales, regress_reader;
SELECT * FROM spend.verify();

-- An admin configures and sees all, but does not touch the ledger.
SET ROLE regress_admin;
INSERT INTO spend.settings (organisation) VALUES ('Regress Ltd');
INSERT INTO spend.dimensions (name) VALUES ('squad');
INSERT INTO spend.cost_centers (code) VALUES ('c1');
INSERT INTO spend.budgets (name, amount, scope) VALUES ('by admin', 5, '{"squad": "red"}') RETURNING name;
UPDATE spend.budgets SET amount = 6 WHERE name = 'by admin';
DELETE FROM spend.budgets WHERE name = 'by admin';
SELECT spend.set_price('maker', 'other', '{"rates": {"input_tokens": "1/1"}}') IS NOT NULL AS priced;
SELECT recorded_by = session_user AS by_session_user FROM spend.prices WHERE model = 'other';
SELECT count(*) > 0 AS maintained FROM spend.maintain();
SELECT * FROM spend.verify();
UPDATE spend.alerts SET delivered_at = now();
SELECT spend.grant_access('regress_stranger', 'reader', '{"team": "a"}');
SELECT spend.revoke_access('regress_stranger', 'reader');
RESET ROLE;
SELECT command, regress.as_role('regress_admin', command) AS error FROM unnest(ARRAY[
  'SELECT count(*) FROM spend.usage', 'INSERT INTO spend.usage DEFAULT VALUES', 'UPDATE spend.usage SET cost = 0', 'DELETE FROM spend.usage', 'UPDATE spend.counters SET spent = 0', 'DELETE FROM spend.alerts', 'UPDATE spend.alerts SET spent = 0',
  $$INSERT INTO spend.access (member, access) VALUES ('regress_admin', 'reader')$$, $$INSERT INTO spend.prices (provider, model, price) VALUES ('p', 'm', '{"rates": {}}')$$, 'DELETE FROM spend.prices', 'DELETE FROM spend.attributions', 'DROP TABLE spend.budgets',
  'UPDATE spend.budget_epochs SET redefined_at = now()', 'DROP EXTENSION pg_spend', $$SELECT spend._put_price(NULL)$$, $$CALL spend._make_month('2026-01-01')$$]) AS command;
-- Month leaves that were made since are no way in either.
SELECT c.oid::regclass AS leaf_with_grants FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'spend.usage'::regclass AND c.relacl::text ~ 'regress_|(^|[,{])=';

-- Revoking takes what no other access needs: exactly what was there before.
CREATE VIEW regress.rights AS
SELECT r.rolname AS role, 'table' AS kind, count(*) AS rights FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee WHERE c.relnamespace = 'spend'::regnamespace AND r.rolname LIKE 'regress%' GROUP BY 1
UNION ALL SELECT r.rolname, 'column', count(*) FROM pg_attribute AS t JOIN pg_class AS c ON c.oid = t.attrelid CROSS JOIN LATERAL aclexplode(t.attacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee WHERE c.relnamespace = 'spend'::regnamespace GROUP BY 1
UNION ALL SELECT r.rolname, 'function', count(*) FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee WHERE p.pronamespace = 'spend'::regnamespace AND r.rolname LIKE 'regress%' GROUP BY 1
UNION ALL SELECT r.rolname, 'schema', count(*) FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee WHERE n.nspname = 'spend' AND r.rolname LIKE 'regress%' GROUP BY 1;
SELECT spend.grant_access('regress_many', 'reader');
SELECT spend.grant_access('regress_many', 'reader', '{"team": "a"}');
CREATE TABLE regress.reader_rights AS SELECT kind, rights FROM regress.rights WHERE role = 'regress_many';
SELECT spend.grant_access('regress_many', 'writer');
SELECT spend.grant_access('regress_many', 'admin');
SELECT spend.revoke_access('regress_many', 'admin');
SELECT regress.as_role('regress_many', 'SELECT * FROM spend.daily_spend') AS reads, regress.as_role('regress_many', 'INSERT INTO spend.usage DEFAULT VALUES RETURNING cost') AS writes, regress.as_role('regress_many', 'SELECT spend.verify()') AS administers;
SET ROLE regress_many;
SELECT * FROM regress.seen() WHERE what = 'daily';
RESET ROLE;
-- A role that gets the name of one that was dropped gets none of its sight; one that is renamed is granted its access again.
CREATE ROLE regress_again;
SELECT spend.grant_access('regress_again', a) FROM unnest(ARRAY['admin', 'writer', 'reader']) AS a;
DROP OWNED BY regress_again;
DROP ROLE regress_again;
CREATE ROLE regress_again;
SELECT spend.grant_access('regress_again', 'reader', '{"cost_center": "sales"}');
SELECT spend.grant_access('regress_again', 'writer');
SELECT access, scope FROM spend.access WHERE member = 'regress_again' ORDER BY access;
ALTER ROLE regress_again RENAME TO regress_renamed;
SELECT regress.error($$SELECT spend.revoke_access('regress_renamed', 'reader')$$);
SELECT spend.grant_access('regress_renamed', 'reader'), spend.grant_access('regress_renamed', 'writer'), spend.revoke_access('regress_renamed', 'reader'), spend.revoke_access('regress_renamed', 'writer');
DROP ROLE regress_renamed;
DELETE FROM spend.access WHERE member = 'regress_again';
SELECT spend.revoke_access('regress_many', 'writer');
SELECT kind, rights FROM regress.rights WHERE role = 'regress_many' EXCEPT SELECT * FROM regress.reader_rights;
SELECT spend.revoke_access('regress_many', 'reader');
SELECT * FROM regress.rights WHERE role = 'regress_many';
SELECT regress.error($$SELECT spend.revoke_access('regress_many', 'reader')$$);
SELECT regress.error($$SELECT spend.revoke_access('regress_many', 'king')$$);
SELECT spend.revoke_access('regress_reader', 'reader');
SELECT spend.revoke_access('regress_sales', 'reader');
SELECT spend.revoke_access('regress_writer', 'writer');
SELECT spend.revoke_access('regress_admin', 'admin');
SELECT spend.revoke_access('regress_team', 'reader');
SELECT spend.revoke_access('"regress Odd ""name"""', 'reader');
SELECT * FROM regress.rights;
SELECT count(*) AS members FROM spend.access;
DROP FUNCTION regress.sales_total(), regress.peek(text, bigint);
REVOKE ALL ON SCHEMA regress FROM regress_sales;
DROP ROLE regress_reader, regress_sales, regress_writer, regress_admin, regress_stranger, regress_analyst, regress_team, regress_many, "regress Odd ""name""";
