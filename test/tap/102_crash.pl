#!/usr/bin/perl
# P9: kill -9 of the server and of a backend under load. Whatever was committed is accounted, whatever was not is not, and no cap is
# above its limit, each time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $node = new_node('crash', conf => "restart_after_crash = on\nfsync = off\nmax_connections = 30\n");
query($node, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
SELECT count(*) FROM spend.maintain(0);
INSERT INTO spend.budgets (name, scope, group_by, amount, period, on_exceeded) VALUES
  ('all', '{}', '{}', 100000, 'total', 'reject'), ('red', '{"team": "team1"}', '{}', 100, 'total', 'reject'),
  ('halt', '{}', '{}', 500, 'total', 'halt'), ('teams', '{}', '{team}', 400, 'month', 'alert'), ('users', '{}', '{user_id}', 90, 'total', 'reject');
-- Each load has users of its own, with room under their caps.
CREATE SEQUENCE loads;
CREATE PROCEDURE write_some() LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO spend.usage (request_model, input_tokens, team, user_id, source, idempotency_key)
  SELECT 'm', 1, 'team' || (random() * 4)::int, 'user' || (SELECT last_value FROM loads) || '-' || (random() * 100)::int, 'load', gen_random_uuid()::text
  FROM generate_series(0, (random() * 3)::int);
EXCEPTION WHEN SQLSTATE 'SP001' THEN
  NULL;
END
$$;
SQL
my $script = PostgreSQL::Test::Utils::tempdir() . '/write.sql';
append_to_file($script, "CALL write_some();\n");
my $pgbench = pg_config('--bindir') . '/pgbench';

sub start_load
{
	my ($stdout, $stderr) = ('', '');
	query($node, q{SELECT nextval('loads')});
	my $rows = query($node, 'SELECT count(*) FROM spend.usage');
	my $load = IPC::Run::start([ $pgbench, '-n', '-c', 6, '-T', 600, '-f', $script, $node->connstr('postgres') ], '>', \$stdout, '2>', \$stderr);
	$node->poll_query_until('postgres', "SELECT count(*) > $rows + 200 FROM spend.usage") or die 'no load';
	return $load;
}

sub check
{
	my ($what) = @_;
	verify_is_empty($node, "$what: every counter equals the sum of its rows");
	is(query($node, q{SELECT spent > amount FROM (SELECT sum(cost) AS spent, 100 AS amount FROM spend.usage WHERE team = 'team1') AS red}), 'f',
		"$what: the cap holds");
	is(query($node, q{SELECT user_id FROM spend.usage GROUP BY user_id HAVING sum(cost) > 90}), '', "$what: each user's cap holds");
	is(query($node, q{SELECT count(*) FROM spend.usage_keys AS k FULL JOIN spend.usage AS u USING (usage_id) WHERE k.usage_id IS NULL OR u.usage_id IS NULL}), '0',
		"$what: keys and rows belong together");
	is(query($node, q{SELECT b.name FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id) CROSS JOIN unnest(b.thresholds) AS t(percent)
			LEFT JOIN spend.alerts AS a ON (a.budget_id, a.period_start, a.group_values, a.threshold_percent) = (c.budget_id, c.period_start, c.group_values, t.percent)
			GROUP BY c.budget_id, c.group_hash, c.spent, b.name, b.amount, t.percent HAVING count(a.alert_id) <> (c.spent >= b.amount * t.percent / 100)::int}), '',
		"$what: each crossing is announced once");
	return;
}

# SPEND_CRASHES: how many.
foreach my $round (1 .. $ENV{SPEND_CRASHES} // 5)
{
	my $load = start_load();
	$node->stop('immediate');
	IPC::Run::finish($load);
	$node->start;
	check("crash $round");
}

my $load = start_load();
my $backend = query($node, q{SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL write_some%' LIMIT 1});
is(kill('KILL', $backend), 1, 'a backend is killed');
IPC::Run::finish($load);
$node->poll_query_until('postgres', 'SELECT true') or die 'the server did not come back';
check('a killed backend');

$load = start_load();
query($node, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL write_some%'});
IPC::Run::finish($load);
check('terminated backends');

$node->stop;
done_testing();
