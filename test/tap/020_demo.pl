#!/usr/bin/perl
# The SQL of the demo (examples/company) runs from top to bottom, and the books are in order afterwards.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use SpendTest;
use Test::More;

my $root = source_root();
my $node = new_node('demo', extension => 0);
$node->safe_psql('postgres', 'CREATE DATABASE company');

my $output = '';
foreach my $file (sort glob("$root/examples/company/*.sql"))
{
	my ($stdout, $stderr) = ('', '');
	my $ok = IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('company'), '-f', $file ],
		'<', \'', '>', \$stdout, '2>', \$stderr, init => sub { chdir $root or die "$root: $!" });
	ok($ok, substr($file, length($root) + 1)) or diag($stderr);
	$output .= $stdout . $stderr;
}
like($output, qr/ERROR:\s+budget "support" exceeded\nDETAIL:\s+Budget "support": limit 5000 USD, spent 49\d\d\.\d+ USD, asked 5\.5 USD/,
	'the hard cap refuses, and a reader of the budget is told the figures');
like($output, qr/^SQLSTATE SP001$/m, 'under a SQLSTATE of its own');

sub answer { return query($node, $_[0], 'company'); }
is(answer('SELECT count(*) FROM company.calls'), '28185', 'every call of the traces has a department');
is(answer('SELECT count(*) FROM company.calls WHERE occurred_at > now() OR occurred_at < date_trunc($$month$$, now(), $$UTC$$)'),
	'0', 'all in this month, none in the future');
is(answer(q{SELECT string_agg(cost_center || ' ' || budget::int || ' ' || (variance < 0), ', ' ORDER BY cost_center) FROM spend.chargeback_monthly}),
	'cc-100 12000 true, cc-200 8000 false, cc-300 5000 false, cc-400 6000 false, cc-500 4000 false',
	'the budgets are those of the story, and one department is over');
is(answer('SELECT (SELECT sum(actual) FROM spend.chargeback_monthly) = (SELECT sum(cost) FROM spend.usage)'), 't',
	'the chargeback adds up to the ledger');
is(answer(q{SELECT string_agg(budget_name || ' ' || threshold_percent, ', ' ORDER BY budget_name, threshold_percent) FROM spend.alerts}),
	'any one feature 100, engineering 80, engineering 100, marketing 80, support 80', 'one alert for each crossing');
is(answer('SELECT model || $$ $$ || calls FROM spend.unpriced_usage'), 'acme-coder-32b 1056', 'the in-house model is unpriced');
verify_is_empty($node, 'spend.verify() returns no row', 'company');

is(answer(q{SET client_min_messages = error; SET ROLE company_app; CALL company.write_usage()}) =~ s/\|.*//sr, '0',
	'writing the same usage again records nothing');

$node->stop;
done_testing();
