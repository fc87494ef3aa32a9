#!/usr/bin/perl
# Two months without maintain(), then maintain() under load: every row arrives, none is refused, each ends in the leaf of its month, and no
# budget moves by that. An idle transaction puts a month off and is not waited for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $node = new_node('upkeep', conf => "fsync = off\n");
query($node, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
INSERT INTO spend.budgets (name, scope, group_by, amount, period, on_exceeded) VALUES
  ('cap', '{}', '{}', 10000000, 'total', 'reject'), ('months', '{}', '{team}', 10, 'month', 'alert'), ('halt', '{}', '{}', 10, 'day', 'halt');
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team)
SELECT now() - i % 70 * interval '1 day', 'm', 1, 'team' || i % 5 FROM generate_series(1, 5000) AS i;
SQL
my $months = "SELECT count(DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC')) FROM spend.usage";

# An idle transaction.
my $idle = $node->background_psql('postgres');
$idle->query(q{BEGIN; INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'idle')});
is(query($node, q{SELECT DISTINCT action FROM spend.maintain(0) WHERE action LIKE '%partition'}), 'deferred partition', 'an idle writer: the months are put off');
is(query($node, 'SELECT count(*) FROM pg_inherits'  . q{ WHERE inhparent = 'spend.usage'::regclass}), '1', 'nothing is half done');
verify_is_empty($node, 'the books are in order');
$idle->query('COMMIT');
$idle->quit;

my $script = PostgreSQL::Test::Utils::tempdir() . '/write.sql';
append_to_file($script, <<'SQL');
\set days random(0, 70)
\set team random(1, 5)
INSERT INTO spend.usage (occurred_at, request_model, input_tokens, team) VALUES (now() - :days * interval '1 day', 'm', 1, 'team' || :team);
SQL
my ($stdout, $stderr) = ('', '');
my $load = IPC::Run::start([ pg_config('--bindir') . '/pgbench', '-n', '-c', 4, '-t', 500, '-f', $script, $node->connstr('postgres') ], '>', \$stdout, '2>', \$stderr);
$node->poll_query_until('postgres', 'SELECT count(*) > 5050 FROM spend.usage') or die 'no load';
my $made = 0;
for (1 .. 20)
{
	$made += query($node, q{SELECT count(*) FROM spend.maintain(1) WHERE action = 'created partition'});
	last if $made >= query($node, $months) + 1;
}
IPC::Run::finish($load);
is($load->result(0), 0, 'the writers have ended well');
unlike($stderr, qr/ERROR/, 'no INSERT failed');
is(query($node, 'SELECT count(*) FROM spend.usage'), '7001', 'no row is lost');
is(query($node, 'SELECT count(*) FROM spend.usage_default'), '0', 'none is left in the default leaf');
is(query($node, q{SELECT count(*) FROM spend.usage WHERE tableoid::regclass::text <> 'spend.usage_' || to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY_MM')}), '0',
	'each is in the leaf of its month');
is(query($node, 'SELECT spent, calls FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = \'cap\''), '7001|7001', 'the cap has counted each once');
verify_is_empty($node, 'the books are in order after that');
is(query($node, leaf_triggers()), 'account_row A,price_row O,refuse_truncate O', 'every leaf has its triggers');

$node->stop;
done_testing();
