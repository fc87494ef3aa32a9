-- Upkeep: leaves are made, rows move out of the default leaf, nothing that was counted changes.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS m \gset
SET client_min_messages = error;
CREATE ROLE regress_writer;
SELECT spend.grant_access('regress_writer', 'writer');
INSERT INTO spend.budgets (name, amount, period, group_by, on_exceeded, on_unpriced) VALUES ('month', 1000, 'month', '{team}', 'alert', NULL), ('total', 1000, 'total', '{}', 'reject', 'allow');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, source, idempotency_key, tags, other_usage) VALUES
  ('2020-01-01 00:00+00', 'a', 'm', 1, 's', 'k1', '{"x": 1}', '{"requests": 2}'), ('2020-01-31 23:59:59.999999+00', 'a', 'm', 2, 's', 'k2', NULL, NULL), ('2020-02-01 00:00+00', 'b', 'm', 4, NULL, NULL, NULL, NULL),
  ('2020-02-29', NULL, 'unknown', 8, NULL, NULL, NULL, NULL), ('1999-12-31 23:59:59+00', 'a', 'm', 16, NULL, NULL, NULL, NULL), ('2999-12-31', 'a', 'm', 32, NULL, NULL, NULL, NULL), ('0001-01-01', 'a', 'm', 64, NULL, NULL, NULL, NULL), ('9999-11-30', 'a', 'm', 128, NULL, NULL, NULL, NULL);
RESET client_min_messages;
CREATE TABLE regress.before AS SELECT * FROM spend.usage;
CREATE TABLE regress.counters_before AS SELECT * FROM spend._counter_totals;
SELECT count(*) AS in_default FROM spend.usage_default;

-- The months of now and three to come, and those that rows are waiting for, whatever the session's settings are.
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'Asia/Kolkata';
SELECT count(*) FILTER (WHERE subject ~ '^spend.usage_20(2[1-9]|[3-9][0-9])_') AS months_from_now, count(*) AS months, array_agg(DISTINCT action) AS actions FROM spend.maintain() WHERE action !~ '^(folded|noted)';
SET DateStyle = 'ISO, YMD';
SET TimeZone = 'UTC';
SELECT c.relname AS leaf, pg_get_expr(c.relpartbound, c.oid) AS bounds FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'spend.usage'::regclass AND (c.relname < 'usage_2021' OR c.relname > 'usage_2900') ORDER BY c.relname COLLATE "C";
SELECT tableoid::regclass AS leaf, occurred_at, input_tokens, cost FROM spend.usage ORDER BY occurred_at;
-- Every row is as it was, every counter too.
SELECT count(*) AS changed FROM (SELECT * FROM spend.usage EXCEPT SELECT * FROM regress.before) AS x;
SELECT (SELECT count(*) FROM spend.usage) = count(*) AS none_lost FROM regress.before;
SELECT count(*) AS counters_changed FROM (SELECT * FROM spend._counter_totals EXCEPT SELECT * FROM regress.counters_before) AS x;
SELECT * FROM spend.verify();
-- Again: nothing to do.
SELECT * FROM spend.maintain() WHERE action !~ '^(folded|noted)';
SELECT * FROM spend.maintain(0) WHERE action !~ '^(folded|noted)';
SELECT * FROM spend.maintain(-5) WHERE action !~ '^(folded|noted)';
SELECT count(*) AS made_two_more FROM spend.maintain(5);
SELECT * FROM spend.maintain(NULL) WHERE action !~ '^(folded|noted)';

-- New leaves have key, indexes and triggers, belong to the same owner, and nobody has rights on them.
CREATE VIEW regress.equipment AS
SELECT c.oid::regclass::text AS leaf,
       (SELECT array_agg(pg_get_indexdef(x.indexrelid) ~ 'UNIQUE' ORDER BY pg_get_indexdef(x.indexrelid) ~ 'UNIQUE') FROM pg_index AS x WHERE x.indrelid = c.oid) AS unique_indexes,
       (SELECT string_agg(t.tgname || ' ' || t.tgenabled::text, ', ' ORDER BY t.tgname) FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) AS triggers,
       c.relowner = (SELECT p.relowner FROM pg_class AS p WHERE p.oid = 'spend.usage'::regclass) AS same_owner,
       NOT EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee <> c.relowner) AS private,
       EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS is_member,
       (SELECT string_agg(a.attname || ' ' || a.atttypid || ' ' || a.attnotnull || ' ' || coalesce(pg_get_expr(f.adbin, f.adrelid), ''), ',' ORDER BY a.attnum)
        FROM pg_attribute AS a LEFT JOIN pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'spend.usage'::regclass;
SELECT unique_indexes, triggers, same_owner, private, is_member, count(*) > 1 AS several, count(DISTINCT columns) AS layouts, bool_or(leaf = 'spend.usage_default') AS has_default FROM regress.equipment GROUP BY 1, 2, 3, 4, 5 ORDER BY 5;

-- They work as before: rows go there, are priced and counted, keys hold, a writer writes, and refusals are the same.
SET ROLE regress_writer;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-15', 'a', 'm', 10) RETURNING cost;
INSERT INTO spend.usage (occurred_at, source, idempotency_key, team, request_model, input_tokens, tags, other_usage) VALUES ('2020-03-15', 's', 'k1', 'a', 'm', 1, '{"x": 1}', '{"requests": 2}') RETURNING cost;
RESET ROLE;
SELECT count(*) AS conflicts FROM spend.usage_conflicts;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2020-01-15', 'a', 'm', 1000);
UPDATE spend.usage SET input_tokens = 20 WHERE input_tokens = 10 RETURNING tableoid::regclass AS leaf, cost;
DELETE FROM spend.usage WHERE input_tokens = 2 RETURNING tableoid::regclass AS leaf;
SELECT spent, calls FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = 'total';
SELECT * FROM spend.verify();
-- A row of a month without a leaf waits in the default one; keys of rows are unique within a leaf.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2019-06-15', 'm', 1) RETURNING tableoid::regclass AS leaf;
SELECT * FROM spend.maintain(0) WHERE action !~ '^(folded|noted)';
SELECT tableoid::regclass AS leaf FROM spend.usage WHERE occurred_at = '2019-06-15';
-- Someone else's table under the name of a leaf is not taken for one: the rows stay where they are, others move.
CREATE TABLE spend.usage_2018_01 (mine integer);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2018-01-15', 'm', 1), ('2018-02-15', 'm', 1);
SELECT * FROM spend.maintain(0) WHERE action !~ '^(folded|noted)';
SELECT tableoid::regclass AS leaf, occurred_at FROM spend.usage WHERE occurred_at BETWEEN '2018-01-01' AND '2018-12-31' ORDER BY 2;
DROP TABLE spend.usage_2018_01;
SELECT * FROM spend.maintain(0) WHERE action !~ '^(folded|noted)';
-- A month that is dropped as a whole stays in the counters; verify() says how much they hold that no row does.
ALTER TABLE spend.usage DETACH PARTITION spend.usage_2018_01;
DROP TABLE spend.usage_2018_01;
SELECT b.name, v.counter - v.from_rows AS difference FROM (SELECT budget AS name, counter, from_rows FROM spend.verify()) AS v JOIN spend.budgets AS b USING (name) ORDER BY 1;
-- A rolled back upkeep leaves everything as it was.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2017-01-15', 'm', 1);
BEGIN;
SELECT count(*) AS made FROM spend.maintain(0) WHERE subject = 'spend.usage_2017_01';
ROLLBACK;
SELECT tableoid::regclass AS leaf FROM spend.usage WHERE occurred_at = '2017-01-15';
SELECT string_agg(t.tgname || ' ' || t.tgenabled::text, ', ' ORDER BY t.tgname) AS triggers FROM pg_trigger AS t WHERE t.tgrelid = 'spend.usage_default'::regclass AND NOT t.tgisinternal;
-- Rows of very many months, as a writer may date them: a call makes the leaves of 24, the latest first; the rest waits in the default leaf.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) SELECT '1900-06-15'::timestamptz + make_interval(months => i), 'm', 1 FROM generate_series(1, 29) AS i;
SELECT count(*) AS made, min(subject) AS earliest, max(subject) AS latest FROM spend.maintain(0) WHERE subject ~ 'usage_190';
SELECT count(*) AS waiting FROM spend.usage_default WHERE occurred_at < '1910-01-01';
SELECT count(*) AS made, min(subject) AS earliest, max(subject) AS latest FROM spend.maintain(0) WHERE subject ~ 'usage_190';
SELECT count(*) AS waiting FROM spend.usage_default WHERE occurred_at < '1910-01-01';
SELECT count(*) AS months FROM spend._missing_months(2147483647) AS m WHERE m > now() + interval '1 year';
-- Counters of budgets that are gone are removed.
DELETE FROM spend.budgets;
SELECT action, subject::integer > 0 AS some FROM spend.maintain(0) WHERE action = 'removed counters';
SELECT (SELECT count(*) FROM spend._counter_totals) AS counters, (SELECT count(*) FROM spend.budget_epochs) AS epochs;
SELECT spend.revoke_access('regress_writer', 'writer');
DROP ROLE regress_writer;
