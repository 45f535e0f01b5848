# The kind matches_table through postgres_fdw: another system's table, on
# another server, is read once, with the rights of the table's owner.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $crm = start_node('crm');
my $erp = start_node('erp');

if ($crm->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'}) eq '0')
{
	plan skip_all => 'postgres_fdw is not installed';
}

$erp->safe_psql('postgres', <<'SQL');
CREATE TABLE account (id bigint PRIMARY KEY, number text, phone text, email text, opened timestamp);
INSERT INTO account SELECT i, 'C' || i, '+86138' || lpad(i::text, 8, '0'), 'c' || i || '@example.cn', '2026-01-01' FROM generate_series(1, 2000) i;
UPDATE account SET email = upper(email) WHERE id = 7;
UPDATE account SET phone = '+8613900000000', opened = '2026-01-02' WHERE id = 8;
UPDATE account SET phone = '', email = NULL WHERE id = 9;
DELETE FROM account WHERE id = 10;
INSERT INTO account VALUES (3000, 'C3000', NULL, NULL, NULL);
CREATE ROLE reader LOGIN;
GRANT SELECT ON account TO reader;
SQL

my ($host, $port) = ($erp->host, $erp->port);
$crm->safe_psql('postgres', <<"SQL");
CREATE EXTENSION crmaudit;
CREATE EXTENSION postgres_fdw;
CREATE ROLE crm_owner;
GRANT CREATE ON SCHEMA public TO crm_owner;
CREATE SERVER erp FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
CREATE USER MAPPING FOR crm_owner SERVER erp OPTIONS (user 'reader', password_required 'false');
CREATE SCHEMA erp;
GRANT USAGE ON SCHEMA erp TO crm_owner;
CREATE FOREIGN TABLE erp.account (id bigint, number text, phone text, email text, opened timestamp) SERVER erp OPTIONS (schema_name 'public', table_name 'account');
GRANT SELECT ON erp.account TO crm_owner;
CREATE TABLE customer (customer_no text PRIMARY KEY, mobile text, mail text, since date);
INSERT INTO customer SELECT 'C' || i, '138' || lpad(i::text, 8, '0'), 'c' || i || '\@example.cn', '2026-01-01' FROM generate_series(1, 2000) i;
UPDATE customer SET mobile = NULL, mail = '' WHERE customer_no = 'C9';
ALTER TABLE customer OWNER TO crm_owner;
SELECT crmaudit.protect('customer', mode => 'observe');
SELECT crmaudit.add_rule('customer', 'same_in_erp', 'matches_table', '{}', '{"table": "erp.account", "key": {"customer_no": "number"},
	"columns": {"mobile": "phone", "mail": "email", "since": "opened"}, "types": {"mobile": "phone"}, "region": "CN"}');
CREATE FUNCTION found(role name) RETURNS TABLE (customer text, reason text, column_name text) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS \$\$
DECLARE
	query text := crmaudit.rule_query('public.customer', 'same_in_erp');
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	RETURN QUERY EXECUTE format('SELECT coalesce(q.row_key ->> ''customer_no'', (SELECT c.customer_no FROM public.customer c WHERE c.ctid = q.ctid)), q.reason, q.column_name FROM (%s) q ORDER BY 1', query);
END \$\$;
SQL

# The superuser has no user mapping: only the owner can read the other server.
my $differences = <<'DIFFERENCES';
C10|missing_in_table|customer_no
C3000|missing_here|customer_no
C7|differs_from_table|mail
C8|differs_from_table|since, mobile
DIFFERENCES
chomp $differences;
query_is($crm, 'postgres', q{SELECT * FROM found('crm_owner')}, $differences,
	'values that differ and rows that are missing on either side are found, as the owner');
refuses($crm, 'postgres', q{SELECT * FROM found('postgres')}, qr/user mapping not found/, 'the mapping is the owner\'s');

# A row that does not count is not missing; one for which the condition does
# not hold is not compared.
$crm->safe_psql('postgres', <<'SQL');
SELECT crmaudit.alter_rule('customer', 'same_in_erp', condition => 'customer_no <> ''C8''');
SQL
query_is($crm, 'postgres', q{SELECT string_agg(customer, ',' ORDER BY customer) FROM found('crm_owner')}, 'C10,C3000,C7', 'the condition limits what is compared');

# One scan of the other server, although two joins read it.
my $plan = $crm->safe_psql('postgres', <<'SQL');
SELECT 'EXPLAIN (COSTS OFF) ' || crmaudit.rule_query('customer', 'same_in_erp') \gexec
SQL
is(scalar(() = $plan =~ /Foreign Scan/g), 1, 'the foreign table is scanned once') or diag($plan);

# The other server repairs, and is asked again.
$erp->safe_psql('postgres', <<'SQL');
UPDATE account SET email = lower(email) WHERE id = 7;
DELETE FROM account WHERE id = 3000;
INSERT INTO account VALUES (10, 'C10', '13800000010', 'c10@example.cn', '2026-01-01');
SQL
query_is($crm, 'postgres', q{SELECT count(*) FROM found('crm_owner')}, '0', 'nothing is left');

# Definitions are checked against the foreign table.
refuses($crm, 'postgres', q{SELECT crmaudit.add_rule('customer', 'r', 'matches_table', '{}', '{"table": "erp.account", "key": {"customer_no": "no"}, "columns": {}}')},
	qr/column "no" of relation "account" does not exist/, 'an unknown column there');

# The other server away: an error that says so, and the table is written still.
$erp->stop;
refuses($crm, 'postgres', q{SELECT * FROM found('crm_owner')}, qr/could not connect to server "erp"/, 'without the other server');
stores($crm, 'postgres', q{INSERT INTO customer VALUES ('C2001', NULL, NULL, NULL)}, 'rows are written while the other server is away');
query_is($crm, 'postgres', q{SELECT count(*) FROM crmaudit.rule_status WHERE state LIKE 'broken%'}, '0', 'no rule is broken by it');

done_testing();
