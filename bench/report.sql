\echo INSERT ... SELECT of :rows rows, 11 columns, primary key; medians of :rounds rounds
SELECT s.title AS "case",
	round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms) / 1000)::numeric, 2) AS seconds,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms / plain.ms)::numeric, 2) AS "ratio to plain",
	-- Other work on the machine only ever adds: the best rounds are the calmest.
	round((min(t.ms) / min(plain.ms))::numeric, 2) AS "of best rounds",
	s.bound AS "wanted"
FROM bench.scenario s
JOIN bench.timing t USING (name)
JOIN bench.timing plain ON plain.name = 'plain' AND plain.round = t.round
GROUP BY s.n, s.title, s.bound
ORDER BY s.n;

\echo What live scores cost good rows: (with - without) / plain
SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY (t.ms - without.ms) / plain.ms)::numeric, 3) AS "of plain",
	round(((min(t.ms) - min(without.ms)) / min(plain.ms))::numeric, 3) AS "of best rounds",
	'<= 0.15' AS wanted
FROM bench.timing t
JOIN bench.timing without USING (round)
JOIN bench.timing plain USING (round)
WHERE t.name = 'gate_12' AND without.name = 'gate_12_no_scores' AND plain.name = 'plain'
HAVING count(*) > 0;

\echo Single rows, pgbench, one client; medians of three times as many slices of a second
SELECT CASE gate.way WHEN 'durable' THEN 'as it comes: fsync on, simple protocol'
		ELSE 'worst case: fsync off, prepared' END AS way,
	gate.statement,
	s.title AS "case",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY plain.tps)::numeric) AS "plain, tps",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY gate.tps)::numeric) AS "this, tps",
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY gate.tps / plain.tps)::numeric, 3) AS "throughput of plain",
	CASE WHEN gate.way = 'durable' AND gate.name = 'gate_12' THEN '>= 0.95' ELSE '' END AS "wanted"
FROM bench.throughput gate
JOIN bench.throughput plain USING (way, statement, round)
JOIN bench.scenario s ON s.name = gate.name
WHERE gate.name <> 'plain' AND plain.name = 'plain'
GROUP BY gate.way, gate.statement, gate.name, s.n, s.title
ORDER BY gate.way, gate.statement, s.n;
