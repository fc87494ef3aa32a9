#!/usr/bin/perl
# A connection that lives long stays as large as it was: 200,000 rows in their own transactions with errors among them, three thousand
# large errors, names of a megabyte that never come again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendTest;
use Test::More;


my $node = new_node('memory', conf => "fsync = off\nautovacuum = off\nlog_statement = none\nlog_min_messages = fatal\n");
query($node, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
SELECT count(*) FROM spend.maintain(0);
INSERT INTO spend.budgets (name, scope, group_by, amount, period, on_exceeded) VALUES
  ('cap', '{}', '{}', 1000000, 'total', 'reject'), ('full', '{"team": "full"}', '{}', 0, 'total', 'reject'), ('teams', '{}', '{team}', 1000000, 'month', 'halt');
-- Each row in a transaction of its own; every fifth statement fails, by the three doors that errors come through.
CREATE PROCEDURE run(rows integer) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..rows LOOP
    INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'team' || i % 5);
    COMMIT;
    IF i % 5 = 0 THEN
      BEGIN
        CASE i % 3
          WHEN 0 THEN INSERT INTO spend.usage (request_model, input_tokens, team) VALUES ('m', 1, 'full');
          WHEN 1 THEN INSERT INTO spend.usage (request_model, input_tokens) VALUES ('m', -1);
          ELSE PERFORM '{"input_tokens": "x"}'::spend.token_usage;
        END CASE;
        RAISE 'no error';
      EXCEPTION WHEN SQLSTATE 'SP001' OR invalid_parameter_value OR invalid_text_representation THEN
        NULL;
      END;
      COMMIT;
    END IF;
  END LOOP;
END
$$;
CREATE PROCEDURE long_names(n integer) LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
  FOR i IN 1..n LOOP
    INSERT INTO spend.usage (request_model, input_tokens, project) VALUES (clock_timestamp() || repeat('m', 1000000), 1, clock_timestamp() || repeat('p', 1000000));
  END LOOP;
END
$$;
CREATE PROCEDURE large_errors(n integer) LANGUAGE plpgsql AS $$
DECLARE
  document text := '{"rates": {"input_tokens": "' || repeat('9', 300000) || '"}}';
BEGIN
  FOR i IN 1..n LOOP
    BEGIN
      PERFORM document::spend.price;
      RAISE assert_failure;
    EXCEPTION WHEN OTHERS THEN  -- not of an assertion
      NULL;
    END;
  END LOOP;
END
$$;
SQL

my $session = $node->background_psql('postgres', timeout => 600);
my $pid = $session->query('SELECT pg_backend_pid()');

# What only this process has, in kB: shared buffers that it has touched are not its own.
sub private_memory
{
	my ($size, $resident, $shared) = split / /, SpendTest::slurp("/proc/$pid/statm");
	return ($resident - $shared) * 4;
}

sub contexts
{
	return $session->query('SELECT sum(used_bytes) / 1024 FROM pg_backend_memory_contexts');
}

# stays_flat(WHAT, WARM_UP, LOAD): the load leaves the process as large as the warm-up did, but for 3 MB.
sub stays_flat
{
	my ($what, $warm_up, $load) = @_;
	$session->query($warm_up);
	my ($memory, $contexts) = (private_memory(), contexts());
	$session->query($load);
	cmp_ok(private_memory() - $memory, '<', 3072, "$what: the process");
	cmp_ok(contexts() - $contexts, '<', 512, "$what: its memory contexts");
	return;
}

stays_flat('200,000 rows', 'CALL run(20000)', 'CALL run(180000)');
stays_flat('3,000 large errors', 'CALL large_errors(300)', 'CALL large_errors(2700)');
is(query($node, q{SELECT count(*), sum(cost), (SELECT spent FROM spend._counter_totals JOIN spend.budgets USING (budget_id) WHERE name = 'cap') FROM spend.usage}),
	'200000|200000|200000', 'and all is there');

# What is remembered of names is bounded by their bytes, too: 200 of each would be 600 MB and more.
query($node, q{UPDATE spend.budgets SET on_unpriced = 'allow' WHERE on_exceeded = 'reject'});
my $memory = private_memory();
$session->query('CALL long_names(20)') for 1 .. 10;
cmp_ok(private_memory() - $memory, '<', 400 * 1024, '200 names of a megabyte: the process');
$session->quit;

$node->stop;
done_testing();
