-- Recorded rows are corrected: amended, voided. What was is kept; prices, budgets and rollups follow by the difference.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

INSERT INTO spend.settings DEFAULT VALUES;
INSERT INTO spend.dimensions (name) VALUES ('ticket');
INSERT INTO spend.budgets (name, amount, group_by, period, on_exceeded, on_unpriced) VALUES ('all', 1000, '{}', 'total', 'alert', 'allow'), ('teams', 1000, '{team}', 'total', 'alert', 'allow'), ('cap', 25, '{}', 'total', 'reject', 'allow');
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1", "output_tokens": "2/1", "web_searches": "0.5/1"}}', '2026-01-01') AS first, spend.set_price('maker', 'n', '{"currency": "EUR", "rates": {"input_tokens": "3/1"}}', '2026-01-01') AS euro \gset
CALL spend._make_month('2026-01-01');
INSERT INTO spend.usage (occurred_at, team, feature, request_model, input_tokens, output_tokens, other_usage, tags, request_id, run_id, source, idempotency_key) VALUES
  ('2026-01-10', 'a', 'f', 'm', 10, 1, NULL, '{"ticket": "T-1", "note": "x"}', 'req-1', 'run-1', 'app', 'k1'), ('2026-01-11', 'a', NULL, 'm', 4, NULL, '{"web_searches": 2}', NULL, 'req-2', 'run-1', NULL, NULL),
  ('2026-02-01', 'b', NULL, 'm', 2, NULL, NULL, NULL, 'req-3', 'run-2', NULL, NULL), ('2026-02-02', 'b', NULL, 'n', 1, NULL, NULL, NULL, 'req-4', 'run-2', NULL, NULL);
CREATE VIEW regress.books AS
SELECT b.name, c.group_values::text AS group_values, trim_scale(c.spent) AS spent, c.calls, c.unpriced_calls FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id)
UNION ALL SELECT 'view', team || ' ' || currency, trim_scale(sum(cost)), sum(calls), sum(unpriced_calls) FROM spend.daily_spend GROUP BY 1, 2
UNION ALL SELECT 'verify', v::text, NULL, NULL, NULL FROM spend.verify() AS v UNION ALL SELECT 'verify_rollups', v::text, NULL, NULL, NULL FROM spend.verify_rollups() AS v ORDER BY 1, 2;
SELECT * FROM regress.books;

-- Quantities: the row is priced again at its own time, and nothing is refused, though the cap is exceeded by it.
SELECT * FROM spend.amend(1, '{"input_tokens": 20, "output_tokens": null}', 'app counted twice');
SELECT usage_id, input_tokens, output_tokens, trim_scale(cost) AS cost, pricing_status FROM spend.usage WHERE usage_id = 1;
SELECT * FROM regress.books;
SELECT regress.error($$INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 1)$$);
-- What was is kept, who and why.
SELECT adjustment_id, batch_id, kind, usage_id, occurred_at, provider, model, old_values, new_values, trim_scale(old_cost) AS old_cost, trim_scale(new_cost) AS new_cost, reason, adjusted_by = session_user AS by_us FROM spend.adjustments;
-- Nothing to change leaves no trace, and the cost of a row whose price does not depend on a change stays, whatever prices have become.
SELECT * FROM spend.amend(1, '{"input_tokens": 20.0}', 'again');
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "100/1"}}' WHERE price_id = :first;
SELECT * FROM spend.amend(1, '{"team": "A "}', 'written in another way');
SELECT * FROM spend.amend(1, '{"team": "c", "ticket": "T-2", "accepted": true, "status": "error", "run_id": "run-9", "started_at": "2026-01-10"}', 'wrong team');
SELECT team, tags, accepted, status, run_id, started_at, trim_scale(cost) AS cost, d.dimensions FROM spend.usage AS u JOIN spend.attributions AS d USING (attribution_id) WHERE usage_id = 1;
SELECT old_values, new_values, old_attribution_id <> attribution_id AS moved FROM spend.adjustments WHERE adjustment_id = 2;
SELECT * FROM regress.books;
UPDATE spend.prices SET price = '{"rates": {"input_tokens": "1/1", "output_tokens": "2/1", "web_searches": "0.5/1"}}' WHERE price_id = :first;
-- Tags: one of them, the whole, none; a meter without a column.
SELECT batch_id FROM spend.amend(1, '{"ticket": null}', 'no ticket');
SELECT batch_id FROM spend.amend(2, '{"tags": {"a": {"b": null}}, "ticket": "T-3", "other_usage": {"web_searches": 3}}', 'whole');
SELECT batch_id FROM spend.amend(2, '{"other_usage": {"web_searches": 3}, "tags": {"ticket": "T-3", "a": {"b": null}}}', 'the same');
SELECT usage_id, tags, other_usage FROM spend.usage WHERE usage_id < 3 ORDER BY 1;
SELECT old_values, new_values FROM spend.adjustments WHERE adjustment_id > 2 ORDER BY adjustment_id;
-- A model that nobody knows makes the row unpriced, another currency moves it there; both ways are in the books.
SELECT * FROM spend.amend(3, '{"request_model": "unknown"}', 'model', '2026-02-01');
SELECT * FROM spend.amend(4, '{"request_model": "m"}', 'model');
SELECT * FROM regress.books;
SELECT * FROM spend.amend(3, '{"request_model": "m"}', 'model');

-- What cannot be changed, and what is no change.
SELECT c AS changes, regress.error(format('SELECT spend.amend(1, %L, ''why'')', c)) FROM unnest(ARRAY['{"occurred_at": "2026-01-01"}', '{"idempotency_key": "k"}', '{"source": "s"}', '{"cost": 0}', '{"usage_id": 3}', '{"hold_id": 1}', '{"nobody": 1}',
  '{"input_tokens": -1}', '{"input_tokens": "NaN"}', '{"input_tokens": [1]}', '{"input_tokens": "many"}', '{"accepted": "perhaps"}', '{"tags": 1}', '{"other_usage": [1]}', '{"team": {"a": 1}}', '{}', '[]', 'null', '{"team''; DROP TABLE spend.usage; --": 1}', '{"started_at": "infinity"}']) AS c;
SELECT regress.error($$SELECT spend.amend(1, '{"team": "x"}', NULL)$$), regress.error($$SELECT spend.amend(1, '{"team": "x"}', '  ')$$);
SELECT regress.error($$SELECT spend.amend(99, '{"team": "x"}', 'why')$$), regress.error($$SELECT spend.amend(1, '{"team": "x"}', 'why', '2026-01-01')$$), regress.error($$SELECT spend.amend(NULL, '{"team": "x"}', 'why')$$);

-- A void takes the row out of all sums; it stays to be read. Once only, and nothing gives it a cost again.
SELECT * FROM spend.void(2, 'a test');
SELECT usage_id, input_tokens, trim_scale(cost) AS cost, trim_scale(list_cost) AS list_cost, currency, pricing_status, pricing_reason FROM spend.usage WHERE usage_id = 2;
SELECT * FROM regress.books;
SELECT usage_id, run_status, trim_scale(cost) AS cost, input_tokens, output_tokens FROM spend.usage_detail ORDER BY usage_id;
SELECT regress.error($$SELECT spend.void(2, 'again')$$), regress.error($$SELECT spend.amend(2, '{"team": "x"}', 'again')$$);
-- Nor does the owner's UPDATE attribute it anew, to what no sum and so no dictionary knows.
BEGIN;
UPDATE spend.usage SET team = 'nobody else has it' WHERE usage_id = 2;
SELECT a.dimensions, d.run_status FROM spend.usage AS u JOIN spend.attributions AS a USING (attribution_id) JOIN spend.usage_detail AS d USING (usage_id) WHERE u.usage_id = 2;
ROLLBACK;
UPDATE spend.usage SET input_tokens = 1000, request_model = 'n', cost = 5, pricing_status = 'priced' WHERE usage_id = 2;
SELECT count(*) AS repriced FROM spend.reprice('-infinity', filter => '{"usage_id": 2}');
SELECT trim_scale(cost) AS cost, pricing_status, trim_scale(spend.what_if(u, (SELECT spend.price_table(p) FROM spend.prices AS p))) AS what_if FROM spend.usage AS u WHERE usage_id = 2;
SELECT unit, units, trim_scale(cost) AS cost FROM spend.call_costs ORDER BY period_start, unit, currency;
SELECT * FROM regress.books;
-- Its key stays taken: the same message does not bring it back.
SELECT batch_id FROM spend.void(1, 'counted twice');
INSERT INTO spend.usage (occurred_at, team, feature, request_model, input_tokens, output_tokens, tags, request_id, run_id, source, idempotency_key) VALUES ('2026-01-10', 'a', 'f', 'm', 10, 1, '{"ticket": "T-1", "note": "x"}', 'req-1', 'run-1', 'app', 'k1');
SELECT count(*) AS rows, count(*) FILTER (WHERE pricing_status = 'voided') AS voided FROM spend.usage;
-- A row that the owner pretends to be voided is an ordinary one.
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, pricing_status, cost) VALUES ('2026-02-03', 'z', 'm', 1, 'voided', 0);
SELECT trim_scale(cost) AS cost, pricing_status FROM spend.usage WHERE team = 'z';
DELETE FROM spend.usage WHERE usage_id = 2;
SELECT * FROM regress.books;
SELECT item, regexp_replace(detail, ' at .* by [^:]*', ' at ... by us') AS detail FROM spend.explain(1) WHERE kind = 'adjustment' OR item IN ('status', 'cost');
SELECT kind, trim_scale(amount) AS amount FROM spend.explain(1) WHERE amount IS NOT NULL;

-- Many at once: by request, run, or whatever a filter names. A dry run says the same and leaves nothing.
SELECT * FROM spend.amend_where('-infinity', 'infinity', '{"request_id": ["req-3", "req-4", "req-1"]}', '{"input_tokens": 7}', dry_run => true);
SELECT count(*) AS adjustments FROM spend.adjustments WHERE new_values ->> 'input_tokens' = '7';
SELECT provider, model, currency, calls, old_cost, new_cost, difference FROM spend.amend_where('-infinity', 'infinity', '{"request_id": ["req-3", "req-4", "req-1"]}', '{"input_tokens": 7}', 'by request');
SELECT * FROM spend.amend_where('-infinity', 'infinity', '{"request_id": ["req-3", "req-4"]}', '{"input_tokens": 7}', 'again');
SELECT * FROM spend.amend_where('2026-02-01', '2026-02-02', '{}', '{"request_model": "n"}', dry_run => true);
SELECT * FROM spend.void_where('-infinity', 'infinity', '{"run_id": "run-2"}', dry_run => true);
SELECT provider, model, currency, calls, old_cost, new_cost, difference FROM spend.void_where('-infinity', 'infinity', '{"run_id": "run-2"}', 'whole run was a test');
SELECT * FROM spend.void_where('-infinity', 'infinity', '{"run_id": "run-2"}', 'again');
SELECT regress.error($$SELECT spend.void_where('-infinity', 'infinity', '{}')$$), regress.error($$SELECT spend.amend_where('-infinity', 'infinity', '{}', '{"team": "x"}')$$), regress.error($$SELECT spend.void_where(NULL, 'infinity', '{}', 'why')$$);
SELECT * FROM regress.books;

-- A savepoint takes all of it back.
BEGIN;
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES ('2026-02-04', 'y', 'm', 1) RETURNING usage_id AS own \gset
SAVEPOINT a;
SELECT old_cost, new_cost FROM spend.amend(:own, '{"input_tokens": 9}', 'own row');
SELECT old_cost FROM spend.void(:own, 'own row');
SELECT * FROM spend.verify();
ROLLBACK TO a;
SELECT old_cost, new_cost FROM spend.amend(:own, '{"input_tokens": 3}', 'own row');
COMMIT;
SELECT * FROM regress.books;
SELECT count(*) FILTER (WHERE action = 'folded deltas') AS folded FROM spend.maintain(0);
SELECT * FROM regress.books;

-- Who may do it, and who may read it.
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_reader, regress_scoped, regress_writer, regress_admin;
CREATE ROLE regress_reader;
CREATE ROLE regress_scoped;
CREATE ROLE regress_writer;
CREATE ROLE regress_admin;
SELECT spend.grant_access('regress_reader', 'reader'), spend.grant_access('regress_scoped', 'reader', '{"team": "c"}'), spend.grant_access('regress_writer', 'writer'), spend.grant_access('regress_admin', 'admin') \gset grant_
RESET client_min_messages;
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
SELECT r AS role, regress.as_role(r, $$SELECT spend.amend(5, '{"status": "ok"}', 'why')$$) AS amend, regress.as_role(r, $$SELECT spend.void_where('-infinity', '-infinity', '{}', 'why')$$) AS void_where,
       regress.as_role(r, $$SELECT spend._correct_rows('void', 1, '', 'UPDATE spend.usage SET cost = 0', now(), now())$$) AS internal, regress.as_role(r, $$SELECT spend._correct_row('void', 5, NULL, true, '', 'cost = 0', 'true')$$) AS internal_row
FROM unnest(ARRAY['regress_reader', 'regress_scoped', 'regress_writer', 'regress_admin']) AS r;
SET ROLE regress_reader;
SELECT usage_id, kind, old_values, new_values FROM spend.adjustment_detail ORDER BY adjustment_id LIMIT 3;
-- What came from another team is seen as far as it is of one's own.
SET ROLE regress_scoped;
SELECT usage_id, kind, old_values, new_values FROM spend.adjustment_detail ORDER BY adjustment_id LIMIT 3;
SELECT item, regexp_replace(detail, ' at .* by [^:]*', ' at ... by us') AS detail FROM spend.explain(1) WHERE kind = 'adjustment';
RESET ROLE;
SET client_min_messages = error;
DROP OWNED BY regress_reader, regress_scoped, regress_writer, regress_admin;
DROP ROLE regress_reader, regress_scoped, regress_writer, regress_admin;
