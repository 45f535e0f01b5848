-- Scores of owners and of segments: by all kinds, as the table's score is.
\set SHOW_CONTEXT never
\pset null '(null)'
SET client_min_messages = warning;
CREATE SCHEMA so;
CREATE TABLE so.staff (id int PRIMARY KEY, phone text);
INSERT INTO so.staff VALUES (1, '13911112222');
CREATE TABLE so.customer (id int, clerk text, name text, phone text, boss int, PRIMARY KEY (id, clerk)) PARTITION BY LIST (clerk);
CREATE TABLE so.customer_li PARTITION OF so.customer FOR VALUES IN ('li');
CREATE TABLE so.customer_rest PARTITION OF so.customer DEFAULT;
SELECT crmaudit.protect('so.customer', roles => '{"clerk":"owner"}', mode => 'observe', history => false);
SELECT count(crmaudit.add_rule('so.customer', name, kind, columns::text[], params::jsonb, severity))
FROM (VALUES
	('name_filled', 'required', '{name}', '{}', 'error'),
	('phone_valid', 'format', '{phone}', '{"type": "phone", "region": "CN"}', 'error'),
	('phone_shared', 'shared_value', '{phone}', '{"type": "phone", "region": "CN"}', 'error'),
	('phone_staff', 'not_staff_contact', '{phone}', '{"type": "phone", "staff": [{"table": "so.staff", "column": "phone", "relation": "self"}]}', 'critical'),
	('boss_known', 'reference', '{boss}', '{"table": "so.staff", "column": "id"}', 'error')
) AS t(name, kind, columns, params, severity);
-- Of ten rows: 1 has no name, 4 and 7 share a phone, 8 has one of the staff,
-- 9 a boss who is none.
INSERT INTO so.customer
	SELECT g, CASE WHEN g <= 6 THEN 'li' ELSE 'wang' END, nullif('name ' || g, 'name 1'), '1382650490' || g % 10, 1 FROM generate_series(1, 10) g;
UPDATE so.customer SET phone = '138 2650 4904' WHERE id = 7;
UPDATE so.customer SET phone = '13911112222' WHERE id = 8;
UPDATE so.customer SET boss = 5 WHERE id = 9;
SELECT count(*) AS runs FROM crmaudit.sweep('so.customer', workers => 0);
SELECT r.name, s.rows, s.failures FROM crmaudit.run_rule s JOIN crmaudit.rule r ON r.id = s.rule_id WHERE r.target = 'so.customer'::regclass ORDER BY r.id;


CREATE VIEW so.owners AS SELECT owner, rows, score, clean_row_rate AS clean, coverage, completeness, validity, consistency, uniqueness, accuracy FROM crmaudit.owner_score WHERE target = 'so.customer'::regclass;
CREATE VIEW so.segments AS SELECT value, rows, score, clean_row_rate AS clean, coverage, completeness, validity, consistency, uniqueness, accuracy FROM crmaudit.segment_score('so.customer', 'clerk');
CREATE VIEW so.tables AS SELECT rows, score, clean_row_rate AS clean, coverage, completeness, validity, consistency, uniqueness, accuracy FROM crmaudit.table_score WHERE target = 'so.customer'::regclass;

-- By hand, li: completeness and uniqueness 1 - .75 / 6; wang: consistency and
-- uniqueness 1 - .75 / 4, accuracy 1 - 1 / 4; weights .25, .25, .15, .15, .1.
SELECT * FROM so.owners;
SELECT * FROM so.tables;
SELECT count(*) AS differ FROM (TABLE so.owners EXCEPT TABLE so.segments) d;
-- By workers the same, sweep after sweep.
CREATE TEMP TABLE serial AS TABLE so.owners;
SELECT count(*) AS runs FROM crmaudit.sweep('so.customer', workers => 2);
SELECT count(*) AS differ FROM (TABLE serial EXCEPT TABLE so.owners) d;
SELECT count(*) AS runs FROM crmaudit.sweep('so.customer', workers => 2);
SELECT count(*) AS differ FROM (TABLE serial EXCEPT TABLE so.owners) d;
-- A sweep by some rules, and a sample, leave the scores alone.
SELECT count(*) AS runs FROM crmaudit.sweep('so.customer', rules => '{name_filled}');
SELECT count(*) AS runs FROM crmaudit.sweep('so.customer', sample_percent => 50, seed => 1);
SELECT count(*) AS differ FROM (TABLE serial EXCEPT TABLE so.owners) d;
SELECT count(*) AS differ FROM (TABLE so.owners EXCEPT TABLE so.segments) d;

-- What is written moves what rules about a row by itself say (completeness;
-- validity is a cell of its own), the others keep the last sweep's ratio.
INSERT INTO so.customer VALUES (11, 'wang', NULL, '13826504911', 1), (12, 'wang', 'name 12', 'bad', 1), (13, 'zhao', NULL, '13826504913', 1);
UPDATE so.customer SET name = 'name 1' WHERE id = 1;
-- wang: completeness 1 - .75 / 6, validity 1 - .75 / 6; zhao has no ratio to keep
SELECT * FROM so.owners;
CREATE TEMP TABLE unfolded AS TABLE so.owners;
SELECT crmaudit.fold_scores() > 0 AS folded;
SELECT count(*) AS differ FROM (TABLE unfolded EXCEPT TABLE so.owners) d;
-- An owner without rows keeps the ratio for when he has some again, folded or not.
DELETE FROM so.customer WHERE clerk = 'wang';
SELECT owner, rows FROM so.owners;
SELECT crmaudit.fold_scores() > 0 AS folded;
SELECT owner, rows FROM so.owners;
INSERT INTO so.customer VALUES (10, 'wang', 'name 10', '13826504900', 1);
SELECT * FROM so.owners WHERE owner = 'wang';
SELECT crmaudit.fold_scores() > 0 AS folded;
SELECT * FROM so.owners WHERE owner = 'wang';
-- A count anew by rules about a row by itself keeps them too.
CREATE TEMP TABLE before_rebase AS TABLE so.owners;
SELECT crmaudit.rebase_scores('so.customer') AS rows;
SELECT owner, score, completeness, validity, consistency, uniqueness, accuracy FROM before_rebase EXCEPT SELECT owner, score, completeness, validity, consistency, uniqueness, accuracy FROM so.owners;
SELECT owner, rows, score, clean FROM so.owners;
-- The next sweep: nobody shares a phone any more, and zhao is judged.
SELECT count(*) AS runs FROM crmaudit.sweep('so.customer', workers => 0);
SELECT * FROM so.owners;
SELECT count(*) AS differ FROM (TABLE so.owners EXCEPT TABLE so.segments) d;
-- All gone, and what was known of them.
TRUNCATE so.customer;
INSERT INTO so.customer VALUES (1, 'wang', NULL, '13826504900', 1);
SELECT owner, rows, score, completeness, uniqueness FROM so.owners;
SELECT crmaudit.fold_scores() > 0 AS folded;
SELECT owner, rows, score, completeness, uniqueness FROM so.owners;
SELECT count(*) AS owners FROM crmaudit.score_owner WHERE target = 'so.customer'::regclass;
SELECT crmaudit.unprotect('so.customer');

-- An owner of all rows has the table's score, and so has a segment of all:
-- with kinds about the table as a whole, a rule whose query fails, and one that
-- compares with another table, which costs the columns that differ.
CREATE TABLE so.other (id int PRIMARY KEY, name text, phone text, amount int);
CREATE TABLE so.one (id int PRIMARY KEY, clerk text, name text, phone text, mail text, closed boolean NOT NULL DEFAULT false);
INSERT INTO so.one SELECT g, 'li', 'name ' || g, '138265049' || g, NULL FROM generate_series(10, 29) g;
INSERT INTO so.other SELECT id, name, phone, id FROM so.one;
INSERT INTO so.one VALUES (30, 'wang', NULL, NULL, NULL, true);
UPDATE so.other SET name = 'another' WHERE id = 11;
UPDATE so.other SET name = 'another', phone = NULL WHERE id = 12;
DELETE FROM so.other WHERE id = 13;
UPDATE so.one SET phone = '13826504914' WHERE id = 15;
SELECT crmaudit.protect('so.one', roles => '{"clerk":"owner"}', mode => 'observe', history => false, live => 'NOT closed');
SELECT count(crmaudit.add_rule('so.one', name, kind, columns::text[], params::jsonb, severity))
FROM (VALUES
	('name_filled', 'required', '{name}', '{}', 'error'),
	('phone_valid', 'format', '{phone}', '{"type": "phone", "region": "CN"}', 'warning'),
	('phone_shared', 'shared_value', '{phone}', '{"type": "phone", "region": "CN"}', 'warning'),
	('same_there', 'matches_table', '{}', '{"table": "so.other", "key": {"id": "id"}, "columns": {"name": "name", "phone": "phone"}}', 'error'),
	('mails_known', 'null_fraction', '{mail}', '{"max": 0.5}', 'error'),
	('enough', 'row_count', '{}', '{"min": 1000}', 'warning')
) AS t(name, kind, columns, params, severity);
SELECT count(*) AS runs FROM crmaudit.sweep('so.one', workers => 0);
SELECT r.name, s.rows, s.failures, s.errors FROM crmaudit.run_rule s JOIN crmaudit.rule r ON r.id = s.rule_id WHERE r.target = 'so.one'::regclass ORDER BY r.id;
CREATE VIEW so.three AS
	SELECT 'table' AS of, rows, score, clean_row_rate AS clean, coverage, completeness, validity, consistency, uniqueness FROM crmaudit.table_score WHERE target = 'so.one'::regclass
	UNION ALL SELECT 'owner', rows, score, clean_row_rate, coverage, completeness, validity, consistency, uniqueness FROM crmaudit.owner_score WHERE target = 'so.one'::regclass
	UNION ALL SELECT 'segment', rows, score, clean_row_rate, coverage, completeness, validity, consistency, uniqueness FROM crmaudit.segment_score('so.one', 'clerk');
SELECT * FROM so.three;
-- Where a column is NULL in all rows, that is what null_fraction is about; of a
-- row that is missing there all columns are wrong, else those that differ.
SELECT column_name, dimension, assessed, failed, score FROM crmaudit.column_score WHERE target = 'so.one'::regclass;
SELECT rule, row_key, column_name, reason FROM crmaudit.finding WHERE target = 'so.one'::regclass AND rule = 'same_there' ORDER BY row_key;
-- The same where other rows are missing than all, and where the rule names a column.
SELECT crmaudit.alter_rule('so.one', 'same_there', columns => '{name}') > 0 AS altered;
SELECT count(*) AS runs FROM crmaudit.sweep('so.one', workers => 2);
SELECT column_name, dimension, assessed, failed, score FROM crmaudit.column_score WHERE target = 'so.one'::regclass AND dimension = 'consistency';
SELECT count(DISTINCT (rows, score, clean, coverage, completeness, validity, consistency, uniqueness)) AS scores FROM so.three;

-- Waived: 14 and 15 may share a phone, 11 may differ. By hand: consistency of
-- name 1 - 2 * .75 / 20, uniqueness 1.
SELECT score, score_adjusted FROM crmaudit.table_score WHERE target = 'so.one'::regclass;
SELECT crmaudit.waive(array_agg(id), '2999-01-01', 'a family', 'head of sales') AS waived FROM crmaudit.finding
WHERE target = 'so.one'::regclass AND (rule = 'phone_shared' OR rule = 'same_there' AND row_key = '{"id": 11}');
SELECT 'table' AS of, score, score_adjusted FROM crmaudit.table_score WHERE target = 'so.one'::regclass
UNION ALL SELECT 'owner', score, score_adjusted FROM crmaudit.owner_score WHERE target = 'so.one'::regclass
UNION ALL SELECT 'segment', score, score_adjusted FROM crmaudit.segment_score('so.one', 'clerk');

-- A query that fails lowers the coverage, of each owner too, and no score: its
-- cell is not assessed.
SELECT crmaudit.add_rule('so.one', 'fails', 'has_related', '{}', '{"table": "so.other", "key": {"id": "id"}, "condition": "1 / (amount - 20) < 5"}') > 0 AS added;
SELECT count(*) AS runs FROM crmaudit.sweep('so.one', workers => 0);
SELECT r.name, s.rows, s.failures, s.errors FROM crmaudit.run_rule s JOIN crmaudit.rule r ON r.id = s.rule_id WHERE r.name = 'fails';
SELECT * FROM so.three;

-- Whoever may neither read findings nor owns the table gets the score by rules
-- about a row by itself: the others tell of rows he may not see.
CREATE ROLE crmaudit_so LOGIN;
GRANT USAGE ON SCHEMA so TO crmaudit_so;
GRANT SELECT ON so.one TO crmaudit_so;
SET ROLE crmaudit_so;
SELECT value, rows, score, uniqueness, consistency, score_adjusted FROM crmaudit.segment_score('so.one', 'clerk');
RESET ROLE;
SELECT crmaudit.grant_duty('auditor', 'crmaudit_so');
SET ROLE crmaudit_so;
SELECT value, rows, score, uniqueness, consistency FROM crmaudit.segment_score('so.one', 'clerk');
SELECT score, score_adjusted > score AS gains FROM crmaudit.owner_score WHERE target = 'so.one'::regclass;
RESET ROLE;
REVOKE SELECT ON so.one FROM crmaudit_so;
SET ROLE crmaudit_so;
SELECT score, score_adjusted FROM crmaudit.owner_score WHERE target = 'so.one'::regclass;
RESET ROLE;
-- A rule that was changed since is not counted until the next sweep.
SELECT crmaudit.alter_rule('so.one', 'phone_shared', severity => 'error') > 0 AS altered;
SELECT value, rows, score, uniqueness, consistency FROM crmaudit.segment_score('so.one', 'clerk');

-- What the sweep sums up by owner is what findings come to row by row, where
-- several rules share a cell, some only suspect, and owners are many.
CREATE TABLE so.many (id int, part int, clerk text, phone text, card text, boss int, PRIMARY KEY (part, id)) PARTITION BY LIST (part);
CREATE TABLE so.many_0 PARTITION OF so.many FOR VALUES IN (0);
CREATE TABLE so.many_1 PARTITION OF so.many FOR VALUES IN (1);
INSERT INTO so.many
	SELECT g, g % 2, nullif('clerk ' || g * 13 % 17, 'clerk 0'), CASE WHEN g % 7 = 0 THEN 'bad' WHEN g % 11 > 0 THEN '1382650' || lpad((g * 31 % 1500)::text, 4, '0') END,
		(g * 37 % 1700)::text, nullif(g % 5, 0)
	FROM generate_series(1, 2000) g;
SELECT crmaudit.protect('so.many', roles => '{"clerk":"owner"}', mode => 'observe', history => false, live => 'id % 19 <> 0');
SELECT count(crmaudit.add_rule('so.many', name, kind, columns::text[], params::jsonb, severity, dimension => dimension, condition => condition))
FROM (VALUES
	('phone_valid', 'format', '{phone}', '{"type": "phone", "region": "CN"}', 'warning', 'validity', NULL),
	('phone_shared', 'shared_value', '{phone}', '{"type": "phone", "region": "CN"}', 'error', 'validity', 'card <> ''5'''),
	('phone_staff', 'not_staff_contact', '{phone}', '{"type": "phone", "staff": [{"table": "so.staff", "column": "phone", "relation": "self"}]}', 'critical', 'validity', NULL),
	('card_unique', 'unique', '{card}', '{}', 'critical', 'uniqueness', NULL),
	('boss_known', 'reference', '{boss}', '{"table": "so.staff", "column": "id"}', 'error', 'consistency', NULL),
	('boss_follows', 'functional_dependency', '{clerk}', '{"determines": "boss"}', 'warning', 'consistency', NULL),
	('boss_filled', 'null_fraction', '{boss}', '{"max": 0.1}', 'warning', 'completeness', NULL),
	('boss_required', 'required', '{boss}', '{}', 'error', 'completeness', NULL)
) AS t(name, kind, columns, params, severity, dimension, condition);
CREATE VIEW so.by_sums AS SELECT owner, rows, score, clean_row_rate, coverage, completeness, validity, consistency, uniqueness FROM crmaudit.owner_score WHERE target = 'so.many'::regclass;
CREATE VIEW so.by_findings AS SELECT value, rows, score, clean_row_rate, coverage, completeness, validity, consistency, uniqueness FROM crmaudit.segment_score('so.many', 'clerk');
SELECT count(*) AS runs FROM crmaudit.sweep('so.many', workers => 0);
SELECT r.name, s.rows, s.failures FROM crmaudit.run_rule s JOIN crmaudit.rule r ON r.id = s.rule_id WHERE r.target = 'so.many'::regclass ORDER BY r.id;
SELECT count(*) AS owners, count(DISTINCT score) > 5 AS scores, sum(rows) AS rows FROM so.by_sums;
SELECT count(*) AS differ FROM (TABLE so.by_sums EXCEPT TABLE so.by_findings) d;
CREATE TEMP TABLE many_serial AS TABLE so.by_sums;
SELECT count(*) AS runs FROM crmaudit.sweep('so.many', workers => 2);
SELECT count(*) AS differ FROM (TABLE many_serial EXCEPT TABLE so.by_sums) d;
-- The table's cells are the sums of its owners'.
SELECT count(*) AS cells, bool_and(coalesce(o.assessed, 0) = coalesce(s.full_assessed[o.cell], 0)) AS same_assessed, sum(o.lost - s.full_lost[o.cell]) AS lost
FROM crmaudit.score_state s CROSS JOIN LATERAL (
	SELECT c.cell, sum(w.full_assessed[c.cell]) AS assessed, sum(w.full_lost[c.cell]) AS lost
	FROM crmaudit.score_owner w CROSS JOIN generate_subscripts(s.cell_is_live, 1) AS c(cell)
	WHERE w.target = s.target AND NOT s.cell_is_live[c.cell] GROUP BY c.cell) o
WHERE s.target = 'so.many'::regclass;
-- Waived, by sums and by findings: the first reckons the points of rows that
-- count, the second judges them anew.
SELECT crmaudit.waive(array_agg(id), '2999-01-01', 'as agreed', 'head of sales') AS waived FROM crmaudit.finding
WHERE target = 'so.many'::regclass AND rule IN ('phone_shared', 'boss_known', 'phone_valid') AND (row_key ->> 'id')::int % 3 = 0;
SELECT count(*) AS owners, count(*) FILTER (WHERE o.score_adjusted > o.score) AS gain, max(abs(o.score_adjusted - s.score_adjusted)) < 0.0002 AS same
FROM crmaudit.owner_score o JOIN crmaudit.segment_score('so.many', 'clerk') s ON s.value IS NOT DISTINCT FROM o.owner WHERE o.target = 'so.many'::regclass;
-- Who does not select it does not read the findings.
CREATE FUNCTION pg_temp.reads_findings(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (VERBOSE, FORMAT JSON) ' || query INTO plan;
	RETURN plan::text LIKE '%owner_adjustments%';
END $$;
SELECT pg_temp.reads_findings('SELECT owner, rows, score FROM crmaudit.owner_score') AS without, pg_temp.reads_findings('SELECT owner, score_adjusted FROM crmaudit.owner_score') AS with;
-- What nobody evaluates is said to be so.
SELECT crmaudit.add_rule('so.many', 'twice', 'duplicate', '{phone}') > 0 AS added;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'so.many'::regclass AND rule = 'twice';
SELECT crmaudit.unprotect('so.many');

SELECT crmaudit.unprotect('so.one');
DROP SCHEMA so CASCADE;
SELECT crmaudit.revoke_duty('auditor', 'crmaudit_so');
DROP ROLE crmaudit_so;
