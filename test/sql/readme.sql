-- The tour of README.md, statement by statement.  README quotes the output of
-- this test; a check of "make lint" compares the two.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS crmaudit;
RESET client_min_messages;
\pset null '-'
-- A table of an existing CRM, and a row of today's practice in it.
CREATE SCHEMA crm;
CREATE TABLE crm.customer (
	customer_no text PRIMARY KEY,
	full_name text,
	sex text,
	dob date,
	id_no text,
	mobile text,
	mail text,
	status text DEFAULT 'active'
);
INSERT INTO crm.customer VALUES ('C001', '测试', '男', '1990-05-14', '110105194912310021', '1391234567', 'wang@@mail.cn');
-- One call puts it under rules.  Mode observe: nothing is refused.
SELECT crmaudit.protect('crm.customer',
	roles => '{"customer_no": "customer_no", "full_name": "name", "sex": "sex", "dob": "birth_date",
		"id_no": "resident_id", "mobile": "phone", "mail": "email", "status": "status"}',
	packs => '{person_cn}', mode => 'observe');
SELECT rule, severity, in_words FROM crmaudit.rule_status WHERE target = 'crm.customer'::regclass;
-- Its own rules: kinds with parameters, or SQL.
SELECT crmaudit.add_rule('crm.customer', 'status_known', 'in_set', '{status}', '{"values": ["lead", "active", "closed"]}') > 0 AS added;
SELECT crmaudit.add_rule('crm.customer', 'adult', 'expression', params => '{"sql": "dob <= current_date - interval ''18 years''"}',
	message => 'must be 18 or older') > 0 AS added;
-- What is in the table already: violations of a row, scores of row and table.
SELECT v.rule, v.column_name, v.verdict, v.reason, v.message
FROM crm.customer c, crmaudit.violations(c) v WHERE c.customer_no = 'C001';
SELECT customer_no, crmaudit.score(c) FROM crm.customer c;
-- The CRM goes on writing.  What is wrong is remembered, not refused.  (A finding names
-- the row by its key and holds no value.)
INSERT INTO crm.customer VALUES ('C002', '王芳', '男', '1949-12-31', '11010519491231002X', '13826504927', 'wang.fang@mail.cn');
SELECT row_key, column_name, rule, severity, in_words FROM crmaudit.open_findings WHERE target = 'crm.customer'::regclass;
SELECT rule, severity, refused FROM crmaudit.preview_mode('crm.customer', 'enforce');
-- A repair closes its finding.
UPDATE crm.customer SET sex = '女' WHERE customer_no = 'C002';
SELECT row_key, rule, status, resolution, occurrences FROM crmaudit.finding WHERE target = 'crm.customer'::regclass;
-- Mode enforce: one error tells all that is wrong.
SELECT crmaudit.set_mode('crm.customer', 'enforce');
INSERT INTO crm.customer VALUES ('C003', '李女士', '女', '1990-05-14', '110105194912310021', '1391234567', 'li.na@@mail.cn', 'actve');
SET crmaudit.language = 'zh';
INSERT INTO crm.customer VALUES ('C003', '李女士', '女', '1990-05-14', '110105194912310021', '1391234567', 'li.na@@mail.cn', 'actve');
RESET crmaudit.language;
-- An old bad row does not block an unrelated change.
UPDATE crm.customer SET status = 'closed' WHERE customer_no = 'C001';
UPDATE crm.customer SET mobile = '1391234' WHERE customer_no = 'C001';
-- Mode quarantine: an import goes on without its bad rows.
SELECT crmaudit.set_mode('crm.customer', 'quarantine');
INSERT INTO crm.customer (customer_no, full_name, mobile) VALUES
	('C004', '陈静', '13826504931'), ('C005', '赵磊', '1391234'), ('C006', '孙丽', '13826504949');
SELECT customer_no, full_name FROM crm.customer WHERE customer_no > 'C003' ORDER BY 1;
SELECT row_key, rules, in_words FROM crmaudit.quarantined WHERE target = 'crm.customer'::regclass;
SELECT crmaudit.release(max(id), '{"mobile": "13826504956"}') FROM crmaudit.quarantine WHERE target = 'crm.customer'::regclass;
SELECT customer_no, full_name, mobile FROM crm.customer WHERE customer_no = 'C005';
-- What only other rows can tell, and what was there before the rules: a sweep.
SELECT crmaudit.add_rule('crm.customer', 'phone_shared', 'shared_value', '{mobile}',
	'{"type": "phone", "region": "CN", "due": "3 working days"}', severity => 'warning') > 0 AS added;
INSERT INTO crm.customer (customer_no, full_name, mobile) VALUES ('C007', '孙强', '+86 138-2650-4949');
SELECT count(*) AS runs FROM crmaudit.sweep('crm.customer');
SELECT status, rows, failures, clean_row_rate FROM crmaudit.run WHERE target = 'crm.customer'::regclass;
SELECT customer, rule, reason, masked_value, nature
FROM crmaudit.work_list WHERE target = 'crm.customer'::regclass ORDER BY customer, rule;
-- Two of one household may share a phone; the rest is handed out, answered, and repaired.
SELECT crmaudit.clear_group(group_key, 'one household')
FROM crmaudit.suspicious_customers WHERE target = 'crm.customer'::regclass GROUP BY group_key;
SELECT crmaudit.distribute(array_agg(id), session_user::text) FROM crmaudit.work_list WHERE target = 'crm.customer'::regclass;
SELECT crmaudit.answer(array_agg(id), 'customer comes to the branch on Monday') FROM crmaudit.my_findings WHERE rule = 'resident_id_valid';
-- How good is the data?  Scores follow every write.
SELECT rows, score, clean_row_rate, coverage, completeness, validity, consistency, uniqueness, accuracy
FROM crmaudit.table_score WHERE target = 'crm.customer'::regclass;
UPDATE crm.customer SET mobile = '13826504964', mail = 'wang@mail.cn' WHERE customer_no = 'C001';
SELECT score, validity FROM crmaudit.table_score WHERE target = 'crm.customer'::regclass;
SELECT column_name, dimension, assessed, failed, score
FROM crmaudit.column_score WHERE target = 'crm.customer'::regclass AND failed > 0 ORDER BY score, column_name, dimension;
SELECT rule, dimension, points, in_words FROM crmaudit.what_to_fix_first WHERE target = 'crm.customer'::regclass;
SELECT status, count(*) FROM crmaudit.finding WHERE target = 'crm.customer'::regclass GROUP BY 1 ORDER BY 1;
-- Any value, without a table.
SELECT * FROM crmaudit.check_value('resident_id', '110105194912310021');
SELECT * FROM crmaudit.check_value('phone', '138 2650 4927', 'CN');
SELECT * FROM crmaudit.check_value('uscc', '91350100M000100Y4A');
-- Away again: triggers and rules go, findings close, the table stays.
SELECT crmaudit.unprotect('crm.customer');
SELECT status, resolution, count(*) FROM crmaudit.finding WHERE target = 'crm.customer'::regclass GROUP BY 1, 2 ORDER BY 1, 2;
DROP TABLE crm.customer;
DROP SCHEMA crm;
