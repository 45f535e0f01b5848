-- The kinds columns_equal and columns_differ, and the kinds about an UPDATE:
-- immutable, transition and changed_together.
\set SHOW_CONTEXT never
\set VERBOSITY terse

-- Two columns: NULL beside a value is not compared. Types that have an
-- operator = in common are compared by it, so that a date equals its midnight
-- and 5 equals 5 of another size; two texts, and paths, by what they read.
CREATE TABLE pair (
	id int PRIMARY KEY, a text, b varchar(10), c char(10), n numeric, m numeric,
	small smallint, big bigint, day date, at timestamp, doc jsonb);
SELECT crmaudit.protect('pair', mode => 'observe');
SELECT count(crmaudit.add_rule('pair', kind || '_' || columns, kind, columns::text[]))
FROM (VALUES ('{a,b}'), ('{b,c}'), ('{n,m}'), ('{small,big}'), ('{day,at}'), ('{a,doc->>a}'), ('{small,doc->>n}')) AS c(columns),
	unnest('{columns_equal,columns_differ}'::text[]) AS kind;
INSERT INTO pair VALUES
	(1, 'x', 'x', 'x', 5, 5.0, 5, 5, '2024-05-01', '2024-05-01', '{"a": "x", "n": 5}'),
	(2, 'x', 'X', 'y', 5, 5.1, 5, 6, '2024-05-01', '2024-05-01 00:01', '{"a": "y", "n": 6}'),
	(3, 'x', NULL, 'x', NULL, 5, NULL, 5, '2024-05-01', NULL, '{"a": null}'),
	(4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT p.id, v.rule, v.reason FROM pair AS p, crmaudit.violations(p) AS v
GROUP BY p.id, v.rule, v.reason ORDER BY p.id, v.rule;
DROP TABLE pair;

CREATE TABLE deal (
	id int PRIMARY KEY,
	customer int,
	signed date,
	amount numeric,
	status text,
	step int,
	phone text,
	mail text,
	updated_at timestamptz,
	doc jsonb
);
SELECT crmaudit.protect('deal');

-- immutable: no column may change; with "once_set" NULL may be filled. An
-- INSERT is no change, nor is an UPDATE that writes the same value; what
-- changes elsewhere in a json document does not concern a path.
SELECT count(crmaudit.add_rule('deal', name, 'immutable', columns::text[], params::jsonb))
FROM (VALUES
	('customer_fixed', '{customer,amount}', '{}'),
	('signed_once', '{signed}', '{"once_set": true}'),
	('number_once', '{doc->>number}', '{"once_set": true}')
) AS t(name, columns, params);
INSERT INTO deal (id, customer, amount, doc) VALUES (1, 7, 5, '{"note": "a"}');
UPDATE deal SET customer = 7, amount = 5, status = 'x' WHERE id = 1;
UPDATE deal SET customer = 8 WHERE id = 1;
UPDATE deal SET customer = NULL WHERE id = 1;
UPDATE deal SET amount = 6 WHERE id = 1;
UPDATE deal SET signed = '2024-05-01' WHERE id = 1;
UPDATE deal SET signed = '2024-05-02' WHERE id = 1;
UPDATE deal SET signed = NULL WHERE id = 1;
UPDATE deal SET doc = '{"note": "b"}' WHERE id = 1;
UPDATE deal SET doc = '{"note": "b", "number": 1}' WHERE id = 1;
UPDATE deal SET doc = '{"note": "c", "number": 1}' WHERE id = 1;
UPDATE deal SET doc = '{"note": "c", "number": 2}' WHERE id = 1;
UPDATE deal SET doc = NULL WHERE id = 1;
SELECT id, customer, amount, signed, doc FROM deal ORDER BY id;
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = 'deal'::regclass;

-- transition: from a value only to one that is allowed. Any value may come
-- first: at INSERT, and in place of NULL unless a pair begins with null. To
-- NULL is a change like any other.
SELECT count(crmaudit.add_rule('deal', name, 'transition', columns::text[], params::jsonb))
FROM (VALUES
	('status_moves', '{status}', '{"allow": [["lead", "customer"], ["customer", "closed"], ["closed", null]]}'),
	('step_moves', '{step}', '{"allow": [[null, "1"], ["1", "2"]]}')
) AS t(name, columns, params);
INSERT INTO deal (id, status, step) VALUES (2, 'lead', 2), (3, 'closed', NULL), (4, NULL, NULL);
UPDATE deal SET status = 'lead' WHERE id = 2;
UPDATE deal SET status = 'closed' WHERE id = 2;
UPDATE deal SET status = 'customer' WHERE id = 2;
UPDATE deal SET status = 'lead' WHERE id = 2;
UPDATE deal SET status = NULL WHERE id = 2;
UPDATE deal SET status = NULL WHERE id = 3;
UPDATE deal SET status = 'anything' WHERE id = 4;
UPDATE deal SET step = 2 WHERE id = 4;
UPDATE deal SET step = 1 WHERE id = 4;
UPDATE deal SET step = 2 WHERE id = 4;
UPDATE deal SET step = NULL WHERE id = 4;
SELECT id, status, step FROM deal WHERE id > 1 ORDER BY id;
SELECT count(crmaudit.drop_rule(target, name)) FROM crmaudit.rule WHERE target = 'deal'::regclass;

-- changed_together: if one changes, all do; with "if_first" only a change of
-- the first asks for the others. NULL is a value like any other.
SELECT count(crmaudit.add_rule('deal', name, 'changed_together', columns::text[], params::jsonb))
FROM (VALUES
	('contact_together', '{phone,mail}', '{}'),
	('phone_updated', '{phone,updated_at}', '{"if_first": true}')
) AS t(name, columns, params);
INSERT INTO deal (id, phone, mail) VALUES (5, '1', NULL);
UPDATE deal SET phone = '2' WHERE id = 5;
UPDATE deal SET phone = '2', mail = 'a@mail.cn' WHERE id = 5;
UPDATE deal SET phone = '2', mail = 'a@mail.cn', updated_at = now() WHERE id = 5;
UPDATE deal SET updated_at = NULL WHERE id = 5;
UPDATE deal SET mail = NULL WHERE id = 5;
UPDATE deal SET phone = '1', mail = 'a@mail.cn', updated_at = now() WHERE id = 5;
UPDATE deal SET phone = '2', mail = 'a@mail.cn', updated_at = now() WHERE id = 5;
UPDATE deal SET phone = NULL, mail = NULL, updated_at = now() WHERE id = 5;
SELECT id, phone, mail, updated_at IS NULL AS never_updated FROM deal WHERE id = 5;

-- Kinds about an UPDATE say nothing of a row as it stands.
SELECT count(v.rule) FROM deal AS d, crmaudit.violations(d) AS v;
DROP TABLE deal;
