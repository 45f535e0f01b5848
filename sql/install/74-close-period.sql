-- 74-close-period: what an audit report rests on, as it was when the period
-- ended, kept apart from what goes on (D35).

-- Findings at a time -------------------------------------------------------------------

-- What the events up to a moment come to, whatever is folded.
CREATE FUNCTION crmaudit.findings_as_of(moment timestamptz)
RETURNS TABLE (id bigint, target regclass, rule_id bigint, rule_version int, row_key jsonb, column_name text, reason text, verdict text,
	severity crmaudit.severity, status text, first_seen timestamptz, last_seen timestamptz, occurrences bigint, assignee text,
	due_at timestamptz, resolved_at timestamptz, resolved_by text, resolution text, evidence text, waived_until date, changed_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 10000 SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET cursor_tuple_fraction = 1 SET jit = off AS $$
DECLARE
	events refcursor;
BEGIN
	OPEN events FOR EXECUTE crmaudit.finding_stream('SELECT i.* FROM crmaudit.finding_event i WHERE i.at <= $1', 'crmaudit.finding_event', false) USING moment;
	RETURN QUERY
		SELECT f.id, f.target, f.rule_id, f.rule_version, f.row_key, f.column_name, f.reason, f.verdict, f.severity,
			CASE WHEN o.is_over THEN 'open' ELSE f.status END, f.first_seen, f.last_seen, f.occurrences, coalesce(f.assignee, v.definition ->> 'owner'),
			CASE WHEN o.is_over
				THEN CASE WHEN v.definition -> 'params' ->> 'from' IS DISTINCT FROM 'distributed'
					THEN crmaudit.finding_due(f.waived_until + 1, v.definition -> 'params' ->> 'due') END
				ELSE f.due_at END,
			f.resolved_at, f.resolved_by, f.resolution, f.evidence, f.waived_until, f.changed_at
		FROM crmaudit.findings_of(events) f
		CROSS JOIN LATERAL (SELECT f.status = 'waived' AND f.waived_until < moment::date AS is_over) o
		LEFT JOIN crmaudit.rule_version v ON v.rule_id = f.rule_id AND v.version = f.rule_version
		WHERE f.status <> 'unseen';
	CLOSE events;
END $$;
COMMENT ON FUNCTION crmaudit.findings_as_of(timestamptz) IS 'findings and their status as of a time, from their events up to it';

-- What is frozen -----------------------------------------------------------------------
-- Tables of the CRM are named, not numbered: a period outlives them.

CREATE TABLE crmaudit.period (
	name text PRIMARY KEY,
	from_date date NOT NULL,
	to_date date NOT NULL,
	calendar text NOT NULL,
	time_zone text NOT NULL,
	from_at timestamptz NOT NULL,
	to_at timestamptz NOT NULL,
	closed_at timestamptz NOT NULL,
	closed_by name NOT NULL,
	snapshot pg_snapshot NOT NULL,
	incarnation bigint NOT NULL,
	event_columns jsonb NOT NULL,
	findings bigint NOT NULL,
	open_findings bigint NOT NULL,
	content bytea NOT NULL,
	digest jsonb
);
COMMENT ON TABLE crmaudit.period IS 'periods that were closed for an audit report; append-only';
COMMENT ON COLUMN crmaudit.period.from_at IS 'when its first day begins in the calendar''s time zone';
COMMENT ON COLUMN crmaudit.period.to_at IS 'when its last day ends: the moment of which everything is frozen';
COMMENT ON COLUMN crmaudit.period.snapshot IS 'what was committed when it was closed';
COMMENT ON COLUMN crmaudit.period.incarnation IS 'life of the database that snapshot belongs to';
COMMENT ON COLUMN crmaudit.period.event_columns IS 'columns that say when something happened: [{"table_id": ..., "column_name": ..., "type": ...}]';
COMMENT ON COLUMN crmaudit.period.content IS 'root of the tree over all that is frozen: keep it elsewhere with the digest';
COMMENT ON COLUMN crmaudit.period.digest IS 'the ledger''s digest when it was closed';

CREATE TABLE crmaudit.period_finding (
	period text NOT NULL,
	finding_id bigint NOT NULL,
	target text NOT NULL,
	rule_id bigint NOT NULL,
	rule_version int,
	rule text,
	row_key jsonb NOT NULL,
	column_name text,
	reason text,
	verdict text,
	severity crmaudit.severity,
	status text NOT NULL,
	first_seen timestamptz NOT NULL,
	last_seen timestamptz NOT NULL,
	occurrences bigint NOT NULL,
	assignee text,
	due_at timestamptz,
	resolved_at timestamptz,
	resolved_by text,
	resolution text,
	evidence text,
	waived_until date,
	entry_at timestamptz,
	entry_incarnation bigint,
	entry_xid xid8,
	entry_ord int,
	entry_leaf bytea,
	block_id bigint,
	proof jsonb,
	PRIMARY KEY (period, finding_id)
);
COMMENT ON TABLE crmaudit.period_finding IS 'findings of a closed period: open when it ended, or worked off in it';
COMMENT ON COLUMN crmaudit.period_finding.evidence IS 'what who resolved it put forward';
COMMENT ON COLUMN crmaudit.period_finding.entry_at IS 'when the row was last written before the period ended, by the ledger; NULL: the ledger does not know the row';
COMMENT ON COLUMN crmaudit.period_finding.entry_leaf IS 'hash of that entry of the ledger';
COMMENT ON COLUMN crmaudit.period_finding.proof IS 'proves that the entry is in its block; without personal values; NULL: written by a large transaction, crmaudit.ledger_proof() gives it while the ledger holds the month';

CREATE TABLE crmaudit.period_score (
	period text NOT NULL,
	run_id bigint NOT NULL,
	target text NOT NULL,
	at timestamptz NOT NULL,
	is_closing boolean NOT NULL,
	rule_set_version int NOT NULL,
	rows bigint NOT NULL,
	score crmaudit.dqscore,
	score_adjusted numeric,
	clean_row_rate numeric,
	coverage numeric,
	PRIMARY KEY (period, run_id)
);
COMMENT ON TABLE crmaudit.period_score IS 'scores that the sweeps of a closed period measured, and the last before it';
COMMENT ON COLUMN crmaudit.period_score.is_closing IS 'the last before the period ended';

CREATE TABLE crmaudit.period_rule (
	period text NOT NULL,
	rule_id bigint NOT NULL,
	version int NOT NULL,
	target text NOT NULL,
	name text NOT NULL,
	definition jsonb NOT NULL,
	changed_at timestamptz NOT NULL,
	changed_by name NOT NULL,
	in_force boolean NOT NULL,
	PRIMARY KEY (period, rule_id, version)
);
COMMENT ON TABLE crmaudit.period_rule IS 'versions of rules that held at any time of a closed period';
COMMENT ON COLUMN crmaudit.period_rule.in_force IS 'it held when the period ended';

SELECT pg_catalog.pg_extension_config_dump('crmaudit.period', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.period_finding', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.period_score', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.period_rule', '');

-- A superuser can switch it off; verify_period() finds what he did.
CREATE FUNCTION crmaudit.period_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION '% of relation "%" is refused', TG_OP, TG_TABLE_NAME
		USING ERRCODE = 'insufficient_privilege', DETAIL = 'It holds what closed periods rest on, and is only appended to.';
END $$;
COMMENT ON FUNCTION crmaudit.period_guard() IS 'trigger: refuses UPDATE, DELETE and TRUNCATE of what a closed period holds';
DO $$
DECLARE
	relation text;
BEGIN
	FOREACH relation IN ARRAY '{period,period_finding,period_score,period_rule}'::text[] LOOP
		EXECUTE format('CREATE TRIGGER period_guard BEFORE UPDATE OR DELETE ON crmaudit.%I FOR EACH ROW EXECUTE FUNCTION crmaudit.period_guard()', relation);
		EXECUTE format('CREATE TRIGGER period_guard_truncate BEFORE TRUNCATE ON crmaudit.%I EXECUTE FUNCTION crmaudit.period_guard()', relation);
		EXECUTE format('ALTER TABLE crmaudit.%I ENABLE ALWAYS TRIGGER period_guard', relation);
		EXECUTE format('ALTER TABLE crmaudit.%I ENABLE ALWAYS TRIGGER period_guard_truncate', relation);
	END LOOP;
END $$;

-- The text of a row must depend neither on the session nor on columns that a
-- later version of crmaudit adds.
CREATE FUNCTION crmaudit.period_content(name text) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET bytea_output = 'hex' AS $$
	SELECT crmaudit.merkle_root(sha256(convert_to(r.line, 'UTF8')) ORDER BY r.part, r.first, r.second) FROM (
		SELECT 1 AS part, f.finding_id AS first, 0 AS second, jsonb_strip_nulls(to_jsonb(f))::text AS line FROM crmaudit.period_finding f WHERE f.period = name
		UNION ALL
		SELECT 2, s.run_id, 0, jsonb_strip_nulls(to_jsonb(s))::text FROM crmaudit.period_score s WHERE s.period = name
		UNION ALL
		SELECT 3, v.rule_id, v.version, jsonb_strip_nulls(to_jsonb(v))::text FROM crmaudit.period_rule v WHERE v.period = name
		UNION ALL
		SELECT 0, 0, 0, name) r
$$;
COMMENT ON FUNCTION crmaudit.period_content(text) IS 'root of the tree over all that is frozen of a period';

-- Closing ------------------------------------------------------------------------------

-- Which column of which table says when something happened: as stated, else
-- those of role created_at. Two tables in a rename would be told apart by their id.
CREATE FUNCTION crmaudit.period_event_columns(event_columns jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	stated record;
	settings crmaudit.tracked_table;
	type text;
	result jsonb := '[]';
BEGIN
	IF jsonb_typeof(event_columns) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION 'event columns must be a json object'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'It maps tables to the columns that say when something happened: {"crm.visit": "visited_on"}.';
	END IF;
	FOR stated IN
		SELECT e.key::regclass AS target, e.value AS column_name FROM jsonb_each_text(event_columns) e
		UNION ALL
		SELECT p.target, c.key FROM crmaudit.protected_table p CROSS JOIN LATERAL jsonb_each_text(p.roles) c
		WHERE event_columns = '{}' AND c.value = 'created_at' AND c.key NOT LIKE '%->%'
			AND EXISTS (SELECT FROM crmaudit.tracked_table t WHERE t.target = p.target AND t.tracked)
		ORDER BY 1
	LOOP
		settings := crmaudit.require_tracked(stated.target);
		SELECT format_type(a.atttypid, NULL) INTO type FROM pg_attribute a
			WHERE a.attrelid = stated.target AND a.attname = stated.column_name AND a.attnum > 0 AND NOT a.attisdropped;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'column "%" of relation "%" does not exist', stated.column_name, stated.target USING ERRCODE = 'undefined_column';
		ELSIF type NOT IN ('date', 'timestamp without time zone', 'timestamp with time zone') THEN
			CONTINUE WHEN event_columns = '{}';
			RAISE EXCEPTION 'column "%" of relation "%" is no date', stated.column_name, stated.target
				USING ERRCODE = 'datatype_mismatch', DETAIL = format('Its type is %s.', type);
		ELSIF stated.column_name = ANY (settings.exclude || settings.personal || settings.hashed_key) THEN
			RAISE EXCEPTION 'column "%" of relation "%" is personal, or not recorded', stated.column_name, stated.target
				USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'When something happened must be readable to whoever reads the period.';
		END IF;
		result := result || jsonb_build_array(jsonb_build_object('table_id', settings.table_id, 'column_name', stated.column_name, 'type', type));
	END LOOP;
	RETURN result;
END $$;
COMMENT ON FUNCTION crmaudit.period_event_columns(jsonb) IS 'columns that say when something happened, checked, as crmaudit.period keeps them';

-- The last entry of each row before the period ended. A proof reads all of the
-- transaction that wrote the entry: large ones are left out, and what is beyond a budget.
CREATE FUNCTION crmaudit.freeze_evidence(period text, before timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	budget constant bigint := 5000000;
	large constant bigint := 10000;
	settings crmaudit.tracked_table;
	renames record;
BEGIN
	FOR settings IN SELECT t.* FROM crmaudit.tracked_table t
		WHERE t.target IN (SELECT DISTINCT f.target FROM finding_to_freeze f)
	LOOP
		SELECT * INTO renames FROM crmaudit.find_renames(settings.table_id);
		UPDATE finding_to_freeze f SET entry_at = e.at, entry_incarnation = e.incarnation, entry_xid = e.xid, entry_ord = e.ord,
				entry_leaf = e.leaf, block_id = e.block_id
			FROM (SELECT DISTINCT ON (key) n.key, (r.entry).at, (r.entry).incarnation, (r.entry).xid, (r.entry).ord, (r.entry).leaf, r.block_id
				-- many keys at once are looked for slowly
				FROM (SELECT array_agg(k.row_key) AS keys FROM (SELECT d.row_key, row_number() OVER () / 256 AS batch
						FROM (SELECT DISTINCT f.row_key FROM finding_to_freeze f WHERE f.target = settings.target AND f.row_key <> '{}') d) k
					GROUP BY k.batch) b
				CROSS JOIN LATERAL crmaudit.find_row_entries(settings.table_id, b.keys) r
				CROSS JOIN LATERAL (SELECT crmaudit.current_names((r.entry).row_key, (r.entry).at, renames.renamed_at, renames.renamed) AS key) n
				WHERE (r.entry).op IN ('I', 'U', 'D', 'B') AND (r.entry).at <= before
				ORDER BY key, (r.entry).at DESC, (r.entry).xid DESC, (r.entry).ord DESC) e
			WHERE f.target = settings.target AND f.row_key = e.key;
	END LOOP;
	UPDATE finding_to_freeze f SET proof = crmaudit.read_proof(f.entry_xid, f.entry_ord, f.entry_incarnation, false)
		FROM (SELECT c.id, sum(t.entries + b.transactions) OVER (ORDER BY t.entries, c.id) AS cost
			FROM finding_to_freeze c JOIN crmaudit.ledger_block b ON b.block_id = c.block_id
				JOIN crmaudit.ledger_transaction t ON t.block_id = c.block_id AND t.xid = c.entry_xid
					AND t.period = date_trunc('month', c.entry_at AT TIME ZONE 'UTC')
			WHERE t.entries + b.transactions <= large) c
		WHERE c.id = f.id AND c.cost <= budget;
END $$;
COMMENT ON FUNCTION crmaudit.freeze_evidence(text, timestamptz) IS 'finds, for the findings of close_period(), the entries of the ledger and proofs of them';

CREATE FUNCTION crmaudit.table_name(target regclass, instead text DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target),
		instead, 'dropped table')
$$;
COMMENT ON FUNCTION crmaudit.table_name(regclass, text) IS 'schema and name of a table; else what it was called';

-- SECURITY DEFINER: an auditor closes a period, and can write nothing into it.
CREATE FUNCTION crmaudit.close_period(from_date date, to_date date, name text, event_columns jsonb DEFAULT '{}', calendar text DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
#variable_conflict use_column
DECLARE
	closing crmaudit.period;
BEGIN
	IF coalesce(btrim(name), '') = '' THEN
		RAISE EXCEPTION 'a period must have a name' USING ERRCODE = 'invalid_parameter_value';
	ELSIF from_date IS NULL OR to_date IS NULL OR NOT isfinite(from_date) OR NOT isfinite(to_date) THEN
		RAISE EXCEPTION 'a period must have a first and a last day' USING ERRCODE = 'invalid_parameter_value';
	ELSIF from_date > to_date THEN
		RAISE EXCEPTION 'a period cannot end before it begins' USING ERRCODE = 'invalid_parameter_value';
	ELSIF EXISTS (SELECT FROM crmaudit.period p WHERE p.name = close_period.name) THEN
		RAISE EXCEPTION 'period "%" is closed already', name USING ERRCODE = 'duplicate_object', HINT = 'What is closed stays as it is; another name closes the same days anew.';
	END IF;
	closing.calendar := coalesce(calendar, coalesce(nullif(current_setting('crmaudit.calendar', true), ''), 'weekdays'));
	closing.from_at := crmaudit.end_of_day(from_date - 1, closing.calendar);
	closing.to_at := crmaudit.end_of_day(to_date, closing.calendar);
	IF closing.to_at > now() THEN
		RAISE EXCEPTION 'period "%" is not over', name
			USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('It ends at %s.', closing.to_at);
	END IF;
	closing.event_columns := crmaudit.period_event_columns(event_columns);
	-- so that there are proofs of what was written until now
	PERFORM crmaudit.seal();
	closing.digest := crmaudit.ledger_digest();
	closing.snapshot := pg_current_snapshot();
	closing.incarnation := crmaudit.ledger_incarnation();

	-- a name that a table of the caller's may have is not taken for it
	DROP TABLE IF EXISTS pg_temp.finding_to_freeze;
	CREATE TEMP TABLE finding_to_freeze ON COMMIT DROP AS
		SELECT f.*, v.name AS rule, v.definition ->> 'table' AS was_table, NULL::timestamptz AS entry_at, NULL::bigint AS entry_incarnation,
			NULL::xid8 AS entry_xid, NULL::int AS entry_ord, NULL::bytea AS entry_leaf, NULL::bigint AS block_id, NULL::jsonb AS proof
		FROM crmaudit.findings_as_of(closing.to_at) f LEFT JOIN crmaudit.rule_version v ON v.rule_id = f.rule_id AND v.version = f.rule_version
		WHERE f.status IN ('open', 'acknowledged', 'waived') OR f.changed_at >= closing.from_at;
	PERFORM crmaudit.freeze_evidence(name, closing.to_at);
	INSERT INTO crmaudit.period_finding (period, finding_id, target, rule_id, rule_version, rule, row_key, column_name, reason, verdict, severity,
			status, first_seen, last_seen, occurrences, assignee, due_at, resolved_at, resolved_by, resolution, evidence, waived_until,
			entry_at, entry_incarnation, entry_xid, entry_ord, entry_leaf, block_id, proof)
		SELECT close_period.name, f.id, crmaudit.table_name(f.target, f.was_table), f.rule_id, f.rule_version, f.rule, f.row_key, f.column_name, f.reason, f.verdict,
			f.severity, f.status, f.first_seen, f.last_seen, f.occurrences, f.assignee, f.due_at, f.resolved_at, f.resolved_by, f.resolution,
			f.evidence, f.waived_until, f.entry_at, f.entry_incarnation, f.entry_xid, f.entry_ord, f.entry_leaf, f.block_id, f.proof
		FROM pg_temp.finding_to_freeze f;
	SELECT count(*), count(*) FILTER (WHERE f.status IN ('open', 'acknowledged')) INTO closing.findings, closing.open_findings FROM pg_temp.finding_to_freeze f;
	DROP TABLE pg_temp.finding_to_freeze;

	INSERT INTO crmaudit.period_score (period, run_id, target, at, is_closing, rule_set_version, rows, score, score_adjusted, clean_row_rate, coverage)
		SELECT close_period.name, h.run_id, crmaudit.table_name(h.target), h.at, h.following IS NULL, h.rule_set_version, h.rows, h.score, h.score_adjusted,
			h.clean_row_rate, h.coverage
		FROM (SELECT s.*, lead(s.at) OVER (PARTITION BY s.target ORDER BY s.at, s.run_id) AS following
			FROM crmaudit.score_history s WHERE s.at <= closing.to_at) h
		-- the last before the period shows what it began with
		WHERE h.at >= closing.from_at OR h.following IS NULL OR h.following >= closing.from_at;
	INSERT INTO crmaudit.period_rule (period, rule_id, version, target, name, definition, changed_at, changed_by, in_force)
		SELECT close_period.name, v.rule_id, v.version, crmaudit.table_name(v.target, v.definition ->> 'table'), v.name, v.definition, v.changed_at, v.changed_by,
			coalesce(v.ended_at > closing.to_at, true) AND coalesce((v.definition ->> 'enabled')::boolean, true)
			AND close_period.to_date BETWEEN coalesce((v.definition ->> 'valid_from')::date, '-infinity') AND coalesce((v.definition ->> 'valid_until')::date, 'infinity')
		FROM (SELECT r.*, least(lead(r.changed_at) OVER (PARTITION BY r.rule_id ORDER BY r.version), r.dropped_at) AS ended_at
			FROM crmaudit.rule_version r) v
		WHERE v.changed_at <= closing.to_at AND coalesce(v.ended_at >= closing.from_at, true);

	closing.content := crmaudit.period_content(name);
	INSERT INTO crmaudit.period (name, from_date, to_date, calendar, time_zone, from_at, to_at, closed_at, closed_by, snapshot, incarnation,
			event_columns, findings, open_findings, content, digest)
		VALUES (close_period.name, close_period.from_date, close_period.to_date, closing.calendar,
			coalesce((SELECT c.time_zone FROM crmaudit.calendar c WHERE c.calendar = closing.calendar), current_setting('TimeZone')),
			closing.from_at, closing.to_at, clock_timestamp(), session_user, closing.snapshot, closing.incarnation,
			closing.event_columns, closing.findings, closing.open_findings, closing.content, closing.digest);
	RETURN jsonb_build_object('period', name, 'findings', closing.findings, 'open_findings', closing.open_findings,
		'content', encode(closing.content, 'hex'), 'digest', closing.digest);
END $$;
COMMENT ON FUNCTION crmaudit.close_period(date, date, text, jsonb, text) IS 'freezes findings, scores, versions of rules and the ledger''s evidence as of the end of a period (its last day in the calendar''s time zone), and returns what is to be kept elsewhere; event_columns: {"crm.visit": "visited_on"} says which columns tell when something happened (default: those of role created_at), so that period_backdated shows what was entered afterwards';

-- Reading ------------------------------------------------------------------------------

-- With the reader's rights: row_as_of() masks what he may not see.
CREATE FUNCTION crmaudit.period_evidence(name text)
RETURNS TABLE (finding_id bigint, rule text, row_key jsonb, was_there boolean, image jsonb, unknown text[], proof jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	closed crmaudit.period;
BEGIN
	SELECT * INTO closed FROM crmaudit.period p WHERE p.name = period_evidence.name;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'period "%" is not closed', name USING ERRCODE = 'undefined_object', HINT = 'crmaudit.period lists those that are.';
	END IF;
	RETURN QUERY
		SELECT f.finding_id, f.rule, f.row_key, r.was_there, r.image, r.unknown, f.proof
		FROM crmaudit.period_finding f
		LEFT JOIN LATERAL crmaudit.row_as_of(to_regclass(f.target), f.row_key, closed.to_at) r ON f.entry_xid IS NOT NULL
		WHERE f.period = closed.name
		ORDER BY f.finding_id;
END $$;
COMMENT ON FUNCTION crmaudit.period_evidence(text) IS 'the rows of a closed period''s findings as they were when it ended, read from the ledger as the reader may see them, and the proofs that were frozen';

-- A date as a moment; NULL for what is none.
CREATE FUNCTION crmaudit.claimed_at(value text, type text, time_zone text) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT CASE WHEN value ~ '^\d{4,6}-\d\d-\d\d([ T]\d\d:\d\d.*)?$' THEN
		CASE type WHEN 'timestamp with time zone' THEN value::timestamptz ELSE value::timestamp AT TIME ZONE time_zone END END
$$;
COMMENT ON FUNCTION crmaudit.claimed_at(text, text, text) IS 'a date or a time, as the ledger recorded it, as a moment';

-- With the owner's rights, for nobody else reads ledger_entry; keys are masked
-- with the reader's. An UPDATE that moves a row into the period is backdated too;
-- a row that only moves to another partition is not: its DELETE stands just before.
CREATE VIEW crmaudit.period_backdated WITH (security_barrier = true) AS
	SELECT p.name AS period, coalesce(t.target, e.target) AS target, t.name AS table_name,
		crmaudit.mask_image(e.row_key, NULL, t.target, e.personal || t.personal, o.roles) AS row_key,
		claimed.at AS claimed_at, e.at AS recorded_at, crmaudit.op_in_words(e.op) AS op,
		e.at > p.closed_at OR is_late.yes AS after_closing, e.actor, e.xid, e.ord
	FROM crmaudit.period p
	CROSS JOIN LATERAL jsonb_to_recordset(p.event_columns) AS c(table_id int, column_name text, type text)
	JOIN crmaudit.tracked_table t ON t.table_id = c.table_id
	LEFT JOIN crmaudit.protected_table o ON o.target = t.target
	CROSS JOIN LATERAL (
		-- the names that the column had since
		WITH RECURSIVE known(name, at) AS (
			SELECT c.column_name, p.closed_at
			UNION ALL
			SELECT r.value, s.at FROM known k
			JOIN crmaudit.ledger_entry s ON s.table_id = c.table_id AND s.op = 'S' AND s.at > k.at
			CROSS JOIN LATERAL jsonb_each_text(s.new #> '{columns,renamed}') r WHERE r.key = k.name)
		SELECT array_agg(k.name) AS names FROM known k) AS known
	JOIN crmaudit.ledger_entry e ON e.table_id = c.table_id AND e.op IN ('I', 'U')
	CROSS JOIN LATERAL (SELECT e.incarnation >> 24 = p.incarnation >> 24 AND e.xid >= pg_snapshot_xmin(p.snapshot)
		AND NOT pg_visible_in_snapshot(e.xid, p.snapshot) AS yes) AS is_late
	CROSS JOIN LATERAL (SELECT crmaudit.claimed_at((SELECT e.new ->> n FROM unnest(known.names) n WHERE e.new ? n LIMIT 1), c.type, p.time_zone) AS at) AS claimed
	CROSS JOIN LATERAL (SELECT crmaudit.claimed_at((SELECT e.old ->> n FROM unnest(known.names) n WHERE e.old ? n LIMIT 1), c.type, p.time_zone) AS at) AS before
	WHERE (e.at > p.to_at OR is_late.yes)
		AND claimed.at >= p.from_at AND claimed.at < p.to_at
		AND NOT (e.op = 'U' AND coalesce(before.at >= p.from_at AND before.at < p.to_at, false))
		AND NOT (e.op = 'I' AND EXISTS (SELECT FROM crmaudit.ledger_entry d
			WHERE d.xid = e.xid AND d.incarnation = e.incarnation AND d.table_id = e.table_id AND d.op = 'D' AND d.ord < e.ord AND d.ord >= e.ord - 8 AND d.row_key = e.row_key
				AND crmaudit.claimed_at((SELECT d.old ->> n FROM unnest(known.names) n WHERE d.old ? n LIMIT 1), c.type, p.time_zone) >= p.from_at
				AND crmaudit.claimed_at((SELECT d.old ->> n FROM unnest(known.names) n WHERE d.old ? n LIMIT 1), c.type, p.time_zone) < p.to_at));
COMMENT ON VIEW crmaudit.period_backdated IS 'rows of tracked tables that say they happened in a closed period, and were entered after it ended (D35)';
COMMENT ON COLUMN crmaudit.period_backdated.claimed_at IS 'when it happened, as somebody typed it';
COMMENT ON COLUMN crmaudit.period_backdated.recorded_at IS 'when the ledger saw it';
COMMENT ON COLUMN crmaudit.period_backdated.op IS 'insert: the row is new; update: its date was moved into the period';
COMMENT ON COLUMN crmaudit.period_backdated.after_closing IS 'entered after the period was closed, not only after it ended';

CREATE FUNCTION crmaudit.verify_period(name text DEFAULT NULL) RETURNS TABLE (period text, fault text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	IF name IS NOT NULL AND NOT EXISTS (SELECT FROM crmaudit.period p WHERE p.name = verify_period.name) THEN
		RETURN QUERY SELECT verify_period.name, 'the period is not closed, or was removed';
	END IF;
	RETURN QUERY
		SELECT p.name, 'what is frozen is not what was frozen' FROM crmaudit.period p
		WHERE p.name = coalesce(verify_period.name, p.name) AND crmaudit.period_content(p.name) IS DISTINCT FROM p.content
		UNION ALL
		SELECT f.period, format('entry %s of transaction %s, which finding %s rests on, has changed in the ledger', f.entry_ord, f.entry_xid, f.finding_id)
		FROM crmaudit.period_finding f JOIN crmaudit.ledger_entry e ON e.xid = f.entry_xid AND e.ord = f.entry_ord AND e.incarnation = f.entry_incarnation
		WHERE f.period = coalesce(verify_period.name, f.period) AND e.leaf <> f.entry_leaf;
END $$;
COMMENT ON FUNCTION crmaudit.verify_period(text) IS 'faults of a closed period, or of all: none = what is frozen is as it was; verify_ledger() verifies the row of crmaudit.period itself';
