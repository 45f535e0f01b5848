-- Which edition of each reference table the library holds; libidn2 is the
-- server's.
SELECT reference, CASE WHEN source = 'GNU libidn2' THEN (version ~ '^2\.\d+\.\d+$')::text ELSE version END AS version, source, licence FROM crmaudit.reference_version;
-- Anybody may use the functions of the types.
CREATE ROLE regress_clerk;
SET ROLE regress_clerk;
SELECT '+8613800138000'::crmaudit.phone OPERATOR(crmaudit.=) crmaudit.phone('138 0013 8000', 'CN'), crmaudit.mask('a@example.com'::crmaudit.email);
SELECT count(*) > 5 FROM crmaudit.reference_version;
RESET ROLE;
DROP ROLE regress_clerk;
