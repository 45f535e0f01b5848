-- Rules follow their table: columns are kept by attribute and shown by name.
\set SHOW_CONTEXT never

CREATE TABLE "Customer Base" (
	"Cust No" int PRIMARY KEY,
	name text,
	"Birth Day" date,
	phone text,
	country text,
	profile jsonb,
	closed boolean NOT NULL DEFAULT false,
	note text,
	spare text
);
SELECT crmaudit.protect('"Customer Base"', roles => '{"phone": "phone", "Birth Day": "birth_date", "profile->>mail": "email"}',
	live => 'NOT closed', mode => 'observe');
SELECT count(crmaudit.add_rule('"Customer Base"', name, kind, columns::text[], params::jsonb, condition => condition))
FROM (VALUES
	('plain', 'length', '{note}', '{"min": 2}', NULL),
	('name_filled', 'not_blank', '{name}', '{}', '"Birth Day" IS NOT NULL'),
	('phone_valid', 'format', '{phone}', '{"type": "phone", "region_column": "country"}', NULL),
	('mail_valid', 'format', '{profile->>mail}', '{"type": "email"}', NULL),
	('adult', 'expression', '{"Birth Day"}', '{"sql": "\"Birth Day\" < DATE ''2006-01-01'' OR name LIKE ''name%''"}', NULL)
) AS t(name, kind, columns, params, condition);
INSERT INTO "Customer Base" VALUES (1, '', '2007-01-01', '138 1234 567', 'CN', '{"mail": "li"}', false, 'x');
CREATE FUNCTION pg_temp.broken(c "Customer Base") RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT format('%s(%s)', rule, column_name), ', ') FROM crmaudit.violations(c)
$$;
SELECT pg_temp.broken(c) FROM "Customer Base" AS c;

-- A rename is followed wherever the column is named: columns, the parameter
-- region_column, condition, expression, path, live condition, key and roles;
-- a text in the SQL that reads like the column is not touched.
ALTER TABLE "Customer Base" RENAME COLUMN name TO "Full Name";
ALTER TABLE "Customer Base" RENAME COLUMN "Birth Day" TO born;
ALTER TABLE "Customer Base" RENAME country TO land;
ALTER TABLE "Customer Base" RENAME profile TO "Pro File";
ALTER TABLE "Customer Base" RENAME note TO remark;
ALTER TABLE "Customer Base" RENAME closed TO gone;
ALTER TABLE "Customer Base" RENAME phone TO mobile;
ALTER TABLE "Customer Base" RENAME "Cust No" TO no;
ALTER TABLE "Customer Base" RENAME TO customer;
SELECT name, columns, params, condition, attnames FROM crmaudit.rule WHERE target = 'customer'::regclass ORDER BY name;
SELECT live, key, roles, attnames FROM crmaudit.protected_table WHERE target = 'customer'::regclass;
SELECT pg_temp.broken(c) FROM customer AS c;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'customer'::regclass ORDER BY rule;
INSERT INTO customer (no, remark) VALUES (2, 'y');
SELECT row_key FROM crmaudit.finding WHERE target = 'customer'::regclass AND rule = 'plain' AND row_key ->> 'no' = '2';
DELETE FROM customer WHERE no = 2;

-- Another column may take a name that was given up.
ALTER TABLE customer RENAME spare TO phone;
ALTER TABLE customer ADD COLUMN name text;
SELECT pg_temp.broken(c) FROM customer AS c;
SELECT name, columns FROM crmaudit.rule WHERE target = 'customer'::regclass AND name IN ('name_filled', 'phone_valid') ORDER BY name;

-- A column whose name looks like a path is one by itself.
ALTER TABLE customer RENAME remark TO "re->mark";
ALTER TABLE customer RENAME "re->mark" TO remark;
SELECT columns FROM crmaudit.rule WHERE target = 'customer'::regclass AND name = 'plain';

-- A rename that is rolled back is not followed.
BEGIN;
ALTER TABLE customer RENAME remark TO comment;
SELECT columns FROM crmaudit.rule WHERE target = 'customer'::regclass AND name = 'plain';
ROLLBACK;
SELECT columns FROM crmaudit.rule WHERE target = 'customer'::regclass AND name = 'plain';

-- Whoever may alter the table need have no rights on crmaudit.
CREATE ROLE regress_crmaudit_owner;
ALTER TABLE customer OWNER TO regress_crmaudit_owner;
GRANT CREATE ON SCHEMA public TO regress_crmaudit_owner;
SET ROLE regress_crmaudit_owner;
ALTER TABLE customer RENAME remark TO note;
RESET ROLE;
SELECT columns FROM crmaudit.rule WHERE target = 'customer'::regclass AND name = 'plain';
ALTER TABLE customer OWNER TO CURRENT_USER;
REVOKE CREATE ON SCHEMA public FROM regress_crmaudit_owner;
DROP ROLE regress_crmaudit_owner;

-- A column that rules read is not dropped: all of them are named. The same
-- holds for what the protection itself reads. Other columns may go.
ALTER TABLE customer DROP COLUMN born;
ALTER TABLE customer DROP COLUMN "Pro File";
ALTER TABLE customer DROP COLUMN land CASCADE;
ALTER TABLE customer DROP COLUMN gone;
ALTER TABLE customer DROP COLUMN no;
ALTER TABLE customer DROP COLUMN phone;
SELECT crmaudit.drop_rule('customer', 'plain');
ALTER TABLE customer DROP COLUMN note;
SELECT pg_temp.broken(c) FROM customer AS c;

-- A changed type compiles the rules anew. One that the new type does not suit
-- is out of work, which rule_status tells, and does not stop any write; when
-- the type is back, so is the rule.
ALTER TABLE customer ALTER COLUMN mobile TYPE varchar(20);
SELECT pg_temp.broken(c) FROM customer AS c;
ALTER TABLE customer ALTER COLUMN born TYPE text;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'customer'::regclass ORDER BY rule;
SELECT pg_temp.broken(c) FROM customer AS c;
INSERT INTO customer (no, mobile, born) VALUES (3, '138 1234 567', 'long ago');
DELETE FROM customer WHERE no = 3;
ALTER TABLE customer ALTER COLUMN born TYPE date USING born::date;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'customer'::regclass ORDER BY rule;
SELECT pg_temp.broken(c) FROM customer AS c;
ALTER TABLE customer ALTER COLUMN "Pro File" TYPE text;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'customer'::regclass AND rule = 'mail_valid';
SELECT rule, rows, coverage FROM crmaudit.measure_table('customer'), LATERAL (SELECT 'all' AS rule) AS r;

-- So it is with the live condition: while it cannot be read every row counts,
-- no write fails for it, and rule_status tells.
ALTER TABLE customer ALTER COLUMN gone DROP DEFAULT, ALTER COLUMN gone TYPE text;
INSERT INTO customer (no, gone) VALUES (4, 'true');
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'customer'::regclass AND rule = 'name_filled';
SELECT rows FROM crmaudit.measure_table('customer');
ALTER TABLE customer ALTER COLUMN gone TYPE boolean USING gone::boolean;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'customer'::regclass AND rule = 'name_filled';
SELECT rows FROM crmaudit.measure_table('customer');
DELETE FROM customer WHERE no = 4;

-- A function that an expression calls may change, or go.
CREATE FUNCTION is_even(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 0';
SELECT crmaudit.add_rule('customer', 'even', 'expression', '{no}', '{"sql": "is_even(no)"}') > 0 AS defined;
SELECT pg_temp.broken(c) FROM customer AS c;
CREATE OR REPLACE FUNCTION is_even(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 1';
SELECT pg_temp.broken(c) FROM customer AS c;
DROP FUNCTION is_even(int);
SELECT pg_temp.broken(c) FROM customer AS c;
SELECT state FROM crmaudit.rule_status WHERE target = 'customer'::regclass AND rule = 'even';

-- The columns of a child by inheritance are renamed by its parent.
CREATE TABLE party (id int PRIMARY KEY, mail text);
CREATE TABLE person (PRIMARY KEY (id)) INHERITS (party);
SELECT crmaudit.protect('person', mode => 'observe');
SELECT crmaudit.add_rule('person', 'mail', 'required', '{mail}') > 0 AS defined;
ALTER TABLE party RENAME mail TO email;
SELECT columns, state FROM crmaudit.rule_status WHERE target = 'person'::regclass;

-- DROP TABLE removes the rules and resolves the findings; what the rules said
-- is still known.
SELECT count(*) > 0 AS had_findings FROM crmaudit.finding WHERE target = 'customer'::regclass AND status = 'open';
SELECT 'customer'::regclass::oid AS customer \gset
SELECT id AS phone_rule FROM crmaudit.rule WHERE target = 'customer'::regclass AND name = 'phone_valid' \gset
DROP FUNCTION pg_temp.broken(customer);
DROP TABLE customer;
SELECT count(*) FROM crmaudit.rule WHERE target = :customer;
SELECT count(*) FROM crmaudit.protected_table WHERE target = :customer;
SELECT status, resolution, count(*) > 0 AS some FROM crmaudit.finding WHERE rule_id = :phone_rule GROUP BY status, resolution ORDER BY status, resolution;
SELECT name, definition ->> 'table' AS "table", dropped_at IS NOT NULL AS dropped FROM crmaudit.rule_version WHERE rule_id = :phone_rule;
DROP TABLE party CASCADE;

-- A table is renamed: SQL that speaks of its row as a whole goes with it.
CREATE TABLE ra_party (id int PRIMARY KEY, name text);
SELECT crmaudit.protect('ra_party') \gset
SELECT crmaudit.add_rule('ra_party', 'whole', 'expression', params => '{"sql":"ra_party IS NOT NULL AND ra_party.name <> ''x''"}') \gset
ALTER TABLE ra_party RENAME TO ra_person;
INSERT INTO ra_person VALUES (1, 'x');
SELECT crmaudit.alter_rule('ra_person', 'whole', severity => 'warning');
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'ra_person'::regclass;
DROP TABLE ra_person;
