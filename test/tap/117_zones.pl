#!/usr/bin/perl
# P10: days and months of zones that are not whole hours from UTC, and days that are shorter or longer than others. The same company keeps its books in
# three zones; usage lies around the moments at which clocks change and days begin there. Views, budgets and statements against the oracle, folded and not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendOracle;
use SpendTest;
use Test::More;

# Each with the last moment before its clocks change: forwards and back by an hour in Berlin, by half an hour on Lord Howe, never in Kolkata.
my %zones = (
	'Europe/Berlin' => [ '2026-03-29 00:59:59.999999Z', '2026-10-25 00:59:59.999999Z' ],
	'Australia/Lord_Howe' => [ '2026-04-04 14:59:59.999999Z', '2026-10-03 15:29:59.999999Z' ],
	'Asia/Kolkata' => ['2026-10-24 18:29:59.999999Z'],
);
my $node = new_node('zones', extension => 0);
foreach my $zone (sort keys %zones)
{
	my $database = lc((split /\//, $zone)[1]);
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	create_extension($node, $database);
	load_oracle($node, $database);
	query($node, "UPDATE spend.settings SET time_zone = '$zone'; SELECT count(*) FROM spend.maintain(0)", $database);
	query($node, q{SELECT oracle.shown_to('marketing_reader')}, $database);
	my $moments = join ', ', map { "('$_'::timestamptz)" } @{ $zones{$zone} };
	# Every quarter hour of two days around each, and the moments before and after the days and months that begin there.
	query($node, <<"SQL", $database);
SET client_min_messages = error;
INSERT INTO spend.budgets (name, amount, period, valid_during, on_exceeded)
SELECT 'day of ' || m.at, 10, 'range', tstzrange(date_trunc('day', m.at, '$zone'), (date_trunc('day', m.at, '$zone') AT TIME ZONE '$zone' + interval '1 day') AT TIME ZONE '$zone'), 'alert'
FROM (VALUES $moments) AS m(at);
INSERT INTO spend.usage (occurred_at, cost_center, team, feature, run_id, request_model, input_tokens, output_tokens)
SELECT t.at, (ARRAY['marketing', 'engineering', NULL])[1 + row_number() OVER (ORDER BY t.at) % 3], 'search', 'chat', 'r', 'm1', 1000 + row_number() OVER (ORDER BY t.at), 10
FROM (
  SELECT m.at + i * interval '15 minutes' + interval '1 microsecond' AS at FROM (VALUES $moments) AS m(at), generate_series(-100, 100) AS i
  UNION SELECT m.at + i * interval '15 minutes' FROM (VALUES $moments) AS m(at), generate_series(-100, 100) AS i
  UNION SELECT d.at AT TIME ZONE '$zone' + j * interval '1 microsecond' FROM generate_series('2026-09-01'::timestamp, '2026-11-02', '1 day') AS d(at), generate_series(-1, 1) AS j
) AS t
WHERE t.at < now();
SQL
	views_are_right($node, "$zone: unfolded", $database);
	query($node, 'SELECT count(*) FROM spend.maintain(0)', $database);
	views_are_right($node, "$zone: folded", $database);
	is(query($node, reader_query('marketing_reader', 'marketing'), $database), '', "$zone: what a reader is shown");
	# All hours of the day on which clocks change are in that day and no other.
	is(query($node, "SELECT count(*) FROM (VALUES $moments) AS m(at) WHERE (SELECT sum(d.calls) FROM spend.daily_spend AS d WHERE d.usage_date = (m.at AT TIME ZONE '$zone')::date)
		IS DISTINCT FROM (SELECT count(*) FROM spend.usage AS u WHERE u.occurred_at >= date_trunc('day', m.at, '$zone')
		  AND u.occurred_at < (date_trunc('day', m.at, '$zone') AT TIME ZONE '$zone' + interval '1 day') AT TIME ZONE '$zone')", $database), '0', "$zone: the day of the change is whole");
	query($node, q{SELECT count(*) FROM spend.close_period('2026-09-01')}, $database);
	query($node, qq{INSERT INTO spend.usage (occurred_at, cost_center, request_model, input_tokens) VALUES ('2026-09-30 23:59:59.999999 $zone', 'marketing', 'm1', 5), ('2026-10-01 00:00 $zone', 'marketing', 'm1', 7)}, $database);
	query($node, q{SELECT count(*) FROM spend.close_period('2026-10-01')}, $database);
	is(query($node, q{SELECT usage_start_date, calls FROM spend.statement_lines WHERE period_start = '2026-10-01' AND charge_class = 'Correction'}, $database), '2026-09-01|1', "$zone: the last moment of a month is of that month");
	is(query($node, 'SELECT b::text FROM oracle._unbooked AS b LIMIT 5', $database), '', "$zone: statements have booked what the rows say");
	views_are_right($node, "$zone: closed", $database);
	verify_is_empty($node, "$zone: the books are in order", $database);
}

# Books that move to another zone: days are cut anew.
query($node, q{UPDATE spend.settings SET time_zone = 'Australia/Lord_Howe'; DELETE FROM spend.periods; DELETE FROM spend.statements; DELETE FROM spend.focus_bookings; DELETE FROM spend.focus_booked_sums}, 'berlin');
query($node, 'SELECT count(*) FROM spend.maintain(0)', 'berlin');
views_are_right($node, 'in the days of another zone', 'berlin');
verify_is_empty($node, 'with the books in order', 'berlin');

$node->stop;
done_testing();
