-- The kind expression, and the condition of any rule: boolean SQL over the row.
\set SHOW_CONTEXT never
\pset null '(null)'

CREATE TABLE customer (id int PRIMARY KEY, kind text, born date, sum int, count int, "Full Name" text, dropped int);
ALTER TABLE customer DROP COLUMN dropped;
SELECT crmaudit.protect('customer', mode => 'observe');
CREATE FUNCTION pg_temp.verdicts() RETURNS TABLE (id int, violations text)
LANGUAGE sql AS $$
	SELECT id, coalesce(string_agg(format('%s(%s): %s %s', v.rule, v.column_name, v.verdict, v.reason), ', ' ORDER BY v.rule, v.column_name)
		FILTER (WHERE v.rule IS NOT NULL), '-')
	FROM customer AS c LEFT JOIN crmaudit.violations(c) AS v ON true
	GROUP BY id ORDER BY id
$$;

-- The SQL is stored as it was understood where it was written: with every
-- name qualified that is not PostgreSQL's own, and constants in a form that
-- no setting of a session makes ambiguous.
CREATE SCHEMA lib;
CREATE FUNCTION lib.is_even(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0';
SET search_path = public, lib;
SELECT crmaudit.add_rule('customer', 'even', 'expression', '{sum}', '{"sql": "is_even(sum)"}', condition => 'customer.kind = ''even''') > 0 AS defined;
RESET search_path;
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SELECT crmaudit.add_rule('customer', 'adult', 'expression', '{}', '{"sql": "age(DATE ''02/01/2024'', born) >= interval ''18 years''"}') > 0 AS defined;
RESET datestyle;
RESET intervalstyle;
SELECT crmaudit.add_rule('customer', 'named', 'expression', '{"Full Name",kind}', '{"sql": "\"Full Name\" <> '''' OR kind IS NULL"}') > 0 AS defined;
SELECT crmaudit.add_rule('customer', 'mean', 'expression', '{}', '{"sql": "sum / count < 10"}') > 0 AS defined;
SELECT crmaudit.add_rule('customer', 'sum_set', 'required', '{sum}', condition => 'kind = ''full''') > 0 AS defined;
SELECT name, params ->> 'sql' AS sql, condition, attnames FROM crmaudit.rule WHERE target = 'customer'::regclass ORDER BY name;

-- False fails; true and NULL pass. A condition that is false or NULL leaves the
-- rule out. Without columns the violation names none. SQL that fails, here by
-- a division by zero, is a violation by the rule's own error.
INSERT INTO customer VALUES
	(1, NULL, NULL, NULL, NULL, NULL),
	(2, 'even', '2000-01-01', 2, 1, 'a'),
	(3, 'even', '2006-06-01', 3, 1, ''),
	(4, 'odd', '2006-01-02', 3, 0, NULL),
	(5, 'full', NULL, NULL, 1, 'b'),
	(6, 'even', NULL, 100, 10, 'c');
SELECT id, violations FROM pg_temp.verdicts();

-- The empty text is no condition.
SELECT crmaudit.add_rule('customer', 'kind_set', 'required', '{kind}', condition => '') > 0 AS defined;
SELECT condition FROM crmaudit.rule WHERE target = 'customer'::regclass AND name = 'kind_set';
SELECT id, violations FROM pg_temp.verdicts() WHERE id = 1;
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = 'customer'::regclass;

-- An expression over the whole row reads every column that is there.
SELECT crmaudit.add_rule('customer', 'some', 'expression', '{}', '{"sql": "customer IS NOT NULL"}') > 0 AS defined;
SELECT attnames FROM crmaudit.rule WHERE target = 'customer'::regclass;
SELECT id, violations FROM pg_temp.verdicts();

-- So does a condition, in a partition whose columns are in another order.
CREATE TABLE contact (kind text, id int, value text, PRIMARY KEY (kind, id)) PARTITION BY LIST (kind);
CREATE TABLE contact_mail (value text, gone int, id int NOT NULL, kind text NOT NULL);
ALTER TABLE contact_mail DROP COLUMN gone;
ALTER TABLE contact ATTACH PARTITION contact_mail FOR VALUES IN ('mail');
CREATE TABLE contact_other PARTITION OF contact DEFAULT;
SELECT crmaudit.protect('contact');
SELECT crmaudit.add_rule('contact', 'mail', 'format', '{value}', '{"type": "email"}', condition => 'kind = ''mail''') > 0 AS defined;
SELECT crmaudit.add_rule('contact', 'short', 'expression', '{value}', '{"sql": "length(value) < 12"}') > 0 AS defined;
\set VERBOSITY terse
INSERT INTO contact VALUES ('fax', 1, 'li'), ('mail', 1, 'li@mail.cn');
INSERT INTO contact VALUES ('mail', 2, 'li');
INSERT INTO contact VALUES ('mail', 2, 'li.wei@mail.cn');
INSERT INTO contact_mail (id, kind, value) VALUES (3, 'mail', 'li');
INSERT INTO contact VALUES ('fax', 2, '+86 10 6278 1234');
SELECT kind, id, value FROM contact ORDER BY kind, id;
DROP TABLE customer, contact;
DROP SCHEMA lib CASCADE;
