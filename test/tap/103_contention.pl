#!/usr/bin/perl
# Many writers on few counters while an old snapshot keeps every version of them: their rows move from page to page, and are found
# nevertheless. Neither a writer fails nor a movement is lost; budgets come and change meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $node = new_node('contention', conf => "fsync = off\nmax_connections = 30\n");
query($node, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
SELECT count(*) FROM spend.maintain(0);
INSERT INTO spend.budgets (name, scope, group_by, amount, period, on_exceeded) VALUES
  ('all', '{}', '{}', 10000, 'total', 'reject'), ('halt', '{}', '{}', 3000, 'total', 'halt'), ('teams', '{}', '{team}', 1000, 'month', 'halt'),
  ('days', '{}', '{}', 1000, 'day', 'alert');
CREATE TABLE wide (x int);
SQL

my $old = $node->background_psql('postgres');
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM wide');

my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/one.sql", <<'SQL');
\set team random(1, 3)
INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'team' || :team);
SQL
append_to_file("$dir/many.sql", <<'SQL');
\set a random(1, 3)
\set b random(1, 3)
BEGIN ISOLATION LEVEL SERIALIZABLE;
SAVEPOINT s;
INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'team' || :a);
ROLLBACK TO s;
INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'team' || :a), ('m', 1, 'team' || :b);
COMMIT;
SQL
append_to_file("$dir/change.sql", <<'SQL');
UPDATE spend.budgets SET amount = amount + 1 WHERE name = 'all';
INSERT INTO spend.budgets (name, scope, group_by, amount, period, on_exceeded) VALUES ('new' || :client_id || random(), '{}', '{team}', 10000, 'total', 'alert');
SQL
append_to_file("$dir/retag.sql", <<'SQL');
UPDATE spend.usage SET team = 'team1' WHERE usage_id = (SELECT min(usage_id) FROM spend.usage WHERE team = 'team2');
SQL
command_checks_all(
	[
		pg_config('--bindir') . '/pgbench', '-n', '-c', 12, '-j', 2, '-t', 120,
		'-f', "$dir/one.sql\@60", '-f', "$dir/many.sql\@36", '-f', "$dir/change.sql\@1", '-f', "$dir/retag.sql\@3", $node->connstr('postgres')
	],
	0,
	[qr{number of transactions actually processed: 1440/1440}],
	[qr{^(?!.*(error|ERROR|aborted))}s],
	'no writer fails');
$old->query('COMMIT');
$old->quit;

verify_is_empty($node, 'every counter equals the sum of its rows');
is(query($node, q{SELECT count(*) FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = 'teams'}), '3', 'one counter for each team');
is(query($node, q{SELECT (SELECT spent FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = 'all') = (SELECT sum(cost) FROM spend.usage)}), 't',
	'and the same sum without a function of ours');
is(query($node, 'SELECT budget_id, group_values, threshold_percent FROM spend.alerts GROUP BY 1, 2, 3, period_start HAVING count(*) > 1'), '', 'no alert twice');
# Those in shared memory have no row that moves.
cmp_ok(query($node, q{SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'spend.counters'::regclass}), '>', 0, 'counters did move between pages')
	unless shares_counters();

$node->stop;
done_testing();
