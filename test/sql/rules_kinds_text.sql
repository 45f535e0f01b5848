-- The kinds regex, length, charset, in_set, in_list and not_in_list: what a
-- value consists of. NULL passes.
\set SHOW_CONTEXT never
\pset null '(null)'

CREATE TYPE grade AS ENUM ('a', 'b', 'c');
CREATE TABLE customer (
	id int PRIMARY KEY,
	code text,
	name varchar(60),
	sex char(2),
	age int,
	amount numeric,
	grade grade,
	born date
);
SELECT crmaudit.protect('customer', mode => 'observe');
CREATE FUNCTION pg_temp.verdicts() RETURNS TABLE (id int, violations text)
LANGUAGE sql AS $$
	SELECT id, coalesce(string_agg(format('%s: %s', v.rule, v.reason), ', ' ORDER BY v.rule) FILTER (WHERE v.rule IS NOT NULL), '-')
	FROM customer AS c LEFT JOIN crmaudit.violations(c) AS v ON true
	GROUP BY id ORDER BY id
$$;

-- regex: PostgreSQL's own patterns, anywhere in the value, by characters.
SELECT crmaudit.add_rule('customer', 'anchored', 'regex', '{code}', '{"pattern": "^[A-Z]{2}\\d+$"}') > 0 AS defined;
SELECT crmaudit.add_rule('customer', 'anywhere', 'regex', '{code}', '{"pattern": "\\d"}') > 0 AS defined;
SELECT crmaudit.add_rule('customer', 'two_characters', 'regex', '{name}', '{"pattern": "^..$"}') > 0 AS defined;
INSERT INTO customer (id, code, name) VALUES
	(1, NULL, NULL), (2, '', ''), (3, 'AB1', '张伟'), (4, 'xAB1x', '张'), (5, 'AB', '张伟丽'),
	(6, 'AB' || repeat('1', 300), repeat('张', 60));
SELECT id, violations FROM pg_temp.verdicts();
TRUNCATE customer;

-- length: in characters, bounds included, either may be left out.
SELECT count(crmaudit.drop_rule('customer', name)) FROM (VALUES ('anchored'), ('anywhere'), ('two_characters')) AS t(name);
SELECT count(crmaudit.add_rule('customer', name, 'length', columns::text[], params::jsonb))
FROM (VALUES
	('both', '{name}', '{"min": 2, "max": 4}'),
	('exactly', '{sex}', '{"min": 1, "max": 1}'),
	('at_least', '{code}', '{"min": 3}'),
	('at_most', '{code}', '{"max": 3}')
) AS t(name, columns, params);
INSERT INTO customer (id, name, sex, code) VALUES
	(1, NULL, NULL, NULL), (2, '', '', ''), (3, '张', '男', 'abc'), (4, '张伟', '男 ', 'ab'), (5, '张伟张伟', '男男', 'abcd'),
	(6, '张伟张伟张', 'ab', '张伟张'), (7, '𠮷𠮷𠮷𠮷', '𠮷', '𠮷𠮷𠮷𠮷');
SELECT id, violations FROM pg_temp.verdicts();
TRUNCATE customer;

-- charset: a class that is forbidden, or not among those allowed. Every class
-- is tried with one character of its own.
SELECT count(crmaudit.drop_rule('customer', name)) FROM (VALUES ('both'), ('exactly'), ('at_least'), ('at_most')) AS t(name);
SELECT crmaudit.add_rule('customer', 'name', 'charset', '{name}', '{"allow": ["han", "latin", "digit", "space"]}') > 0 AS defined;
SELECT crmaudit.add_rule('customer', 'code', 'charset', '{code}', '{"forbid": ["control", "zero_width"]}') > 0 AS defined;
INSERT INTO customer (id, name, code) VALUES
	(1, NULL, NULL), (2, '', ''), (3, '张 Wei 3　', E'Zhang\u00B7Wei'), (4, '张·伟', E'张\u200B伟'),
	(5, 'Zhäng', E'张\n伟'), (6, '張偉㐀𠀀', E'\uFEFFa'), (7, '张１', '张１'), (8, '張😀', '張😀');
SELECT id, violations FROM pg_temp.verdicts();
TRUNCATE customer;
SELECT count(crmaudit.drop_rule('customer', name)) FROM (VALUES ('name'), ('code')) AS t(name);
SELECT count(crmaudit.add_rule('customer', class, 'charset', '{code}', jsonb_build_object('forbid', ARRAY[class])))
FROM unnest('{control,digit,emoji,full_width,han,hangul,kana,latin,cyrillic,greek,arabic,private_use,punctuation,replacement,space,zero_width,other}'::text[]) AS class;
INSERT INTO customer (id, code) VALUES
	(1, E'\x01'), (2, '7'), (3, '😀'), (4, '７'), (5, '张'), (6, '김'), (7, 'か'), (8, 'é'), (9, 'ж'), (10, 'λ'),
	(11, 'س'), (12, E'\uE000'), (13, '！'), (14, '·'), (15, E'\uFFFD'), (16, '　'), (17, E'\u200D'), (18, '∑'), (19, '〇');
SELECT id, violations FROM pg_temp.verdicts();
TRUNCATE customer;
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = 'customer'::regclass;

-- in_set: compared as the column's type compares, so that 1.0 is 1 and a date
-- may be written in any way; text exactly, but for the padding of char(n).
SELECT count(crmaudit.add_rule('customer', name, 'in_set', columns::text[], params::jsonb))
FROM (VALUES
	('sex', '{sex}', '{"values": ["男", "F", "M"]}'),
	('age', '{age}', '{"values": [18, "65"]}'),
	('amount', '{amount}', '{"values": [1, 2.50]}'),
	('grade', '{grade}', '{"values": ["a", "c"]}'),
	('born', '{born}', '{"values": ["2000-01-01", "20010101"]}'),
	('code', '{code}', '{"values": ["abc", "ab", 1]}')
) AS t(name, columns, params);
INSERT INTO customer (id, sex, age, amount, grade, born, code) VALUES
	(1, NULL, NULL, NULL, NULL, NULL, NULL),
	(2, '男', 18, 1.000, 'a', '2000-01-01', 'ab'),
	(3, 'M', 65, 2.5, 'c', '2001-01-01', '1'),
	(4, 'm', 6, 1.001, 'b', '2001-01-02', 'abcd'),
	(5, '', 0, 0, NULL, NULL, ''),
	(6, NULL, NULL, 'NaN', NULL, 'infinity', 'a');
SELECT id, violations FROM pg_temp.verdicts();
TRUNCATE customer;
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = 'customer'::regclass;

-- in_list and not_in_list: in lower case, the empty string is no value, other
-- types by their text; with "part" the domain of an address, or one above it.
INSERT INTO crmaudit.value_list (list, value) VALUES
	('test_source', 'Web'), ('test_source', '门店'), ('test_source', '7'), ('test_domains', 'trash.example');
SELECT count(crmaudit.add_rule('customer', name, kind, columns::text[], params::jsonb))
FROM (VALUES
	('source', 'in_list', '{code}', '{"list": "test_source"}'),
	('age', 'not_in_list', '{age}', '{"list": "test_source"}'),
	('domain', 'not_in_list', '{name}', '{"list": "test_domains", "part": "domain"}'),
	('disposable', 'not_in_list', '{name}', '{"list": "disposable_domains", "part": "domain"}')
) AS t(name, kind, columns, params);
INSERT INTO customer (id, code, age, name) VALUES
	(1, NULL, NULL, NULL), (2, '', 0, ''), (3, 'WEB', 7, 'a@trash.example'), (4, '门店', 77, 'a@b.Trash.Example'),
	(5, 'web ', -7, 'a@nottrash.example'), (6, 'fax', 70, 'trash.example'), (7, 'web', 1, 'a@mailinator.com'), (8, 'web', 1, 'a@mail.cn');
SELECT id, violations FROM pg_temp.verdicts();

-- A change of a list holds at once, and no longer when it is rolled back, be
-- it to a savepoint.
INSERT INTO crmaudit.value_list (list, value) VALUES ('test_source', 'fax');
SELECT id, violations FROM pg_temp.verdicts() WHERE id = 6;
UPDATE crmaudit.value_list SET value = 'telex' WHERE list = 'test_source' AND value = 'fax';
SELECT id, violations FROM pg_temp.verdicts() WHERE id = 6;
BEGIN;
INSERT INTO crmaudit.value_list (list, value) VALUES ('test_source', 'fax');
SELECT id, violations FROM pg_temp.verdicts() WHERE id = 6;
SAVEPOINT s;
DELETE FROM crmaudit.value_list WHERE list = 'test_source';
SELECT id, violations FROM pg_temp.verdicts() WHERE id IN (6, 7);
ROLLBACK TO s;
SELECT id, violations FROM pg_temp.verdicts() WHERE id IN (6, 7);
ROLLBACK;
SELECT id, violations FROM pg_temp.verdicts() WHERE id IN (6, 7);

-- A list that is emptied, or that nobody has filled yet, has no values.
BEGIN;
TRUNCATE crmaudit.value_list;
SELECT id, violations FROM pg_temp.verdicts() WHERE id IN (3, 7);
ROLLBACK;
SELECT id, violations FROM pg_temp.verdicts() WHERE id IN (3, 7);

DELETE FROM crmaudit.value_list WHERE list LIKE 'test\_%';
DROP TABLE customer;
DROP TYPE grade;
