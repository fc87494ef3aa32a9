-- Closed periods: a statement does not change any more; what is corrected afterwards, or comes late, is booked in the next one.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all

INSERT INTO spend.settings (time_zone) VALUES ('Asia/Kolkata');
INSERT INTO spend.cost_centers (code, department, is_charged_back) VALUES ('cc-1', 'r&d', true), ('cc-2', 'r&d', false);
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('all', 1000, 'total', 'alert');
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "0.333/1"}}', '-infinity') IS NOT NULL AS set, spend.set_price('maker', 'n', '{"currency": "JPY", "rates": {"input_tokens": "1.5/1"}}', '-infinity') IS NOT NULL AS yen;
-- The month ends in the organisation's zone: the second row is of February there.
INSERT INTO spend.usage (occurred_at, cost_center, request_model, input_tokens) VALUES
  ('2025-12-10', 'cc-1', 'm', 1), ('2026-01-31 18:30', 'cc-1', 'm', 2), ('2026-01-31 18:29:59', 'cc-1', 'm', 4), ('2026-01-15', 'cc-2', 'm', 8), ('2026-01-15', NULL, 'n', 1), ('2026-01-15', 'cc-3', 'n', 1), ('2026-02-10', 'cc-2', 'm', 16);
CREATE VIEW regress.lines AS
SELECT period_start, usage_start_date, charge_class, cost_center, department, currency, trim_scale(amount) AS amount, trim_scale(chargeback) AS chargeback, trim_scale(exact_amount) AS exact_amount, calls FROM spend.statement_lines ORDER BY 1, 2, 4, 6;
SELECT * FROM spend.close_period('2026-01-01', 'January is done');
SELECT * FROM regress.lines;
SELECT period_start, period_start_at, period_end_at, closed_at > now() - interval '1 hour' AS now, closed_by = session_user AS by_us, reason FROM spend.periods;
SELECT p AS period, regress.error(format('SELECT spend.close_period(%L)', p)) LIKE 'SP008: %' AS is_closed FROM unnest(ARRAY['2026-01-01', '2025-12-01']) AS p;
SELECT regress.error($$SELECT spend.close_period('2026-02-02')$$), regress.error('SELECT spend.close_period(NULL)'), split_part(regress.error(format('SELECT spend.close_period(%L)', date_trunc('month', now() AT TIME ZONE 'Asia/Kolkata')::date)), E'\n', 1) ~ '^55000: period .* is not over$' AS not_over;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT regress.error($$SELECT spend.close_period('2026-02-01')$$);
COMMIT;

-- Single rows: refused, unless told otherwise. What is of the open period goes as ever. An outcome is no matter of money.
SELECT regress.error($$SELECT spend.amend(3, '{"input_tokens": 40}', 'why')$$), regress.error($$SELECT spend.void(4, 'why')$$);
SELECT old_cost, new_cost FROM spend.amend(2, '{"input_tokens": 3}', 'open');
SELECT spend.record_outcome(3, accepted => true);
SELECT old_cost, new_cost FROM spend.amend(3, '{"input_tokens": 40}', 'why', include_closed => true);
SELECT old_cost FROM spend.void(4, 'why', include_closed => true);
-- Ranges: closed periods are left alone, and that is said; unless told otherwise.
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "0.5/1"}}', '-infinity') IS NOT NULL AS set;
SELECT currency, calls, old_cost, new_cost FROM spend.reprice('-infinity', dry_run => true);
SELECT currency, calls, old_cost, new_cost FROM spend.reprice('-infinity', reason => 'open only');
SELECT currency, calls, old_cost, new_cost FROM spend.reprice('-infinity', filter => '{"usage_id": 1}', reason => 'all', include_closed => true);
SELECT calls FROM spend.amend_where('2026-01-01', '2026-03-01', '{"model": "m"}', '{"status": "ok"}', dry_run => true);
SELECT calls FROM spend.void_where('2026-01-01', '2026-01-02', '{}', 'nothing there');
SELECT old_dimensions, new_dimensions, currency, calls FROM spend.reattribute('2026-01-15', '2026-01-16', dry_run => true, dimensions => '{"cost_center": "cc-9"}');
SELECT old_dimensions, new_dimensions, currency, calls FROM spend.reattribute('2026-01-15', '2026-01-16', filter => '{"cost_center": "cc-3"}', reason => 'whose', dimensions => '{"cost_center": "cc-1"}', include_closed => true);
-- Late usage is recorded whatever is closed; the closed statement stays.
INSERT INTO spend.usage (occurred_at, cost_center, request_model, input_tokens) VALUES ('2025-11-01', 'cc-4', 'm', 100);
SELECT * FROM regress.lines;
SELECT cost_center, trim_scale(actual) AS actual FROM spend.chargeback_monthly WHERE period_start = '2026-01-01' AND calls > 0 ORDER BY 1;

-- The next period takes all of it; a month that is jumped over is in it as well, and what was booked adds up to what the reports say.
SELECT * FROM spend.close_period('2026-03-01');
SELECT * FROM regress.lines WHERE period_start = '2026-03-01';
SELECT c.currency, trim_scale(sum(c.actual)) AS reported, (SELECT trim_scale(sum(s.actual)) FROM spend.statements AS s WHERE s.currency = c.currency) AS booked FROM spend.chargeback_monthly AS c WHERE c.calls > 0 GROUP BY 1 ORDER BY 1;
SELECT period_start, currency, trim_scale(sum(amount)) AS rounded_lines, round(sum(exact_amount), CASE currency WHEN 'JPY' THEN 0 ELSE 2 END) AS rounded_total FROM spend.statement_lines GROUP BY 1, 2 ORDER BY 1, 2;
-- Nothing new: a statement without lines.
SELECT * FROM spend.close_period('2026-04-01');
SELECT * FROM spend.verify();
SELECT * FROM spend.verify_rollups();

SET client_min_messages = error;
DROP ROLE IF EXISTS regress_reader, regress_scoped, regress_writer, regress_admin;
CREATE ROLE regress_reader;
CREATE ROLE regress_scoped;
CREATE ROLE regress_writer;
CREATE ROLE regress_admin;
SELECT spend.grant_access('regress_reader', 'reader'), spend.grant_access('regress_scoped', 'reader', '{"cost_center": "cc-1"}'), spend.grant_access('regress_writer', 'writer'), spend.grant_access('regress_admin', 'admin') \gset grant_
RESET client_min_messages;
SET ROLE regress_reader;
SELECT count(*) AS lines FROM spend.statement_lines;
SELECT regress.error($$SELECT spend.close_period('2026-05-01')$$);
SET ROLE regress_scoped;
SELECT cost_center, count(*) FROM spend.statement_lines GROUP BY 1;
SET ROLE regress_writer;
SELECT regress.error('SELECT * FROM spend.statement_lines'), regress.error($$SELECT spend.close_period('2026-05-01')$$);
SET ROLE regress_admin;
SELECT count(*) AS closed FROM spend.close_period('2026-05-01');
SELECT count(*) AS periods FROM spend.periods;
RESET ROLE;
SET client_min_messages = error;
DROP OWNED BY regress_reader, regress_scoped, regress_writer, regress_admin;
DROP ROLE regress_reader, regress_scoped, regress_writer, regress_admin;
