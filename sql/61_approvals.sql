-- Approvals: which calls need one, who gives it, what it lets through, and what it does not.
\getenv abs_srcdir PG_ABS_SRCDIR
\set setup :abs_srcdir '/sql/include/setup.inc'
\set ECHO none
\i :setup
\set ECHO all
-- An input token of m costs one dollar, one of s a tenth.
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1", "output_tokens": "2/1"}}', '-infinity') AS m,
       spend.set_price('maker', 's', '{"rates": {"input_tokens": "0.1/1", "output_tokens": "0.2/1"}}', '-infinity') AS s \gset
CREATE FUNCTION regress.ask(model text, input bigint, approval bigint DEFAULT NULL, dimensions jsonb DEFAULT '{"team": "a"}', output bigint DEFAULT 0, context jsonb DEFAULT '{}',
  OUT verdict text, OUT reason text, OUT model text, OUT held boolean, OUT most bigint, OUT budgets text, OUT asked boolean) LANGUAGE sql AS $$
  SELECT a.verdict, a.reason, a.model, a.hold_id IS NOT NULL, a.max_output_tokens,
         (SELECT string_agg(concat_ws(' ', b->>'budget', b->>'outcome'), '; ') FROM jsonb_array_elements(a.budgets) AS b), a.approval_id IS NOT NULL
  FROM spend.authorize(model, dimensions, jsonb_build_object('input_tokens', input, 'output_tokens', output)::spend.token_usage, approval_id => approval, context => context) AS a
$$;
CREATE FUNCTION regress.last() RETURNS bigint LANGUAGE sql AS 'SELECT max(approval_id) FROM spend.approvals';
-- Numbers and times differ from run to run.
CREATE FUNCTION regress.failure(command text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(regexp_replace(regress.error(command), '(approval|Hold) \d+', '\1 N', 'g'), ' at 2.*\.', ' at T.') $$;
CREATE PROCEDURE regress.clean() LANGUAGE sql AS $$
  DELETE FROM spend.budgets; DELETE FROM spend.usage; DELETE FROM spend.counters; DELETE FROM spend.holds; DELETE FROM spend.hold_amounts; DELETE FROM spend.decisions; DELETE FROM spend.approvals;
$$;

-- More than 10 of 100 needs approval; 10 does not.
INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded, approval_above) VALUES ('cap', '{"team": "a"}', 100, 'total', 'reject', 10);
SELECT * FROM regress.ask('m', 10);
SELECT * FROM regress.ask('m', 4, output => 4);
SELECT regress.last() AS first \gset
-- Asking again makes no second request, with its number or without; another call makes one.
SELECT reason FROM regress.ask('m', 4, output => 4);
SELECT * FROM regress.ask('m', 4, :first, output => 4);
SELECT regress.last() = :first AS same;
SELECT reason FROM regress.ask('m', 11, dimensions => '{"team": "a", "user_id": "u"}');
SELECT regress.last() > :first AS another;
SELECT state, expires_at - requested_at AS waits, model, dimensions, context, estimate, cost, currency, decided_at, decided_by, reason, used_at, hold_id,
       budget_ids = ARRAY(SELECT budget_id FROM spend.budgets) AS of_the_budget FROM spend.approvals ORDER BY approval_id;
SELECT budget_names, model, dimensions, estimate, round(cost, 2) AS cost, currency FROM spend.pending_approvals ORDER BY approval_id;
-- Approved, it runs once, and not more of it, nor anything else.
SELECT date_trunc('hour', a.until - now() + interval '1 min') AS valid_for FROM (SELECT spend.approve(:first, 'launch day') AS until OFFSET 0) AS a;
SELECT count(*) AS pending FROM spend.pending_approvals;
SELECT regress.failure(format($$SELECT regress.ask('m', 5, %s, output => 4)$$, :first)) AS more_input;
SELECT regress.failure(format($$SELECT regress.ask('m', 4, %s, output => 5)$$, :first)) AS more_output;
SELECT regress.failure(format($$SELECT regress.ask('s', 4, %s, output => 4)$$, :first)) AS other_model;
SELECT regress.failure(format($$SELECT regress.ask('m', 4, %s, '{"team": "a", "user_id": "u"}', 4)$$, :first)) AS other_user;
SELECT regress.failure(format($$SELECT regress.ask('m', 4, %s, output => 4, context => '{"service_tier": "batch"}')$$, :first)) AS other_context;
SELECT regress.failure(format($$SELECT spend.authorize('m', '{"team": "a"}', '{"input_tokens": 4}', 'maker', approval_id => %s)$$, :first)) AS other_provider;
SELECT regress.failure(format($$SELECT spend.authorize('m', '{"team": "a"}', '{"input_tokens": 4, "web_searches": 1}', approval_id => %s)$$, :first)) AS other_meter;
SELECT regress.failure($$SELECT regress.ask('m', 4, -1)$$) AS unknown;
-- Rolled back, it is there again.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT verdict, reason, held, asked FROM regress.ask('m', 4, :first, output => 4);
ROLLBACK;
SELECT state FROM spend.approvals WHERE approval_id = :first;
SELECT * FROM regress.ask('m', 4, :first, output => 3);
SELECT regress.failure(format($$SELECT regress.ask('m', 4, %s, output => 4)$$, :first)) AS again;
SELECT a.state, a.reason, a.decided_by = session_user AS decided_by, a.used_at > a.decided_at AS then_used, h.cost FROM spend.approvals AS a JOIN spend.holds AS h USING (hold_id) WHERE a.approval_id = :first;
SELECT regress.failure(format('SELECT spend.approve(%s)', :first)) AS approve_used, regress.failure(format($$SELECT spend.decline(%s, 'no')$$, :first)) AS decline_used;
SELECT verdict, reason, budget_name, model, cost, hold_id IS NOT NULL AS held, approval_id IS NOT NULL AS approval FROM spend.decisions ORDER BY decision_id;
CALL regress.clean();

-- Declined: denied, with that reason, for good. An approval can be taken back until it is used.
INSERT INTO spend.budgets (name, scope, amount, period, approval_above) VALUES ('cap', '{"team": "a"}', 100, 'total', 10);
SELECT verdict, reason FROM regress.ask('m', 20);
SELECT regress.last() AS first \gset
SELECT spend.decline(:first, 'too dear');
SELECT * FROM regress.ask('m', 20, :first);
SELECT regress.failure(format('SELECT spend.approve(%s)', :first)) AS approve_declined, regress.failure(format($$SELECT spend.decline(%s, 'no')$$, :first)) AS decline_declined;
SELECT verdict, reason, regress.last() > :first AS another FROM regress.ask('m', 20);
SELECT regress.last() AS second \gset
SELECT spend.approve(:second) IS NOT NULL AS approved;
SELECT regress.failure(format('SELECT spend.approve(%s)', :second)) AS approve_approved;
SELECT spend.decline(:second, 'on second thoughts');
SELECT verdict, reason FROM regress.ask('m', 20, :second);
SELECT state, reason FROM spend.approvals ORDER BY approval_id;
-- Time: a request that nobody decides, and an approval that nobody uses.
SELECT verdict, reason FROM regress.ask('m', 21);
SELECT regress.last() AS first \gset
UPDATE spend.approvals SET expires_at = clock_timestamp() WHERE approval_id = :first;
SELECT regress.failure(format('SELECT spend.approve(%s)', :first)) AS approve_expired;
SELECT verdict, reason, asked, regress.last() > :first AS another FROM regress.ask('m', 21, :first);
SELECT regress.last() AS second \gset
SELECT spend.approve(:second, valid_for => '1 hour') IS NOT NULL AS approved;
UPDATE spend.approvals SET expires_at = clock_timestamp() WHERE approval_id = :second;
SELECT verdict, reason, asked, regress.last() > :second AS another FROM regress.ask('m', 21, :second);
SELECT count(*) AS upkeep FROM spend.maintain() WHERE action LIKE '%holds';
SELECT state, count(*) FROM spend.approvals GROUP BY 1 ORDER BY 1;
UPDATE spend.approvals SET expires_at = now() - interval '91 days' WHERE state = 'expired';
SELECT spend._tidy_approvals();
SELECT state, count(*) FROM spend.approvals GROUP BY 1 ORDER BY 1;
SELECT t AS valid_for, regress.failure(format('SELECT spend.approve(%s, valid_for => %L)', regress.last(), t)) FROM unnest(ARRAY['0', '-1 min', '91 days']) AS t;
SELECT regress.failure('SELECT spend.approve(NULL)'), regress.failure('SELECT spend.approve(1, valid_for => NULL)'), regress.failure($$SELECT spend.decline(NULL, 'r')$$), regress.failure('SELECT spend.decline(1, NULL)');
SELECT regress.failure('SELECT spend.approve(-1)'), regress.failure($$SELECT spend.decline(-1, 'r')$$);
BEGIN READ ONLY;
SELECT spend.approve(-1);
ROLLBACK;
CALL regress.clean();

-- An approval gets past approval_above, not past a limit, a pause or a missing price; what it did not get past leaves it unused.
INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded, approval_above) VALUES ('cap', '{"team": "a"}', 100, 'total', 'reject', 10);
SELECT verdict, reason, asked FROM regress.ask('m', 101);
SELECT count(*) AS nobody_asked FROM spend.approvals;
SELECT verdict, reason FROM regress.ask('m', 60);
SELECT regress.last() AS first \gset
SELECT spend.approve(:first) IS NOT NULL AS approved;
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 50);
SELECT * FROM regress.ask('m', 60, :first);
SELECT spend.pause('{"team": "a"}', 'stop') AS pause \gset
SELECT verdict, reason FROM regress.ask('m', 60, :first);
SELECT spend.resume(:pause);
UPDATE spend.budgets SET amount = 200;
SET client_min_messages = warning;
-- A price that has gone up: more than what was approved. One that has gone down: less.
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1.5/1", "output_tokens": "2/1"}}', now() - interval '1 second') AS m \gset
SELECT verdict, reason, asked, regress.last() > :first AS another FROM regress.ask('m', 60, :first);
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "0.5/1", "output_tokens": "2/1"}}', now()) AS m \gset
SELECT verdict, reason FROM regress.ask('m', 60, :first);
SELECT spend.set_price('maker', 'm', '{"rates": {"input_tokens": "1/1", "output_tokens": "2/1"}}', clock_timestamp()) AS m \gset
RESET client_min_messages;
-- Another budget that asks after the approval was given has not been asked.
SELECT verdict, reason FROM regress.ask('m', 30);
SELECT regress.last() AS first \gset
SELECT spend.approve(:first) IS NOT NULL AS approved;
INSERT INTO spend.budgets (name, amount, period, approval_above) VALUES ('all', 1000, 'total', 20);
SELECT verdict, reason, budgets, regress.last() > :first AS another FROM regress.ask('m', 30, :first);
SELECT cardinality(budget_ids) AS budgets FROM spend.approvals WHERE approval_id = regress.last();
-- A budget that asks no more: the call runs without it, and the approval stays.
UPDATE spend.budgets SET approval_above = NULL;
SELECT verdict, reason, asked FROM regress.ask('m', 30, :first);
SELECT state FROM spend.approvals WHERE approval_id = :first;
CALL regress.clean();

-- Cost unknown is not cost nothing; other measures; a budget that only alerts; nearly used up.
INSERT INTO spend.budgets (name, scope, amount, measure, period, on_exceeded, on_unpriced, approval_above) VALUES
  ('money', '{"team": "a"}', 100, 'cost', 'total', 'halt', 'allow', 10), ('tokens', '{"team": "b"}', 100, 'tokens', 'total', 'alert', NULL, 10), ('calls', '{"team": "c"}', 10, 'calls', 'total', 'halt', NULL, 0);
SELECT verdict, reason, most, budgets FROM regress.ask('unknown', 1);
SELECT regress.last() AS first \gset
SELECT spend.approve(:first) IS NOT NULL AS approved;
SELECT verdict, reason, most FROM regress.ask('unknown', 1, :first);
SELECT verdict, reason, most, budgets FROM regress.ask('m', 11, dimensions => '{"team": "b"}');
SELECT verdict, reason, most, budgets FROM regress.ask('m', 9, dimensions => '{"team": "b"}', output => 1);
SELECT verdict, reason, most, budgets FROM regress.ask('m', 0, dimensions => '{"team": "c"}');
UPDATE spend.budgets SET fallback_model = 's', fallback_at = 50 WHERE name = 'money';
INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 50);
SELECT verdict, reason, model FROM regress.ask('m', 20);
SELECT verdict, reason, model FROM regress.ask('m', 48, output => 2);
-- The fallback would need one, too.
UPDATE spend.budgets SET approval_above = 1 WHERE name = 'money';
SELECT verdict, reason, model FROM regress.ask('m', 20);
SELECT regress.last() AS first \gset
SELECT spend.approve(:first) IS NOT NULL AS approved;
SELECT verdict, reason, model FROM regress.ask('m', 20, :first);
SELECT regress.error('UPDATE spend.budgets SET approval_above = -1') LIKE '23514%' AS negative, regress.error($$UPDATE spend.budgets SET approval_above = 'NaN'$$) LIKE '23514%' AS nan;
CALL regress.clean();

-- Roles. Who asks does not approve; an approver decides for the budgets within its scope, and sees only those; all others see and do nothing.
SET client_min_messages = error;
DROP ROLE IF EXISTS regress_asks, regress_asks_too, regress_lead, regress_cfo, regress_reads, regress_admin;
CREATE ROLE regress_asks;
CREATE ROLE regress_asks_too;
CREATE ROLE regress_lead;
CREATE ROLE regress_cfo;
CREATE ROLE regress_reads;
CREATE ROLE regress_admin;
RESET client_min_messages;
SELECT spend.grant_access('regress_asks', 'writer'), spend.grant_access('regress_asks_too', 'writer'), spend.grant_access('regress_lead', 'approver', '{"team": "a"}'),
       spend.grant_access('regress_cfo', 'approver'), spend.grant_access('regress_reads', 'reader'), spend.grant_access('regress_admin', 'admin');
GRANT EXECUTE ON FUNCTION regress.ask(text, bigint, bigint, jsonb, bigint, jsonb), regress.failure(text), regress.error(text) TO PUBLIC;
INSERT INTO spend.budgets (name, scope, amount, period, approval_above) VALUES ('team', '{"team": "a"}', 1000, 'total', 10), ('all', '{}', 1000, 'total', 100);
SET ROLE regress_asks;
SELECT verdict, reason, most, asked FROM regress.ask('m', 20);
SELECT verdict, reason, most, asked FROM regress.ask('m', 200);
SELECT verdict, reason, most, asked FROM regress.ask('m', 201, dimensions => '{"team": "b"}');
RESET ROLE;
SELECT min(approval_id) AS small, min(approval_id) FILTER (WHERE cost = 200) AS large, max(approval_id) AS other FROM spend.approvals \gset
SET ROLE regress_asks;
SELECT regress.failure(format('SELECT spend.approve(%s)', :small)) AS asks, regress.failure('SELECT * FROM spend.pending_approvals') AS looks, regress.failure('SELECT * FROM spend.approvals') AS table, regress.failure($$UPDATE spend.approvals SET state = 'approved'$$) AS forges;
RESET ROLE;
SET ROLE regress_asks_too;
SELECT regress.failure(format($$SELECT regress.ask('m', 20, %s)$$, :small)) AS not_mine;
RESET ROLE;
SET ROLE regress_reads;
SELECT count(*) AS pending FROM spend.pending_approvals;
SELECT regress.failure(format('SELECT spend.approve(%s)', :small)) AS reads;
RESET ROLE;
SET ROLE regress_lead;
SELECT approval_id = :small AS small, budget_names, writer FROM spend.pending_approvals;
SELECT regress.failure(format('SELECT spend.approve(%s)', :large)) AS beyond_scope, regress.failure(format($$SELECT spend.decline(%s, 'no')$$, :other)) AS other_team, regress.failure('SELECT * FROM spend.daily_spend') AS no_reader, regress.failure($$SELECT spend.authorize('m', '{}', '{}')$$) AS no_writer;
SELECT spend.approve(:small, 'fine') IS NOT NULL AS approved;
RESET ROLE;
SET ROLE regress_cfo;
SELECT approval_id = :large AS large, approval_id = :other AS other, budget_names FROM spend.pending_approvals ORDER BY approval_id;
SELECT spend.decline(:large, 'not this quarter');
RESET ROLE;
SET ROLE regress_admin;
SELECT spend.approve(:other) IS NOT NULL AS approved;
SELECT count(*) AS approvals FROM spend.approvals;
SELECT regress.failure($$UPDATE spend.approvals SET state = 'approved'$$) AS forges;
RESET ROLE;
SET ROLE regress_asks;
SELECT verdict, reason, most, asked FROM regress.ask('m', 20, :small);
SELECT verdict, reason, most, asked FROM regress.ask('m', 200, :large);
SELECT verdict, reason, most, asked FROM regress.ask('m', 201, :other, '{"team": "b"}');
RESET ROLE;
-- A budget that is gone asks nobody: what waited for it is for those who may approve everything.
INSERT INTO spend.budgets (name, scope, amount, period, approval_above) VALUES ('gone', '{"team": "a", "user_id": "u"}', 1000, 'total', 1);
SET ROLE regress_asks;
SELECT verdict, reason FROM regress.ask('m', 5, dimensions => '{"team": "a", "user_id": "u"}');
RESET ROLE;
SELECT regress.last() AS orphan \gset
DELETE FROM spend.budgets WHERE name = 'gone';
SET ROLE regress_lead;
SELECT count(*) AS pending FROM spend.pending_approvals;
SELECT regress.failure(format('SELECT spend.approve(%s)', :orphan)) AS orphan;
RESET ROLE;
SET ROLE regress_cfo;
SELECT spend.approve(:orphan) IS NOT NULL AS approved;
RESET ROLE;
SELECT spend.revoke_access('regress_lead', 'approver');
SET ROLE regress_lead;
SELECT regress.failure(format('SELECT spend.approve(%s)', :small)) AS revoked, regress.failure('SELECT * FROM spend.pending_approvals') AS looks;
RESET ROLE;
SELECT spend.revoke_access('regress_asks', 'writer'), spend.revoke_access('regress_asks_too', 'writer'), spend.revoke_access('regress_cfo', 'approver'), spend.revoke_access('regress_reads', 'reader'), spend.revoke_access('regress_admin', 'admin');
REVOKE ALL ON FUNCTION regress.ask(text, bigint, bigint, jsonb, bigint, jsonb), regress.failure(text), regress.error(text) FROM PUBLIC;
DROP ROLE regress_asks, regress_asks_too, regress_lead, regress_cfo, regress_reads, regress_admin;
CALL regress.clean();
