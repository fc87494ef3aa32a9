-- What a company has set up: prices, terms, centers, budgets of every kind and period, rules, requirements, rights. Usage comes later.
SET client_min_messages = error;
INSERT INTO spend.settings (organisation, time_zone, unallocated_cost_center, week_start, fiscal_year_start) VALUES ('Acme', 'Asia/Kolkata', 'overhead', 7, 4);
INSERT INTO spend.dimensions (name, label) VALUES ('campaign', 'Campaign');
SELECT spend.set_price('maker', 'm1', '{"rates": {"input_tokens": "0.15/1M", "output_tokens": "0.6/1M", "cache_read_tokens": "0.075/1M"}}', '-infinity'),
       spend.set_price('maker', 'm2', '{"rates": {"input_tokens": "3/1k", "output_tokens": "0.000000000000001/1"}}', '-infinity'),
       spend.set_price('other', 'm3', '{"currency": "EUR", "rates": {"input_tokens": "1/1k"}}', '-infinity'),
       spend.set_price('maker', 'tools', '{"rates": {"input_tokens": "1/1M", "output_tokens": "2/1M", "web_searches": "10/1k", "retrieval_queries": "0.004/1"}}', '-infinity'),
       spend.set_price('people', 'lawyer', '{"rates": {"review_minutes": "3/1"}}', '-infinity'),
       spend.set_price('billing', 'theirs', '{"rates": {"input_tokens": "1/1M"}}', '-infinity');
INSERT INTO spend.providers (provider, reported_cost_policy) VALUES ('billing', 'trust');
INSERT INTO spend.models (provider, model, tier, developer) VALUES ('maker', 'm2', 'premium', 'Maker Labs'), ('maker', 'm1', 'economy', NULL);
INSERT INTO spend.focus_names (provider, surface, service_provider_name, billing_account_id, host_provider_name) VALUES
  ('maker', '', 'Maker Inc', 'acct-1', NULL), ('maker', 'cloud', NULL, NULL, 'The Cloud'), ('', '', NULL, 'acct-0', NULL);
SELECT spend.set_price_term('rebate', 'discount', 12.5, scope => '{"team": "ads"}', valid_from => '-infinity'),
       spend.set_price_term('fee', 'fixed', amount => 0.01, currency => 'USD', scope => '{"team": "labs"}', valid_from => '-infinity');
INSERT INTO spend.cost_centers (code, name, department, is_charged_back, parent) VALUES ('company', 'Acme', NULL, false, NULL), ('sales', NULL, 'Sales', true, 'company');
INSERT INTO spend.cost_centers (code, name, department, owner, parent) VALUES ('marketing', 'Marketing', 'Sales', 'ann', 'sales'), ('engineering', 'Engineering', 'R&D', 'bob', 'company');
-- Reorganised in the middle of a month.
SELECT spend.change_cost_center('marketing', (date_trunc('month', now()) - interval '1 month' + interval '10 days')::date, parent => 'company', name => 'Growth', reason => 'reorganised');
INSERT INTO spend.dimension_values (dimension, value, label, owner, parent) VALUES ('team', 'ads', 'Advertising', 'ann', 'search'), ('team', 'search', 'Search', NULL, NULL), ('api_key', 'key-1', 'First key', NULL, NULL),
  ('cost_center', 'support', 'Support', 'cy', NULL);
INSERT INTO spend.sources (source, is_sanctioned, owner) VALUES ('app', true, 'bob'), ('script', false, NULL);
INSERT INTO spend.required_tags (dimension, scope, on_missing, assign_to) VALUES ('team', '{}', 'flag', NULL), ('feature', '{"environment": ["prod", "stage"]}', 'flag', NULL), ('cost_center', '{"environment": "prod"}', 'assign', 'unowned');
SELECT spend.set_allocation_rule('keys of search', '{"api_key": "key-7"}', '{"team": "search"}', 10, '-infinity'),
       spend.set_allocation_rule('search', '{"team": "search"}', '{"cost_center": "engineering"}', 20, '-infinity'),
       spend.set_allocation_rule('proxy', '{"user_id": "svc", "customer": {"present": true}}', '{"workspace": "shared", "project": {"from": "customer"}}', 30, now() - interval '20 days', overwrites => true);
INSERT INTO spend.overheads (name, kind, amount, scope) VALUES ('platform', 'percent', 5, '{}'), ('orchestration', 'per_call', 0.02, '{"workflow": "w1", "provider": "maker"}');
INSERT INTO spend.budgets (name, amount, cost_center, owner, on_exceeded) VALUES ('plan', 5, 'marketing', 'ann', 'alert'), ('idle plan', 5, 'idle', NULL, 'alert'), ('engineering', 40, 'engineering', 'bob', 'alert');
INSERT INTO spend.budgets (name, amount, scope, group_by, period, measure, on_exceeded, on_unpriced) VALUES
  ('each team', 1, '{}', '{team}', 'month', 'cost', 'alert', NULL), ('each run', 1, '{"run_id": {"present": true}}', '{run_id}', 'total', 'cost', 'alert', NULL),
  ('cap', 100000000, '{}', '{}', 'total', 'cost', 'reject', 'allow'), ('week', 1000000, '{"team": {"not": "ads"}}', '{}', 'week', 'cost', 'halt', 'allow'),
  ('quarter', 10, '{"environment": ["prod", "stage"]}', '{}', 'quarter', 'tokens', 'alert', NULL), ('fiscal', 10, '{}', '{}', 'fiscal_year', 'calls', 'alert', NULL),
  ('year', 0, '{"cost_center": "marketing"}', '{}', 'year', 'cost', 'alert', NULL), ('day', 10, '{"model": "m2"}', '{}', 'day', 'tokens', 'alert', NULL), ('hour', 10, '{}', '{}', 'hour', 'calls', 'alert', NULL),
  ('each pair', 3, '{}', '{team,environment}', 'year', 'calls', 'alert', NULL);
INSERT INTO spend.budgets (name, amount, period, rolling_days, on_exceeded, currency) VALUES ('rolling', 10, 'rolling', 9, 'alert', 'EUR');
INSERT INTO spend.budgets (name, amount, period, valid_during, measure, on_exceeded, time_zone) VALUES
  ('range', 10, 'range', tstzrange(date_trunc('day', now() - interval '20 days'), date_trunc('day', now() + interval '20 days')), 'cost', 'alert', 'Europe/Berlin');
INSERT INTO spend.budgets (name, amount, scope, period, on_exceeded, approval_above) VALUES ('big calls', 1000, '{"team": "labs"}', 'total', 'halt', 0.01);
SELECT spend.set_budget_amount('each team', 2, 'more'), spend.set_budget_limit('each team', '{"team": "ads"}', 500, 'campaign'), spend.top_up_budget('year', 1, 'a gift'), spend.top_up_budget('each team', 3, 'for all');
SELECT spend.pause('{"workflow": "stopped"}', 'loops'), spend.pause('{"cost_center": "marketing", "team": "none"}', 'empty');
DO $$
BEGIN
  IF to_regrole('app') IS NULL THEN
    CREATE ROLE app;
  END IF;
  IF to_regrole('marketing_reader') IS NULL THEN
    CREATE ROLE marketing_reader;
  END IF;
END
$$;
SELECT spend.grant_access('app', 'writer'), spend.grant_access('marketing_reader', 'reader', '{"cost_center": "marketing"}');
SELECT count(*) FROM spend.maintain();
