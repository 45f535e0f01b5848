-- Revisits: months, backdating, calls, records, conflicts, cases, retention.
\set SHOW_CONTEXT never
-- days are the calendar's, whatever the session's time zone
SET timezone = 'America/New_York';
SET crmaudit.calendar = 'CN';
CREATE SCHEMA rv;

-- nothing is mapped: no rows, no error
SELECT (SELECT count(*) FROM crmaudit.revisit_compliance) AS compliance, (SELECT count(*) FROM crmaudit.revisit_monthly) AS monthly, (SELECT count(*) FROM crmaudit.backdated_entries) AS backdated, (SELECT count(*) FROM crmaudit.call_attempts) AS calls,
	(SELECT count(*) FROM crmaudit.revisit_record_gaps) AS gaps, (SELECT count(*) FROM crmaudit.conflict_of_interest) AS conflicts,
	(SELECT count(*) FROM crmaudit.serious_exceptions) AS exceptions, (SELECT count(*) FROM crmaudit.hazard_cases) AS hazards, (SELECT count(*) FROM crmaudit.record_retention) AS retention;

CREATE TABLE rv.staff (staff_id text PRIMARY KEY, department text);
INSERT INTO rv.staff VALUES ('a', 'sales'), ('b', 'sales'), ('c', 'service'), ('d', NULL), ('e', NULL);
SELECT crmaudit.map_entity('staff', 'rv.staff', '{"staff_id": "staff_id", "department": "department"}');
CREATE TABLE rv.request (no int PRIMARY KEY, customer int, staff text, kind text, archived timestamptz);
SELECT crmaudit.map_entity('service_request', 'rv.request', '{"request_id": "no", "customer_id": "customer", "staff_id": "staff", "kind": "kind", "archived_at": "archived"}');
CREATE TABLE rv.contact_log (no int PRIMARY KEY, customer int, staff text, kind text, method text, at timestamptz, entered timestamptz, outcome text, ring int,
	recording text, content text, problem text, result text, about text, about_no text);
SELECT crmaudit.map_entity('interaction', 'rv.contact_log', '{"interaction_id": "no", "customer_id": "customer", "staff_id": "staff", "kind": "kind", "method": "method",
	"occurred_at": "at", "recorded_at": "entered", "outcome": "outcome", "ring_seconds": "ring", "recording": "recording", "content": "content", "problem": "problem", "result": "result",
	"related_entity": "about", "related_id": "about_no"}');

-- Whether it was done in time ---------------------------------------------------------------
-- five working days from 30 September 2025 end with 14 October
CREATE TABLE rv.contract (no int PRIMARY KEY, customer int, staff text, signed timestamptz);
SELECT crmaudit.map_entity('contract', 'rv.contract', '{"contract_id": "no", "customer_id": "customer", "staff_id": "staff", "signed_at": "signed"}');
INSERT INTO rv.contract VALUES (1, 1, 'a', '2025-09-30 10:00+08'), (2, 2, 'a', '2025-09-30 10:00+08'), (3, 3, 'b', '2025-09-30 10:00+08'), (4, 4, 'b', '2025-09-30 10:00+08'),
	(5, 5, 'c', '2025-09-30 10:00+08'), (6, 6, 'c', '2025-09-30 10:00+08'), (7, 7, 'c', now()), (8, 8, 'd', '2025-08-01 10:00+08');
INSERT INTO rv.contact_log (no, customer, staff, kind, at, outcome) VALUES
	(1, 1, 'c', 'revisit', '2025-10-14 23:59:59+08', 'reached'), (2, 2, 'c', 'revisit', '2025-10-15 00:00:01+08', 'reached'),
	(3, 3, 'c', 'visit', '2025-10-09 10:00+08', 'reached'), (4, 4, 'c', 'revisit', '2025-10-09 10:00+08', 'reached'),
	(5, 5, 'a', 'revisit', '2025-10-09 10:00+08', 'no_answer'), (6, 5, 'a', 'revisit', '2025-10-09 14:00+08', 'no_answer'), (7, 5, 'a', 'revisit', '2025-10-10 10:00+08', 'no_answer'),
	(8, 6, 'a', 'revisit', '2025-10-09 10:00+08', 'reached'), (9, 8, 'a', 'revisit', '2025-08-04 10:00+08', 'reached');
SELECT crmaudit.add_obligation('rv_contract', 'contract', '5 working days', 'interaction', fulfilled_if => $$kind = 'revisit' AND outcome = 'reached'$$,
	attempts => 3, attempt_if => $$kind = 'revisit'$$, counting_from => 'signed_at', calendar => 'CN', coverage => 0.75) > 0 AS added;
-- one that no interaction fulfils is not for here
SELECT crmaudit.add_obligation('rv_ends', 'contract', '1 month', 'payment', counting_from => 'signed_at', calendar => 'CN') > 0 AS added;
SELECT crmaudit.exempt('rv_contract', '6', 'died', 'manager');
SELECT subject_id, state FROM crmaudit.obligation_status WHERE obligation = 'rv_contract' ORDER BY subject_id::int;
SELECT obligation, month, department, due, in_time, late, overdue, unreachable, open, exempt, in_time_rate, coverage, demanded, is_covered FROM crmaudit.revisit_compliance WHERE month < '2026-01-01';
SELECT department, due, open, coverage, is_covered FROM crmaudit.revisit_compliance WHERE month > '2026-01-01';
SELECT crmaudit.drop_obligation(o) FROM unnest('{rv_contract,rv_ends}'::text[]) o;
DROP TABLE rv.contract;
TRUNCATE rv.contact_log;

-- Statistics of the month ----------------------------------------------------------------
INSERT INTO rv.request VALUES
	(1, 1, 'c', 'repair', '2025-09-01 00:00+08'),			-- the first moment of September
	(2, 2, 'c', 'repair', '2025-09-30 23:59:59+08'),		-- the last second
	(3, 3, 'c', 'repair', '2025-10-01 00:00+08'),			-- October
	(4, 4, 'c', 'repair', '2025-09-10 10:00+08'),
	(5, 5, 'c', 'repair', '2025-09-11 10:00+08'),
	(6, 6, 'c', 'repair', NULL),							-- not archived
	(7, 7, 'a', 'new_connection', '2025-09-12 10:00+08'),
	(8, 7, 'a', 'new_connection', '2025-09-15 10:00+08'),
	(9, 8, 'd', 'new_connection', '2025-09-15 10:00+08'),
	(10, 9, NULL, NULL, '2025-09-15 10:00+08');
INSERT INTO rv.contact_log (no, customer, staff, kind, at, outcome, about, about_no) VALUES
	(101, 1, 'c', 'revisit', '2025-10-07 16:00+08', 'reached', 'service_request', '1'),		-- in the holidays, which postpone nothing: exactly at the cut-off
	(102, 2, 'c', 'revisit', '2025-10-07 16:00:01+08', 'reached', 'service_request', '2'),	-- a second late
	(103, 4, 'c', 'revisit', '2025-09-11 10:00+08', 'no_answer', 'service_request', '4'),	-- nobody was reached
	(104, 5, 'c', 'visit', '2025-09-12 10:00+08', 'reached', 'service_request', '5'),		-- no revisit
	(105, 7, 'c', 'revisit', '2025-09-15 10:00+08', 'reached', NULL, NULL),					-- names nothing: of the last request, not of both
	(106, 8, 'c', 'revisit', '2025-09-14 10:00+08', 'reached', NULL, NULL),					-- before archiving
	(107, 9, 'c', 'revisit', '2025-09-16 10:00+08', NULL, NULL, NULL),						-- an outcome that nobody entered
	(108, 3, 'c', 'revisit', '2025-10-02 10:00+08', 'reached', 'contract', '3');			-- of something else
SELECT month, department, kind, archived, revisited, revisited_late, not_reached, not_tried, rate, cut_off AT TIME ZONE 'Asia/Shanghai' AS cut_off, submitted_at, report FROM crmaudit.revisit_monthly;
-- reports: by month and department; a quarter's is none of a month
CREATE TABLE rv.report (no int PRIMARY KEY, unit text, kind text, period text, handed_in timestamptz);
INSERT INTO rv.report VALUES (1, 'service', 'revisit', '2025-09', '2025-10-07 16:00+08'), (2, 'sales', 'revisit', '2025-09', '2025-10-07 16:00:01+08'),
	(3, 'service', 'revisit', '2025-Q4', '2025-10-07 10:00+08'), (4, 'service', 'sales', '2025-10', '2025-10-07 10:00+08');
SELECT crmaudit.map_entity('report', 'rv.report', '{"report_id": "no", "unit": "unit", "kind": "kind", "period": "period", "submitted_at": "handed_in"}');
SELECT month, department, kind, submitted_at AT TIME ZONE 'Asia/Shanghai' AS submitted_at, report FROM crmaudit.revisit_monthly;
-- of this month they are not due yet
INSERT INTO rv.request VALUES (11, 11, 'c', 'repair', now());
SELECT report FROM crmaudit.revisit_monthly WHERE month > '2026-01-01';
DELETE FROM rv.request WHERE no = 11;
-- another day and time
INSERT INTO crmaudit.revisit_setting VALUES ('cut_off_day', '8'), ('cut_off_time', '12:00');
SELECT month, department, kind, revisited, revisited_late, cut_off AT TIME ZONE 'Asia/Shanghai' AS cut_off FROM crmaudit.revisit_monthly WHERE department = 'service';
DELETE FROM crmaudit.revisit_setting;
INSERT INTO crmaudit.revisit_setting VALUES ('cutoff', '8');
INSERT INTO crmaudit.revisit_setting VALUES ('cut_off_day', '29');
INSERT INTO crmaudit.revisit_setting VALUES ('tries', 'three');
INSERT INTO crmaudit.revisit_setting VALUES ('late_entry', '-1 day');
INSERT INTO crmaudit.revisit_setting VALUES ('call_hours', '9 to 5');
INSERT INTO crmaudit.revisit_setting VALUES ('call_hours', '11:00-09:00');
TRUNCATE rv.contact_log;

-- Backdating -------------------------------------------------------------------------------
INSERT INTO rv.contact_log (no, customer, staff, kind, at, entered) VALUES
	(1, 1, 'a', 'visit', '2025-03-01 10:00+08', '2025-03-04 10:00+08'),			-- three days
	(2, 1, 'a', 'visit', '2025-03-01 10:00+08', '2025-03-04 10:00:01+08'),		-- and a second
	(3, 2, 'b', 'call', '2025-03-01 10:00+08', '2025-06-01 10:00+08'),
	(4, 2, 'b', 'call', '2025-03-05 10:00+08', '2025-03-01 10:00+08'),			-- entered before it took place
	(5, 2, 'b', 'call', NULL, '2025-03-01 10:00+08'), (6, 2, 'b', 'call', '2025-03-01 10:00+08', NULL);
SELECT interaction_id, customer_id, staff_id, kind, entered_at AT TIME ZONE 'Asia/Shanghai' AS entered_at, delay, told_by FROM crmaudit.backdated_entries;
-- the ledger tells of what it saw inserted: not of what was there before, and not of what is gone
SELECT crmaudit.track('rv.contact_log');
INSERT INTO rv.contact_log (no, customer, staff, kind, at, entered) VALUES
	(7, 3, 'a', 'visit', now() - interval '10 days', NULL), (8, 3, 'a', 'visit', now() - interval '2 days', NULL),
	(9, 3, 'a', 'visit', now() - interval '10 days', now() - interval '10 days'), (10, 3, 'a', 'visit', now() - interval '10 days', NULL);
DELETE FROM rv.contact_log WHERE no = 10;
UPDATE rv.contact_log SET content = 'later' WHERE no = 8;
SELECT interaction_id, date_trunc('day', delay) AS delay, told_by FROM crmaudit.backdated_entries;
INSERT INTO crmaudit.revisit_setting VALUES ('late_entry', '1 day');
SELECT interaction_id, date_trunc('day', delay) AS delay, told_by FROM crmaudit.backdated_entries WHERE told_by <> 'recorded_at';
DELETE FROM crmaudit.revisit_setting;
-- an auditor sees the same, if he may read the table
CREATE ROLE rv_auditor;
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'rv_auditor');
GRANT USAGE ON SCHEMA rv TO rv_auditor;
SET ROLE rv_auditor;
SELECT count(*) FROM crmaudit.backdated_entries;
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA rv TO rv_auditor;
SET ROLE rv_auditor;
SELECT interaction_id, told_by FROM crmaudit.backdated_entries ORDER BY interaction_id::int;
SELECT count(*) FROM crmaudit.ledger_entry;
RESET ROLE;
SELECT crmaudit.untrack('rv.contact_log');
TRUNCATE rv.contact_log;

-- Calls ------------------------------------------------------------------------------------
-- 2025-09-30 is a Tuesday, 2025-10-01 a holiday, 2025-10-11 a Saturday that is worked
INSERT INTO rv.contact_log (no, customer, staff, kind, method, at, outcome, ring, result, about, about_no) VALUES
	(1, 1, 'a', 'call', NULL, '2025-09-30 10:00+08', 'no_answer', 20, NULL, NULL, NULL),			-- three hours, the last call reaches
	(2, 1, 'a', 'call', NULL, '2025-09-30 11:00+08', 'no_answer', 20, NULL, NULL, NULL),
	(3, 1, 'b', 'call', NULL, '2025-09-30 14:00+08', 'reached', 3, NULL, NULL, NULL),
	(4, 1, 'b', 'call', NULL, '2025-10-11 10:30+08', 'no_answer', 20, NULL, NULL, NULL),			-- another series, given up
	(11, 2, 'a', 'call', NULL, '2025-09-30 10:00+08', 'no_answer', 20, NULL, NULL, NULL),			-- three tries in two hours
	(12, 2, 'a', 'call', NULL, '2025-09-30 10:59:59+08', 'no_answer', 20, NULL, NULL, NULL),
	(13, 2, 'a', 'call', NULL, '2025-09-30 11:00+08', 'no_answer', 20, NULL, NULL, NULL),
	(21, 3, 'a', 'revisit', 'phone', '2025-09-30 10:00+08', 'no_answer', 20, NULL, NULL, NULL),		-- three hours
	(22, 3, 'a', 'revisit', 'Call', '2025-09-30 11:00+08', 'no_answer', 20, NULL, NULL, NULL),
	(23, 3, 'a', 'revisit', 'phone', '2025-09-30 14:00+08', 'no_answer', 20, NULL, NULL, NULL),
	(24, 3, 'a', 'revisit', 'visit', '2025-09-30 20:00+08', 'no_answer', NULL, NULL, NULL, NULL),	-- no call
	(31, 4, 'a', 'call', NULL, '2025-09-30 10:00+08', 'no_answer', 19, NULL, NULL, NULL),			-- rings too short
	(32, 4, 'a', 'call', NULL, '2025-09-30 11:00+08', 'no_answer', NULL, NULL, NULL, NULL),
	(33, 4, 'a', 'call', NULL, '2025-09-30 15:00+08', 'refused', NULL, NULL, NULL, NULL),
	(41, 5, 'a', 'call', NULL, '2025-09-30 10:00+08', 'invalid', NULL, NULL, NULL, NULL),			-- without a reason, and with one
	(42, 5, 'a', 'call', NULL, '2025-09-30 10:00+08', 'invalid', NULL, 'number not in use', 'contract', '7'),
	(51, 6, 'a', 'call', NULL, '2025-09-30 11:00:01+08', 'reached', 3, NULL, NULL, NULL),			-- a second after the hours
	(52, 6, 'a', 'call', NULL, '2025-09-30 11:00+08', 'reached', 3, NULL, 'contract', '8'),			-- at their end
	(53, 7, 'a', 'call', NULL, '2025-10-01 10:30+08', 'reached', 3, NULL, NULL, NULL),				-- on a holiday
	(54, 8, 'a', 'call', NULL, '2025-10-11 10:30+08', 'reached', 3, NULL, NULL, NULL),				-- on a Saturday that is worked
	(55, 9, 'a', 'call', NULL, '2001-01-01 20:30+08', 'reached', 3, NULL, NULL, NULL),				-- the calendar does not know the year
	(56, 9, 'a', 'call', NULL, NULL, 'no_answer', 3, NULL, NULL, NULL),
	(61, 10, 'a', 'call', NULL, '2025-09-30 10:00+08', NULL, NULL, NULL, NULL, NULL),				-- an outcome that nobody entered: reached, and the series ends
	(62, 10, 'a', 'call', NULL, '2025-09-30 10:30+08', 'no_answer', 20, NULL, NULL, NULL),
	(63, 10, 'a', 'call', NULL, now() + interval '1 year', NULL, NULL, NULL, NULL, NULL);			-- one that is planned reached nobody yet
SELECT customer_id AS customer, related_entity, related_id, staff, first_at AT TIME ZONE 'Asia/Shanghai' AS first_at, last_at AT TIME ZONE 'Asia/Shanghai' AS last_at, unanswered, different_hours AS hours,
	short_rings AS short, invalid, invalid_without_reason AS no_reason, outside_hours AS outside, state, severity FROM crmaudit.call_attempts;
-- the hours of another text, of any day; fewer tries
INSERT INTO crmaudit.revisit_setting VALUES ('call_hours', '09:00-11:00,15:00-17:00'), ('tries', '2'), ('ring_seconds', '10');
SELECT customer_id AS customer, unanswered, different_hours AS hours, short_rings AS short, outside_hours AS outside, state, severity FROM crmaudit.call_attempts;
DELETE FROM crmaudit.revisit_setting;
TRUNCATE rv.contact_log;

-- Records ----------------------------------------------------------------------------------
INSERT INTO rv.contact_log (no, customer, staff, kind, method, at, outcome, recording, content, problem, result) VALUES
	(1, 1, 'a', 'revisit', 'visit', '2025-09-01 10:00+08', 'reached', NULL, 'satisfied', 'none', 'none'),
	(2, 1, 'a', 'revisit', 'call', '2025-09-01 10:00+08', 'reached', NULL, 'satisfied', 'none', 'none'),
	(3, 1, 'a', 'revisit', 'phone', '2025-09-01 10:00+08', 'reached', 'r3.wav', 'satisfied', ' ', ''),
	(4, 1, 'a', 'revisit', 'call', '2025-09-01 10:00+08', 'no_answer', NULL, NULL, NULL, NULL),
	(5, NULL, NULL, 'revisit', ' ', NULL, 'no_answer', NULL, NULL, NULL, NULL),
	(6, NULL, '', 'revisit', NULL, '2025-09-02 10:00+08', NULL, NULL, NULL, NULL, NULL),
	(7, 1, 'a', 'visit', NULL, '2025-09-01 10:00+08', NULL, NULL, NULL, NULL, NULL),
	(8, 1, 'a', 'revisit', NULL, now() + interval '1 year', NULL, NULL, NULL, NULL, NULL);	-- planned
SELECT interaction_id, customer_id, staff_id, method, outcome, missing FROM crmaudit.revisit_record_gaps;
TRUNCATE rv.contact_log, rv.request;

-- Conflicts of interest ----------------------------------------------------------------------
CREATE TABLE rv.complaint (no int PRIMARY KEY, customer int, staff text, opened timestamptz);
SELECT crmaudit.map_entity('complaint', 'rv.complaint', '{"complaint_id": "no", "customer_id": "customer", "staff_id": "staff", "opened_at": "opened"}');
CREATE TABLE rv.contract (no int PRIMARY KEY, customer int, staff text, signed timestamptz);
SELECT crmaudit.map_entity('contract', 'rv.contract', '{"contract_id": "no", "customer_id": "customer", "staff_id": "staff", "signed_at": "signed"}');
INSERT INTO rv.complaint VALUES (1, 1, 'a', '2025-05-01 10:00+08'), (2, 2, 'a', '2025-05-01 10:00+08'), (3, 3, 'a', '2025-05-01 10:00+08'), (4, 3, 'c', '2025-05-10 10:00+08'), (5, 4, 'd', '2025-05-01 10:00+08');
INSERT INTO rv.contract VALUES (1, 5, 'b', '2025-05-01 10:00+08'), (2, 5, 'c', '2025-06-01 10:00+08'), (3, 6, 'b', '2025-05-01 10:00+08');
INSERT INTO rv.request VALUES (1, 7, 'c', 'repair', '2025-05-01 10:00+08');
INSERT INTO rv.contact_log (no, customer, staff, kind, at, about, about_no) VALUES
	(1, 1, 'a', 'revisit', '2025-05-02 10:00+08', 'complaint', '1'),		-- the person himself
	(2, 1, 'b', 'revisit', '2025-05-02 10:00+08', 'complaint', '1'),		-- his department
	(3, 1, 'c', 'revisit', '2025-05-02 10:00+08', 'complaint', '1'),		-- another department
	(4, 2, 'a', 'visit', '2025-05-02 10:00+08', 'complaint', '2'),			-- no revisit
	(5, 2, 'a', 'revisit', '2025-05-01 10:00+08', NULL, NULL),				-- at the moment, naming nothing
	(6, 2, 'a', 'revisit', '2025-05-01 09:59:59+08', NULL, NULL),			-- a second before
	(7, 3, 'a', 'revisit', '2025-05-09 10:00+08', NULL, NULL),				-- until the next complaint
	(8, 3, 'a', 'revisit', '2025-05-10 10:00+08', NULL, NULL),				-- which is of another
	(9, 4, 'e', 'revisit', '2025-05-02 10:00+08', 'complaint', '5'),		-- departments that nobody knows
	(10, 4, 'd', 'revisit', '2025-05-02 10:00+08', 'complaint', '5'),
	(11, 5, 'b', 'revisit', '2025-05-02 10:00+08', 'contract', '1'),		-- the adviser
	(12, 5, 'b', 'revisit', '2025-06-02 10:00+08', 'contract', '2'),
	(13, 6, 'a', 'revisit', '2025-05-02 10:00+08', NULL, NULL),				-- the adviser's department
	(14, 7, 'c', 'revisit', '2025-05-02 10:00+08', 'service_request', '1'),	-- who did the repair
	(15, 6, 'x', 'revisit', '2025-05-02 10:00+08', NULL, NULL),				-- not among the staff
	(16, 6, NULL, 'revisit', '2025-05-02 10:00+08', NULL, NULL),
	(17, 6, 'b', 'revisit', '2025-05-02 10:00+08', 'customer', '6'),		-- names what is no deed of anybody
	(18, 6, 'b', 'revisit', '2025-05-02 10:00+08', 'complaint', NULL);
SELECT interaction_id, customer_id, staff_id, concerned_entity, concerned_id, concerned_staff_id, conflict, department, named FROM crmaudit.conflict_of_interest ORDER BY interaction_id::int;
-- whom two sources know, and what two sources tell of, is one
CREATE TABLE rv.staff_of_old AS SELECT * FROM rv.staff;
SELECT crmaudit.map_entity('staff', 'rv.staff_of_old', '{"staff_id": "staff_id", "department": "department"}');
CREATE TABLE rv.contract_of_old AS SELECT * FROM rv.contract;
SELECT crmaudit.map_entity('contract', 'rv.contract_of_old', '{"contract_id": "no", "customer_id": "customer", "staff_id": "staff", "signed_at": "signed"}');
SELECT count(*), count(DISTINCT (interaction_id, concerned_entity, concerned_id)) FROM crmaudit.conflict_of_interest;
SELECT department, archived FROM crmaudit.revisit_monthly;
SELECT crmaudit.unmap_entity('staff', 'rv.staff_of_old'), crmaudit.unmap_entity('contract', 'rv.contract_of_old');

-- Special revisits follow a plan that was approved before ------------------------------------
SELECT count(*) FROM crmaudit.special_revisits;
CREATE TABLE rv.plan (no text PRIMARY KEY, period text, approver text, approved timestamptz);
INSERT INTO rv.plan VALUES ('p1', '2025-06', 'boss', '2025-06-02 10:00+08'), ('p2', '2025-06', NULL, NULL), ('p3', '2025-06', 'boss', NULL), ('p4', 'summer', NULL, '2025-06-01 10:00+08');
CREATE TABLE rv.plan_of_old AS SELECT * FROM rv.plan;
SELECT crmaudit.map_entity('plan', s, '{"plan_id": "no", "period": "period", "approved_by": "approver", "approved_at": "approved"}') FROM unnest('{rv.plan,rv.plan_of_old}'::regclass[]) s;
INSERT INTO rv.contact_log (no, customer, staff, kind, at, about, about_no) VALUES
	(21, 8, 'a', 'revisit', '2025-06-02 10:00+08', 'plan', 'p1'),			-- at the moment
	(22, 8, 'a', 'revisit', '2025-06-02 09:59:59+08', 'plan', 'p1'),		-- a second too early
	(23, 8, 'a', 'special_revisit', '2025-06-30 23:59:59+08', 'plan', 'p1'),
	(24, 8, 'a', 'special_revisit', '2025-07-01 00:00+08', 'plan', 'p1'),
	(25, 8, 'a', 'revisit', '2025-06-03 10:00+08', 'plan', 'p2'), (26, 8, 'a', 'revisit', '2025-06-03 10:00+08', 'plan', 'p3'), (27, 8, 'a', 'revisit', '2025-09-03 10:00+08', 'plan', 'p4'),
	(28, 8, 'a', 'revisit', '2025-06-03 10:00+08', 'plan', 'p9'), (29, 8, 'a', 'special_revisit', '2025-06-03 10:00+08', 'contract', 'p1'), (30, 8, 'a', 'special_revisit', '2025-06-03 10:00+08', 'plan', NULL),
	(31, 8, 'a', 'visit', '2025-06-03 10:00+08', 'plan', 'p1'), (32, 8, 'a', 'special_revisit', NULL, 'plan', 'p1');
SELECT interaction_id, plan_id, approved_by, approved_at AT TIME ZONE 'Asia/Shanghai' AS approved_at, state FROM crmaudit.special_revisits ORDER BY interaction_id::int;
SELECT crmaudit.unmap_entity('plan');

-- Cases ------------------------------------------------------------------------------------
CREATE TABLE rv.step (case_no text, kind text, step text, began timestamptz, ended timestamptz, due timestamptz);
SELECT crmaudit.map_entity('step', 'rv.step', '{"case_id": "case_no", "case_kind": "kind", "step": "step", "entered_at": "began", "left_at": "ended", "due_at": "due"}');
INSERT INTO rv.step VALUES
	('x1', 'exception', 'interview', '2025-01-01', '2025-01-02', NULL), ('x1', 'exception', 'self-check', '2025-01-02', '2025-01-03', NULL),
	('x1', 'exception', 'final_decision', '2025-01-03', '2025-01-04', NULL), ('x1', 'exception', 'Second Revisit', '2025-01-04', '2025-01-05', NULL),
	-- the decision without a self-check
	('x2', 'exception', 'interview', '2025-01-01', '2025-01-02', NULL), ('x2', 'exception', 'final decision', '2025-01-03', '2025-01-04', NULL), ('x2', 'exception', 'second revisit', '2025-01-04', NULL, NULL),
	-- decided before the interview ended
	('x3', 'exception', 'interview', '2025-01-01', '2025-01-06', NULL), ('x3', 'exception', 'self check', '2025-01-02', '2025-01-03', NULL),
	('x3', 'exception', 'final decision', '2025-01-03', '2025-01-04', NULL), ('x3', 'exception', 'second revisit', '2025-01-04', '2025-01-07', NULL),
	-- under way: in time, and late
	('x4', 'exception', 'interview', '2025-01-01', '2025-01-02', '2025-01-02'), ('x4', 'exception', 'self check', '2025-01-02', NULL, '2099-01-01'),
	('x5', 'exception', 'interview', '2025-01-01', NULL, '2025-01-02'),
	-- only something else
	('x6', 'exception', 'note', '2025-01-01', '2025-01-01', NULL), ('y1', 'approval', 'interview', '2025-01-01', '2025-01-01', NULL),
	-- hazards: closed in time at the last moment, late, without a re-check, open, overdue, without a deadline
	('h1', 'hazard', 'notice', '2025-01-01', '2025-01-01', '2025-01-10'), ('h1', 'hazard', 'cause', '2025-01-02', '2025-01-02', NULL), ('h1', 'hazard', 'plan', '2025-01-03', '2025-01-03', NULL),
	('h1', 'hazard', 're-check', '2025-01-09', '2025-01-09', NULL), ('h1', 'hazard', 'closed', '2025-01-10', NULL, NULL),
	('h2', 'hazard', 'notice', '2025-01-01', '2025-01-01', '2025-01-10'), ('h2', 'hazard', 'cause', '2025-01-02', '2025-01-02', NULL), ('h2', 'hazard', 'plan', '2025-01-03', '2025-01-03', NULL),
	('h2', 'hazard', 'recheck', '2025-01-09', '2025-01-09', NULL), ('h2', 'hazard', 'closed', '2025-01-10 00:00:01', NULL, NULL),
	('h3', 'hazard', 'notice', '2025-01-01', '2025-01-01', '2025-01-10'), ('h3', 'hazard', 'cause', '2025-01-02', '2025-01-02', NULL), ('h3', 'hazard', 'plan', '2025-01-03', '2025-01-03', NULL),
	('h3', 'hazard', 'closed', '2025-01-05', NULL, NULL),
	('h4', 'hazard', 'notice', '2025-01-01', '2025-01-01', '2099-01-10'), ('h4', 'hazard', 'cause', '2025-01-02', NULL, NULL),
	('h5', 'hazard', 'notice', '2025-01-01', '2025-01-01', '2025-01-10'),
	('h6', 'hazard', 'found', '2025-01-01', '2025-01-01', NULL),
	-- what is planned for later is not done; a case of which no step has a name
	('x7', 'exception', 'interview', '2025-01-01', '2025-01-02', NULL), ('x7', 'exception', 'self check', '2025-01-01', '2025-01-02', NULL), ('x7', 'exception', 'final decision', '2025-01-03', '2025-01-04', NULL),
	('x7', 'exception', 'second revisit', '2025-01-05', '2099-01-01', NULL), ('x8', 'exception', NULL, '2025-01-01', NULL, NULL),
	('h7', 'hazard', 'notice', '2025-01-01', '2025-01-01', '2025-01-10'), ('h7', 'hazard', 'cause', '2025-01-02', '2025-01-02', NULL), ('h7', 'hazard', 'plan', '2025-01-03', '2025-01-03', NULL),
	('h7', 'hazard', 'recheck', '2025-01-09', '2025-01-09', NULL), ('h7', 'hazard', 'closed', '2099-01-10', NULL, NULL);
SELECT case_id, opened_at::date, interview_at::date, self_check_at::date, final_decision_at::date, second_revisit_at::date, missing, open_steps, overdue_steps, state FROM crmaudit.serious_exceptions ORDER BY case_id;
SELECT case_id, found_at::date, notice_at::date, deadline::date, cause_at::date, plan_at::date, recheck_at::date, closed_at, missing, state FROM crmaudit.hazard_cases ORDER BY case_id;

-- Retention ----------------------------------------------------------------------------------
TRUNCATE rv.contact_log;
SELECT crmaudit.track('rv.contact_log');
INSERT INTO rv.contact_log (no, customer, kind, at, content) VALUES
	(1, 1, 'visit', now() - interval '3 years 1 day', 'x'), (2, 1, 'visit', now() - interval '3 years' + interval '1 day', 'x'),
	(3, 1, 'letter', now() - interval '1 year 1 day', 'x'), (4, 1, 'letter', now() - interval '1 year' + interval '1 day', 'x'), (5, 1, 'visit', NULL, 'x'),
	(6, 1, 'visit', now() - interval '4 years', 'x'), (7, 1, 'visit', now() - interval '1 year', 'x'), (8, 1, 'letter', now() - interval '2 years', 'x'), (9, 1, 'letter', now(), 'x'), (10, 1, 'visit', now(), 'x');
CREATE FUNCTION rv.retained() RETURNS TABLE (entity text, subject_id text, keep interval, state text, days double precision, deleted boolean) LANGUAGE sql AS $$
	SELECT entity, subject_id, keep, state, CASE WHEN isfinite(keep_until) THEN round(extract(epoch FROM keep_until - now()) / 86400) END, deleted_by = session_user FROM crmaudit.record_retention ORDER BY state, keep_until, subject_id::int
$$;
-- of those that were deleted, the ones that had to stay: not 6 and 8; and 10 came back
DELETE FROM rv.contact_log WHERE no IN (6, 7, 8, 9, 10);
INSERT INTO rv.contact_log (no, kind, at) VALUES (10, 'visit', now());
SELECT * FROM crmaudit.record_retention_periods();
SELECT * FROM rv.retained();
-- another period, one with a condition, one for ever; the longest that holds counts
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', NULL, '2 years'), ('interaction', 'kind = ''visit'' AND content IS NOT NULL', '5 years'), ('interaction', 'customer_id IS NULL', NULL), ('interaction', 'kind = ''letter''', '2 years');
INSERT INTO crmaudit.retention (entity, keep, counting_from) VALUES ('complaint', '10 years', 'opened_at');
SELECT * FROM crmaudit.record_retention_periods();
SELECT * FROM rv.retained() WHERE entity = 'interaction';
SELECT entity, subject_id, keep, keep_until AT TIME ZONE 'Asia/Shanghai' AS keep_until, state FROM crmaudit.record_retention WHERE entity = 'complaint' AND subject_id = '1';
-- an auditor sees the same
GRANT SELECT ON ALL TABLES IN SCHEMA rv TO rv_auditor;
SET ROLE rv_auditor;
SELECT state, count(*) FROM crmaudit.record_retention GROUP BY state ORDER BY state;
INSERT INTO crmaudit.retention (entity, keep) VALUES ('contract', '10 years');
RESET ROLE;
-- a row is of the one or the other
INSERT INTO crmaudit.retention (keep) VALUES ('1 year');
INSERT INTO crmaudit.retention (subject, entity, keep) VALUES ('run', 'contract', '1 year');
INSERT INTO crmaudit.retention (subject, condition, keep) VALUES ('run', 'true', '1 year');
INSERT INTO crmaudit.retention (entity, keep) VALUES ('complaint', '1 year');
-- what a condition must not do: it runs with the reader's rights
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'kind = ''x''; DROP TABLE rv.step', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'kind', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'EXISTS (SELECT FROM rv.step)', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'rv.mine(kind)', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'kind OPERATOR(rv.=) ''x''', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'NOT (kind = ANY (ARRAY[''x''::rv.mine]))', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'kind < ''x'' COLLATE rv.mine', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'set_config(''crmaudit.mode'', ''off'', false) = kind', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'random() > 0.5', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'max(kind) = ''x''', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'this_row.kind = ''x''', '1 year');
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', $$lower(kind) = 'x' OR occurred_at < pg_catalog.now() AND kind LIKE 'x%' OR 'x'::pg_catalog.text = kind -- why$$, '1 year');
DELETE FROM crmaudit.retention WHERE condition LIKE '%-- why';
-- what is not there yet does not count, and health tells
INSERT INTO crmaudit.retention (entity, condition, keep) VALUES ('interaction', 'voltage_kv >= 10', '9 years'), ('contact', NULL, '1 year'), ('meter', NULL, '1 year');
INSERT INTO crmaudit.retention (entity, keep, counting_from) VALUES ('contract', '1 year', 'amount');
SELECT problem, remedy FROM crmaudit.health WHERE subject = 'retention' ORDER BY problem;
SELECT keep, count(*) FROM crmaudit.record_retention GROUP BY keep ORDER BY keep;
-- a column that the mapping adds
SELECT crmaudit.map_entity('interaction', 'rv.contact_log', '{"interaction_id": "no", "kind": "kind", "occurred_at": "at", "voltage_kv": "customer * 10"}', 'no <> 2');
SELECT subject_id, keep, state FROM crmaudit.record_retention WHERE entity = 'interaction' ORDER BY subject_id::int;
DELETE FROM crmaudit.retention;
-- what was moved to an archive, which is a source too, is not missed; what has just its number is
CREATE TABLE rv.archive AS SELECT no, kind, at FROM rv.contact_log WHERE false;
SELECT crmaudit.map_entity('interaction', 'rv.archive', '{"interaction_id": "no", "kind": "kind", "occurred_at": "at"}');
INSERT INTO rv.contact_log (no, kind, at) VALUES (31, 'visit', now()), (32, 'visit', now());
WITH gone AS (DELETE FROM rv.contact_log WHERE no IN (31, 32) RETURNING no, kind, at) INSERT INTO rv.archive SELECT no, kind, CASE no WHEN 31 THEN at ELSE at - interval '1 day' END FROM gone;
SELECT subject_id, state, count(*) FROM crmaudit.record_retention WHERE entity = 'interaction' AND subject_id IN ('31', '32') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT crmaudit.unmap_entity('interaction', 'rv.archive');
INSERT INTO rv.contact_log (no, kind, at) VALUES (31, 'visit', now()), (32, 'visit', now());
-- a column that was renamed since it was mapped; what was deleted before, and after
ALTER TABLE rv.contact_log RENAME kind TO sort;
INSERT INTO rv.contact_log (no, sort, at) VALUES (33, 'visit', now());
DELETE FROM rv.contact_log WHERE no = 33;
SELECT subject_id, keep, state FROM crmaudit.record_retention WHERE deleted_at IS NOT NULL ORDER BY subject_id::int;
ALTER TABLE rv.contact_log RENAME sort TO kind;
-- the key, too: the ledger tells still when the row was entered
INSERT INTO rv.contact_log (no, kind, at) VALUES (34, 'visit', now() - interval '5 days');
ALTER TABLE rv.contact_log RENAME no TO number;
SELECT interaction_id, told_by FROM crmaudit.backdated_entries WHERE interaction_id = '34';
ALTER TABLE rv.contact_log RENAME number TO no;
DELETE FROM rv.contact_log WHERE no = 34;
-- what a truncation took the ledger cannot tell; a mapping with a subquery and columns that were renamed
ALTER TABLE rv.contact_log RENAME at TO took_place;
SELECT crmaudit.map_entity('interaction', 'rv.contact_log', $${"interaction_id": "no", "kind": "(SELECT max(s.department) FROM rv.staff s WHERE s.staff_id = contact_log.staff) || kind", "occurred_at": "took_place"}$$);
INSERT INTO rv.contact_log (no, staff, kind, took_place) VALUES (20, 'a', 'visit', now());
DELETE FROM rv.contact_log WHERE no = 20;
TRUNCATE rv.contact_log;
SELECT subject_id, keep, state FROM crmaudit.record_retention ORDER BY state, subject_id::int;

SELECT crmaudit.untrack('rv.contact_log');
SELECT crmaudit.unmap_entity(e) FROM unnest('{staff,service_request,interaction,report,complaint,contract,step}'::text[]) e;
SELECT crmaudit.revoke_duty('auditor', 'rv_auditor');
DROP OWNED BY rv_auditor;
DROP ROLE rv_auditor;
SET client_min_messages = warning;
DROP SCHEMA rv CASCADE;
