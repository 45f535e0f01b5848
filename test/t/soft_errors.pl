# Input of the identifier types gives errors that the caller may save, so that
# pg_input_is_valid() and COPY ... ON_ERROR work.  PostgreSQL has them since 16.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('soft_errors');

plan skip_all => 'errors are saved from PostgreSQL 16 on'
  if $node->safe_psql('postgres', 'SHOW server_version_num') < 160000;

$node->safe_psql('postgres', 'CREATE EXTENSION crmaudit');
my %examples = (
	bank_card => [ '4111 1111 1111 1111', '4111111111111112' ],
	email => [ 'a@example.com', 'a.example.com' ],
	iban => [ 'GB82WEST12345698765432', 'GB82WEST12345698765431' ],
	lei => [ '5493001KJTIIGC8Y1R12', '5493001KJTIIGC8Y1R13' ],
	phone => [ '+8613800138000', '13800138000' ],
	resident_id => [ '11010519491231002X', '110105194912310021' ],
	uscc => [ '91350100M000100Y43', '91350100M000100Y44' ],
	vat_id => [ 'ATU13585627', 'ATU13585628' ]);

foreach my $type (sort keys %examples)
{
	my ($good, $bad) = @{ $examples{$type} };

	query_is($node, 'postgres', "SELECT pg_input_is_valid('$good', 'crmaudit.$type'), pg_input_is_valid('$bad', 'crmaudit.$type')", 't|f', "$type: is the input valid?");
	query_is($node, 'postgres', "SELECT message, sql_error_code FROM pg_input_error_info('$bad', 'crmaudit.$type')", "invalid input syntax for type $type|22P02", "$type: the error");
}

done_testing();
