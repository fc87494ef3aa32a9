#!/usr/bin/perl
# P10, P2: views are exact up to the last commit. Writers insert, correct, delete, amend, void, re-rate, re-attribute, roll back and prepare at random, late rows
# among them, while others fold; sessions hold old snapshots. Every view is compared, to the last digit, with what the rows of the same
# snapshot say. SPEND_ROLLUP_SECONDS makes it run longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{SPEND_ROLLUP_SECONDS} // 6;
my $node = new_node('rollups', conf => "deadlock_timeout = 50ms");
$node->safe_psql('postgres', slurp("$FindBin::Bin/lib/view_oracle.sql"));
query($node, <<'SQL');
INSERT INTO spend.settings (time_zone, unallocated_cost_center) VALUES ('Asia/Kolkata', 'overhead');
SELECT spend.set_price('maker', 'm1', '{"rates": {"input_tokens": "0.15/1M", "output_tokens": "0.6/1M", "cache_read_tokens": "0.075/1M"}}', '-infinity'),
       spend.set_price('maker', 'm2', '{"rates": {"input_tokens": "3/1k", "output_tokens": "0.000000000000000001/1"}}', '-infinity'),
       spend.set_price('other', 'm3', '{"currency": "EUR", "rates": {"input_tokens": "1/1k"}}', '-infinity');
INSERT INTO spend.models VALUES ('maker', 'm2', 'premium') ON CONFLICT DO NOTHING;
INSERT INTO spend.cost_centers (code, department, is_charged_back) VALUES ('cc-1', 'r&d', true), ('cc-2', NULL, false);
INSERT INTO spend.budgets (name, amount, cost_center) VALUES ('plan', 5, 'cc-1'), ('idle', 5, 'cc-9');
INSERT INTO spend.budgets (name, amount, group_by, on_exceeded) VALUES ('teams', 1, '{team}', 'alert');
SELECT count(*) FROM spend.maintain();
SQL

my $dir = PostgreSQL::Test::Utils::tempdir();
my $row = q{(now() - random() * random() * interval '45 days', nullif('cc-' || :a % 4, 'cc-3'), (ARRAY['search', 'Search ', 'ads', NULL])[1 + :b % 4],
  (ARRAY['r&d', 'sales'])[1 + :a % 3], 'u' || :b % 7, 'run' || :a % 20, (ARRAY['work', 'retry', 'experiment', NULL])[1 + :c % 4], (ARRAY['chat', 'Review'])[1 + :a % 2], CASE WHEN :b % 3 = 0 THEN 2000 END, CASE :a % 5 WHEN 0 THEN 'maker' END, (ARRAY['m1', 'M1', 'm2', 'm3', 'unknown'])[1 + :c % 5], 1 + :c % 1000, :b % 300,
  CASE WHEN :a % 2 = 0 THEN :c % 50 END, (ARRAY['ok', 'error', 'Cancelled', NULL])[1 + :b % 4], (ARRAY[true, false, NULL])[1 + :c % 3], CASE WHEN :a % 9 = 0 THEN 2 END, CASE WHEN :b % 11 = 0 THEN 'm1' END)};
my $columns = '(occurred_at, cost_center, team, department, user_id, run_id, purpose, feature, original_input_tokens, provider, request_model, input_tokens, output_tokens, cache_read_tokens, status, accepted, attempt, fallback_of)';
my $random = join '', map { "\\set $_ random(0, 1000000)\n" } qw(a b c);
my $some = q{(SELECT u.usage_id FROM spend.usage AS u WHERE u.usage_id >= :a % greatest((SELECT last_value FROM spend.usage_usage_id_seq), 1) ORDER BY 1 LIMIT 1)};
my %scripts = (
	insert => [ 8, "${random}INSERT INTO spend.usage $columns VALUES $row;\n" ],
	batch => [ 2, "${random}INSERT INTO spend.usage $columns SELECT occurred_at - i * interval '1 minute', cost_center, team, department, user_id, run_id || i % 4, purpose, feature, original_input_tokens, provider, request_model, input_tokens + i, output_tokens, cache_read_tokens, status, accepted, attempt, fallback_of FROM (VALUES $row) AS v $columns, generate_series(1, 9) AS i;\n" ],
	savepoint => [ 3, "${random}BEGIN;\nINSERT INTO spend.usage $columns VALUES $row;\nSAVEPOINT s;\nINSERT INTO spend.usage $columns VALUES $row;\nUPDATE spend.usage SET status = 'error' WHERE usage_id = $some;\nROLLBACK TO s;\nINSERT INTO spend.usage $columns VALUES $row;\nRELEASE s;\nEND;\n" ],
	abort => [ 2, "${random}BEGIN;\nINSERT INTO spend.usage $columns VALUES $row;\nDELETE FROM spend.usage WHERE usage_id = $some;\nROLLBACK;\n" ],
	update => [ 4, "${random}UPDATE spend.usage SET team = 'moved', accepted = :b % 2 = 0, input_tokens = :c % 77 WHERE usage_id = $some;\n" ],
	remodel => [ 2, "${random}UPDATE spend.usage SET request_model = (ARRAY['m1', 'm2', 'm3', 'nobody knows'])[1 + :b % 4], status = NULL WHERE usage_id = $some;\n" ],
	delete => [ 2, "${random}DELETE FROM spend.usage WHERE usage_id = $some;\n" ],
	price => [ 1, "${random}SELECT spend.set_price('maker', 'm2', ('{\"rates\": {\"input_tokens\": \"' || 1 + :a % 9 || '/1k\"}}')::spend.price, now() - :b % 30 * interval '1 day') FROM (SELECT 1 WHERE :c % 5 = 0) AS sometimes;\n" ],
	reprice => [ 1, "${random}SELECT count(*) FROM spend.reprice(now() - :a % 20 * interval '1 day', filter => '{\"model\": \"m2\"}');\n" ],
	amend => [ 1, "${random}SELECT count(*) FROM spend.amend_where(now() - :a % 900 * interval '1 hour' - interval '20 minutes', now() - :a % 900 * interval '1 hour', '{}', '{\"team\": \"amended\", \"output_tokens\": 5}', 'test');\n" ],
	void => [ 1, "${random}SELECT count(*) FROM spend.void_where(now() - :a % 900 * interval '1 hour' - interval '20 minutes', now() - :a % 900 * interval '1 hour', '{}', 'test');\n" ],
	reattribute => [ 1, "${random}SELECT count(*) FROM spend.reattribute(now() - :a % 900 * interval '1 hour' - interval '30 minutes', now() - :a % 900 * interval '1 hour', '{}', 'test', dimensions => '{\"team\": \"booked\", \"cost_center\": \"cc-2\"}');\n" ],
	outcome => [ 2, "${random}SELECT spend.record_outcome(run_id => 'run' || :a % 20, accepted => :b % 2 = 0, status => CASE WHEN :c % 3 = 0 THEN 'timeout' END);\n" ],
	fold => [ 2, "SELECT count(*) FROM spend.maintain(0);\n" ],
);
my @files;
foreach my $name (sort keys %scripts)
{
	my ($weight, $sql) = @{ $scripts{$name} };
	open my $file, '>', "$dir/$name.sql" or die $!;
	print $file $sql;
	close $file;
	push @files, '-f', "$dir/$name.sql\@$weight";
}

my ($out, $err) = ('', '');
my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', '6', '-j', '2', '-T', $seconds, '--max-tries=50', @files, $node->connstr('postgres') ], '<', \undef, '>', \$out, '2>', \$err);
my $difference = 'SELECT d::text FROM oracle.differences() AS d LIMIT 5';
# A grouped budget of the month, by hand.
my $budget = <<'SQL';
WITH rows AS (
  SELECT 'team=' || coalesce(nullif(spend.text_key(u.team), ''), '(none)') AS label, coalesce(sum(u.cost) FILTER (WHERE u.currency = 'USD'), 0)::numeric(38, 18) AS spent,
         count(*) AS calls, count(*) FILTER (WHERE u.cost IS NULL OR u.currency <> 'USD') AS unpriced
  FROM spend.usage AS u CROSS JOIN spend._settings() AS s
  WHERE date_trunc('month', u.occurred_at AT TIME ZONE s.time_zone) = date_trunc('month', now() AT TIME ZONE s.time_zone) AND u.pricing_status <> 'voided'
  GROUP BY 1
), shown AS (
  SELECT group_label, spent, calls, unpriced_calls FROM spend.budget_status WHERE budget_name = 'teams' AND (calls <> 0 OR spent <> 0)
)
SELECT 'budget: ' || r::text FROM (TABLE rows EXCEPT ALL TABLE shown) AS r UNION ALL SELECT 'budget shown: ' || x::text FROM (TABLE shown EXCEPT ALL TABLE rows) AS x LIMIT 5
SQL
chomp $budget;
my $verify = 'SELECT r::text FROM spend.verify_rollups() AS r LIMIT 5';
my ($checks, $prepared, @bad, @held) = (0, 0);
my $end = time() + $seconds;
while (time() < $end)
{
	# An old snapshot is looked at when it is taken, and again when much has been folded that it does not see.
	my $session = $node->background_psql('postgres', on_error_stop => 1);
	$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
	push @bad, $session->query_safe($difference), $session->query_safe($budget);
	push @held, $session;
	if (@held > 3)
	{
		my $old = shift @held;
		push @bad, $old->query_safe($difference), $old->query_safe($verify), $old->query_safe($budget);
		$old->quit;
	}
	$prepared++;
	query($node, "BEGIN; INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('prepared', 'm2', $prepared); PREPARE TRANSACTION 'p$prepared'");
	sleep 0.1;
	query($node, ($prepared % 2 ? 'COMMIT' : 'ROLLBACK') . " PREPARED 'p$prepared'");
	push @bad, query($node, $verify);
	$checks++;
}
foreach my $old (@held)
{
	push @bad, $old->query_safe($difference);
	$old->quit;
}
$bench->finish;
ok($checks > 1, "there were checks while others wrote ($checks)");
is(join("\n", grep { $_ ne '' } @bad), '', 'every view said what the rows said, in new and in old snapshots');
unlike($err, qr/ERROR|FATAL|aborted/, 'no writer failed') or diag($err);
my ($transactions) = $out =~ /transactions actually processed: (\d+)/;
ok($transactions > 20, 'writers wrote') or diag($out);
note("$transactions transactions, $checks checks");

is(query($node, $difference), '', 'they do at the end');
is(query($node, $budget), '', 'so does the status of a budget');
cmp_ok(query($node, "SELECT count(DISTINCT kind) FROM spend.adjustments"), '>', 3, 'rows were amended, voided, re-rated and booked elsewhere');
query($node, 'SELECT count(*) FROM spend.maintain(0)');
is(query($node, 'SELECT count(*) FROM spend.rollup_deltas'), '0', 'all is folded');
is(query($node, $difference), '', 'and they do when all is folded');
verify_is_empty($node, 'the books are in order');

# The days of another zone.
query($node, q{UPDATE spend.settings SET time_zone = 'America/New_York'});
query($node, 'SELECT count(*) FROM spend.maintain(0)');
is(query($node, $difference), '', 'and in the days of another zone');

# Folding waits for nobody, and nobody waits for it: a writer commits while a folding transaction is open, and the reverse.
my $folder = $node->background_psql('postgres', on_error_stop => 1);
query($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('w', 'm1', 1)});
$folder->query_safe(q{BEGIN; SELECT count(*) FROM spend.maintain(0)});
query($node, q{SET lock_timeout = '2s'; INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('w', 'm1', 2)});
is(query($node, q{SELECT action FROM spend.maintain(0)}), 'skipped', 'one folds at a time');
is(query($node, $difference), '', 'what is folded but not committed counts once');
my $writer = $node->background_psql('postgres', on_error_stop => 1);
$writer->query_safe(q{BEGIN; INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('w', 'm1', 4)});
$folder->query_safe('COMMIT');
query($node, q{SELECT count(*) FROM spend.maintain(0)});
is(query($node, $difference), '', 'what a writer has not committed does not count');
$writer->query_safe('COMMIT');
is(query($node, $difference), '', 'and then it does');
$folder->quit;
$writer->quit;

$node->stop;
done_testing();
