#!/usr/bin/perl
# Bad input of the three types: an error with a SQLSTATE, and where the server knows soft errors (16 and later), no error at all for
# who asks first.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SpendTest;
use Test::More;

my $node = new_node('soft');
my %bad = (
	'spend.token_usage' => [ '{"input_tokens": -1}', '{"input_tokens": 1, "input_tokens": 2}', 'nonsense' ],
	'spend.price' => [ '{"rates": {"input_tokens": "1/furlong"}}', '{"rates": {}, "colour": 1}', '[' ],
	'spend.price_table' => [ '{"prices": [{"provider": "p"}]}', '{}', '"' ]);
my %good = (
	'spend.token_usage' => '{"input_tokens": 1}',
	'spend.price' => '{"rates": {"input_tokens": "1/1M"}}',
	'spend.price_table' => '{"prices": []}');
my $is_soft = query($node, "SELECT current_setting('server_version_num')::int >= 160000") eq 't';

for my $type (sort keys %bad)
{
	is(query($node, "SELECT '$good{$type}'::$type IS NOT NULL"), 't', "$type takes good input");
	for my $input (@{ $bad{$type} })
	{
		my ($status, $stdout, $stderr) = $node->psql('postgres', "SELECT '$input'::$type", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
		like($stderr, qr/ERROR:  (22P02|22023|22003)/, "$type raises for $input");
		if ($is_soft)
		{
			is(query($node, "SELECT pg_input_is_valid('$input', '$type')"), 'f', "pg_input_is_valid says no to $input");
			like(query($node, "SELECT sql_error_code || ' ' || message FROM pg_input_error_info('$input', '$type')"),
				qr/^(22P02|22023|22003) ./, "pg_input_error_info explains $input");
		}
	}
}
is(query($node, "SELECT pg_input_is_valid('$good{$_}', '$_')"), 't', "pg_input_is_valid says yes for $_") for $is_soft ? sort keys %good : ();

$node->stop;
done_testing();
