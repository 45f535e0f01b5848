-- The kind distribution: values are distributed as they were at the baseline.
\set SHOW_CONTEXT never

-- Critical values of published tables, and closed forms: with 2 degrees of
-- freedom exp(-x / 2), with 1 erfc(sqrt(x / 2)).
SELECT x, df, round(crmaudit.chi_square_p(x, df)::numeric, 9) AS p
FROM (VALUES (3.841458820694124, 1), (6.634896601021213, 1), (18.307038053275146, 10), (124.34211340400407, 100), (70.06489492539978, 100),
	(1074.6794494138316, 1000), (0, 5), (1e-9, 1), (7, 0), ('Infinity', 3), (2000, 3)) AS t(x, df);
SELECT max(abs(crmaudit.chi_square_p(x, 2) - exp(-x / 2)) / exp(-x / 2)) < 1e-13 AS exact
FROM generate_series(1, 1000) i, LATERAL (SELECT i::float8 / 3 AS x) t;
SELECT bool_and(crmaudit.chi_square_p(x, df) >= crmaudit.chi_square_p(x + 0.1, df)) AS falls
FROM generate_series(1, 200) df, generate_series(0, 40) i, LATERAL (SELECT i * df / 20.0::float8 AS x) t;
SELECT crmaudit.chi_square_p(-1, 1);
SELECT crmaudit.chi_square_p(1, -1);
SELECT crmaudit.chi_square_p('NaN', 1);

CREATE TABLE kb_customer (
	id int PRIMARY KEY,
	city text,
	level int,
	income numeric,
	born date,
	seen_at timestamptz,
	profile jsonb,
	spot point,
	closed boolean NOT NULL DEFAULT false
);
INSERT INTO kb_customer
	SELECT i, (ARRAY['成都市', '北京市', '上海市', NULL])[1 + i % 4], i % 3, i * 1.5, date '1950-01-01' + i, timestamptz '2026-01-01 00:00+08' + i * interval '1 hour', jsonb_build_object('zone', i % 2), NULL, false
	FROM generate_series(1, 1000) i;
INSERT INTO kb_customer (id, city, level) SELECT i, 'rare ' || i, 7 FROM generate_series(1001, 1009) i;
INSERT INTO kb_customer (id, city, closed) SELECT i, 'closed', true FROM generate_series(2001, 2999) i;
SELECT crmaudit.protect('kb_customer', mode => 'observe', live => 'NOT closed');
SELECT crmaudit.baseline('kb_customer');
SELECT count(crmaudit.add_rule('kb_customer', name, 'distribution', columns::text[], params::jsonb, condition => condition))
FROM (VALUES
	('city_as_usual', '{city}', '{}', NULL),
	('level_as_usual', '{level}', '{"psi": 0.1}', NULL),
	('income_as_usual', '{income}', '{"test": "chi_square"}', NULL),
	('born_as_usual', '{born}', '{"test": "chi_square", "p_value": 0.001}', NULL),
	('seen_as_usual', '{seen_at}', '{}', NULL),
	('zone_as_usual', '{profile->>zone}', '{}', 'id <= 1000')
) AS t(name, columns, params, condition);
CREATE FUNCTION pg_temp.shifted() RETURNS TABLE (rule text, reason text) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	FOR rule IN SELECT r.name FROM crmaudit.rule r WHERE r.target = 'public.kb_customer'::regclass AND r.enabled ORDER BY r.id LOOP
		FOR reason IN EXECUTE format('SELECT q.reason FROM (%s) q WHERE q.tableoid IS NULL AND q.ctid IS NULL', crmaudit.rule_query('public.kb_customer', rule)) LOOP
			RETURN NEXT;
		END LOOP;
	END LOOP;
END $$;

-- Without a baseline nothing is judged, and health says so.
SELECT rule, problem, remedy FROM crmaudit.health WHERE target = 'kb_customer'::regclass ORDER BY rule;
SELECT crmaudit.rule_query('kb_customer', 'city_as_usual') \g (format=unaligned tuples_only=on)
SELECT * FROM pg_temp.shifted();
SELECT count(*) FROM crmaudit.distribution_shift('kb_customer', 'city_as_usual');

-- Some columns, then all. Bounds and counts are kept, values are not: a value
-- of few rows has no bucket of its own. Settings of the session do not matter.
SELECT crmaudit.baseline('kb_customer', '{city,level}');
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'Asia/Shanghai';
SELECT crmaudit.baseline('kb_customer');
SELECT r.name, k.bucket, k.lower, k.digest IS NOT NULL AS digest, k.rows
FROM crmaudit.distribution_bucket k JOIN crmaudit.rule r ON r.id = k.rule_id WHERE r.target = 'kb_customer'::regclass ORDER BY r.id, k.bucket;
SELECT r.name, b.is_ordered, b.rows, b.rule_version FROM crmaudit.distribution_baseline b JOIN crmaudit.rule r ON r.id = b.rule_id ORDER BY r.id;
SELECT count(*) FROM crmaudit.distribution_bucket WHERE digest !~ '^[0-9a-f]{24}$' OR lower ~ '市';
RESET DateStyle;
RESET TimeZone;
SELECT count(*) FROM crmaudit.baseline_problems();

-- The same values are no shift; the index is zero, and so is chi-square.
SELECT * FROM pg_temp.shifted();
SELECT r.name, round(sum(s.psi)::numeric, 9) AS psi, round(sum(s.chi_square)::numeric, 9) AS chi_square
FROM crmaudit.rule r CROSS JOIN LATERAL crmaudit.distribution_shift('kb_customer', r.name) s WHERE r.target = 'kb_customer'::regclass GROUP BY r.id ORDER BY r.id;

-- A shift of each: another city, a new value, other deciles, NULL.
BEGIN;
UPDATE kb_customer SET city = '成都市' WHERE id <= 1000 AND id % 4 = 1;
SELECT * FROM pg_temp.shifted();
SELECT bucket, baseline_rows, rows, round(psi::numeric, 6) AS psi, round(chi_square::numeric, 6) AS chi_square FROM crmaudit.distribution_shift('kb_customer', 'city_as_usual');
-- By the formulas, from the counts alone.
SELECT round(sum(psi)::numeric, 9) = (SELECT round(sum((p - q) * ln(p / q))::numeric, 9)
		FROM (SELECT (rows + 0.5) / (1009 + 0.5 * 5) AS p, (baseline_rows + 0.5) / (1009 + 0.5 * 5) AS q FROM crmaudit.distribution_shift('kb_customer', 'city_as_usual')) t) AS same_psi,
	round(sum(chi_square)::numeric, 9) = (SELECT round(sum((rows - baseline_rows) ^ 2 / (rows + baseline_rows)::numeric)::numeric, 9) FROM crmaudit.distribution_shift('kb_customer', 'city_as_usual')) AS same_chi_square
FROM crmaudit.distribution_shift('kb_customer', 'city_as_usual');
ROLLBACK;
BEGIN;
UPDATE kb_customer SET level = 8 WHERE level = 1;
SELECT * FROM pg_temp.shifted();
ROLLBACK;
BEGIN;
UPDATE kb_customer SET income = income + 200, born = born + 100;
SELECT * FROM pg_temp.shifted();
UPDATE kb_customer SET income = income - 150;
SELECT * FROM pg_temp.shifted();
ROLLBACK;
BEGIN;
UPDATE kb_customer SET seen_at = NULL, profile = NULL WHERE id % 2 = 0;
SELECT * FROM pg_temp.shifted();
ROLLBACK;
-- Policies hide no row, also where they apply to the owner.
BEGIN;
CREATE ROLE kb_owner;
ALTER TABLE kb_customer OWNER TO kb_owner;
ALTER TABLE kb_customer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON kb_customer USING (id < 10);
SELECT sum(rows) AS rows, sum(baseline_rows) AS baseline_rows FROM crmaudit.distribution_shift('kb_customer', 'city_as_usual');
ROLLBACK;
-- An empty table has no distribution.
BEGIN;
DELETE FROM kb_customer;
SELECT * FROM pg_temp.shifted();
SELECT crmaudit.baseline('kb_customer', '{city}');
ROLLBACK;

-- A rule that looks at other rows loses its baseline; with another limit it keeps it.
SELECT crmaudit.alter_rule('kb_customer', 'level_as_usual', params => '{"psi": 0.3}') \gset
SELECT crmaudit.alter_rule('kb_customer', 'zone_as_usual', condition => 'id <= 500') \gset
SELECT rule, problem, remedy FROM crmaudit.baseline_problems();
SELECT crmaudit.baseline('kb_customer', '{profile->>zone}');
SELECT count(*) FROM crmaudit.baseline_problems();
SELECT crmaudit.rule_query('kb_customer', 'zone_as_usual') ~ 'id <= 500' AS limited;
-- It leaves with its rule.
SELECT crmaudit.drop_rule('kb_customer', 'zone_as_usual') \gset
SELECT count(*) FROM crmaudit.distribution_baseline;

-- SQL of the table's owner runs with the owner's rights, not with those of
-- whoever takes the baseline.
CREATE ROLE kb_owner;
GRANT CREATE ON SCHEMA public TO kb_owner;
CREATE FUNCTION kb_spy(id int) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
BEGIN
	IF current_user <> 'kb_owner' THEN
		RAISE EXCEPTION 'running as %', current_user;
	END IF;
	RETURN true;
END $$;
ALTER FUNCTION kb_spy(int) OWNER TO kb_owner;
ALTER TABLE kb_customer OWNER TO kb_owner;
SELECT crmaudit.add_rule('kb_customer', 'spied', 'distribution', '{level}', condition => 'kb_spy(id)') \gset
SELECT crmaudit.baseline('kb_customer', '{level}');
SELECT count(*) FROM crmaudit.distribution_shift('kb_customer', 'spied');
CREATE ROLE kb_steward;
SELECT g FROM crmaudit.grant_duty('steward', 'kb_steward') g;
SET ROLE kb_steward;
SELECT count(*) FROM crmaudit.distribution_shift('kb_customer', 'spied');
SELECT crmaudit.baseline('kb_customer');
RESET ROLE;

-- What makes no sense.
SELECT crmaudit.add_rule('kb_customer', 'named', 'required', '{city}') \gset
SELECT * FROM crmaudit.distribution_shift('kb_customer', 'named');
SELECT crmaudit.baseline('kb_customer', '{income,born}');
SELECT crmaudit.baseline('kb_customer', '{spot}');
SELECT crmaudit.baseline('pg_class');
SELECT crmaudit.add_rule('kb_customer', 'r', 'distribution', '{city}', '{"test": "ks"}');
SELECT crmaudit.add_rule('kb_customer', 'r', 'distribution', '{city}', '{"p_value": 0.01}');
SELECT crmaudit.add_rule('kb_customer', 'r', 'distribution', '{city}', '{"test": "chi_square", "psi": 0.2}');
SELECT crmaudit.add_rule('kb_customer', 'r', 'distribution', '{city}', '{"psi": 0}');
SELECT crmaudit.add_rule('kb_customer', 'r', 'distribution', '{city}', '{"psi": "high"}');
SELECT crmaudit.add_rule('kb_customer', 'r', 'distribution', '{city}', '{"test": "chi_square", "p_value": 1}');
SELECT crmaudit.add_rule('kb_customer', 'r', 'distribution', '{spot}');

SELECT crmaudit.unprotect('kb_customer');
DROP TABLE kb_customer;
DROP FUNCTION kb_spy(int);
SELECT crmaudit.revoke_duty('steward', 'kb_steward');
REVOKE ALL ON SCHEMA public FROM kb_owner;
DROP ROLE kb_owner, kb_steward;
