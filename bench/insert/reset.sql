-- Empties every table that a benchmark fills, and sets the budgets. psql variable: on_exceeded, '' for no budgets.
TRUNCATE spend.usage, spend.attributions, spend.counters, spend.counter_deltas, spend.alerts;
TRUNCATE bench.plain, bench.peer, bench.peer_budgets, bench.peer_rollup;
DELETE FROM spend.budgets;
INSERT INTO spend.budgets (name, group_by, amount, on_exceeded)
SELECT b.name, b.group_by, 1000000000, :'on_exceeded'
FROM (VALUES ('all', '{}'::text[]), ('department', '{department}'), ('team', '{team}')) AS b (name, group_by)
WHERE :'on_exceeded' <> '';
INSERT INTO bench.peer_budgets (level, value, period_start, amount)
SELECT b.level, b.value, date_trunc('month', now()), 1000000000
FROM (
  SELECT 'all', ''
  UNION ALL SELECT 'department', 'dept-' || i FROM generate_series(0, 4) AS i
  UNION ALL SELECT 'team', 'team-' || i FROM generate_series(0, 49) AS i
) AS b (level, value);
-- Emptying the movements by hand is what counters in memory remember as lost, until the next folding.
SELECT spend._fold_counters();
VACUUM ANALYZE spend.counters, spend.counter_deltas, spend.budgets, bench.peer_budgets;
CHECKPOINT;
