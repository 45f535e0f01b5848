#!/usr/bin/perl
#
# phone_table.pl
#	Writes phone_table.h from libphonenumber's PhoneNumberMetadata.xml.
#
# Usage: perl phone_table.pl PhoneNumberMetadata.xml [VERSION] > ../phone_table.h
#
# Input: resources/PhoneNumberMetadata.xml of
# https://github.com/google/libphonenumber (Apache-2.0); VERSION is that of the
# library it comes with.  Takes about half a minute.
#
# For each calling code the patterns of all its regions and types of number,
# their possible lengths and the leading digits of the regions become one
# automaton.  It reads a national number; where it ends says region and type,
# as getRegionCodeForNumber() and getNumberType() would.  A second automaton
# chooses the format, a third (for each region) is the general pattern alone.
# International prefixes and prefixes of national notation become programs of
# a small matcher.
#
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use PhonePattern qw(parse_pattern automaton add_pattern build program
  first_digits first_pairs states);

# The edition in ../shared/data/phone.
use constant METADATA_VERSION => '9.0.35';

# E.164 has 15 digits; libphonenumber takes two more after the calling code.
use constant NATIONAL_MAX => 17;

# The order in which a number's type is decided; fixed lines and mobiles come
# last, and may be both.
my @types = qw(premiumRate tollFree sharedCost voip personalNumber pager uan
  voicemail fixedLine mobile);

# Values of CrmPhoneType in phone.h.
my %type_number = (
	fixedLine => 1, mobile => 2, both => 3, tollFree => 4, premiumRate => 5,
	sharedCost => 6, voip => 7, personalNumber => 8, pager => 9, uan => 10,
	voicemail => 11);

@ARGV >= 1 or die "usage: phone_table.pl FILE [VERSION]\n";
my $version = $ARGV[1] // METADATA_VERSION;
my $xml = do
{
	local $/;
	open my $in, '<:encoding(UTF-8)', $ARGV[0] or die "$ARGV[0]: $!\n";
	<$in>;
};
$xml =~ s/<!--.*?-->//gs;

# Turns "[7-10],12" into a bit mask.
sub length_mask
{
	my ($text) = @_;
	my $mask = 0;

	foreach my $item (split /,/, $text // '')
	{
		$item =~ /^\[?(\d+)(?:-(\d+)\])?$/ or die "lengths $text";
		$mask |= 1 << $_ foreach ($1 .. ($2 // $1));
	}
	return $mask;
}

sub without_blanks
{
	my ($text) = @_;

	$text =~ s/\s+//g if defined $text;
	return $text;
}

sub attributes
{
	my %attribute = $_[0] =~ /(\w+)="([^"]*)"/g;

	return \%attribute;
}

# Reads the formats of a region.
sub read_formats
{
	my ($head, $body) = @_;
	my @formats;

	while ($body =~ m{<numberFormat\s([^>]*)>(.*?)</numberFormat>}gs)
	{
		my ($attribute, $inner) = (attributes($1), $2);
		my @leading = $inner =~ m{<leadingDigits>(.*?)</leadingDigits>}gs;
		my @international = $inner =~ m{<intlFormat>(.*?)</intlFormat>}gs;
		my ($national) = $inner =~ m{<format>(.*?)</format>}s;
		my $rule = $attribute->{nationalPrefixFormattingRule}
		  // $head->{nationalPrefixFormattingRule} // '';
		my $prefix = $head->{nationalPrefix} // '';
		my $with_prefix = $national;

		die 'several intlFormat' if @international > 1;
		$rule =~ s/\$NP/$prefix/;
		# the rule is for the first group that the format has
		if ($rule ne '')
		{
			my ($group) = $national =~ /(\$\d)/;

			$rule =~ s/\$FG/$group/;
			$with_prefix =~ s/\$\d/$rule/;
		}
		push @formats,
		  {
			groups => without_blanks($attribute->{pattern}),
			leading => without_blanks($leading[-1]),
			national => $with_prefix,
			plain => $national,
			international => $international[0],
		  };
	}
	return @formats;
}

# Reads the regions, in the order of the file.
my (@regions, %codes);
while ($xml =~ m{<territory\s([^>]*)>(.*?)</territory>}gs)
{
	my ($head, $body) = (attributes($1), $2);
	my %region = (
		id => $head->{id},
		code => $head->{countryCode},
		is_main => $head->{mainCountryForCode} ? 1 : 0,
		leading => without_blanks($head->{leadingDigits}),
		idd => without_blanks($head->{internationalPrefix}),
		prefix => without_blanks(
			$head->{nationalPrefixForParsing} // $head->{nationalPrefix}),
		transform => $head->{nationalPrefixTransformRule},
		lengths => 0,
		local => 0,
		type => {});

	$body =~ m{<generalDesc>\s*<nationalNumberPattern>(.*?)</}s
	  or die "$head->{id}: no pattern";
	$region{general} = without_blanks($1);
	foreach my $type (@types)
	{
		$body =~ m{<$type>(.*?)</$type>}s or next;
		my $inner = $1;
		my ($pattern) =
		  $inner =~ m{<nationalNumberPattern>(.*?)</nationalNumberPattern>}s;
		my $lengths = attributes($inner =~ /<possibleLengths\s([^>]*)>/);
		my $mask = length_mask($lengths->{national});

		$region{type}{$type} = [ without_blanks($pattern), $mask ];
		$region{lengths} |= $mask;
		$region{local} |= length_mask($lengths->{localOnly});
	}
	$region{formats} = [ read_formats($head, $body) ];
	push @regions, \%region;
	$region{index} = $#regions;
	push @{ $codes{ $head->{countryCode} } }, \%region;
}
die "no regions\n" if !@regions;

# Decides region and type of a national number of that many digits, given what
# matches.
sub plan_label
{
	my ($list, $depth, $tags) = @_;

	foreach my $region (@$list)
	{
		my $id = $region->{index};
		my $type = '';

		next if defined $region->{leading} && !$tags->{"$id leading"};
		if ($tags->{"$id general"} && $region->{lengths} >> $depth & 1)
		{
			my %is;

			foreach (@types)
			{
				$is{$_} = $tags->{"$id $_"}
				  && $region->{type}{$_}[1] >> $depth & 1;
				$type ||= $_ if $is{$_};
			}
			$type = 'both'
			  if $type eq 'fixedLine'
			  && ($is{mobile} || ($region->{type}{mobile}[0] // '') eq
				$region->{type}{fixedLine}[0]);
			$type = ''
			  if $type eq 'mobile'
			  && $region->{type}{mobile}[0] eq
			  ($region->{type}{fixedLine}[0] // '');
		}
		return $id + 1 << 4 | $type_number{$type} if $type;
		return 0 if defined $region->{leading};
	}
	return 0;
}

# The formats that are in use: a list of group lengths and templates, and what
# automata of formats answer, pairs of them (counted from 1; 0 is none).
my (@formats, %format_of, @pairs, %pair_of);

sub format_index
{
	my ($format, $template, $depth) = @_;
	my @groups = map { [ $1, $2 // $1 ] if /^\\d(?:\{(\d+)(?:,(\d+))?\})?$/ }
	  $format->{groups} =~ /\(([^()]*)\)/g;
	my ($min, $max, @lengths) = (0, 0);

	foreach (@groups)
	{
		$_->[0] //= 1;
		$_->[1] //= 1;
		$min += $_->[0];
		$max += $_->[1];
	}
	return if $depth < $min || $depth > $max;

	# the first groups take what they can
	my $spare = $depth - $min;
	foreach (@groups)
	{
		my $more = $_->[1] - $_->[0];

		$more = $spare if $more > $spare;
		$spare -= $more;
		push @lengths, $_->[0] + $more;
	}
	my $key = join(',', @lengths) . " $template";
	return $format_of{$key} //= do
	{
		push @formats, [ [@lengths], $template ];
		scalar @formats;
	};
}

sub format_label
{
	my ($list, $depth, $tags) = @_;
	my ($national, $international);
	my $has_own = grep { defined $_->{international} } @$list;

	foreach my $i (0 .. $#$list)
	{
		my $format = $list->[$i];
		my $template;

		next if defined $format->{leading} && !$tags->{$i};
		$national ||= format_index($format, $format->{national}, $depth);
		$template = $format->{international} // $format->{plain};
		$international ||= format_index($format, $template, $depth)
		  if !($has_own && $template eq 'NA');
	}
	return 0 if !$national && !$international;
	my $key = join ',', $national // 0, $international // 0;
	return $pair_of{$key} //= do { push @pairs, $key; scalar @pairs };
}

sub format_root
{
	my ($list) = @_;
	my $nfa = automaton();

	return 0 if !@$list;
	add_pattern($nfa, 'any', '', 1);
	add_pattern($nfa, $_, $list->[$_]{leading}, 1)
	  foreach grep { defined $list->[$_]{leading} } (0 .. $#$list);
	return build($nfa, NATIONAL_MAX,
		sub { return format_label($list, @_) });
}

sub plan_root
{
	my ($list) = @_;
	my $nfa = automaton();

	$nfa->{needs_type} = 1;
	foreach my $region (@$list)
	{
		my $id = $region->{index};

		add_pattern($nfa, "$id leading", $region->{leading}, 1)
		  if defined $region->{leading};
		add_pattern($nfa, "$id general", $region->{general});
		add_pattern($nfa, "$id $_", $region->{type}{$_}[0])
		  foreach keys %{ $region->{type} };
	}
	return build($nfa, NATIONAL_MAX,
		sub { return plan_label($list, @_) });
}

# Programs, those that are equal once.
my (@words, %program_of);

sub program_at
{
	my ($pattern, $group) = @_;

	return 0 if !defined $pattern;
	return $program_of{"$pattern $group"} //= do
	{
		my $at = @words;

		push @words, program($pattern, $group);
		$at;
	};
}

# The pairs of digits with which a prefix can begin, as bytes of bits.  Most
# numbers have no prefix, and need not run the program for it.
sub prefix_starts
{
	my ($pattern) = @_;
	my @bytes = (0) x 13;

	if (defined $pattern)
	{
		$pattern =~ s/\$//g;
		$bytes[ $_ >> 3 ] |= 1 << ($_ & 7) foreach first_pairs($pattern);
	}
	return '{' . join(', ', map { sprintf '0x%02X', $_ } @bytes) . '}';
}

foreach my $code (sort { $a <=> $b } keys %codes)
{
	my @list = sort { $b->{is_main} <=> $a->{is_main} } @{ $codes{$code} };
	my @mobile = (0) x 10;

	foreach my $region (@list)
	{
		my $mobile = $region->{type}{mobile} or next;
		my @masks = first_digits(@$mobile);

		$mobile[$_] |= $masks[$_] foreach (0 .. 9);
	}
	$codes{$code} = {
		regions => \@list,
		main => $list[0],
		mobile => \@mobile,
		plan => plan_root(\@list),
		format => format_root($list[0]{formats}) };
	print STDERR "$code: ", scalar @{ states() }, " states\n" if $ENV{VERBOSE};
}
foreach my $region (@regions)
{
	my $nfa = automaton();
	my (undef, $ngroups) = parse_pattern($region->{prefix} // '');

	add_pattern($nfa, 'general', $region->{general});
	$region->{root} = build($nfa, 250, sub { return $_[1]{general} ? 1 : 0 });
	$region->{group} = 0;
	$region->{insert} = '';
	if (defined $region->{transform})
	{
		$region->{transform} =~ /^(\d*)\$(\d)$/ && $2 == $ngroups
		  or die "$region->{id}: transform rule $region->{transform}";
		$region->{insert} = $1;
		$region->{group} = $ngroups;
	}
}

# Writes a list of numbers, as many a line as fit.
sub number_list
{
	my $line = "\t";

	while (defined(my $item = shift))
	{
		if (length($line) + length($item) > 74)
		{
			$line =~ s/ $//;
			print "$line\n";
			$line = "\t";
		}
		$line .= @_ ? "$item, " : $item;
	}
	print "$line\n};\n\n";
}

my @rows = @{ states() };
die "too many states\n" if @rows > 65535;

# CRM_PHONE_NATIONAL_MIN of phone.h: the type stores no shorter number.
foreach (@regions)
{
	die "$_->{id} has numbers of fewer than 4 digits: lower CRM_PHONE_NATIONAL_MIN\n"
	  if $_->{lengths} & 0xF;
}

print <<"HEADER";
/*-------------------------------------------------------------------------
 *
 * phone_table.h
 *		Numbering plans of the world: automata that read national numbers,
 *		prefixes and formats.
 *
 * Generated by gen/phone_table.pl, do not edit.  Source: facts in
 * PhoneNumberMetadata.xml of https://github.com/google/libphonenumber,
 * version $version, Apache-2.0.  To regenerate:
 * perl gen/phone_table.pl PhoneNumberMetadata.xml VERSION > phone_table.h
 *
 * Only phone_plan.c includes this file; phone_private.h declares what it
 * defines and says what it means.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CRM_PHONE_TABLE_H
#define CRM_PHONE_TABLE_H

#include "types/phone_private.h"

HEADER

print "const char crm_phone_metadata_version[] = \"$version\";\n\n";
print "const PhoneRegion crm_phone_regions[] = {\n";
print join(
	",\n",
	map {
		sprintf(
			"\t{\"%s\", %d, 0x%05X, 0x%05X, %d, %d, %d, %d, \"%s\",\n\t%s,\n\t%s}",
			$_->{id}, $_->{code}, $_->{lengths}, $_->{local}, $_->{root},
			program_at($_->{idd}, 0), program_at($_->{prefix}, $_->{group}),
			$_->{group}, $_->{insert}, prefix_starts($_->{idd}),
			prefix_starts($_->{prefix}))
	} @regions),
  "\n};\n\n";

my @codes = sort { $a <=> $b } keys %codes;
print "const PhoneCode crm_phone_codes[] = {\n";
print join(
	",\n",
	map {
		my $code = $codes{$_};
		my ($lengths, $local) = (0, 0);

		$lengths |= $_->{lengths} foreach @{ $code->{regions} };
		$local |= $_->{local} foreach @{ $code->{regions} };
		sprintf(
			"\t{%d, %d, %d, %d, %d, 0x%05X, 0x%05X,\n\t{%s}}",
			$_, $code->{main}{index}, scalar @{ $code->{regions} },
			$code->{plan}, $code->{format}, $lengths,
			$local,
			join(', ', map { sprintf '0x%05X', $_ } @{ $code->{mobile} }))
	} @codes),
  "\n};\n\n";

my %place;
@place{@codes} = (1 .. @codes);
print "const uint8_t crm_phone_code_index[1000] = {\n";
number_list(map { $place{$_} // 0 } (0 .. 999));

my %region_place;
$region_place{ $_->{id} } = $_->{index} + 1 foreach @regions;
print "const uint8_t crm_phone_region_index[26 * 26] = {\n";
number_list(map { $region_place{$_} // 0 } 'AA' .. 'ZZ');

print "const uint16_t crm_phone_programs[] = {\n";
number_list(map { sprintf '0x%X', $_ } @words);

my $pool = '';
my %at;
foreach (sort { length $b <=> length $a || $a cmp $b }
	keys %{ { map { ($_->[1], 1) } @formats } })
{
	my $i = index $pool, "$_\\000";

	$at{$_} = $i if $i >= 0;
	next if $i >= 0;
	$at{$_} = length $pool;
	$pool .= "$_\\000";
}
# what ends a template is four characters here and one in C
$_ -= 3 * (() = substr($pool, 0, $_) =~ /\\/g) foreach values %at;
print "const char crm_phone_templates[] =\n";
print join("\n", map { "\t\"$_\"" } $pool =~ /(.{1,60}\\000)/g), ";\n\n";

print "const PhoneFormat crm_phone_formats[] = {\n";
print join(
	",\n",
	"\t{0, {0}}",
	map { sprintf "\t{%d, {%s}}", $at{ $_->[1] }, join(', ', @{ $_->[0] }) }
	  @formats),
  "\n};\n\n";
print "const PhoneFormatPair crm_phone_format_pairs[] = {\n";
print join(",\n", map { "\t{$_}" } '0, 0', @pairs), "\n};\n\n";

print "const uint16_t crm_phone_labels[] = {\n";
number_list(map { $_->[0] } @rows);
print "const uint16_t crm_phone_states[][10] = {\n";
print join(",\n", map { "\t{" . join(', ', @$_[ 1 .. 10 ]) . '}' } @rows),
  "\n};\n\n#endif\t\t\t\t\t\t\t/* CRM_PHONE_TABLE_H */\n";
