# The extension goes and comes: DROP EXTENSION, DROP OWNED, dropped tables, and
# a template database that has it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('drop_extension');
my $create = <<'SQL';
CREATE TABLE customer (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('customer', roles => '{"mail":"email"}', packs => '{contact}');
SELECT crmaudit.add_rule('customer', 'mail_long', 'length', '{mail}', '{"min":3,"timing":"commit"}');
SET crmaudit.mode = observe;
INSERT INTO customer VALUES (1, 'bad');
SQL
$node->safe_psql('postgres', "CREATE EXTENSION crmaudit; $create");

# A session that holds compiled rules goes on when the extension is gone.
my ($in, $out, $err) = ('', '', '');
my $session = IPC::Run::start([ 'psql', '-qXAt', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err);
sub session_says
{
	my ($sql, $expected, $name) = @_;

	($out, $err, $in) = ('', '', "$sql;\n\\echo end\n");
	$session->pump until $out =~ /end\n/;
	like("$out$err", $expected, $name);
	return;
}
session_says("INSERT INTO customer VALUES (2, 'bad')", qr/violates rule "email_valid"/, 'session with compiled rules');

# Triggers depend on the extension: a table is not left half protected.
refuses($node, 'postgres', 'DROP EXTENSION crmaudit',
	qr/cannot drop extension crmaudit because other objects depend on it[\s\S]*trigger zz_crmaudit_gate on table customer/, 'DROP EXTENSION');
# The ledger has entries by now: it does not go by the way.
refuses($node, 'postgres', 'DROP EXTENSION crmaudit CASCADE', qr/the ledger cannot be dropped while it holds entries/, 'DROP EXTENSION CASCADE alone');
stores($node, 'postgres', 'SET crmaudit.drop_ledger = on; DROP EXTENSION crmaudit CASCADE', 'DROP EXTENSION CASCADE');
query_is($node, 'postgres', "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%crmaudit%'", '0', 'takes the triggers along');
query_is($node, 'postgres', "SELECT count(*) FROM pg_namespace WHERE nspname = 'crmaudit'", '0', 'and the schema');
query_is($node, 'postgres', 'SELECT count(*) FROM pg_event_trigger', '0', 'and the event triggers');
session_says("INSERT INTO customer VALUES (2, 'bad')", qr/^end$/, 'the session writes without rules');
session_says('ALTER TABLE customer RENAME COLUMN mail TO post; ALTER TABLE customer RENAME COLUMN post TO mail', qr/^end$/, 'and alters');

# Made again, it starts empty, in the old session too.
stores($node, 'postgres', 'DROP TABLE customer', 'drop the table');
stores($node, 'postgres', "CREATE EXTENSION crmaudit; $create", 'CREATE EXTENSION again');
query_is($node, 'postgres', 'SELECT count(*) FROM crmaudit.finding', '1', 'findings are those of now');
session_says("INSERT INTO customer VALUES (2, 'bad')", qr/violates rule "email_valid"/, 'the old session compiles the new rules');
session_says("SET crmaudit.mode = observe; INSERT INTO customer VALUES (2, 'bad'); SELECT status FROM crmaudit.finding", qr/^open\nopen\nend$/, 'and records findings');
$session->finish;

# In one transaction, rolled back: all is as before.
stores($node, 'postgres', 'SET crmaudit.drop_ledger = on; BEGIN; DROP EXTENSION crmaudit CASCADE; ROLLBACK', 'DROP EXTENSION rolled back');
refuses($node, 'postgres', "INSERT INTO customer VALUES (3, 'bad')", qr/violates rule "email_valid"/, 'the gate still stands');

# A stranger's schema of that name is not taken over.
$node->safe_psql('postgres', 'CREATE DATABASE strange');
refuses($node, 'strange', 'CREATE SCHEMA crmaudit; CREATE EXTENSION crmaudit', qr/schema "crmaudit" already exists/, 'a schema crmaudit of somebody else');

# A template with the extension and a protected table gives databases that work.
$node->safe_psql('postgres', 'CREATE DATABASE child TEMPLATE postgres');
refuses($node, 'child', "INSERT INTO customer VALUES (3, 'bad')", qr/violates rule "email_valid"/, 'database made from a template');
stores($node, 'child', "UPDATE customer SET mail = 'wang.wei\@163.com' WHERE id = 1", 'repair there');
query_is($node, 'child', 'SELECT status FROM crmaudit.finding WHERE row_key = \'{"id":1}\'', 'resolved', 'finding of the template is resolved there');
query_is($node, 'postgres', 'SELECT status FROM crmaudit.finding WHERE row_key = \'{"id":1}\'', 'open', 'and only there');

# A dropped table takes its rules along and closes its findings; what is left
# in the history names no table by a number that another may get.
$node->safe_psql('child', <<'SQL');
CREATE TABLE gone (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('gone', mode => 'observe');
SELECT crmaudit.add_rule('gone', 'filled', 'required', '{mail}');
INSERT INTO gone VALUES (1, NULL);
DROP TABLE gone;
SQL
query_is($node, 'child', "SELECT (SELECT count(*) FROM crmaudit.rule WHERE name = 'filled'), (SELECT count(*) FROM crmaudit.protected_table WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = target))",
	'0|0', 'dropped table: no rules are left');
query_is($node, 'child', "SELECT count(*) FROM crmaudit.open_findings WHERE rule = 'filled'", '0', 'dropped table: no finding is left open');
query_is($node, 'child', "SELECT dropped_at IS NOT NULL, target, definition ->> 'table' FROM crmaudit.rule_version WHERE name = 'filled'", 't|-|public.gone', 'dropped table: the history of its rules says so');

query_is($node, 'child', "SELECT count(*) FROM crmaudit.finding_event WHERE target <> 0 AND NOT EXISTS (SELECT FROM pg_class WHERE oid = target)", '0',
	'dropped table: no event names it by number');

# DROP OWNED of a role with tables under protection, and with a duty.
$node->safe_psql('child', <<'SQL');
CREATE ROLE crm_owner;
CREATE ROLE steward;
CREATE SCHEMA crm AUTHORIZATION crm_owner;
CREATE TABLE crm.contact (id int PRIMARY KEY, mail text);
ALTER TABLE crm.contact OWNER TO crm_owner;
SELECT crmaudit.protect('crm.contact');
SELECT crmaudit.add_rule('crm.contact', 'filled', 'required', '{mail}');
SELECT crmaudit.grant_duty('steward', 'steward');
SQL
stores($node, 'child', 'DROP OWNED BY crm_owner; DROP ROLE crm_owner', 'DROP OWNED of the owner of a protected table');
query_is($node, 'child', "SELECT count(*) FROM crmaudit.rule WHERE name = 'filled'", '0', 'its rules are gone');
stores($node, 'child', 'DROP OWNED BY steward; DROP ROLE steward', 'DROP OWNED of a role with a duty');
refuses($node, 'child', "INSERT INTO customer VALUES (3, 'bad')", qr/violates rule "email_valid"/, 'the other tables are still protected');

# Dropping a protected table in a database whose extension goes with it.
stores($node, 'child', 'SET crmaudit.drop_ledger = on; DROP TABLE customer; DROP EXTENSION crmaudit', 'without protected tables DROP EXTENSION needs no CASCADE');

done_testing();
