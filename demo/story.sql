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
\echo '== 3. Six tables under rules, only watching at first (demo/rules.sql) =='
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
\echo '== 8. What was there before: a sweep of all tables, while everybody goes on working =='
\set ECHO queries
SELECT count(*) AS tables_swept FROM crmaudit.sweep();
SELECT target, rows, failures, clean_row_rate, score FROM crmaudit.run ORDER BY id;
\set ECHO none
-- the tables that the demo compares its answer sheet by
\ir detection.sql
\set ECHO queries
\echo '-- Found against what was planted: cells, that is a row and a column each.'
SELECT * FROM demo.detection;
SELECT (SELECT count(*) FROM demo.missed) AS planted_not_found,
	(SELECT count(*) FROM demo.false_finding) AS found_not_planted;
\set ECHO none

\echo
\echo '== 9. How good is the data?  A row, a table, a column; what pays most =='
\set ECHO queries
SELECT customer_no, crmaudit.score(c) AS score
FROM crm.customer c WHERE customer_no IN ('C9000001', 'C9000003') ORDER BY 1;
SELECT target, rows, score, completeness, validity, consistency, uniqueness
FROM crmaudit.table_score ORDER BY target::text;
SELECT column_name, dimension, assessed, failed, score
FROM crmaudit.column_score WHERE target = 'crm.customer'::regclass AND failed > 0
ORDER BY score, column_name, dimension LIMIT 8;
SELECT target, rule, failures, points FROM crmaudit.what_to_fix_first LIMIT 5;
\echo '-- a write moves the score at once; no table is read for it'
SELECT score FROM crmaudit.table_score WHERE target = 'crm.customer'::regclass;
UPDATE crm.customer SET id_no = demo.resident_id(51010719900514301) WHERE customer_no = 'C9000003';
SELECT score FROM crmaudit.table_score WHERE target = 'crm.customer'::regclass;
\set ECHO none

\echo
\echo '== 10. Suspicious customers, group by group, for the next working day (T+1) =='
\set ECHO queries
SELECT left(group_key, 6) AS group, customers AS n, row_key->>'customer_no' AS customer,
	row_key->>'company_no' AS company, owner, rule, in_words
FROM crmaudit.suspicious_customers ORDER BY customers DESC, group_key, row_key LIMIT 8;
SELECT rule, count(*) AS customers, count(DISTINCT group_key) AS groups
FROM crmaudit.suspicious_customers GROUP BY rule ORDER BY rule;
\set ECHO none

\echo
\echo '== 11. The list is worked off: distributed, looked into, resolved, verified by others =='
SELECT 'DROP ROLE ' || rolname FROM pg_roles
WHERE rolname IN ('demo_wang', 'demo_li', 'demo_zhao', 'demo_chen') \gexec
CREATE ROLE demo_wang;	-- customer service
CREATE ROLE demo_li;	-- customer service
CREATE ROLE demo_zhao;	-- compliance
CREATE ROLE demo_chen;	-- clerk of the sales channel
GRANT USAGE ON SCHEMA crm TO demo_wang, demo_li, demo_zhao, demo_chen;
GRANT SELECT ON crm.customer, crm.company TO demo_wang, demo_li, demo_zhao;
\o /dev/null
SELECT crmaudit.grant_duty('steward', r) FROM unnest('{demo_wang,demo_li,demo_zhao}'::regrole[]) r;
SELECT f.group_key FROM crmaudit.suspicious_customers f WHERE f.rule = 'bank_card_shared' ORDER BY f.group_key LIMIT 1 \gset card_
SELECT f.group_key FROM crmaudit.suspicious_customers f WHERE f.rule = 'phone_shared' AND f.customers = 2
	AND f.target = 'crm.customer'::regclass ORDER BY f.group_key LIMIT 1 \gset phone_
SELECT array_agg(id) AS ids FROM crmaudit.suspicious_customers WHERE group_key = :'card_group_key' \gset card_
SELECT array_agg(id) AS ids FROM crmaudit.suspicious_customers WHERE group_key = :'phone_group_key' \gset phone_
\o
\set ECHO queries
\echo '-- customer service hands the list out: three working days from now'
SET SESSION AUTHORIZATION demo_wang;
SELECT crmaudit.distribute(:'card_ids', 'demo_chen') AS handed_out;
SELECT customer, owner, assignee, rule, masked_value, status, distributed_at::date AS handed_out, due_at
FROM crmaudit.work_list WHERE group_key = :'card_group_key' ORDER BY id;
\echo '-- the clerk sees what is hers, in words and without values, and answers'
SET SESSION AUTHORIZATION demo_chen;
SELECT row_key->>'customer_no' AS customer, column_name, in_words, overdue FROM crmaudit.my_findings ORDER BY id;
SELECT crmaudit.answer(:'card_ids', 'the second customer gave her husband''s card; own card asked for') AS answered;
\echo '-- customer service resolves; who resolved does not verify'
SET SESSION AUTHORIZATION demo_wang;
SELECT crmaudit.acknowledge(:'card_ids') AS looked_into;
SELECT crmaudit.resolve(:'card_ids', 'signed statement of both, file 2026/117') AS resolved;
\set ON_ERROR_STOP off
SELECT crmaudit.verify(:'card_ids', 'customer service');
\set ON_ERROR_STOP on
\echo '-- compliance and another one of customer service do (D6)'
SET SESSION AUTHORIZATION demo_zhao;
SELECT crmaudit.verify(:'card_ids', 'compliance') AS by_compliance;
SET SESSION AUTHORIZATION demo_li;
SELECT crmaudit.verify(:'card_ids', 'customer service') AS by_service;
RESET SESSION AUTHORIZATION;
SELECT row_key->>'customer_no' AS customer, status, resolved_by, evidence, verified_by, verified_for
FROM crmaudit.finding WHERE id = ANY (:'card_ids'::bigint[]) ORDER BY id;
\echo '-- a couple shares a phone: the whole group is cleared with one reason'
SET SESSION AUTHORIZATION demo_wang;
SELECT crmaudit.clear_group(:'phone_group_key', 'husband and wife, family register seen') AS cleared;
RESET SESSION AUTHORIZATION;
\echo '-- the next sweep: what was cleared stays so; a card that is still shared is open again'
SELECT count(*) AS swept FROM crmaudit.sweep('crm.customer');
SELECT rule, status, count(*) FROM crmaudit.finding
WHERE id = ANY (:'card_ids'::bigint[] || :'phone_ids'::bigint[]) GROUP BY 1, 2 ORDER BY 1, 2;
\set ECHO none

\echo
\echo '== 12. What to improve, and by how many points =='
\set ECHO queries
SELECT target, rule, action, left(cause, 44) AS cause, findings AS n, points
FROM crmaudit.improvement_proposals WHERE points IS NOT NULL LIMIT 6;
SELECT start_sql FROM crmaudit.improvement_proposals WHERE rule = 'sex_required' LIMIT 1;
\echo '-- cases that count against whoever entered them, incomplete and false data apart (D8)'
SELECT owner, sum(incomplete_cases) AS incomplete_cases, sum(false_cases) AS false_cases
FROM crmaudit.case_statistics WHERE period_kind = 'quarter' AND target = 'crm.customer'::regclass
GROUP BY owner ORDER BY 3 DESC, 2 DESC, 1 LIMIT 4;
\set ECHO none

\echo
\echo '== 13. A table that nobody has described: what is in it, and which rules would fit =='
\set ECHO queries
SELECT column_name, data_type, nulls, distinct_values, likely_role, confidence
FROM crmaudit.profile('crm.staff_relative');
SELECT name, kind, columns, confidence, would_fail
FROM crmaudit.suggest_rules('crm.staff_relative') WHERE confidence > 0.9;
\set ECHO none

\echo
\echo '== 14. In words, for an auditor who does not know the CRM =='
\set ECHO queries
SELECT rule, left(in_words, 78) AS in_words
FROM crmaudit.rule_status WHERE target = 'crm.customer'::regclass ORDER BY rule LIMIT 6;
SET crmaudit.language = 'zh';
SELECT rule, left(in_words, 40) AS in_words
FROM crmaudit.rule_status WHERE target = 'crm.customer'::regclass ORDER BY rule LIMIT 6;
SET crmaudit.language = 'en';
\set ECHO none

\echo
\echo '== 15. Who changed what, and why; and that nobody rewrites it =='
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
\echo '== 16. Follow-up in time: who was revisited after signing, and who was not (新契约回访) =='
\echo '-- the CRM says where it keeps contracts and visits; nothing is copied (demo/entities.sql)'
\o /dev/null
\i entities.sql
\o
\set ECHO queries
SELECT obligation, state, count(*) FROM crmaudit.obligation_status GROUP BY 1, 2 ORDER BY 1, 2;
SELECT s.subject_id AS contract, s.customer_id, s.staff_id, (s.starts_at AT TIME ZONE 'Asia/Shanghai')::date AS signed,
	(s.due_at AT TIME ZONE 'Asia/Shanghai' - interval '1 second')::date AS due, (s.fulfilled_at AT TIME ZONE 'Asia/Shanghai')::date AS revisited, s.state
FROM crmaudit.obligation_status s WHERE obligation = 'new_contract_revisit' AND state IN ('late', 'overdue') ORDER BY s.starts_at, s.subject_id LIMIT 6;
\echo '-- coverage by month, demanded: all (覆盖率 100%)'
SELECT month, sum(due) AS due, sum(met) AS met, sum(late) AS late, sum(overdue) AS overdue, round(sum(met) / nullif(sum(due) - sum(open), 0), 4) AS rate
FROM crmaudit.obligation_coverage WHERE obligation = 'new_contract_revisit' GROUP BY month HAVING sum(met) < sum(due) ORDER BY month LIMIT 4;
\echo '-- revisited by the adviser himself (回访人即经办人), recorded days later (补录), calls outside the hours advised (非建议时段)'
SELECT count(*) AS by_the_adviser FROM crmaudit.conflict_of_interest WHERE conflict = 'person';
SELECT count(*) AS backdated FROM crmaudit.backdated_entries;
SELECT sum(outside_hours) AS outside_hours FROM crmaudit.call_attempts;
\echo '-- payments from somebody else''s account without approval (他人账户付款), accounts that a seller controls (销售人员控制的账户)'
SELECT count(*) AS third_party FROM crmaudit.third_party_payments;
SELECT count(*) AS accounts FROM crmaudit.seller_controlled_accounts;
\echo '-- the same for the general office, in Chinese'
SET crmaudit.language = 'zh';
SELECT s.subject_id AS "合同", s.customer_id AS "客户", s.staff_id AS "经办人", (s.starts_at AT TIME ZONE 'Asia/Shanghai')::date AS "签订日",
	(s.due_at AT TIME ZONE 'Asia/Shanghai' - interval '1 second')::date AS "回访期限", (s.fulfilled_at AT TIME ZONE 'Asia/Shanghai')::date AS "回访日",
	CASE s.state WHEN 'late' THEN '逾期完成' ELSE '逾期未办' END AS "状态"
FROM crmaudit.obligation_status s WHERE obligation = 'new_contract_revisit' AND state IN ('late', 'overdue') ORDER BY s.starts_at DESC, s.subject_id LIMIT 4;
SELECT in_words AS "他人账户付款", count(*) AS "笔数" FROM crmaudit.third_party_payments GROUP BY 1 ORDER BY 2 DESC, 1;
SELECT in_words AS "销售人员控制的账户", count(*) AS "账户数" FROM crmaudit.seller_controlled_accounts GROUP BY 1 ORDER BY 2 DESC, 1;
SET crmaudit.language = 'en';
\set ECHO none

\echo
\echo '== 17. Suspicious customers (可疑客户提示): by the next working day, all customers of a group together =='
\set ECHO queries
SELECT reason, count(DISTINCT group_key) AS groups, count(*) AS customers FROM crmaudit.suspicious_customers
WHERE target = 'crm.customer'::regclass GROUP BY reason ORDER BY reason;
SELECT s.in_words, s.row_key, left(s.group_key, 8) AS "group"
FROM crmaudit.suspicious_customers s WHERE s.target = 'crm.customer'::regclass ORDER BY s.group_key, s.row_key LIMIT 4;
SET crmaudit.language = 'zh';
SELECT s.in_words AS "原因", s.row_key AS "客户", left(s.group_key, 8) AS "组"
FROM crmaudit.suspicious_customers s WHERE s.target = 'crm.customer'::regclass ORDER BY s.group_key, s.row_key LIMIT 4;
SET crmaudit.language = 'en';
\set ECHO none

\echo
\echo 'Look around:'
\echo '  SELECT * FROM crmaudit.dictionary;         roles, packs and rules in words'
\echo '  SELECT * FROM crmaudit.work_list;          what is to be mended, by group and due date'
\echo '  SELECT * FROM crmaudit.rule_status;        every rule, how often broken'
\echo '  SELECT * FROM crmaudit.obligation_status;  what was to be done, and whether it was'
\echo '  SELECT * FROM crmaudit.change_history;     who changed what'
\echo '  SELECT * FROM demo.planted;                the defects planted in this CRM'
\echo '  \\i demo/bad_writes.sql                     more writes, good and bad'
