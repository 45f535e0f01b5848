# pg_dump and restore bring back rules, findings and quarantine, and they work:
# attribute numbers shift where columns were dropped, ids go on where they were.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../perl";
use CrmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('dump_restore');

# A CRM with all that shifts or hides in a dump: dropped and renamed columns,
# mixed-case names, a partition with its own attribute numbers, an identifier
# as key, expressions, a live condition, a rule at commit, and what a user
# added to crmaudit's tables.
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('postgres', 'CREATE ROLE steward; CREATE ROLE auditor; CREATE ROLE crm_owner');
$node->safe_psql('source', <<'SQL');
CREATE EXTENSION crmaudit;
CREATE SCHEMA crm;
CREATE FUNCTION crm.adult(dob date) RETURNS boolean LANGUAGE sql STABLE
	AS 'SELECT dob < date ''2008-01-01''';

INSERT INTO crmaudit.role (role, is_identifier, english, chinese) VALUES ('membership', false, 'membership number', '会员号');
INSERT INTO crmaudit.pack VALUES ('club', 'members of the club', '俱乐部会员');
INSERT INTO crmaudit.pack_rule (pack, name, kind, roles, params, position)
	VALUES ('club', 'membership_listed', 'in_list', '{membership}', '{"list": "members"}', 1);
INSERT INTO crmaudit.value_list VALUES ('members', 'M-1'), ('members', 'M-2'),
	('disposable_domains', 'our-own-trash.example');
INSERT INTO crmaudit.dimension_weight VALUES ('accuracy', 0.5);

CREATE TABLE crm.customer (
	junk1 int, id int PRIMARY KEY, junk2 text, mail text, mobile text, junk3 date,
	dob date, phone_old text, deleted boolean NOT NULL DEFAULT false, member_no text);
ALTER TABLE crm.customer DROP COLUMN junk1, DROP COLUMN junk2, DROP COLUMN junk3;
SELECT crmaudit.protect('crm.customer',
	roles => '{"mail":"email","mobile":"phone","member_no":"membership"}',
	packs => '{contact,club}', live => 'NOT deleted', mode => 'observe');
SELECT crmaudit.add_rule('crm.customer', 'adult', 'expression',
	params => '{"sql":"crm.adult(dob)"}', condition => 'phone_old IS NOT NULL');
SELECT crmaudit.add_rule('crm.customer', 'landline_formatted', 'regex', '{phone_old}',
	'{"pattern":"^[0-9-]+$","timing":"commit"}');
ALTER TABLE crm.customer RENAME COLUMN phone_old TO landline;
SELECT crmaudit.add_rule('crm.customer', 'gone', 'required', '{mail}');
SELECT crmaudit.drop_rule('crm.customer', 'gone');
SELECT crmaudit.alter_rule('crm.customer', 'adult', severity => 'critical');
INSERT INTO crm.customer (id, mail, mobile) VALUES
	(1, 'not a mail', '13918276354'), (2, 'wang.wei@163.com', '13918276355'), (3, 'x', '13918276356');
UPDATE crm.customer SET mail = 'li.na@qq.com' WHERE id = 3;
SELECT crmaudit.set_mode('crm.customer', 'enforce');

CREATE TABLE crm."Kunde" ("Steuer-Nr" text PRIMARY KEY, "E Mail" text, "select" int);
SELECT crmaudit.protect('crm."Kunde"', roles => '{"Steuer-Nr":"vat_id","E Mail":"email"}',
	packs => '{contact}', mode => 'quarantine');
SELECT crmaudit.add_rule('crm."Kunde"', 'Größe "1"', 'range', '{select}', '{"min":0}', severity => 'warning');
INSERT INTO crm."Kunde" VALUES ('DE1', 'bad', 1), ('DE2', 'kurt.meyer@gmx.de', -1);

CREATE TABLE crm.visit (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE crm.visit_2025 PARTITION OF crm.visit FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE crm.visit_2026 (junk int, note text, day date NOT NULL, more int, id int NOT NULL);
ALTER TABLE crm.visit_2026 DROP COLUMN junk, DROP COLUMN more;
ALTER TABLE crm.visit ATTACH PARTITION crm.visit_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT crmaudit.protect('crm.visit', mode => 'observe');
SELECT crmaudit.add_rule('crm.visit', 'note_filled', 'not_blank', '{note}');
INSERT INTO crm.visit VALUES (1, '2025-05-05', ''), (2, '2026-05-05', '');
SELECT crmaudit.set_mode('crm.visit', 'enforce');

-- Identifier types, with values that the reference data of today do not know;
-- a generated column, an expression index and a CHECK that use them.
CREATE TABLE crm.identity (
	mobile crmaudit.phone, mail crmaudit.email, id_no crmaudit.resident_id, credit_code crmaudit.uscc,
	card crmaudit.bank_card, account crmaudit.iban, lei crmaudit.lei, vat crmaudit.vat_id,
	masked text GENERATED ALWAYS AS (crmaudit.mask(card)) STORED,
	CHECK (mobile OPERATOR(crmaudit.>) '+10000000')) PARTITION BY HASH (mobile);
CREATE TABLE crm.identity_0 PARTITION OF crm.identity FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE crm.identity_1 PARTITION OF crm.identity FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON crm.identity ((mail::text));
INSERT INTO crm.identity VALUES
	('+8612012345678', '"a b"@例子.公司', '990105194912310023', '91350100M000100Y43', '6228480402564890019', 'GB82WEST12345698765432', '5493001KJTIIGC8Y1R12', 'ATU13585627'),
	('+390612345678', 'A@b.cn', '110105299912310020', '91350200M0001WUL09', '000000000018', NULL, NULL, NULL);

-- of a dropped table there is a history
CREATE TABLE crm.gone (id int PRIMARY KEY, a text);
SELECT crmaudit.protect('crm.gone', mode => 'quarantine');
SELECT crmaudit.add_rule('crm.gone', 'filled', 'required', '{a}');
SELECT crmaudit.add_rule('crm.gone', 'filled_too', 'required', '{a}', severity => 'warning');
INSERT INTO crm.gone VALUES (1, NULL);
SELECT crmaudit.set_mode('crm.gone', 'observe');
INSERT INTO crm.gone VALUES (2, NULL);
DROP TABLE crm.gone;

-- findings that are folded, and steps that are not; an id that nobody used
SELECT crmaudit.fold_findings();
SELECT crmaudit.acknowledge(ARRAY(SELECT id FROM crmaudit.finding WHERE target = 'crm.visit'::regclass));
SELECT crmaudit.fold_findings();
BEGIN;
SELECT crmaudit.reopen(ARRAY(SELECT id FROM crmaudit.finding WHERE status = 'resolved'));
ROLLBACK;
INSERT INTO crmaudit.assignment VALUES ('crm.visit', NULL, 'service desk');
INSERT INTO crmaudit.escalation VALUES (NULL, 'head office');
SELECT crmaudit.distribute(ARRAY(SELECT id FROM crmaudit.finding WHERE target = 'crm.visit'::regclass));
SELECT crmaudit.resolve(ARRAY(SELECT id FROM crmaudit.finding WHERE row_key @> '{"id":1,"day":"2025-05-05"}'), 'called');
SELECT crmaudit.waive(ARRAY(SELECT id FROM crmaudit.finding WHERE row_key @> '{"id":2,"day":"2026-05-05"}'), '2999-12-31', 'old', 'boss');

-- some deltas are folded, some are not; a list that rules use stays as it is
SELECT crmaudit.rebase_scores(target) FROM crmaudit.protected_table;
UPDATE crm.customer SET mail = 'zhang@qq.com' WHERE id = 2;
SELECT crmaudit.fold_scores();
UPDATE crm.visit SET note = 'x' WHERE id = 1;

-- What the CRM's tables are mapped to: dropped and renamed columns, a view, a
-- key of two columns, an entity and a pack of one's own; obligations with an
-- exemption and an extension.
CREATE TABLE crm.contract (junk int, nr text PRIMARY KEY, client int, junk2 text, signed timestamp, state text, volume numeric);
ALTER TABLE crm.contract DROP COLUMN junk, DROP COLUMN junk2;
CREATE TABLE crm.call (client int, at timestamptz, lost int, what text, PRIMARY KEY (client, at));
ALTER TABLE crm.call DROP COLUMN lost;
CREATE VIEW crm.old_contract AS SELECT 'O' || n AS nr, n AS client, date '2020-02-03' + n AS signed FROM generate_series(1, 2) n;
INSERT INTO crm.contract VALUES ('A', 1, '2026-03-02 10:00', 'signed', 5), ('B', 2, '2026-03-02 10:00', 'signed', 6), ('C', 3, '2026-03-02 10:00', 'signed', 7), ('D', 4, '2026-03-02 10:00', 'draft', 8);
INSERT INTO crm.call VALUES (1, '2026-03-03 10:00+08', 'done'), (3, '2026-03-04 11:00+08', 'done');
CREATE FUNCTION crm.said(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT upper($1)$$;
SET TimeZone = 'Asia/Shanghai';
SET search_path = crm;
SELECT crmaudit.map_entity('contract', 'contract', '{"contract_id": "nr", "customer_id": "client", "signed_at": "signed", "status": {"column": "state", "values": {"signed": "in force"}}, "volume": "volume"}', $$state <> 'draft'$$);
SELECT crmaudit.map_entity('contract', 'old_contract', '{"contract_id": "nr", "customer_id": "client", "signed_at": {"column": "signed", "time_zone": "UTC"}}');
SELECT crmaudit.map_entity('interaction', 'call', '{"interaction_id": "client || '' '' || at", "customer_id": "client", "occurred_at": "at", "outcome": "said(what)"}');
RESET search_path;
SET TimeZone = 'UTC';
SELECT crmaudit.add_entity('meter_reading', '{"meter_reading_id": "text", "customer_id": "text", "read_at": "timestamptz", "kwh": {"type": "numeric", "unit": "kWh", "english": "energy used", "chinese": "用电量"}}');
SELECT crmaudit.map_entity('meter_reading', 'crm.contract', '{"meter_reading_id": "nr", "customer_id": "client", "kwh": "volume"}');
SELECT crmaudit.add_obligation('call', 'contract', '24 hours', 'interaction', condition => $$status = 'in force' AND volume > 0$$, fulfilled_if => $$outcome = 'DONE' AND subject.kind IS NULL$$, calendar => 'CN');
SELECT crmaudit.add_obligation('readings', 'meter_reading', NULL, 'interaction', due => 'read_at', counting_from => 'read_at');
SELECT crmaudit.add_obligation('gone', 'contract', '24 hours', 'interaction');
SELECT crmaudit.drop_obligation('gone');
SELECT crmaudit.exempt('call', 'B', 'died', 'head');
SELECT crmaudit.extend('call', $$contract_id = 'C'$$, '49 hours', 'storm', 'head');
SELECT crmaudit.alter_obligation('call', severity => 'critical');
SELECT crmaudit.install_pack('insurance');
INSERT INTO crmaudit.obligation_pack (pack, name, position, definition, english, chinese) VALUES ('club', 'club_call', 1, '{"for_each": "contract", "within": "2 days", "fulfilled_by": "interaction"}', 'x', '会');
ALTER TABLE crm.contract RENAME signed TO concluded;
ALTER TABLE crm.contract RENAME volume TO amount;
ALTER TABLE crm.call RENAME TO calls;
SELECT crmaudit.sweep_obligations('crm.contract');
SELECT crmaudit.fold_findings();

SELECT count(*) FROM crmaudit.grant_duty('steward', 'steward');
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'auditor');
SQL

# What must be the same before and after.
my $state = <<'SQL';
SELECT 'finding', id, target, rule, rule_version, row_key, column_name, reason, status, occurrences,
	assignee, distributed_at, acknowledged_by, resolved_at, evidence, waived_until, approved_by FROM crmaudit.finding ORDER BY id;
SELECT 'unfolded', id, event FROM crmaudit.unfolded_events();
SELECT 'assignment', target, assignee FROM crmaudit.assignment;
SELECT 'escalation', superior FROM crmaudit.escalation;
SELECT 'status', target, rule, state, open_findings, columns, in_words, version, pack FROM crmaudit.rule_status;
SELECT 'version', rule_id, version, target, name, dropped_at IS NOT NULL FROM crmaudit.rule_version ORDER BY 2, 3;
SELECT 'table', target, mode, live, key, hashed_key, roles, packs, rule_set_version, attnames FROM crmaudit.protected_table ORDER BY 2;
SELECT 'quarantine', id, target, row_key, status FROM crmaudit.quarantine ORDER BY id;
SELECT 'duty', duty, grantee FROM crmaudit.duty_grant ORDER BY 2;
SELECT 'salt', salt FROM crmaudit.key_salt;
SELECT 'score', target, rows, score, clean_row_rate, coverage, stale FROM crmaudit.table_score;
SELECT 'identity', tableoid::regclass, i FROM crm.identity i;
SELECT 'mapping', entity, source, columns, filter, query, types, attnames, written_names, alias, path, time_zone, mapped_by FROM crmaudit.entity_mapping ORDER BY id;
SELECT 'entity map', * FROM crmaudit.entity_map WHERE state <> 'not mapped';
SELECT 'entity', * FROM crmaudit.entity WHERE NOT builtin;
SELECT 'entity column', * FROM crmaudit.entity_column WHERE NOT builtin ORDER BY column_name;
SELECT 'contract', c FROM crmaudit.contract() c ORDER BY contract_id;
SELECT 'interaction', c FROM crmaudit.interaction() c ORDER BY interaction_id;
SELECT 'reading', c FROM crmaudit.meter_reading() c ORDER BY meter_reading_id;
SELECT 'obligation', to_jsonb(o) FROM crmaudit.obligation o ORDER BY name;
SELECT 'exemption', * FROM crmaudit.obligation_exemption;
SELECT 'extension', * FROM crmaudit.obligation_extension;
SELECT 'obligation pack', pack, name FROM crmaudit.obligation_pack WHERE NOT builtin;
SELECT 'status', s FROM crmaudit.obligation_status s ORDER BY obligation, subject_id;
SELECT 'problem', target, rule, problem FROM crmaudit.health WHERE subject IN ('entity', 'obligation');
SELECT 'comment', obj_description('crmaudit.meter_reading()'::regprocedure), has_function_privilege('auditor', 'crmaudit.meter_reading()', 'EXECUTE');
SELECT 'right', has_table_privilege('steward', 'crmaudit.quarantine', 'UPDATE'),
	has_table_privilege('auditor', 'crmaudit.finding', 'SELECT'), has_table_privilege('auditor', 'crmaudit.key_salt', 'SELECT');
SQL

# As sorted lines, for tables are ordered by their OIDs.
sub state
{
	return join("\n", sort split /\n/, $node->safe_psql($_[0], $state));
}

my $source_state = state('source');
# ledger_dump.pl looks at the ledger, which records that triggers are restored.
my @options = ('--exclude-table-data=crmaudit.ledger_*', '--exclude-table-data=crmaudit.tracked_table');
my $source_dump = dump_text($node, 'source', @options);
my $restored = 0;

# CREATE EXTENSION makes the rows that come with crmaudit: a dump holds none.
unlike($source_dump, qr/mailinator|policyholder_cn|passport/, 'no row that comes with crmaudit is dumped');
like($source_dump, qr/our-own-trash\.example/, 'what the user added is dumped');

# All that crmaudit promises about the restored database.
sub works
{
	my ($db, $n) = @_;
	same_text(state($db), $source_state, "$n: rules, findings, quarantine, duties are what they were");

	# A number in the place of a table's name would mean another table.
	query_is($node, $db, 'SELECT count(*) FROM (SELECT target FROM crmaudit.finding_event UNION ALL SELECT target FROM crmaudit.rule_version
		UNION ALL SELECT target FROM crmaudit.quarantine) t WHERE target <> 0 AND NOT EXISTS (SELECT FROM pg_class WHERE oid = target)', '0',
		"$n: history of a dropped table");

	# Each bad row is refused by the rule that was defined before the dump.
	refuses($node, $db, "INSERT INTO crm.customer (id, mail, mobile) VALUES (10, 'bad', '13918276354')",
		qr/violates rule "email_valid" \(column "mail"\)/, "$n: bad mail");
	refuses($node, $db, "INSERT INTO crm.customer (id, mail, member_no) VALUES (10, 'wang.wei\@163.com', 'M-3')",
		qr/violates rule "membership_listed"/, "$n: a user's own pack, role and list");
	refuses($node, $db, "INSERT INTO crm.customer (id, mail, dob, landline) VALUES (10, 'wang.wei\@163.com', '2020-01-01', '1')",
		qr/violates rule "adult"/, "$n: expression with a condition on a renamed column");
	refuses($node, $db, "BEGIN; INSERT INTO crm.customer (id, mail, landline) VALUES (10, 'wang.wei\@163.com', 'x'); SELECT 'stored'; COMMIT",
		qr/violates rule "landline_formatted" \(column "landline"\)/, "$n: rule at commit");
	stores($node, $db, "INSERT INTO crm.customer (id, mail, deleted) VALUES (11, 'bad', true)",
		"$n: a row that is not live is not checked");
	refuses($node, $db, "INSERT INTO crm.visit VALUES (3, '2026-06-06', ' ')",
		qr/violates rule "note_filled"/, "$n: partition with its own attribute numbers");
	refuses($node, $db, "INSERT INTO crm.visit_2025 VALUES (3, '2025-06-06', ' ')",
		qr/violates rule "note_filled"/, "$n: partition written directly");
	refuses($node, $db, 'ALTER TABLE crm.customer DROP COLUMN mail',
		qr/cannot drop column "mail" .* because rules read it/, "$n: column that a rule reads");

	# Identity stays: a repair closes the finding of before the dump, the same
	# row bad again is the same finding.
	my $id = $node->safe_psql($db, q{SELECT id FROM crmaudit.finding WHERE row_key = '{"id":1}'});
	stores($node, $db, "UPDATE crm.customer SET mail = 'zhang.min\@sina.com' WHERE id = 1", "$n: repair");
	query_is($node, $db, "SELECT status FROM crmaudit.finding WHERE id = $id", 'resolved',
		"$n: a repair resolves the finding of before the dump");
	stores($node, $db, "SET crmaudit.mode = observe; UPDATE crm.customer SET mail = 'bad' WHERE id = 1",
		"$n: bad again");
	query_is($node, $db, "SELECT status, occurrences FROM crmaudit.finding WHERE id = $id", 'open|2',
		"$n: broken again the same finding reopens");
	# Steps go on where they were, and what was not folded is folded.
	stores($node, $db, q{SELECT crmaudit.reopen(ARRAY(SELECT id FROM crmaudit.finding WHERE target = 'crm.visit'::regclass))}, "$n: steps on findings of before");
	stores($node, $db, 'SELECT crmaudit.fold_findings()', "$n: fold");
	query_is($node, $db, q{SELECT count(*), min(status), max(reopened), min(occurrences) FROM crmaudit.finding WHERE target = 'crm.visit'::regclass}, '2|open|1|1',
		"$n: each finding once, with its steps");
	query_is($node, $db, 'SELECT count(*) FROM crmaudit.unfolded_events()', '0', "$n: all is folded");
	# The hash of an identifier in a key needs the salt of before the dump.
	stores($node, $db, q{UPDATE crm."Kunde" SET "select" = 1 WHERE "Steuer-Nr" = 'DE2'}, "$n: repair of a row with a hashed key");
	query_is($node, $db, q{SELECT count(*) FROM crmaudit.open_findings WHERE rule LIKE 'Gr%'}, '0',
		"$n: resolves its finding");
	# A row put aside before the dump is released after it.
	stores($node, $db, q{SELECT crmaudit.release(1, '{"E Mail":"uwe.kraft@gmx.de"}')}, "$n: release");
	query_is($node, $db, q{SELECT "E Mail" FROM crm."Kunde" WHERE "Steuer-Nr" = 'DE1'}, 'uwe.kraft@gmx.de',
		"$n: the released row is stored");
	# Entities and obligations follow what comes after the restore.
	stores($node, $db, q{INSERT INTO crm.contract (nr, client, concluded, state, amount) VALUES ('E', 5, '2026-03-02 10:00', 'signed', 1)}, "$n: new contract");
	query_is($node, $db, q{SELECT subject_id, state FROM crmaudit.obligation_status WHERE obligation = 'call' ORDER BY 1}, "A|met\nB|exempt\nC|met\nE|overdue",
		"$n: obligations, their exemption and extension");
	query_is($node, $db, q{SELECT count(*) FROM crmaudit.sweep('crm.contract')}, '1', "$n: sweep of obligations");
	query_is($node, $db, q{SELECT row_key, status, occurrences FROM crmaudit.finding WHERE rule = 'call' ORDER BY 1}, qq({"nr": "E"}|open|1), "$n: its finding");
	stores($node, $db, q{ALTER TABLE crm.contract RENAME concluded TO signed_on; ALTER TABLE crm.contract RENAME nr TO number}, "$n: columns are renamed");
	query_is($node, $db, q{SELECT count(*), count(signed_at) FROM crmaudit.contract()}, '6|6', "$n: the mapping follows");
	query_is($node, $db, q{SELECT string_agg(rule, ' ' ORDER BY rule) FROM crmaudit.health WHERE subject IN ('entity', 'obligation')},
		'insurance_cooling_off insurance_third_party_approval insurance_upheld_complaint readings', "$n: and is well, but for entities and columns that are not mapped");
	stores($node, $db, q{SELECT crmaudit.map_entity('customer', 'crm.customer', '{"customer_id": "id"}'); SELECT crmaudit.install_pack('club'); SELECT crmaudit.extend('call', 'true', '50 hours', 'x', 'head')},
		"$n: new mapping, obligation and extension");
	stores($node, $db, q{SELECT crmaudit.drop_obligation('readings'); SELECT crmaudit.drop_entity('meter_reading')}, "$n: an entity is dropped");
	query_is($node, $db, q{SELECT to_regprocedure('crmaudit.meter_reading()')}, '', "$n: and its function");
	# Next ids do not collide with restored ones.
	stores($node, $db, q{INSERT INTO crm."Kunde" VALUES ('DE3', 'bad', 1);
		SELECT crmaudit.add_rule('crm.visit', 'short', 'length', '{note}', '{"max":9}')}, "$n: new rule and quarantined row");
	# What is made after the restore works like what came with it.
	refuses($node, $db, q{INSERT INTO crm.visit VALUES (4, '2026-06-06', 'much too long')},
		qr/violates rule "short"/, "$n: rule added after the restore");
	return;
}

sub sorted
{
	return join("\n", sort split /\n/, $_[0]);
}

sub fresh
{
	my $db = 'restored' . ++$restored;

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	return $db;
}

# A plain dump into psql.
my $db = fresh();
$node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-f', "$PostgreSQL::Test::Utils::tmp_check/plain.sql" ], 'plain dump');
$node->command_ok([ 'psql', '-qXo', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db),
	'-f', "$PostgreSQL::Test::Utils::tmp_check/plain.sql" ], 'plain restore');
same_text(dump_text($node, $db, @options), $source_dump, 'a dump of the restored database equals the first');
works($db, 'plain');

# The custom format, at once and by two jobs.
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('source'), '-f', "$PostgreSQL::Test::Utils::tmp_check/custom" ], 'custom dump');
$db = fresh();
$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr($db), "$PostgreSQL::Test::Utils::tmp_check/custom" ], 'custom restore');
works($db, 'custom');
$db = fresh();
$node->command_ok([ 'pg_restore', '-e', '-j2', '-d', $node->connstr($db), "$PostgreSQL::Test::Utils::tmp_check/custom" ], 'restore by two jobs');
# Obligations are made anew when what they read comes later, and then stand in another order.
same_text(sorted(dump_text($node, $db, @options)), sorted($source_dump), 'a dump of what two jobs restored equals the first');
works($db, 'two jobs');

# Schema first, data later: the gate stands already when rows come.  A
# superuser's session sets crmaudit.mode to off, and nothing is judged again.
$db = fresh();
$node->command_ok([ 'pg_restore', '-e', '--schema-only', '-d', $node->connstr($db), "$PostgreSQL::Test::Utils::tmp_check/custom" ], 'schema only');
{
	local $ENV{PGOPTIONS} = '-c crmaudit.mode=off';
	$node->command_ok([ 'pg_restore', '-e', '--data-only', '-d', $node->connstr($db), "$PostgreSQL::Test::Utils::tmp_check/custom" ], 'data only, mode off');
}
same_text(dump_text($node, $db, @options), $source_dump, 'a dump of schema, then data, equals the first');
works($db, 'schema, then data');

# The rows of one table into a protected target.  As the gate is on, it refuses
# what it let through while observing; a loader whose role has mode off stores
# all, and records nothing.
$node->command_ok([ 'pg_dump', '-Fc', '--data-only', '-t', 'crm.customer', '-d', $node->connstr('source'),
	'-f', "$PostgreSQL::Test::Utils::tmp_check/customer" ], 'dump of a table\'s data');
$node->safe_psql('postgres', q{CREATE ROLE loader LOGIN; ALTER ROLE loader SET crmaudit.mode = off});
$node->safe_psql('source', 'GRANT USAGE ON SCHEMA crm TO loader; GRANT INSERT ON crm.customer TO loader');
my $events = $node->safe_psql('source', 'SET crmaudit.mode = off; DELETE FROM crm.customer; SELECT count(*) FROM crmaudit.finding_event');
$node->command_fails_like([ 'pg_restore', '-e', '--data-only', '-d', $node->connstr('source'), "$PostgreSQL::Test::Utils::tmp_check/customer" ],
	qr/violates rule "email_valid"/, 'data only into a protected table, mode on');
$node->command_ok([ 'pg_restore', '-e', '--data-only', '-U', 'loader', '-d', $node->connstr('source'), "$PostgreSQL::Test::Utils::tmp_check/customer" ],
	'data only into a protected table by a role with mode off');
query_is($node, 'source', 'SELECT (SELECT count(*) FROM crm.customer), (SELECT count(*) FROM crmaudit.finding_event)', "3|$events",
	'all rows are stored, nothing is recorded');
query_is($node, 'source', q{SELECT stale FROM crmaudit.table_score WHERE target = 'crm.customer'::regclass}, 't', 'the scores say that something was not counted');
$node->safe_psql('source', q{SELECT crmaudit.rebase_scores('crm.customer')});
same_text(state('source'), $source_state, 'and the findings still belong to the rows');

done_testing();
