-- A refusal is not silent although its transaction is gone: counted, announced once per counter, in the server's log. That takes shared
-- memory (scripts/check runs this file with it); where there is none, only the log has it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SET client_min_messages = error;
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS m \gset
INSERT INTO spend.budgets (name, amount, period, group_by, on_exceeded) VALUES ('cap', 10, 'total', '{}', 'reject'), ('users', 7, 'total', '{user_id}', 'reject');
RESET client_min_messages;
SELECT refused_calls, refused_cost, debt FROM spend.budget_status ORDER BY 1;
INSERT INTO spend.usage (request_model, input_tokens, user_id) VALUES ('m', 8, 'ada');
INSERT INTO spend.usage (request_model, input_tokens, user_id) VALUES ('m', 8, 'ada');
INSERT INTO spend.usage (request_model, input_tokens, user_id) VALUES ('m', 6, 'bob');
INSERT INTO spend.usage (request_model, input_tokens, user_id) VALUES ('m', 5, 'ada');
DO $$
BEGIN
  INSERT INTO spend.usage (request_model, input_tokens, user_id) VALUES ('m', 4, 'ada'), ('m', 1, 'bob');
EXCEPTION WHEN SQLSTATE 'SP001' THEN
  RAISE NOTICE 'refused';
END
$$;
-- Both modes are right: nothing is counted without shared memory, which PostgreSQL 17 and later have unasked.
CREATE VIEW regress.mode AS SELECT CASE WHEN counter_mode = 'shared' OR current_setting('server_version_num')::integer >= 170000 THEN 'shared' END AS counter_mode FROM spend.status;
CREATE VIEW regress.refused AS SELECT budget_name, group_label, round(spent) AS spent, refused_calls, round(refused_cost) AS refused_cost FROM spend.budget_status;
SELECT bool_and(CASE WHEN counter_mode = 'shared' THEN (refused_calls, refused_cost) = (CASE budget_name || group_label WHEN 'cap' THEN (2::bigint, 6::numeric) WHEN 'usersuser_id=ada' THEN (2::bigint, 16::numeric) ELSE (0::bigint, 0::numeric) END)
    ELSE refused_calls = 0 END) AS as_it_should
FROM regress.refused CROSS JOIN regress.mode;
-- Maintenance writes them down; a second one has nothing to add.
SELECT count(*) >= 0 AS maintained FROM spend.maintain(0);
SELECT (SELECT array_agg((a.budget_name, a.group_values, a.spent, a.amount)::text ORDER BY a.budget_name) FROM spend.alerts AS a WHERE a.event = 'budget_exhausted')
  IS NOT DISTINCT FROM CASE counter_mode WHEN 'shared' THEN ARRAY['(cap,{},6,10)', '(users,"{""user_id"": ""ada""}",0,7)'] END AS announced
FROM regress.mode;
INSERT INTO spend.usage (request_model, input_tokens, user_id) VALUES ('m', 8, 'ada');
SELECT count(*) >= 0 AS maintained FROM spend.maintain(0);
SELECT (SELECT count(*) FROM spend.alerts WHERE event = 'budget_exhausted') = CASE counter_mode WHEN 'shared' THEN 2 ELSE 0 END AS once FROM regress.mode;
SELECT sum(refused_calls) = CASE counter_mode WHEN 'shared' THEN 5 ELSE 0 END AS counted FROM regress.refused CROSS JOIN regress.mode GROUP BY counter_mode;
-- Written down in a savepoint that is rolled back: still there.
INSERT INTO spend.usage (request_model, input_tokens, user_id) VALUES ('m', 8, 'ada');
BEGIN;
SAVEPOINT a;
SELECT spend._write_refusals() >= 0 AS written;
ROLLBACK TO a;
COMMIT;
SELECT sum(refused_calls) = CASE counter_mode WHEN 'shared' THEN 6 ELSE 0 END AS counted FROM regress.refused CROSS JOIN regress.mode GROUP BY counter_mode;
-- Recorded facts above the limit are debt, and shut the gate.
UPDATE spend.budgets SET amount = 5 WHERE name = 'cap';
SELECT round(debt) AS debt, is_exceeded FROM spend.budget_status WHERE budget_name = 'cap';
UPDATE spend.usage SET input_tokens = 7.5;
SELECT budget_name, round(debt, 1) AS debt FROM spend.budget_status WHERE spent > 0 ORDER BY 1;
INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 0.1);
SELECT * FROM spend.verify();
