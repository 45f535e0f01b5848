# Many rules, many partitions, a large value, a large list: all in seconds.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('large');
$node->safe_psql('postgres', 'CREATE EXTENSION crmaudit');

# What takes more than a minute is not slow but broken (quadratic, say).
$node->append_conf('postgresql.conf', "statement_timeout = '60s'");
$node->reload;

# 200 rules on one table: each is judged, and an error describes max_reported.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE wide (id int PRIMARY KEY, a text, b int);
SELECT crmaudit.protect('wide');
SELECT count(crmaudit.add_rule('wide', 'rule_' || n, 'range', '{b}', jsonb_build_object('max', n))) FROM generate_series(1, 200) n;
SQL
stores($node, 'postgres', 'INSERT INTO wide SELECT n, NULL, 1 FROM generate_series(1, 10000) n', '10,000 rows by 200 rules');
my (undef, undef, $stderr) = $node->psql('postgres', 'INSERT INTO wide VALUES (0, NULL, 200)');
like($stderr, qr/violates rule "rule_1" \(column "b"\) and 198 more/, 'all violations are counted');
is(() = $stderr =~ /Rule "rule_\d+"/g, 20, 'as many are described as max_reported says');
stores($node, 'postgres', 'SET crmaudit.mode = observe; INSERT INTO wide SELECT n, NULL, 1000 FROM generate_series(20001, 20100) n', '100 rows break 200 rules');
query_is($node, 'postgres', 'SELECT count(*), sum(open_findings) FROM crmaudit.rule_status', '200|20000', 'each has its finding');
stores($node, 'postgres', 'DELETE FROM wide WHERE id > 20000', 'the rows are deleted');
query_is($node, 'postgres', 'SELECT count(*) FROM crmaudit.open_findings', '0', 'and the findings resolved');

# 200 partitions under one call; a change of rules reaches the last of them.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE visit (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
SELECT format('CREATE TABLE visit_%s PARTITION OF visit FOR VALUES FROM (%L) TO (%L)', n, date '2026-01-01' + n, date '2026-01-02' + n)
FROM generate_series(0, 199) n \gexec
SQL
stores($node, 'postgres', "SELECT crmaudit.protect('visit')", '200 partitions are protected');
stores($node, 'postgres', q{INSERT INTO visit SELECT n, date '2026-01-01' + n % 200, 'x' FROM generate_series(1, 2000) n;
	SELECT crmaudit.add_rule('visit', 'note_long', 'length', '{note}', '{"min":2}');
	SET crmaudit.mode = observe;
	INSERT INTO visit SELECT n, date '2026-01-01' + n % 200, 'x' FROM generate_series(2001, 2200) n;
	UPDATE visit SET note = 'long', day = day + CASE WHEN day < '2026-07-01' THEN 1 ELSE 0 END WHERE id > 2100}, 'rows of all partitions, before and after a rule');
query_is($node, 'postgres', 'SELECT count(*) FROM crmaudit.open_findings', '100', 'each partition obeys the new rule');
refuses($node, 'postgres', "INSERT INTO visit_199 VALUES (1, '2026-07-19', 'x')", qr/violates rule "note_long"/, 'the last partition');
stores($node, 'postgres', "SELECT crmaudit.unprotect('visit')", '200 partitions are free again');

# A megabyte in one column, by kinds that read it all.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE document (id int PRIMARY KEY, body text, profile jsonb);
SELECT crmaudit.protect('document', mode => 'quarantine');
SELECT crmaudit.add_rule('document', 'body_blank', 'not_blank', '{body}');
SELECT crmaudit.add_rule('document', 'body_length', 'length', '{body}', '{"max":1048576}');
SELECT crmaudit.add_rule('document', 'body_characters', 'charset', '{body}', '{"forbid":["control"]}');
SELECT crmaudit.add_rule('document', 'body_real', 'placeholder', '{body}');
SELECT crmaudit.add_rule('document', 'body_mail', 'format', '{body}', '{"type":"email"}', severity => 'warning');
SELECT crmaudit.add_rule('document', 'body_pattern', 'regex', '{body}', '{"pattern":"^[^<]*$"}');
SELECT crmaudit.add_rule('document', 'body_kept', 'immutable', '{body}');
SELECT crmaudit.add_rule('document', 'path_length', 'length', '{profile->>text}', '{"max":2000000}');
SQL
stores($node, 'postgres', q{INSERT INTO document SELECT 1, string_agg(md5(n::text), '' ORDER BY n), jsonb_build_object('text', repeat('客户', 500000)) FROM generate_series(1, 32768) n}, 'a megabyte');
query_is($node, 'postgres', 'SELECT string_agg(rule, $$ $$) FROM crmaudit.open_findings', 'body_mail', 'is judged');
stores($node, 'postgres', q{UPDATE document SET body = body || '<'}, 'a megabyte to put aside');
query_is($node, 'postgres', 'SELECT rules, (SELECT length(row_data ->> $$body$$) FROM crmaudit.quarantine) FROM crmaudit.quarantined', '{body_length,body_pattern,body_kept}|1048577', 'is in quarantine, whole');

# A list of 100,000 values.
$node->safe_psql('postgres', <<'SQL');
INSERT INTO crmaudit.value_list SELECT 'postcodes', 100000 + n FROM generate_series(0, 99999) n;
CREATE TABLE address (id int PRIMARY KEY, postcode text);
SELECT crmaudit.protect('address');
SELECT crmaudit.add_rule('address', 'postcode_known', 'in_list', '{postcode}', '{"list":"postcodes"}');
SQL
stores($node, 'postgres', 'INSERT INTO address SELECT n, 100000 + n FROM generate_series(0, 99999) n', 'each of 100,000 values is in the list');
refuses($node, 'postgres', "INSERT INTO address VALUES (-1, '200000')", qr/violates rule "postcode_known"/, 'the next is not');
# A list is changed while it is in use, again and again.
stores($node, 'postgres', q{DO $$ BEGIN FOR i IN 1 .. 10 LOOP
	INSERT INTO crmaudit.value_list VALUES ('postcodes', 200000 + i); INSERT INTO address VALUES (-i, 200000 + i); END LOOP; END $$}, 'a list that changes');

done_testing();
