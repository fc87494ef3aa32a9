#!/usr/bin/perl
# The wall between C++ and the server: each kind of error, in both directions, arrives with its SQLSTATE, detail and hint;
# destructors run; cancel stays cancel; memory stays flat.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy qw(copy);
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $root = source_root();
my $config = $ENV{PG_CONFIG} // 'pg_config';

local $ENV{MAKEFLAGS} = '';
my $output = `make -s -C '$root/test/module' PG_CONFIG='$config' all 2>&1`;
is($?, 0, 'the test module builds without warnings') or diag($output);

my $node = new_node('guard', extension => 0);
my $library = PostgreSQL::Test::Utils::tempdir() . '/guard_test.so';
copy("$root/test/module/guard_test.so", $library) or die "copy: $!";
chmod 0755, $library;

$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION live_objects() RETURNS int LANGUAGE c AS '$library', 'spend_test_live_objects';
CREATE FUNCTION core_error(int) RETURNS void LANGUAGE c AS '$library', 'spend_test_core_error';
CREATE FUNCTION sql_error() RETURNS void LANGUAGE c AS '$library', 'spend_test_sql_error';
CREATE FUNCTION std_exception() RETURNS void LANGUAGE c AS '$library', 'spend_test_std_exception';
CREATE FUNCTION unknown_exception() RETURNS void LANGUAGE c AS '$library', 'spend_test_unknown_exception';
CREATE FUNCTION bad_alloc() RETURNS void LANGUAGE c AS '$library', 'spend_test_bad_alloc';
CREATE FUNCTION run_sql(text) RETURNS void LANGUAGE c AS '$library', 'spend_test_run_sql';
CREATE FUNCTION nested(text) RETURNS void LANGUAGE c AS '$library', 'spend_test_nested';
CREATE FUNCTION context_is_kept() RETURNS boolean LANGUAGE c AS '$library', 'spend_test_context_is_kept';

CREATE FUNCTION fails(sql text) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
  state text; message text; detail text; hint text;
BEGIN
  EXECUTE sql;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws('|', state, left(message, 40), detail, hint, live_objects());
END
\$\$;
SQL

sub fails
{
	my ($sql) = @_;
	$sql =~ s/'/''/g;
	return query($node, "SELECT fails('$sql')");
}

my @kinds = qw(22P02 22P03 22003 22023 54000 SP004);
for my $kind (0 .. $#kinds)
{
	like(fails("SELECT core_error($kind)"), qr/^$kinds[$kind]\|core message m+\|Core detail\.\|Core hint\.\|0$/, "core error $kinds[$kind]");
}
is(fails('SELECT sql_error()'), 'SP001|own message|Own detail.|Own hint.|0', 'an error with a SQLSTATE of ours');
is(fails('SELECT std_exception()'), 'XX000|standard message|||0', 'std::exception');
is(fails('SELECT unknown_exception()'), 'XX000|unexpected error in pg_spend|||0', 'an exception of another type');
is(fails('SELECT bad_alloc()'), '53200|out of memory|||0', 'std::bad_alloc');

is(fails(q{SELECT run_sql('SELECT 1/0')}), '22012|division by zero|||0', 'a server error through C++ frames');
is( fails(q{SELECT run_sql('DO $$BEGIN RAISE ''server message'' USING ERRCODE = ''ZZ123'', DETAIL = ''Server detail.'', HINT = ''Server hint.''; END$$')}),
	'ZZ123|server message|Server detail.|Server hint.|0',
	'SQLSTATE, detail and hint of a server error are kept');
like(fails(q{SELECT nested('SELECT core_error(3)')}), qr/^22023\|core message m+\|Core detail\.\|Core hint\.\|0$/, 'a core error through two guards');
is(fails(q{SELECT nested('SELECT run_sql(''SELECT 1/0'')')}), '22012|division by zero|||0', 'a server error through two guards');
is(query($node, 'SELECT context_is_kept()'), 't', 'a caught error leaves memory context and error stacks as they were');

my ($status, $stdout, $stderr) = $node->psql('postgres', q{SET statement_timeout = '200ms'; SELECT run_sql('SELECT pg_sleep(60)')},
	extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($stderr, qr/57014: canceling statement due to statement timeout/, 'a cancel stays a cancel');

# One connection, thousands of errors of each kind with 100 kB owned at each throw.
my $errors = join ' ', map { "PERFORM fails('SELECT $_');" }
  ('core_error(3)', 'sql_error()', 'std_exception()', 'bad_alloc()', q{run_sql(''SELECT 1/0'')}, q{nested(''SELECT core_error(0)'')});
my $round = "DO \$\$ BEGIN FOR i IN 1..500 LOOP $errors END LOOP; END \$\$;";
my $size = q{SELECT pg_read_file('/proc/self/statm')::text;};
my @sizes = split /\n/, query($node, "$round $size $round $round $round $size SELECT live_objects();");
my ($before, $after) = map { (split / /)[1] * 4 } grep { / / } @sizes;
cmp_ok($after - $before, '<', 8_000, "9,000 errors later the process has not grown (from $before to $after kB)");
is($sizes[-1], '0', 'and no C++ object is left');

$node->stop;
done_testing();
