#!/usr/bin/perl
# P2, P10: facts that change by the functions that correct them, and in no other way: then the adjustments of each row are a chain from what it was to what it
# is, in new and old snapshots, beside folding and closing; and what statements have booked is what the reports say.
# SPEND_CORRECTIONS_SECONDS makes it run longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendOracle;
use SpendTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{SPEND_CORRECTIONS_SECONDS} // 10;
my $seed = random_seed();
my $node = new_node('corrections', conf => "deadlock_timeout = 50ms");
load_oracle($node, 'postgres');

my $difference = difference_query();
my $verify = 'SELECT r::text FROM spend.verify_rollups() AS r LIMIT 5';
my $breaks = 'SELECT b::text FROM oracle._breaks AS b LIMIT 5';
my $work = work_at_random($node, $seconds, $seed, without => [ 'update', 'remodel' ]);
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
		push @bad, $old->query_safe($difference), $old->query_safe($breaks), $old->query_safe($verify);
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
my $transactions = work_is_done($work);
ok($checks > 1, "there were checks while others wrote ($checks)");
is(join("\n", grep { $_ ne '' } @bad), '', 'every view said what the rows said, and every adjustment began where the one before had ended');
note("$transactions transactions, $checks checks");
note(query($node, q{SELECT string_agg(k.kind || ' ' || k.n, ', ' ORDER BY k.kind) FROM (SELECT kind, count(*) AS n FROM spend.adjustments GROUP BY 1) AS k}));

views_are_right($node, 'they do at the end');
query($node, 'SELECT count(*) FROM spend.maintain(0)');
views_are_right($node, 'and when all is folded');
is(query($node, $breaks), '', 'and the chains are whole');
verify_is_empty($node, 'the books are in order');

# What statements have booked is what the reports say, whatever was corrected and came late in between.
query($node, "SELECT count(*) FROM spend.close_period(($last_month - interval '1 month')::date)");
is(query($node, 'SELECT b::text FROM oracle._unbooked AS b LIMIT 5'), '', 'statements have booked what the rows say');
is(query($node, q{SELECT count(*) FROM (SELECT period_start, currency FROM spend.statement_lines GROUP BY 1, 2 HAVING sum(amount) <> round(sum(exact_amount), 2)) AS wrong}), '0', 'rounded lines add up to the rounded total');

$node->stop;
done_testing();
