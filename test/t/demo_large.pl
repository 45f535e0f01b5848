# The demo's CRM with 100,000 customers: what was planted is found, by its kind,
# on its row and column, and nothing else; a sweep says the same again, and the
# live scores say what a sweep says.  CUSTOMERS=n takes another size.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $demo = "$FindBin::RealBin/../../demo";
my $customers = $ENV{CUSTOMERS} || 100000;
my $node = new_node('demo_large');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'crmaudit'\nfsync = off\n");
$node->start;

# timed(NAME, CODE): runs it and notes how long it took.
sub timed
{
	my ($name, $code) = @_;
	my $start = time;
	my $result = $code->();

	note(sprintf '%s: %.1f s', $name, time - $start);
	return $result;
}

sub run_file
{
	my ($file) = @_;
	my ($stdout, $stderr) = run_command([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', "customers=$customers", '-v', 'mode=observe',
		'-d', $node->connstr('postgres'), '-o', '/dev/null', '-f', "$demo/$file.sql" ]);

	is($stderr, '', "$file.sql runs");
	return;
}

$node->safe_psql('postgres', 'CREATE EXTENSION crmaudit');
timed("the CRM of $customers customers", sub { run_file($_) foreach qw(schema data); });
run_file($_) foreach qw(rules detection);

# What takes more than a minute is not slow but broken (quadratic, say).
$node->append_conf('postgresql.conf', "statement_timeout = '60s'");
$node->reload;

my $findings = 'SELECT f.id, f.target, f.row_key, f.rule_id, f.column_name, f.reason, f.status, f.group_key FROM crmaudit.finding f ORDER BY f.id';
my $scores = 'SELECT target, rows, score, clean_row_rate, coverage, completeness, validity, consistency, uniqueness, timeliness, accuracy FROM crmaudit.table_score';
my $columns = 'SELECT target, column_name, dimension, assessed, failed, score FROM crmaudit.column_score';

# The first sweep finds what was planted.
query_is($node, 'postgres', 'SELECT count(*) FROM crmaudit.finding', '0', 'nothing is found before the first sweep');
is(timed('a sweep of six tables', sub { $node->safe_psql('postgres', 'SELECT count(*) FROM crmaudit.sweep()') }), '6', 'six tables are swept');
note($node->safe_psql('postgres', q{SELECT format('%s: %s rows, %s failures, %s workers, %s ms', target, rows, failures, workers,
	round(1000 * extract(epoch FROM finished_at - started_at))) FROM crmaudit.run ORDER BY id}));
query_is($node, 'postgres', q{SELECT rows FROM crmaudit.run WHERE target = 'crm.customer'::regclass}, $customers, 'every customer is judged');
query_is($node, 'postgres', 'SELECT tab, defect, count(*) FROM demo.missed GROUP BY 1, 2', '', 'every planted defect is found by its kind, on its row and column');
query_is($node, 'postgres', 'SELECT tab, rule, reason, count(*) FROM demo.false_finding GROUP BY 1, 2, 3', '', 'nothing else is found');
query_is($node, 'postgres', 'SELECT g.name, count(*) FROM demo.planted_good g JOIN demo.found f USING (tab, row_key) GROUP BY 1', '', 'nor good rows that a careless rule would call bad');
query_is($node, 'postgres', 'SELECT count(DISTINCT defect) >= 70 AND count(*) >= 300 FROM demo.expected WHERE by_rule', 't', 'there was something to find');
my $detection = $node->safe_psql('postgres', q{SELECT format('%-22s planted %6s  found %6s  precision %s  recall %s', kind, planted, found, precision, recall) FROM demo.detection});
diag("error detection by cells, $customers customers: " . (split /\n/, $detection)[-1]);
note($detection);
query_is($node, 'postgres', q{SELECT kind, recall FROM demo.detection WHERE recall <> 1}, '', 'recall of each kind is 1');
# Two columns that contradict each other are both accused, and one of them is right.
query_is($node, 'postgres', q{SELECT kind, precision FROM demo.detection WHERE precision <> 1
	AND kind NOT IN ('at_least_one_of', 'date_order', 'functional_dependency', 'id_matches_birth_date', 'id_matches_sex', 'all kinds')},
	'', 'precision of each kind that accuses one column is 1');

# The second, without workers, says the same.
my @before = map { $node->safe_psql('postgres', $_) } $findings, $scores, $columns;
timed('a second sweep, without workers', sub { $node->safe_psql('postgres', 'SELECT count(*) FROM crmaudit.sweep(workers => 0)') });
my @after = map { $node->safe_psql('postgres', $_) } $findings, $scores, $columns;
same_text($after[0], $before[0], 'a second sweep finds what the first one did, and nothing twice');
same_text($after[1], $before[1], 'the live score of each table is that of the second sweep');
same_text($after[2], $before[2], 'and of each column');
query_is($node, 'postgres', q{SELECT count(*), count(DISTINCT (rows, failures, score, clean_row_rate, coverage)) FROM crmaudit.run GROUP BY target}, join("\n", ('2|1') x 6), 'the two runs of each table say the same');

# Writes of all sorts: the cells that only the row itself decides stay exact.
$node->safe_psql('postgres', <<'SQL');
INSERT INTO crm.customer SELECT c.* FROM generate_series(1, 300) n, demo.new_customer('C9000' || lpad(n::text, 3, '0'),
	(CASE n % 4 WHEN 0 THEN '{"mail": "nobody"}' WHEN 1 THEN '{"sex": null}' ELSE '{}' END)::jsonb) c;
UPDATE crm.customer SET mail = 'x@@' || customer_no, updated_at = updated_at + interval '1 minute' WHERE substr(customer_no, 2)::int % 97 = 0;
UPDATE crm.customer SET sex = NULL, status = 'lost' WHERE substr(customer_no, 2)::int % 89 = 0;
UPDATE crm.customer SET sex = CASE WHEN substr(id_no, 17, 1)::int % 2 = 1 THEN '男' ELSE '女' END WHERE sex IS NULL AND id_no ~ '^\d{17}' AND substr(customer_no, 2)::int % 3 = 0;
DELETE FROM crm.customer WHERE customer_no BETWEEN 'C9000100' AND 'C9000200';
BEGIN; UPDATE crm.customer SET status = NULL; ROLLBACK;
SQL
my $live = $columns . q{ WHERE target = 'crm.customer'::regclass AND (column_name, dimension) IN (('mail', 'validity'), ('sex', 'completeness'),
	('status', 'validity'), ('full_name', 'completeness'), ('full_name', 'validity'), ('bank_card', 'validity'), ('id_no', 'completeness'))};
my $now = $node->safe_psql('postgres', $live);
my $open = "SELECT f.row_key, f.rule_id, f.reason FROM crmaudit.finding f JOIN crmaudit.rule r ON r.id = f.rule_id
	WHERE f.target = 'crm.customer'::regclass AND f.status = 'open' AND r.columns && '{mail,sex,status}' AND r.name NOT LIKE '%changed%' ORDER BY 1, 2";
my $open_now = $node->safe_psql('postgres', $open);
isnt($now, '', 'the live cells are shown');
timed('a third sweep', sub { $node->safe_psql('postgres', q{SELECT count(*) FROM crmaudit.sweep('crm.customer')}) });
same_text($node->safe_psql('postgres', $live), $now, 'after writes of all sorts they are what a sweep says');
same_text($node->safe_psql('postgres', $open), $open_now, 'the gate had found what the sweep finds');
query_is($node, 'postgres', q{SELECT tab, defect, count(*) FROM demo.missed WHERE column_name NOT IN ('mail', 'sex', 'status') GROUP BY 1, 2}, '', 'nothing is lost by it');

# The lists are there in time.
timed('suspicious customers', sub { $node->safe_psql('postgres', 'SELECT * FROM crmaudit.suspicious_customers') });
timed('a page of the work list', sub { $node->safe_psql('postgres', 'SELECT * FROM crmaudit.work_list LIMIT 50') });
timed('improvement proposals', sub { $node->safe_psql('postgres', 'SELECT * FROM crmaudit.improvement_proposals') });
query_is($node, 'postgres', q{SELECT (SELECT count(DISTINCT row_key) FROM crmaudit.suspicious_customers WHERE target = 'crm.company'::regclass)
	= (SELECT count(*) FROM demo.planted WHERE defect = 'contact_phone_shared')}, 't', 'the suspicious companies are those planted');

done_testing();
