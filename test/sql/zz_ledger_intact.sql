-- What all tests before this one wrote is in the ledger, and it verifies: no
-- false alarm, and no row that an index has lost; neither of findings with
-- keys that TOAST takes.
CREATE TABLE zz_wide (id text PRIMARY KEY, name text);
SELECT crmaudit.protect('zz_wide', mode => 'observe') \gset
SELECT crmaudit.add_rule('zz_wide', 'named', 'required', '{name}') \gset
INSERT INTO zz_wide SELECT i || string_agg(md5((i * 1000 + j)::text), ''), NULL FROM generate_series(1, 5) i, generate_series(1, i * 16) j GROUP BY i;
SELECT crmaudit.seal() IS NOT NULL AS sealed;
SELECT status, target, detail, count(*) FROM crmaudit.verify_ledger() GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
CREATE EXTENSION amcheck;
SELECT count(*) > 0 AS checked FROM (SELECT bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
	WHERE c.relnamespace = 'crmaudit'::regnamespace AND c.relkind = 'r') AS b;
DROP EXTENSION amcheck;
DROP TABLE zz_wide;
