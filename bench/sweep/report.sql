SET search_path = bench_sweep;

-- The time of a case, and what it is of another's in the same round.
CREATE FUNCTION ratio(one text, other text, factor float8 DEFAULT 1, OUT median numeric, OUT best numeric) LANGUAGE sql STABLE
BEGIN ATOMIC
	-- Other work on the machine only ever adds: the best rounds are the calmest.
	SELECT round((factor * percentile_cont(0.5) WITHIN GROUP (ORDER BY a.ms / b.ms))::numeric, 2), round((factor * min(a.ms) / min(b.ms))::numeric, 2)
	FROM bench_sweep.timing a JOIN bench_sweep.timing b USING (round)
	WHERE a.name = one AND b.name = other;
END;

CREATE TEMPORARY VIEW case_time AS
SELECT s.n, s.part, s.title AS "case",
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms) / 1000)::numeric, 2) AS seconds,
	round((min(t.ms) / 1000)::numeric, 2) AS best,
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms) * 1000 / CASE WHEN s.source ~ 'large' THEN :large ELSE :rows END)::numeric, 2) AS "us a row"
FROM scenario s JOIN timing t USING (name) GROUP BY s.n, s.part, s.title, s.source;

SELECT count(*) FILTER (WHERE name = 'scan') > 0 AS has_rows, count(*) FILTER (WHERE name = 'group_by') > 0 AS has_groups,
	count(*) FILTER (WHERE name = 'good_large') > 0 AS has_large, current_setting('work_mem') AS work_mem
FROM timing \gset

\if :has_rows
\echo Sweep of :rows rows, 11 columns, twelve rules; work_mem :work_mem; medians of :rounds rounds
SELECT "case", seconds, best AS "best round", "us a row" FROM case_time WHERE part = 'rows' ORDER BY n;
SELECT what, median AS ratio, best AS "of best rounds", wanted
FROM (VALUES
	(1, 'sweep without workers / sum(octet_length(...))', 'sweep_0', 'scan', '<= 5'),
	(2, 'checks as SQL / sweep without workers', 'checks', 'sweep_0', '>= 12'),
	(3, 'one worker / two workers', 'sweep_1', 'sweep_2', '>= 1.6'),
	(4, 'without workers / two workers', 'sweep_0', 'sweep_2', '')) v(n, what, one, other, wanted), ratio(one, other)
ORDER BY n;
\endif

\if :has_groups
\echo Shared phone and bank card, each in every hundredth of :rows rows; work_mem :work_mem; medians of :rounds rounds
SELECT "case", seconds, best AS "best round", "us a row" FROM case_time WHERE part = 'groups' ORDER BY n;
SELECT what, median AS ratio, best AS "of best rounds", wanted
FROM (VALUES
	(1, 'sweep without workers / two GROUP BY', 'groups_0', 'group_by', '<= 2'),
	(2, 'two workers / two GROUP BY', 'groups_2', 'group_by', '')) v(n, what, one, other, wanted), ratio(one, other)
ORDER BY n;
\endif

\if :has_large
\echo Sweep of :large rows, no worker; the small table has :rows; work_mem :work_mem; medians of :rounds rounds
SELECT "case", seconds, best AS "best round", "us a row" FROM case_time WHERE part IN ('large', 'again') ORDER BY n;
SELECT what, median AS ratio, best AS "of best rounds", wanted
FROM (VALUES
	(1, 'time a row, large / small', 'good_large', 'small', :rows::float8 / :large, '1: linear'),
	(2, '1 % bad, found for the first time / no findings', 'bad_large', 'good_large', 1, '<= 2'),
	(3, '1 % bad, all found before / no findings', 'bad_again', 'good_again', 1, '')) v(n, what, one, other, factor, wanted), ratio(one, other, factor)
ORDER BY n;
\echo Memory that the backend has of its own (RssAnon), more than after a sweep of 1,000 rows, MB; work_mem :work_mem
SELECT title AS sweep, round(base_kb / 1024.0, 1) AS "before",
	round(greatest(scan_kb - base_kb, 0) / 1024.0, 1) AS "scanning", round(greatest(write_kb - base_kb, 0) / 1024.0, 1) AS "writing",
	round(greatest(fold_kb - base_kb, 0) / 1024.0, 1) AS "folding", samples AS "times looked", 'work_mem and a few MB' AS wanted
FROM memory ORDER BY n;
\endif
