-- The first row under a budget that is younger than the usage: its counter is summed. Prints milliseconds, total and calls, less this row.
-- psql variables: period, grouping.
\set ON_ERROR_STOP on
\o /dev/null
INSERT INTO spend.budgets (name, amount, period, group_by, on_exceeded) VALUES ('new', 1000000000, :'period', :'grouping', 'alert');
SELECT clock_timestamp() AS start \gset
INSERT INTO spend.usage (team, department, provider, request_model, input_tokens) VALUES ('team-1', 'dept-1', 'maker', 'm1', 0);
\o
SELECT round(1000 * extract(epoch FROM clock_timestamp() - :'start'), 1), c.spent, c.calls - 1 FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id);
\o /dev/null
DELETE FROM spend.budgets;
DELETE FROM spend.counters;
DELETE FROM spend.usage WHERE occurred_at = (SELECT max(occurred_at) FROM spend.usage) AND input_tokens = 0;
