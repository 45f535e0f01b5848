-- A column of a rule may be a path into a json or jsonb column, written as in
-- SQL: profile->>email, emails->0->>address. Its value is text.
\set SHOW_CONTEXT never

CREATE TABLE contact (id int PRIMARY KEY, b jsonb, j json, "Extra Data" jsonb);
SELECT crmaudit.protect('contact', mode => 'observe');
CREATE FUNCTION pg_temp.verdicts() RETURNS TABLE (id int, violations text)
LANGUAGE sql AS $$
	SELECT id, coalesce(string_agg(DISTINCT format('%s: %s', v.rule, v.reason), ', ') FILTER (WHERE v.rule IS NOT NULL), '-')
	FROM contact AS c LEFT JOIN crmaudit.violations(c) AS v ON true
	GROUP BY id ORDER BY id
$$;
SELECT count(crmaudit.add_rule('contact', name, kind, columns::text[], params::jsonb))
FROM (VALUES
	('b_mail', 'format', '{b->>mail}', '{"type": "email"}'),
	('j_mail', 'format', '{j->>mail}', '{"type": "email"}'),
	('b_first', 'format', '{b->emails->0->>address}', '{"type": "email"}'),
	('j_first', 'format', '{j -> emails -> 0 ->> address}', '{"type": "email"}'),
	('b_required', 'required', '{b->>mail}', '{}'),
	('j_required', 'required', '{j->>mail}', '{}'),
	('b_grade', 'in_set', '{b->grade}', '{"values": ["1", "true", "a"]}'),
	('j_grade', 'in_set', '{j->grade}', '{"values": ["1", "true", "a"]}'),
	('b_last', 'format', '{b->emails->-1->>address}', '{"type": "email"}'),
	('j_last', 'format', '{j->emails->-1->>address}', '{"type": "email"}'),
	('quoted', 'length', '{Extra Data->''The Key''->>0}', '{"max": 1}'),
	('together', 'at_least_one_of', '{b->>mail,j->>mail}', '{}')
) AS t(name, kind, columns, params);

-- A path that leads nowhere, or to null, is NULL: no column, no key, an index
-- beyond the end, a key of an array, an index of an object, a scalar in between.
-- json and jsonb answer alike.
INSERT INTO contact (id, b, j) SELECT id, doc::jsonb, doc::json FROM (VALUES
	(1, NULL),
	(2, '{}'),
	(3, 'null'),
	(4, '"li@mail.cn"'),
	(5, '{"mail": null, "emails": null, "grade": null}'),
	(6, '{"mail": "li@mail.cn", "emails": [{"address": "li@mail.cn"}], "grade": 1}'),
	(7, '{"mail": "li", "emails": [{"address": "li"}, {"address": "li@mail.cn"}], "grade": true}'),
	(8, '{"mail": "li@mail.cn", "emails": [], "grade": "a"}'),
	(9, '{"mail": "li@mail.cn", "emails": {"0": {"address": "li"}}, "grade": "b"}'),
	(10, '{"mail": "li@mail.cn", "emails": "x", "grade": [1]}'),
	(11, '[{"mail": "li@mail.cn"}]'),
	(12, '{"mail": 5, "grade": {"a": 1}}'),
	(13, '{"mail": "li@mail.cn", "emails": [{"address": "li@mail.cn"}, {"address": "li"}]}')
) AS t(id, doc);
SELECT id, violations FROM pg_temp.verdicts();

-- Names are the catalog's, without quotes; a key may be quoted as in SQL.
INSERT INTO contact (id, b, j, "Extra Data") VALUES
	(14, '{"mail": "li@mail.cn"}', NULL, '{"The Key": ["a"]}'),
	(15, '{"mail": "li@mail.cn"}', NULL, '{"The Key": ["ab"]}');
SELECT id, violations FROM pg_temp.verdicts() WHERE id > 13;

-- The violation names the path; so does the error of the gate.
SELECT rule, column_name FROM contact AS c, crmaudit.violations(c) WHERE id = 7 ORDER BY rule;
SELECT crmaudit.set_mode('contact', 'enforce');
INSERT INTO contact (id, b) VALUES (20, '{"mail": "li"}');

-- An UPDATE that changes the document elsewhere is judged again, for the
-- column changed; an old fault of another column does not block it.
UPDATE contact SET "Extra Data" = '{}' WHERE id = 7;

-- What a path cannot be.
SELECT crmaudit.add_rule('contact', 'r', 'required', '{id->>x}');
SELECT crmaudit.add_rule('contact', 'r', 'required', '{b->->>x}');
SELECT crmaudit.add_rule('contact', 'r', 'required', '{b->}');
SELECT crmaudit.add_rule('contact', 'r', 'required', '{c->>x}');
SELECT crmaudit.add_rule('contact', 'r', 'not_future', '{b}');
DROP TABLE contact;
