#!/usr/bin/perl
# P4 and P5 at the gate: a model beside the database over random steps of several sessions, restarts included; many connections at once;
# holds across a crash, a prepared transaction, dump and restore.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $build = PostgreSQL::Test::Utils::tempdir();
my $model = compile('gate_model', 'test/concurrent/gate_model/*.cpp');
my $storm = compile('gate_storm', 'test/concurrent/gate_storm.cpp');

my $node = new_node('gate', conf => "max_connections = 40\nmax_prepared_transactions = 5\n");
my $connection = $node->connstr('postgres');
my $bin = pg_config('--bindir');
my $restart = sprintf("'%s/pg_ctl' -D '%s' -l '%s' -m immediate -w restart >/dev/null", $bin, $node->data_dir, $node->logfile);

query($node, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
SELECT * FROM spend.maintain();
INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded) VALUES ('cap', '{"team": "a"}', 100, 'year', 'reject');
SQL

sub clean
{
	query($node, 'DELETE FROM spend.usage; DELETE FROM spend.holds; DELETE FROM spend.hold_amounts; DELETE FROM spend.counters; DELETE FROM spend.budgets;');
	query($node, q{INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded) VALUES ('cap', '{"team": "a"}', 100, 'year', 'reject')});
}

# The model. Its steps are the same for the same seed as long as nobody has to give up waiting.
my %done;
foreach my $seed (1 .. ($ENV{GATE_SEEDS} // 4))
{
	clean() if $seed > 1;
	my ($stdout, $stderr) = run_command([ $model, $connection, $seed, 900, $restart ]);
	is($stderr, '', "the gate does what the model says, seed $seed");
	$done{$1} += $2 while $stdout =~ /^(.*) (\d+)$/mg;
}
foreach my $step ('authorize: allow', 'authorize: deny', 'settle', 'settle late', 'release', 'expire', 'SP007', 'insert', 'insert refused', 'late row',
	'tidy', 'budget raised', 'budget lowered', 'budget deleted', 'budget created', 'savepoint rolled back', 'prepare', 'commit prepared', 'rollback prepared',
	'restart with prepared transactions')
{
	cmp_ok($done{$step} // 0, '>', 0, ($done{$step} // 0) . " times: $step");
}
query($node, q{SELECT 1});
system($restart);
verify_is_empty($node, 'the books are in order after the last restart');

# Many at once: 16 connections for a budget that runs dry.
clean();
my ($stdout, $stderr) = run_command([ $storm, $connection, 16, 40, 100 ]);
is($stderr, '', 'nobody fails but by a refusal');
my ($allowed, $denied, $looks, $exceeded) = $stdout =~ /^allowed (\d+) denied (\d+) refused \d+ failed 0 looks (\d+) exceeded (\d+)$/;
cmp_ok($allowed // 0, '>', 0, 'some were allowed');
cmp_ok($denied // 0, '>', 0, 'some were denied');
cmp_ok($looks // 0, '>', 0, 'somebody watched');
is($exceeded, '0', 'P4: spent and held never exceeded the limit');
is(query($node, q{SELECT count(*) FROM spend.hold_amounts AS a LEFT JOIN spend.holds AS h USING (hold_id) WHERE h.state IS DISTINCT FROM 'open'}), '0',
	'no amount is held by a hold that is over');
is(query($node, q{SELECT count(*) FROM spend.holds WHERE state = 'open'}), '0', 'no hold is left behind');
verify_is_empty($node, 'P5: every counter equals the sum of its rows');

# A hold survives a crash, and holds.
clean();
my $hold = query($node, q{SELECT hold_id FROM spend.authorize('m', '{"team": "a"}', '{"input_tokens": 60}', ttl => '1 hour')});
system($restart);
is(query($node, q{SELECT verdict FROM spend.authorize('m', '{"team": "a"}', '{"input_tokens": 41}')}), 'deny', 'a hold survives a crash');
query_fails_like($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 41)}, qr/budget "cap" exceeded/, 'for INSERTs, too');

# A settlement that is prepared resolves the hold when it is committed.
query($node, qq{BEGIN; SELECT * FROM spend.settle($hold, '{"input_tokens": 30}'); PREPARE TRANSACTION 'p'});
query_fails_like($node, qq{SET lock_timeout = '100ms'; SELECT spend.release($hold)}, qr/lock timeout/, 'nobody else resolves it meanwhile');
system($restart);
query($node, q{ROLLBACK PREPARED 'p'});
is(query($node, qq{SELECT state FROM spend.holds WHERE hold_id = $hold}), 'open', 'rolled back, it is open');
query($node, qq{BEGIN; SELECT * FROM spend.settle($hold, '{"input_tokens": 30}'); PREPARE TRANSACTION 'p'});
query($node, q{COMMIT PREPARED 'p'});
is(query($node, qq{SELECT state FROM spend.holds WHERE hold_id = $hold}), 'settled', 'committed, it is settled');
is(query($node, q{SELECT verdict FROM spend.authorize('m', '{"team": "a"}', '{"input_tokens": 70}', ttl => '1 hour')}), 'allow', 'and the rest is free');
verify_is_empty($node, 'the books are in order');

# A dump carries open holds along: they hold in the copy, and resolve there once.
my $dump = "$build/gate.sql";
command_ok([ "$bin/pg_dump", '-d', $connection, '-f', $dump ], 'dump');
query($node, 'CREATE DATABASE copy TEMPLATE template0');
command_ok([ "$bin/psql", '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copy'), '-o', "$build/restore.log", '-f', $dump ], 'restore');
is(query($node, q{SELECT verdict FROM spend.authorize('m', '{"team": "a"}', '{"input_tokens": 1}')}, 'copy'), 'deny', 'open holds hold in the copy');
my $open = query($node, q{SELECT hold_id FROM spend.holds WHERE state = 'open'}, 'copy');
is(query($node, qq{SELECT cost FROM spend.settle($open, '{"input_tokens": 5}')}, 'copy'), '5', 'and settle there');
query_fails_like($node, qq{SELECT spend.release($open)}, qr/was settled already/, 'once', 'copy');
query_fails_like($node, qq{SELECT spend.release($hold)}, qr/was settled already/, 'what was settled before stays so', 'copy');
cmp_ok(query($node, q{SELECT hold_id FROM spend.authorize('m', '{}', '{"input_tokens": 5}')}, 'copy'), '>', $open, 'numbers go on');
verify_is_empty($node, 'the books of the copy are in order', 'copy');

$node->stop;
done_testing();
