-- 76-finding-views: what auditors make of findings: suspicious customers,
-- statistics, who keeps erring, what to improve, and whether it helped.

-- Whose row it is -------------------------------------------------------------------

-- A key as findings name it is compared in the types of the table's columns,
-- so that an index serves.
CREATE FUNCTION crmaudit.row_key_join(target regclass, as_text boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(CASE WHEN as_text THEN format('t.%1$I::text = f.row_key ->> %1$L', k.name)
			ELSE format('t.%1$I %2$s (f.row_key ->> %1$L)::%3$s', k.name, crmaudit.equality(target, k.name), format_type(a.atttypid, a.atttypmod)) END,
			' AND ' ORDER BY k.position)
	FROM crmaudit.protected_table p CROSS JOIN LATERAL unnest(p.key) WITH ORDINALITY AS k(name, position)
	JOIN pg_attribute a ON a.attrelid = p.target AND a.attname = k.name AND NOT a.attisdropped
	WHERE p.target = row_key_join.target AND p.hashed_key = '{}'
$$;
COMMENT ON FUNCTION crmaudit.row_key_join(regclass, boolean) IS 'the condition under which row t of a protected table is the one of finding f; NULL if its key is hashed';

-- All rows at once: one by one, they cost ten times as much. Joins multiply
-- ROWS: with the number that is likely they would look worth compiling.
CREATE FUNCTION crmaudit.row_owners(target regclass, ids bigint[], row_keys jsonb[], OUT id bigint, OUT owner text, OUT channel text, OUT customer text)
RETURNS SETOF record LANGUAGE plpgsql STABLE STRICT ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	settings crmaudit.protected_table;
	spec text;
	outputs text[];
	statement text;
BEGIN
	SELECT * INTO settings FROM crmaudit.protected_table p WHERE p.target = row_owners.target AND p.hashed_key = '{}';
	-- whoever may not read the columns gets no row, and no error
	IF NOT FOUND OR NOT coalesce(has_schema_privilege((SELECT c.relnamespace FROM pg_class c WHERE c.oid = target), 'USAGE'), false)
		OR EXISTS (SELECT FROM unnest(settings.key) k WHERE NOT has_column_privilege(target, k, 'SELECT')) THEN
		RETURN;
	END IF;
	FOREACH spec IN ARRAY ARRAY[(crmaudit.role_columns(settings.roles, 'owner'))[1], (crmaudit.role_columns(settings.roles, 'source'))[1], (crmaudit.role_columns(settings.roles, 'customer_no'))[1]] LOOP
		outputs := outputs || CASE WHEN has_column_privilege(target, btrim(split_part(spec, '->', 1)), 'SELECT')
			THEN crmaudit.column_sql(spec) ELSE 'NULL' END;
	END LOOP;
	IF outputs = ARRAY['NULL', 'NULL', 'NULL'] THEN
		RETURN;
	END IF;
	-- a key need not be unique
	statement := format('SELECT f.id, min(t." owner"), min(t." channel"), min(t." customer") FROM unnest($1, $2) AS f(id, row_key) '
		|| 'JOIN (SELECT %s, (%s)::text AS " owner", (%s)::text AS " channel", (%s)::text AS " customer" FROM %s) AS t ON ',
		(SELECT string_agg(quote_ident(k), ', ') FROM unnest(settings.key) k), outputs[1], outputs[2], outputs[3], target);
	RETURN QUERY EXECUTE statement || crmaudit.row_key_join(target) || ' GROUP BY f.id' USING ids, row_keys;
EXCEPTION WHEN data_exception THEN
	-- keys of findings from before the column had its present type
	RETURN QUERY EXECUTE statement || crmaudit.row_key_join(target, true) || ' GROUP BY f.id' USING ids, row_keys;
END $$;
COMMENT ON FUNCTION crmaudit.row_owners(regclass, bigint[], jsonb[]) IS 'owner, channel and customer number of rows by their keys, each under the number that the caller gave it: the values of the columns with the roles owner, source and customer_no, as they are now; read with the caller''s rights, without a row where those, or a hashed key, do not let it (D36)';

CREATE FUNCTION crmaudit.row_owner(target regclass, row_key jsonb) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT o.owner FROM crmaudit.row_owners(target, ARRAY[1::bigint], ARRAY[row_key]) o
$$;
COMMENT ON FUNCTION crmaudit.row_owner(regclass, jsonb) IS 'owner of a row by its key, that is the value of its column with the role owner, as it is now; read with the caller''s rights, NULL where those, or a hashed key, do not let it (D36)';

-- Points that owners' scores would gain; by names with a mark, for one is NULL.
-- NULL: something is waived, and the caller may not read whose rows it is.
CREATE FUNCTION crmaudit.owner_adjustments(target regclass) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH losses AS MATERIALIZED (
		SELECT l.* FROM crmaudit.waived_row_losses(target) l WHERE l.lost > 0 AND l.row_key <> '{}'
	), keys AS MATERIALIZED (
		SELECT row_number() OVER () AS id, l.row_key FROM (SELECT DISTINCT k.row_key FROM losses k) l
	), owners AS MATERIALIZED (
		SELECT k.row_key, o.owner
		FROM (SELECT array_agg(i.id) AS ids, array_agg(i.row_key) AS row_keys FROM keys i) a
		CROSS JOIN LATERAL crmaudit.row_owners(target, a.ids, a.row_keys) o
		JOIN keys k ON k.id = o.id
	), lost AS (
		SELECT o.owner, l.column_name, l.dimension, sum(l.lost) AS lost
		FROM losses l JOIN owners o ON o.row_key = l.row_key GROUP BY o.owner, l.column_name, l.dimension
	), cells AS (
		SELECT c.owner, c.column_name, c.dimension, c.assessed, c.lost,
			c.weight::float8 / sum(c.weight::float8) OVER (PARTITION BY c.owner, c.dimension) AS share,
			coalesce(w.weight, d.weight)::float8 AS dimension_weight
		FROM crmaudit.live_owner_cells(target) c
		JOIN crmaudit.dimension d ON d.dimension = c.dimension
		LEFT JOIN crmaudit.dimension_weight w ON w.dimension = c.dimension
		-- of no use where nothing is waived
		WHERE EXISTS (SELECT FROM losses)
	), totals AS (
		SELECT t.owner, nullif(sum(t.dimension_weight), 0) AS weight FROM (SELECT DISTINCT c.owner, c.dimension, c.dimension_weight FROM cells c) AS t GROUP BY t.owner
	), gains AS (
		SELECT coalesce('=' || c.owner, '') AS name, sum(100 * c.share * c.dimension_weight / t.weight * least(l.lost, c.lost) / (8 * c.assessed)) AS points
		FROM cells c
		JOIN totals t ON t.owner IS NOT DISTINCT FROM c.owner
		JOIN lost l ON l.owner IS NOT DISTINCT FROM c.owner AND l.column_name = c.column_name AND l.dimension = c.dimension
		GROUP BY c.owner
	)
	SELECT CASE WHEN EXISTS (SELECT FROM losses) AND NOT EXISTS (SELECT FROM owners) THEN NULL
		ELSE coalesce((SELECT jsonb_object_agg(g.name, g.points) FROM gains g WHERE g.points IS NOT NULL), '{}') END
$$;
COMMENT ON FUNCTION crmaudit.owner_adjustments(regclass) IS 'points that the score of each owner would gain if waived findings were valid, under "=" and his name, or under the empty name for rows without an owner; NULL where the caller may not read whose rows they are';

-- Suspicious customers ----------------------------------------------------------------

-- A waived or cleared customer still shares the value, and counts in its group.
-- FULL joins, for a wrong estimate must not make them nested loops: what is
-- joined has no row of its own.
CREATE VIEW crmaudit.suspicious_customers WITH (security_invoker = true) AS
	WITH kinds AS (
		SELECT DISTINCT ON (v.rule_id) v.rule_id, v.target, v.definition ->> 'kind' AS kind,
			CASE jsonb_array_length(v.definition -> 'columns') WHEN 1 THEN v.definition #>> '{columns,0}' END AS column_name
		FROM crmaudit.rule_version v ORDER BY v.rule_id, v.version DESC
	), listed AS MATERIALIZED (
		SELECT f.id, f.target, f.rule, f.row_key, f.column_name, f.reason, f.group_key, f.severity, f.status, f.first_seen, f.due_at, f.assignee
		FROM crmaudit.finding f
		WHERE f.status IN ('open', 'acknowledged', 'waived', 'false_positive') AND f.rule_id = ANY (ARRAY(
			SELECT k.rule_id FROM kinds k LEFT JOIN crmaudit.protected_table p ON p.target = k.target
			WHERE k.kind IN ('shared_value', 'not_staff_contact') OR k.kind = 'unique'
				AND p.roles ->> k.column_name IN ('phone', 'bank_card', 'bank_account', 'iban', 'address', 'wechat', 'email')))
	), owners AS (
		SELECT o.id, o.owner, o.customer
		FROM (SELECT target, array_agg(id) AS ids, array_agg(row_key) AS row_keys FROM listed GROUP BY target) k
		CROSS JOIN LATERAL crmaudit.row_owners(k.target, k.ids, k.row_keys) o
	), owned AS MATERIALIZED (
		SELECT l.*, o.owner, o.customer, l.status IN ('open', 'acknowledged') AS is_open
		FROM listed l FULL JOIN owners o ON o.id = l.id
	), groups AS (
		-- rows are customers unless their numbers tell
		SELECT group_key, count(*) AS customers, min(first_seen) AS first_seen, min(due_at) AS due_at
		FROM (SELECT group_key, min(first_seen) AS first_seen, min(due_at) FILTER (WHERE is_open) AS due_at
			FROM owned WHERE group_key IS NOT NULL
			GROUP BY group_key, customer, CASE WHEN customer IS NULL THEN target END, CASE WHEN customer IS NULL THEN row_key END) m
		GROUP BY group_key
	), grouped AS MATERIALIZED (
		SELECT l.*, coalesce(g.customers, 1) AS customers,
			coalesce(g.due_at, l.due_at) AS group_due_at, coalesce(g.first_seen, l.first_seen) AS group_first_seen
		FROM owned l FULL JOIN groups g ON g.group_key = l.group_key
	)
	SELECT target, reason, group_key, row_key, customers, owner, first_seen, due_at,
		rule, column_name, crmaudit.reason_in_words(reason) AS in_words, severity, status, assignee, id
	FROM grouped
	WHERE is_open
	ORDER BY group_due_at, group_first_seen, group_key, target::text, row_key, rule, id;
COMMENT ON VIEW crmaudit.suspicious_customers IS 'customers who share a phone, bank account or address with others, or have that of staff, agencies or their relatives, all customers of a group together, across tables and rules; customers counts them by the role customer_no, or else by row; group_key does not show the value, and is NULL where only the gate has seen the row: it is a group of its own until the next sweep (D5, D6)';

-- Who is answerable -------------------------------------------------------------------

-- What a sweep found was there before: whoever ran the sweep did not enter it.
-- A function, for all of it is computed at once, and estimates of its rows
-- make the planner compile what does not pay. FULL as above.
CREATE FUNCTION crmaudit.attribute_findings(of_target regclass DEFAULT NULL)
RETURNS TABLE (id bigint, target regclass, rule text, kind text, row_key jsonb, column_name text, reason text, nature text,
	severity crmaudit.severity, verdict text, status text, entered_by text, found_by text, owner text, channel text,
	first_seen timestamptz, due_at timestamptz, resolved_at timestamptz, rule_id bigint, rule_version int)
LANGUAGE sql STABLE ROWS 5000 SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH rules AS MATERIALIZED (
		SELECT v.rule_id, v.version, v.definition ->> 'kind' AS kind, v.definition ->> 'dimension' AS dimension
		FROM crmaudit.rule_version v
	), found AS MATERIALIZED (
		SELECT f.id, f.target, f.rule_id, f.rule_version, f.rule, r.kind, r.dimension, f.row_key, f.column_name, f.reason, f.verdict,
			f.severity, f.status, f.first_seen, f.due_at, f.resolved_at,
			-- of an event that is no longer kept, the last one tells
			coalesce(e.run_id, CASE WHEN e.id IS NULL THEN f.run_id END) IS NULL AS is_gate,
			coalesce(e.username, f.username) AS username, coalesce(e.actor, '') AS actor
		FROM crmaudit.finding f
		LEFT JOIN crmaudit.finding_event e ON e.id = f.id
		LEFT JOIN rules r ON r.rule_id = f.rule_id AND r.version = f.rule_version
		WHERE f.target = of_target OR of_target IS NULL
	), natures AS MATERIALIZED (
		SELECT jsonb_object_agg(concat_ws(' ', d.dimension, d.reason), crmaudit.finding_nature(d.dimension, d.reason)) AS map
		FROM (SELECT DISTINCT f.dimension, f.reason FROM found f) d
	), persons AS MATERIALIZED (
		SELECT jsonb_object_agg(d.username || ' ' || d.actor, crmaudit.person(d.username, d.actor)) AS map
		FROM (SELECT DISTINCT f.username, f.actor FROM found f WHERE f.is_gate) d
	), owners AS (
		SELECT o.id, o.owner, o.channel
		FROM (SELECT f.target, array_agg(f.id) AS ids, array_agg(f.row_key) AS row_keys FROM found f GROUP BY f.target) k
		CROSS JOIN LATERAL crmaudit.row_owners(k.target, k.ids, k.row_keys) o
	)
	SELECT f.id, f.target, f.rule, f.kind, f.row_key, f.column_name, f.reason, n.map ->> concat_ws(' ', f.dimension, f.reason),
		f.severity, f.verdict, f.status,
		CASE WHEN f.is_gate THEN coalesce(p.map ->> (f.username || ' ' || f.actor), o.owner) ELSE o.owner END,
		CASE WHEN f.is_gate THEN 'gate' ELSE 'sweep' END,
		o.owner, o.channel, f.first_seen, f.due_at, f.resolved_at, f.rule_id, f.rule_version
	FROM found f FULL JOIN owners o ON o.id = f.id CROSS JOIN natures n CROSS JOIN persons p
$$;
COMMENT ON FUNCTION crmaudit.attribute_findings(regclass) IS 'implementation of finding_attribution; NULL: of all tables';

CREATE VIEW crmaudit.finding_attribution WITH (security_invoker = true) AS
	SELECT id, target, rule, kind, row_key, column_name, reason, nature, severity, verdict, status, entered_by, found_by, owner, channel,
		first_seen, due_at, resolved_at, rule_id, rule_version
	FROM crmaudit.attribute_findings();
COMMENT ON VIEW crmaudit.finding_attribution IS 'every finding with who is answerable: entered_by is the person whose write the gate saw first (the session user, or the actor where crmaudit.shared_users has that user), or, of what a sweep found first, the owner of the row; owner and channel are the row''s as it is now; nature tells incomplete data from false data (D8, D36)';

-- Statistics ---------------------------------------------------------------------------

CREATE FUNCTION crmaudit.report_time_zone() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT c.time_zone FROM crmaudit.calendar c WHERE c.calendar = coalesce(nullif(current_setting('crmaudit.calendar', true), ''), 'weekdays')), current_setting('TimeZone'))
$$;
COMMENT ON FUNCTION crmaudit.report_time_zone() IS 'time zone in which months and quarters of statistics begin and end: the calendar''s, or else the session''s';

-- A finding that was repaired and broken again counts as open throughout. One
-- row for each period in which something happened, or something is open.
CREATE VIEW crmaudit.finding_statistics WITH (security_invoker = true) AS
	WITH steps AS (
		SELECT a.target, a.owner, a.channel, a.entered_by, a.rule_id, a.nature,
			date_trunc('month', s.at AT TIME ZONE (SELECT crmaudit.report_time_zone()))::date AS month,
			sum(s.found) AS found, sum(s.dismissed) AS dismissed, sum(s.resolved) AS resolved, sum(s.late) AS resolved_late,
			sum(s.open) AS open, sum(s.overdue) AS overdue
		FROM crmaudit.finding_attribution a
		CROSS JOIN LATERAL (
			SELECT CASE WHEN a.status IN ('false_positive', 'waived') THEN 1 ELSE 0 END AS dismissed,
				CASE WHEN a.status IN ('resolved', 'verified') THEN coalesce(a.resolved_at, a.first_seen) END AS resolved_at
		) i
		CROSS JOIN LATERAL (
			SELECT a.first_seen AS at, 1 AS found, i.dismissed, 0 AS resolved, 0 AS late, 1 - i.dismissed AS open, 0 AS overdue
			UNION ALL
			SELECT i.resolved_at, 0, 0, 1, CASE WHEN a.due_at < i.resolved_at THEN 1 ELSE 0 END, -1,
				CASE WHEN a.due_at < i.resolved_at THEN -1 ELSE 0 END
			WHERE i.resolved_at IS NOT NULL
			UNION ALL
			SELECT greatest(a.due_at, a.first_seen), 0, 0, 0, 0, 0, 1
			WHERE i.dismissed = 0 AND a.due_at < coalesce(i.resolved_at, now())
		) s
		GROUP BY 1, 2, 3, 4, 5, 6, 7
	), running AS (
		SELECT k.period_kind, k.step, date_trunc(k.period_kind, s.month::timestamp)::date AS period_start,
			s.target, s.owner, s.channel, s.entered_by, s.rule_id, s.nature,
			sum(s.found) AS found, sum(s.dismissed) AS dismissed, sum(s.resolved) AS resolved, sum(s.resolved_late) AS resolved_late,
			sum(sum(s.open)) OVER life AS open_at_end, sum(sum(s.overdue)) OVER life AS overdue_at_end,
			lead(date_trunc(k.period_kind, s.month::timestamp)::date) OVER life AS next_change
		FROM steps s
		CROSS JOIN (VALUES ('month', interval '1 month'), ('quarter', interval '3 months')) AS k(period_kind, step)
		GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
		WINDOW life AS (PARTITION BY k.period_kind, s.target, s.owner, s.channel, s.entered_by, s.rule_id, s.nature
			ORDER BY date_trunc(k.period_kind, s.month::timestamp)::date)
	), names AS (
		SELECT DISTINCT ON (rule_id) rule_id, name FROM crmaudit.rule_version ORDER BY rule_id, version DESC
	)
	SELECT r.period_kind, p.start::date AS period_start, r.target, r.owner, r.channel, r.entered_by, n.name AS rule, r.nature,
		CASE WHEN p.start = r.period_start THEN r.found ELSE 0 END::bigint AS found,
		CASE WHEN p.start = r.period_start THEN r.dismissed ELSE 0 END::bigint AS dismissed,
		CASE WHEN p.start = r.period_start THEN r.resolved ELSE 0 END::bigint AS resolved,
		CASE WHEN p.start = r.period_start THEN r.resolved_late ELSE 0 END::bigint AS resolved_late,
		r.open_at_end::bigint AS open_at_end, r.overdue_at_end::bigint AS overdue_at_end, r.rule_id
	FROM running r
	-- nothing changes until the next change
	CROSS JOIN LATERAL generate_series(r.period_start::timestamp, CASE WHEN r.open_at_end > 0
		THEN coalesce(r.next_change - interval '1 day', now() AT TIME ZONE (SELECT crmaudit.report_time_zone())) ELSE r.period_start END, r.step) AS p(start)
	LEFT JOIN names n ON n.rule_id = r.rule_id
	ORDER BY r.period_kind, p.start, r.target::text, r.owner, r.channel, r.entered_by, n.name, r.nature;
COMMENT ON VIEW crmaudit.finding_statistics IS 'findings by month and by quarter, per owner, channel, person, rule and nature, incomplete and false data apart; numbers add up over all columns but the period; dismissed: false positives and waived ones, which do not count as open; the period that has not ended is as of now (D8)';

-- A row is a case, however many findings it has.
CREATE VIEW crmaudit.case_statistics WITH (security_invoker = true) AS
	WITH cases AS (
		SELECT a.target, a.row_key, a.nature, a.entered_by, a.owner, a.channel, min(a.first_seen) AS first_seen,
			bool_or(a.status IN ('open', 'acknowledged')) AS is_open
		FROM crmaudit.finding_attribution a
		WHERE a.status NOT IN ('false_positive', 'waived') AND a.row_key <> '{}'
		GROUP BY a.target, a.row_key, a.nature, a.entered_by, a.owner, a.channel
	), periods AS (
		SELECT k.period_kind, date_trunc(k.period_kind, c.first_seen AT TIME ZONE (SELECT crmaudit.report_time_zone()))::date AS period_start,
			c.target, c.entered_by, c.owner, c.channel, c.nature, c.is_open
		FROM cases c CROSS JOIN (VALUES ('month'), ('quarter')) AS k(period_kind)
	)
	SELECT period_kind, period_start, entered_by, target, owner, channel,
		count(*) FILTER (WHERE nature = 'incomplete') AS incomplete_cases,
		count(*) FILTER (WHERE nature = 'false') AS false_cases,
		count(*) FILTER (WHERE nature NOT IN ('incomplete', 'false')) AS other_cases,
		count(*) FILTER (WHERE nature = 'incomplete' AND is_open) AS incomplete_open,
		count(*) FILTER (WHERE nature = 'false' AND is_open) AS false_open,
		count(*) FILTER (WHERE nature NOT IN ('incomplete', 'false') AND is_open) AS other_open
	FROM periods
	GROUP BY period_kind, period_start, entered_by, target, owner, channel
	ORDER BY period_kind, period_start, entered_by, target::text, owner, channel;
COMMENT ON VIEW crmaudit.case_statistics IS 'cases by month and by quarter, per person: rows with incomplete data, and rows with false data, as they count against whoever entered them; a row with both counts in both; false positives and waived findings do not count (D8)';

-- Asked once for each, not for every row.
CREATE FUNCTION crmaudit.rejecting_persons(OUT username text, OUT actor text, OUT person text) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT d.username, d.actor, crmaudit.person(d.username::name, d.actor)
	FROM (SELECT DISTINCT j.username, j.actor FROM crmaudit.rejection j WHERE j.at > now() - interval '1 year') d
$$;
COMMENT ON FUNCTION crmaudit.rejecting_persons() IS 'the persons behind the session users and actors whose rows were refused within a year';

-- Refused rows count as those do that were let through: the error is the same.
CREATE VIEW crmaudit.repeat_offenders WITH (security_invoker = true) AS
	WITH versions AS MATERIALIZED (
		SELECT DISTINCT ON (v.rule_id) v.rule_id, v.name, v.definition FROM crmaudit.rule_version v ORDER BY v.rule_id, v.version DESC
	), refused AS (
		SELECT p.person, j.target, b.rule_id, b.reason, j.at
		FROM crmaudit.rejection j JOIN crmaudit.rejecting_persons() p ON p.username = j.username AND p.actor = j.actor
		CROSS JOIN LATERAL unnest(j.rules, j.reasons) AS b(rule_id, reason)
		WHERE j.at > now() - interval '1 year' AND p.person IS NOT NULL
	), natures AS (
		SELECT d.rule_id, d.reason, crmaudit.finding_nature(v.definition ->> 'dimension', d.reason) AS nature
		FROM (SELECT DISTINCT rule_id, reason FROM refused) d JOIN versions v ON v.rule_id = d.rule_id
	), errors AS (
		SELECT a.entered_by AS person, a.target, a.rule_id, a.nature, a.first_seen AS at, false AS is_refused,
			a.status IN ('open', 'acknowledged') AS is_open
		FROM crmaudit.finding_attribution a
		WHERE a.first_seen > now() - interval '1 year' AND a.status NOT IN ('false_positive', 'waived') AND a.entered_by IS NOT NULL
		UNION ALL
		SELECT r.person, r.target, r.rule_id, n.nature, r.at, true, false
		FROM refused r LEFT JOIN natures n ON n.rule_id = r.rule_id AND n.reason IS NOT DISTINCT FROM r.reason
	), counted AS (
		SELECT person, target, rule_id, count(*) AS errors, count(*) FILTER (WHERE NOT is_refused) AS let_through,
			count(*) FILTER (WHERE is_refused) AS refused, count(*) FILTER (WHERE is_open) AS still_open,
			count(*) FILTER (WHERE nature = 'incomplete') AS incomplete_data, count(*) FILTER (WHERE nature = 'false') AS false_data,
			count(*) FILTER (WHERE at > now() - interval '3 months') AS last_3_months,
			count(*) FILTER (WHERE at <= now() - interval '3 months' AND at > now() - interval '6 months') AS before_3_months,
			min(at) AS first_error, max(at) AS last_error
		FROM errors GROUP BY person, target, rule_id
	)
	SELECT c.person, c.target, v.name AS rule, c.errors, c.let_through, c.refused, c.still_open, c.incomplete_data, c.false_data,
		c.last_3_months, c.before_3_months,
		CASE WHEN c.last_3_months > c.before_3_months THEN 'rising' WHEN c.last_3_months < c.before_3_months THEN 'falling' ELSE 'steady' END AS trend,
		c.first_error, c.last_error,
		crmaudit.rule_in_words(v.definition ->> 'kind', ARRAY(SELECT jsonb_array_elements_text(v.definition -> 'columns')), v.definition -> 'params') AS in_words,
		c.rule_id
	FROM counted c LEFT JOIN versions v ON v.rule_id = c.rule_id
	WHERE c.errors >= 3
	ORDER BY c.errors DESC, c.person, c.target::text, v.name, c.rule_id;
COMMENT ON VIEW crmaudit.repeat_offenders IS 'who broke the same rule three times or more within a year, in rows that were stored or refused, and whether it grows: the last three months against the three before; for training (D29, D40)';

-- What to improve ------------------------------------------------------------------------

CREATE TABLE crmaudit.improvement_word (
	word text PRIMARY KEY,
	english text NOT NULL,
	chinese text NOT NULL
);
COMMENT ON TABLE crmaudit.improvement_word IS 'words of improvement_proposals and improvement_effect';
INSERT INTO crmaudit.improvement_word VALUES
	('clean-up: suggested', 'Take over the spelling that crmaudit suggests.', '采用系统建议的写法批量更正。'),
	('clean-up: incomplete', 'Ask the customers for what is missing, and fill it in.', '向客户补齐缺失的资料并录入。'),
	('clean-up: group', 'Investigate the customers of each group together; correct the data, or clear the group with evidence.', '将同组客户一并核查，更正资料，或凭证据解除提示。'),
	('clean-up: table', 'Find out why the table as a whole breaks the rule.', '查明整张表不符合规则的原因。'),
	('clean-up: values', 'Compare the rows with the customers'' documents, and correct them.', '对照客户证件核实并更正。'),
	('training', 'Train those who keep making this error.', '对反复出错的人员进行培训。'),
	('prevention: mode', 'See what would have been refused, then set the mode of the table to enforce.', '先查看哪些数据会被拒绝，再将该表设为强制模式（enforce）。'),
	('prevention: severity', 'Make the rule an error, so that the gate refuses such rows.', '将规则提升为错误级别，写入时即予拒绝。'),
	('reference data', 'See whether right values are missing in what they are compared with, and add those before rows are changed.', '先核对参照数据是否缺少正确的值，补全后再更正客户资料。'),
	('not carried out', 'The proposal was not carried out.', '建议尚未执行。'),
	('rule changed', 'The rule no longer judges as it did then.', '规则已变更，前后无法比较。'),
	('too early', 'It is too early to tell: no sweep, or not a day, since then.', '尚难判断：执行后未再全表稽核，或不足一天。'),
	('nothing to compare', 'There was nothing of the kind before, nor after.', '前后均无此类问题，无从比较。'),
	('helped', 'It helped.', '整改有效。'),
	('made no difference', 'It made no difference, or none beyond chance.', '未见改善，或差异可能出于偶然。'),
	('worse', 'It is worse than before.', '比以前更差。');
UPDATE crmaudit.improvement_word SET chinese = crmaudit.unescape(chinese, english);

CREATE FUNCTION crmaudit.improvement_in_words(word text) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	-- the library knows which language the session speaks
	SELECT CASE WHEN crmaudit.reason_in_words(r.reason) = r.english THEN w.english ELSE w.chinese END
	FROM crmaudit.improvement_word w, crmaudit.reason r WHERE w.word = improvement_in_words.word AND r.reason = 'missing'
$$;
COMMENT ON FUNCTION crmaudit.improvement_in_words(text) IS 'a word of improvement_word in the language of crmaudit.language';

-- An estimate: no row of the last full sweep breaks the rule any more, and
-- what else is wrong with the same column does not matter.
CREATE FUNCTION crmaudit.points_won(rule_id bigint) RETURNS numeric
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	WITH judged AS (
		SELECT r.id AS run_id, r.target, w.failures / nullif(w.rows, 0)::numeric AS rate
		FROM crmaudit.run_rule w JOIN crmaudit.run r ON r.id = w.run_id
		WHERE w.rule_id = points_won.rule_id AND r.status = 'completed'
		ORDER BY r.started_at DESC, r.id DESC LIMIT 1
	), cells AS (
		-- as the score counts: a column and dimension once, by the largest weight
		SELECT o.dimension, c.column_name, max(o.weight)::numeric AS weight,
			max(CASE WHEN o.id = points_won.rule_id THEN CASE o.severity WHEN 'warning' THEN 0.25 WHEN 'error' THEN 0.75 WHEN 'critical' THEN 1 END END) AS risk
		FROM judged j JOIN crmaudit.run_rule w ON w.run_id = j.run_id AND w.rows > 0
		JOIN crmaudit.rule o ON o.id = w.rule_id
		CROSS JOIN LATERAL unnest(CASE WHEN o.columns <> '{}' THEN o.columns WHEN o.attnames <> '{}' THEN o.attnames ELSE ARRAY[o.name] END) AS c(column_name)
		GROUP BY o.dimension, c.column_name
	), dimensions AS (
		SELECT c.dimension, coalesce(d.weight, b.weight)::numeric AS weight, sum(c.risk * c.weight) / sum(c.weight) AS risk
		FROM cells c JOIN crmaudit.dimension b ON b.dimension = c.dimension
		LEFT JOIN crmaudit.dimension_weight d ON d.dimension = c.dimension
		GROUP BY c.dimension, coalesce(d.weight, b.weight)
	)
	SELECT round(100 * (SELECT j.rate FROM judged j) * sum(d.weight * coalesce(d.risk, 0)) / nullif(sum(d.weight), 0), 2) FROM dimensions d
$$;
COMMENT ON FUNCTION crmaudit.points_won(bigint) IS 'points that the score of a table would gain if no row broke the rule, estimated from the last full sweep; NULL without one';

-- A statement to begin with. It reads through open_findings, that is with the
-- rights of whoever runs it.
CREATE FUNCTION crmaudit.proposal_sql(what text, target regclass, rule text, reason text, column_name text, params jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	row_join text := crmaudit.row_key_join(target);
	chosen text := format('f.target = %L::regclass AND f.rule = %L', target, rule) || CASE WHEN reason IS NULL THEN '' ELSE format(' AND f.reason = %L', reason) END;
BEGIN
	IF what = 'training' THEN
		RETURN format('SELECT * FROM crmaudit.repeat_offenders f WHERE %s;', chosen);
	ELSIF what = 'prevention: mode' THEN
		RETURN format('SELECT * FROM crmaudit.preview_mode(%L, %L) f WHERE f.rule = %L;', target, 'enforce', rule);
	ELSIF what = 'prevention: severity' THEN
		RETURN format('SELECT crmaudit.alter_rule(%L, %L, severity => %L);', target, rule, 'error');
	ELSIF what = 'clean-up: group' THEN
		RETURN format('SELECT * FROM crmaudit.suspicious_customers f WHERE %s;', chosen);
	ELSIF what = 'clean-up: table' OR row_join IS NULL THEN
		RETURN format('SELECT * FROM crmaudit.open_findings f WHERE %s;', chosen);
	ELSIF what = 'clean-up: suggested' THEN
		RETURN format('UPDATE %1$s AS t SET %2$I = (crmaudit.explain_value(t.%2$I::text, %3$L)).suggestion FROM crmaudit.open_findings AS f WHERE %4$s AND %5$s AND (crmaudit.explain_value(t.%2$I::text, %3$L)).suggestion IS NOT NULL;',
			target, column_name, params, chosen, row_join);
	ELSIF what = 'reference data' THEN
		RETURN format('SELECT v.value, count(*) FROM (SELECT %1$s AS value FROM %2$s AS t WHERE EXISTS (SELECT FROM crmaudit.open_findings AS f WHERE %3$s AND %4$s)) AS v GROUP BY v.value ORDER BY count(*) DESC, v.value LIMIT 20;',
			crmaudit.column_sql(column_name), target, chosen, row_join);
	END IF;
	RETURN format('SELECT f.first_seen, t.* FROM crmaudit.open_findings AS f JOIN %s AS t ON %s WHERE %s ORDER BY f.first_seen, f.id;', target, row_join, chosen);
END $$;
COMMENT ON FUNCTION crmaudit.proposal_sql(text, regclass, text, text, text, jsonb) IS 'the statement that improvement_proposals offers to start with';

-- Training and prevention win no points of their own: they keep what a
-- clean-up wins.
CREATE VIEW crmaudit.improvement_proposals WITH (security_invoker = true) AS
	WITH found AS MATERIALIZED (
		SELECT a.rule_id, a.column_name, a.reason, a.nature, a.entered_by, a.owner, a.row_key = '{}' AS is_table,
			a.status IN ('open', 'acknowledged') AS is_open, a.first_seen > now() - interval '1 year' AS is_recent,
			a.found_by = 'gate' AND a.verdict IS DISTINCT FROM 'suspect' AND a.first_seen > now() - interval '30 days' AS is_preventable
		FROM crmaudit.finding_attribution a WHERE a.status NOT IN ('false_positive', 'waived')
	), open AS MATERIALIZED (
		SELECT * FROM found WHERE is_open
	), offenders AS MATERIALIZED (
		-- those of repeat_offenders
		SELECT e.rule_id, e.person
		FROM (SELECT f.rule_id, f.entered_by AS person, count(*) AS errors FROM found f WHERE f.is_recent GROUP BY f.rule_id, f.entered_by
			UNION ALL
			SELECT b.rule_id, p.person, count(*)
			FROM crmaudit.rejection j JOIN crmaudit.rejecting_persons() p ON p.username = j.username AND p.actor = j.actor
			CROSS JOIN LATERAL unnest(j.rules) AS b(rule_id)
			WHERE j.at > now() - interval '1 year' GROUP BY b.rule_id, p.person) e
		GROUP BY e.rule_id, e.person HAVING sum(e.errors) >= 3
	), causes AS (
		SELECT o.rule_id, o.reason, count(*) AS findings, min(o.column_name) AS column_name, min(o.nature) AS nature, bool_and(o.is_table) AS is_table,
			mode() WITHIN GROUP (ORDER BY o.entered_by) AS entered_by, mode() WITHIN GROUP (ORDER BY o.owner) AS owner
		FROM open o GROUP BY o.rule_id, o.reason
	), persons AS (
		SELECT o.rule_id, count(*) AS findings,
			mode() WITHIN GROUP (ORDER BY o.entered_by) AS entered_by, mode() WITHIN GROUP (ORDER BY o.owner) AS owner
		FROM open o JOIN offenders p ON p.rule_id = o.rule_id AND p.person = o.entered_by GROUP BY o.rule_id
	), gates AS (
		SELECT o.rule_id, count(*) AS findings,
			mode() WITHIN GROUP (ORDER BY o.entered_by) AS entered_by, mode() WITHIN GROUP (ORDER BY o.owner) AS owner
		FROM open o WHERE o.is_preventable GROUP BY o.rule_id
	), proposed AS (
		SELECT 1 AS position, 'clean-up' AS action,
			CASE WHEN c.is_table THEN 'clean-up: table'
				WHEN r.kind IN ('shared_value', 'not_staff_contact') THEN 'clean-up: group'
				WHEN r.kind = 'format' AND c.reason IN ('surrounding_blanks', 'display_name', 'mailto', 'legacy_15', 'country_prefix_greece')
					AND c.column_name NOT LIKE '%->%' THEN 'clean-up: suggested'
				WHEN c.nature = 'incomplete' THEN 'clean-up: incomplete'
				ELSE 'clean-up: values' END AS what,
			r.id AS rule_id, c.reason, c.findings, c.column_name, c.entered_by, c.owner
		FROM causes c JOIN crmaudit.rule r ON r.id = c.rule_id
		UNION ALL
		SELECT 2, 'reference data', 'reference data', r.id, c.reason, c.findings, c.column_name, c.entered_by, c.owner
		FROM causes c JOIN crmaudit.rule r ON r.id = c.rule_id
		WHERE c.findings >= 3 AND NOT c.is_table
			AND (r.kind IN ('in_set', 'in_list', 'reference') AND c.reason <> 'rule_error' OR c.reason IN ('prefix_unknown', 'area_unknown'))
		UNION ALL
		SELECT 3, 'training', 'training', p.rule_id, NULL, p.findings, NULL, p.entered_by, p.owner FROM persons p
		UNION ALL
		SELECT 4, 'prevention', CASE WHEN r.severity < 'error' THEN 'prevention: severity' ELSE 'prevention: mode' END,
			r.id, NULL, g.findings, NULL, g.entered_by, g.owner
		FROM gates g JOIN crmaudit.rule r ON r.id = g.rule_id
		JOIN crmaudit.protected_table t ON t.target = r.target
		JOIN crmaudit.rule_kind k ON k.kind = r.kind AND k.level = 'row'
		WHERE r.severity < 'error' OR t.mode IN ('observe', 'off')
	), worth AS MATERIALIZED (
		SELECT c.rule_id, sum(c.findings) AS findings, crmaudit.points_won(c.rule_id) AS points FROM causes c GROUP BY c.rule_id
	)
	SELECT r.target, r.name AS rule, p.action,
		CASE WHEN p.reason IS NOT NULL THEN concat_ws(': ', p.column_name, crmaudit.reason_in_words(p.reason))
			ELSE crmaudit.rule_in_words(r.kind, r.columns, r.params) END AS cause,
		crmaudit.improvement_in_words(p.what) AS what_to_do,
		p.findings, p.entered_by, p.owner, round(w.points * p.findings / w.findings, 2) AS points,
		crmaudit.proposal_sql(p.what, r.target, r.name, p.reason, p.column_name, r.params) AS start_sql,
		p.reason, r.id AS rule_id, r.version AS rule_version
	FROM proposed p JOIN crmaudit.rule r ON r.id = p.rule_id JOIN worth w ON w.rule_id = p.rule_id
	ORDER BY points DESC NULLS LAST, p.findings DESC, r.target::text, r.name, p.position, p.reason;
COMMENT ON VIEW crmaudit.improvement_proposals IS 'what would improve the data, most score points first: for each cause of open findings a clean-up, or the reference data that may be wanting; for each rule training from repeated errors, and prevention where the gate lets through what it could refuse; with who is most concerned, the points at stake, and the statement to start with (D40)';

-- Did it help ------------------------------------------------------------------------------

CREATE TABLE crmaudit.improvement (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	target regclass NOT NULL,
	rule_id bigint NOT NULL,
	rule_version int NOT NULL,
	action text NOT NULL CHECK (action IN ('clean-up', 'reference data', 'training', 'prevention')),
	reason text,
	proposed_at timestamptz NOT NULL DEFAULT now(),
	proposed_by name NOT NULL DEFAULT session_user,
	findings bigint NOT NULL,
	points numeric,
	score numeric,
	rule_set_version int,
	status text NOT NULL DEFAULT 'proposed' CHECK (status IN ('proposed', 'done')),
	done_at timestamptz,
	done_by name,
	note text
);
COMMENT ON TABLE crmaudit.improvement IS 'proposals that were made, and when they were carried out (D41)';
COMMENT ON COLUMN crmaudit.improvement.reason IS 'cause that a clean-up, or reference data, is about; NULL: all of the rule';
COMMENT ON COLUMN crmaudit.improvement.findings IS 'open findings that the proposal was about, at that time';
COMMENT ON COLUMN crmaudit.improvement.score IS 'score of the table in its last full sweep before';
COMMENT ON COLUMN crmaudit.improvement.rule_set_version IS 'version of the rules which that score is by';
-- one that waits is not proposed again
CREATE UNIQUE INDEX improvement_waiting ON crmaudit.improvement (target, rule_id, action, coalesce(reason, '')) WHERE status = 'proposed';

SELECT pg_catalog.pg_extension_config_dump('crmaudit.improvement', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.improvement_id_seq', '');

CREATE FUNCTION crmaudit.propose(target regclass DEFAULT NULL) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	proposals int;
BEGIN
	IF target IS NOT NULL THEN
		PERFORM crmaudit.require_protected(target);
	END IF;
	INSERT INTO crmaudit.improvement (target, rule_id, rule_version, action, reason, findings, points, score, rule_set_version)
		SELECT p.target, p.rule_id, p.rule_version, p.action, p.reason, p.findings, p.points, h.score::numeric, h.rule_set_version
		FROM crmaudit.improvement_proposals p
		LEFT JOIN LATERAL (SELECT s.score, s.rule_set_version FROM crmaudit.score_history s
			WHERE s.target = p.target ORDER BY s.at DESC, s.run_id DESC LIMIT 1) h ON true
		WHERE p.target = propose.target OR propose.target IS NULL
		ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS proposals = ROW_COUNT;
	RETURN proposals;
END $$;
COMMENT ON FUNCTION crmaudit.propose(regclass) IS 'keeps the present improvement_proposals of a table, or of all, so that their effect can be told later; returns how many are new; those that wait already are not kept twice (D41)';

-- Whoever may carry out a proposal cannot say that somebody else did, nor when.
CREATE FUNCTION crmaudit.proposal_done() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF OLD.status = 'done' THEN
		RAISE EXCEPTION 'proposal % was carried out already', OLD.id
			USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('By %s at %s.', OLD.done_by, OLD.done_at);
	END IF;
	NEW.done_at := now();
	NEW.done_by := session_user;
	RETURN NEW;
END $$;
COMMENT ON FUNCTION crmaudit.proposal_done() IS 'trigger: sets who carried out a proposal, and when, once';
CREATE TRIGGER proposal_done BEFORE UPDATE OF status ON crmaudit.improvement
	FOR EACH ROW EXECUTE FUNCTION crmaudit.proposal_done();

CREATE FUNCTION crmaudit.carry_out(id bigint, note text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE crmaudit.improvement i SET status = 'done', note = carry_out.note WHERE i.id = carry_out.id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'proposal % does not exist', id
			USING ERRCODE = 'undefined_object', HINT = 'crmaudit.propose() makes proposals, and crmaudit.improvement_effect lists them.';
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.carry_out(bigint, text) IS 'records that a proposal was carried out (D41)';

-- Clean-ups are judged by what is open; training and prevention by what came
-- in as long after as before, at most 90 days, and more than chance gives.
CREATE VIEW crmaudit.improvement_effect WITH (security_invoker = true) AS
	WITH seen AS MATERIALIZED (
		SELECT f.rule_id, f.reason, f.first_seen, f.status IN ('open', 'acknowledged') AS is_open
		FROM crmaudit.finding f
		WHERE f.status NOT IN ('false_positive', 'waived') AND f.rule_id IN (SELECT i.rule_id FROM crmaudit.improvement i)
	), spans AS MATERIALIZED (
		SELECT i.*, least(now() - i.done_at, interval '90 days') AS span,
			v.name AS rule, v.definition AS was, r.version IS NULL AS is_dropped, n.definition AS is_now
		FROM crmaudit.improvement i
		LEFT JOIN crmaudit.rule_version v ON v.rule_id = i.rule_id AND v.version = i.rule_version
		LEFT JOIN crmaudit.rule r ON r.id = i.rule_id
		LEFT JOIN crmaudit.rule_version n ON n.rule_id = r.id AND n.version = r.version
	), still_open AS MATERIALIZED (
		SELECT f.rule_id, f.reason, count(*) AS findings FROM seen f WHERE f.is_open GROUP BY f.rule_id, f.reason
	), came_in AS (
		SELECT s.id, count(*) FILTER (WHERE f.first_seen <= s.done_at) AS before, count(*) FILTER (WHERE f.first_seen > s.done_at) AS after
		FROM spans s JOIN seen f ON f.rule_id = s.rule_id AND f.first_seen > s.done_at - s.span AND f.first_seen <= s.done_at + s.span
		WHERE s.action IN ('training', 'prevention')
		GROUP BY s.id
	), compared AS (
		SELECT s.*,
			CASE WHEN s.action IN ('clean-up', 'reference data') THEN coalesce((SELECT o.findings FROM still_open o
				WHERE o.rule_id = s.rule_id AND o.reason IS NOT DISTINCT FROM s.reason), 0) END AS findings_now,
			CASE WHEN s.action IN ('training', 'prevention') AND s.span IS NOT NULL THEN coalesce(c.before, 0) END AS new_before,
			CASE WHEN s.action IN ('training', 'prevention') AND s.span IS NOT NULL THEN coalesce(c.after, 0) END AS new_after,
			(SELECT h.score::numeric FROM crmaudit.score_history h
				WHERE h.target = s.target AND h.rule_set_version = s.rule_set_version AND h.at > s.proposed_at ORDER BY h.at DESC, h.run_id DESC LIMIT 1) AS score_now,
			EXISTS (SELECT FROM crmaudit.run u JOIN crmaudit.run_rule w ON w.run_id = u.id AND w.rule_id = s.rule_id
				WHERE u.target = s.target AND u.status = 'completed' AND u.started_at > s.done_at) AS is_swept,
			-- severity, weight, words and due dates do not change which rows break it
			s.is_dropped OR (s.was -> 'kind', s.was -> 'columns', (s.was -> 'params') - 'due', s.was -> 'condition', s.was -> 'enabled')
				IS DISTINCT FROM (s.is_now -> 'kind', s.is_now -> 'columns', (s.is_now -> 'params') - 'due', s.is_now -> 'condition', s.is_now -> 'enabled') AS is_other
		FROM spans s
		LEFT JOIN came_in c ON c.id = s.id
	), judged AS (
		SELECT c.*, CASE
			WHEN c.status <> 'done' THEN 'not carried out'
			WHEN c.is_other AND c.action <> 'reference data' THEN 'rule changed'
			WHEN c.action IN ('clean-up', 'reference data') THEN CASE
				WHEN c.findings_now < c.findings THEN 'helped'
				WHEN NOT c.is_swept THEN 'too early'
				WHEN c.findings_now > c.findings THEN 'worse'
				ELSE 'made no difference' END
			WHEN c.span < interval '1 day' THEN 'too early'
			WHEN c.new_before = 0 AND c.new_after = 0 THEN 'nothing to compare'
			-- half of them after: what chance would give
			WHEN w.high < 0.5 THEN 'helped'
			WHEN w.low > 0.5 THEN 'worse'
			ELSE 'made no difference' END AS verdict
		FROM compared c CROSS JOIN LATERAL crmaudit.wilson_interval(c.new_after, c.new_before + c.new_after) w
	)
	SELECT id, target, rule, action, reason, proposed_at, done_at, done_by, findings AS findings_then, findings_now, new_before, new_after,
		score AS score_then, score_now, rule_set_version, points AS points_expected,
		CASE verdict WHEN 'helped' THEN true WHEN 'worse' THEN false WHEN 'made no difference' THEN false END AS helped,
		verdict, crmaudit.improvement_in_words(verdict) AS in_words, note, rule_id, proposed_by
	FROM judged
	ORDER BY proposed_at DESC, points DESC NULLS LAST, id;
COMMENT ON VIEW crmaudit.improvement_effect IS 'whether proposals were carried out, and whether they helped: of clean-ups the open findings then and now; of training and prevention the new ones as long before as after (at most 90 days), and whether the difference is more than chance (Wilson, 95 %); the score by the same version of the rules (D41)';
