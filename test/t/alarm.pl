# An alarm notifies whoever listens.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use Test::More;

my $node = start_node('alarm');

my $out = $node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE SCHEMA crm;
CREATE TABLE crm.customer (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('crm.customer');
SELECT crmaudit.set_alarm('crm.customer', 5);
INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score)
	VALUES (1, 'crm.customer', '2026-01-01', 2, 1, '90'), (2, 'crm.customer', '2026-01-02', 2, 1, '84.5');
LISTEN crmaudit;
SELECT 'raised ' || crmaudit.raise_alarm(2);
SQL
like($out, qr/^raised 1$/m, 'raised');
my ($payload) = $out =~ /^Asynchronous notification "crmaudit" with payload "(.*)" received/m;
is($node->safe_psql('postgres', "SELECT string_agg(format('%s=%s', key, value), ' ' ORDER BY key) FROM jsonb_each_text(\$json\$$payload\$json\$)"),
	'before=90 kind=score dropped max_drop=5 of=score rule=score_alarm run=2 score=84.5 severity=error target=crm.customer', 'and told');

done_testing();
