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
done_testing();
