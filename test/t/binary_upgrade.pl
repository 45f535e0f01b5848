# pg_upgrade keeps all: tables, rules and findings are carried over as files
# and catalog rows, by a dump in which every member of the extension is spelt
# out and no trigger may fire.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

# pg_upgrade starts both servers with our library; no worker may write then.
my $old = new_node('old');
my $preload = "shared_preload_libraries = 'crmaudit'\ncrmaudit.seal_interval = 0\nlog_min_messages = debug1";
$old->append_conf('postgresql.conf', $preload);
$old->start;

$old->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE TABLE junk (a int);
CREATE TABLE customer (junk1 int, id int PRIMARY KEY, mail text, junk2 int, code text);
ALTER TABLE customer DROP COLUMN junk1, DROP COLUMN junk2;
SELECT crmaudit.protect('customer', roles => '{"mail":"email"}', packs => '{contact}', mode => 'observe');
SELECT crmaudit.add_rule('customer', 'code_lower', 'expression', params => '{"sql":"code = lower(code)"}');
SELECT crmaudit.add_rule('customer', 'code_long', 'length', '{code}', '{"min":2,"timing":"commit"}');
ALTER TABLE customer RENAME COLUMN code TO short_code;
INSERT INTO customer VALUES (1, 'bad', 'ab'), (2, 'wang.wei@163.com', 'AB');
SELECT crmaudit.set_mode('customer', 'quarantine');
INSERT INTO customer VALUES (3, 'bad', 'ab');
SELECT crmaudit.set_mode('customer', 'enforce');
CREATE TABLE visit (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE visit_2026 (junk int, note text, day date NOT NULL, id int NOT NULL);
ALTER TABLE visit_2026 DROP COLUMN junk;
ALTER TABLE visit ATTACH PARTITION visit_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT crmaudit.protect('visit');
SELECT crmaudit.add_rule('visit', 'note_filled', 'not_blank', '{note}');
-- a table of the user's with a column of our type
CREATE TABLE score_log (at date, score crmaudit.dqscore, worst crmaudit.severity);
INSERT INTO score_log SELECT '2026-01-01', crmaudit.score(c), 'error' FROM customer c WHERE id = 1;
CREATE INDEX ON score_log (score);
INSERT INTO crmaudit.value_list VALUES ('mine', 'a');
CREATE ROLE steward;
SELECT count(*) FROM crmaudit.grant_duty('steward', 'steward');
DROP TABLE junk;
SQL
my $state = <<'SQL';
SELECT 'finding', id, target, rule, row_key, status, occurrences FROM crmaudit.finding ORDER BY id;
SELECT 'status', target, rule, state, open_findings, columns, in_words FROM crmaudit.rule_status ORDER BY 3;
SELECT 'version', rule_id, version, name FROM crmaudit.rule_version ORDER BY 2, 3;
SELECT 'quarantine', id, target, status, row_data FROM crmaudit.quarantine;
SELECT 'list', list, count(*) FROM crmaudit.value_list GROUP BY list ORDER BY 2;
SELECT 'rows of ours', (SELECT count(*) FROM crmaudit.role), (SELECT count(*) FROM crmaudit.pack_rule);
SELECT 'score', at, score, worst FROM score_log;
SELECT 'member', pg_describe_object(classid, objid, objsubid) FROM pg_depend
	WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'crmaudit') ORDER BY 2;
SELECT 'config', unnest(extconfig)::regclass, unnest(extcondition) FROM pg_extension WHERE extname = 'crmaudit' ORDER BY 2;
SELECT 'trigger', tgrelid::regclass, tgname, tgenabled, tgdeferrable FROM pg_trigger WHERE tgname LIKE 'zz%' ORDER BY 2, 3;
SELECT 'right', has_function_privilege('steward', 'crmaudit.release(bigint, jsonb)', 'EXECUTE'), has_function_privilege('steward', 'crmaudit.unprotect(regclass)', 'EXECUTE');
SQL
my $before = $old->safe_psql('postgres', $state);
# else the worker of the new one does it, and a hole is looked into once more
$old->safe_psql('postgres', 'SELECT crmaudit.fold_findings()') for 1 .. 3;
# what a worker would fold afterwards
$old->safe_psql("postgres", "SELECT crmaudit.fold()");
my $dump = dump_text($old, 'postgres');
$old->stop;

my $new = new_node('new');
$new->append_conf('postgresql.conf', $preload);
my $bindir = $old->config_data('--bindir');
my @upgrade = ('pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
	'-s', $new->host, '-p', $old->port, '-P', $new->port);
chdir $PostgreSQL::Test::Utils::tmp_check;
command_ok([ @upgrade, '--check' ], 'pg_upgrade --check');
command_ok([ @upgrade, '--retain' ], 'pg_upgrade');
my $log = join('', map { slurp_file($_) } glob($new->data_dir . '/pg_upgrade_output.d/*/log/pg_upgrade_server.log'));
like($log, qr/database system is ready to accept connections/, 'log of the servers that pg_upgrade starts');
unlike($log, qr/crmaudit (launcher|worker)/, 'they have no worker');
$new->start;

same_text($new->safe_psql('postgres', $state), $before, 'everything is what it was, members of the extension included');
same_text(dump_text($new, 'postgres'), $dump, 'a dump after the upgrade equals the one before');

refuses($new, 'postgres', "INSERT INTO customer VALUES (10, 'bad', 'ab')", qr/violates rule "email_valid"/, 'bad row');
refuses($new, 'postgres', "INSERT INTO customer VALUES (10, 'li.na\@163.com', 'AB')", qr/violates rule "code_lower"/, 'expression');
refuses($new, 'postgres', "INSERT INTO customer VALUES (10, 'li.na\@163.com', 'a')", qr/violates rule "code_long" \(column "short_code"\)/, 'rule at commit');
refuses($new, 'postgres', "INSERT INTO visit VALUES (1, '2026-01-01', '')", qr/violates rule "note_filled"/, 'partition');
stores($new, 'postgres', "UPDATE customer SET mail = 'zhang.min\@sina.com' WHERE id = 1", 'repair');
query_is($new, 'postgres', q{SELECT status FROM crmaudit.finding WHERE rule = 'email_valid' AND row_key = '{"id":1}'}, 'resolved', 'a repair resolves the finding of before');
stores($new, 'postgres', q{SELECT crmaudit.release(1, '{"mail":"zhao.lei@qq.com"}')}, 'a row put aside before is released');
stores($new, 'postgres', q{SELECT crmaudit.add_rule('visit', 'short', 'length', '{note}', '{"max":9}')}, 'a new rule');
# The event triggers belong to the extension as before.
refuses($new, 'postgres', 'ALTER TABLE customer DROP COLUMN mail', qr/because rules read it/, 'column that a rule reads');
stores($new, 'postgres', 'SET crmaudit.drop_ledger = on; DROP TABLE customer, visit, score_log; DROP EXTENSION crmaudit', 'DROP EXTENSION');
query_is($new, 'postgres', "SELECT count(*) FROM pg_proc WHERE probin LIKE '%crmaudit%'", '0', 'leaves nothing');
$new->stop;

done_testing();
