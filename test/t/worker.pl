# The background worker: where it works, whom it lets pass, what it survives.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('worker', allows_streaming => 1);
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'crmaudit'
crmaudit.seal_interval = 200ms
crmaudit.discovery_interval = 1s
max_prepared_transactions = 4
restart_after_crash = on
CONF
$node->start;

# What the worker says of a database.
sub status
{
	my ($what, $db) = @_;

	return "SELECT $what FROM crmaudit.worker_status() WHERE database = '$db'";
}

sub poll
{
	my ($sql, $name, $db) = @_;

	ok($node->poll_query_until($db // 'postgres', $sql), $name);
	return;
}

# How long something takes, in seconds.
sub seconds
{
	my ($action) = @_;
	my $begin = time;

	$action->();
	return time - $begin;
}

my $setup = <<'SQL';
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('customer');
SELECT crmaudit.add_rule('customer', 'mail_filled', 'required', '{mail}');
SQL
my $bad = 'INSERT INTO customer VALUES (1, NULL)';

# Writing a rejection makes the worker wait, or fail.
my $slow = <<'SQL';
CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
CREATE TRIGGER disturb AFTER INSERT ON crmaudit.rejection EXECUTE FUNCTION disturb();
SQL
my $failing = $slow =~ s/PERFORM pg_sleep\(60\)/RAISE EXCEPTION ''disturbed''/r;

sub slow_worker
{
	my ($db) = @_;

	$node->psql($db, $bad);
	poll(qq{SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = '$db' AND backend_type = 'crmaudit worker'
		AND application_name = 'crmaudit worker' AND wait_event = 'PgSleep'}, "a worker takes long in $db");
	return;
}

# The launcher is connected to no database.
$node->safe_psql('postgres', $setup);
poll('SELECT crmaudit.worker_pid() IS NOT NULL', 'the launcher runs');
query_is($node, 'postgres', q{SELECT backend_type, datname FROM pg_stat_activity WHERE pid = crmaudit.worker_pid()}, 'crmaudit launcher|', 'and has a name, but no database');

# A database is found after CREATE EXTENSION, and left alone without it.
poll(status('has_extension AND last_seal IS NOT NULL AND last_maintain IS NOT NULL AND failures = 0', 'postgres'), 'the extension is found');
$node->safe_psql('postgres', 'CREATE DATABASE later');
poll(status('NOT has_extension AND last_run IS NOT NULL', 'later'), 'a database without it is looked at');
$node->safe_psql('later', $setup);
poll(status('has_extension AND last_seal IS NOT NULL', 'later'), 'and found later');
query_is($node, 'postgres', 'SELECT string_agg(database, \',\' ORDER BY database) FROM crmaudit.worker_status()', 'later,postgres', 'templates are not looked at');

# An idle database costs no process; a transaction that writes is worth one.
poll(status("last_run < clock_timestamp() - interval '1 s'", 'later'), 'an idle database is not visited');
my $last_run = $node->safe_psql('postgres', status('last_run', 'later'));
$node->safe_psql('later', 'SELECT count(*) FROM customer');
sleep(1);
query_is($node, 'postgres', status('last_run', 'later'), $last_run, 'nor one that is read');
$node->safe_psql('later', "INSERT INTO customer VALUES (2, 'x')");
poll(status("last_run > '$last_run' AND last_seal > '$last_run'", 'later'), 'one that is written is');

# The ledger is sealed: what is committed becomes a block soon, and its digest
# is handed on.
my $sealed = 'SELECT coalesce(max(b.entries_total), 0) = (SELECT count(*) FROM crmaudit.ledger_entry) FROM crmaudit.ledger_block b';
my $digests = $node->data_dir . '/digests';
$node->safe_psql('postgres', "ALTER SYSTEM SET crmaudit.digest_command = 'cat >> $digests'");
$node->reload;
$node->safe_psql('later', "SELECT crmaudit.track('customer'); INSERT INTO customer VALUES (20, 'x'); UPDATE customer SET mail = 'y' WHERE id = 20");
query_is($node, 'later', 'SELECT count(*) >= 3 FROM crmaudit.ledger_entry', 't', 'there are entries');
poll($sealed, 'which are sealed', 'later');
my ($block, $hash) = split /\|/, $node->safe_psql('later', "SELECT block_id, encode(hash, 'hex') FROM crmaudit.ledger_block ORDER BY block_id DESC LIMIT 1");
foreach (1 .. 100)
{
	last if -e $digests && slurp_file($digests) =~ /$hash/;
	sleep(0.1);
}
like(slurp_file($digests), qr/"block": $block,.*"$hash"|"$hash".*"block": $block,/, 'the command gets the digest');
# One that fails is told, and does not hold up sealing.
$node->safe_psql('postgres', "ALTER SYSTEM SET crmaudit.digest_command = 'exit 3'");
$node->reload;
$node->safe_psql('later', "INSERT INTO customer VALUES (21, 'x')");
$node->wait_for_log(qr/WARNING:  crmaudit\.digest_command failed\n.*DETAIL:  child process exited with exit code 3/);
poll($sealed, 'what was written is sealed', 'later');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET crmaudit.digest_command');
$node->reload;

# While a transaction is prepared, the worker comes again and again, for its
# end marks nothing.
$node->safe_psql('later', "BEGIN; INSERT INTO customer VALUES (3, 'x'); PREPARE TRANSACTION 'p'");
sleep(1);
poll(status("last_run > clock_timestamp() - interval '500 ms'", 'later'), 'visited while a transaction is prepared');
$node->safe_psql('later', "COMMIT PREPARED 'p'");
poll(status("last_run < clock_timestamp() - interval '1 s'", 'later'), 'and not much longer');
query_is($node, 'later', $sealed, 't', 'when all is sealed');

# An error in one database: others go on, the log has it once, nothing is lost.
$node->safe_psql('later', $failing);
$node->psql('later', $bad);
my $offset = -s $node->logfile;
poll(status(q{failures > 2 AND last_error = 'P0001: disturbed' AND last_error_at IS NOT NULL AND rejections_waiting = 1}, 'later'), 'an error is told');
$node->psql('postgres', $bad);
poll('SELECT count(*) = 1 FROM crmaudit.rejection', 'another database goes on');
is(() = slurp_file($node->logfile) =~ /ERROR:  disturbed/g, 1, 'the log has the error once');
$node->safe_psql('later', 'DROP TRIGGER disturb ON crmaudit.rejection; DROP FUNCTION disturb()');
poll('SELECT count(*) = 1 FROM crmaudit.rejection', 'what waited is written', 'later');
poll(status('failures = 0 AND last_error IS NULL AND rejections_waiting = 0 AND rejections_written = 1', 'later'), 'and all is well again');

# A worker that takes long is in nobody's way.
$node->safe_psql('later', $slow);
slow_worker('later');
cmp_ok(seconds(sub { stores($node, 'postgres', 'CREATE DATABASE copy TEMPLATE later', 'a database is copied') }), '<', 5, 'in time');
slow_worker('later');
cmp_ok(seconds(sub { stores($node, 'postgres', 'ALTER DATABASE later RENAME TO renamed', 'a database is renamed') }), '<', 5, 'in time');
poll(status('failures > 0 AND last_error IS NOT NULL', 'renamed'), 'the worker was ended');
is($node->safe_psql('postgres', status('last_error', 'renamed')), 'the worker was ended, or could not connect', 'which its status tells');
slow_worker('renamed');
cmp_ok(seconds(sub { stores($node, 'postgres', 'DROP DATABASE renamed', 'a database is dropped') }), '<', 5, 'in time');
slow_worker('copy');
cmp_ok(seconds(sub { stores($node, 'postgres', 'DROP DATABASE copy WITH (FORCE)', 'another with force') }), '<', 5, 'in time');
poll('SELECT count(*) = 1 FROM crmaudit.worker_status()', 'neither is looked after');
# Where no worker takes long, nobody waits.
$node->safe_psql('postgres', 'CREATE DATABASE short');
$node->safe_psql('short', $setup);
stores($node, 'postgres', 'DROP DATABASE short', 'a database is dropped at once');

# DROP EXTENSION, and that it comes again.
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->safe_psql('again', $setup);
poll(status('has_extension', 'again'), 'the extension is found');
$node->safe_psql('again', 'SET crmaudit.drop_ledger = on; DROP EXTENSION crmaudit CASCADE; DROP TABLE customer');
poll(status('NOT has_extension AND failures = 0', 'again'), 'and missed');
$node->safe_psql('again', $setup);
poll(status('has_extension', 'again'), 'and found again');

# Settings of a database do not disturb.
$node->safe_psql('postgres', 'CREATE ROLE clerk');
$node->safe_psql('postgres', "ALTER DATABASE again SET $_")
  foreach "search_path = public", "default_transaction_read_only = on", "default_transaction_isolation = serializable", "role = clerk", "statement_timeout = 1";
$node->psql('again', "SET ROLE NONE; SET statement_timeout = 0; SET default_transaction_read_only = off; $bad");
poll(status('rejections_written = 1 AND failures = 0', 'again'), 'settings of the database do not matter');
$node->safe_psql('postgres', 'ALTER DATABASE again RESET ALL');

# Which databases: a reload is enough.
refuses($node, 'postgres', q{ALTER SYSTEM SET crmaudit.databases = 'a b'}, qr/invalid value for parameter "crmaudit.databases": "a b"\nDETAIL:  It is not a list of names, separated by commas\./, 'no list of names');
$node->safe_psql('postgres', 'ALTER SYSTEM SET crmaudit.databases = again, missing');
$node->reload;
poll("SELECT string_agg(database, ',') = 'again' FROM crmaudit.worker_status()", 'one database is chosen');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET crmaudit.databases');
$node->reload;
poll("SELECT count(*) = 2 FROM crmaudit.worker_status()", 'and all again');
# Nothing is sealed while the interval is 0.
$node->safe_psql('postgres', 'ALTER SYSTEM SET crmaudit.seal_interval = 0');
$node->reload;
sleep(1);
my $last_seal = $node->safe_psql('postgres', status('last_seal', 'postgres'));
$node->safe_psql('postgres', "INSERT INTO customer VALUES (4, 'x')");
sleep(1);
query_is($node, 'postgres', status('last_seal', 'postgres'), $last_seal, 'nothing is sealed with an interval of 0');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET crmaudit.seal_interval');
$node->reload;
poll(status("last_seal > '$last_seal'", 'postgres'), 'and again with another');

# It leaves alone what a dump is restored into, until it is there.
my $dump = $node->data_dir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
my $digest = $node->safe_psql('postgres', 'SELECT crmaudit.ledger_digest()');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
foreach my $section ('pre-data', 'data', 'post-data')
{
	$node->command_ok([ 'pg_restore', '-e', "--section=$section", '-d', $node->connstr('restored'), $dump ], "pg_restore --section=$section");
	my $now = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
	poll(status("has_extension AND last_run > '$now'", 'restored'), "a worker has come after $section") if $section ne 'post-data';
}
$node->safe_psql('restored', "INSERT INTO customer VALUES (30, 'x')");
poll($sealed, 'then the ledger is sealed', 'restored');
query_is($node, 'restored', "SELECT count(*) FROM crmaudit.verify_ledger('$digest')", '0', 'and intact');
$node->safe_psql('postgres', 'DROP DATABASE restored');
poll("SELECT count(*) = 2 FROM crmaudit.worker_status()", 'it is forgotten');

# The launcher comes back, also after a crash of a worker, which restarts all.
my $pid = $node->safe_psql('postgres', 'SELECT crmaudit.worker_pid()');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
poll("SELECT crmaudit.worker_pid() <> $pid", 'the launcher comes back');
$node->safe_psql('again', $slow);
slow_worker('again');
$pid = $node->safe_psql('postgres', status('pid', 'again'));
kill('KILL', $pid);
$node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)");
poll('SELECT crmaudit.worker_pid() IS NOT NULL', 'the launcher comes back after a crash');
poll(status('has_extension AND last_seal IS NOT NULL', 'postgres'), 'and looks after the databases');

# A standby has no worker until it is promoted.
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
query_is($standby, 'postgres', 'SELECT crmaudit.worker_pid(), count(*) FROM crmaudit.worker_status()', '|0', 'a standby has no worker');
$standby->promote;
ok($standby->poll_query_until('postgres', status('last_seal IS NOT NULL', 'postgres')), 'one that is promoted has');
# Fast shutdown while a worker takes long.
$standby->psql('again', $bad);
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'again' AND wait_event = 'PgSleep'}), 'a worker takes long');
cmp_ok(seconds(sub { $standby->stop('fast') }), '<', 5, 'a fast shutdown is fast');

# Besides the launcher, and that of logical replication, no process is left:
# the log tells, and the server goes on.
$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$node->restart;
$node->wait_for_log(qr/WARNING:  could not start a crmaudit worker/);
stores($node, 'postgres', "INSERT INTO customer VALUES (5, 'x')", 'the server goes on');

done_testing();
