-- 62-ledger-verify: the ledger held against itself, and against the tables.

CREATE FUNCTION crmaudit.verify_live(only_target regclass DEFAULT NULL)
RETURNS TABLE (status text, block_id bigint, xid xid8, ord int, target regclass, row_key jsonb, detail text)
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'crmaudit_verify_live';
COMMENT ON FUNCTION crmaudit.verify_live(regclass) IS 'rows of tracked tables, or of one, that are not as the ledger recorded them last; none = no write went past it';
REVOKE EXECUTE ON FUNCTION crmaudit.verify_live(regclass) FROM PUBLIC;
