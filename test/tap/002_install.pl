#!/usr/bin/perl
# What "make install" writes, and where; and that the extension goes without leaving anything behind.

use strict;
use warnings;

use File::Find;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

my $root = source_root();
my $config = $ENV{PG_CONFIG} // 'pg_config';
my $staging = PostgreSQL::Test::Utils::tempdir();

local $ENV{MAKEFLAGS} = '';
my $output = `make -s -C '$root' PG_CONFIG='$config' DESTDIR='$staging' install 2>&1`;
is($?, 0, 'make install DESTDIR=...') or diag($output);

my @found;
find({ no_chdir => 1, wanted => sub { push @found, substr($_, length $staging) if -f } }, $staging);

my ($version) = slurp("$root/pg_spend.control") =~ /^default_version = '(.*)'/m;
my ($library, $share) = (pg_config('--pkglibdir'), pg_config('--sharedir') . '/extension');
my @expected = ("$library/pg_spend.so", "$share/pg_spend.control", "$share/pg_spend--$version.sql");
push @expected, "$share/pg_spend_catalog.json" if -e "$root/catalog/pg_spend_catalog.json";
push @expected, map { "$share/" . s/.*\///r } glob("$root/src/sql/updates/*.sql");
is_deeply([ sort @found ], [ sort @expected ], 'writes these files below DESTDIR and no other');

$output = `make -s -C '$root' PG_CONFIG='$config' DESTDIR='$staging' uninstall 2>&1`;
is($?, 0, 'make uninstall') or diag($output);
@found = ();
find({ no_chdir => 1, wanted => sub { push @found, $_ if -f } }, $staging);
is_deeply(\@found, [], 'uninstall removes them all');

my $node = new_node('install', extension => 0);

# A snapshot of every catalog row that is not the system's own: what the extension leaves behind shows up here.
my $census = q{
	SELECT string_agg(pg_describe_object(c.classid, c.objid, 0), E'\n' ORDER BY c.classid, c.objid)
	FROM (
		SELECT 'pg_class'::regclass AS classid, oid AS objid FROM pg_class WHERE relnamespace <> 'pg_toast'::regnamespace
		UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
		UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type
		UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
		UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast
		UNION ALL SELECT 'pg_namespace'::regclass, oid FROM pg_namespace WHERE nspname NOT LIKE 'pg\_t%'
		UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
		UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
	) c
	WHERE c.objid >= 16384
};
my $before = query($node, $census);

my ($status, $stdout, $stderr) = $node->psql('postgres', 'CREATE EXTENSION pg_spend');
isnt($status, 0, 'CREATE EXTENSION without CASCADE needs btree_gist first');
like($stderr, qr/required extension "btree_gist" is not installed/, 'and says so');

create_extension($node, 'postgres');
is(query($node, "SELECT extversion, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_spend'"),
	"$version|pg_catalog", 'CREATE EXTENSION pg_spend CASCADE: the version of the control file');
is(query($node, q{
	SELECT pg_describe_object(classid, objid, 0) FROM pg_depend d
	WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_spend') AND deptype = 'e'
	  AND classid = 'pg_class'::regclass
	  AND EXISTS (SELECT FROM pg_class c WHERE c.oid = d.objid AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relnamespace <> 'spend'::regnamespace)}),
	'', 'all its relations are in schema spend');
($status, $stdout, $stderr) = $node->psql('postgres', 'ALTER EXTENSION pg_spend SET SCHEMA public');
isnt($status, 0, 'it does not move to another schema');

$node->safe_psql('postgres', 'SET client_min_messages = warning; DROP EXTENSION pg_spend; DROP EXTENSION btree_gist');
is(query($node, $census), $before, 'DROP EXTENSION leaves nothing behind');
$node->safe_psql('postgres', 'CREATE SCHEMA spend');
($status, $stdout, $stderr) = $node->psql('postgres', 'CREATE EXTENSION pg_spend CASCADE');
isnt($status, 0, 'it does not install into a schema that somebody else made');
like($stderr, qr/schema "spend" already exists/, 'and says so');
$node->safe_psql('postgres', 'DROP SCHEMA spend');
create_extension($node, 'postgres');
pass('it can be created again');

$node->safe_psql('postgres', q{CREATE ROLE app LOGIN});
($status, $stdout, $stderr) = $node->psql('postgres', 'CREATE EXTENSION IF NOT EXISTS btree_gist; CREATE EXTENSION pg_spend',
	extra_params => [ '-U', 'app' ], on_error_stop => 0);
like($stderr, qr/permission denied|already exists/, 'an ordinary user cannot create it');

$node->stop;
done_testing();
