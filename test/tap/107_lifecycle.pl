#!/usr/bin/perl
# DROP EXTENSION and CREATE EXTENSION under connections that go on; the library preloaded and not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendTest;
use Test::More;

my $node = new_node('lifecycle', extension => 0);
my $price = q{SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "%d/1"}}', '-infinity') IS NOT NULL};
my $budget = q{INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('cap', 10, 'total', 'reject')};
my $row = q{INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'a') RETURNING cost};

foreach my $preload ('', 'pg_spend')
{
	my $how = $preload eq '' ? 'not preloaded' : 'preloaded';
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$preload'\npg_spend.counters = 'auto'\n");
	$node->restart;
	create_extension($node, 'postgres');
	query($node, sprintf($price, 1));
	query($node, $budget);
	my $old = $node->background_psql('postgres');
	$old->query('SET client_min_messages = error');
	is($old->query($row), '1', "$how: a row");
	is($old->query(q{SELECT spend.cost('m', '{"input_tokens": 1}')}), '1', "$how: a cost");

	query($node, 'DROP EXTENSION pg_spend');
	create_extension($node, 'postgres');
	query($node, sprintf($price, 2));
	is($old->query($row), '2', "$how: the old connection writes to the new ledger by its prices");
	is($old->query(q{SELECT spend.cost('m', '{"input_tokens": 1}')}), '2', "$how: and computes by them");
	is($old->query('SELECT count(*) FROM spend._counter_totals'), '0', "$how: the old budget is not remembered");
	query($node, $budget);
	is($old->query(q{DO 'BEGIN PERFORM spend.maintain(0); END'; SELECT count(*) FROM spend.attributions}), '1', "$how: the dictionary begins anew");
	query_fails_like($node, q{INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', 5)}, qr/limit 10 USD, spent 2 USD, asked 10 USD/, "$how: the new cap holds");
	is($old->query($row), '2', "$how: one more row");
	verify_is_empty($node, "$how: the books are in order");

	# All of it in one transaction of the old connection.
	$old->query("BEGIN; $row; DROP EXTENSION pg_spend CASCADE; CREATE EXTENSION pg_spend; " . sprintf($price, 3) . '; COMMIT');
	is($old->query($row), '3', "$how: a ledger made anew by the same transaction that wrote to the old one");
	verify_is_empty($node, "$how: it is in order");
	$old->query("BEGIN; $row; DROP EXTENSION pg_spend CASCADE; ROLLBACK");
	is($old->query($row), '3', "$how: a drop that is rolled back");
	$old->query("BEGIN; $row; SAVEPOINT a; DROP EXTENSION pg_spend CASCADE; ROLLBACK TO a; $budget; UPDATE spend.budgets SET amount = 12; $row; COMMIT");
	query_fails_like($node, $row, qr/limit 12 USD, spent 12 USD, asked 3 USD/, "$how: a drop that a savepoint takes back");
	is(query($node, 'SELECT sum(cost) FROM spend.usage'), '12', "$how: nothing is lost by that");
	verify_is_empty($node, "$how: and it is in order");
	$old->quit;
	query($node, 'DROP EXTENSION pg_spend CASCADE');
	is(query($node, q{SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('spend')}), '0', "$how: nothing is left");
}

# A database in another encoding is refused; one beside this one keeps its own caches.
create_extension($node, 'postgres');
query($node, 'CREATE DATABASE other');
create_extension($node, 'other');
query($node, sprintf($price, 4));
query($node, sprintf($price, 5), 'other');
is(query($node, $row) . query($node, $row, 'other'), '45', 'two databases of one server');
query($node, q{CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0});
query_fails_like($node, 'CREATE EXTENSION pg_spend CASCADE', qr/needs a database in UTF8/, 'another encoding is refused', 'latin');

$node->stop;
done_testing();
