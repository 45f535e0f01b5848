-- 52-scores-live: scores that follow every write.

CREATE TABLE crmaudit.score_state (
	target regclass PRIMARY KEY,
	run_id bigint,
	rule_set_version int,
	as_of timestamptz,
	lists bigint,
	stale boolean NOT NULL,
	rows bigint,
	clean bigint,
	evaluations bigint,
	errors bigint,
	assessed bigint[],
	failed bigint[],
	lost bigint[],
	base_rows bigint,
	base_clean bigint,
	base_evaluations bigint,
	base_errors bigint,
	full_clean bigint,
	full_evaluations bigint,
	full_errors bigint,
	full_assessed bigint[],
	full_failed bigint[],
	full_lost bigint[],
	cell_columns text[],
	cell_dimensions text[],
	cell_weights real[],
	cell_is_live boolean[]
);
COMMENT ON TABLE crmaudit.score_state IS 'what the score of a table is computed from: sums by cell (a column in a dimension) of the last full sweep, with the deltas folded since';
COMMENT ON COLUMN crmaudit.score_state.run_id IS 'the sweep that made the baseline; NULL: rebase_scores() did';
COMMENT ON COLUMN crmaudit.score_state.rule_set_version IS 'version of the rules that the sums are by; NULL: the table was never swept';
COMMENT ON COLUMN crmaudit.score_state.lists IS 'digest of the value lists that its rules used';
COMMENT ON COLUMN crmaudit.score_state.stale IS 'something was written since that was not counted';
COMMENT ON COLUMN crmaudit.score_state.rows IS 'rows, clean, evaluations, errors and the sums are by immutable kinds about a row by itself, as of the last fold; an array of zeros is NULL';
COMMENT ON COLUMN crmaudit.score_state.base_rows IS 'base_...: the same when the baseline was made';
COMMENT ON COLUMN crmaudit.score_state.full_clean IS 'full_...: by rules of all kinds when the baseline was made';
COMMENT ON COLUMN crmaudit.score_state.lost IS 'by cell: sum of the risks of its rows, in eighths';
COMMENT ON COLUMN crmaudit.score_state.cell_is_live IS 'by cell: whether writes are counted in it; if not, the last sweep''s ratio stands';

CREATE TABLE crmaudit.score_owner (
	target regclass NOT NULL,
	owner text,
	rows bigint NOT NULL,
	clean bigint NOT NULL,
	evaluations bigint NOT NULL,
	errors bigint NOT NULL,
	assessed bigint[],
	failed bigint[],
	lost bigint[],
	base_rows bigint NOT NULL,
	base_clean bigint NOT NULL,
	base_evaluations bigint NOT NULL,
	base_errors bigint NOT NULL,
	full_clean bigint NOT NULL,
	full_evaluations bigint NOT NULL,
	full_errors bigint NOT NULL,
	full_assessed bigint[],
	full_failed bigint[],
	full_lost bigint[]
);
COMMENT ON TABLE crmaudit.score_owner IS 'the sums of score_state by owner of the rows, the column of role owner; names are cut to 199 bytes';
COMMENT ON COLUMN crmaudit.score_owner.base_rows IS 'base_... and full_... as in score_state; zeros where rules that are not live said nothing of the owner''s rows';
COMMENT ON COLUMN crmaudit.score_owner.full_assessed IS 'full_...: of cells that writes are not counted in';
CREATE INDEX score_owner_target ON crmaudit.score_owner (target);

-- Append-only for writers; fold_scores() and sweeps remove rows.
CREATE TABLE crmaudit.score_delta (
	id bigint NOT NULL,
	xid xid8 NOT NULL,
	target regclass NOT NULL,
	owner text,
	rule_set_version int NOT NULL,
	rows bigint NOT NULL,
	clean bigint NOT NULL,
	evaluations bigint NOT NULL,
	errors bigint NOT NULL,
	assessed bigint[],
	failed bigint[],
	lost bigint[],
	truncated boolean NOT NULL,
	stale boolean NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE crmaudit.score_delta IS 'what each transaction changed in the sums of score_state, one row for a table and owner, until it is folded';
COMMENT ON COLUMN crmaudit.score_delta.id IS 'when it was written, in microseconds since 2000; several have the same';
COMMENT ON COLUMN crmaudit.score_delta.truncated IS 'the table was truncated: state and deltas with a smaller id do not count';
COMMENT ON COLUMN crmaudit.score_delta.stale IS 'the transaction wrote something that was not counted, in mode off for instance';
-- a TRUNCATE comes before what its transaction wrote
CREATE INDEX score_delta_target ON crmaudit.score_delta (target, id, truncated DESC);
-- without it a publication for all tables would forbid the deletion of rows
ALTER TABLE crmaudit.score_delta REPLICA IDENTITY FULL;

SELECT pg_catalog.pg_extension_config_dump('crmaudit.score_state', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.score_owner', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.score_delta', '');

CREATE FUNCTION crmaudit.fold_scores() RETURNS bigint
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'crmaudit_fold_scores';
COMMENT ON FUNCTION crmaudit.fold_scores() IS 'adds score deltas to the state of their tables, where no sweep is at work; returns how many';

CREATE FUNCTION crmaudit.rebase_scores(target regclass) RETURNS bigint
LANGUAGE c STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'crmaudit_rebase_scores';
COMMENT ON FUNCTION crmaudit.rebase_scores(regclass) IS 'counts a table anew by the kinds about a row by itself, so that its live scores are exact again without a sweep; returns the rows that count';

CREATE FUNCTION crmaudit.mark_scores_stale(target regclass) RETURNS void
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'crmaudit_mark_scores_stale';
COMMENT ON FUNCTION crmaudit.mark_scores_stale(regclass) IS 'notes that rows of a table changed, or are judged differently, without being counted';

CREATE FUNCTION crmaudit.live_table_score(target regclass, OUT rows bigint, OUT score crmaudit.dqscore, OUT clean_row_rate numeric, OUT coverage numeric,
	OUT rule_set_version int, OUT as_of timestamptz, OUT stale boolean, OUT deltas bigint)
RETURNS record LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_live_table_score';
COMMENT ON FUNCTION crmaudit.live_table_score(regclass) IS 'implementation of the view table_score; NULL before the first sweep';

CREATE FUNCTION crmaudit.live_column_scores(target regclass, OUT column_name text, OUT dimension text, OUT assessed bigint, OUT failed bigint, OUT score numeric,
	OUT lost bigint, OUT weight real, OUT is_live boolean)
RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_live_column_scores';
COMMENT ON FUNCTION crmaudit.live_column_scores(regclass) IS 'implementation of the view column_score; no rows before the first sweep';

CREATE FUNCTION crmaudit.live_owner_scores(target regclass, OUT owner text, OUT rows bigint, OUT score crmaudit.dqscore, OUT clean_row_rate numeric, OUT coverage numeric)
RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_live_owner_scores';
COMMENT ON FUNCTION crmaudit.live_owner_scores(regclass) IS 'implementation of the view owner_score; no rows before the first sweep';

CREATE FUNCTION crmaudit.live_owner_cells(target regclass, OUT owner text, OUT column_name text, OUT dimension text, OUT assessed bigint, OUT lost bigint, OUT weight real)
RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'crmaudit_live_owner_cells';
COMMENT ON FUNCTION crmaudit.live_owner_cells(regclass) IS 'what the scores of owners are computed from: columns and dimensions that were assessed';

-- What changes the meaning of the sums without a new version of the rules.
CREATE FUNCTION crmaudit.protection_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		-- so that nobody folds meanwhile
		PERFORM crmaudit.try_sweep_lock(OLD.target);
		DELETE FROM crmaudit.score_state s WHERE s.target = OLD.target;
		DELETE FROM crmaudit.score_owner s WHERE s.target = OLD.target;
		DELETE FROM crmaudit.score_delta s WHERE s.target = OLD.target;
	ELSIF (OLD.attnums = NEW.attnums AND OLD.attnames <> NEW.attnames) OR (OLD.live IS NOT DISTINCT FROM NEW.live
			AND OLD.live_scores = NEW.live_scores AND crmaudit.role_columns(OLD.roles, 'owner') = crmaudit.role_columns(NEW.roles, 'owner')) THEN
		-- a column was renamed, or another got a role
		NULL;
	ELSE
		PERFORM crmaudit.mark_scores_stale(NEW.target);
	END IF;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION crmaudit.protection_changed() IS 'trigger on protected_table: forgets the scores of a table that is no longer protected; marks them stale where what counts changed';

CREATE TRIGGER scores_unprotected AFTER DELETE ON crmaudit.protected_table
	FOR EACH ROW EXECUTE FUNCTION crmaudit.protection_changed();
CREATE TRIGGER scores_changed AFTER UPDATE ON crmaudit.protected_table
	FOR EACH ROW WHEN (OLD.live IS DISTINCT FROM NEW.live OR OLD.live_scores <> NEW.live_scores OR OLD.roles <> NEW.roles)
	EXECUTE FUNCTION crmaudit.protection_changed();

-- What changes rows without a row trigger.
CREATE FUNCTION crmaudit.changes_rows(command pg_ddl_command) RETURNS boolean
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'crmaudit_changes_rows';
COMMENT ON FUNCTION crmaudit.changes_rows(pg_ddl_command) IS 'whether a command attaches or detaches a partition, gives a column another type, or disables a trigger; for event triggers';

CREATE FUNCTION crmaudit.moves_partitions(command pg_ddl_command) RETURNS boolean
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'crmaudit_moves_partitions';
COMMENT ON FUNCTION crmaudit.moves_partitions(pg_ddl_command) IS 'whether a command attaches or detaches a partition; for event triggers';

-- SECURITY DEFINER, for whoever alters a table need not have rights here.
CREATE FUNCTION crmaudit.scored_table_altered() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	altered regclass;
BEGIN
	IF to_regclass('crmaudit.protected_table') IS NULL THEN
		RETURN;
	END IF;
	-- by nothing but these commands: a restore creates the triggers by itself
	IF tg_tag = 'CREATE TABLE' THEN
		PERFORM crmaudit.hand_down_truncate_trigger(c.oid)
		FROM pg_event_trigger_ddl_commands() d JOIN pg_class c ON c.oid = d.objid AND c.relispartition
		WHERE d.classid = 'pg_class'::regclass AND d.command_tag = 'CREATE TABLE';
		RETURN;
	END IF;
	FOR altered IN SELECT d.objid FROM pg_event_trigger_ddl_commands() d WHERE crmaudit.moves_partitions(d.command) LOOP
		PERFORM crmaudit.hand_down_truncate_trigger(altered);
		PERFORM crmaudit.take_back_truncate_triggers();
	END LOOP;
	PERFORM crmaudit.mark_scores_stale(p.target)
	FROM (SELECT DISTINCT a.relid FROM pg_event_trigger_ddl_commands() d
			CROSS JOIN LATERAL (SELECT d.objid UNION SELECT pg_partition_ancestors(d.objid)) AS a(relid)
			WHERE d.classid = 'pg_class'::regclass AND crmaudit.changes_rows(d.command)) AS c
	JOIN crmaudit.protected_table p ON p.target = c.relid;
-- the library is missing
EXCEPTION WHEN undefined_file THEN
	RETURN;
END $$;
COMMENT ON FUNCTION crmaudit.scored_table_altered() IS 'event trigger: partitions get, or lose, the trigger zz_crmaudit_truncate; marks the scores of a table stale whose rows changed without being counted';
CREATE EVENT TRIGGER crmaudit_scored_table_altered ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE')
	EXECUTE FUNCTION crmaudit.scored_table_altered();
COMMENT ON EVENT TRIGGER crmaudit_scored_table_altered IS 'marks scores stale when partitions come and go or a column gets another type; sees to the triggers of partitions';
ALTER EVENT TRIGGER crmaudit_scored_table_altered ENABLE ALWAYS;

-- By another list the same rows are judged differently. A restore that loads
-- the list which the sums are by changes nothing.
CREATE FUNCTION crmaudit.lists_digest(target regclass) RETURNS bigint
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'crmaudit_lists_digest';
COMMENT ON FUNCTION crmaudit.lists_digest(regclass) IS 'digest of the value lists that the rules of a table use';
CREATE FUNCTION crmaudit.value_list_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.mark_scores_stale(s.target) FROM crmaudit.score_state s
		WHERE NOT s.stale AND s.lists IS NOT NULL AND s.lists <> crmaudit.lists_digest(s.target);
	RETURN NULL;
END $$;
COMMENT ON FUNCTION crmaudit.value_list_changed() IS 'trigger on value_list: marks the scores of tables stale whose rules use the list';
CREATE TRIGGER scores_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crmaudit.value_list
	FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.value_list_changed();

-- The CRM's own column -------------------------------------------------------------

-- The gate computes the score of each row that is written; this writes the
-- rows that were there before, or whose rules changed since.
CREATE FUNCTION crmaudit.fill_scores(target regclass, batch bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	spec text := (crmaudit.role_columns((SELECT p.roles FROM crmaudit.protected_table p WHERE p.target = fill_scores.target), 'score'))[1];
	type regtype := (SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = target AND a.attname = spec);
	score text := CASE WHEN type = 'crmaudit.dqscore'::regtype THEN 'crmaudit.score("crmaudit row")'
		ELSE format('crmaudit."numeric"(crmaudit.score("crmaudit row"))::%s', (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = target AND a.attname = spec)) END;
	filled bigint;
BEGIN
	PERFORM crmaudit.require_protected(target);
	IF spec IS NULL THEN
		RAISE EXCEPTION 'no column of relation "%" has the role "score"', target
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = format('Give it to one: SELECT crmaudit.protect(%L, roles => ''{"...": "score"}'', ...);', target);
	END IF;
	EXECUTE format('UPDATE %5$s%1$s AS "crmaudit row" SET %2$I = %3$s
		WHERE ("crmaudit row".tableoid, "crmaudit row".ctid) IN (SELECT "crmaudit row".tableoid, "crmaudit row".ctid FROM %5$s%1$s AS "crmaudit row"
			WHERE "crmaudit row".%2$I %4$s IS DISTINCT FROM %3$s %4$s LIMIT $1)', target, spec, score,
		CASE WHEN type = 'crmaudit.dqscore'::regtype THEN '::text' ELSE '' END,
		CASE WHEN EXISTS (SELECT FROM pg_class c WHERE c.oid = target AND c.relkind = 'p') THEN '' ELSE 'ONLY ' END) USING batch;
	GET DIAGNOSTICS filled = ROW_COUNT;
	RETURN filled;
END $$;
COMMENT ON FUNCTION crmaudit.fill_scores(regclass, bigint) IS 'writes the score of each row into the column of role score where it differs, of at most so many rows; returns how many';

-- Reading ---------------------------------------------------------------------------

-- Columns on which a rule counts, as the scores do.
CREATE FUNCTION crmaudit.rule_cells(rule crmaudit.rule) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT unnest(CASE WHEN cardinality(rule.columns) > 0 THEN rule.columns
		WHEN cardinality(rule.attnames) > 0 THEN rule.attnames ELSE ARRAY[rule.name] END)
$$;
COMMENT ON FUNCTION crmaudit.rule_cells(crmaudit.rule) IS 'columns on which a rule counts in the scores: those it names, or else those it reads';

-- What a full risk costs, in eighths, by severity.
CREATE FUNCTION crmaudit.severity_risk(severity crmaudit.severity) RETURNS int
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE severity::text WHEN 'info' THEN 0 WHEN 'warning' THEN 2 WHEN 'error' THEN 6 ELSE 8 END
$$;
COMMENT ON FUNCTION crmaudit.severity_risk(crmaudit.severity) IS 'how much of a cell a violation costs, in eighths';

-- The share of the table's score that a cell decides about, in points.
CREATE FUNCTION crmaudit.cell_points(target regclass, OUT column_name text, OUT dimension text, OUT assessed bigint, OUT lost bigint, OUT points float8)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH cells AS (
		SELECT c.column_name, c.dimension, c.assessed, c.lost, c.weight::float8 / sum(c.weight::float8) OVER (PARTITION BY c.dimension) AS share,
			coalesce(o.weight, d.weight)::float8 AS dimension_weight
		FROM crmaudit.live_column_scores(target) c
		JOIN crmaudit.dimension d ON d.dimension = c.dimension
		LEFT JOIN crmaudit.dimension_weight o ON o.dimension = c.dimension
		WHERE c.assessed > 0
	), total AS (
		SELECT sum(t.dimension_weight) AS weight FROM (SELECT DISTINCT c.dimension, c.dimension_weight FROM cells c) AS t
	)
	SELECT c.column_name, c.dimension, c.assessed, c.lost, 100 * c.share * c.dimension_weight / nullif(t.weight, 0)
	FROM cells c CROSS JOIN total t
$$;
COMMENT ON FUNCTION crmaudit.cell_points(regclass) IS 'cells of a table''s score, and how many of its hundred points each decides about';

-- A cell of a row loses by the worst rule on it: waived findings matter where
-- no other finding of the row costs the cell as much. All findings of such a
-- row are at hand, so that the difference is exact. Most tables have none, and
-- then very many findings need not be read, which may not be folded yet.
CREATE FUNCTION crmaudit.waived_row_losses(target regclass, OUT row_key jsonb, OUT column_name text, OUT dimension text, OUT lost int)
RETURNS SETOF record LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	IF NOT EXISTS (SELECT FROM crmaudit.finding_state s WHERE s.target = waived_row_losses.target AND (s.status = 'waived' OR s.waived_until IS NOT NULL))
		AND NOT EXISTS (SELECT FROM crmaudit.unfolded_events() e WHERE e.target = waived_row_losses.target AND e.event = 'waived') THEN
		RETURN;
	END IF;
	RETURN QUERY WITH finding AS MATERIALIZED (
		SELECT f.rule_id, f.row_key, f.status, f.verdict,
			-- a row that differs from another table's costs the columns that do
			CASE WHEN f.reason = 'differs_from_table' THEN ARRAY(SELECT btrim(split_part(n, '->', 1)) FROM unnest(string_to_array(f.column_name, ', ')) n) END AS names
		FROM crmaudit.finding f
		WHERE f.target = waived_row_losses.target AND f.status NOT IN ('resolved', 'verified', 'false_positive')
	), found AS (
		SELECT f.* FROM finding f WHERE f.row_key IN (SELECT w.row_key FROM finding w WHERE w.status = 'waived')
	), risks AS (
		SELECT f.row_key, c.column_name, r.dimension, f.status,
			CASE f.verdict WHEN 'suspect' THEN crmaudit.severity_risk(r.severity) / 2 WHEN 'invalid' THEN crmaudit.severity_risk(r.severity) ELSE 0 END AS risk
		FROM found f JOIN crmaudit.rule r ON r.id = f.rule_id CROSS JOIN LATERAL crmaudit.rule_cells(r) AS c(column_name)
		WHERE f.names IS NULL OR btrim(split_part(c.column_name, '->', 1)) = ANY (f.names)
			OR NOT EXISTS (SELECT FROM crmaudit.rule_cells(r) AS o(column_name) WHERE btrim(split_part(o.column_name, '->', 1)) = ANY (f.names))
	)
	SELECT r.row_key, r.column_name, r.dimension, max(r.risk) - coalesce(max(r.risk) FILTER (WHERE r.status <> 'waived'), 0)
	FROM risks r GROUP BY r.row_key, r.column_name, r.dimension;
END $$;
COMMENT ON FUNCTION crmaudit.waived_row_losses(regclass) IS 'what waived findings cost each cell of a row, in eighths';

CREATE FUNCTION crmaudit.waived_losses(target regclass, OUT column_name text, OUT dimension text, OUT lost bigint)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.column_name, c.dimension, sum(c.lost)::bigint FROM crmaudit.waived_row_losses(target) c GROUP BY c.column_name, c.dimension
$$;
COMMENT ON FUNCTION crmaudit.waived_losses(regclass) IS 'what waived findings cost each cell of a table''s score, in eighths';

CREATE FUNCTION crmaudit.adjusted_score(target regclass) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT round((l.score::numeric + coalesce((
		SELECT sum(c.points * least(w.lost, c.lost) / (8 * c.assessed))
		FROM crmaudit.waived_losses(target) w
		JOIN crmaudit.cell_points(target) c ON c.column_name = w.column_name AND c.dimension = w.dimension), 0)::numeric), 4)::numeric(7,4)
	FROM crmaudit.live_table_score(target) l
$$;
COMMENT ON FUNCTION crmaudit.adjusted_score(regclass) IS 'the score of a table as it would be if waived findings were valid';

CREATE FUNCTION crmaudit.score_problems() RETURNS TABLE (subject text, target regclass, rule text, problem text, remedy text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'score', p.target, NULL::text, 'it has rules, but was never swept, so that it has no score', format('SELECT crmaudit.sweep(%L)', p.target)
	FROM crmaudit.protected_table p
	WHERE EXISTS (SELECT FROM crmaudit.rule r WHERE r.target = p.target AND r.enabled)
		AND NOT EXISTS (SELECT FROM crmaudit.score_state s WHERE s.target = p.target AND s.rule_set_version IS NOT NULL)
	UNION ALL
	SELECT 'score', p.target, NULL, format('its rules were changed since it was counted: the score is by version %s, and they are at %s', s.rule_set_version, p.rule_set_version),
		format('SELECT crmaudit.sweep(%L)', p.target)
	FROM crmaudit.protected_table p JOIN crmaudit.score_state s ON s.target = p.target AND s.rule_set_version <> p.rule_set_version
	UNION ALL
	SELECT 'score', p.target, NULL, 'something was written that was not counted, so that the score no longer follows', format('SELECT crmaudit.rebase_scores(%L)', p.target)
	FROM crmaudit.protected_table p JOIN crmaudit.score_state s ON s.target = p.target AND s.rule_set_version = p.rule_set_version
		CROSS JOIN LATERAL crmaudit.live_table_score(p.target) l
	WHERE l.stale
	UNION ALL
	SELECT 'score', d.target, NULL, format('%s score deltas wait to be folded', d.deltas), 'SELECT crmaudit.fold_scores()'
	FROM (SELECT e.target, count(*) AS deltas FROM crmaudit.score_delta e GROUP BY e.target) AS d WHERE d.deltas > 10000
$$;
COMMENT ON FUNCTION crmaudit.score_problems() IS 'which scores are missing, out of date, or slow to read; part of crmaudit.health';
