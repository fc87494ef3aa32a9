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

# A hostile reader: functions in WHERE that tell what they are given, errors that name a value, statistics.
query($node, <<'SQL');
ANALYZE;
CREATE TABLE oracle.leaked (view_name text, column_name text, value text);
GRANT USAGE ON SCHEMA oracle TO marketing_reader;
GRANT INSERT ON oracle.leaked TO marketing_reader;
CREATE FUNCTION oracle.leak(view_name text, column_name text, value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
  INSERT INTO oracle.leaked VALUES (view_name, column_name, value);
  RETURN true;
END
$$;
SQL
my @public = split /\n/, query($node, q{SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind = 'v' AND c.relname NOT LIKE '\_%' AND c.relname <> 'status' ORDER BY 1});
foreach my $view (@public)
{
	my $leaks = query($node, qq{SELECT string_agg(format('oracle.leak(%L, %L, to_jsonb(x.%I) #>> ''{}'')', '$view', a.attname, a.attname), ' AND ') FROM pg_attribute AS a WHERE a.attrelid = 'spend.$view'::regclass AND a.attnum > 0});
	query($node, "SET ROLE marketing_reader; SELECT count(*) FROM spend.$view AS x WHERE $leaks");
}
cmp_ok(query($node, 'SELECT count(DISTINCT view_name) FROM oracle.leaked'), '>', 15, 'leaky functions were called');
foreach my $view (@public)
{
	my $found = query($node, qq{SELECT ROW(l.column_name, l.value)::text FROM oracle.leaked AS l WHERE l.view_name = '$view'
		EXCEPT SELECT s.line FROM oracle."shown to marketing_reader"('SELECT ROW(j.key, j.value)::text FROM spend.$view AS x, jsonb_each_text(to_jsonb(x)) AS j') AS s(line) LIMIT 3});
	is($found, '', "$view: nothing that is not shown was given to a function in WHERE");
}
foreach my $view ('daily_spend', 'chargeback_monthly', 'chargeback_tree', 'statement_lines', 'full_cost')
{
	my ($result, $stdout, $stderr) = $node->psql('postgres', "SET ROLE marketing_reader; SELECT count(*) FROM spend.$view WHERE cost_center::integer = 1");
	like($stderr, qr/invalid input syntax for type integer: "(marketing|company|sales)"/, "$view: an error names what is shown, a center or those above it");
}
is(query($node, q{SET ROLE marketing_reader; SELECT string_agg(DISTINCT s.tablename, ' ') FROM pg_stats AS s WHERE s.schemaname = 'spend' AND s.tablename <> 'models'}), '', 'statistics of tables are not shown');
my ($refused, $plan, $complaint) = $node->psql('postgres', q{SET ROLE marketing_reader; EXPLAIN (VERBOSE, ANALYZE, COSTS OFF) SELECT * FROM spend.daily_spend});
unlike($plan . $complaint, qr/engineering|support|overhead/, 'a plan names no other cost center');

# The oracle finds what is wrong: in a view, and in what views are made of.
is(query($node, 'SELECT u::text FROM oracle.unnoticed() AS u'), '', 'a view that is wrong anywhere is noticed');
query($node, 'CREATE VIEW spend.another AS SELECT 1 AS one');
is(query($node, q{SELECT d::text FROM oracle.differences(NULL, 'another') AS d}), '(another,view,"there is no oracle of it")', 'so is a view without an oracle');
query($node, 'DROP VIEW spend.another');
is(query($node, q{SELECT string_agg(DISTINCT d.view_name, ' ' ORDER BY d.view_name) FROM oracle.differences() AS d}), '', 'all is right again');
my @corruptions = (
	[ 'sums of months', q{UPDATE spend.rollup_months SET cost = cost + 1e-18 WHERE ctid = (SELECT min(ctid) FROM spend.rollup_months WHERE cost IS NOT NULL AND calls > 0)}, qr/efficiency/ ],
	[ 'sums of days', q{UPDATE spend.rollup SET output_tokens = coalesce(output_tokens, 0) + 1 WHERE ctid = (SELECT min(ctid) FROM spend.rollup WHERE calls > 0)}, qr/daily_spend/ ],
	[ 'deltas', q{INSERT INTO spend.rollup_deltas SELECT '\x01270000'::bytea || uuid_send(attribution_id) || '\x00'::bytea || uuid_send(kind_id) || '\x0100000002'::bytea FROM spend.rollup LIMIT 1}, qr/coverage.*daily_spend/ ],
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
