#!/usr/bin/perl
# P2, P10: facts that change. Writers insert, amend, void, report outcomes, re-attribute, re-rate, delete, roll back and prepare at random, late rows
# among them, while others fold and close months, and sessions hold old snapshots. Every view is compared, to the last digit, with what
# the rows of the same snapshot say; budgets with rows; and the adjustments of each row are a chain from what it was to what it is.
# SPEND_CORRECTIONS_SECONDS makes it run longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{SPEND_CORRECTIONS_SECONDS} // 6;
my $node = new_node('corrections', conf => "deadlock_timeout = 50ms");
$node->safe_psql('postgres', slurp("$FindBin::Bin/lib/view_oracle.sql"));
query($node, <<'SQL');
INSERT INTO spend.settings (time_zone) VALUES ('Asia/Kolkata');
SELECT spend.set_price('maker', 'm1', '{"rates": {"input_tokens": "0.15/1M", "output_tokens": "0.6/1M"}}', '-infinity'),
       spend.set_price('maker', 'm2', '{"rates": {"input_tokens": "3/1k", "output_tokens": "0.000000000000000001/1"}}', '-infinity'),
       spend.set_price('other', 'm3', '{"currency": "EUR", "rates": {"input_tokens": "1/1k"}}', '-infinity');
INSERT INTO spend.budgets (name, amount, group_by, on_exceeded, period, on_unpriced) VALUES
  ('teams', 1, '{team}', 'alert', 'month', 'allow'), ('cap', 1000000, '{}', 'reject', 'total', 'allow'), ('runs', 1, '{run_id}', 'alert', 'total', 'allow');
SELECT count(*) FROM spend.maintain();
CREATE SCHEMA checker;
-- What somebody else has voided, deleted or closed meanwhile is an error, and no end of the work.
CREATE FUNCTION checker.try(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE command;
  RETURN 'done';
EXCEPTION WHEN no_data_found OR object_not_in_prerequisite_state OR SQLSTATE 'SP008' THEN
  RETURN SQLSTATE;
END
$$;
-- Breaks in the chain of a row's adjustments: each begins with what the one before has left, the last ends with what the row is.
CREATE VIEW checker.breaks AS
SELECT a.usage_id, a.adjustment_id, 'begins elsewhere' AS problem
FROM (
  SELECT a.*, lag(a.adjustment_id) OVER w AS previous, lag(a.new_cost) OVER w AS left_cost, lag(a.new_currency) OVER w AS left_currency, lag(a.attribution_id) OVER w AS left_attribution,
         lag(a.new_pricing_status) OVER w AS left_status
  FROM spend.adjustments AS a WINDOW w AS (PARTITION BY a.usage_id ORDER BY a.adjustment_id)
) AS a
WHERE a.previous IS NOT NULL
  AND (a.old_cost, a.old_currency, a.old_attribution_id, a.old_pricing_status) IS DISTINCT FROM (a.left_cost, a.left_currency, a.left_attribution, a.left_status)
UNION ALL
SELECT u.usage_id, a.adjustment_id, 'ends elsewhere'
FROM (SELECT DISTINCT ON (a.usage_id) a.* FROM spend.adjustments AS a ORDER BY a.usage_id, a.adjustment_id DESC) AS a JOIN spend.usage AS u USING (usage_id)
WHERE (a.new_cost, a.new_currency, a.attribution_id, a.new_pricing_status) IS DISTINCT FROM (u.cost, u.currency, u.attribution_id, u.pricing_status)
UNION ALL
SELECT a.usage_id, NULL, 'voided twice, or changed after it' FROM spend.adjustments AS a WHERE a.old_pricing_status = 'voided';
SQL

my $dir = PostgreSQL::Test::Utils::tempdir();
my $row = q{(now() - random() * random() * interval '75 days', nullif('cc-' || :a % 4, 'cc-3'), (ARRAY['search', 'Search ', 'ads', NULL])[1 + :b % 4], 'run' || :a % 20, 'req' || :c % 99,
  CASE :a % 5 WHEN 0 THEN 'maker' END, (ARRAY['m1', 'M1', 'm2', 'm3', 'unknown'])[1 + :c % 5], 1 + :c % 1000, :b % 300, (ARRAY['ok', 'error', 'Cancelled', NULL])[1 + :b % 4], CASE WHEN :b % 3 = 0 THEN '{"ticket": "T-1"}'::jsonb END)};
my $columns = '(occurred_at, cost_center, team, run_id, request_id, provider, request_model, input_tokens, output_tokens, status, tags)';
my $random = join '', map { "\\set $_ random(0, 1000000)\n" } qw(a b c);
my $some = q{(SELECT u.usage_id FROM spend.usage AS u WHERE u.usage_id >= :a % greatest((SELECT last_value FROM spend.usage_usage_id_seq), 1) ORDER BY 1 LIMIT 1)};
my $closed = ':b % 2 = 0';
my $amend = "checker.try(format('SELECT spend.amend(%s, %L, ''why'', include_closed => %L)', coalesce($some, 0), jsonb_build_object('input_tokens', :c % 77, 'request_model', (ARRAY['m1', 'm2', 'm3', 'nobody knows'])[1 + :b % 4], 'feature', (ARRAY['F', NULL])[1 + :c % 2]), $closed))";
my $void = "checker.try(format('SELECT spend.void(%s, ''why'', include_closed => %L)', coalesce($some, 0), $closed))";
my %scripts = (
	insert => [ 10, "${random}INSERT INTO spend.usage $columns VALUES $row;\n" ],
	batch => [ 3, "${random}INSERT INTO spend.usage $columns SELECT occurred_at - i * interval '1 minute', cost_center, team, run_id || i % 4, request_id, provider, request_model, input_tokens + i, output_tokens, status, tags FROM (VALUES $row) AS v $columns, generate_series(1, 9) AS i;\n" ],
	amend => [ 5, "${random}SELECT $amend;\n" ],
	amend_where => [ 2, "${random}SELECT count(*) FROM spend.amend_where('-infinity', 'infinity', jsonb_build_object('request_id', 'req' || :a % 99), '{\"output_tokens\": 5}', 'why', :b % 3 = 0, $closed);\n" ],
	void => [ 3, "${random}SELECT $void;\n" ],
	void_where => [ 1, "${random}SELECT count(*) FROM spend.void_where(now() - interval '20 days', 'infinity', jsonb_build_object('request_id', 'req' || :a % 99, 'run_id', 'run' || :b % 20), 'why', :c % 3 = 0);\n" ],
	outcome => [ 5, "${random}SELECT spend.record_outcome(run_id => 'run' || :a % 20, accepted => :b % 2 = 0, status => (ARRAY['ok', 'timeout', NULL])[1 + :c % 3]);\n" ],
	reattribute => [ 2, "${random}SELECT count(*) FROM spend.reattribute(now() - :a % 20 * interval '1 day', filter => '{\"team\": \"ads\"}', reason => 'why', dry_run => :b % 3 = 0, dimensions => jsonb_build_object('team', (ARRAY['search', 'labs', NULL])[1 + :c % 3]), include_closed => $closed);\n" ],
	anew => [ 1, "${random}SELECT count(*) FROM spend.reattribute(now() - :a % 20 * interval '1 day', reason => 'why');\n" ],
	savepoint => [ 3, "${random}BEGIN;\nINSERT INTO spend.usage $columns VALUES $row;\nSAVEPOINT s;\nSELECT $amend;\nSELECT $void;\nROLLBACK TO s;\nSELECT $amend;\nRELEASE s;\nEND;\n" ],
	abort => [ 2, "${random}BEGIN;\nINSERT INTO spend.usage $columns VALUES $row;\nSELECT $void;\nROLLBACK;\n" ],
	delete => [ 2, "${random}DELETE FROM spend.usage WHERE usage_id = $some;\n" ],
	price => [ 1, "${random}SELECT spend.set_price('maker', 'm2', ('{\"rates\": {\"input_tokens\": \"' || 1 + :a % 9 || '/1k\"}}')::spend.price, now() - :b % 30 * interval '1 day') FROM (SELECT 1 WHERE :c % 5 = 0) AS sometimes;\n" ],
	reprice => [ 1, "${random}SELECT count(*) FROM spend.reprice(now() - :a % 20 * interval '1 day', filter => '{\"model\": \"m2\"}', include_closed => $closed);\n" ],
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

my $difference = 'SELECT d::text FROM oracle.differences() AS d LIMIT 5';
my $verify = 'SELECT r::text FROM spend.verify_rollups() AS r LIMIT 5';
my $breaks = 'SELECT b::text FROM checker.breaks AS b LIMIT 5';
my ($out, $err) = ('', '');
my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', '5', '-j', '2', '-T', $seconds, '--max-tries=50', @files, $node->connstr('postgres') ], '<', \undef, '>', \$out, '2>', \$err);
my $last_month = q{date_trunc('month', now() AT TIME ZONE 'Asia/Kolkata')::date};
my ($checks, @bad, @held) = (0);
my $end = time() + $seconds;
while (time() < $end)
{
	# An old snapshot is looked at when it is taken, and again when much has been corrected and folded that it does not see.
	my $session = $node->background_psql('postgres', on_error_stop => 1);
	$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
	push @bad, $session->query_safe($difference), $session->query_safe($breaks);
	push @held, $session;
	if (@held > 2)
	{
		my $old = shift @held;
		push @bad, $old->query_safe($difference), $old->query_safe($verify);
		$old->quit;
	}
	$checks++;
	query($node, "BEGIN; INSERT INTO spend.usage (team, request_model, input_tokens, run_id) VALUES ('prepared', 'm2', $checks, 'prepared'); SELECT spend.record_outcome(run_id => 'prepared', accepted => true); PREPARE TRANSACTION 'p$checks'");
	query($node, ($checks % 2 ? 'COMMIT' : 'ROLLBACK') . " PREPARED 'p$checks'");
	# Waits for corrections, and they may wait for a prepared transaction: not between the two.
	query($node, "SELECT count(*) FROM spend.close_period(($last_month - interval '2 months')::date)") if $checks == 1;
	push @bad, query($node, $verify);
}
foreach my $old (@held)
{
	push @bad, $old->query_safe($difference);
	$old->quit;
}
$bench->finish;
ok($checks > 1, "there were checks while others wrote ($checks)");
is(join("\n", grep { $_ ne '' } @bad), '', 'every view said what the rows said, and every adjustment began where the one before had ended');
unlike($err, qr/ERROR|FATAL|aborted/, 'no writer failed') or diag($err);
my ($transactions) = $out =~ /transactions actually processed: (\d+)/;
ok($transactions > 20, 'writers wrote') or diag($out);
note("$transactions transactions, $checks checks");
note(query($node, q{SELECT string_agg(k.kind || ' ' || k.n, ', ' ORDER BY k.kind) FROM (SELECT kind, count(*) AS n FROM spend.adjustments GROUP BY 1) AS k}));

is(query($node, $difference), '', 'they do at the end');
query($node, 'SELECT count(*) FROM spend.maintain(0)');
is(query($node, $difference), '', 'and when all is folded');
is(query($node, $breaks), '', 'and the chains are whole');
verify_is_empty($node, 'the books are in order');
is(query($node, $verify), '', 'the rollups, too');
is(query($node, q{SELECT count(*) FROM spend.usage_detail AS d JOIN spend.usage AS u USING (usage_id) WHERE u.pricing_status = 'voided' AND (d.cost <> 0 OR d.input_tokens <> 0 OR d.run_status <> 'voided')}), '0', 'voided rows are there, with nothing');

# What statements have booked is what the reports say, whatever was corrected and came late in between.
query($node, "SELECT count(*) FROM spend.close_period(($last_month - interval '1 month')::date)");
is(query($node, "SELECT c.period_start, c.cost_center, c.currency FROM spend.chargeback_monthly AS c
  LEFT JOIN (SELECT usage_start_date, cost_center, department, currency, sum(actual) AS actual, sum(calls) AS calls FROM spend.statements GROUP BY 1, 2, 3, 4) AS s
    ON (s.usage_start_date, s.cost_center, s.department, s.currency) = (c.period_start, c.cost_center, c.department, c.currency)
  WHERE c.period_start < $last_month AND (c.actual, c.calls) IS DISTINCT FROM (coalesce(s.actual, 0), coalesce(s.calls, 0))"), '', 'statements have booked what the reports say');
is(query($node, q{SELECT count(*) FROM (SELECT period_start, currency FROM spend.statement_lines GROUP BY 1, 2 HAVING sum(amount) <> round(sum(exact_amount), 2)) AS wrong}), '0', 'rounded lines add up to the rounded total');

$node->stop;
done_testing();
