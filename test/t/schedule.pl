# Scheduled sweeps: by pg_cron in its own database, from another, in a server
# that does not run it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('schedule');
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'pg_cron,crmaudit'
cron.database_name = 'crm'
cron.use_background_workers = on
max_worker_processes = 20
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE crm');
$node->safe_psql('postgres', 'CREATE DATABASE branch');
$node->safe_psql('postgres', q{CREATE DATABASE "it's 100%"});
$node->safe_psql('postgres', 'CREATE ROLE admin LOGIN; CREATE ROLE auditor LOGIN');

my $tables = <<'SQL';
CREATE EXTENSION crmaudit;
CREATE SCHEMA "C R M";
CREATE TABLE customer (id int PRIMARY KEY, mail text);
CREATE TABLE "C R M"."Kun'd$n" (id int PRIMARY KEY);
SELECT crmaudit.protect('customer');
SELECT crmaudit.protect($$"C R M"."Kun'd$n"$$);
-- what the sweep leaves behind, where the function is not built in
DO $do$
BEGIN
	IF to_regprocedure('crmaudit.sweep(regclass, text[], real, bigint, text, int)') IS NULL THEN
		CREATE FUNCTION crmaudit.sweep(target regclass DEFAULT NULL, rules text[] DEFAULT NULL, sample_percent real DEFAULT 100,
			seed bigint DEFAULT 0, stratum text DEFAULT NULL, workers int DEFAULT NULL) RETURNS SETOF bigint LANGUAGE sql
		BEGIN ATOMIC
			INSERT INTO crmaudit.run (target, started_at, finished_at, status, rows, failures, rule_set_version, sample_percent, seed, workers, snapshot)
				SELECT sweep.target, now(), now(), 'completed', 0, 0, 1, 100, 0, 0, pg_current_snapshot() RETURNING id;
		END;
	END IF;
END $do$;
SQL
$node->safe_psql($_, $tables) foreach ('crm', 'branch', "it's 100%");

# What a session sees: result, and what it is told.
sub says
{
	my ($db, $sql, %params) = @_;
	my ($rc, $stdout, $stderr) = $node->psql($db, $sql, %params);

	return "$stdout\n$stderr";
}

# Without the extension in the database nothing is scheduled, and the line says how.
my $said = says('crm', q{SELECT crmaudit.schedule('customer', '30 2 * * *')});
like($said, qr/^30 2 \* \* \* psql -X -q -p \d+ -d crm -c "SELECT crmaudit\.sweep\('public\.customer'\)"$/m, 'the line for cron');
like($said, qr/WARNING:  the sweep is not scheduled yet\nDETAIL:  The server runs pg_cron, but the extension is not created in this database\.\nHINT:  CREATE EXTENSION pg_cron/, 'and why');
refuses($node, 'crm', q{SELECT crmaudit.unschedule('customer')}, qr/pg_cron is not in this database\nHINT:  What runs the sweep is to be found in a crontab/, 'unschedule without pg_cron');
refuses($node, 'crm', q{SELECT crmaudit.schedule('customer', 'often')}, qr/schedule "often" is not one of cron\nHINT:  It has five fields/, 'no schedule');
refuses($node, 'crm', qq{SELECT crmaudit.schedule('customer', E'* * * * *\\n* * * * * rm')}, qr/is not one of cron/, 'two lines');
refuses($node, 'crm', q{SELECT crmaudit.schedule('pg_class', '30 2 * * *')}, qr/relation "pg_class" is not protected/, 'a table that is not protected');

# The line is one that a shell runs, whatever the names.
my $line = $node->safe_psql("it's 100%", q{SELECT crmaudit.crontab_line($$"C R M"."Kun'd$n"$$, '@daily')});
like($line, qr/^\@daily psql .*100\\%/, 'cron reads % as the end of a command');
$line =~ s/^\@daily //;
$line =~ s/\\%/%/g;
$line =~ s/psql/psql -h '@{[$node->host]}'/;
is(system($line . ' >/dev/null'), 0, 'the line runs') or diag($line);
is($node->safe_psql("it's 100%", 'SELECT count(*) FROM crmaudit.run WHERE target = $$"C R M"."Kun\'d$n"$$::regclass'), '1', 'and sweeps');

# From another database than pg_cron's: the statement to run there.
$node->safe_psql('crm', 'CREATE EXTENSION pg_cron');
$said = says('branch', q{SELECT crmaudit.schedule('customer', '15 3 * * *')});
like($said, qr/WARNING:  the sweep is not scheduled yet\nDETAIL:  pg_cron keeps its jobs in database "crm"\./, 'pg_cron is in another database');
my ($statement) = $said =~ /^(SELECT cron\.schedule_in_database.*)$/m;
$node->safe_psql('crm', $statement);
is($node->safe_psql('crm', 'SELECT target, name, cron, database, active FROM crmaudit.sweep_schedule'), '|public.customer in branch|15 3 * * *|branch|t',
	'the statement schedules it');

# In pg_cron's database. A second call changes the time (and takes an id).
is($node->safe_psql('crm', q{SELECT crmaudit.schedule('customer', '30 2 * * *')}),
	q{pg_cron runs SELECT crmaudit.sweep('public.customer') as job 2 at 30 2 * * * (GMT)}, 'schedule');
is($node->safe_psql('crm', q{SELECT crmaudit.schedule('customer', '* * * * *')}),
	q{pg_cron runs SELECT crmaudit.sweep('public.customer') as job 2 at * * * * * (GMT)}, 'schedule anew');
$node->safe_psql('crm', q{SELECT crmaudit.schedule($$"C R M"."Kun'd$n"$$, '* * * * *'); SELECT crmaudit.schedule(NULL, '0 4 * * 0')});
is($node->safe_psql('crm', q{SELECT target, cron, username = current_user, active, command FROM crmaudit.sweep_schedule WHERE database = 'crm' ORDER BY job}),
	join("\n", q{customer|* * * * *|t|t|SELECT crmaudit.sweep('public.customer')},
		q{"C R M"."Kun'd$n"|* * * * *|t|t|SELECT crmaudit.sweep('"C R M"."Kun''d$n"')}, q{|0 4 * * 0|t|t|SELECT crmaudit.sweep()}), 'sweep_schedule');
refuses($node, 'crm', q{SELECT crmaudit.schedule('customer', 'often')}, qr/ERROR:  invalid schedule: often\nHINT:  A schedule has five fields/, q{pg_cron's error, with a hint});
is($node->safe_psql('crm', q{SELECT count(*) FROM crmaudit.health WHERE subject = 'schedule'}), '0', 'nothing to complain about');

# Who may. An auditor sees what is scheduled, though pg_cron is not his.
$node->safe_psql('crm', q{SELECT crmaudit.grant_duty('admin', 'admin'); SELECT crmaudit.grant_duty('auditor', 'auditor')});
refuses($node, 'crm', q{SET ROLE admin; SELECT crmaudit.schedule('customer', '0 5 * * *')},
	qr/permission denied for schema cron\nHINT:  Have a superuser run: GRANT USAGE ON SCHEMA cron TO admin\./, 'an admin without rights on pg_cron');
$node->safe_psql('crm', 'GRANT USAGE ON SCHEMA cron TO admin');
like($node->safe_psql('crm', q{SET ROLE admin; SELECT crmaudit.schedule('customer', '0 5 * * *')}), qr/as job 6 at 0 5/, 'with them');
is($node->safe_psql('crm', q{SET ROLE auditor; SELECT job, target, username FROM crmaudit.sweep_schedule WHERE target = 'customer'::regclass ORDER BY job}),
	"2|customer|" . $node->safe_psql('crm', 'SELECT current_user') . "\n6|customer|admin", 'an auditor sees all');
refuses($node, 'crm', q{SET ROLE admin; SELECT crmaudit.unschedule(NULL)}, qr/no sweep of all tables is scheduled/, q{others' jobs are theirs});
$node->safe_psql('crm', q{SET ROLE admin; SELECT crmaudit.unschedule('customer')});
is($node->safe_psql('crm', q{SELECT string_agg(job::text, ',' ORDER BY job) FROM crmaudit.sweep_schedule WHERE database = 'crm'}), '2,4,5', q{one's own is ended, and no other});

# It runs, within a minute.
ok($node->poll_query_until('crm', q{SELECT count(DISTINCT target) = 2 FROM crmaudit.run}), 'pg_cron sweeps');
ok($node->poll_query_until('crm', q{SELECT bool_and(last_status = 'succeeded' AND last_finished_at IS NOT NULL) FROM crmaudit.sweep_schedule WHERE cron = '* * * * *'}), 'sweep_schedule says so');

# Health: a table that is gone, a job that is off, one that fails.
$node->safe_psql('crm', q{DROP TABLE "C R M"."Kun'd$n"; SELECT cron.alter_job(5, active => false);
	INSERT INTO cron.job_run_details (jobid, runid, status, start_time) VALUES (2, 1000000, 'failed', '2026-01-01 02:30+00')});
is($node->safe_psql('crm', q{SET TimeZone = 'UTC'; SELECT target, problem, remedy FROM crmaudit.health WHERE subject = 'schedule' ORDER BY problem}), join("\n",
	q{|job 4 of pg_cron sweeps "C R M"."Kun'd$n", which is not protected, or not there|SELECT cron.unschedule(4)},
	q{|job 5 of pg_cron, which sweeps all tables, is not active|SELECT cron.alter_job(5, active => true)},
	q{customer|the sweep of public.customer by job 2 of pg_cron failed at 2026-01-01 02:30 UTC|SELECT return_message FROM cron.job_run_details WHERE jobid = 2 ORDER BY runid DESC LIMIT 1}),
	'health');
$node->safe_psql('crm', q{SELECT crmaudit.unschedule('customer'); SELECT crmaudit.unschedule(NULL); SELECT cron.unschedule(4)});
refuses($node, 'crm', q{SELECT crmaudit.unschedule('customer')}, qr/no sweep of relation "public\.customer" is scheduled\nHINT:  crmaudit\.sweep_schedule lists those that are/, 'nothing to end');

# A server that does not run pg_cron.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'crmaudit'");
$node->restart;
$said = says('branch', q{SELECT crmaudit.schedule(NULL, '30 2 * * *')});
like($said, qr/^30 2 \* \* \* psql -X -q -p \d+ -d branch -c "SELECT crmaudit\.sweep\(\)"\n/, 'the line for cron');
like($said, qr/DETAIL:  The server does not run pg_cron\.\nHINT:  Put the line that this function returns into the crontab .* systemd timer/, 'and what to do with it');
is($node->safe_psql('branch', 'SELECT count(*) FROM crmaudit.sweep_schedule'), '0', 'nothing is scheduled');

done_testing();
