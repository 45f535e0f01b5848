# Sixteen clients write what a CRM writes and worse, while blocks are sealed and
# the ledger is verified: not one false alarm, and every change is recorded
# once, as counted by others.  "make soak" runs it with a million transactions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $transactions = $ENV{TRANSACTIONS} || 200_000;
my $clients = 16;
my $two_phase_clients = 2;    # of the sixteen
my $seconds_between_checks = 3;
my $dir = "$FindBin::RealBin/../soak";

# What a transaction does, and how many of 5,000 do so.
my %mix = (
	insert => 700, update => 1400, delete => 400, upsert => 700, visits => 300, move => 300,
	rows => 200, savepoints => 400, rollback => 300, contexts => 299, long => 1);
my %two_phase_mix = (prepared_commit => 3, prepared_rollback => 1);

my $node = new_node('ledger_soak');
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'crmaudit'
crmaudit.databases = 'postgres'
crmaudit.seal_interval = '1s'
crmaudit.discovery_interval = 1
shared_buffers = 256MB
max_wal_size = 4GB
synchronous_commit = off
log_statement = none
max_prepared_transactions = 20
max_connections = 40
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION crmaudit');
$node->safe_psql('postgres', slurp_file("$dir/schema.sql"));
ok($node->poll_query_until('postgres', 'SELECT count(*) > 0 FROM crmaudit.ledger_block'), 'the worker seals');

# pgbench with COUNT clients that share TRANSACTIONS, and a mix of scripts.
sub start_clients
{
	my ($count, $share, $protocol, %scripts) = @_;
	my @files = map { ('-f', "$dir/mix/$_.sql\@$scripts{$_}") } sort keys %scripts;
	my %run = (expected => $count * int($share / $count), out => '');

	$run{harness} = IPC::Run::start(
		[ 'pgbench', '-n', '-M', $protocol, '-c', $count, '-j', 1, '-t', int($share / $count), '--max-tries=100',
			'-h', $node->host, '-p', $node->port, @files, 'postgres' ],
		'<', \undef, '>', \$run{out}, '2>', \$run{out});
	return \%run;
}

sub clients_done
{
	my ($run, $name) = @_;

	$run->{harness}->finish;
	like($run->{out}, qr/actually processed: $run->{expected}\/$run->{expected}\n/, "$name: all transactions ran")
	  or diag($run->{out});
	like($run->{out}, qr/number of failed transactions: 0 /, "$name: none failed");
	return;
}

my $two_phase_share = int($transactions * $two_phase_clients / $clients);
my $started = time;
my @runs = (
	start_clients($clients - $two_phase_clients, $transactions - $two_phase_share, 'prepared', %mix),
	start_clients($two_phase_clients, $two_phase_share, 'simple', %two_phase_mix));

# Meanwhile: a prepared transaction that some blocks must leave out, blocks
# sealed by hand beside the worker, and verification of what is being written.
my ($checks, @faults) = (0);
while (grep { $_->{harness}->pumpable } @runs)
{
	my $until = time + $seconds_between_checks;

	while (time < $until && grep { $_->{harness}->pumpable } @runs)
	{
		$_->{harness}->pump_nb foreach grep { $_->{harness}->pumpable } @runs;
		usleep(50_000);
	}
	$node->safe_psql('postgres', $checks % 2 == 0
		? "BEGIN; UPDATE soak.customer SET status = 'held', changes = changes + 1 WHERE id = -100;
			INSERT INTO soak.customer (id, name) VALUES (-100, 'held') ON CONFLICT (id) DO NOTHING; PREPARE TRANSACTION 'held'"
		: "COMMIT PREPARED 'held'");
	$node->safe_psql('postgres', 'SELECT crmaudit.seal()');
	push @faults, $node->safe_psql('postgres', 'SELECT * FROM crmaudit.verify_ledger()');
	$checks++;
}
clients_done($runs[0], 'mix');
clients_done($runs[1], 'two phases');
$node->safe_psql('postgres', "COMMIT PREPARED 'held'") if $checks % 2 == 1;
my $written = time;

is(join('', @faults), '', "nothing to report in $checks verifications meanwhile");
$node->safe_psql('postgres', 'SELECT crmaudit.seal()');
query_is($node, 'postgres', 'SELECT * FROM crmaudit.verify_ledger()', '', 'the ledger verifies');
query_is($node, 'postgres', slurp_file("$dir/check.sql"), '', 'it holds what was counted and what is in the tables');

# The soak did what it is for.
query_is($node, 'postgres', q{SELECT count(*) > 0 FROM crmaudit.ledger_entry WHERE subxid IS NOT NULL}, 't', 'savepoints are in it');
query_is($node, 'postgres', q{SELECT count(*) > 0 FROM soak.truth WHERE target = 'soak.visit'::regclass AND op = 'D'}, 't', 'keys changed');
query_is($node, 'postgres', q{SELECT string_agg(DISTINCT regexp_replace(actor, ' \d+', ''), ', ') FROM crmaudit.ledger_entry
	WHERE table_id > 100 AND op = 'U' AND actor <> session_user}, 'chief of clerk, clerk, two phases', 'several actors');
query_is($node, 'postgres', q{SELECT count(*) FILTER (WHERE entries > 0) > 2 FROM crmaudit.ledger_block}, 't', 'several blocks were sealed');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|terminated by signal/, 'no process died');

note(sprintf('%d transactions in %.0f s, checks %.0f s; %s', $transactions, $written - $started, time - $written,
	$node->safe_psql('postgres', q{SELECT format('%s entries in %s blocks, %s', sum(entries), count(*), pg_size_pretty(pg_database_size(current_database()))) FROM crmaudit.ledger_block})));

done_testing();
