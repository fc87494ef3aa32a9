#!/usr/bin/perl
# Counters in shared memory when things go wrong: a memory that is far too small, a stored counter or one in memory that is not what the rows say, also
# under writers, and databases that come and go.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $node = new_node('faults', conf => <<'CONF');
shared_preload_libraries = 'pg_spend'
pg_spend.counters = 'auto'
pg_spend.counter_memory = 64kB
pg_spend.pending_wait = 20s
fsync = off
CONF
my $setup = <<'SQL';
SELECT spend.set_price('test', 'unit', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
SELECT count(*) FROM spend.maintain(0);
SQL
query($node, $setup);
is(query($node, 'SELECT counter_mode, counter_capacity < 200 FROM spend.status'), 'shared|t', 'a memory for few counters');

# Far more counters than lines, each used again and again, so that most uses find theirs evicted. Each user has room for three.
query($node, <<'SQL');
INSERT INTO spend.budgets (name, group_by, amount, measure, period, on_exceeded) VALUES ('users', '{user_id}', 3, 'calls', 'total', 'reject');
CREATE TABLE refused (user_id text);
CREATE PROCEDURE write_row(who text) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO spend.usage (provider, request_model, input_tokens, user_id) VALUES ('test', 'unit', 1, who);
EXCEPTION WHEN SQLSTATE 'SP001' THEN
  INSERT INTO refused VALUES (who);
END
$$;
DO $$
BEGIN
  FOR pass IN 1..4 LOOP
    FOR i IN 1..400 LOOP
      CALL write_row('user ' || i);
      COMMIT;
    END LOOP;
    PERFORM spend._fold_counters() WHERE pass = 2;
  END LOOP;
END
$$;
SQL
is(query($node, q{SELECT count(*), count(DISTINCT user_id), max(n), min(n) FROM (SELECT user_id, count(*) AS n FROM spend.usage GROUP BY 1) AS u}), '400|400|3|3',
	'each user gets what fits, evicted or not');
is(query($node, 'SELECT count(*), count(DISTINCT user_id) FROM refused'), '400|400', 'and is refused once');
is(query($node, 'SELECT counters_in_memory <= counter_capacity, counters_kept_as_rows FROM spend.status'), 't|0', 'lines gave way, none became a row');
verify_is_empty($node, 'eviction: the books are in order');

# A savepoint takes the lock with it by which others know who uses memory: the next row takes it again.
query($node, q{CREATE VIEW own_locks AS SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'spend.counter_deltas'::regclass AND mode = 'RowExclusiveLock'});
is(query($node, <<'SQL'), "1\n0\n1\n1", 'a row after a savepoint that was rolled back holds the lock of the first');
BEGIN;
SAVEPOINT s;
INSERT INTO spend.usage (provider, request_model, input_tokens, user_id) VALUES ('test', 'unit', 1, 'saver');
TABLE own_locks;
ROLLBACK TO s;
TABLE own_locks;
INSERT INTO spend.usage (provider, request_model, input_tokens, user_id) VALUES ('test', 'unit', 1, 'saver');
TABLE own_locks;
SAVEPOINT s;
ROLLBACK TO s;
TABLE own_locks;
ROLLBACK;
SQL

# Many writers at once, that roll back, too.
query($node, q{TRUNCATE refused; UPDATE spend.budgets SET amount = 6 WHERE name = 'users'});
my $pgbench = pg_config('--bindir') . '/pgbench';
my $script = PostgreSQL::Test::Utils::tempdir() . '/write.sql';
append_to_file($script, <<'SQL');
\set who random(1, 500)
\set fate random(1, 10)
\if :fate = 1
BEGIN;
CALL write_row('user ' || :who);
ROLLBACK;
\else
CALL write_row('user ' || :who);
\endif
SQL
sub load_in_background
{
	my ($transactions) = @_;
	my ($stdout, $stderr) = ('', '');
	return IPC::Run::start([ $pgbench, '-n', '-c', 8, '-t', $transactions, '-f', $script, $node->connstr('postgres') ], '>', \$stdout, '2>', \$stderr);
}
IPC::Run::finish(load_in_background(300));
my $wrong = q{SELECT user_id, u.n, r.n FROM (SELECT user_id, count(*) AS n FROM spend.usage GROUP BY 1) AS u FULL JOIN (SELECT user_id, count(*) AS n FROM refused GROUP BY 1) AS r
  USING (user_id) WHERE u.n > 6 OR (r.n > 0 AND u.n < 6)};
is(query($node, $wrong), '', 'many writers: no overspend and no false refusal');
cmp_ok(query($node, 'SELECT count(*) FROM refused'), '>', 0, 'some were refused');
verify_is_empty($node, 'many writers: the books are in order');

# One transaction that uses more counters than there are lines: the rest become rows, and stay right.
query($node, <<'SQL');
INSERT INTO spend.usage (provider, request_model, input_tokens, user_id) SELECT 'test', 'unit', 1, 'many ' || i % 500 FROM generate_series(1, 1500) AS i;
SQL
cmp_ok(query($node, 'SELECT counters_kept_as_rows FROM spend.status'), '>', 0, 'a full table: counters become rows');
query($node, q{TRUNCATE refused});
query($node, q{DO $$ BEGIN FOR pass IN 1..4 LOOP FOR i IN 0..99 LOOP CALL write_row('many ' || i); COMMIT; END LOOP; END LOOP; END $$});
is(query($node, q{SELECT count(*), (SELECT count(*) FROM refused) FROM spend.usage WHERE user_id IN (SELECT 'many ' || i FROM generate_series(0, 99) AS i)}), '600|100',
	'a full table: six for each and not a seventh');
IPC::Run::finish(load_in_background(100));
is(query($node, $wrong), '', 'a full table, many writers: no overspend and no false refusal');
verify_is_empty($node, 'a full table: the books are in order');

# What is stored is wrong, and what is in memory.
$node->append_conf('postgresql.conf', "pg_spend.counter_memory = 32MB\n");
$node->restart;
query($node, q{INSERT INTO spend.budgets (name, amount, measure, period, on_exceeded) VALUES ('all', 100000000, 'calls', 'total', 'reject')});
query($node, q{CALL write_row('somebody')});
query($node, q{SELECT spend._fold_counters()});
my $differences = q{SELECT budget, difference FROM spend.verify() ORDER BY budget};
my $add = q{UPDATE spend.counters SET spent = spent + %d WHERE budget_id = (SELECT budget_id FROM spend.budgets WHERE name = 'all')};
query($node, sprintf($add, 5));
is(query($node, $differences), 'all|5', 'a stored counter is wrong: verify() tells');
is(query($node, q{SELECT budget, difference FROM spend.verify(repair => true)}), 'all|5', 'repair tells what it repairs');
verify_is_empty($node, 'a stored counter is repaired');
# Loaded as it should not be, and then stored as it should: the line in memory is what is wrong.
query($node, sprintf($add, 5));
query($node, q{CALL write_row('somebody')});
query($node, 'ALTER TABLE spend.counters DISABLE TRIGGER forget_row; ' . sprintf($add, -5) . '; ALTER TABLE spend.counters ENABLE TRIGGER forget_row');
is(query($node, $differences), 'all|5', 'a counter in memory is wrong: verify() tells');
query($node, q{SELECT * FROM spend.verify(repair => true)});
verify_is_empty($node, 'a counter in memory is repaired');
query($node, q{UPDATE spend.budgets SET amount = (SELECT count(*) FROM spend.usage) + 1 WHERE name = 'all'; UPDATE spend.budgets SET amount = 1000 WHERE name = 'users'});
query($node, q{TRUNCATE refused; CALL write_row('somebody'); CALL write_row('somebody')});
is(query($node, 'SELECT count(*) FROM refused'), '1', 'and decides by that');

# Under writers, with the wrong figure in use.
query($node, q{UPDATE spend.budgets SET amount = 100000000 WHERE name = 'all'});
my $load = load_in_background(400);
foreach my $time (1 .. 3)
{
	query($node, sprintf($add, 7));
	$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM spend.verify() WHERE budget = 'all')}) or die 'the difference is not seen';
	query($node, 'SELECT * FROM spend.verify(repair => true)');
}
IPC::Run::finish($load);
verify_is_empty($node, 'repaired under writers');

# Databases have counters of their own, and one that is made again begins anew.
query($node, q{UPDATE spend.budgets SET amount = (SELECT count(*) FROM spend.usage) WHERE name = 'all'});
foreach my $time (1 .. 2)
{
	query($node, 'CREATE DATABASE other');
	create_extension($node, 'other');
	query($node, $setup, 'other');
	query($node, q{INSERT INTO spend.budgets (name, amount, measure, period, on_exceeded) VALUES ('all', 2, 'calls', 'total', 'reject')}, 'other');
	my $row = q{INSERT INTO spend.usage (provider, request_model, input_tokens) VALUES ('test', 'unit', 1)};
	query_fails_like($node, $row, qr/SP001/, "database $time: the first one's cap holds");
	query($node, $row, 'other') foreach 1 .. 2;
	query_fails_like($node, $row, qr/SP001.*limit 2 /s, "database $time: the other's holds", 'other');
	verify_is_empty($node, "database $time: the other's books are in order", 'other');
	query($node, 'DROP DATABASE other');
}
verify_is_empty($node, 'the first one\'s books are in order');

$node->stop;
done_testing();
