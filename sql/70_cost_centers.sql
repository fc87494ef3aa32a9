-- Cost centers with parents, and reorganisations that leave the past as it was; names of dimension values.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity') AS m \gset
CREATE VIEW regress.tree AS
SELECT period_start, path, cost_center_label AS label, parent_cost_center AS parent, depth, trim_scale(budget) AS budget, trim_scale(actual) AS actual,
       trim_scale(variance) AS variance, trim_scale(chargeback) AS chargeback, trim_scale(own_actual) AS own, calls
FROM spend.chargeback_tree WHERE period_start < '2026-06-01';

INSERT INTO spend.cost_centers (code, name, parent, is_charged_back) VALUES ('Company', 'The Company', NULL, true), ('ENG', 'Engineering', 'company', true), ('search', 'Search', 'eng', true),
  ('ads', 'Ads', 'eng', true), ('lab', 'Laboratory', 'company', false);
INSERT INTO spend.usage (occurred_at, cost_center, request_model, input_tokens)
SELECT d, c, 'm', n FROM (VALUES ('search', 10), ('ads', 20), ('eng', 1), ('lab', 5), (NULL, 3), ('elsewhere', 7)) AS u(c, n), (VALUES (timestamptz '2026-03-15'), ('2026-04-15'), ('2026-05-15')) AS t(d);
INSERT INTO spend.budgets (name, amount, cost_center, valid_during) VALUES ('plan search', 15, 'search', '[2026-03-01, 2026-05-01)'), ('plan ads', 15, 'ads', '[2026-03-01, 2026-05-01)');

-- Ads moves from engineering to the laboratory in April, is called otherwise from then on, and is told only.
SELECT spend.change_cost_center('ADS', '2026-04-01', parent => 'Lab', name => 'Ad Lab', is_charged_back => false, reason => 'reorganisation');
SELECT code, name, parent, is_charged_back, valid_during, reason FROM spend.cost_centers WHERE code = 'ads' ORDER BY valid_during;
SELECT * FROM regress.tree ORDER BY period_start, path COLLATE "C";
-- The top of the tree is the whole, month by month; the monthly view says the same of each center.
SELECT (SELECT sum(actual) FROM spend.chargeback_tree WHERE depth = 0) = sum(cost) AS whole FROM spend.usage;
SELECT period_start, cost_center_label, parent_cost_center, trim_scale(chargeback) AS chargeback FROM spend.chargeback_monthly WHERE cost_center = 'ads' AND period_start < '2026-06-01' ORDER BY 1;
-- A change in the middle of a month is that of the next month's report; one on the same day replaces what was said before.
SELECT spend.change_cost_center('search', '2026-04-10', parent => ''), spend.change_cost_center('search', '2026-04-10', name => 'Search & Find');
SELECT code, name, parent, valid_during FROM spend.cost_centers WHERE code = 'search' ORDER BY valid_during;
SELECT period_start, path, label FROM regress.tree WHERE path ~ 'search$' ORDER BY 1;
-- A change before a later one holds until that; a center that is not there yet begins on the day, and its first month is reported by it.
SELECT spend.change_cost_center('ads', '2026-03-01', owner => 'Ada'), spend.change_cost_center('elsewhere', '2026-05-10', name => 'Else', parent => 'lab');
SELECT code, name, parent, owner, valid_during FROM spend.cost_centers WHERE code IN ('ads', 'elsewhere') ORDER BY code, valid_during;
SELECT period_start, path FROM regress.tree WHERE path ~ 'elsewhere$' ORDER BY 1;
-- Before its own beginning.
SELECT spend.change_cost_center('elsewhere', '2026-01-01', name => 'Else before');
SELECT name, valid_during FROM spend.cost_centers WHERE code = 'elsewhere' ORDER BY valid_during;

-- No center is a part of itself, on any day; two entries never hold at once.
SELECT regress.error($$INSERT INTO spend.cost_centers (code, parent) VALUES ('self', 'SELF')$$);
SELECT regress.error($$SELECT spend.change_cost_center('company', '2026-04-01', parent => 'search')$$) AS was_below_until_april_10;
SELECT regress.error($$SELECT spend.change_cost_center('lab', '2026-06-01', parent => 'ads')$$);
SELECT regress.error($$SELECT spend.change_cost_center('company', '2026-06-01', parent => 'ads')$$);
SELECT regress.error($$UPDATE spend.cost_centers SET parent = 'ads' WHERE code = 'company'$$);
SELECT split_part(regress.error($$INSERT INTO spend.cost_centers (code, valid_during) VALUES ('ads', '[2026-08-01,2026-09-01)')$$), E'\n', 1) AS overlaps;
SELECT regress.error($$SELECT spend.change_cost_center(' ', '2026-06-01')$$);
SELECT regress.error($$SELECT spend.change_cost_center('ads', NULL)$$);
-- A parent that has ended keeps its place, under its code.
UPDATE spend.cost_centers SET valid_during = '(,2026-05-01)' WHERE code = 'company';
SELECT period_start, path, label FROM regress.tree WHERE path = 'company' ORDER BY 1;

-- Names of values: beside the value where a view is by one dimension, and to join with.
INSERT INTO spend.dimension_values (dimension, value, label, owner, parent) VALUES ('team', ' Team-7 ', 'Search Quality', 'Ada', 'Group-1'), ('team', 'group-1', 'Search', NULL, NULL), ('model', 'M', 'Model M', NULL, NULL),
  ('cost_center', 'cc-x', 'By label', NULL, NULL), ('cost_center', 'ads', 'not shown', NULL, NULL), ('user_id', '3f0c', 'Grace', NULL, NULL);
INSERT INTO spend.usage (occurred_at, cost_center, team, user_id, request_model, input_tokens) VALUES ('2026-06-01', 'CC-X', 'TEAM-7', '3F0C', 'm', 1), ('2026-06-01', 'ads', 'other', NULL, 'm', 2);
SELECT dimension, dimension_value, dimension_label FROM spend.efficiency WHERE period_start = '2026-06-01' AND dimension IN ('cost_center', 'team', 'model', 'user_id') ORDER BY dimension, dimension_value;
SELECT dimension, dimension_value, dimension_label FROM spend.spend_change WHERE period_start = '2026-06-01' AND dimension = 'team' AND cost > 0 ORDER BY dimension_value;
SELECT cost_center, cost_center_label FROM spend.chargeback_monthly WHERE period_start = '2026-06-01' ORDER BY 1;
SELECT dimension, dimension_value, dimension_label, owner, parent, parent_label FROM spend.dimension_labels WHERE dimension IN ('team', 'user_id') OR dimension_value = 'ads' ORDER BY 1, 2;
SELECT l.dimension_label AS team, trim_scale(sum(d.cost)) AS cost FROM spend.daily_spend AS d JOIN spend.dimension_labels AS l ON l.dimension = 'team' AND l.dimension_value = d.team GROUP BY 1 ORDER BY 1;
SELECT regress.error($$INSERT INTO spend.dimension_values (dimension, value) VALUES ('team', '  ')$$);
SELECT regress.error($$INSERT INTO spend.dimension_values (dimension, value, parent) VALUES ('team', 'a', 'A')$$);

-- A reader sees names of what it may see, and of the tree the sums of its own part.
CREATE ROLE regress_part;
SELECT spend.grant_access('regress_part', 'reader', '{"cost_center": ["search", "lab"]}');
SET ROLE regress_part;
SELECT period_start, path, trim_scale(actual) AS actual, trim_scale(own_actual) AS own FROM spend.chargeback_tree WHERE period_start = '2026-03-01' ORDER BY path COLLATE "C";
SELECT dimension, dimension_value, dimension_label FROM spend.dimension_labels ORDER BY 1, 2;
SELECT regress.error($$SELECT * FROM spend.cost_centers$$);
SELECT regress.error($$SELECT * FROM spend.dimension_values$$);
SELECT regress.error($$SELECT spend.change_cost_center('ads', '2026-06-01', name => 'x')$$);
RESET ROLE;
DROP OWNED BY regress_part;
DROP ROLE regress_part;
