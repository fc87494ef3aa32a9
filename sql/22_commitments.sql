-- Commitments: what a contract says of a period. Never changes a row; the status says what is due and the line that leads there.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('acme', 'large', '{"rates": {"input_tokens": "1/1"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('acme', 'small', '{"rates": {"input_tokens": "0.1/1", "web_searches": "1/1"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('euro', 'large-eu', '{"currency": "EUR", "rates": {"input_tokens": "1/1"}}', '-infinity') IS NOT NULL AS ok;

-- commit 10,000, rated 12,500, overage -10 %: 12,250
INSERT INTO spend.commitments (name, kind, scope, amount, overage_percent, valid_during, contract)
VALUES ('acme 2026', 'commitment', '{"provider": "ACME"}', 10000, -10, '[2026-01-01,2027-01-01)', 'ACME-2026-17');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team) VALUES
  ('2026-01-01', 'large', 12000, 'search'), ('2026-01-31 23:59:59.999999', 'small', 5000, 'ads'), ('2026-02-01', 'large', 4000, 'search');
SELECT period_start, period_end, is_over, currency, committed, rated, used, remaining, utilization_percent, overage, overage_amount, shortfall, total_due, true_up, calls
FROM spend.commitment_status('acme 2026', '2026-01-01', '2026-03-01', as_of => '2026-03-01');
-- What the rows cost and the true-up are what is due.
SELECT s.period_start, sum(u.cost) AS rows, s.true_up, sum(u.cost) + s.true_up = s.total_due AS adds_up
FROM spend.commitment_status('acme 2026', '2026-01-01', '2026-03-01', as_of => '2026-03-01') AS s
JOIN spend.usage AS u ON u.occurred_at >= s.period_start AND u.occurred_at < s.period_end GROUP BY s.period_start, s.true_up, s.total_due ORDER BY 1;
-- The period that holds a time; an open one is projected by run rate from its third day on.
SELECT period_start, is_over, rated, total_due, projected_rated, projected_due FROM spend.commitment_status('acme 2026', as_of => '2026-02-15');
SELECT period_start, rated, projected_rated FROM spend.commitment_status('acme 2026', as_of => '2026-02-03 23:59:59');
SELECT period_start, rated, calls FROM spend.commitment_status('acme 2026', as_of => '2026-01-15');
SELECT period_start, is_over, rated FROM spend.commitment_status('acme 2026', '2026-01-31', as_of => '2026-02-15');
SELECT count(*), min(period_start), max(period_end) FROM spend.commitment_status('acme 2026', '-infinity', 'infinity', as_of => '2026-06-01');
SELECT count(*) FROM spend.commitment_status('acme 2026', as_of => '2027-01-01');
SELECT count(*) FROM spend.commitment_status('acme 2026', as_of => '2025-12-31 23:59:59');

-- What is not known is counted, never added: no price, another currency. Other providers are not covered.
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, provider, request_model, input_tokens) VALUES
  ('2026-03-01', 'acme', 'unheard-of', 5), ('2026-03-02', 'acme', 'large', 100), ('2026-03-02', 'euro', 'large-eu', 100);
RESET client_min_messages;
INSERT INTO spend.commitments (name, kind, amount, valid_during) VALUES ('everything', 'minimum', 500, '[2026-03-01,2026-05-01)');
SELECT name, rated, calls, unpriced_calls, other_currency_calls, total_due, true_up FROM spend.commitment_status(NULL, '2026-03-01', '2026-03-02', as_of => '2026-04-01');

-- Scope by model pattern and dimension; the terms of a customer come first, the commitment counts what they left.
SELECT spend.set_price_term('half', 'discount', percent => 50, valid_from => '2026-05-01') IS NOT NULL AS ok;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team) VALUES ('2026-05-01', 'large', 300, 'search'), ('2026-05-01', 'small', 300, 'search'), ('2026-05-01', 'large', 300, 'ads');
INSERT INTO spend.commitments (name, kind, scope, period, amount, valid_during)
VALUES ('search only', 'minimum', '{"model": "lar*", "team": ["Search", "other"]}', 'term', 100, '[2026-05-01,2026-05-10 12:00)');
SELECT name, period_start, period_end, rated, used, remaining, shortfall, total_due, true_up, calls FROM spend.commitment_status('search only', as_of => '2026-05-02');

-- Volume: graduated or whole, on cost or on a quantity; tiers are (above, up_to].
INSERT INTO spend.commitments (name, kind, measure, tiers, tier_mode, valid_during, scope) VALUES
  ('v cost', 'volume', NULL, '[{"up_to": 10000, "percent": 0}, {"up_to": 12000, "percent": -5}, {"percent": -10}]', NULL, '[2026-01-01,)', '{}'),
  ('v whole', 'volume', 'cost', '[{"up_to": 10000, "percent": 0}, {"percent": -10}]', 'whole', '[2026-01-01,)', '{}'),
  ('v tokens', 'volume', 'tokens', '[{"up_to": 10000, "rate": 0.0010, "flat": 10}, {"up_to": 50000, "rate": 0.0008, "flat": 10}, {"rate": 2, "per": 3000}]', 'whole', '[2026-01-01,)', '{}'),
  ('v meter', 'volume', 'web_searches', '[{"up_to": 5, "rate": 0, "flat": 100}, {"rate": 5}]', 'graduated', '[2026-01-01,)', '{"model": "small"}'),
  ('v calls', 'volume', 'calls', '[{"rate": 0.5}]', NULL, '[2026-01-01,)', '{}');
INSERT INTO spend.usage (occurred_at, request_model, other_usage) VALUES ('2026-01-05', 'small', '{"web_searches": 7}');
SELECT name, kind, committed, rated, used, utilization_percent, total_due, true_up, overage FROM spend.commitment_status(NULL, '2026-01-01', as_of => '2026-02-01') WHERE kind = 'volume';
-- The tiers of other projects' documents, and their edges.
SELECT q, spend._tiered_amount(q, '[{"up_to": 10000, "rate": 0.0010, "flat": 10}, {"up_to": 50000, "rate": 0.0008, "flat": 10}, {"up_to": 100000, "rate": 0.0006, "flat": 10}, {"rate": 0.0004, "flat": 10}]', 'whole') AS lago
FROM unnest(ARRAY[0, 10000, 10001, 65000, 100001]) AS q;
SELECT q, spend._tiered_amount(q, '[{"up_to": 5, "rate": 0, "flat": 100}, {"up_to": 10, "rate": 0, "flat": 150}, {"up_to": 15, "rate": 10}, {"rate": 5}]', 'whole') AS openmeter
FROM unnest(ARRAY[0, 3, 5, 14, 15, 16]) AS q;
SELECT q, spend._tiered_amount(q, '[{"up_to": 100, "rate": 0}, {"rate": 5, "package": 100}]', 'graduated') AS lago_package, spend._tiered_amount(q, '[{"rate": 15, "package": 10}]', 'whole') AS openmeter_package
FROM unnest(ARRAY[0, 0.5, 10, 100, 101, 200, 201, 300.25]) AS q;
SELECT spend._check_tiers('p', 'calls', '[{"rate": 5, "package": 100, "per": 2}]');
SELECT spend._check_tiers('p', 'calls', '[{"rate": 5, "package": 0}]');
SELECT q, spend._tiered_amount(q, '[{"up_to": 10, "rate": 1, "per": 3}, {"rate": 1, "per": 7, "flat": 1}]', 'graduated') AS exact FROM unnest(ARRAY[0, 10, 10.5, 123456789012345678.5]) AS q;

-- Capacity: every hour is paid for; what did not fit is charged by its cost. A month of 31 days, one that summer time shortens, and parts.
INSERT INTO spend.commitments (name, kind, scope, spillover_scope, units, hourly_rate, valid_during, time_zone) VALUES
  ('units', 'capacity', '{"model": "large", "service_tier": "provisioned"}', '{"model": "large"}', 10, 1.5, '[2026-02-10 12:00+01,2026-05-01 00:00+02)', 'Europe/Berlin');
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, service_tier) VALUES ('2026-03-10', 'large', 9000, 'provisioned'), ('2026-03-10', 'large', 70, NULL);
RESET client_min_messages;
SELECT period_start, period_end, committed, rated, utilization_percent, overage, overage_amount, total_due, true_up, calls
FROM spend.commitment_status('units', '-infinity', 'infinity', as_of => '2026-06-01');

-- Quarters and years from the start of the contract, in its zone; a month from the 31st on.
INSERT INTO spend.commitments (name, kind, period, amount, valid_during, time_zone) VALUES
  ('quarters', 'minimum', 'quarter', 1, '[2026-02-01 00:00-05,2027-02-01 00:00-05)', 'America/New_York'), ('years', 'minimum', 'year', 1, '[2024-02-29,2026-02-28)', 'UTC'),
  ('from the 31st', 'minimum', 'month', 1, '[2026-01-31,2026-05-31)', 'UTC');
SELECT name, period_start, period_end FROM spend.commitment_status(NULL, '-infinity', 'infinity', as_of => '2026-06-01') WHERE name IN ('quarters', 'years', 'from the 31st');

-- What cannot be a commitment.
CREATE FUNCTION regress.commit(fields text, figures text) RETURNS text LANGUAGE sql AS $$
  SELECT regress.error(format('INSERT INTO spend.commitments (name, valid_during, %s) VALUES (''x'', ''[2026-01-01,)'', %s)', fields, figures)) $$;
SELECT regress.commit('kind', $$'commitment'$$);
SELECT regress.commit('kind, amount, units', $$'minimum', 5, 5$$);
SELECT regress.commit('kind, amount', $$'minimum', -5$$);
SELECT regress.commit('kind, amount', $$'minimum', 'NaN'$$);
SELECT regress.commit('kind, amount', $$'minimum', 'Infinity'$$);
SELECT regress.commit('kind, amount, overage_percent', $$'commitment', 5, -101$$);
SELECT regress.commit('kind, units, hourly_rate', $$'capacity', 5, -1$$);
SELECT regress.commit('kind, amount, scope', $$'minimum', 5, '{"tema": "x"}'$$);
SELECT regress.commit('kind, units, hourly_rate, spillover_scope', $$'capacity', 5, 1, '{"team": ""}'$$);
SELECT regress.commit('kind, amount, time_zone', $$'minimum', 5, 'Mars/Olympus'$$);
SELECT regress.commit('kind, amount, period', $$'minimum', 5, 'term'$$);
SELECT regress.commit('kind, tiers', $$'volume', '{}'$$);
SELECT regress.commit('kind, tiers', $$'volume', '[]'$$);
SELECT regress.commit('kind, tiers', $$'volume', '[5]'$$);
SELECT regress.commit('kind, tiers', $$'volume', '[{"percent": 0, "upto": 5}]'$$);
SELECT regress.commit('kind, tiers', $$'volume', '[{"percent": "5"}]'$$);
SELECT regress.commit('kind, tiers', $$'volume', '[{"percent": -101}]'$$);
SELECT regress.commit('kind, tiers', $$'volume', '[{"flat": 1}]'$$);
SELECT regress.commit('kind, tiers', $$'volume', '[{"percent": 0, "up_to": 5}]'$$);
SELECT regress.commit('kind, tiers', $$'volume', '[{"percent": 0, "up_to": 5}, {"percent": 1, "up_to": 5}, {"percent": 2}]'$$);
SELECT regress.commit('kind, measure, tiers', $$'volume', 'tokens', '[{"percent": 0}]'$$);
SELECT regress.commit('kind, measure, tiers', $$'volume', 'no meter!', '[{"rate": 1}]'$$);
SELECT regress.error($$INSERT INTO spend.commitments (name, kind, amount, valid_during) VALUES ('x', 'minimum', 5, '(,2026-02-01)')$$);
SELECT regress.error($$INSERT INTO spend.commitments (name, kind, amount, valid_during) VALUES ('x', 'minimum', 5, 'empty')$$);
SELECT regress.error($$INSERT INTO spend.commitments (name, kind, amount, valid_during) VALUES ('x', 'minimum', 5, '[2026-01-01,2026-02-15)')$$);
SELECT regress.error($$SELECT * FROM spend.commitment_status('nobody')$$);
SELECT regress.error($$SELECT * FROM spend.commitment_status(as_of => 'infinity')$$);
SELECT count(*) FROM spend.commitments WHERE name = 'x';

-- Administrators write them; a reader sees those whose every row is theirs.
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_commitments_admin, regress_commitments_all, regress_commitments_search, regress_commitments_writer;
RESET client_min_messages;
CREATE ROLE regress_commitments_admin;
CREATE ROLE regress_commitments_all;
CREATE ROLE regress_commitments_search;
CREATE ROLE regress_commitments_writer;
GRANT USAGE ON SCHEMA regress, public TO regress_commitments_admin, regress_commitments_all, regress_commitments_search, regress_commitments_writer;
SELECT spend.grant_access('regress_commitments_admin', 'admin'), spend.grant_access('regress_commitments_all', 'reader'),
       spend.grant_access('regress_commitments_search', 'reader', '{"team": "search"}'), spend.grant_access('regress_commitments_writer', 'writer');
INSERT INTO spend.commitments (name, kind, scope, amount, valid_during) VALUES ('of search', 'minimum', '{"team": "search"}', 100, '[2026-05-01,)');
SET ROLE regress_commitments_admin;
INSERT INTO spend.commitments (name, kind, amount, valid_during) VALUES ('by admin', 'minimum', 1, '[2026-05-01,)') RETURNING recorded_by = session_user AS by_me;
SELECT name, rated FROM spend.commitment_status(as_of => '2026-05-02') WHERE name IN ('of search', 'by admin');
DELETE FROM spend.commitments WHERE name = 'by admin';
SET ROLE regress_commitments_all;
SELECT name, rated FROM spend.commitment_status(as_of => '2026-05-02') WHERE name IN ('of search', 'everything', 'acme 2026');
SELECT regress.error($$SELECT * FROM spend.commitments$$);
SELECT regress.error($$DELETE FROM spend.commitments$$);
SET ROLE regress_commitments_search;
SELECT name, rated, calls FROM spend.commitment_status(as_of => '2026-05-02');
SELECT regress.error($$SELECT * FROM spend.commitment_status('acme 2026')$$);
SELECT count(*) AS rows, count(*) FILTER (WHERE spend.visible(attribution_id)) AS mine FROM spend._commitment_usage;
SET ROLE regress_commitments_writer;
SELECT regress.error($$SELECT * FROM spend.commitment_status()$$);
RESET ROLE;
SELECT spend.revoke_access('regress_commitments_admin', 'admin'), spend.revoke_access('regress_commitments_all', 'reader'),
       spend.revoke_access('regress_commitments_search', 'reader'), spend.revoke_access('regress_commitments_writer', 'writer');
DROP OWNED BY regress_commitments_admin, regress_commitments_all, regress_commitments_search, regress_commitments_writer;
DROP ROLE regress_commitments_admin, regress_commitments_all, regress_commitments_search, regress_commitments_writer;
