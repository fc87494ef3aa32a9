package SpendTest;

# What the TAP tests share: a cluster with the extension, and the answers to what every test asks.

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use Cwd qw(abs_path);

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(compile shares_counters new_node init_node create_extension query query_fails_like source_root slurp pg_config verify_is_empty fill_ledger ledger_summary everything
  leaf_triggers);

# new_node(NAME, init => [...], conf => "...", extension => 0|1, install => DIR): a started cluster; unless extension is 0 its database
# "postgres" has the extension. With SPEND_COUNTERS=shared in the environment its budget counters are in shared memory. "init" goes to PostgreSQL::Test::Cluster::init, as in init => [allows_streaming => 1].
# "install" is where another server is.
sub new_node
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, defined $option{install} ? (install_path => $option{install}) : ());
	init_node($node, @{ $option{init} // [] });
	$node->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\nmax_prepared_transactions = 10\n");
	# As rows they are kept only if they are told to be: from PostgreSQL 17 on they need no preloading.
	$node->append_conf('postgresql.conf', shares_counters() ? "shared_preload_libraries = 'pg_spend'\n" : "pg_spend.counters = 'table'\n");
	$node->append_conf('postgresql.conf', $option{conf}) if defined $option{conf};
	$node->start;
	create_extension($node, 'postgres') if $option{extension} // 1;
	return $node;
}

# The database of a machine without any locale set would not be in UTF-8.
sub init_node
{
	my ($node, %option) = @_;
	my $extra = delete $option{extra} // [];
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8', @$extra ], %option);
	return;
}

# Whether the tests run with budget counters in shared memory.
sub shares_counters
{
	return ($ENV{SPEND_COUNTERS} // '') eq 'shared';
}

# Without the notices that name the next steps.
sub create_extension
{
	my ($node, $database) = @_;
	$node->safe_psql($database, "SET client_min_messages = warning; CREATE EXTENSION pg_spend CASCADE");
	return;
}

# query(NODE, SQL, DATABASE): the result as psql -At prints it; dies on an error.
sub query
{
	my ($node, $sql, $database) = @_;
	return $node->safe_psql($database // 'postgres', $sql);
}

# The statement fails with a message (SQLSTATE included) like the pattern.
sub query_fails_like
{
	my ($node, $sql, $pattern, $what, $database) = @_;
	my ($result, $stdout, $stderr) = $node->psql($database // 'postgres', "\\set VERBOSITY verbose\n$sql");
	isnt($result, 0, "$what: it fails");
	return like($stderr, $pattern, $what);
}

# The books are in order: spend.verify() and spend.verify_rollups() return no row.
sub verify_is_empty
{
	my ($node, $what, $database) = @_;
	return is(query($node, 'SELECT v::text FROM spend.verify() AS v UNION ALL SELECT r::text FROM spend.verify_rollups() AS r', $database), '', $what);
}

# A ledger with something of everything: customer terms, also ended and withdrawn ones, prices before and after a change, rows in the default leaf and in month leaves, budgets of
# every kind with counters and alerts, a budget on a registered tag, keys, rights, settings.
sub fill_ledger
{
	my ($node, $database) = @_;
	query($node, <<'SQL', $database);
DO $$
BEGIN
  IF to_regrole('app') IS NULL THEN
    CREATE ROLE app;
    CREATE ROLE analyst;
  END IF;
END
$$;
INSERT INTO spend.settings (organisation, time_zone) VALUES ('Test', 'Asia/Kathmandu');
INSERT INTO spend.dimensions (name, label) VALUES ('campaign', 'Campaign');
INSERT INTO spend.cost_centers (code, name) VALUES ('cc-1', 'First');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
SELECT spend.grant_access('app', 'writer'), spend.grant_access('analyst', 'reader', '{"team": "blue"}');
INSERT INTO spend.budgets (name, scope, group_by, amount, period, on_exceeded, cost_center) VALUES
  ('red', '{"team": "red"}', '{}', 100, 'total', 'reject', NULL), ('all', '{}', '{}', 10, 'year', 'halt', NULL),
  ('teams', '{}', '{team}', 5, 'month', 'alert', NULL), ('tag', '{"campaign": "x"}', '{}', 5, 'total', 'reject', NULL),
  ('plan', '{}', '{}', 3, 'month', 'alert', 'cc-1');
INSERT INTO spend.budgets (name, scope, group_by, amount, period, on_exceeded, rolling_days, reason) VALUES
  ('runs', '{"run_id": {"present": true}}', '{run_id}', 5, 'total', 'reject', NULL, 'one run must not eat all'), ('rolling', '{"team": {"not": "red"}}', '{}', 5, 'rolling', 'alert', 7, NULL);
SELECT spend.set_budget_amount('teams', 6, 'more of it'), spend.set_budget_amount('teams', 7, 'next year', now() + interval '400 days');
SELECT spend.set_budget_limit('teams', '{"team": "blue"}', 500, 'trains models'), spend.top_up_budget('red', 1, 'a gift');
SELECT spend.pause('{"run_id": "stopped"}', 'loops', 'reject'), spend.pause('{"workflow": "w"}', 'too expensive');
INSERT INTO spend.usage (request_model, input_tokens, run_id) VALUES ('m', 4, 'r1'), ('m', 1, 'r2');
-- Of another meaning than at first.
UPDATE spend.budgets SET period = 'quarter' WHERE name = 'all';
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team) VALUES ('2001-01-05 UTC', 'm', 1, 'red'), ('2001-01-06 UTC', 'm', 2, 'blue');
INSERT INTO spend.usage (request_model, input_tokens, team, cost_center) VALUES ('m', 3, 'red', 'CC-1'), ('m', 4, 'blue', NULL);
SELECT count(*) FROM spend.maintain(0);
-- No month is ever made for this one.
INSERT INTO spend.usage (occurred_at, request_model, input_tokens) VALUES ('9999-12-31 12:00 UTC', 'm', 5);
SET ROLE app;
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, run_id) VALUES ('9999-12-31 13:00 UTC', 'm', 1, 'r1');
RESET ROLE;
INSERT INTO spend.usage (request_model, input_tokens, team, source, idempotency_key) VALUES ('m', 1, 'blue', 'app', 'k1'), ('m', 1, 'blue', 'app', 'k1');
INSERT INTO spend.usage (request_model, input_tokens, team, source, idempotency_key) VALUES ('m', 9, 'blue', 'app', 'k1');
INSERT INTO spend.usage (request_model, input_tokens, tags) VALUES ('m', 1, '{"campaign": "x"}'), ('unknown', 1, NULL);
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "2/1"}}', now() - interval '1 second');
INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 4, 'blue');
SELECT spend.set_price_term('ended', 'discount', percent => 50, scope => '{"team": "termed"}', valid_from => '-infinity', valid_until => now() - interval '1 hour');
SELECT spend.set_price_term('withdrawn', 'markup', percent => 50, scope => '{"team": "termed"}', valid_from => '-infinity');
SELECT spend.set_price_term('tagged', 'fixed', amount => 0.25, scope => '{"campaign": "y"}', contract => 'C-1', reason => 'test');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team, tags) VALUES ('2001-01-07 UTC', 'm', 2, 'termed', NULL), (now(), 'm', 1, 'termed', '{"campaign": "y"}');
INSERT INTO spend.commitments (name, kind, scope, amount, overage_percent, valid_during, time_zone) VALUES
  ('year', 'commitment', '{"campaign": "y"}', 10, -10, '[2001-01-01,2002-01-01)', 'UTC');
INSERT INTO spend.commitments (name, kind, scope, spillover_scope, units, hourly_rate, period, valid_during, time_zone) VALUES
  ('units', 'capacity', '{"team": "termed"}', '{"team": "red"}', 2, 0.5, 'term', '[2001-01-01,2001-01-10)', 'UTC');
INSERT INTO spend.commitments (name, kind, tiers, valid_during) VALUES ('volume', 'volume', '[{"up_to": 1, "percent": 0}, {"percent": -50}]', '[2001-01-01,)');
SELECT spend.end_price_term('withdrawn', '-infinity');
UPDATE spend.alerts SET delivered_at = now() WHERE alert_id = (SELECT min(alert_id) FROM spend.alerts);
SQL
	return;
}

# Rows and contents of every table that is dumped, and of every view but what is said of now and of this server's memory.
sub everything
{
	my ($node, $database) = @_;
	return query($node, <<'SQL', $database);
SET TimeZone = 'UTC';
CREATE FUNCTION pg_temp.said(name name, relation oid, hidden text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SELECT %L || ''|'' || count(*) || ''|'' || md5(coalesce(string_agg(line, chr(10) ORDER BY line COLLATE "C"), '''')) FROM (SELECT (to_jsonb(x) - %L::text[])::text AS line FROM %s AS x) AS l', name, hidden, relation::regclass) INTO result;
  RETURN result;
END
$$;
SELECT pg_temp.said(c.relname, c.oid, CASE c.relname WHEN 'status' THEN ARRAY['checked_at', 'is_preloaded', 'catalog_age_days', 'counter_mode', 'counters_in_memory', 'counter_capacity', 'reservations', 'reservation_capacity', 'counters_kept_as_rows'] ELSE ARRAY[]::text[] END)
FROM pg_class AS c
WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND (c.relkind <> 'v' OR c.relname NOT LIKE '\_%') AND c.relname NOT IN ('budget_epochs', 'budget_keys', 'commit_window')
ORDER BY c.relname COLLATE "C";
SQL
}

# What makes two ledgers the same, as text.
sub ledger_summary
{
	my ($node, $database) = @_;
	return query($node, <<'SQL', $database);
SET TimeZone = 'UTC';
SELECT 'price: ' || count(*) FILTER (WHERE superseded_at IS NULL) || ' live of ' || count(*) FROM spend.prices;
SELECT 'term: ' || t FROM spend.price_terms AS t ORDER BY t.term_id;
SELECT 'commitment: ' || c FROM spend.commitments AS c ORDER BY c.commitment_id;
SELECT 'due: ' || s FROM spend.commitment_status(NULL, '2001-01-01', '2001-02-01', '2001-03-01') AS s;
SELECT 'applied: ' || usage_id || ' ' || price_term_ids::text || ' ' || list_cost FROM spend.usage WHERE price_term_ids IS NOT NULL ORDER BY usage_id;
SELECT 'row: ' || usage_id || ' ' || coalesce(cost::text, 'no cost') || ' ' || coalesce(currency, '') || ' ' || coalesce(price_id, 0) || ' ' || pricing_status || ' '
  || coalesce(attribution_id::text, '') || ' ' || coalesce(timing || ' ' || (enforced_at IS NOT NULL)::text, '') || ' ' || (tableoid = 'spend.usage_default'::regclass) FROM spend.usage ORDER BY usage_id;
SELECT 'counter: ' || b.name || ' ' || b.generation || ' ' || c.period_start || ' ' || c.group_values || ' ' || c.spent || ' ' || c.calls || ' '
  || c.unpriced_calls || ' ' || c.claimed_percent FROM spend._counter_totals AS c JOIN spend.budgets AS b USING (budget_id) ORDER BY 1;
SELECT 'day: ' || daily_spend_key || ' ' || usage_date || ' ' || calls || ' ' || cost FROM spend.daily_spend ORDER BY 1;
SELECT 'sums: ' || (SELECT count(*) FROM spend.rollup) || ' ' || (SELECT count(*) FROM spend.rollup_quarters) || ' ' || (SELECT count(*) FROM spend.rollup_deltas);
SELECT 'status: ' || budget_name || ' ' || spent FROM spend.budget_status ORDER BY 1;
SELECT 'limit: ' || b.name || ' ' || a.valid_from || ' ' || a.amount || ' ' || coalesce(a.reason, '') FROM spend.budget_amounts AS a JOIN spend.budgets AS b USING (budget_id) ORDER BY 1;
SELECT 'override: ' || b.name || ' ' || o FROM spend.budget_overrides AS o JOIN spend.budgets AS b USING (budget_id) ORDER BY o.override_id;
SELECT 'pause: ' || p FROM spend.pauses AS p ORDER BY p.pause_id;
SELECT 'change: ' || l FROM spend.change_log AS l ORDER BY l.change_id;
SELECT 'key of budget: ' || b.name || ' ' || k.kind || ' ' || k.key_hash FROM spend.budget_keys AS k JOIN spend.budgets AS b USING (budget_id) ORDER BY 1;
SELECT 'alert: ' || alert_id || ' ' || budget_name || ' ' || event || ' ' || coalesce(threshold_percent, 0) || ' ' || group_values || ' ' || spent || ' ' || (delivered_at IS NULL)
  FROM spend.alerts ORDER BY alert_id;
SELECT 'key: ' || source || ' ' || idempotency_key || ' ' || payload_hash || ' ' || usage_id FROM spend.usage_keys ORDER BY 1;
SELECT 'conflict: ' || usage_id || ' ' || (refused_row ->> 'input_tokens') FROM spend.usage_conflicts ORDER BY 1;
SELECT 'attribution: ' || attribution_id || ' ' || dimensions FROM spend.attributions GROUP BY attribution_id, dimensions ORDER BY 1;
SELECT 'access: ' || member || ' ' || access || ' ' || scope FROM spend.access ORDER BY 1;
SELECT 'settings: ' || s FROM spend.settings AS s;
SELECT 'dimension: ' || d FROM spend.dimensions AS d ORDER BY 1;
SELECT 'center: ' || c FROM spend.cost_centers AS c ORDER BY 1;
SELECT 'month: ' || m.period_start || ' ' || m.cost_center || ' ' || m.actual FROM spend.chargeback_monthly AS m ORDER BY 1;
SELECT 'leaf: ' || c.relname || ' ' || pg_get_expr(c.relpartbound, c.oid) || ' ' || string_agg(t.tgname || t.tgenabled::text, ',' ORDER BY t.tgname)
  FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_trigger AS t ON t.tgrelid = c.oid
  WHERE i.inhparent = 'spend.usage'::regclass GROUP BY c.oid, c.relname, c.relpartbound ORDER BY 1;
SQL
}

# The triggers that all leaves have, one line if they are the same everywhere.
sub leaf_triggers
{
	return <<'SQL';
SELECT DISTINCT string_agg(t.tgname || ' ' || t.tgenabled::text, ',' ORDER BY t.tgname)
FROM pg_inherits AS i JOIN pg_trigger AS t ON t.tgrelid = i.inhrelid AND NOT t.tgisinternal
WHERE i.inhparent = 'spend.usage'::regclass GROUP BY i.inhrelid
SQL
}

# compile(PROGRAM, SOURCE...): builds a program over libpqxx from files of the source tree (patterns are expanded); its path.
sub compile
{
	my ($program, @sources) = @_;
	my $root = source_root();
	my $build = PostgreSQL::Test::Utils::tempdir();
	my $compiler = $ENV{CXX} // 'g++';
	my ($version) = slurp("$root/pg_spend.control") =~ /^default_version = '(.*)'/m;
	my $flags = `pkg-config --cflags libpqxx`;
	my $libraries = `pkg-config --libs libpqxx`;
	chomp($flags, $libraries);
	my @files = map { glob("$root/$_") } @sources;
	my $output = `$compiler -std=c++20 -O1 -Wall -Wextra -Wshadow -I'$root/src' -DPG_SPEND_VERSION='"$version"' $flags -o '$build/$program' @files $libraries -pthread 2>&1`;
	is($?, 0, "$program compiles") or diag($output);
	return "$build/$program";
}

# The top of the source tree.
sub source_root
{
	return abs_path(dirname(__FILE__) . '/../../..');
}

sub slurp
{
	my ($path) = @_;
	open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
	local $/ = undef;
	return scalar <$file>;
}

# pg_config('--pkglibdir') of the server under test.
sub pg_config
{
	my ($option) = @_;
	my $command = $ENV{PG_CONFIG} // 'pg_config';
	my $answer = `$command $option`;
	die "$command $option failed" if $?;
	chomp $answer;
	return $answer;
}

1;
