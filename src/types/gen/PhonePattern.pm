#
# PhonePattern.pm
#	Patterns of libphonenumber's metadata: read, turned into automata, and into
#	programs for a small matcher.  Used by phone_table.pl.
#
# A pattern is made of digits, \d, [classes], groups, alternatives, the
# quantifiers ? and {n,m}, and $.  Everything else ends the run, so that a new
# edition of the metadata that needs more is noticed.
#
# The automata of all plans live in one forest: a state is a label and ten
# successors, equal states are one state, and state 0 is the one from which
# nothing is reached.  Since no pattern repeats without bound, the forest has
# no cycles, and sharing equal states from the leaves up makes it minimal.
#
package PhonePattern;
use strict;
use warnings;

use Exporter 'import';
our @EXPORT_OK = qw(parse_pattern automaton add_pattern build program
  first_digits first_pairs states);

# Trees: ['set', mask], ['end'], ['cat', nodes], ['alt', nodes],
# ['rep', node, min, max], ['group', node, number].

# Reads an alternative list from pos() on, up to a ")" or the end.
sub parse_alternatives
{
	my ($text, $groups) = @_;
	my @branches = ([]);

	while ($$text !~ /\G(?:\z|(?=\)))/gc)
	{
		my $atom;

		if ($$text =~ /\G\|/gc)
		{
			push @branches, [];
			next;
		}
		if ($$text =~ /\G\(\?:/gc)
		{
			$atom = parse_alternatives($text, $groups);
			$$text =~ /\G\)/gc or die "no ) in $$text";
		}
		elsif ($$text =~ /\G\(/gc)
		{
			my $number = ++$$groups;

			$atom = [ 'group', parse_alternatives($text, $groups), $number ];
			$$text =~ /\G\)/gc or die "no ) in $$text";
		}
		elsif ($$text =~ /\G(\[[-0-9]+\]|\\d|[0-9])/gc)
		{
			my $class = $1;
			my $mask = 0;

			$mask |= /^$class$/ ? 1 << $_ : 0 foreach (0 .. 9);
			$atom = [ 'set', $mask ];
		}
		elsif ($$text =~ /\G\$/gc)
		{
			$atom = ['end'];
		}
		else
		{
			die 'pattern ' . substr($$text, pos($$text) // 0);
		}
		if ($$text =~ /\G\?/gc)
		{
			$atom = [ 'rep', $atom, 0, 1 ];
		}
		elsif ($$text =~ /\G\{(\d+)(?:,(\d+))?\}/gc)
		{
			$atom = [ 'rep', $atom, $1, $2 // $1 ];
		}
		push @{ $branches[-1] }, $atom;
	}
	return [ 'alt', map { [ 'cat', @$_ ] } @branches ];
}

# Returns the tree of a pattern, and in list context the number of its groups.
sub parse_pattern
{
	my ($text) = @_;
	my $groups = 0;
	my $tree;

	pos($text) = 0;
	$tree = parse_alternatives(\$text, \$groups);
	die "pattern $text" if pos($text) < length $text;
	return wantarray ? ($tree, $groups) : $tree;
}

# An automaton that is being gathered: positions, each with the mask of its
# digits and what may follow it; and the positions at which it starts.
sub automaton
{
	return { mask => [], follow => [], first => '', tags => {}, free => '' };
}

sub new_position
{
	my ($nfa, $mask) = @_;

	push @{ $nfa->{mask} }, $mask;
	push @{ $nfa->{follow} }, '';
	return $#{ $nfa->{mask} };
}

sub bit
{
	my $set = '';

	vec($set, $_[0], 1) = 1;
	return $set;
}

sub members
{
	my $bits = unpack 'b*', $_[0];
	my @members;

	push @members, pos($bits) - 1 while $bits =~ /1/g;
	return @members;
}

# Makes what "next" stands for follow the tree; returns the set of positions
# at which the tree followed by it starts.  Built from the end backwards, so
# that a tree of optional parts needs no bookkeeping.
sub prepend
{
	my ($nfa, $tree, $next) = @_;
	my $kind = $tree->[0];

	if ($kind eq 'set')
	{
		my $position = new_position($nfa, $tree->[1]);

		$nfa->{follow}[$position] = $next;
		return bit($position);
	}
	if ($kind eq 'cat')
	{
		$next = prepend($nfa, $_, $next)
		  foreach reverse @$tree[ 1 .. $#$tree ];
		return $next;
	}
	if ($kind eq 'alt')
	{
		my $first = '';

		$first |= prepend($nfa, $_, $next) foreach @$tree[ 1 .. $#$tree ];
		return $first;
	}
	if ($kind eq 'rep')
	{
		my (undef, $inner, $min, $max) = @$tree;
		my $rest = $next;

		# X{1,3} is X(X(X)?)?
		$rest = $next | prepend($nfa, $inner, $rest)
		  foreach ($min + 1 .. $max);
		$rest = prepend($nfa, $inner, $rest) foreach (1 .. $min);
		return $rest;
	}
	return prepend($nfa, $tree->[1], $next) if $kind eq 'group';
	die "$kind in an automaton";
}

# Adds a pattern under a tag: build() tells its caller which tags have matched
# whole.  A pattern that is_prefix matches whatever follows, and does not keep
# a state alive by itself.
sub add_pattern
{
	my ($nfa, $tag, $pattern, $is_prefix) = @_;
	my $end = new_position($nfa, 0);
	my $next = bit($end);
	my $before = $#{ $nfa->{mask} };

	if ($is_prefix)
	{
		my $loop = new_position($nfa, 0x3FF);

		$next |= bit($loop);
		$nfa->{follow}[$loop] = $next;
	}
	$nfa->{tags}{$end} = $tag;
	$nfa->{first} |= prepend($nfa, scalar parse_pattern($pattern), $next);
	if ($is_prefix)
	{
		$nfa->{free} |= bit($_) foreach ($before .. $#{ $nfa->{mask} });
	}
}

# The forest.
my @rows = ([ 0, (0) x 10 ]);
my %row_of = (join(',', @{ $rows[0] }) => 0);

sub state_of
{
	my $key = join ',', @_;

	return $row_of{$key} //= do { push @rows, [@_]; $#rows };
}

sub states { return \@rows }

# Returns the state at which the automaton's walk begins.  "label" gets the
# number of digits read and a hash of the tags that match them, and returns
# what to answer there: 0 for nothing.  No more than "max" digits are read.
sub build
{
	my ($nfa, $max, $label) = @_;
	my %memo;
	my $walk;

	$walk = sub {
		my ($set, $depth) = @_;
		my (@next, %tags, $key);

		$set =~ s/\0+\z//;
		return 0 if $set eq '';
		$key = "$depth:$set";
		return $memo{$key} if defined $memo{$key};
		@next = ('') x 10;
		if (($set & ~($nfa->{free} | "\0" x length $set)) =~ /[^\0]/
			|| !$nfa->{needs_type})
		{
			foreach my $position (members($set))
			{
				my $mask = $nfa->{mask}[$position];

				$tags{ $nfa->{tags}{$position} } = 1
				  if $mask == 0;
				next if $mask == 0 || $depth == $max;
				foreach my $digit (0 .. 9)
				{
					$next[$digit] |= $nfa->{follow}[$position]
					  if $mask >> $digit & 1;
				}
			}
		}
		my @row = ($label->($depth, \%tags));
		push @row, $_ eq '' ? 0 : $walk->($_, $depth + 1) foreach @next;
		return $memo{$key} = state_of(@row);
	};
	return $walk->($nfa->{first}, 0);
}

# Returns for each first digit the mask of lengths, among those of "lengths",
# of what the pattern matches.
sub first_digits
{
	my ($pattern, $lengths) = @_;
	my $nfa = automaton();
	my @masks = (0) x 10;

	add_pattern($nfa, 'x', $pattern);
	foreach my $first (0 .. 9)
	{
		my $set = '';

		foreach my $position (members($nfa->{first}))
		{
			$set |= $nfa->{follow}[$position]
			  if $nfa->{mask}[$position] >> $first & 1;
		}
		for (my $depth = 1; $set =~ /[^\0]/; $depth++)
		{
			my $next = '';

			foreach my $position (members($set))
			{
				$masks[$first] |= 1 << $depth & $lengths
				  if $nfa->{tags}{$position};
				$next |= $nfa->{follow}[$position];
			}
			$set = $next;
		}
	}
	return @masks;
}

# Returns the first two digits, as one number, of what can stand where the
# pattern matches something.
sub first_pairs
{
	my ($pattern) = @_;
	my $nfa = automaton();
	my %pairs;

	add_pattern($nfa, 'x', $pattern);
	foreach my $position (members($nfa->{first}))
	{
		foreach my $next (members($nfa->{follow}[$position]))
		{
			# after the end any digit may follow
			my $mask = $nfa->{mask}[$next] || 0x3FF;

			foreach my $pair (0 .. 99)
			{
				$pairs{$pair} = 1
				  if $nfa->{mask}[$position] >> int($pair / 10) & 1
				  && $mask >> $pair % 10 & 1;
			}
		}
	}
	return keys %pairs;
}

# Programs of 16-bit words for run_program() in phone_plan.c: a mask of digits
# takes one digit; the words with high bits are those of phone_private.h.
use constant {
	SPLIT => 0x4000,
	JUMP => 0x8000,
	OPEN => 0xC001,
	CLOSE => 0xC002,
	AT_END => 0xC003,
	MATCH => 0xC004,
};

sub compile
{
	my ($tree, $group) = @_;
	my $kind = $tree->[0];

	return ($tree->[1]) if $kind eq 'set';
	return (AT_END) if $kind eq 'end';
	return map { compile($_, $group) } @$tree[ 1 .. $#$tree ]
	  if $kind eq 'cat';
	if ($kind eq 'group')
	{
		my @inner = compile($tree->[1], $group);

		return $tree->[2] == $group ? (OPEN, @inner, CLOSE) : @inner;
	}
	if ($kind eq 'rep')
	{
		my @inner = compile($tree->[1], $group);
		my @code;

		@code = (SPLIT | scalar(@inner) + scalar(@code), @inner, @code)
		  foreach ($tree->[2] + 1 .. $tree->[3]);
		unshift @code, @inner foreach (1 .. $tree->[2]);
		return @code;
	}
	if ($kind eq 'alt')
	{
		my @code = compile($tree->[-1], $group);

		foreach my $branch (reverse @$tree[ 1 .. $#$tree - 1 ])
		{
			my @inner = compile($branch, $group);

			@code = (
				SPLIT | @inner + 1, @inner,
				JUMP | scalar(@code), @code);
		}
		return @code;
	}
	die "$kind in a program";
}

# Returns the words of a program that matches the pattern at the start of a
# number and notes where the group of that number stands.
sub program
{
	my ($pattern, $group) = @_;

	return (compile(scalar parse_pattern($pattern), $group), MATCH);
}

1;
