-- 90-views: what auditors, analysts and stewards read.

-- Why a rule is, or is not, at work. Its SQL is parsed but not planned, since
-- planning may run functions with the reader's rights.
CREATE FUNCTION crmaudit.rule_state(rule crmaudit.rule) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	level text := (SELECT k.level FROM crmaudit.rule_kind k WHERE k.kind = rule.kind);
	sweeps text;
BEGIN
	IF NOT rule.enabled THEN
		RETURN 'disabled';
	ELSIF rule.valid_from > current_date THEN
		RETURN 'not yet in force';
	ELSIF rule.valid_until < current_date THEN
		RETURN 'no longer in force';
	END IF;
	BEGIN
		PERFORM crmaudit.expression_columns(p.target, p.live) FROM crmaudit.protected_table p WHERE p.target = rule.target;
	EXCEPTION WHEN OTHERS THEN
		RETURN 'broken live condition: ' || SQLERRM;
	END;
	PERFORM crmaudit.rule_check(rule.target, rule.name, rule.kind, rule.columns, rule.params, rule.condition, true);
	-- nobody evaluates it yet
	IF rule.kind = 'duplicate' THEN
		RETURN 'waiting: its kind is not evaluated in this version';
	END IF;
	IF level IN ('set', 'table') THEN
		sweeps := crmaudit.sweep_only(rule.target, rule.name, rule.kind, rule.columns, rule.params, rule.condition, true);
	END IF;
	IF sweeps IS NOT NULL THEN
		RETURN 'active in sweeps: ' || sweeps;
	ELSIF (SELECT p.mode FROM crmaudit.protected_table p WHERE p.target = rule.target) = 'off' THEN
		RETURN 'off: mode of the table';
	END IF;
	RETURN 'active';
EXCEPTION WHEN OTHERS THEN
	RETURN 'broken: ' || SQLERRM;
END $$;
COMMENT ON FUNCTION crmaudit.rule_state(crmaudit.rule) IS 'whether a rule is at work, and if not, why';

-- Where the live condition does not work, every row counts.
CREATE FUNCTION crmaudit.live_state(settings crmaudit.protected_table) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.expression_columns(settings.target, settings.live);
	RETURN 'active';
EXCEPTION WHEN OTHERS THEN
	RETURN 'broken: ' || SQLERRM;
END $$;
COMMENT ON FUNCTION crmaudit.live_state(crmaudit.protected_table) IS 'whether the live condition of a table is at work, and if not, why';

CREATE VIEW crmaudit.table_status WITH (security_invoker = true) AS
	SELECT p.target, p.mode, CASE WHEN t.tracked AND t.baselined_at IS NULL THEN 'on, without a baseline' WHEN t.tracked THEN 'on' ELSE 'off' END AS history,
		p.live, p.error_style, p.key, p.hashed_key, p.roles, p.packs, p.rule_set_version,
		p.protected_by, p.protected_at
	FROM crmaudit.protected_table p LEFT JOIN crmaudit.tracked_table t ON t.target = p.target
	ORDER BY p.target;
COMMENT ON VIEW crmaudit.table_status IS 'every protected table, its settings, and whether the ledger records it';

CREATE VIEW crmaudit.rule_status WITH (security_invoker = true) AS
	SELECT r.target, r.name AS rule, r.kind, r.columns, r.severity, r.dimension, r.enabled,
		crmaudit.rule_state(r) AS state,
		coalesce(f.open_findings, 0) AS open_findings, f.last_seen,
		crmaudit.rule_in_words(r.kind, r.columns, r.params)
			|| coalesce(' [' || r.condition || ']', '') AS in_words,
		coalesce(f.occurrences, 0) AS occurrences, r.id AS rule_id, r.version, r.pack, r.owner
	FROM crmaudit.rule r
	LEFT JOIN (SELECT rule_id, count(*) FILTER (WHERE status IN ('open', 'acknowledged')) AS open_findings,
			max(last_seen) AS last_seen, sum(occurrences)::bigint AS occurrences
		FROM crmaudit.finding GROUP BY rule_id) f ON f.rule_id = r.id
	ORDER BY r.target, r.id;
COMMENT ON VIEW crmaudit.rule_status IS 'every rule in words, whether it is at work, how many findings are open, when it was last broken (D36)';

CREATE VIEW crmaudit.open_findings WITH (security_invoker = true) AS
	SELECT id, target, rule, row_key, column_name, severity, reason, crmaudit.reason_in_words(reason) AS in_words,
		verdict, first_seen, last_seen, occurrences, assignee, due_at, username, status, nature, group_key
	FROM crmaudit.finding WHERE status IN ('open', 'acknowledged')
	ORDER BY severity DESC, first_seen, id;
COMMENT ON VIEW crmaudit.open_findings IS 'findings that are not resolved, the gravest first';

CREATE VIEW crmaudit.overdue_findings WITH (security_invoker = true) AS
	SELECT id, target, rule, row_key, column_name, severity, reason, crmaudit.reason_in_words(reason) AS in_words,
		first_seen, due_at, now() - due_at AS overdue_by, assignee, username, nature, status, distributed_at, escalated_at, escalated_to
	FROM crmaudit.finding WHERE status IN ('open', 'acknowledged') AND due_at < now()
	ORDER BY due_at, id;
COMMENT ON VIEW crmaudit.overdue_findings IS 'open findings whose due date has passed, the oldest first (D6)';

CREATE VIEW crmaudit.quarantined WITH (security_invoker = true) AS
	SELECT q.id, q.at, q.target, q.operation, q.row_key, q.username,
		ARRAY(SELECT r ->> 'rule' FROM jsonb_array_elements(q.reasons) r) AS rules,
		(SELECT string_agg(format('%s: %s', r ->> 'rule', crmaudit.reason_in_words(r ->> 'reason')), '; ')
			FROM jsonb_array_elements(q.reasons) r) AS in_words
	FROM crmaudit.quarantine q WHERE q.status = 'waiting'
	ORDER BY q.id;
COMMENT ON VIEW crmaudit.quarantined IS 'rows that wait in quarantine, and why; without the row itself, which is in crmaudit.quarantine';

-- As they are now, by what the last sweep found and was written since; the
-- tables themselves are not read. NULL before the first sweep.
CREATE VIEW crmaudit.table_score WITH (security_invoker = true) AS
	SELECT p.target, m.rows, m.score::numeric AS score, m.clean_row_rate, m.coverage,
		crmaudit.completeness(m.score) AS completeness, crmaudit.validity(m.score) AS validity,
		crmaudit.consistency(m.score) AS consistency, crmaudit.uniqueness(m.score) AS uniqueness,
		crmaudit.timeliness(m.score) AS timeliness, crmaudit.accuracy(m.score) AS accuracy,
		m.rule_set_version, m.as_of, m.stale, crmaudit.adjusted_score(p.target) AS score_adjusted
	FROM crmaudit.protected_table p
	LEFT JOIN LATERAL crmaudit.live_table_score(p.target) m ON true
	ORDER BY p.target;
COMMENT ON VIEW crmaudit.table_score IS 'score of every protected table as it is now, from 0 to 100, with clean-row rate and coverage from 0 to 1; NULL before the first sweep';

CREATE VIEW crmaudit.column_score WITH (security_invoker = true) AS
	SELECT p.target, m.column_name, m.dimension, m.assessed, m.failed, m.score
	FROM crmaudit.protected_table p
	CROSS JOIN LATERAL crmaudit.live_column_scores(p.target) m
	ORDER BY p.target, m.column_name, m.dimension;
COMMENT ON VIEW crmaudit.column_score IS 'score of every column and dimension as they are now; no rows before the first sweep';

CREATE VIEW crmaudit.owner_score WITH (security_invoker = true) AS
	SELECT p.target, m.owner, m.rows, m.score::numeric AS score, m.clean_row_rate, m.coverage,
		crmaudit.completeness(m.score) AS completeness, crmaudit.validity(m.score) AS validity,
		crmaudit.consistency(m.score) AS consistency, crmaudit.uniqueness(m.score) AS uniqueness,
		crmaudit.timeliness(m.score) AS timeliness, crmaudit.accuracy(m.score) AS accuracy,
		CASE WHEN a.gains IS NOT NULL THEN round(m.score::numeric + coalesce((a.gains ->> coalesce('=' || m.owner, ''))::numeric, 0), 4) END AS score_adjusted
	FROM crmaudit.protected_table p
	-- once for a table, and not at all if nobody selects it
	CROSS JOIN LATERAL (SELECT crmaudit.owner_adjustments(p.target) AS gains OFFSET 0) a
	CROSS JOIN LATERAL crmaudit.live_owner_scores(p.target) m
	ORDER BY p.target, m.owner;
COMMENT ON VIEW crmaudit.owner_score IS 'score of the rows of every owner as it is now, by the same rules as table_score; no rows before the first sweep';

-- A stricter rule is not worse data: only scores by the same rules compare.
CREATE VIEW crmaudit.score_trend WITH (security_invoker = true) AS
	SELECT h.target, h.at, h.rows, h.score::numeric AS score,
		CASE WHEN h.rule_set_version = lag(h.rule_set_version) OVER sweeps
			THEN h.score::numeric - lag(h.score::numeric) OVER sweeps END AS change,
		h.rule_set_version <> lag(h.rule_set_version) OVER sweeps AS rules_changed,
		h.score_adjusted::numeric AS score_adjusted, h.clean_row_rate, h.coverage, h.rule_set_version, h.run_id
	FROM crmaudit.score_history h
	WINDOW sweeps AS (PARTITION BY h.target ORDER BY h.at, h.run_id)
	ORDER BY h.target, h.at, h.run_id;
COMMENT ON VIEW crmaudit.score_trend IS 'score of a table at each full sweep, and its change since the one before if the rules are the same (D39, D41)';

-- The score is a weighted mean of cells, so that each has its share of points.
-- Where a rule is alone in a cell, what the cell lost is the rule's.
CREATE VIEW crmaudit.what_to_fix_first WITH (security_invoker = true) AS
	WITH rule_cells AS (
		SELECT r.id, r.target, r.name, r.kind, r.columns, r.params, r.severity, r.dimension, c.column_name,
			count(*) OVER (PARTITION BY r.target, r.dimension, c.column_name) AS rules
		FROM crmaudit.rule r
		JOIN crmaudit.rule_kind k ON k.kind = r.kind AND k.level <> 'update'
		CROSS JOIN LATERAL crmaudit.rule_cells(r) AS c(column_name)
		WHERE r.enabled AND r.severity > 'info'
	), last_run AS (
		SELECT DISTINCT ON (n.target) n.target, n.id FROM crmaudit.run n
		WHERE n.status = 'completed' AND n.rules IS NULL ORDER BY n.target, n.id DESC
	), gains AS (
		SELECT r.id, r.target, r.name, r.kind, r.columns, r.params, r.severity, r.dimension, u.failures, r.rules > 1 AS is_shared,
			p.points * CASE WHEN r.rules = 1 THEN p.lost
				ELSE least(p.lost, coalesce(u.failures * crmaudit.severity_risk(r.severity), p.lost)) END / (8 * p.assessed) AS points
		FROM rule_cells r
		LEFT JOIN last_run l ON l.target = r.target
		LEFT JOIN crmaudit.run_rule u ON u.run_id = l.id AND u.rule_id = r.id
		JOIN (SELECT t.target, p.column_name, p.dimension, p.points, p.lost, p.assessed
			FROM crmaudit.protected_table t CROSS JOIN LATERAL crmaudit.cell_points(t.target) p) AS p
			ON p.target = r.target AND p.column_name = r.column_name AND p.dimension = r.dimension
	)
	SELECT g.target, g.name AS rule, g.severity, g.dimension, g.failures, round(sum(g.points)::numeric, 4) AS points,
		bool_or(g.is_shared) AS at_most, crmaudit.rule_in_words(g.kind, g.columns, g.params) AS in_words, g.id AS rule_id
	FROM gains g
	GROUP BY g.id, g.target, g.name, g.kind, g.columns, g.params, g.severity, g.dimension, g.failures
	HAVING sum(g.points) > 0
	ORDER BY points DESC, g.target, g.id;
COMMENT ON VIEW crmaudit.what_to_fix_first IS 'rules by the points that the score of their table would gain if all their violations were repaired; at_most: other rules on the same column and dimension may keep a part (D40)';

-- A rule in words in both languages, whatever the session's is.
CREATE FUNCTION crmaudit.rule_in_english(kind text, columns text[], params jsonb) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp SET crmaudit.language = 'en' AS $$
	SELECT crmaudit.rule_in_words(kind, columns, params)
$$;
COMMENT ON FUNCTION crmaudit.rule_in_english(text, text[], jsonb) IS 'a rule in words, in English';
CREATE FUNCTION crmaudit.rule_in_chinese(kind text, columns text[], params jsonb) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp SET crmaudit.language = 'zh' AS $$
	SELECT crmaudit.rule_in_words(kind, columns, params)
$$;
COMMENT ON FUNCTION crmaudit.rule_in_chinese(text, text[], jsonb) IS 'a rule in words, in Chinese';

CREATE VIEW crmaudit.dictionary WITH (security_invoker = true) AS
	SELECT object, target, name, english, chinese FROM (
		SELECT 1 AS section, 'dimension' AS object, NULL::regclass AS target, dimension AS name, english, chinese, ordinal::bigint AS position
		FROM crmaudit.dimension
		UNION ALL
		SELECT 2, 'role', NULL, role, english, chinese, 0 FROM crmaudit.role
		UNION ALL
		SELECT 3, 'pack', NULL, pack,
			english || coalesce(' (' || nullif(array_to_string(demands, ', '), '') || ')', ''),
			chinese || coalesce(' (' || nullif(array_to_string(demands, ', '), '') || ')', ''), 0
		FROM crmaudit.pack
		UNION ALL
		SELECT 3, 'obligation of pack', NULL, p.pack || '.' || p.name, p.english || coalesce(' (' || nullif(array_to_string(p.demands, ', '), '') || ')', ''),
			p.chinese || coalesce(' (' || nullif(array_to_string(p.demands, ', '), '') || ')', ''), p.position
		FROM crmaudit.obligation_pack p
		UNION ALL
		SELECT 4, 'rule kind', NULL, kind, format('%s; NULL: %s', english, nulls), chinese, 0 FROM crmaudit.rule_kind
		UNION ALL
		SELECT 5, 'column', p.target, c.key, format('%s, that is: %s', c.value, o.english), o.chinese, 0
		FROM crmaudit.protected_table p CROSS JOIN LATERAL jsonb_each_text(p.roles) c
		JOIN crmaudit.role o ON o.role = c.value
		UNION ALL
		SELECT 6, 'entity', NULL, entity, english, chinese, position FROM crmaudit.entity
		UNION ALL
		SELECT 7, 'entity column', NULL, c.entity || '.' || c.column_name, c.english || coalesce(' (' || c.unit || ')', ''), c.chinese, e.position * 1000 + c.position
		FROM crmaudit.entity_column c JOIN crmaudit.entity e USING (entity)
		UNION ALL
		SELECT 8, 'mapped column', m.source, c.key, format('%s of entity %s', coalesce(d.english, 'additional column'), m.entity), coalesce(d.chinese, c.key), m.id
		FROM crmaudit.entity_mapping m CROSS JOIN LATERAL jsonb_object_keys(m.columns) AS c(key)
		LEFT JOIN crmaudit.entity_column d ON d.entity = m.entity AND d.column_name = c.key
		UNION ALL
		SELECT 9, 'rule', r.target, r.name,
			crmaudit.rule_in_english(r.kind, r.columns, r.params) || coalesce(' [' || r.condition || ']', ''),
			crmaudit.rule_in_chinese(r.kind, r.columns, r.params) || coalesce(' [' || r.condition || ']', ''), r.id
		FROM crmaudit.rule r
	) AS d
	ORDER BY section, target, position, name;
COMMENT ON VIEW crmaudit.dictionary IS 'dimensions, roles, packs, kinds, columns, entities and rules in words, English and Chinese, for an auditor who does not know the CRM (D37)';

-- What is not as it should be; no rows: all is well.
CREATE VIEW crmaudit.health WITH (security_invoker = true) AS
	SELECT l.subject, l.target, NULL::text AS rule, l.problem, l.remedy
	FROM crmaudit.ledger_problems() l
	UNION ALL
	SELECT f.subject, f.target, f.rule, f.problem, f.remedy FROM crmaudit.findings_problems() f
	UNION ALL
	SELECT b.subject, b.target, b.rule, b.problem, b.remedy
	FROM crmaudit.baseline_problems() b
	UNION ALL
	SELECT c.subject, c.target, c.rule, c.problem, c.remedy
	FROM crmaudit.calendar_problems() c
	UNION ALL
	SELECT s.subject, s.target, s.rule, s.problem, s.remedy
	FROM crmaudit.schedule_problems() s
	UNION ALL
	SELECT s.subject, s.target, s.rule, s.problem, s.remedy FROM crmaudit.score_problems() s
	UNION ALL
	SELECT e.subject, e.target, e.rule, e.problem, e.remedy FROM crmaudit.entity_problems() e
	UNION ALL
	SELECT o.subject, o.target, o.rule, o.problem, o.remedy FROM crmaudit.obligation_problems() o
	UNION ALL
	SELECT r.subject, r.target, r.rule, r.problem, r.remedy FROM crmaudit.retention_problems() r
	UNION ALL
	SELECT 'trigger', p.target, NULL, format(CASE WHEN t.oid IS NULL THEN 'trigger %s is missing' WHEN t.tgenabled = 'D' THEN 'trigger %s is disabled'
			ELSE 'trigger %s is not enabled always: what replication writes is not counted' END, n.name),
		CASE WHEN t.oid IS NULL THEN format('SELECT crmaudit.protect(%L, mode => %L)', p.target, p.mode)
			ELSE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %s', p.target, n.name) END
	FROM crmaudit.protected_table p
	CROSS JOIN (VALUES ('zz_crmaudit_gate'), ('zz_crmaudit_stored'), ('zz_crmaudit_truncate'), ('zz_crmaudit_truncated')) AS n(name)
	LEFT JOIN pg_trigger t ON t.tgrelid = p.target AND t.tgname = n.name
	WHERE t.tgenabled IS DISTINCT FROM 'A'
	UNION ALL
	SELECT 'trigger', p.target, NULL, format(CASE WHEN t.tgenabled = 'D' THEN 'trigger %s of partition %s is disabled'
			ELSE 'trigger %s of partition %s is not enabled always: what replication writes is not counted' END, t.tgname, c.oid::regclass),
		format('ALTER TABLE %s ENABLE %sTRIGGER %s', c.oid::regclass, CASE WHEN t.tgname <> 'zz_crmaudit_commit' THEN 'ALWAYS ' END, t.tgname)
	FROM crmaudit.protected_table p
	CROSS JOIN LATERAL pg_partition_tree(p.target) AS l
	JOIN pg_class c ON c.oid = l.relid AND l.relid <> p.target
	JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname LIKE 'zz\_crmaudit\_%' AND t.tgname NOT LIKE 'zz\_crmaudit\_ledger%'
		AND (t.tgenabled = 'D' OR t.tgenabled <> 'A' AND t.tgname <> 'zz_crmaudit_commit')
	UNION ALL
	SELECT 'trigger', p.target, NULL, format('trigger zz_crmaudit_truncate of partition %s is missing', l.relid), format('SELECT crmaudit.protect(%L, mode => %L)', p.target, p.mode)
	FROM crmaudit.protected_table p
	JOIN pg_trigger t ON t.tgrelid = p.target AND t.tgname = 'zz_crmaudit_truncate'
	CROSS JOIN LATERAL pg_partition_tree(p.target) AS l
	JOIN pg_class c ON c.oid = l.relid AND c.relkind = 'r' AND l.relid <> p.target
	WHERE NOT EXISTS (SELECT FROM pg_trigger o WHERE o.tgrelid = l.relid AND o.tgname = 'zz_crmaudit_truncate')
	UNION ALL
	SELECT 'event trigger', NULL, NULL, format('event trigger %s is disabled', e.evtname), format('ALTER EVENT TRIGGER %s ENABLE', e.evtname)
	FROM pg_event_trigger e WHERE e.evtname IN ('crmaudit_table_altered', 'crmaudit_table_dropped') AND e.evtenabled = 'D'
	UNION ALL
	SELECT 'rule', s.target, s.rule, s.state, 'mend it with crmaudit.alter_rule(), or drop it with crmaudit.drop_rule()'
	FROM crmaudit.rule_status s WHERE s.state LIKE 'broken:%'
	UNION ALL
	SELECT 'live', p.target, NULL, crmaudit.live_state(p), format('SELECT crmaudit.protect(%L, mode => %L, live => ...)', p.target, p.mode)
	FROM crmaudit.protected_table p WHERE p.live IS NOT NULL AND crmaudit.live_state(p) <> 'active'
	UNION ALL
	SELECT 'mode', NULL, NULL, format('crmaudit.mode is %s in this session', current_setting('crmaudit.mode', true)), 'RESET crmaudit.mode'
	WHERE current_setting('crmaudit.mode', true) IN ('off', 'observe')
	UNION ALL
	SELECT 'mode', p.target, NULL, 'mode of the table is off: nothing is checked', format('SELECT crmaudit.set_mode(%L, %L)', p.target, 'observe')
	FROM crmaudit.protected_table p WHERE p.mode = 'off';
COMMENT ON VIEW crmaudit.health IS 'what is not as it should be, each line with a remedy; no rows if all works';

CREATE VIEW crmaudit.reference_version WITH (security_invoker = true) AS
	SELECT reference, version, source, licence FROM crmaudit.reference_versions()
	UNION ALL VALUES
		('calendar CN', '1.5.7', 'npm chinese-days', 'MIT'),
		('value list disposable_domains', 'August 2026', 'disposable-email-domains', 'CC0 1.0'),
		('value list free_mail_domains', '1.12.6', 'npm free-email-domains', 'MIT')
	ORDER BY reference;
COMMENT ON VIEW crmaudit.reference_version IS 'which edition of each reference table and value list this version of crmaudit holds';
