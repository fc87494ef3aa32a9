-- Attribution: dimension values are normalised, hashed and kept in a dictionary; tags, required dimensions, (untagged).
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "1/1M"}}', '-infinity') AS price \gset

-- The normal form: NFKC, case folded, white space trimmed and collapsed.
SELECT raw, spend.text_key(raw) AS key
FROM unnest(ARRAY['Search', ' search ', E'Sea\trch', E'a  b\n\nc', U&'\ff33\ff45\ff41\ff52\ff43\ff48', U&'Stra\00dfe', U&'STRA\1e9eE', 'STRASSE', U&'\fb01nance', U&'caf\00e9', U&'cafe\0301', U&'\212bngstr\00f6m',
  U&'a\00a0b', U&'\00a0a\2003\3000b\2009', U&'\2460', U&'\00bd', U&'x\00b2', U&'\0399\0308\0301', U&'\03a3\03c3\03c2', U&'\0130', U&'I\0307', U&'\1f48', U&'zero\200bwidth', U&'soft\00adhyphen', U&'\feffbom', '', '   ', U&'\00a0\3000',
  U&'\+01d4d0', U&'\+010400', U&'\00c5', U&'A\030a', U&'\d55c\ae00', U&'\1112\1161\11ab\1100\1173\11af', 'CC-100', 'cc_100', 'cc-100 ', '100%']) AS raw;
-- It is its own normal form, and the same for every spelling of one value.
SELECT count(*) AS not_stable FROM (SELECT chr(i) AS c FROM generate_series(1, 65535) AS i WHERE i NOT BETWEEN 55296 AND 57343) AS x WHERE spend.text_key(spend.text_key(c)) <> spend.text_key(c);
SELECT count(DISTINCT spend.text_key(v)) AS keys FROM unnest(ARRAY['Straße', 'STRASSE', 'STRAẞE', ' strasse', 'ｓｔｒａｓｓｅ']) AS v;

-- Rows of one value in several spellings are one attribution; the columns keep what was sent.
INSERT INTO spend.usage (occurred_at, cost_center, team, request_model, input_tokens) VALUES
  ('2026-05-01', 'Straße', 'A', 'gpt-regress', 1), ('2026-05-01', ' STRASSE', 'a', 'gpt-regress', 1), ('2026-05-01', U&'STRA\1e9eE', U&'\ff21', 'gpt-regress', 1),
  ('2026-05-01', 'strasse', 'b', 'gpt-regress', 1), ('2026-05-01', 'strasse', NULL, 'gpt-regress', 1), ('2026-05-01', 'strasse', '', 'gpt-regress', 1), ('2026-05-01', 'strasse', U&' \00a0', 'gpt-regress', 1);
SELECT array_agg(cost_center ORDER BY usage_id) AS as_sent, array_agg(team ORDER BY usage_id) AS team FROM spend.usage GROUP BY attribution_id ORDER BY min(usage_id);
SELECT dimensions, count(*) FROM spend.attributions GROUP BY 1 ORDER BY dimensions::text COLLATE "C";
-- Values do not run together, and the same value in another dimension is another attribution.
INSERT INTO spend.usage (occurred_at, team, project) VALUES ('2026-05-02', 'ab', 'c'), ('2026-05-02', 'a', 'bc'), ('2026-05-02', 'c', 'ab'), ('2026-05-02', 'abc', NULL), ('2026-05-02', NULL, 'abc');
SELECT count(DISTINCT attribution_id) AS attributions FROM spend.usage WHERE occurred_at = '2026-05-02';
-- The id follows from the content: the same in every database and for ever. Nothing at all is an attribution, too.
INSERT INTO spend.usage (occurred_at, feature) VALUES ('2026-05-03', 'Chat Bot'), ('2026-05-03', NULL) RETURNING feature, attribution_id;
-- Every dimension column takes part, other columns do not.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['cost_center', 'department', 'team', 'project', 'feature', 'workflow', 'application', 'agent', 'api_key', 'user_id', 'user_group', 'workspace', 'environment', 'customer',
                              'customer_segment', 'geography', 'data_class', 'run_id', 'trace_id', 'request_id', 'operation', 'route', 'status'] LOOP
    EXECUTE format('INSERT INTO spend.usage (occurred_at, %I) VALUES (''2026-05-04'', ''Value'')', name);
  END LOOP;
END
$$;
SELECT count(DISTINCT attribution_id) AS attributions FROM spend.usage WHERE occurred_at = '2026-05-04';
SELECT string_agg(d.key, ' ' ORDER BY d.key) AS dimensions FROM spend.attributions AS a, jsonb_each_text(a.dimensions) AS d WHERE d.value = 'value';
-- Known attributions are not appended again, in this session or the next.
SELECT count(*) AS before FROM spend.attributions \gset
INSERT INTO spend.usage (occurred_at, feature) VALUES ('2026-05-03', 'chat  bot');
\c
INSERT INTO spend.usage (occurred_at, feature) VALUES ('2026-05-03', 'CHAT BOT');
SELECT count(*) - :before AS appended FROM spend.attributions;
-- A rolled back one is appended again when it is needed.
BEGIN;
SAVEPOINT a;
INSERT INTO spend.usage (occurred_at, feature) VALUES ('2026-05-03', 'undone');
ROLLBACK TO a;
INSERT INTO spend.usage (occurred_at, feature) VALUES ('2026-05-03', 'undone');
COMMIT;
SELECT count(*) AS entries FROM spend.attributions WHERE dimensions = '{"feature": "undone"}';
BEGIN;
INSERT INTO spend.usage (occurred_at, feature) VALUES ('2026-05-03', 'undone too');
ROLLBACK;
INSERT INTO spend.usage (occurred_at, feature) VALUES ('2026-05-03', 'undone too');
SELECT count(*) AS entries FROM spend.attributions WHERE dimensions = '{"feature": "undone too"}';
-- No row of the ledger is without an entry.
SELECT count(*) AS without_entry FROM spend.usage AS u WHERE NOT EXISTS (SELECT FROM spend.attributions AS a WHERE a.attribution_id = u.attribution_id);

-- Tags become dimensions by registration; numbers and booleans count as text, objects do not.
INSERT INTO spend.usage (occurred_at, tags) VALUES ('2026-05-05', '{"squad": "Red"}');
INSERT INTO spend.dimensions (name, label) VALUES ('squad', 'Squad');
INSERT INTO spend.usage (occurred_at, tags) VALUES ('2026-05-05', '{"squad": "Red", "other": "x"}'), ('2026-05-05', '{"squad": " red "}'), ('2026-05-05', '{"squad": 7.0}'), ('2026-05-05', '{"squad": true}'),
  ('2026-05-05', '{"squad": null}'), ('2026-05-05', '{"squad": ["red"]}'), ('2026-05-05', '{"squad": ""}'), ('2026-05-05', '{}'), ('2026-05-05', '"squad"'), ('2026-05-05', NULL);
SELECT u.tags, a.dimensions FROM spend.usage AS u JOIN spend.attributions AS a USING (attribution_id) WHERE u.occurred_at = '2026-05-05' ORDER BY u.usage_id;
-- A change of the registry reaches rows that are written from then on; a re-tagged row is attributed anew.
UPDATE spend.usage SET tags = tags || '{"new": 1}' WHERE occurred_at = '2026-05-05' AND tags = '{"squad": "Red"}';
SELECT u.tags, a.dimensions FROM spend.usage AS u JOIN spend.attributions AS a USING (attribution_id) WHERE u.tags ? 'new';
-- A dimension that is not rolled up is in no attribution, and no budget may test it.
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('user_id', false), ('session', false);
INSERT INTO spend.usage (occurred_at, team, user_id, tags) VALUES ('2026-05-06', 't', 'u1', '{"session": "s1"}'), ('2026-05-06', 't', 'u2', '{"session": "s2"}');
SELECT DISTINCT a.dimensions FROM spend.usage AS u JOIN spend.attributions AS a USING (attribution_id) WHERE u.occurred_at = '2026-05-06';
-- A budget may be on it all the same, a right may not.
INSERT INTO spend.budgets (name, amount, scope, group_by, period) VALUES ('row dimensions', 1, '{"user_id": "u1"}', '{session}', 'total') RETURNING scope, group_by;
INSERT INTO spend.usage (occurred_at, team, user_id, tags) VALUES ('2026-05-06', 't', 'U1', '{"session": "s3"}');
SELECT group_values, calls FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id) WHERE b.name = 'row dimensions';
DELETE FROM spend.usage WHERE tags = '{"session": "s3"}';
DELETE FROM spend.budgets WHERE name = 'row dimensions';
SELECT regress.error($$SELECT spend.grant_access(session_user::regrole, 'reader', '{"session": "s1"}')$$);
INSERT INTO spend.budgets (name, amount, group_by) VALUES ('b', 1, '{squad}') RETURNING group_by;
-- A required one: rows without a value are refused, blank is no value, and the error says what to do.
INSERT INTO spend.required_tags (dimension, on_missing) VALUES ('squad', 'reject'), ('cost_center', 'reject');
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, cost_center) VALUES ('2026-05-07', 'c')$$);
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, tags) VALUES ('2026-05-07', '{"squad": "red"}')$$);
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, cost_center, tags) VALUES ('2026-05-07', ' ', '{"squad": "red"}')$$);
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, cost_center, tags) VALUES ('2026-05-07', 'c', '{"squad": {}}')$$);
INSERT INTO spend.usage (occurred_at, cost_center, tags) VALUES ('2026-05-07', 'c', '{"squad": "red"}') RETURNING cost_center;
-- What a row says of the past may be corrected all the same: an UPDATE reports a known fact.
UPDATE spend.usage SET cost_center = NULL WHERE occurred_at = '2026-05-07' RETURNING cost_center IS NULL AS taken_away;
-- Required, but in no attribution.
DELETE FROM spend.required_tags;
INSERT INTO spend.required_tags (dimension, on_missing) VALUES ('user_id', 'reject'), ('session', 'reject');
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, user_id) VALUES ('2026-05-07', 'u')$$);
SELECT regress.error($$INSERT INTO spend.usage (occurred_at, tags) VALUES ('2026-05-07', '{"session": "s"}')$$);
INSERT INTO spend.usage (occurred_at, user_id, tags) VALUES ('2026-05-07', 'u', '{"session": "s"}') RETURNING user_id;
DELETE FROM spend.required_tags;
DELETE FROM spend.dimensions WHERE NOT is_rolled_up;
INSERT INTO spend.usage (occurred_at) VALUES ('2026-05-07') RETURNING cost_center;
-- What cannot be registered.
SELECT n AS name, split_part(regress.error(format('INSERT INTO spend.dimensions (name) VALUES (%L)', n)), E'\n', 1) AS error FROM unnest(ARRAY['', 'Team', 'my team', '1st', 'a-b', repeat('x', 64)]) AS n;
-- Totals by dimension equal the ledger; what carries no value reads (untagged).
SELECT team, sum(calls) AS calls FROM spend.daily_spend GROUP BY 1 ORDER BY team COLLATE "C";
SELECT (SELECT sum(calls) FROM spend.daily_spend) = count(*) AS all_rows_in_view FROM spend.usage;
