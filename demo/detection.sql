-- What crmaudit found against what was planted; for story.sql and tests, after
-- rules.sql and a sweep.
--
-- As in HoloClean's error detection, what is compared are cells: of a table, a
-- row and a column.  A finding accuses the columns of its rule, for of two that
-- contradict each other nobody can tell which one is wrong; where the row as a
-- whole is the defect (one that the policy system lacks, a contract without a
-- revisit) the cell is "*".
--
-- The story's own rows, C9000001 and following, are left out.

CREATE VIEW demo.found AS
SELECT f.id, f.target AS tab, f.row_key, f.column_name, f.rule, r.kind, f.reason,
	   CASE WHEN f.reason IN ('missing_here', 'missing_in_table', 'no_related') THEN '{*}'
			WHEN r.kind = 'matches_table' THEN string_to_array(f.column_name, ', ')
			WHEN r.kind = 'functional_dependency' THEN r.columns || (r.params ->> 'determines')
			ELSE r.columns END AS columns
FROM crmaudit.finding f
JOIN crmaudit.rule r ON r.id = f.rule_id
JOIN pg_class c ON c.oid = f.target AND c.relnamespace = 'crm'::regnamespace
WHERE f.status IN ('open', 'acknowledged')
  AND coalesce(f.row_key ->> 'customer_no', f.row_key ->> 'client_id', '') < 'C9';
COMMENT ON VIEW demo.found IS 'Open findings, with the columns that each accuses (已发现的问题)';

-- The kind that must find a defect: packs ask for what is required by
-- not_blank, and the same person twice has one ID number.
CREATE VIEW demo.expected AS
SELECT p.defect, p.tab, p.row_key, coalesce(p.column_name, '*') AS column_name,
	   CASE p.kind WHEN 'required' THEN 'not_blank' WHEN 'duplicate' THEN 'unique' ELSE p.kind END AS kind,
	   p.kind NOT IN ('obligation', 'view') AS by_rule
FROM demo.planted p;
COMMENT ON VIEW demo.expected IS 'Planted defects, with the kind of rule that must find each (应被发现的缺陷)';

-- Defects that no rule of their kind found on their row and column.
CREATE VIEW demo.missed AS
SELECT * FROM demo.expected e
WHERE by_rule AND NOT EXISTS (
	SELECT FROM demo.found f
	WHERE f.tab = e.tab AND f.row_key = e.row_key AND f.kind = e.kind AND e.column_name = ANY (f.columns));

-- Findings that accuse no column in which a defect was planted.
CREATE VIEW demo.false_finding AS
SELECT * FROM demo.found f
WHERE NOT EXISTS (
	SELECT FROM demo.expected e
	WHERE e.tab = f.tab AND e.row_key = f.row_key AND e.column_name = ANY (f.columns));

-- For each kind, and for all of them: recall is the share of the planted cells
-- that the kind accuses, precision the share of the accused cells in which any
-- defect was planted.
CREATE VIEW demo.detection AS
WITH planted AS (
	SELECT DISTINCT tab, row_key, column_name, kind FROM demo.expected WHERE by_rule
), spoilt AS (
	SELECT DISTINCT tab, row_key, column_name FROM demo.expected
), accused AS (
	SELECT DISTINCT tab, row_key, unnest(columns) AS column_name, kind FROM demo.found
), recalled AS (
	SELECT kind, grouping(kind) AS is_sum, count(DISTINCT (tab, row_key, column_name)) AS planted,
		   count(DISTINCT (tab, row_key, column_name)) FILTER (WHERE a.is_accused) AS found
	FROM planted LEFT JOIN (SELECT *, true AS is_accused FROM accused) a USING (tab, row_key, column_name, kind)
	GROUP BY ROLLUP (kind)
), precise AS (
	SELECT kind, grouping(kind) AS is_sum, count(DISTINCT (tab, row_key, column_name)) AS accused,
		   count(DISTINCT (tab, row_key, column_name)) FILTER (WHERE s.is_spoilt) AS spoilt
	FROM accused LEFT JOIN (SELECT *, true AS is_spoilt FROM spoilt) s USING (tab, row_key, column_name)
	GROUP BY ROLLUP (kind)
)
SELECT coalesce(kind, 'all kinds') AS kind, coalesce(planted, 0) AS planted, coalesce(found, 0) AS found,
	   coalesce(accused, 0) AS accused, coalesce(spoilt, 0) AS spoilt,
	   round(spoilt::numeric / nullif(accused, 0), 4) AS precision, round(found::numeric / nullif(planted, 0), 4) AS recall
FROM (SELECT coalesce(r.kind, p.kind) AS kind, coalesce(r.is_sum, p.is_sum) AS is_sum, planted, found, accused, spoilt
	  FROM recalled r FULL JOIN precise p ON p.is_sum = r.is_sum AND coalesce(p.kind, '') = coalesce(r.kind, '')) k
ORDER BY is_sum, kind COLLATE "C";
COMMENT ON VIEW demo.detection IS 'Precision and recall of each kind of rule on the planted defects (查准率与查全率)';
