# What the TAP tests share.
package CrmTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_node new_node stores refuses query_is dump_text same_text);

# A cluster with databases in UTF-8, whatever the locale of who runs the test.
sub new_node
{
	my ($name, %params) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ], %params);
	return $node;
}

sub start_node
{
	my $node = new_node(@_);

	$node->start;
	return $node;
}

# The statement succeeds.
sub stores
{
	my ($node, $db, $sql, $name, %params) = @_;
	my ($rc, undef, $stderr) = $node->psql($db, $sql, %params);

	is($rc, 0, $name) or diag($stderr);
	return;
}

# The statement fails with an error that matches.
sub refuses
{
	my ($node, $db, $sql, $error, $name, %params) = @_;
	my ($rc, undef, $stderr) = $node->psql($db, $sql, %params);

	isnt($rc, 0, "$name: fails");
	like($stderr, $error, "$name: says why");
	return;
}

sub query_is
{
	my ($node, $db, $sql, $expected, $name) = @_;

	is($node->safe_psql($db, $sql), $expected, $name);
	return;
}

# What pg_dump writes, less what differs from run to run, and less attribute
# numbers, which a restore sets anew.
sub dump_text
{
	my ($node, $db, @options) = @_;
	my ($stdout, $stderr) = run_command(
		[ 'pg_dump', '-d', $node->connstr($db), @options ]);

	is($stderr, '', "dump of $db without warnings");
	$stdout =~ s/^\\(?:un)?restrict .*\n//mg;
	$stdout =~ s/\t\{[\d,]*\}(\t\{[^\t\n]*\})$/$1/mg;
	# of a mapping, which goes on after them
	$stdout =~ s/^(\d+\t\w+\t[^\t\n]+\t\{".*)\t\{[\d,]+\}(\t\{)/$1$2/mg;
	return $stdout;
}

# The same lines; shows those that differ.
sub same_text
{
	my ($got, $expected, $name) = @_;
	my %seen;

	$seen{$_}++ foreach split /\n/, $got;
	$seen{$_}-- foreach split /\n/, $expected;
	ok($got eq $expected, $name)
	  or diag(grep { defined } (map { ($seen{$_} > 0 ? 'only after:  ' : 'only before: ') . "$_\n" }
		  grep { $seen{$_} != 0 } sort keys %seen)[0 .. 19]);
	return;
}

1;
