-- 62-ledger-verify: is the ledger what was written, and are the tables what it says?

-- SECURITY DEFINER, for the ledger is granted to nobody; it shows no value of a row.
CREATE FUNCTION crmaudit.verify_blocks(digest jsonb, incremental boolean, first_block bigint, last_block bigint)
RETURNS TABLE (status text, block_id bigint, xid xid8, ord int, target regclass, row_key jsonb, detail text)
LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'crmaudit_verify_ledger';
COMMENT ON FUNCTION crmaudit.verify_blocks(jsonb, boolean, bigint, bigint) IS 'implementation of verify_ledger() and verify_ledger_range()';

CREATE FUNCTION crmaudit.verify_ledger(digest jsonb DEFAULT NULL, incremental boolean DEFAULT false)
RETURNS TABLE (status text, block_id bigint, xid xid8, ord int, target regclass, row_key jsonb, detail text)
LANGUAGE sql
BEGIN ATOMIC
	SELECT * FROM crmaudit.verify_blocks(digest, incremental, NULL, NULL);
END;
COMMENT ON FUNCTION crmaudit.verify_ledger(jsonb, boolean) IS 'verifies the ledger and the tracked tables: a row for each fault, none: intact (D35); digest: one that was kept outside; incremental: entries of blocks up to the digest''s are not read again';

CREATE FUNCTION crmaudit.verify_ledger_range(first_block bigint, last_block bigint)
RETURNS TABLE (status text, block_id bigint, xid xid8, ord int, target regclass, row_key jsonb, detail text)
LANGUAGE sql
BEGIN ATOMIC
	SELECT * FROM crmaudit.verify_blocks(NULL, false, first_block, last_block);
END;
COMMENT ON FUNCTION crmaudit.verify_ledger_range(bigint, bigint) IS 'verifies the entries of some blocks, and the chain up to them, so that several sessions can share the work; NULL for last_block: and what no block holds yet';

CREATE FUNCTION crmaudit.verify_live(only_target regclass DEFAULT NULL)
RETURNS TABLE (status text, block_id bigint, xid xid8, ord int, target regclass, row_key jsonb, detail text)
LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'crmaudit_verify_live';
COMMENT ON FUNCTION crmaudit.verify_live(regclass) IS 'rows of tracked tables, or of one, that are not as the ledger recorded them last; none = no write went past it';
