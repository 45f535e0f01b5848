# corpus.pl SEEDS KIND DIR DICTIONARY
#
# Writes the seeds of a kind, each as an input of fuzz.c, into DIR, and a
# libFuzzer dictionary of their pieces.

use strict;
use warnings;

my ($seeds, $wanted, $dir, $dictionary) = @ARGV;
my (%token, $n);

# Bytes 1 and 4 of fuzz.c's header: all flags off, "today" set, check digits
# repaired; and all of them on.
my @headers = ([ 0x00, 0x00 ], [ 0x80, 0x02 ], [ 0x3F, 0x01 ]);

open my $in, '<', $seeds or die "$seeds: $!\n";
while (my $line = <$in>)
{
	next if $line =~ /^#/;
	chomp $line;
	my ($kind, $region, $value) = split /\t/, $line, 3;
	$value =~ s/\\\\/\\/g;
	if ($kind eq 'token')
	{
		$token{$value} = 1;
		next;
	}
	next if $kind ne $wanted;
	$token{$_} = 1 foreach grep { length > 1 } split /[\s.@-]+/, $value;
	$region = '  ' if $region eq '-';
	foreach my $header (@headers)
	{
		open my $out, '>:raw', sprintf('%s/seed-%03d', $dir, $n++) or die "$dir: $!\n";
		print $out "\0", chr $header->[0], $region, chr $header->[1], $value;
		close $out or die "$dir: $!\n";
	}
}
close $in or die "$seeds: $!\n";

open my $out, '>', $dictionary or die "$dictionary: $!\n";
foreach my $token (sort keys %token)
{
	$token =~ s/([^A-Za-z0-9])/sprintf '\\x%02X', ord $1/ge;
	print $out qq{"$token"\n};
}
close $out or die "$dictionary: $!\n";
