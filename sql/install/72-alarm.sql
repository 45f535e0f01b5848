-- 72-alarm: a score that falls from one sweep to the next (D41).

CREATE FUNCTION crmaudit.score_part(score crmaudit.dqscore, part text) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE part WHEN 'score' THEN score::numeric ELSE crmaudit.dimension_score(score, part) END
$$;
COMMENT ON FUNCTION crmaudit.score_part(crmaudit.dqscore, text) IS 'the overall score ("score"), or a dimension of it';

-- An alarm is a rule: it has a version, an owner, a due date, and its findings
-- are worked off as others are.
CREATE FUNCTION crmaudit.set_alarm(target regclass, max_drop numeric, dimension text DEFAULT NULL,
	severity text DEFAULT 'error', owner text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	path constant text := 'pg_catalog, pg_temp';
	alarm constant text := 'score_alarm' || coalesce('_' || dimension, '');
	params constant jsonb := jsonb_build_object('max_drop', max_drop, 'of', coalesce(dimension, 'score'));
	existing bigint;
BEGIN
	PERFORM crmaudit.require_protected(target);
	IF dimension IS NOT NULL THEN
		PERFORM crmaudit.require_choice(dimension, ARRAY(SELECT d.dimension FROM crmaudit.dimension d ORDER BY d.ordinal), 'dimension');
	END IF;
	SELECT r.id INTO existing FROM crmaudit.rule r WHERE r.target = set_alarm.target AND r.name = alarm AND r.kind = 'score_drop';
	IF max_drop IS NULL THEN
		IF existing IS NULL THEN
			RAISE EXCEPTION 'relation "%" has no alarm of its %', target, coalesce(dimension, 'score')
				USING ERRCODE = 'undefined_object', HINT = 'crmaudit.set_alarm() with a number of points makes one.';
		END IF;
		PERFORM crmaudit.drop_rule(target, alarm);
		RETURN NULL;
	END IF;
	IF existing IS NOT NULL THEN
		PERFORM crmaudit.redefine_rule(target, alarm, jsonb_build_object('params', params, 'severity', severity)
			|| CASE WHEN owner IS NULL THEN '{}' ELSE jsonb_build_object('owner', owner) END, path);
		RETURN existing;
	END IF;
	RETURN crmaudit.define_rule(target, alarm, 'score_drop', '{}', params, severity, dimension, 1, NULL, NULL, owner, NULL, NULL, NULL, path);
END $$;
COMMENT ON FUNCTION crmaudit.set_alarm(regclass, numeric, text, text, text) IS 'raises an alarm when a table''s score, or a dimension of it, falls by more than so many points from one sweep to the next; NULL ends it; returns the id of its rule';

-- Points are compared among sweeps by the same version of the rules only: a
-- stricter rule is not worse data. An alarm that was raised is over when the
-- score is back within max_drop of what it was before it fell.
CREATE FUNCTION crmaudit.score_before(run crmaudit.score_history) RETURNS crmaudit.score_history
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT h FROM crmaudit.score_history h
	WHERE h.target = run.target AND h.rule_set_version = run.rule_set_version AND (h.at, h.run_id) < (run.at, run.run_id)
	ORDER BY h.at DESC, h.run_id DESC LIMIT 1
$$;
COMMENT ON FUNCTION crmaudit.score_before(crmaudit.score_history) IS 'what the sweep before measured, by the same version of the rules';

-- What began the alarm that is on: the first time it was seen after it was last closed.
CREATE FUNCTION crmaudit.alarm_reference(alarm crmaudit.rule, version int) RETURNS crmaudit.score_history
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.score_before(h) FROM crmaudit.score_history h
	WHERE h.rule_set_version = version AND h.run_id = (
		SELECT e.run_id FROM crmaudit.finding_event e
		WHERE e.target = alarm.target AND e.rule_id = alarm.id AND e.row_key = '{}' AND e.event = 'seen'
			AND e.id > coalesce((SELECT max(n.id) FROM crmaudit.finding_event n
				WHERE n.target = alarm.target AND coalesce(n.rule_id, alarm.id) = alarm.id AND coalesce(n.row_key, '{}') = '{}'
					AND n.event IN ('gone', 'truncated', 'disabled', 'resolved')), 0)
		ORDER BY e.id LIMIT 1)
$$;
COMMENT ON FUNCTION crmaudit.alarm_reference(crmaudit.rule, int) IS 'what was measured before the score fell for which an alarm is on; NULL if that was by another version of the rules';

CREATE FUNCTION crmaudit.raise_alarm(run_id bigint) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	measured crmaudit.score_history;
	previous crmaudit.score_history;
	reference crmaudit.score_history;
	alarm crmaudit.rule;
	part text;
	most numeric;
	score numeric;
	fall numeric;
	event text;
	raised int := 0;
BEGIN
	SELECT h.* INTO measured FROM crmaudit.score_history h WHERE h.run_id = raise_alarm.run_id;
	IF NOT FOUND THEN
		-- a sample, or changed rows: no score of the table
		RETURN 0;
	END IF;
	previous := crmaudit.score_before(measured);
	FOR alarm IN SELECT r.* FROM crmaudit.rule r
		WHERE r.target = measured.target AND r.kind = 'score_drop' AND r.enabled
			AND current_date BETWEEN coalesce(r.valid_from, '-infinity') AND coalesce(r.valid_until, 'infinity')
		ORDER BY r.id
	LOOP
		part := alarm.params ->> 'of';
		most := (alarm.params ->> 'max_drop')::numeric;
		score := crmaudit.score_part(measured.score, part);
		fall := crmaudit.score_part(previous.score, part) - score;
		event := NULL;
		IF fall > most THEN
			event := 'seen';
			raised := raised + 1;
			PERFORM pg_notify('crmaudit', jsonb_build_object('kind', 'score dropped', 'target', measured.target::text, 'rule', alarm.name,
				'severity', alarm.severity, 'of', part, 'before', crmaudit.score_part(previous.score, part), 'score', score,
				'max_drop', most, 'run', run_id)::text);
		ELSIF EXISTS (SELECT FROM crmaudit.finding f WHERE f.target = alarm.target AND f.rule_id = alarm.id AND f.row_key = '{}'
			AND f.status IN ('open', 'acknowledged'))
		THEN
			reference := crmaudit.alarm_reference(alarm, measured.rule_set_version);
			IF crmaudit.score_part(reference.score, part) - score <= most THEN
				event := 'gone';
			END IF;
		END IF;
		IF event IS NOT NULL THEN
			-- whoever takes an id of an event has a transaction id before
			PERFORM pg_current_xact_id();
			INSERT INTO crmaudit.finding_event (rule_id, rule_version, target, row_key, event, verdict, reason, severity, run_id)
				VALUES (alarm.id, alarm.version, alarm.target, '{}', event,
					CASE event WHEN 'seen' THEN 'invalid' END, CASE event WHEN 'seen' THEN 'score_dropped' END, alarm.severity, raise_alarm.run_id);
		END IF;
	END LOOP;
	RETURN raised;
END $$;
COMMENT ON FUNCTION crmaudit.raise_alarm(bigint) IS 'compares what a sweep measured with the sweep before, and raises or ends the alarms of the table: a finding, and a NOTIFY on channel crmaudit; returns how many were raised; called at the end of a sweep';
