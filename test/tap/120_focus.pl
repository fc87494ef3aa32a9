#!/usr/bin/perl
# The FOCUS views against the specification: columns and types, every rule of test/golden/focus_rules.jsonl, and the specification's own
# examples. A rule that could not fail would prove nothing: each is shown to find a copy of the view that breaks it, and no other rule may.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use SpendTest;
use Test::More;

my $json = JSON::PP->new->canonical;
my $golden = source_root() . '/test/golden';
my @rules = map { $json->decode($_) } split /\n/, slurp("$golden/focus_rules.jsonl");
my @columns = map { $json->decode($_) } split /\n/, slurp("$golden/focus_columns.jsonl");
my @examples = map { $json->decode($_) } split /\n/, slurp("$golden/focus_examples.jsonl");

my $node = new_node('focus');
query($node, 'SET client_min_messages = error; ' . slurp("$FindBin::Bin/lib/focus_ledger.sql"));
query($node, 'CREATE SCHEMA mutant');

foreach my $state ('unfolded', 'folded', 'closed', 'corrected', 'corrected and closed')
{
	query($node, 'SELECT count(*) FROM spend.maintain(0)') if $state eq 'folded';
	if ($state eq 'closed')
	{
		query($node, q{CREATE TABLE mutant.open AS SELECT * FROM spend.focus; SELECT spend.close_period('2026-03-01')});
		is(query($node, q{SELECT count(*) FROM ((TABLE mutant.open EXCEPT ALL SELECT * FROM spend.focus) UNION ALL (SELECT * FROM spend.focus EXCEPT ALL TABLE mutant.open)) AS x}), 0, 'closing changes no charge');
	}
	correct() if $state eq 'corrected';
	query($node, q{SELECT spend.close_period('2026-04-01')}) if $state eq 'corrected and closed';
	foreach my $view ('spend.focus', 'spend.focus_1_2')
	{
		my $version = $view eq 'spend.focus' ? '1.4' : '1.2';
		# Read once: the rules are many.
		query($node, "SET client_min_messages = error; DROP TABLE IF EXISTS mutant.as_read; CREATE TABLE mutant.as_read AS SELECT * FROM $view");
		is(failing('mutant.as_read', $version), '', "$view, $state: no rule is broken");
	}
	is(query($node, q{SELECT "BillingCurrency", sum("EffectiveCost") FILTER (WHERE "CommitmentDiscountStatus" IS DISTINCT FROM 'Unused') = (SELECT sum(u.cost) FROM spend.usage AS u WHERE u.currency = "BillingCurrency"),
		sum("ListCost") FILTER (WHERE "ChargeCategory" = 'Usage' AND "CommitmentDiscountStatus" IS DISTINCT FROM 'Unused') = (SELECT sum(CASE u.pricing_status WHEN 'reported' THEN u.cost ELSE u.list_cost END) FROM spend.usage AS u WHERE u.currency = "BillingCurrency"),
		sum("BilledCost") = sum("EffectiveCost") FROM spend.focus GROUP BY 1 ORDER BY 1}), "EUR|t|t|t\nUSD|t|t|t", "$state: totals equal the ledger");
	is(query($node, q{SELECT count(*) FROM (
		(SELECT (u.occurred_at AT TIME ZONE 'UTC')::date, coalesce(d.dimensions ->> 'team', ''), sum(u.cost) FROM spend.usage AS u
		 LEFT JOIN (SELECT DISTINCT a.attribution_id, a.dimensions FROM spend.attributions AS a) AS d USING (attribution_id) WHERE u.currency IN ('USD', 'EUR') AND u.cost <> 0 GROUP BY 1, 2
		 EXCEPT SELECT ("ChargePeriodStart" AT TIME ZONE 'UTC')::date, coalesce("Tags" ->> 'team', ''), sum("EffectiveCost") FROM spend.focus WHERE "CommitmentDiscountStatus" IS DISTINCT FROM 'Unused' GROUP BY 1, 2)) AS x}), 0, "$state: so do those of each day and team");
}

# What is closed stays as it was; what was done since is a correction, in the bill of the period that is closed next, and is what that one's statement has.
is(query($node, q{SELECT count(*) FROM ((TABLE mutant.open EXCEPT ALL SELECT * FROM spend.focus WHERE "ChargeClass" IS NULL)
	UNION ALL (SELECT * FROM spend.focus WHERE "ChargeClass" IS NULL EXCEPT ALL TABLE mutant.open)) AS x}), 0, 'a closed bill does not change');
is(query($node, q{SELECT "BillingPeriodStart"::date, count(*) > 10, count(*) FILTER (WHERE "BilledCost" < 0) > 3, count(*) FILTER (WHERE "ChargeCategory" = 'Adjustment') > 0, min("ChargePeriodStart") < '2026-03-02'
	FROM spend.focus WHERE "ChargeClass" = 'Correction' GROUP BY 1}), '2026-04-01|t|t|t|t', 'there are corrections of many kinds');
is(query($node, q{SELECT count(*) FROM (
	SELECT "x_CostCenter", "BillingCurrency", "ChargeClass" IS NOT NULL, sum("EffectiveCost") FROM spend.focus WHERE "CommitmentDiscountStatus" IS DISTINCT FROM 'Unused' GROUP BY 1, 2, 3 HAVING sum("EffectiveCost") <> 0
	EXCEPT SELECT cost_center, currency, is_correction, sum(actual) FROM spend.statements GROUP BY 1, 2, 3) AS x}), 0, 'the bill has what the statements have');

# What the ledger has of each kind of charge: the rules would hold for an empty view, too.
is(query($node, q{SELECT count(*) > 100, count(DISTINCT "SkuMeter"), count(*) FILTER (WHERE "ChargeCategory" = 'Adjustment') > 5, count(*) FILTER (WHERE "PricingUnit" = "BillingCurrency") > 2,
	count(*) FILTER (WHERE "ContractedUnitPrice" < "ListUnitPrice") > 20, count(*) FILTER (WHERE "PricingUnit" = 'Hours') > 0, count(*) FILTER (WHERE "PricingCategory" = 'Dynamic') > 0,
	count(*) FILTER (WHERE "ChargeCategory" = 'Purchase'), count(*) FILTER (WHERE "CommitmentDiscountStatus" = 'Used') > 20, count(*) FILTER (WHERE "CommitmentDiscountStatus" = 'Unused') > 2,
	count(*) FILTER (WHERE "CommitmentDiscountStatus" = 'Used' AND "ChargeClass" = 'Correction') > 3 FROM spend.focus}),
	't|9|t|t|t|t|t|5|t|t|t', 'charges of every kind');

# Columns: those of the version, with its types, in its order; then our own.
foreach my $view ('focus', 'focus_1_2')
{
	my $version = $view eq 'focus' ? '1.4' : '1.2';
	my @wanted = grep { grep { $_ eq $version } @{ $_->{versions} } } @columns;
	my $found = query($node, qq{SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), E'\\n' ORDER BY a.attnum) FROM pg_attribute AS a
		WHERE a.attrelid = 'spend.$view'::regclass AND a.attnum > 0 AND a.attname NOT LIKE 'x\\_%'});
	is($found, join("\n", map { "$_->{column} $_->{type}" } @wanted), "$view: the columns of FOCUS $version");
	is(query($node, qq{SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = 'spend.$view'::regclass AND a.attnum > 0 AND a.attname LIKE 'x\\_%'
		AND (a.attname !~ '^x_[A-Z][A-Za-z]*\$' OR length(a.attname) > 50 OR a.attnum <= } . scalar(@wanted) . ')'), 0, "$view: columns of our own are named as they should, and come last");
	my $nulls = join ' + ', map { qq{count(*) FILTER (WHERE "$_->{column}" IS NULL)} } grep { !$_->{nulls} } @wanted;
	is(query($node, "SELECT $nulls FROM spend.$view"), 0, "$view: no null where the version allows none");
}

# Mutants. They are made of a copy, so that what they are compared with stands still.
query($node, q{CREATE TABLE mutant.original AS SELECT * FROM spend.focus});
my @names = split /\n/, query($node, q{SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = 'spend.focus'::regclass AND a.attnum > 0 ORDER BY a.attnum});
# A row with a price that others of its day share; and a second one.
my $one = query($node, q{SELECT quote_literal(min(o."x_ChargeId")) FROM mutant.original AS o WHERE o."ChargeCategory" = 'Usage' AND o."ChargeClass" IS NULL AND o."CommitmentDiscountId" IS NULL AND o."ListCost" <> 0 AND o."x_ChargeId" <> '' AND
	EXISTS (SELECT FROM mutant.original AS p WHERE p."SkuPriceId" = o."SkuPriceId" AND p."ChargePeriodStart" = o."ChargePeriodStart" AND p."x_ChargeId" <> o."x_ChargeId" AND p."ChargeClass" IS NULL AND p."CommitmentDiscountId" IS NULL)});
my $pair = query($node, qq{SELECT $one || ''', ''' || min("x_ChargeId") FROM mutant.original WHERE "ChargeCategory" = 'Usage' AND "ChargeClass" IS NULL AND "CommitmentDiscountId" IS NULL AND "ListCost" <> 0 AND "x_ChargeId" <> $one AND "ChargePeriodStart" = (SELECT "ChargePeriodStart" FROM mutant.original WHERE "x_ChargeId" = $one)});
my $correction = query($node, q{SELECT quote_literal(min("x_ChargeId")) FROM mutant.original WHERE "ChargeCategory" = 'Usage' AND "ChargeClass" = 'Correction' AND "CommitmentDiscountId" IS NULL AND "ListCost" < 0});
my $of_commitment = sub { return query($node, qq{SELECT quote_literal(min("x_ChargeId")) FROM mutant.original WHERE "ChargeClass" IS NULL AND "EffectiveCost" IS DISTINCT FROM "BilledCost" AND $_[0]}) };
my %rows = (one => $one, pair => "'$pair'", correction => $correction, used => $of_commitment->(q{"CommitmentDiscountStatus" = 'Used'}), unused => $of_commitment->(q{"CommitmentDiscountStatus" = 'Unused'}),
	purchase => $of_commitment->(q{"ChargeCategory" = 'Purchase'}));
is(failing('mutant.original', '1.4'), '', 'the copy that mutants are made of breaks no rule');
foreach my $rule (@rules)
{
	my $mutant = $rule->{mutant};
	my $changed = join ', ', map { exists $mutant->{$_} ? qq{$mutant->{$_} AS "$_"} : qq{"$_"} } @names;
	my $body = ($rule->{rows} // 'one') eq 'all' ? "SELECT $changed FROM mutant.original"
	  : do {
		my $rows = $rows{ $rule->{rows} // 'one' };
		qq{SELECT * FROM mutant.original WHERE "x_ChargeId" NOT IN ($rows) UNION ALL SELECT $changed FROM mutant.original WHERE "x_ChargeId" IN ($rows)};
	  };
	query($node, "DROP VIEW IF EXISTS mutant.focus; CREATE VIEW mutant.focus AS $body");
	is(failing('mutant.focus', '1.4'), $rule->{id}, "$rule->{id}, $rule->{column} $rule->{says}: its mutant fails it alone");
}

example($_) foreach @examples;

$node->stop;
done_testing();

# Everything that can happen to a closed month: rows corrected, voided, booked elsewhere, priced anew, late, or gone without a trace.
sub correct
{
	query($node, <<'SQL');
SET client_min_messages = error;
SELECT spend.amend((SELECT min(usage_id) FROM spend.usage WHERE request_model = 'plain' AND team = 'cheap'), '{"input_tokens": 17}', 'x', include_closed => true),
	spend.amend((SELECT max(usage_id) FROM spend.usage WHERE request_model = 'plain' AND team = 'dear'), '{"service_tier": "flex"}', 'x', include_closed => true),
	spend.void((SELECT min(usage_id) FROM spend.usage WHERE request_model = 'tiered' AND cost > 0), 'x', include_closed => true),
	spend.void((SELECT min(usage_id) FROM spend.usage WHERE request_model = 'theirs'), 'x', include_closed => true),
	spend.void((SELECT min(usage_id) FROM spend.usage WHERE request_model = 'hours'), 'x', include_closed => true),
	spend.void((SELECT min(usage_id) FROM spend.usage WHERE request_model = 'free'), 'x', include_closed => true);
SELECT count(*) FROM spend.reattribute('2026-03-01', '2026-03-02', filter => '{"team": "a"}', reason => 'x', dimensions => '{"team": "both"}', include_closed => true);
SELECT spend.set_price('maker', 'nova', '{"rates": {"input_tokens": "7/1M"}}', '-infinity');
SELECT count(*) FROM spend.reprice('-infinity', filter => '{"model": "nova"}', reason => 'x', include_closed => true);
INSERT INTO spend.usage (occurred_at, team, request_model, input_tokens, output_tokens, other_usage) VALUES
	('2026-03-02 02:00Z', 'a', 'tiered', 300001, 10, NULL), ('2026-03-03 17:00Z', 'late', 'nightly', 3000, NULL, NULL), ('2026-02-27 17:00Z', 'a', 'hours', NULL, NULL, '{"audio_seconds": 7}'), ('2026-03-01 17:00Z', 'a', 'free', 9, NULL, NULL);
DELETE FROM spend.usage WHERE usage_id = (SELECT max(usage_id) FROM spend.usage WHERE request_model = 'plain' AND team = 'b');
SQL
	return;
}

# The ids of the rules that a relation breaks.
sub failing
{
	my ($relation, $version) = @_;
	my @checks = map { "SELECT '$_->{id}' AS id WHERE " . check($_, $relation) } grep { applies($_, $version) } @rules;
	return query($node, "SELECT string_agg(x.id, ' ' ORDER BY x.id) FROM (" . join(' UNION ALL ', @checks) . ') AS x');
}

sub applies
{
	my ($rule, $version) = @_;
	my ($since, $until) = split /-/, $rule->{versions};
	return $since <= $version && $version <= ($until // $since);
}

# The condition under which a rule is broken.
sub check
{
	my ($rule, $relation) = @_;
	if (my $types = $rule->{types})
	{
		my @bad = map { "(a.attname IN (" . join(', ', map { "'$_'" } @{ $types->{$_} }) . ") AND a.atttypid <> '$_'::regtype)" } sort keys %$types;
		return "EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = '$relation'::regclass AND a.attnum > 0 AND (" . join(' OR ', @bad) . '))';
	}
	if (my $by = $rule->{by})
	{
		my $columns = join ', ', map { qq{"$_"} } @$by;
		return "EXISTS (SELECT FROM $relation GROUP BY $columns HAVING $rule->{fails})";
	}
	return "EXISTS (SELECT FROM $relation WHERE $rule->{fails})";
}

# Usage rows, and the charges that the specification shows for them.
sub example
{
	my ($example) = @_;
	my $name = $example->{example};
	$node->safe_psql('postgres', qq{CREATE DATABASE "$name"});
	my $run = sub { return query($node, $_[0], $name) };
	my $text = sub { my ($value) = @_; return 'NULL' if !defined $value; $value =~ s/'/''/g; return "'$value'"; };
	$run->('SET client_min_messages = warning; CREATE EXTENSION pg_spend CASCADE');
	my $names = $example->{names};
	my $provider = $text->($names->{service_provider_name});
	$run->('INSERT INTO spend.focus_names (provider, ' . join(', ', sort keys %$names) . ") VALUES ($provider, " . join(', ', map { $text->($names->{$_}) } sort keys %$names) . ')');
	foreach my $model (@{ $example->{models} })
	{
		$run->("SELECT spend.set_price($provider, " . $text->($model->{model}) . ', ' . $text->($json->encode({ rates => $model->{rates} })) . ", '-infinity')");
		$run->("INSERT INTO spend.models (provider, model, tier, developer, family, version) VALUES (spend.text_key($provider), " . join(', ', map { $text->($_) } $model->{model}, 'standard', @{$model}{qw(developer family version)}) . ')');
	}
	foreach my $term (@{ $example->{terms} })
	{
		$run->('SELECT spend.set_price_term(' . join(', ', map { "$_ => " . $text->($term->{$_}) } sort keys %$term) . ", valid_from => '-infinity')");
	}
	foreach my $commitment (@{ $example->{commitments} })
	{
		my %row = (%$commitment, kind => 'commitment', is_prepaid => 'true', scope => $json->encode({ provider => $names->{service_provider_name} }));
		$run->('INSERT INTO spend.commitments (' . join(', ', sort keys %row) . ') VALUES (' . join(', ', map { $text->($row{$_}) } sort keys %row) . ')');
	}
	foreach my $usage (@{ $example->{usage} })
	{
		my %row = (%$usage, request_model => $usage->{model}, provider => $names->{service_provider_name}, occurred_at => "$example->{day} 12:00Z");
		delete $row{model};
		$run->('INSERT INTO spend.usage (' . join(', ', sort keys %row) . ') VALUES (' . join(', ', map { $text->($row{$_}) } sort keys %row) . ')');
	}
	my $bill = qq{(SELECT * FROM spend.focus WHERE "BillingPeriodStart" = date_trunc('month', timestamp '$example->{day}') AT TIME ZONE 'UTC') AS bill};
	is($run->("SELECT count(*) FROM $bill"), scalar @{ $example->{expect} }, "$name: as many charges as the specification shows");
	foreach my $charge (@{ $example->{expect} })
	{
		my @conditions = map {
			my $value = $charge->{$_};
			ref $value ? qq{"$_" \@> } . $text->($json->encode($value)) : $value eq '' ? qq{"$_" IS NULL} : qq{"$_" = } . $text->($value)
		} sort keys %$charge;
		is($run->("SELECT count(*) FROM $bill WHERE " . join(' AND ', @conditions)), 1, "$name: " . ($charge->{SkuMeter} // $charge->{ChargeCategory}) . " at $charge->{ListUnitPrice}")
		  or diag($run->('SELECT * FROM spend.focus'));
	}
	return;
}
