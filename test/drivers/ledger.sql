-- What the views have rows of beside the charges: budgets, corrections, closed periods, pauses, requests for approval.
SET client_min_messages = error;
CREATE ROLE bi LOGIN;
CREATE ROLE app LOGIN;
INSERT INTO spend.dimensions (name, label) VALUES ('ticket', 'Ticket');
INSERT INTO spend.cost_centers (code, name, department, parent) VALUES ('cc', 'Company', 'All', NULL), ('cc-1', 'Forschung "Süd"', 'R&D', 'cc');
INSERT INTO spend.dimension_values (dimension, value, label, owner) VALUES ('team', 'a', 'Team A\B', 'Ann');
INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded, cost_center, owner, approval_above) VALUES
  ('plan', '{}', 10, 'month', 'alert', 'cc-1', 'Ann', NULL), ('cap', '{"team": "capped"}', 1, 'total', 'reject', NULL, NULL, NULL),
  ('held', '{"team": "held"}', 100, 'total', 'reject', NULL, NULL, NULL), ('asks', '{"team": "asks"}', 100, 'month', 'reject', NULL, 'Bob', 10);
INSERT INTO spend.required_tags (dimension, scope, on_missing) VALUES ('ticket', '{"team": "tagged"}', 'reject');
INSERT INTO spend.overheads (name, kind, amount) VALUES ('platform', 'percent', 5);
SELECT spend.grant_access('bi', 'reader'), spend.grant_access('bi', 'approver'), spend.grant_access('app', 'writer'), spend.grant_access('app', 'reader', '{"team": "capped"}');
INSERT INTO spend.usage (occurred_at, cost_center, team, feature, run_id, request_model, input_tokens, output_tokens, reported_cost, accepted, source) VALUES
  ('2026-03-02 02:00:00.123456Z', 'cc-1', 'a', E'quote " and ''\ttab', 'r', 'plain', 1000, 10, 3, true, 'gateway'), ('2026-03-02 02:00Z', 'cc-1', 'а', 'größe 漢字', 'r', 'plain', 1000, 10, NULL, false, NULL);
INSERT INTO spend.usage (cost_center, team, request_model, input_tokens) VALUES ('cc-1', 'a', 'plain', 1000), (NULL, NULL, 'unknown', 1);
SELECT spend.pause('{"workflow": "w"}', 'too expensive'), spend.close_period('2026-02-01');
SELECT spend.authorize('plain', '{"team": "asks"}', '{"input_tokens": 3000000}');
SELECT count(*) FROM spend.maintain(0);
-- Its counter is there: a new one would wait for the transaction that is held.
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('capped', 'plain', 1000);
INSERT INTO spend.usage (occurred_at, cost_center, team, request_model, input_tokens) VALUES ('2026-02-03', 'cc-1', 'a', 'plain', 1000);
