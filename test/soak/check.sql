-- The ledger beside what was counted and what is in the tables: a line for
-- each kind of difference, none if all is well.
\set ON_ERROR_STOP 1

-- What the ledger's entries add up to, in plain SQL.
CREATE FUNCTION pg_temp.fold_entry(image jsonb, op "char", old jsonb, new jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE op WHEN 'D' THEN NULL WHEN 'U' THEN image - ARRAY(SELECT jsonb_object_keys(old)) || coalesce(new, '{}') ELSE new END
$$;
CREATE AGGREGATE pg_temp.fold("char", jsonb, jsonb) (SFUNC = pg_temp.fold_entry, STYPE = jsonb);

CREATE TEMPORARY TABLE entry AS
	SELECT e.xid, e.at, e.ord, t.target AS tracked, e.op, e.row_key, e.old, e.new, e.actor
	FROM crmaudit.ledger_entry e JOIN crmaudit.tracked_table t USING (table_id)
	WHERE t.target IN ('soak.customer'::regclass, 'soak.visit'::regclass);

WITH counted AS (
	SELECT xid, target, op, actor, sum(n) AS n FROM soak.truth GROUP BY 1, 2, 3, 4
), recorded AS (
	SELECT xid, tracked AS target, op, actor, count(*) AS n FROM entry WHERE op IN ('I', 'U', 'D') GROUP BY 1, 2, 3, 4
)
SELECT 'transactions recorded otherwise than counted' AS difference, count(*)
FROM counted c FULL JOIN recorded r USING (xid, target, op, actor)
WHERE c.n IS DISTINCT FROM r.n HAVING count(*) > 0;

WITH folded AS (
	SELECT tracked AS target, pg_temp.fold(op, old, new ORDER BY at, xid, ord) AS image FROM entry WHERE row_key IS NOT NULL GROUP BY tracked, row_key
), recorded AS (
	SELECT target, image FROM folded WHERE image IS NOT NULL
), live AS (
	SELECT 'soak.customer'::regclass AS target, jsonb_strip_nulls(to_jsonb(c)) AS image FROM soak.customer c
	UNION ALL SELECT 'soak.visit'::regclass, jsonb_strip_nulls(to_jsonb(v)) FROM soak.visit v
), missing AS (
	TABLE live EXCEPT ALL TABLE recorded
), extra AS (
	TABLE recorded EXCEPT ALL TABLE live
)
SELECT 'rows otherwise than the ledger says', n FROM (SELECT count(*) AS n FROM missing) m WHERE n > 0
UNION ALL SELECT 'rows in the ledger only', n FROM (SELECT count(*) AS n FROM extra) e WHERE n > 0;

SELECT 'transactions with gaps', count(*)
FROM (SELECT FROM crmaudit.ledger_entry GROUP BY incarnation, xid HAVING min(ord) <> 1 OR max(ord) <> count(*)) g HAVING count(*) > 0;

SELECT 'entries without their context', count(*)
FROM crmaudit.ledger_entry e LEFT JOIN crmaudit.ledger_context c ON c.incarnation = e.incarnation AND c.xid = e.context_xid AND c.context = e.context
WHERE c.actor IS DISTINCT FROM e.actor OR c.reason IS DISTINCT FROM e.reason HAVING count(*) > 0;

SELECT 'entries not sealed once', e.n - b.n
FROM (SELECT count(*) AS n FROM crmaudit.ledger_entry) e, (SELECT sum(entries) AS n FROM crmaudit.ledger_block) b
WHERE e.n IS DISTINCT FROM b.n;
