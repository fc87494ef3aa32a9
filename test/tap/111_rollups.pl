#!/usr/bin/perl
# P10, P2: views are exact up to the last commit. Writers insert, correct, delete, amend, void, re-rate, re-attribute by rules that change, roll back and
# prepare at random, late rows among them, while others fold, close months and drop old ones; sessions hold old snapshots. Every view is compared, to the
# last digit, with what the rows of the same snapshot say, as an administrator and as a reader of one cost center. SPEND_ROLLUP_SECONDS makes it run longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendOracle;
use SpendTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{SPEND_ROLLUP_SECONDS} // 25;
my $seed = random_seed();
my $node = new_node('rollups', conf => "deadlock_timeout = 50ms");
load_oracle($node, 'postgres');
query($node, q{SELECT oracle.shown_to('marketing_reader')});

my $difference = difference_query();
my $shown = reader_query('marketing_reader', 'marketing');
my $verify = 'SELECT r::text FROM spend.verify_rollups() AS r LIMIT 5';
my $work = work_at_random($node, $seconds, $seed);
my ($checks, $dropped, @bad, @held) = (0, 0);
my $end = time() + $seconds;
while (time() < $end)
{
	# An old snapshot is looked at when it is taken, and again when much has been folded that it does not see.
	my $session = $node->background_psql('postgres', on_error_stop => 1);
	$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
	push @bad, $session->query_safe($difference);
	push @held, $session;
	if (@held > 2)
	{
		my $old = shift @held;
		push @bad, $old->query_safe($difference), $old->query_safe($verify), $old->query_safe($shown);
		$old->quit;
	}
	$checks++;
	query($node, "BEGIN; INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('prepared', 'm2', $checks); PREPARE TRANSACTION 'p$checks'");
	push @bad, query($node, $shown);
	query($node, ($checks % 2 ? 'COMMIT' : 'ROLLBACK') . " PREPARED 'p$checks'");
	push @bad, query($node, $verify);
	query($node, q{SELECT count(*) FROM spend.close_period((date_trunc('month', now()) - interval '2 months')::date)}) if $checks == 2;
	# Whoever has read the ledger keeps its months from being dropped.
	if ($checks == 3)
	{
		$_->quit foreach splice @held;
		for (my $try = 0; !$dropped && $try < 20; ++$try)
		{
			$dropped = query($node, q{SELECT oracle.drop_rows((date_trunc('month', now()) - interval '2 months')::date)}) eq 't';
		}
	}
}
foreach my $old (@held)
{
	push @bad, $old->query_safe($difference);
	$old->quit;
}
my $transactions = work_is_done($work);
ok($checks > 1, "there were checks while others wrote ($checks)");
is(join("\n", grep { $_ ne '' } @bad), '', 'every view said what the rows said, in new and in old snapshots');
note("$transactions transactions, $checks checks, old months dropped: " . ($dropped ? 'yes' : 'no'));

views_are_right($node, 'they do at the end');
cmp_ok(query($node, "SELECT count(DISTINCT kind) FROM spend.adjustments"), '>', 3, 'rows were amended, voided, re-rated and booked elsewhere');
query($node, 'SELECT count(*) FROM spend.maintain(0)');
is(query($node, 'SELECT count(*) FROM spend.rollup_deltas'), '0', 'all is folded');
views_are_right($node, 'and they do when all is folded');
is(query($node, $shown), '', 'and a reader is shown their part');
verify_is_empty($node, 'the books are in order');

# Retention leaves all sums as they are.
ok($dropped || query($node, q{SELECT oracle.drop_rows((date_trunc('month', now()) - interval '2 months')::date)}) eq 't', 'old months are dropped');
views_are_right($node, 'views are the same without the rows');
verify_is_empty($node, 'so are the books');

# Folding waits for nobody, and nobody waits for it: a writer commits while a folding transaction is open, and the reverse.
my $folder = $node->background_psql('postgres', on_error_stop => 1);
query($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('w', 'm1', 1)});
$folder->query_safe(q{BEGIN; SELECT count(*) FROM spend.maintain(0)});
query($node, q{SET lock_timeout = '2s'; INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('w', 'm1', 2)});
is(query($node, q{SELECT action FROM spend.maintain(0)}), 'skipped', 'one folds at a time');
views_are_right($node, 'what is folded but not committed counts once');
my $writer = $node->background_psql('postgres', on_error_stop => 1);
$writer->query_safe(q{BEGIN; INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('w', 'm1', 4)});
$folder->query_safe('COMMIT');
query($node, q{SELECT count(*) FROM spend.maintain(0)});
views_are_right($node, 'what a writer has not committed does not count');
$writer->query_safe('COMMIT');
views_are_right($node, 'and then it does');
$folder->quit;
$writer->quit;

$node->stop;
done_testing();
