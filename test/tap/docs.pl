#!/usr/bin/perl
# The documents tell the truth. Every block fenced ```sql in README.md and docs/**/*.md is run by psql, in order, one
# session and one new database per file. The database has the extension unless the file creates it itself.
#
#   ```sql          must run without an error
#   ```sql error    its last statement must fail
#   ```text         directly after one of the two: what psql prints, but for trailing white space; messages (WARNING,
#                   ERROR, ...) may be shown before the result. A line that holds only "…" stands for any lines.

use strict;
use warnings;
use utf8;

use File::Find;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Run;
use SpendTest;
use Test::More;

my $root = source_root();
my @files = grep { -f } "$root/README.md";
find({ no_chdir => 1, wanted => sub { push @files, $_ if /\.md$/ } }, "$root/docs") if -d "$root/docs";
@files = sort @files;

my $node = new_node('docs', extension => 0);
my $databases = 0;

foreach my $file (@files)
{
	my $name = substr($file, length($root) + 1);
	my @blocks = sql_blocks(slurp($file));
	if (!@blocks)
	{
		pass("$name: no SQL");
		next;
	}
	run_file($name, @blocks);
}

# The first INSERT of the README works when pasted, together with what stands above it.
if (my ($readme) = grep { /README\.md$/ } @files)
{
	my @blocks = sql_blocks(slurp($readme));
	my ($last) = grep { $blocks[$_]{sql} =~ /\bINSERT INTO\b/i } 0 .. $#blocks;
	ok(defined $last, 'README.md has an INSERT') or $last = -1;
	if ($last >= 0)
	{
		my $database = run_file('README.md up to its first INSERT', @blocks[ 0 .. $last ]);
		my (undef, $stored) = $node->psql($database, 'SELECT count(*) > 0 AND bool_and(cost > 0) FROM spend.usage');
		is($stored, 't', 'it stored a row with its cost');
	}
}

$node->stop;
done_testing();

# The SQL blocks of a document: {line, sql, fails, text}.
sub sql_blocks
{
	my ($document) = @_;
	my (@blocks, $open, $just_closed);
	my $number = 0;
	foreach my $line (split /\n/, $document, -1)
	{
		$number++;
		if ($open)
		{
			if ($line =~ /^\s*```\s*$/)
			{
				if ($open->{kind} eq 'sql') { push @blocks, $open; $just_closed = $open; }
				elsif ($open->{kind} eq 'text' && $just_closed) { $just_closed->{text} = $open->{body}; $just_closed = undef; }
				else { $just_closed = undef; }
				$open = undef;
			}
			else { $open->{body} .= substr($line, 0, $open->{indent}) =~ /^\s*$/ ? substr($line, $open->{indent}) . "\n" : "$line\n"; }
		}
		elsif ($line =~ /^(\s*)```(\w*)\s*(.*?)\s*$/)
		{
			my ($indent, $kind, $rest) = (length $1, $2, $3);
			die "line $number: unknown word \"$rest\" after ```sql" if $kind eq 'sql' && $rest !~ /^(error)?$/;
			$just_closed = undef unless $kind eq 'text';
			$open = { kind => $kind, fails => $rest eq 'error', line => $number, indent => $indent, body => '' };
		}
		elsif ($line =~ /\S/) { $just_closed = undef; }
	}
	die "line $number: a block is not closed" if $open;
	$_->{sql} = $_->{body} foreach @blocks;
	return @blocks;
}

# Runs the blocks in a new database and returns its name.
sub run_file
{
	my ($name, @blocks) = @_;
	my $database = 'docs_' . ++$databases;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	create_extension($node, $database) unless grep { $_->{sql} =~ /\bCREATE EXTENSION\b[^;]*\bpg_spend\b/i } @blocks;

	# Both streams get a mark after each block, so that each block's part of them is known.
	my $script = '';
	foreach my $i (0 .. $#blocks)
	{
		my $block = $blocks[$i];
		$script .= '\set ON_ERROR_STOP ' . ($block->{fails} ? 'off' : 'on') . "\n" . $block->{sql} . "\n";
		$script .= "\\echo '=== end of block $i' :ERROR\n\\warn '=== end of block $i'\n";
	}
	my ($stdout, $stderr) = ('', '');
	utf8::encode(my $bytes = $script);
	IPC::Run::run([ 'psql', '-X', '-d', $node->connstr($database) ], '<', \$bytes, '>', \$stdout, '2>', \$stderr);
	utf8::decode($stdout);
	utf8::decode($stderr);

	foreach my $i (0 .. $#blocks)
	{
		my $block = $blocks[$i];
		my $test = "$name, line $block->{line}";
		my ($out, $err, $failed);
		if ($stdout =~ s/\A(.*?)^=== end of block $i (true|false)\n//ms) { ($out, $failed) = ($1, $2 eq 'true'); }
		$err = $1 if $stderr =~ s/\A(.*?)^=== end of block $i\n//ms;
		if (!defined $out)
		{
			fail("$test: stopped");
			complain($block->{sql}, $stdout, $stderr);
			last;
		}
		$err //= '';
		if ($block->{fails}) { ok($failed, "$test: fails, as it says") or complain($block->{sql}, $out); }
		else { ok(!$failed, "$test: runs") or complain($err); }
		if (defined $block->{text})
		{
			my $matches = matches($block->{text}, $out) || matches($block->{text}, $err . $out);
			ok($matches, "$test: prints what the document shows")
			  or complain("the document shows\n$block->{text}\npsql printed\n$err$out");
		}
	}

	# Roles outlive the database, and the next file may make the same ones.
	my $roles = query($node, q{SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles WHERE oid >= 16384});
	if ($roles ne '')
	{
		foreach my $d (map { "docs_$_" } 1 .. $databases) { $node->safe_psql($d, "DROP OWNED BY $roles"); }
		$node->safe_psql('postgres', "DROP ROLE $roles");
	}
	return $database;
}

# Test output is bytes.
sub complain
{
	my $text = join '', @_;
	utf8::encode($text);
	return diag($text);
}

sub matches
{
	my ($expected, $actual) = map { normalised($_) } @_;
	my $pattern = join "\n", map { $_ eq '…' ? '(?:.*)' : quotemeta } split /\n/, $expected;
	# "…" may stand for no line at all.
	$pattern =~ s/\(\?:\.\*\)\n/(?:(?:.*\\n)?)/g;
	$pattern =~ s/\n\(\?:\.\*\)$/(?:\\n.*)?/;
	return $actual =~ /\A$pattern\z/s;
}

sub normalised
{
	my ($text) = @_;
	$text =~ s/[ \t]+$//mg;
	$text =~ s/\A\n+//;
	$text =~ s/\n+\z//;
	return $text;
}
