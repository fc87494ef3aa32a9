-- What a connection remembers between rows changes nothing: rows that were sent in the same words or nearly so, many
-- attributions and quarter hours in one transaction, savepoints, and a dictionary or settings that change in between.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "2/1M"}}', '-infinity') AS price \gset
CREATE FUNCTION regress.check_dictionary() RETURNS TABLE (attributions bigint, rows_without_entry bigint, wrong_entries bigint) LANGUAGE sql AS $$
  SELECT (SELECT count(DISTINCT attribution_id) FROM spend.usage),
    (SELECT count(*) FROM spend.usage AS u WHERE NOT EXISTS (SELECT FROM spend.attributions AS a WHERE a.attribution_id = u.attribution_id)),
    (SELECT count(*) FROM spend.usage AS u JOIN spend.attributions AS a USING (attribution_id)
     WHERE coalesce(a.dimensions ->> 'team', '') <> coalesce(spend.text_key(u.team), '') OR coalesce(a.dimensions ->> 'user_id', '') <> coalesce(spend.text_key(u.user_id), ''))
$$;
-- Each spelling twice, so that the second one comes from memory: all are one attribution, and none is another's.
INSERT INTO spend.usage (team, user_id) SELECT t.team, u.user_id
FROM (VALUES ('search'), ('Search'), (' search '), (E'search\t'), ('ＳＥＡＲＣＨ')) AS t (team), (VALUES (''), (NULL), (' ')) AS u (user_id), generate_series(1, 2) AS twice;
SELECT count(DISTINCT attribution_id) AS attributions, count(*) FROM spend.usage;
-- Values that run together, or change places, or are their own dimension's name, are not the same.
INSERT INTO spend.usage (team, user_id, project) SELECT v.team, v.user_id, v.project
FROM (VALUES ('ab', 'c', NULL), ('a', 'bc', NULL), ('c', 'ab', NULL), (NULL, 'abc', NULL), ('abc', NULL, NULL), (NULL, NULL, 'abc'), ('team', 'user_id', NULL), (E'a\x01\x02', 'b', NULL), ('a', E'\x01\x02b', NULL)) AS v (team, user_id, project),
  generate_series(1, 2) AS twice;
SELECT count(DISTINCT attribution_id) AS attributions FROM spend.usage;
SELECT * FROM regress.check_dictionary();
-- More combinations than are remembered as sent, longer ones than are worth it, in one order and in another.
INSERT INTO spend.usage (team, user_id) SELECT 'many', repeat('x', i % 2000) || i FROM generate_series(1, 5000) AS i;
INSERT INTO spend.usage (team, user_id) SELECT 'MANY', repeat('X', i % 2000) || i FROM generate_series(5000, 1, -1) AS i;
SELECT count(DISTINCT attribution_id) AS attributions, count(*), min(rows), max(rows) FROM (SELECT attribution_id, count(*) AS rows FROM spend.usage WHERE lower(team) = 'many' GROUP BY 1) AS a;
SELECT * FROM regress.check_dictionary();
-- Each is in the dictionary once, whatever its length, also those that one command brought together with known ones; what a
-- command inserts while it is under way does not get lost either.
INSERT INTO spend.usage (team, user_id) SELECT 'mixed', CASE WHEN i % 2 = 0 THEN 'new' || i % 600 ELSE repeat('x', 1001) || '1001' END FROM generate_series(1, 2000) AS i;
CREATE FUNCTION regress.nested(i int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO spend.usage (team) VALUES ('inner ' || i % 7), ('inner ' || i); RETURN 'outer ' || i % 7; END $$;
INSERT INTO spend.usage (team) SELECT regress.nested(i) FROM generate_series(1, 20) AS i;
SELECT count(*) AS entries, count(DISTINCT attribution_id) AS attributions, count(*) FILTER (WHERE first_seen_at IS NULL) AS without_time FROM spend.attributions;
SELECT * FROM regress.check_dictionary();
-- A row that is not stored, alone or beside one that is.
INSERT INTO spend.usage (usage_id, team) SELECT min(usage_id), 'never stored' FROM spend.usage ON CONFLICT DO NOTHING;
INSERT INTO spend.usage (usage_id, team) SELECT min(usage_id), 'skipped' FROM spend.usage UNION ALL SELECT nextval('spend.usage_usage_id_seq'), 'stored' ON CONFLICT DO NOTHING;
SELECT count(*) FILTER (WHERE dimensions ->> 'team' = 'never stored') AS alone, count(*) FILTER (WHERE dimensions ->> 'team' = 'stored') AS stored FROM spend.attributions;
-- A combination that a savepoint takes back is stored again when it comes again in the same words.
BEGIN;
SAVEPOINT one;
INSERT INTO spend.usage (team) VALUES ('undone'), ('undone');
ROLLBACK TO one;
INSERT INTO spend.usage (team) VALUES ('undone');
COMMIT;
SELECT * FROM regress.check_dictionary();
BEGIN;
INSERT INTO spend.usage (team) VALUES ('lost');
ROLLBACK;
INSERT INTO spend.usage (team) VALUES ('lost');
SELECT * FROM regress.check_dictionary();
-- A dictionary that lost its entries gets them again.
DELETE FROM spend.attributions WHERE dimensions ->> 'team' = 'lost';
INSERT INTO spend.usage (team) VALUES ('lost');
SELECT * FROM regress.check_dictionary();
-- What a dimension is may change between two rows.
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('user_id', false);
INSERT INTO spend.usage (team, user_id) VALUES ('seen', 'one'), ('seen', 'two');
SELECT count(DISTINCT attribution_id) AS attributions FROM spend.usage WHERE team = 'seen';
DELETE FROM spend.dimensions;
INSERT INTO spend.usage (team, user_id) VALUES ('seen', 'one'), ('seen', 'two'), ('seen', NULL);
SELECT user_id, count(*), count(DISTINCT attribution_id) AS attributions FROM spend.usage WHERE team = 'seen' GROUP BY 1 ORDER BY user_id COLLATE "C";
INSERT INTO spend.dimensions (name, is_rolled_up) VALUES ('squad', true);
INSERT INTO spend.usage (team, tags) VALUES ('seen', '{"squad": "A"}'), ('seen', '{"squad": "a"}'), ('seen', '{"squad": "b"}'), ('seen', '{"squad": null}'), ('seen', NULL);
SELECT count(DISTINCT attribution_id) AS attributions FROM spend.usage WHERE team = 'seen' AND user_id IS NULL;
DELETE FROM spend.dimensions;

-- One transaction of many quarter hours, attributions and currencies, in savepoints that stay and that go; the budgets
-- come after half of the rows. What is stored at its end is what the rows say.
SELECT spend.set_price('mistral', 'euro', '{"currency": "EUR", "rates": {"input_tokens": "3/1M"}}', '-infinity') AS price \gset
SET client_min_messages = error;
BEGIN;
INSERT INTO spend.usage (occurred_at, team, user_id, request_model, input_tokens)
SELECT timestamptz '2026-01-01' + i * interval '7 minutes', 't' || i % 3, 'u' || i % 50, CASE i % 5 WHEN 0 THEN 'euro' WHEN 1 THEN 'unknown' ELSE 'gpt-regress' END, i FROM generate_series(1, 2000) AS i;
DO $$
BEGIN
  FOR i IN 1 .. 60 LOOP
    BEGIN
      INSERT INTO spend.usage (occurred_at, team, user_id, request_model, input_tokens)
      SELECT timestamptz '2026-01-01' + (i * 20 + k) * interval '7 minutes', 't' || k % 3, 'u' || k, 'gpt-regress', k FROM generate_series(1, 40) AS k;
      IF i % 3 = 0 THEN
        RAISE EXCEPTION 'taken back';
      END IF;
    EXCEPTION WHEN raise_exception THEN
    END;
  END LOOP;
END
$$;
INSERT INTO spend.budgets (name, amount, period, group_by, on_exceeded, measure) VALUES
  ('cost', 1000000, 'day', '{team}', 'halt', 'cost'), ('tokens', 100000000, 'hour', '{}', 'alert', 'tokens'), ('calls', 1000000, 'month', '{user_id}', 'reject', 'calls');
INSERT INTO spend.usage (occurred_at, team, user_id, request_model, input_tokens)
SELECT timestamptz '2026-02-01' + i * interval '7 minutes', 't' || i % 3, 'u' || i % 50, CASE i % 5 WHEN 0 THEN 'euro' WHEN 1 THEN 'unknown' ELSE 'gpt-regress' END, i FROM generate_series(1, 1500) AS i;
SAVEPOINT one;
UPDATE spend.usage SET input_tokens = input_tokens + 1 WHERE occurred_at BETWEEN '2026-02-02' AND '2026-02-03';
SAVEPOINT two;
DELETE FROM spend.usage WHERE occurred_at BETWEEN '2026-02-03' AND '2026-02-04';
ROLLBACK TO two;
DELETE FROM spend.usage WHERE occurred_at BETWEEN '2026-02-04' AND '2026-02-04 12:00';
RELEASE one;
COMMIT;
SELECT count(*) > 100 AS has_counters FROM spend._counter_totals;
SELECT * FROM spend.verify();
RESET client_min_messages;
