-- 10-types: identifiers. The same C code serves rules, and these functions.

CREATE FUNCTION crmaudit.check_value(kind text, value text, region text DEFAULT NULL,
	OUT verdict text, OUT reason text, OUT part text, OUT canonical text, OUT message text)
RETURNS record LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'crmaudit_check_value';
COMMENT ON FUNCTION crmaudit.check_value(text, text, text) IS 'judges an identifier of that kind: valid, suspect or invalid, why, which part of it, and its canonical form; NULL for a NULL value';

CREATE FUNCTION crmaudit.is_valid(kind text, value text, region text DEFAULT NULL)
RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'crmaudit_is_valid';
COMMENT ON FUNCTION crmaudit.is_valid(text, text, text) IS 'whether the verdict of check_value() is valid; NULL for a NULL value';
