#!/usr/bin/perl
# P9: dump and restore of a company's books: closed periods with statements and bills, corrections of every kind, rules, requirements, holds, approvals, pauses.
# Every table and every view of the copy says what that of the original says; closed stays closed; and the copy goes on. The oracle of the views goes with a plain one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use SpendOracle;
use SpendTest;
use Test::More;

my $node = new_node('books');
load_oracle($node, 'postgres');
work_is_done(work_at_random($node, undef, 11, clients => 1, transactions => 60));
query($node, <<'SQL');
SET client_min_messages = error;
INSERT INTO spend.usage (occurred_at, cost_center, team, request_model, input_tokens, run_id) VALUES
  (now() - interval '75 days', 'marketing', 'search', 'm1', 10000000, 'r'), (now() - interval '40 days', 'marketing', 'ads', 'm1', 5000000, 'r'), (now(), NULL, 'labs', 'm1', 10, 'r');
SELECT count(*) FROM spend.close_period((date_trunc('month', now()) - interval '2 months')::date, 'books');
SELECT spend.amend((SELECT usage_id FROM spend.usage WHERE input_tokens = 10000000), '{"input_tokens": 20000000}', 'twice as much', include_closed => true);
SELECT count(*) FROM spend.close_period((date_trunc('month', now()) - interval '1 month')::date);
SELECT spend.void((SELECT usage_id FROM spend.usage WHERE input_tokens = 5000000), 'none of it', include_closed => true);
SELECT spend.reattribute('-infinity', filter => '{"team": "labs"}', reason => 'theirs', dimensions => '{"customer": "c9"}', include_closed => true);
SELECT spend.set_allocation_rule('keys of search', '{"api_key": "key-7"}', '{"team": "ads"}', 10, now() + interval '1 day');
SELECT spend.authorize('m2', '{"team": "labs"}', '{"input_tokens": 100}', 'maker'), spend.authorize('m1', '{"cost_center": "marketing"}', '{"input_tokens": 5000}', 'maker', '1 day');
SQL
cmp_ok(query($node, q{SELECT count(*) FROM spend.statement_lines WHERE charge_class = 'Correction'}), '>', 0, 'there is a correction');
is(query($node, q{SELECT (SELECT count(*) FROM spend.pending_approvals), (SELECT count(*) FROM spend.holds WHERE state = 'open')}), '1|1', 'an approval waits, and a hold is open');
my $said = everything($node, 'postgres');
like($said, qr/^statements\|[1-9]/m, 'there is something to compare');

my $bin = pg_config('--bindir');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $connection = $node->connstr('postgres');
command_ok([ "$bin/pg_dump", '-d', $connection, '-f', "$dir/plain.sql" ], 'plain dump');
# In this format pg_dump notes every path by which a view of one's own depends on the extension, through views of views and column by column: that they are few shows in
# the memory it needs. The oracle is such views, too.
query($node, <<'SQL');
CREATE SCHEMA own;
DO $$
DECLARE
  view name;
BEGIN
  FOR view IN SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind = 'v' AND c.relname NOT LIKE '\_%' LOOP
    EXECUTE format('CREATE VIEW own.%I AS SELECT * FROM spend.%1$I', view);
  END LOOP;
END
$$;
SQL
command_ok([ 'bash', '-c', 'ulimit -v 1000000 && exec "$@"', 'dump', "$bin/pg_dump", '-d', $connection, '-Fc', '-f', "$dir/custom" ], 'dump with views over each of ours');
command_ok([ 'bash', '-c', 'ulimit -v 1000000 && exec "$@"', 'dump', "$bin/pg_dump", '-d', $connection, '-Fd', '-j2', '-f', "$dir/directory" ], 'parallel dump');
my $own = query($node, own_views());
like($own, qr/focus_1_2\|\d\d/, 'they have something to say');
foreach my $copy ('plain', 'parallel', 'sections', 'custom')
{
	$node->safe_psql('postgres', "CREATE DATABASE $copy TEMPLATE template0");
	if ($copy eq 'plain')
	{
		command_ok([ "$bin/psql", '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($copy), '-o', "$dir/restore.log", '-f', "$dir/plain.sql" ], 'restored in one transaction');
	}
	elsif ($copy eq 'parallel')
	{
		command_ok([ "$bin/pg_restore", '-e', '-j4', '-d', $node->connstr($copy), "$dir/directory" ], 'restored by four at once');
	}
	elsif ($copy eq 'custom')
	{
		command_ok([ "$bin/pg_restore", '-e', '-1', '-d', $node->connstr($copy), "$dir/custom" ], 'restored from one file');
	}
	else
	{
		command_ok([ "$bin/pg_restore", '-e', '-d', $node->connstr($copy), "--section=$_", "$dir/directory" ], "restored: $_") foreach 'pre-data', 'data', 'post-data';
	}
	is(query($node, own_views(), $copy), $own, "$copy: views of one's own") if $copy ne 'plain';
	is(everything($node, $copy), $said, "$copy: every table and every view says what the original's says");
	views_are_right($node, "$copy: and that is what the rows say", $copy);
	verify_is_empty($node, "$copy: the books are in order", $copy);
}

# Both go on, and in the same way.
foreach my $database ('postgres', 'plain', 'parallel', 'sections')
{
	query_fails_like($node, q{SELECT spend.amend((SELECT usage_id FROM spend.usage WHERE input_tokens = 20000000), '{"team": "x"}', 'late')}, qr/SP008/, "$database: closed is closed", $database);
	query_fails_like($node, q{SELECT spend.close_period((date_trunc('month', now()) - interval '1 month')::date)}, qr/SP008/, "$database: once", $database);
	query_fails_like($node, q{SELECT spend.void((SELECT usage_id FROM spend.usage WHERE input_tokens = 5000000), 'again', include_closed => true)}, qr/is voided/, "$database: voided is voided", $database);
	query($node, <<'SQL', $database);
SET client_min_messages = error;
INSERT INTO spend.usage (usage_id, occurred_at, api_key, environment, request_model, input_tokens, hold_id, cost_center) VALUES
  (DEFAULT, now(), 'key-7', NULL, 'm1', 100, NULL, NULL), (DEFAULT, now() - interval '75 days', NULL, 'prod', 'm1', 100, NULL, NULL), (DEFAULT, now(), NULL, NULL, 'm1', 5000, (SELECT hold_id FROM spend.holds WHERE state = 'open'), 'marketing');
SELECT spend.approve((SELECT approval_id FROM spend.pending_approvals), 'go on');
SELECT spend.amend((SELECT usage_id FROM spend.usage WHERE input_tokens = 20000000), '{"team": "labs", "input_tokens": 1}', 'late', include_closed => true);
SELECT count(*) FROM spend.maintain(0);
SQL
	is(query($node, q{SELECT string_agg(coalesce(a.dimensions::text, ''), ' ' ORDER BY u.usage_id) FROM spend.usage AS u LEFT JOIN spend.attributions AS a USING (attribution_id) WHERE u.usage_id > (SELECT max(usage_id) - 3 FROM spend.usage)}, $database),
		'{"team": "search", "api_key": "key-7", "cost_center": "engineering"} {"cost_center": "unowned", "environment": "prod"} {"cost_center": "marketing"}', "$database: rules attribute what comes");
	is(query($node, q{SELECT string_agg(h.state, ' ') FROM spend.holds AS h}, $database), 'settled', "$database: the hold is settled");
	views_are_right($node, "$database: views are right after all that", $database);
	verify_is_empty($node, "$database: so are the books", $database);
}

$node->stop;
done_testing();

# How many rows views of one's own have.
sub own_views
{
	return q{SELECT string_agg(c.relname || '|' || (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM own.%I', c.relname), false, true, '')))[1]::text, ' ' ORDER BY c.relname COLLATE "C")
		FROM pg_class AS c WHERE c.relnamespace = 'own'::regnamespace AND c.relkind = 'v'};
}
