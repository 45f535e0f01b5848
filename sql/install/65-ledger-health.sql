-- 65-ledger-health: what of the ledger is not as it should be.

-- SECURITY DEFINER: the ledger itself is granted to nobody.
CREATE FUNCTION crmaudit.oldest_unsealed() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT min(e.at) FROM crmaudit.ledger_entry e
		LEFT JOIN (SELECT b.snapshot FROM crmaudit.ledger_block b WHERE b.snapshot IS NOT NULL
				AND b.incarnation >> 24 = crmaudit.ledger_incarnation() >> 24
			ORDER BY b.block_id DESC LIMIT 1) AS sealed ON true
	WHERE e.incarnation >> 24 = crmaudit.ledger_incarnation() >> 24
		AND e.xid >= coalesce(pg_snapshot_xmin(sealed.snapshot), '0'::xid8)
		AND (sealed.snapshot IS NULL OR NOT pg_visible_in_snapshot(e.xid, sealed.snapshot))
$$;
COMMENT ON FUNCTION crmaudit.oldest_unsealed() IS 'when the oldest entry that no block holds yet was written; NULL if all are sealed';

CREATE FUNCTION crmaudit.ledger_problems() RETURNS TABLE (subject text, target regclass, problem text, remedy text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT 'sealing', NULL::regclass, format('the oldest entry that is not sealed is of %s', to_char(l.oldest, 'YYYY-MM-DD HH24:MI:SS TZ')),
		CASE WHEN crmaudit.worker_pid() IS NOT NULL THEN 'look into the server''s log for what keeps the worker from sealing'
			ELSE 'set shared_preload_libraries = ''crmaudit'', or let cron call SELECT crmaudit.seal()' END
	FROM (SELECT crmaudit.oldest_unsealed() AS oldest) l WHERE l.oldest < now() - interval '5 minutes'
	UNION ALL
	SELECT 'history', t.target, format('trigger %s of %s is %s: changes are not recorded', f.trigger_name, f.relation, f.fault),
		CASE WHEN t.builtin THEN format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %s', f.relation, f.trigger_name)
			ELSE format('SELECT crmaudit.track(%L)', t.target) END
	FROM crmaudit.tracked_table t CROSS JOIN LATERAL crmaudit.ledger_trigger_faults(t.target) f
	WHERE t.tracked
	UNION ALL
	SELECT 'history', t.target, 'the rows that were there before it was tracked were never recorded', format('SELECT crmaudit.record_baseline(%L)', t.target)
	FROM crmaudit.tracked_table t WHERE t.tracked AND NOT t.builtin AND t.baselined_at IS NULL
	UNION ALL
	SELECT 'history', t.target, 'the columns that identified its rows are gone', format('SELECT crmaudit.track(%L, key => ARRAY[...])', t.target)
	FROM crmaudit.tracked_table t WHERE t.tracked AND t.target IS NOT NULL AND t.key = '{}'
	UNION ALL
	SELECT 'history', p.target, 'protect() asked for a history, but the table is not tracked', format('SELECT crmaudit.track(%L)', p.target)
	FROM crmaudit.protected_table p WHERE p.history AND NOT EXISTS (SELECT FROM crmaudit.tracked_table t WHERE t.target = p.target AND t.tracked)
	UNION ALL
	SELECT 'partition', p.parent, format('there is no partition for %s', to_char(m.month, 'YYYY-MM')), 'SELECT * FROM crmaudit.maintain()'
	FROM (VALUES ('crmaudit.ledger_entry'::regclass), ('crmaudit.ledger_context')) AS p(parent)
		CROSS JOIN (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + i * interval '1 month' AS month FROM generate_series(0, 1) i) AS m
	WHERE EXISTS (SELECT FROM crmaudit.tracked_table t WHERE t.tracked AND NOT t.builtin)
		AND to_regclass(format('%s_%s', p.parent, to_char(m.month, 'YYYYMM'))) IS NULL
	UNION ALL
	SELECT 'rejection', NULL, format('%s rejections were not recorded, for the buffer was full', w.rejections_dropped), 'raise crmaudit.rejection_buffer, and see that the worker runs'
	FROM crmaudit.worker_status() w WHERE w.rejections_dropped > 0 AND w.database = current_database()
	UNION ALL
	SELECT 'worker', NULL, format('the background worker failed %s times in a row: %s', w.failures, w.last_error), 'mend what it says; the server''s log has more'
	FROM crmaudit.worker_status() w WHERE w.failures > 0 AND w.database = current_database()
	UNION ALL
	SELECT 'guard', f.relation, format('trigger %s, which keeps the ledger append-only, is %s', f.trigger_name, f.fault), 'SELECT * FROM crmaudit.maintain()'
	FROM crmaudit.ledger_guard_faults() f
	UNION ALL
	SELECT 'event trigger', NULL, format('event trigger %s is %s', e.evtname, CASE e.evtenabled WHEN 'D' THEN 'disabled' ELSE 'not enabled always' END),
		format('ALTER EVENT TRIGGER %s ENABLE ALWAYS', e.evtname)
	FROM pg_event_trigger e WHERE e.evtenabled <> 'A' AND e.evtname LIKE 'crmaudit\_%' AND e.evtname NOT IN ('crmaudit_table_altered', 'crmaudit_table_dropped')
$$;
COMMENT ON FUNCTION crmaudit.ledger_problems() IS 'what of the ledger is not as it should be; part of crmaudit.health';
