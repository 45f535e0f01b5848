-- The kinds required, not_blank and at_least_one_of: whether something is
-- there. They are the ones that NULL does not pass.
\set SHOW_CONTEXT never
\pset null '(null)'

CREATE TABLE customer (
	id int PRIMARY KEY,
	note text,
	name text,
	padded char(4),
	age int,
	phone text,
	mail text
);
SELECT crmaudit.protect('customer', mode => 'observe');
SELECT count(crmaudit.add_rule('customer', name, kind, columns::text[]))
FROM (VALUES
	('name_required', 'required', '{name}'),
	('name_not_blank', 'not_blank', '{name}'),
	('padded_not_blank', 'not_blank', '{padded}'),
	('age_not_blank', 'not_blank', '{age}'),
	('contact', 'at_least_one_of', '{phone,mail,age}')
) AS t(name, kind, columns);

-- NULL fails all three; an empty or blank text is there for "required" only,
-- and a number is never blank.
INSERT INTO customer (id, note, name, padded, age, phone, mail) VALUES
	(1, 'nothing', NULL, NULL, NULL, NULL, NULL),
	(2, 'empty', '', '', 1, '', ''),
	(3, 'blanks', '   ', '    ', NULL, ' ', E'\t\n'),
	(4, 'full-width blank', '　', '　', NULL, '　', NULL),
	(5, 'no-break, em and zero-width space', E'\u00A0\u2003\u200B', NULL, 0, NULL, NULL),
	(6, 'byte order mark', E'\uFEFF', 'a', NULL, NULL, 'a'),
	(7, 'a letter among blanks', ' 　a ', ' a', 0, ' ', ' 1'),
	(8, 'all', '张伟', '张', 30, '1', '1');
SELECT id, note, coalesce(string_agg(DISTINCT format('%s: %s', v.rule, v.reason), ', ') FILTER (WHERE v.rule IS NOT NULL), '-') AS violations
FROM customer AS c LEFT JOIN crmaudit.violations(c) AS v ON true
GROUP BY id, note ORDER BY id;

-- A rule over several columns is broken on each of them.
SELECT rule, column_name, severity, dimension, verdict, reason, message
FROM customer AS c, crmaudit.violations(c)
WHERE id = 1 ORDER BY rule, column_name;
DROP TABLE customer;
