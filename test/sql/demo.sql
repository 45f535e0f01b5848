-- The demo's CRM, with its planted defects: every defect that a rule about a
-- row can tell is found, and no good row is.
SET client_min_messages = warning;
\set customers 1000
\o /dev/null
\i demo/schema.sql
\i demo/data.sql
\set mode observe
\i demo/rules.sql
\o

-- What the rules say of the rows as they are.
CREATE TEMP TABLE found AS
	SELECT 'crm.customer'::regclass AS tab, jsonb_build_object('customer_no', t.customer_no) AS row_key, v.rule
	FROM crm.customer t, crmaudit.violations(t) v
	UNION SELECT 'crm.company'::regclass, jsonb_build_object('company_no', t.company_no), v.rule
	FROM crm.company t, crmaudit.violations(t) v
	UNION SELECT 'crm.insured'::regclass, (SELECT jsonb_object_agg(k, to_jsonb(t) -> k) FROM crmaudit.protected_table p, unnest(p.key) k
		WHERE p.target = 'crm.insured'::regclass), v.rule
	FROM crm.insured t, crmaudit.violations(t) v
	UNION SELECT 'crm.staff'::regclass, (SELECT jsonb_object_agg(k, to_jsonb(t) -> k) FROM crmaudit.protected_table p, unnest(p.key) k
		WHERE p.target = 'crm.staff'::regclass), v.rule
	FROM crm.staff t, crmaudit.violations(t) v;

-- Every planted defect is found; the kinds left out look at other rows.
SELECT p.tab, p.kind, count(*) AS planted,
	count(*) FILTER (WHERE EXISTS (SELECT FROM found f WHERE f.tab = p.tab AND f.row_key = p.row_key)) AS found
FROM demo.planted p
WHERE p.tab::text IN ('crm.customer', 'crm.company', 'crm.insured', 'crm.staff')
	AND p.kind IN (SELECT kind FROM crmaudit.rule_kind WHERE level IN ('row', 'update'))
GROUP BY 1, 2 ORDER BY p.tab::text, 2;

-- Nothing else is found.
SELECT f.tab, f.row_key, f.rule FROM found f
WHERE NOT EXISTS (SELECT FROM demo.planted p WHERE p.tab = f.tab AND p.row_key = f.row_key)
ORDER BY 1, 2, 3;

DO $$ BEGIN PERFORM crmaudit.unprotect(target) FROM crmaudit.protected_table WHERE target::text LIKE 'crm.%'; END $$;
SET client_min_messages = warning;
DROP SCHEMA crm CASCADE;
DROP SCHEMA demo CASCADE;
