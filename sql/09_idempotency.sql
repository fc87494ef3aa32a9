-- Idempotency: a key and its payload are one fact, whenever and however often they come.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('openai', 'gpt-regress', '{"rates": {"input_tokens": "2/1M"}}', '-infinity') AS price \gset
CREATE VIEW regress.conflicts AS
SELECT source, idempotency_key AS key, usage_id, refused_row ->> 'input_tokens' AS input_tokens, refused_row ->> 'cost_center' AS cost_center FROM spend.usage_conflicts;

INSERT INTO spend.usage (occurred_at, source, idempotency_key, request_model, input_tokens) VALUES ('2026-05-01', 'app', 'k1', 'gpt-regress', 1000000) RETURNING usage_id, cost;
-- The same fact again, with another time of its own or of another month: skipped, returns no row.
INSERT INTO spend.usage (occurred_at, source, idempotency_key, request_model, input_tokens) VALUES ('2026-05-01', 'app', 'k1', 'gpt-regress', 1000000) RETURNING usage_id;
INSERT INTO spend.usage (occurred_at, source, idempotency_key, request_model, input_tokens) VALUES ('2026-08-09', 'app', 'k1', 'gpt-regress', 1000000) RETURNING usage_id;
INSERT INTO spend.usage (source, idempotency_key, request_model, input_tokens) VALUES ('app', 'k1', 'gpt-regress', 1000000) RETURNING usage_id;
-- Equal values are equal, however they are written and whatever the session's settings are.
INSERT INTO spend.usage (source, idempotency_key, request_model, input_tokens, department, tags) VALUES ('app', 'k1', 'gpt-regress', 1000000.000, '', NULL) RETURNING usage_id;
SELECT count(*) AS rows, sum(cost) AS cost FROM spend.usage;
SELECT * FROM regress.conflicts;
-- Another payload under the key: skipped as well, but kept for a person to look at.
INSERT INTO spend.usage (source, idempotency_key, request_model, input_tokens, cost_center) VALUES ('app', 'k1', 'gpt-regress', 999, 'CC-9') RETURNING usage_id;
INSERT INTO spend.usage (source, idempotency_key, request_model, input_tokens) VALUES ('app', 'k1', 'gpt-regress-2', 1000000) RETURNING usage_id;
SELECT * FROM regress.conflicts ORDER BY input_tokens;
SELECT refused_row - ARRAY['usage_id', 'occurred_at'] AS refused_row FROM (SELECT jsonb_strip_nulls(refused_row) AS refused_row FROM spend.usage_conflicts) AS c WHERE refused_row ->> 'cost_center' = 'CC-9';
-- Times, tags and quantities are compared by value, not by how this session writes them.
BEGIN;
SET LOCAL TimeZone = 'Asia/Kolkata';
SET LOCAL DateStyle = 'SQL, DMY';
INSERT INTO spend.usage (occurred_at, source, idempotency_key, started_at, tags, other_usage, input_tokens, reported_cost)
VALUES ('2026-05-01 00:00+00', 'app', 'k2', '2026-05-01 00:00:00+00', '{"b": 1, "a": 2}', '{"pages": 1.0}', 5.10, 0.500) RETURNING usage_id IS NOT NULL AS stored;
COMMIT;
INSERT INTO spend.usage (occurred_at, source, idempotency_key, started_at, tags, other_usage, input_tokens, reported_cost)
VALUES ('2026-05-01 00:00+00', 'app', 'k2', '2026-05-01 02:00:00+02', '{"a": 2, "b": 1}', '{"pages": 1}', 5.1, 0.5) RETURNING usage_id;
SELECT count(*) AS conflicts FROM regress.conflicts WHERE key = 'k2';
INSERT INTO spend.usage (occurred_at, source, idempotency_key, started_at, tags, other_usage, input_tokens, reported_cost)
VALUES ('2026-05-01 00:00+00', 'app', 'k2', '2026-05-01 00:00:01+00', '{"a": 2, "b": 1}', '{"pages": 1}', 5.1, 0.5) RETURNING usage_id;
SELECT count(*) AS conflicts FROM regress.conflicts WHERE key = 'k2';

-- Keys belong to their source; no source and '' are one. A key of '' is none.
INSERT INTO spend.usage (occurred_at, source, idempotency_key, input_tokens) VALUES ('2026-05-02', 'other', 'k1', 1), ('2026-05-02', NULL, 'k1', 1), ('2026-05-02', '', 'k1', 1), ('2026-05-02', 'App', 'k1', 1), ('2026-05-02', 'app', 'K1', 1)
RETURNING source, idempotency_key;
INSERT INTO spend.usage (occurred_at, source, idempotency_key, input_tokens) VALUES ('2026-05-02', 'app', '', 1), ('2026-05-02', 'app', '', 1), ('2026-05-02', 'app', NULL, 1) RETURNING source, idempotency_key IS NULL AS without_key;
-- Source and key do not run together.
INSERT INTO spend.usage (occurred_at, source, idempotency_key, input_tokens) VALUES ('2026-05-02', 'ab', 'c', 1), ('2026-05-02', 'a', 'bc', 1) RETURNING source, idempotency_key;
SELECT source, idempotency_key, usage_id IN (SELECT u.usage_id FROM spend.usage AS u) AS row_exists FROM spend.usage_keys ORDER BY source COLLATE "C", idempotency_key COLLATE "C";

-- Twice in one statement, through COPY, in one transaction, across a savepoint.
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-03', 'twice', 1), ('2026-06-03', 'twice', 1), ('2026-05-03', 'twice', 2), ('2026-05-03', 'once', 3) RETURNING idempotency_key, input_tokens;
COPY spend.usage (occurred_at, idempotency_key, input_tokens) FROM STDIN;
2026-05-03 00:00:00+00	copied	1
2026-05-03 00:00:00+00	copied	1
2026-05-03 00:00:00+00	once	3
\.
SELECT idempotency_key, count(*) FROM spend.usage WHERE idempotency_key IN ('twice', 'once', 'copied') GROUP BY 1 ORDER BY idempotency_key COLLATE "C";
BEGIN;
SAVEPOINT a;
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-04', 'retried', 1) RETURNING input_tokens AS stored;
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-04', 'retried', 1) RETURNING input_tokens AS skipped;
ROLLBACK TO a;
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-04', 'retried', 2) RETURNING input_tokens AS stored_after_rollback;
COMMIT;
BEGIN;
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-04', 'undone', 1);
ROLLBACK;
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-04', 'undone', 1) RETURNING input_tokens AS stored;
-- A row that is refused leaves no key behind.
SELECT split_part(regress.error($$INSERT INTO spend.usage (idempotency_key, input_tokens) VALUES ('refused', 1), ('refused-too', -1)$$), E'\n', 1) AS error;
SELECT count(*) AS keys FROM spend.usage_keys WHERE idempotency_key LIKE 'refused%';
-- A skipped row is counted nowhere; a deleted row does not come back: its key outlives it.
INSERT INTO spend.budgets (name, amount, measure, period) VALUES ('calls', 100, 'calls', 'total');
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-05', 'counted', 1), ('2026-05-05', 'counted', 1);
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-05', 'counted', 1);
SELECT spent = (SELECT count(*) FROM spend.usage) AS counts_rows FROM spend._counter_totals;
DELETE FROM spend.usage WHERE idempotency_key = 'counted';
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-05', 'counted', 1) RETURNING usage_id;
SELECT spent = (SELECT count(*) FROM spend.usage) AS counts_rows FROM spend._counter_totals;
SELECT * FROM spend.verify();
-- Keys are kept over months and partitions.
SELECT count(*) > 0 AS maintained FROM spend.maintain();
INSERT INTO spend.usage (occurred_at, source, idempotency_key, request_model, input_tokens) VALUES ('2026-05-09', 'app', 'k1', 'gpt-regress', 1000000) RETURNING usage_id;
-- Serializable and repeatable read transactions meet no failure of our making.
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-06', 'twice', 1), ('2026-05-06', 'serial', 1) RETURNING idempotency_key;
COMMIT;
-- Long keys: up to 2,000 bytes with the source; any characters.
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) VALUES ('2026-05-07', repeat(U&'\00e9', 1000), 1), ('2026-05-07', repeat(U&'\00e9', 1000), 1), ('2026-05-07', E'a\tb\n''"\\', 1) RETURNING length(idempotency_key);
SELECT regress.error($$INSERT INTO spend.usage (idempotency_key, input_tokens) VALUES (repeat('k', 2001), 1)$$);
SELECT regress.error($$INSERT INTO spend.usage (source, idempotency_key, input_tokens) VALUES (repeat('s', 1999), 'kk', 1)$$);
-- A thousand facts, three times each.
INSERT INTO spend.usage (occurred_at, idempotency_key, input_tokens) SELECT '2026-05-08', 'many-' || i % 1000, i % 1000 FROM generate_series(1, 3000) AS i;
SELECT count(*) AS rows, count(DISTINCT idempotency_key) AS keys FROM spend.usage WHERE idempotency_key LIKE 'many-%';
SELECT count(*) AS conflicts FROM spend.usage_conflicts WHERE idempotency_key ~ '^many-';
SELECT * FROM spend.verify();
