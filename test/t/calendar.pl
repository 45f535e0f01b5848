# Calendars: what a company adds survives a dump, and every session counts by
# what was committed last.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('calendar');

$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('postgres', 'CREATE DATABASE target');
$node->safe_psql('source', <<'SQL');
CREATE EXTENSION crmaudit;
-- a day off of the company's own, one that it works, a year that was published
SELECT crmaudit.set_calendar_day('CN', '2025-06-16', false, 'founding day', '公司成立日');
SELECT crmaudit.set_calendar_day('CN', '2025-10-02', true, 'inventory');
SELECT crmaudit.add_calendar_year('CN', 2027, '{2027-01-01,2027-02-08}', '{2027-02-14}');
SELECT crmaudit.add_calendar('Cairo', 'Cairo office', 'Africa/Cairo', NULL, '{5,6}', 2025, 2026);
SELECT crmaudit.set_calendar_day('Cairo', '2025-07-23', false, 'Revolution Day');
ALTER DATABASE source SET crmaudit.calendar = 'CN';
-- a period that is closed
CREATE TABLE customer (id int PRIMARY KEY, mail text, made_on date);
SELECT crmaudit.protect('customer', roles => '{"mail":"email","made_on":"created_at"}', packs => '{contact}', mode => 'observe');
INSERT INTO customer VALUES (1, 'bad', '2026-01-02');
SELECT crmaudit.close_period('2026-01-01', '2026-03-31', '2026 Q1', calendar => 'CN');
INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score) VALUES (1, 'customer', '2026-05-01', 2, 1, '50');
SELECT crmaudit.close_period('2026-04-01', '2026-06-30', '2026 Q2', calendar => 'CN');
SQL

my $state = <<'SQL';
SELECT * FROM crmaudit.calendar ORDER BY calendar;
SELECT calendar, year FROM crmaudit.calendar_year ORDER BY 1, 2;
SELECT calendar, builtin, count(*), md5(string_agg(d::text, ',' ORDER BY day)) FROM crmaudit.calendar_day d GROUP BY 1, 2 ORDER BY 1, 2;
SELECT crmaudit.is_working_day('2025-06-16', 'CN'), crmaudit.is_working_day('2025-10-02', 'CN'), crmaudit.add_working_days('2026-12-31', 2, 'CN'),
	crmaudit.is_working_day('2027-02-14', 'CN'), crmaudit.add_working_days('2025-07-22', 1, 'Cairo');
SELECT * FROM crmaudit.period ORDER BY name;
SELECT * FROM crmaudit.period_rule ORDER BY period, rule_id, version;
SELECT * FROM crmaudit.period_score ORDER BY period, run_id;
SELECT period, table_name, row_key, claimed_at, recorded_at, op, after_closing FROM crmaudit.period_backdated ORDER BY period;
SELECT count(*) FROM crmaudit.verify_period();
SQL
my $dump = "$node->{_basedir}/calendar.dump";
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('source') ], 'pg_dump');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('target'), $dump ], 'pg_restore');
same_text($node->safe_psql('target', $state), $node->safe_psql('source', $state), 'calendars and closed periods are as they were');
is($node->safe_psql('target', 'SELECT count(*) FROM crmaudit.period_backdated'), '1', 'what was entered later still shows');
like($node->safe_psql('source', $state), qr/^0\z/m, 'no fault of a period');
is($node->safe_psql('target', q{SELECT crmaudit.is_working_day('2025-06-16', 'CN'), crmaudit.add_working_days('2026-12-31', 2, 'CN')}),
	'f|2027-01-05', 'and count so');

# The default one is a setting of the database.
is($node->safe_psql('source', q{SELECT crmaudit.add_working_days('2025-09-30', 1)}), '2025-10-02', 'ALTER DATABASE SET crmaudit.calendar');
is($node->safe_psql('target', q{SELECT crmaudit.add_working_days('2025-09-30', 1)}), '2025-10-01', 'another database has its own');

# A session that has counted already notices what another commits.
my $session = $node->background_psql('target');
like($session->query(q{SELECT crmaudit.is_working_day('2026-03-02', 'CN')}), qr/^t$/m, 'a session counts');
$node->safe_psql('target', q{SELECT crmaudit.set_calendar_day('CN', '2026-03-02', false)});
like($session->query(q{SELECT crmaudit.is_working_day('2026-03-02', 'CN')}), qr/^f$/m, 'it notices a day off');
$node->safe_psql('target', q{DELETE FROM crmaudit.calendar_year});
my $due = $session->query(q{SELECT coalesce(crmaudit.due_date('2026-12-31', '1 working day', 'CN')::text, 'unknown')});
like($due, qr/^unknown$/m, 'and a year that is taken back');
$session->quit;

# Parallel workers read calendars themselves.
my $count = 'SELECT count(DISTINCT crmaudit.add_working_days(day, 1)), bool_and(crmaudit.is_working_day(crmaudit.add_working_days(day, 1))) FROM many';
$node->safe_psql('target', "CREATE TABLE many AS SELECT date '2004-01-01' + i % 700 AS day FROM generate_series(1, 50000) i");
my $parallel = $node->safe_psql('target', <<"SQL");
SET crmaudit.calendar = 'CN';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) $count;
$count;
SQL
like($parallel, qr/Parallel Seq Scan/, 'calendars are used in parallel workers');
my $serial = $node->safe_psql('target', "SET crmaudit.calendar = 'CN'; $count");
like($serial, qr/^\d+\|t$/, 'days that are added end on working days');
is((split /\n/, $parallel)[-1], $serial, 'parallel workers count the same');

done_testing();
