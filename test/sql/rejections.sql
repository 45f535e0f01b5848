-- Rejections where the library is not preloaded: nothing is written to the
-- table, the server's log has a line for each (test/t/rejections.pl).
CREATE TABLE customer (id int PRIMARY KEY, mail text);
SELECT crmaudit.protect('customer');
SELECT crmaudit.add_rule('customer', 'mail_filled', 'required', '{mail}') > 0 AS added;
-- The client sees the error alone, whatever it asks to see.
SET client_min_messages = log;
SET crmaudit.actor = 'wang';
INSERT INTO customer VALUES (1, NULL);
RESET client_min_messages;
SELECT count(*) FROM crmaudit.rejection;

-- There is no worker.
SELECT crmaudit.worker_pid();
SELECT * FROM crmaudit.worker_status();

-- A rejection tells who, what and why; whoever makes the same error again and
-- again is easily found (D29).
INSERT INTO crmaudit.rejection (at, target, operation, rules, reasons, violations, row_key, actor, username)
	SELECT '2026-11-28 06:00Z'::timestamptz + n * interval '1 minute', 'customer', 'INSERT',
		(SELECT array_agg(id) FROM crmaudit.rule WHERE target = 'customer'::regclass), '{missing}', 1,
		jsonb_build_object('id', n), CASE WHEN n < 3 THEN 'li' ELSE 'wang' END, 'crm'
	FROM generate_series(1, 5) n;
-- a rule that was dropped keeps its name, a condition of live rows has none
SELECT crmaudit.drop_rule('customer', 'mail_filled');
INSERT INTO crmaudit.rejection (at, target, operation, rules, reasons, violations, actor, username)
	VALUES ('2026-11-28 06:00Z', 'customer', 'UPDATE', '{}', '{rule_error}', 1, 'li', 'crm');
SELECT actor, username, target, rule, reason, rejections, last_at - first_at AS within FROM crmaudit.rejections_by_user;

-- Only duties give the right to read it, and none to write it.
CREATE ROLE regress_auditor;
CREATE ROLE regress_clerk;
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'regress_auditor');
SET ROLE regress_clerk;
SELECT count(*) FROM crmaudit.rejection;
SELECT count(*) FROM crmaudit.rejections_by_user;
SELECT crmaudit.worker_pid();
SET ROLE regress_auditor;
SELECT count(*) FROM crmaudit.rejections_by_user;
DELETE FROM crmaudit.rejection;
RESET ROLE;

-- Settings of the worker are the server's, and say nothing without it.
SET crmaudit.seal_interval = '1s';
SET crmaudit.databases = 'a';
SELECT name, setting, unit, context, min_val, max_val FROM pg_settings
	WHERE name IN ('crmaudit.databases', 'crmaudit.discovery_interval', 'crmaudit.rejection_buffer', 'crmaudit.seal_interval') ORDER BY name;

DELETE FROM crmaudit.rejection;
SELECT crmaudit.revoke_duty('auditor', 'regress_auditor');
DROP ROLE regress_auditor, regress_clerk;
DROP TABLE customer;
