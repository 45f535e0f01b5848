-- Samples that can be drawn again, and what came of them.
\set SHOW_CONTEXT never
SET timezone = 'America/New_York';
SET crmaudit.calendar = 'CN';
SET crmaudit.language = 'en';
CREATE SCHEMA sa;

-- nothing is mapped
SELECT * FROM crmaudit.sample_rows('customer', 10);
SELECT count(*) FROM crmaudit.sample_coverage;
SELECT count(*) FROM crmaudit.revisit_spot_checks;

-- 21 residents, 20 companies, one farm, one without a kind
CREATE TABLE sa.customer (id int PRIMARY KEY, kind text, region text, since date);
INSERT INTO sa.customer SELECT n, CASE WHEN n <= 21 THEN 'resident' WHEN n <= 41 THEN 'company' WHEN n = 42 THEN 'farm' END, CASE n % 2 WHEN 0 THEN 'north' ELSE 'south' END,
	date '2025-02-26' + n FROM generate_series(1, 43) n;
SELECT crmaudit.map_entity('customer', 'sa.customer', '{"customer_id": "id", "kind": "kind", "region": "region", "since": "since", "odd": "id % 2"}');

-- 10 % of each kind, rounded up: 3 of 21, 2 of 20, 1 of 1
SELECT stratum, population, members, count(*) FROM crmaudit.sample_rows('customer', 10, '{kind}', 1) GROUP BY 1, 2, 3 ORDER BY stratum COLLATE "C";
-- those with the smallest sha256 of "seed:id", which anybody can compute
SELECT subject_id, stratum FROM crmaudit.sample_rows('customer', 10, '{kind}', 1);
SELECT id FROM sa.customer WHERE kind = 'resident' ORDER BY sha256(convert_to('1:' || id, 'UTF8')) LIMIT 3;
SELECT id FROM sa.customer WHERE kind = 'company' ORDER BY encode(sha256(convert_to('1:' || id, 'UTF8')), 'hex') LIMIT 2;
-- no strata, several, an additional column; 100 % is all; a hundredth of 43 is one
SELECT stratum, population, members FROM crmaudit.sample_rows('customer', 1);
SELECT stratum, population, members, count(*) FROM crmaudit.sample_rows('customer', 50, '{kind,region}') GROUP BY 1, 2, 3 ORDER BY stratum COLLATE "C";
SELECT stratum, population, members, count(*) FROM crmaudit.sample_rows('customer', 100, '{odd}') GROUP BY 1, 2, 3 ORDER BY stratum COLLATE "C";
SELECT members FROM crmaudit.sample_rows('customer', 0.0001);
-- 33.333333333333333333 % of 21 is a little less than 7, and a little more makes it 8
SELECT DISTINCT members FROM crmaudit.sample_rows('customer', 33.333333333333333333, condition => $$kind = 'resident'$$);
SELECT DISTINCT members FROM crmaudit.sample_rows('customer', 33.333333333333333334, condition => $$kind = 'resident'$$);
-- a period: two came in February, 31 in March
SELECT DISTINCT population FROM crmaudit.sample_rows('customer', 10, period => '2025-02');
SELECT DISTINCT population FROM crmaudit.sample_rows('customer', 10, period => '2025-03');
SELECT DISTINCT population FROM crmaudit.sample_rows('customer', 10, period => '2025-Q1', condition => $$odd = 1$$);

-- what a day is does not depend on the session
CREATE TABLE sa.visit (id int PRIMARY KEY, at timestamptz);
INSERT INTO sa.visit VALUES (1, '2025-03-01 00:00+08'), (2, '2025-02-28 23:59+08'), (3, '2025-03-01 12:00+08');
SELECT crmaudit.map_entity('interaction', 'sa.visit', '{"interaction_id": "id", "occurred_at": "at"}');
SELECT subject_id, stratum FROM crmaudit.sample_rows('interaction', 100, '{occurred_at}', condition => $$occurred_at >= '2025-03-01'$$) ORDER BY subject_id;
SET timezone = 'UTC';
SELECT subject_id, stratum FROM crmaudit.sample_rows('interaction', 100, '{occurred_at}', condition => $$occurred_at >= '2025-03-01'$$) ORDER BY subject_id;
SHOW timezone;
SET timezone = 'America/New_York';
SELECT crmaudit.unmap_entity('interaction');

-- kept; the order of the rows in the table does not matter, nor what is in no stratum of it
SELECT crmaudit.draw_sample('customer', 10, '{kind}', 1) AS one \gset
CREATE TABLE sa.shuffled AS SELECT * FROM sa.customer ORDER BY sha256(id::text::bytea);
TRUNCATE sa.customer;
INSERT INTO sa.customer SELECT * FROM sa.shuffled;
SELECT crmaudit.draw_sample('customer', 10, '{kind}', 1) AS two \gset
SELECT count(*) AS same FROM crmaudit.sample_member a JOIN crmaudit.sample_member b USING (subject_id, stratum, entity, customer_id) WHERE a.sample_id = :one AND b.sample_id = :two;
SELECT crmaudit.draw_sample('customer', 10, '{kind}', 2) AS three \gset
SELECT count(*) AS same FROM crmaudit.sample_member a JOIN crmaudit.sample_member b USING (subject_id) WHERE a.sample_id = :one AND b.sample_id = :three;
SELECT entity, percent, strata, seed, condition, period, population, members, drawn_by = session_user AS drawn_by_me FROM crmaudit.sample WHERE id = :one;
SELECT stratum, population, members FROM crmaudit.sample_stratum WHERE sample_id = :one ORDER BY stratum COLLATE "C";
-- of nothing, it is a sample of nobody
SELECT crmaudit.draw_sample('customer', 10, condition => 'false') AS nobody \gset
SELECT population, members FROM crmaudit.sample WHERE id = :nobody;

-- an entity, of which obligations can be
SELECT entity, subject_id, customer_id, stratum FROM crmaudit.sample_member() WHERE sample_id = :one ORDER BY stratum COLLATE "C", subject_id::int;

-- errors
SELECT crmaudit.draw_sample('client', 10);
SELECT crmaudit.draw_sample('sample_member', 10);
SELECT crmaudit.draw_sample('customer', 0);
SELECT crmaudit.draw_sample('customer', 100.1);
SELECT crmaudit.draw_sample('customer', 'NaN');
SELECT crmaudit.draw_sample('customer', NULL);
SELECT crmaudit.draw_sample('customer', 10, NULL);
SELECT crmaudit.draw_sample('customer', 10, seed => NULL);
SELECT crmaudit.draw_sample('customer', 10, '{kind,colour}');
SELECT crmaudit.draw_sample('customer', 10, period => 'March');
SELECT crmaudit.draw_sample('contact', 10, period => '2025-03');
SELECT crmaudit.draw_sample('customer', 10, condition => 'true; DROP TABLE sa.customer');
SELECT crmaudit.draw_sample('customer', 10, condition => 'colour = 1');
SELECT crmaudit.draw_sample('customer', 10, condition => 'random() < 0.5');

-- What came of it ---------------------------------------------------------------------------
CREATE TABLE sa.contact_log (no int PRIMARY KEY, customer int, staff text, kind text, at timestamptz, outcome text, problem text, about text, about_no text);
SELECT crmaudit.map_entity('interaction', 'sa.contact_log', '{"interaction_id": "no", "customer_id": "customer", "staff_id": "staff", "kind": "kind", "occurred_at": "at", "outcome": "outcome",
	"problem": "problem", "related_entity": "about", "related_id": "about_no"}');
DELETE FROM crmaudit.sample WHERE id IN (:one, :two, :nobody);
DELETE FROM crmaudit.sample_member WHERE sample_id IN (:one, :two);
DELETE FROM crmaudit.sample_stratum WHERE sample_id IN (:one, :two);
UPDATE crmaudit.sample SET drawn_at = '2025-01-31 10:00+08' WHERE id = :three;
UPDATE crmaudit.sample_member SET drawn_at = '2025-01-31 10:00+08' WHERE sample_id = :three;
SELECT m.subject_id AS farm FROM crmaudit.sample_member m WHERE m.sample_id = :three AND m.stratum = 'farm' \gset
SELECT array_agg(m.subject_id ORDER BY m.subject_id) AS r FROM crmaudit.sample_member m WHERE m.sample_id = :three AND m.stratum = 'resident' \gset
SELECT array_agg(m.subject_id ORDER BY m.subject_id) AS c FROM crmaudit.sample_member m WHERE m.sample_id = :three AND m.stratum = 'company' \gset
INSERT INTO sa.contact_log (no, customer, kind, at, outcome, about, about_no) VALUES
	-- within a month, which ends with 28 February at the hour of drawing: a second before, at it
	(1, (:'r'::int[])[1], 'revisit', '2025-02-28 09:59:59+08', 'reached', NULL, NULL),
	(2, (:'r'::int[])[2], 'revisit', '2025-02-28 10:00+08', 'reached', NULL, NULL),
	-- before drawing; nobody reached; about something else; a visit
	(3, (:'r'::int[])[3], 'revisit', '2025-01-31 09:59:59+08', 'reached', NULL, NULL),
	(4, (:'r'::int[])[3], 'revisit', '2025-02-01 10:00+08', 'no_answer', NULL, NULL),
	(5, (:'r'::int[])[3], 'revisit', '2025-02-01 10:00+08', 'reached', 'contract', '7'),
	(6, (:'r'::int[])[3], 'visit', '2025-02-01 10:00+08', 'reached', NULL, NULL),
	-- by name, at the moment of drawing; another that it is not about
	(7, NULL, 'revisit', '2025-01-31 10:00+08', 'reached', 'customer', :'farm'),
	(8, (:'c'::int[])[1], 'revisit', '2025-02-01 10:00+08', NULL, 'customer', (:'c'::text[])[2]);
SELECT entity, period, drawn_at AT TIME ZONE 'Asia/Shanghai' AS drawn_at, stratum, population, members, percent, followed_up, within_a_month, open FROM crmaudit.sample_coverage WHERE sample_id = :three
	ORDER BY stratum COLLATE "C";

-- the same as an obligation: each member within a month; days end at 24:00
SELECT crmaudit.add_obligation('sa_members', 'sample_member', '1 month', 'interaction', condition => $$entity = 'customer'$$,
	fulfilled_if => $$kind = 'revisit' AND outcome = 'reached' AND related_id IS NULL$$, counting_from => 'drawn_at', calendar => 'CN') > 0 AS added;
SELECT state, count(*) FROM crmaudit.obligation_status WHERE obligation = 'sa_members' GROUP BY state ORDER BY state;
SELECT DISTINCT due_at AT TIME ZONE 'Asia/Shanghai' AS due_at FROM crmaudit.obligation_status WHERE obligation = 'sa_members';
SELECT crmaudit.drop_obligation('sa_members');

-- Spot checks of those who revisit: of each person, of the month
TRUNCATE sa.contact_log;
INSERT INTO sa.contact_log (no, customer, staff, kind, at, outcome) SELECT n, n, CASE WHEN n <= 12 THEN 'a' WHEN n <= 14 THEN 'b' ELSE 'c' END, 'revisit', '2025-03-31 23:59:59+08', 'reached' FROM generate_series(1, 15) n;
INSERT INTO sa.contact_log (no, customer, staff, kind, at, outcome) VALUES (16, 16, 'a', 'revisit', '2025-04-01 00:00+08', 'reached'), (17, 17, 'a', 'visit', '2025-03-05 10:00+08', 'reached'), (18, 17, 'd', 'revisit', '2025-03-05 10:00+08', 'no_answer');
SELECT crmaudit.draw_sample('interaction', 10, '{staff_id}', 7, $$kind = 'revisit' AND outcome = 'reached'$$, '2025-03') AS checks \gset
SELECT stratum, population, members FROM crmaudit.sample_stratum WHERE sample_id = :checks ORDER BY stratum;
SELECT month, staff_id, revisits, drawn, checked, checked_by_self_only, with_problem, unchecked FROM crmaudit.revisit_spot_checks;
SELECT min(subject_id::int) AS a1, max(subject_id::int) AS a2 FROM crmaudit.sample_member WHERE sample_id = :checks AND stratum = 'a' \gset
SELECT subject_id AS b1 FROM crmaudit.sample_member WHERE sample_id = :checks AND stratum = 'b' \gset
SELECT subject_id AS c1 FROM crmaudit.sample_member WHERE sample_id = :checks AND stratum = 'c' \gset
INSERT INTO sa.contact_log (no, customer, staff, kind, at, outcome, problem, about, about_no) VALUES
	(101, NULL, 'z', 'revisit', now(), 'reached', 'not told of the fee', 'interaction', :'a1'),
	(102, NULL, 'a', 'revisit', now(), 'reached', NULL, 'interaction', :'a1'),
	-- by himself; before it was drawn; of one that was not drawn
	(103, NULL, 'b', 'call', now(), 'reached', NULL, 'interaction', :'b1'),
	(104, NULL, 'z', 'call', now() - interval '1 hour', 'reached', NULL, 'interaction', :'c1'),
	(105, NULL, 'z', 'call', now(), 'reached', NULL, 'interaction', '16'),
	-- planned: nothing is checked yet, nor revisited
	(106, NULL, 'z', 'revisit', now() + interval '1 hour', NULL, NULL, 'interaction', :'c1'), (107, 1, 'e', 'revisit', now() + interval '1 hour', NULL, NULL, NULL, NULL);
SELECT month, staff_id, revisits, drawn, checked, checked_by_self_only, with_problem, unchecked FROM crmaudit.revisit_spot_checks;
SELECT stratum, members, followed_up, open FROM crmaudit.sample_coverage WHERE sample_id = :checks ORDER BY stratum;

-- An auditor may draw, and say neither who did nor when; the ledger notes who alters a sample.
CREATE ROLE sa_auditor;
SELECT count(*) FROM crmaudit.grant_duty('auditor', 'sa_auditor');
GRANT USAGE ON SCHEMA sa TO sa_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA sa TO sa_auditor;
SET ROLE sa_auditor;
SELECT crmaudit.draw_sample('customer', 10, '{kind}', 1) AS auditors \gset
SELECT count(*) FROM crmaudit.sample_member WHERE sample_id = :auditors;
SELECT count(*) FROM crmaudit.sample_coverage WHERE sample_id = :auditors;
INSERT INTO crmaudit.sample (entity, percent, strata, seed, population, members, drawn_by) VALUES ('customer', 10, '{}', 1, 1, 1, 'somebody');
INSERT INTO crmaudit.sample_member (sample_id, entity, subject_id, stratum, drawn_at) VALUES (:auditors, 'customer', '1', '', '2020-01-01');
DELETE FROM crmaudit.sample_member;
RESET ROLE;
DELETE FROM crmaudit.sample_member WHERE sample_id = :auditors AND subject_id = '42';
SELECT table_name, op, row_key ->> 'subject_id' AS subject_id FROM crmaudit.change_history WHERE table_name = 'crmaudit.sample_member' AND (row_key ->> 'sample_id')::bigint = :auditors;

SELECT crmaudit.unmap_entity(e) FROM unnest('{customer,interaction}'::text[]) e;
DELETE FROM crmaudit.sample;
DELETE FROM crmaudit.sample_stratum;
DELETE FROM crmaudit.sample_member;
SELECT crmaudit.revoke_duty('auditor', 'sa_auditor');
DROP OWNED BY sa_auditor;
DROP ROLE sa_auditor;
SET client_min_messages = warning;
DROP SCHEMA sa CASCADE;
