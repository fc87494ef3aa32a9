#!/usr/bin/perl
# More holds than memory has places for, and more on one counter than are kept there: nothing is lost, refused or miscounted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendTest;
use Test::More;

my $node = new_node('many_holds', conf => "shared_preload_libraries = 'pg_spend'\npg_spend.counters = 'auto'\npg_spend.counter_memory = '2MB'\n");
query($node, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
SELECT count(*) FROM spend.maintain();
INSERT INTO spend.budgets (name, group_by, amount, period, on_exceeded) VALUES ('each team', '{team}', 10000, 'total', 'reject');
CREATE PROCEDURE ask(team text, calls integer) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..calls LOOP
    IF (SELECT verdict FROM spend.authorize('m', jsonb_build_object('team', team), '{"input_tokens": 1}', ttl => '1 day')) <> 'allow' THEN
      RAISE 'call % of % is not allowed', i, team;
    END IF;
    COMMIT;
  END LOOP;
END
$$;
SQL
sub ask { return query($node, "SET client_min_messages = error; CALL ask('$_[0]', $_[1])"); }
sub held { return query($node, "SELECT held::bigint || ' ' || (remaining - held)::bigint FROM spend.budget_status WHERE group_label = 'team=$_[0]' OR group_label = '$_[0]'"); }

# Past 4,096 on one counter.
ask('a', 4200);
is(held('a'), '4200 5800', 'one counter: all holds count');
verify_is_empty($node, 'and are what is stored');
is(query($node, q{SELECT count(*) FROM (SELECT spend.release(hold_id) FROM spend.holds ORDER BY hold_id LIMIT 100) AS r}), '100', 'early and late ones are released');
is(query($node, q{SELECT count(*) FROM (SELECT hold_id FROM spend.holds WHERE state = 'open' ORDER BY hold_id DESC LIMIT 100) AS h, spend.settle(h.hold_id, '{"input_tokens": 1}')}), '100', 'and settled');
is(held('a'), '4000 5900', 'what is left is held');
query_fails_like($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 5901)}, qr/SP001/, 'the cap is as it was');
is(query($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 5900) RETURNING cost}), '5900', 'to the last unit');
verify_is_empty($node, 'the books are in order');

# Past what memory has places for, some 6,500: on further counters.
ask('b', 2400);
ask('c', 600);
is(held('b') . ' ' . held('c'), '2400 7600 600 9400', 'no place is left: all holds count');
is(query($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('c', 'm', 9400) RETURNING cost}), '9400', 'nothing is refused that fits');
query_fails_like($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('c', 'm', 1)}, qr/SP001/, 'what does not is');
verify_is_empty($node, 'the books are in order with memory full');

# After a restart they are read again.
$node->stop('immediate');
$node->start;
is(held('a') . ' ' . held('b') . ' ' . held('c'), '4000 0 2400 7600 600 0', 'after a crash they are the same');
ask('b', 1);
query_fails_like($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('b', 'm', 7600)}, qr/SP001/, 'and so is the cap');
verify_is_empty($node, 'the books are in order after the crash');

$node->stop;

# Thousands end within a moment, of several lengths, among others that go on; taken and given back by the hundred in one transaction.
my $ending = new_node('ending_holds', conf => "shared_preload_libraries = 'pg_spend'\npg_spend.counters = 'auto'\n");
query($ending, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
SELECT count(*) FROM spend.maintain();
INSERT INTO spend.budgets (name, amount, period, on_exceeded) VALUES ('all', 10000, 'total', 'reject');
CREATE TABLE ends AS SELECT clock_timestamp() + interval '40 s' AS at;
CREATE FUNCTION ask(ttl interval) RETURNS bigint LANGUAGE sql AS $$
  SELECT hold_id FROM spend.authorize('m', '{"team": "a"}', '{"input_tokens": 1}', ttl => ttl)
$$;
CREATE PROCEDURE ask_for(calls integer) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..calls LOOP
    PERFORM ask(CASE i % 3 WHEN 0 THEN interval '1 hour' - i * interval '1 s' WHEN 1 THEN (SELECT at FROM ends) - clock_timestamp()
                           ELSE (SELECT at FROM ends) - clock_timestamp() - i * interval '1 ms' END);
    COMMIT;
  END LOOP;
END
$$;
SQL
my $held = q{SELECT held::bigint FROM spend.budget_status};
query($ending, 'SET client_min_messages = error; CALL ask_for(3000)');
is(query($ending, q{SELECT clock_timestamp() < at - interval '4 s' FROM ends}), 't', 'they were all taken before the first one ends');
is(query($ending, $held), '3000', 'all are held');
query($ending, q{SET client_min_messages = error;
  BEGIN;
  SELECT count(ask('1 hour')) FROM generate_series(1, 300);
  SELECT count(*) FROM (SELECT spend.release(hold_id) FROM spend.holds WHERE hold_id % 3 = 1 ORDER BY hold_id DESC LIMIT 200) AS r;
  ROLLBACK});
is(query($ending, $held), '3000', 'rolled back, nothing has changed');
query_fails_like($ending, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 7001)}, qr/SP001/, 'in memory, neither');
query($ending, q{SET client_min_messages = error;
  BEGIN;
  SELECT count(ask('1 hour')) FROM generate_series(1, 300);
  SAVEPOINT s;
  SELECT count(*) FROM (SELECT spend.release(hold_id) FROM spend.holds WHERE hold_id > 3000 ORDER BY hold_id) AS r;
  ROLLBACK TO s;
  SELECT count(*) FROM (SELECT spend.release(hold_id) FROM spend.holds WHERE state = 'open' AND hold_id > 3000 ORDER BY hold_id DESC LIMIT 200) AS r;
  SELECT count(*) FROM (SELECT spend.release(hold_id) FROM spend.holds WHERE state = 'open' AND hold_id <= 300 ORDER BY hold_id) AS r;
  COMMIT});
is(query($ending, $held), '2800', 'committed, what was given back is free');
query_fails_like($ending, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 7201)}, qr/SP001/, 'in memory, too');
verify_is_empty($ending, 'the books are in order before the end');
query($ending, q{SELECT pg_sleep(extract(epoch FROM at - clock_timestamp())) FROM ends});
is(query($ending, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 9000) RETURNING cost}), '9000', 'who looks first after the end finds all their room');
query_fails_like($ending, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', 1)}, qr/SP001/, 'and no more');
is(query($ending, $held), '1000', 'the others are held');
verify_is_empty($ending, 'the books are in order after the end');
is(query($ending, q{SELECT expired FROM spend._tidy_holds()}), '1800', 'they are marked');
is(query($ending, 'SELECT count(*) FROM spend.hold_amounts'), '1000', 'and their amounts gone');
$ending->stop;

done_testing();
