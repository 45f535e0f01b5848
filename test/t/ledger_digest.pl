# Digests leave the database when their block is committed, and not before; a
# sink that fails gives a warning. A ledger that was restored or copied goes on,
# linked to what it was.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $check = "$FindBin::RealBin/../../tools/ledger-check";
my $node = new_node('digest', allows_streaming => 1);

$node->append_conf('postgresql.conf', 'max_prepared_transactions = 4');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, name text);
SELECT crmaudit.track('customer');
SELECT crmaudit.seal();
SQL

# Sinks of all who seal: the server's configuration alone has them.
refuses($node, 'postgres', "LOAD 'crmaudit'; SET crmaudit.digest_log = on", qr/parameter "crmaudit.digest_log" cannot be changed now/, 'no setting of a session');
refuses($node, 'postgres', "LOAD 'crmaudit'; ALTER SYSTEM SET crmaudit.digest_file = 'relative'", qr/The path must be absolute/, 'a relative path');
$node->append_conf('postgresql.conf', <<"CONF");
crmaudit.digest_log = on
crmaudit.digest_file = '$dir/digests'
crmaudit.digest_notify = on
CONF
$node->reload;

sub seal_after
{
	my ($sql, %params) = @_;
	my ($rc, $stdout, $stderr) = $node->psql('postgres', "$sql; SELECT crmaudit.seal()", %params);

	is($rc, 0, "seals after: $sql");
	return ($stdout, $stderr);
}

my $log = -s $node->logfile;
my ($stdout) = seal_after("LISTEN crmaudit; INSERT INTO customer VALUES (1, 'one')");
my $digest = $node->safe_psql('postgres', 'SELECT crmaudit.ledger_digest()');
is(slurp_file("$dir/digests"), "$digest\n", 'the file has the digest');
like(slurp_file($node->logfile, $log), qr/LOG:  digest of the ledger: \Q$digest\E\n/, 'the log has the digest');
like($stdout, qr/Asynchronous notification "crmaudit" with payload "\Q$digest\E"/, 'listeners have the digest');
is((stat "$dir/digests")[2] & 0777, 0600, 'the file is the server\'s own');

# A line for each block, and none where nothing was sealed, or it was undone.
seal_after('SELECT 1');
$node->safe_psql('postgres', <<'SQL');
INSERT INTO customer VALUES (2, 'two');
BEGIN;
SELECT crmaudit.seal();
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT crmaudit.seal();
ROLLBACK TO s;
COMMIT;
SQL
is(slurp_file("$dir/digests"), "$digest\n", 'no digest of what was rolled back');
seal_after('SELECT 2');
my @lines = split /^/, slurp_file("$dir/digests");
is(scalar @lines, 2, 'a line for each block');
append_to_file("$dir/chain", $node->safe_psql('postgres', 'SELECT crmaudit.export_chain()') . "\n");
command_like([ $check, "$dir/chain", "$dir/digests" ], qr/digest of block 2: matches\ndigest of block 3: matches\n/, 'the file checks the chain');

# A sink that fails breaks nothing.
$node->append_conf('postgresql.conf', "crmaudit.digest_file = '$dir/missing/digests'");
$node->reload;
my (undef, $stderr) = seal_after("INSERT INTO customer VALUES (3, 'three')");
like($stderr, qr/WARNING:  could not append the digest of the ledger to file ".*missing\/digests": No such file or directory\nDETAIL:  The block is sealed/, 'a file that cannot be written');
query_is($node, 'postgres', 'SELECT max(block_id) FROM crmaudit.ledger_block', '4', 'the block is sealed');
$node->append_conf('postgresql.conf', "crmaudit.digest_file = '/dev/full'");
$node->reload;
(undef, $stderr) = seal_after("INSERT INTO customer VALUES (4, 'four')");
like($stderr, qr/No space left on device/, 'a disk that is full');
$node->append_conf('postgresql.conf', "crmaudit.digest_file = ''");
$node->reload;

# A kill between commit and seal loses nothing; prepared transactions survive it
# and are sealed when they commit.
$node->safe_psql('postgres', <<'SQL');
BEGIN;
INSERT INTO customer VALUES (5, 'prepared');
PREPARE TRANSACTION 'p';
INSERT INTO customer VALUES (6, 'killed');
SQL
$node->stop('immediate');
$node->start;
query_is($node, 'postgres', 'SELECT crmaudit.seal()', '6', 'sealed after a crash');
query_is($node, 'postgres', 'SELECT entries FROM crmaudit.ledger_block WHERE block_id = 6', '1', 'what was committed');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
query_is($node, 'postgres', 'SELECT crmaudit.seal()', '7', 'sealed when it is committed');
query_is($node, 'postgres', 'SELECT entries FROM crmaudit.ledger_block WHERE block_id = 7', '1', 'what was prepared');

# Ids of transactions go on beyond 32 bits.
$node->stop;
command_ok([ 'pg_resetwal', '-f', '-e', '3', $node->data_dir ], 'another epoch');
$node->start;
$node->safe_psql('postgres', <<'SQL');
BEGIN;
INSERT INTO customer VALUES (30, 'prepared');
PREPARE TRANSACTION 'p';
INSERT INTO customer VALUES (31, 'beyond');
SELECT crmaudit.seal();
COMMIT PREPARED 'p';
SELECT crmaudit.seal();
SQL
query_is($node, 'postgres', "SELECT block_id, entries, snapshot::text ~ '^1288490\\d{4,}:' FROM crmaudit.ledger_block WHERE block_id > 7 ORDER BY 1", "8|1|t\n9|1|t", 'ids of 64 bits');
query_is($node, 'postgres', "SELECT crmaudit.block_of(incarnation, xid) FROM crmaudit.ledger_entry WHERE row_key ->> 'id' IN ('30', '31') ORDER BY row_key", "9\n8", 'blocks of ids of 64 bits');

# The whole ledger as a file.
sub export_all
{
	my ($name, $db) = @_;

	append_to_file("$dir/$name", $node->safe_psql($db, 'SELECT crmaudit.export_block(block_id) FROM crmaudit.ledger_block ORDER BY block_id') . "\n");
	return "$dir/$name";
}

# Restored from a dump, and copied: entries that no block held are closed under
# their old name, and the chain goes on.
$node->safe_psql('postgres', "INSERT INTO customer VALUES (7, 'not sealed')");
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok([ 'sh', '-c', 'pg_dump -d "$0" | psql -Xq -v ON_ERROR_STOP=1 -d "$1" >/dev/null', $node->connstr('postgres'), $node->connstr('restored') ], 'dump and restore');
$node->safe_psql('template1', 'CREATE DATABASE copied TEMPLATE postgres');
for my $db ('restored', 'copied')
{
	$node->safe_psql($db, "INSERT INTO customer VALUES (8, '$db')");
	query_is($node, $db, 'SELECT crmaudit.seal()', '11', "$db: sealed");
	query_is($node, $db, <<'SQL', "9|f|t|t\n10|t|t|t\n11|f|t|f", "$db: what is old is closed, what is new is apart");
SELECT block_id, snapshot IS NULL, entries > 0, incarnation >> 24 = (SELECT incarnation >> 24 FROM crmaudit.ledger_block WHERE block_id = 1)
FROM crmaudit.ledger_block WHERE block_id >= 9 ORDER BY 1
SQL
	query_is($node, $db, 'SELECT entries FROM crmaudit.ledger_block WHERE block_id = 10', '1', "$db: what was not sealed");
	query_is($node, $db, 'SELECT crmaudit.seal()', '', "$db: nothing is left");
	query_is($node, $db, "SELECT first_block, ledger = 'crmaudit.ledger_entry'::regclass FROM crmaudit.ledger_incarnation ORDER BY 1", "1|f\n11|t", "$db: a new life")
	  if $db eq 'restored';
	command_like([ $check, export_all($db, $db), "$dir/digests" ], qr/(block \d+: intact.*\n){11}chain: 11 blocks, from 1 to 11\ndigest of block 2: matches/, "$db: intact, and continues the blocks of before");
	query_is($node, $db, "SELECT crmaudit.ledger_proof(xid, ord, incarnation) #>> '{block,block}' FROM crmaudit.ledger_entry WHERE new ->> 'name' = 'not sealed'", '10', "$db: an entry of before is proved");
}
# Where they came from goes on as before.
query_is($node, 'postgres', 'SELECT crmaudit.seal()', '10', 'the original goes on');

# A standby reads, and does not seal; promoted, it is another life of the same domain.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
refuses($standby, 'postgres', 'SELECT crmaudit.seal()', qr/cannot execute crmaudit.seal\(\) in a read-only transaction/, 'a standby');
is($standby->safe_psql('postgres', 'SELECT crmaudit.ledger_digest()'), $node->safe_psql('postgres', 'SELECT crmaudit.ledger_digest()'), 'a standby gives digests');
$standby->promote;
$standby->safe_psql('postgres', "INSERT INTO customer VALUES (20, 'promoted')");
query_is($standby, 'postgres', 'SELECT crmaudit.seal()', '11', 'promoted: sealed');
query_is($standby, 'postgres', 'SELECT incarnation & 16777215, first_block FROM crmaudit.ledger_incarnation ORDER BY 2', "1|1\n2|11", 'promoted: another timeline');
query_is($standby, 'postgres', 'SELECT count(DISTINCT incarnation >> 24), count(*) FILTER (WHERE snapshot IS NULL) FROM crmaudit.ledger_block', '1|0', 'promoted: the same domain');

done_testing();
