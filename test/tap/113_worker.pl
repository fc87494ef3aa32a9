#!/usr/bin/perl
# The background worker: folds and makes partitions by itself, in the databases it is told; is in nobody's way who drops the extension or
# the database; survives errors, and rests longer after each. Without it everything is right as well, which all other tests show.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;
use Time::HiRes qw(time);

my $conf = "shared_preload_libraries = 'pg_spend'\npg_spend.worker_databases = 'postgres, Elsewhere, \"gone\"'\npg_spend.worker_interval = 1s\n";
$conf .= "pg_spend.counters = 'table'\n" unless shares_counters();
my $node = new_node('worker', conf => $conf);

sub log_has
{
	my ($pattern) = @_;
	return slurp($node->logfile) =~ $pattern;
}

# By itself.
$node->poll_query_until('postgres', q{SELECT count(*) >= 4 FROM spend._month_leaves()}) or die 'no partitions';
pass('the coming months have their partitions');
query($node, <<'SQL');
SELECT spend.set_price('p', 'm', '{"rates": {"input_tokens": "1/1"}}', '-infinity');
INSERT INTO spend.budgets (name, amount, on_exceeded) VALUES ('all', 1000000, 'alert');
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT now() - i * interval '1 hour', 't' || i % 3, 'm', i FROM generate_series(1, 500) AS i;
SQL
$node->poll_query_until('postgres', 'SELECT NOT EXISTS (SELECT FROM spend.rollup_deltas) AND NOT EXISTS (SELECT FROM spend.counter_deltas)') or die 'not folded';
pass('what was written is folded');
is(query($node, 'SELECT sum(calls) FROM spend.daily_spend'), '500', 'and counts once');
verify_is_empty($node, 'the books are in order');
is(query($node, q{SELECT datname IS NULL FROM pg_stat_activity WHERE backend_type = 'pg_spend launcher'}), 't', 'the launcher is connected to no database');
ok(log_has(qr/database "gone" does not exist/), 'a database that is not there is told');

# More than one run takes.
query($node, q{INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT now() - i % 50000 * interval '1 minute', 't' || i % 10, 'm', 1 FROM generate_series(1, 60000) AS i});
$node->poll_query_until('postgres', 'SELECT NOT EXISTS (SELECT FROM spend.rollup_deltas)') or die 'not folded';
verify_is_empty($node, 'many deltas are folded, too');

# The settings of a database do not reach it: not those that would stop it, and not a search path with an operator that would be
# called with the rights of the extension's owner.
query($node, <<'SQL');
CREATE SCHEMA evil;
CREATE FUNCTION evil.same(a text, b text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE LOG 'evil operator called in %', (SELECT backend_type FROM pg_stat_activity WHERE pid OPERATOR(pg_catalog.=) pg_backend_pid()); RETURN a OPERATOR(pg_catalog.=) b; END$$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
SQL
query($node, q{ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'; ALTER DATABASE postgres SET default_transaction_read_only = on; ALTER DATABASE postgres SET search_path = evil, pg_catalog});
query($node, q{SET default_transaction_read_only = off; INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('late', 'm', 1)});
$node->poll_query_until('postgres', 'SELECT NOT EXISTS (SELECT FROM spend.rollup_deltas)') or die 'not folded';
pass('nor do the settings of a database stop it');
ok(!log_has(qr/evil operator called in pg_spend/), 'or lend its rights');
query($node, q{SET default_transaction_read_only = off; ALTER DATABASE postgres RESET ALL});

# An error: the worker ends, and comes again, at longer and longer intervals; what it could not do is done later.
query($node, <<'SQL');
CREATE FUNCTION public.break_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'broken on purpose'; END$$;
CREATE TRIGGER break_it BEFORE DELETE ON spend.refusals FOR EACH STATEMENT EXECUTE FUNCTION public.break_it();
SQL
my $errors = sub { my @all = slurp($node->logfile) =~ /ERROR:  broken on purpose/g; return scalar @all };
my $until = time() + 30;
select undef, undef, undef, 0.2 while ($errors->() < 2 && time() < $until);
cmp_ok($errors->(), '>=', 2, 'it tries again after an error');
query($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('after', 'm', 1)});
$node->poll_query_until('postgres', 'SELECT NOT EXISTS (SELECT FROM spend.rollup_deltas)') or die 'not folded';
cmp_ok($errors->(), '<', 10, 'not every moment');
query($node, 'DROP TRIGGER break_it ON spend.refusals');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_spend launcher'}) or die 'no launcher';

# A schema of that name that is not the extension's: what is in it is not called, whoever made it.
query($node, 'CREATE DATABASE elsewhere');
query($node, <<'SQL', 'elsewhere');
CREATE SCHEMA spend;
CREATE TABLE public.called (by name);
CREATE FUNCTION spend._maintain_ledger(months_ahead integer, OUT action text, OUT subject text) RETURNS SETOF record LANGUAGE sql AS $$INSERT INTO public.called VALUES (current_user); SELECT 'did', 'it'$$;
CREATE FUNCTION spend._maintain_rollups(most bigint, OUT action text, OUT subject text) RETURNS SETOF record LANGUAGE sql AS $$INSERT INTO public.called VALUES (current_user); SELECT 'folded deltas', '1'$$;
SQL
my $runs = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'elsewhere'";
my $before = query($node, $runs);
$node->reload;
$node->poll_query_until('postgres', "SELECT ($runs) > $before + 3") or die 'the worker does not come';
is(query($node, 'SELECT count(*) FROM public.called', 'elsewhere'), '0', 'functions of others are not called');

# It is in nobody's way.
my $start = time();
query($node, q{SET lock_timeout = '20s'; DROP DATABASE elsewhere});
cmp_ok(time() - $start, '<', 8, 'a database can be dropped');
query($node, q{INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens) SELECT now() - i * interval '1 minute', 't' || i % 10, 'm', 1 FROM generate_series(1, 30000) AS i});
$start = time();
query($node, q{SET client_min_messages = error; DROP EXTENSION pg_spend CASCADE});
cmp_ok(time() - $start, '<', 20, 'the extension can be dropped');
unlike(slurp($node->logfile), qr/relation "spend[^"]*" does not exist|function spend\S* does not exist/, 'and the worker does not fail over it');
create_extension($node, 'postgres');
$node->poll_query_until('postgres', q{SELECT count(*) >= 4 FROM spend._month_leaves()}) or die 'no partitions';
pass('after it is made again the worker is there again');

# A list of databases that is none is refused; another one is taken when the configuration is read.
query_fails_like($node, q{ALTER SYSTEM SET pg_spend.worker_databases = '"open'}, qr/invalid value for parameter "pg_spend.worker_databases"/, 'a list that is none');
query($node, q{ALTER SYSTEM SET pg_spend.worker_databases = ''});
$node->reload;
query($node, q{SELECT pg_sleep(2.5)});
query($node, q{INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('nobody folds', 'm', 1)});
query($node, q{SELECT pg_sleep(2.5)});
is(query($node, 'SELECT count(*) FROM spend.rollup_deltas'), '1', 'without a database it does nothing');

$start = time();
$node->stop('fast');
cmp_ok(time() - $start, '<', 10, 'the server stops');
unlike(slurp($node->logfile), qr/PANIC|terminated by signal|segfault/i, 'and nothing crashed');
done_testing();
