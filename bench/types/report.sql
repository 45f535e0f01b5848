-- The scan is taken off round by round: a slow minute hits both.
CREATE TEMPORARY VIEW above_scan AS
SELECT t.kind, t.way,
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms - scan.ms) * 1000 / :rows)::numeric, 3) AS us,
	-- other work on the machine only ever adds
	round(((min(t.ms) - min(scan.ms)) * 1000 / :rows)::numeric, 3) AS best
FROM bench_types.timing t
JOIN bench_types.timing scan USING (kind, round)
WHERE t.way <> 'scan' AND scan.way = 'scan'
GROUP BY t.kind, t.way;

\echo Microseconds of processor time a value, above a bare scan of :rows values, 95 % of them right; medians of :rounds rounds
SELECT k.kind,
	ours.us AS "crmaudit",
	ours.best AS "best round",
	'<= ' || k.wanted AS "wanted",
	usual.us AS "regular expression",
	coalesce(p.name || ' ' || p.us, 'isn (ean13) ' || other.us) AS "others"
FROM bench_types.kind k
LEFT JOIN above_scan ours ON ours.kind = k.kind AND ours.way = 'ours'
LEFT JOIN above_scan usual ON usual.kind = k.kind AND usual.way = 'usual'
LEFT JOIN above_scan other ON other.kind = k.kind AND other.way = 'other'
LEFT JOIN (SELECT kind, name, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY us)::numeric, 3) AS us
	FROM bench_types.program GROUP BY kind, name) p ON p.kind = k.kind
WHERE usual.us IS NOT NULL
ORDER BY k.n;

SELECT EXISTS (SELECT FROM bench_types.ordering) AS has_ordering \gset
\if :has_ordering
\echo Index and sort of :rows numbers, beside bigint; medians of :rounds rounds
SELECT o.kind, o.what,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY o.ms)::numeric) AS "type, ms",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY b.ms)::numeric) AS "bigint, ms",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY o.ms / b.ms)::numeric, 2) AS "ratio",
	'1' AS "wanted"
FROM bench_types.ordering o
JOIN bench_types.ordering b USING (kind, what, round)
WHERE o.way = 'type' AND b.way = 'bigint'
GROUP BY o.kind, o.what
ORDER BY o.kind, o.what;
\endif
