-- Customer terms: discount, then mark-up, then fixed amount; chosen by precedence and scope, valid at the time of use; rows remember them.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
SELECT spend.set_price('acme', 'large', '{"rates": {"input_tokens": "30/1M", "output_tokens": "60/1M"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('acme', 'small', '{"rates": {"input_tokens": "1/1M"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price('zeta', 'europe', '{"currency": "EUR", "rates": {"input_tokens": "1/1M"}}', '-infinity') IS NOT NULL AS ok;
CREATE VIEW regress.terms AS
SELECT term_id AS id, name, kind, coalesce(percent::text || ' %', amount || ' ' || currency) AS figure, scope, valid_during, withdrawn_at IS NOT NULL AS withdrawn, reason
FROM spend.price_terms;

-- Without terms, cost is list_cost and nothing is remembered.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, output_tokens) VALUES ('2025-06-01', 'large', 100, 50) RETURNING list_cost, cost, price_term_ids;
SELECT spend.apply_price_terms(0.006) AS unchanged, spend.apply_price_terms(NULL) AS unknown;

-- 0.006 x 0.95 x 1.10
SELECT spend.set_price_term('acme volume', 'discount', percent => 5, scope => '{"provider": "ACME"}', valid_from => '2026-01-01', contract => 'ACME-2026-17');
SELECT spend.set_price_term('resale', 'markup', percent => 10, valid_from => '2026-01-01');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, output_tokens)
VALUES ('2026-02-01', 'large', 100, 50) RETURNING list_cost, cost, currency, price_term_ids, pricing_status;
SELECT t.* FROM spend.usage AS u, spend.price_term_lines(u) AS t WHERE u.occurred_at = '2026-02-01';
SELECT spend.apply_price_terms(0.006, '{"provider": "acme"}', at => '2026-02-01') AS acme, spend.apply_price_terms(0.006, '{"provider": "zeta"}', at => '2026-02-01') AS zeta;
-- The fixed amount comes last, once a row, in its own currency only.
SELECT spend.set_price_term('platform fee', 'fixed', amount => 0.0005, currency => 'USD', valid_from => '2026-01-01');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, output_tokens)
VALUES ('2026-02-02', 'large', 100, 50), ('2026-02-03', 'small', 0, 0), ('2026-02-04', 'europe', 1000, 0)
RETURNING request_model, list_cost, cost, currency, price_term_ids;
SELECT u.request_model, u.list_cost, t.name, t.kind, t.condition, t.amount, u.list_cost + sum(t.amount) OVER (PARTITION BY u.usage_id) = u.cost AS adds_up
FROM spend.usage AS u, spend.price_term_lines(u) WITH ORDINALITY AS t
WHERE u.occurred_at > '2026-02-01' AND u.occurred_at < '2026-03-01' ORDER BY u.occurred_at, t.ordinality;
SELECT * FROM spend.price_term_lines(0.006, '{"provider": "acme", "model": "large"}', at => '2026-02-02');

-- Half-open validity by the start of the call; what is not known is not discounted into a number.
INSERT INTO spend.usage (occurred_at, started_at, request_model, input_tokens)
VALUES ('2026-01-01 00:00:01', '2025-12-31 23:59:59.999999', 'small', 1000000), ('2026-01-01 00:00:01', '2026-01-01', 'small', 1000000)
RETURNING list_cost, cost, price_term_ids;
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, provider) VALUES ('2026-02-01', 'unheard-of', 5, 'acme') RETURNING list_cost, cost, price_term_ids, pricing_status;
RESET client_min_messages;

-- Of one kind the most specific applies; precedence beats it; additional ones join.
SELECT spend.set_price_term('small models', 'discount', percent => 20, scope => '{"provider": "acme", "model": "sm*"}', valid_from => '2026-01-01') > 0 AS ok;
SELECT spend.set_price_term('search pilot', 'discount', percent => 50, scope => '{"provider": "acme", "model": "small", "team": ["Search", "ads"]}', valid_from => '2026-01-01') > 0 AS ok;
SELECT spend.set_price_term('batch', 'discount', percent => 10, scope => '{"service_tier": "batch"}', valid_from => '2026-01-01', is_additional => true) > 0 AS ok;
SELECT spend.set_price_term('no discount', 'discount', percent => 0, scope => '{"customer": "Internal"}', valid_from => '2026-01-01', precedence => 1) > 0 AS ok;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team, customer, service_tier, request_id) VALUES
  ('2026-03-01', 'large', 1000000, 'search', NULL, NULL, 'only acme'),
  ('2026-03-01', 'small', 1000000, 'other', NULL, NULL, 'by the model'),
  ('2026-03-01', 'SMALL', 1000000, ' SEARCH', NULL, NULL, 'by the team'),
  ('2026-03-01', 'small', 1000000, 'search', NULL, 'batch', 'and batch'),
  ('2026-03-01', 'small', 1000000, 'search', 'internal', NULL, 'by precedence')
RETURNING request_id, list_cost, cost, price_term_ids;
-- Registered tags are dimensions here too.
INSERT INTO spend.dimensions (name) VALUES ('campaign');
SELECT spend.set_price_term('spring', 'markup', percent => 100, scope => '{"campaign": "spring"}', valid_from => '2026-01-01') > 0 AS ok;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, tags) VALUES ('2026-03-02', 'large', 1000000, '{"campaign": "Spring"}') RETURNING cost;

-- A new version of a term ends the one before; the same moment replaces; recorded rows keep their cost and their explanation.
SELECT spend.set_price_term('acme volume', 'discount', percent => 7, scope => '{"provider": "acme"}', valid_from => '2026-07-01', reason => 'renewal');
SELECT spend.set_price_term('acme volume', 'discount', percent => 8, scope => '{"provider": "acme"}', valid_from => '2026-07-01', reason => 'typing error');
SELECT spend.set_price_term('acme volume', 'discount', percent => 6, scope => '{"provider": "acme"}', valid_from => '2026-02-02', reason => 'back-dated') IS NOT NULL AS ok;
SELECT * FROM regress.terms WHERE name = 'acme volume' ORDER BY id;
SELECT u.cost, t.name, t.condition, t.amount FROM spend.usage AS u, spend.price_term_lines(u) AS t WHERE u.occurred_at = '2026-02-02';
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-02-02', 'large', 1000000), ('2026-07-01', 'large', 1000000) RETURNING cost;
-- What the rows would cost by today's terms, without changing them.
SELECT u.cost, spend.apply_price_terms(u, u.list_cost) AS today, spend.apply_price_terms(u, 2 * u.list_cost) AS twice, spend.apply_price_terms(u, NULL) AS unknown FROM spend.usage AS u WHERE u.occurred_at = '2026-02-02' ORDER BY u.usage_id;
SELECT spend.end_price_term('resale', '2026-09-01', 'contract ended') = 2 AS ended;
SELECT spend.end_price_term('resale', '2025-01-01', 'never agreed') = 2 AS withdrawn;
SELECT * FROM regress.terms WHERE name = 'resale';
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, output_tokens) VALUES ('2026-02-01', 'large', 100, 50) RETURNING list_cost, cost;
SELECT t.* FROM spend.usage AS u, spend.price_term_lines(u) AS t WHERE u.occurred_at = '2026-02-01' ORDER BY u.usage_id, t.term_id;
-- Tags that are told later keep the cost; what the price depends on prices again, by the terms of the row's time.
UPDATE spend.usage SET team = 'ads' WHERE request_id = 'by the model' RETURNING cost, price_term_ids;
UPDATE spend.usage SET input_tokens = 2000000 WHERE request_id = 'by the model' RETURNING list_cost, cost, price_term_ids;
UPDATE spend.usage SET cost = 1, list_cost = 1, price_term_ids = '{}' WHERE request_id = 'by the team' RETURNING list_cost, cost, price_term_ids;
-- Budgets count what the customer pays.
INSERT INTO spend.budgets (name, scope, amount, period) VALUES ('b', '{"team": "capped"}', 1000, 'total');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team) VALUES ('2026-08-01', 'large', 1000000, 'capped') RETURNING list_cost, cost;
SELECT spent FROM spend.budget_status WHERE budget_name = 'b';
SELECT count(*) FROM spend.verify();
SELECT cost, list_cost FROM spend.daily_spend WHERE team = 'capped';

-- Explanations show them, and re-rating applies those of today.
SELECT e.kind, e.item, e.condition, e.amount FROM spend.usage AS u, spend.explain(u.usage_id) AS e
WHERE u.request_id = 'and batch' AND e.amount IS NOT NULL ORDER BY e.line;
SELECT provider, model, calls, old_cost, new_cost, difference FROM spend.reprice('2026-02-01', '2026-02-03', '{"model": "large"}', 'resale was never agreed');
SELECT u.usage_id, u.list_cost, u.cost, u.price_term_ids FROM spend.usage AS u WHERE u.occurred_at BETWEEN '2026-02-01' AND '2026-02-02' AND u.request_model = 'large' ORDER BY 1;

-- What cannot be a term.
SELECT regress.error($$SELECT spend.set_price_term('x', 'discount', percent => 101)$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'discount', percent => -5)$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'markup', percent => 10001)$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'markup', percent => 'NaN')$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'markup', percent => 'Infinity')$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'markup', percent => 0.0000001)$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'markup', amount => 5)$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'fixed', percent => 5)$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'fixed', amount => -0.01)$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'fixed', amount => 'NaN')$$);
SELECT split_part(regress.error($$SELECT spend.set_price_term('x', 'fixed', amount => 1, currency => 'usd')$$), E'\n', 1);
SELECT regress.error($$SELECT spend.set_price_term('x', 'rebate', percent => 5)$$);
SELECT split_part(regress.error($$SELECT spend.set_price_term('', 'discount', percent => 5)$$), E'\n', 1);
SELECT regress.error($$SELECT spend.set_price_term(NULL, 'discount', percent => 5)$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'discount', percent => 5, scope => '{"tema": "search"}')$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'discount', percent => 5, scope => '{"team": ""}')$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'discount', percent => 5, scope => '["team"]')$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'discount', percent => 5, scope => '{"provider": "open*"}')$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'discount', percent => 5, valid_from => '2026-02-01', valid_until => '2026-02-01')$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'discount', percent => 5, scope => '{"provider": "acme"}')$$);
SELECT regress.error($$SELECT spend.set_price_term('x', 'discount', percent => 5, scope => '{"model": "*ll", "surface": "azure"}')$$);
SELECT regress.error($$INSERT INTO spend.price_terms (name, kind, percent, scope) VALUES ('acme volume', 'markup', 5, '{"team": "x", "feature": "y"}')$$);
SELECT regress.error($$UPDATE spend.price_terms SET percent = 50 WHERE name = 'batch'$$);
SELECT regress.error($$SELECT spend.end_price_term('nobody', '2026-01-01')$$);
SELECT regress.error($$SELECT spend.apply_price_terms(-1)$$);
SELECT regress.error($$SELECT spend.apply_price_terms('NaN')$$);
SELECT regress.error($$SELECT spend.apply_price_terms(1, '{"team": 5}')$$);
SELECT count(*) FROM spend.price_terms WHERE name = 'x';
-- Too much to be a cost is unknown, not an error of the INSERT.
SELECT spend.set_price('acme', 'dear', '{"rates": {"input_tokens": "99999999999999999/1"}}', '-infinity') IS NOT NULL AS ok;
SELECT spend.set_price_term('absurd', 'markup', percent => 10000, scope => '{"model": "dear"}', valid_from => '2026-01-01') IS NOT NULL AS ok;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('2026-03-01', 'dear', 100) RETURNING list_cost, cost, price_term_ids, pricing_status, pricing_reason;
-- The owner may delete a term; the rows' explanation says how much is unexplained.
DELETE FROM spend.price_terms WHERE name = 'batch';
SELECT t.* FROM spend.usage AS u, spend.price_term_lines(u) AS t WHERE u.request_id = 'and batch';

-- Administrators set terms, by the functions only; nobody else sees them.
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_terms_admin, regress_terms_reader, regress_terms_writer;
RESET client_min_messages;
CREATE ROLE regress_terms_admin;
CREATE ROLE regress_terms_reader;
CREATE ROLE regress_terms_writer;
GRANT USAGE ON SCHEMA regress, public TO regress_terms_admin, regress_terms_reader, regress_terms_writer;
SELECT spend.grant_access('regress_terms_admin', 'admin');
SELECT spend.grant_access('regress_terms_reader', 'reader');
SELECT spend.grant_access('regress_terms_writer', 'writer');
SET ROLE regress_terms_admin;
SELECT spend.set_price_term('by admin', 'markup', percent => 1, scope => '{"team": "x"}', valid_from => '2026-01-01', precedence => 1) IS NOT NULL AS ok;
SELECT name, recorded_by = session_user AS by_me FROM spend.price_terms WHERE name = 'by admin';
SELECT spend.apply_price_terms(100, '{"team": "x"}', at => '2026-03-01') AS with_terms;
SELECT regress.error($$INSERT INTO spend.price_terms (name, kind, percent) VALUES ('y', 'markup', 1)$$);
SELECT spend.end_price_term('by admin') IS NOT NULL AS ended;
SET ROLE regress_terms_reader;
SELECT regress.error($$SELECT spend.set_price_term('y', 'markup', percent => 1)$$);
SELECT regress.error($$SELECT * FROM spend.price_terms$$);
-- A reader of some rows learns which terms priced them, but nothing of those that tell of others.
RESET ROLE;
SELECT spend.grant_access('regress_terms_reader', 'reader', '{"team": "search"}');
SET ROLE regress_terms_reader;
SELECT e.usage_id, e.kind, e.item, e.condition, trim_scale(e.amount) AS amount FROM spend.cost_explanation AS e WHERE e.kind IN ('charge', 'term') ORDER BY e.usage_id, e.line;
SET ROLE regress_terms_writer;
SELECT regress.error($$SELECT spend.apply_price_terms(1)$$);
SELECT regress.error($$INSERT INTO spend.usage (request_model, price_term_ids) VALUES ('small', '{1}')$$);
INSERT INTO spend.usage (request_model, input_tokens, occurred_at) VALUES ('small', 1000000, '2026-03-01') RETURNING cost;
RESET ROLE;
SELECT spend.revoke_access('regress_terms_admin', 'admin'), spend.revoke_access('regress_terms_reader', 'reader'), spend.revoke_access('regress_terms_writer', 'writer');
DROP OWNED BY regress_terms_admin, regress_terms_reader, regress_terms_writer;
DROP ROLE regress_terms_admin, regress_terms_reader, regress_terms_writer;
