#!/usr/bin/perl
# P9: a streaming standby answers while it is one, and takes over where the primary ended.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use SpendTest;
use Test::More;

my $primary = new_node('primary', init => [ allows_streaming => 1 ]);
fill_ledger($primary, 'postgres');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# A connection with caches of the time when it was a standby.
my $session = $standby->background_psql('postgres');
is($session->query(q{SELECT spend.cost('m', '{"input_tokens": 1}')}), '2', 'the standby knows the prices');
query($primary, q{SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "3/1"}}', '-infinity')});
query($primary, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'red')});
query($primary, q{BEGIN; INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 7, 'red'); PREPARE TRANSACTION 'in doubt'});
$primary->wait_for_catchup($standby);
is($session->query(q{SELECT spend.cost('m', '{"input_tokens": 1}', at => '2001-01-01')}), '3', 'and hears of changes');
my $before = ledger_summary($primary, 'postgres');
is(ledger_summary($standby, 'postgres'), $before, 'the views answer');
verify_is_empty($standby, 'and so does verify()');
query_fails_like($standby, q{INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 1)}, qr/25006/, 'it takes no rows');

$primary->stop('immediate');
$standby->promote;
is(ledger_summary($standby, 'postgres'), $before, 'all is there after the promotion');
query($standby, q{COMMIT PREPARED 'in doubt'});
verify_is_empty($standby, 'the books are in order, with what was in doubt');
is($session->query(q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'blue') RETURNING cost}), '2', 'the old connection may write now');
query_fails_like($standby, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 45, 'red')}, qr/SP001/, 'a cap holds');
query($standby, 'SELECT count(*) FROM spend.maintain(4)');
verify_is_empty($standby, 'the books are in order after that');
$session->quit;

$standby->stop;
done_testing();
