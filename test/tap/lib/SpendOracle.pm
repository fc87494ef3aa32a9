package SpendOracle;

# The oracle of all views (oracle/*.sql), a company to try it on, and writers who do everything at random beside it. Used by the tests that
# compare views with rows.

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::Utils;
use SpendTest;
use Test::More;

our @EXPORT = qw(load_oracle difference_query reader_query views_are_right work_at_random work_is_done random_seed);

# load_oracle(NODE, DATABASE, ledger => 0|1): the schema "oracle", and the company of oracle/ledger.sql first unless ledger is 0.
sub load_oracle
{
	my ($node, $database, %option) = @_;
	my $dir = dirname(__FILE__) . '/oracle';
	query($node, slurp("$dir/ledger.sql"), $database) if $option{ledger} // 1;
	$node->safe_psql($database, slurp($_)) foreach sort glob("$dir/[0-9]*.sql");
	return;
}

# Where views differ from rows, and other breaks; no line when all is right.
sub difference_query { return 'SELECT d::text FROM oracle.differences() AS d LIMIT 9'; }

# The same of what a reader is shown who may see one cost center.
sub reader_query
{
	my ($reader, $cost_center) = @_;
	return qq{SET oracle.scope = '{"cost_center": "$cost_center"}'; SELECT d::text FROM oracle.differences('$reader') AS d LIMIT 9};
}

sub views_are_right
{
	my ($node, $what, $database) = @_;
	return is(query($node, difference_query(), $database), '', $what);
}

# The seed of this run: SPEND_SEED, else of the time. Told, so that a run can be made again as far as concurrent writers allow.
sub random_seed
{
	my $seed = $ENV{SPEND_SEED} // time() % 1_000_000;
	note("seed $seed: SPEND_SEED=$seed makes it again");
	return $seed;
}

# What a script of pgbench does, by name: its weight and its text. :a to :f are random.
sub scripts
{
	my @columns = (
		occurred_at => q{now() - 80e-12 * :a * :f * interval '1 day'},
		cost_center => q{(ARRAY['marketing', 'Marketing ', 'engineering', 'support', NULL])[1 + :a % 5]},
		team => q{(ARRAY['search', 'Search ', 'ads', 'labs', NULL])[1 + :b % 5]},
		department => q{(ARRAY['r&d', 'sales', NULL])[1 + :a % 3]},
		user_id => q{CASE WHEN :b % 9 = 0 THEN 'svc' ELSE 'u' || :b % 7 END},
		customer => q{CASE WHEN :c % 3 = 0 THEN 'c' || :a % 3 END},
		api_key => q{CASE WHEN :d % 3 > 0 THEN 'key-' || (ARRAY[1, 2, 7])[1 + :d % 3] END},
		workspace => q{CASE WHEN :d % 4 = 0 THEN 'ws' END},
		workflow => q{'w' || :a % 3},
		feature => q{(ARRAY['chat', 'Review', NULL])[1 + :e % 3]},
		environment => q{(ARRAY['prod', 'stage', 'dev', NULL])[1 + :e % 4]},
		run_id => q{CASE WHEN :c % 4 > 0 THEN 'run' || :a % 20 END},
		request_id => q{'req' || :c % 99},
		purpose => q{(ARRAY['work', 'retry', 'experiment', 'Evaluation', NULL])[1 + :c % 5]},
		route => q{(ARRAY['best', 'Cheap', NULL])[1 + :f % 3]},
		source => q{(ARRAY['app', 'script', 'unknown', NULL])[1 + :f % 4]},
		surface => q{CASE WHEN :e % 7 = 0 THEN 'cloud' END},
		region => q{CASE WHEN :f % 5 = 0 THEN 'eu' END},
		provider => q{(ARRAY[NULL, 'maker', NULL, NULL, 'maker', NULL, 'people', 'billing', NULL])[1 + :d % 9]},
		request_model => q{(ARRAY['m1', 'm1', 'M1', 'm2', 'tools', 'm3', 'lawyer', 'theirs', 'unknown'])[1 + :d % 9]},
		input_tokens => q{CASE WHEN :d % 9 <> 6 THEN 1 + :c % 1000 END},
		output_tokens => q{CASE WHEN :d % 9 <> 6 THEN :b % 300 END},
		cache_read_tokens => q{CASE WHEN :d % 9 < 3 AND :e % 2 = 0 THEN :f % 60 END},
		retrieval_queries => q{CASE WHEN :d % 9 = 4 THEN :b % 3 END},
		agent_steps => q{CASE WHEN :e % 5 = 0 THEN :b % 4 END},
		other_usage => q{CASE WHEN :d % 9 = 4 AND :a % 2 = 0 THEN '{"web_searches": 3}' WHEN :d % 9 = 6 THEN format('{"review_minutes": %s}', 1 + :c % 40) END::spend.token_usage},
		original_input_tokens => q{CASE WHEN :b % 3 = 0 THEN 2000 END},
		status => q{(ARRAY['ok', 'error', 'Cancelled', 'refused', NULL])[1 + :b % 5]},
		blocked_reason => q{CASE WHEN :f % 13 = 0 THEN 'personal data' END},
		accepted => q{(ARRAY[true, false, NULL])[1 + :c % 3]},
		human_reviewed => q{CASE WHEN :c % 5 = 0 THEN true END},
		response_cache_hit => q{CASE WHEN :a % 6 = 0 THEN true END},
		attempt => q{CASE WHEN :a % 9 = 0 THEN 2 END},
		fallback_of => q{CASE WHEN :b % 11 = 0 THEN 'm1' END},
		reported_cost => q{CASE WHEN :d % 9 = 7 THEN 0.001 * (1 + :c % 50) WHEN :c % 7 = 0 THEN 0.0001 * (:a % 9 - 1) END},
		tags => q{CASE :b % 3 WHEN 0 THEN '{"ticket": "T-1"}' WHEN 1 THEN '{"campaign": "Spring"}' END::jsonb},
	);
	my (@names, @values, %place);
	while (my ($name, $value) = splice(@columns, 0, 2))
	{
		push @names, $name;
		push @values, $value;
		$place{$name} = $#values;
	}
	my $columns = '(' . join(', ', @names) . ')';
	my $row = '(' . join(', ', @values) . ')';
	my %batch = (occurred_at => "occurred_at - i * interval '7 minutes'", run_id => 'run_id || i % 4', input_tokens => 'input_tokens + i');
	my $batch = "INSERT INTO spend.usage $columns SELECT " . join(', ', map { $batch{$_} // $_ } @names) . " FROM (VALUES $row) AS v $columns, generate_series(1, 9) AS i;\n";
	my $insert = "INSERT INTO spend.usage $columns VALUES $row;\n";
	my $random = join '', map { "\\set $_ random(0, 1000000)\n" } qw(a b c d e f);
	my $some = q{(SELECT u.usage_id FROM spend.usage AS u WHERE u.usage_id >= :a % greatest((SELECT last_value FROM spend.usage_usage_id_seq), 1) ORDER BY 1 LIMIT 1)};
	my $closed = ':b % 2 = 0';
	# What somebody else has voided, deleted or closed meanwhile is an error, and no end of the work.
	my $try = sub {
		my ($call) = @_;
		return "oracle.try(format('$call', coalesce($some, 0), $closed))";
	};
	my $amend = "oracle.try(format('SELECT spend.amend(%s, %L, ''why'', include_closed => %L)', coalesce($some, 0), jsonb_build_object('input_tokens', :c % 77, 'request_model', (ARRAY['m1', 'm2', 'm3', 'nobody knows'])[1 + :b % 4], 'feature', (ARRAY['F', NULL])[1 + :c % 2]), $closed))";
	my $void = $try->(q{SELECT spend.void(%s, ''why'', include_closed => %L)});
	my $hour = q{now() - :a % 1900 * interval '1 hour'};
	my %scripts = (
		insert => [ 10, $insert ],
		batch => [ 3, $batch ],
		# A writer's rows of another time count for the budgets of now, too.
		writer => [ 3, "BEGIN;\nSET LOCAL ROLE app;\n$insert" . "END;\n" ],
		savepoint => [ 3, "BEGIN;\n${insert}SAVEPOINT s;\n${insert}SELECT $amend;\nSELECT $void;\nROLLBACK TO s;\nSELECT $amend;\n${insert}RELEASE s;\nEND;\n" ],
		abort => [ 2, "BEGIN;\n${insert}SELECT $void;\n${batch}ROLLBACK;\n" ],
		update => [ 4, "UPDATE spend.usage SET team = 'moved', accepted = :b % 2 = 0, input_tokens = :c % 77 WHERE usage_id = $some;\n" ],
		remodel => [ 2, "UPDATE spend.usage SET request_model = (ARRAY['m1', 'm2', 'm3', 'nobody knows'])[1 + :b % 4], status = NULL WHERE usage_id = $some;\n" ],
		delete => [ 2, "DELETE FROM spend.usage WHERE usage_id = $some;\n" ],
		price => [ 1, qq[SELECT spend.set_price('maker', 'm2', ('{"rates": {"input_tokens": "' || 1 + :a % 9 || '/1k"}}')::spend.price, now() - :b % 30 * interval '1 day') FROM (SELECT 1 WHERE :c % 5 = 0) AS sometimes;\n] ],
		reprice => [ 1, qq[SELECT count(*) FROM spend.reprice(now() - :a % 20 * interval '1 day', filter => '{"model": "m2"}', include_closed => $closed);\n] ],
		amend => [ 4, "SELECT $amend;\n" ],
		amend_where => [ 1, qq[SELECT count(*) FROM spend.amend_where($hour - interval '2 hours', $hour, jsonb_build_object('request_id', 'req' || :c % 99), '{"team": "amended", "output_tokens": 5}', 'why', :d % 3 = 0, $closed);\n] ],
		void => [ 2, "SELECT $void;\n" ],
		void_where => [ 1, "SELECT count(*) FROM spend.void_where($hour - interval '1 hour', $hour, '{}', 'why', :c % 3 = 0, $closed);\n" ],
		outcome => [ 3, "SELECT spend.record_outcome(run_id => 'run' || :a % 20, accepted => :b % 2 = 0, status => (ARRAY['ok', 'timeout', NULL])[1 + :c % 3]);\n" ],
		reattribute => [ 1, qq[SELECT count(*) FROM spend.reattribute($hour - interval '5 hours', $hour, '{}', 'why', :b % 4 = 0, jsonb_build_object('team', (ARRAY['search', 'labs', NULL])[1 + :c % 3], 'cost_center', (ARRAY['marketing', 'Sales', NULL])[1 + :d % 3]), $closed);\n] ],
		# Rules change, and recorded rows are given to whom the rules of now give them.
		rule => [ 1, qq[SELECT spend.set_allocation_rule('of key ' || :a % 2, format('{"api_key": "key-%s"}', 1 + :a % 2)::jsonb, jsonb_build_object('cost_center', (ARRAY['marketing', 'support'])[1 + :b % 2], 'agent', 'bot' || :c % 3), 15, now() - :d % 40 * interval '1 day') FROM (SELECT 1 WHERE :e % 4 = 0) AS sometimes;\n] ],
		anew => [ 1, "SELECT count(*) FROM spend.reattribute(now() - :a % 40 * interval '1 day', reason => 'by the rules of now', dry_run => :c % 3 = 0, include_closed => $closed);\n" ],
		fold => [ 2, "SELECT count(*) FROM spend.maintain(0);\n" ],
	);
	$_->[1] = $random . $_->[1] foreach values %scripts;
	return %scripts;
}

# work_at_random(NODE, SECONDS, SEED, clients => 5, rate => 60, without => [NAMES], transactions => N instead of SECONDS): starts writers who do it all,
# so many transactions a second as leave time to look; an object for work_is_done().
sub work_at_random
{
	my ($node, $seconds, $seed, %option) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my %scripts = scripts();
	delete @scripts{ @{ $option{without} // [] } };
	$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION oracle.try(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE command;
  RETURN 'done';
EXCEPTION WHEN no_data_found OR object_not_in_prerequisite_state OR SQLSTATE 'SP008' THEN
  RETURN SQLSTATE;
END
$$
SQL
	my @files;
	foreach my $name (sort keys %scripts)
	{
		my ($weight, $sql) = @{ $scripts{$name} };
		open my $file, '>', "$dir/$name.sql" or die $!;
		print $file $sql;
		close $file;
		push @files, '-f', "$dir/$name.sql\@$weight";
	}
	my %work = (out => '', err => '');
	$work{run} = IPC::Run::start(
		[ 'pgbench', '-n', '-c', $option{clients} // 5, '-j', '2', (defined $option{transactions} ? ('-t', $option{transactions}) : ('-T', $seconds, '-R', $option{rate} // 60)), "--random-seed=$seed", '--max-tries=50', @files, $node->connstr('postgres') ],
		'<', \undef, '>', \$work{out}, '2>', \$work{err});
	return \%work;
}

# Waits for the writers; none may have failed.
sub work_is_done
{
	my ($work) = @_;
	$work->{run}->finish;
	unlike($work->{err}, qr/error:|ERROR|FATAL|aborted/, 'no writer failed') or diag($work->{err});
	my ($transactions) = $work->{out} =~ /transactions actually processed: (\d+)/;
	ok(($transactions // 0) > 20, 'writers wrote') or diag($work->{out});
	return $transactions;
}

1;
