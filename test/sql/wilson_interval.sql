-- Wilson's score interval at 95 %, against published values.
\set SHOW_CONTEXT never

-- Newcombe (1998), table I, method 3: to four digits.
SELECT n.successes, n.trials, round(w.low, 4) AS low, round(w.high, 4) AS high, (round(w.low, 4), round(w.high, 4)) = (n.low, n.high) AS as_published
	FROM (VALUES (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)) AS n(successes, trials, low, high)
	CROSS JOIN LATERAL crmaudit.wilson_interval(n.successes, n.trials) w ORDER BY 1 DESC;

-- At the ends the bounds are 0 and 1 exactly; without a trial there are none.
SELECT s.*, w.low, w.high FROM (VALUES (0, 10), (10, 10), (5, 10), (0, 1), (1, 1), (0, 0), (NULL, 10), (1, NULL)) AS s(successes, trials)
	CROSS JOIN LATERAL crmaudit.wilson_interval(s.successes, s.trials) w;

-- A rare thing in a large table keeps its digits; the largest numbers do too.
SELECT low, high FROM crmaudit.wilson_interval(3, 1000000000);
SELECT low, high FROM crmaudit.wilson_interval(4611686018427387904, 9223372036854775807);

-- The two sides mirror each other, and hold the share itself.
SELECT count(*) FILTER (WHERE w.low = 1 - m.high AND w.high = 1 - m.low) AS mirrored,
	count(*) FILTER (WHERE x / 40.0 BETWEEN w.low AND w.high) AS around, count(*)
	FROM generate_series(0, 40) x
	CROSS JOIN LATERAL crmaudit.wilson_interval(x, 40) w CROSS JOIN LATERAL crmaudit.wilson_interval(40 - x, 40) m;

SELECT crmaudit.wilson_interval(11, 10);
SELECT crmaudit.wilson_interval(-1, 10);
SELECT crmaudit.wilson_interval(0, -1);

-- Whoever may use the database may call it.
CREATE ROLE wi_anybody;
SET ROLE wi_anybody;
SELECT low, high FROM crmaudit.wilson_interval(5, 10);
RESET ROLE;
DROP ROLE wi_anybody;
