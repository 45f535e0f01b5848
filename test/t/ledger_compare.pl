# Tables against the ledger where several sessions, servers or databases take
# part: a table that is altered meanwhile, a standby, a dump that is restored.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('ledger_live', allows_streaming => 1);
$node->start;
my $found = "SELECT target, row_key, detail FROM crmaudit.verify_live() ORDER BY 1, 2";

$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE SCHEMA crm;
CREATE TABLE crm.customer (junk int, id int PRIMARY KEY, name text, amount numeric, kind regclass, data jsonb);
ALTER TABLE crm.customer DROP COLUMN junk;
INSERT INTO crm.customer SELECT i, 'name ' || i, i * 1.50, 'crm.customer', jsonb_build_object('a', i) FROM generate_series(1, 100) i;
SELECT crmaudit.track('crm.customer');
CREATE TABLE crm.visit (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE crm.visit_2026 PARTITION OF crm.visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT crmaudit.track('crm.visit');
INSERT INTO crm.visit SELECT i, '2026-01-01'::date + i, 'note' FROM generate_series(1, 100) i;
UPDATE crm.customer SET name = 'changed', data = '{"b": [1.50]}' WHERE id < 20;
DELETE FROM crm.customer WHERE id BETWEEN 20 AND 30;
UPDATE crm.visit SET day = day + 1 WHERE id = 7;
CREATE TABLE crm.setting (target regclass PRIMARY KEY, value text);
SELECT crmaudit.track('crm.setting');
INSERT INTO crm.setting VALUES ('crm.customer', 'x'), ('crm.visit', 'y');
SQL
query_is($node, 'source', $found, '', 'all is as recorded');

# Sessions ------------------------------------------------------------------------------

# In a snapshot from before the command of another session.
sub meanwhile
{
	my ($sql, $expected, $name) = @_;
	my $other = 'psql -X -q -h ' . $node->host . ' -p ' . $node->port . ' -d source -c "SET lock_timeout = 5000" -c';

	query_is($node, 'source', <<"SQL", $expected, $name);
BEGIN ISOLATION LEVEL REPEATABLE READ;
\\o /dev/null
SELECT count(*) FROM pg_class;
\\o
\\! $other "$sql" >/dev/null 2>&1
SELECT status, target, row_key, detail FROM crmaudit.verify_live() ORDER BY 2, 3;
COMMIT;
SQL
	query_is($node, 'source', $found, '', "$name: and not afterwards");
	return;
}

meanwhile("UPDATE crm.customer SET name = 'x' WHERE id = 1; INSERT INTO crm.visit VALUES (1, '2026-12-12')", '',
	'a write of another session is seen in both or in neither');
meanwhile('TRUNCATE crm.visit', 'INCOMPLETE|crm.visit||relation "visit_2026" was emptied or rewritten meanwhile, and was not compared',
	'a table emptied meanwhile');
my $changed = 'INCOMPLETE|crm.customer||the table or its tracking was changed meanwhile, and it was not compared';
meanwhile("ALTER TABLE crm.customer ADD COLUMN city text DEFAULT 'Wuhan'", $changed, 'a column added meanwhile');
meanwhile('ALTER TABLE crm.customer RENAME name TO full_name', $changed, 'a column renamed meanwhile');
meanwhile("SELECT crmaudit.track('crm.customer', exclude => '{city}')", $changed, 'a column excluded meanwhile');
meanwhile('CREATE TABLE crm.visit_2027 PARTITION OF crm.visit FOR VALUES FROM (\'2027-01-01\') TO (\'2028-01-01\')',
	'INCOMPLETE|crm.visit||the table or its tracking was changed meanwhile, and it was not compared', 'a partition that came meanwhile');
$node->safe_psql('source', "INSERT INTO crm.visit VALUES (1, '2027-01-01')");
meanwhile('DROP TABLE crm.visit_2027', 'INCOMPLETE|crm.visit||the table or its tracking was changed meanwhile, and it was not compared',
	'a partition that went meanwhile');
meanwhile('DROP TABLE crm.setting', 'INCOMPLETE|' . $node->safe_psql('source', "SELECT 'crm.setting'::regclass::oid") . '||the table does not exist any more',
	'a table dropped meanwhile');

# Standby -------------------------------------------------------------------------------

$node->safe_psql('source', <<'SQL');
CREATE TABLE crm.setting (target regclass PRIMARY KEY, value text);
SELECT crmaudit.track('crm.setting');
INSERT INTO crm.setting VALUES ('crm.customer', 'x'), ('crm.visit', 'y');
INSERT INTO crm.visit SELECT i, '2026-01-01'::date + i, 'note' FROM generate_series(1, 100) i;
SQL
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
query_is($standby, 'source', $found, '', 'a standby: as recorded');
my $past = <<'SQL';
ALTER TABLE crm.customer DISABLE TRIGGER zz_crmaudit_ledger;
UPDATE crm.customer SET amount = 0 WHERE id = 50;
ALTER TABLE crm.customer ENABLE ALWAYS TRIGGER zz_crmaudit_ledger;
SQL
$node->safe_psql('source', $past);
$node->wait_for_catchup($standby);
my $forged = 'crm.customer|{"id": 50}|columns differ from the last recorded image: amount';
query_is($standby, 'source', $found, $forged, 'a standby finds what was written past the trigger');
$standby->stop;
$node->safe_psql('source', 'UPDATE crm.customer SET amount = 1 WHERE id = 50');

# Dump and restore ----------------------------------------------------------------------

my $dump = $node->basedir . '/source.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('source') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE target');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('target'), $dump ], 'pg_restore');
query_is($node, 'target', 'SELECT count(DISTINCT incarnation) > 0 FROM crmaudit.ledger_entry', 't', 'the ledger came with the dump');
query_is($node, 'target', $found, '', 'a restored database is as recorded');
$node->safe_psql('target', $past);
query_is($node, 'target', $found, $forged, 'and what is written past the trigger is found');
$node->safe_psql('target', <<'SQL');
UPDATE crm.customer SET amount = 2, kind = 'crm.visit' WHERE id = 50;
INSERT INTO crm.visit VALUES (1000, '2026-05-05');
UPDATE crm.setting SET value = 'z';
SQL
query_is($node, 'target', $found, '', 'entries of both databases go together');
$node->safe_psql('target', $past =~ s/amount = 0/kind = 'pg_class'/r);
query_is($node, 'target', $found, $forged =~ s/amount/kind/r, 'an OID counts from its first entry here');

done_testing();
