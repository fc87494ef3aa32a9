#!/usr/bin/perl
# P2, P6, P10: the year of a company. The real calls of examples/data, stretched over the 365 days before today, are written day by day, with a
# price that changes, corrections and late rows, and folded now and then; some lie where clocks are put back or forward. Every view is compared,
# to the last digit, with what the rows say: on the way, at the end, and in zones where summer time is half an hour or none. It is one call in
# ten, so that it takes less than a minute; with SPEND_YEAR_EVERY=1 it is all 28,185.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendOracle;
use SpendTest;
use Test::More;
use Time::HiRes qw(time);

my $began = time();
my $every = $ENV{SPEND_YEAR_EVERY} // 10;
my $node = new_node('year');
load_oracle($node, 'postgres', ledger => 0);
my $traces = source_root() . '/examples/data/azure_llm_inference_2023.csv';
query($node, <<"SQL");
INSERT INTO spend.settings (organisation, time_zone, unallocated_cost_center) VALUES ('Acme', 'America/New_York', 'overhead');
CREATE SCHEMA company;
CREATE TABLE company.trace (line bigint GENERATED ALWAYS AS IDENTITY, trace text, at timestamptz, input_tokens bigint, output_tokens bigint);
\\copy company.trace (trace, at, input_tokens, output_tokens) FROM '$traces' (FORMAT csv, HEADER)
CREATE TABLE company.year AS SELECT date_trunc('day', now()) - interval '365 days' AS start;
SELECT spend.set_price('maker', 'coder', '{"rates": {"input_tokens": "2.5/1M", "cache_read_tokens": "0.25/1M", "output_tokens": "15/1M"}}', '-infinity'),
       spend.set_price('maker', 'chatter', '{"rates": {"input_tokens": "0.15/1M", "cache_read_tokens": "0.075/1M", "output_tokens": "0.6/1M"}}', '-infinity'),
       spend.set_price('other', 'poet', '{"currency": "EUR", "rates": {"input_tokens": "1.1/1M", "output_tokens": "4.4/1M"}}', '-infinity');
-- From a Tuesday afternoon in the middle of the year on it costs less.
SELECT spend.set_price('maker', 'coder', '{"rates": {"input_tokens": "2/1M", "cache_read_tokens": "0.2/1M", "output_tokens": "12/1M"}}', start + interval '183 days 14 hours 7 minutes')
FROM company.year;
INSERT INTO spend.models VALUES ('maker', 'coder', 'premium') ON CONFLICT DO NOTHING;
INSERT INTO spend.cost_centers (code, name, department, is_charged_back) VALUES ('cc-100', 'Engineering', 'engineering', true), ('cc-300', 'Support', NULL, false);
INSERT INTO spend.budgets (name, amount, cost_center) VALUES ('engineering', 40, 'cc-100'), ('sales', 1, 'cc-400');
-- The months of the year but two, whose rows wait in the default leaf until maintain() makes their months.
SELECT format('CALL spend._make_month(%L)', (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => i))::date)
FROM generate_series(1, 12) AS i WHERE i NOT IN (5, 6) \\gexec
-- What the company called: the calls of an hour, each as long after the first as it was, 8,760 times slower.
CREATE TABLE company.call AS
SELECT t.line, y.start + make_interval(secs => (365 * extract(epoch FROM interval '24 hours') * extract(epoch FROM t.at - h.first) / extract(epoch FROM h.last - h.first))::double precision) AS occurred_at,
       t.trace, t.input_tokens, t.output_tokens
FROM company.trace AS t CROSS JOIN company.year AS y CROSS JOIN (SELECT min(at) AS first, max(at) AS last FROM company.trace) AS h
WHERE hashint8(t.line) % $every = 0;
-- Where the clocks of these zones change, and in the quarter hours around: the hour that is skipped, and the one that comes twice.
CREATE TABLE company.clock_change AS
SELECT z.zone, c.at
FROM company.year AS y
CROSS JOIN (VALUES ('America/New_York'), ('Australia/Lord_Howe')) AS z(zone)
CROSS JOIN generate_series(y.start, y.start + interval '364 days', '30 minutes') AS c(at)
WHERE c.at AT TIME ZONE z.zone - (c.at - interval '30 minutes') AT TIME ZONE z.zone <> interval '30 minutes';
INSERT INTO company.call
SELECT 1000000 + row_number() OVER (ORDER BY c.at, m), c.at + m, 'conv', 1000, 100
FROM company.clock_change AS c
CROSS JOIN unnest(ARRAY['-24 hours', '-1 hour', '-1 microsecond', '0', '899.999999 seconds', '30 minutes', '1 hour', '23 hours']::interval[]) AS m;
CREATE VIEW company.usage AS
SELECT c.line, c.occurred_at, CASE c.trace WHEN 'code' THEN 'engineering' WHEN 'conv' THEN (ARRAY['support', 'Sales', 'sales '])[1 + c.line % 3] END AS department,
       CASE WHEN c.trace = 'code' THEN 'CC-100' WHEN c.line % 3 = 0 THEN 'cc-300' WHEN c.line % 3 = 1 AND c.line % 13 > 0 THEN 'cc-400' END AS cost_center,
       nullif(c.trace || '-' || c.line % 5, 'conv-4') AS team, CASE c.trace WHEN 'code' THEN 'review' ELSE 'chatbot' END AS feature,
       CASE WHEN c.line % 11 > 0 THEN 'customer-' || c.line % 40 END AS customer, 'user-' || c.line % 200 AS user_id, 'run-' || c.line / 40 AS run_id,
       CASE WHEN c.line % 30 = 0 THEN 'experiment' WHEN c.line % 31 = 0 THEN 'retry' END AS purpose,
       CASE WHEN c.line % 500 = 1 THEN 'nobody-knows' WHEN c.trace = 'code' THEN 'coder' WHEN c.line % 9 = 0 THEN 'Poet' ELSE 'chatter' END AS request_model,
       c.input_tokens, c.output_tokens, CASE WHEN c.line % 4 = 0 THEN c.input_tokens / 2 END AS cache_read_tokens,
       CASE WHEN c.line % 97 = 0 THEN 'error' WHEN c.line % 101 = 0 THEN 'cancelled' ELSE 'ok' END AS status, (ARRAY[true, false, NULL])[1 + c.line % 3] AS accepted
FROM company.call AS c;
-- The apps, a day in a transaction; a call in forty comes three days late. Corrections follow what they correct.
CREATE PROCEDURE company.replay(first integer, last integer) LANGUAGE plpgsql AS \$\$
DECLARE
  start timestamptz := (SELECT y.start FROM company.year AS y);
BEGIN
  FOR day IN first..last LOOP
    INSERT INTO spend.usage (occurred_at, source, idempotency_key, department, cost_center, team, feature, customer, user_id, run_id, purpose, request_model,
                             input_tokens, output_tokens, cache_read_tokens, status, accepted)
    SELECT u.occurred_at, 'replay', 'line-' || u.line, u.department, u.cost_center, u.team, u.feature, u.customer, u.user_id, u.run_id, u.purpose, u.request_model,
           u.input_tokens, u.output_tokens, u.cache_read_tokens, u.status, u.accepted
    FROM company.usage AS u
    WHERE u.occurred_at >= start + (day - CASE WHEN u.line % 40 = 0 THEN 3 ELSE 0 END) * interval '24 hours'
      AND u.occurred_at < start + (day + 1 - CASE WHEN u.line % 40 = 0 THEN 3 ELSE 0 END) * interval '24 hours'
    ORDER BY u.occurred_at, u.line;
    IF day % 30 = 29 THEN
      PERFORM count(*) FROM spend.void_where(start + (day - 12) * interval '24 hours', start + (day - 8) * interval '24 hours', '{"feature": "review", "team": "code-1"}', 'counted twice');
      PERFORM count(*) FROM spend.reattribute(start + (day - 9) * interval '24 hours', start + (day - 6) * interval '24 hours', '{"team": "conv-2"}', 'moved to sales',
                                              dimensions => '{"cost_center": "cc-400", "department": "sales"}');
      PERFORM count(*) FROM spend.amend_where(start + (day - 7) * interval '24 hours', start + (day - 4) * interval '24 hours', '{"team": "conv-3"}', '{"output_tokens": 7}', 'as measured');
    END IF;
    COMMIT;
    IF day % 13 = 12 THEN
      PERFORM count(*) FROM spend.maintain(0);
      COMMIT;
    END IF;
  END LOOP;
END
\$\$;
SQL
is(query($node, q{SELECT zone, count(*) FROM company.clock_change GROUP BY 1 ORDER BY 1}), "America/New_York|2\nAustralia/Lord_Howe|2", 'the year has two changes of the clocks in each zone');

query($node, 'CALL company.replay(0, 199)');
views_are_right($node, 'after 200 days every view says what the rows say');
query($node, 'CALL company.replay(200, 368)');
my $unfolded = query($node, 'SELECT count(*) FROM spend.rollup_deltas');
cmp_ok($unfolded, '>', 0, 'some of it is not folded');
views_are_right($node, 'so does every view after the year');
is(query($node, 'SELECT count(*) FROM spend.usage'), query($node, 'SELECT count(*) FROM company.call'), 'each call was written once');
query($node, 'CALL company.replay(0, 40)');
is(query($node, 'SELECT count(*) FROM spend.usage'), query($node, 'SELECT count(*) FROM company.call'), 'and no more if an app sends it again');
cmp_ok(query($node, q{SELECT count(DISTINCT price_id) FROM spend.usage WHERE request_model = 'coder'}), '==', 2, 'before and after the change of a price');
is(query($node, <<'SQL'), '0', 'each at that of its time');
SELECT count(*)
FROM spend.usage AS u
CROSS JOIN company.year AS y
CROSS JOIN LATERAL (VALUES (2.5, 15, u.occurred_at < y.start + interval '183 days 14 hours 7 minutes'), (2, 12, u.occurred_at >= y.start + interval '183 days 14 hours 7 minutes'))
  AS r(input, output, holds)
WHERE u.request_model = 'coder' AND r.holds AND u.pricing_status <> 'voided'
  AND u.cost <> ((u.input_tokens - coalesce(u.cache_read_tokens, 0)) * r.input + coalesce(u.cache_read_tokens, 0) * r.input / 10 + u.output_tokens * r.output) / 1000000
SQL
query($node, 'SELECT count(*) FROM spend.maintain()');
is(query($node, 'SELECT count(*) FROM spend.usage_default'), '0', 'months were made for all rows');
is(query($node, 'SELECT count(*) FROM spend.rollup_deltas'), '0', 'all is folded');
views_are_right($node, 'folded, every view says the same');
cmp_ok(query($node, 'SELECT count(DISTINCT kind) FROM spend.adjustments'), '>', 2, 'rows were amended, voided and booked elsewhere');

# A day of 23 hours, one of 25, and what lies at its ends: counted between two moments, not by the clock.
my $days = <<'SQL';
SELECT count(*), count(*) FILTER (WHERE d.calls = r.calls), min(d.hours)::float8, max(d.hours)::float8
FROM (
  SELECT l.day, l.day::timestamp AT TIME ZONE s.time_zone AS since, (l.day + 1)::timestamp AT TIME ZONE s.time_zone AS until,
         extract(epoch FROM (l.day + 1)::timestamp AT TIME ZONE s.time_zone - l.day::timestamp AT TIME ZONE s.time_zone) / 3600 AS hours,
         (SELECT sum(v.calls) FROM spend.daily_spend AS v WHERE v.usage_date = l.day) AS calls
  FROM spend._settings() AS s
  JOIN company.clock_change AS c ON c.zone = s.time_zone
  CROSS JOIN LATERAL (SELECT (c.at AT TIME ZONE c.zone)::date + n AS day FROM generate_series(-1, 1) AS n) AS l
) AS d
CROSS JOIN LATERAL (SELECT count(*) AS calls FROM spend.usage AS u WHERE u.occurred_at >= d.since AND u.occurred_at < d.until AND u.pricing_status <> 'voided') AS r
SQL
chomp $days;
is(query($node, $days), '6|6|23|25', 'the days around the changes of the clocks have their calls');

foreach my $zone ([ 'Australia/Lord_Howe', '6|6|23.5|24.5' ], [ 'Asia/Kolkata', '0|0||' ])
{
	my ($name, $expected) = @$zone;
	query($node, "UPDATE spend.settings SET time_zone = '$name'");
	query($node, 'SELECT count(*) FROM spend.maintain(0)');
	query($node, q{INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT c.at + m, 'late', 'chatter', 10 FROM company.clock_change AS c,
	  unnest(ARRAY['-1 microsecond', '0', '29 minutes', '10 hours 30 minutes']::interval[]) AS m});
	is(query($node, $days), $expected, "in $name, too") if $expected =~ /^6/;
	query($node, 'SELECT count(*) FROM spend.maintain(0)') if $name =~ /Howe/;
	views_are_right($node, "every view in $name");
}
verify_is_empty($node, 'the books of the year are in order');
note(sprintf '%.1f s, %s deltas were not folded at the end of the year', time() - $began, $unfolded);

$node->stop;
done_testing();
