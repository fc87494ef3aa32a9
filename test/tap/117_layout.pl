#!/usr/bin/perl
# Shared memory that another version of the library has laid out is not read: the server says so and does not start where the library is
# preloaded; where it is not (from PostgreSQL 17 on) counters are rows from then on, for everybody, and who still counts in memory is waited for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy qw(copy);
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $root = source_root();
my $config = $ENV{PG_CONFIG} // 'pg_config';

local $ENV{MAKEFLAGS} = '';
my $output = `make -s -C '$root/test/module' PG_CONFIG='$config' layout_test.so 2>&1`;
is($?, 0, 'the test module builds without warnings') or diag($output);
my $library = PostgreSQL::Test::Utils::tempdir() . '/layout_test.so';
copy("$root/test/module/layout_test.so", $library) or die "copy: $!";
chmod 0755, $library;

my $node = new_node('layout');
query($node, 'INSERT INTO spend.usage (team) VALUES (\'a\')');
$node->stop;

$node->append_conf('postgresql.conf', "shared_preload_libraries = '$library,pg_spend'\n");
is($node->start(fail_ok => 1), 0, 'the server does not start');
my $log = slurp($node->logfile);
like($log, qr/FATAL: .*shared memory of pg_spend was laid out by another version of the library/, 'it says why');
like($log, qr/DETAIL: .*Its layout is 1, this library's is \d+\./, 'which layouts they are');
like($log, qr/HINT: .*Preload one version of the library only\./, 'and what to do');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_spend'\npg_spend.counters = 'auto'\n");
$node->start;
is(query($node, q{INSERT INTO spend.usage (team) VALUES ('a') RETURNING 1}), '1', 'with one version it starts, and works');
is(query($node, 'SELECT counter_mode FROM spend.status'), 'shared', 'in shared memory');
verify_is_empty($node, 'the books are in order');
$node->stop;

# Without preloading. Each server of its own, because segments of the registry stay as long as it runs.
if ($node->pg_version >= 17)
{
	# The other version was there first.
	my $later = new_node('later', conf => "shared_preload_libraries = ''\npg_spend.counters = 'auto'\n", extension => 0);
	query($later, "LOAD '$library'");
	my ($result, $stdout, $stderr) = $later->psql('postgres', 'SET client_min_messages = warning; CREATE EXTENSION pg_spend CASCADE; SELECT counter_mode FROM spend.status');
	is("$result $stdout", '0 table', 'not preloaded: counters are rows');
	like($stderr, qr/WARNING: .*another version of the pg_spend library is in use.*DETAIL: .*kept as rows until the server is restarted.*HINT: .*restart the server/s,
		'a warning says it');
	prepare_cap($later);
	is(query($later, ask_for(10)), '10', 'the cap lets in what fits');
	query_fails_like($later, ask_for(1), qr/SP001/, 'and nothing more');
	verify_is_empty($later, 'the books are in order');
	$later->restart;
	is(query($later, "SELECT count(spend.cost('m', '{}')); SELECT counter_mode FROM spend.status"), "1\nshared", 'started again, they are in shared memory');
	query_fails_like($later, ask_for(1), qr/SP001/, 'under the same cap');
	verify_is_empty($later, 'the books are in order after the start');
	$later->stop;

	# It comes while transactions count in memory.
	my $beside = new_node('beside', conf => "shared_preload_libraries = ''\npg_spend.counters = 'auto'\n");
	prepare_cap($beside);
	my $old = $beside->background_psql('postgres', on_error_stop => 0);
	is($old->query_safe('BEGIN; ' . ask_for(6)), '6', 'a transaction counts in memory');
	is($old->query_safe('SELECT counter_mode FROM spend.status'), 'shared', 'which is where counters are');
	query($beside, "LOAD '$library'");
	query_fails_like($beside, q{SET lock_timeout = '1s'; } . ask_for(6), qr/55P03/, 'a new session waits for those who count in memory');
	is($old->query_safe(ask_for(1) . '; COMMIT'), '1', 'which go on there to their end');
	query_fails_like($beside, ask_for(6), qr/SP001.*spent 7 USD/s, 'then it counts what they have left behind');
	is(query($beside, ask_for(2)), '2', 'and may use the rest');
	is($old->query_safe(ask_for(1)), '1', 'the old session goes on');
	isnt($old->query(ask_for(1)), '1', 'under the same cap');
	is($old->query('SELECT counter_mode FROM spend.status'), 'table', 'in rows, too');
	$old->quit;
	verify_is_empty($beside, 'the books are in order beside another version');
	$beside->stop;
}

sub prepare_cap
{
	my ($server) = @_;
	query($server, <<'SQL');
SET client_min_messages = error;
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
SELECT count(*) FROM spend.maintain();
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('cap', 10, 'total', 'reject');
SQL
	return;
}

sub ask_for { return "INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', $_[0]) RETURNING cost"; }

done_testing();
