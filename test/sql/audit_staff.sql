-- Plans and what came of them, customers lost, the figures of an appraisal, and
-- agents whose customers are to be re-checked (D7, D8, D18, D22).
SET client_min_messages = warning;
SET crmaudit.calendar = 'CN';
SET timezone = 'America/New_York';

-- Nothing is mapped: the views are empty.
SELECT (SELECT count(*) FROM crmaudit.visit_plan_completion) AS plans, (SELECT count(*) FROM crmaudit.churn_by_staff) AS churn,
	(SELECT count(*) FROM crmaudit.staff_appraisal) AS appraisal, (SELECT count(*) FROM crmaudit.agent_recheck) AS recheck,
	(SELECT count(*) FROM crmaudit.untrained_sales) AS untrained;

CREATE SCHEMA ast;
CREATE TABLE ast.staff (id text PRIMARY KEY, name text, active boolean, trained timestamptz);
INSERT INTO ast.staff VALUES ('S1', 'Li', true, '2024-01-10 00:00+08'), ('S2', 'Wang', true, NULL), ('S3', 'Zhao', false, NULL), ('S4', 'Qian', NULL, NULL);
CREATE TABLE ast.customer (id text PRIMARY KEY, owner text, since date, closed timestamptz);
INSERT INTO ast.customer VALUES
	('K1', 'S1', '2021-05-01', NULL),
	('K2', 'S1', '2023-12-31', '2024-06-01 10:00+08'),
	('K3', 'S1', '2024-01-01', '2024-12-31 23:59:59+08'),
	('K4', 'S1', '2024-02-01', '2025-01-01 00:00+08'),
	-- since when is not known: before all others
	('K5', 'S1', NULL, '2025-03-01 10:00+08'),
	('K6', 'S2', '2024-03-31', NULL), ('K7', 'S2', '2024-04-01', NULL),
	('K8', NULL, '2023-01-01', '2024-05-05 10:00+08'),
	('K9', 'S3', NULL, NULL);
CREATE TABLE ast.contract (id int PRIMARY KEY, customer text, agent text, signed timestamptz, amount numeric, status text);
INSERT INTO ast.contract VALUES
	(1, 'K1', 'S1', '2024-03-01 00:00+08', 1000, 'signed'), (2, 'K6', 'S2', '2024-03-31 23:59:59+08', 500.50, 'signed'), (3, 'K7', 'S2', '2024-04-01 00:00+08', 9000, 'terminated'),
	(4, 'K1', 'S2', NULL, 7, 'draft'), (5, 'K2', 'S2', '2023-04-01 00:00+08', NULL, NULL), (6, 'K6', 'S2', '2022-03-31 10:00+08', 1, 'expired'), (7, NULL, 'S2', '2022-03-31 10:00+08', 1, 'signed');
CREATE TABLE ast.visit (id int PRIMARY KEY, customer text, agent text, kind text, at timestamptz, outcome text, result text);
INSERT INTO ast.visit VALUES
	-- the first and the last second of March 2024, and one beyond
	(1, 'K1', 'S1', 'visit', '2024-03-01 00:00+08', 'reached', NULL), (2, 'K1', 'S1', 'visit', '2024-03-31 23:59:59+08', NULL, NULL), (3, 'K1', 'S1', 'visit', '2024-04-01 00:00+08', 'reached', NULL),
	-- nobody was there; and a call is no visit
	(4, 'K2', 'S1', 'visit', '2024-03-10 10:00+08', 'no_answer', NULL), (5, 'K2', 'S1', 'call', '2024-03-10 10:00+08', 'reached', NULL),
	(6, 'K6', 'S2', 'visit', '2024-03-10 10:00+08', 'reached', NULL), (7, 'K6', 'S2', 'visit', '2024-02-10 10:00+08', 'reached', NULL), (8, 'K6', NULL, 'visit', '2024-03-10 10:00+08', 'reached', NULL);
CREATE TABLE ast.plan (id int PRIMARY KEY, agent text, period text, visits int, customers int, volume numeric, approver text);
INSERT INTO ast.plan VALUES
	(1, 'S1', '2024-03', 2, NULL, 1000, 'boss'), (2, 'S1', '2024-04', 2, NULL, NULL, NULL), (3, 'S1', '2024', 4, 2, NULL, 'boss'),
	(4, 'S2', '2024-Q1', 2, 1, 500.50, 'boss'), (5, 'S2', '2024-Q2', 0, 2, 500, 'boss'),
	(6, 'S2', 'next spring', 1, NULL, NULL, 'boss'), (7, 'S2', '2998', 1, NULL, NULL, NULL), (8, 'S2', '2024-05', NULL, NULL, NULL, NULL);
SELECT crmaudit.map_entity('staff', 'ast.staff', '{"staff_id":"id","name":"name","active":"active","trained_at":"trained"}');
SELECT crmaudit.map_entity('customer', 'ast.customer', '{"customer_id":"id","owner":"owner","since":"since","closed_at":"closed"}');
SELECT crmaudit.map_entity('contract', 'ast.contract', '{"contract_id":"id","customer_id":"customer","staff_id":"agent","signed_at":"signed","amount":"amount","status":"status"}');
SELECT crmaudit.map_entity('interaction', 'ast.visit', '{"interaction_id":"id","customer_id":"customer","staff_id":"agent","kind":"kind","occurred_at":"at","outcome":"outcome","result":"result"}');
SELECT crmaudit.map_entity('plan', 'ast.plan', '{"plan_id":"id","staff_id":"agent","period":"period","visits":"visits","new_customers":"customers","volume":"volume","approved_by":"approver"}');

-- A month, a quarter and a year of the same person are plans of their own.
SELECT plan_id, staff_id, period, starts_on, ends_on, approved, visits_planned AS visits, visits_done AS done, visit_rate AS rate, new_customers_planned AS customers,
	new_customers_done AS done, new_customer_rate AS rate, volume_planned AS volume, volume_done AS done, volume_rate AS rate, state
	FROM crmaudit.visit_plan_completion;
-- Of a period that has not ended, targets not reached are no fault yet. Whoever
-- sells lacks the plan that others have; who left, or has no customers, does not.
INSERT INTO ast.plan SELECT 9, 'S1', to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY'), 1000, NULL, NULL, 'boss';
INSERT INTO ast.plan SELECT 10, 'S2', to_char(now() AT TIME ZONE 'Asia/Shanghai' - interval '2 years', 'YYYY'), 1000, NULL, NULL, 'boss';
SELECT plan_id, staff_id, visits_planned, visits_done, approved, state FROM crmaudit.visit_plan_completion
	WHERE period = to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY') OR plan_id = '10';
-- A visit that is planned, a customer who is to come and a contract to be signed
-- are not done; nor does a second source that knows them double anybody.
CREATE TABLE ast.customer_of_old AS SELECT * FROM ast.customer;
SELECT crmaudit.map_entity('customer', 'ast.customer_of_old', '{"customer_id":"id","owner":"owner","since":"since","closed_at":"closed"}');
CREATE TABLE ast.staff_of_old AS SELECT * FROM ast.staff;
SELECT crmaudit.map_entity('staff', 'ast.staff_of_old', '{"staff_id":"id","name":"name","active":"active"}');
INSERT INTO ast.visit VALUES (20, 'K1', 'S1', 'visit', now() + interval '1 hour', NULL, NULL);
INSERT INTO ast.customer VALUES ('K20', 'S1', (now() + interval '2 days')::date, NULL);
INSERT INTO ast.contract VALUES (20, 'K1', 'S1', now() + interval '1 hour', 1000, 'signed'), (30, 'K1', 'S1', now(), 1000, 'draft');
INSERT INTO ast.plan SELECT 11, 'S1', to_char((now() + interval '2 days') AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'), 1, 1, 1, 'boss';
INSERT INTO ast.plan SELECT 12, 'S1', to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'), 1, 1, 1, 'boss' FROM (SELECT) x WHERE NOT EXISTS (SELECT FROM ast.plan WHERE period = to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'));
SELECT sum(visits_done) AS visits, sum(new_customers_done) AS customers, sum(volume_done) AS volume FROM crmaudit.visit_plan_completion WHERE plan_id IN ('11', '12');
SELECT plan_id, new_customers_done FROM crmaudit.visit_plan_completion WHERE plan_id IN ('3', '4', '5') ORDER BY plan_id;
SELECT count(*), count(DISTINCT (staff_id, period)) FROM crmaudit.visit_plan_completion WHERE state = 'no plan' AND staff_id = 'S2' AND length(period) = 4;
DELETE FROM ast.plan WHERE id IN (11, 12);
DELETE FROM ast.visit WHERE id = 20;
DELETE FROM ast.contract WHERE id IN (20, 30);
SELECT count(*) AS of_long_ago FROM crmaudit.visit_plan_completion WHERE state = 'no plan' AND period <> to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY');

-- Whoever sells is trained before, S2 never was, S1 was at that moment; drafts
-- are no sales. A training that is to come is none.
SELECT count(*) FROM crmaudit.untrained_sales WHERE trained_at IS NOT NULL;
INSERT INTO ast.contract VALUES (21, 'K1', 'S1', '2024-01-09 23:59:59+08', 11, 'signed'), (22, 'K1', 'S1', '2024-01-10 00:00+08', 12, 'signed'), (23, 'K1', 'S4', '2026-01-05 10:00+08', NULL, NULL),
	(24, 'K1', NULL, '2023-01-01 00:00+08', 1, 'signed'), (25, 'K1', 'S9', '2023-01-01 00:00+08', 1, 'signed');
UPDATE ast.staff SET trained = now() + interval '1 day' WHERE id = 'S4';
SELECT staff_id, name, trained_at, contracts, amount, first_signed_at, last_signed_at, state FROM crmaudit.untrained_sales;
UPDATE ast.staff SET trained = NULL WHERE id = 'S4';
DELETE FROM ast.contract WHERE id > 20;

-- Who came and who left by year, in Shanghai's; K2 had complained within the
-- year before, K3 earlier, K4 after it.
CREATE TABLE ast.complaint (id int PRIMARY KEY, customer text, agent text, kind text, opened timestamptz, decided timestamptz, upheld boolean, why text);
INSERT INTO ast.complaint VALUES
	(1, 'K2', 'S1', 'complaint', '2023-06-01 10:00:01+08', NULL, NULL, NULL), (2, 'K3', 'S1', 'complaint', '2023-12-31 23:59:59+08', NULL, NULL, NULL),
	(3, 'K4', 'S1', 'complaint', '2025-01-02 00:00+08', NULL, NULL, NULL);
SELECT crmaudit.map_entity('complaint', 'ast.complaint', '{"complaint_id":"id","customer_id":"customer","staff_id":"agent","kind":"kind","opened_at":"opened","decided_at":"decided","upheld":"upheld","reason":"why"}');
SELECT staff_id, name, year, at_start, won, lost, at_end, churn_rate, lost_after_complaint FROM crmaudit.churn_by_staff WHERE year <= 2025;
-- Who kept all has a row all the same, up to this year; who lost all has none any more.
SELECT staff_id, max(year) = extract(year FROM now() AT TIME ZONE 'Asia/Shanghai') AS up_to_now, sum(lost) FILTER (WHERE year > 2025) AS lost FROM crmaudit.churn_by_staff GROUP BY staff_id ORDER BY staff_id;
-- A date that stands for none makes no rows for two thousand years.
UPDATE ast.customer SET since = '0001-01-01' WHERE id = 'K9';
UPDATE ast.customer_of_old SET since = '0001-01-01' WHERE id = 'K9';
SELECT staff_id, count(*) FILTER (WHERE year < 1800) AS long_ago, count(*) FILTER (WHERE year > 1800) AS rows FROM crmaudit.churn_by_staff WHERE staff_id = 'S3' GROUP BY staff_id;
UPDATE ast.customer SET since = NULL WHERE id = 'K9';
UPDATE ast.customer_of_old SET since = NULL WHERE id = 'K9';
-- Who is to come, or to leave, later has not yet; who left one source of two has not left.
UPDATE ast.customer SET closed = now() + interval '1 year' WHERE id = 'K6';
UPDATE ast.customer_of_old SET closed = now() + interval '1 year' WHERE id = 'K6';
UPDATE ast.customer SET closed = '2024-12-01' WHERE id = 'K7';
SELECT staff_id, year, won, lost FROM crmaudit.churn_by_staff WHERE won + lost > 0 AND (staff_id = 'S2' OR year > 2025);
UPDATE ast.customer SET closed = NULL WHERE id IN ('K6', 'K7');
DELETE FROM ast.customer WHERE id = 'K20';
SELECT crmaudit.unmap_entity('customer', 'ast.customer_of_old'), crmaudit.unmap_entity('staff', 'ast.staff_of_old');

-- Appraisal. Findings about customers count against whoever entered them, or
-- else the owner; incomplete and false data apart.
CREATE TABLE ast.card (id int PRIMARY KEY, name text, mail text, owner text);
INSERT INTO ast.card VALUES (1, NULL, 'bad', 'S1'), (2, NULL, 'a.b@mail.example.com', 'S2');
SELECT crmaudit.protect('ast.card', mode => 'observe', history => false, roles => '{"owner":"owner"}') \gset
SELECT crmaudit.add_rule('ast.card', 'named', 'required', '{name}') AS named, crmaudit.add_rule('ast.card', 'mail_valid', 'format', '{mail}', '{"type":"email"}') AS mail \gset
INSERT INTO crmaudit.finding_event (at, username, target, rule_id, rule_version, row_key, column_name, event, verdict, reason, severity) VALUES
	-- row 1 was entered by somebody who is none of the staff, row 2 by S1, though it is owned by S2
	('2024-01-01 00:00+08', 'clerk', 'ast.card', :named, 1, '{"id": 1}', 'name', 'seen', 'invalid', 'missing', 'error'),
	('2024-12-31 23:59:59+08', 'clerk', 'ast.card', :mail, 1, '{"id": 1}', 'mail', 'seen', 'invalid', 'no_at_sign', 'error'),
	('2024-07-01 10:00+08', 'S1', 'ast.card', :named, 1, '{"id": 2}', 'name', 'seen', 'invalid', 'missing', 'error');
UPDATE ast.complaint SET upheld = id = 1;
INSERT INTO ast.complaint VALUES (4, 'K1', 'S1', 'opinion', '2025-01-02 00:00+08', NULL, true, NULL), (5, 'K1', 'S1', 'report', '2024-01-02 00:00+08', NULL, true, 'private charge');
CREATE TABLE ast.answer (id int PRIMARY KEY, agent text, at timestamptz, answer int);
INSERT INTO ast.answer VALUES (1, 'S2', '2024-01-01 00:00+08', 1), (2, 'S2', '2024-05-01 00:00+08', 3), (3, 'S2', '2024-12-31 23:59+08', 4), (4, 'S2', '2024-05-01 00:00+08', NULL), (5, NULL, '2024-05-01 00:00+08', 4);
SELECT crmaudit.map_entity('survey_answer', 'ast.answer', '{"answer_id":"id","staff_id":"agent","answered_at":"at","answer":"answer"}');
-- Of three contracts one was visited in time, one late, one not at all.
INSERT INTO ast.visit VALUES (9, 'K7', 'S2', 'visit', '2024-05-30 10:00+08', 'reached', NULL);
SELECT crmaudit.add_obligation('ast_visit', 'contract', '20 days', 'interaction', condition => $$amount > 100$$, fulfilled_if => $$kind = 'visit'$$, counting_from => 'signed_at') > 0 AS is_added;
SELECT year, staff_id, name, visits_planned AS planned, visits_done AS done, plan_completion AS completion, plans_missing AS missing, customers, lost, churn_rate AS churn,
	incomplete_cases AS incomplete, false_cases AS false, obligations_overdue AS overdue, obligations_late AS late, complaints, upheld_complaints AS upheld,
	answers, dissatisfied, satisfaction_rate AS satisfaction, trained_at
	FROM crmaudit.staff_appraisal WHERE year BETWEEN 2023 AND 2025;
SELECT obligation, subject_id, staff_id, due_at, state FROM crmaudit.obligation_status WHERE obligation = 'ast_visit' ORDER BY subject_id;

-- Two complaints of mis-selling upheld within a year: from 1 March to 1 March,
-- whatever the calendar year. A day more is too long.
TRUNCATE ast.complaint, ast.visit;
INSERT INTO ast.complaint VALUES
	(1, 'K6', 'S2', 'complaint', '2024-03-01 23:00+08', '2024-03-20 10:00+08', true, 'Mis-selling of a policy'), (2, 'K7', 'S2', 'complaint', '2025-03-01 10:00+08', '2025-03-05 10:00+08', true, '销售误导'),
	(3, 'K1', 'S1', 'complaint', '2024-03-01 10:00+08', '2024-03-20 10:00+08', true, 'misleading'), (4, 'K2', 'S1', 'complaint', '2025-03-02 00:00+08', '2025-03-20 10:00+08', true, 'mislead'),
	-- not upheld, an opinion, another reason; nobody's; but a reason that is not known counts
	(5, 'K1', 'S1', 'complaint', '2024-03-02 10:00+08', NULL, false, 'mislead'), (6, 'K1', 'S1', 'opinion', '2024-03-02 10:00+08', NULL, true, 'mislead'), (7, 'K1', 'S1', 'complaint', '2024-03-02 10:00+08', NULL, true, 'delay'),
	(8, 'K1', 'S1', 'complaint', '2024-03-02 10:00+08', NULL, NULL, NULL), (9, 'K1', NULL, 'complaint', '2024-03-02 10:00+08', NULL, true, NULL), (10, 'K1', NULL, 'complaint', '2024-03-02 10:00+08', NULL, true, NULL),
	(11, NULL, 'S4', 'complaint', '2023-07-01 10:00+08', NULL, true, NULL), (12, NULL, 'S4', 'report', '2024-01-01 10:00+08', NULL, true, NULL), (13, NULL, 'S4', 'report', '2024-06-30 10:00+08', NULL, true, NULL);
INSERT INTO ast.visit VALUES
	-- before the second was decided, and a visit, which is no revisit; then an attempt, a revisit, and the agent's own
	(1, 'K6', 'S9', 'revisit', '2025-03-05 09:59+08', 'reached', 'early'), (2, 'K6', 'S9', 'visit', '2025-03-06 10:00+08', 'reached', 'a visit'),
	(3, 'K6', 'S9', 'revisit', '2025-03-05 10:00+08', 'no_answer', NULL), (4, 'K6', 'S9', 'revisit', '2025-03-07 10:00+08', 'reached', 'phone is wrong'), (5, 'K6', 'S9', 'revisit', '2025-03-08 10:00+08', 'reached', 'corrected'),
	(6, 'K7', 'S2', 'revisit', '2025-03-08 10:00+08', 'reached', 'all is well'),
	(7, 'K2', 'S9', 'revisit', '2025-03-08 10:00+08', 'refused', NULL), (8, 'K2', NULL, 'revisit', '2025-03-09 10:00+08', 'no_answer', NULL),
	-- planned
	(10, 'K7', 'S9', 'revisit', now() + interval '1 hour', 'reached', NULL);
SELECT staff_id, upheld_in_a_year AS upheld, last_complaint_on AS last_on, recheck_from, customer_id, contracts, attempts, rechecked_at, rechecked_by, result, state FROM crmaudit.agent_recheck;
-- A company's own words for mis-selling go into the list.
INSERT INTO crmaudit.value_list (list, value) VALUES ('mis_selling', 'del_y'), ('mis_selling', 'Delay');
SELECT DISTINCT staff_id, upheld_in_a_year FROM crmaudit.agent_recheck ORDER BY 1;
DELETE FROM crmaudit.value_list WHERE list = 'mis_selling' AND NOT builtin AND value = 'Delay';
SELECT DISTINCT staff_id, upheld_in_a_year FROM crmaudit.agent_recheck ORDER BY 1;
DELETE FROM crmaudit.value_list WHERE list = 'mis_selling' AND NOT builtin;

SELECT crmaudit.drop_obligation('ast_visit') \gset
SELECT crmaudit.unprotect('ast.card') \gset
SELECT count(crmaudit.unmap_entity(e)) AS unmapped FROM unnest('{staff,customer,contract,interaction,plan,complaint,survey_answer}'::text[]) e;
DROP SCHEMA ast CASCADE;
