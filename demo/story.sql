-- The story that README tells.  Run on the loaded demo (schema.sql, data.sql):
--
--   psql -q -f story.sql
--
-- Errors in it are part of the story: what is refused is shown.

\set ON_ERROR_STOP on
\set VERBOSITY default
\pset footer off
\pset null '-'
SET client_min_messages = warning;
SET client_encoding = 'UTF8';
SET crmaudit.language = 'en';

\echo '== 1. A CRM that knows nothing of crmaudit =='
\set ECHO queries
SELECT (SELECT count(*) FROM crm.customer) AS customers,
	(SELECT count(*) FROM crm.company) AS companies,
	(SELECT count(*) FROM crm.contract) AS contracts,
	(SELECT count(*) FROM crm.interaction) AS interactions;
SELECT full_name, sex, dob, id_no, mobile FROM crm.customer ORDER BY customer_no LIMIT 3;
\set ECHO none

\echo
\echo '== 2. The DBA adds the extension =='
\set ECHO queries
CREATE EXTENSION crmaudit;
\set ECHO none

\echo
\echo '== 3. Four tables under rules, only watching at first (demo/rules.sql) =='
\set mode observe
\o /dev/null
\set ECHO queries
\ir rules.sql
\o
SELECT rule, kind, array_to_string(columns, ', ') AS columns, severity
FROM crmaudit.rule_status WHERE target = 'crm.customer'::regclass ORDER BY rule;
\set ECHO none

\echo
\echo '== 4. The application goes on as before; nothing is refused, all is remembered =='
\set ECHO queries
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000001');
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000002',
	'{"full_name": "张先生", "sex": "女", "mobile": "138265049", "mail": "chen@@example.com"}');
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000003', '{"id_no": null}');
SELECT row_key->>'customer_no' AS customer, column_name, reason, severity
FROM crmaudit.open_findings ORDER BY 1, 2, 3;
SELECT * FROM crmaudit.preview_mode('crm.customer', 'enforce');
\set ECHO none

\echo
\echo '== 5. From now on bad rows are refused, with all that is wrong in them at once =='
\set ECHO queries
SELECT crmaudit.set_mode('crm.customer', 'enforce');
\set ON_ERROR_STOP off
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000004',
	'{"full_name": "　　", "dob": "1991-05-14", "mobile": "13800138000", "status": "?"}');
SET crmaudit.language = 'zh';
INSERT INTO crm.customer SELECT * FROM demo.new_customer('C9000004',
	'{"full_name": "　　", "dob": "1991-05-14", "mobile": "13800138000", "status": "?"}');
SET crmaudit.language = 'en';
\set ON_ERROR_STOP on
\set ECHO none

\echo
\echo '== 6. A repair closes its finding by itself =='
\set ECHO queries
UPDATE crm.customer SET full_name = '张敏辉', sex = '男', mobile = '13826504927',
	mail = 'zhangminhui@example.com', updated_at = now()
WHERE customer_no = 'C9000002';
SELECT row_key->>'customer_no' AS customer, column_name, reason, status
FROM crmaudit.finding WHERE row_key->>'customer_no' IN ('C9000002', 'C9000003') ORDER BY 1, 2, 3;
\set ECHO none

\echo
\echo '== 7. The nightly import: bad rows are put aside, the others arrive =='
\set ECHO queries
SELECT crmaudit.set_mode('crm.customer', 'quarantine');
INSERT INTO crm.customer SELECT n.*
FROM (VALUES ('C9000011', '{}'), ('C9000012', '{"mobile": "1382650"}'),
	('C9000013', '{}')) b(no, patch), demo.new_customer(b.no, b.patch::jsonb) n;
SELECT customer_no FROM crm.customer WHERE customer_no LIKE 'C900001_' ORDER BY 1;
SELECT * FROM crmaudit.quarantined \gx
SELECT max(id) AS aside FROM crmaudit.quarantined \gset
SELECT crmaudit.release(:aside, '{"mobile": "13826504931"}');
SELECT count(*) AS still_aside FROM crmaudit.quarantined;
SELECT crmaudit.set_mode('crm.customer', 'enforce');
\set ECHO none

\echo
\echo '== 8. How good is the data?  A row, a table, a column =='
\set ECHO queries
SELECT customer_no, crmaudit.score(c) AS score
FROM crm.customer c WHERE customer_no IN ('C9000001', 'C9000003') ORDER BY 1;
SELECT target, rows, score, clean_row_rate, coverage
FROM crmaudit.table_score ORDER BY target::text;
SELECT column_name, dimension, assessed, failed, score
FROM crmaudit.column_score WHERE target = 'crm.customer'::regclass AND failed > 0
ORDER BY score, column_name, dimension LIMIT 8;
\set ECHO none

\echo
\echo '== 9. What was there before: found against what was planted =='
\set ECHO queries
CREATE TEMP TABLE seen AS
SELECT c.customer_no, v.* FROM crm.customer c, crmaudit.violations(c) v WHERE c.customer_no < 'C9';
SELECT kind, count(*) AS planted,
	count(*) FILTER (WHERE row_key->>'customer_no' IN (SELECT customer_no FROM seen)) AS found
FROM demo.planted
WHERE tab = 'crm.customer'::regclass	-- the kinds left out look at other rows: the sweep's work
	AND kind NOT IN ('shared_value', 'not_staff_contact', 'duplicate', 'functional_dependency',
		'spelling_variant', 'reference')
GROUP BY kind ORDER BY kind;
SELECT count(DISTINCT customer_no) AS found_but_not_planted
FROM seen WHERE customer_no NOT IN
	(SELECT row_key->>'customer_no' FROM demo.planted WHERE tab = 'crm.customer'::regclass);
\set ECHO none

\echo
\echo '== 10. In words, for an auditor who does not know the CRM =='
\set ECHO queries
SELECT rule, left(in_words, 78) AS in_words
FROM crmaudit.rule_status WHERE target = 'crm.customer'::regclass ORDER BY rule LIMIT 6;
SET crmaudit.language = 'zh';
SELECT rule, left(in_words, 40) AS in_words
FROM crmaudit.rule_status WHERE target = 'crm.customer'::regclass ORDER BY rule LIMIT 6;
SET crmaudit.language = 'en';
\set ECHO none

\echo
\echo '== 11. Who changed what, and why; and that nobody rewrites it =='
\set ECHO queries
SET crmaudit.actor = 'chen@crm';
SET crmaudit.reason = 'the customer called';
SELECT now() AS before \gset
UPDATE crm.customer SET mobile = '13826504932', status = 'dormant' WHERE customer_no = 'C9000001';
RESET crmaudit.reason;
SELECT op, actor, reason, old, new FROM crmaudit.row_history('crm.customer', '"C9000001"') ORDER BY at DESC LIMIT 1;
SELECT crmaudit.restore_row('crm.customer', '"C9000001"', :'before');
SELECT crmaudit.seal() AS block;
SELECT count(*) AS faults FROM crmaudit.verify_ledger();
-- a superuser edits the history behind the back of all
ALTER TABLE crmaudit.ledger_entry DISABLE TRIGGER ledger_guard;
UPDATE crmaudit.ledger_entry SET new = new || '{"mobile": "13800138000"}' WHERE op = 'U' AND actor = 'chen@crm' AND row_key = '{"customer_no": "C9000001"}';
SELECT status, target, row_key, detail FROM crmaudit.verify_ledger();
ALTER TABLE crmaudit.ledger_entry ENABLE ALWAYS TRIGGER ledger_guard;
\set ECHO none

\echo
\echo 'Look around:'
\echo '  SELECT * FROM crmaudit.dictionary;         roles, packs and rules in words'
\echo '  SELECT * FROM crmaudit.open_findings;      what is to be mended'
\echo '  SELECT * FROM crmaudit.rule_status;        every rule, how often broken'
\echo '  SELECT * FROM crmaudit.change_history;     who changed what'
\echo '  SELECT * FROM demo.planted;                the defects planted in this CRM'
\echo '  \\i demo/bad_writes.sql                     more writes, good and bad'
