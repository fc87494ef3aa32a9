#!/usr/bin/perl
# P2, P10: every public view against an oracle that is written from what the documents say of its columns, for each column that is no label. A view
# or a column without one fails the test, and the oracle is shown to find each view that is wrong in the last digit of any column.
# Then a reader who may see one cost center: what is shown is what the oracle makes of the rows of that cost center.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendOracle;
use SpendTest;
use Test::More;

my $node = new_node('oracle');
load_oracle($node, 'postgres');
query($node, q{SELECT oracle.shown_to('marketing_reader')});

# One writer, so that the same rows are there in every run.
my $work = work_at_random($node, undef, 7, clients => 1, transactions => 60);
work_is_done($work);
query($node, <<'SQL');
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, cost_center, team, feature, request_model, input_tokens, run_id) VALUES
  (now() - interval '40 days', 'marketing', U&'se\0430rch', 'chat', 'm1', 10, 'r'), (now() - interval '75 days', 'marketing', 'search', NULL, 'm1', 10000000, 'r'), (now(), NULL, 'labs', 'chat', 'm1', 10, 'r');
SELECT count(*) FROM spend.close_period((date_trunc('month', now()) - interval '2 months')::date);
SELECT spend.amend((SELECT usage_id FROM spend.usage WHERE input_tokens = 10000000), '{"input_tokens": 20000000}', 'twice as much', include_closed => true);
SELECT count(*) FROM spend.close_period((date_trunc('month', now()) - interval '1 month')::date);
SELECT spend.authorize('m2', '{"team": "labs"}', '{"input_tokens": 100}', 'maker'), spend.authorize('m1', '{"cost_center": "marketing"}', '{"input_tokens": 5000}', 'maker', '1 hour');
SQL
is(query($node, 'SELECT count(*) FROM spend.pending_approvals'), '1', 'a call waits for approval');
cmp_ok(query($node, 'SELECT count(*) FROM spend.rollup_deltas'), '>', 0, 'there is something that is not folded');
views_are_right($node, 'every view, unfolded');
readers_are_right('unfolded');
query($node, 'SELECT count(*) FROM spend.maintain(0)');
views_are_right($node, 'every view, folded');
readers_are_right('folded');
is(query($node, 'SELECT b::text FROM oracle._unbooked AS b'), '', 'statements have booked what the reports say');
is(query($node, q{SELECT count(*) FROM spend.statement_lines WHERE charge_class = 'Correction'}), '1', 'a correction among it');

# The oracle finds what is wrong: in a view, and in what views are made of.
is(query($node, 'SELECT u::text FROM oracle.unnoticed() AS u'), '', 'a view that is wrong anywhere is noticed');
query($node, 'CREATE VIEW spend.another AS SELECT 1 AS one');
is(query($node, q{SELECT d::text FROM oracle.differences(NULL, 'another') AS d}), '(another,view,"there is no oracle of it")', 'so is a view without an oracle');
query($node, 'DROP VIEW spend.another');
is(query($node, q{SELECT string_agg(DISTINCT d.view_name, ' ' ORDER BY d.view_name) FROM oracle.differences() AS d}), '', 'all is right again');
my @corruptions = (
	[ 'sums of months', q{UPDATE spend.rollup_months SET cost = cost + 1e-18 WHERE ctid = (SELECT min(ctid) FROM spend.rollup_months WHERE cost IS NOT NULL AND calls > 0)}, qr/efficiency/ ],
	[ 'sums of days', q{UPDATE spend.rollup SET output_tokens = coalesce(output_tokens, 0) + 1 WHERE ctid = (SELECT min(ctid) FROM spend.rollup WHERE calls > 0)}, qr/daily_spend/ ],
	[ 'deltas', q{INSERT INTO spend.rollup_deltas (bucket_start, attribution_id, kind_id, calls) SELECT now(), attribution_id, kind_id, 1 FROM spend.rollup LIMIT 1}, qr/coverage.*daily_spend/ ],
	[ 'a lost sum', q{DELETE FROM spend.rollup_months WHERE ctid = (SELECT min(ctid) FROM spend.rollup_months WHERE cost IS NOT NULL AND calls > 0)}, qr/chargeback_monthly.*unit_costs/ ],
	[ 'counters', q{UPDATE spend.counters SET spent = spent + 1e-18 WHERE budget_id = (SELECT budget_id FROM spend.budgets WHERE name = 'cap')}, qr/^budget_status$/ ],
	[ 'attributions', q{UPDATE spend.attributions SET dimensions = dimensions || '{"team": "nobody"}' WHERE dimensions ->> 'team' = 'ads'}, qr/^_check_attributions/ ],
	[ 'a statement', q{UPDATE spend.statements SET actual = actual + 0.01 WHERE is_correction}, qr/^unbooked$/ ],
	[ 'a row', q{DO $$ DECLARE leaf regclass; BEGIN FOR leaf IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'spend.usage'::regclass LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', leaf); END LOOP; END $$; UPDATE spend.usage SET cost = cost + 1e-18 WHERE usage_id = (SELECT min(usage_id) FROM spend.usage WHERE cost > 0 AND pricing_status = 'priced')}, qr/_check_explained.*daily_spend/ ],
);
foreach my $corruption (@corruptions)
{
	my ($what, $change, $found) = @$corruption;
	like(query($node, qq{BEGIN; $change; SELECT string_agg(DISTINCT d.name, ' ' ORDER BY d.name)
		FROM (SELECT view_name AS name FROM oracle.differences() UNION ALL SELECT 'unbooked' FROM oracle._unbooked) AS d; ROLLBACK}), $found, "noticed: $what");
}

$node->stop;
done_testing();

sub readers_are_right
{
	my ($state) = @_;
	is(query($node, reader_query('marketing_reader', 'marketing')), '', "what a reader of one cost center is shown, $state");
	is(query($node, q{SET ROLE marketing_reader; SELECT count(*) > 0, bool_and(cost_center = 'marketing') FROM spend.daily_spend}), 't|t', 'which is something, and of that cost center only');
	return;
}
