#!/usr/bin/perl
# P4 and P5 under 16 concurrent writers (a C++ program over libpqxx): no writer fails but by SP001, no reject budget is ever above its
# limit, every counter equals the sum of its rows, every threshold is announced once. And the pg_spend command on the result.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $root = source_root();
my $writers = compile('writers', 'test/concurrent/writers.cpp');
my $client = compile('pg_spend', 'src/client/*.cpp');

my $node = new_node('concurrent', conf => "max_connections = 40\n");
query($node, <<'SQL');
SELECT spend.set_price('test', 'unit', '{"rates": {"input_tokens": "0.01/1"}}', '-infinity');
SELECT * FROM spend.maintain();
INSERT INTO spend.budgets (name, scope, amount, on_exceeded, thresholds) VALUES
  ('all cap', '{}', 60, 'reject', '{50,80,100}'),
  ('red cap', '{"team": "red"}', 10, 'reject', '{80,100}'),
  ('green or blue cap', '{"team": ["green", "blue"]}', 25, 'reject', '{80}'),
  ('all watched', '{}', 40, 'halt', '{25,50,75,100}'),
  ('calls', '{}', 100, 'alert', '{10,100}');
INSERT INTO spend.budgets (name, group_by, amount, on_exceeded) VALUES ('each user', '{user_id}', 14, 'reject');
UPDATE spend.budgets SET measure = 'calls' WHERE name = 'calls';
SQL

my $connection = $node->connstr('postgres');
my ($stdout, $stderr) = run_command([ $writers, $connection, 16, 60 ]);
is($stderr, '', 'no writer fails but by SP001');
my ($committed, $refused, $rolled_back, $failed) = $stdout =~ /^committed (\d+) refused (\d+) rolled_back (\d+) failed (\d+)$/;
is($failed, '0', 'no deadlock, no serialization failure');
cmp_ok($committed, '>', 0, "$committed transactions committed");
cmp_ok($refused, '>', 0, "$refused were refused");

verify_is_empty($node, 'P5: every counter equals the sum of its rows');
# The same sums without a function of ours.
is( query($node, <<'SQL'),
WITH totals(name, spent, amount) AS (
  SELECT 'all', (SELECT sum(cost) FROM spend.usage), 60
  UNION ALL SELECT 'red', (SELECT sum(cost) FROM spend.usage WHERE team = 'red'), 10
  UNION ALL SELECT 'green, blue', (SELECT sum(cost) FROM spend.usage WHERE team IN ('green', 'blue')), 25
  UNION ALL (SELECT 'user', sum(cost), 14 FROM spend.usage GROUP BY user_id)
)
SELECT * FROM totals WHERE spent > amount
SQL
	'', 'P4: no reject budget is above its limit');
is(query($node, q{SELECT (SELECT trim_scale(spent) FROM spend.budget_status WHERE budget_name = 'all watched') = (SELECT trim_scale(sum(cost)) FROM spend.usage)}),
	't', 'what is only watched counts the same rows');
is( query($node, 'SELECT budget_name, group_values, threshold_percent FROM spend.alerts GROUP BY 1, 2, 3 HAVING count(*) > 1'),
	'', 'no threshold is announced twice');
is( query($node, <<'SQL'),
SELECT s.budget_name, s.group_label, t.percent
FROM spend.budget_status AS s
JOIN spend.budgets AS b USING (budget_id)
CROSS JOIN unnest(b.thresholds) AS t(percent)
LEFT JOIN spend.alerts AS a ON a.budget_id = s.budget_id AND a.threshold_percent = t.percent
  AND coalesce((SELECT string_agg(key || '=' || value, ', ') FROM jsonb_each_text(a.group_values)), '') = s.group_label
WHERE (s.used_percent >= t.percent) <> (a.alert_id IS NOT NULL)
SQL
	'', 'each threshold that was crossed is announced, no other');

($stdout, $stderr) = run_command([ $client, '-d', $connection, 'verify' ]);
is($stdout, 'all counters equal the sum of their rows', 'pg_spend verify');
($stdout, $stderr) = run_command([ $client, '-d', $connection, 'report' ]);
like($stdout, qr/^cost center .*^\(untagged\) .*^all watched .* 40\.00 /ms, 'pg_spend report');
query($node, q{UPDATE spend.counters SET spent = spent + 1 WHERE budget_id = (SELECT budget_id FROM spend.budgets WHERE name = 'all cap')});
is(system("'$client' -d '$connection' verify >/dev/null") >> 8, 1, 'pg_spend verify exits with 1 when a counter differs');

my @import = ($client, '-d', $connection, 'import', 'litellm', "$root/test/catalogs/litellm.json");
($stdout, $stderr) = run_command([ @import, '--dry-run', '--effective-from', '-infinity' ]);
like($stdout, qr/^dry run, nothing is changed: \d{2} added, 0 closed, 0 unchanged, 0 skipped, \d quarantined$/m, 'pg_spend import --dry-run');
($stdout, $stderr) = run_command([ @import, '--effective-from', '-infinity' ]);
like($stdout, qr/^wandb\S+ +quarantined .*^\d{2} added, 0 closed, 0 unchanged, 0 skipped, \d quarantined$/ms, 'pg_spend import');
($stdout, $stderr) = run_command(\@import);
like($stdout, qr/^0 added, 0 closed, \d{2} unchanged, 0 skipped, \d quarantined$/m, 'a second import changes nothing');
is(system("'$client' -d '$connection' import litellm /nonexistent 2>/dev/null") >> 8, 3, 'a file that is not there is a failure');
is(system("'$client' -d '$connection' import litellm 2>/dev/null") >> 8, 2, 'an import without a file is a usage error');
is(system("'$client' -d '$connection' nonsense 2>/dev/null") >> 8, 2, 'an unknown command is a usage error');

$node->stop;
done_testing();
