# Statements on mapped tables, by pg_stat_statements in whatever schema it is:
# slow ones, snapshots by the worker, a script that pgbench runs. And what
# audits need two sessions or two databases for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('statements');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'crmaudit'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE crm');
$node->safe_psql('crm', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE SCHEMA sales;
CREATE TABLE sales.customer (id int PRIMARY KEY, name text, mobile bigint, kind text);
INSERT INTO sales.customer SELECT i, 'Name ' || i, 13800000000 + i, CASE WHEN i % 3 = 0 THEN 'company' ELSE 'person' END FROM generate_series(1, 20000) i;
CREATE TABLE sales.visit (id int PRIMARY KEY, customer int, "When" timestamptz);
INSERT INTO sales.visit SELECT i, i % 20000, '2026-03-01 09:00+08'::timestamptz + i * interval '1 second' FROM generate_series(1, 40000) i;
CREATE TABLE sales.secret (id int, kind text);
ANALYZE;
SELECT crmaudit.map_entity('customer', 'sales.customer', '{"customer_id":"id","name":"name","kind":"kind","account":"mobile"}');
SELECT crmaudit.map_entity('interaction', 'sales.visit', '{"interaction_id":"id","customer_id":"customer","occurred_at":"When"}');
SQL

# Without the extension, and with it in a server that does not preload it.
my $nothing = 'SELECT (SELECT count(*) FROM crmaudit.slow_statements), crmaudit.snapshot_statements()';
query_is($node, 'crm', $nothing, '0|0', 'no pg_stat_statements');
$node->safe_psql('crm', 'CREATE SCHEMA "St ats"; CREATE EXTENSION pg_stat_statements SCHEMA "St ats"');
query_is($node, 'crm', $nothing, '0|0', 'not preloaded');
like($node->safe_psql('crm', 'SELECT crmaudit.pgbench_script()'), qr/Made by crmaudit\.pgbench_script\(\) from the mapping/, 'a script all the same');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'crmaudit,pg_stat_statements'\n");
$node->restart;
$node->safe_psql('crm', 'CREATE ROLE app LOGIN; GRANT USAGE ON SCHEMA sales TO app; GRANT SELECT ON ALL TABLES IN SCHEMA sales TO app');
sub as_app
{
	$node->safe_psql('crm', "SET search_path = sales; $_", extra_params => [ '-U', 'app' ]) foreach @_;
	return;
}
as_app(
	# reads much for one row, and often
	(map { "SELECT name FROM customer WHERE mobile = " . (13800000000 + $_) } 1 .. 12),
	(map { "SELECT count(*) FROM sales.visit v JOIN customer c ON c.id = v.customer WHERE c.kind = 'company' AND v.customer BETWEEN $_ AND 2 * $_ LIMIT 5" } 1 .. 3),
	# takes long
	'SELECT pg_sleep(0.15), id FROM customer LIMIT 1',
	# spills
	q{SET work_mem = '64kB'; SELECT name FROM customer ORDER BY name || 'x' OFFSET 19999},
	# has values in it; not a statement to show
	q{SELECT 1 /* for Mr Wang 13812345678 */ FROM customer WHERE name = 'Wang' LIMIT 1},
	# of no mapped table
	'SELECT pg_sleep(0.12) FROM pg_class LIMIT 1');
$node->safe_psql('crm', 'SELECT pg_sleep(0.12), kind FROM sales.secret');

my $shown = $node->safe_psql('crm', 'SELECT query, tables, remedy FROM crmaudit.slow_statements');
like($shown, qr/^SELECT pg_sleep\(\$1\), id FROM customer LIMIT \$2\|\{sales\.customer\}\|.*EXPLAIN \(ANALYZE, BUFFERS\) it$/m, 'one that takes long');
like($shown, qr/^SELECT name FROM customer ORDER BY name \|\| \$1 OFFSET \$2\|.*sorts or hashes spill to disk/m, 'one that spills');
unlike($shown, qr/Wang|13812345678|secret|pg_class/, 'no value is shown, and no other table');
is($node->safe_psql('crm', q{SELECT calls, tables, rows_per_call FROM crmaudit.read_statements() s CROSS JOIN LATERAL (SELECT round(s.rows::numeric / s.calls) AS rows_per_call) r
	WHERE query LIKE 'SELECT name FROM customer WHERE mobile%'}), '12|{sales.customer}|1', 'the same statement with other values is one');
is($node->safe_psql('crm', q{SELECT tables FROM crmaudit.read_statements() WHERE query LIKE '%JOIN customer%'}), '{sales.customer,sales.visit}', 'all its tables');

# Who may not read others' statements sees none of them, and no error.
$node->safe_psql('crm', q{CREATE ROLE auditor LOGIN; SELECT crmaudit.grant_duty('auditor', 'auditor')});
$node->safe_psql('crm', q{GRANT USAGE ON SCHEMA "St ats" TO auditor});
is($node->safe_psql('crm', 'SELECT count(*) FROM crmaudit.slow_statements', extra_params => [ '-U', 'auditor' ]), '0', 'an auditor without pg_read_all_stats');
$node->safe_psql('crm', 'GRANT pg_read_all_stats TO auditor');
is($node->safe_psql('crm', q{SELECT count(*) > 0 FROM crmaudit.slow_statements WHERE query LIKE '%pg_sleep%'}, extra_params => [ '-U', 'auditor' ]), 't', 'and with it');

# Snapshots: by hand, and by maintain(), which the worker calls when it begins,
# and every hour, where a table is tracked.
$node->safe_psql('crm', q{SELECT crmaudit.track('sales.customer')});
$node->restart;
ok($node->poll_query_until('crm', 'SELECT count(*) > 0 FROM crmaudit.statement_snapshot'), 'the worker notes them');
like($node->safe_psql('crm', 'SELECT * FROM crmaudit.maintain()'), qr/^crmaudit\.statement_snapshot\|noted\|\d+ statements$/m, 'maintain() notes them');
query_is($node, 'crm', 'SELECT count(DISTINCT day), count(*) = count(DISTINCT queryid), bool_and(total_ms > 0) FROM crmaudit.statement_snapshot', '1|t|t', 'once a day');
query_is($node, 'crm', q{SELECT count(*) FROM crmaudit.statement WHERE query ~ 'Wang|138' OR 'sales.secret' = ANY (tables)}, '0', 'without values');
# Three days before, of which the counters tell.
$node->safe_psql('crm', q{UPDATE crmaudit.statement_snapshot SET calls = 4, total_ms = total_ms / 3, day = day - 2 WHERE queryid IN (SELECT queryid FROM crmaudit.statement WHERE query LIKE '%mobile%');
	SELECT crmaudit.snapshot_statements()});
query_is($node, 'crm', q{SELECT s.days, s.calls, s.verdict, s.mean_ms > 0 FROM crmaudit.statement_stability s WHERE query LIKE '%mobile%'}, '1|8|too early|t', 'what came since the snapshot before');

# pgbench runs the script, in the schema that it says, and the log has a line
# for each transaction, from which the 95th percentile is had.
$node->safe_psql('crm', q{SELECT "St ats".pg_stat_statements_reset()});
as_app((map { "SELECT name FROM customer WHERE mobile = " . (13800000000 + $_) } 1 .. 7),
	q{SELECT name FROM customer WHERE name LIKE 'Name 7%' AND kind = 'company' LIMIT 3}, 'SELECT * FROM customer WHERE id = 7', 'SELECT * FROM customer WHERE id IN (7, 8, 9)',
	q{SELECT * FROM visit WHERE "When" >= '2026-03-01' AND customer = 8 ORDER BY 1 LIMIT 2 OFFSET 1});
my $script = $node->safe_psql('crm', 'SELECT crmaudit.pgbench_script()');
like($script, qr/from pg_stat_statements/, 'from what ran');
like($script, qr/^\\if :pick <= 7\n/m, 'as often as it ran');
is(scalar(() = $script =~ /^\\(?:el)?if /mg), 5, 'all statements') or diag($script);
like($script, qr/kind = \(\('\{person,company\}'::text\[\]\)\[:s\d+_p\d+\]\)::text/, 'words of the CRM');
like($script, qr/WHERE id = :s\d+_p1;/, 'keys by chance');
unlike($script, qr/13800|Name \d|'2026/, 'no values of anybody');
my $file = $node->basedir . '/script.sql';
append_to_file($file, $script);
$ENV{PGOPTIONS} = '-c search_path=sales';
my $log = $node->basedir . '/c2';
command_ok([ 'pgbench', '-n', '-f', $file, '-c', '2', '-j', '1', '-t', '100', '-l', '--log-prefix', $log, '-h', $node->host, '-p', $node->port, 'crm' ], 'pgbench runs it');
delete $ENV{PGOPTIONS};
my ($recipe) = $script =~ /^-- 95th percentile.*?: (.*)$/m;
$recipe =~ s/c4\.\*/$log.*/;
my $percentile = `$recipe`;
like($percentile, qr/^\d+(?:\.\d+)?$/, 'the recipe tells the 95th percentile');
# as counted here
my @times = sort { $a <=> $b } map { (split)[2] } map { split /\n/, slurp_file($_) } glob("$log.*");
is(scalar(@times), 200, 'a line for each transaction');
is($percentile + 0, $times[189] / 1000, 'of 200 the 190th');

# A comment is told to who listens, without its words.
{
	my ($rc, $stdout, $stderr) = $node->psql('crm', <<'SQL');
LISTEN crmaudit;
SELECT crmaudit.plan_audit('spring', 'g', 's', '2026-01-01', '2026-12-31', '{li}') AS plan \gset
SELECT crmaudit.add_audit_step(:plan, 'look', '2026-02-01', '2026-02-10') AS step \gset
SELECT crmaudit.add_audit_task(:step, 'ask Wang', 'li') AS task \gset
SELECT crmaudit.comment('step', :step, 'Mr Wang said no') AS first \gset
SELECT crmaudit.comment('step', :step, 'then ask again', :first);
SQL
	my @told = $stdout =~ /notification "crmaudit" with payload "(.*)" received/g;
	is_deeply(\@told, [ '{"id": 1, "kind": "comment", "comment": 1, "subject": "step"}', '{"id": 1, "kind": "comment", "comment": 2, "subject": "step", "reply_to": 1}' ], 'comments are told') or diag($stdout, $stderr);
}

# A dump brings plans, comments, reports, snapshots and what tells; ids go on.
$node->safe_psql('crm', q{SELECT length(crmaudit.audit_report(1)); INSERT INTO crmaudit.telling_columns VALUES ('customer', '{name,kind}')});
my $state = q{SELECT (SELECT string_agg(p::text, ';') FROM crmaudit.audit_plan p), (SELECT string_agg(s::text, ';') FROM crmaudit.audit_step s), (SELECT string_agg(t::text, ';') FROM crmaudit.audit_task t),
	(SELECT string_agg(c::text, ';' ORDER BY id) FROM crmaudit.audit_comment c), (SELECT string_agg(k::text, ';') FROM crmaudit.kept_report k), (SELECT string_agg(w::text, ';') FROM crmaudit.telling_columns w),
	(SELECT string_agg(s::text, ';' ORDER BY s.day, s.queryid) FROM crmaudit.statement_snapshot s), (SELECT string_agg(s::text, ';' ORDER BY s.queryid) FROM crmaudit.statement s)};
my $before = $node->safe_psql('crm', $state);
my $dump = $node->basedir . '/crm.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('crm') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('restored'), $dump ], 'restore');
is($node->safe_psql('restored', $state), $before, 'all is there');
query_is($node, 'restored', q{SELECT crmaudit.plan_audit('autumn', 'g', 's', '2026-01-01', '2026-12-31', '{li}'), crmaudit.comment('plan', 1, 'x')}, '2|3', 'and ids go on');

done_testing();
