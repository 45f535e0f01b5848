-- Statistics of findings: by month and quarter, incomplete and false data
-- apart; whose cases they are; who keeps erring (D8, D29).
\set SHOW_CONTEXT never
SET timezone = 'Asia/Shanghai';

CREATE TABLE fs_customer (id int PRIMARY KEY, name text, mail text, agent text, came_from text);
INSERT INTO fs_customer SELECT i, NULL, 'bad', CASE WHEN i <= 6 THEN 'Zhang' ELSE 'Chen' END, CASE WHEN i % 2 = 1 THEN 'web' ELSE 'branch' END FROM generate_series(1, 12) i;
SELECT crmaudit.protect('fs_customer', mode => 'observe', history => false, roles => '{"agent":"owner","came_from":"source"}') \gset
SELECT crmaudit.add_rule('fs_customer', 'named', 'required', '{name}', '{"due":"10 days"}') AS named \gset
SELECT crmaudit.add_rule('fs_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}') AS mail \gset

INSERT INTO crmaudit.run (id, target, started_at, finished_at, status, rows, failures, rule_set_version, sample_percent, seed, workers, snapshot)
	VALUES (1000903, 'fs_customer', '2024-02-01', '2024-02-01', 'completed', 12, 3, 1, 100, 0, 0, pg_current_snapshot());
INSERT INTO crmaudit.finding_event (at, username, run_id, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity) VALUES
	-- in January, until its last second in Shanghai; clerk li enters three without a name, one with a bad address
	('2024-01-05 10:00+08', 'li', NULL, 'fs_customer', :named, 1, '{"id": 1}', 'name', 'seen', 'invalid', 'missing', 'error'),
	('2024-01-05 10:00+08', 'li', NULL, 'fs_customer', :mail, 1, '{"id": 1}', 'mail', 'seen', 'invalid', 'no_at_sign', 'error'),
	('2024-01-06 10:00+08', 'li', NULL, 'fs_customer', :named, 1, '{"id": 3}', 'name', 'seen', 'invalid', 'missing', 'error'),
	('2024-01-31 23:59:59+08', 'li', NULL, 'fs_customer', :named, 1, '{"id": 5}', 'name', 'seen', 'invalid', 'missing', 'error'),
	-- in February a sweep, of which nobody knows who entered the row: its owner is answerable
	('2024-02-01 00:00+08', 'postgres', 1000903, 'fs_customer', :mail, 1, '{"id": 8}', 'mail', 'seen', 'invalid', 'no_at_sign', 'error'),
	('2024-02-01 00:00+08', 'postgres', 1000903, 'fs_customer', :mail, 1, '{"id": 10}', 'mail', 'seen', 'invalid', 'no_at_sign', 'error'),
	-- the sweep sees an old one again, which stays clerk li's
	('2024-02-01 00:00+08', 'postgres', 1000903, 'fs_customer', :named, 1, '{"id": 3}', 'name', 'seen', 'invalid', 'missing', 'error');
INSERT INTO crmaudit.finding_event (at, target, rule_id, rule_version, row_key, event) VALUES
	('2024-01-10 10:00+08', 'fs_customer', :named, 1, '{"id": 1}', 'gone'),		-- in time
	('2024-04-02 10:00+08', 'fs_customer', :named, 1, '{"id": 3}', 'gone'),		-- late
	('2024-03-15 10:00+08', 'fs_customer', :mail, 1, '{"id": 8}', 'gone'),
	('2024-02-02 10:00+08', 'fs_customer', :mail, 1, '{"id": 10}', 'false_positive');

-- Who is answerable.
SELECT row_key, rule, nature, entered_by, found_by, owner, channel, status FROM crmaudit.finding_attribution WHERE target = 'fs_customer'::regclass ORDER BY id;

-- By month: one line as long as something happens, or is open.
SELECT period_start, owner, channel, entered_by, rule, nature, found, dismissed, resolved, resolved_late, open_at_end, overdue_at_end
	FROM crmaudit.finding_statistics WHERE target = 'fs_customer'::regclass AND period_kind = 'month' AND period_start < '2024-06-01';
-- By quarter.
SELECT period_start, owner, entered_by, rule, nature, found, dismissed, resolved, resolved_late, open_at_end, overdue_at_end
	FROM crmaudit.finding_statistics WHERE target = 'fs_customer'::regclass AND period_kind = 'quarter' AND period_start < '2024-10-01';
-- The last period is the one that has not ended.
SELECT period_kind, max(period_start) = date_trunc(period_kind, now())::date AS is_present, sum(found) AS found, sum(resolved) AS resolved
	FROM crmaudit.finding_statistics WHERE target = 'fs_customer'::regclass GROUP BY period_kind ORDER BY period_kind;
-- What is open now is what the last period says.
SELECT (SELECT sum(open_at_end) FROM crmaudit.finding_statistics WHERE target = 'fs_customer'::regclass AND period_kind = 'month' AND period_start = date_trunc('month', now())::date) AS last_month,
	(SELECT count(*) FROM crmaudit.finding WHERE target = 'fs_customer'::regclass AND status = 'open') AS open;
-- A month begins when the session's day does.
SET timezone = 'UTC';
SELECT period_start, sum(found) AS found FROM crmaudit.finding_statistics WHERE target = 'fs_customer'::regclass AND period_kind = 'month' AND found > 0 GROUP BY 1 ORDER BY 1;
-- A calendar with a time zone decides, whatever the session's is.
SET crmaudit.calendar = 'CN';
SELECT period_start, sum(found) AS found FROM crmaudit.finding_statistics WHERE target = 'fs_customer'::regclass AND period_kind = 'month' AND found > 0 GROUP BY 1 ORDER BY 1;
RESET crmaudit.calendar;
SET timezone = 'Asia/Shanghai';

-- Cases, not findings: row 1 is one case of incomplete data and one of false data.
SELECT period_kind, period_start, entered_by, owner, channel, incomplete_cases, false_cases, other_cases, incomplete_open, false_open, other_open
	FROM crmaudit.case_statistics WHERE target = 'fs_customer'::regclass;
-- Two rules about one row are one case.
SELECT crmaudit.add_rule('fs_customer', 'name_long', 'not_blank', '{name}') AS long \gset
INSERT INTO crmaudit.finding_event (at, username, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity) VALUES
	('2024-01-05 10:00+08', 'li', 'fs_customer', :long, 1, '{"id": 1}', 'name', 'seen', 'invalid', 'blank', 'error'),
	-- a finding about the table as a whole is nobody's case
	('2024-01-05 10:00+08', 'li', 'fs_customer', :long, 1, '{}', 'name', 'seen', 'invalid', 'blank', 'error');
SELECT period_start, entered_by, incomplete_cases, false_cases, incomplete_open FROM crmaudit.case_statistics
	WHERE target = 'fs_customer'::regclass AND period_kind = 'quarter' AND entered_by = 'li';

-- Behind a login that many share stands who the application says; if it does
-- not, the owner.
INSERT INTO crmaudit.finding_event (at, username, actor, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity) VALUES
	('2024-01-05 10:00+08', 'crm_app', 'ling', 'fs_customer', :mail, 1, '{"id": 9}', 'mail', 'seen', 'invalid', 'no_at_sign', 'error'),
	('2024-01-05 10:00+08', 'crm_app', NULL, 'fs_customer', :mail, 1, '{"id": 11}', 'mail', 'seen', 'invalid', 'no_at_sign', 'error'),
	('2024-01-05 10:00+08', 'li', 'ling', 'fs_customer', :mail, 1, '{"id": 12}', 'mail', 'seen', 'invalid', 'no_at_sign', 'error');
SELECT row_key, entered_by, owner, found_by FROM crmaudit.finding_attribution WHERE target = 'fs_customer'::regclass AND row_key IN ('{"id": 9}', '{"id": 11}', '{"id": 12}') ORDER BY id;
SET crmaudit.shared_users = 'crm_app';
SELECT row_key, entered_by, owner, found_by FROM crmaudit.finding_attribution WHERE target = 'fs_customer'::regclass AND row_key IN ('{"id": 9}', '{"id": 11}', '{"id": 12}') ORDER BY id;
-- So it is of what comes through the gate.
SELECT set_config('crmaudit.shared_users', 'crm_app, ' || session_user, false) \gset
SET crmaudit.actor = 'tao';
INSERT INTO fs_customer VALUES (50, 'Tang', 'bad', 'Chen', 'web');
SELECT row_key, rule, entered_by, owner, found_by FROM crmaudit.finding_attribution WHERE target = 'fs_customer'::regclass AND row_key = '{"id": 50}';
DELETE FROM fs_customer WHERE id = 50;
RESET crmaudit.actor;
SET crmaudit.shared_users = 'crm_app';

-- Repeated errors: three of a rule within a year, stored or refused.
INSERT INTO crmaudit.finding_event (at, username, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity)
	SELECT now() - days * interval '1 day', person, 'fs_customer', rule, 1, jsonb_build_object('id', 100 + row_number() OVER ()), 'name', 'seen', 'invalid', reason, 'error'
	FROM (VALUES ('ma', :named, 'missing', 10), ('ma', :named, 'missing', 20), ('ma', :named, 'missing', 120),
		('hu', :named, 'missing', 10), ('hu', :named, 'missing', 20), ('hu', :named, 'missing', 400),		-- the third is too old
		('ma', :mail, 'no_at_sign', 10), ('ma', :mail, 'no_at_sign', 130),
		('gao', :mail, 'no_at_sign', 100), ('gao', :mail, 'no_at_sign', 110), ('gao', :mail, 'no_at_sign', 120)) AS v(person, rule, reason, days);
INSERT INTO crmaudit.rejection (at, target, operation, rules, reasons, violations, actor, username)
	SELECT now() - days * interval '1 day', 'fs_customer', 'INSERT', rules, reasons, cardinality(rules), person, 'crm_app'
	FROM (VALUES ('ma', ARRAY[:mail]::bigint[], ARRAY['no_at_sign'], 40), ('hu', ARRAY[:named, :mail]::bigint[], ARRAY['missing', 'no_at_sign'], 5), ('hu', '{}', '{}', 5)) AS v(person, rules, reasons, days);
SELECT person, rule, errors, let_through, refused, still_open, incomplete_data, false_data, last_3_months, before_3_months, trend, round(extract(epoch FROM last_error - first_error) / 86400) AS days_between, in_words
	FROM crmaudit.repeat_offenders WHERE target = 'fs_customer'::regclass;
-- A false positive is no error.
INSERT INTO crmaudit.finding_event (target, rule_id, rule_version, row_key, event)
	SELECT target, rule_id, rule_version, row_key, 'false_positive' FROM crmaudit.finding WHERE target = 'fs_customer'::regclass AND username = 'gao' ORDER BY id LIMIT 1;
SELECT person, rule, errors FROM crmaudit.repeat_offenders WHERE target = 'fs_customer'::regclass;

-- The auditor reads all of it, nobody else does.
CREATE ROLE fs_clerk;
CREATE ROLE fs_auditor;
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'fs_auditor') \gset
GRANT SELECT ON fs_customer TO fs_auditor;
SET ROLE fs_auditor;
SELECT count(*) > 0 AS attribution FROM crmaudit.finding_attribution WHERE owner = 'Zhang';
SELECT count(*) > 0 AS statistics FROM crmaudit.finding_statistics WHERE owner = 'Zhang';
SELECT count(*) > 0 AS cases FROM crmaudit.case_statistics WHERE owner = 'Zhang';
SELECT count(*) > 0 AS offenders FROM crmaudit.repeat_offenders WHERE person = 'ma';
SET ROLE fs_clerk;
SELECT count(*) FROM crmaudit.finding_attribution;
SELECT count(*) FROM crmaudit.finding_statistics;
SELECT count(*) FROM crmaudit.case_statistics;
SELECT count(*) FROM crmaudit.repeat_offenders;
RESET ROLE;

DELETE FROM crmaudit.rejection WHERE target = 'fs_customer'::regclass;
SELECT crmaudit.revoke_duty('auditor', 'fs_auditor') \gset
DROP TABLE fs_customer;
DELETE FROM crmaudit.run WHERE id = 1000903;
DROP ROLE fs_clerk, fs_auditor;
RESET timezone;
RESET crmaudit.shared_users;
