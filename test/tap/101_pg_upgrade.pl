#!/usr/bin/perl
# P9: pg_upgrade keeps the ledger: members of the extension, month leaves, triggers, counters, rights.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $old = new_node('old');
fill_ledger($old, 'postgres');
my $before = ledger_summary($old, 'postgres');
my $highest = query($old, 'SELECT max(usage_id) FROM spend.usage');
$old->stop;

my $new = PostgreSQL::Test::Cluster->new('new');
init_node($new);
$new->append_conf('postgresql.conf', "timezone = 'UTC'\n");

my $bin = pg_config('--bindir');
chdir(PostgreSQL::Test::Utils::tempdir()) or die "chdir: $!";
command_ok(
	[
		"$bin/pg_upgrade", '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
		'-p', $old->port, '-P', $new->port, '-s', $new->host,
	],
	'pg_upgrade');

$new->start;
is(ledger_summary($new, 'postgres'), $before, 'everything is there as it was');
verify_is_empty($new, 'the books are in order');
is(query($new, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'blue') RETURNING usage_id, cost}),
	($highest + 1) . '|2', 'the next row has the next number and the current price');
query_fails_like($new, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1000, 'red')}, qr/SP001/, 'a cap holds');
is(query($new, q{SET ROLE app; INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 1) RETURNING cost}), '2', 'the writer writes');
query($new, q{INSERT INTO spend.budgets (name, amount, on_exceeded) VALUES ('new', 1000, 'reject')});
query($new, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'blue')});
is(query($new, q{SELECT count(*) FROM spend.maintain(4) WHERE action = 'created partition'}), '4', 'coming months get their leaves');
is(query($new, leaf_triggers()), 'account_row A,price_row O,refuse_truncate O', 'every leaf has its triggers');
verify_is_empty($new, 'the books are in order after all that');

$new->stop;
done_testing();
