# crmaudit needs no preload, works with each kind of it, and can be taken off
# where its library is gone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('no_preload');

sub works
{
	my ($db, $n) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, <<'SQL');
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('customer', roles => '{"mail":"email"}', packs => '{contact}');
SQL
	# A new session: the first write loads the library, unless it is loaded.
	refuses($node, $db, "INSERT INTO customer VALUES (1, 'bad')", qr/violates rule "email_valid"/, "$n: bad row");
	stores($node, $db, "INSERT INTO customer VALUES (1, 'wang.wei\@163.com')", "$n: good row");
	stores($node, $db, "SET crmaudit.mode = observe; INSERT INTO customer VALUES (2, 'bad')", "$n: setting before the first write");
	query_is($node, $db, 'SELECT count(*) FROM crmaudit.open_findings', '1', "$n: finding");
	# TRUNCATE of a partition is what a session does first, and all it does.
	$node->safe_psql($db, <<'SQL');
CREATE TABLE visit (kind text, id int, note text, PRIMARY KEY (kind, id)) PARTITION BY LIST (kind);
CREATE TABLE visit_a PARTITION OF visit FOR VALUES IN ('a');
CREATE TABLE visit_b PARTITION OF visit FOR VALUES IN ('b');
SELECT crmaudit.protect('visit', mode => 'observe', history => false);
SELECT crmaudit.add_rule('visit', 'note_filled', 'required', '{note}');
INSERT INTO visit VALUES ('a', 1, NULL), ('b', 1, NULL);
SELECT crmaudit.rebase_scores('visit');
SQL
	stores($node, $db, 'TRUNCATE visit_b', "$n: TRUNCATE of a partition");
	query_is($node, $db, "SELECT rows, stale, (SELECT string_agg(row_key::text, ' ') FROM crmaudit.open_findings WHERE target = 'visit'::regclass)
		FROM crmaudit.live_table_score('visit')", '1|f|{"id": 1, "kind": "a"}', "$n: scores and findings follow");
	$node->safe_psql($db, 'DROP TABLE visit');
	return;
}

works('plain', 'no preload');

# Settings of roles and databases hold from the first write, also where the
# library is not loaded when the session begins.
$node->safe_psql('plain', 'ALTER DATABASE plain SET crmaudit.mode = off');
stores($node, 'plain', "INSERT INTO customer VALUES (3, 'bad')", 'mode of the database');
query_is($node, 'plain', 'SELECT count(*) FROM crmaudit.open_findings', '1', 'is in force without preload');
$node->safe_psql('plain', 'ALTER DATABASE plain RESET crmaudit.mode');

# An ordinary user cannot switch the gate off, whether the library is loaded
# when he tries or comes later.
$node->safe_psql('plain', 'CREATE ROLE clerk LOGIN; GRANT ALL ON customer TO clerk');
my @clerk = (extra_params => [ '-U', 'clerk' ]);
refuses($node, 'plain', "INSERT INTO customer VALUES (4, 'li.na\@163.com'); SET crmaudit.mode = off",
	qr/permission denied to set parameter "crmaudit\.mode"/, 'clerk sets the mode', @clerk);
refuses($node, 'plain', "SET crmaudit.mode = off; INSERT INTO customer VALUES (5, 'bad')",
	qr/permission denied to set parameter "crmaudit\.mode"[\s\S]*violates rule "email_valid"/, 'clerk sets the mode before the library is loaded', @clerk);
{
	local $ENV{PGOPTIONS} = '-c crmaudit.mode=off';
	refuses($node, 'plain', "INSERT INTO customer VALUES (5, 'bad')", qr/violates rule "email_valid"/, 'clerk connects with the mode', @clerk);
}

# A setting that does not exist is refused once the library is loaded, and
# dropped with a warning if it was made before.
refuses($node, 'plain', "SELECT crmaudit.is_valid('email', 'x'); SET crmaudit.mdoe = off",
	qr/invalid configuration parameter name "crmaudit\.mdoe"/, 'misspelt setting');
my (undef, undef, $stderr) = $node->psql('plain', "SET crmaudit.mdoe = off; SELECT crmaudit.is_valid('email', 'x'); SHOW crmaudit.mdoe");
like($stderr, qr/WARNING:  invalid configuration parameter name "crmaudit\.mdoe", removing it/, 'misspelt setting before the library is loaded');

foreach my $how ('session', 'shared')
{
	$node->append_conf('postgresql.conf', "${how}_preload_libraries = 'crmaudit'");
	$node->restart;
	works($how, "${how}_preload_libraries");
	# Where it is preloaded a misspelt setting is refused at once.
	refuses($node, 'postgres', 'SET crmaudit.mdoe = off', qr/invalid configuration parameter name/, "${how}_preload_libraries: misspelt setting");
	# Databases without the extension do not notice.
	stores($node, 'postgres', 'CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1); DROP TABLE t', "${how}_preload_libraries: database without the extension");
	$node->append_conf('postgresql.conf', "${how}_preload_libraries = ''");
}
$node->append_conf('postgresql.conf', "crmaudit.mdoe = off\nshared_preload_libraries = 'crmaudit'");
$node->restart;
stores($node, 'plain', 'SELECT 1', 'a misspelt setting in postgresql.conf does not stop the server');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;

# The library is missing: every write to a protected table fails and says what
# is missing; reading does not.  The library's name is changed in the catalog,
# as if the file were gone.
$node->safe_psql('plain', 'CREATE ROLE crm_owner LOGIN; ALTER TABLE customer OWNER TO crm_owner');
$node->safe_psql('plain', q{UPDATE pg_proc SET probin = '$libdir/crmaudit_gone' WHERE probin = '$libdir/crmaudit'});
my @owner = (extra_params => [ '-U', 'crm_owner' ]);
refuses($node, 'plain', "INSERT INTO customer VALUES (6, 'li.na\@163.com')",
	qr/could not access file "\$libdir\/crmaudit_gone"/, 'library is missing', @owner);
query_is($node, 'plain', 'SELECT count(*) FROM customer WHERE id = 1', '1', 'reading goes on');
# How to detach: the table's owner needs neither the library nor a superuser.
stores($node, 'plain', <<'SQL', 'the owner detaches the table', @owner);
ALTER TABLE customer DISABLE TRIGGER zz_crmaudit_gate;
ALTER TABLE customer DISABLE TRIGGER zz_crmaudit_stored;
ALTER TABLE customer DISABLE TRIGGER zz_crmaudit_truncate;
ALTER TABLE customer DISABLE TRIGGER zz_crmaudit_truncated;
ALTER TABLE customer DISABLE TRIGGER zz_crmaudit_ledger;
ALTER TABLE customer DISABLE TRIGGER zz_crmaudit_ledger_truncate;
INSERT INTO customer VALUES (6, 'bad');
SQL
# The library is back.
$node->safe_psql('plain', q{UPDATE pg_proc SET probin = '$libdir/crmaudit' WHERE probin = '$libdir/crmaudit_gone'});
stores($node, 'plain', <<'SQL', 'and attaches it again', @owner);
ALTER TABLE customer ENABLE ALWAYS TRIGGER zz_crmaudit_gate;
ALTER TABLE customer ENABLE ALWAYS TRIGGER zz_crmaudit_stored;
ALTER TABLE customer ENABLE ALWAYS TRIGGER zz_crmaudit_truncate;
ALTER TABLE customer ENABLE ALWAYS TRIGGER zz_crmaudit_truncated;
ALTER TABLE customer ENABLE ALWAYS TRIGGER zz_crmaudit_ledger;
ALTER TABLE customer ENABLE ALWAYS TRIGGER zz_crmaudit_ledger_truncate;
SQL
refuses($node, 'plain', "INSERT INTO customer VALUES (7, 'bad')", qr/violates rule "email_valid"/, 'the gate is back', @owner);
# For good: without the library, DROP TRIGGER, or DROP EXTENSION with CASCADE.
$node->safe_psql('plain', q{UPDATE pg_proc SET probin = '$libdir/crmaudit_gone' WHERE probin = '$libdir/crmaudit'});
stores($node, 'plain', 'DROP TRIGGER zz_crmaudit_gate ON customer; DROP TRIGGER zz_crmaudit_stored ON customer; DROP TRIGGER zz_crmaudit_ledger ON customer; DROP TRIGGER zz_crmaudit_ledger_truncate ON customer', 'the owner drops the triggers', @owner);
stores($node, 'plain', 'DROP EXTENSION crmaudit CASCADE', 'the extension is dropped without its library');
stores($node, 'plain', "INSERT INTO customer VALUES (8, 'bad'); TRUNCATE customer", 'the table is free');

done_testing();
