-- Kinds that hold a value against what the other rows say:
-- functional_dependency, spelling_variant.
\set SHOW_CONTEXT never

CREATE TABLE kd_customer (
	id int PRIMARY KEY,
	postal_code varchar(10),
	city text,
	country text,
	area int,
	profile jsonb,
	spot point,
	closed boolean NOT NULL DEFAULT false
);
SELECT crmaudit.protect('kd_customer', mode => 'observe', live => 'NOT closed');
CREATE FUNCTION pg_temp.refused(arguments text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT crmaudit.add_rule(''kd_customer'', ''r'', ' || arguments || ')';
	message := 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	detail := nullif(detail, '');
	hint := nullif(hint, '');
END $$;
CREATE FUNCTION pg_temp.found(rule text)
RETURNS TABLE (id int, verdict text, reason text, group_value text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT (SELECT c.id FROM public.kd_customer c WHERE c.tableoid = q.tableoid AND c.ctid = q.ctid), q.verdict, q.reason, q.group_value
		FROM (%s) q ORDER BY 1', crmaudit.rule_query('public.kd_customer', rule));
END $$;
\pset null '-'

-- functional_dependency ---------------------------------------------------------------------

SELECT crmaudit.add_rule('kd_customer', 'city_of_code', 'functional_dependency', '{postal_code}', '{"determines": "city"}') \gset
INSERT INTO kd_customer (id, postal_code, city, closed) VALUES
	(1, '610041', '成都市', false), (2, '610041', '成都市', false), (3, '610041', '成都市', false),
	(4, '610041', '绵阳市', false),							-- the minority
	(5, '610041', NULL, false), (6, NULL, '北京市', false),	-- nothing to compare
	(7, '100080', '北京市', false), (8, '100080', '天津市', false),	-- nobody knows
	(9, '200030', '上海市', false), (10, '200030', '上海市', false),	-- as it should be
	(11, '200030', '苏州市', true),							-- does not count
	(12, '300041', 'a', false), (13, '300041', 'b', false), (14, '300041', 'c', false), (15, '300041', 'c', false);	-- half is no majority
SELECT * FROM pg_temp.found('city_of_code');
SELECT crmaudit.rule_query('kd_customer', 'city_of_code') \g (format=unaligned tuples_only=on)
-- A majority may be asked to be larger; what it is less than is unclear.
SELECT crmaudit.alter_rule('kd_customer', 'city_of_code', params => '{"determines": "city", "min_share": 0.8}', condition => 'postal_code = ''610041''') \gset
SELECT * FROM pg_temp.found('city_of_code');
-- Several columns, of other types, a path, and a column determined that is renamed.
SELECT crmaudit.add_rule('kd_customer', 'by_two', 'functional_dependency', '{country,profile->>zone}', '{"determines": "area"}') \gset
INSERT INTO kd_customer (id, country, profile, area) VALUES
	(20, 'CN', '{"zone": 1}', 28), (21, 'CN', '{"zone": 1}', 28), (22, 'CN', '{"zone": "1"}', 29), (23, 'CN', '{"zone": 2}', 29), (24, 'DE', '{"zone": 1}', 30), (25, 'CN', '{}', 31);
SELECT id, verdict, reason, replace(group_value, E'\x1f', ' + ') AS group_value FROM pg_temp.found('by_two');
ALTER TABLE kd_customer RENAME area TO dial;
SELECT params FROM crmaudit.rule WHERE target = 'kd_customer'::regclass AND name = 'by_two';
SELECT id FROM pg_temp.found('by_two');
ALTER TABLE kd_customer DROP COLUMN dial;

-- spelling_variant -------------------------------------------------------------------------------

-- One edit: a character inserted, deleted, replaced, swapped with its neighbour.
SELECT a, b, crmaudit.one_edit_apart(a, b) AS apart, crmaudit.one_edit_apart(b, a) AS apart_too, crmaudit.is_spelling_variant(a, b) AS variant,
	crmaudit.spelling_keys(a) && crmaudit.spelling_keys(b) AS share_a_key
FROM (VALUES
	(1, '成都市', '成都巿'), (2, '成都市', '成都'), (3, '成都市', '成市都'), (4, '成都市', '市都成'), (5, '成都市', '成都市'), (6, 'Chengdu', 'Chegndu'),
	(7, 'Chengdu', 'Chengduu'), (8, 'Chengdu', 'hengdu'), (9, 'Chengdu', 'chengDu'), (10, 'ab', 'ba'), (11, 'aab', 'ab'), (12, 'abcd', 'badc'),
	-- other things, not the same misspelt
	(13, '1期', '2期'), (14, '第一小学', '第二小学'), (15, '第十中学', '第十一中学'), (16, '山东省', '山西省'), (17, '12号', '21号'), (18, '１号楼', '２号楼'),
	-- a digit, and a number written in another way
	(19, 'Ch0ngqing', 'Chongqing'), (20, '南山区', '南小区'),
	(21, '', 'a'), (22, '', '')
) AS t(n, a, b) ORDER BY n;
-- Not of values that are texts rather than names; their keys are none either.
SELECT crmaudit.one_edit_apart(repeat('x', 100), repeat('x', 99)) AS hundred, crmaudit.one_edit_apart(repeat('x', 101), repeat('x', 100)) AS more,
	crmaudit.spelling_keys(repeat('x', 101)) AS keys, crmaudit.spelling_keys('x') AS keys_of_one, crmaudit.one_edit_apart(NULL, 'x') AS of_null;
-- Whatever is one edit apart has a key in common.
SELECT count(*) AS pairs, count(*) FILTER (WHERE crmaudit.one_edit_apart(a, b)) > 500 AS some_apart,
	count(*) FILTER (WHERE crmaudit.one_edit_apart(a, b) AND NOT crmaudit.spelling_keys(a) && crmaudit.spelling_keys(b)) AS missed,
	count(*) FILTER (WHERE crmaudit.one_edit_apart(a, b) <> crmaudit.one_edit_apart(b, a)) AS lopsided
FROM (SELECT translate(to_char(i, 'FM999999'), '012', '市巿x') AS a FROM generate_series(0, 2222) i WHERE to_char(i, 'FM999999') !~ '[3-9]' AND i > 9) x,
	(SELECT translate(to_char(i, 'FM999999'), '012', '市巿x') AS b FROM generate_series(0, 2222) i WHERE to_char(i, 'FM999999') !~ '[3-9]' AND i > 9) y;

TRUNCATE kd_customer;
SELECT crmaudit.add_rule('kd_customer', 'city_spelt', 'spelling_variant', '{city}') \gset
INSERT INTO kd_customer (id, city) SELECT i, '成都市' FROM generate_series(1, 12) i;
INSERT INTO kd_customer (id, city) SELECT i, '广州市' FROM generate_series(21, 29) i;
INSERT INTO kd_customer (id, city) VALUES (40, '成都巿'), (41, '成都'), (42, '都成市'), (43, '成都一市'), (44, '广卅市'), (45, '乌鲁木齐'), (46, NULL), (47, '成');
INSERT INTO kd_customer (id, city, closed) VALUES (48, '成都帀', true);
INSERT INTO kd_customer (id, city) VALUES (49, '城都市'), (50, '城都市');	-- too many against a dozen
SELECT * FROM pg_temp.found('city_spelt');
-- What is frequent and rare, in rows; the more frequent of two neighbours is
-- the one that is meant.
SELECT crmaudit.alter_rule('kd_customer', 'city_spelt', params => '{"frequent": 9, "rare": 2}') \gset
INSERT INTO kd_customer (id, city) SELECT i, '成州市' FROM generate_series(51, 52) i;
SELECT * FROM pg_temp.found('city_spelt');
-- In shares, here of two thousand rows.
SELECT crmaudit.alter_rule('kd_customer', 'city_spelt', params => '{"frequent": 0.5, "rare": 0.002}') \gset
INSERT INTO kd_customer (id, city) SELECT i, '成都市' FROM generate_series(101, 2000) i;
SELECT * FROM pg_temp.found('city_spelt');
SELECT crmaudit.rule_query('kd_customer', 'city_spelt') \g (format=unaligned tuples_only=on)

-- Definitions that make no sense -----------------------------------------------------------------------
\pset expanded on
\pset tuples_only on
SELECT * FROM (VALUES
	(1, $$'functional_dependency', '{postal_code}', '{}'$$),
	(2, $$'functional_dependency', '{postal_code}', '{"determines": "town"}'$$),
	(3, $$'functional_dependency', '{postal_code}', '{"determines": "postal_code"}'$$),
	(4, $$'functional_dependency', '{postal_code}', '{"determines": "spot"}'$$),
	(5, $$'functional_dependency', '{postal_code}', '{"determines": "city", "min_share": 1}'$$),
	(6, $$'functional_dependency', '{postal_code}', '{"determines": "city", "min_share": "most"}'$$),
	(7, $$'functional_dependency', '{}', '{"determines": "city"}'$$),
	(8, $$'functional_dependency', '{postal_code}', '{"determines": "city", "timing": "commit"}'$$),
	(9, $$'spelling_variant', '{dial}', '{}'$$),
	(10, $$'spelling_variant', '{city}', '{"frequent": 0}'$$),
	(11, $$'spelling_variant', '{city}', '{"rare": 1.5}'$$),
	(12, $$'spelling_variant', '{city}', '{"rare": "1"}'$$),
	(13, $$'spelling_variant', '{city}', '{"frequent": 10, "rare": 10}'$$),
	(14, $$'spelling_variant', '{city}', '{"rare": 0.5}'$$)
) AS t(n, arguments), pg_temp.refused(arguments) ORDER BY n;

SELECT crmaudit.unprotect('kd_customer');
DROP TABLE kd_customer;
