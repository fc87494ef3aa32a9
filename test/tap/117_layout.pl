#!/usr/bin/perl
# Shared memory that another version of the library has laid out is not read: the server says so and does not start.

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
my $output = `make -s -C '$root/test/module' PG_CONFIG='$config' layout_test.so 2>&1`;
is($?, 0, 'the test module builds without warnings') or diag($output);
my $library = PostgreSQL::Test::Utils::tempdir() . '/layout_test.so';
copy("$root/test/module/layout_test.so", $library) or die "copy: $!";
chmod 0755, $library;

my $node = new_node('layout');
query($node, 'INSERT INTO spend.usage (team) VALUES (\'a\')');
$node->stop;

$node->append_conf('postgresql.conf', "shared_preload_libraries = '$library,pg_spend'\n");
is($node->start(fail_ok => 1), 0, 'the server does not start');
my $log = slurp($node->logfile);
like($log, qr/FATAL: .*shared memory of pg_spend was laid out by another version of the library/, 'it says why');
like($log, qr/DETAIL: .*Its layout is 1, this library's is \d+\./, 'which layouts they are');
like($log, qr/HINT: .*Preload one version of the library only\./, 'and what to do');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_spend'\npg_spend.counters = 'auto'\n");
$node->start;
is(query($node, q{INSERT INTO spend.usage (team) VALUES ('a') RETURNING 1}), '1', 'with one version it starts, and works');
is(query($node, 'SELECT counter_mode FROM spend.status'), 'shared', 'in shared memory');
verify_is_empty($node, 'the books are in order');
$node->stop;

done_testing();
