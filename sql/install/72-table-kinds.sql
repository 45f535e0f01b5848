-- 72-table-kinds: what kinds that look at other rows, or at a table as a whole,
-- need: functions that their SQL calls, and baselines of distributions.

-- Misspellings ------------------------------------------------------------------

CREATE FUNCTION crmaudit.one_edit_apart(text, text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_one_edit_apart';
COMMENT ON FUNCTION crmaudit.one_edit_apart(text, text) IS 'whether one character inserted, deleted, replaced, or swapped with its neighbour makes one value of the other; false for values of more than a hundred characters';

CREATE FUNCTION crmaudit.is_spelling_variant(text, text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_is_spelling_variant';
COMMENT ON FUNCTION crmaudit.is_spelling_variant(text, text) IS 'whether two values are one edit apart, and may be the same: the edit touches no digit, and not only characters that number or place';

CREATE FUNCTION crmaudit.spelling_keys(text) RETURNS bigint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_spelling_keys';
COMMENT ON FUNCTION crmaudit.spelling_keys(text) IS 'hashes of a value and of what is left without each of its characters: values one edit apart have one in common';

-- Comparison with another system's table -----------------------------------------

CREATE FUNCTION crmaudit.comparable_value(kind text, value text, region text DEFAULT NULL) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_comparable_value';
COMMENT ON FUNCTION crmaudit.comparable_value(text, text, text) IS 'the canonical form of an identifier of that kind, or the value itself if it has none; NULL for an empty string';

-- The SQL of a rule ----------------------------------------------------------------

CREATE FUNCTION crmaudit.rule_query(target regclass, rule text) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'crmaudit_rule_query';
COMMENT ON FUNCTION crmaudit.rule_query(regclass, text) IS 'the SQL that the sweep runs for a rule of a kind that looks at other rows: which rows break it; the user must be able to read the table';

-- Distributions --------------------------------------------------------------------

CREATE FUNCTION crmaudit.chi_square_p(statistic float8, df int) RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_chi_square_p';
COMMENT ON FUNCTION crmaudit.chi_square_p(float8, int) IS 'probability, by chance, of a chi-square statistic at least as large, with df degrees of freedom';

CREATE TABLE crmaudit.distribution_baseline (
	rule_id bigint PRIMARY KEY,
	rule_version int NOT NULL,
	is_ordered boolean NOT NULL,
	rows bigint NOT NULL,
	salt_id text NOT NULL,
	taken_at timestamptz NOT NULL DEFAULT now(),
	taken_by name NOT NULL DEFAULT session_user
);
COMMENT ON TABLE crmaudit.distribution_baseline IS 'baselines of rules of kind distribution: what baseline() counted, of which version of the rule, when';
COMMENT ON COLUMN crmaudit.distribution_baseline.is_ordered IS 'whether the buckets part numbers or dates at their deciles; if not, they are single values';
COMMENT ON COLUMN crmaudit.distribution_baseline.salt_id IS 'with the secret of this database, what values are digested with';

CREATE TABLE crmaudit.distribution_bucket (
	rule_id bigint NOT NULL REFERENCES crmaudit.distribution_baseline ON DELETE CASCADE,
	bucket int NOT NULL,
	lower text,
	digest text,
	rows bigint NOT NULL,
	PRIMARY KEY (rule_id, bucket)
);
COMMENT ON TABLE crmaudit.distribution_bucket IS 'how many rows of a baseline had which value';
COMMENT ON COLUMN crmaudit.distribution_bucket.bucket IS '-1: NULL; of single values, 0: all that have no bucket of their own';
COMMENT ON COLUMN crmaudit.distribution_bucket.lower IS 'least value of the bucket, where numbers or dates are parted';
COMMENT ON COLUMN crmaudit.distribution_bucket.digest IS 'salted digest of the value: no values are kept';

SELECT pg_catalog.pg_extension_config_dump('crmaudit.distribution_baseline', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.distribution_bucket', '');

-- No foreign key, for crmaudit.rule may be truncated.
CREATE FUNCTION crmaudit.forget_baseline() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM crmaudit.distribution_baseline b WHERE b.rule_id = OLD.id;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION crmaudit.forget_baseline() IS 'trigger: the baseline of a rule leaves with it';
CREATE TRIGGER forget_baseline AFTER DELETE ON crmaudit.rule FOR EACH ROW
	WHEN (OLD.kind = 'distribution')
	EXECUTE FUNCTION crmaudit.forget_baseline();

-- Whether a rule has a baseline is part of what is compiled.
CREATE TRIGGER rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crmaudit.distribution_baseline
	FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.rules_changed();

-- Bounds are kept as text, which no setting of a session may change.
CREATE FUNCTION crmaudit.measure_distribution(target regclass, rule text, salt_id text,
	OUT bucket int, OUT lower text, OUT digest text, OUT rows bigint)
RETURNS SETOF record LANGUAGE c STRICT
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC' SET extra_float_digits = 1
AS 'MODULE_PATHNAME', 'crmaudit_measure_distribution';
COMMENT ON FUNCTION crmaudit.measure_distribution(regclass, text, text) IS 'counts today''s values of a rule of kind distribution; implementation of baseline()';

CREATE FUNCTION crmaudit.distribution_shift(target regclass, rule text,
	OUT bucket int, OUT baseline_rows bigint, OUT rows bigint, OUT psi float8, OUT chi_square float8)
RETURNS SETOF record LANGUAGE c STABLE STRICT
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC' SET extra_float_digits = 1
AS 'MODULE_PATHNAME', 'crmaudit_distribution_shift';
COMMENT ON FUNCTION crmaudit.distribution_shift(regclass, text) IS 'for each bucket of a baseline its rows then and today, and what it adds to the population stability index and to chi-square; sum them up for the table''s; no rows without a baseline';

CREATE FUNCTION crmaudit.baseline(target regclass, columns text[] DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	one crmaudit.rule;
	new_salt text;
	taken int := 0;
	bucket_rows bigint;
BEGIN
	PERFORM crmaudit.require_protected(target);
	PERFORM crmaudit.make_key_salt();
	FOR one IN
		SELECT * FROM crmaudit.rule r
		WHERE r.target = baseline.target AND r.kind = 'distribution' AND r.enabled
			AND (baseline.columns IS NULL OR r.columns <@ baseline.columns)
		ORDER BY r.id
	LOOP
		new_salt := gen_random_uuid();
		DELETE FROM crmaudit.distribution_baseline b WHERE b.rule_id = one.id;
		INSERT INTO crmaudit.distribution_baseline (rule_id, rule_version, is_ordered, rows, salt_id)
			VALUES (one.id, one.version, false, 0, new_salt);
		INSERT INTO crmaudit.distribution_bucket (rule_id, bucket, lower, digest, rows)
			SELECT one.id, m.bucket, m.lower, m.digest, m.rows
			FROM crmaudit.measure_distribution(target, one.name, new_salt) m;
		SELECT sum(k.rows) INTO bucket_rows FROM crmaudit.distribution_bucket k WHERE k.rule_id = one.id;
		IF bucket_rows = 0 THEN
			RAISE EXCEPTION 'relation "%" has no rows for a baseline of rule "%"', target, one.name
				USING ERRCODE = 'object_not_in_prerequisite_state';
		END IF;
		UPDATE crmaudit.distribution_baseline b
			SET rows = bucket_rows,
				is_ordered = EXISTS (SELECT FROM crmaudit.distribution_bucket k WHERE k.rule_id = b.rule_id AND k.lower IS NOT NULL)
			WHERE b.rule_id = one.id;
		taken := taken + 1;
	END LOOP;
	IF taken = 0 THEN
		RAISE EXCEPTION 'relation "%" has no rule of kind "distribution"%', target,
				CASE WHEN columns IS NULL THEN '' ELSE format(' on columns %s', array_to_string(columns, ', ')) END
			USING ERRCODE = 'undefined_object',
				HINT = format('Define one first: SELECT crmaudit.add_rule(%L, ''...'', ''distribution'', ''{column}'');', target);
	END IF;
	RETURN taken;
END $$;
COMMENT ON FUNCTION crmaudit.baseline(regclass, text[]) IS 'takes the distribution that values have now as the baseline of the table''s rules of kind distribution, or of those on these columns; returns how many';

-- Only a rule without a baseline: alter_rule() drops that of other values.
CREATE FUNCTION crmaudit.baseline_problems() RETURNS TABLE (subject text, target regclass, rule text, problem text, remedy text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'baseline', r.target, r.name, 'there is no baseline: the distribution is not judged',
		format('SELECT crmaudit.baseline(%L, %L)', r.target, r.columns)
	FROM crmaudit.rule r
	WHERE r.kind = 'distribution' AND r.enabled
		AND NOT EXISTS (SELECT FROM crmaudit.distribution_baseline b WHERE b.rule_id = r.id)
$$;
COMMENT ON FUNCTION crmaudit.baseline_problems() IS 'rules of kind distribution that have no baseline; part of crmaudit.health';
