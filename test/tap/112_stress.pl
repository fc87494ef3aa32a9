#!/usr/bin/perl
# P4 and P5 at the cap: 64 writers (a C++ program over libpqxx) with every kind of transaction, cancelled statements and killed backends.
# No budget is above its limit, no row was refused that would have fitted, counters equal rows to the last digit and decide by that.
#
# SPEND_STRESS_ROUNDS (default 3) rounds of SPEND_STRESS_SECONDS (default 3); in each third one a backend is killed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $rounds = $ENV{SPEND_STRESS_ROUNDS} // 3;
my $seconds = $ENV{SPEND_STRESS_SECONDS} // 3;
my $stress = compile('stress', 'test/concurrent/stress.cpp');

my $node = new_node('stress', conf => <<'CONF');
max_connections = 100
max_prepared_transactions = 80
restart_after_crash = on
fsync = off
autovacuum_naptime = 1s
deadlock_timeout = 100ms
pg_spend.pending_wait = 20s
CONF
query($node, <<'SQL');
SELECT spend.set_price('test', 'unit', '{"rates": {"input_tokens": "0.01/1"}}', '-infinity');
SELECT * FROM spend.maintain(0);
INSERT INTO spend.budgets (name, scope, group_by, amount, on_exceeded, thresholds) VALUES
  ('all', '{}', '{}', 0, 'reject', '{50,100}'), ('red', '{"team": "red"}', '{}', 0, 'reject', '{80}'),
  ('green or blue', '{"team": ["green", "blue"]}', '{}', 0, 'reject', '{80}'), ('users', '{}', '{user_id}', 0, 'reject', '{80}'),
  ('watched', '{}', '{}', 5, 'halt', '{25,50,75,100}'), ('teams', '{}', '{team}', 3, 'alert', '{50}');
SQL

# What each counter must be, without a function of ours: the committed rows, one after the other.
my $replayed = <<'SQL';
WITH rows AS (SELECT usage_id, team, user_id, input_tokens * 0.01 AS cost FROM spend.usage)
SELECT 'all', '{}', sum(cost) FROM rows UNION ALL SELECT 'red', '{}', sum(cost) FROM rows WHERE team = 'red'
UNION ALL SELECT 'green or blue', '{}', sum(cost) FROM rows WHERE team IN ('green', 'blue') UNION ALL SELECT 'watched', '{}', sum(cost) FROM rows
UNION ALL SELECT 'users', format('{"user_id": "%s"}', user_id), sum(cost) FROM rows GROUP BY user_id
UNION ALL SELECT 'teams', format('{"team": "%s"}', team), sum(cost) FROM rows GROUP BY team
SQL

my ($refusals, $kills) = (0, 0);
foreach my $round (1 .. $rounds)
{
	# Room for about a second.
	query($node, <<'SQL');
UPDATE spend.budgets SET amount = CASE name WHEN 'users' THEN coalesce((SELECT max(cost) FROM (SELECT sum(cost) AS cost FROM spend.usage GROUP BY user_id) AS u), 0) + 6
  WHEN 'all' THEN coalesce((SELECT sum(cost) FROM spend.usage), 0) + 20
  WHEN 'red' THEN coalesce((SELECT sum(cost) FROM spend.usage WHERE team = 'red'), 0) + 4
  ELSE coalesce((SELECT sum(cost) FROM spend.usage WHERE team IN ('green', 'blue')), 0) + 7.5 END
WHERE on_exceeded = 'reject'
SQL
	my ($stdout, $stderr) = ('', '');
	my $run = IPC::Run::start([ $stress, $node->connstr('postgres'), 64, $seconds * 1000, $round ], '>', \$stdout, '2>', \$stderr);
	if ($round % 3 == 0)
	{
		select(undef, undef, undef, $seconds / 3);
		my $backend = query($node, q{SELECT pid FROM pg_stat_activity WHERE application_name = 'stress' ORDER BY random() LIMIT 1});
		$kills += kill('KILL', $backend);
		$node->poll_query_until('postgres', 'SELECT true');
	}
	elsif (shares_counters() || $round % 3 == 1)
	{
		# Folding beside them.
		foreach my $time (1 .. $seconds * 3)
		{
			select(undef, undef, undef, 0.25);
			$node->psql('postgres', 'SELECT * FROM spend.maintain(0)');
		}
	}
	IPC::Run::finish($run);
	is($stderr, '', "round $round: no statement fails but for a reason");
	my ($committed, $refused, $failed) = $stdout =~ /^committed (\d+) refused (\d+) .* failed (\d+)$/m;
	note($stdout =~ /^(committed .*)$/m);
	is($failed, '0', "round $round: nor a transaction");
	cmp_ok($committed, '>', 0, "round $round: $committed committed");
	# What a killed server left in doubt.
	query($node, qq{ROLLBACK PREPARED '$_'}) foreach split(/\n/, query($node, 'SELECT gid FROM pg_prepared_xacts'));

	verify_is_empty($node, "round $round: every counter equals the sum of its rows");
	is(query($node, "SELECT * FROM ($replayed) AS r(name, groups, spent) JOIN spend.budgets AS b USING (name) WHERE r.spent > b.amount AND b.on_exceeded = 'reject'"),
		'', "round $round: no budget is above its limit");
	is(query($node, "SELECT * FROM ($replayed) AS r(name, groups, spent) FULL JOIN (SELECT b.name, c.group_values::text AS groups, c.spent FROM spend._counter_totals AS c
		JOIN spend.budgets AS b USING (budget_id)) AS c USING (name, groups) WHERE r.spent IS DISTINCT FROM c.spent AND coalesce(r.spent, c.spent) <> 0"),
		'', "round $round: counters say what the rows say");
	is(query($node, 'SELECT budget_name, group_values, threshold_percent, amount FROM spend.alerts WHERE threshold_percent IS NOT NULL GROUP BY 1, 2, 3, 4 HAVING count(*) > 1'),
		'', "round $round: no alert twice for one limit");

	# Each row that was refused alone would still not fit.
	my %room = map { split(/\|/) } split(/\n/, query($node, "SELECT b.name || coalesce(' ' || (r.groups::json ->> 'user_id'), ''), ((b.amount - r.spent) * 100)::bigint
		FROM ($replayed) AS r(name, groups, spent) JOIN spend.budgets AS b USING (name) WHERE b.on_exceeded = 'reject'"));
	my @false;
	while ($stdout =~ /^refused \('(\w+)', '(\w+)', 'test', 'unit', (\d+)\) .*budget "([^"]+)" exceeded( \(pending\))?$/mg)
	{
		my ($user, $tokens, $budget, $pending) = ($2, $3, $4, $5);
		++$refusals;
		push @false, "$budget: $user $tokens" . ($pending // '') if $pending || $tokens <= $room{ $budget eq 'users' ? "users $user" : $budget };
	}
	is("@false", '', "round $round: no false refusal");
}
cmp_ok($refusals, '>', 0, "$refusals rows alone were refused");

# The counters in use are the same to the last digit: what is left fits, and nothing more.
query($node, q{UPDATE spend.budgets SET amount = (SELECT sum(cost) FROM spend.usage) + 1000 WHERE name <> 'all' AND on_exceeded = 'reject'});
query($node, q{UPDATE spend.budgets SET amount = (SELECT sum(cost) FROM spend.usage) + 0.01 WHERE name = 'all'});
query_fails_like($node, q{INSERT INTO spend.usage (request_model, provider, input_tokens) VALUES ('unit', 'test', 2)}, qr/SP001/, 'two hundredths do not fit');
query($node, q{INSERT INTO spend.usage (request_model, provider, input_tokens) VALUES ('unit', 'test', 1)});
query_fails_like($node, q{INSERT INTO spend.usage (request_model, provider, input_tokens) VALUES ('unit', 'test', 1)}, qr/SP001/, 'one did, another does not');

$node->stop;
done_testing();
