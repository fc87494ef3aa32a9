#!/usr/bin/perl
# P9, P10: folding and what interrupts it or goes on beside it: a crash, a dump, a restore with the worker about, and a publication of all
# tables, which sends rollups that nobody wants.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $node = new_node('folded', init => [ allows_streaming => 'logical' ]);
my $says = "SELECT md5(string_agg(d::text, ',' ORDER BY daily_spend_key)) FROM spend.daily_spend AS d";
query($node, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "0.37/1k"}}', '-infinity');
SELECT count(*) FROM spend.maintain(0);
SQL

# The very first usage is committed when the first folding has already begun, and is folded: the ledger is not one whose state is still
# to be restored.
my $first = $node->background_psql('postgres', on_error_stop => 1);
$first->query_safe(q{BEGIN; LOCK TABLE spend.rollup_deltas IN SHARE MODE; INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('first', 'm', 1)});
my $folded = '';
my $first_folding = IPC::Run::start([ 'psql', '-XqAtd', $node->connstr('postgres'), '-c', 'SELECT r.action, r.subject FROM spend._maintain_rollups(1000) AS r' ], '<', \undef, '>', \$folded);
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'spend.rollup_deltas'::regclass}) or die 'nobody folds';
$first->query_safe('COMMIT');
$first_folding->finish;
$first->quit;
is($folded, "folded deltas|1\n", 'usage that is committed while the first folding waits is folded');
is(query($node, 'SELECT action FROM spend.maintain(0)'), '', 'and nothing is put off after that');
verify_is_empty($node, 'the books are in order from the first row on');

query($node, <<'SQL');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT now() - i % 40 * interval '7 hours', 't' || i % 5, 'm', i FROM generate_series(1, 2000) AS i;
SELECT count(*) FROM spend.maintain(0);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT now() - i % 40 * interval '7 hours', 't' || i % 7, 'm', i FROM generate_series(1, 3000) AS i;
DELETE FROM spend.usage WHERE input_tokens % 10 = 3;
SQL

# A crash in the middle of it: what was there before is there again.
my $before = query($node, $says);
my $folder = $node->background_psql('postgres', on_error_stop => 1);
$folder->query_safe('BEGIN; SELECT count(*) FROM spend.maintain(0); CHECKPOINT');
$node->stop('immediate');
$node->start;
$folder->{run}->kill_kill;
cmp_ok(query($node, 'SELECT count(*) FROM spend.rollup_deltas'), '>', 0, 'after a crash the deltas are there');
is(query($node, $says), $before, 'and the views say what they said');
verify_is_empty($node, 'the books are in order after the crash');
query($node, 'SELECT count(*) FROM spend.maintain(0)');
is(query($node, $says), $before, 'folded, they say the same');
# And right after it has committed.
query($node, q{UPDATE spend.usage SET team = 'moved' WHERE input_tokens % 10 = 4});
$before = query($node, $says);
query($node, 'SELECT count(*) FROM spend.maintain(0)');
$node->stop('immediate');
$node->start;
is(query($node, 'SELECT count(*) FROM spend.rollup_deltas'), '0', 'what was folded is folded');
is(query($node, $says), $before, 'and the views say so');
verify_is_empty($node, 'the books are in order after that, too');

# Dumps, in both forms, while some write and one folds without rest.
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/write.sql", q{\set i random(1, 100000)
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) VALUES (now() - :i % 40 * interval '7 hours', 't' || :i % 9, 'm', :i);
});
append_to_file("$dir/fold.sql", "SELECT count(*) FROM spend.maintain(0);\n");
my ($out, $err) = ('', '');
my $load = IPC::Run::start([ pg_config('--bindir') . '/pgbench', '-n', '-c', 3, '-j', 1, '-T', 8, '-f', "$dir/write.sql\@20", '-f', "$dir/fold.sql\@1", $node->connstr('postgres') ], '>', \$out, '2>', \$err);
$node->command_ok([ 'pg_dump', '-f', "$dir/plain.sql", '-d', $node->connstr('postgres') ], 'pg_dump while it folds');
$node->command_ok([ 'pg_dump', '-Fd', '-j2', '-f', "$dir/directory", '-d', $node->connstr('postgres') ], 'pg_dump -j2 while it folds');
IPC::Run::finish($load);
unlike($err, qr/ERROR/, 'nobody failed over it');
verify_is_empty($node, 'the books are in order after that');

# Restored where the worker comes by every second.
my $other = new_node('restored', init => [ allows_streaming => 'logical' ], extension => 0,
	conf => "shared_preload_libraries = 'pg_spend'\npg_spend.worker_databases = 'postgres, parallel'\npg_spend.worker_interval = 1s\n" . (shares_counters() ? '' : "pg_spend.counters = 'table'\n"));
query($other, 'CREATE DATABASE parallel');
$other->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", '-d', $other->connstr('postgres') ], 'the plain dump is restored');
$other->command_ok([ 'pg_restore', '--exit-on-error', '-j2', '-d', $other->connstr('parallel'), "$dir/directory" ], 'the other one in parallel');
foreach my $database ('postgres', 'parallel')
{
	cmp_ok(query($other, 'SELECT count(*) FROM spend.usage', $database), '>', 3000, "$database has its rows");
	verify_is_empty($other, "$database is in order", $database);
	$other->poll_query_until($database, 'SELECT NOT EXISTS (SELECT FROM spend.rollup_deltas)') or die 'not folded';
	verify_is_empty($other, "$database is in order when all is folded", $database);
}
unlike(slurp($other->logfile), qr/duplicate key/, 'the worker was in nobody\'s way');
# What keeps it away.
query($other, q{ALTER SYSTEM SET pg_spend.worker_databases = ''});
$other->restart;
query($other, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('t1', 'm', 1)});
my $fold = q{SELECT action || ': ' || subject FROM spend.maintain(0) WHERE action ~ 'fold'  AND action <> 'folded movements'};
is(query($other, "BEGIN; DELETE FROM spend.rollup_state; $fold; ROLLBACK"), 'deferred folding: the ledger is being restored', 'sums without their state');
my $restore = $other->background_psql('postgres', on_error_stop => 1);
$restore->query_safe(q{SET application_name = 'pg_restore'});
is(query($other, $fold), 'deferred folding: the ledger is being restored', 'pg_restore is connected');
query($other, 'CREATE ROLE nobody LOGIN');
$restore->query_safe('SET SESSION AUTHORIZATION nobody');
$restore->quit;
my $name = $other->background_psql('postgres', on_error_stop => 1, extra_params => [ '-U', 'nobody' ]);
$name->query_safe(q{SET application_name = 'pg_restore'});
is(query($other, $fold), 'folded deltas: 1', 'one of that name that may restore nothing');
$name->quit;
verify_is_empty($other, 'the books are in order');
$other->stop;

# A publication of all tables. The other side sums up the rows that it gets, and takes no rollup; on this side folding goes on.
my $subscriber = new_node('subscriber', init => [ allows_streaming => 'logical' ]);
query($subscriber, 'SELECT count(*) FROM spend.maintain(0)');
query($node, 'CREATE PUBLICATION everything FOR ALL TABLES');
query($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 't' || i % 5, 'm', i FROM generate_series(1, 100) AS i});
query($node, 'SELECT count(*) FROM spend.maintain(0)');
is(query($node, 'SELECT count(*) FROM spend.rollup_deltas'), '0', 'all tables are published, and it folds');
my @missing = split /\n/, query($node, q{SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'spend.usage'::regclass});
foreach my $leaf (@missing)
{
	my ($month) = $leaf =~ /usage_(\d+_\d+)$/ or next;
	query($subscriber, "CALL spend._make_month(to_date('$month', 'YYYY_MM'))") if query($subscriber, "SELECT to_regclass('$leaf') IS NULL") eq 't';
}
query($subscriber, q{CREATE SUBSCRIPTION everything CONNECTION '} . $node->connstr . q{ dbname=postgres' PUBLICATION everything});
$subscriber->wait_for_subscription_sync($node, 'everything');
is(query($subscriber, 'SELECT count(*), sum(cost) FROM spend.usage'), query($node, 'SELECT count(*), sum(cost) FROM spend.usage'), 'the rows have come');
is(query($subscriber, 'SELECT r::text FROM spend.verify_rollups() AS r LIMIT 5'), '', 'each is in the sums of the subscriber once');
query($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) SELECT 't' || i % 5, 'm', i FROM generate_series(1, 100) AS i; UPDATE spend.usage SET team = 'later' WHERE input_tokens = 7});
query($node, 'SELECT count(*) FROM spend.maintain(0)');
query($subscriber, 'SELECT count(*) FROM spend.maintain(0)');
$node->wait_for_catchup('everything');
is(query($subscriber, 'SELECT r::text FROM spend.verify_rollups() AS r LIMIT 5'), '', 'and so is what comes later, folded here and there');
is(query($subscriber, $says), query($node, $says), 'both say the same');
query($subscriber, 'SELECT count(*) FROM spend.maintain(0)');
is(query($subscriber, $says), query($node, $says), 'folded, too');
verify_is_empty($node, 'the publisher is in order');

$node->stop;
$subscriber->stop;
done_testing();
