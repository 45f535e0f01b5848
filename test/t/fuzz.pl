# A short run of the fuzzing in test/fuzz; "make fuzz" has the long one.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

my $top = $ENV{TESTDIR};
my $runs = 20_000;

# clang may be there without the library that fuzzing needs.
my $probe = PostgreSQL::Test::Utils::tempdir() . '/probe';
append_to_file("$probe.c", 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d != 0 && n > 1u << 20; }');
if (system("clang -fsanitize=fuzzer,address,undefined -o $probe $probe.c >$probe.log 2>&1") != 0)
{
	plan skip_all => 'clang or its fuzzer library (Debian: clang, libclang-rt-dev) is missing';
}

local $ENV{RUNS} = $runs;
my ($stdout, $stderr);
my $ok = IPC::Run::run([ "$top/test/fuzz/run" ], '>', \$stdout, '2>', \$stderr);
ok($ok, 'no finding') or diag($stdout . $stderr);
foreach my $line (split /\n/, $stdout)
{
	note($line);
}
my @counts = $stdout =~ /^\w+ +(\d+) executions without a finding/mg;
cmp_ok(scalar @counts, '>=', 8, 'every kind was fuzzed');
is(scalar(grep { $_ >= $runs } @counts), scalar @counts, "each with $runs values");

done_testing();
