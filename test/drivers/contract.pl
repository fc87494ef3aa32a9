#!/usr/bin/perl
# What programs may rely on when they read the views and write usage through a driver (docs/drivers.md): JDBC, ODBC, node-postgres and psycopg2.
# A client in the driver's own language reads every view, as a role that may do no more than read, and says what it got; here it is compared
# with what psql says of the same rows.
#
# A client says lines on standard output, each an array of JSON strings and nulls:
#   view NAME KIND COMMENT; column VIEW NAME TYPE PRECISION SCALE NULLABLE COMMENT CLASS: what the driver tells before it reads
#   class VIEW COLUMN CLASS: the class that its values have, empty if it has none
#   row MODE VIEW VALUE...: numbers as decimals in full, times in microseconds since 1970
#   value NAME VALUE...; error NAME SQLSTATE MESSAGE DETAIL HINT; format MODE FORMAT

use strict;
use warnings;
use utf8;

use IPC::Run;
use JSON::PP;
use SpendTest;
use Test::More;

my $json = JSON::PP->new->utf8->canonical;
my $characters = JSON::PP->new->canonical;
my $root = source_root();
my $node = new_node('drivers', conf => "listen_addresses = 'localhost'");
open(my $hba, '>', $node->data_dir . '/pg_hba.conf') or die $!;
print $hba "local all all trust\nhost all all 127.0.0.1/32 trust\nhost all all ::1/128 trust\n";
close($hba);
$node->reload;
query($node, 'SET client_min_messages = error; ' . slurp("$root/test/tap/lib/focus_ledger.sql"));
query($node, slurp("$root/test/drivers/ledger.sql"));

# Of volatile values only that there are some.
my %volatile = map { $_ => 1 } qw(status.checked_at);
my @views = split /\n/, query($node, q{SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind = 'v' AND c.relname NOT LIKE '\_%' ORDER BY 1});
my (%columns, %types, %comments);
foreach my $line (split /\n/, query($node, q{SELECT json_build_array(c.relname, a.attname, a.atttypid::regtype, (a.atttypmod - 4) >> 16, (a.atttypmod - 4) & 65535, col_description(c.oid, a.attnum), obj_description(c.oid))
	FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace = 'spend'::regnamespace AND c.relkind = 'v' AND c.relname NOT LIKE '\_%' ORDER BY c.relname, a.attnum}))
{
	my ($view, $column, @facts) = @{ $json->decode($line) };
	$comments{$view} = pop @facts;
	push @{ $columns{$view} }, $column;
	$types{"$view.$column"} = \@facts;
}
cmp_ok(scalar @views, '>=', 27, 'there are views to read');

# What every driver knows, and no other type: no array, no enum, no domain, no interval; numbers with a precision.
my %known = map { $_ => 1 } ('numeric', 'bigint', 'integer', 'text', 'boolean', 'date', 'timestamp with time zone', 'jsonb');
is(join(' ', grep { !$known{ $types{$_}[0] } || ($types{$_}[0] eq 'numeric' && !($types{$_}[1] > 0)) } sort keys %types), '', 'the views have types that every driver knows, and numbers with a precision');

my %truth = read_with_psql();
is(join(' ', grep { !$truth{$_} } @views), '', 'every view has rows to read');
my $parameters = query($node, q{SELECT count(*) || ' ' || sum(cost) FROM spend.daily_spend WHERE usage_date >= '2026-03-01' AND day_start_at < '2026-03-03Z' AND team = 'cheap' AND cost > 0.000000000000000001 AND calls >= 1});
like($parameters, qr/^[1-9]\d* \d+\.\d{18}$/, 'so has the query with parameters');
my $report = query($node, q{SELECT spend.report('2026-03', '{team,model}', '{"team": ["cheap", "both"]}')});

# A transaction that holds a counter in which the clients will have to wait.
query($node, q{BEGIN; INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('held', 'plain', 1); PREPARE TRANSACTION 'holds the counter'});

contract('JDBC', [ 'java', '-XX:TieredStopAtLevel=1', '-cp', '/usr/share/java/postgresql.jar', "$root/test/drivers/JdbcClient.java" ],
	modes => [ 'binary', 'text' ], nullable => 'YES1',
	types => { numeric => 'numeric', bigint => 'int8', integer => 'int4', text => 'text', boolean => 'bool', date => 'date', 'timestamp with time zone' => 'timestamptz', jsonb => 'jsonb' },
	classes => { numeric => 'java.math.BigDecimal', bigint => 'java.lang.Long', integer => 'java.lang.Integer', text => 'java.lang.String', boolean => 'java.lang.Boolean',
		date => 'java.sql.Date', 'timestamp with time zone' => 'java.sql.Timestamp', jsonb => 'org.postgresql.util.PGobject' });
contract('ODBC', [ 'python3', "$root/test/drivers/odbc_client.py" ],
	modes => [ 'prepared', 'text' ], nullable => '1', hint_in_detail => 1,
	classes => { numeric => 'Decimal', bigint => 'int', integer => 'int', text => 'str', boolean => 'bool', date => 'date', 'timestamp with time zone' => 'datetime', jsonb => 'str' });
contract('node-postgres', [ 'node', "$root/test/drivers/node_client.js" ],
	modes => [ 'prepared', 'text' ], nullable => 'YES', milliseconds => 1,
	classes => { numeric => 'string', bigint => 'string', integer => 'number', text => 'string', boolean => 'boolean', date => 'Date', 'timestamp with time zone' => 'Date', jsonb => 'object' });
contract('psycopg2', [ 'python3', "$root/test/drivers/psycopg2_client.py" ],
	modes => [ 'prepared', 'text' ], nullable => 'YES',
	classes => { numeric => 'Decimal', bigint => 'int', integer => 'int', text => 'str', boolean => 'bool', date => 'date', 'timestamp with time zone' => 'datetime', jsonb => 'dict' });

query($node, q{ROLLBACK PREPARED 'holds the counter'});
is(query($node, q{SELECT count(*) || ' ' || sum(cost) FROM spend.usage WHERE team = 'driver'}), '8 40.000120', 'what they wrote is what they were told, nothing else');
verify_is_empty($node, 'after all of them');
$node->stop;
done_testing();

sub contract
{
	my ($driver, $command, %is) = @_;
	my ($out, $err, %said) = ('', '');
	my $begin = time;
	my $done = eval { IPC::Run::run([ @$command, $node->port ], '<', \join("\n", @views), '>', \$out, '2>', \$err, IPC::Run::timeout(60)) };
	ok($done, "$driver: its client came to the end") or diag($@ // '', $err, substr($out, -2000));
	note("$driver took ", time - $begin, ' s');
	foreach my $line (split /\n/, $out)
	{
		my ($what, @words) = @{ $json->decode($line) };
		push @{ $said{$what} }, \@words;
	}
	my %found = map { $_->[0] => $_ } @{ $said{view} };
	is(join("\n", map { $found{$_} ? $found{$_}[1] eq 'VIEW' && ($found{$_}[2] // '') eq $comments{$_} ? () : "@{ $found{$_} }" : "$_ is missing" } @views), '', "$driver: every view is there as one, with its comment");
	is(join("\n", columns_wrong($said{column}, %is)), '', "$driver: every column of every view, with its type, precision and comment");
	my %wrong = map { ("$_->[0].$_->[1] $_->[2]" => 1) } grep { my $class = $is{classes}{ $types{"$_->[0].$_->[1]"}[0] }; $_->[2] ne '' && $_->[2] ne $class } @{ $said{class} };
	is(join("\n", sort keys %wrong), '', "$driver: values are of the class that their type has; no number is a binary fraction");
	foreach my $mode (@{ $is{modes} })
	{
		my %rows;
		push @{ $rows{ $_->[1] } }, [ @$_[ 2 .. $#$_ ] ] foreach grep { $_->[0] eq $mode } @{ $said{row} };
		is(join("\n", map { rows_differ($_, $rows{$_} // [], %is) } @views), '', "$driver, $mode: all rows of all views, as psql has them, to the last digit");
	}
	if ($driver eq 'JDBC')
	{
		is(join(' ', sort keys %{ { map { ("@$_" => 1) } @{ $said{format} } } }), 'binary binary text text', "$driver: the binary format was one");
	}
	my %value;
	push @{ $value{ $_->[0] } }, join(' ', map { $_ // 'null' } @$_[ 1 .. $#$_ ]) foreach @{ $said{value} };
	is(join('|', @{ $value{prepared} // [] }), 'true', "$driver: the statement was prepared");
	is(join('|', grep { $_ ne $parameters } @{ $value{parameters} // ['none'] }), '', "$driver: parameters of every type");
	is(join('|', grep { $characters->encode($characters->decode($_)) ne $characters->encode($characters->decode($report)) } @{ $value{report} // ['{}'] }), '', "$driver: an array and jsonb as parameters, jsonb as result");
	is(join('|', map { @{ $value{$_} // [] } } 'inserted', 'afterwards'), '5.000015 USD priced numbered|5.000015 USD priced numbered', "$driver: RETURNING tells the cost; after errors the connection works on");
	my %error = map { $_->[0] => [ @$_[ 1 .. $#$_ ] ] } @{ $said{error} };
	is(join(' ', map { "$_ " . ($error{$_}[0] // 'none') } sort keys %error), 'over budget SP001 timeout 57014 without tag SP002', "$driver: every error has its SQLSTATE");
	like($error{'over budget'}[1], qr/budget "cap" .*exceeded/, "$driver: message");
	like($error{'over budget'}[2], qr/\d/, "$driver: detail, with figures") ;
	like($error{'over budget'}[ $is{hint_in_detail} && !defined $error{'over budget'}[3] ? 2 : 3 ], qr/\w/, "$driver: hint");
	# What it wrote changes what the next one reads.
	%truth = read_with_psql();
	like($error{timeout}[1], qr/canceling statement/, "$driver: what waits for another's transaction is given up when it is told to");
	return;
}

# The rows as psql has them: of each column the text that a client makes of its value. A time that were infinite would end the test: no driver has one.
sub read_with_psql
{
	my %rows;
	my @queries = map {
		my $view = $_;
		my @texts = map {
			my $name = qq{v."$_"};
			$types{"$view.$_"}[0] eq 'timestamp with time zone' ? "(extract(epoch FROM $name) * 1000000)::bigint::text" : "$name\::text"
		} @{ $columns{$view} };
		"SELECT json_build_array('$view', " . join(', ', @texts) . ") FROM spend.$view AS v"
	} @views;
	foreach my $line (split /\n/, query($node, join('; ', 'SET SESSION AUTHORIZATION bi', @queries)))
	{
		my ($view, @row) = @{ $json->decode($line) };
		push @{ $rows{$view} }, \@row;
	}
	return %rows;
}

# The type that a driver names, with the precision and scale of numbers; that NULL is possible; the comment.
sub columns_wrong
{
	my ($said, %is) = @_;
	my (@wrong, %seen);
	my %short = (numeric => 'numeric', bigint => 'int8', integer => 'int4', text => 'text', boolean => 'bool', date => 'date', 'timestamp with time zone' => 'timestamptz', jsonb => 'jsonb');
	foreach my $column (@$said)
	{
		my ($view, $name, $type, $precision, $scale, $nullable, $comment) = @$column;
		my $facts = $types{"$view.$name"} or next;
		$seen{"$view.$name"} = 1;
		push @wrong, join ' ', map { $_ // 'null' } @$column
		  unless $type eq $short{ $facts->[0] } && $nullable eq $is{nullable} && ($comment // '') eq $facts->[3] && ($type ne 'numeric' || ($precision == $facts->[1] && $scale == $facts->[2]));
	}
	return (@wrong, map { "$_ is missing" } grep { !$seen{$_} } sort keys %types);
}

# The first row of a view that a client does not have as psql has it.
sub rows_differ
{
	my ($view, $rows, %is) = @_;
	my @names = @{ $columns{$view} };
	my $text = sub {
		my ($row) = @_;
		return $json->encode([ map {
			my ($value, $type) = ($row->[$_], $types{"$view.$names[$_]"}[0]);
			!defined $value ? undef
			  : $volatile{"$view.$names[$_]"} ? 'volatile'
			  : $type eq 'jsonb' ? $characters->decode($value)
			  : $type eq 'timestamp with time zone' && $is{milliseconds} && $value =~ /(.*)\d{3}$/ ? "${1}000"
			  : $value
		} 0 .. $#names ]);
	};
	my @want = sort map { $text->($_) } @{ $truth{$view} // [] };
	my @have = sort map { $text->($_) } @$rows;
	foreach my $place (0 .. ($#want > $#have ? $#want : $#have))
	{
		my ($wanted, $had) = ($want[$place] // 'no row', $have[$place] // 'no row');
		return "$view: $had is not $wanted" if $wanted ne $had;
	}
	return;
}
