-- The type dqscore: an overall score and six dimensions, from 0 to 100, each
-- left out where nothing was assessed.
\set SHOW_CONTEXT never

-- Text form: the overall score, then the assessed dimensions in their order;
-- four decimals at most, without trailing zeros. "-" is not assessed.
SELECT input, input::crmaudit.dqscore AS output
FROM (VALUES
	(1, '100'), (2, '0'), (3, '-'), (4, '93.75 completeness=100 validity=75'), (5, '50 accuracy=1 validity=2.5000 uniqueness=0.0001'),
	(6, '  7  timeliness=- consistency=099  '), (7, '- validity=3'), (8, '.5')
) AS t(n, input) ORDER BY n;

-- What is none is refused, and the hint shows one.
CREATE FUNCTION pg_temp.refusal(input text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM input::crmaudit.dqscore;
	message := 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
SELECT state, message, hint FROM unnest(ARRAY[
	'', ' ', 'good', '100.1', '100.0001', '101', '-1', '1.', '.', '1.00001', '1e2', '99999999999999999999', '50 beauty=1', '50 validity',
	'50 validity=', '50 validity=101', '50 validity=1 validity=2', '50,validity=1', '50 validity=1x', '50 validity = 1'
]) WITH ORDINALITY AS t(input, n), pg_temp.refusal(input) ORDER BY n;

-- The overall score is the value of a number; the accessors give the others.
SELECT s::numeric AS score, crmaudit.completeness(s), crmaudit.validity(s), crmaudit.consistency(s),
	crmaudit.uniqueness(s), crmaudit.timeliness(s), crmaudit.accuracy(s)
FROM (VALUES (1, '93.75 completeness=100 validity=75.5'::crmaudit.dqscore), (2, '1 consistency=2 uniqueness=3 timeliness=4 accuracy=5'), (3, '-')) AS t(n, s) ORDER BY n;
SELECT crmaudit.dimension_score('50 validity=25', 'validity') AS assessed, crmaudit.dimension_score('50 validity=25', 'accuracy') AS not_assessed;
SELECT crmaudit.dimension_score('50', 'beauty');
CREATE TABLE scores (id int PRIMARY KEY, score numeric);
INSERT INTO scores VALUES (1, '62.5 validity=1'::crmaudit.dqscore) RETURNING score;
-- A number is not cast to a score, nor a score to anything without being asked.
SELECT 50::crmaudit.dqscore;
SELECT round('62.5'::crmaudit.dqscore);
DROP TABLE scores;

-- Order: by the overall score, then by the dimensions; not assessed comes
-- first. Sorting, grouping and indexes work without more; the operators stand
-- in the schema of the extension.
SET search_path = public, crmaudit;
CREATE TABLE scores (id int PRIMARY KEY, score crmaudit.dqscore);
INSERT INTO scores VALUES (1, '50 validity=50'), (2, '50'), (3, '-'), (4, '100'), (5, '50 completeness=1'), (6, '50 validity=50.0'), (7, NULL), (8, '9');
SELECT id, score FROM scores ORDER BY score, id;
SELECT score, count(*) FROM scores GROUP BY score ORDER BY score DESC NULLS LAST;
SELECT a.id, b.id FROM scores AS a JOIN scores AS b ON a.score = b.score AND a.id < b.id ORDER BY a.id, b.id;
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT a.id, b.id FROM scores AS a JOIN scores AS b ON a.score = b.score AND a.id < b.id ORDER BY a.id, b.id;
RESET enable_mergejoin;
RESET enable_nestloop;
CREATE INDEX ON scores (score);
SET enable_seqscan = off;
SELECT id FROM scores WHERE score < '50 validity=50' ORDER BY id;
RESET enable_seqscan;
SELECT a.s < b.s AS lt, a.s <= b.s AS le, a.s = b.s AS eq, a.s <> b.s AS ne, a.s >= b.s AS ge, a.s > b.s AS gt, crmaudit.dqscore_cmp(a.s, b.s) AS cmp
FROM (VALUES (1, '50'::crmaudit.dqscore), (2, '50 validity=1')) AS a(n, s), (VALUES (1, '50'::crmaudit.dqscore), (2, '50 validity=1')) AS b(n, s)
ORDER BY a.n, b.n;

-- Binary form: what was sent is received again; what cannot be a score is not.
CREATE TABLE received (LIKE scores);
\getenv builddir PG_ABS_BUILDDIR
SELECT encode(crmaudit.dqscore_send('93.75 completeness=100 validity=75'), 'hex') AS sent, encode(crmaudit.dqscore_send('-'), 'hex') AS nothing;
\set file :builddir '/results/scoring_dqscore.bin'
COPY scores TO :'file' (FORMAT binary);
COPY received FROM :'file' (FORMAT binary);
SELECT count(*) AS same FROM scores JOIN received USING (id) WHERE scores.score IS NOT DISTINCT FROM received.score;
CREATE TABLE forged (id int, score bytea);
INSERT INTO forged VALUES (1, decode(repeat('7fffffff', 7), 'hex'));
COPY forged TO :'file' (FORMAT binary);
COPY received FROM :'file' (FORMAT binary);
UPDATE forged SET score = decode('00', 'hex');
COPY forged TO :'file' (FORMAT binary);
COPY received FROM :'file' (FORMAT binary);

DROP TABLE scores, received, forged;

-- avg(): of each part over the scores in which it was assessed; NULL of none.
SELECT crmaudit.avg(s) FROM (VALUES ('100 validity=50'::crmaudit.dqscore), ('50 validity=100 accuracy=7'), ('0'), ('-'), (NULL)) AS t(s);
SELECT crmaudit.avg(s) AS of_nothing_assessed FROM (VALUES ('-'::crmaudit.dqscore), ('-')) AS t(s);
SELECT crmaudit.avg(s) AS of_no_rows FROM (SELECT '1'::crmaudit.dqscore AS s) AS t WHERE false;
SELECT crmaudit.avg(s) FROM (VALUES ('0.0001'::crmaudit.dqscore), ('0.0002')) AS t(s);
SELECT n, crmaudit.avg(s) OVER (ORDER BY n) AS running FROM (VALUES (1, '100'::crmaudit.dqscore), (2, '50'), (3, '0')) AS t(n, s) ORDER BY n;

-- Called outside an aggregate its functions do not change their arguments.
WITH a AS MATERIALIZED (SELECT '{1,1,0,0,0,0,0,0,0,0,0,0,0,0}'::bigint[] AS state)
SELECT crmaudit.dqscore_accum(state, '1') AS added, crmaudit.dqscore_combine(state, state) AS combined, state FROM a;
-- What is no state of theirs is refused: anyone may call them.
SELECT crmaudit.dqscore_avg('{1,2}');
SELECT crmaudit.dqscore_avg('{-9223372036854775808,-1,0,0,0,0,0,0,0,0,0,0,0,0}');
SELECT crmaudit.dqscore_avg('{9223372036854775807,1,0,0,0,0,0,0,0,0,0,0,0,0}');

-- A parallel plan gives the very same as a serial one.
CREATE TABLE many AS SELECT n AS id, (n % 101)::text || CASE WHEN n % 3 = 0 THEN '' ELSE ' validity=' || n % 97 END AS text FROM generate_series(1, 20000) AS n;
ALTER TABLE many ADD COLUMN score crmaudit.dqscore;
UPDATE many SET score = (CASE WHEN id % 101 = 100 THEN '-' ELSE text END)::crmaudit.dqscore;
ALTER TABLE many SET (parallel_workers = 2);
SET max_parallel_workers_per_gather = 0;
SELECT crmaudit.avg(score) AS serial FROM many \gset
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT crmaudit.avg(score) FROM many;
SELECT crmaudit.avg(score) = :'serial' AS same FROM many;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE many;
RESET search_path;
