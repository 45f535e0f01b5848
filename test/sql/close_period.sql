-- Closing a period: what an audit report rests on is frozen as of the end of
-- the period, by the time the ledger saw it; what is entered afterwards shows.
\set SHOW_CONTEXT never
CREATE DATABASE regress_close_period;
\c regress_close_period
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE EXTENSION crmaudit;
CREATE ROLE regress_auditor;
CREATE ROLE regress_admin;
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'regress_auditor');
SELECT count(*) FROM crmaudit.grant_duty('admin', 'regress_admin');
CREATE SCHEMA crm;
CREATE TABLE crm.customer (id int PRIMARY KEY, mail text, mobile text, name text);
SELECT crmaudit.protect('crm.customer', roles => '{"mail":"email","mobile":"phone"}', packs => '{contact}', mode => 'observe');
SELECT crmaudit.add_rule('crm.customer', 'named', 'required', '{name}', '{"due": "1 day"}', owner => 'sales');
CREATE TABLE crm.visit (id int, visited_on date, entered_at timestamptz, at_clock timestamp, remark text, PRIMARY KEY (id, visited_on)) PARTITION BY RANGE (visited_on);
SELECT crmaudit.track('crm.visit', key => '{id}');

-- Days of a calendar in whose time zone it is midnight in a moment, so that a
-- period ends while the test runs.
SELECT date_trunc('second', clock_timestamp()) + interval '3 seconds' AS midnight \gset
SELECT crmaudit.add_calendar('here', 'of the test', to_char(:'midnight'::timestamptz, '"<T>"HH24:MI:SS'));
SELECT crmaudit.day_of(:'midnight', 'here') - 1 AS last_day, crmaudit.day_of(:'midnight', 'here') - 30 AS first_day \gset
SELECT crmaudit.end_of_day(:'last_day', 'here') = :'midnight' AS midnight;
CREATE TABLE crm.visit_old PARTITION OF crm.visit FOR VALUES FROM (MINVALUE) TO (:'last_day');
CREATE TABLE crm.visit_new PARTITION OF crm.visit FOR VALUES FROM (:'last_day') TO (MAXVALUE);
SELECT crmaudit.track('crm.visit', key => '{id}');

-- In the period.
INSERT INTO crm.customer VALUES (1, 'bad one', '13918276354', 'Wang'), (2, 'bad two', '13918276355', 'Li'), (3, 'wang.wei@163.com', '13918276356', NULL), (4, 'bad four', '13918276357', 'Zhao');
UPDATE crm.customer SET mail = 'zhao.lei@163.com' WHERE id = 4;
UPDATE crm.customer SET mobile = '13918276358' WHERE id = 2;
INSERT INTO crm.visit VALUES (1, :'last_day', :'midnight'::timestamptz - interval '1 hour', :'last_day', 'entered in time'), (2, :'last_day'::date - 40, NULL, NULL, 'of an earlier period');
INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score) VALUES
	(801, 'crm.customer', now() - interval '50 days', 2, 4, '70'), (802, 'crm.customer', now() - interval '40 days', 2, 4, '75'),
	(803, 'crm.customer', now() - interval '20 days', 2, 4, '80'), (804, 'crm.customer', now() - interval '10 days', 2, 4, '85 validity=90');
\set VERBOSITY terse
SELECT crmaudit.close_period(:'first_day', :'last_day', 'too early', calendar => 'here');
\set VERBOSITY default
SELECT pg_sleep(extract(epoch FROM :'midnight'::timestamptz - clock_timestamp()) + 0.1) IS NOT NULL AS waited;

-- After its end, and before it is closed: a repair, a new finding, another
-- version of a rule, a sweep, a visit entered late, one whose date is moved.
UPDATE crm.customer SET mail = 'wang.one@163.com' WHERE id = 1;
INSERT INTO crm.customer VALUES (5, 'bad five', '13918276359', 'Zhang');
SELECT crmaudit.alter_rule('crm.customer', 'named', severity => 'warning');
INSERT INTO crmaudit.score_history (run_id, target, at, rule_set_version, rows, score) VALUES (805, 'crm.customer', now(), 3, 5, '88');
INSERT INTO crm.visit VALUES (3, :'last_day', :'midnight'::timestamptz - interval '1 second', NULL, 'entered late'), (4, :'last_day'::date + 1, :'midnight', NULL, 'of the next period');
UPDATE crm.visit SET visited_on = :'last_day'::date - 3, entered_at = :'midnight'::timestamptz - interval '3 days' WHERE id = 2;

-- What is refused.
SELECT crmaudit.close_period(:'last_day', :'first_day', 'P', calendar => 'here');
SELECT crmaudit.close_period(:'first_day', NULL, 'P', calendar => 'here');
SELECT crmaudit.close_period('-infinity', :'last_day', 'P', calendar => 'here');
SELECT crmaudit.close_period(:'first_day', :'last_day', ' ', calendar => 'here');
SELECT crmaudit.close_period(:'first_day', :'last_day', 'P', calendar => 'Mars');
SELECT crmaudit.close_period(:'first_day', :'last_day', 'P', '[]', 'here');
SELECT crmaudit.close_period(:'first_day', :'last_day', 'P', '{"crm.visitor": "at"}', 'here');
SELECT crmaudit.close_period(:'first_day', :'last_day', 'P', '{"pg_catalog.pg_class": "relname"}', 'here');
SELECT crmaudit.close_period(:'first_day', :'last_day', 'P', '{"crm.visit": "visited_at"}', 'here');
SELECT crmaudit.close_period(:'first_day', :'last_day', 'P', '{"crm.visit": "remark"}', 'here');
SELECT crmaudit.close_period(:'first_day', :'last_day', 'P', '{"crm.customer": "mail"}', 'here');
SELECT crmaudit.track('crm.visit', key => '{id}', personal => '{at_clock}');
SELECT crmaudit.close_period(:'first_day', :'last_day', 'P', '{"crm.visit": "at_clock"}', 'here');

-- An auditor closes it.
SET ROLE regress_auditor;
SELECT key, CASE key WHEN 'content' THEN value ~ '^[0-9a-f]{64}$' WHEN 'digest' THEN value IS NOT NULL END AS fits, CASE WHEN key IN ('period', 'findings', 'open_findings') THEN value END AS value
FROM jsonb_each_text(crmaudit.close_period(:'first_day', :'last_day', 'last month', '{"crm.visit": "visited_on"}', 'here')) ORDER BY key;
RESET ROLE;
SELECT name, calendar, from_date = :'first_day' AS from_date, to_at = :'midnight' AS to_at, to_at - from_at AS length, closed_by = session_user AS closed_by, findings, open_findings,
	event_columns #- '{0,table_id}' AS event_columns, digest ->> 'database' AS digest FROM crmaudit.period;
-- A month twice, or of a year that is closed too: each under its own name.
SELECT crmaudit.close_period(:'first_day', :'last_day', 'last month', calendar => 'here');
SELECT crmaudit.close_period(:'first_day'::date - 300, :'last_day', 'last year', '{"crm.visit": "entered_at"}', 'here') ->> 'findings' AS findings;

-- Findings as they were at midnight: 1 was not repaired yet, 4 was, 5 not there.
SELECT f.target, f.rule, f.rule_version, f.row_key, f.reason, f.severity, f.status, f.occurrences, f.assignee, f.due_at - f.first_seen AS due, f.resolution, f.entry_at < p.to_at AS entry, f.proof ->> 'kind' AS proof
FROM crmaudit.period_finding f JOIN crmaudit.period p ON p.name = f.period WHERE f.period = 'last month' ORDER BY f.finding_id;
SELECT target, row_key, status, reason FROM crmaudit.finding ORDER BY id;
-- The evidence is the row as it was then; the ledger's own proof goes with it, without personal values.
SELECT finding_id, row_key, was_there, image, unknown FROM crmaudit.period_evidence('last month');
SELECT count(*) AS proofs, bool_and(proof = crmaudit.ledger_proof(entry_xid, entry_ord, entry_incarnation)) AS same, bool_or(proof::text LIKE '%"bad"%' OR proof::text LIKE '%1391827%') AS spill
FROM crmaudit.period_finding;
-- An auditor who may read the table, but not each column of it.
GRANT USAGE ON SCHEMA crm TO regress_auditor;
GRANT SELECT (id, name) ON crm.customer TO regress_auditor;
SET ROLE regress_auditor;
SELECT row_key, was_there, image, unknown FROM crmaudit.period_evidence('last month');
RESET ROLE;
-- Scores of its sweeps, and the last before it; rules as they were.
SELECT run_id, target, is_closing, rule_set_version, score FROM crmaudit.period_score WHERE period = 'last month' ORDER BY run_id;
SELECT name, version, definition ->> 'severity' AS severity, in_force FROM crmaudit.period_rule WHERE period = 'last month' ORDER BY rule_id, version;

-- What was entered after its end, and after it was closed. Visits 2 and 7 were
-- moved into it, 7 to another partition; 1 and 6 were moved within it.
INSERT INTO crm.visit VALUES (6, :'last_day'::date - 1, :'midnight'::timestamptz - interval '25 hours', NULL, 'entered after closing'), (7, :'last_day'::date + 1, NULL, NULL, 'not in it');
ALTER TABLE crm.visit RENAME COLUMN visited_on TO happened_on;
INSERT INTO crm.visit VALUES (8, :'last_day'::date - 2, NULL, NULL, 'by another name of the column');
UPDATE crm.visit SET remark = 'a remark is no date' WHERE id = 1;
UPDATE crm.visit SET happened_on = :'last_day'::date - 5 WHERE id = 6;
UPDATE crm.visit SET happened_on = :'last_day'::date - 1 WHERE id = 1;
UPDATE crm.visit SET happened_on = :'last_day'::date - 1 WHERE id = 7;
SELECT b.period, b.target, b.row_key, :'last_day'::date - (b.claimed_at AT TIME ZONE p.time_zone)::date AS days_before, b.recorded_at > :'midnight' AS recorded_after, b.op, b.after_closing, b.actor = current_user AS actor
FROM crmaudit.period_backdated b JOIN crmaudit.period p ON p.name = b.period ORDER BY b.period, b.recorded_at, b.xid, b.ord;
-- An auditor sees it too.
SET ROLE regress_auditor;
SELECT count(*) FROM crmaudit.period_backdated;
RESET ROLE;
-- By default the columns of role created_at tell.
CREATE TABLE crm.call (id int PRIMARY KEY, called_at timestamp);
SELECT crmaudit.protect('crm.call', roles => '{"called_at":"created_at"}', mode => 'observe');
INSERT INTO crm.call VALUES (1, :'last_day'::date + time '23:59:59'), (2, :'last_day'::date + 1);
SELECT crmaudit.close_period(:'first_day', :'last_day', 'calls', calendar => 'here') IS NOT NULL AS closed;
SELECT event_columns #- '{0,table_id}' AS event_columns FROM crmaudit.period WHERE name = 'calls';
SELECT target, row_key, after_closing FROM crmaudit.period_backdated WHERE period = 'calls';

-- Nothing of it can be changed, and what a superuser does with the guard off shows.
SELECT * FROM crmaudit.verify_period() ORDER BY period, fault;
SELECT * FROM crmaudit.verify_period('never');
SELECT * FROM crmaudit.period_evidence('never');
UPDATE crmaudit.period SET findings = 0;
DELETE FROM crmaudit.period_finding;
TRUNCATE crmaudit.period_rule;
SET ROLE regress_admin;
INSERT INTO crmaudit.period_finding SELECT * FROM crmaudit.period_finding;
RESET ROLE;
BEGIN;
ALTER TABLE crmaudit.period_finding DISABLE TRIGGER period_guard;
UPDATE crmaudit.period_finding SET status = 'resolved' WHERE period = 'last month' AND finding_id = 1;
SELECT * FROM crmaudit.verify_period() ORDER BY period, fault;
SELECT target, op, row_key, old, new FROM crmaudit.change_history WHERE target = 'crmaudit.period_finding'::regclass;
ROLLBACK;
ALTER TABLE crmaudit.period DISABLE TRIGGER ALL;
UPDATE crmaudit.period SET content = '\x00' WHERE name = 'last month';
SELECT * FROM crmaudit.verify_period() ORDER BY period, fault;
SELECT status, target, row_key FROM crmaudit.verify_ledger() ORDER BY 1, 2, 3;
UPDATE crmaudit.period SET content = crmaudit.period_content(name) WHERE name = 'last month';
ALTER TABLE crmaudit.period ENABLE ALWAYS TRIGGER period_guard;
ALTER TABLE crmaudit.period ENABLE ALWAYS TRIGGER period_guard_truncate;
ALTER TABLE crmaudit.period ENABLE ALWAYS TRIGGER zz_crmaudit_ledger;
SELECT status, target, row_key FROM crmaudit.verify_ledger() ORDER BY 1, 2, 3;
-- Days of another session, another style of dates: the same content.
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
SET extra_float_digits = 0;
SET bytea_output = 'escape';
SELECT * FROM crmaudit.verify_period() ORDER BY period, fault;

-- A table that goes later stays in what is closed.
SET TimeZone = 'UTC';
RESET DateStyle;
DROP TABLE crm.customer;
SELECT DISTINCT target FROM crmaudit.period_finding;
SELECT row_key, was_there, image FROM crmaudit.period_evidence('last month');
SELECT crmaudit.close_period(:'first_day', :'last_day', 'after the drop', calendar => 'here') ->> 'findings' AS findings;
SELECT DISTINCT target FROM crmaudit.period_finding WHERE period = 'after the drop';
SELECT * FROM crmaudit.verify_period() ORDER BY period, fault;
\c crmaudit_regress
DROP DATABASE regress_close_period;
DROP OWNED BY regress_auditor, regress_admin;
DROP ROLE regress_auditor, regress_admin;
