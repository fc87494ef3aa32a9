package SpendTest;

# What the TAP tests share: a cluster with the extension, and the answers to what every test asks.

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use Cwd qw(abs_path);

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node create_extension query source_root slurp pg_config verify_is_empty);

# new_node(NAME, init => [...], conf => "...", extension => 0|1): a started cluster; unless extension is 0 its database
# "postgres" has the extension. "init" goes to PostgreSQL::Test::Cluster::init, as in init => [allows_streaming => 1].
sub new_node
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(@{ $option{init} // [] });
	$node->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\nmax_prepared_transactions = 10\n");
	$node->append_conf('postgresql.conf', $option{conf}) if defined $option{conf};
	$node->start;
	create_extension($node, 'postgres') if $option{extension} // 1;
	return $node;
}

# Without the notices that name the next steps.
sub create_extension
{
	my ($node, $database) = @_;
	$node->safe_psql($database, "SET client_min_messages = warning; CREATE EXTENSION pg_spend CASCADE");
	return;
}

# query(NODE, SQL, DATABASE): the result as psql -At prints it; dies on an error.
sub query
{
	my ($node, $sql, $database) = @_;
	return $node->safe_psql($database // 'postgres', $sql);
}

# The books are in order: spend.verify() returns no row.
sub verify_is_empty
{
	my ($node, $what, $database) = @_;
	return is(query($node, 'SELECT * FROM spend.verify()', $database), '', $what);
}

# The top of the source tree.
sub source_root
{
	return abs_path(dirname(__FILE__) . '/../../..');
}

sub slurp
{
	my ($path) = @_;
	open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
	local $/ = undef;
	return scalar <$file>;
}

# pg_config('--pkglibdir') of the server under test.
sub pg_config
{
	my ($option) = @_;
	my $command = $ENV{PG_CONFIG} // 'pg_config';
	my $answer = `$command $option`;
	die "$command $option failed" if $?;
	chomp $answer;
	return $answer;
}

1;
