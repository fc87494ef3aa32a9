#!/usr/bin/perl
# P9: pg_upgrade keeps the ledger: members of the extension, month leaves, triggers, counters, rights; closed books with their corrections, bills and draw-down, holds
# and approvals; sums that are not folded; and views of one's own. PG_SPEND_OLD_INSTALL says where the server of another major is that has the extension; without it
# both are of the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $older = $ENV{PG_SPEND_OLD_INSTALL};
# Both have to have checksums or neither; by default they have them from PostgreSQL 18 on.
my @checksums = (extra => ['--data-checksums']);
my $old = new_node('old', install => $older, init => \@checksums);
fill_ledger($old, 'postgres');
query($old, <<'SQL');
SET client_min_messages = error;
INSERT INTO spend.commitments (name, kind, is_prepaid, scope, period, amount, valid_during, time_zone) VALUES ('prepaid', 'commitment', true, '{"team": "blue"}', 'term', 1.5, '[2001-01-01,2001-02-01)', 'UTC');
SELECT count(*) FROM spend.close_period('2001-01-01', 'books');
SELECT spend.amend((SELECT usage_id FROM spend.usage WHERE occurred_at = '2001-01-06 UTC'), '{"input_tokens": 1}', 'one of them', include_closed => true);
SELECT spend.void((SELECT usage_id FROM spend.usage WHERE occurred_at = '2001-01-05 UTC'), 'none of it', include_closed => true);
SELECT count(*) FROM spend.close_period('2001-02-01');
SELECT count(*) FROM spend.reattribute('2001-01-01', '2001-02-01', filter => '{"team": "termed"}', reason => 'theirs', dimensions => '{"team": "blue", "cost_center": "cc-1"}', include_closed => true);
UPDATE spend.budgets SET approval_above = 3 WHERE name = 'red';
UPDATE spend.budgets SET on_exceeded = 'alert' WHERE name = 'all';
SELECT spend.authorize('m', '{"team": "red"}', '{"input_tokens": 1}', 'p', '1 day'), spend.authorize('m', '{"team": "red"}', '{"input_tokens": 5}', 'p');
CREATE VIEW public.our_bill AS SELECT * FROM spend.focus;
SQL
is(query($old, q{SELECT count(*) FILTER (WHERE "ChargeClass" = 'Correction') > 2, count(*) FILTER (WHERE "CommitmentDiscountStatus" = 'Used') > 0, (SELECT count(*) FROM spend.holds WHERE state = 'open'), (SELECT count(*) FROM spend.pending_approvals),
	(SELECT count(*) FROM spend.adjustment_detail) > 2 FROM public.our_bill}), 't|t|1|1|t', 'there are corrections, a draw-down, a hold and somebody who waits for a word');
cmp_ok(query($old, 'SELECT count(*) FROM spend.rollup_deltas'), '>', 0, 'there are sums that are not folded');
my $before = ledger_summary($old, 'postgres');
my $said = everything($old, 'postgres');
my $highest = query($old, 'SELECT max(usage_id) FROM spend.usage');
$old->stop;

my $new = PostgreSQL::Test::Cluster->new('new');
init_node($new, @checksums);
$new->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\n");

my $bin = pg_config('--bindir');
chdir(PostgreSQL::Test::Utils::tempdir()) or die "chdir: $!";
command_ok(
	[
		"$bin/pg_upgrade", '-d', $old->data_dir, '-D', $new->data_dir, '-b', defined $older ? "$older/bin" : $bin, '-B', $bin,
		'-p', $old->port, '-P', $new->port, '-s', $new->host,
	],
	'pg_upgrade');

$new->start;
is(ledger_summary($new, 'postgres'), $before, 'everything is there as it was');
is(everything($new, 'postgres'), $said, 'every table and every view says what it has said');
verify_is_empty($new, 'the books are in order');
is(query($new, q{SELECT count(*) FROM (SELECT * FROM public.our_bill EXCEPT ALL SELECT * FROM spend.focus) AS x}), 0, 'a view of one\'s own reads ours');
query_fails_like($new, q{SELECT spend.amend((SELECT usage_id FROM spend.usage WHERE occurred_at = '2001-01-06 UTC'), '{"input_tokens": 7}', 'x')}, qr/SP008/, 'closed is closed');
is(query($new, q{SELECT actual, corrections FROM spend.close_period('2001-03-01')}), query($new, q{SELECT 0, trim_scale(sum("EffectiveCost") FILTER (WHERE "CommitmentDiscountStatus" IS DISTINCT FROM 'Unused')) FROM spend.focus WHERE "BillingPeriodStart" = '2001-03-01 UTC'}),
	'the next statement has what was corrected');
is(query($new, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'blue') RETURNING usage_id, cost}),
	($highest + 1) . '|2', 'the next row has the next number and the current price');
query_fails_like($new, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1000, 'red')}, qr/SP001/, 'a cap holds');
is(query($new, q{SET ROLE app; INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 1) RETURNING cost}), '2', 'the writer writes');
query($new, q{INSERT INTO spend.budgets (name, amount, on_exceeded) VALUES ('new', 1000, 'reject')});
query($new, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'blue')});
is(query($new, q{SELECT count(*) FROM spend.maintain(4) WHERE action = 'created partition'}), '4', 'coming months get their leaves');
is(query($new, leaf_triggers()), 'account_row A,price_row O,refuse_truncate O', 'every leaf has its triggers');
verify_is_empty($new, 'the books are in order after all that');

$new->stop;
done_testing();
