-- Suspicious customers: those who share a phone, an account or an address, or
-- have that of staff; all of a group together (D5).
\set SHOW_CONTEXT never

CREATE TABLE fu_customer (id int PRIMARY KEY, mobile text, card text, home text, agent text);
CREATE TABLE fu_insured (no text PRIMARY KEY, mobile text, seller text);
INSERT INTO fu_customer SELECT i, '13800138001', '6222', 'Nanjing', (ARRAY['Zhang', 'Chen'])[1 + i % 2] FROM generate_series(1, 9) i;
INSERT INTO fu_insured VALUES ('A1', '138 0013 8001', 'Sun'), ('A2', '13900139001', 'Sun');
SELECT crmaudit.protect('fu_customer', mode => 'observe', history => false, roles => '{"mobile":"phone","card":"bank_card","home":"address","agent":"owner"}') \gset
SELECT crmaudit.protect('fu_insured', mode => 'observe', history => false, roles => '{"mobile":"phone","seller":"owner"}') \gset
SELECT crmaudit.add_rule('fu_customer', 'phone_shared', 'shared_value', '{mobile}', '{"max_customers":1,"type":"phone","region":"CN","due":"48 hours"}', severity => 'warning') AS phone \gset
SELECT crmaudit.add_rule('fu_customer', 'phone_of_staff', 'not_staff_contact', '{mobile}', '{"type":"phone","due":"24 hours"}', severity => 'warning') AS staff \gset
SELECT crmaudit.add_rule('fu_customer', 'card_once', 'unique', '{card}', severity => 'warning') AS card \gset
SELECT crmaudit.add_rule('fu_customer', 'agent_once', 'unique', '{agent}', severity => 'warning') AS agent \gset
SELECT crmaudit.add_rule('fu_customer', 'home_filled', 'required', '{home}') AS home \gset
SELECT crmaudit.add_rule('fu_insured', 'phone_shared', 'shared_value', '{mobile}', '{"max_customers":1,"type":"phone","region":"CN","due":"48 hours"}', severity => 'warning') AS insured \gset

-- What a sweep says of them. Group aa: one phone in both tables; bb: a phone
-- of staff, which two customers share; cc: a bank card.
INSERT INTO crmaudit.run (id, target, started_at, finished_at, status, rows, failures, rule_set_version, sample_percent, seed, workers, snapshot)
	VALUES (1000901, 'fu_customer', '2024-03-01', '2024-03-01', 'completed', 9, 10, 1, 100, 0, 0, pg_current_snapshot()),
		(1000902, 'fu_insured', '2024-03-02', '2024-03-02', 'completed', 2, 1, 1, 100, 0, 0, pg_current_snapshot());
INSERT INTO crmaudit.finding_event (at, run_id, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity, group_key) VALUES
	('2024-03-01 10:00+00', 1000901, 'fu_customer', :phone, 1, '{"id": 1}', 'mobile', 'seen', 'invalid', 'shared', 'warning', 'aa'),
	('2024-03-01 10:00+00', 1000901, 'fu_customer', :phone, 1, '{"id": 2}', 'mobile', 'seen', 'invalid', 'shared', 'warning', 'aa'),
	('2024-03-02 10:00+00', 1000902, 'fu_insured', :insured, 1, '{"no": "A1"}', 'mobile', 'seen', 'invalid', 'shared', 'warning', 'aa'),
	('2024-03-03 10:00+00', 1000901, 'fu_customer', :phone, 1, '{"id": 3}', 'mobile', 'seen', 'invalid', 'shared', 'warning', 'bb'),
	('2024-03-03 10:00+00', 1000901, 'fu_customer', :staff, 1, '{"id": 3}', 'mobile', 'seen', 'invalid', 'staff_contact', 'warning', 'bb'),
	('2024-03-03 10:00+00', 1000901, 'fu_customer', :phone, 1, '{"id": 4}', 'mobile', 'seen', 'invalid', 'shared', 'warning', 'bb'),
	('2024-03-03 10:00+00', 1000901, 'fu_customer', :staff, 1, '{"id": 4}', 'mobile', 'seen', 'invalid', 'staff_contact', 'warning', 'bb'),
	('2024-03-04 10:00+00', 1000901, 'fu_customer', :card, 1, '{"id": 5}', 'card', 'seen', 'invalid', 'not_unique', 'warning', 'cc'),
	('2024-03-04 10:00+00', 1000901, 'fu_customer', :card, 1, '{"id": 6}', 'card', 'seen', 'invalid', 'not_unique', 'warning', 'cc'),
	-- not suspicious: who is served by whom, what is missing
	('2024-03-04 10:00+00', 1000901, 'fu_customer', :agent, 1, '{"id": 5}', 'agent', 'seen', 'invalid', 'not_unique', 'warning', 'dd'),
	('2024-03-04 10:00+00', 1000901, 'fu_customer', :home, 1, '{"id": 5}', 'home', 'seen', 'invalid', 'missing', 'error', NULL);
-- The gate saw one more, of which it does not know the group.
INSERT INTO crmaudit.finding_event (at, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity) VALUES
	('2024-03-05 10:00+00', 'fu_insured', :insured, 1, '{"no": "A2"}', 'mobile', 'seen', 'invalid', 'shared', 'warning');

-- The groups that are due first come first; a row with two reasons is one customer.
SET timezone = 'UTC';
SELECT target, reason, group_key, row_key, customers, owner, first_seen, due_at, rule FROM crmaudit.suspicious_customers
	WHERE target IN ('fu_customer'::regclass, 'fu_insured'::regclass);

-- Who was repaired is out of the group; who is cleared shares the value still;
-- who is being worked on stays in the list.
INSERT INTO crmaudit.finding_event (target, rule_id, rule_version, row_key, event) VALUES
	('fu_customer', :phone, 1, '{"id": 1}', 'gone'),
	('fu_customer', :card, 1, '{"id": 6}', 'false_positive'),
	('fu_insured', :insured, 1, '{"no": "A1"}', 'acknowledged');
SELECT target, group_key, row_key, customers, status, severity, column_name FROM crmaudit.suspicious_customers
	WHERE target IN ('fu_customer'::regclass, 'fu_insured'::regclass) AND (group_key IN ('aa', 'cc') OR group_key IS NULL);

-- Where a column tells the customer, two rows of one are one customer.
ALTER TABLE fu_customer ADD customer text;
UPDATE fu_customer SET customer = CASE WHEN id IN (3, 4) THEN 'C3' ELSE 'C' || id END;
SELECT crmaudit.protect('fu_customer', mode => 'observe', history => false, roles => '{"customer":"customer_no"}') \gset
SELECT DISTINCT group_key, customers FROM crmaudit.suspicious_customers WHERE group_key IN ('aa', 'bb', 'cc') ORDER BY group_key;

-- The columns that scripts read come first, in this order.
SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
	WHERE attrelid = 'crmaudit.suspicious_customers'::regclass AND attnum BETWEEN 1 AND 8;

-- No value is in the list, and nothing for whoever has no duty.
SELECT count(*) FROM crmaudit.suspicious_customers s WHERE s::text ~ '0013|6222|Nanjing';
CREATE ROLE fu_clerk;
CREATE ROLE fu_auditor;
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'fu_auditor') \gset
SET ROLE fu_clerk;
SELECT count(*) FROM crmaudit.suspicious_customers;
SET ROLE fu_auditor;
-- who may not read the table sees no owner
SELECT row_key, customers, owner FROM crmaudit.suspicious_customers WHERE group_key = 'cc';
RESET ROLE;

RESET timezone;
SELECT crmaudit.revoke_duty('auditor', 'fu_auditor') \gset
DROP ROLE fu_clerk, fu_auditor;
DROP TABLE fu_customer, fu_insured;
DELETE FROM crmaudit.run WHERE id IN (1000901, 1000902);
