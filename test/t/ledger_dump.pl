# The ledger through pg_dump and restore: entries, blocks and settings are what
# they were, whatever the way; the restored database records, seals, erases and
# prunes on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('ledger_dump');
my $tmp = "$PostgreSQL::Test::Utils::tmp_check/ledger";

# Columns that move or hide in a dump, partitions, a dropped table, entries of
# old months in partitions of their own and in the default one, sealed and
# not, redacted and pruned.
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE SCHEMA crm;
CREATE TABLE crm.customer (junk int, id int PRIMARY KEY, name text, tel text, mail text);
ALTER TABLE crm.customer DROP COLUMN junk;
INSERT INTO crm.customer VALUES (1, 'Wang', '13912345678', 'wang@163.com'), (2, 'Li', '13987654321', NULL);
SELECT crmaudit.track('crm.customer', exclude => '{mail}', personal => '{tel}');
SELECT crmaudit.require_reason('crm.customer');
SET crmaudit.reason = 'ticket 1';
SET crmaudit.actor = 'chen@crm';
ALTER TABLE crm.customer RENAME tel TO phone;
UPDATE crm.customer SET name = 'Wang Wei', phone = '13900000000' WHERE id = 1;
CREATE TABLE crm."Visit" ("Day" date, id text, PRIMARY KEY ("Day", id)) PARTITION BY RANGE ("Day");
CREATE TABLE crm.visit_2026 (id text NOT NULL, "Day" date NOT NULL);
ALTER TABLE crm."Visit" ATTACH PARTITION crm.visit_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT crmaudit.track('crm."Visit"');
INSERT INTO crm."Visit" VALUES ('2026-06-06', E'a\tb\\');
SELECT crmaudit.seal();
CREATE TABLE crm.gone (id int PRIMARY KEY);
SELECT crmaudit.track('crm.gone');
INSERT INTO crm.gone VALUES (1);
DROP TABLE crm.gone;
INSERT INTO crmaudit.retention VALUES ('rejection', '90 days');

-- months of 2020
SELECT crmaudit.create_ledger_partition(p, '2020-03-01') FROM (VALUES ('crmaudit.ledger_entry'::regclass), ('crmaudit.ledger_context')) AS t(p);
CREATE FUNCTION plant(at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	c crmaudit.ledger_context;
	e crmaudit.ledger_entry;
BEGIN
	c := row(crmaudit.ledger_incarnation(), pg_current_xact_id(), at, 1, 'planter', 'u', 'u', NULL, NULL, NULL, '');
	c.leaf := crmaudit.ledger_context_leaf(c);
	INSERT INTO crmaudit.ledger_context SELECT c.*;
	e.incarnation := c.incarnation; e.xid := c.xid; e.at := at; e.context_xid := c.xid; e.table_id := 0; e.target := 0; e.ord := 1; e.context := 1;
	e.op := 'S'; e.new := '{"action": "plant"}'; e.actor := 'planter'; e.leaf := '';
	e.leaf := crmaudit.ledger_leaf(e, c);
	INSERT INTO crmaudit.ledger_entry SELECT e.*;
END $$;
SELECT plant('2020-01-15');
SELECT plant('2020-02-15');
SELECT plant('2020-03-15');
DROP FUNCTION plant;
SELECT crmaudit.seal();
SELECT period FROM crmaudit.prune_ledger('2020-02-01', crmaudit.ledger_digest());
SELECT crmaudit.redact('crm.customer', '{"id": 1}', '{phone}', 'request 1');
SELECT crmaudit.seal();
INSERT INTO crm.customer VALUES (3, 'Zhao', '13911111111', 'z@qq.com');
SQL
my $life = $node->safe_psql('source', 'SELECT crmaudit.ledger_incarnation() >> 24');
my $digest = $node->safe_psql('source', 'SELECT crmaudit.ledger_digest()');

# What must be the same. A dropped table is named by a number.
my $state = <<"SQL";
SELECT 'entry', tableoid::regclass, e FROM crmaudit.ledger_entry e WHERE incarnation >> 24 = $life;
SELECT 'context', tableoid::regclass, c FROM crmaudit.ledger_context c WHERE incarnation >> 24 = $life;
SELECT 'block', b FROM crmaudit.ledger_block b WHERE incarnation >> 24 = $life AND snapshot IS NOT NULL;
SELECT 'part', p FROM crmaudit.ledger_block_partition p WHERE block_id IN (SELECT block_id FROM crmaudit.ledger_block WHERE incarnation >> 24 = $life AND snapshot IS NOT NULL);
SELECT 'life', i FROM crmaudit.ledger_incarnation i WHERE incarnation >> 24 = $life;
SELECT 'pruned', p FROM crmaudit.ledger_pruned p;
SELECT 'retention', r FROM crmaudit.retention r;
SELECT 'table', table_id, target, name, key, hashed_key, exclude, personal, require_reason, tracked, baselined_at, tracked_at FROM crmaudit.tracked_table WHERE NOT builtin;
SELECT 'trigger', tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgname LIKE 'zz\\_crmaudit\\_ledger%' OR tgname LIKE 'ledger\\_guard%';
SELECT 'bound', oid::regclass, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relpartbound IS NOT NULL AND relkind = 'r';
SELECT 'index', indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text LIKE 'crmaudit.ledger%';
SQL

sub state
{
	return join("\n", sort split /\n/, $node->safe_psql($_[0], $state));
}

my $source_state = state('source');

like($source_state, qr/ledger_entry_202003.*plant/, 'a month in a partition of its own');
like($source_state, qr/ledger_entry_default.*plant/, 'a month in the default partition');
unlike($source_state, qr/2020-01-15/, 'a month was pruned');

# Every entry has the hash that it ought to have.
sub verifies
{
	my ($db, $name) = @_;

	query_is($node, $db, <<'SQL', '0', "$name: hashes of entries and contexts");
SELECT count(*) FROM crmaudit.ledger_entry e LEFT JOIN crmaudit.ledger_context c ON c.incarnation >> 24 = e.incarnation >> 24 AND c.xid = e.context_xid AND c.context = e.context
	WHERE (e.leaf = crmaudit.ledger_leaf(e, c) AND c.leaf = crmaudit.ledger_context_leaf(c)) IS NOT TRUE
SQL
	query_is($node, $db, 'SELECT * FROM crmaudit.verify_ledger()', '', "$name: the ledger verifies")
	  if $node->safe_psql($db, "SELECT count(*) FROM pg_proc WHERE proname = 'verify_ledger'") > 0;
	return;
}

# All that is promised about a restored ledger.
sub works
{
	my ($db, $name) = @_;

	same_text(state($db), $source_state, "$name: the ledger is what it was");
	verifies($db, $name);
	query_is($node, $db, "SELECT crmaudit.ledger_incarnation() >> 24 = $life", 'f', "$name: a new life of the database");

	# It goes on: writes are recorded, and sealed behind the old blocks.
	refuses($node, $db, "UPDATE crm.customer SET name = 'x'", qr/a change of relation "customer" needs a reason/, "$name: settings are in force");
	stores($node, $db, q{SET crmaudit.reason = 'r'; UPDATE crm.customer SET name = 'Wu', phone = '13922222222', mail = 'w@qq.com' WHERE id = 3;
		INSERT INTO crm.visit_2026 VALUES ('c', '2026-07-07')}, "$name: writes");
	query_is($node, $db, "SELECT op, old, new FROM crmaudit.ledger_entry WHERE incarnation >> 24 <> $life AND row_key = '{\"id\": 3}'",
		'U|{"name": "Zhao", "phone": "13911111111"}|{"name": "Wu", "phone": "13922222222"}', "$name: which are recorded");
	query_is($node, $db, "SELECT count(*) FROM crmaudit.ledger_entry WHERE incarnation >> 24 <> $life AND row_key = '{\"Day\": \"2026-07-07\", \"id\": \"c\"}'",
		'1', "$name: in partitions too");
	my $head = $node->safe_psql('source', 'SELECT max(block_id) FROM crmaudit.ledger_block');
	query_is($node, $db, 'SELECT crmaudit.seal()', $head + 2, "$name: sealed behind a block that closes the old life");
	query_is($node, $db, <<"SQL", 't|t', "$name: and linked to it");
SELECT i.previous_hash = b.hash, b.snapshot IS NULL AND b.previous_hash = (SELECT hash FROM crmaudit.ledger_block WHERE block_id = $head)
FROM crmaudit.ledger_incarnation i JOIN crmaudit.ledger_block b ON b.block_id = i.first_block - 1 WHERE i.incarnation >> 24 <> $life
SQL
	verifies($db, "$name, sealed");

	# It is guarded, erased from and pruned as before.
	refuses($node, $db, 'TRUNCATE crmaudit.ledger_entry_202003', qr/TRUNCATE of relation "ledger_entry_202003" is refused/, "$name: guard");
	refuses($node, $db, 'DELETE FROM crmaudit.ledger_entry', qr/DELETE of relation "ledger_entry_\w+" is refused/, "$name: guard of rows");
	query_is($node, $db, 'SELECT count(*) FROM crmaudit.ledger_guard_faults()', '0', "$name: no guard is missing");
	query_is($node, $db, "SELECT count(*) FROM crmaudit.maintain()", '0', "$name: no chore is left");
	query_is($node, $db, q{SELECT crmaudit.redact('crm.customer', '{"id": 2}', '{phone}', 'request 2')}, '1', "$name: erases what was recorded before");
	query_is($node, $db, q{SELECT crmaudit.redact('crm.customer', '{"id": 3}', '{phone}', 'request 3')}, '2', "$name: and what was not sealed then");
	query_is($node, $db, "SELECT period, entries FROM crmaudit.prune_ledger('2020-06-01', '$digest')", "2020-02-01|1\n2020-03-01|1", "$name: prunes");
	verifies($db, "$name, pruned");
	# ids go on
	stores($node, $db, "CREATE TABLE crm.later (id int PRIMARY KEY); SELECT crmaudit.track('crm.later')", "$name: another table");
	query_is($node, $db, 'SELECT max(table_id) - (SELECT max(table_id) FROM crmaudit.tracked_table WHERE name LIKE \'%gone\') FROM crmaudit.tracked_table', '1', "$name: has the next id");
	return;
}

my $restored = 0;

sub fresh
{
	my $db = 'restored' . ++$restored;

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	return $db;
}

sub restore
{
	my ($db, @options) = @_;

	$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr($db), @options, "${tmp}_custom" ], "pg_restore @options");
	return;
}

$node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-f', "${tmp}_plain.sql" ], 'plain dump');
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('source'), '-f', "${tmp}_custom" ], 'custom dump');

my $db = fresh();
$node->command_ok([ 'psql', '-qXo', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db), '-f', "${tmp}_plain.sql" ], 'plain restore');
works($db, 'plain');

$db = fresh();
restore($db);
works($db, 'custom');

# Over a ledger that is there: only who says so. (pg_restore --clean cannot drop
# the primary key of a partition, so that there is none.)
$node->safe_psql('postgres', 'CREATE DATABASE small');
$node->safe_psql('small', 'CREATE EXTENSION crmaudit; CREATE TABLE t (id int PRIMARY KEY); SELECT crmaudit.track(\'t\'); INSERT INTO t VALUES (1)');
$node->safe_psql('small', 'SELECT crmaudit.seal()');
my $entries = $node->safe_psql('small', q{SELECT format('SELECT e FROM crmaudit.ledger_entry e WHERE incarnation = %s ORDER BY xid, ord', crmaudit.ledger_incarnation())});
my $small = $node->safe_psql('small', $entries);
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('small'), '-f', "${tmp}_small" ], 'small dump');
my @clean = ('pg_restore', '-e', '-1', '--clean', '--if-exists', '-d', $node->connstr('small'), "${tmp}_small");
$node->command_fails_like(\@clean, qr/the ledger cannot be dropped while it holds entries/, 'pg_restore --clean does not drop a ledger');
{
	local $ENV{PGOPTIONS} = '-c crmaudit.drop_ledger=on';
	$node->command_ok(\@clean, 'unless crmaudit.drop_ledger is on');
}
query_is($node, 'small', $entries, $small, 'cleaned: the ledger is what it was');
stores($node, 'small', 'SELECT crmaudit.seal()', 'cleaned: sealed');
verifies('small', 'cleaned');

$db = fresh();
restore($db, '-j2');
works($db, 'two jobs');

# Rows that come when the triggers stand already are recorded; before the row of
# tracked_table is there, they are not.
$db = fresh();
restore($db, '--schema-only');
{
	local $ENV{PGOPTIONS} = '-c crmaudit.reason=restore';
	restore($db, '--data-only');
}
works($db, 'schema, then data');

# A dump of a restored database that nobody wrote to since.
$db = fresh();
restore($db);
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr($db), '-f', "${tmp}_custom" ], 'dump of the restored database');
my $second = fresh();
restore($second);
same_text(state($second), $source_state, 'restored twice: the ledger is what it was');
stores($node, $second, 'SELECT crmaudit.seal()', 'restored twice: sealed');
verifies($second, 'restored twice');

# A template takes the ledger along.
$node->safe_psql('postgres', 'CREATE DATABASE child TEMPLATE source');
works('child', 'template');

done_testing();
