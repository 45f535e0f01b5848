# Logical replication: the subscriber stores what the publisher accepted and
# judges what is written to it.  A physical standby shows all there is to read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = new_node('publisher', allows_streaming => 'logical');
$publisher->start;
my $subscriber = start_node('subscriber');

# A rule on the subscriber that the publisher's rows break.
foreach my $node ($publisher, $subscriber)
{
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE SCHEMA crm;
CREATE TABLE crm.customer (id int PRIMARY KEY, mail text, code text);
CREATE TABLE crm.visit (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE crm.visit_2026 PARTITION OF crm.visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT crmaudit.protect('crm.customer', roles => '{"mail":"email"}', packs => '{contact}');
SELECT crmaudit.protect('crm.visit');
SQL
}
$subscriber->safe_psql('postgres', <<'SQL');
SELECT crmaudit.add_rule('crm.customer', 'code_long', 'length', '{code}', '{"min":2}');
SELECT crmaudit.add_rule('crm.customer', 'code_formatted', 'regex', '{code}', '{"pattern":"^a","timing":"commit"}');
SELECT crmaudit.add_rule('crm.visit', 'note_filled', 'not_blank', '{note}');
SQL

# Scores of the subscriber follow what the apply worker writes.
$subscriber->safe_psql('postgres', 'SELECT crmaudit.rebase_scores(target) FROM crmaudit.protected_table');
sub scores_are_true
{
	my ($rows, $when) = @_;

	query_is($subscriber, 'postgres', "SELECT p.target, l.rows, l.stale,
			(l.rows, l.score::text, l.clean_row_rate, l.coverage) IS NOT DISTINCT FROM (m.rows, m.score::text, m.clean_row_rate, m.coverage)
		FROM crmaudit.protected_table p CROSS JOIN LATERAL crmaudit.live_table_score(p.target) l CROSS JOIN LATERAL crmaudit.measure_table(p.target) m
		ORDER BY p.target::text", $rows, "$when: scores of the subscriber");
	return;
}

# Publish the CRM's schema: crmaudit's own tables belong to each database.
$publisher->safe_psql('postgres', <<'SQL');
INSERT INTO crm.customer VALUES (1, 'wang.wei@163.com', 'x');
INSERT INTO crm.visit VALUES (1, '2026-01-01', '');
CREATE PUBLICATION crm FOR TABLES IN SCHEMA crm;
SQL
my $connstr = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION crm CONNECTION '$connstr' PUBLICATION crm");
$subscriber->wait_for_subscription_sync($publisher, 'crm');
query_is($subscriber, 'postgres', 'SELECT count(*) FROM crm.customer JOIN crm.visit USING (id)', '1', 'the initial copy is not judged');
scores_are_true("crm.customer|1|f|t\ncrm.visit|1|f|t", 'initial copy');

$publisher->safe_psql('postgres', <<'SQL');
INSERT INTO crm.customer VALUES (2, 'li.na@163.com', 'y');
UPDATE crm.customer SET code = 'z' WHERE id = 1;
INSERT INTO crm.visit VALUES (2, '2026-02-02', ' ');
DELETE FROM crm.visit WHERE id = 1;
SET crmaudit.mode = off;
INSERT INTO crm.customer VALUES (3, 'bad', 'z');
SQL
$publisher->wait_for_catchup('crm');
query_is($subscriber, 'postgres', 'SELECT id, mail, code FROM crm.customer ORDER BY id', "1|wang.wei\@163.com|z\n2|li.na\@163.com|y\n3|bad|z",
	'apply stores what the publisher accepted');
query_is($subscriber, 'postgres', 'SELECT count(*) FROM crm.visit', '1', 'also in partitions');
query_is($subscriber, 'postgres', 'SELECT count(*) FROM crmaudit.finding_event', '0', 'and records nothing');

scores_are_true("crm.customer|3|f|t\ncrm.visit|1|f|t", 'apply');
# Partitions are truncated, the whole is, and rows come by streams.
$publisher->safe_psql('postgres', q{
	INSERT INTO crm.visit VALUES (3, '2026-02-02', NULL), (4, '2026-02-02', 'x');
	SET crmaudit.mode = off;
	TRUNCATE crm.visit_2026;
	INSERT INTO crm.visit VALUES (5, '2026-02-02', NULL)});
$publisher->wait_for_catchup('crm');
scores_are_true("crm.customer|3|f|t\ncrm.visit|1|f|t", 'TRUNCATE of a partition');
$publisher->safe_psql('postgres', q{TRUNCATE crm.visit; INSERT INTO crm.visit VALUES (6, '2026-02-02', '')});
$publisher->wait_for_catchup('crm');
scores_are_true("crm.customer|3|f|t\ncrm.visit|1|f|t", 'TRUNCATE of the whole');
query_is($subscriber, 'postgres', 'SELECT id FROM crm.visit', '6', 'rows follow');
query_is($subscriber, 'postgres', 'SELECT count(*) FROM crmaudit.finding_event', '0', 'still nothing is recorded');

# Ordinary writes on the subscriber are judged.
refuses($subscriber, 'postgres', "INSERT INTO crm.customer VALUES (10, 'bad', 'ab')", qr/violates rule "email_valid"/, 'write on the subscriber');
refuses($subscriber, 'postgres', "INSERT INTO crm.visit VALUES (10, '2026-03-03', '')", qr/violates rule "note_filled"/, 'write on the subscriber, partition');
refuses($subscriber, 'postgres', "INSERT INTO crm.customer VALUES (10, 'li.na\@163.com', 'bb')", qr/violates rule "code_formatted"/, 'write on the subscriber, at commit');
stores($subscriber, 'postgres', "INSERT INTO crm.customer VALUES (10, 'li.na\@163.com', 'ab')", 'good write on the subscriber');
# A row that the apply worker stored and a user mends.
stores($subscriber, 'postgres', "UPDATE crm.customer SET code = 'ab' WHERE id = 2", 'repair on the subscriber');
$subscriber->stop;

# A physical standby of the publisher.
$publisher->safe_psql('postgres', <<'SQL');
SELECT crmaudit.rebase_scores(target) FROM crmaudit.protected_table;
SET crmaudit.mode = observe;
UPDATE crm.customer SET mail = 'very bad' WHERE id = 3;
SQL
$publisher->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($publisher, 'base', has_streaming => 1);
$standby->start;
$publisher->safe_psql('postgres', q{
	SET crmaudit.mode = observe; INSERT INTO crm.customer VALUES (4, 'bad', 'z')});
$publisher->wait_for_catchup($standby);

query_is($standby, 'postgres', 'SELECT rule, row_key FROM crmaudit.open_findings ORDER BY id', "email_valid|{\"id\": 3}\nemail_valid|{\"id\": 4}", 'standby: findings');
# Every view of crmaudit can be read.
foreach my $view (split /\n/, $standby->safe_psql('postgres', q{SELECT relname FROM pg_class WHERE relnamespace = 'crmaudit'::regnamespace AND relkind = 'v' ORDER BY 1}))
{
	stores($standby, 'postgres', "SELECT * FROM crmaudit.$view", "standby: view $view");
}
# Rules are compiled and judged.
query_is($standby, 'postgres', 'SELECT v.rule, v.reason FROM crm.customer c, crmaudit.violations(c) v WHERE c.id = 4', 'email_valid|no_at_sign', 'standby: violations()');
query_is($standby, 'postgres', 'SELECT crmaudit.score(c)::numeric < 100 FROM crm.customer c WHERE id = 4', 't', 'standby: score()');
query_is($standby, 'postgres', q{SELECT verdict FROM crmaudit.check_value('email', 'bad')}, 'invalid', 'standby: check_value()');
is($standby->safe_psql('postgres', 'SELECT target, rows, score FROM crmaudit.table_score WHERE rows > 0 ORDER BY 1'),
	$publisher->safe_psql('postgres', 'SELECT target, rows, score FROM crmaudit.table_score WHERE rows > 0 ORDER BY 1'), 'standby: same scores');
# A rule that is changed on the primary is compiled anew on the standby, in a
# session that has the old one.
my ($in, $out, $err) = ('', '', '');
my $session = IPC::Run::start([ 'psql', '-qXAt', '-d', $standby->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err);
my $ask = "SELECT count(*) || ' violations' FROM crm.customer c, crmaudit.violations(c) v WHERE c.id = 4;\n";
$in = $ask;
$session->pump until $out =~ /violations/ || $err ne '';
like($out, qr/^1 /, 'standby: session with compiled rules');
$publisher->safe_psql('postgres', q{SELECT crmaudit.drop_rule('crm.customer', 'email_valid')});
$publisher->wait_for_catchup($standby);
($out, $in) = ('', $ask);
$session->pump until $out =~ /violations/ || $err ne '';
like($out, qr/^0 /, 'standby: the session follows a change of rules on the primary');
$session->finish;
# Writing is refused as without crmaudit.
refuses($standby, 'postgres', "INSERT INTO crm.customer VALUES (5, 'bad', 'z')", qr/cannot execute INSERT in a read-only transaction/, 'standby: write');
# Promoted, the standby is a primary with a gate.
$standby->promote;
refuses($standby, 'postgres', "INSERT INTO crm.customer VALUES (5, '测试', 'z')", qr/violates rule "email_not_placeholder"/, 'promoted standby');
stores($standby, 'postgres', 'DELETE FROM crm.customer WHERE id = 4', 'promoted standby: repair');

done_testing();
