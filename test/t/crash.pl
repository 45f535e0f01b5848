# A server that is killed while it writes comes up with findings that are those
# of the rows it has: both belong to one transaction and one WAL.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = start_node('crash');

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, code text);
SELECT crmaudit.protect('customer', mode => 'observe');
SELECT crmaudit.add_rule('customer', 'code_long', 'length', '{code}', '{"min":2}');
CREATE TABLE aside (id int PRIMARY KEY, code text);
SELECT crmaudit.protect('aside', mode => 'quarantine');
SELECT crmaudit.add_rule('aside', 'code_long', 'length', '{code}', '{"min":2}');
SQL

# Every third row is bad; each transaction writes good, bad and mended rows.
my $writes = <<'SQL';
INSERT INTO customer SELECT n, CASE WHEN n % 3 = 0 THEN 'x' ELSE 'good' END FROM generate_series(:first + 1, :first + 300) n;
UPDATE customer SET code = 'mended' WHERE id = :first + 3;
DELETE FROM customer WHERE id = :first + 6;
INSERT INTO aside VALUES (:first + 1, 'x'), (:first + 2, 'good');
SQL

sub check
{
	my ($when) = @_;

	# Every bad row has an open finding, and every open finding its row.
	query_is($node, 'postgres', <<'SQL', 't|t', "$when: open findings are those of the bad rows");
WITH bad AS MATERIALIZED (SELECT id FROM customer WHERE length(code) < 2),
	found AS MATERIALIZED (SELECT (row_key ->> 'id')::int AS id FROM crmaudit.open_findings WHERE target = 'customer'::regclass)
SELECT (SELECT count(*) FROM bad) > 0 AND NOT EXISTS (TABLE bad EXCEPT TABLE found), NOT EXISTS (TABLE found EXCEPT TABLE bad);
SQL
	# A transaction stores a row and puts one aside, or neither.
	query_is($node, 'postgres', <<'SQL', '0', "$when: rows put aside are those of stored transactions");
SELECT count(*) FROM (SELECT id - 2 AS first FROM aside) a
FULL JOIN (SELECT (row_key ->> 'id')::int - 1 AS first FROM crmaudit.quarantined) q USING (first)
WHERE a.first IS NULL OR q.first IS NULL;
SQL
	return;
}

sub write_sql
{
	my ($first) = @_;

	return $writes =~ s/:first/$first/gr;
}

# Some transactions end, one is open, and one is writing when the server dies.
$node->safe_psql('postgres', 'BEGIN;' . write_sql(1000 * $_) . 'COMMIT') foreach 1 .. 5;
$node->safe_psql('postgres', 'CHECKPOINT');
$node->safe_psql('postgres', 'BEGIN;' . write_sql(1000 * $_) . 'COMMIT') foreach 6 .. 8;

my ($in, $out, $err) = ('', '', '');
my $open = IPC::Run::start([ 'psql', '-qXAt', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err);
$in = 'BEGIN;' . write_sql(20000) . "SELECT 'written';\n";
$open->pump until $out =~ /written/ || $err ne '';
is($err, '', 'a transaction is open');

my $loop_out = '';
my $loop = IPC::Run::start([ 'psql', '-qXAt', '-d', $node->connstr('postgres'), '-c',
		"DO \$\$ BEGIN FOR i IN 100 .. 100000 LOOP
			INSERT INTO customer SELECT i * 1000 + n, CASE WHEN n % 3 = 0 THEN 'x' ELSE 'good' END FROM generate_series(1, 50) n;
			COMMIT; PERFORM pg_sleep(0.02); END LOOP; END \$\$" ], '<', \undef, '>', \$loop_out, '2>', \$loop_out);
$node->poll_query_until('postgres', 'SELECT count(*) > 5 FROM customer WHERE id > 100000');
my @pids = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
$node->kill9;
$open->finish;
$loop->finish;

# The orphaned processes may need a moment to leave the shared memory.
foreach (1 .. 600)
{
	last unless kill(0, @pids);
	usleep(100_000);
}
$node->start;
check('after a crash');
query_is($node, 'postgres', 'SELECT count(*) FROM customer WHERE id BETWEEN 20000 AND 20999', '0', 'the open transaction left nothing');
stores($node, 'postgres', 'BEGIN;' . write_sql(30000) . 'COMMIT', 'writes go on');
check('later');

# The ids of events after a crash are new ones.
query_is($node, 'postgres', 'SELECT count(*) - count(DISTINCT id) FROM crmaudit.finding_event', '0', 'no id twice');

done_testing();
