-- A rule is checked when it is defined: what is wrong is an error with its
-- SQLSTATE, which names the parameter or column and lists what is possible.
\set SHOW_CONTEXT never

CREATE TYPE grade AS ENUM ('a', 'b');
CREATE TABLE customer (
	id int PRIMARY KEY,
	name text,
	mail varchar(60),
	age int,
	grade grade,
	born date,
	made_at timestamptz,
	spot point,
	profile jsonb,
	shout text GENERATED ALWAYS AS (upper(name)) STORED
);
SELECT crmaudit.protect('customer');

-- What a statement was refused with; "about" is the parameter whose value was
-- at fault, if the error comes from the input function of a type.
CREATE FUNCTION pg_temp.refusal(statement text, OUT state text, OUT message text, OUT detail text, OUT hint text, OUT about text)
LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE statement;
	message := 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	detail := nullif(detail, '');
	hint := nullif(hint, '');
	about := substring(context FROM '^parameter [^\n]*');
END $$;
-- The same of add_rule() with the rest of its arguments.
CREATE FUNCTION pg_temp.refused(arguments text, OUT state text, OUT message text, OUT detail text, OUT hint text, OUT about text)
LANGUAGE sql AS $$ SELECT * FROM pg_temp.refusal('SELECT crmaudit.add_rule(''customer'', ''r'', ' || arguments || ')') $$;
\pset expanded on
\pset tuples_only on
\pset null ''

-- The kind: unknown, or not given.
SELECT state, message, hint FROM pg_temp.refused($$'e-mail', '{mail}'$$);
SELECT state, message FROM pg_temp.refused($$NULL, '{mail}'$$);
\pset expanded off

-- The number of columns, of every form that a kind may take.
SELECT state, message FROM (VALUES
	(1, $$'required'$$),
	(2, $$'required', '{name,mail}'$$),
	(3, $$'at_least_one_of', '{name}'$$),
	(4, $$'columns_equal', '{name,mail,age}'$$),
	(5, $$'unique'$$),
	(6, $$'row_count', '{name}', '{"min": 1}'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;

-- Parameters: missing, unknown, or not of the type that the kind takes.
\pset expanded on
SELECT state, message, detail, hint FROM (VALUES
	(1, $$'format', '{mail}'$$),
	(2, $$'regex', '{mail}', '{"pattern": null}'$$),
	(3, $$'length', '{name}', '{"minimum": 2}'$$),
	(4, $$'required', '{name}', '{"min": 2}'$$),
	(5, $$'length', '{name}'$$),
	(6, $$'range', '{age}'$$),
	(7, $$'charset', '{name}'$$),
	(8, $$'length', '{name}', '{"min": "2"}'$$),
	(9, $$'length', '{name}', '{"min": 2.5}'$$),
	(10, $$'length', '{name}', '{"min": 3000000000}'$$),
	(11, $$'regex', '{name}', '{"pattern": 2}'$$),
	(12, $$'date_order', '{born,made_at}', '{"strict": "yes"}'$$),
	(13, $$'range', '{age}', '{"min": true}'$$),
	(14, $$'in_set', '{name}', '{"values": "M"}'$$),
	(15, $$'in_set', '{name}', '{"values": [["M"]]}'$$),
	(16, $$'max_age', '{born}', '{"interval": 365}'$$),
	(17, $$'transition', '{name}', '{"allow": [["lead"]]}'$$),
	(18, $$'transition', '{name}', '{"allow": [["lead", 1]]}'$$),
	(19, $$'has_related', '{}', '{"table": "t", "key": "id"}'$$),
	(20, $$'required', '{name}', '[]'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;

-- A value that the column's type, or the parameter's, does not take: the error
-- is that of the type, and names the parameter.
SELECT state, message, about FROM (VALUES
	(1, $$'range', '{age}', '{"min": "young"}'$$),
	(2, $$'range', '{born}', '{"max": "1900-02-30"}'$$),
	(3, $$'in_set', '{grade}', '{"values": ["a", "c"]}'$$),
	(4, $$'in_set', '{age}', '{"values": [1, "two"]}'$$),
	(5, $$'max_age', '{born}', '{"interval": "a year or so"}'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;

-- Values that make no sense: bounds between which nothing lies, an unknown
-- identifier type, region, character class or part of a value.
SELECT state, message, hint FROM (VALUES
	(1, $$'length', '{name}', '{"min": 3, "max": 2}'$$),
	(2, $$'range', '{age}', '{"min": 3, "max": 2}'$$),
	(3, $$'range', '{born}', '{"min": "2024-01-01", "max": "1924-01-01"}'$$),
	(4, $$'format', '{mail}', '{"type": "e-mail"}'$$),
	(5, $$'format', '{name}', '{"type": "phone", "region": "China"}'$$),
	(6, $$'charset', '{name}', '{"allow": ["han", "chinese"]}'$$),
	(7, $$'charset', '{name}', '{"forbid": ["bell"]}'$$),
	(8, $$'not_in_list', '{mail}', '{"list": "disposable_domains", "part": "host"}'$$),
	(9, $$'in_list', '{name}', jsonb_build_object('list', repeat('x', 128))$$),
	(10, $$'not_in_list', '{mail}', '{"list": "disposible_domains"}'$$),
	(11, $$'placeholder', '{name}', '{"extra": ["0123456789012345678901234567890123456789012345678901234567890123456789"]}'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;

-- When a rule is checked and when a finding is due.
SELECT state, message, detail, hint FROM (VALUES
	(1, $$'required', '{name}', '{"timing": "later"}'$$),
	(2, $$'immutable', '{name}', '{"timing": "commit"}'$$),
	(3, $$'row_count', '{}', '{"min": 1, "timing": "commit"}'$$),
	(4, $$'required', '{name}', '{"due": "soon"}'$$),
	(5, $$'required', '{name}', '{"due": "99999999999999 years"}'$$),
	(6, $$'required', '{name}', '{"due": 3}'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;

-- Columns: one that does not exist (also where a parameter names it), a
-- system column, NULL, a generated one, whose value the gate does not know
-- yet, and paths.
SELECT state, message, detail, hint FROM (VALUES
	(1, $$'required', '{nmae}'$$),
	(2, $$'required', '{"Name"}'$$),
	(3, $$'required', '{ctid}'$$),
	(4, $$'format', '{mail}', '{"type": "phone", "region_column": "country"}'$$),
	(5, $$'required', ARRAY[NULL]$$),
	(6, $$'required', '{shout}'$$),
	(7, $$'required', '{name->>first}'$$),
	(8, $$'required', '{profile->>}'$$),
	(9, $$'required', '{proflie->>mail}'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;

-- A type that does not suit the kind.
SELECT state, message, hint FROM (VALUES
	(1, $$'regex', '{age}', '{"pattern": "."}'$$),
	(2, $$'length', '{age}', '{"min": 2}'$$),
	(3, $$'charset', '{born}', '{"allow": ["digit"]}'$$),
	(4, $$'range', '{spot}', '{"min": "(0,0)"}'$$),
	(5, $$'date_order', '{born,age}'$$),
	(6, $$'not_future', '{spot}'$$),
	(7, $$'max_age', '{age}', '{"interval": "1 year"}'$$),
	(8, $$'id_matches_birth_date', '{name,age}'$$),
	(9, $$'columns_equal', '{age,name}'$$),
	(10, $$'in_set', '{profile}', '{"values": ["{"]}'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;
CREATE TABLE note (id int PRIMARY KEY, body json);
SELECT crmaudit.protect('note');
SELECT state, message FROM pg_temp.refusal($$SELECT crmaudit.add_rule('note', 'r', 'in_set', '{body}', '{"values": ["{}"]}')$$);

-- A pattern that is no regular expression.
SELECT state, message, hint FROM pg_temp.refused($$'regex', '{name}', '{"pattern": "(open"}'$$);

-- SQL: what does not parse, and what goes beyond one boolean expression over
-- the row, in each of the three places that take it.
SELECT state, message, hint FROM (VALUES
	(1, 'age >'),
	(2, 'SELECT true'),
	(3, 'true, false'),
	(4, 'true FROM customer'),
	(5, 'true AS x'),
	(6, 'age'),
	(7, 'agee > 1'),
	(8, 'customers.age > 1'),
	(9, 'no_such_function(age)'),
	(10, 'age > $1'),
	(11, 'age > (SELECT 1)'),
	(12, 'count(*) > 1'),
	(13, 'row_number() OVER () > 1'),
	(14, 'generate_series(1, age) > 1'),
	(15, 'age > random()'),
	(16, 'ctid IS NOT NULL'),
	(17, 'tableoid IS NOT NULL'),
	(18, 'shout <> name'),
	(19, 'customer IS NOT NULL')
) AS t(n, sql), pg_temp.refused(format($$'expression', '{}', %L$$, jsonb_build_object('sql', sql))) ORDER BY n;
SELECT state, message FROM (VALUES
	(1, 'age >'),
	(2, 'age'),
	(3, 'age > (SELECT 1)'),
	(4, 'count(*) > 1'),
	(5, 'row_number() OVER () > 1'),
	(6, 'generate_series(1, age) > 1'),
	(7, 'age > random()'),
	(8, 'ctid IS NOT NULL'),
	(9, 'shout <> name')
) AS t(n, sql), pg_temp.refused(format($$'required', '{name}', condition => %L$$, sql)) ORDER BY n;
SELECT state, message FROM (VALUES
	(1, 'age >'),
	(2, 'age'),
	(3, 'age > (SELECT 1)'),
	(4, 'count(*) > 1'),
	(5, 'row_number() OVER () > 1'),
	(6, 'generate_series(1, age) > 1'),
	(7, 'age > random()'),
	(8, 'ctid IS NOT NULL'),
	(9, 'shout <> name')
) AS t(n, sql), pg_temp.refusal(format($$SELECT crmaudit.protect('customer', live => %L)$$, sql)) ORDER BY n;

-- Severity, dimension, weight, and a term that ends before it begins.
SELECT state, message, hint FROM (VALUES
	(1, $$'required', '{name}', severity => 'fatal'$$),
	(2, $$'required', '{name}', severity => NULL$$),
	(3, $$'required', '{name}', dimension => 'beauty'$$),
	(4, $$'required', '{name}', weight => 0$$),
	(5, $$'required', '{name}', weight => -1$$),
	(6, $$'required', '{name}', weight => NULL$$),
	(7, $$'required', '{name}', weight => 'NaN'$$),
	(8, $$'required', '{name}', weight => 'Infinity'$$),
	(9, $$'required', '{name}', valid_from => '2024-02-01', valid_until => '2024-01-01'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;

-- The name: none, empty, or taken; and a table that is not protected.
CREATE TABLE stranger (id int PRIMARY KEY);
SELECT crmaudit.add_rule('customer', 'name_required', 'required', '{name}') > 0;
SELECT state, message, hint FROM (VALUES
	(1, $$crmaudit.add_rule('customer', NULL, 'required', '{name}')$$),
	(2, $$crmaudit.add_rule('customer', '', 'required', '{name}')$$),
	(3, $$crmaudit.add_rule('customer', 'name_required', 'required', '{mail}')$$),
	(4, $$crmaudit.add_rule('stranger', 'r', 'required', '{id}')$$),
	(5, $$crmaudit.add_rule(NULL, 'r', 'required', '{id}')$$)
) AS t(n, call), pg_temp.refusal('SELECT ' || call) ORDER BY n;

-- SQL runs as whoever writes the row, so that only the table's owner may
-- define it; other rules take the duty admin.
CREATE ROLE regress_crmaudit_admin;
SELECT right_words FROM crmaudit.grant_duty('admin', 'regress_crmaudit_admin') AS right_words ORDER BY 1;
SET ROLE regress_crmaudit_admin;
SELECT state, message, detail FROM (VALUES
	(1, $$'expression', '{}', '{"sql": "age > 1"}'$$),
	(2, $$'required', '{mail}', condition => 'age > 1'$$),
	(3, $$'required', '{mail}'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;
SELECT state, message, detail FROM pg_temp.refusal($$SELECT crmaudit.protect('customer', live => 'age > 1')$$);
RESET ROLE;

-- Nothing that was refused has left a trace: there is what was accepted.
SELECT r.target, r.name, r.version FROM crmaudit.rule r WHERE target = 'customer'::regclass ORDER BY r.name;
SELECT name, version FROM crmaudit.rule_version WHERE target = 'customer'::regclass ORDER BY name, version;

-- The functions behind the definition take NULL without harm.
SELECT crmaudit.rule_check('customer', NULL, NULL, NULL, NULL, NULL, NULL);
SELECT crmaudit.canonical_expression('customer', NULL, NULL, NULL, NULL, NULL);

DROP TABLE customer, stranger, note;
DROP TYPE grade;
SELECT crmaudit.revoke_duty('admin', 'regress_crmaudit_admin');
REVOKE USAGE ON SCHEMA crmaudit FROM regress_crmaudit_admin;
DROP ROLE regress_crmaudit_admin;
