# A list of values is found whatever order the database's collation gives the
# lists' names.  Skipped where PostgreSQL was built without ICU.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('collation');

my $has_icu =
  $node->safe_psql('postgres', "SELECT count(*) > 0 FROM pg_collation WHERE collname = 'en-x-icu'");
if ($has_icu ne 't' || $node->pg_version < 15)
{
	$node->stop;
	plan skip_all => 'no database with an ICU collation can be made';
}

$node->safe_psql('postgres',
	"CREATE DATABASE icu TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en'");
$node->safe_psql('icu', <<'END');
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, city text);
SELECT crmaudit.protect('customer');
INSERT INTO crmaudit.value_list (list, value)
	SELECT list, 'city ' || i FROM unnest('{Zoo,apple,Beta,_x,city}'::text[]) list, generate_series(1, 400) i;
SELECT crmaudit.add_rule('customer', 'in_' || list, 'in_list', '{city}', jsonb_build_object('list', list))
	FROM unnest('{Zoo,apple,Beta,_x,city}'::text[]) list;
END

stores($node, 'icu', "INSERT INTO customer VALUES (1, 'city 7')", 'a value is found in every list');
refuses($node, 'icu', "INSERT INTO customer VALUES (2, 'no city')", qr/ and 4 more/, 'others in none');

$node->stop;
done_testing();
