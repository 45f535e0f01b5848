-- The kinds format, id_matches_birth_date and id_matches_sex: identifiers, and
-- what a resident ID tells of its holder.
\set SHOW_CONTEXT never
\pset null '(null)'

CREATE TABLE customer (
	id int PRIMARY KEY,
	mail varchar(40),
	phone text,
	country char(2),
	card numeric,
	uscc char(20)
);
SELECT crmaudit.protect('customer', mode => 'observe');
SELECT count(crmaudit.add_rule('customer', name, 'format', columns::text[], params::jsonb))
FROM (VALUES
	('card', '{card}', '{"type": "bank_card"}'),
	('mail', '{mail}', '{"type": "email", "none": ["/", "无"]}'),
	('phone', '{phone}', '{"type": "phone", "region": "cn", "region_column": "country"}'),
	('uscc', '{uscc}', '{"type": "uscc"}')
) AS t(name, columns, params);

-- NULL and the empty string pass, and so do the marks of absence of "none",
-- exactly as they stand there. The verdict suspect stays what it is.
-- The region comes from its column where that holds a code, else from
-- "region"; blanks at the end of
-- char(n) are not part of a value; numbers are read as text.
INSERT INTO customer (id, mail, phone, country, card, uscc) VALUES
	(1, NULL, NULL, NULL, NULL, NULL),
	(2, '', '', '', NULL, ''),
	(3, '/', '138 1234 5678', NULL, 6228480402564890018, '91350100M000100Y43'),
	(4, '无', '138 1234 5678', 'CN', 6228480402564890019, '91350200M000100Y43'),
	(5, '//', '138 1234 5678', 'US', 4111111111111112, '91350100M000100Y44'),
	(6, ' ', '(202) 555-0143', 'us', NULL, NULL),
	(7, 'li.wei@mail.cn', '138 1234 5678', '??', NULL, NULL),
	(8, 'li.wei@localhost', '138 1234 567', '中国', NULL, NULL);
SELECT id, coalesce(string_agg(format('%s: %s %s', v.rule, v.verdict, v.reason), ', ' ORDER BY v.rule) FILTER (WHERE v.rule IS NOT NULL), '-') AS violations
FROM customer AS c LEFT JOIN crmaudit.violations(c) AS v ON true
GROUP BY id ORDER BY id;

-- A suspect value is a warning at most, whatever the severity of the rule.
SELECT id, rule, severity, verdict FROM customer AS c, crmaudit.violations(c) WHERE rule = 'card' ORDER BY id;
-- A parameter that another type takes is refused, and an area code must be one.
SELECT crmaudit.add_rule('customer', 'p1', 'format', '{uscc}', '{"type":"uscc","area":"028"}');
-- The parameters about Chinese numbers make CN the region; another one is an error.
SELECT crmaudit.add_rule('customer', 'p3', 'format', '{phone}', '{"type":"phone","region":"US","service_numbers":true}');
SELECT (crmaudit.explain_value(value, params::jsonb)).verdict, value, params FROM (VALUES
	('8230 2320', '{"type":"phone","area":"028"}'), ('8230 2320', '{"type":"phone","region":"CN"}'),
	('95598', '{"type":"phone","service_numbers":true}'), ('028-82302320转12', '{"type":"phone","extension_marks":true}')) AS t(value, params);
SELECT crmaudit.add_rule('customer', 'p2', 'format', '{phone}', '{"type":"phone","region":"CN","area":"成都"}');

DROP TABLE customer;

-- What people in China write into a phone column is allowed by one parameter
-- each: an area code for local numbers, service numbers, words for "extension"
-- and several numbers. Without them libphonenumber's verdict stands.
CREATE TABLE phone_book (id int PRIMARY KEY, plain text, area text, service text, mark text, several text);
SELECT crmaudit.protect('phone_book') \gset
SELECT count(crmaudit.add_rule('phone_book', name, 'format', ARRAY[name], '{"type": "phone", "region": "CN", "normalise": true}' || params)) AS rules
FROM (VALUES
	('plain', '{}'::jsonb),
	('area', '{"area": "028"}'),
	('service', '{"service_numbers": true}'),
	('mark', '{"extension_marks": true}'),
	('several', '{"multiple": true, "area": "028"}')
) AS t(name, params);
SELECT crmaudit.set_mode('phone_book', 'observe') \gset
INSERT INTO phone_book SELECT id, value, value, value, value, value
FROM (VALUES
	(1, '82302322'),
	(2, '8230232'),
	(3, '95598'),
	(4, '110'),
	(5, '400-888-1234'),
	(6, '028-82302322转8001'),
	(7, '028-82302322 分机：801号'),
	(8, '028-82302322转张三'),
	(9, '13812345678/82302322'),
	(10, '13812345678、；123'),
	(11, '+86 28 8230 2322 ext. 12'),
	(12, '13812345678'),
	(13, '13812345678 张三')
) AS t(id, value);
SELECT id, coalesce(string_agg(format('%s: %s %s', v.rule, v.verdict, v.reason), ', ' ORDER BY v.rule) FILTER (WHERE v.rule IS NOT NULL), '-') AS violations
FROM phone_book AS b LEFT JOIN crmaudit.violations(b) AS v ON true
GROUP BY id ORDER BY id;

-- Written back is what was completed, and each of several numbers; but no
-- number with an extension or with words after it, which would be lost.
SELECT id, plain, area, service, mark, several FROM phone_book ORDER BY id;
DROP TABLE phone_book;

-- The ID must tell the birth date and the sex that stand beside it. Nothing is
-- said where either is missing or the ID tells none; GB/T 2261.1's 0 (unknown)
-- and 9 (unstated) are no contradiction; a code in neither list, and a text
-- that is no date, are suspect. A wrong check character is format's matter.
CREATE TABLE person (id int PRIMARY KEY, id_no text, born date, born_text text, sex text, sex_code int);
SELECT crmaudit.protect('person', mode => 'observe');
SELECT count(crmaudit.add_rule('person', name, kind, columns::text[], params::jsonb))
FROM (VALUES
	('born', 'id_matches_birth_date', '{id_no,born}', '{}'),
	('born_text', 'id_matches_birth_date', '{id_no,born_text}', '{}'),
	('sex', 'id_matches_sex', '{id_no,sex}', '{}'),
	('sex_code', 'id_matches_sex', '{id_no,sex_code}', '{"male": [7], "female": [8]}')
) AS t(name, kind, columns, params);
INSERT INTO person (id, id_no, born, born_text, sex, sex_code) VALUES
	(1, '11010519491231002X', '1949-12-31', '1949/12/31', 'F', 8),
	(2, '11010519491231002X', '1949-12-30', '1949.12.3', '男', 7),
	(3, '110105491231002', '1949-12-31', '19491231', 'female', 8),
	(4, '110105199003072215', '1990-03-07', '1990-03-07 00:00', 'm', 7),
	(5, '11010519491231002X', NULL, '', '', NULL),
	(6, NULL, '1949-12-31', '1949-12-31', 'M', 7),
	(7, 'E12345678', '1949-12-31', 'long ago', 'M', 7),
	(8, '11010519491231002X', '1949-12-31', '31.12.1949', '9', 0),
	(9, '11010519491231002X', '1949-12-31', '1949-02-30', '?', 1),
	(10, '110105194912310021', '1949-12-31', '1949-12-31', '2', 8);
SELECT id, coalesce(string_agg(DISTINCT format('%s: %s %s', v.rule, v.verdict, v.reason), ', ') FILTER (WHERE v.rule IS NOT NULL), '-') AS violations
FROM person AS p LEFT JOIN crmaudit.violations(p) AS v ON true
GROUP BY id ORDER BY id;
DROP TABLE person;
