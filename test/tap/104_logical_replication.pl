#!/usr/bin/perl
# P9: logical replication of configuration and usage, not of counters: what is applied is accounted there once, and neither priced again
# nor refused nor announced.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendTest;
use Test::More;

my $publisher = new_node('publisher', init => [ allows_streaming => 'logical' ]);
my $subscriber = new_node('subscriber', init => [ allows_streaming => 'logical' ]);
my @configuration = qw(settings dimensions cost_centers prices budgets);

query($publisher, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
INSERT INTO spend.dimensions (name) VALUES ('campaign');
INSERT INTO spend.budgets (name, scope, group_by, amount, period, on_exceeded, on_unpriced) VALUES
  ('cap', '{}', '{}', 1000, 'total', 'reject', 'allow'), ('halt', '{"campaign": "x"}', '{}', 10, 'total', 'halt', NULL),
  ('teams', '{}', '{team}', 10, 'year', 'alert', NULL);
SELECT count(*) FROM spend.maintain(0);
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team) VALUES ('2001-01-05 UTC', 'm', 1, 'red');
INSERT INTO spend.usage (request_model, input_tokens, team, tags) VALUES ('m', 12, 'blue', '{"campaign": "x"}'), ('unknown', 1, 'red', NULL);
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "2/1"}}', '-infinity');
SQL
query($subscriber, 'SELECT count(*) FROM spend.maintain(0)');
my @leaves = split /\n/, query($publisher, q{SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'spend.usage'::regclass});
# The tables of a first copy come in any order: usage is attributed by the dimensions that are there already.
query($publisher, 'CREATE PUBLICATION ledger FOR TABLE ' . join(', ', map { "spend.$_" } @configuration));
query($subscriber, q{CREATE SUBSCRIPTION ledger CONNECTION '} . $publisher->connstr . q{ dbname=postgres' PUBLICATION ledger});
$subscriber->wait_for_subscription_sync($publisher, 'ledger');
query($publisher, 'ALTER PUBLICATION ledger ADD TABLE ' . join(', ', @leaves));
query($subscriber, 'ALTER SUBSCRIPTION ledger REFRESH PUBLICATION');
$subscriber->wait_for_subscription_sync($publisher, 'ledger');

my $rows = 'SELECT usage_id, cost, currency, price_id, pricing_status, attribution_id FROM spend.usage ORDER BY usage_id';
is(query($subscriber, $rows), query($publisher, $rows), 'the rows that were there keep their costs');
verify_is_empty($subscriber, 'the books are in order after the first copy');

query($publisher, <<'SQL');
INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'green'), ('m', 2, 'blue'), ('m', 3, 'green');
BEGIN;
INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 100, 'rolled back');
ROLLBACK;
UPDATE spend.usage SET team = 'violet' WHERE team = 'blue';
DELETE FROM spend.usage WHERE input_tokens = 3;
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "5/1"}}', '-infinity');
BEGIN;
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('later', 60, 'total', 'reject');
INSERT INTO spend.usage (request_model, input_tokens, team, tags) VALUES ('m', 4, 'green', '{"campaign": "x"}');
COMMIT;
UPDATE spend.budgets SET group_by = '{campaign}' WHERE name = 'halt';
INSERT INTO spend.usage (request_model, input_tokens, team, tags) VALUES ('m', 1, 'green', '{"campaign": "y"}');
SQL
# Limits of its own, which the applied rows exceed.
query($subscriber, q{INSERT INTO spend.budgets (budget_id, name, amount, period, on_exceeded) VALUES (-1, 'local', 1, 'total', 'reject')});
query($publisher, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'green')});
$publisher->wait_for_catchup('ledger');

is(query($subscriber, $rows), query($publisher, $rows), 'rows that are applied keep their costs');
verify_is_empty($publisher, 'the publisher is in order');
verify_is_empty($subscriber, 'the subscriber is in order');
is(query($subscriber, q{SELECT name, group_values, spent FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = 'local'}),
	'local|{}|' . query($publisher, 'SELECT sum(cost) FROM spend.usage'), 'what is above a limit here is recorded, as debt');
is(query($subscriber, 'SELECT count(*) FROM spend.alerts'), '0', 'nothing is announced a second time');
cmp_ok(query($publisher, 'SELECT count(*) FROM spend.alerts'), '>', 0, 'where it was inserted it was announced');
is(query($subscriber, q{SELECT count(*) FROM spend.budgets LEFT JOIN spend.budget_epochs USING (budget_id) WHERE redefined_by IS NULL}), '0',
	'each budget has begun its epoch on this server');
query_fails_like($subscriber, q{INSERT INTO spend.usage (usage_id, request_model, input_tokens) VALUES (-1, 'm', 1)}, qr/SP001/, 'an INSERT on this server is refused');

# A tag that is not registered here leaves the row's columns as what it is counted by.
query($subscriber, q{UPDATE spend.dimensions SET name = 'elsewhere' WHERE name = 'campaign'});
query($publisher, q{INSERT INTO spend.usage (request_model, input_tokens, team, tags) VALUES ('m', 1, 'orange', '{"campaign": "z"}')});
$publisher->wait_for_catchup('ledger');
is(query($subscriber, q{SELECT spent FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = 'teams' AND group_values = '{"team": "orange"}'}),
	'5', 'a row of an unknown attribution counts for its team');
query($subscriber, q{UPDATE spend.dimensions SET name = 'campaign' WHERE name = 'elsewhere'});
verify_is_empty($subscriber, 'the subscriber is in order again');

# Failover: the subscriber goes on by itself.
query($subscriber, 'ALTER SUBSCRIPTION ledger DISABLE; ALTER SUBSCRIPTION ledger SET (slot_name = NONE); DROP SUBSCRIPTION ledger');
query($subscriber, q{DELETE FROM spend.budgets WHERE name = 'local'; SELECT setval('spend.usage_usage_id_seq', (SELECT max(usage_id) FROM spend.usage))});
is(query($subscriber, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'green') RETURNING cost}), '5', 'it prices by the prices that were applied');
verify_is_empty($subscriber, 'the books are in order after that');

$publisher->stop;
$subscriber->stop;
done_testing();
