SET search_path = bench_ledger;

SELECT count(*) > 0 AS measured FROM bulk \gset
\if :measured
\echo INSERT ... SELECT of :rows rows of 11 columns, UPDATE of two columns of all; medians of :rounds rounds
SELECT w.title AS "recorded by", b.statement,
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY b.ms) / 1000)::numeric, 2) AS seconds,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY b.ms / plain.ms)::numeric, 2) AS "ratio to plain",
	-- Other work on the machine only ever adds: the best rounds are the calmest.
	round((min(b.ms) / min(plain.ms))::numeric, 2) AS "of best rounds",
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY b.wal - plain.wal) / :rows)::numeric) AS "WAL bytes more, a row",
	CASE WHEN w.name NOT LIKE 'ledger%' THEN '' WHEN b.statement = 'INSERT' THEN '<= 3' ELSE '<= 3; <= 700 bytes' END AS wanted
FROM way w JOIN bulk b USING (name) JOIN bulk plain ON plain.name = w.base AND plain.statement = b.statement AND plain.round = b.round
GROUP BY w.n, w.name, w.title, b.statement
ORDER BY b.statement, w.n;
\endif

SELECT count(*) > 0 AS measured FROM single \gset
\if :measured
\echo UPDATE of single rows, pgbench, :clients clients, slices of :slice s in turn; medians of :rounds rounds, latency in ms
SELECT CASE s.durability WHEN 'on' THEN 'as it comes: fsync on, simple protocol' ELSE 'worst case: fsync off, prepared' END AS way,
	CASE s.name WHEN 'ledger' THEN w.title || ', sealed every second' WHEN 'unsealed' THEN 'crmaudit''s ledger, not sealed' ELSE w.title END AS "recorded by",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY s.tps)::numeric) AS tps,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY s.tps / plain.tps)::numeric, 3) AS "throughput of plain",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY s.p999)::numeric, 1) AS "99.9 of 100 within",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY s.longest)::numeric, 1) AS longest,
	round(max(s.longest)::numeric, 1) AS "longest of all",
	CASE s.name WHEN 'ledger' THEN '>= 0.85; longest as without sealing' ELSE '' END AS wanted
FROM single s LEFT JOIN way w USING (name) JOIN single plain ON plain.name = 'plain' AND plain.durability = s.durability AND plain.round = s.round
GROUP BY s.durability, s.name, w.n, w.title
ORDER BY s.durability DESC, coalesce(w.n, 2), s.name = 'unsealed';
\endif

SELECT count(*) > 0 AS measured FROM pass \gset
\if :measured
\echo Sealing and verifying, one backend; memory is what it has of its own at most (RssAnon)
SELECT title AS "pass", entries, round((ms / 1000)::numeric, 2) AS seconds, round((cpu / 1000)::numeric, 2) AS "of the processor",
	round((entries / ms * 1000)::numeric) AS "entries/s", round((entries / nullif(cpu, 0) * 1000)::numeric) AS "entries/s of the processor",
	round((nullif(peak_kb, 0) / 1024)::numeric, 1) AS "MB", '>= 300,000; memory constant' AS wanted
FROM pass ORDER BY n;

\echo row_history() of random rows, one client, slices of :slice s; ms
SELECT title AS ledger, entries, round(average::numeric, 2) AS average, round(p99::numeric, 2) AS "99 of 100 within", round(longest::numeric, 2) AS longest, '<= 5' AS wanted
FROM lookup ORDER BY n;
\endif
