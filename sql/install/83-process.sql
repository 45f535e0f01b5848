-- 83-process: how the work goes, and the system under it: steps and their
-- duration, use, performance (D28, D29, D30). doc/audit-views.md has formulas.

-- Steps (D28) ----------------------------------------------------------------------------

CREATE FUNCTION crmaudit.known_days(calendar text DEFAULT NULL) RETURNS datemultirange
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN c.first_year IS NULL THEN '{(,)}'::datemultirange
		ELSE datemultirange(daterange(make_date(c.first_year, 1, 1), make_date(c.last_year + 1, 1, 1)))
			+ coalesce((SELECT range_agg(daterange(make_date(y.year, 1, 1), make_date(y.year + 1, 1, 1)))
				FROM crmaudit.calendar_year y WHERE y.calendar = c.calendar), '{}') END
	FROM crmaudit.calendar c
	WHERE c.calendar = coalesce(known_days.calendar, nullif(current_setting('crmaudit.calendar', true), ''), 'weekdays')
$$;
COMMENT ON FUNCTION crmaudit.known_days(text) IS 'days of which a calendar knows whether they are working days; NULL for a calendar that does not exist';

-- A day that the calendar does not know makes working days NULL, and no error:
-- hours are told all the same. The slowest case is found without a sort: its
-- seconds, in digits of one length, stand before its id.
CREATE VIEW crmaudit.step_durations WITH (security_invoker = true) AS
	WITH calendar AS MATERIALIZED (
		SELECT crmaudit.report_time_zone() AS zone, crmaudit.known_days() AS known
	), passage AS (
		SELECT s.case_kind, s.case_id, s.step, s.left_at, s.due_at,
			CASE WHEN s.entered_at > '-infinity' AND coalesce(s.left_at, now()) >= s.entered_at THEN extract(epoch FROM coalesce(s.left_at, now()) - s.entered_at)::float8 END AS seconds,
			(s.entered_at AT TIME ZONE c.zone)::date AS first_day, (coalesce(s.left_at, now()) AT TIME ZONE c.zone)::date AS last_day, c.known
		FROM (SELECT p.case_kind, p.case_id, p.step, p.entered_at, nullif(p.left_at, 'infinity') AS left_at, nullif(p.due_at, '-infinity') AS due_at FROM crmaudit.step() p) s CROSS JOIN calendar c
	), measured AS (
		SELECT p.case_kind, p.case_id, p.step, p.left_at, p.due_at, p.seconds,
			CASE WHEN p.seconds IS NOT NULL THEN CASE WHEN p.known @> daterange(p.first_day, p.last_day, '[]')
				THEN crmaudit.working_days_between(p.first_day, p.last_day) END END AS days
		FROM passage p
	), step AS (
		SELECT m.case_kind, m.step, count(DISTINCT m.case_id) AS cases,
			count(*) FILTER (WHERE m.left_at IS NOT NULL) AS passages,
			percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY m.days) FILTER (WHERE m.left_at IS NOT NULL) AS days,
			percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY m.seconds) FILTER (WHERE m.left_at IS NOT NULL) AS seconds,
			max(m.days) FILTER (WHERE m.left_at IS NOT NULL) AS longest_days,
			max(m.seconds) FILTER (WHERE m.left_at IS NOT NULL) AS longest_seconds,
			substr(max((to_char(m.seconds, 'FM0000000000000') || m.case_id) COLLATE "C") FILTER (WHERE m.left_at IS NOT NULL), 14) AS slowest_case,
			count(*) FILTER (WHERE m.left_at > m.due_at) AS left_late,
			sum(m.seconds) FILTER (WHERE m.left_at IS NOT NULL) AS total_seconds,
			count(*) FILTER (WHERE m.left_at IS NULL) AS open,
			count(*) FILTER (WHERE m.left_at IS NULL AND m.due_at < now()) AS open_overdue,
			max(m.days) FILTER (WHERE m.left_at IS NULL) AS open_longest_days,
			substr(max((to_char(m.seconds, 'FM0000000000000') || m.case_id) COLLATE "C") FILTER (WHERE m.left_at IS NULL), 14) AS oldest_open_case,
			count(*) FILTER (WHERE m.seconds IS NULL) AS without_times
		FROM measured m
		GROUP BY m.case_kind, m.step
	)
	SELECT case_kind, step, cases, passages,
		round(days[1]::numeric, 1) AS median_working_days, round(days[2]::numeric, 1) AS p90_working_days, longest_days AS longest_working_days,
		round((seconds[1] / 3600)::numeric, 1) AS median_hours, round((seconds[2] / 3600)::numeric, 1) AS p90_hours,
		round((longest_seconds / 3600)::numeric, 1) AS longest_hours, slowest_case,
		CASE WHEN passages > 0 THEN rank() OVER (PARTITION BY case_kind ORDER BY seconds[1] DESC NULLS LAST) END AS slowness,
		round((100 * total_seconds / nullif(sum(total_seconds) OVER (PARTITION BY case_kind), 0))::numeric, 1) AS percent_of_time,
		left_late, open, open_overdue, open_longest_days AS open_longest_working_days, oldest_open_case, without_times
	FROM step
	ORDER BY case_kind, slowness NULLS LAST, step;
COMMENT ON VIEW crmaudit.step_durations IS 'how long cases stay in each step, by kind of case (D28): median, 90th percentile and longest, in working days (after the day of entering, up to that of leaving) and in hours; slowness: 1 is the step with the longest median of its kind; and what is in the step still';
COMMENT ON COLUMN crmaudit.step_durations.percent_of_time IS 'share of all hours that cases of the kind spent in steps';
COMMENT ON COLUMN crmaudit.step_durations.without_times IS 'passages that do not say when they began, or that ended before; they count nowhere else but in cases, passages and open';

-- Two approvers at once, or the second who takes over at the moment when the
-- first leaves, are no rework. A function, for it sorts much: most cases have
-- no step twice, but all must be looked at.
CREATE FUNCTION crmaudit.find_rework()
RETURNS TABLE (case_kind text, case_id text, step text, passages bigint, reentries bigint, came_back_from text[],
	first_entered_at timestamptz, last_reentered_at timestamptz, hours_again numeric, is_open boolean)
LANGUAGE sql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '64MB' AS $$
	WITH suspect AS (
		SELECT DISTINCT r.case_kind, r.case_id
		FROM (SELECT s.case_kind, s.case_id COLLATE "C" AS case_id FROM crmaudit.step() s WHERE isfinite(s.entered_at)
			GROUP BY s.case_kind, s.case_id COLLATE "C", s.step
			-- none begins after another ended: all at once, as approvers are
			HAVING count(*) > 1 AND (max(s.entered_at) >= min(s.left_at) OR count(nullif(s.left_at, 'infinity')) < count(*))) r
	), numbered AS (
		SELECT s.case_kind, s.case_id, s.step, s.staff_id, s.entered_at, s.left_at,
			lag(s.step) OVER cases AS came_from, row_number() OVER cases - row_number() OVER steps AS others,
			max(s.left_at) OVER before AS left_before, count(*) OVER before - count(s.left_at) OVER before AS open_before, count(*) OVER before AS earlier
		FROM suspect x JOIN (SELECT p.case_kind COLLATE "C" AS case_kind, p.case_id COLLATE "C" AS case_id, p.step COLLATE "C" AS step, p.staff_id COLLATE "C" AS staff_id, p.entered_at, nullif(p.left_at, 'infinity') AS left_at
			FROM crmaudit.step() p) s ON s.case_id = x.case_id AND s.case_kind IS NOT DISTINCT FROM x.case_kind
		WHERE isfinite(s.entered_at)
		WINDOW cases AS (PARTITION BY s.case_kind, s.case_id ORDER BY s.entered_at, s.left_at, s.step, s.staff_id),
			steps AS (PARTITION BY s.case_kind, s.case_id, s.step ORDER BY s.entered_at, s.left_at, s.staff_id),
			before AS (PARTITION BY s.case_kind, s.case_id, s.step ORDER BY s.entered_at, s.left_at, s.staff_id
				ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
	), judged AS (
		SELECT n.*, n.earlier > 0 AND (n.open_before = 0 AND n.entered_at > n.left_before
				OR n.others > lag(n.others) OVER steps AND n.entered_at >= coalesce(n.left_before, n.entered_at)) AS is_again
		FROM numbered n
		WINDOW steps AS (PARTITION BY n.case_kind, n.case_id, n.step ORDER BY n.entered_at, n.left_at, n.staff_id)
	)
	SELECT j.case_kind, j.case_id, j.step, count(*), count(*) FILTER (WHERE j.is_again),
		array_agg(j.came_from ORDER BY j.entered_at) FILTER (WHERE j.is_again),
		min(j.entered_at), max(j.entered_at) FILTER (WHERE j.is_again),
		round((sum(extract(epoch FROM coalesce(j.left_at, now()) - j.entered_at)) FILTER (WHERE j.is_again AND (j.left_at = '-infinity') IS NOT TRUE) / 3600)::numeric, 1),
		bool_or(j.left_at IS NULL)
	FROM judged j
	GROUP BY j.case_kind, j.case_id, j.step
	HAVING bool_or(j.is_again)
$$;
COMMENT ON FUNCTION crmaudit.find_rework() IS 'implementation of rework';

CREATE VIEW crmaudit.rework WITH (security_invoker = true) AS
	SELECT r.case_kind, r.case_id, r.step, r.passages, r.reentries, r.came_back_from, r.first_entered_at, r.last_reentered_at, r.hours_again, r.is_open
	FROM crmaudit.find_rework() r
	ORDER BY r.case_kind, r.reentries DESC, r.case_id, r.step;
COMMENT ON VIEW crmaudit.rework IS 'cases that came back to a step in which they had been (D28): after they had left it, or with another step between; came_back_from: the step before each time; hours_again: time spent in the step since it was entered again';

CREATE VIEW crmaudit.needless_steps WITH (security_invoker = true) AS
	WITH passage AS (
		SELECT s.case_kind, s.case_id, s.step, s.staff_id, s.entered_at, s.left_at,
			lag(s.staff_id) OVER cases AS staff_before, lead(s.step) OVER cases AS step_after, lag(s.step) OVER cases AS step_before
		FROM crmaudit.step() s WHERE isfinite(s.entered_at)
		WINDOW cases AS (PARTITION BY s.case_kind, s.case_id ORDER BY s.entered_at, s.left_at, s.step, s.staff_id)
	), returned AS (
		SELECT r.case_kind, r.came_from AS step, sum(r.times) AS times
		FROM (SELECT w.case_kind, f.came_from, count(*) AS times FROM crmaudit.rework w CROSS JOIN LATERAL unnest(w.came_back_from) AS f(came_from)
			GROUP BY w.case_kind, f.came_from) r
		GROUP BY r.case_kind, r.came_from
	), step AS (
		SELECT p.case_kind, p.step, count(*) AS passages,
			count(*) FILTER (WHERE p.staff_id = p.staff_before) AS same_person,
			count(*) FILTER (WHERE p.left_at - p.entered_at <= interval '1 minute') AS within_a_minute
		FROM passage p WHERE p.left_at >= p.entered_at AND p.left_at < 'infinity' AND p.step_before IS NOT NULL
		GROUP BY p.case_kind, p.step
	)
	SELECT s.case_kind, s.step, s.passages, coalesce(r.times, 0)::bigint AS sent_back,
		round(100.0 * s.same_person / s.passages, 1) AS percent_same_person, round(100.0 * s.within_a_minute / s.passages, 1) AS percent_within_a_minute
	FROM step s LEFT JOIN returned r ON r.step = s.step AND r.case_kind IS NOT DISTINCT FROM s.case_kind
	WHERE s.passages >= 10 AND coalesce(r.times, 0) = 0 AND (s.same_person >= 0.9 * s.passages OR s.within_a_minute >= 0.9 * s.passages)
	ORDER BY s.case_kind, s.passages DESC, s.step;
COMMENT ON VIEW crmaudit.needless_steps IS 'steps that seem to decide nothing (D28): of ten passages or more nine in ten are done by whoever did the step before, or take a minute at most, and no case ever went back from there';

-- The same fact entered twice (D28) -----------------------------------------------------

CREATE TABLE crmaudit.telling_columns (
	entity text PRIMARY KEY,
	must_agree text[] NOT NULL CHECK (must_agree <> '{}'),
	one_of text[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE crmaudit.telling_columns IS 'in which columns two rows of an entity must agree to be the same fact, where it is not the default; what_tells() shows both';
COMMENT ON COLUMN crmaudit.telling_columns.one_of IS 'and in at least one of these; empty: in no further one';
SELECT pg_catalog.pg_extension_config_dump('crmaudit.telling_columns', '');

CREATE FUNCTION crmaudit.what_tells()
RETURNS TABLE (entity text, must_agree text[], one_of text[], is_default boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(o.entity, d.entity), coalesce(o.must_agree, d.must_agree::text[]),
		CASE WHEN o.entity IS NULL THEN d.one_of::text[] ELSE o.one_of END, o.entity IS NULL
	FROM (VALUES
		('customer', '{name}', '{customer_id,account,since}'),
		('contact', '{customer_id,name}', '{phone,email}'),
		('customer_year', '{customer_id,year}', '{fee,assets,revenue}'),
		('staff', '{name}', '{staff_id,phone,email}'),
		('contract', '{customer_id,signed_at}', '{amount,ends_on}'),
		('interaction', '{customer_id,kind,occurred_at}', '{staff_id,related_id,content}'),
		('service_request', '{customer_id,kind,opened_at}', '{}'),
		('complaint', '{customer_id,opened_at}', '{kind,reason}'),
		('survey_answer', '{customer_id,question,answered_at}', '{}'),
		('payment', '{customer_id,paid_at,amount}', '{}'),
		('consent', '{customer_id,scope,given_at}', '{}'),
		('plan', '{staff_id,period}', '{visits,new_customers,volume}'),
		('step', '{case_id,step,entered_at}', '{}'),
		('report', '{unit,kind,period}', '{}'),
		('news', '{published_at,text}', '{}')) AS d(entity, must_agree, one_of)
		FULL JOIN crmaudit.telling_columns o USING (entity)
$$;
COMMENT ON FUNCTION crmaudit.what_tells() IS 'in which columns two rows of an entity in different tables must agree to be the same fact, entered twice: all of must_agree, and one of one_of; the defaults, and what the table telling_columns says instead';

CREATE FUNCTION crmaudit.base_tables(source regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE r(oid) AS (
		SELECT source::oid
		UNION
		SELECT d.refobjid FROM r JOIN pg_rewrite w ON w.ev_class = r.oid
			JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
	)
	SELECT c.oid::regclass FROM r JOIN pg_class c ON c.oid = r.oid WHERE c.relkind IN ('r', 'p', 'f') ORDER BY 1
$$;
COMMENT ON FUNCTION crmaudit.base_tables(regclass) IS 'the tables that a view reads, or the table itself';

-- SECURITY DEFINER: the ledger itself is granted to nobody. Says no more than user_activity.
CREATE FUNCTION crmaudit.entry_transactions(target regclass, keys jsonb[])
RETURNS TABLE (row_key jsonb, incarnation bigint, xid xid8, entered_at timestamptz, entered_by text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	settings crmaudit.tracked_table;
BEGIN
	SELECT * INTO settings FROM crmaudit.tracked_table t WHERE t.target = entry_transactions.target AND t.tracked AND t.hashed_key = '{}' AND NOT t.builtin;
	IF NOT FOUND OR cardinality(keys) = 0 OR NOT (keys[1] ?& settings.key) THEN
		RETURN;
	END IF;
	RETURN QUERY SELECT DISTINCT ON ((f.entry).row_key) (f.entry).row_key, (f.entry).incarnation, (f.entry).xid, (f.entry).at,
			crmaudit.person(f.session_username::name, (f.entry).actor)
		FROM crmaudit.find_entries(settings.table_id, keys) f WHERE (f.entry).op = 'I'
		ORDER BY (f.entry).row_key, (f.entry).at DESC;
END $$;
COMMENT ON FUNCTION crmaudit.entry_transactions(regclass, jsonb[]) IS 'in which transaction rows of a tracked table were entered, when and by whom, as the ledger knows it';

-- A value as it is compared: what people write without blanks and in small
-- letters; phones and addresses in canonical form; of times the day.
CREATE FUNCTION crmaudit.telling_sql(column_name text, type text, zone text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN type = 'text' AND column_name IN ('phone', 'email') THEN format('crmaudit.comparable_value(%L, m.%I, %L)', column_name, column_name, 'CN')
		WHEN type = 'text' AND column_name IN ('name', 'account', 'content', 'text', 'reason', 'unit') THEN format('nullif(lower(replace(m.%I, '' '', '''')), '''') COLLATE "C"', column_name)
		WHEN type = 'text' THEN format('m.%I COLLATE "C"', column_name)
		-- two that are not known are not the same
		WHEN type LIKE 'timestamp with%' THEN format('CASE WHEN isfinite(m.%1$I) THEN (m.%1$I AT TIME ZONE %2$L)::date END', column_name, zone)
		WHEN type = 'date' THEN format('CASE WHEN isfinite(m.%1$I) THEN m.%1$I END', column_name)
		ELSE format('m.%I', column_name) END
$$;
COMMENT ON FUNCTION crmaudit.telling_sql(text, text, text) IS 'SQL of a column as duplicate_entry compares it';

-- Rows of both tables that agree, each with at most one of the other: the first
-- with the first, the second with the second. The smaller one is kept in
-- memory, and the larger one read once.
CREATE FUNCTION crmaudit.matched_rows_sql(first crmaudit.entity_mapping, second crmaudit.entity_mapping, columns text[], further text, zone text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format($query$
		WITH small AS MATERIALIZED (SELECT m.row_key, %1$s FROM (%2$s) AS m WHERE %3$s), large AS (SELECT m.row_key, %1$s FROM (%4$s) AS m WHERE %3$s),
			a AS MATERIALIZED (SELECT large.*, row_number() OVER (PARTITION BY %5$s ORDER BY large.row_key) AS n FROM large WHERE EXISTS (SELECT FROM small AS b WHERE %6$s)),
			b AS (SELECT small.*, row_number() OVER (PARTITION BY %5$s ORDER BY small.row_key) AS n FROM small WHERE EXISTS (SELECT FROM a AS b WHERE %7$s))
		SELECT %8$s, %9$L::text FROM a JOIN b ON a.n = b.n AND %10$s WHERE %11$s $query$,
		string_agg(format('%s AS k%s', crmaudit.telling_sql(c.name, first.types ->> c.name, zone), c.n), ', ' ORDER BY c.n)
			|| CASE WHEN b.has_time THEN ', m.recorded_at' ELSE '' END,
		CASE WHEN b.first_is_small THEN first.query ELSE second.query END, string_agg(format('m.%I IS NOT NULL', c.name), ' AND ' ORDER BY c.n),
		CASE WHEN b.first_is_small THEN second.query ELSE first.query END, string_agg('k' || c.n, ', ' ORDER BY c.n),
		string_agg(format('large.k%1$s = b.k%1$s', c.n), ' AND ' ORDER BY c.n), string_agg(format('small.k%1$s = b.k%1$s', c.n), ' AND ' ORDER BY c.n),
		CASE WHEN b.first_is_small THEN 'b.row_key, a.row_key' ELSE 'a.row_key, b.row_key' END, further,
		string_agg(format('a.k%1$s = b.k%1$s', c.n), ' AND ' ORDER BY c.n),
		-- to the second: a program wrote both
		CASE WHEN b.has_time THEN 'date_trunc(''second'', a.recorded_at) IS DISTINCT FROM date_trunc(''second'', b.recorded_at) OR a.recorded_at IS NULL' ELSE 'true' END)
	FROM unnest(array_remove(columns, NULL)) WITH ORDINALITY AS c(name, n)
	CROSS JOIN (SELECT first.types ? 'recorded_at' AND second.types ? 'recorded_at' AS has_time,
		coalesce((SELECT c.reltuples FROM pg_class c WHERE c.oid = first.source) < (SELECT c.reltuples FROM pg_class c WHERE c.oid = second.source), false) AS first_is_small) b
	GROUP BY b.has_time, b.first_is_small
$$;
COMMENT ON FUNCTION crmaudit.matched_rows_sql(crmaudit.entity_mapping, crmaudit.entity_mapping, text[], text, text) IS 'the query for rows of two sources of an entity that agree in columns';

CREATE FUNCTION crmaudit.find_duplicate_entries()
RETURNS TABLE (entity text, first_source regclass, first_key jsonb, second_source regclass, second_key jsonb, agrees_in text[],
	first_entered_at timestamptz, first_entered_by text, second_entered_at timestamptz, second_entered_by text)
LANGUAGE plpgsql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET jit = off SET work_mem = '64MB' AS $$
#variable_conflict use_column
DECLARE
	zone constant text := crmaudit.report_time_zone();
	pair record;
BEGIN
	FOR pair IN
		SELECT w.entity, w.must_agree, a AS first, b AS second, s.queries
		FROM crmaudit.what_tells() w
		JOIN LATERAL crmaudit.valid_mappings(w.entity) a ON a.types ?& w.must_agree
		JOIN LATERAL crmaudit.valid_mappings(w.entity) b ON b.types ?& w.must_agree AND a.id < b.id
		CROSS JOIN LATERAL (
			SELECT string_agg(format('(%s)', crmaudit.matched_rows_sql(a, b, w.must_agree || c.further, c.further, zone)), E'\nUNION ALL\n' ORDER BY c.further) AS queries
			FROM (SELECT o AS further FROM unnest(w.one_of) o WHERE a.types ? o AND b.types ? o
				UNION ALL SELECT NULL WHERE w.one_of = '{}') c) s
		WHERE s.queries IS NOT NULL
			-- what two views show of one table was entered once
			AND NOT EXISTS (SELECT FROM crmaudit.base_tables(a.source) t JOIN crmaudit.base_tables(b.source) u ON t IN (SELECT p.relid FROM crmaudit.partition_tree(u) p)
				OR u IN (SELECT p.relid FROM crmaudit.partition_tree(t) p))
		ORDER BY w.entity, a.id, b.id
	LOOP
		RETURN QUERY EXECUTE format($query$
			WITH matched(first_key, second_key, further) AS MATERIALIZED (%s), pair AS MATERIALIZED (
				-- sorting keys would take longer than all the rest
				SELECT m.first_key, m.second_key, array_agg(m.further) AS further FROM matched m GROUP BY m.first_key, m.second_key)
			SELECT $1, $2::regclass, p.first_key, $3::regclass, p.second_key, ARRAY(SELECT c FROM unnest($4 || p.further) c WHERE c IS NOT NULL ORDER BY c), a.entered_at, a.entered_by, b.entered_at, b.entered_by
			FROM pair p
			LEFT JOIN crmaudit.entry_transactions($2, ARRAY(SELECT q.first_key FROM pair q)) a ON a.row_key = p.first_key
			LEFT JOIN crmaudit.entry_transactions($3, ARRAY(SELECT q.second_key FROM pair q)) b ON b.row_key = p.second_key
			-- one transaction: a program wrote both
			WHERE (a.incarnation, a.xid) IS DISTINCT FROM (b.incarnation, b.xid) OR a.xid IS NULL $query$, pair.queries)
			USING pair.entity, (pair.first).source, (pair.second).source, pair.must_agree;
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.find_duplicate_entries() IS 'implementation of duplicate_entry';

CREATE VIEW crmaudit.duplicate_entry WITH (security_invoker = true) AS
	SELECT d.entity, d.first_source, d.first_key, d.second_source, d.second_key, d.agrees_in,
		d.first_entered_at, d.first_entered_by, d.second_entered_at, d.second_entered_by
	FROM crmaudit.find_duplicate_entries() d
	ORDER BY d.entity, d.first_source::text, d.second_source::text, d.first_key, d.second_key;
COMMENT ON VIEW crmaudit.duplicate_entry IS 'the same fact typed into two tables (D28): rows of one entity in two mapped sources that agree in the columns that what_tells() names (text without blanks and case, times by the day), each row with one of the other at most; not where one table feeds the other: views of one table, rows that the ledger saw in one transaction, rows recorded in the same second; when and by whom each was entered, where the ledger knows';

-- Use (D29) --------------------------------------------------------------------------------

-- SECURITY DEFINER: the ledger itself is granted to nobody. Says no more than
-- user_activity, by days of the report's time zone.
CREATE FUNCTION crmaudit.recorded_writes(since timestamptz)
RETURNS TABLE (person text, target regclass, day date, inserts bigint, updates bigint, deletes bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE sql STABLE ROWS 10000 SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH written AS MATERIALIZED (
		SELECT c.session_username AS username, e.actor, e.table_id, (e.at AT TIME ZONE z.zone)::date AS day,
			count(*) FILTER (WHERE e.op = 'I') AS inserts, count(*) FILTER (WHERE e.op = 'U') AS updates, count(*) FILTER (WHERE e.op = 'D') AS deletes,
			min(e.at) AS first_at, max(e.at) AS last_at
		FROM crmaudit.ledger_entry e
		LEFT JOIN crmaudit.ledger_context c ON c.xid = e.context_xid AND c.context = e.context AND c.incarnation = e.incarnation
		CROSS JOIN (SELECT crmaudit.report_time_zone() AS zone OFFSET 0) z
		WHERE e.at >= since AND e.op IN ('I', 'U', 'D') AND e.table_id > 100
		GROUP BY 1, 2, 3, 4
	), who AS MATERIALIZED (
		SELECT d.username, d.actor, coalesce(crmaudit.person(d.username::name, d.actor), d.username) AS person
		FROM (SELECT DISTINCT w.username, w.actor FROM written w) d
	)
	SELECT p.person, t.target, w.day, sum(w.inserts)::bigint, sum(w.updates)::bigint, sum(w.deletes)::bigint, min(w.first_at), max(w.last_at)
	FROM written w JOIN who p ON p.username IS NOT DISTINCT FROM w.username AND p.actor = w.actor
	LEFT JOIN crmaudit.tracked_table t ON t.table_id = w.table_id
	GROUP BY 1, 2, 3
$$;
COMMENT ON FUNCTION crmaudit.recorded_writes(timestamptz) IS 'rows of the CRM''s tracked tables that each person wrote by day since a time, as the ledger knows it; a session user that many share, without an actor, counts as a person';

CREATE VIEW crmaudit.usage WITH (security_invoker = true) AS
	WITH span AS MATERIALIZED (
		SELECT z.zone, (date_trunc('month', now() AT TIME ZONE z.zone) - interval '12 months') AT TIME ZONE z.zone AS since
		FROM (SELECT crmaudit.report_time_zone() AS zone) z
	), event AS (
		SELECT (u.at AT TIME ZONE s.zone)::date AS day, u.user_id, u.action, u.action = 'login' AND u.outcome = 'failed' AS is_failed,
			max(u.staff_id) AS staff_id, count(*) AS times, min(u.at) AS first_at, max(u.at) AS last_at
		FROM crmaudit.usage_event() u CROSS JOIN span s
		WHERE u.at >= s.since AND u.at <= now()
		GROUP BY 1, 2, 3, 4
	), act AS (
		SELECT e.day, e.user_id, e.staff_id, e.action, e.times, e.is_failed, 0::bigint AS inserts, 0::bigint AS updates, 0::bigint AS deletes, e.first_at, e.last_at
		FROM event e
		UNION ALL
		SELECT w.day, w.person, NULL, NULL, 0, false, w.inserts, w.updates, w.deletes, w.first_at, w.last_at
		FROM span s CROSS JOIN LATERAL crmaudit.recorded_writes(s.since) w
	), month AS (
		SELECT date_trunc('month', a.day::timestamp)::date AS month, a.user_id, max(a.staff_id) AS staff_id,
			coalesce(sum(a.times) FILTER (WHERE a.action = 'login' AND a.is_failed IS NOT TRUE), 0)::bigint AS log_ins,
			coalesce(sum(a.times) FILTER (WHERE a.is_failed), 0)::bigint AS failed_log_ins,
			coalesce(sum(a.times) FILTER (WHERE a.action IS DISTINCT FROM 'login'), 0)::bigint AS actions,
			sum(a.inserts)::bigint AS inserts, sum(a.updates)::bigint AS updates, sum(a.deletes)::bigint AS deletes,
			count(DISTINCT a.day) FILTER (WHERE a.is_failed IS NOT TRUE) AS active_days, min(a.first_at) AS first_at, max(a.last_at) AS last_at
		FROM act a GROUP BY 1, 2
	), action AS (
		SELECT b.month, b.user_id, jsonb_object_agg(b.action, b.times) AS by_action
		FROM (SELECT date_trunc('month', e.day::timestamp)::date AS month, e.user_id, e.action, sum(e.times) AS times
			FROM event e WHERE e.action <> 'login' GROUP BY 1, 2, 3) b
		GROUP BY b.month, b.user_id
	)
	SELECT m.month, m.user_id, m.staff_id, m.log_ins, m.failed_log_ins, m.actions, a.by_action, m.inserts, m.updates, m.deletes, m.active_days,
		m.first_at, m.last_at
	FROM month m LEFT JOIN action a ON a.month = m.month AND a.user_id = m.user_id
	ORDER BY m.month, m.user_id;
COMMENT ON VIEW crmaudit.usage IS 'who uses the CRM how much, by month, this one and twelve before (D29): log-ins (action login; outcome failed: not let in) and other actions from usage_event, by_action what they were; rows written from the ledger, by the person behind the session user; a user and a person of the same name are one';
COMMENT ON COLUMN crmaudit.usage.active_days IS 'days on which something was done, failed log-ins apart';

-- Without usage_event nobody knows who does not use the system.
CREATE VIEW crmaudit.inactive_users WITH (security_invoker = true) AS
	WITH today AS MATERIALIZED (
		SELECT z.zone, (now() AT TIME ZONE z.zone)::date AS day,
			(date_trunc('month', now() AT TIME ZONE z.zone) - interval '12 months') AT TIME ZONE z.zone AS since
		FROM (SELECT crmaudit.report_time_zone() AS zone) z
	), event AS (
		SELECT u.user_id, max(u.staff_id) AS staff_id, max(u.at) FILTER (WHERE u.at > '-infinity' AND (u.action IS DISTINCT FROM 'login' OR u.outcome IS DISTINCT FROM 'failed')) AS last_at
		FROM crmaudit.usage_event() u WHERE (u.at > now()) IS NOT TRUE GROUP BY u.user_id
	), write AS (
		SELECT w.person, max(w.last_at) AS last_at FROM today t CROSS JOIN LATERAL crmaudit.recorded_writes(t.since) w GROUP BY w.person
	), account AS (
		SELECT coalesce(e.user_id, w.person) AS user_id, coalesce(e.staff_id, e.user_id, w.person) AS staff_id, e.user_id IS NOT NULL AS is_user,
			e.last_at AS last_event_at, w.last_at AS last_write_at
		FROM event e FULL JOIN write w ON w.person = e.user_id
	), person AS (
		SELECT a.staff_id, string_agg(a.user_id, ', ' ORDER BY a.user_id) AS users, bool_or(a.is_user) AS is_user,
			max(a.last_event_at) AS last_event_at, max(a.last_write_at) AS last_write_at
		FROM account a GROUP BY a.staff_id
	), member AS (
		SELECT s.staff_id, max(s.position) AS position, max(s.department) AS department, bool_and(s.active IS FALSE OR s.kind IS NOT DISTINCT FROM 'agency') AS has_left
		FROM crmaudit.staff() s GROUP BY s.staff_id
	), used AS (
		SELECT m.staff_id IS NOT NULL AS is_staff, coalesce(m.staff_id, p.staff_id) AS staff_id, p.users, m.position, m.department,
			p.last_event_at, p.last_write_at, greatest(p.last_event_at, p.last_write_at) AS last_at
		FROM member m FULL JOIN person p ON p.staff_id = m.staff_id
		WHERE m.has_left IS NOT TRUE AND (m.staff_id IS NOT NULL OR p.is_user)
	)
	SELECT u.staff_id, u.users, u.position, u.department, u.last_event_at, u.last_write_at,
		t.day - (u.last_at AT TIME ZONE t.zone)::date AS days_unused,
		CASE WHEN u.last_at IS NULL THEN 'never used' ELSE 'not used lately' END AS state
	FROM used u CROSS JOIN today t
	WHERE EXISTS (SELECT FROM crmaudit.entity_mapping m WHERE m.entity = 'usage_event')
		AND (u.last_at IS NULL OR t.day - (u.last_at AT TIME ZONE t.zone)::date > 30)
	ORDER BY u.last_at NULLS FIRST, u.staff_id;
COMMENT ON VIEW crmaudit.inactive_users IS 'members of staff who work there, and other users, who did nothing in the CRM for more than 30 days, or ever (D29): neither an event of usage_event (a failed log-in is none) nor a write in the ledger; agencies, and those who left, are not looked for; empty while usage_event is not mapped';

CREATE VIEW crmaudit.error_frequency WITH (security_invoker = true) AS
	WITH versions AS MATERIALIZED (
		SELECT DISTINCT ON (v.rule_id) v.rule_id, v.name FROM crmaudit.rule_version v ORDER BY v.rule_id, v.version DESC
	), error AS (
		SELECT a.entered_by AS person, a.target, a.rule_id, a.reason, a.first_seen AS at, false AS is_refused, a.status IN ('open', 'acknowledged') AS is_open
		FROM crmaudit.finding_attribution a
		WHERE a.first_seen > now() - interval '1 year' AND a.status NOT IN ('false_positive', 'waived') AND a.entered_by IS NOT NULL
		UNION ALL
		SELECT p.person, j.target, b.rule_id, b.reason, j.at, true, false
		FROM crmaudit.rejection j JOIN crmaudit.rejecting_persons() p ON p.username = j.username AND p.actor = j.actor
		CROSS JOIN LATERAL unnest(j.rules, j.reasons) AS b(rule_id, reason)
		WHERE j.at > now() - interval '1 year' AND p.person IS NOT NULL
	), counted AS (
		SELECT e.person, e.target, e.rule_id, e.reason, count(*) AS errors, count(*) FILTER (WHERE e.is_refused) AS refused,
			count(*) FILTER (WHERE NOT e.is_refused) AS let_through, count(*) FILTER (WHERE e.is_open) AS still_open,
			count(*) FILTER (WHERE e.at > now() - interval '30 days') AS last_30_days, max(e.at) AS last_at
		FROM error e GROUP BY e.person, e.target, e.rule_id, e.reason
	), compared AS (
		SELECT c.*, count(*) OVER cause AS persons, count(*) FILTER (WHERE c.errors >= 3) OVER cause AS often,
			sum(c.errors) OVER (PARTITION BY c.person) AS all_errors
		FROM counted c WINDOW cause AS (PARTITION BY c.target, c.rule_id, c.reason)
	), written AS MATERIALIZED (
		SELECT w.person, w.target, sum(w.inserts + w.updates)::bigint AS rows FROM crmaudit.recorded_writes(now() - interval '1 year') w GROUP BY w.person, w.target
	)
	SELECT c.person, c.target, v.name AS rule, c.reason, crmaudit.reason_in_words(c.reason) AS in_words, c.errors, c.let_through, c.refused, c.still_open,
		c.last_30_days, round(100.0 * c.errors / c.all_errors, 1) AS percent_of_person, w.rows AS rows_written,
		round(100.0 * c.errors / nullif(w.rows + c.refused, 0), 1) AS per_100_rows, c.persons,
		CASE WHEN c.errors >= 3 THEN CASE WHEN c.often >= 3 THEN 'group' ELSE 'person' END END AS train, c.last_at, c.rule_id
	FROM compared c LEFT JOIN versions v ON v.rule_id = c.rule_id
	LEFT JOIN written w ON w.person = c.person AND w.target = c.target
	ORDER BY c.person, c.errors DESC, c.target::text, v.name, c.reason, c.rule_id;
COMMENT ON VIEW crmaudit.error_frequency IS 'which errors each person keeps making, within a year, by reason (D29): in rows that were stored (findings; false positives and waived ones do not count) and in refused ones; train: person, who made it three times or more, or the group, where three persons did';
COMMENT ON COLUMN crmaudit.error_frequency.per_100_rows IS 'errors per hundred rows that the person wrote to the table, by the ledger, or tried to; NULL where the table is not tracked';
COMMENT ON COLUMN crmaudit.error_frequency.persons IS 'how many persons make this error';

-- Indexes that joins of entities want (D30) -------------------------------------------------

CREATE FUNCTION crmaudit.wanted_keys() RETURNS TABLE (entity text, key_columns text[], purpose text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT w.entity, w.key_columns::text[], w.purpose FROM (VALUES
		('customer', '{customer_id}', 'a customer by its number'),
		('customer', '{owner}', 'customers of a member of staff'),
		('contact', '{customer_id}', 'contacts of a customer'),
		('customer_year', '{customer_id,year}', 'years of a customer'),
		('staff', '{staff_id}', 'a member of staff by its number'),
		('contract', '{contract_id}', 'a contract by its number'),
		('contract', '{customer_id}', 'contracts of a customer'),
		('contract', '{staff_id}', 'contracts of a member of staff'),
		('contract', '{signed_at}', 'contracts of a time'),
		('interaction', '{customer_id,occurred_at}', 'what followed for a customer'),
		('interaction', '{staff_id,occurred_at}', 'what a member of staff did'),
		('interaction', '{related_id}', 'what followed for a contract, a complaint, a request'),
		('service_request', '{request_id}', 'a request by its number'),
		('service_request', '{customer_id}', 'requests of a customer'),
		('service_request', '{archived_at}', 'requests archived in a month'),
		('complaint', '{complaint_id}', 'a complaint by its number'),
		('complaint', '{customer_id}', 'complaints of a customer'),
		('complaint', '{staff_id}', 'complaints of a member of staff'),
		('complaint', '{opened_at}', 'complaints of a time'),
		('survey_answer', '{customer_id}', 'answers of a customer'),
		('payment', '{customer_id}', 'payments of a customer'),
		('payment', '{contract_id}', 'payments of a contract'),
		('payment', '{payer_account}', 'payments from an account'),
		('consent', '{customer_id}', 'consents of a customer'),
		('plan', '{staff_id}', 'plans of a member of staff'),
		('step', '{case_id,entered_at}', 'steps of a case'),
		('usage_event', '{user_id,at}', 'what a user did')) AS w(entity, key_columns, purpose)
	UNION ALL
	SELECT c.entity, ARRAY[c.column_name], 'joins by ' || c.column_name
	FROM crmaudit.entity_column c JOIN crmaudit.entity e USING (entity)
	WHERE NOT e.builtin AND c.type = 'text' AND c.column_name LIKE '%\_id'
$$;
COMMENT ON FUNCTION crmaudit.wanted_keys() IS 'by which columns audit views, obligations and look-ups find the rows of an entity';

-- What of a mapping is a column, or a cast of one that an index can have: a
-- cast to text by a function that is not immutable cannot, nor can SQL of the
-- mapping's own. NULL: no index serves.
CREATE FUNCTION crmaudit.index_key(mapping crmaudit.entity_mapping, column_name text, OUT attribute name, OUT key text, OUT is_expression boolean, OUT width int)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	spec constant jsonb := mapping.columns -> index_key.column_name;
	wanted constant text := mapping.types ->> index_key.column_name;
	source_column pg_attribute;
BEGIN
	SELECT a.* INTO source_column FROM pg_attribute a LEFT JOIN unnest(mapping.attnums, mapping.attnames) AS n(attnum, name) ON n.attnum = a.attnum
		WHERE a.attrelid = mapping.source AND a.attnum > 0 AND NOT a.attisdropped
			AND coalesce(n.name, a.attname::text) = CASE jsonb_typeof(spec) WHEN 'string' THEN spec #>> '{}' ELSE spec ->> 'column' END
			AND coalesce(spec -> 'values', '{}') = '{}';
	IF NOT FOUND THEN
		RETURN;
	END IF;
	width := coalesce((SELECT s.avg_width FROM pg_stats s JOIN pg_class c ON c.oid = mapping.source JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = source_column.attname AND NOT s.inherited), nullif(source_column.attlen, -1), 16);
	-- a character type is indexed as text
	is_expression := NOT (format_type(source_column.atttypid, NULL) = wanted OR wanted = 'text' AND source_column.atttypid = 'varchar'::regtype);
	IF NOT is_expression THEN
		key := quote_ident(source_column.attname);
	ELSIF wanted = 'text' AND EXISTS (SELECT FROM pg_type t JOIN pg_proc p ON p.oid = t.typoutput
		WHERE t.oid = source_column.atttypid AND t.typtype = 'b' AND t.typelem = 0 AND p.provolatile = 'i') THEN
		key := format('((%I)::text)', source_column.attname);
		width := width + 4;
	ELSIF wanted = 'timestamp with time zone' AND source_column.atttypid IN ('date'::regtype, 'timestamp'::regtype) THEN
		key := crmaudit.fitted_expression(quote_ident(source_column.attname), format_type(source_column.atttypid, NULL), wanted,
			coalesce(spec ->> 'time_zone', mapping.time_zone));
		-- as PostgreSQL writes it, for no timestamp needs a cast to be one
		IF source_column.atttypid = 'timestamp'::regtype THEN
			key := replace(key, '::timestamp AT', ' AT');
		END IF;
		width := 8;
	ELSE
		RETURN;
	END IF;
	attribute := source_column.attname;
END $$;
COMMENT ON FUNCTION crmaudit.index_key(crmaudit.entity_mapping, text) IS 'a column of a mapping as the key of an index on its source; NULL if it can be none';

-- An expression of an index, however it is written.
CREATE FUNCTION crmaudit.bare_expression(expression text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT replace(replace(regexp_replace(lower(expression), '[\s()"]', '', 'g'), 'timestampwithouttimezone', 'timestamp'), '''::text', '''')
$$;
COMMENT ON FUNCTION crmaudit.bare_expression(text) IS 'an expression without blanks, parentheses and quotes, to compare it';

CREATE FUNCTION crmaudit.has_index(source regclass, keys text[], attributes name[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (
		SELECT FROM pg_index i
		WHERE i.indrelid = source AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts >= cardinality(keys)
			AND (SELECT m.amname FROM pg_class c JOIN pg_am m ON m.oid = c.relam WHERE c.oid = i.indexrelid) = 'btree'
			AND NOT EXISTS (
				SELECT FROM unnest(keys, attributes) WITH ORDINALITY AS k(key, attribute, n)
				WHERE NOT CASE WHEN i.indkey[k.n - 1] = 0 THEN crmaudit.bare_expression(pg_get_indexdef(i.indexrelid, k.n::int, false)) = crmaudit.bare_expression(k.key) AND k.key LIKE '(%'
					ELSE k.key NOT LIKE '(%' AND i.indkey[k.n - 1] = (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = source AND a.attname = k.attribute) END))
$$;
COMMENT ON FUNCTION crmaudit.has_index(regclass, text[], name[]) IS 'whether a table has a valid btree index that begins with these keys';

CREATE FUNCTION crmaudit.suggest_indexes()
RETURNS TABLE (source regclass, entity text, key_columns text[], reason text, estimated_size text, statement text)
LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH wanted AS (
		SELECT m.source, w.entity, w.key_columns, w.purpose, k.keys, k.attributes, k.has_expression, k.width, c.relname, c.relkind, n.nspname,
			(SELECT sum(greatest(l.reltuples, 0)) FROM crmaudit.partition_tree(m.source) p JOIN pg_class l ON l.oid = p.relid WHERE p.isleaf) AS rows
		FROM crmaudit.wanted_keys() w CROSS JOIN LATERAL crmaudit.valid_mappings(w.entity) m
		JOIN pg_class c ON c.oid = m.source AND c.relkind IN ('r', 'p', 'm') JOIN pg_namespace n ON n.oid = c.relnamespace
		CROSS JOIN LATERAL (
			SELECT array_agg(x.key ORDER BY u.n) AS keys, array_agg(x.attribute ORDER BY u.n) AS attributes, bool_or(x.is_expression) AS has_expression, sum(x.width) AS width
			FROM unnest(w.key_columns) WITH ORDINALITY AS u(name, n) CROSS JOIN LATERAL crmaudit.index_key(m, u.name) x
			-- what is left of a key whose later columns no index can have
			WHERE x.key IS NOT NULL AND u.n <= coalesce((SELECT min(v.n) - 1 FROM unnest(w.key_columns) WITH ORDINALITY AS v(name, n)
				CROSS JOIN LATERAL crmaudit.index_key(m, v.name) y WHERE y.key IS NULL), cardinality(w.key_columns))
		) k
		WHERE k.keys IS NOT NULL
	), missing AS (
		-- one index for two entities of the same source, and the longer one for both
		SELECT w.*, row_number() OVER (PARTITION BY w.source, w.keys ORDER BY w.entity, w.key_columns) AS n FROM wanted w
		WHERE NOT crmaudit.has_index(w.source, w.keys, w.attributes)
			AND NOT EXISTS (SELECT FROM wanted o WHERE o.source = w.source AND cardinality(o.keys) > cardinality(w.keys) AND o.keys[1:cardinality(w.keys)] = w.keys)
	)
	SELECT m.source, m.entity, m.key_columns[1:cardinality(m.keys)],
		m.purpose || CASE WHEN m.has_expression THEN '; on the expression by which the entity knows the column' ELSE '' END,
		-- nine tenths full; 8 bytes for the entry, 4 for the line pointer
		pg_size_pretty((ceil(m.rows * (12 + 8 * ceil(m.width / 8.0)) / (8168 * 0.9)) * 8192)::bigint),
		format('CREATE INDEX %sON %I.%I (%s);', CASE WHEN m.relkind = 'p' THEN '' ELSE 'CONCURRENTLY ' END, m.nspname, m.relname, array_to_string(m.keys, ', '))
	FROM missing m WHERE m.n = 1
	ORDER BY m.source::text, m.entity, m.key_columns
$$;
COMMENT ON FUNCTION crmaudit.suggest_indexes() IS 'indexes on mapped tables by which audit views, obligations and look-ups find rows, and which are not there, each with the reason, its estimated size, and the statement that makes it (D30)';

-- Health of tables (D30) ----------------------------------------------------------------------

-- Pages that the rows would fill, by the widths that ANALYZE saw, against those
-- that there are.
CREATE FUNCTION crmaudit.bloat_estimate(relation regclass) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH shape AS (
		SELECT c.reltuples, pg_relation_size(c.oid) AS size, current_setting('block_size')::int AS block,
			coalesce((SELECT substr(o, 12)::int FROM unnest(c.reloptions) o WHERE o LIKE 'fillfactor=%'), 100) AS fillfactor,
			count(s.attname) AS known, count(a.attname) AS columns, coalesce(sum((1 - s.null_frac) * s.avg_width), 0) AS width, coalesce(bool_or(s.null_frac > 0), false) AS has_nulls
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
		WHERE c.oid = relation AND c.relkind IN ('r', 'm')
		GROUP BY c.oid, c.reltuples, c.reloptions
	)
	SELECT CASE WHEN known = columns AND reltuples >= 0 THEN greatest(size - block * ceil(reltuples / floor((block - 24) * fillfactor / 100.0
		/ (8 * ceil((23 + CASE WHEN has_nulls THEN (columns + 7) / 8 ELSE 0 END) / 8.0) + 8 * ceil(width / 8.0) + 4)))::bigint, 0) END
	FROM shape WHERE width < block - 100
$$;
COMMENT ON FUNCTION crmaudit.bloat_estimate(regclass) IS 'bytes of a table that rows do not need, an estimate; NULL if it was never analyzed, or the reader may not see all columns';

-- A function, for it is not worth compiling, as estimates make the planner think.
CREATE FUNCTION crmaudit.table_aspects()
RETURNS TABLE (target regclass, entities text[], "position" int, aspect text, value numeric, unit text, is_problem boolean, remedy text)
LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH mapped AS (
		SELECT p.relid, array_agg(DISTINCT m.entity ORDER BY m.entity) AS entities
		FROM crmaudit.entity_mapping m CROSS JOIN LATERAL crmaudit.base_tables(m.source) b CROSS JOIN LATERAL crmaudit.partition_tree(b) p
		WHERE p.isleaf
		GROUP BY p.relid
	), relation AS MATERIALIZED (
		SELECT m.relid, m.entities, format('%I.%I', s.schemaname, s.relname) AS name, s.n_live_tup AS live, s.n_dead_tup AS dead, s.n_mod_since_analyze AS modified,
			s.n_ins_since_vacuum AS inserted, s.seq_scan, coalesce(s.idx_scan, 0) AS idx_scan,
			greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum, greatest(s.last_analyze, s.last_autoanalyze) AS last_analyze,
			crmaudit.bloat_estimate(m.relid) AS bloat, pg_relation_size(m.relid) AS size
		FROM mapped m JOIN pg_stat_all_tables s ON s.relid = m.relid
	), missing AS MATERIALIZED (
		SELECT i.source, count(*) AS indexes, min(i.statement) AS statement FROM crmaudit.suggest_indexes() i GROUP BY i.source
	)
	SELECT r.relid::regclass, r.entities, f.position, f.aspect, f.value, f.unit, coalesce(f.is_problem, false), CASE WHEN f.is_problem THEN f.remedy END
	FROM relation r CROSS JOIN LATERAL (
		SELECT 1, 'dead rows', round(100.0 * r.dead / nullif(r.live + r.dead, 0), 1), '%', r.dead > 50 + 0.2 * r.live,
			format('VACUUM (ANALYZE) %1$s; if it comes back: ALTER TABLE %1$s SET (autovacuum_vacuum_scale_factor = 0.05), and look for transactions that stay open', r.name)
		UNION ALL
		SELECT 2, 'bloat', round(100.0 * r.bloat / nullif(r.size, 0), 1), '%', r.bloat > 0.3 * r.size AND r.bloat > 1024 * 1024,
			format('VACUUM FULL %s at night (it locks the table), or pg_repack, frees about %s', r.name, pg_size_pretty(r.bloat))
		UNION ALL
		SELECT 3, 'missing indexes', (SELECT coalesce(sum(m.indexes), 0) FROM missing m WHERE r.relid IN (SELECT p.relid FROM crmaudit.partition_tree(m.source) p)),
			'indexes', r.live >= 1000 AND EXISTS (SELECT FROM missing m WHERE r.relid IN (SELECT p.relid FROM crmaudit.partition_tree(m.source) p)),
			(SELECT m.statement FROM missing m WHERE r.relid IN (SELECT p.relid FROM crmaudit.partition_tree(m.source) p) LIMIT 1) || ' -- all: SELECT statement FROM crmaudit.suggest_indexes()'
		UNION ALL
		SELECT 4, 'sequential scans', round(100.0 * r.seq_scan / nullif(r.seq_scan + r.idx_scan, 0), 1), '%',
			r.live >= 10000 AND r.seq_scan >= 100 AND r.seq_scan > r.idx_scan,
			'EXPLAIN what crmaudit.slow_statements names of it, and make the indexes of crmaudit.suggest_indexes(); reading a whole table is right for audit views'
		UNION ALL
		SELECT 5, 'days since vacuum', extract(day FROM now() - r.last_vacuum), 'days',
			(r.dead > 50 + 0.05 * r.live OR r.inserted > 1000 + 0.2 * r.live) AND coalesce(r.last_vacuum < now() - interval '30 days', true),
			format('VACUUM %s; see that autovacuum is on, for the table and for the server', r.name)
		UNION ALL
		SELECT 6, 'days since analyze', extract(day FROM now() - r.last_analyze), 'days', r.last_analyze IS NULL AND r.modified > 0 OR r.modified > 50 + 0.2 * r.live,
			format('ANALYZE %s: the planner goes by what it saw last', r.name)
	) AS f(position, aspect, value, unit, is_problem, remedy)
$$;
COMMENT ON FUNCTION crmaudit.table_aspects() IS 'implementation of crm_table_health';

CREATE VIEW crmaudit.crm_table_health WITH (security_invoker = true) AS
	SELECT a.target, a.entities, a.aspect, a.value, a.unit, a.is_problem, a.remedy
	FROM crmaudit.table_aspects() a
	ORDER BY a.is_problem DESC, a.target::text, a.position;
COMMENT ON VIEW crmaudit.crm_table_health IS 'the tables behind the entities, each partition by itself, by aspect, problems first, each with a remedy (D30): dead rows, bloat (an estimate), indexes that are missing, sequential scans, days since VACUUM and ANALYZE; value NULL: never, or not known';
COMMENT ON COLUMN crmaudit.crm_table_health.value IS 'dead rows, bloat: share of the table; sequential scans: share of all scans since the statistics were reset';

-- Statements (D30) ------------------------------------------------------------------------------

-- pg_stat_statements replaces most constants, but not those of utility
-- statements, nor of a statement whose entry went meanwhile; and comments may
-- say anything. What cannot be made sure of is not shown.
CREATE FUNCTION crmaudit.statement_text(query text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	result text;
BEGIN
	IF query ~ '\$([A-Za-z_][A-Za-z_0-9]*)?\$' THEN
		RETURN NULL;
	END IF;
	-- strings, and comments; quoted names stay
	result := regexp_replace(query, '("(?:[^"]|"")*")|\m[eE]''(?:[^''\\]|''''|\\.)*''|''(?:[^'']|'''')*''|--[^\n]*|/\*(?:[^*]|\*+[^*/])*\*+/', '\1 ? ', 'g');
	result := regexp_replace(result, '("(?:[^"]|"")*") \? ', '\1', 'g');
	result := btrim(regexp_replace(regexp_replace(result, '\m\d{5,}\M', '?', 'g'), '\s+', ' ', 'g'));
	IF strpos(regexp_replace(result, '"(?:[^"]|"")*"', '', 'g'), '''') > 0 OR strpos(result, '*/') > 0 OR strpos(result, '/*') > 0
		OR result !~* '^[(?; ]*(select|insert|update|delete|merge|with)\M' THEN
		RETURN NULL;
	END IF;
	RETURN regexp_replace(result, '^[?; ]+', '');
END $$;
COMMENT ON FUNCTION crmaudit.statement_text(text) IS 'a statement without strings, long numbers and comments, which may hold personal values; NULL if it is not SELECT, INSERT, UPDATE, DELETE or MERGE, or cannot be taken apart';

CREATE FUNCTION crmaudit.mapped_tables() RETURNS TABLE (relation regclass, pattern text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT b.relation, format('(?:\m(?:from|join|into|update|only|using)\s+|,\s*)(?:(?:%1$s|"%2$s")\s*\.\s*)?(?:%3$s|"%4$s")(?![\w."])',
		CASE WHEN quote_ident(n.nspname) = n.nspname THEN n.nspname ELSE '(?!)' END, regexp_replace(replace(n.nspname, '"', '""'), '(\W)', '\\\1', 'g'),
		CASE WHEN quote_ident(c.relname) = c.relname THEN c.relname ELSE '(?!)' END, regexp_replace(replace(c.relname, '"', '""'), '(\W)', '\\\1', 'g'))
	FROM (SELECT DISTINCT t AS relation FROM crmaudit.entity_mapping m CROSS JOIN LATERAL crmaudit.base_tables(m.source) t) b
	JOIN pg_class c ON c.oid = b.relation JOIN pg_namespace n ON n.oid = c.relnamespace
$$;
COMMENT ON FUNCTION crmaudit.mapped_tables() IS 'the tables behind the entities, and the pattern by which a statement that names one in FROM, JOIN, INTO or UPDATE is known';

-- In whatever schema the extension is; empty where it is not, or not preloaded.
CREATE FUNCTION crmaudit.read_statements()
RETURNS TABLE (queryid bigint, query text, tables regclass[], calls bigint, total_ms float8, mean_ms float8, max_ms float8, stddev_ms float8,
	rows bigint, hit bigint, read bigint, temp bigint, share float8)
LANGUAGE plpgsql STABLE ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	home constant name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements');
BEGIN
	IF home IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format($query$
		WITH known AS MATERIALIZED (
			SELECT s.queryid, min(s.query) AS query, sum(s.calls)::bigint AS calls, sum(s.total_exec_time) AS total, max(s.max_exec_time) AS most,
				-- of several users together
				sqrt(greatest(sum(s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2)) / nullif(sum(s.calls), 0) - (sum(s.total_exec_time) / nullif(sum(s.calls), 0)) ^ 2, 0)) AS deviation,
				sum(s.rows)::bigint AS rows, sum(s.shared_blks_hit)::bigint AS hit, sum(s.shared_blks_read)::bigint AS read, sum(s.temp_blks_written)::bigint AS temp,
				sum(s.total_exec_time) / nullif(sum(sum(s.total_exec_time)) OVER (), 0) AS share
			FROM %I.pg_stat_statements s
			WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND s.queryid IS NOT NULL
			GROUP BY s.queryid
		), named AS (
			SELECT k.queryid, array_agg(m.relation ORDER BY m.relation::text) AS tables
			FROM crmaudit.mapped_tables() m JOIN known k ON k.calls > 0 AND k.query ~* m.pattern GROUP BY k.queryid
		)
		SELECT k.queryid, t.query, n.tables, k.calls, k.total, k.total / k.calls, k.most, k.deviation, k.rows, k.hit, k.read, k.temp, k.share
		FROM known k JOIN named n USING (queryid) CROSS JOIN LATERAL (SELECT crmaudit.statement_text(k.query) AS query OFFSET 0) t
		WHERE t.query IS NOT NULL $query$, home);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RETURN;
END $$;
COMMENT ON FUNCTION crmaudit.read_statements() IS 'statements on mapped tables since the statistics were reset, by pg_stat_statements, all users together; no rows where it is not in this database or not preloaded; other users'' only to whoever may read them (pg_read_all_stats)';

CREATE TABLE crmaudit.statement (
	queryid bigint PRIMARY KEY,
	query text NOT NULL,
	tables text[] NOT NULL,
	first_seen timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE crmaudit.statement IS 'statements of which there are snapshots, without any value';

CREATE TABLE crmaudit.statement_snapshot (
	day date NOT NULL,
	queryid bigint NOT NULL,
	calls bigint NOT NULL,
	total_ms float8 NOT NULL,
	taken_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (day, queryid)
);
COMMENT ON TABLE crmaudit.statement_snapshot IS 'how often statements on mapped tables had run, and how long, at the end of each day; kept for 400 days';
COMMENT ON COLUMN crmaudit.statement_snapshot.calls IS 'since the statistics were reset';

SELECT pg_catalog.pg_extension_config_dump('crmaudit.statement', '');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.statement_snapshot', '');

-- SECURITY DEFINER: whoever runs it, the statements of all users count.
CREATE FUNCTION crmaudit.snapshot_statements() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	today constant date := (now() AT TIME ZONE crmaudit.report_time_zone())::date;
	taken int;
BEGIN
	WITH top AS MATERIALIZED (
		SELECT s.queryid, s.query, s.tables::text[], s.calls, s.total_ms FROM crmaudit.read_statements() s ORDER BY s.total_ms DESC, s.queryid LIMIT 200
	), text AS (
		INSERT INTO crmaudit.statement (queryid, query, tables) SELECT t.queryid, t.query, t.tables FROM top t
			ON CONFLICT (queryid) DO UPDATE SET query = excluded.query, tables = excluded.tables
				WHERE (statement.query, statement.tables) IS DISTINCT FROM (excluded.query, excluded.tables)
	)
	INSERT INTO crmaudit.statement_snapshot (day, queryid, calls, total_ms) SELECT today, t.queryid, t.calls, t.total_ms FROM top t
		ON CONFLICT (day, queryid) DO UPDATE SET calls = excluded.calls, total_ms = excluded.total_ms, taken_at = now();
	GET DIAGNOSTICS taken = ROW_COUNT;
	DELETE FROM crmaudit.statement_snapshot s WHERE s.day < today - 400;
	DELETE FROM crmaudit.statement t WHERE t.first_seen < now() - interval '400 days'
		AND NOT EXISTS (SELECT FROM crmaudit.statement_snapshot s WHERE s.queryid = t.queryid);
	RETURN taken;
END $$;
COMMENT ON FUNCTION crmaudit.snapshot_statements() IS 'notes what statements on mapped tables have taken until now, the 200 that took most, once a day (a later call on the same day replaces the earlier); the worker does it with maintain(); returns how many';

-- What a day added; after a reset all that is there.
CREATE FUNCTION crmaudit.statement_days(last int DEFAULT 30) RETURNS TABLE (queryid bigint, day date, calls bigint, mean_ms float8)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT d.queryid, d.day, d.calls, d.total_ms / d.calls
	FROM (SELECT s.queryid, s.day, s.calls - CASE WHEN s.calls >= lag(s.calls) OVER w THEN lag(s.calls) OVER w ELSE 0 END AS calls,
			s.total_ms - CASE WHEN s.calls >= lag(s.calls) OVER w THEN lag(s.total_ms) OVER w ELSE 0 END AS total_ms, lag(s.calls) OVER w IS NULL AS is_first
		FROM crmaudit.statement_snapshot s
		WHERE s.day >= (now() AT TIME ZONE crmaudit.report_time_zone())::date - last
		WINDOW w AS (PARTITION BY s.queryid ORDER BY s.day)) d
	WHERE NOT d.is_first AND d.calls > 0
$$;
COMMENT ON FUNCTION crmaudit.statement_days(int) IS 'calls and mean duration of statements by day, of the last so many days, from the snapshots';

CREATE VIEW crmaudit.statement_stability WITH (security_invoker = true) AS
	WITH newest AS (
		SELECT max(s.day) AS day FROM crmaudit.statement_snapshot s
	), day AS MATERIALIZED (
		SELECT d.queryid, d.day, d.calls, d.mean_ms, d.day > n.day - 7 AS is_recent FROM crmaudit.statement_days() d CROSS JOIN newest n
	), figure AS (
		SELECT d.queryid, count(*) AS days, sum(d.calls)::bigint AS calls, sum(d.calls * d.mean_ms) / sum(d.calls) AS mean_ms,
			min(d.mean_ms) AS fastest, max(d.mean_ms) AS slowest, (array_agg(d.day ORDER BY d.mean_ms DESC, d.day))[1] AS slowest_day,
			CASE WHEN count(*) >= 2 THEN stddev_samp(d.mean_ms) / nullif(avg(d.mean_ms), 0) END AS variation,
			avg(d.mean_ms) FILTER (WHERE d.is_recent) / nullif(avg(d.mean_ms) FILTER (WHERE NOT d.is_recent), 0) AS trend
		FROM day d GROUP BY d.queryid
	), judged AS (
		SELECT f.*, CASE WHEN f.days < 3 THEN 'too early' WHEN f.trend >= 1.5 THEN 'slower' WHEN f.variation >= 0.5 THEN 'varies' ELSE 'stable' END AS verdict
		FROM figure f
	)
	SELECT j.queryid, s.query, s.tables, j.days, j.calls, round(j.mean_ms::numeric, 2) AS mean_ms, round(j.fastest::numeric, 2) AS fastest_day_ms,
		round(j.slowest::numeric, 2) AS slowest_day_ms, j.slowest_day, round(j.variation::numeric, 2) AS variation, round(j.trend::numeric, 2) AS trend, j.verdict,
		CASE j.verdict
			WHEN 'slower' THEN 'compare the plan with that of before (EXPLAIN), see crmaudit.crm_table_health for bloat and old statistics, and whether the tables grew'
			WHEN 'varies' THEN 'look at what ran on the slowest day: locks (log_lock_waits), loads, backups, plans that change (auto_explain)' END AS remedy
	FROM judged j JOIN crmaudit.statement s ON s.queryid = j.queryid
	ORDER BY j.verdict IN ('slower', 'varies') DESC, j.slowest DESC, j.queryid;
COMMENT ON VIEW crmaudit.statement_stability IS 'whether statements on mapped tables take as long one day as another, over the last 30 days of snapshots (D30): variation is the standard deviation of the daily means by their mean, trend the last seven days by those before; slower from 1.5 on, varies from 0.5 on, with a remedy';

CREATE VIEW crmaudit.slow_statements WITH (security_invoker = true) AS
	WITH missing AS MATERIALIZED (
		SELECT i.source, min(i.statement) AS statement FROM crmaudit.suggest_indexes() i GROUP BY i.source
	), statement AS (
		SELECT s.*, d.days, d.variation, d.verdict FROM crmaudit.read_statements() s LEFT JOIN crmaudit.statement_stability d ON d.queryid = s.queryid
	)
	SELECT s.queryid, s.query, s.tables, s.calls, round(s.mean_ms::numeric, 2) AS mean_ms, round(s.max_ms::numeric, 2) AS max_ms,
		round(s.stddev_ms::numeric, 2) AS stddev_ms, round(s.total_ms::numeric, 2) AS total_ms, round((100 * s.share)::numeric, 1) AS percent_of_time,
		round(s.rows::numeric / s.calls, 1) AS rows_per_call, round(100.0 * s.hit / nullif(s.hit + s.read, 0), 1) AS percent_in_memory,
		s.temp AS temp_blocks, s.days, s.variation, concat_ws('; ',
			CASE WHEN s.temp > 0 THEN 'sorts or hashes spill to disk: raise work_mem for it, or let it sort less' END,
			CASE WHEN (s.hit + s.read) / s.calls > 1000 AND s.rows / s.calls < 100 THEN
				'reads much for few rows: ' || coalesce((SELECT m.statement FROM missing m WHERE m.source = ANY (s.tables) ORDER BY m.source::text LIMIT 1),
					'EXPLAIN (ANALYZE, BUFFERS) it, and index what it filters by') END,
			CASE WHEN s.read > s.hit AND s.read > 1000 THEN 'reads from disk: raise shared_buffers, or let it read less' END,
			CASE WHEN s.calls >= 10000 AND s.mean_ms < 1 AND s.share >= 0.1 THEN 'runs very often: fetch several rows at once, or keep them in the application' END,
			CASE WHEN s.calls >= 20 AND s.stddev_ms > 2 * s.mean_ms AND s.max_ms >= 100 THEN 'varies: look for locks (log_lock_waits) and plans that change (auto_explain)' END,
			CASE WHEN s.verdict = 'slower' THEN 'is slower than it was: see crmaudit.statement_stability' END,
			CASE WHEN s.mean_ms >= 1000 AND s.rows / s.calls >= 10000 THEN 'returns very many rows: ask for a page at a time' END,
			CASE WHEN s.mean_ms >= 100 THEN 'EXPLAIN (ANALYZE, BUFFERS) it' END) AS remedy
	FROM statement s
	WHERE s.mean_ms >= 100 OR s.max_ms >= 1000 OR s.share >= 0.1 OR s.temp > 0
	ORDER BY s.total_ms DESC, s.queryid;
COMMENT ON VIEW crmaudit.slow_statements IS 'statements on mapped tables that take 100 ms on average or more, took a second once, take a tenth of all time, or spill to disk, each with a remedy (D30); by pg_stat_statements, empty where that is not loaded; strings, long numbers and comments are taken out';

-- A load test of one's own (D30) ------------------------------------------------------------------

-- Columns whose values are words of the CRM, which say nothing of anybody.
CREATE FUNCTION crmaudit.plain_columns(relation regclass) RETURNS TABLE (column_name name)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT DISTINCT a.attname
	FROM crmaudit.entity_mapping m CROSS JOIN LATERAL jsonb_each(m.columns) c
	JOIN pg_attribute a ON a.attrelid = m.source AND a.attnum > 0 AND NOT a.attisdropped
		AND a.attname = CASE jsonb_typeof(c.value) WHEN 'string' THEN c.value #>> '{}' ELSE c.value ->> 'column' END
	WHERE m.source = relation
		AND c.key IN ('kind', 'segment', 'size', 'industry', 'operating_condition', 'region', 'risk', 'status', 'method', 'outcome', 'area', 'channel', 'scope',
			'action', 'case_kind', 'step', 'period', 'upheld', 'main', 'active', 'related_entity', 'answer')
		AND NOT a.attname = ANY (crmaudit.personal_columns(relation))
$$;
COMMENT ON FUNCTION crmaudit.plain_columns(regclass) IS 'columns of a mapped table whose commonest values a script may show: kinds, states, regions; no names, numbers or contacts';

-- What the script cannot show it reads from the table when it runs: from a
-- block by chance, for TABLESAMPLE might find no row. Where there is none,
-- NULL: \gset without a row would end the run.
CREATE FUNCTION crmaudit.pgbench_value(relation regclass, column_name name, variable text, OUT setup text, OUT value text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	class pg_class;
	home name;
	seen record;
BEGIN
	SELECT * INTO class FROM pg_class c WHERE c.oid = relation;
	SELECT n.nspname INTO home FROM pg_namespace n WHERE n.oid = class.relnamespace;
	SELECT s.most_common_vals::text::text[] AS words, s.histogram_bounds::text::text[] AS bounds, format_type(a.atttypid, a.atttypmod) AS type, a.atttypid AS typeid,
			EXISTS (SELECT FROM crmaudit.plain_columns(relation) p WHERE p.column_name = a.attname) AS is_plain,
			-- a number by which rows are known, and not a phone or an identity number
			EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
				AND NOT a.attname = ANY (crmaudit.personal_columns(relation)) AS is_key
		INTO seen
		FROM pg_attribute a LEFT JOIN pg_stats s ON s.schemaname = home AND s.tablename = class.relname AND s.attname = a.attname AND NOT s.inherited
		WHERE a.attrelid = relation AND a.attname = pgbench_value.column_name;
	IF seen.is_plain AND seen.words IS NOT NULL AND seen.words[1:10]::text !~ ':[A-Za-z_0-9]' THEN
		setup := format('\set %s random(1, %s)', variable, cardinality(seen.words[1:10]));
		value := format('((%L::text[])[:%s])::%s', seen.words[1:10], variable, seen.type);
	ELSIF seen.is_key AND seen.typeid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AND seen.bounds[cardinality(seen.bounds)]::bigint < 1000000000 THEN
		setup := format('\set %s random(%s, %s)', variable, seen.bounds[1], seen.bounds[cardinality(seen.bounds)]);
		value := ':' || variable;
	ELSIF class.relkind IN ('r', 'm') THEN
		setup := format(E'\\set %1$s_block random(0, %2$s)\nSELECT coalesce((SELECT quote_literal(%3$I) FROM %4$I.%5$I WHERE ctid >= format(''(%%s,0)'', :%1$s_block)::tid AND %3$I IS NOT NULL LIMIT 1), ''NULL'') AS %1$s \\gset',
			variable, greatest(floor(class.relpages * 0.9)::int - 1, 0), pgbench_value.column_name, home, class.relname);
		value := ':' || variable;
	END IF;
END $$;
COMMENT ON FUNCTION crmaudit.pgbench_value(regclass, name, text) IS 'how a script of pgbench gets a value of a column: one of the commonest words of a column that says nothing of anybody, a number between the least and the greatest key, or one that it reads from the table when it runs; NULL if none can be had';

-- A SELECT with $1 and so on, as one of pgbench; NULL if a value cannot be had.
CREATE FUNCTION crmaudit.pgbench_statement(query text, tables regclass[], number int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	statement text := query;
	setups text := '';
	compared text;
	relation regclass;
	found record;
BEGIN
	IF query !~* '^select\M' OR query ~* '\mfor (no key )?(update|share)\M|\mfor key share\M' OR strpos(query, '?') > 0 OR query ~ '(^|[^:]):[A-Za-z_0-9]' THEN
		RETURN NULL;
	END IF;
	FOR n IN REVERSE coalesce((SELECT max(m[1]::int) FROM regexp_matches(query, '\$(\d+)', 'g') m), 0) .. 1 LOOP
		IF query ~* format('\m(limit|offset)\s+\$%s\M', n) THEN
			statement := replace(statement, '$' || n, CASE WHEN query ~* format('\mlimit\s+\$%s\M', n) THEN '10' ELSE '0' END);
			CONTINUE;
		END IF;
		compared := (regexp_match(query, format('(?:(?:[\w]+|"[^"]+")\.)?([\w]+|"[^"]+")\s*(?:\s(?:between\s+(?:\$\d+\s+and\s+)?|not\s+in\s*\((?:\s*\$\d+\s*,)*\s*|in\s*\((?:\s*\$\d+\s*,)*\s*|i?like\s+)|(?:=|<>|!=|<=|>=|<|>)\s*)\$%s\M', n), 'i'))[1];
		SELECT t INTO relation FROM unnest(tables) WITH ORDINALITY AS u(t, position)
			JOIN pg_attribute a ON a.attrelid = u.t AND a.attnum > 0 AND NOT a.attisdropped
				AND a.attname = CASE WHEN compared LIKE '"%' THEN btrim(compared, '"') ELSE lower(compared) END
			ORDER BY u.position LIMIT 1;
		IF compared IS NULL OR relation IS NULL THEN
			RETURN NULL;
		END IF;
		SELECT * INTO found FROM crmaudit.pgbench_value(relation, CASE WHEN compared LIKE '"%' THEN btrim(compared, '"') ELSE lower(compared) END, format('s%s_p%s', number, n));
		IF found.value IS NULL THEN
			RETURN NULL;
		END IF;
		setups := found.setup || E'\n' || setups;
		statement := replace(statement, '$' || n, found.value);
	END LOOP;
	RETURN setups || statement || ';';
END $$;
COMMENT ON FUNCTION crmaudit.pgbench_statement(text, regclass[], int) IS 'a statement with parameters as lines of a pgbench script; NULL if it writes or locks, or if it does not say with which column a parameter is compared';

-- Without statistics of statements, what the CRM certainly does: a row by its
-- key, and the rows of a customer.
CREATE FUNCTION crmaudit.likely_statements() RETURNS TABLE (query text, tables regclass[], calls bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('SELECT * FROM %I.%I WHERE %I = $1', n.nspname, c.relname, a.attname), ARRAY[c.oid::regclass], 1
	FROM (SELECT DISTINCT m.source FROM crmaudit.entity_mapping m) m
	JOIN pg_class c ON c.oid = m.source AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
	UNION
	SELECT format('SELECT * FROM %I.%I WHERE %I = $1', n.nspname, c.relname, k.attribute), ARRAY[c.oid::regclass], 1
	FROM crmaudit.entity_mapping m JOIN pg_class c ON c.oid = m.source AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
	CROSS JOIN LATERAL crmaudit.index_key(m, 'customer_id') k
	WHERE k.attribute IS NOT NULL
	ORDER BY 1
$$;
COMMENT ON FUNCTION crmaudit.likely_statements() IS 'statements by which a CRM certainly reads its mapped tables: a row by its key, and the rows of a customer';

CREATE FUNCTION crmaudit.pgbench_script(statements int DEFAULT 10) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	one record;
	lines text;
	body text := '';
	total bigint := 0;
	number int := 0;
	origin text := 'pg_stat_statements, each as often as it was called';
BEGIN
	IF NOT EXISTS (SELECT FROM crmaudit.entity_mapping) THEN
		RAISE EXCEPTION 'no table is mapped to an entity'
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Say with crmaudit.map_entity() where the CRM keeps its customers.';
	END IF;
	FOR pass IN 1 .. 2 LOOP
		FOR one IN
			SELECT s.query, s.tables, s.calls FROM crmaudit.read_statements() s WHERE pass = 1 AND s.query ~* '^select\M'
			UNION ALL
			SELECT l.query, l.tables, l.calls FROM crmaudit.likely_statements() l WHERE pass = 2
			ORDER BY 3 DESC, 1
		LOOP
			EXIT WHEN number >= statements;
			lines := crmaudit.pgbench_statement(one.query, one.tables, number + 1);
			CONTINUE WHEN lines IS NULL;
			number := number + 1;
			total := total + one.calls;
			body := body || format(E'\\%s :pick <= %s\n%s\n', CASE number WHEN 1 THEN 'if' ELSE 'elif' END, total, lines);
		END LOOP;
		EXIT WHEN number > 0;
		origin := 'the mapping: rows by their key, and those of a customer';
	END LOOP;
	IF number = 0 THEN
		RAISE EXCEPTION 'no statement on mapped tables can be run by pgbench'
			USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'Only SELECT whose parameters are compared with columns can.',
				HINT = 'Load pg_stat_statements and let the CRM work for a while, or map a table that has a primary key.';
	END IF;
	RETURN format(E'-- Made by crmaudit.pgbench_script() from %s. It reads only.\n'
		'-- Run it: for c in 1 4 16; do pgbench -n -f FILE -c $c -j 2 -T 30 -l --log-prefix=c$c DATABASE; done\n'
		'-- 95th percentile in ms, of each number of clients: cut -d" " -f3 c4.* | sort -n | awk ''{ t[NR] = $1 } END { print t[int((NR * 95 + 99) / 100)] / 1000 }''\n'
		'-- Names without a schema are found by: PGOPTIONS="-c search_path=..."\n'
		'\\set pick random(1, %s)\n%s\\endif\n', origin, total, body);
END $$;
COMMENT ON FUNCTION crmaudit.pgbench_script(int) IS 'a script for pgbench: the SELECTs on mapped tables that run most (by pg_stat_statements), each as often as it was called, or, without them, likely ones (D30); values are random keys, words such as kinds and states, or read from the table while it runs, so that the script holds none of anybody; doc/audit-views.md tells how to get the 95th percentile by number of clients';
