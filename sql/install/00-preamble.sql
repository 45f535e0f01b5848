-- 00-preamble: the schema, and the words that all parts share.

\echo Use "CREATE EXTENSION crmaudit" to load this file. \quit

-- The script runs as a superuser: what it names without a schema must not be
-- found in one that others may create in.
SET LOCAL search_path = pg_catalog, pg_temp;

-- A member of the extension, so that it is dropped with it; fails if a
-- stranger made it first.
CREATE SCHEMA crmaudit;
COMMENT ON SCHEMA crmaudit IS 'crmaudit: data rules, findings, scores and history of a CRM';

CREATE TYPE crmaudit.severity AS ENUM ('info', 'warning', 'error', 'critical');
COMMENT ON TYPE crmaudit.severity IS 'how bad a violation is; from error on the gate refuses the row';

CREATE TABLE crmaudit.dimension (
	dimension text PRIMARY KEY,
	ordinal smallint NOT NULL UNIQUE,
	weight real NOT NULL CHECK (weight >= 0),
	english text NOT NULL,
	chinese text NOT NULL
);
COMMENT ON TABLE crmaudit.dimension IS 'data quality dimensions (ISO/IEC 25012) and their weight in a score';
INSERT INTO crmaudit.dimension VALUES
	('completeness', 1, 0.25, 'what is needed is filled', '完整性：必要的数据已填写'),
	('validity', 2, 0.25, 'values are well-formed', '有效性：数据符合编码规则与格式'),
	('consistency', 3, 0.15, 'values do not contradict each other', '一致性：数据之间不矛盾'),
	('uniqueness', 4, 0.15, 'what belongs to one customer stands with one', '唯一性：同一数据不属于多个客户'),
	('timeliness', 5, 0.10, 'data follows the latest state', '及时性：数据反映最新状况'),
	('accuracy', 6, 0.10, 'data is real, not a filler', '准确性：数据真实，无虚假信息');

-- The script is ASCII; Chinese words in it are \u escapes.  A database whose
-- encoding has no Chinese gets what stands instead. Dropped in 85-packs.
CREATE FUNCTION crmaudit.unescape(escaped text, instead text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN unistr(escaped);
EXCEPTION WHEN feature_not_supported OR untranslatable_character THEN
	RETURN instead;
END $$;
UPDATE crmaudit.dimension SET chinese = crmaudit.unescape(chinese, english);

-- The comparison operators of a type, all of one shape. They call functions of
-- ours ("c") or the server's own ("internal"), which are leakproof. Dropped in
-- 50-scoring.
CREATE FUNCTION crmaudit.create_operators(type text, language text, prefix text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	op record;
	signature text := format('crmaudit.%1$s, crmaudit.%1$s', type);
BEGIN
	FOR op IN SELECT * FROM (VALUES
		('eq', '=', 'eqsel', 'eqjoinsel', '=', '<>', ', HASHES, MERGES', 'is equal to'),
		('ne', '<>', 'neqsel', 'neqjoinsel', '<>', '=', '', 'is not equal to'),
		('lt', '<', 'scalarltsel', 'scalarltjoinsel', '>', '>=', '', 'is less than'),
		('le', '<=', 'scalarlesel', 'scalarlejoinsel', '>=', '>', '', 'is less than or equal to'),
		('gt', '>', 'scalargtsel', 'scalargtjoinsel', '<', '<=', '', 'is greater than'),
		('ge', '>=', 'scalargesel', 'scalargejoinsel', '<=', '<', '', 'is greater than or equal to')
	) AS v(name, symbol, restrict_function, join_function, commutator, negator, more, words) LOOP
		EXECUTE format('CREATE FUNCTION crmaudit.%s_%s(%s) RETURNS boolean LANGUAGE %s IMMUTABLE STRICT %s PARALLEL SAFE AS %s',
			type, op.name, signature, language, CASE language WHEN 'internal' THEN 'LEAKPROOF' END,
			CASE language WHEN 'c' THEN quote_literal('$libdir/crmaudit') || ', ' ELSE '' END || quote_literal(prefix || op.name));
		EXECUTE format('COMMENT ON FUNCTION crmaudit.%s_%s(%s) IS %L', type, op.name, signature, 'implementation of ' || op.symbol || ' operator');
		EXECUTE format('CREATE OPERATOR crmaudit.%1$s (LEFTARG = crmaudit.%2$s, RIGHTARG = crmaudit.%2$s, FUNCTION = crmaudit.%2$s_%3$s, COMMUTATOR = OPERATOR(crmaudit.%4$s), NEGATOR = OPERATOR(crmaudit.%5$s), RESTRICT = pg_catalog.%6$s, JOIN = pg_catalog.%7$s%8$s)',
			op.symbol, type, op.name, op.commutator, op.negator, op.restrict_function, op.join_function, op.more);
		EXECUTE format('COMMENT ON OPERATOR crmaudit.%s (%s) IS %L', op.symbol, signature, op.words);
	END LOOP;
END $$;

-- An override is a row of its own, because pg_dump cannot tell a changed
-- row of the extension's from one that CREATE EXTENSION makes again.
CREATE TABLE crmaudit.dimension_weight (
	dimension text PRIMARY KEY REFERENCES crmaudit.dimension,
	weight real NOT NULL CHECK (weight >= 0)
);
COMMENT ON TABLE crmaudit.dimension_weight IS 'weights of dimensions that differ from the default, set by the administrator';

-- Made by protect() when a key column first holds an identifier.
CREATE TABLE crmaudit.key_salt (salt text NOT NULL);
COMMENT ON TABLE crmaudit.key_salt IS 'secret of this database with which identifiers in row keys are hashed';

SELECT pg_catalog.pg_extension_config_dump('crmaudit.dimension_weight', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.key_salt', '');
