-- Customer importance (D25), and winsorize(), which it stands on.
\set SHOW_CONTEXT never

-- Of 1 to 101 the percentiles at 1 % and 99 % are 2 and 100: what lies beyond
-- becomes the bound, and values keep the order in which they come.
SELECT w.n, w.value, v.winsorised
FROM (SELECT crmaudit.winsorize(n ORDER BY n DESC) AS bounded, array_agg(n ORDER BY n DESC) AS plain FROM generate_series(1, 101) n) a,
	unnest(a.plain) WITH ORDINALITY AS w(value, n), unnest(a.bounded) WITH ORDINALITY AS v(winsorised, n)
WHERE v.n = w.n AND (w.n <= 3 OR w.n >= 99) ORDER BY w.n;

-- Between two values the percentile is interpolated: of 0, 10, 20, 30, 40 the
-- 10 % is at 0.4 (4), the 90 % at 3.6 (36). NULL stays and does not count.
SELECT crmaudit.winsorize(x, 0.1, 0.9 ORDER BY x NULLS FIRST) FROM (VALUES (40), (0), (NULL), (20), (10), (30)) AS t(x);
-- Any number will do; 0 and 1 change nothing, equal fractions leave one value.
SELECT crmaudit.winsorize(x::numeric ORDER BY x) AS as_numeric, crmaudit.winsorize(x, 0, 1 ORDER BY x) AS as_it_is, crmaudit.winsorize(x, 0.5, 0.5 ORDER BY x) AS median
FROM generate_series(1, 3) x;

-- Of nothing it is NULL, of NULLs it is NULLs, of one value that value. NaN is
-- the greatest value, as in all of PostgreSQL.
SELECT crmaudit.winsorize(x::float8) AS nothing FROM generate_series(1, 0) x;
SELECT crmaudit.winsorize(NULL::float8) AS nulls FROM generate_series(1, 2);
SELECT crmaudit.winsorize(7) AS one;
SELECT crmaudit.winsorize(x, 0, 0.5 ORDER BY x) AS not_a_number FROM (VALUES ('NaN'::float8), (1), (2), ('Infinity'), ('-Infinity')) AS t(x);

-- The figures of percentile_cont(), to the last bit, of each group.
CREATE TABLE observation (firm int, x float8);
INSERT INTO observation SELECT n % 7, sin(n) * 10 ^ (n % 5) FROM generate_series(1, 5000) n;
INSERT INTO observation VALUES (1, NULL), (8, NULL);
SELECT count(*) AS values, count(*) FILTER (WHERE w.winsorised <> x) AS replaced,
	count(*) FILTER (WHERE w.winsorised IS DISTINCT FROM CASE WHEN x < b.bound[1] THEN b.bound[1] WHEN x > b.bound[2] THEN b.bound[2] ELSE x END) AS wrong
FROM (SELECT firm, array_agg(x) AS plain, crmaudit.winsorize(x) AS bounded FROM observation GROUP BY firm) a
JOIN (SELECT firm, percentile_cont('{0.01,0.99}'::float8[]) WITHIN GROUP (ORDER BY x) AS bound FROM observation GROUP BY firm) b USING (firm)
CROSS JOIN LATERAL unnest(a.plain, a.bounded) AS w(x, winsorised);

-- winsorized() gives the same in each row, over the rows of its partition.
SELECT count(*) AS rows, count(*) FILTER (WHERE w.winsorised IS DISTINCT FROM w.expected) AS wrong
FROM (SELECT crmaudit.winsorized(o.x) OVER (PARTITION BY o.firm) AS winsorised,
		CASE WHEN o.x < b.bound[1] THEN b.bound[1] WHEN o.x > b.bound[2] THEN b.bound[2] ELSE o.x END AS expected
	FROM observation o
	JOIN (SELECT firm, percentile_cont('{0.01,0.99}'::float8[]) WITHIN GROUP (ORDER BY x) AS bound FROM observation GROUP BY firm) b USING (firm)) w;
SELECT x, crmaudit.winsorized(x, 0.1, 0.9) OVER () AS winsorised, crmaudit.winsorized(x, upper => 1, lower => 0.5) OVER (ORDER BY x DESC) AS upper_half
FROM (VALUES (40), (0), (NULL), (20), (10), (30)) AS t(x) ORDER BY x;
-- The aggregate over a window has the frame's values, and its state lives on.
SELECT x, crmaudit.winsorize(x, 0, 0.5) OVER (ORDER BY x) AS so_far FROM generate_series(1, 4) x ORDER BY x;

-- In parallel it finds the same.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT crmaudit.winsorize(x) FROM observation;
CREATE TEMPORARY TABLE found AS SELECT 'parallel' AS how, crmaudit.winsorize(x) AS bounded FROM observation;
-- of no process is there a state
SELECT crmaudit.winsorize(x) AS of_none FROM observation WHERE x > 1e6;
SET max_parallel_workers_per_gather = 0;
INSERT INTO found SELECT 'serial', crmaudit.winsorize(x) FROM observation;
SELECT how, cardinality(bounded) AS values, md5(ARRAY(SELECT v FROM unnest(bounded) v ORDER BY v)::text)
	= (SELECT md5(ARRAY(SELECT v FROM unnest(s.bounded) v ORDER BY v)::text) FROM found s WHERE s.how = 'serial') AS same
FROM found ORDER BY how;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
DROP TABLE observation, found;

-- Fractions must make sense, and be the same throughout.
SELECT crmaudit.winsorize(1, 0.9, 0.1);
SELECT crmaudit.winsorize(1, -0.1, 0.9);
SELECT crmaudit.winsorize(1, 0.1, 1.1);
SELECT crmaudit.winsorize(1, NULL, 0.9);
SELECT crmaudit.winsorize(1, 0.1, 'NaN');
SELECT crmaudit.winsorized(1, 0.9, 0.1) OVER ();
SELECT crmaudit.winsorize(x, 0.1 * x, 0.9) FROM generate_series(1, 2) x;
SELECT crmaudit.winsorized(x, 0.1 * x, 0.9) OVER () FROM generate_series(1, 2) x;

-- Nothing is mapped: nothing is shown.
SELECT count(*) FROM crmaudit.customer_importance;

-- Assets are powers of ten, so that the logs cancel out: ln(10^6) / (ln(10^6) + ln(10^8) + ln(10^10)) = 6/24.
--
--	firm year customer  fee          CI1            assets   CI2
--	F1   2024 A         100          100/1000=0.1   10^6      6/24=0.25
--	F1   2024 B         300          300/1000=0.3   10^8      8/24=0.333333
--	F1   2024 C         200+400=600  600/1000=0.6   10^10    10/24=0.416667   two engagements
--	F1   2025 A         250          250/1000=0.25  10^6      6/10=0.6
--	F1   2025 B         750          750/1000=0.75  none     not assessed
--	F1   2025 D         none         not assessed   10^4      4/10=0.4
--	F2   2025 E         0            not assessed   0        not assessed     the firm's fees are 0
--	F3   2025 A         none         not assessed   1        not assessed     ln(1) = 0
--	F3   2025 B         none         not assessed   -5       not assessed
--
-- CI1, pooled: 0.1 0.25 0.3 0.6 0.75, so that the 1 % is at 0.01*4 = 0.04: 0.1 + 0.04*0.15 = 0.106, and the 99 % at 3.96: 0.6 + 0.96*0.15 = 0.744.
-- CI2, pooled: 0.25 0.333333 0.4 0.416667 0.6: 0.25 + 0.04*0.083333 = 0.253333, and 0.416667 + 0.96*0.183333 = 0.592667.
CREATE SCHEMA importance;
CREATE TABLE importance.engagement (id int PRIMARY KEY, firm text, year int, client text, fee numeric, assets numeric);
INSERT INTO importance.engagement VALUES
	(1, 'F1', 2024, 'A', 100, 1e6), (2, 'F1', 2024, 'B', 300, 1e8), (3, 'F1', 2024, 'C', 200, 1e10), (4, 'F1', 2024, 'C', 400, NULL),
	(5, 'F1', 2025, 'A', 250, 1e6), (6, 'F1', 2025, 'B', 750, NULL), (7, 'F1', 2025, 'D', NULL, 1e4),
	(8, 'F2', 2025, 'E', 0, 0), (9, 'F3', 2025, 'A', NULL, 1), (10, 'F3', 2025, 'B', NULL, -5),
	-- of no year it is not said whose share it would be
	(11, 'F3', NULL, 'A', 10, 1e6);
SELECT crmaudit.map_entity('customer_year', 'importance.engagement', '{"customer_id": "client", "firm_id": "firm", "year": "year", "fee": "fee", "assets": "assets"}');
SELECT firm_id, year, customer_id AS id, customers, fee, firm_fee, round(ci1, 6) AS ci1, round(ci1_winsorised, 6) AS ci1_winsorised,
	assets, round(ci2, 6) AS ci2, round(ci2_winsorised, 6) AS ci2_winsorised, not_assessed
FROM crmaudit.customer_importance;
SELECT round(ln_assets::numeric, 6) AS ln_assets, round(firm_ln_assets::numeric, 6) AS firm_ln_assets FROM crmaudit.customer_importance WHERE firm_id = 'F1' AND year = 2024 AND customer_id = 'A';
-- A condition on the year leaves the pool as it is.
SELECT customer_id, round(ci1_winsorised, 6) AS ci1_winsorised FROM crmaudit.customer_importance WHERE year = 2024;

-- Of a firm without a name the customers are those of one firm; a person who serves is a firm too.
INSERT INTO importance.engagement VALUES (12, NULL, 2024, 'G', 10, NULL), (13, NULL, 2024, 'H', 30, NULL), (14, '', 2024, 'G', 5, NULL);
SELECT firm_id, customer_id, customers, round(ci1, 6) AS ci1 FROM crmaudit.customer_importance WHERE coalesce(firm_id, '') = '';
SET crmaudit.language = 'zh';
SELECT customer_id, not_assessed FROM crmaudit.customer_importance WHERE firm_id IN ('F2', 'F3');
RESET crmaudit.language;

SELECT crmaudit.unmap_entity('customer_year');
SET client_min_messages = warning;
DROP SCHEMA importance CASCADE;
