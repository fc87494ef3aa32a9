-- Outcomes that arrive later: by row, run or request, the same again changes nothing, rollups follow.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('cap', 20, 'total', 'reject');
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') IS NOT NULL AS set;
CALL spend._make_month('2026-01-01');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, run_id, request_id) VALUES
  ('2026-01-10', 'a', 'm', 1, 'run-1', 'req-1'), ('2026-01-31', 'a', 'm', 2, 'run-1', 'req-2'), ('2026-02-01', 'b', 'm', 4, 'run-1', NULL), ('2026-02-02', 'b', 'm', 8, 'run-2', 'req-2'), ('2026-02-03', 'b', 'm', 5, NULL, NULL);
CREATE VIEW regress.outcomes AS
SELECT team, sum(calls) AS calls, trim_scale(sum(cost)) AS cost, sum(accepted_calls) AS accepted, sum(rejected_calls) AS rejected, sum(reviewed_calls) AS reviewed, trim_scale(sum(accepted_cost)) AS accepted_cost,
       sum(failed_calls) AS failed, sum(abandoned_calls) AS abandoned, sum(blocked_calls) AS blocked
FROM (SELECT dimension_value AS team, e.* FROM spend.efficiency AS e WHERE dimension = 'team') AS e GROUP BY 1
UNION ALL SELECT 'verify', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM spend.verify() UNION ALL SELECT 'verify_rollups', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM spend.verify_rollups() ORDER BY 1;

SELECT spend.record_outcome(1, accepted => true);
SELECT spend.record_outcome(run_id => 'run-1', human_reviewed => true, status => 'ok', reason => 'reviewed on Monday');
SELECT spend.record_outcome(request_id => 'req-2', accepted => false, blocked_reason => 'personal data');
SELECT usage_id, accepted, human_reviewed, status, blocked_reason, trim_scale(cost) AS cost FROM spend.usage ORDER BY usage_id;
SELECT * FROM regress.outcomes;
SELECT kind, usage_id, old_values, new_values, trim_scale(new_cost) AS cost, reason FROM spend.adjustments ORDER BY batch_id, usage_id;
-- The same again changes nothing and says the same; another outcome replaces it, and both are known.
SELECT count(*) AS adjustments FROM spend.adjustments;
SELECT spend.record_outcome(1, accepted => true), spend.record_outcome(run_id => 'run-1', human_reviewed => true), spend.record_outcome(request_id => 'req-2', blocked_reason => 'personal data');
SELECT count(*) AS adjustments FROM spend.adjustments;
SELECT spend.record_outcome(request_id => 'req-2', run_id => 'run-1', accepted => true, blocked_reason => '');
SELECT usage_id, accepted, blocked_reason FROM spend.usage WHERE request_id = 'req-2' ORDER BY 1;
SELECT * FROM regress.outcomes;
SELECT item, regexp_replace(detail, ' at .* by ', ' at ... by ') ~ '"accepted": false.* to .*"accepted": true.*, at ... by' AS told FROM spend.explain(2) WHERE kind = 'adjustment' ORDER BY line DESC LIMIT 1;
-- A cost that prices of today would not give stays; a cap that is full refuses nothing here.
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "9/1"}}';
SELECT spend.record_outcome(run_id => 'run-2', status => 'Timed out');
SELECT regress.error($$INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 1)$$);
SELECT * FROM regress.outcomes;
-- A voided row has none.
SELECT batch_id IS NOT NULL AS voided FROM spend.void(5, 'test');
SELECT spend.record_outcome(5, accepted => true);
-- Nobody of that name yet, whatever the name is; nothing named, nothing said.
SELECT spend.record_outcome(99, accepted => true), spend.record_outcome(run_id => 'x'' OR true; --', accepted => true), spend.record_outcome(run_id => 'RUN-1', accepted => true);
SELECT regress.error('SELECT spend.record_outcome(accepted => true)'), regress.error($$SELECT spend.record_outcome(run_id => '', accepted => true)$$), regress.error('SELECT spend.record_outcome(1)');
BEGIN;
SELECT spend.record_outcome(3, accepted => false);
ROLLBACK;
SELECT * FROM regress.outcomes;
SELECT count(*) > 0 AS folded FROM spend.maintain(0);
SELECT * FROM regress.outcomes;

-- A writer may, for what it can name, and reads nothing by it.
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_reader, regress_writer;
CREATE ROLE regress_reader;
CREATE ROLE regress_writer;
SELECT spend.grant_access('regress_reader', 'reader'), spend.grant_access('regress_writer', 'writer') \gset grant_
RESET client_min_messages;
SET ROLE regress_reader;
SELECT regress.error('SELECT spend.record_outcome(1, accepted => true)');
SET ROLE regress_writer;
SELECT spend.record_outcome(run_id => 'run-2', accepted => true), spend.record_outcome(run_id => 'run-2', accepted => true);
SELECT regress.error('SELECT accepted FROM spend.usage'), regress.error('UPDATE spend.usage SET accepted = true');
RESET ROLE;
SELECT kind, usage_id, new_values, adjusted_by = session_user AS by_session FROM spend.adjustments ORDER BY adjustment_id DESC LIMIT 1;
SELECT * FROM regress.outcomes;
SET client_min_messages = error;
DROP OWNED BY regress_reader, regress_writer;
DROP ROLE regress_reader, regress_writer;
