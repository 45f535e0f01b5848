# The parsers apart from PostgreSQL: agreement with the labelled values beside
# the source tree, and every other program in test/types, which exits with 0
# (and an empty standard input) if what it checks holds.

use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = $ENV{TESTDIR};
my $vectors = "$top/../shared/vectors";
my $dir = PostgreSQL::Test::Utils::tempdir();

# Of the rows on which no second opinion says otherwise, in per cent.
my $agreement_min = 99.8;

# Files whose name is not that of their kind.
my %kind_of_file = (bankcard => 'bank_card', cn_id => 'resident_id', email_suites => 'email', vat => 'vat_id');

# Runs gcc; what it says is shown if it fails.
sub gcc
{
	my ($name, @arguments) = @_;
	my $output = '';
	my $ok = IPC::Run::run([ 'gcc', qw(-std=gnu11 -O2 -Wall -Werror), "-I$top/src", @arguments ], '>&', \$output, init => sub { chdir $dir or die "$dir: $!" });

	ok($ok, $name) or diag($output);
	return $ok;
}

# The types' own files need PostgreSQL's headers; the parsers do not.
gcc('the parsers compile', '-c', grep { basename($_) !~ /^type_/ } glob "$top/src/types/*.c");

# Returns the path of the program, undef if it does not compile.
sub compile
{
	my ($name) = @_;

	return gcc("$name.c compiles", '-o', "$dir/$name", "$top/test/types/$name.c", glob("$dir/*.o"), '-lidn2') ? "$dir/$name" : undef;
}

my %program = map { $_ => compile($_) } map { basename($_, '.c') } glob "$top/test/types/*.c";

foreach my $name (sort keys %program)
{
	next if $name eq 'vectors' || !defined $program{$name};
	my $output = '';
	my $ok = IPC::Run::run([ $program{$name} ], '<', '/dev/null', '>&', \$output);
	ok($ok, "$name holds") or diag($output);
}

# What judge prints is what scripts compare with others.
SKIP:
{
	skip 'judge.c does not compile', 1 if !defined $program{judge};
	my $input = "iban\t\tgb82 west 1234 5698 7654 32\nlei\t\t5493001KJTIIGC8Y1R13\nnone\t\tx\nbank_card\t\t4111\\x0941\n";
	my $output;
	IPC::Run::run([ $program{judge} ], '<', \$input, '>', \$output);
	is($output, "valid\t\tGB82WEST12345698765432\ninvalid\tcheck_digit\t\nunknown\t\t\ninvalid\tbad_length\t\n", 'judge answers line by line');
}

SKIP:
{
	skip "no $vectors", 1 if !-d $vectors;
	skip 'a program does not compile', 1 if !defined $program{vectors} || !defined $program{judge};
	my %exists = map { $_ => 1 } split /\n/, `$program{judge} -l`;

	foreach my $file (sort glob "$vectors/*.tsv")
	{
		my $name = basename($file, '.tsv');
		my $kind = $kind_of_file{$name} // $name;
		if (!$exists{$kind})
		{
			note("$name: there is no kind $kind");
			next;
		}
		my $output = `$program{vectors} -v $file`;
		my ($agree, $all) = $output =~ /^\w+ +plain +(\d+) of +(\d+) /m;
		diag($output =~ /^(\w+ +plain .*)$/m ? "$name: $1" : "$name: no score");
		ok($all && 100 * $agree >= $agreement_min * $all, "$name: $agreement_min % of the undisputed rows agree")
		  or diag(join "\n", grep { defined } (grep { !/ plain / } split /\n/, $output)[0 .. 19]);
		unlike($output, qr/^not a fixed point/m, "$name: canonical forms are fixed points");
	}
}

done_testing();
