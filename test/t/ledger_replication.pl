# The ledger on both sides of logical replication, and on a physical standby
# that is promoted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = new_node('publisher', allows_streaming => 'logical');
$publisher->start;
my $subscriber = start_node('subscriber');

# What the ledger of a node says of the CRM's tables; builtin tables have ids
# up to 100.
my $entries = q{SELECT op, row_key, coalesce(old, '{}'), coalesce(new, '{}') FROM crmaudit.ledger_entry
	WHERE table_id > 100 AND op <> 'S' ORDER BY at, xid, ord};

sub verifies
{
	my ($node, $name) = @_;

	query_is($node, 'postgres', 'SELECT * FROM crmaudit.verify_ledger()', '', "$name: the ledger verifies");
	return;
}

# Logical replication ------------------------------------------------------------------

foreach my $node ($publisher, $subscriber)
{
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE SCHEMA crm;
CREATE TABLE crm.customer (id int PRIMARY KEY, mail text, status text);
CREATE TABLE crm.visit (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE crm.visit_q1 PARTITION OF crm.visit FOR VALUES FROM ('2026-01-01') TO ('2026-04-01');
CREATE TABLE crm.visit_q2 PARTITION OF crm.visit FOR VALUES FROM ('2026-04-01') TO ('2026-07-01');
SELECT crmaudit.track('crm.customer');
SELECT crmaudit.track('crm.visit');
SQL
}
# The subscriber keeps its own rows beside what comes.
$subscriber->safe_psql('postgres', "INSERT INTO crm.customer VALUES (1000, 'own\@163.com', 'own')");

$publisher->safe_psql('postgres', <<'SQL');
INSERT INTO crm.customer VALUES (1, 'wang.wei@163.com', 'lead'), (2, 'li.na@163.com', NULL);
INSERT INTO crm.visit VALUES (1, '2026-01-15', 'first');
CREATE PUBLICATION crm FOR TABLES IN SCHEMA crm;
SQL
my $connstr = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION crm CONNECTION '$connstr' PUBLICATION crm");
$subscriber->wait_for_subscription_sync($publisher, 'crm');
query_is($subscriber, 'postgres', q{SELECT op, row_key FROM crmaudit.ledger_entry WHERE table_id > 100 AND op <> 'S' ORDER BY op, row_key},
	qq(I|{"id": 1}\nI|{"id": 2}\nI|{"id": 1000}\nI|{"id": 1, "day": "2026-01-15"}), 'the initial copy is recorded');

# Inserts, updates, a change of the key, a move between partitions, deletes,
# a transaction that is rolled back, a savepoint, a reason.
$publisher->safe_psql('postgres', <<'SQL');
SET crmaudit.actor = 'clerk';
SET crmaudit.reason = 'call of the customer';
INSERT INTO crm.customer VALUES (3, 'zhang.min@163.com', 'lead');
UPDATE crm.customer SET status = 'customer' WHERE id = 1;
UPDATE crm.customer SET id = 4 WHERE id = 2;
UPDATE crm.visit SET day = '2026-04-15' WHERE id = 1;
UPDATE crm.visit SET note = 'moved' WHERE id = 1;
BEGIN;
INSERT INTO crm.customer VALUES (5, 'never@163.com', 'lead');
ROLLBACK;
BEGIN;
SAVEPOINT a;
INSERT INTO crm.customer VALUES (6, 'never@163.com', 'lead');
ROLLBACK TO a;
INSERT INTO crm.customer VALUES (7, 'chen.jing@163.com', 'lead');
DELETE FROM crm.customer WHERE id = 3;
COMMIT;
TRUNCATE crm.visit_q1;
SQL
$publisher->wait_for_catchup('crm');
verifies($publisher, 'publisher');
verifies($subscriber, 'subscriber');

# What the apply worker wrote, in the order in which it was committed there.
my $applied = $subscriber->safe_psql('postgres', "SELECT * FROM ($entries) e OFFSET 4");
my $written = $publisher->safe_psql('postgres', "SELECT * FROM ($entries) e OFFSET 3");
is($applied, $written, 'the subscriber records what the apply worker writes as the publisher did');
like($written, qr/U\|\{"id": 1\}\|\{"status": "lead"\}\|\{"status": "customer"\}/, 'the publisher records what changed');

# Who: on the publisher the actor, on the subscriber the subscription's owner,
# a process without client.
query_is($publisher, 'postgres', q{SELECT DISTINCT actor, reason FROM crmaudit.ledger_entry WHERE op = 'U' AND table_id > 100}, 'clerk|call of the customer',
	'publisher: actor and reason');
query_is($subscriber, 'postgres', q{SELECT DISTINCT e.actor = session_user, e.reason IS NULL, e.client IS NULL, c.application_name
	FROM crmaudit.ledger_entry e JOIN crmaudit.ledger_context c ON c.incarnation = e.incarnation AND c.xid = e.context_xid AND c.context = e.context
	WHERE e.op = 'U' AND e.table_id > 100},
	't|t|t|', 'subscriber: the owner of the subscription');

foreach my $node ($publisher, $subscriber)
{
	my $name = $node->name;

	query_is($node, 'postgres', 'SELECT crmaudit.seal() IS NOT NULL', 't', "$name: seals");
	verifies($node, "$name, sealed");
}
# A change on the subscriber itself, then one of the publisher to the same row.
$subscriber->safe_psql('postgres', "UPDATE crm.customer SET status = 'local' WHERE id = 7");
$publisher->safe_psql('postgres', "UPDATE crm.customer SET status = 'closed' WHERE id = 7");
$publisher->wait_for_catchup('crm');
query_is($subscriber, 'postgres', q{SELECT op, old ->> 'status', new ->> 'status' FROM crmaudit.ledger_entry WHERE row_key = '{"id": 7}' ORDER BY at},
	"I||lead\nU|lead|local\nU|local|closed", 'changes of both sides are told apart');
verifies($subscriber, 'subscriber, later');
# A trigger that the apply worker does not see would be a gap.
$subscriber->safe_psql('postgres', 'ALTER TABLE crm.customer ENABLE TRIGGER zz_crmaudit_ledger');
like($subscriber->safe_psql('postgres', 'SELECT DISTINCT status FROM crmaudit.verify_ledger()'), qr/COVERAGE_GAP/, 'a trigger of the origin only is a gap');
$subscriber->stop;

# A physical standby -------------------------------------------------------------------

$publisher->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($publisher, 'base', has_streaming => 1);
$standby->start;
$publisher->safe_psql('postgres', "INSERT INTO crm.customer VALUES (20, 'zhao.lei\@163.com', 'lead')");
$publisher->wait_for_catchup($standby);
verifies($standby, 'standby, tail not sealed');
$publisher->safe_psql('postgres', 'SELECT crmaudit.seal()');
$publisher->safe_psql('postgres', "UPDATE crm.customer SET status = 'customer' WHERE id = 20");
$publisher->wait_for_catchup($standby);
verifies($standby, 'standby');
my $digest = $publisher->safe_psql('postgres', 'SELECT crmaudit.ledger_digest()');
query_is($standby, 'postgres', "SELECT * FROM crmaudit.verify_ledger('$digest')", '', 'standby: holds the digest of the primary');
query_is($standby, 'postgres', q{SELECT count(*) FROM crmaudit.row_history('crm.customer', '{"id": 20}')}, '2', 'standby: the history of a row');
refuses($standby, 'postgres', 'SELECT crmaudit.seal()', qr/ERROR: .*(recovery|read-only|standby)/, 'standby: nothing is sealed');

my $blocks = $publisher->safe_psql('postgres', 'SELECT count(*) FROM crmaudit.ledger_block');

# Promotion: a new timeline is a new incarnation, linked to the head before; ids
# of transactions go on.
$publisher->stop;
$standby->promote;
verifies($standby, 'promoted');
stores($standby, 'postgres', "INSERT INTO crm.customer VALUES (30, 'wu.qiang\@163.com', 'lead')", 'promoted: writes');
verifies($standby, 'promoted, written');
query_is($standby, 'postgres', 'SELECT crmaudit.seal() IS NOT NULL', 't', 'promoted: seals');
verifies($standby, 'promoted, sealed');
query_is($standby, 'postgres', "SELECT * FROM crmaudit.verify_ledger('$digest')", '', 'promoted: the digest from before still holds');
query_is($standby, 'postgres', 'SELECT count(DISTINCT incarnation), count(DISTINCT incarnation >> 24), count(*) FROM crmaudit.ledger_incarnation', '2|1|2',
	'promoted: a new incarnation of the same domain');
query_is($standby, 'postgres', 'SELECT (SELECT count(*) FROM crmaudit.ledger_entry) - (SELECT sum(entries) FROM crmaudit.ledger_block)', '0',
	'promoted: every entry is in one block, what was written before too');
query_is($standby, 'postgres', "SELECT i.previous_hash = b.hash FROM crmaudit.ledger_incarnation i JOIN crmaudit.ledger_block b ON b.block_id = i.first_block - 1
	WHERE i.first_block > $blocks ORDER BY i.first_block LIMIT 1", 't', 'promoted: the incarnation is linked to the head before');

done_testing();
