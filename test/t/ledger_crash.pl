# The server is killed between commit and seal, and while it seals: nothing
# that was committed is missing from the ledger, nothing aborted is in it, and
# it verifies.  What was committed is known outside the database.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $clients = 6;
my $node = new_node('ledger_crash');
$node->append_conf('postgresql.conf', "max_prepared_transactions = 10\nlog_statement = none");
$node->start;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, state int NOT NULL);
INSERT INTO customer VALUES (0, 'there before', 0);
SELECT crmaudit.track('customer');
SELECT crmaudit.seal();
-- What entries add up to, in plain SQL.
CREATE FUNCTION fold_entry(image jsonb, op "char", old jsonb, new jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE op WHEN 'D' THEN NULL WHEN 'U' THEN image - ARRAY(SELECT jsonb_object_keys(old)) || coalesce(new, '{}') ELSE new END
$$;
CREATE AGGREGATE fold("char", jsonb, jsonb) (SFUNC = fold_entry, STYPE = jsonb);
SQL

# The endless work of a client, from the id FIRST on: of each ten rows one is
# rolled back, one deleted again, one changed under a savepoint.  psql says
# what it has been told is committed.
sub client_script
{
	my ($first) = @_;
	my $script = '';

	for (my $id = $first; $id < $first + 20_000; $id++)
	{
		my $kind = $id % 10;

		$script .= "BEGIN;\nINSERT INTO customer VALUES ($id, 'name', 1);\n";
		$script .= "UPDATE customer SET state = 2 WHERE id = $id;\n" if $kind > 2;
		$script .= "SAVEPOINT a; UPDATE customer SET state = 9 WHERE id = $id; ROLLBACK TO a;\n" if $kind == 4;
		$script .= "DELETE FROM customer WHERE id = $id - 1;\n" if $kind == 6;
		$script .= $kind == 0 ? "ROLLBACK;\n" : "COMMIT;\n\\echo committed $id\n";
	}
	return $script;
}

# Starts psql with a script, its output in a file outside.
sub start_client
{
	my ($name, $script) = @_;
	my %client = (script => $node->basedir . "/$name.sql", log => $node->basedir . "/$name.log", err => '');

	append_to_file($client{script}, $script);
	$client{harness} = IPC::Run::start(
		[ 'psql', '-qXAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $client{script} ],
		'<', \undef, '>', $client{log}, '2>', \$client{err});
	return \%client;
}

sub committed
{
	return map { slurp_file($_->{log}) =~ /^committed (\d+)\n/mg } @_;
}

sub kill_server
{
	my @pids = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');

	# Nobody gets to clean up, in the middle of whatever it does.
	$node->kill9;
	kill 'KILL', @pids;
	foreach (1 .. 600)
	{
		last unless kill(0, @pids);
		usleep(100_000);
	}
	return;
}

sub check
{
	my ($when, @ids) = @_;
	my $ids = join ',', @ids;

	# An id that is committed was inserted; its successor may have deleted it.
	query_is($node, 'postgres', <<SQL, '0', "$when: no committed row is missing from the ledger");
SELECT count(*) FROM unnest('{$ids}'::int[]) id
WHERE id NOT IN (SELECT (row_key ->> 'id')::int FROM crmaudit.ledger_entry WHERE op = 'I' AND table_id > 100)
SQL
	query_is($node, 'postgres', <<SQL, '0', "$when: nor its updates");
SELECT count(*) FROM unnest('{$ids}'::int[]) id
WHERE id % 10 > 2 AND id NOT IN (SELECT (row_key ->> 'id')::int FROM crmaudit.ledger_entry WHERE op = 'U' AND new ->> 'state' = '2' AND table_id > 100)
SQL
	query_is($node, 'postgres', <<'SQL', '0', "$when: nothing aborted is in it");
SELECT count(*) FROM crmaudit.ledger_entry
WHERE table_id > 100 AND (op IN ('I', 'U') AND (row_key ->> 'id')::int % 10 = 0 OR new ->> 'state' = '9')
SQL
	query_is($node, 'postgres', <<'SQL', '0|0', "$when: its entries add up to the table");
WITH recorded AS MATERIALIZED (
	SELECT image FROM (SELECT fold(op, old, new ORDER BY at, xid, ord) AS image FROM crmaudit.ledger_entry
		WHERE table_id > 100 AND row_key IS NOT NULL GROUP BY row_key) f WHERE image IS NOT NULL
), live AS MATERIALIZED (SELECT to_jsonb(c) AS image FROM customer c)
SELECT (SELECT count(*) FROM (TABLE live EXCEPT TABLE recorded) d), (SELECT count(*) FROM (TABLE recorded EXCEPT TABLE live) d)
SQL
	query_is($node, 'postgres', <<'SQL', '0', "$when: every entry has its context");
SELECT count(*) FROM crmaudit.ledger_entry e WHERE NOT EXISTS (SELECT FROM crmaudit.ledger_context c
	WHERE c.incarnation = e.incarnation AND c.xid = e.context_xid AND c.context = e.context)
SQL
	query_is($node, 'postgres', 'SELECT * FROM crmaudit.verify_ledger()', '', "$when: it verifies");
	stores($node, 'postgres', 'SELECT crmaudit.seal()', "$when: what was not sealed is sealed");
	query_is($node, 'postgres', 'SELECT * FROM crmaudit.verify_ledger()', '', "$when: and verifies");
	query_is($node, 'postgres', <<'SQL', '0', "$when: every entry is in one block");
SELECT (SELECT count(*) FROM crmaudit.ledger_entry) - (SELECT sum(entries) FROM crmaudit.ledger_block)
SQL
	return;
}

# Three times: with a block between what was written before the first crash,
# none before the second, and while blocks are sealed all the time.
my @committed;
foreach my $round (1 .. 3)
{
	my @running = map { start_client("client_${round}_$_", client_script($round * 1_000_000 + $_ * 100_000)) } 1 .. $clients;

	# A transaction that is open when the server dies, and one that is prepared.
	push @running, start_client("open_$round", "BEGIN; INSERT INTO customer VALUES (${round}00, 'open', 9); SELECT pg_sleep(600);\n");
	$node->safe_psql('postgres', "BEGIN; INSERT INTO customer VALUES (${round}01, 'prepared', 3); PREPARE TRANSACTION 'prepared $round'");
	push @running, start_client('sealer', "SELECT crmaudit.seal();\n" x 20_000) if $round == 3;

	my $wanted = 300;
	foreach (1 .. 600)
	{
		last if committed(@running) >= $wanted;
		usleep(100_000);
	}
	if ($round == 1)
	{
		$node->safe_psql('postgres', 'SELECT crmaudit.seal()');
		$wanted += committed(@running);
		foreach (1 .. 600)
		{
			last if committed(@running) >= $wanted;
			usleep(100_000);
		}
	}
	kill_server();
	$_->{harness}->finish foreach @running;
	unlike(join('', map { $_->{err} } @running), qr/ERROR/, "round $round: no client failed before");

	my @now = committed(@running);
	cmp_ok(@now, '>=', $wanted, "round $round: clients have committed");
	push @committed, @now;
	$node->start;
	check("round $round", @committed);
	query_is($node, 'postgres', "SELECT count(*) FROM customer WHERE name = 'open'", '0', "round $round: the open transaction left nothing");

	# The prepared transaction outlives the crash; its entries are sealed after it.
	stores($node, 'postgres', "COMMIT PREPARED 'prepared $round'", "round $round: the prepared transaction is committed");
	check("round $round, prepared", @committed, "${round}01");
}

done_testing();
