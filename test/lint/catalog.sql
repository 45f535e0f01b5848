-- What is wrong with the extension's objects; nothing, if all is well.
WITH member AS (
	SELECT d.classid, d.objid, o.type, o.identity
	FROM pg_catalog.pg_depend d
	JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'crmaudit',
		LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) o
	WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'
)
SELECT 'no comment: ' || type || ' ' || identity
FROM member
WHERE pg_catalog.obj_description(objid, classid::regclass::name) IS NULL
	AND type NOT IN ('sequence', 'operator family', 'index', 'toast table')
UNION ALL
SELECT 'no search_path: function ' || m.identity
FROM member m
JOIN pg_catalog.pg_proc p ON p.oid = m.objid AND m.classid = 'pg_catalog.pg_proc'::regclass
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE (l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL OR p.prosecdef)
	AND NOT EXISTS (
		SELECT FROM pg_catalog.unnest(p.proconfig) s
		WHERE s LIKE 'search_path=pg_catalog%pg_temp')
	-- reads the names of the command that it fires for, and qualifies its own
	AND m.identity <> 'crmaudit.partition_leaving()'
	-- made so that the planner inlines them; every name in them has its schema
	AND p.proname NOT IN (SELECT entity FROM crmaudit.entity UNION ALL VALUES ('obligation_rows'), ('period_range'))
ORDER BY 1;
