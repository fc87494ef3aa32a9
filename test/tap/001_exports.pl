#!/usr/bin/perl
# The library shows the server what exports.map lists and nothing else: any other symbol could be taken for that of
# another C++ extension in the same backend.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendTest;
use Test::More;

my $library = pg_config('--pkglibdir') . '/pg_spend.so';
ok(-f $library, 'the library is installed');

my @symbols = sort map { (split)[-1] } `nm --dynamic --defined-only $library`;
is($?, 0, 'nm lists the symbols');

my @patterns = slurp(source_root() . '/exports.map') =~ /^\s*([A-Za-z_]\w*\*?);/mg;
is_deeply([ sort @patterns ], [ sort qw(Pg_magic_func _PG_init pg_finfo_spend_* spend_*) ], 'exports.map lists four patterns');
my $allowed = join '|', map { my $p = quotemeta; $p =~ s/\\\*/\\w*/; $p } @patterns;

is_deeply([ grep { !/^(?:$allowed)$/ } @symbols ], [], 'no other symbol is exported');
ok((grep { $_ eq 'Pg_magic_func' } @symbols), 'the magic function is exported');

my %exported = map { $_ => 1 } @symbols;
# Entries of background processes: the server calls them, SQL does not.
my %processes = map { $_ => 1 } qw(spend_maintenance_launcher spend_maintenance_worker);
is_deeply([ grep { !$exported{$_} } keys %processes ], [], 'so are the entries of processes');
my @functions = grep { /^spend_/ && !$processes{$_} } @symbols;
cmp_ok(scalar @functions, '>', 0, 'SQL functions are exported');
is_deeply([ grep { !$exported{"pg_finfo_$_"} } @functions ], [], 'every exported function has its info record');

# Each C function of the SQL exists in the library, and each one in the library is used by the SQL.
my ($script) = glob(pg_config('--sharedir') . '/extension/pg_spend--[0-9]*.sql');
ok($script, 'the script is installed');
# Some stand in a text that is executed, where quotes are doubled.
my %used = map { $_ => 1 } slurp($script) =~ /'MODULE_PATHNAME'{1,2}\s*,\s*'{1,2}(\w+)'/g;
is_deeply([ sort grep { !$exported{$_} } keys %used ], [], 'every C function of the SQL is exported');
is_deeply([ grep { !$used{$_} } @functions ], [], 'every exported function is used by the SQL');

done_testing();
