-- What a sweep of the demo found, beside what was planted there.  A defect
-- counts if a rule of its kind is about its column, or, where the row by itself
-- shows it, any rule is: blanks may stand for what is missing, say.  It is found
-- if its row breaks a rule about its column.
CREATE TEMPORARY TABLE found AS
	SELECT f.target, f.row_key, f.rule, f.reason, r.columns
	FROM crmaudit.finding f JOIN crmaudit.rule r ON r.id = f.rule_id
	WHERE f.status = 'open';
CREATE INDEX ON found (target, row_key);
CREATE TEMPORARY TABLE planted AS
	SELECT p.*,
		EXISTS (SELECT FROM crmaudit.rule r WHERE r.target = p.tab AND r.enabled AND p.column_name = ANY (r.columns)
			AND (r.kind = p.kind OR p.kind IN (SELECT k.kind FROM crmaudit.rule_kind k WHERE k.level IN ('row', 'update')))) AS has_rule,
		EXISTS (SELECT FROM found f WHERE f.target = p.tab AND f.row_key = p.row_key AND p.column_name = ANY (f.columns)) AS is_found
	FROM demo.planted p
	WHERE p.tab IN (SELECT target FROM crmaudit.protected_table);
CREATE TEMPORARY TABLE other AS
	SELECT f.* FROM found f
	WHERE NOT EXISTS (SELECT FROM demo.planted p WHERE p.tab = f.target AND p.row_key = f.row_key);
ANALYZE found, planted, other;

SELECT round(:ms::numeric / 1000, 1) AS seconds \gset
SELECT sum(rows) AS swept FROM crmaudit.run \gset
\echo The demo with :customers customers, :swept rows in its protected tables, swept in :seconds s
SELECT count(*) FILTER (WHERE has_rule) AS planted, count(*) FILTER (WHERE has_rule AND is_found) AS found,
	count(*) FILTER (WHERE has_rule AND NOT is_found) AS missed, count(*) FILTER (WHERE NOT has_rule) AS "planted, no rule",
	(SELECT count(*) FROM found) AS findings, (SELECT count(*) FROM other) AS "of them on good rows",
	round(count(*) FILTER (WHERE has_rule AND is_found)::numeric / nullif(count(*) FILTER (WHERE has_rule), 0), 6) AS recall,
	round(1 - (SELECT count(*) FROM other)::numeric / nullif((SELECT count(*) FROM found), 0), 6) AS precision,
	'1 and 1' AS wanted
FROM planted;

\echo By what must find it
SELECT tab AS "table", kind, count(*) FILTER (WHERE has_rule) AS planted, count(*) FILTER (WHERE has_rule AND is_found) AS found,
	count(*) FILTER (WHERE NOT has_rule) AS "planted, no rule"
FROM planted GROUP BY tab, kind ORDER BY tab::text, kind;

SELECT count(*) > 0 AS missed FROM planted WHERE has_rule AND NOT is_found \gset
\if :missed
\echo Missed
SELECT tab AS "table", defect, count(*), min(row_key::text) AS "for instance" FROM planted WHERE has_rule AND NOT is_found GROUP BY tab, defect ORDER BY 1, 2;
\endif
SELECT count(*) > 0 AS others FROM other \gset
\if :others
\echo On good rows
SELECT target AS "table", rule, reason, count(*), min(row_key::text) AS "for instance" FROM other GROUP BY target, rule, reason ORDER BY 1, 2, 3;
\endif
