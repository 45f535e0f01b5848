# Sweeps as the world has them: progress, cancelling, workers, a server that is
# killed meanwhile, partitions of all sorts, inheritance.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_node('sweep');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'crmaudit'
");
$node->start;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crmaudit;
-- a rule that lets a sweep take as long as the test needs
CREATE FUNCTION slow(id int) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
	IF id % 200 = 0 AND current_setting('test.delay', true) <> '' THEN
		PERFORM pg_sleep(current_setting('test.delay')::float8);
	END IF;
	RETURN true;
END $$;
CREATE TABLE customer (id int PRIMARY KEY, code text, phone text);
INSERT INTO customer SELECT n, CASE WHEN n % 100 = 0 THEN 'x' ELSE 'good' END, '138' || lpad((26504927 + n % 9990)::text, 8, '0') FROM generate_series(1, 10000) n;
SELECT crmaudit.protect('customer', mode => 'observe', history => false);
SELECT crmaudit.add_rule('customer', 'code_long', 'length', '{code}', '{"min": 2}');
SELECT crmaudit.add_rule('customer', 'phone_shared', 'shared_value', '{phone}', '{"type": "phone", "region": "CN"}', severity => 'warning');
SELECT crmaudit.add_rule('customer', 'slow', 'expression', params => '{"sql": "slow(id)"}');
SQL

# sweep_in_background(WORKERS): a session that sweeps slowly.
sub sweep_in_background
{
	my ($workers) = @_;

	return IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', "SET test.delay = '0.2'",
		'-c', "SELECT count(*) FROM crmaudit.sweep('customer', workers => $workers)" ], '<', \undef, '>', \my $out, '2>', \my $err);
}

my $events = 'SELECT event, count(*), count(DISTINCT (rule_id, row_key)) FROM crmaudit.finding_event GROUP BY 1 ORDER BY 1';

for my $workers (0, 2)
{
	my $session = sweep_in_background($workers);

	ok($node->poll_query_until('postgres', 'SELECT rows > 0 FROM crmaudit.sweep_progress'), "$workers workers: progress is seen");
	query_is($node, 'postgres', <<'SQL', "customer|scanning|$workers|t|t|t", "$workers workers: what is seen of it");
SELECT target, phase, workers, blocks_total > 0, blocks_done <= blocks_total, rows BETWEEN 1 AND 10000 FROM crmaudit.sweep_progress
SQL
	my ($rc, $out, $err) = $node->psql('postgres', "SELECT crmaudit.sweep('customer')");
	like($err, qr/ERROR:  relation "customer" is being swept already\n.*HINT:  crmaudit.sweep_progress shows how far it has come\./s, "$workers workers: one sweep at a time");
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(pid) FROM crmaudit.sweep_progress');
	ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM crmaudit.sweep_progress'), "$workers workers: it can be cancelled");
	$session->finish;
	query_is($node, 'postgres', $events, '', "$workers workers: a cancelled sweep leaves nothing");
	query_is($node, 'postgres', 'SELECT count(*) FROM crmaudit.run', '0', "$workers workers: nor a run");
	ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'"), "$workers workers: nor workers");
}

# Killed in the middle: the next one completes, and no finding is there twice.
my $session = sweep_in_background(2);
ok($node->poll_query_until('postgres', 'SELECT rows > 0 FROM crmaudit.sweep_progress'), 'a sweep is running');
$node->safe_psql('postgres', "UPDATE customer SET code = 'y' WHERE id = 1");
$node->stop('immediate');
$session->finish;
$node->start;
query_is($node, 'postgres', 'SELECT count(*) FROM crmaudit.sweep_progress', '0', 'after a crash no sweep is running');
query_is($node, 'postgres', "SELECT count(*) FROM crmaudit.sweep('customer', workers => 2)", '1', 'and the next one completes');
query_is($node, 'postgres', <<'SQL', "code_long|101|101\nphone_shared|20|20", 'no finding is there twice');
SELECT rule, count(*), count(DISTINCT row_key) FROM crmaudit.finding WHERE status = 'open' GROUP BY 1 ORDER BY 1
SQL
query_is($node, 'postgres', "SELECT status, rows, failures, workers FROM crmaudit.run", 'completed|10000|121|2', 'its run');

# Partitions, of other shape and by foreign tables; children by inheritance.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE parted (id int, region text, code text, extra int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parted_n PARTITION OF parted FOR VALUES IN ('n');
CREATE TABLE parted_s (code text, dropped int, id int NOT NULL, region text NOT NULL, extra int);
ALTER TABLE parted_s DROP COLUMN dropped;
ALTER TABLE parted ATTACH PARTITION parted_s FOR VALUES IN ('s');
CREATE TABLE parted_rest PARTITION OF parted DEFAULT PARTITION BY RANGE (id);
CREATE TABLE parted_low PARTITION OF parted_rest FOR VALUES FROM (0) TO (500);
CREATE TABLE parted_high PARTITION OF parted_rest FOR VALUES FROM (500) TO (100000);
INSERT INTO parted SELECT n, (ARRAY['n', 's', 'e'])[1 + n % 3], CASE WHEN n % 50 = 0 THEN 'x' ELSE 'code ' || n % 995 END, n FROM generate_series(1, 1000) n;
SELECT crmaudit.protect('parted', mode => 'observe', history => false);
SELECT crmaudit.add_rule('parted', 'code_long', 'length', '{code}', '{"min": 2}', condition => 'extra > 0');
SELECT crmaudit.add_rule('parted', 'code_unique', 'unique', '{code}', condition => 'length(code) > 1');
CREATE TABLE parent (id int PRIMARY KEY, code text);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1, 'x');
INSERT INTO child VALUES (2, 'x');
SELECT crmaudit.protect('parent', mode => 'observe', history => false);
SELECT crmaudit.add_rule('parent', 'code_long', 'length', '{code}', '{"min": 2}');
SQL
for my $workers (0, 2)
{
	query_is($node, 'postgres', "SELECT count(*) FROM crmaudit.sweep('parted', workers => $workers)", '1', "$workers workers: a partitioned table");
	query_is($node, 'postgres', <<'SQL', "code_long|20\ncode_unique|8", "$workers workers: what is wrong in its partitions");
SELECT r.name, s.failures FROM crmaudit.run_rule s JOIN crmaudit.rule r ON r.id = s.rule_id
WHERE s.run_id = (SELECT max(id) FROM crmaudit.run) ORDER BY 1
SQL
}
# A rule that is added meanwhile: no mixture of two versions.
$node->safe_psql('postgres', "SELECT crmaudit.add_rule('parted', 'slow', 'expression', params => '{\"sql\": \"slow(id)\"}')");
my ($slow_out, $slow_err);
my $slow = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', "SET test.delay = '3'",
	'-c', "SELECT count(*) FROM crmaudit.sweep('parted', workers => 0)" ], '<', \undef, '>', \$slow_out, '2>', \$slow_err);
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM crmaudit.sweep_progress WHERE target = 'parted'::regclass"), 'a sweep of a partitioned table is running');
$node->safe_psql('postgres', "SELECT crmaudit.drop_rule('parted', 'slow')");
$slow->finish;
like($slow_err, qr/ERROR:  rules of relation "parted" changed while it was being swept\n.*HINT:  Sweep it again\./s, 'rules that change meanwhile end it');
query_is($node, 'postgres', "SELECT count(*) FROM crmaudit.sweep('parent')", '1', 'a table with children');
query_is($node, 'postgres', "SELECT row_key FROM crmaudit.finding WHERE target = 'parent'::regclass", '{"id": 1}', 'children are tables of their own');
my ($rc, $out, $err) = $node->psql('postgres', "SELECT crmaudit.sweep('parted_n')");
like($err, qr/ERROR:  relation "parted_n" is not protected\n.*HINT:  It is a partition of "parted", which is swept as a whole\./s, 'a partition is swept with its table');
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE TABLE mixed (id int, code text) PARTITION BY LIST (id);
CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES IN (1);
SELECT crmaudit.protect('mixed', mode => 'observe', key => '{id}', history => false);
CREATE FOREIGN TABLE elsewhere (id int, code text) SERVER files OPTIONS (filename '/dev/null');
CREATE VIEW seen AS SELECT * FROM parent;
SQL
for my $relation (qw(elsewhere seen))
{
	($rc, $out, $err) = $node->psql('postgres', "SELECT crmaudit.sweep('$relation')");
	like($err, qr/ERROR:  cannot sweep relation "$relation"\n.*DETAIL:  It is no table with rows of its own\./s, "$relation is refused");
}
($rc, $out, $err) = $node->psql('postgres', "ALTER TABLE mixed ATTACH PARTITION elsewhere FOR VALUES IN (2)");
if ($rc == 0)
{
	($rc, $out, $err) = $node->psql('postgres', "SELECT crmaudit.sweep('mixed')");
	like($err, qr/ERROR:  cannot sweep relation "elsewhere"\n.*DETAIL:  It is a foreign table, whose rows are elsewhere\./s, 'a foreign partition is refused');
}
else
{
	like($err, qr/cannot attach foreign table|BEFORE ROW|trigger/, 'a foreign table cannot become a partition of a protected table');
}

# Of all tables, a steward sweeps those that he may read.
$node->safe_psql('postgres', "CREATE ROLE steward LOGIN; SELECT count(*) FROM crmaudit.grant_duty('steward', 'steward'); GRANT SELECT ON customer TO steward");
($rc, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM crmaudit.sweep(workers => 0)', extra_params => [ '-U', 'steward' ]);
is($out, '1', 'a steward sweeps what he may read');
like($err, qr/WARNING:  relation "public.parent" was not swept\n.*DETAIL:  Role steward may not read all of its rows\./s, 'and is told what not');

$node->stop;
done_testing();
