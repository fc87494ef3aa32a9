#!/usr/bin/perl
# Parallel query: what is marked parallel safe gives the serial result, also when the worker has no cache yet, and when the prices are those
# of the leader's own open transaction.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendTest;
use Test::More;

my $node = new_node('parallel', conf => "max_parallel_workers_per_gather = 4\nmax_parallel_workers = 8\n");
query($node, <<'SQL');
SELECT spend.set_price('p', 'm' || i, format('{"rates": {"input_tokens": "%s/1k", "cache_read_tokens": "0.1/1M", "output_tokens": "%s/1M"}}', i, i * 3)::spend.price, '-infinity')
FROM generate_series(1, 20) AS i;
CREATE TABLE calls WITH (parallel_workers = 4) AS
SELECT i, 'M' || i % 22 AS model,
       spend.token_usage(jsonb_build_object('input_tokens', i, 'cache_read_tokens', i / 3, 'output_tokens', i % 1000, 'meter_' || i % 50, 0.001 * i)) AS usage
FROM generate_series(1, 60000) AS i;
ANALYZE calls;
SQL

my $serial = 'SET max_parallel_workers_per_gather = 0; SET client_min_messages = error';
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET client_min_messages = error';
my %queries = (
	'sum(token_usage)' => 'SELECT spend.sum(usage) FROM calls',
	'sum(token_usage) by group' => 'SELECT i % 7, spend.sum(usage) FROM calls GROUP BY 1 ORDER BY 1',
	'cost() by model' => q{SELECT model, sum(spend.cost(model, usage)), count(spend.cost(model, usage)) FROM calls GROUP BY 1 ORDER BY 1},
	'cost() by price' => q{SELECT sum(spend.cost('{"rates": {"input_tokens": "0.37/1M"}}'::spend.price, usage, '{"strict": false}')) FROM calls},
	'text, hash and casts' => q{SELECT sum(length(usage::text)), sum(hashtext((usage::jsonb)::text)::bigint), (SELECT count(*) FROM (SELECT DISTINCT usage FROM calls) AS d) FROM calls},
);
foreach my $what (sort keys %queries)
{
	my $sql = $queries{$what};
	like(query($node, "$parallel; EXPLAIN (COSTS OFF) $sql"), qr/Parallel/, "$what: the plan is parallel") if $what =~ /^(sum|cost)/;
	is(query($node, "$parallel; $sql"), query($node, "$serial; $sql"), "$what: parallel is serial");
}
like(query($node, "$parallel; EXPLAIN (ANALYZE, COSTS OFF) $queries{'cost() by model'}"), qr/Workers Launched: [1-9]/, 'workers did run');

# Uncommitted prices of the leader, and after their rollback.
my $change = q{SELECT count(spend.set_price('p', 'm' || i, '{"rates": {"input_tokens": "1/1", "output_tokens": "0/1", "cache_read_tokens": "0/1"}}', '-infinity')) FROM generate_series(1, 20) AS i};
my $sql = $queries{'cost() by model'};
is(query($node, "$parallel; BEGIN; $change; $sql; ROLLBACK; $sql"), query($node, "$serial; BEGIN; $change; $sql; ROLLBACK; $sql"),
	'the prices of an open transaction, and the old ones after it');
# Workers that every plan must use.
my $forced = $node->safe_psql('postgres', 'SHOW server_version_num') >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode';
is(query($node, "SET $forced = on; SET client_min_messages = error; SELECT spend.cost('m1', '{\"input_tokens\": 1000}'), spend.estimate('m2', 1000, 0), spend.text_key(' Ab ')"),
	'1|2|ab', 'single calls in a worker');

$node->stop;
done_testing();
