-- 50-scoring: what findings mean for a row and a table.

-- The type ------------------------------------------------------------------------

CREATE TYPE crmaudit.dqscore;

CREATE FUNCTION crmaudit.dqscore_in(cstring) RETURNS crmaudit.dqscore
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_in';
COMMENT ON FUNCTION crmaudit.dqscore_in(cstring) IS 'input of type dqscore';
CREATE FUNCTION crmaudit.dqscore_out(crmaudit.dqscore) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_out';
COMMENT ON FUNCTION crmaudit.dqscore_out(crmaudit.dqscore) IS 'output of type dqscore';
CREATE FUNCTION crmaudit.dqscore_recv(internal) RETURNS crmaudit.dqscore
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_recv';
COMMENT ON FUNCTION crmaudit.dqscore_recv(internal) IS 'binary input of type dqscore';
CREATE FUNCTION crmaudit.dqscore_send(crmaudit.dqscore) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_send';
COMMENT ON FUNCTION crmaudit.dqscore_send(crmaudit.dqscore) IS 'binary output of type dqscore';

CREATE TYPE crmaudit.dqscore (
	INPUT = crmaudit.dqscore_in,
	OUTPUT = crmaudit.dqscore_out,
	RECEIVE = crmaudit.dqscore_recv,
	SEND = crmaudit.dqscore_send,
	INTERNALLENGTH = 28,
	ALIGNMENT = int4
);
COMMENT ON TYPE crmaudit.dqscore IS 'data quality score from 0 to 100, overall and per dimension; what was not assessed is left out';

SELECT crmaudit.create_operators('dqscore', 'c', 'crmaudit_dqscore_');
DROP FUNCTION crmaudit.create_operators(text, text, text);

CREATE FUNCTION crmaudit.dqscore_cmp(crmaudit.dqscore, crmaudit.dqscore) RETURNS int
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_cmp';
COMMENT ON FUNCTION crmaudit.dqscore_cmp(crmaudit.dqscore, crmaudit.dqscore) IS 'btree comparison: by the overall score, then by the dimensions; not assessed sorts first';
CREATE FUNCTION crmaudit.dqscore_hash(crmaudit.dqscore) RETURNS int
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_hash';
COMMENT ON FUNCTION crmaudit.dqscore_hash(crmaudit.dqscore) IS 'hash';

CREATE OPERATOR CLASS crmaudit.dqscore_ops DEFAULT FOR TYPE crmaudit.dqscore USING btree AS
	OPERATOR 1 crmaudit.<, OPERATOR 2 crmaudit.<=, OPERATOR 3 crmaudit.=,
	OPERATOR 4 crmaudit.>=, OPERATOR 5 crmaudit.>,
	FUNCTION 1 crmaudit.dqscore_cmp(crmaudit.dqscore, crmaudit.dqscore);
COMMENT ON OPERATOR CLASS crmaudit.dqscore_ops USING btree IS 'order of data quality scores';
CREATE OPERATOR CLASS crmaudit.dqscore_ops DEFAULT FOR TYPE crmaudit.dqscore USING hash AS
	OPERATOR 1 crmaudit.=, FUNCTION 1 crmaudit.dqscore_hash(crmaudit.dqscore);
COMMENT ON OPERATOR CLASS crmaudit.dqscore_ops USING hash IS 'equality of data quality scores';

CREATE FUNCTION crmaudit."numeric"(crmaudit.dqscore) RETURNS numeric
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_to_numeric';
COMMENT ON FUNCTION crmaudit."numeric"(crmaudit.dqscore) IS 'the overall score; NULL if nothing was assessed';
CREATE CAST (crmaudit.dqscore AS numeric) WITH FUNCTION crmaudit."numeric"(crmaudit.dqscore) AS ASSIGNMENT;
COMMENT ON CAST (crmaudit.dqscore AS numeric) IS 'the overall score';

CREATE FUNCTION crmaudit.dimension_score(score crmaudit.dqscore, dimension text) RETURNS numeric
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_dimension';
COMMENT ON FUNCTION crmaudit.dimension_score(crmaudit.dqscore, text) IS 'a dimension of a score; NULL if it was not assessed';

DO $$
DECLARE
	dimension text;
BEGIN
	FOREACH dimension IN ARRAY '{completeness,validity,consistency,uniqueness,timeliness,accuracy}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION crmaudit.%1$I(score crmaudit.dqscore) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN crmaudit.dimension_score(score, %1$L)', dimension);
		EXECUTE format('COMMENT ON FUNCTION crmaudit.%I(crmaudit.dqscore) IS %L', dimension, dimension || ' of a score; NULL if it was not assessed');
	END LOOP;
END $$;

CREATE FUNCTION crmaudit.dqscore_accum(bigint[], crmaudit.dqscore) RETURNS bigint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_accum';
COMMENT ON FUNCTION crmaudit.dqscore_accum(bigint[], crmaudit.dqscore) IS 'transition of avg(dqscore)';
CREATE FUNCTION crmaudit.dqscore_combine(bigint[], bigint[]) RETURNS bigint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_combine';
COMMENT ON FUNCTION crmaudit.dqscore_combine(bigint[], bigint[]) IS 'combines states of avg(dqscore)';
CREATE FUNCTION crmaudit.dqscore_avg(bigint[]) RETURNS crmaudit.dqscore
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_dqscore_avg';
COMMENT ON FUNCTION crmaudit.dqscore_avg(bigint[]) IS 'result of avg(dqscore)';
CREATE AGGREGATE crmaudit.avg(crmaudit.dqscore) (
	SFUNC = crmaudit.dqscore_accum, STYPE = bigint[], FINALFUNC = crmaudit.dqscore_avg,
	COMBINEFUNC = crmaudit.dqscore_combine, INITCOND = '{0,0,0,0,0,0,0,0,0,0,0,0,0,0}', PARALLEL = SAFE
);
COMMENT ON AGGREGATE crmaudit.avg(crmaudit.dqscore) IS 'mean of scores, each part over the scores in which it was assessed';

-- Rows and tables -----------------------------------------------------------------------

-- Not parallel: a rule whose SQL fails is left out by a subtransaction, of
-- which parallel mode has none.
CREATE FUNCTION crmaudit.violations(row_value anyelement, OUT rule_id bigint, OUT rule text, OUT column_name text,
	OUT severity crmaudit.severity, OUT dimension text, OUT verdict text, OUT reason text, OUT message text)
RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL UNSAFE ROWS 2
AS 'MODULE_PATHNAME', 'crmaudit_violations';
COMMENT ON FUNCTION crmaudit.violations(anyelement) IS 'what is wrong with a row of a protected table: a line for each violated rule and column';

CREATE FUNCTION crmaudit.score(row_value anyelement) RETURNS crmaudit.dqscore
LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_score';
COMMENT ON FUNCTION crmaudit.score(anyelement) IS 'score of a row of a protected table; NULL if nothing was assessed';

CREATE FUNCTION crmaudit.measure_table(target regclass, OUT rows bigint, OUT score crmaudit.dqscore, OUT clean_row_rate numeric, OUT coverage numeric)
RETURNS record LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_measure_table';
COMMENT ON FUNCTION crmaudit.measure_table(regclass) IS 'scans a protected table with the user''s rights: rows that count, score, share of rows without a violation, share of rule evaluations that ran';

CREATE FUNCTION crmaudit.measure_columns(target regclass, OUT column_name text, OUT dimension text, OUT assessed bigint, OUT failed bigint, OUT score numeric)
RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_measure_columns';
COMMENT ON FUNCTION crmaudit.measure_columns(regclass) IS 'scans a protected table with the user''s rights: a row for each column and dimension';

CREATE FUNCTION crmaudit.measure_segments(target regclass, column_name text, OUT value text, OUT rows bigint, OUT score crmaudit.dqscore, OUT clean_row_rate numeric, OUT coverage numeric,
	OUT score_adjusted crmaudit.dqscore)
RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_measure_segments';
COMMENT ON FUNCTION crmaudit.measure_segments(regclass, text) IS 'implementation of segment_score()';

-- Whoever may read the column sees its values.
CREATE FUNCTION crmaudit.segment_score(target regclass, column_name text, OUT value text, OUT rows bigint, OUT score numeric, OUT clean_row_rate numeric, OUT coverage numeric,
	OUT completeness numeric, OUT validity numeric, OUT consistency numeric, OUT uniqueness numeric, OUT timeliness numeric, OUT accuracy numeric, OUT score_adjusted numeric)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT m.value, m.rows, m.score::numeric, m.clean_row_rate, m.coverage, crmaudit.completeness(m.score), crmaudit.validity(m.score),
		crmaudit.consistency(m.score), crmaudit.uniqueness(m.score), crmaudit.timeliness(m.score), crmaudit.accuracy(m.score), m.score_adjusted::numeric
	FROM crmaudit.measure_segments(target, column_name) m
	ORDER BY m.value
$$;
COMMENT ON FUNCTION crmaudit.segment_score(regclass, text) IS 'scans a protected table with the user''s rights: score of the rows of each value of a column, values cut to 255 bytes; kinds that look at other rows count by the findings of the last full sweep, for whoever may read findings and the table''s owner; score_adjusted: if waived findings counted as valid';
