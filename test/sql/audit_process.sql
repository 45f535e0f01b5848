-- Process (D28): how long steps take, cases that come back, steps that decide
-- nothing, facts entered twice.
\set SHOW_CONTEXT never
SET crmaudit.calendar = 'CN';
SET timezone = 'America/New_York';

-- Nothing is mapped: the views are there, and empty.
SELECT (SELECT count(*) FROM crmaudit.step_durations) AS step_durations, (SELECT count(*) FROM crmaudit.rework) AS rework,
	(SELECT count(*) FROM crmaudit.needless_steps) AS needless_steps, (SELECT count(*) FROM crmaudit.duplicate_entry) AS duplicate_entry;

CREATE SCHEMA ap;
CREATE TABLE ap.step (id int PRIMARY KEY, case_no int, kind text, step text, who text, entered timestamptz, left_at timestamptz, due timestamptz);
SELECT crmaudit.map_entity('step', 'ap.step', '{"case_id":"case_no","case_kind":"kind","step":"step","staff_id":"who","entered_at":"entered","left_at":"left_at","due_at":"due"}');

-- Steps ---------------------------------------------------------------------------------
-- Over the holiday of October 2025: signed on 30 September, five working days
-- end on 14 October (Saturday 11 is worked). Across midnight in China, not in
-- New York: one working day. Left at the deadline is in time, a second later
-- is late. A year that the calendar does not know: hours only.
INSERT INTO ap.step VALUES
	(1, 1, 'approval', 'sign', 'li', '2025-09-30 16:00+08', '2025-10-14 16:00+08', '2025-10-14 16:00+08'),
	(2, 2, 'approval', 'sign', 'li', '2025-10-14 23:00+08', '2025-10-15 01:00+08', '2025-10-15 00:59:59+08'),
	(3, 3, 'approval', 'sign', 'li', '2025-10-15 09:00+08', '2025-10-15 10:00+08', NULL),
	(4, 4, 'approval', 'sign', 'li', '2025-10-15 09:00+08', '2025-10-15 09:00+08', NULL),
	(5, 1, 'approval', 'file', 'wu', '2003-06-01 09:00+08', '2003-06-02 09:00+08', NULL),
-- Ended before it began, and without a beginning.
	(6, 2, 'approval', 'file', 'wu', '2025-10-15 10:00+08', '2025-10-15 09:00+08', NULL),
	(7, 3, 'approval', 'file', 'wu', NULL, '2025-10-15 11:00+08', NULL),
-- The same step of another kind of case; a case without a kind.
	(8, 5, 'hazard', 'sign', 'li', '2025-10-15 09:00+08', '2025-10-16 09:00+08', NULL),
	(9, 6, NULL, 'sign', NULL, '2025-10-15 09:00+08', '2025-10-15 12:00+08', NULL);
SELECT case_kind, step, cases, passages, median_working_days, p90_working_days, longest_working_days, median_hours, p90_hours, longest_hours, slowest_case
	FROM crmaudit.step_durations;
SELECT case_kind, step, slowness, percent_of_time, left_late, open, without_times FROM crmaudit.step_durations;

-- Open ones are measured until now. 30 days ago, so that it does not matter
-- which day it is.
RESET crmaudit.calendar;
DELETE FROM ap.step;
INSERT INTO ap.step VALUES
	(1, 1, 'approval', 'sign', 'li', now() - interval '30 days', NULL, now() - interval '1 second'),
	(2, 2, 'approval', 'sign', 'li', now() - interval '3 days', NULL, now() + interval '1 hour'),
	(3, 3, 'approval', 'sign', 'li', NULL, NULL, NULL);
SELECT step, cases, passages, median_hours, slowness, open, open_overdue, oldest_open_case, without_times,
	open_longest_working_days = crmaudit.working_days_between((now() - interval '30 days')::date, now()::date) AS counted_until_now
	FROM crmaudit.step_durations;

-- Rework ----------------------------------------------------------------------------------
DELETE FROM ap.step;
INSERT INTO ap.step VALUES
-- 1: draft, check, draft, check: both are entered again, draft from check.
	(1, 1, 'approval', 'draft', 'li', '2026-03-02 09:00+08', '2026-03-02 10:00+08', NULL),
	(2, 1, 'approval', 'check', 'wu', '2026-03-02 10:00+08', '2026-03-02 11:00+08', NULL),
	(3, 1, 'approval', 'draft', 'li', '2026-03-02 11:00+08', '2026-03-02 13:00+08', NULL),
	(4, 1, 'approval', 'check', 'wu', '2026-03-02 13:00+08', '2026-03-02 13:30+08', NULL),
-- 2: two approvers at the same time, and a third who takes over: no rework.
	(5, 2, 'approval', 'check', 'li', '2026-03-02 09:00+08', '2026-03-02 12:00+08', NULL),
	(6, 2, 'approval', 'check', 'wu', '2026-03-02 10:00+08', '2026-03-02 11:00+08', NULL),
	(7, 2, 'approval', 'check', 'sun', '2026-03-02 12:00+08', '2026-03-02 13:00+08', NULL),
-- 3: left, and a second later entered again.
	(8, 3, 'approval', 'check', 'li', '2026-03-02 09:00+08', '2026-03-02 10:00+08', NULL),
	(9, 3, 'approval', 'check', 'li', '2026-03-02 10:00:01+08', '2026-03-02 11:00:01+08', NULL),
-- 4: a CRM that does not note when a step is left.
	(10, 4, 'hazard', 'plan', 'li', '2026-03-02 09:00+08', NULL, NULL),
	(11, 4, 'hazard', 'check', 'li', '2026-03-03 09:00+08', NULL, NULL),
	(12, 4, 'hazard', 'plan', 'li', '2026-03-04 09:00+08', '2026-03-04 10:00+08', NULL),
	(13, 4, 'hazard', 'plan', 'li', '2026-03-04 11:00+08', NULL, NULL),
-- 5: the same step in another case, or another kind of the same number; three times in a row in a third.
	(14, 1, 'hazard', 'draft', 'li', '2026-03-02 09:00+08', '2026-03-02 10:00+08', NULL),
	(15, 6, NULL, 'draft', 'li', '2026-03-02 09:00+08', '2026-03-02 10:00+08', NULL),
	(16, 6, NULL, 'check', 'li', '2026-03-02 10:00+08', '2026-03-02 11:00+08', NULL),
	(17, 6, NULL, 'draft', 'li', '2026-03-02 11:00+08', '2026-03-02 11:30+08', NULL),
	(18, 6, NULL, 'sign', 'li', '2026-03-02 11:30+08', '2026-03-02 12:00+08', NULL),
	(19, 6, NULL, 'draft', 'li', '2026-03-02 12:00+08', '2026-03-02 12:30+08', NULL);
SET timezone = 'Asia/Shanghai';
SELECT case_kind, case_id, step, passages, reentries, came_back_from, first_entered_at, last_reentered_at, CASE WHEN NOT is_open THEN hours_again END AS hours_again, is_open
	FROM crmaudit.rework;

-- Steps that decide nothing: ten passages, nine by the same person, or within a
-- minute, and never sent back. The first step of a case decides to begin.
DELETE FROM ap.step;
INSERT INTO ap.step SELECT 10 * i + n, i, 'approval', s, w, '2026-03-02 09:00+08'::timestamptz + n * interval '1 hour',
		'2026-03-02 09:00+08'::timestamptz + n * interval '1 hour' + t * interval '1 second', NULL
	FROM generate_series(1, 10) i CROSS JOIN LATERAL (VALUES (1, 'draft', 'li', 30), (2, 'stamp', 'wu', CASE WHEN i = 1 THEN 600 ELSE 60 END),
		(3, 'seal', 'wu', 600), (4, 'quick', 'sun', CASE WHEN i <= 2 THEN 61 ELSE 10 END), (5, 'file', 'sun', 10)) AS v(n, s, w, t);
SELECT * FROM crmaudit.needless_steps;
-- One case that goes back from there, and it decides something; nine passages are too few.
INSERT INTO ap.step VALUES (1001, 1, 'approval', 'draft', 'li', '2026-03-02 14:01+08', '2026-03-02 14:02+08', NULL);
DELETE FROM ap.step WHERE case_no = 10 AND step = 'seal';
SELECT * FROM crmaudit.needless_steps;

-- The same fact twice -------------------------------------------------------------------------
SELECT * FROM crmaudit.what_tells() WHERE entity IN ('customer', 'interaction', 'payment') ORDER BY entity;
CREATE TABLE ap.customer (no int PRIMARY KEY, name text, account text);
CREATE TABLE ap.debtor (id text PRIMARY KEY, title text, no int, iban text);
CREATE VIEW ap.customer_view AS SELECT * FROM ap.customer;
SELECT crmaudit.map_entity('customer', 'ap.customer', '{"customer_id":"no","name":"name","account":"account"}');
SELECT crmaudit.map_entity('customer', 'ap.debtor', '{"customer_id":"no","name":"title","account":"iban"}');
INSERT INTO ap.customer VALUES (1, 'Suzhou Silk', 'A1'), (2, 'Nanjing Tea', 'A2'), (3, 'Wang Wei', 'A3'), (4, 'Wang Wei', 'A4'), (5, NULL, 'A5'), (6, '', 'A6');
INSERT INTO ap.debtor VALUES
	('a', 'suzhou  SILK', 1, 'A1'),	-- same number, same account, spelt otherwise
	('b', 'Nanjing Tea', 77, 'A2'),	-- same account only
	('c', 'Wang Wei', 88, 'A9'),	-- a name that many have: no
	('d', 'Hangzhou Tea', 2, 'A8'),	-- the number of another: no
	('e', NULL, 5, 'A5'), ('f', '', 6, 'A6');	-- without what tells
SELECT entity, first_source, first_key, second_source, second_key, agrees_in FROM crmaudit.duplicate_entry;
-- A view of the same table is not another entry.
SELECT crmaudit.map_entity('customer', 'ap.customer_view', '{"customer_id":"no","name":"name","account":"account"}');
SELECT count(*) FROM crmaudit.duplicate_entry WHERE second_source = 'ap.customer_view'::regclass AND first_source = 'ap.customer'::regclass;
SELECT crmaudit.unmap_entity('customer', 'ap.customer_view');
-- Other columns may tell: then only these.
INSERT INTO crmaudit.telling_columns VALUES ('customer', '{account}');
SELECT first_key, second_key, agrees_in FROM crmaudit.duplicate_entry;
DELETE FROM crmaudit.telling_columns;
SELECT crmaudit.unmap_entity('customer');

-- Visits: the day counts, in the calendar's time zone; two of a day are paired
-- one by one; recorded in the same second, a program wrote both.
CREATE TABLE ap.visit (id int PRIMARY KEY, customer int, who text, at timestamptz, entered timestamptz);
CREATE TABLE ap.diary (id int PRIMARY KEY, customer text, who text, day date, entered timestamptz);
SELECT crmaudit.map_entity('interaction', 'ap.visit', '{"interaction_id":"id","customer_id":"customer","kind":"''visit''","staff_id":"who","occurred_at":"at","recorded_at":"entered"}');
SELECT crmaudit.map_entity('interaction', 'ap.diary', '{"interaction_id":"id","customer_id":"customer","kind":"''visit''","staff_id":"who","occurred_at":{"column":"day","time_zone":"Asia/Shanghai"},"recorded_at":"entered"}');
SET crmaudit.calendar = 'CN';
INSERT INTO ap.visit VALUES (1, 1, 'li', '2026-03-02 23:30+08', '2026-03-03 09:00:00+08'), (2, 2, 'li', '2026-03-02 10:00+08', '2026-03-02 11:00:00.1+08'),
	(3, 3, 'li', '2026-03-02 09:00+08', NULL), (4, 3, 'li', '2026-03-02 15:00+08', NULL), (5, 4, 'li', '2026-03-02 09:00+08', NULL), (6, 5, NULL, '2026-03-02 09:00+08', NULL);
INSERT INTO ap.diary VALUES (11, '1', 'li', '2026-03-02', '2026-03-05 09:00:00+08'), (12, '2', 'li', '2026-03-02', '2026-03-02 11:00:00.9+08'),
	(13, '3', 'li', '2026-03-02', NULL), (14, '3', 'li', '2026-03-02', NULL), (15, '3', 'li', '2026-03-02', NULL), (16, '4', 'wu', '2026-03-02', NULL), (17, '5', NULL, '2026-03-02', NULL);
SET timezone = 'America/New_York';
SELECT first_source, first_key, second_source, second_key, agrees_in FROM crmaudit.duplicate_entry;

-- The ledger knows who entered them, and when; what one transaction wrote was
-- entered once.
DELETE FROM ap.visit;
DELETE FROM ap.diary;
SELECT crmaudit.track('ap.visit');
SELECT crmaudit.track('ap.diary');
SET crmaudit.actor = 'clerk';
INSERT INTO ap.visit VALUES (21, 1, 'li', '2026-03-02 10:00+08', NULL);
INSERT INTO ap.diary VALUES (31, '1', 'li', '2026-03-02', NULL);
BEGIN;
INSERT INTO ap.visit VALUES (22, 2, 'li', '2026-03-02 10:00+08', NULL);
INSERT INTO ap.diary VALUES (32, '2', 'li', '2026-03-02', NULL);
COMMIT;
SELECT first_key, second_key, agrees_in, first_entered_by = session_user AS by_user, first_entered_at <= second_entered_at AS in_order FROM crmaudit.duplicate_entry;
SET crmaudit.shared_users = 'postgres';
SELECT first_key, first_entered_by, second_entered_by FROM crmaudit.duplicate_entry;
RESET crmaudit.shared_users;
RESET crmaudit.actor;

-- An auditor reads it all, with the rights that he has on the CRM's tables.
CREATE ROLE ap_auditor;
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'ap_auditor') \gset
SET ROLE ap_auditor;
\set VERBOSITY sqlstate
SELECT count(*) FROM crmaudit.duplicate_entry;
\set VERBOSITY default
RESET ROLE;
GRANT USAGE ON SCHEMA ap TO ap_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA ap TO ap_auditor;
SET ROLE ap_auditor;
SELECT count(*) FROM crmaudit.duplicate_entry;
SELECT count(*) > 0 AS has_steps FROM crmaudit.step_durations;
SELECT count(*) FROM crmaudit.rework;
RESET ROLE;
SELECT crmaudit.revoke_duty('auditor', 'ap_auditor');

SELECT crmaudit.unmap_entity('interaction'), crmaudit.unmap_entity('step');
SELECT crmaudit.untrack('ap.visit'), crmaudit.untrack('ap.diary');
SET client_min_messages = warning;
DROP SCHEMA ap CASCADE;
DROP ROLE ap_auditor;
