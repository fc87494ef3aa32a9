#!/usr/bin/perl
# P3: the row, its cost and its budget movement commit or roll back together, in every kind of transaction: savepoints by the hundred,
# exception blocks, deferred triggers, holdable cursors, loops that commit, COPY, read-only from here on, cancelled waits.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendTest;
use Test::More;

my $node = new_node('transactions');
query($node, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
INSERT INTO spend.budgets (name, scope, group_by, amount, period, on_exceeded) VALUES
  ('cap', '{}', '{}', 1000000, 'total', 'reject'), ('users', '{"project": "x"}', '{user_id}', 50, 'total', 'reject'), ('red', '{"team": "red"}', '{}', 10, 'total', 'reject'),
  ('halt', '{}', '{}', 100, 'total', 'halt'), ('teams', '{}', '{team}', 100, 'month', 'alert');
CREATE FUNCTION use_tokens(n numeric, team text DEFAULT NULL, user_id text DEFAULT NULL) RETURNS numeric LANGUAGE sql AS
  'INSERT INTO spend.usage (request_model, input_tokens, team, user_id, project) VALUES (''m'', n, team, user_id, CASE WHEN user_id <> '''' THEN ''x'' END)
   RETURNING cost';
SQL
my $total = 0;

# in_order(WHAT, ADDED): as many tokens were added to the ledger and to the counters as they should.
sub in_order
{
	my ($what, $added) = @_;
	$total += $added;
	is(query($node, q{SELECT coalesce(sum(cost), 0), (SELECT coalesce(sum(spent), 0) FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = 'cap') FROM spend.usage}),
		"$total|$total", "$what: rows and counters");
	return verify_is_empty($node, $what);
}

query($node, 'BEGIN; SELECT use_tokens(90); SET TRANSACTION READ ONLY; COMMIT');
in_order('a transaction that becomes read-only', 90);
is(query($node, q{SELECT budget_name, threshold_percent FROM spend.alerts}), "halt|80\nteams|80", 'its alerts are written');

query($node, <<'SQL');
CREATE TABLE orders (id int);
CREATE FUNCTION bill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM use_tokens(NEW.id, 'deferred'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER bill AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bill();
INSERT INTO orders VALUES (3), (4);
SQL
in_order('a deferred constraint trigger', 7);

query($node, q{BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT use_tokens(i, 'held') FROM generate_series(1, 3) AS i; COMMIT; FETCH 2 FROM c});
in_order('a holdable cursor that is run by the commit', 6);

query($node, <<'SQL');
DO $$
BEGIN
  FOR i IN 1..300 LOOP
    BEGIN
      PERFORM use_tokens(1, 'team' || i % 7, 'user' || i);
      IF i % 3 = 0 THEN
        RAISE EXCEPTION 'undo';
      END IF;
      BEGIN
        PERFORM use_tokens(60, NULL, 'user' || i);  -- above the user's cap
      EXCEPTION WHEN SQLSTATE 'SP001' THEN
        NULL;
      END;
    EXCEPTION WHEN raise_exception THEN
      NULL;
    END;
  END LOOP;
END
$$;
SQL
in_order('three hundred exception blocks', 200);
is(query($node, 'SELECT count(*) FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = \'users\' AND spent = 1'), '200',
	'each user that is left has one token');

my $nested = 'BEGIN;';
$nested .= "SAVEPOINT s$_; SELECT use_tokens(1, 'nested$_');" for 1 .. 100;
query($node, "$nested ROLLBACK TO s51; SELECT use_tokens(1000, 'nested'); RELEASE s20; SELECT use_tokens(1); COMMIT");
in_order('a hundred savepoints, rolled back to the middle', 50 + 1000 + 1);

query($node, <<'SQL');
DO $$
BEGIN
  FOR i IN 1..200 LOOP
    PERFORM use_tokens(1, 'loop');
    IF i % 2 = 0 THEN
      COMMIT;
    ELSIF i % 5 = 0 THEN
      ROLLBACK;
    END IF;
  END LOOP;
END
$$;
SQL
in_order('a loop that commits and rolls back', 180);

query($node, q{WITH gone AS (DELETE FROM spend.usage WHERE team = 'held' RETURNING *) INSERT INTO spend.usage (request_model, input_tokens) SELECT request_model, input_tokens + 1 FROM gone});
in_order('DELETE and INSERT in one command', 3);
query($node, q{UPDATE spend.usage SET input_tokens = input_tokens + 1, team = 'red' WHERE team = 'deferred'});
in_order('UPDATE of quantity and team', 2);
query_fails_like($node, q{SELECT use_tokens(2, 'red')}, qr/SP001/, 'what an UPDATE has moved there counts against the cap (9 + 2 > 10)');
query($node, q{INSERT INTO spend.usage (usage_id, request_model, input_tokens) SELECT min(usage_id), 'm', 5 FROM spend.usage ON CONFLICT DO NOTHING});
in_order('a row that ON CONFLICT DO NOTHING skips', 0);

query($node, <<'SQL');
CREATE FUNCTION one_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.team = 'twice' THEN
    PERFORM use_tokens(NEW.input_tokens, 'again', NEW.user_id);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER aaa AFTER INSERT ON spend.usage_default FOR EACH ROW EXECUTE FUNCTION one_more();
INSERT INTO spend.usage (request_model, input_tokens, team, user_id) VALUES ('m', 1, 'twice', 'b'), ('m', 1, 'twice', 'a');
DROP TRIGGER aaa ON spend.usage_default;
SQL
in_order('a trigger that reports more usage', 4);

# A budget of this transaction counts what came before it, and is gone with it.
query($node, q{BEGIN; SELECT use_tokens(5, 'own'); INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded) VALUES ('own', '{"team": "own"}', 9, 'total', 'reject');
	SAVEPOINT a; SELECT use_tokens(1, 'own'), use_tokens(1, 'own'); ROLLBACK TO a; SELECT use_tokens(4, 'own'); COMMIT});
in_order('a budget made between rows', 9);
query_fails_like($node, q{SELECT use_tokens(0.01, 'own')}, qr/SP001/, 'it is full');
is(query($node, q{SELECT spent FROM spend.budget_status WHERE budget_name = 'own'}), '9.000000000000000000', 'its status says so');

# Waits end by cancel or timeout without a trace; the row that could not be accounted is not there either.
query($node, q{BEGIN; SELECT use_tokens(1, 'red'); PREPARE TRANSACTION 'holder'});
query_fails_like($node, q{SET statement_timeout = '50ms'; SELECT use_tokens(1, 'red')}, qr/57014/, 'a cancelled wait for a reject counter');
query_fails_like($node, q{SET lock_timeout = '50ms'; SELECT use_tokens(1, 'red')}, qr/55P03/, 'a wait for a reject counter that is too long');
query($node, q{COMMIT PREPARED 'holder'});
query($node, q{UPDATE spend.budgets SET on_exceeded = 'halt'});
query($node, q{BEGIN; SELECT use_tokens(1, 'red'); PREPARE TRANSACTION 'holder'});
if (shares_counters())
{
	query($node, q{SET lock_timeout = '50ms'; SELECT use_tokens(1, 'red')});
	in_order('a halt counter makes nobody wait', 2);
}
else
{
	query_fails_like($node, q{SET lock_timeout = '50ms'; SELECT use_tokens(1, 'red')}, qr/55P03/, 'a wait at commit that is too long');
	query_fails_like($node, qq{SET lock_timeout = '50ms';\nBEGIN;\nSELECT use_tokens(1, 'red');\nCOMMIT;}, qr/55P03/, 'the same in a transaction block');
}
query($node, q{ROLLBACK PREPARED 'holder'});
in_order('after waits that were given up', shares_counters() ? 0 : 1);

# Counters in memory are told at COMMIT of what other hands have changed. COMMIT PREPARED could not, so nobody gets that far.
query($node, q{UPDATE spend.budgets SET on_exceeded = CASE name WHEN 'cap' THEN 'reject' ELSE 'alert' END});
my $hold = query($node, q{SELECT hold_id FROM spend.authorize('m', '{"team": "held"}', '{"input_tokens": 4}')});
foreach my $change (q{DELETE FROM spend.counters}, q{UPDATE spend.counters SET spent = spent}, q{TRUNCATE spend.counters},
	qq{DELETE FROM spend.hold_amounts WHERE hold_id = $hold}, q{UPDATE spend.hold_amounts SET amount = amount + 1}, q{TRUNCATE spend.hold_amounts})
{
	my $prepare = "BEGIN;\n$change;\nPREPARE TRANSACTION 'by hand'";
	if (shares_counters())
	{
		query_fails_like($node, $prepare, qr/0A000.*by other means.*End it with COMMIT/s, "$change is not prepared");
	}
	else
	{
		query($node, $prepare);
		query($node, q{ROLLBACK PREPARED 'by hand'});
	}
	in_order("after $change", 0);
}
query($node, qq{BEGIN; SELECT spend.release($hold); SELECT hold_id FROM spend.authorize('m', '{}', '{"input_tokens": 4}'); PREPARE TRANSACTION 'holds'});
query($node, q{COMMIT PREPARED 'holds'});
in_order('what the gate does is prepared', 0);
query($node, q{UPDATE spend.budgets SET on_exceeded = 'halt'});

# The connection that saw all this at once.
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query(q{BEGIN; SELECT use_tokens(1, 'a'); SAVEPOINT s; SELECT use_tokens(1, 'b')});
$session->query(q{SELECT 1 / 0});
$session->query(q{ROLLBACK TO s; SELECT use_tokens(1, 'b'); COMMIT});
$session->query(q{BEGIN; SELECT use_tokens(1, 'c')});
$session->query(q{SELECT 1 / 0});
$session->query(q{COMMIT});
$session->query(q{SELECT use_tokens(1, 'c')});
$session->{stderr} = '';
$session->quit;
in_order('errors inside transactions', 3);

query($node, q{UPDATE spend.budgets SET on_exceeded = 'reject' WHERE name = 'red'});
my $rows = join('', map { "m,1,team" . ($_ % 10) . ",u" . ($_ % 5000) . "\n" } 1 .. 100_000);
my $copy = 'COPY spend.usage (request_model, input_tokens, team, user_id) FROM STDIN (FORMAT csv)';
query($node, "$copy;\n$rows\\.\n");
in_order('COPY of 100,000 rows', 100_000);
query_fails_like($node, "$copy;\nm,11,red,x\n\\.\n", qr/SP001/, 'COPY is refused by a cap');
query_fails_like($node, "$copy;\n${rows}m,11,red,x\n\\.\n", qr/SP001/, 'and with it all that came before');
in_order('COPY that is refused', 0);

# What the ledger was has gone before its counters could move.
query($node, 'BEGIN; SELECT use_tokens(1); DROP EXTENSION pg_spend CASCADE; COMMIT');
is(query($node, q{SELECT count(*) FROM pg_namespace WHERE nspname = 'spend'}), '0', 'a transaction may drop the ledger that it has written to');

$node->stop;
done_testing();
