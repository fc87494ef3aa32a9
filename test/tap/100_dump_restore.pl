#!/usr/bin/perl
# P9: dump and restore. What comes back is what was there: rows are not priced, accounted, announced or refused again, in the default leaf
# and in month leaves; the copy goes on where the original stopped.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $node = new_node('original');
fill_ledger($node, 'postgres');
my $bin = pg_config('--bindir');
my $dir = PostgreSQL::Test::Utils::tempdir();
my $connection = $node->connstr('postgres');
my $before = ledger_summary($node, 'postgres');
like($before, qr/price: \d+ live/, 'there is something to compare');
verify_is_empty($node, 'the original is in order');

command_ok([ "$bin/pg_dump", '-d', $connection, '-f', "$dir/plain.sql" ], 'plain dump');
command_ok([ "$bin/pg_dump", '-d', $connection, '-Fc', '-f', "$dir/custom.dump" ], 'custom dump');

query($node, 'CREATE DATABASE plain TEMPLATE template0');
command_ok([ "$bin/psql", '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('plain'), '-o', "$dir/restore.log", '-f', "$dir/plain.sql" ],
	'plain restore in one transaction');
query($node, 'CREATE DATABASE custom TEMPLATE template0');
command_ok([ "$bin/pg_restore", '-e', '-j4', '-d', $node->connstr('custom'), "$dir/custom.dump" ], 'parallel restore');
# Data alone, into an extension that is there.
query($node, 'CREATE DATABASE data TEMPLATE template0');
create_extension($node, 'data');
query($node, 'SELECT count(*) FROM spend.maintain(0)', 'data');
command_ok([ "$bin/pg_dump", '-d', $connection, '--data-only', '-f', "$dir/data.sql" ], 'dump of the data');
# Of the leaves only those can be there whose months are the same: the current one, and the one with old rows.
query($node, q{CALL spend._make_month('2001-01-01')}, 'data');
command_ok([ "$bin/psql", '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('data'), '-o', "$dir/restore.log", '-f', "$dir/data.sql" ],
	'restore of the data');

foreach my $copy ('plain', 'custom', 'data')
{
	is(ledger_summary($node, $copy), $before, "$copy: costs, counters, alerts, keys, settings, rights and triggers are those of the original");
	verify_is_empty($node, "$copy: the books are in order", $copy);
	is(query($node, q{SELECT count(*) FROM spend.budgets AS b LEFT JOIN spend.budget_epochs AS e USING (budget_id) WHERE e.budget_id IS NULL}, $copy),
		'0', "$copy: every budget has begun its epoch here");
	next if $copy eq 'data';
	command_ok([ "$bin/pg_dump", '-d', $node->connstr($copy), '-f', "$dir/$copy-again.sql" ], "$copy: dump of the copy");
	is(comparable("$dir/$copy-again.sql"), comparable("$dir/plain.sql"), "$copy: the dump of the copy is the dump of the original");
}

# Rights are part of the schema, not of the data.
query($node, q{SELECT spend.grant_access(member::regrole, access, scope) FROM spend.access}, 'data');

# The copy goes on.
my $highest = query($node, 'SELECT max(usage_id) FROM spend.usage');
foreach my $database ('postgres', 'plain', 'custom', 'data')
{
	is(query($node, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'blue') RETURNING usage_id, cost}, $database),
		($highest + 1) . '|2', "$database: the next row has the next number and the current price");
	is(query($node, q{INSERT INTO spend.usage (request_model, input_tokens, tags) VALUES ('m', 1, '{"campaign": "y"}') RETURNING cost, price_term_ids}, $database),
		'2.25|{3}', "$database: customer terms apply");
	is(query($node, q{SELECT string_agg(t.name || ' ' || t.amount, ', ' ORDER BY t.term_id) FROM spend.usage AS u, spend.price_term_lines(u) AS t
		WHERE u.occurred_at = '2001-01-07 UTC'}, $database), 'ended -1, withdrawn 0.5', "$database: and explain what they did before they ended");
	is(query($node, q{SELECT string_agg(s.name || ' ' || s.total_due, ', ' ORDER BY s.name) FROM spend.commitment_status(NULL, '2001-01-05', as_of => '2001-03-01') AS s}, $database),
		'units 217, volume 2.75, year 10', "$database: commitments come to what they came to");
	query_fails_like($node, q{INSERT INTO spend.commitments (name, kind, amount, valid_during) VALUES ('half', 'minimum', 1, '[2001-01-01,2001-01-15)')},
		qr/does not end with one of its periods/, "$database: a commitment that leaves a choice open is refused", $database);
	query_fails_like($node, q{SELECT spend.set_price_term('rival', 'fixed', amount => 1, scope => '{"campaign": "y"}')}, qr/could both be chosen/,
		"$database: two terms leave no choice open", $database);
	is(query($node, q{INSERT INTO spend.usage (request_model, input_tokens, source, idempotency_key) VALUES ('m', 1, 'app', 'k1') RETURNING usage_id}, $database),
		'', "$database: a known key is known");
	query_fails_like($node, q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1000, 'red')}, qr/SP001|budget "red" exceeded/,
		"$database: a cap holds", $database);
	query_fails_like($node, q{INSERT INTO spend.prices (provider, model, price) VALUES ('p', 'm', '{"rates": {"input_tokens": "3/1"}}')}, qr/prices_one_at_a_time/,
		"$database: two prices of a SKU do not overlap", $database);
	query_fails_like($node, 'TRUNCATE spend.usage', qr/cannot be truncated/, "$database: the ledger cannot be truncated", $database);
	query_fails_like($node, q{INSERT INTO spend.budgets (name, scope, amount) VALUES ('typo', '{"kampaign": "x"}', 1)}, qr/unknown dimension/,
		"$database: a typo in a scope is refused", $database);
	is(query($node, q{SET ROLE app; INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 1) RETURNING cost}, $database), '2',
		"$database: the writer writes");
	query_fails_like($node, 'SET ROLE app; SELECT * FROM spend.usage', qr/permission denied/, "$database: and reads no more than before", $database);
	is(query($node, q{SET ROLE analyst; SELECT count(*) > 0, bool_and(team = 'blue') FROM spend.daily_spend}, $database), 't|t',
		"$database: the reader sees its scope");
	is(query($node, q{SELECT spend.set_price('p', 'new', '{"rates": {"input_tokens": "7/1"}}') > (SELECT max(price_id) FROM spend.usage)}, $database),
		't', "$database: prices are numbered on");
	is(query($node, q{SELECT count(*) FROM spend.maintain(4) WHERE action = 'created partition'}, $database), '4', "$database: coming months get their leaves");
	is(query($node, q{SELECT count(*) FROM spend.usage_default}, $database), '2', "$database: only what has no month stays in the default leaf");
	is(query($node, leaf_triggers(), $database), 'account_row A,price_row O,refuse_truncate O', "$database: every leaf has its triggers");
	verify_is_empty($node, "$database: the books are in order after all that", $database);
}
is(ledger_summary($node, 'plain'), ledger_summary($node, 'postgres'), 'the same steps leave the same ledger');

$node->stop;
done_testing();

# A dump without what differs by its own nature: names of objects' owners stay, order of COPY lines does not matter.
sub comparable
{
	my ($path) = @_;
	my (@lines, @rows);
	foreach my $line (split /\n/, slurp($path))
	{
		next if $line =~ /^\\(un)?restrict /;
		push @lines, $line;
	}
	my ($in_copy, @result) = (0);
	foreach my $line (@lines)
	{
		if ($in_copy && $line eq '\\.')
		{
			push @result, sort(@rows), $line;
			@rows = ();
			$in_copy = 0;
		}
		elsif ($in_copy) { push @rows, $line; }
		else
		{
			push @result, $line;
			$in_copy = 1 if $line =~ /^COPY .* FROM stdin;$/;
		}
	}
	return join("\n", @result);
}
