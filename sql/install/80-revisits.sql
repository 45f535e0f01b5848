-- 80-revisits: whether customers were revisited in time, by whom, how it was
-- recorded, and what came of grave cases (D13 to D19, D43).
--
-- A revisit (kind 'revisit') counts unless its outcome says that nobody was
-- reached. It is about what it names (related_entity, related_id); where it
-- names nothing, about the customer's last contract, complaint and archived
-- request before it, so that one revisit never stands for two of a kind.
--
-- Here and in the files after this: a time of -infinity is not known, and what
-- ends at infinity has not ended; neither can be subtracted, or is of a year.

-- Numbers of the rules ---------------------------------------------------------------

CREATE TABLE crmaudit.revisit_setting (
	setting text PRIMARY KEY,
	value text NOT NULL
);
COMMENT ON TABLE crmaudit.revisit_setting IS 'numbers of the revisit views that are not the default; revisit_settings() shows all: late_entry, ring_seconds, tries, call_hours, cut_off_day, cut_off_time';
SELECT pg_catalog.pg_extension_config_dump('crmaudit.revisit_setting', '');

CREATE FUNCTION crmaudit.revisit_settings()
RETURNS TABLE (late_entry interval, ring_seconds int, tries int, call_hours text, cut_off_day int, cut_off_time time, zone text)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(max(s.value) FILTER (WHERE s.setting = 'late_entry'), '3 days')::interval,
		coalesce(max(s.value) FILTER (WHERE s.setting = 'ring_seconds'), '20')::int,
		coalesce(max(s.value) FILTER (WHERE s.setting = 'tries'), '3')::int,
		coalesce(max(s.value) FILTER (WHERE s.setting = 'call_hours'), 'workdays 10:00-11:00,14:00-16:00'),
		coalesce(max(s.value) FILTER (WHERE s.setting = 'cut_off_day'), '7')::int,
		coalesce(max(s.value) FILTER (WHERE s.setting = 'cut_off_time'), '16:00')::time,
		crmaudit.report_time_zone()
	FROM crmaudit.revisit_setting s
$$;
COMMENT ON FUNCTION crmaudit.revisit_settings() IS 'numbers of the revisit views: how much later than it took place a visit may be entered, ring and tries of a call, hours that are advised for calls (D14), day of the month and time by which statistics go in (D19)';

CREATE FUNCTION crmaudit.check_revisit_setting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM crmaudit.require_choice(NEW.setting, '{late_entry,ring_seconds,tries,call_hours,cut_off_day,cut_off_time}', 'setting');
	IF NOT (CASE NEW.setting WHEN 'late_entry' THEN NEW.value::interval >= '0'
		-- raises the error itself
		WHEN 'call_hours' THEN crmaudit.within_hours('-infinity', NEW.value) IS NULL
		WHEN 'cut_off_day' THEN NEW.value::int BETWEEN 1 AND 28
		WHEN 'cut_off_time' THEN NEW.value::time IS NOT NULL
		ELSE NEW.value::int >= 0 END) THEN
		RAISE EXCEPTION 'value of setting "%" is out of range', NEW.setting
			USING ERRCODE = 'invalid_parameter_value', HINT = 'No number is negative; the day is one from 1 to 28.';
	END IF;
	RETURN NEW;
END $$;
COMMENT ON FUNCTION crmaudit.check_revisit_setting() IS 'trigger of revisit_setting: refuses values that cannot be';
CREATE TRIGGER check_revisit_setting BEFORE INSERT OR UPDATE ON crmaudit.revisit_setting
	FOR EACH ROW EXECUTE FUNCTION crmaudit.check_revisit_setting();

-- Whether it was done in time -------------------------------------------------------------

CREATE VIEW crmaudit.revisit_compliance WITH (security_invoker = true) AS
	WITH by_staff AS (
		-- grouped before staff are joined: the planner cannot tell how many subjects there are
		SELECT s.obligation COLLATE "C" AS obligation, date_trunc('month', (s.due_at - interval '1 microsecond') AT TIME ZONE o.time_zone)::date AS month, s.staff_id COLLATE "C" AS staff_id, o.coverage AS demanded,
			count(*) FILTER (WHERE s.state NOT IN ('exempt', 'open')) AS due, count(*) FILTER (WHERE s.state = 'met') AS in_time, count(*) FILTER (WHERE s.state = 'late') AS late,
			count(*) FILTER (WHERE s.state = 'overdue') AS overdue, count(*) FILTER (WHERE s.state = 'unreachable') AS unreachable,
			count(*) FILTER (WHERE s.state = 'open') AS open, count(*) FILTER (WHERE s.state = 'exempt') AS exempt
		FROM crmaudit.obligation o JOIN crmaudit.obligation_status s ON s.obligation = o.name
		WHERE o.fulfilled_by = 'interaction'
		GROUP BY 3, 2, 1, 4
	), counts AS (
		SELECT b.obligation, b.month, f.department, b.demanded, sum(b.due)::bigint AS due, sum(b.in_time)::bigint AS in_time, sum(b.late)::bigint AS late,
			sum(b.overdue)::bigint AS overdue, sum(b.unreachable)::bigint AS unreachable, sum(b.open)::bigint AS open, sum(b.exempt)::bigint AS exempt
		FROM by_staff b
		LEFT JOIN (SELECT f.staff_id, min(f.department) AS department FROM crmaudit.staff() f GROUP BY f.staff_id) f ON f.staff_id = b.staff_id
		GROUP BY b.obligation, b.month, f.department, b.demanded
	)
	SELECT c.obligation, c.month, c.department, c.due, c.in_time, c.late, c.overdue, c.unreachable, c.open, c.exempt,
		round(100.0 * c.in_time / nullif(c.due, 0), 2) AS in_time_rate, round(100.0 * (c.in_time + c.late) / nullif(c.due, 0), 2) AS coverage,
		round(100 * c.demanded::numeric, 2) AS demanded, CASE WHEN c.due > 0 THEN c.in_time + c.late >= c.demanded::numeric * c.due END AS is_covered
	FROM counts c
	ORDER BY c.obligation, c.month, c.department;
COMMENT ON VIEW crmaudit.revisit_compliance IS 'obligations that interactions fulfil, by month in which they were due and department: how many were done in time, late, not at all, or found nobody after all tries; coverage: done, in time or late, of those due, in percent, against what is demanded (D10 to D12)';

-- Statistics of the month --------------------------------------------------------------

CREATE VIEW crmaudit.revisit_monthly WITH (security_invoker = true) AS
	WITH s AS (
		SELECT * FROM crmaudit.revisit_settings()
	), request AS (
		SELECT r.request_id, r.customer_id, r.staff_id, r.kind, r.archived_at,
			date_trunc('month', r.archived_at AT TIME ZONE (SELECT zone FROM s))::date AS month,
			lead(r.archived_at, 1, 'infinity') OVER (PARTITION BY r.customer_id COLLATE "C" ORDER BY r.archived_at, r.request_id COLLATE "C") AS until
		FROM crmaudit.service_request() r WHERE isfinite(r.archived_at)
	), revisit AS MATERIALIZED (
		SELECT i.customer_id, i.related_entity, i.related_id, i.occurred_at, coalesce(i.outcome, 'reached') = 'reached' AS reached
		FROM crmaudit.interaction() i WHERE i.kind = 'revisit' AND i.occurred_at > '-infinity' AND i.occurred_at <= now()
	), done AS (
		SELECT d.request_id, min(d.occurred_at) FILTER (WHERE d.reached) AS revisited_at FROM (
			SELECT q.request_id, v.occurred_at, v.reached FROM request q
			JOIN revisit v ON v.related_entity = 'service_request' AND v.related_id = q.request_id
			UNION ALL
			SELECT q.request_id, v.occurred_at, v.reached FROM request q
			JOIN revisit v ON v.customer_id = q.customer_id AND v.related_id IS NULL AND v.occurred_at >= q.archived_at AND v.occurred_at < q.until) d
		GROUP BY d.request_id
	), counted AS (
		SELECT q.month, f.department, q.kind, c.cut_off, count(*) AS archived, count(*) FILTER (WHERE d.revisited_at <= c.cut_off) AS revisited,
			count(*) FILTER (WHERE d.revisited_at > c.cut_off) AS revisited_late,
			count(*) FILTER (WHERE d.request_id IS NOT NULL AND d.revisited_at IS NULL) AS not_reached,
			count(*) FILTER (WHERE d.request_id IS NULL) AS not_tried
		FROM request q
		CROSS JOIN s
		CROSS JOIN LATERAL (SELECT ((q.month + interval '1 month')::date + (s.cut_off_day - 1) + s.cut_off_time) AT TIME ZONE s.zone AS cut_off) c
		LEFT JOIN done d ON d.request_id = q.request_id
		LEFT JOIN (SELECT f.staff_id, min(f.department) AS department FROM crmaudit.staff() f GROUP BY f.staff_id) f ON f.staff_id = q.staff_id
		GROUP BY q.month, f.department, q.kind, c.cut_off
	), report AS (
		SELECT lower(crmaudit.period_range(r.period)) AS month, r.unit, min(r.submitted_at) AS submitted_at FROM crmaudit.report() r
		WHERE r.kind = 'revisit' AND isfinite(r.submitted_at) AND upper(crmaudit.period_range(r.period)) = (lower(crmaudit.period_range(r.period)) + interval '1 month')::date
		GROUP BY 1, 2
	)
	SELECT c.month, c.department, c.kind, c.archived, c.revisited, c.revisited_late, c.not_reached, c.not_tried,
		round(100.0 * c.revisited / c.archived, 2) AS rate, c.cut_off, min(r.submitted_at) AS submitted_at,
		CASE WHEN min(r.submitted_at) <= c.cut_off THEN 'in time' WHEN min(r.submitted_at) > c.cut_off THEN 'late'
			WHEN NOT EXISTS (SELECT FROM crmaudit.entity_mapping m WHERE m.entity = 'report') THEN NULL
			WHEN now() > c.cut_off THEN 'missing' ELSE 'not yet due' END AS report
	FROM counted c LEFT JOIN report r ON r.month = c.month AND (r.unit = c.department OR r.unit IS NULL)
	GROUP BY c.month, c.department, c.kind, c.archived, c.revisited, c.revisited_late, c.not_reached, c.not_tried, c.cut_off
	ORDER BY c.month, c.department, c.kind;
COMMENT ON VIEW crmaudit.revisit_monthly IS 'revisits of service requests by month of archiving, department and kind of request, as they stood at the cut-off, the 7th of the next month at 16:00, which no holiday postpones, and whether the department''s report (kind revisit) was in by then (D19); days are those of report_time_zone()';

-- When it was entered -------------------------------------------------------------------

CREATE FUNCTION crmaudit.ledger_entered(entity text) RETURNS TABLE (subject_id text, entered_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 100000 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM crmaudit.valid_mappings(entity) m JOIN crmaudit.tracked_table t ON t.target = m.source) THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format('SELECT q.%I::text, max(l.at) FROM (%s) AS q JOIN crmaudit.ledger_insertion l ON l.target = q.source AND l.row_key = q.row_key GROUP BY 1',
		(SELECT e.id_column FROM crmaudit.entity e WHERE e.entity = ledger_entered.entity), crmaudit.entity_query(entity, true));
END $$;
COMMENT ON FUNCTION crmaudit.ledger_entered(text) IS 'when the ledger saw each row of an entity inserted; none for rows that were there before their table was tracked';

CREATE VIEW crmaudit.backdated_entries WITH (security_invoker = true) AS
	WITH s AS (
		SELECT * FROM crmaudit.revisit_settings()
	), entered AS (
		SELECT i.interaction_id, i.customer_id, i.staff_id, i.kind, i.occurred_at, i.recorded_at, l.entered_at AS ledger_at,
			l.entered_at - i.recorded_at > s.late_entry AS is_contradicted
		FROM s CROSS JOIN (SELECT r.interaction_id, r.customer_id, r.staff_id, r.kind, r.occurred_at, CASE WHEN isfinite(r.recorded_at) THEN r.recorded_at END AS recorded_at
			FROM crmaudit.interaction() r WHERE isfinite(r.occurred_at)) i LEFT JOIN crmaudit.ledger_entered('interaction') l ON l.subject_id = i.interaction_id
	), told AS (
		SELECT e.*, CASE WHEN e.is_contradicted THEN e.ledger_at ELSE coalesce(e.recorded_at, e.ledger_at) END AS entered_at,
			CASE WHEN e.is_contradicted THEN 'ledger, against recorded_at' WHEN e.recorded_at IS NOT NULL THEN 'recorded_at' ELSE 'ledger' END AS told_by
		FROM entered e
	)
	SELECT t.interaction_id, t.customer_id, t.staff_id, t.kind, t.occurred_at, t.recorded_at, t.entered_at, t.entered_at - t.occurred_at AS delay, t.told_by
	FROM told t CROSS JOIN s
	WHERE t.entered_at - t.occurred_at > s.late_entry
	ORDER BY t.entered_at - t.occurred_at DESC, t.interaction_id;
COMMENT ON VIEW crmaudit.backdated_entries IS 'interactions that were entered more than 3 days after they took place: by recorded_at, or where that is not mapped, or more than 3 days earlier than the ledger saw the row, by the ledger (D15)';

-- Calls -----------------------------------------------------------------------------------

-- Tries after one another until somebody answers are a series.
CREATE VIEW crmaudit.call_attempts WITH (security_invoker = true) AS
	WITH s AS (
		SELECT * FROM crmaudit.revisit_settings()
	), call AS (
		SELECT i.customer_id COLLATE "C" AS customer_id, i.related_entity COLLATE "C" AS related_entity, i.related_id COLLATE "C" AS related_id,
			i.interaction_id COLLATE "C" AS interaction_id, i.staff_id, i.occurred_at, i.outcome, i.ring_seconds,
			i.occurred_at AT TIME ZONE (SELECT zone FROM s) AS local_time,
			btrim(concat(i.content, i.problem, i.result)) <> '' AS has_reason
		FROM crmaudit.interaction() i
		WHERE i.occurred_at > '-infinity' AND i.occurred_at <= now() AND (i.kind = 'call' OR i.kind = 'revisit' AND lower(i.method) IN ('call', 'phone'))
	), judged AS (
		-- a day of a year that the calendar does not know is not judged
		SELECT c.*, NOT crmaudit.within_hours(c.occurred_at, (SELECT call_hours FROM s), NULL, (SELECT zone FROM s)) AS is_outside,
			count(*) FILTER (WHERE coalesce(c.outcome, 'reached') IN ('reached', 'refused'))
				OVER (PARTITION BY c.customer_id, c.related_entity, c.related_id ORDER BY c.occurred_at, c.interaction_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS series
		FROM call c
	), counted AS (
		SELECT j.customer_id, j.related_entity, j.related_id, min(j.occurred_at) AS first_at, max(j.occurred_at) AS last_at, array_agg(j.staff_id) AS staff,
			count(*) FILTER (WHERE j.outcome = 'no_answer') AS unanswered,
			array_agg(date_trunc('hour', j.local_time)) FILTER (WHERE j.outcome = 'no_answer') AS hours,
			count(*) FILTER (WHERE j.outcome = 'no_answer' AND j.ring_seconds < s.ring_seconds) AS short_rings,
			count(*) FILTER (WHERE j.outcome = 'invalid') AS invalid,
			count(*) FILTER (WHERE j.outcome = 'invalid' AND NOT j.has_reason) AS invalid_without_reason,
			count(*) FILTER (WHERE j.is_outside) AS outside_hours,
			bool_or(j.outcome = 'reached' OR j.outcome IS NULL) AS is_reached, bool_or(j.outcome = 'refused') AS is_refused, min(s.tries) AS tries
		FROM judged j CROSS JOIN s
		GROUP BY j.customer_id, j.related_entity, j.related_id, j.series
	), distinguished AS (
		-- DISTINCT in the aggregates would sort each series, most of which are of one call
		SELECT c.customer_id, c.related_entity, c.related_id, c.first_at, c.last_at, c.unanswered, c.short_rings, c.invalid, c.invalid_without_reason, c.outside_hours,
			c.is_reached, c.is_refused, c.tries,
			CASE WHEN cardinality(c.staff) = 1 THEN c.staff ELSE (SELECT array_agg(DISTINCT u.staff_id) FROM unnest(c.staff) AS u(staff_id)) END AS staff,
			CASE WHEN c.unanswered > 1 THEN (SELECT count(DISTINCT u.hour) FROM unnest(c.hours) AS u(hour)) ELSE c.unanswered END AS different_hours
		FROM counted c
		WHERE c.unanswered > 0 OR c.invalid > 0 OR c.outside_hours > 0
	), stated AS (
		SELECT c.*, CASE WHEN c.is_reached THEN 'reached' WHEN c.is_refused THEN 'refused' WHEN c.unanswered = 0 THEN 'invalid'
			WHEN c.different_hours >= c.tries THEN 'unreachable' ELSE 'too few tries' END AS state
		FROM distinguished c
	)
	SELECT t.customer_id, t.related_entity, t.related_id, t.staff, t.first_at, t.last_at, t.unanswered, t.different_hours, t.short_rings,
		t.invalid, t.invalid_without_reason, t.outside_hours, t.state,
		CASE WHEN t.state = 'too few tries' OR t.short_rings > 0 OR t.invalid_without_reason > 0 THEN 'error' WHEN t.outside_hours > 0 THEN 'warning' END AS severity
	FROM stated t
	ORDER BY t.customer_id, t.related_entity, t.related_id, t.first_at;
COMMENT ON VIEW crmaudit.call_attempts IS 'calls to a customer about one thing until somebody answers: an unanswered one rings 20 seconds, and is repeated at three different hours at least; an invalid one needs a reason in content, problem or result: otherwise severity is error; warning: a call outside the advised hours on working days (D14)';

-- Records -----------------------------------------------------------------------------------

CREATE VIEW crmaudit.revisit_record_gaps WITH (security_invoker = true) AS
	SELECT g.interaction_id, g.customer_id, g.staff_id, g.occurred_at, g.method, g.outcome, g.missing
	FROM (
		SELECT i.interaction_id, i.customer_id, i.staff_id, i.occurred_at, i.method, i.outcome, array_remove(ARRAY[
				CASE WHEN i.occurred_at > '-infinity' THEN NULL ELSE 'time' END,
				CASE WHEN btrim(i.staff_id) <> '' THEN NULL ELSE 'person' END,
				CASE WHEN btrim(i.customer_id) <> '' THEN NULL ELSE 'customer' END,
				CASE WHEN btrim(i.method) <> '' THEN NULL ELSE 'method' END,
				CASE WHEN r.reached AND (btrim(i.content) <> '') IS NOT TRUE THEN 'content' END,
				CASE WHEN r.reached AND (btrim(i.problem) <> '') IS NOT TRUE THEN 'problem' END,
				CASE WHEN r.reached AND (btrim(i.result) <> '') IS NOT TRUE THEN 'result' END,
				CASE WHEN r.reached AND lower(i.method) IN ('call', 'phone') AND (btrim(i.recording) <> '') IS NOT TRUE THEN 'recording' END], NULL) AS missing
		FROM crmaudit.interaction() i CROSS JOIN LATERAL (SELECT coalesce(i.outcome, 'reached') = 'reached' AS reached) r
		-- of one that is planned there is nothing to record yet
		WHERE i.kind = 'revisit' AND (i.occurred_at > now()) IS NOT TRUE) g
	WHERE cardinality(g.missing) > 0
	ORDER BY g.occurred_at, g.interaction_id;
COMMENT ON VIEW crmaudit.revisit_record_gaps IS 'revisits whose record lacks something: time, person, customer, method; where somebody was reached also content, problem (a word that there is none), result, and the recording of a call (D15)';

-- Who must not do it --------------------------------------------------------------------------

CREATE VIEW crmaudit.conflict_of_interest WITH (security_invoker = true) AS
	WITH revisit AS (
		SELECT i.interaction_id COLLATE "C" AS interaction_id, i.customer_id COLLATE "C" AS customer_id, i.staff_id, i.occurred_at,
			i.related_id IS NOT NULL AND i.related_entity IN ('complaint', 'contract', 'service_request') AS is_named, (i.related_id || ' ' || i.related_entity) COLLATE "C" AS about
		FROM crmaudit.interaction() i WHERE i.kind = 'revisit' AND i.staff_id IS NOT NULL AND i.occurred_at > '-infinity'
	), subject AS (
		-- what concerns nobody is no conflict, but the last thing of its kind before the revisit all the same
		SELECT 'complaint' AS entity, c.complaint_id COLLATE "C" AS id, c.customer_id COLLATE "C" AS customer_id, c.staff_id, c.opened_at AS since FROM crmaudit.complaint() c
		UNION ALL SELECT 'contract', c.contract_id, c.customer_id, c.staff_id, c.signed_at FROM crmaudit.contract() c
		UNION ALL SELECT 'service_request', r.request_id, r.customer_id, r.staff_id, r.archived_at FROM crmaudit.service_request() r
	), staff AS (
		-- several sources may know him
		SELECT f.staff_id, min(f.department) AS department FROM crmaudit.staff() f GROUP BY f.staff_id
	), concerned AS (
		SELECT r.interaction_id, r.customer_id, r.staff_id, r.occurred_at, j.entity, j.id, j.staff_id AS concerned_staff_id, true AS named FROM revisit r
		-- one key, the id first: sorting by an entity that all share compares each pair twice
		JOIN subject j ON j.id || ' ' || j.entity = r.about
		UNION ALL
		(SELECT DISTINCT ON (r.interaction_id COLLATE "C", j.entity) r.interaction_id, r.customer_id, r.staff_id, r.occurred_at, j.entity, j.id, j.staff_id, false FROM revisit r
		JOIN subject j ON j.customer_id = r.customer_id AND j.since <= r.occurred_at
		-- that it names the customer, or the plan that it follows, clears nobody
		WHERE r.is_named IS NOT TRUE
		ORDER BY r.interaction_id COLLATE "C", j.entity, j.since DESC, j.id COLLATE "C" DESC)
	)
	SELECT DISTINCT c.interaction_id, c.customer_id, c.staff_id, c.occurred_at, c.entity AS concerned_entity, c.id AS concerned_id, c.concerned_staff_id,
		CASE WHEN c.staff_id = c.concerned_staff_id THEN 'person' ELSE 'department' END AS conflict, a.department, c.named
	FROM concerned c
	LEFT JOIN staff a ON a.staff_id = c.staff_id
	LEFT JOIN staff b ON b.staff_id = c.concerned_staff_id
	WHERE c.staff_id = c.concerned_staff_id OR a.department = b.department
	ORDER BY c.occurred_at, c.interaction_id, c.entity, c.id;
COMMENT ON VIEW crmaudit.conflict_of_interest IS 'revisits done by the person whom the complaint is about, by the contract''s adviser or by who served the request (conflict person), or by his department (D16); named: whether the revisit names what it is about, or that is the customer''s last one before it';

-- Special revisits ----------------------------------------------------------------------------

-- Who approved, and not when, has approved in time.
CREATE VIEW crmaudit.special_revisits WITH (security_invoker = true) AS
	WITH plan AS (
		SELECT p.plan_id, crmaudit.period_range(min(p.period)) AS days, min(p.approved_by) AS approved_by, min(p.approved_at) AS approved_at
		FROM crmaudit.plan() p GROUP BY p.plan_id
	)
	SELECT i.interaction_id, i.customer_id, i.staff_id, i.occurred_at, CASE WHEN i.related_entity = 'plan' THEN i.related_id END AS plan_id, p.approved_by, p.approved_at,
		CASE WHEN i.related_entity IS DISTINCT FROM 'plan' OR i.related_id IS NULL THEN 'no plan'
			WHEN p.plan_id IS NULL THEN 'unknown plan'
			WHEN p.approved_by IS NULL AND p.approved_at IS NULL THEN 'not approved'
			WHEN isfinite(i.occurred_at) IS NOT TRUE THEN 'unknown'
			WHEN p.approved_at > i.occurred_at THEN 'approved afterwards'
			WHEN NOT p.days @> (i.occurred_at AT TIME ZONE z.name)::date THEN 'outside the period'
			ELSE 'ok' END AS state
	FROM crmaudit.interaction() i CROSS JOIN (SELECT crmaudit.report_time_zone() AS name) z
	LEFT JOIN plan p ON i.related_entity = 'plan' AND p.plan_id = i.related_id
	WHERE i.kind = 'special_revisit' OR i.kind = 'revisit' AND i.related_entity = 'plan'
	ORDER BY i.occurred_at, i.interaction_id;
COMMENT ON VIEW crmaudit.special_revisits IS 'revisits that follow a plan (kind special_revisit, or a revisit that names a plan by related_entity and related_id), and whether it was approved before, and its period is meant: state is ok, no plan, unknown plan, not approved, approved afterwards, outside the period, or unknown without a time (D44)';

-- Cases ---------------------------------------------------------------------------------------

-- Steps by their names, written with a space, a hyphen or an underscore. What is
-- to end later has not ended.
CREATE VIEW crmaudit.serious_exceptions WITH (security_invoker = true) AS
	WITH step AS (
		SELECT p.case_id, nullif(p.entered_at, '-infinity') AS entered_at, CASE WHEN p.left_at <= now() THEN p.left_at END AS left_at, nullif(p.due_at, '-infinity') AS due_at, translate(lower(p.step), '_-', '  ') AS step
		FROM crmaudit.step() p WHERE p.case_kind = 'exception'
	), cases AS (
		SELECT p.case_id, min(p.entered_at) AS opened_at,
			min(p.left_at) FILTER (WHERE p.step = 'interview') AS interview_at,
			min(p.left_at) FILTER (WHERE p.step = 'self check') AS self_check_at,
			min(p.left_at) FILTER (WHERE p.step = 'final decision') AS final_decision_at,
			max(p.left_at) FILTER (WHERE p.step = 'second revisit') AS second_revisit_at,
			array_agg(DISTINCT p.step) FILTER (WHERE p.left_at IS NULL AND p.step IS NOT NULL) AS open_steps,
			array_agg(DISTINCT p.step) FILTER (WHERE p.due_at < coalesce(p.left_at, now())) AS overdue_steps
		FROM step p GROUP BY p.case_id
	)
	SELECT c.case_id, c.opened_at, c.interview_at, c.self_check_at, c.final_decision_at, c.second_revisit_at, m.missing, coalesce(c.open_steps, '{}') AS open_steps,
		coalesce(c.overdue_steps, '{}') AS overdue_steps,
		CASE WHEN nullif(c.final_decision_at, '-infinity') < greatest(c.interview_at, c.self_check_at) OR nullif(c.second_revisit_at, '-infinity') < greatest(c.interview_at, c.self_check_at, c.final_decision_at) THEN 'out of order'
			WHEN cardinality(m.missing) = 0 THEN 'complete'
			WHEN c.second_revisit_at IS NOT NULL OR c.final_decision_at IS NOT NULL AND m.missing && '{interview,self-check}' THEN 'step missing'
			WHEN c.overdue_steps && coalesce(c.open_steps, '{}') THEN 'overdue' ELSE 'open' END AS state
	FROM cases c
	CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
		CASE WHEN c.interview_at IS NULL THEN 'interview' END, CASE WHEN c.self_check_at IS NULL THEN 'self-check' END,
		CASE WHEN c.final_decision_at IS NULL THEN 'final decision' END, CASE WHEN c.second_revisit_at IS NULL THEN 'second revisit' END], NULL) AS missing) m
	ORDER BY c.opened_at, c.case_id;
COMMENT ON VIEW crmaudit.serious_exceptions IS 'cases of kind exception: when interview, self-check, final decision and second revisit ended, which of them are missing, and whether one was passed over or done out of order (D17)';

CREATE VIEW crmaudit.hazard_cases WITH (security_invoker = true) AS
	WITH step AS (
		SELECT p.case_id, nullif(p.entered_at, '-infinity') AS entered_at, CASE WHEN p.left_at <= now() THEN p.left_at END AS left_at, nullif(p.due_at, '-infinity') AS due_at, translate(lower(p.step), '_-', '  ') AS step
		FROM crmaudit.step() p WHERE p.case_kind = 'hazard'
	), cases AS (
		SELECT p.case_id, min(p.entered_at) AS found_at,
			min(p.entered_at) FILTER (WHERE p.step = 'notice') AS notice_at,
			max(p.due_at) FILTER (WHERE p.step = 'notice') AS deadline,
			min(p.left_at) FILTER (WHERE p.step = 'cause') AS cause_at,
			min(p.left_at) FILTER (WHERE p.step = 'plan') AS plan_at,
			max(p.left_at) FILTER (WHERE p.step IN ('recheck', 're check')) AS recheck_at,
			max(coalesce(p.left_at, p.entered_at)) FILTER (WHERE p.step IN ('closed', 'close') AND p.entered_at <= now()) AS closed_at
		FROM step p GROUP BY p.case_id
	)
	SELECT c.case_id, c.found_at, c.notice_at, c.deadline, c.cause_at, c.plan_at, c.recheck_at, c.closed_at, m.missing,
		CASE WHEN c.closed_at IS NOT NULL AND (cardinality(m.missing) > 0 OR nullif(c.closed_at, '-infinity') < c.recheck_at) THEN 'closed with a step missing'
			WHEN c.closed_at > c.deadline THEN 'closed late' WHEN c.closed_at IS NOT NULL THEN 'closed'
			WHEN now() > c.deadline THEN 'overdue' ELSE 'open' END AS state
	FROM cases c
	CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
		CASE WHEN c.notice_at IS NULL THEN 'notice' END, CASE WHEN c.deadline IS NULL THEN 'deadline' END, CASE WHEN c.cause_at IS NULL THEN 'cause' END,
		CASE WHEN c.plan_at IS NULL THEN 'plan' END, CASE WHEN c.recheck_at IS NULL THEN 're-check' END, CASE WHEN c.closed_at IS NULL THEN 'closed' END], NULL) AS missing) m
	ORDER BY c.found_at, c.case_id;
COMMENT ON VIEW crmaudit.hazard_cases IS 'cases of kind hazard: each with its notice and deadline, cause, plan, re-check and closing, what is missing, and what is overdue or was closed without a step (D43)';
