-- 81-complaints: the staff's work with customers, complaints and what becomes
-- of them, satisfaction, clues for the audit, and look-ups.
--
-- Views read entities (77), so they run with the reader's rights on the CRM's
-- own tables. Days and months are those of the reports' time zone, which each
-- view asks for once.

CREATE TABLE crmaudit.work_word (
	word text PRIMARY KEY,
	english text NOT NULL,
	chinese text NOT NULL
);
COMMENT ON TABLE crmaudit.work_word IS 'reasons in words, of the audit views on complaints, payments and contracts';
INSERT INTO crmaudit.work_word VALUES
	('complaint', 'A customer complained.', '客户投诉。'),
	('report', 'A customer reported wrongdoing.', '客户举报违规行为。'),
	('opinion', 'A customer gave an opinion.', '客户提出意见。'),
	('complaint_upheld', 'A complaint was upheld.', '投诉经查属实。'),
	('report_upheld', 'A report of wrongdoing was upheld.', '举报经查属实。'),
	('dissatisfied', 'A customer is dissatisfied.', '客户评价为不满意。'),
	('dates_missing', 'Dates are missing', '缺少日期'),
	('dates_reversed', 'The last day is before the first.', '到期日早于生效日。'),
	('expired_active', 'It has expired, and its status says that it has not.', '已到期，状态仍为有效。'),
	('unsigned', 'It is not signed', '未签字'),
	('no_approval', 'Its amount needs an approval, and there is none.', '金额需经审批，但无审批记录。'),
	('other_name_and_account', 'Name and account of the payer are not the customer''s.', '付款户名、账号均非客户本人。'),
	('other_name', 'The name of the payer is not the customer''s.', '付款户名非客户本人。'),
	('other_account', 'The account is not the one known of the customer.', '付款账号非客户登记账号。'),
	('staff_account', 'The account is a staff member''s.', '付款账号属于员工。'),
	('adviser_name', 'The payer has the name of the customer''s adviser.', '付款户名与经办人同名。'),
	('staff_name', 'The payer has the name of a staff member.', '付款户名与员工同名。'),
	('one_account', 'One account pays for several customers of the same adviser who have no other account in common.', '同一账号为同一经办人名下多个客户付款，且客户之间并无共同账号。'),
	('signed_by_adviser', 'It bears the name of the adviser instead of the customer''s.', '由经办人代客户签字。'),
	('signed_by_staff', 'It bears the name of a staff member instead of the customer''s.', '由员工代客户签字。'),
	('signed_by_other', 'It bears another name than the customer''s.', '签字人非客户本人。'),
	('signed_by_no_contact', 'Who signed is none of the company''s contacts.', '签字人不在企业联系人之列。');
UPDATE crmaudit.work_word SET chinese = crmaudit.unescape(chinese, english);

-- Which language the session speaks, the library knows. Inlined, so that a
-- query that asks loads the library before it starts parallel workers: loaded
-- later, it would lose what the session has set.
CREATE FUNCTION crmaudit.speaks_english() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN crmaudit.reason_in_words('missing') ~ '^[[:ascii:]]+$';
COMMENT ON FUNCTION crmaudit.speaks_english() IS 'whether words are English in this session, by crmaudit.language';

-- A complaint is one of mis-selling if one of these is part of its reason.
INSERT INTO crmaudit.value_list (list, value, builtin) VALUES
	('mis_selling', 'mis-sell', true),
	('mis_selling', 'misselling', true),
	('mis_selling', 'mis_sell', true),
	('mis_selling', 'mislead', true),
	('mis_selling', 'misrepresent', true);
INSERT INTO crmaudit.value_list (list, value, builtin)
	SELECT 'mis_selling', w.word, true FROM (SELECT crmaudit.unescape('误导', NULL) AS word) w WHERE w.word IS NOT NULL;

-- A body that is parsed now: what a backslash means in it is settled.
CREATE FUNCTION crmaudit.search_pattern(search text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '%' || replace(replace(replace(search, '\', '\\'), '%', '\%'), '_', '\_') || '%';
COMMENT ON FUNCTION crmaudit.search_pattern(text) IS 'a pattern for LIKE that contains a text, whatever characters it has';

-- Complaints --------------------------------------------------------------------------

-- An answer that is older than the complaint is none: of it the day counts,
-- for many a CRM keeps no more. Nor is one that has not been given yet.
CREATE VIEW crmaudit.complaint_timeliness WITH (security_invoker = true) AS
	WITH settings AS MATERIALIZED (
		SELECT crmaudit.report_time_zone() AS zone
	), complaints AS (
		SELECT c.complaint_id, c.customer_id, c.staff_id, c.kind, c.channel, c.opened_at, c.decided_at, c.closed_at, c.upheld, c.reason,
			CASE WHEN c.kind = 'report' THEN '10 working days' ELSE '5 working days' END AS within,
			CASE WHEN c.kind = 'opinion' THEN (SELECT min(v.at) FROM (VALUES (c.answered_at), (c.decided_at), (c.closed_at)) AS v(at)
					WHERE (v.at AT TIME ZONE s.zone)::date >= (c.opened_at AT TIME ZONE s.zone)::date)
				ELSE c.answered_at END AS answered_at, s.zone
		FROM (SELECT k.complaint_id, k.customer_id, k.staff_id, k.kind, k.channel, CASE WHEN isfinite(k.opened_at) THEN k.opened_at END AS opened_at,
				k.answered_at, k.decided_at, k.closed_at, k.upheld, k.reason FROM crmaudit.complaint() k) c CROSS JOIN settings s
	), dated AS MATERIALIZED (
		SELECT c.complaint_id, c.customer_id, c.staff_id, c.kind, c.channel, c.opened_at, c.decided_at, c.closed_at, c.upheld, c.reason, c.within,
			crmaudit.due_date(c.opened_at, c.within) AS due_at,
			CASE WHEN (c.answered_at AT TIME ZONE c.zone)::date >= (c.opened_at AT TIME ZONE c.zone)::date AND c.answered_at <= now() THEN c.answered_at END AS answered_at
		FROM complaints c
	)
	SELECT d.complaint_id, d.customer_id, d.staff_id, d.kind, d.channel, d.opened_at, d.within, d.due_at, d.answered_at,
		CASE WHEN d.due_at IS NULL THEN 'unknown'
			WHEN d.answered_at < d.due_at THEN 'met'
			WHEN d.answered_at IS NOT NULL THEN 'late'
			WHEN now() < d.due_at THEN 'open'
			ELSE 'overdue' END AS state,
		CASE WHEN coalesce(d.answered_at, now()) >= d.due_at THEN coalesce(d.answered_at, now()) - d.due_at END AS late_by,
		d.decided_at, d.closed_at, d.upheld, d.reason
	FROM dated d
	ORDER BY d.due_at, d.opened_at, d.complaint_id;
COMMENT ON VIEW crmaudit.complaint_timeliness IS 'every complaint with its deadline: a complaint is to be answered in 5 working days, a report of wrongdoing in 10, an opinion handled (answered, decided or closed) in 5; state is met, late, open, overdue, or unknown without a time of receipt or where the calendar does not know the year (D12, D19)';

-- A function, as some others below: ids that are expressions over a column have
-- no statistics, so that planning takes joins for a thousand times as large, and
-- chooses what is slow.
CREATE FUNCTION crmaudit.complaint_analysis_rows()
RETURNS TABLE (grouped_by text, value text, complaints bigint, share numeric, customers bigint, upheld bigint, upheld_rate numeric, in_time bigint, late bigint, overdue bigint, open bigint, in_time_rate numeric, median_days_to_answer numeric, median_days_to_close numeric)
LANGUAGE sql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET enable_nestloop = off SET work_mem = '64MB' AS $$
	WITH timeliness AS MATERIALIZED (
		SELECT t.* FROM crmaudit.complaint_timeliness t
	), customer AS (
		-- several sources may know him
		SELECT c.customer_id, min(c.segment) AS segment, min(c.region) AS region FROM crmaudit.customer() c
		WHERE c.customer_id IN (SELECT t.customer_id FROM timeliness t) GROUP BY c.customer_id
	), complaints AS MATERIALIZED (
		SELECT hashtextextended(t.customer_id, 0) AS customer, t.kind, t.channel, t.reason, t.staff_id, t.state, t.upheld,
			c.segment, c.region,
			(extract(epoch FROM CASE WHEN t.answered_at IS NOT NULL THEN greatest(t.answered_at - t.opened_at, '0') END) / 86400)::float8 AS days_to_answer,
			(extract(epoch FROM CASE WHEN t.closed_at >= t.opened_at AND t.closed_at < 'infinity' THEN t.closed_at - t.opened_at END) / 86400)::float8 AS days_to_close
		FROM timeliness t LEFT JOIN customer c ON c.customer_id = t.customer_id
	), valued AS (
		SELECT g.position, g.value COLLATE "C" AS value, c.customer, c.state, c.upheld, c.days_to_answer, c.days_to_close
		FROM complaints c
		CROSS JOIN LATERAL (VALUES (1, NULL), (2, c.kind), (3, c.channel), (4, c.reason), (5, c.staff_id), (6, c.segment), (7, c.region)) AS g(position, value)
	), figures AS (
		SELECT v.position, v.value, count(*) AS complaints,
			count(*) FILTER (WHERE v.upheld) AS upheld, count(v.upheld) AS decided,
			count(*) FILTER (WHERE v.state = 'met') AS in_time, count(*) FILTER (WHERE v.state = 'late') AS late,
			count(*) FILTER (WHERE v.state = 'overdue') AS overdue, count(*) FILTER (WHERE v.state = 'open') AS open,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY v.days_to_answer) AS days_to_answer,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY v.days_to_close) AS days_to_close
		FROM valued v GROUP BY v.position, v.value
	), customers AS (
		SELECT d.position, d.value, count(d.customer) AS customers
		FROM (SELECT DISTINCT v.position, v.value, v.customer FROM valued v) d GROUP BY d.position, d.value
	)
	SELECT (ARRAY['all', 'kind', 'channel', 'reason', 'staff', 'segment', 'region'])[f.position] AS grouped_by, f.value, f.complaints,
		round(f.complaints / sum(f.complaints) OVER (PARTITION BY f.position), 3) AS share,
		c.customers, f.upheld, round(f.upheld::numeric / nullif(f.decided, 0), 3) AS upheld_rate,
		f.in_time, f.late, f.overdue, f.open,
		round(f.in_time::numeric / nullif(f.in_time + f.late + f.overdue, 0), 3) AS in_time_rate,
		round(f.days_to_answer::numeric, 1) AS median_days_to_answer, round(f.days_to_close::numeric, 1) AS median_days_to_close
	FROM figures f LEFT JOIN customers c ON c.position = f.position AND coalesce(c.value, '') = coalesce(f.value, '') AND c.value IS NOT DISTINCT FROM f.value
	ORDER BY f.position, f.complaints DESC, f.value
$$;
COMMENT ON FUNCTION crmaudit.complaint_analysis_rows() IS 'implementation of complaint_analysis';
CREATE VIEW crmaudit.complaint_analysis WITH (security_invoker = true) AS
	SELECT grouped_by, value, complaints, share, customers, upheld, upheld_rate, in_time, late, overdue, open, in_time_rate, median_days_to_answer, median_days_to_close FROM crmaudit.complaint_analysis_rows();
COMMENT ON VIEW crmaudit.complaint_analysis IS 'all complaints, and by kind, channel, reason, staff, and the customer''s segment and region: how many, of how many customers, upheld (rate of those decided), answered in time (rate of those due), and median days to the answer and to the end (D24)';

-- Whoever was not answered is open, closed or not.
CREATE VIEW crmaudit.complaint_monthly WITH (security_invoker = true) AS
	WITH settings AS MATERIALIZED (
		SELECT crmaudit.report_time_zone() AS zone
	), complaints AS (
		SELECT t.kind, t.state, t.upheld, date_trunc('month', t.opened_at AT TIME ZONE s.zone)::date AS opened,
			date_trunc('month', t.answered_at AT TIME ZONE s.zone)::date AS answered,
			(extract(epoch FROM CASE WHEN t.answered_at IS NOT NULL THEN greatest(t.answered_at - t.opened_at, '0') END) / 86400)::float8 AS days_to_answer
		FROM crmaudit.complaint_timeliness t CROSS JOIN settings s
		WHERE t.opened_at IS NOT NULL
	), received AS (
		SELECT c.opened AS month, c.kind, count(*) AS received, count(*) FILTER (WHERE c.state = 'met') AS in_time,
			count(*) FILTER (WHERE c.state = 'late') AS late, count(*) FILTER (WHERE c.state = 'overdue') AS overdue,
			count(*) FILTER (WHERE c.state = 'open') AS open, count(*) FILTER (WHERE c.upheld) AS upheld,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY c.days_to_answer) AS days_to_answer
		FROM complaints c GROUP BY c.opened, c.kind
	), months AS (
		SELECT m.month, m.kind, sum(m.received) AS received, sum(m.answered) AS answered
		FROM (SELECT r.month, r.kind, r.received, 0 AS answered FROM received r
			UNION ALL
			SELECT c.answered, c.kind, 0, count(*) FROM complaints c WHERE c.answered IS NOT NULL GROUP BY c.answered, c.kind) m
		GROUP BY m.month, m.kind
	)
	SELECT m.month, m.kind, m.received::bigint AS received, m.answered::bigint AS answered,
		(sum(m.received - m.answered) OVER (PARTITION BY m.kind ORDER BY m.month))::bigint AS unanswered_at_end,
		coalesce(r.in_time, 0) AS in_time, coalesce(r.late, 0) AS late, coalesce(r.overdue, 0) AS overdue, coalesce(r.open, 0) AS open,
		round(r.in_time::numeric / nullif(r.in_time + r.late + r.overdue, 0), 3) AS in_time_rate,
		coalesce(r.upheld, 0) AS upheld, round(r.days_to_answer::numeric, 1) AS median_days_to_answer
	FROM months m LEFT JOIN received r ON r.month = m.month AND coalesce(r.kind, '') = coalesce(m.kind, '') AND r.kind IS NOT DISTINCT FROM m.kind
	ORDER BY m.month, m.kind;
COMMENT ON VIEW crmaudit.complaint_monthly IS 'by month and kind: complaints received and answered in the month, and unanswered at its end; of those received in the month, how many were answered in time, late, are overdue or not yet due, and were upheld; a month in which none came or was answered has no row (D19)';

-- Satisfaction ----------------------------------------------------------------------------

CREATE VIEW crmaudit.satisfaction WITH (security_invoker = true) AS
	WITH settings AS MATERIALIZED (
		SELECT crmaudit.report_time_zone() AS zone
	), answers AS MATERIALIZED (
		SELECT CASE WHEN isfinite(a.answered_at) THEN date_trunc('month', a.answered_at AT TIME ZONE s.zone)::date END AS month, a.question, a.answer, nullif(btrim(a.reason), '') AS reason
		FROM crmaudit.survey_answer() a CROSS JOIN settings s
	), figures AS (
		SELECT a.month, a.question, count(*) FILTER (WHERE a.answer BETWEEN 1 AND 4) AS answers, count(*) FILTER (WHERE a.answer = 1) AS satisfied,
			count(*) FILTER (WHERE a.answer = 2) AS fairly, count(*) FILTER (WHERE a.answer = 3) AS basically, count(*) FILTER (WHERE a.answer = 4) AS dissatisfied,
			count(*) FILTER (WHERE (a.answer BETWEEN 1 AND 4) IS NOT TRUE) AS no_answer,
			count(*) FILTER (WHERE a.answer = 4 AND a.reason IS NULL) AS without_reason
		FROM answers a GROUP BY a.month, a.question
	), reasons AS (
		SELECT r.month, r.question, string_agg(format('%s (%s)', r.reason, r.times), ', ' ORDER BY r.place) FILTER (WHERE r.place <= 10) AS reasons
		FROM (SELECT a.month, a.question, a.reason, count(*) AS times,
				row_number() OVER (PARTITION BY a.month, a.question ORDER BY count(*) DESC, a.reason) AS place
			FROM answers a WHERE a.answer = 4 AND a.reason IS NOT NULL GROUP BY a.month, a.question, a.reason) r
		GROUP BY r.month, r.question
	)
	SELECT f.month, f.question, f.answers, f.satisfied, f.fairly AS fairly_satisfied, f.basically AS basically_satisfied, f.dissatisfied,
		round((f.satisfied + f.fairly + f.basically)::numeric / nullif(f.answers, 0), 3) AS satisfaction_rate,
		round((f.satisfied + f.fairly)::numeric / nullif(f.answers, 0), 3) AS well_satisfied_rate,
		f.no_answer, f.without_reason, r.reasons
	FROM figures f LEFT JOIN reasons r ON coalesce(r.month, '-infinity') = coalesce(f.month, '-infinity') AND coalesce(r.question, '') = coalesce(f.question, '')
		AND r.question IS NOT DISTINCT FROM f.question
	ORDER BY f.month, f.question;
COMMENT ON VIEW crmaudit.satisfaction IS 'answers by month and question in four steps; satisfaction_rate is the share of satisfied, fairly and basically satisfied, well_satisfied_rate that of the first two; no_answer counts what is none of the four, without_reason the dissatisfied who gave no reason, and reasons has the ten most frequent ones of the others (D20)';

-- Clues -------------------------------------------------------------------------------------

-- What recurs within a year, from one customer or about one staff member, is
-- no accident.
CREATE VIEW crmaudit.audit_clues WITH (security_invoker = true) AS
	WITH settings AS MATERIALIZED (
		SELECT crmaudit.report_time_zone() AS zone
	), clues AS (
		SELECT CASE WHEN c.kind IN ('report', 'opinion') THEN c.kind ELSE 'complaint' END AS clue,
			'complaint' AS entity, c.complaint_id AS id, c.customer_id, c.staff_id, c.opened_at AS at, coalesce(c.upheld, false) AS is_upheld, c.reason
		FROM crmaudit.complaint() c
		UNION ALL
		SELECT 'dissatisfied', 'survey_answer', a.answer_id, a.customer_id, a.staff_id, a.answered_at, false, a.reason
		FROM crmaudit.survey_answer() a WHERE a.answer = 4
	), dated AS MATERIALIZED (
		SELECT l.clue, l.entity, l.id, l.customer_id, l.staff_id, l.at, l.is_upheld, l.reason, CASE WHEN isfinite(l.at) THEN (l.at AT TIME ZONE s.zone)::date END AS day
		FROM clues l CROSS JOIN settings s
	), counted AS (
		SELECT l.clue, l.entity, l.id, l.customer_id, l.staff_id, l.at, l.is_upheld, l.reason,
			CASE WHEN l.customer_id IS NULL OR l.day IS NULL THEN 1 ELSE count(*) OVER (PARTITION BY l.customer_id ORDER BY l.day RANGE BETWEEN '1 year' PRECEDING AND CURRENT ROW) END AS of_customer,
			CASE WHEN l.staff_id IS NULL OR l.day IS NULL THEN 1 ELSE count(*) OVER (PARTITION BY l.staff_id ORDER BY l.day RANGE BETWEEN '90 days' PRECEDING AND CURRENT ROW) END AS of_staff
		FROM dated l
	), judged AS (
		SELECT c.clue, c.entity, c.id, c.customer_id, c.staff_id, c.at, c.reason, c.of_customer, c.of_staff,
			c.clue || CASE WHEN c.is_upheld AND c.clue IN ('complaint', 'report') THEN '_upheld' ELSE '' END AS word,
			CASE WHEN c.clue = 'report' AND c.is_upheld THEN 'critical' WHEN c.clue = 'report' OR c.is_upheld THEN 'error'
				WHEN c.clue = 'opinion' THEN 'info' ELSE 'warning' END::crmaudit.severity AS severity,
			c.of_customer >= 2 OR c.of_staff >= 3 AS is_recurring
		FROM counted c
	)
	SELECT j.clue, j.severity, j.is_recurring AS early_warning, j.at, j.customer_id, j.staff_id, j.entity, j.id, j.reason,
		j.of_customer AS of_customer_in_a_year, j.of_staff AS of_staff_in_90_days,
		CASE WHEN (SELECT crmaudit.speaks_english()) THEN w.english ELSE w.chinese END AS in_words
	FROM judged j JOIN crmaudit.work_word w ON w.word = j.word
	ORDER BY j.severity DESC, j.is_recurring DESC, j.at DESC, j.entity, j.id;
COMMENT ON VIEW crmaudit.audit_clues IS 'complaints, reports, opinions and dissatisfied answers as clues for the audit, the gravest first; early_warning: the second or a further one of the customer within a year, or the third or a further one about the staff member within 90 days, itself counted (D26)';

-- Staff ---------------------------------------------------------------------------------------

-- Periods are whole months, so that what was done is counted by month, once
-- for all plans.
CREATE FUNCTION crmaudit.visit_plan_completion_rows()
RETURNS TABLE (plan_id text, staff_id text, period text, starts_on date, ends_on date, approved boolean, visits_planned integer, visits_done bigint, visit_rate numeric, new_customers_planned integer, new_customers_done bigint, new_customer_rate numeric, volume_planned numeric, volume_done numeric, volume_rate numeric, state text)
LANGUAGE sql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET enable_nestloop = off SET work_mem = '64MB' SET enable_sort = off AS $$
	WITH settings AS MATERIALIZED (
		SELECT z.zone, (now() AT TIME ZONE z.zone)::date AS today FROM (SELECT crmaudit.report_time_zone() AS zone) z
	), given AS MATERIALIZED (
		SELECT p.plan_id, p.staff_id, p.period, p.visits, p.new_customers, p.volume, p.approved_by, p.approved_at FROM crmaudit.plan() p
	), periods AS MATERIALIZED (
		SELECT d.period, lower(d.days) AS starts_on, upper(d.days) - 1 AS ends_on
		FROM (SELECT g.period, crmaudit.period_range(g.period) AS days FROM given g GROUP BY g.period) d
	), deeds AS MATERIALIZED (
		SELECT d.staff_id, d.month, sum(d.visits) AS visits, sum(d.new_customers) AS new_customers, sum(d.volume) AS volume, sum(d.business) AS business
		FROM (SELECT i.staff_id, date_trunc('month', i.occurred_at AT TIME ZONE t.zone)::date AS month, count(*) AS visits, 0 AS new_customers, 0 AS volume, 0 AS business
			FROM crmaudit.interaction() i CROSS JOIN settings t
			WHERE i.kind = 'visit' AND coalesce(i.outcome, 'reached') = 'reached' AND i.occurred_at <= now() AND EXISTS (SELECT FROM given) GROUP BY 1, 2
			UNION ALL
			SELECT c.owner, date_trunc('month', c.since::timestamp)::date, 0, count(*), 0, count(*)
			-- several sources may know him
			FROM (SELECT min(k.owner) AS owner, min(nullif(k.since, '-infinity')) AS since FROM crmaudit.customer() k WHERE EXISTS (SELECT FROM given) GROUP BY k.customer_id) c CROSS JOIN settings t
			WHERE (c.since > t.today) IS NOT TRUE GROUP BY 1, 2
			UNION ALL
			SELECT c.staff_id, date_trunc('month', c.signed_at AT TIME ZONE t.zone)::date, 0, 0, sum(c.amount), count(*)
			FROM crmaudit.contract() c CROSS JOIN settings t
			WHERE (c.signed_at > now()) IS NOT TRUE AND (c.status IN ('draft', 'offered')) IS NOT TRUE AND EXISTS (SELECT FROM given) GROUP BY 1, 2) d
		WHERE d.staff_id IS NOT NULL
		GROUP BY d.staff_id, d.month
	), sellers AS (
		SELECT s.staff_id FROM crmaudit.staff() s
		WHERE s.active IS NOT FALSE AND s.staff_id IN (SELECT d.staff_id FROM deeds d WHERE d.business > 0)
		GROUP BY s.staff_id
	), plans AS MATERIALIZED (
		SELECT g.plan_id, g.staff_id, g.period, g.visits, g.new_customers, g.volume, coalesce(g.approved_by, g.approved_at::text) IS NOT NULL AS approved, true AS is_given FROM given g
		UNION ALL
		SELECT NULL, s.staff_id, p.period, NULL, NULL, NULL, NULL, false
		FROM sellers s CROSS JOIN periods p CROSS JOIN settings t
		LEFT JOIN given g ON g.staff_id = s.staff_id AND g.period = p.period
		WHERE p.starts_on <= t.today AND p.ends_on >= t.today - interval '1 year' AND g.period IS NULL
	), done AS (
		SELECT p.staff_id, p.period, sum(d.visits) AS visits, sum(d.new_customers) AS new_customers, sum(d.volume) AS volume
		FROM (SELECT DISTINCT staff_id, period FROM plans) p
		JOIN (SELECT r.period, generate_series(r.starts_on::timestamp, r.ends_on::timestamp, '1 month')::date AS month FROM periods r) m ON m.period = p.period
		JOIN deeds d ON d.staff_id = p.staff_id AND d.month = m.month
		GROUP BY p.staff_id, p.period
	), figures AS (
		SELECT p.plan_id, p.staff_id, p.period, r.starts_on, r.ends_on, p.approved, p.is_given, p.visits, p.new_customers, p.volume,
			coalesce(d.visits, 0) AS visits_done, coalesce(d.new_customers, 0) AS new_customers_done, coalesce(d.volume, 0) AS volume_done
		FROM plans p LEFT JOIN periods r ON r.period = p.period
		LEFT JOIN done d ON d.staff_id = p.staff_id AND d.period = p.period
	)
	SELECT f.plan_id, f.staff_id, f.period, f.starts_on, f.ends_on, f.approved,
		f.visits AS visits_planned, f.visits_done::bigint AS visits_done, round(f.visits_done / nullif(f.visits, 0), 3) AS visit_rate,
		f.new_customers AS new_customers_planned, f.new_customers_done::bigint AS new_customers_done,
		round(f.new_customers_done / nullif(f.new_customers, 0), 3) AS new_customer_rate,
		f.volume AS volume_planned, f.volume_done, round(f.volume_done / nullif(f.volume, 0), 3) AS volume_rate,
		CASE WHEN NOT f.is_given THEN 'no plan'
			WHEN f.starts_on IS NULL THEN 'unknown period'
			WHEN f.starts_on > t.today THEN 'not begun'
			WHEN coalesce(f.visits, f.new_customers, f.volume) IS NULL THEN 'no targets'
			WHEN f.visits_done >= coalesce(f.visits, 0) AND f.new_customers_done >= coalesce(f.new_customers, 0) AND f.volume_done >= coalesce(f.volume, 0) THEN 'fulfilled'
			WHEN f.ends_on >= t.today THEN 'running'
			ELSE 'missed' END AS state
	FROM figures f CROSS JOIN settings t
	ORDER BY f.starts_on, f.ends_on, f.staff_id, f.plan_id
$$;
COMMENT ON FUNCTION crmaudit.visit_plan_completion_rows() IS 'implementation of visit_plan_completion';
CREATE VIEW crmaudit.visit_plan_completion WITH (security_invoker = true) AS
	SELECT plan_id, staff_id, period, starts_on, ends_on, approved, visits_planned, visits_done, visit_rate, new_customers_planned, new_customers_done, new_customer_rate, volume_planned, volume_done, volume_rate, state FROM crmaudit.visit_plan_completion_rows();
COMMENT ON VIEW crmaudit.visit_plan_completion IS 'each plan beside what was done in its period: visits that reached the customer, new customers (by owner and since), volume (amount of contracts signed); state is fulfilled, running, missed, not begun, no targets, unknown period, or no plan: somebody active who has customers or contracts lacks a plan for a period of the last year for which others have one (D18)';

-- The owner is who owns the customer now. Several sources may know a customer:
-- he has left when he has left all of them. Years between two in which
-- something happened, and up to this one, are told from sums by person, which
-- are few; a date of two thousand years ago stands for none.
CREATE VIEW crmaudit.churn_by_staff WITH (security_invoker = true) AS
	WITH settings AS MATERIALIZED (
		SELECT z.zone, (now() AT TIME ZONE z.zone)::date AS today FROM (SELECT crmaudit.report_time_zone() AS zone) z
	), customers AS (
		SELECT c.customer_id COLLATE "C" AS customer_id, c.owner, date_part('year', c.since)::int AS since, c.closed_at, date_part('year', c.closed_at AT TIME ZONE s.zone)::int AS closed
		FROM (SELECT k.customer_id, min(k.owner) AS owner, min(nullif(k.since, '-infinity')) AS since, CASE WHEN bool_and(coalesce(k.closed_at <= now(), false)) THEN max(k.closed_at) END AS closed_at
			FROM crmaudit.customer() k GROUP BY k.customer_id) c CROSS JOIN settings s
		-- who left, nobody knows when, was there in no year that is known
		WHERE (c.since > s.today) IS NOT TRUE AND (c.closed_at = '-infinity') IS NOT TRUE
	), complainants AS (
		SELECT DISTINCT c.customer_id FROM customers c CROSS JOIN settings s JOIN crmaudit.complaint() p ON p.customer_id = c.customer_id
		WHERE c.closed IS NOT NULL AND p.opened_at <= c.closed_at AND (p.opened_at AT TIME ZONE s.zone) > (c.closed_at AT TIME ZONE s.zone) - interval '1 year'
	), events AS (
		-- who came at a time unknown was there before all others
		SELECT e.owner, e.year, sum(e.won) AS won, sum(e.lost) AS lost, sum(e.complained) AS complained
		FROM (SELECT c.owner, coalesce(least(c.since, c.closed), -1) AS year, count(*) AS won, 0 AS lost, 0 AS complained
			FROM (SELECT owner, since, CASE WHEN since IS NOT NULL THEN closed END AS closed FROM customers) c GROUP BY 1, 2
			UNION ALL
			SELECT c.owner, c.closed, 0, count(*), count(p.customer_id) FROM customers c LEFT JOIN complainants p ON p.customer_id = c.customer_id WHERE c.closed IS NOT NULL GROUP BY 1, 2) e
		GROUP BY e.owner, e.year
	), figures AS (
		SELECT e.owner, e.year, e.won, e.lost, e.complained, sum(e.won - e.lost) OVER so_far AS at_end, lead(e.year) OVER so_far AS next_year
		FROM events e WINDOW so_far AS (PARTITION BY e.owner ORDER BY e.year)
	), span AS (
		SELECT extract(year FROM s.today)::int AS this_year,
			greatest(coalesce((SELECT min(e.year) FROM events e WHERE e.year >= 0), extract(year FROM s.today)::int), extract(year FROM s.today)::int - 99) AS first_year
		FROM settings s
	), years AS (
		SELECT f.owner, f.year, f.at_end - f.won + f.lost AS at_start, f.won, f.lost, f.at_end, f.complained FROM figures f WHERE f.year >= 0
		UNION ALL
		SELECT f.owner, y.year, f.at_end, 0, 0, f.at_end, 0
		FROM figures f CROSS JOIN span s CROSS JOIN LATERAL generate_series(greatest(f.year + 1, s.first_year), coalesce(f.next_year - 1, s.this_year)) AS y(year)
		WHERE f.at_end > 0
	), names AS (
		SELECT s.staff_id, min(s.name) AS name FROM crmaudit.staff() s GROUP BY s.staff_id
	)
	SELECT y.owner AS staff_id, n.name, y.year, y.at_start::bigint AS at_start, y.won::bigint AS won, y.lost::bigint AS lost,
		y.at_end::bigint AS at_end, round(y.lost / nullif(y.at_start + y.won, 0), 3) AS churn_rate, y.complained::bigint AS lost_after_complaint
	FROM years y LEFT JOIN names n ON n.staff_id = y.owner
	ORDER BY y.year, churn_rate DESC NULLS LAST, y.owner;
COMMENT ON VIEW crmaudit.churn_by_staff IS 'customers of each staff member (their owner now; NULL: nobody''s) by calendar year: had at its start, won, lost, and at its end; churn_rate is the lost ones'' share of those had in the year; lost_after_complaint had complained within a year before they left; each has a row for every year up to this one in which he had customers (for one in which none came or left, of the last hundred years) (D18, D22)';

CREATE FUNCTION crmaudit.staff_appraisal_rows()
RETURNS TABLE (year int, staff_id text, name text, department text, visits_planned bigint, visits_done bigint, plan_completion numeric, plans_missing bigint, customers bigint, lost bigint, churn_rate numeric, incomplete_cases bigint, false_cases bigint, obligations_overdue bigint, obligations_late bigint, complaints bigint, upheld_complaints bigint, answers bigint, dissatisfied bigint, satisfaction_rate numeric, trained_at timestamptz)
LANGUAGE sql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET work_mem = '64MB' AS $$
	WITH settings AS MATERIALIZED (
		SELECT z.zone, (now() AT TIME ZONE z.zone)::date AS today FROM (SELECT crmaudit.report_time_zone() AS zone) z
	), persons AS MATERIALIZED (
		SELECT s.staff_id, min(s.name) AS name, min(s.department) AS department, max(s.trained_at) AS trained_at FROM crmaudit.staff() s GROUP BY s.staff_id
	), plans AS (
		-- plans by month tell; by quarter or year only where there are none
		SELECT p.staff_id, p.year, sum(p.visits_planned) AS planned, sum(p.visits_done) FILTER (WHERE p.visits_planned IS NOT NULL) AS done,
			count(*) FILTER (WHERE p.state = 'no plan') AS missing
		FROM (SELECT v.staff_id, extract(year FROM v.starts_on)::int AS year, v.visits_planned, v.visits_done, v.state,
				dense_rank() OVER (PARTITION BY v.staff_id, extract(year FROM v.starts_on), v.visits_planned IS NULL
					ORDER BY CASE WHEN v.ends_on - v.starts_on <= 31 THEN 1 WHEN v.ends_on - v.starts_on <= 92 THEN 2 ELSE 3 END) AS length
			FROM crmaudit.visit_plan_completion v CROSS JOIN settings t WHERE v.starts_on <= t.today) p
		WHERE p.state = 'no plan' OR p.visits_planned IS NOT NULL AND p.length = 1
		GROUP BY p.staff_id, p.year
	), cases AS (
		-- against whoever entered them, if that is known to be one of the staff, or else the owner
		SELECT coalesce(e.staff_id, c.owner) AS staff_id, extract(year FROM c.period_start)::int AS year, sum(c.incomplete_cases) AS incomplete, sum(c.false_cases) AS false
		FROM crmaudit.case_statistics c LEFT JOIN persons e ON e.staff_id = c.entered_by
		WHERE c.period_kind = 'quarter' GROUP BY 1, 2
	), measures AS (
		SELECT p.staff_id, p.year, p.planned, p.done, p.missing, NULL::numeric AS customers, NULL::numeric AS lost, 0 AS incomplete, 0 AS false, 0 AS overdue, 0 AS late, 0 AS complaints, 0 AS upheld, 0 AS answers, 0 AS dissatisfied FROM plans p
		UNION ALL
		SELECT c.staff_id, c.year, NULL, NULL, 0, c.at_start + c.won, c.lost, 0, 0, 0, 0, 0, 0, 0, 0 FROM crmaudit.churn_by_staff c
		UNION ALL
		SELECT c.staff_id, c.year, NULL, NULL, 0, NULL, NULL, c.incomplete, c.false, 0, 0, 0, 0, 0, 0 FROM cases c
		UNION ALL
		SELECT o.staff_id, extract(year FROM o.due_at AT TIME ZONE t.zone)::int, NULL, NULL, 0, NULL, NULL, 0, 0, count(*) FILTER (WHERE o.state = 'overdue'), count(*) FILTER (WHERE o.state = 'late'), 0, 0, 0, 0
		FROM crmaudit.obligation_status o CROSS JOIN settings t WHERE o.state IN ('overdue', 'late') AND isfinite(o.due_at) GROUP BY 1, 2
		UNION ALL
		SELECT c.staff_id, extract(year FROM c.opened_at AT TIME ZONE t.zone)::int, NULL, NULL, 0, NULL, NULL, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE c.upheld), 0, 0
		FROM crmaudit.complaint() c CROSS JOIN settings t WHERE c.kind IS DISTINCT FROM 'opinion' AND isfinite(c.opened_at) GROUP BY 1, 2
		UNION ALL
		SELECT a.staff_id, extract(year FROM a.answered_at AT TIME ZONE t.zone)::int, NULL, NULL, 0, NULL, NULL, 0, 0, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE a.answer = 4)
		FROM crmaudit.survey_answer() a CROSS JOIN settings t WHERE a.answer BETWEEN 1 AND 4 AND isfinite(a.answered_at) GROUP BY 1, 2
	), sums AS (
		SELECT m.staff_id, m.year, sum(m.planned) AS planned, sum(m.done) AS done, sum(m.missing) AS missing, sum(m.customers) AS customers, sum(m.lost) AS lost,
			sum(m.incomplete) AS incomplete, sum(m.false) AS false, sum(m.overdue) AS overdue, sum(m.late) AS late, sum(m.complaints) AS complaints, sum(m.upheld) AS upheld,
			sum(m.answers) AS answers, sum(m.dissatisfied) AS dissatisfied
		FROM measures m WHERE m.staff_id IS NOT NULL AND m.year IS NOT NULL
		GROUP BY m.staff_id, m.year
	)
	SELECT s.year, s.staff_id, p.name, p.department, s.planned::bigint AS visits_planned, s.done::bigint AS visits_done, round(s.done / nullif(s.planned, 0), 3) AS plan_completion,
		s.missing::bigint AS plans_missing, s.customers::bigint AS customers, s.lost::bigint AS lost, round(s.lost / nullif(s.customers, 0), 3) AS churn_rate,
		s.incomplete::bigint AS incomplete_cases, s.false::bigint AS false_cases, s.overdue::bigint AS obligations_overdue, s.late::bigint AS obligations_late,
		s.complaints::bigint AS complaints, s.upheld::bigint AS upheld_complaints, s.answers::bigint AS answers, s.dissatisfied::bigint AS dissatisfied,
		round((s.answers - s.dissatisfied) / nullif(s.answers, 0), 3) AS satisfaction_rate, p.trained_at
	FROM sums s LEFT JOIN persons p ON p.staff_id = s.staff_id
	ORDER BY s.year, s.staff_id
$$;
COMMENT ON FUNCTION crmaudit.staff_appraisal_rows() IS 'implementation of staff_appraisal';
CREATE VIEW crmaudit.staff_appraisal WITH (security_invoker = true) AS
	SELECT year, staff_id, name, department, visits_planned, visits_done, plan_completion, plans_missing, customers, lost, churn_rate, incomplete_cases, false_cases, obligations_overdue, obligations_late, complaints, upheld_complaints, answers, dissatisfied, satisfaction_rate, trained_at FROM crmaudit.staff_appraisal_rows();
COMMENT ON VIEW crmaudit.staff_appraisal IS 'figures for the appraisal of each staff member and calendar year: visits planned (by month, or else by quarter or year, in periods that have begun) and done, plans missing; customers had, lost, churn rate; cases of incomplete and of false data, apart (of whoever entered them if he is known, else the owner''s); obligations of the year overdue or fulfilled late; complaints and reports, and those upheld; answers and dissatisfied ones; last training (D8, D18, D44)';

-- Of several sources, or several trainings, the first one counts.
CREATE VIEW crmaudit.untrained_sales WITH (security_invoker = true) AS
	WITH person AS (
		SELECT s.staff_id, min(s.name) AS name, min(s.department) AS department, min(s.trained_at) FILTER (WHERE s.trained_at <= now()) AS trained_at
		FROM crmaudit.staff() s
		WHERE EXISTS (SELECT FROM crmaudit.entity_mapping m WHERE m.entity = 'staff' AND m.columns ? 'trained_at')
		GROUP BY s.staff_id
	), sale AS (
		SELECT k.staff_id, k.contract_id, min(k.signed_at) AS signed_at, min(k.amount) AS amount FROM crmaudit.contract() k
		WHERE k.signed_at > '-infinity' AND k.signed_at <= now() AND (k.status IN ('draft', 'offered')) IS NOT TRUE GROUP BY k.staff_id, k.contract_id
	)
	SELECT p.staff_id, p.name, p.department, p.trained_at, count(*) AS contracts, sum(k.amount) AS amount, min(k.signed_at) AS first_signed_at, max(k.signed_at) AS last_signed_at,
		CASE WHEN p.trained_at IS NULL THEN 'never trained' ELSE 'trained afterwards' END AS state
	FROM person p JOIN sale k ON k.staff_id = p.staff_id
	WHERE (p.trained_at <= k.signed_at) IS NOT TRUE
	GROUP BY p.staff_id, p.name, p.department, p.trained_at
	ORDER BY p.trained_at IS NOT NULL, count(*) DESC, p.staff_id;
COMMENT ON VIEW crmaudit.untrained_sales IS 'whoever sold before he was trained and tested: the contracts that he made before (drafts and offers left out); state is never trained, or trained afterwards, which may be another training than the first where the CRM keeps but the last; empty while trained_at is not mapped (D44)';

-- The year is counted from the day of the first complaint to the same day of
-- the next year, that day included. Complaints that are neighbours in time tell.
CREATE FUNCTION crmaudit.agent_recheck_rows()
RETURNS TABLE (staff_id text, upheld_in_a_year bigint, last_complaint_on date, recheck_from timestamp with time zone, customer_id text, contracts bigint, attempts bigint, rechecked_at timestamp with time zone, rechecked_by text, result text, state text)
LANGUAGE sql STABLE ROWS 1000 SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET enable_nestloop = off SET work_mem = '64MB' AS $$
	WITH settings AS MATERIALIZED (
		SELECT crmaudit.report_time_zone() AS zone,
			ARRAY(SELECT crmaudit.search_pattern(lower(l.value)) FROM crmaudit.value_list l WHERE l.list = 'mis_selling') AS patterns
	), upheld AS (
		SELECT c.staff_id, c.complaint_id, (c.opened_at AT TIME ZONE s.zone)::date AS day, coalesce(CASE WHEN isfinite(c.decided_at) THEN c.decided_at END, CASE WHEN isfinite(c.answered_at) THEN c.answered_at END, CASE WHEN isfinite(c.closed_at) THEN c.closed_at END, c.opened_at) AS known_at
		FROM crmaudit.complaint() c CROSS JOIN settings s
		WHERE c.upheld AND c.kind IS DISTINCT FROM 'opinion' AND c.staff_id IS NOT NULL AND isfinite(c.opened_at)
			AND (c.reason IS NULL OR lower(c.reason) LIKE ANY (s.patterns))
	), neighbours AS (
		SELECT u.staff_id, u.day, u.known_at, lag(u.day) OVER w AS day_before, lag(u.known_at) OVER w AS known_before,
			count(*) OVER (PARTITION BY u.staff_id ORDER BY u.day RANGE BETWEEN '1 year' PRECEDING AND CURRENT ROW) AS upheld
		FROM upheld u WINDOW w AS (PARTITION BY u.staff_id ORDER BY u.day, u.complaint_id)
	), agents AS (
		SELECT DISTINCT ON (n.staff_id) n.staff_id, n.upheld, n.day AS last_on, greatest(n.known_at, n.known_before) AS recheck_from
		FROM neighbours n WHERE n.day <= n.day_before + interval '1 year'
		ORDER BY n.staff_id, n.day DESC, n.upheld DESC, greatest(n.known_at, n.known_before) DESC
	), customers AS (
		SELECT a.staff_id, a.upheld, a.last_on, a.recheck_from, c.customer_id, count(DISTINCT c.contract_id) AS contracts
		FROM agents a LEFT JOIN (SELECT k.staff_id, k.customer_id, k.contract_id FROM crmaudit.contract() k
			WHERE k.customer_id IS NOT NULL AND (k.status IN ('draft', 'offered')) IS NOT TRUE) c ON c.staff_id = a.staff_id
		GROUP BY a.staff_id, a.upheld, a.last_on, a.recheck_from, c.customer_id
	), revisits AS (
		-- the agent himself does not re-check
		SELECT c.staff_id, c.customer_id, count(*) AS attempts,
			(array_agg(i.occurred_at ORDER BY i.occurred_at DESC, i.interaction_id) FILTER (WHERE i.outcome = 'reached'))[1] AS rechecked_at,
			(array_agg(i.staff_id ORDER BY i.occurred_at DESC, i.interaction_id) FILTER (WHERE i.outcome = 'reached'))[1] AS rechecked_by,
			(array_agg(i.result ORDER BY i.occurred_at DESC, i.interaction_id) FILTER (WHERE i.outcome = 'reached'))[1] AS result
		FROM customers c JOIN (SELECT r.customer_id, r.staff_id, r.interaction_id, r.occurred_at, r.outcome, r.result
			FROM crmaudit.interaction() r WHERE r.kind = 'revisit' AND r.occurred_at <= now()) i
			ON i.customer_id = c.customer_id AND i.occurred_at >= c.recheck_from AND i.staff_id IS DISTINCT FROM c.staff_id
		GROUP BY c.staff_id, c.customer_id
	)
	SELECT c.staff_id, c.upheld AS upheld_in_a_year, c.last_on AS last_complaint_on, c.recheck_from, c.customer_id, c.contracts,
		coalesce(r.attempts, 0) AS attempts, r.rechecked_at, r.rechecked_by, r.result,
		CASE WHEN c.customer_id IS NULL THEN 'no customers' WHEN r.rechecked_at IS NOT NULL THEN 'rechecked'
			WHEN r.attempts > 0 THEN 'not reached' ELSE 'open' END AS state
	FROM customers c LEFT JOIN revisits r ON r.staff_id = c.staff_id AND r.customer_id = c.customer_id
	ORDER BY c.staff_id, c.customer_id
$$;
COMMENT ON FUNCTION crmaudit.agent_recheck_rows() IS 'implementation of agent_recheck';
CREATE VIEW crmaudit.agent_recheck WITH (security_invoker = true) AS
	SELECT staff_id, upheld_in_a_year, last_complaint_on, recheck_from, customer_id, contracts, attempts, rechecked_at, rechecked_by, result, state FROM crmaudit.agent_recheck_rows();
COMMENT ON VIEW crmaudit.agent_recheck IS 'whoever had two complaints of mis-selling or reports upheld within one year (whatever the calendar year), with every customer of his contracts, who are all to be re-checked: the last revisit since both were upheld that reached the customer, by somebody else, and its result; the list mis_selling of crmaudit.value_list says which reasons count, and a complaint without a reason does; state is rechecked, not reached, open, or no customers (D7)';

-- Look-ups -------------------------------------------------------------------------------------

-- Where pg_trgm is installed, wherever that is. What it is asked for by is
-- looked up among its members, lest a stranger's operator of the same name is
-- called.
CREATE FUNCTION crmaudit.trigram_operator(OUT operator text, OUT function text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname), p.oid::regproc::text
	FROM pg_extension e
	JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_operator'::regclass
	JOIN pg_operator o ON o.oid = d.objid AND o.oprname = '<%' AND o.oprleft = 'text'::regtype AND o.oprright = 'text'::regtype
	JOIN pg_namespace n ON n.oid = o.oprnamespace
	JOIN pg_depend f ON f.refclassid = 'pg_extension'::regclass AND f.refobjid = e.oid AND f.deptype = 'e' AND f.classid = 'pg_proc'::regclass
	JOIN pg_proc p ON p.oid = f.objid AND p.proname = 'word_similarity'
	WHERE e.extname = 'pg_trgm' AND has_schema_privilege(n.oid, 'USAGE')
$$;
COMMENT ON FUNCTION crmaudit.trigram_operator() IS 'the operator and the function of pg_trgm that compare a word with the words of a text; NULL where pg_trgm is not installed, or the caller may not use its schema';

-- $1 is the search text as it is, in small and in capital letters, $2 the
-- pattern that contains it, $3 that of its digits (NULL for fewer than four), $4
-- how many rows are wanted. Letters without case need no slow comparison.
CREATE FUNCTION crmaudit.lookup_query(search text, query text, outputs text, ids text[], names text[], texts text[], phones text[], then_by text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	word_of text := (SELECT t.operator FROM crmaudit.trigram_operator() t);
	closeness_of text := (SELECT t.function FROM crmaudit.trigram_operator() t);
	matches text := CASE WHEN lower(search) = upper(search) THEN 'LIKE' ELSE 'ILIKE' END;
	identified text := (SELECT string_agg(format('%s = ANY ($1)', c), ' OR ') FROM unnest(ids) c);
	named text := (SELECT string_agg(format('lower(%s) = lower($1[1])', c), ' OR ') FROM unnest(names) c);
	-- as one number, however both are typed
	numbered text := (SELECT string_agg(format('crmaudit.comparable_value(''phone'', %s, ''CN'') = crmaudit.comparable_value(''phone'', $1[1], ''CN'')', c), ' OR ') FROM unnest(phones) c);
	contained text := (SELECT string_agg(format('%s %s $2', c, matches), ' OR ') FROM unnest(names || texts) c);
	-- whom several sources know would show as often
	once text := CASE WHEN EXISTS (SELECT FROM crmaudit.entity_mapping m GROUP BY m.entity HAVING count(*) > 1) THEN 'DISTINCT ' ELSE '' END;
	dialled text := (SELECT string_agg(format('translate(%s, '' -().+/'', '''') LIKE $3', c), ' OR ') FROM unnest(phones) c);
	alike text := (SELECT string_agg(format('$1[1] %s %s', word_of, c), ' OR ') FROM unnest(names) c WHERE word_of IS NOT NULL);
	closeness text := (SELECT string_agg(format('%s($1[1], %s)', closeness_of, replace(c, 'l.', 'm.')), ', ') FROM unnest(names) c WHERE closeness_of IS NOT NULL);
BEGIN
	RETURN format('SELECT %s, m.match FROM (SELECT %sl.*, CASE WHEN %s THEN ''exact'' WHEN %s THEN ''contained'' ELSE ''similar'' END AS match FROM (%s) AS l WHERE %s) AS m '
		|| 'ORDER BY m.match = ''exact'' DESC, m.match = ''contained'' DESC, %s%s LIMIT $4',
		outputs, once, concat_ws(' OR ', identified, named, numbered), concat_ws(' OR ', contained, dialled), query, concat_ws(' OR ', identified, contained, dialled, alike),
		coalesce('CASE WHEN m.match = ''similar'' THEN greatest(' || closeness || ') END DESC NULLS LAST, ', ''), then_by);
END $$;
COMMENT ON FUNCTION crmaudit.lookup_query(text, text, text, text[], text[], text[], text[], text) IS 'SQL of a look-up: rows of a query one of whose ids, names or phones is the search text, whose names or texts contain it, whose phones contain its digits, or whose names are similar; closest first';

CREATE FUNCTION crmaudit.digit_pattern(search text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	-- a mobile number is found with its country code or without
	SELECT '%' || regexp_replace(d.digits, '^(00)?86(?=1[0-9]{10}$)', '') || '%' FROM (SELECT translate(search, ' -().+/', '') AS digits) d WHERE d.digits ~ '^[0-9]{4,}$'
$$;
COMMENT ON FUNCTION crmaudit.digit_pattern(text) IS 'a pattern for LIKE that contains the digits of a phone number as people type it; NULL unless it is at least four digits';

CREATE FUNCTION crmaudit.company_lookup(search text, max_rows int DEFAULT 50)
RETURNS TABLE (customer_id text, name text, kind text, segment text, size text, industry text, main_business text, operating_condition text, region text,
	owner text, since date, closed_at timestamptz, annual_volume numeric, risk text, match text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET work_mem = '64MB' AS $$
BEGIN
	RETURN QUERY EXECUTE crmaudit.lookup_query(btrim(search), 'SELECT * FROM crmaudit.customer()',
		'm.customer_id, m.name, m.kind, m.segment, m.size, m.industry, m.main_business, m.operating_condition, m.region, m.owner, m.since, m.closed_at, m.annual_volume, m.risk',
		'{l.customer_id}', '{l.name}', '{}', '{}', 'length(m.name), m.name, m.customer_id')
		USING ARRAY[btrim(search), lower(btrim(search)), upper(btrim(search))], crmaudit.search_pattern(btrim(search)), crmaudit.digit_pattern(search), CASE WHEN btrim(search) = '' THEN 0 ELSE max_rows END;
END $$;
COMMENT ON FUNCTION crmaudit.company_lookup(text, int) IS 'customers, companies and persons, by number or name; read with the caller''s rights (D27)';

CREATE FUNCTION crmaudit.contact_lookup(search text, max_rows int DEFAULT 50)
RETURNS TABLE (contact_id text, name text, "position" text, main boolean, phone text, email text, customer_id text, customer_name text, match text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET work_mem = '64MB' AS $$
BEGIN
	RETURN QUERY EXECUTE crmaudit.lookup_query(btrim(search), 'SELECT t.*, c.name AS customer_name FROM crmaudit.contact() t LEFT JOIN crmaudit.customer() c ON c.customer_id = t.customer_id',
		'm.contact_id, m.name, m.position, m.main, m.phone, m.email, m.customer_id, m.customer_name',
		'{l.contact_id,l.customer_id}', '{l.name,l.customer_name,l.email}', '{}', '{l.phone}', 'm.main DESC NULLS LAST, m.name, m.contact_id')
		USING ARRAY[btrim(search), lower(btrim(search)), upper(btrim(search))], crmaudit.search_pattern(btrim(search)), crmaudit.digit_pattern(search), CASE WHEN btrim(search) = '' THEN 0 ELSE max_rows END;
END $$;
COMMENT ON FUNCTION crmaudit.contact_lookup(text, int) IS 'contact persons by name, phone (as people type it), e-mail address, or their customer''s number or name, main contacts first; read with the caller''s rights (D27)';

CREATE FUNCTION crmaudit.agreement_lookup(search text, max_rows int DEFAULT 50)
RETURNS TABLE (contract_id text, kind text, status text, signed_at timestamptz, signed_by text, starts_on date, ends_on date, amount numeric,
	customer_id text, customer_name text, staff_id text, match text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET work_mem = '64MB' AS $$
BEGIN
	RETURN QUERY EXECUTE crmaudit.lookup_query(btrim(search), 'SELECT t.*, c.name AS customer_name FROM crmaudit.contract() t LEFT JOIN crmaudit.customer() c ON c.customer_id = t.customer_id',
		'm.contract_id, m.kind, m.status, m.signed_at, m.signed_by, m.starts_on, m.ends_on, m.amount, m.customer_id, m.customer_name, m.staff_id',
		'{l.contract_id,l.customer_id}', '{l.customer_name,l.signed_by}', '{l.kind}', '{}', 'm.signed_at DESC NULLS LAST, m.contract_id')
		USING ARRAY[btrim(search), lower(btrim(search)), upper(btrim(search))], crmaudit.search_pattern(btrim(search)), crmaudit.digit_pattern(search), CASE WHEN btrim(search) = '' THEN 0 ELSE max_rows END;
END $$;
COMMENT ON FUNCTION crmaudit.agreement_lookup(text, int) IS 'contracts by number, kind, signer, or their customer''s number or name, the latest first; read with the caller''s rights (D27)';

CREATE FUNCTION crmaudit.visit_lookup(search text, max_rows int DEFAULT 50)
RETURNS TABLE (interaction_id text, kind text, method text, occurred_at timestamptz, outcome text, content text, problem text, result text,
	customer_id text, customer_name text, staff_id text, staff_name text, match text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off SET enable_mergejoin = off SET work_mem = '64MB' AS $$
BEGIN
	RETURN QUERY EXECUTE crmaudit.lookup_query(btrim(search), 'SELECT t.*, c.name AS customer_name, s.name AS staff_name FROM crmaudit.interaction() t '
			|| 'LEFT JOIN crmaudit.customer() c ON c.customer_id = t.customer_id LEFT JOIN crmaudit.staff() s ON s.staff_id = t.staff_id WHERE t.kind IN (''visit'', ''revisit'')',
		'm.interaction_id, m.kind, m.method, m.occurred_at, m.outcome, m.content, m.problem, m.result, m.customer_id, m.customer_name, m.staff_id, m.staff_name',
		'{l.interaction_id,l.customer_id,l.staff_id}', '{l.customer_name,l.staff_name}', '{l.content,l.problem,l.result}', '{}', 'm.occurred_at DESC NULLS LAST, m.interaction_id')
		USING ARRAY[btrim(search), lower(btrim(search)), upper(btrim(search))], crmaudit.search_pattern(btrim(search)), crmaudit.digit_pattern(search), CASE WHEN btrim(search) = '' THEN 0 ELSE max_rows END;
END $$;
COMMENT ON FUNCTION crmaudit.visit_lookup(text, int) IS 'visits and revisits by number, what was found and done, the customer''s number or name, or that of whoever did it, the latest first; read with the caller''s rights (D27)';
