-- Hash trees are those of RFC 6962: the roots that Certificate Transparency
-- publishes for its eight test leaves, and for none.
CREATE TEMP TABLE vector (n int, leaf bytea, root text);
INSERT INTO vector VALUES
	(1, '', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'),
	(2, '\x00', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'),
	(3, '\x10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'),
	(4, '\x2021', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'),
	(5, '\x3031', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'),
	(6, '\x40414243', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'),
	(7, '\x5051525354555657', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'),
	(8, '\x606162636465666768696a6b6c6d6e6f', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
SELECT t.n, encode(crmaudit.merkle_root(sha256('\x00' || l.leaf) ORDER BY l.n), 'hex') = t.root AS is_root
FROM vector t JOIN vector l ON l.n <= t.n GROUP BY t.n, t.root ORDER BY t.n;
SELECT encode(crmaudit.merkle_root(leaf), 'hex') AS root_of_none FROM vector WHERE false;
-- NULL is no leaf; an order is what a tree has.
SELECT crmaudit.merkle_root(h) = crmaudit.merkle_root(h) FILTER (WHERE h IS NOT NULL) AS nulls_left_out,
	crmaudit.merkle_root(h ORDER BY h) <> crmaudit.merkle_root(h ORDER BY h DESC) AS order_matters
FROM (VALUES (sha256('a')), (NULL), (sha256('b'))) AS t(h);
SELECT crmaudit.merkle_root('\x00');

-- The way of a leaf up to the root.
CREATE FUNCTION pg_temp.climb(hash bytea, path jsonb) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	step jsonb;
BEGIN
	FOR step IN SELECT * FROM jsonb_array_elements(path) LOOP
		hash := sha256('\x01' || CASE WHEN step ? 'left' THEN decode(step ->> 'left', 'hex') || hash ELSE hash || decode(step ->> 'right', 'hex') END);
	END LOOP;
	RETURN hash;
END $$;
-- It leads to the root from every leaf of every tree up to 70 leaves.
SELECT count(*), bool_and(pg_temp.climb(sha256(int4send(m)), p.path) = p.root) AS all_lead_to_the_root,
	max(jsonb_array_length(p.path)) AS longest
FROM generate_series(1, 70) n CROSS JOIN LATERAL generate_series(1, n) m
	CROSS JOIN LATERAL (SELECT crmaudit.merkle_path(sha256(int4send(l)), l = m ORDER BY l) AS path, crmaudit.merkle_root(sha256(int4send(l)) ORDER BY l) AS root
		FROM generate_series(1, n) l) p;
-- The paths that RFC 6962 gives for its tree of seven (section 2.1.3): of d0, d3, d4 and d6.
SELECT m, (SELECT string_agg(k.key, ' ') FROM jsonb_array_elements(p.path) s CROSS JOIN jsonb_object_keys(s) AS k(key)) AS siblings
FROM (VALUES (0), (3), (4), (6)) AS v(m)
	CROSS JOIN LATERAL (SELECT crmaudit.merkle_path(sha256(int4send(l)), l = m ORDER BY l) AS path FROM generate_series(0, 6) l) p ORDER BY m;
-- A leaf that is not there has none.
SELECT crmaudit.merkle_path(leaf, false) IS NULL AS no_path FROM (SELECT sha256(leaf) AS leaf FROM vector) v;
