-- What an administrator sets up once: the extension, prices, partitions, the organisation, its cost centers and budgets, and
-- who may write and read. Run it as a superuser in a new, empty database.

CREATE EXTENSION IF NOT EXISTS pg_spend CASCADE;

\echo 'The list prices that come with the extension are loaded, each with its source and date:'
SELECT * FROM spend.load_catalog();

\echo 'The ledger gets partitions for this month and the next three:'
SELECT * FROM spend.maintain();

INSERT INTO spend.settings (organisation, time_zone, currency) VALUES ('Acme', 'UTC', 'USD');

INSERT INTO spend.cost_centers (code, name, department, gl_account) VALUES
  ('cc-100', 'Engineering', 'engineering', '6410'),
  ('cc-200', 'Marketing', 'marketing', '6420'),
  ('cc-300', 'Support', 'support', '6430'),
  ('cc-400', 'Sales', 'sales', '6440'),
  ('cc-500', 'Product', 'product', '6450');

-- A month budget with a cost center is that center's plan line in the chargeback. By default ("halt") a row that crosses the
-- limit is recorded and an alert is written. "reject" is a hard cap: the INSERT that would cross it fails.
INSERT INTO spend.budgets (name, cost_center, amount, on_exceeded, owner) VALUES
  ('engineering', 'cc-100', 12000, 'halt', 'ada'),
  ('marketing', 'cc-200', 8000, 'halt', 'ben'),
  ('support', 'cc-300', 5000, 'reject', 'cho'),
  ('sales', 'cc-400', 6000, 'halt', 'dia'),
  ('product', 'cc-500', 4000, 'halt', 'eva');

-- A guard beside the plan: one counter, and the whole amount, for each feature.
INSERT INTO spend.budgets (name, group_by, amount, on_exceeded, thresholds) VALUES
  ('any one feature', '{feature}', 10000, 'alert', '{100}');

-- Roles belong to the whole cluster: examples/company/README.md says how to remove them.
CREATE ROLE company_app;
CREATE ROLE company_finance;
CREATE ROLE company_support;
SELECT spend.grant_access('company_app', 'writer') \g /dev/null
SELECT spend.grant_access('company_finance', 'reader') \g /dev/null
-- The team lead of support sees the rows and budgets of that cost center and nothing else.
SELECT spend.grant_access('company_support', 'reader', '{"cost_center": "CC-300"}') \g /dev/null
