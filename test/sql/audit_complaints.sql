-- Complaints answered in time or not, what they are about, how satisfied
-- customers are, and what of it is a clue for the audit (D12, D19, D20, D24, D26).
SET crmaudit.calendar = 'CN';
SET timezone = 'UTC';
SET client_min_messages = warning;

-- Nothing is mapped: the views are empty.
SELECT (SELECT count(*) FROM crmaudit.complaint_timeliness) AS timeliness, (SELECT count(*) FROM crmaudit.complaint_analysis) AS analysis,
	(SELECT count(*) FROM crmaudit.complaint_monthly) AS monthly, (SELECT count(*) FROM crmaudit.satisfaction) AS satisfaction,
	(SELECT count(*) FROM crmaudit.audit_clues) AS clues;

CREATE SCHEMA ac;
CREATE TABLE ac.client (no text PRIMARY KEY, name text, grade text, city text);
INSERT INTO ac.client VALUES ('K1', 'A', 'gold', 'Wuhan'), ('K2', 'B', 'gold', 'Wuhan'), ('K3', 'C', NULL, 'Jinan');
CREATE TABLE ac.complaint (no text PRIMARY KEY, client text, agent text, kind text, via text, opened timestamptz, answered timestamptz,
	decided timestamptz, closed timestamptz, upheld boolean, why text);
INSERT INTO ac.complaint VALUES
	-- over the holidays of October 2025, whose 11th was worked: five working days end on the 14th, ten on the 21st
	('01 on the last day', 'K1', 'S1', '投诉', 'phone', '2025-09-30 10:00+08', '2025-10-14 23:59:59+08', '2025-10-14 23:59:59+08', '2025-10-20 10:00+08', true, 'delay'),
	('02 a second late', 'K1', 'S1', '投诉', 'phone', '2025-09-30 10:00+08', '2025-10-15 00:00+08', NULL, NULL, false, 'delay'),
	('03 report', 'K2', 'S1', '举报', 'letter', '2025-09-30 10:00+08', '2025-10-21 12:00+08', NULL, NULL, true, 'private charge'),
	('04 report, late', 'K2', 'S2', '举报', 'letter', '2025-09-30 10:00+08', '2025-10-22 10:00+08', NULL, NULL, NULL, 'private charge'),
	('05 opinion, decided', 'K3', NULL, '意见', 'web', '2025-09-30 10:00+08', NULL, '2025-10-13 10:00+08', '2025-10-30 10:00+08', NULL, NULL),
	('06 opinion, closed late', 'K3', NULL, '意见', 'web', '2025-09-30 10:00+08', NULL, NULL, '2025-10-16 10:00+08', NULL, NULL),
	-- that it is closed is no answer to a complaint
	('07 not answered', NULL, 'S2', '投诉', NULL, '2025-09-30 10:00+08', NULL, '2025-10-09 10:00+08', '2025-10-09 10:00+08', false, NULL),
	-- nor is what is older than the complaint, but where the day alone is kept
	('08 answered before', 'K1', 'S2', '投诉', 'phone', '2025-11-03 10:00+08', '2025-11-02 23:00+08', NULL, NULL, NULL, 'delay'),
	('09 answered that day', 'K9', 'S2', '投诉', 'phone', '2025-11-03 10:00+08', '2025-11-03 00:00+08', NULL, NULL, NULL, 'rude'),
	-- on a day off it counts from the next working day on
	('10 on a Saturday', 'K2', NULL, NULL, 'phone', '2025-11-01 10:00+08', '2025-11-07 10:00+08', NULL, NULL, NULL, 'rude'),
	-- the calendar begins in 2004
	('11 long ago', 'K2', NULL, '投诉', 'phone', '2001-05-01 10:00+08', '2001-05-02 10:00+08', NULL, NULL, NULL, 'rude'),
	('12 no time', 'K2', NULL, '投诉', 'phone', NULL, '2025-11-07 10:00+08', NULL, NULL, NULL, 'rude');
SELECT crmaudit.map_entity('customer', 'ac.client', '{"customer_id":"no","name":"name","segment":"grade","region":"city"}');
SELECT crmaudit.map_entity('complaint', 'ac.complaint', '{"complaint_id":"no","customer_id":"client","staff_id":"agent","kind":{"column":"kind","values":{"投诉":"complaint","举报":"report","意见":"opinion"}},
	"channel":"via","opened_at":"opened","answered_at":"answered","decided_at":"decided","closed_at":"closed","upheld":"upheld","reason":"why"}');

-- Each complaint with its deadline.
SET timezone = 'Asia/Shanghai';
SELECT complaint_id, kind, within, due_at, answered_at, state, CASE WHEN state <> 'overdue' THEN late_by END AS late_by, late_by > '30 days' AS is_long FROM crmaudit.complaint_timeliness;
-- The session's time zone does not matter.
CREATE TEMP TABLE ac_states AS SELECT complaint_id, state, due_at FROM crmaudit.complaint_timeliness;
SET timezone = 'America/New_York';
SELECT count(*) AS different FROM crmaudit.complaint_timeliness t JOIN ac_states s USING (complaint_id) WHERE (t.state, t.due_at) IS DISTINCT FROM (s.state, s.due_at);
-- What came today is not due. A calendar without holidays knows every year.
SELECT crmaudit.add_calendar('ac_days', 'Monday to Friday', 'Asia/Shanghai');
SET crmaudit.calendar = 'ac_days';
INSERT INTO ac.complaint (no, opened, kind) VALUES ('13 today', now(), '投诉');
-- An answer that is planned is none yet; nor does a decision of long ago hide that an opinion was closed.
INSERT INTO ac.complaint (no, opened, answered, decided, closed, kind) VALUES ('13 answered tomorrow', now(), now() + interval '1 day', NULL, NULL, '投诉'),
	('13 opinion', now(), NULL, '2001-01-01', now(), '意见');
SELECT complaint_id, answered_at IS NOT NULL AS answered, state, late_by FROM crmaudit.complaint_timeliness WHERE complaint_id LIKE '13%' ORDER BY complaint_id;
DELETE FROM ac.complaint WHERE no LIKE '13%';
SET crmaudit.calendar = 'CN';

-- What they are about. Shares of one grouping add up.
SELECT grouped_by, value, complaints, share, customers, upheld, upheld_rate, in_time, late, overdue, open, in_time_rate, median_days_to_answer AS days_to_answer, median_days_to_close AS days_to_close FROM crmaudit.complaint_analysis;
-- A customer whom two sources know complained once all the same.
CREATE TABLE ac.client_of_old AS SELECT * FROM ac.client;
SELECT crmaudit.map_entity('customer', 'ac.client_of_old', '{"customer_id":"no","name":"name","segment":"grade","region":"city"}');
SELECT grouped_by, value, complaints FROM crmaudit.complaint_analysis WHERE grouped_by IN ('all', 'segment');
SELECT crmaudit.unmap_entity('customer', 'ac.client_of_old');
-- By month of receipt, and what was answered and unanswered in the month.
SELECT month, kind, received, answered, unanswered_at_end, in_time, late, overdue, open, in_time_rate, upheld, median_days_to_answer FROM crmaudit.complaint_monthly;
-- An instant before midnight in Shanghai is September, whatever the session says.
UPDATE ac.complaint SET opened = '2025-09-30 23:59:59+08' WHERE no LIKE '02%';
UPDATE ac.complaint SET opened = '2025-10-01 00:00:00+08' WHERE no LIKE '01%';
SELECT month, kind, received FROM crmaudit.complaint_monthly WHERE kind = 'complaint' AND received > 0;
UPDATE ac.complaint SET opened = '2025-09-30 10:00+08' WHERE no ~ '^0[12]';

-- Four steps: all but the last are satisfied. What is none of them is no answer.
CREATE TABLE ac.answer (no int PRIMARY KEY, client text, agent text, question text, at timestamptz, answer int, why text);
INSERT INTO ac.answer VALUES
	(1, 'K1', 'S1', 'service', '2025-10-01 00:00+08', 1, NULL), (2, 'K2', 'S1', 'service', '2025-10-05 10:00+08', 2, NULL),
	(3, 'K3', 'S1', 'service', '2025-10-05 10:00+08', 3, 'could be faster'), (4, 'K1', 'S1', 'service', '2025-10-05 10:00+08', 4, 'slow'),
	(5, 'K2', 'S1', 'service', '2025-10-05 10:00+08', 4, 'slow'), (6, 'K3', 'S2', 'service', '2025-10-05 10:00+08', 4, 'far away'),
	(7, NULL, NULL, 'service', '2025-10-31 23:59:59+08', 4, ' '), (8, 'K1', 'S1', 'service', '2025-10-05 10:00+08', NULL, NULL),
	(9, 'K1', 'S1', 'service', '2025-10-05 10:00+08', 5, 'slow'),
	(10, 'K1', 'S1', 'service', '2025-11-01 00:00+08', 1, NULL), (11, 'K1', 'S1', 'price', '2025-10-05 10:00+08', NULL, NULL),
	(12, 'K1', NULL, NULL, NULL, 4, 'nobody came');
-- Of many reasons the ten most frequent are told.
INSERT INTO ac.answer SELECT 100 + 2 * i + j, 'K4', NULL, 'many', '2025-10-05 10:00+08', 4, 'reason ' || to_char(i, 'FM00') FROM generate_series(1, 12) i, generate_series(0, CASE WHEN i = 12 THEN 1 ELSE 0 END) j;
SELECT crmaudit.map_entity('survey_answer', 'ac.answer', '{"answer_id":"no","customer_id":"client","staff_id":"agent","question":"question","answered_at":"at","answer":"answer","reason":"why"}');
SELECT month, question, answers, satisfied, fairly_satisfied, basically_satisfied, dissatisfied, satisfaction_rate, well_satisfied_rate, no_answer, without_reason, reasons FROM crmaudit.satisfaction;
DELETE FROM ac.answer WHERE question = 'many';

-- Clues, the gravest first: a report that was upheld, then reports and what was
-- upheld. The second of a customer within a year is an early warning, and so is
-- the third about somebody within 90 days.
SET timezone = 'Asia/Shanghai';
SELECT clue, severity, early_warning AS early, at, customer_id, staff_id, entity, id, of_customer_in_a_year AS of_customer, of_staff_in_90_days AS of_staff, in_words FROM crmaudit.audit_clues;
SET crmaudit.language = 'zh';
SELECT DISTINCT clue, severity, in_words FROM crmaudit.audit_clues ORDER BY 1, 2;
RESET crmaudit.language;
-- Days count: a year later to the day is within a year, and so is the 90th day;
-- days are those of Shanghai.
TRUNCATE ac.complaint, ac.answer;
INSERT INTO ac.complaint (no, client, agent, kind, opened) VALUES
	('a', 'K1', NULL, '投诉', '2024-03-01 10:00+08'), ('b', 'K1', NULL, '投诉', '2025-03-01 23:59:59+08'), ('c', 'K1', NULL, '投诉', '2026-03-02 00:00+08'),
	('d', NULL, 'S1', '投诉', '2025-01-01 10:00+08'), ('e', NULL, 'S1', '投诉', '2025-02-01 10:00+08'), ('f', NULL, 'S1', '投诉', '2025-04-01 10:00+08'),
	('g', NULL, 'S1', '投诉', '2025-05-03 00:00+08');
SET timezone = 'America/New_York';
SELECT id, early_warning, of_customer_in_a_year, of_staff_in_90_days FROM crmaudit.audit_clues ORDER BY id;
-- Of those without a time nobody knows that they are of one year.
INSERT INTO ac.complaint (no, client, agent, kind) VALUES ('h', 'K1', 'S1', '投诉'), ('i', 'K1', 'S1', '投诉'), ('j', 'K1', 'S1', '投诉');
SELECT id, early_warning, of_customer_in_a_year, of_staff_in_90_days FROM crmaudit.audit_clues WHERE at IS NULL ORDER BY id;

SELECT crmaudit.unmap_entity('customer'), crmaudit.unmap_entity('complaint'), crmaudit.unmap_entity('survey_answer');
DROP SCHEMA ac CASCADE;
DELETE FROM crmaudit.calendar WHERE calendar = 'ac_days';
