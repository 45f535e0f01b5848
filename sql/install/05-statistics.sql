-- 05-statistics: how far a share that was seen in a sample can be trusted.

CREATE FUNCTION crmaudit.wilson_interval(successes bigint, trials bigint, OUT low numeric, OUT high numeric)
RETURNS record LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	-- square of the 97.5 % quantile of the normal distribution, 1.959963984540054
	z2 constant numeric := 3.841458820694124;
	n constant numeric := trials;
	x constant numeric := successes;
	margin numeric;
BEGIN
	IF trials < 0 OR successes < 0 OR successes > trials THEN
		RAISE EXCEPTION 'successes must be between 0 and the number of trials'
			USING ERRCODE = 'invalid_parameter_value', DETAIL = format('There are %s successes in %s trials.', successes, trials);
	END IF;
	IF trials = 0 THEN
		RETURN;
	END IF;
	-- E. B. Wilson (1927): the shares p for which (x - n p)^2 <= z^2 n p (1 - p)
	margin := sqrt(z2 * (z2 + 4 * x * (n - x) / n));
	low := CASE successes WHEN 0 THEN 0 ELSE round((2 * x + z2 - margin) / (2 * (n + z2)), 12) END;
	high := CASE successes WHEN trials THEN 1 ELSE round((2 * x + z2 + margin) / (2 * (n + z2)), 12) END;
END $$;
COMMENT ON FUNCTION crmaudit.wilson_interval(bigint, bigint) IS 'Wilson''s score interval at 95 %, without correction for continuity: bounds of the share of successes, from 0 to 1; NULL without a trial';
