-- SQL of a rule means what it meant to its definer, whatever settings the
-- sessions have that define, read and obey it.
\set SHOW_CONTEXT never

CREATE TABLE customer (id int PRIMARY KEY, born date, code text, rate float8);
SELECT crmaudit.protect('customer');

SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = 0;
SET escape_string_warning = off;
SET standard_conforming_strings = off;
SELECT crmaudit.add_rule('customer', 'born_late', 'expression',
	params => '{"sql":"born >= date ''02/01/2008'' + interval ''1-2''"}') > 0 AS added;
SELECT crmaudit.add_rule('customer', 'code_odd', 'expression',
	params => jsonb_build_object('sql', 'code <> ' || chr(39) || 'a' || repeat(chr(92), 2) || 'd' || chr(39))) > 0 AS added;
SELECT crmaudit.add_rule('customer', 'rate_exact', 'expression',
	params => '{"sql":"rate <> float8 ''0.1'' + float8 ''0.2''"}') > 0 AS added;
RESET ALL;

-- 2 January 2008 and 14 months, a backslash between a and d, all digits.
SELECT name, params ->> 'sql' AS sql FROM crmaudit.rule WHERE target = 'customer'::regclass ORDER BY name;
INSERT INTO customer VALUES (1, '2009-03-01', 'ad', 0);
INSERT INTO customer VALUES (2, '2009-03-02', 'a\d', 0.1::float8 + 0.2::float8);
INSERT INTO customer VALUES (2, '2009-03-02', 'a\\d', 0.3);

-- A writer's settings change nothing, nor do those of who renames a column.
\c -
SET datestyle = 'SQL, DMY';
SET standard_conforming_strings = off;
SET escape_string_warning = off;
INSERT INTO customer VALUES (3, '01/03/2009', E'a\\d', 0);
ALTER TABLE customer RENAME COLUMN born TO birthday;
INSERT INTO customer VALUES (3, '01/03/2009', E'a\\d', 0);
RESET ALL;
SELECT name, params ->> 'sql' AS sql FROM crmaudit.rule WHERE target = 'customer'::regclass ORDER BY name;

DROP TABLE customer;
