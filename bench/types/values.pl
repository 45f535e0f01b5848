# values.pl KIND ROWS: values as a CRM holds them, a line each and always the
# same ones: 95 in 100 are right, the others have an error; some are dressed up
# as people type them.  "isbn", which is no kind of ours, has right ones only.

use strict;
use warnings;
use utf8;
use open ':std', ':encoding(UTF-8)';

my ($kind, $rows) = @ARGV;
srand 20260101;

sub pick    { return $_[ rand @_ ] }
sub digits  { return join '', map { int rand 10 } 1 .. $_[0] }
sub letters { return join '', map { chr(65 + rand 26) } 1 .. $_[0] }
sub alnums  { return join '', map { pick(0 .. 9, 'A' .. 'Z') } 1 .. $_[0] }

# Remainder modulo 97 of what the text spells, letters as two digits.
sub mod97
{
	my ($text) = @_;
	my $remainder = 0;

	$text =~ s/([A-Z])/ord($1) - 55/ge;
	$remainder = "$remainder$1" % 97 while $text =~ /(\d{1,9})/g;
	return $remainder;
}

sub luhn
{
	my ($body) = @_;
	my ($sum, $double) = (0, 1);

	foreach my $digit (reverse split //, $body)
	{
		my $value = $double ? 2 * $digit : $digit;
		$sum += $value > 9 ? $value - 9 : $value;
		$double = !$double;
	}
	return $body . (10 - $sum % 10) % 10;
}

my @area = qw(110101 310115 440106 440305 510104 330106 320102 420106 610113 370202);

my %make = (
	bank_card => sub { luhn(pick('622202' . digits(12), '621700' . digits(12), '622848' . digits(12), '4' . digits(14), '51' . digits(13), '3528' . digits(11))) },
	resident_id => sub {
		my $body = pick(@area) . sprintf('%04d%02d%02d%03d', 1940 + rand 70, 1 + rand 12, 1 + rand 28, rand 1000);
		my ($sum, @weights) = (0, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2);
		$sum += $weights[$_] * substr($body, $_, 1) foreach 0 .. 16;
		return $body . substr '10X98765432', $sum % 11, 1;
	},
	uscc => sub {
		my $alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
		my $code = 'MA' . join '', map { substr $alphabet, rand 31, 1 } 1 .. 6;
		my ($sum, @weights) = (0, 3, 7, 9, 10, 5, 8, 4, 2);
		foreach my $i (0 .. 7)
		{
			my $c = substr $code, $i, 1;
			$sum += $weights[$i] * ($c =~ /\d/ ? $c : ord($c) - 55);
		}
		my $body = pick('91', '91', '91', '92', '12', '52') . pick(@area) . $code . substr '0X987654321', $sum % 11, 1;
		my ($weight, $total) = (1, 0);
		foreach my $c (split //, $body)
		{
			$total += $weight * index $alphabet, $c;
			$weight = $weight * 3 % 31;
		}
		return $body . substr $alphabet, -$total % 31, 1;
	},
	iban => sub {
		my ($country, $account) = @{ pick(
				sub { [ 'DE', digits(18) ] }, sub { [ 'GB', letters(4) . digits(14) ] },
				sub { [ 'FR', digits(10) . alnums(11) . digits(2) ] }, sub { [ 'NL', letters(4) . digits(10) ] },
				sub { [ 'PL', digits(24) ] }, sub { [ 'CH', digits(5) . alnums(12) ] })->() };
		my $iban = $country . sprintf('%02d', 98 - mod97("$account${country}00")) . $account;
		$iban =~ s/(....)(?=.)/$1 /g if rand() < 0.3;
		return $iban;
	},
	lei => sub { my $body = digits(4) . '00' . alnums(12); return $body . sprintf '%02d', 98 - mod97("${body}00") },
	email => sub {
		my $domain = pick('163.com', 'qq.com', 'gmail.com', 'mail.example.cn', 'firm-' . int(rand 5000) . '.com.cn', 'example.de');
		$domain = '例子.公司' if rand() < 0.01;
		return lc(letters(1 + rand 6)) . pick('.', '_', '', '') . lc(letters(3)) . int(rand 9999) . '@' . $domain;
	},
	phone => sub {
		my $mobile = '1' . pick(map({ "3$_" } 0 .. 9), map({ "5$_" } 0 .. 3), map({ "8$_" } 0 .. 9)) . digits(8);
		my $number = pick($mobile, $mobile, $mobile, $mobile, $mobile, $mobile, $mobile,
			pick('010', '021', '020') . '-' . int(2 + rand 7) . digits(7), '+44 20 7' . digits(3) . ' ' . digits(4), '+1 212-' . int(2 + rand 7) . digits(2) . '-' . digits(4));
		return $number if $number !~ /^1/;
		return pick($number, $number, $number, $number, "+86$number", '+86 ' . $number =~ s/^(...)(....)/$1 $2 /r, $number =~ s/^(...)(....)/$1-$2-/r);
	},
	vat_id => sub {
		# Germany: ISO 7064 MOD 11,10; Luxembourg: modulo 89; Belgium: modulo 97
		my $which = pick('DE', 'DE', 'LU', 'BE');
		if ($which eq 'LU') { my $body = 100000 + int rand 900000; return sprintf 'LU%06d%02d', $body, $body % 89 }
		if ($which eq 'BE') { my $body = '0' . (2 + int rand 8) . digits(6); return "BE$body" . sprintf '%02d', 97 - $body % 97 }
		my $body = (1 + int rand 9) . digits(7);
		my $product = 10;
		$product = 2 * (($_ + $product) % 10 || 10) % 11 foreach split //, $body;
		return "DE$body" . (11 - $product) % 10;
	},
	isbn => sub {
		my $body = '978' . digits(9);
		my $sum = 0;
		$sum += substr($body, $_, 1) * ($_ % 2 ? 3 : 1) foreach 0 .. 11;
		return $body . (10 - $sum % 10) % 10;
	});

sub spoilt
{
	my ($value) = @_;
	my $at = 1 + int rand(length($value) - 2);

	return substr $value, 0, $at if rand() < 0.3;
	return substr($value, 0, $at) . pick(0 .. 9) . substr($value, $at + 1) if rand() < 0.7;
	return substr($value, 0, $at) . pick('?', 'o', ' ', '。') . substr($value, $at);
}

my $make = $make{$kind} or die "no values of kind $kind\n";
foreach my $n (1 .. $rows)
{
	my $value = $make->();
	$value = spoilt($value) if $n % 20 == 0 && $kind ne 'isbn';
	print "$value\n";
}
