-- Obligations: what must happen within a time after something else.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';

-- Lengths of time: minutes and hours to the second, what is longer until 24:00
-- of the last day where the calendar is.
SELECT within, crmaudit.deadline('2025-01-31 10:20:30+08', within, 'CN') AT TIME ZONE 'Asia/Shanghai' AS due_in_shanghai
FROM unnest('{0 minutes,1 minute,90 minutes,1 hour,24 hours,48 hours,0 days,1 day,3 days,1 week,2 weeks,1 month,13 months,1 year,4 years}'::text[]) WITH ORDINALITY AS u(within, n) ORDER BY n;
-- Working days: signed on 30 September 2025, five of them end on 14 October, for
-- 1 to 8 October are off and Saturday 11 October is worked.
SELECT day, n, crmaudit.deadline(day::timestamp AT TIME ZONE 'Asia/Shanghai', n || ' working days', 'CN') AT TIME ZONE 'Asia/Shanghai' - interval '1 second' AS last_second
FROM (VALUES ('2025-09-30', 5), ('2025-09-30', 0), ('2025-10-03', 1), ('2025-10-10', 1), ('2025-12-31', 7)) AS v(day, n) ORDER BY 1, 2;
-- The day is the calendar's, not the session's or UTC's: 1 March 00:30 in Shanghai.
SELECT crmaudit.deadline('2026-02-28 16:30+00', '0 days', 'CN') AS china, crmaudit.deadline('2026-02-28 16:30+00', '0 days', 'weekdays', 'UTC') AS utc,
	crmaudit.deadline('2026-02-28 16:30+00', '1 month', 'CN') AS month_in_china, crmaudit.deadline('2024-01-31 12:00+08', '1 month', 'CN') AS leap_year;
-- 24 hours in a zone with summer time; 1 day is until midnight
SELECT crmaudit.deadline('2026-03-28 12:00+01', '24 hours', 'weekdays', 'Europe/Berlin') AT TIME ZONE 'Europe/Berlin' AS hours, crmaudit.deadline('2026-03-28 12:00+01', '1 days', 'weekdays', 'Europe/Berlin') AT TIME ZONE 'Europe/Berlin' AS day;
-- A year that the calendar does not know; nothing; ends of time.
SELECT crmaudit.deadline('2099-01-05', '1 working days', 'CN');
\echo :LAST_ERROR_SQLSTATE
SELECT crmaudit.deadline('2026-12-30 10:00+08', '10 working days', 'CN_2026') FROM crmaudit.add_calendar('CN_2026', 'one year', 'Asia/Shanghai', first_year => 2026, last_year => 2026);
SELECT crmaudit.known_deadline('2099-01-05', '1 working days', 'CN') AS unknown, crmaudit.known_deadline('2026-01-05', '1 working days', 'CN') AS known, crmaudit.deadline('2099-01-05', '1 days', 'CN') AS days, crmaudit.deadline(NULL, '1 days', 'CN') AS null_since,
	crmaudit.deadline('infinity', '1 working days', 'CN') AS infinite, crmaudit.deadline('2026-01-05', NULL, 'CN') AS null_within;
SELECT crmaudit.deadline(now(), '5 fortnights', 'CN');
SELECT crmaudit.deadline(now(), 'five days', 'CN');
SELECT crmaudit.deadline(now(), '5', 'CN');
SELECT crmaudit.deadline(now(), '-5 days', 'CN');
SELECT crmaudit.deadline(now(), '5  days', 'CN');
SELECT crmaudit.deadline(now(), '5 days ', 'CN');
SELECT crmaudit.deadline(now(), '1234567 days', 'CN');
SELECT crmaudit.deadline(now(), '', 'CN');
SELECT crmaudit.deadline(now(), '999999 years', 'CN');
SELECT crmaudit.deadline('294276-12-31', '999999 hours', 'CN');
SELECT crmaudit.deadline('294276-12-30', '5 days', 'CN');
SELECT crmaudit.deadline(now(), '1 days', 'nowhere');
SELECT crmaudit.deadline(now(), '1 days', 'CN', 'Mars/Olympus');

-- Hours: both ends belong to them; with workdays, not on days off.
SELECT at, crmaudit.within_hours(at, 'workdays 10:00-11:00,14:00-16:00', 'CN') AS work, crmaudit.within_hours(at, '09:00-11:00, 15:00-17:00', 'CN') AS any_day
FROM unnest('{2026-03-02 09:59:59+08,2026-03-02 10:00+08,2026-03-02 11:00+08,2026-03-02 11:00:00.000001+08,2026-03-02 14:00+08,2026-03-02 16:00+08,2026-03-02 16:00:01+08,2026-03-01 10:30+08,2026-02-28 10:30+08,2099-01-05 10:30+08,infinity}'::timestamptz[]) WITH ORDINALITY AS u(at, n) ORDER BY n;
-- 24:00 is when the next day begins: of Friday it is on Saturday, of Sunday on Monday
SELECT at, crmaudit.within_hours(at, 'workdays 18:00-24:00', 'CN') AS work, crmaudit.within_hours(at, '18:00-24:00', 'CN') AS any_day, crmaudit.within_hours(at, 'workdays 00:00-24:00', 'CN') AS work_day, crmaudit.within_hours(at, 'workdays 00:00-23:59', 'CN') AS from_midnight
FROM unnest('{2026-03-06 17:59:59+08,2026-03-06 18:00+08,2026-03-06 23:59:59.999999+08,2026-03-07 00:00+08,2026-03-07 00:00:00.000001+08,2026-03-09 00:00+08,2026-03-10 00:00+08}'::timestamptz[]) WITH ORDINALITY AS u(at, n) ORDER BY n;
SELECT crmaudit.within_hours('2026-03-02 23:59:59+08', '00:00-24:00', 'CN') AS all_day, crmaudit.within_hours(now(), NULL, 'CN') AS no_hours;
SELECT crmaudit.within_hours(now(), '10-11', 'CN');
SELECT crmaudit.within_hours(now(), '11:00-10:00', 'CN');
SELECT crmaudit.within_hours(now(), '10:00-24:01', 'CN');
SELECT crmaudit.within_hours(now(), '10:60-11:00', 'CN');
SELECT crmaudit.within_hours(now(), 'workdays', 'CN');
SELECT crmaudit.within_hours(now(), '10:00-11:00,', 'CN');

-- A CRM.
CREATE SCHEMA ob;
CREATE TABLE ob.client (id int PRIMARY KEY, kind text, seller text, since date, left_at timestamptz, volume numeric, kv numeric);
CREATE TABLE ob.contract (no text PRIMARY KEY, client int, seller text, kind text, signed timestamptz, starts date, ends date, cool date, status text DEFAULT 'signed');
CREATE TABLE ob.visit (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, client int, who text, kind text DEFAULT 'revisit', at timestamptz, outcome text DEFAULT 'reached', about_kind text, about text, method text, entered timestamptz);
CREATE TABLE ob.person (id text PRIMARY KEY, job text, department text);
CREATE TABLE ob.grievance (id int PRIMARY KEY, client int, about text, kind text, came timestamptz, answered timestamptz, closed timestamptz);
CREATE TABLE ob.stage (case_no text, what text, who text, begun timestamptz, ended timestamptz, deadline timestamptz, PRIMARY KEY (case_no, what));
CREATE VIEW ob.status AS SELECT obligation, subject_id, customer_id AS customer, staff_id AS staff, starts_at AT TIME ZONE 'Asia/Shanghai' AS starts_at, due_at AT TIME ZONE 'Asia/Shanghai' AS due_at,
	fulfilled_at AT TIME ZONE 'Asia/Shanghai' AS fulfilled_at, attempts AS tries, state, outside_hours AS outside FROM crmaudit.obligation_status;

-- A definer who is no more: what he wrote is not taken for that of whoever comes by.
CREATE ROLE ob_gone;
SELECT count(*) AS warnings FROM crmaudit.grant_duty('admin', 'ob_gone');
SET ROLE ob_gone;
SELECT crmaudit.add_obligation('orphan', 'sample_member', '5 days', NULL, fulfilled_at => 'drawn_at', counting_from => 'drawn_at') > 0 AS added;
RESET ROLE;
SELECT rule, problem FROM crmaudit.health WHERE rule = 'orphan';
SELECT crmaudit.revoke_duty('admin', 'ob_gone');
DROP OWNED BY ob_gone;
DROP ROLE ob_gone;
SELECT rule, problem FROM crmaudit.health WHERE rule = 'orphan';
SELECT crmaudit.obligation_role(o) FROM crmaudit.obligation o WHERE name = 'orphan';
SELECT crmaudit.make_obligation_functions();
SELECT name, query IS NULL AS no_query, problem FROM crmaudit.obligation WHERE name = 'orphan';
SELECT crmaudit.alter_obligation('orphan', within => '6 days');
SELECT name, query IS NULL AS no_query, problem FROM crmaudit.obligation WHERE name = 'orphan';
SELECT crmaudit.drop_obligation('orphan');

-- Nothing is mapped yet: the obligation is there, its status is not, and health says why.
SELECT crmaudit.add_obligation('new_contract_revisit', 'contract', '5 working days', 'interaction',
	condition => $$status = 'signed'$$, fulfilled_if => $$kind = 'revisit' AND outcome = 'reached'$$, counting_from => 'signed_at', calendar => 'CN') > 0 AS added;
SELECT count(*) FROM ob.status;
SELECT target, rule, problem, remedy FROM crmaudit.health WHERE subject = 'obligation';
SELECT crmaudit.map_entity('contract', 'ob.contract', '{"contract_id": "no", "customer_id": "client", "staff_id": "seller", "kind": "kind", "signed_at": "signed", "starts_on": "starts", "ends_on": "ends", "cooling_off_ends": "cool", "status": "status"}');
SELECT rule, problem FROM crmaudit.health WHERE subject = 'obligation';
SELECT crmaudit.map_entity('interaction', 'ob.visit', '{"interaction_id": "id", "customer_id": "client", "staff_id": "who", "kind": "kind", "occurred_at": "at", "recorded_at": "entered", "outcome": "outcome", "related_entity": "about_kind", "related_id": "about", "method": "method"}');
SELECT rule, problem FROM crmaudit.health WHERE subject = 'obligation';
SELECT crmaudit.map_entity('customer', 'ob.client', '{"customer_id": "id", "kind": "kind", "owner": "seller", "since": "since", "closed_at": "left_at", "annual_volume": "volume", "voltage_kv": "kv"}');
SELECT crmaudit.map_entity('staff', 'ob.person', '{"staff_id": "id", "position": "job", "department": "department"}');
SELECT crmaudit.map_entity('complaint', 'ob.grievance', '{"complaint_id": "id", "customer_id": "client", "staff_id": "about", "kind": "kind", "opened_at": "came", "answered_at": "answered", "closed_at": "closed"}');
SELECT crmaudit.map_entity('step', 'ob.stage', '{"case_id": "case_no", "case_kind": "''hazard''", "step": "what", "staff_id": "who", "entered_at": "begun", "left_at": "ended", "due_at": "deadline"}');

-- The example, and each state: met in the last second, late in the first after
-- it; overdue; open; a condition that does not hold; no date; visits that do not
-- count: before the signing, of another kind, without an answer.
INSERT INTO ob.contract (no, client, seller, signed, status) VALUES
	('met', 1, 's1', '2025-09-30 15:00+08', 'signed'), ('late', 2, 's1', '2025-09-30 00:00+08', 'signed'), ('overdue', 3, 's2', '2025-09-30 23:59:59+08', 'signed'),
	('draft', 1, 's1', '2025-09-30 15:00+08', 'draft'), ('no date', 1, 's1', NULL, 'signed'), ('no status', 1, 's1', '2025-09-30 15:00+08', NULL),
	('too early', 4, NULL, '2025-09-30 15:00+08', 'signed'), ('same day', 5, 's1', '2025-09-30 15:00+08', 'signed'), ('nobody', NULL, 's1', '2025-09-30 15:00+08', 'signed');
INSERT INTO ob.visit (client, who, kind, at, outcome) VALUES
	(1, 's1', 'revisit', '2025-10-14 23:59:59+08', 'reached'), (2, 's1', 'revisit', '2025-10-15 00:00+08', 'reached'),
	(3, 's1', 'visit', '2025-10-09 10:00+08', 'reached'), (3, 's1', 'revisit', '2025-10-09 10:00+08', 'no_answer'), (3, 's1', 'revisit', '2025-10-09 10:00+08', NULL),
	(4, 's1', 'revisit', '2025-09-29 23:59+08', 'reached'), (5, 's1', 'revisit', '2025-09-30 15:00+08', 'reached'), (NULL, 's1', 'revisit', '2025-10-09 10:00+08', 'reached');
SELECT * FROM ob.status ORDER BY subject_id;
SET TimeZone = 'America/New_York';
SELECT * FROM ob.status ORDER BY subject_id;
SET TimeZone = 'UTC';
-- the first that counts is the fulfilment
INSERT INTO ob.visit (client, at) VALUES (1, '2025-10-09 10:00+08'), (1, '2026-01-01 10:00+08');
SELECT * FROM ob.status WHERE subject_id = 'met';
-- of today it is open
INSERT INTO ob.contract (no, client, signed) VALUES ('today', 77, now());
SELECT crmaudit.alter_obligation('new_contract_revisit', within => '5 days');
SELECT subject_id, state, due_at > now() AS due_later FROM crmaudit.obligation_status WHERE subject_id = 'today';
-- a visit at the first moment of the signing's day counts where days do: a CRM may have no time
INSERT INTO ob.contract (no, client, signed) VALUES ('by day', 78, '2026-03-02 15:00+08');
INSERT INTO ob.visit (client, at) VALUES (78, '2026-03-02 00:00+08');
SELECT subject_id, state FROM ob.status WHERE subject_id = 'by day';
SELECT crmaudit.alter_obligation('new_contract_revisit', within => '24 hours');
SELECT subject_id, state FROM ob.status WHERE subject_id = 'by day';
-- to the second: 24 hours after 15:00
INSERT INTO ob.visit (client, at) VALUES (78, '2026-03-03 15:00+08');
SELECT subject_id, due_at, fulfilled_at, state FROM ob.status WHERE subject_id = 'by day';
UPDATE ob.visit SET at = '2026-03-03 15:00:00.000001+08' WHERE at = '2026-03-03 15:00+08';
SELECT subject_id, state FROM ob.status WHERE subject_id = 'by day';
SELECT crmaudit.drop_obligation('new_contract_revisit');
SELECT count(*) FROM ob.status;
TRUNCATE ob.visit, ob.contract;

-- A year that the calendar does not know: no state is guessed, and health tells.
INSERT INTO ob.contract (no, client, signed) VALUES ('future', 1, '2099-01-05 10:00+08'), ('past', 2, '1990-01-05 10:00+08');
INSERT INTO ob.visit (client, at) VALUES (1, '2099-01-06 10:00+08');
SELECT crmaudit.add_obligation('unknown_year', 'contract', '5 working days', 'interaction', calendar => 'CN') > 0 AS added;
SELECT subject_id, due_at, fulfilled_at, state FROM ob.status ORDER BY 1;
SELECT obligation, month, due, met, late, overdue, open, unreachable, exempt, rate, is_reached FROM crmaudit.obligation_coverage ORDER BY 1, 2;
-- ... this year, and from November on the next, of those that count working days
SELECT problem, remedy FROM crmaudit.obligation_calendar_problems('2099-10-31');
SELECT count(*) FROM crmaudit.obligation_calendar_problems('2099-11-01');
SELECT count(*) FROM crmaudit.obligation_calendar_problems('2026-03-01');
SELECT crmaudit.alter_obligation('unknown_year', within => '5 days');
SELECT count(*) FROM crmaudit.obligation_calendar_problems('2099-11-01');
SELECT crmaudit.drop_obligation('unknown_year');
TRUNCATE ob.visit, ob.contract;

-- fulfilled_if reads the fulfilling row, the subject and the staff who did it:
-- not the one who sold, but somebody of another department.
INSERT INTO ob.person VALUES ('s1', 'seller', 'sales'), ('s2', 'seller', 'service'), ('boss', 'deputy manager', 'sales');
INSERT INTO ob.contract (no, client, seller, kind, signed) VALUES ('A', 1, 's1', 'x', '2026-03-02 10:00+08'), ('B', 2, 's1', 'x', '2026-03-02 10:00+08'), ('C', 3, 's1', 'y', '2026-03-02 10:00+08'), ('D', 4, 's1', 'x', '2026-03-02 10:00+08');
INSERT INTO ob.visit (client, who, at) VALUES (1, 's1', '2026-03-03 10:00+08'), (1, 's2', '2026-03-04 10:00+08'), (2, 'boss', '2026-03-03 10:00+08'), (3, 's2', '2026-03-03 10:00+08'), (4, 'unknown', '2026-03-03 10:00+08');
SELECT crmaudit.add_obligation('by_another', 'contract', '5 days', 'interaction', fulfilled_if => $$kind = 'revisit' AND staff_id <> subject.staff_id AND staff.department = 'service' AND subject.kind = 'x'$$, calendar => 'CN') > 0 AS added;
SELECT * FROM ob.status ORDER BY subject_id;
-- its own columns are meant where no prefix says otherwise; condition may say subject too
SELECT crmaudit.alter_obligation('by_another', fulfilled_if => $$kind <> subject.kind AND staff . position = 'deputy manager'$$, condition => $$subject.kind = 'x'$$);
SELECT subject_id, state, fulfilled_at FROM ob.status ORDER BY subject_id;
SELECT crmaudit.drop_obligation('by_another');

-- link: by customer one visit clears two contracts; by related only that it is about.
INSERT INTO ob.contract (no, client, signed) VALUES ('A2', 1, '2026-03-02 10:00+08');
UPDATE ob.visit SET about_kind = 'contract', about = 'A2' WHERE client = 1 AND who = 's2';
INSERT INTO ob.visit (client, who, at, about_kind, about) VALUES (1, 's2', '2026-03-05 10:00+08', 'complaint', 'A');
SELECT crmaudit.add_obligation('linked', 'contract', '5 days', 'interaction', condition => 'customer_id = ''1''', fulfilled_if => 'staff_id = ''s2''', calendar => 'CN') > 0 AS added;
SELECT subject_id, fulfilled_at, state FROM ob.status ORDER BY 1;
SELECT crmaudit.alter_obligation('linked', link => 'related');
SELECT subject_id, fulfilled_at, state FROM ob.status ORDER BY 1;
-- by a column that both have: whatever the same person does
SELECT crmaudit.alter_obligation('linked', link => 'staff', fulfilled_if => '');
SELECT subject_id, staff, fulfilled_at, state FROM ob.status ORDER BY 1;
SELECT crmaudit.alter_obligation('linked', link => 'kind');
SELECT subject_id, fulfilled_at, state FROM ob.status ORDER BY 1;
SELECT crmaudit.alter_obligation('linked', link => 'nothing');
SELECT crmaudit.drop_obligation('linked');
TRUNCATE ob.visit, ob.contract;

-- due: a date is until its day is over, a moment to the microsecond.
INSERT INTO ob.contract (no, client, signed, cool, starts) VALUES ('in time', 1, '2026-03-02 10:00+08', '2026-03-12', NULL), ('late', 2, '2026-03-02 10:00+08', '2026-03-12', NULL), ('no due', 3, '2026-03-02 10:00+08', NULL, NULL), ('overdue', 4, NULL, '2026-03-12', NULL);
INSERT INTO ob.visit (client, at) VALUES (1, '2026-03-12 23:59:59+08'), (2, '2026-03-13 00:00+08');
SELECT crmaudit.add_obligation('cooling_off', 'contract', NULL, 'interaction', due => 'cooling_off_ends', calendar => 'CN') > 0 AS added;
SELECT subject_id, starts_at, due_at, fulfilled_at, state FROM ob.status ORDER BY 1;
SELECT crmaudit.alter_obligation('cooling_off', due => $$signed_at + interval '10 days 13 hours 59 minutes 59 seconds'$$);
SELECT subject_id, starts_at, due_at, fulfilled_at, state FROM ob.status ORDER BY 1;
SELECT crmaudit.alter_obligation('cooling_off', due => 'cooling_off_ends::timestamp - interval ''1 hour''', counting_from => 'starts_on');
SELECT subject_id, starts_at, due_at, fulfilled_at, state FROM ob.status ORDER BY 1;
SELECT crmaudit.alter_obligation('cooling_off', due => 'staff_id');
SELECT crmaudit.drop_obligation('cooling_off');
TRUNCATE ob.visit, ob.contract;

-- fulfilled_at: a column of the subject; fulfilled_if must hold too.
INSERT INTO ob.grievance VALUES (1, 1, 's1', 'complaint', '2026-03-02 10:00+08', '2026-03-09 23:59:59+08', NULL), (2, 1, 's1', 'complaint', '2026-03-02 10:00+08', '2026-03-10 00:00+08', NULL),
	(3, 1, 's1', 'complaint', '2026-03-02 10:00+08', NULL, NULL), (4, 1, 's1', 'opinion', '2026-03-02 10:00+08', '2026-03-03', NULL);
SELECT crmaudit.add_obligation('answer', 'complaint', '5 working days', NULL, condition => $$kind = 'complaint'$$, fulfilled_at => 'answered_at', counting_from => 'opened_at', calendar => 'CN') > 0 AS added;
SELECT * FROM ob.status ORDER BY subject_id;
-- what lies before the beginning fulfils nothing; on its day, a date without a time does where days count
INSERT INTO ob.grievance VALUES (5, 1, 's1', 'complaint', '2026-03-02 10:00+08', '2026-03-01 23:59:59+08', NULL), (6, 1, 's1', 'complaint', '2026-03-02 10:00+08', '2026-03-02 00:00+08', NULL), (7, 1, 's1', 'complaint', '2026-03-02 10:00+08', '2026-03-02 09:59:59+08', NULL),
	(8, 1, 's1', 'complaint', '2026-03-02 10:00+08', '2026-03-02 10:00+08', NULL);
SELECT subject_id, fulfilled_at, state FROM ob.status WHERE subject_id > '4' ORDER BY subject_id;
SELECT crmaudit.alter_obligation('answer', within => '24 hours');
SELECT subject_id, fulfilled_at, state FROM ob.status WHERE subject_id > '4' ORDER BY subject_id;
SELECT crmaudit.alter_obligation('answer', within => '', due => $$opened_at + interval '1 day'$$);
SELECT subject_id, fulfilled_at, state FROM ob.status WHERE subject_id > '4' ORDER BY subject_id;
DELETE FROM ob.grievance WHERE id > 4;
SELECT crmaudit.alter_obligation('answer', fulfilled_if => 'staff_id IS NULL');
SELECT subject_id, state FROM ob.status ORDER BY subject_id;
SELECT crmaudit.drop_obligation('answer');

-- not_before: an earlier one does not count, nor fulfils.
INSERT INTO ob.contract (no, client, ends) VALUES ('early', 1, '2026-01-31'), ('first day', 2, '2026-01-31'), ('both', 3, '2026-01-31'), ('late', 4, '2026-01-31');
INSERT INTO ob.visit (client, at) VALUES (1, '2026-02-27 23:59:59+08'), (2, '2026-02-28 00:00+08'), (3, '2026-02-01 10:00+08'), (3, '2026-03-01 10:00+08'), (4, '2026-03-13 10:00+08');
SELECT crmaudit.add_obligation('month_after', 'contract', '40 days', 'interaction', counting_from => 'ends_on', not_before => '1 month', calendar => 'CN') > 0 AS added;
SELECT subject_id, starts_at, due_at, fulfilled_at, state FROM ob.status ORDER BY 1;
-- ... nor is it a try, failed or not
SELECT crmaudit.alter_obligation('month_after', attempts => 1);
SELECT subject_id, tries, state FROM ob.status ORDER BY 1;
SELECT crmaudit.alter_obligation('month_after', not_before => '24 hours', within => '48 hours', attempts => 0);
SELECT subject_id, fulfilled_at, state FROM ob.status ORDER BY 1;
SELECT crmaudit.alter_obligation('month_after', not_before => '', within => '40 days', min_count => 2);
-- min_count: the second one fulfils
SELECT subject_id, fulfilled_at, state, tries FROM ob.status ORDER BY 1;
SELECT crmaudit.drop_obligation('month_after');
TRUNCATE ob.visit, ob.contract;

-- attempts: three failed tries in three different hours; two in one hour count
-- once; what attempt_if does not hold for is no try; reached after all is met or
-- late; unreachable is never met.
INSERT INTO ob.contract (no, client, signed) SELECT name, id, '2026-03-02 09:00+08' FROM (VALUES ('three', 1), ('same hour', 2), ('other kind', 3), ('reached', 4), ('reached late', 5), ('two', 6), ('none', 7)) AS v(name, id);
INSERT INTO ob.visit (client, kind, at, outcome) VALUES
	(1, 'revisit', '2026-03-02 10:59:59+08', 'no_answer'), (1, 'revisit', '2026-03-02 11:00+08', 'no_answer'), (1, 'revisit', '2026-03-03 10:30+08', 'refused'),
	(2, 'revisit', '2026-03-02 10:00+08', 'no_answer'), (2, 'revisit', '2026-03-02 10:59+08', 'no_answer'), (2, 'revisit', '2026-03-03 10:30+08', 'no_answer'),
	(3, 'visit', '2026-03-02 10:00+08', 'no_answer'), (3, 'revisit', '2026-03-02 11:00+08', 'no_answer'), (3, 'revisit', '2026-03-03 10:30+08', 'no_answer'),
	(4, 'revisit', '2026-03-02 10:00+08', 'no_answer'), (4, 'revisit', '2026-03-02 11:00+08', 'no_answer'), (4, 'revisit', '2026-03-03 10:30+08', 'no_answer'), (4, 'revisit', '2026-03-04 10:30+08', 'reached'), (4, 'revisit', '2026-03-05 10:30+08', 'reached'),
	(5, 'revisit', '2026-03-02 10:00+08', 'no_answer'), (5, 'revisit', '2026-03-02 11:00+08', 'no_answer'), (5, 'revisit', '2026-03-03 10:30+08', 'no_answer'), (5, 'revisit', '2026-04-04 10:30+08', 'reached'),
	(6, 'revisit', '2026-03-02 10:00+08', 'no_answer'), (6, 'revisit', '2026-03-02 11:00+08', 'no_answer');
SELECT crmaudit.add_obligation('tried', 'contract', '5 working days', 'interaction', fulfilled_if => $$kind = 'revisit' AND outcome = 'reached'$$, attempts => 3, attempt_if => $$kind = 'revisit'$$, calendar => 'CN') > 0 AS added;
SELECT subject_id, fulfilled_at, tries, state FROM ob.status ORDER BY subject_id;
SELECT crmaudit.alter_obligation('tried', attempts => 2);
SELECT subject_id, tries, state FROM ob.status ORDER BY subject_id;
SELECT crmaudit.alter_obligation('tried', attempts => 0);
SELECT subject_id, tries, state FROM ob.status ORDER BY subject_id;

-- a try after it was due makes nothing unreachable, which was overdue; a try at
-- the last moment does; all are counted, also one that fulfils and is no try by itself
INSERT INTO ob.contract (no, client, signed) SELECT name, id, '2026-03-02 09:00+08' FROM (VALUES ('tried late', 8), ('last tried late', 9), ('last in time', 10)) AS v(name, id);
INSERT INTO ob.visit (client, kind, at, outcome)
	SELECT 8, 'revisit', at::timestamptz, 'no_answer' FROM unnest('{2026-03-10 10:00+08,2026-03-10 11:00+08,2026-03-10 12:00+08,2026-03-10 12:10+08}'::text[]) at
	UNION ALL SELECT 9, 'revisit', at::timestamptz, 'no_answer' FROM unnest('{2026-03-09 21:00+08,2026-03-09 22:00+08,2026-03-10 00:00+08}'::text[]) at
	UNION ALL SELECT 10, 'revisit', at::timestamptz, 'no_answer' FROM unnest('{2026-03-09 21:00+08,2026-03-09 22:00+08,2026-03-09 23:59:59+08}'::text[]) at;
SELECT crmaudit.alter_obligation('tried', attempts => 3, attempt_if => $$kind = 'revisit' AND outcome <> 'reached'$$);
SELECT subject_id, fulfilled_at, tries, state FROM ob.status WHERE subject_id ~ 'late|last|reached' ORDER BY subject_id;
SELECT crmaudit.alter_obligation('tried', within => '182 hours');
SELECT subject_id, due_at, tries, state FROM ob.status WHERE subject_id ~ 'last' ORDER BY subject_id;
UPDATE ob.visit SET at = '2026-03-09 23:00+08' WHERE at = '2026-03-09 23:59:59+08';
SELECT subject_id, tries, state FROM ob.status WHERE subject_id ~ 'last' ORDER BY subject_id;
SELECT crmaudit.alter_obligation('tried', within => '5 working days', attempt_if => $$kind = 'revisit'$$);
DELETE FROM ob.contract WHERE client >= 8;

-- hours: each try outside of them counts, whether it succeeded or not.
SELECT crmaudit.alter_obligation('tried', attempts => 3, hours => 'workdays 10:00-11:00,14:00-16:00');
UPDATE ob.visit SET at = '2026-03-07 10:30+08' WHERE client = 4 AND at = '2026-03-04 10:30+08';
SELECT subject_id, tries, outside, state FROM ob.status ORDER BY subject_id;
-- of calls: not of visits and letters
SELECT crmaudit.alter_obligation('tried', attempt_if => 'true', fulfilled_if => $$outcome = 'reached'$$);
TRUNCATE ob.visit;
INSERT INTO ob.visit (client, kind, method, at) VALUES (1, 'visit', NULL, '2026-03-03 20:00+08'), (2, 'letter', NULL, '2026-03-03 20:00+08'), (3, 'message', NULL, '2026-03-03 20:00+08'), (4, 'revisit', 'Visit', '2026-03-03 20:00+08'), (5, 'revisit', 'Phone', '2026-03-03 20:00+08'), (6, 'Call', NULL, '2026-03-03 20:00+08'), (7, NULL, NULL, '2026-03-03 20:00+08');
SELECT subject_id, outside FROM ob.status ORDER BY outside, subject_id;
-- ... also where SQL reads the staff
SELECT crmaudit.alter_obligation('tried', attempt_if => 'staff.position IS NULL');
SELECT subject_id, outside FROM ob.status ORDER BY outside, subject_id;
SELECT crmaudit.drop_obligation('tried');
TRUNCATE ob.visit, ob.contract;

-- recurring: by length from the last fulfilment ...
INSERT INTO ob.client (id, kind, seller, since) VALUES (1, 'x', 's1', '2021-05-10'), (2, 'x', 's1', '2021-05-10'), (3, 'x', 's2', '2020-02-29'), (4, 'x', 's2', NULL);
INSERT INTO ob.visit (client, at, outcome) VALUES (1, '2022-05-10 23:00+08', 'reached'), (1, '2022-11-01 10:00+08', 'reached'), (1, '2024-01-01 10:00+08', 'reached'), (1, '2023-11-01 10:00+08', 'no_answer'), (3, '2021-02-28 10:00+08', 'reached');
SELECT crmaudit.add_obligation('yearly', 'customer', NULL, 'interaction', recurring => '1 year', fulfilled_if => $$outcome = 'reached'$$, attempt_if => 'true', calendar => 'CN') > 0 AS added;
SELECT subject_id, customer, staff, starts_at, due_at, fulfilled_at, tries, state FROM ob.status ORDER BY 1, starts_at;
-- the first one sooner
SELECT crmaudit.alter_obligation('yearly', within => '3 months', valid_from => '2022-01-01');
SELECT subject_id, starts_at, due_at, fulfilled_at, tries, state FROM ob.status ORDER BY 1, starts_at;
SELECT crmaudit.drop_obligation('yearly');
-- two at the same instant, as where a CRM keeps no time: no turn of no length, none lost
TRUNCATE ob.visit;
INSERT INTO ob.visit (client, at) SELECT 1, at::timestamptz FROM unnest('{2022-03-01 00:00+08,2022-03-01 00:00+08,2022-03-01 00:00+08,2023-02-01 00:00+08,2023-02-01 00:00+08}'::text[]) at;
SELECT crmaudit.add_obligation('yearly', 'customer', NULL, 'interaction', recurring => '1 year', condition => $$customer_id = '1'$$, calendar => 'CN') > 0 AS added;
SELECT starts_at, due_at, fulfilled_at, tries, state FROM ob.status ORDER BY 1, 3;
-- where two are needed, two at one instant are two; a third waits for no turn that ends where it began
SELECT crmaudit.alter_obligation('yearly', min_count => 2);
SELECT starts_at, due_at, fulfilled_at, tries, state FROM ob.status ORDER BY 1, 3;
INSERT INTO ob.visit (client, at) VALUES (1, '2022-03-01 00:00+08');
SELECT starts_at, due_at, fulfilled_at, tries, state FROM ob.status ORDER BY 1, 3;
SELECT crmaudit.drop_obligation('yearly');
TRUNCATE ob.visit;
INSERT INTO ob.visit (client, at, outcome) VALUES (1, '2022-05-10 23:00+08', 'reached'), (1, '2022-11-01 10:00+08', 'reached'), (1, '2024-01-01 10:00+08', 'reached'), (1, '2023-11-01 10:00+08', 'no_answer'), (3, '2021-02-28 10:00+08', 'reached');
-- ... or by calendar month, quarter and year.
SELECT crmaudit.add_obligation('monthly', 'customer', NULL, 'interaction', recurring => 'calendar month', fulfilled_if => $$outcome = 'reached'$$, condition => 'customer_id = ''1''', counting_from => 'since', calendar => 'CN') > 0 AS added;
SELECT starts_at, due_at, fulfilled_at, state FROM ob.status WHERE starts_at < '2021-07-02' OR fulfilled_at IS NOT NULL ORDER BY 1;
SELECT count(*) = (extract(year FROM age(date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai'), '2021-05-01')) * 12 + extract(month FROM age(date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai'), '2021-05-01')) + 1) AS one_a_month,
	count(*) FILTER (WHERE state = 'open') AS open FROM ob.status;
SELECT crmaudit.alter_obligation('monthly', recurring => 'calendar quarter');
SELECT starts_at, due_at, fulfilled_at, state FROM ob.status WHERE starts_at < '2023-01-01' ORDER BY 1;
-- two in the year, the second by the end of its fourth month
SELECT crmaudit.alter_obligation('monthly', recurring => 'calendar year', min_count => 2, within => '3 months');
SELECT starts_at, due_at, fulfilled_at, state FROM ob.status WHERE starts_at < '2025-01-01' ORDER BY 1;
SELECT crmaudit.alter_obligation('monthly', recurring => 'calendar year', min_count => 1, within => '', valid_from => '2023-06-15');
SELECT starts_at, due_at, fulfilled_at, state FROM ob.status WHERE starts_at < '2025-01-01' ORDER BY 1;
SELECT crmaudit.drop_obligation('monthly');
TRUNCATE ob.visit, ob.client;

-- valid_from: what began before it is not demanded.
INSERT INTO ob.contract (no, client, signed, seller, cool) VALUES ('before', 1, '2026-02-28 23:59:59+08', 's1', '2026-03-01'), ('from', 1, '2026-03-01 00:00+08', 's1', '2026-02-27');
SELECT crmaudit.add_obligation('dated', 'contract', '5 days', 'interaction', calendar => 'CN', valid_from => '2026-03-01') > 0 AS added;
SELECT subject_id, state FROM ob.status ORDER BY 1;
SELECT crmaudit.alter_obligation('dated', valid_from => '-infinity');
SELECT subject_id, state FROM ob.status ORDER BY 1;

-- exempt, and extend: 48 instead of 24 hours; the last one that holds wins.
SELECT crmaudit.exempt('dated', 'before', 'died', 'head');
SELECT subject_id, state FROM ob.status ORDER BY 1;
SELECT obligation, subject_id, reason, asked_by, approved_by FROM crmaudit.obligation_exemption;
SELECT crmaudit.exempt('dated', 'before', 'moved abroad', 'head');
SELECT reason, count(*) OVER () FROM crmaudit.obligation_exemption;
SELECT crmaudit.exempt('dated', 'before', 'x', 'postgres');
SELECT crmaudit.exempt('dated', 'before', 'x', ' postgres ');
SELECT crmaudit.exempt('dated', 'before', '', 'head');
SELECT crmaudit.exempt('dated', 'before', 'x', NULL);
SELECT crmaudit.exempt('dated', NULL, 'x', 'head');
SELECT crmaudit.exempt('nothing', 'before', 'x', 'head');
SELECT crmaudit.exempt('dated', 'no such subject', 'x', 'head');
SELECT crmaudit.drop_obligation('dated');
SELECT count(*) AS exemptions FROM crmaudit.obligation_exemption;
TRUNCATE ob.contract;
INSERT INTO ob.contract (no, client, kind, signed) VALUES ('plain', 1, 'x', '2026-03-02 10:00+08'), ('storm', 2, 'storm', '2026-03-02 10:00+08'), ('flood', 3, 'flood', '2026-03-02 10:00+08');
INSERT INTO ob.visit (client, at) SELECT c, '2026-03-04 09:00+08' FROM generate_series(1, 3) c;
SELECT crmaudit.add_obligation('repair', 'contract', '24 hours', 'interaction', calendar => 'CN') > 0 AS added;
SELECT crmaudit.extend('repair', $$kind IN ('storm', 'flood')$$, '48 hours', 'storm of March', 'head');
SELECT subject_id, due_at, state FROM ob.status ORDER BY 1;
SELECT crmaudit.extend('repair', $$kind = 'flood'$$, '2 weeks', 'flood', 'head');
SELECT subject_id, due_at, state FROM ob.status ORDER BY 1;
SELECT obligation, condition, within, reason, asked_by, approved_by FROM crmaudit.obligation_extension ORDER BY id;
SELECT crmaudit.extend('repair', 'kynd = 5', '48 hours', 'x', 'head');
SELECT crmaudit.extend('repair', 'kind', '48 hours', 'x', 'head');
SELECT crmaudit.extend('repair', '', '48 hours', 'x', 'head');
SELECT crmaudit.extend('repair', NULL, '48 hours', 'x', 'head');
SELECT crmaudit.extend('repair', 'true', NULL, 'x', 'head');
SELECT crmaudit.extend('repair', 'true', 'soon', 'x', 'head');
SELECT crmaudit.extend('repair', 'true', '48 hours', 'x', 'postgres');
SELECT crmaudit.extend('nothing', 'true', '48 hours', 'x', 'head');
SELECT crmaudit.extend('repair', 'true) THEN 1 END FROM (SELECT 1; DROP TABLE ob.visit; --', '48 hours', 'x', 'head');
SELECT count(*) AS extensions FROM crmaudit.obligation_extension;
SELECT crmaudit.drop_obligation('repair');
SELECT count(*) AS extensions FROM crmaudit.obligation_extension;
TRUNCATE ob.visit, ob.contract;

-- Coverage: per month in which it was due, and staff.
INSERT INTO ob.contract (no, client, seller, signed) VALUES ('a', 1, 's1', '2026-01-05 10:00+08'), ('b', 2, 's1', '2026-01-05 10:00+08'), ('c', 3, 's1', '2026-01-05 10:00+08'), ('d', 4, 's2', '2026-01-05 10:00+08'),
	('e', 5, 's1', '2026-01-26 10:00+08'), ('f', 6, 's1', '2026-01-27 10:00+08'), ('g', 7, NULL, '2026-01-26 10:00+08');
INSERT INTO ob.visit (client, at) VALUES (1, '2026-01-06 10:00+08'), (2, '2026-01-06 10:00+08'), (3, '2026-02-06 10:00+08'), (4, '2026-01-06 10:00+08'), (5, '2026-01-31 23:59+08');
SELECT crmaudit.add_obligation('covered', 'contract', '5 days', 'interaction', calendar => 'CN', coverage => 0.66) > 0 AS added;
SELECT crmaudit.exempt('covered', 'd', 'x', 'head');
SELECT * FROM crmaudit.obligation_coverage;
SELECT crmaudit.drop_obligation('covered');
INSERT INTO ob.contract (no, client, signed) VALUES ('h', 8, now());
SELECT crmaudit.add_obligation('covered', 'contract', '1000 days', 'interaction', condition => $$contract_id = 'h'$$) > 0 AS added;
SELECT obligation, due, met, open, rate, demanded, is_reached FROM crmaudit.obligation_coverage;
SELECT crmaudit.drop_obligation('covered');
TRUNCATE ob.visit, ob.contract;

-- A column that no source has and without which the SQL does not hold: nothing
-- would be said of any subject, or each would be overdue; health tells. One that
-- may as well have no value is none.
INSERT INTO ob.contract (no, client, seller, signed) VALUES ('a', 1, 's1', '2026-01-05 10:00+08');
SELECT crmaudit.add_obligation('g_condition', 'contract', '5 days', 'interaction', condition => $$status = 'signed' AND amount > 5$$) > 0
	AND crmaudit.add_obligation('g_counting_from', 'complaint', '5 days', 'interaction', counting_from => 'decided_at') > 0
	AND crmaudit.add_obligation('g_due', 'complaint', NULL, 'interaction', due => $$decided_at + interval '1 day'$$) > 0
	AND crmaudit.add_obligation('g_fulfilled_at', 'complaint', '5 days', NULL, fulfilled_at => 'decided_at') > 0
	AND crmaudit.add_obligation('g_fulfilled_at_if', 'complaint', '5 days', NULL, fulfilled_at => 'answered_at', fulfilled_if => 'upheld') > 0
	AND crmaudit.add_obligation('g_fulfilled_if', 'contract', '5 days', 'interaction', fulfilled_if => $$result IN ('ok', 'fine')$$) > 0
	AND crmaudit.add_obligation('g_subject', 'contract', '5 days', 'interaction', fulfilled_if => $$subject.signed_by <> staff_id$$) > 0
	AND crmaudit.add_obligation('g_staff', 'contract', '5 days', 'interaction', fulfilled_if => $$staff.address IS NOT NULL AND kind = 'visit'$$) > 0
	AND crmaudit.add_obligation('told_condition', 'contract', '5 days', 'interaction', condition => $$status = 'signed' OR amount > 5$$) > 0
	AND crmaudit.add_obligation('told_coalesce', 'contract', '5 days', 'interaction', condition => 'coalesce(amount, 1) > 0', fulfilled_if => $$coalesce(result, 'ok') = 'ok' AND staff.address IS DISTINCT FROM 'x' AND (subject.signed_by IS NULL OR kind = 'visit')$$) > 0 AS added;
SELECT rule, problem FROM crmaudit.health WHERE subject = 'obligation' ORDER BY 1;
SELECT DISTINCT remedy FROM crmaudit.health WHERE subject = 'obligation';
SELECT obligation, count(*) FROM ob.status GROUP BY 1 ORDER BY 1;
-- one source that has it is enough
CREATE TABLE ob.order (no text PRIMARY KEY, price numeric, signer text, signed timestamptz);
SELECT crmaudit.map_entity('contract', 'ob.order', '{"contract_id": "no", "amount": "price", "signed_by": "signer", "signed_at": "signed"}');
SELECT rule FROM crmaudit.health WHERE subject = 'obligation' ORDER BY 1;
DROP TABLE ob.order;
SELECT count(*) FROM crmaudit.health WHERE subject = 'obligation';
SELECT crmaudit.drop_obligation(name) FROM crmaudit.obligation ORDER BY name;
-- ... or one that has no value in any row
SELECT crmaudit.add_obligation('yearly', 'customer', NULL, 'interaction', recurring => '1 year') > 0 AS added;
SELECT problem FROM crmaudit.health WHERE subject = 'obligation';
INSERT INTO ob.client (id) VALUES (1), (2);
SELECT rule, problem, remedy FROM crmaudit.health WHERE subject = 'obligation';
UPDATE ob.client SET since = '2026-01-01' WHERE id = 2;
SELECT problem FROM crmaudit.health WHERE subject = 'obligation';
SELECT crmaudit.drop_obligation('yearly');
TRUNCATE ob.client, ob.contract;
-- a per cent sign in a mapping is no placeholder
SELECT crmaudit.map_entity('complaint', 'ob.grievance', $${"complaint_id": "id", "customer_id": "client", "staff_id": "about", "kind": "CASE WHEN kind LIKE '%s' THEN kind END", "opened_at": "came", "answered_at": "answered", "closed_at": "closed"}$$);
SELECT crmaudit.add_obligation('percent', 'complaint', '5 days', 'complaint', condition => $$kind LIKE '%1$s%' IS NOT TRUE$$, fulfilled_if => 'kind IS NULL', link => 'complaint') > 0 AS added;
SELECT count(*) FROM ob.status;
SELECT crmaudit.drop_obligation('percent');
SELECT crmaudit.map_entity('complaint', 'ob.grievance', '{"complaint_id": "id", "customer_id": "client", "staff_id": "about", "kind": "kind", "opened_at": "came", "answered_at": "answered", "closed_at": "closed"}');

-- The sweep makes findings of what is overdue, and of calls outside the hours;
-- the source need not be protected.
CREATE VIEW ob.finding AS SELECT f.rule, f.target, f.row_key, f.status, f.occurrences, f.reason, f.severity, f.assignee, f.resolution FROM crmaudit.finding f WHERE f.target::text LIKE 'ob.%';
INSERT INTO ob.contract (no, client, seller, signed) VALUES ('a', 1, 's1', '2026-01-05 10:00+08'), ('b', 2, 's2', '2026-01-05 10:00+08'), ('c', 3, NULL, '2026-01-05 10:00+08'), ('d', 4, 's1', '2026-01-05 10:00+08'), ('x', 5, 's1', '2026-01-05 10:00+08');
INSERT INTO ob.visit (client, who, at) VALUES (4, 's1', '2026-01-06 20:00+08');
SELECT crmaudit.add_obligation('swept', 'contract', '5 days', 'interaction', calendar => 'CN', hours => '09:00-17:00', severity => 'critical') > 0 AS added;
SELECT crmaudit.exempt('swept', 'x', 'x', 'head');
SELECT count(*) AS runs FROM crmaudit.sweep('ob.contract');
SELECT * FROM ob.finding ORDER BY rule, row_key;
SELECT r.target, r.status, r.rows, r.failures, r.rules, s.rows AS of_rule, s.failures AS failed FROM crmaudit.run r JOIN crmaudit.run_rule s ON s.run_id = r.id WHERE r.target = 'ob.contract'::regclass ORDER BY s.rule_id;
-- due three working days after it was found
SELECT count(*) FILTER (WHERE due_at = crmaudit.due_date(first_seen, '3 working days')) AS due FROM crmaudit.finding WHERE target = 'ob.contract'::regclass;
-- seen again: no second finding, no second assignment; done late: gone
INSERT INTO ob.visit (client, who, at) VALUES (1, 's1', '2026-02-06 10:00+08');
SELECT count(*) AS runs FROM crmaudit.sweep('ob.contract');
SELECT * FROM ob.finding ORDER BY rule, row_key;
-- overdue again: the same finding
DELETE FROM ob.visit WHERE client = 1;
SELECT count(*) AS runs FROM crmaudit.sweep_obligations('ob.contract');
SELECT * FROM ob.finding WHERE row_key @> '{"no": "a"}';
-- the subject is deleted
DELETE FROM ob.contract WHERE no = 'c';
-- of all tables
SELECT count(*) > 0 AS ran FROM crmaudit.sweep();
SELECT rule, row_key, status, occurrences FROM ob.finding ORDER BY rule, row_key;
-- an owner gets them, not the staff of the subject
SELECT crmaudit.alter_obligation('swept', owner => 'head of service');
INSERT INTO ob.contract (no, client, seller, signed) VALUES ('e', 9, 's1', '2026-01-05 10:00+08');
SELECT count(*) AS runs FROM crmaudit.sweep('ob.contract');
SELECT rule, rule_version, row_key, status, assignee FROM crmaudit.finding WHERE row_key @> '{"no": "e"}';
-- versions of it, as rules have them
SELECT name, version, definition -> 'params' -> 'obligation' ->> 'within' AS within, definition -> 'params' -> 'obligation' ->> 'owner' AS owner, dropped_at IS NOT NULL AS dropped FROM crmaudit.rule_version WHERE name LIKE 'swept%' ORDER BY name, version;
-- a sweep of rules, or of a sample, leaves obligations alone
SELECT crmaudit.sweep('ob.contract', sample_percent => 50);
SELECT crmaudit.sweep('ob.person');
-- several rows of one case: only the one that is overdue
INSERT INTO ob.stage VALUES ('H1', 'found', 's1', '2026-01-05 10:00+08', '2026-01-06 10:00+08', '2026-01-10 10:00+08'), ('H1', 'notice', 's2', '2026-01-05 10:00+08', NULL, '2026-01-12 10:00+08'), ('H1', 'recheck', 's2', '2026-01-05 10:00+08', '2026-01-06 10:00+08', '2026-01-20 10:00+08');
SELECT crmaudit.add_obligation('staged', 'step', NULL, NULL, due => 'due_at', fulfilled_at => 'left_at', calendar => 'CN') > 0 AS added;
SELECT subject_id, staff, starts_at, due_at, fulfilled_at, state FROM ob.status WHERE obligation = 'staged' ORDER BY due_at;
SELECT count(*) AS runs FROM crmaudit.sweep('ob.stage');
SELECT rule, row_key, status, assignee FROM ob.finding WHERE rule = 'staged' ORDER BY row_key;
SELECT rows, failures FROM crmaudit.run WHERE target = 'ob.stage'::regclass;
-- a source that is not mapped any more: its findings are resolved by the next sweep, of it or of all;
-- where what fulfils them is not mapped, nobody knows, and they wait
SELECT crmaudit.unmap_entity('interaction');
SELECT crmaudit.sweep_obligations('ob.contract');
SELECT rule, row_key, status FROM ob.finding WHERE target = 'ob.contract'::regclass AND status = 'open' ORDER BY rule, row_key;
SELECT crmaudit.map_entity('interaction', 'ob.visit', '{"interaction_id": "id", "customer_id": "client", "staff_id": "who", "kind": "kind", "occurred_at": "at", "recorded_at": "entered", "outcome": "outcome", "related_entity": "about_kind", "related_id": "about", "method": "method"}');
SELECT crmaudit.unmap_entity('contract');
SELECT count(*) AS runs FROM crmaudit.sweep('ob.contract');
SELECT rule, row_key, status, resolution FROM ob.finding WHERE target = 'ob.contract'::regclass ORDER BY rule, row_key;
SELECT crmaudit.sweep_obligations('ob.contract');
SELECT crmaudit.map_entity('contract', 'ob.contract', '{"contract_id": "no", "customer_id": "client", "staff_id": "seller", "kind": "kind", "signed_at": "signed", "starts_on": "starts", "ends_on": "ends", "cooling_off_ends": "cool", "status": "status"}');
SELECT count(*) AS runs FROM crmaudit.sweep('ob.contract');
SELECT rule, row_key, status FROM ob.finding WHERE target = 'ob.contract'::regclass AND status = 'open' ORDER BY rule, row_key;
-- a source that is dropped, table or view: the same
BEGIN;
CREATE TABLE ob.gone AS SELECT 'gone ' || no AS no, 1 AS client, timestamptz '2020-01-01' AS signed FROM unnest('{1,2}'::text[]) no;
CREATE VIEW ob.gone_view AS SELECT 'seen ' || no AS no, 1 AS client, timestamptz '2020-01-01' AS signed FROM unnest('{1,2}'::text[]) no;
SELECT crmaudit.map_entity('contract', source, '{"contract_id": "no", "customer_id": "client", "signed_at": "signed", "status": "''signed''"}') FROM unnest('{ob.gone,ob.gone_view}'::regclass[]) source;
SELECT (SELECT count(*) FROM crmaudit.sweep_obligations(source)) AS runs FROM unnest('{ob.gone,ob.gone_view}'::regclass[]) source;
CREATE VIEW ob.gone_finding AS SELECT f.rule, f.row_key, f.status, f.resolution FROM crmaudit.finding f WHERE f.row_key::text ~ 'gone|seen';
SELECT * FROM ob.gone_finding ORDER BY rule, row_key;
DROP TABLE ob.gone;
DROP VIEW ob.gone_view;
SELECT * FROM ob.gone_finding ORDER BY rule, row_key;
SELECT count(*) AS runs FROM crmaudit.sweep_obligations();
SELECT * FROM ob.gone_finding ORDER BY rule, row_key;
SELECT count(*) AS runs FROM crmaudit.sweep_obligations();
ROLLBACK;
-- dropped: its findings are resolved
SELECT crmaudit.drop_obligation('staged');
SELECT crmaudit.drop_obligation('swept');
SELECT rule, row_key, status, resolution FROM ob.finding ORDER BY rule, row_key;
SELECT name, version, dropped_at IS NOT NULL AS dropped FROM crmaudit.rule_version WHERE name LIKE 'swept%' ORDER BY name, version;
-- a protected table is swept once by its rules, and by its obligations
CREATE TABLE ob.guarded (id int PRIMARY KEY, client int, name text, signed timestamptz);
INSERT INTO ob.guarded VALUES (1, 1, NULL, '2026-01-05 10:00+08');
SELECT crmaudit.protect('ob.guarded', mode => 'observe', history => false);
SELECT crmaudit.add_rule('ob.guarded', 'named', 'required', '{name}') > 0 AS added;
SELECT count(*) AS runs FROM crmaudit.sweep('ob.guarded');
SELECT count(*) AS runs FROM crmaudit.run WHERE target = 'ob.guarded'::regclass;
SELECT crmaudit.map_entity('contract', 'ob.guarded', '{"contract_id": "''G'' || id", "customer_id": "client", "signed_at": "signed"}');
SELECT crmaudit.add_obligation('guarded', 'contract', '5 days', 'interaction', condition => $$contract_id ~ '^G'$$, calendar => 'CN') > 0 AS added;
SELECT count(*) AS runs FROM crmaudit.sweep('ob.guarded');
SELECT rule, row_key, status FROM ob.finding WHERE target = 'ob.guarded'::regclass ORDER BY 1;
SELECT crmaudit.drop_obligation('guarded');
SELECT crmaudit.unmap_entity('contract', 'ob.guarded');
SELECT crmaudit.unprotect('ob.guarded');
TRUNCATE ob.visit, ob.contract, ob.stage;

-- Rights. Whoever defines an obligation must own what it reads, for his SQL runs
-- with the rights of whoever reads.
CREATE ROLE ob_admin;
CREATE ROLE ob_auditor;
CREATE ROLE ob_steward;
CREATE ROLE ob_reader;
CREATE ROLE ob_owner;
SELECT count(*) AS warnings FROM crmaudit.grant_duty('admin', 'ob_admin');
SELECT count(*) AS warnings FROM crmaudit.grant_duty('auditor', 'ob_auditor');
SELECT count(*) AS warnings FROM crmaudit.grant_duty('steward', 'ob_steward');
GRANT USAGE ON SCHEMA ob TO ob_admin, ob_auditor, ob_steward, ob_reader, ob_owner;
GRANT SELECT ON ob.contract, ob.visit TO ob_auditor, ob_steward, ob_reader;
CREATE TABLE ob.ran (who name);
GRANT INSERT ON ob.ran TO PUBLIC;
CREATE FUNCTION ob.evil() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$BEGIN INSERT INTO ob.ran VALUES (current_user); RETURN true; END$$;
INSERT INTO ob.contract (no, client, seller, signed) VALUES ('a', 1, 's1', '2026-01-05 10:00+08');
SELECT crmaudit.add_obligation('mine', 'contract', '5 days', 'interaction', calendar => 'CN') > 0 AS added;
SET ROLE ob_admin;
SELECT crmaudit.add_obligation('theirs', 'contract', '5 days', 'interaction', condition => 'ob.evil()', calendar => 'CN') > 0 AS added;
SELECT crmaudit.alter_obligation('mine', condition => 'ob.evil()');
SELECT crmaudit.extend('mine', 'ob.evil()', '9 days', 'x', 'head');
SELECT crmaudit.install_pack('insurance');
-- nor by writing the tables
UPDATE crmaudit.obligation SET query = 'SELECT ''mine''::text AS obligation, NULL::text AS subject_id, NULL::text AS customer_id, NULL::text AS staff_id, now() AS starts_at, now() AS due_at, now() AS fulfilled_at, 0 AS attempts, ''met''::text AS state, 0 AS outside_hours WHERE ob.evil()' WHERE name = 'mine';
SELECT query ~ 'evil' AS evil FROM crmaudit.obligation WHERE name = 'mine';
INSERT INTO crmaudit.obligation_extension (obligation, condition, within, reason, asked_by, approved_by, path, defined_by) VALUES ('mine', 'ob.evil()', '9 days', 'x', 'x', 'y', 'public', 'postgres');
INSERT INTO crmaudit.obligation (name, for_each, within, fulfilled_by, condition, link, min_count, time_zone, coverage, severity, path, defined_by)
	VALUES ('theirs', 'contract', '5 days', 'interaction', 'ob.evil()', 'customer', 1, 'UTC', 1, 'error', 'public', 'postgres');
\set VERBOSITY sqlstate
UPDATE crmaudit.obligation SET recurring = 'calendar month'') ; DROP TABLE ob.ran; --' WHERE name = 'theirs';
\set VERBOSITY default
RESET ROLE;
SELECT obligation, subject_id, state FROM crmaudit.obligation_status;
SELECT name, defined_by, problem, query IS NULL AS no_query FROM crmaudit.obligation ORDER BY name;
SELECT count(*) AS runs FROM crmaudit.sweep_obligations();
SELECT count(*) AS evil FROM ob.ran;
-- the extension is taken back, and the definition restored by who may
DELETE FROM crmaudit.obligation_extension;
SELECT crmaudit.alter_obligation('mine', within => '5 days');
SELECT crmaudit.drop_obligation('theirs');
SELECT obligation, subject_id, state FROM crmaudit.obligation_status;
-- An owner with the duty may; a mapping that runs out of trust takes the obligation with it.
GRANT ob_owner TO ob_admin;
ALTER TABLE ob.contract OWNER TO ob_owner;
ALTER TABLE ob.visit OWNER TO ob_owner;
ALTER TABLE ob.person OWNER TO ob_owner;
SELECT crmaudit.unmap_entity('customer'), crmaudit.unmap_entity('complaint'), crmaudit.unmap_entity('step');
SET ROLE ob_admin;
SELECT crmaudit.add_obligation('theirs', 'contract', '5 days', 'interaction', condition => $$status = 'signed'$$, calendar => 'CN') > 0 AS added;
RESET ROLE;
SELECT obligation, subject_id, state FROM crmaudit.obligation_status ORDER BY 1;
SET ROLE ob_admin;
SELECT crmaudit.alter_obligation('theirs', within => '90 years');
RESET ROLE;
SELECT obligation, subject_id, state FROM crmaudit.obligation_status ORDER BY 1;
ALTER TABLE ob.contract OWNER TO postgres;
SELECT obligation, subject_id, state FROM crmaudit.obligation_status ORDER BY 1;
SELECT rule, problem FROM crmaudit.health WHERE subject = 'obligation';
-- An auditor reads, and changes nothing; a steward sweeps; a reader of the CRM has nothing here.
SET ROLE ob_auditor;
SELECT obligation, subject_id, state FROM crmaudit.obligation_status ORDER BY 1;
SELECT obligation, month, due, overdue FROM crmaudit.obligation_coverage;
SELECT count(*) AS entities FROM crmaudit.entity_map;
SELECT count(*) AS problems FROM crmaudit.health WHERE subject IN ('entity', 'obligation');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction');
SELECT crmaudit.exempt('mine', 'a', 'x', 'head');
SELECT crmaudit.sweep_obligations();
RESET ROLE;
SET ROLE ob_steward;
SELECT obligation, subject_id, state FROM crmaudit.obligation_status ORDER BY 1;
SELECT count(*) AS runs FROM crmaudit.sweep('ob.contract');
SELECT crmaudit.alter_obligation('mine', within => '6 days');
SELECT crmaudit.extend('mine', 'true', '6 days', 'x', 'head');
RESET ROLE;
SELECT rule, row_key, status, assignee FROM ob.finding WHERE rule = 'mine';
-- a steward who may not read a source is told, and the others are swept
REVOKE SELECT ON ob.contract FROM ob_steward;
SET ROLE ob_steward;
SELECT count(*) AS runs FROM crmaudit.sweep_obligations();
RESET ROLE;
SET ROLE ob_reader;
SELECT obligation, subject_id, state FROM crmaudit.obligation_status;
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction');
RESET ROLE;
-- SQL that tries to break out
SELECT crmaudit.add_obligation('hostile', 'contract', '5 days', 'interaction', condition => '1) AS x; DROP TABLE ob.visit; SELECT (1');
SELECT crmaudit.add_obligation('hostile', 'contract', '5 days', 'interaction', fulfilled_if => 'true) OR (SELECT true');
SELECT crmaudit.add_obligation('hostile', 'contract', '5 days', 'interaction', attempts => 1, attempt_if => 'true; DROP TABLE ob.visit');
SELECT crmaudit.add_obligation('hostile', 'contract', NULL, 'interaction', due => 'now(), 1');
SELECT crmaudit.add_obligation('hostile', 'contract', '5 days', 'interaction', counting_from => 'signed_at) AS x; DROP TABLE ob.visit; --');
SELECT crmaudit.add_obligation('hostile', 'contract', '5 days', 'interaction', link => 'x"; DROP TABLE ob.visit; --');
SELECT crmaudit.add_obligation('hostile', 'contract', '5 days', 'interaction', recurring => 'calendar month''; DROP TABLE ob.visit; --');
SELECT crmaudit.add_obligation($$h'); DROP TABLE ob.visit; --$$, 'contract', '5 days', 'interaction', condition => 'true -- all', calendar => 'CN') > 0 AS added;
SELECT obligation, subject_id, state FROM crmaudit.obligation_status WHERE obligation LIKE 'h%';
SELECT crmaudit.drop_obligation($$h'); DROP TABLE ob.visit; --$$);

-- What cannot be defined, and why.
SELECT crmaudit.add_obligation(NULL, 'contract', '5 days', 'interaction');
SELECT crmaudit.add_obligation('', 'contract', '5 days', 'interaction');
SELECT crmaudit.add_obligation(repeat('合', 22), 'contract', '5 days', 'interaction');
SELECT crmaudit.add_obligation('mine', 'contract', '5 days', 'interaction');
SELECT crmaudit.add_obligation('x', 'contracts', '5 days', 'interaction');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interactions');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', NULL);
SELECT crmaudit.add_obligation('x', 'contract', NULL, 'interaction');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', due => 'ends_on');
SELECT crmaudit.add_obligation('x', 'contract', 'soon', 'interaction');
SELECT crmaudit.add_obligation('x', 'contract', NULL, 'interaction', recurring => 'calendar week');
SELECT crmaudit.add_obligation('x', 'contract', NULL, 'interaction', recurring => 'often');
SELECT crmaudit.add_obligation('x', 'contract', NULL, 'interaction', recurring => '1 year', not_before => '1 month');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', not_before => 'later');
SELECT crmaudit.add_obligation('x', 'complaint', '5 days', 'complaint', fulfilled_at => 'answered_at', min_count => 2);
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', hours => 'in the morning');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', calendar => 'nowhere');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', min_count => 0);
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', attempts => 0);
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', coverage => 1.5);
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', severity => 'grave');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', condition => '');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', condition => 'stat = 5');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', condition => 'status');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', condition => 'count(*) > 1');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', fulfilled_if => 'outcome');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', fulfilled_if => 'subject.nothing = 1');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', fulfilled_if => 'staff.nothing = 1');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', attempts => 3, attempt_if => 'kynd = ''revisit''');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', counting_from => 'kind');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'interaction', counting_from => 'nothing');
SELECT crmaudit.add_obligation('x', 'contract', NULL, 'interaction', due => 'nothing');
SELECT crmaudit.add_obligation('x', 'contract', NULL, 'interaction', due => 'kind');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', NULL, fulfilled_at => 'kind');
SELECT crmaudit.add_obligation('x', 'staff', '5 days', 'interaction', counting_from => 'trained_at');
SELECT crmaudit.add_obligation('x', 'staff', '5 days', 'interaction', link => 'staff');
SELECT crmaudit.add_obligation('x', 'contract', '5 days', 'staff', link => 'staff');
SELECT crmaudit.alter_obligation('x', within => '5 days');
SELECT crmaudit.alter_obligation('mine', severity => 'grave');
SELECT crmaudit.alter_obligation('mine', within => '');
SELECT crmaudit.alter_obligation('mine', condition => 'nothing');
SELECT crmaudit.alter_obligation(NULL, within => '5 days');
SELECT crmaudit.drop_obligation('x');
SELECT crmaudit.drop_obligation(NULL);
-- what is altered is seen at once, and taken back with the transaction
BEGIN;
SELECT crmaudit.alter_obligation('mine', within => '90 years');
SELECT subject_id, state FROM crmaudit.obligation_status WHERE obligation = 'mine';
ROLLBACK;
SELECT subject_id, state FROM crmaudit.obligation_status WHERE obligation = 'mine';
-- unmapped: empty, and told; mapped again: back
BEGIN;
SELECT crmaudit.unmap_entity('interaction');
SELECT count(*) FROM crmaudit.obligation_status;
SELECT rule, problem FROM crmaudit.health WHERE subject = 'obligation' ORDER BY 1;
ROLLBACK;
SELECT count(*) FROM crmaudit.obligation_status;
-- what another session has just defined would be missed
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT crmaudit.alter_obligation('mine', within => '6 days');
ROLLBACK;
-- SQL names what the definer's search_path finds, whoever alters the table later
SET search_path = ob;
CREATE FUNCTION ob.is_signed(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT $1 = 'signed'$$;
SELECT crmaudit.add_obligation('pathed', 'contract', '5 days', 'interaction', condition => 'is_signed(status)', calendar => 'CN') > 0 AS added;
RESET search_path;
ALTER TABLE ob.contract RENAME signed TO signed_at;
SELECT obligation, subject_id, state FROM crmaudit.obligation_status WHERE obligation = 'pathed';
SELECT crmaudit.drop_obligation('pathed');
-- Only what reads an entity is made anew with it: other tables of the CRM do
-- not pay for obligations.
SELECT crmaudit.add_obligation('twin', 'contract', '5 days', 'interaction', calendar => 'CN') > 0 AS added;
CREATE FUNCTION ob.made(proc regprocedure) RETURNS xid LANGUAGE sql AS $$SELECT p.xmin FROM pg_proc p WHERE p.oid = proc$$;
CREATE TABLE ob.news (id text PRIMARY KEY, kind text);
SELECT ob.made('crmaudit.obligation_rows()') AS made, ob.made('crmaudit.interaction()') AS interaction_made \gset
SELECT crmaudit.map_entity('news', 'ob.news', '{"news_id": "id", "kind": "kind"}');
ALTER TABLE ob.news RENAME kind TO sort;
ALTER TABLE ob.visit ADD COLUMN remark text;
SELECT ob.made('crmaudit.obligation_rows()') = :'made' AS is_as_it_was, ob.made('crmaudit.interaction()') = :'interaction_made' AS so_is_interaction;
SELECT crmaudit.unmap_entity('news');
SELECT ob.made('crmaudit.obligation_rows()') = :'made' AS is_as_it_was;
-- as unsafe to workers as what its SQL calls, whatever it reads
SELECT crmaudit.add_obligation('calling', 'contract', '5 days', 'interaction', condition => 'EXISTS (SELECT FROM crmaudit.news() n WHERE n.kind = status)', calendar => 'CN') > 0 AS added;
CREATE FUNCTION ob.unsafe(text) RETURNS text LANGUAGE sql VOLATILE PARALLEL UNSAFE AS 'SELECT $1';
SELECT name, parallel FROM crmaudit.obligation WHERE name IN ('calling', 'twin') ORDER BY 1;
SELECT crmaudit.map_entity('news', 'ob.news', '{"news_id": "id", "kind": "ob.unsafe(sort)"}');
SELECT name, parallel FROM crmaudit.obligation WHERE name IN ('calling', 'twin') ORDER BY 1;
SELECT crmaudit.drop_obligation('calling'), crmaudit.unmap_entity('news');
-- a mapping that cannot be read for a while, and then by the same query
ALTER TABLE ob.contract ALTER signed_at TYPE text;
SELECT name, problem FROM crmaudit.obligation WHERE name = 'twin';
ALTER TABLE ob.contract ALTER signed_at TYPE timestamptz USING signed_at::timestamptz;
SELECT name, problem FROM crmaudit.obligation WHERE name = 'twin';
SELECT ob.made('crmaudit.obligation_rows()') = :'made' AS is_as_it_was;
SELECT crmaudit.drop_obligation('twin');
-- A column that an obligation reads goes, with its mapping
ALTER TABLE ob.contract DROP COLUMN signed_at;
SELECT rule, problem FROM crmaudit.health WHERE subject IN ('obligation', 'entity') ORDER BY 1;

-- All as it was.
SELECT crmaudit.drop_obligation('mine'), crmaudit.drop_obligation('theirs');
SELECT crmaudit.unmap_entity(e) FROM unnest('{contract,interaction,staff}'::text[]) e;
SELECT crmaudit.revoke_duty('admin', 'ob_admin'), crmaudit.revoke_duty('auditor', 'ob_auditor'), crmaudit.revoke_duty('steward', 'ob_steward');
DROP SCHEMA ob CASCADE;
DROP OWNED BY ob_admin, ob_auditor, ob_steward, ob_reader, ob_owner;
DROP ROLE ob_admin, ob_auditor, ob_steward, ob_reader, ob_owner;
SELECT count(*) FROM crmaudit.obligation;
