-- Usage of very many users under a budget of each user: as many counters. A thousand users to a transaction. psql variable: counters.
INSERT INTO spend.budgets (name, amount, on_exceeded, group_by) VALUES ('each user', 1e9, 'reject', '{user_id}');
SELECT format('INSERT INTO spend.usage (team, user_id, request_model, input_tokens) SELECT %L, %L || i, %L, 1 FROM generate_series(%s, %s) AS i',
              't0', 'c', 'm', first, least(first + 999, :counters))
FROM generate_series(1, :counters, 1000) AS first \gexec
DO $$ BEGIN PERFORM spend.maintain(0); END $$;
VACUUM ANALYZE;
