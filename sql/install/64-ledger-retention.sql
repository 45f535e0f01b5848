-- 64-ledger-retention: partitions made ahead, pruned and erased.

-- Partitions -------------------------------------------------------------------------

-- Outside the extension's membership: pg_dump leaves out the rows of a member.
-- An index of its own, for one of the parent's would make pg_restore fail.
CREATE FUNCTION crmaudit.create_ledger_partition(parent regclass, month date) RETURNS regclass
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	relname constant text := (SELECT c.relname FROM pg_class c WHERE c.oid = parent)
		|| coalesce(to_char(month, '"_"YYYYMM'), '_default');
	result regclass := to_regclass(format('crmaudit.%I', relname));
BEGIN
	IF result IS NOT NULL THEN
		RETURN result;
	END IF;
	EXECUTE format('CREATE TABLE crmaudit.%I (LIKE %s)', relname, parent);
	result := format('crmaudit.%I', relname);
	EXECUTE format('CREATE INDEX %I ON %s (xid, %s)', relname || '_xid_idx', result,
		CASE WHEN parent = 'crmaudit.ledger_entry'::regclass THEN 'ord' ELSE 'context' END);
	EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s', parent, result,
		CASE WHEN month IS NULL THEN 'DEFAULT'
			ELSE format('FOR VALUES FROM (%L) TO (%L)', month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC') END);
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.create_ledger_partition(regclass, date) IS 'creates the partition of ledger_entry or ledger_context for the month that begins on a day (UTC); NULL: the default partition';
REVOKE EXECUTE ON FUNCTION crmaudit.create_ledger_partition(regclass, date) FROM PUBLIC;
