-- Names that README must explain: a line for each.
SELECT kind FROM crmaudit.rule_kind
UNION SELECT pack FROM crmaudit.pack
UNION SELECT role FROM crmaudit.role
UNION SELECT dimension FROM crmaudit.dimension
UNION SELECT name FROM pg_catalog.pg_settings WHERE name LIKE 'crmaudit.%'
UNION SELECT relname FROM pg_catalog.pg_class
	WHERE relnamespace = 'crmaudit'::pg_catalog.regnamespace AND relkind IN ('r', 'v')
ORDER BY 1;
