-- 83-customers: the relationship understood: contacts, silence, churn,
-- segments, key customers, credit, the reports, and importance.
--
-- Ids are ordered by "C": other collations sort a million texts ten times as
-- slowly. Days begin in the calendar's time zone. What other views stand on
-- (customer_figures, churn_figures) is not ordered: it would be sorted for nothing.

-- Winsorised values ---------------------------------------------------------------

CREATE FUNCTION crmaudit.winsorize_accum(internal, value float8) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_winsorize_accum';
COMMENT ON FUNCTION crmaudit.winsorize_accum(internal, float8) IS 'transition of winsorize(float8)';
CREATE FUNCTION crmaudit.winsorize_accum(internal, value float8, lower float8, upper float8) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_winsorize_accum';
COMMENT ON FUNCTION crmaudit.winsorize_accum(internal, float8, float8, float8) IS 'transition of winsorize(float8, float8, float8)';
CREATE FUNCTION crmaudit.winsorize_combine(internal, internal) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_winsorize_combine';
COMMENT ON FUNCTION crmaudit.winsorize_combine(internal, internal) IS 'combines states of winsorize()';
CREATE FUNCTION crmaudit.winsorize_serialize(internal) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_winsorize_serialize';
COMMENT ON FUNCTION crmaudit.winsorize_serialize(internal) IS 'hands a state of winsorize() to another process';
CREATE FUNCTION crmaudit.winsorize_deserialize(bytea, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_winsorize_deserialize';
COMMENT ON FUNCTION crmaudit.winsorize_deserialize(bytea, internal) IS 'takes a state of winsorize() from another process';
CREATE FUNCTION crmaudit.winsorize_final(internal) RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_winsorize_final';
COMMENT ON FUNCTION crmaudit.winsorize_final(internal) IS 'result of winsorize()';

CREATE AGGREGATE crmaudit.winsorize(value float8) (
	SFUNC = crmaudit.winsorize_accum, STYPE = internal, FINALFUNC = crmaudit.winsorize_final,
	COMBINEFUNC = crmaudit.winsorize_combine, SERIALFUNC = crmaudit.winsorize_serialize,
	DESERIALFUNC = crmaudit.winsorize_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crmaudit.winsorize(float8) IS 'all values as an array in their order, those below percentile_cont(0.01) or above percentile_cont(0.99) of all of them replaced by that bound; NULLs stay, and do not count (D25)';
CREATE AGGREGATE crmaudit.winsorize(value float8, lower float8, upper float8) (
	SFUNC = crmaudit.winsorize_accum, STYPE = internal, FINALFUNC = crmaudit.winsorize_final,
	COMBINEFUNC = crmaudit.winsorize_combine, SERIALFUNC = crmaudit.winsorize_serialize,
	DESERIALFUNC = crmaudit.winsorize_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE crmaudit.winsorize(float8, float8, float8) IS 'the same at fractions of one''s own, from 0 to 1 (D25)';

CREATE FUNCTION crmaudit.winsorized(value float8, lower float8 DEFAULT 0.01, upper float8 DEFAULT 0.99) RETURNS float8
LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'crmaudit_winsorized';
COMMENT ON FUNCTION crmaudit.winsorized(float8, float8, float8) IS 'window function: the value of the row, or the percentile of the partition''s values that it is below or above; the same figures as winsorize(), each in its row (D25)';

-- Settings ------------------------------------------------------------------------

CREATE TABLE crmaudit.customer_parameter (
	name text PRIMARY KEY,
	value text NOT NULL,
	unit text NOT NULL,
	english text NOT NULL,
	chinese text NOT NULL
);
COMMENT ON TABLE crmaudit.customer_parameter IS 'what the views about customers can be told, with the default; customer_setting changes it';
INSERT INTO crmaudit.customer_parameter VALUES
	('key_volume', '200000', 'yuan a year', 'from this yearly business on a customer is a key customer', '年业务量达到此数即为重点客户'),
	('key_positions', '{deputy manager,副经理,副总经理}', 'positions', 'positions of staff who may own a key customer', '可负责重点客户的职务'),
	('silent_days', '365', 'days', 'a customer without contact for longer is silent', '超过此天数没有联系即为沉默客户'),
	('trend_steady', '0.10', 'share', 'a change of volume up to this is none', '业务量变动不超过此比例视为持平'),
	('value_a', '0.80', 'share', 'class A are the largest customers who make this share of all volume', 'A类：业务量最大、合计占此比例的客户'),
	('value_b', '0.95', 'share', 'class B are the next ones, up to this share', 'B类：其次，累计至此比例的客户'),
	('churn_recency', '30', 'weight', 'weight of the time since the last contact in churn_risk', '流失风险中最近联系时间的权重'),
	('churn_frequency', '20', 'weight', 'weight of contacts that became fewer in churn_risk', '流失风险中联系减少的权重'),
	('churn_complaints', '25', 'weight', 'weight of complaints in churn_risk', '流失风险中投诉的权重'),
	('churn_volume', '25', 'weight', 'weight of volume that falls in churn_risk', '流失风险中业务量下降的权重'),
	('churn_medium', '30', 'points', 'from this score on the risk of churn is medium', '流失风险达到此分为中'),
	('churn_high', '60', 'points', 'from this score on the risk of churn is high: the customer is about to leave', '流失风险达到此分为高，即将流失'),
	('credit_payment', '50', 'weight', 'weight of payment in customer_credit', '信用评分中付款情况的权重'),
	('credit_data', '30', 'weight', 'weight of data quality in customer_credit', '信用评分中资料质量的权重'),
	('credit_complaints', '20', 'weight', 'weight of complaints in customer_credit', '信用评分中投诉的权重'),
	('payment_grace_days', '30', 'days', 'what fell due later than this many days ago need not be paid yet', '到期后在此天数之内可暂不付款');
UPDATE crmaudit.customer_parameter SET chinese = crmaudit.unescape(chinese, english), value = crmaudit.unescape(value, split_part(value, ',', 1) || '}')
	WHERE chinese LIKE '\\u%' OR value LIKE '%\\u%';

CREATE TABLE crmaudit.customer_setting (
	name text PRIMARY KEY,
	value text NOT NULL
);
COMMENT ON TABLE crmaudit.customer_setting IS 'values of customer_parameter that differ from the default, set by the administrator';
SELECT pg_catalog.pg_extension_config_dump('crmaudit.customer_setting', '');

CREATE FUNCTION crmaudit.check_customer_setting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	its_unit text := (SELECT p.unit FROM crmaudit.customer_parameter p WHERE p.name = NEW.name);
	number numeric;
BEGIN
	IF its_unit IS NULL THEN
		RAISE EXCEPTION 'parameter "%" does not exist', NEW.name
			USING ERRCODE = 'undefined_object',
				HINT = 'There are: ' || (SELECT string_agg(p.name, ', ' ORDER BY p.name) FROM crmaudit.customer_parameter p) || '.';
	END IF;
	BEGIN
		IF its_unit = 'positions' THEN
			PERFORM NEW.value::text[];
			RETURN NEW;
		END IF;
		number := NEW.value::numeric;
	EXCEPTION WHEN data_exception THEN
		number := -1;
	END;
	IF its_unit = 'positions' OR number < 0 OR number > (CASE its_unit WHEN 'share' THEN 1 WHEN 'days' THEN 36500 ELSE 1e15 END)
		OR its_unit = 'days' AND number <> trunc(number) THEN
		RAISE EXCEPTION 'parameter "%" cannot have this value', NEW.name
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('It is in %s.', its_unit),
				HINT = CASE its_unit WHEN 'positions' THEN 'It reads like: {deputy manager,director}.' WHEN 'share' THEN 'A share is from 0 to 1.'
					WHEN 'days' THEN 'It is a whole number from 0 to 36500.' ELSE 'It is a number, 0 or more.' END;
	END IF;
	RETURN NEW;
END $$;
COMMENT ON FUNCTION crmaudit.check_customer_setting() IS 'trigger of customer_setting: refuses what is no parameter, or no value of it';
CREATE TRIGGER check_customer_setting BEFORE INSERT OR UPDATE ON crmaudit.customer_setting
	FOR EACH ROW EXECUTE FUNCTION crmaudit.check_customer_setting();

-- Words of reasons; each # is replaced by a figure.
CREATE TABLE crmaudit.customer_word (
	word text PRIMARY KEY,
	english text NOT NULL,
	chinese text NOT NULL
);
COMMENT ON TABLE crmaudit.customer_word IS 'words of churn_risk, customer_churn, key_customers and customer_importance';
INSERT INTO crmaudit.customer_word VALUES
	('recency', 'no contact for # days', '已#天没有联系'),
	('frequency', 'contacts fell from #', '联系次数由#'),
	('frequency to', ' to # a year', '次降至每年#次'),
	('complaints', 'complaints within a year: #', '一年内投诉#次'),
	('upheld', ', upheld: #', '，其中属实#次'),
	('volume', 'volume fell by # %', '业务量下降#%'),
	('left: closed', 'closed', '已销户'),
	('left: contract', 'the last contract ended and none followed', '最后一份合同到期后未续签'),
	('left: gone quiet', 'nothing is known of why', '原因不明'),
	('complained', 'complained: ', '投诉：'),
	('dissatisfied', 'was dissatisfied: ', '不满意：'),
	('key: ok', 'owned as it should be', '负责人符合规定'),
	('key: no owner', 'has no owner', '没有负责人'),
	('key: unknown owner', 'its owner is not among the staff', '负责人不在员工名册内'),
	('key: owner left', 'its owner is no longer active', '负责人已离职'),
	('key: not assessed', 'no staff is mapped, so that positions are not known', '未映射员工信息，无法判断职务'),
	('key: wrong position', 'its owner''s position is not one of those that may own a key customer', '负责人的职务不符合规定'),
	('no fee', 'CI1 not assessed: no fee', 'CI1 无法计算：没有收费'),
	('no fees', 'CI1 not assessed: the fees of the year come to nothing', 'CI1 无法计算：当年收费合计为零'),
	('no assets', 'CI2 not assessed: assets missing, or not above 0', 'CI2 无法计算：资产缺失或不大于零'),
	('no log assets', 'CI2 not assessed: the logs of the year''s assets come to nothing', 'CI2 无法计算：当年资产对数合计不大于零');
UPDATE crmaudit.customer_word SET chinese = crmaudit.unescape(chinese, english);

-- One row, read once a query. The language is asked for by whoever calls: see speaks_english().
CREATE FUNCTION crmaudit.customer_limits(english boolean, OUT today date, OUT this_year int, OUT year_ago timestamptz, OUT two_years_ago timestamptz,
	OUT words jsonb, OUT knows_contacts boolean, OUT knows_complaints boolean, OUT knows_payments boolean, OUT knows_staff boolean, OUT key_volume numeric, OUT key_positions text[], OUT silent_days int, OUT trend_steady numeric,
	OUT value_a numeric, OUT value_b numeric, OUT churn_recency float8, OUT churn_frequency float8, OUT churn_complaints float8,
	OUT churn_volume float8, OUT churn_medium float8, OUT churn_high float8, OUT credit_payment float8, OUT credit_data float8,
	OUT credit_complaints float8, OUT payment_grace_days int)
RETURNS record LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT z.today, extract(year FROM z.today)::int, (z.today - 365)::timestamp AT TIME ZONE z.zone, (z.today - 730)::timestamp AT TIME ZONE z.zone,
		w.words, m.entities && '{interaction,service_request,complaint,survey_answer,contract}', 'complaint' = ANY (m.entities), 'payment' = ANY (m.entities), 'staff' = ANY (m.entities),
		(v.map ->> 'key_volume')::numeric, ARRAY(SELECT lower(btrim(p.position)) FROM unnest((v.map ->> 'key_positions')::text[]) AS p(position)),
		(v.map ->> 'silent_days')::numeric::int, (v.map ->> 'trend_steady')::numeric, (v.map ->> 'value_a')::numeric, (v.map ->> 'value_b')::numeric,
		(v.map ->> 'churn_recency')::float8, (v.map ->> 'churn_frequency')::float8, (v.map ->> 'churn_complaints')::float8,
		(v.map ->> 'churn_volume')::float8, (v.map ->> 'churn_medium')::float8, (v.map ->> 'churn_high')::float8,
		(v.map ->> 'credit_payment')::float8, (v.map ->> 'credit_data')::float8, (v.map ->> 'credit_complaints')::float8,
		(v.map ->> 'payment_grace_days')::numeric::int
	FROM (SELECT t.zone, (now() AT TIME ZONE t.zone)::date AS today FROM crmaudit.report_time_zone() AS t(zone)) z,
		(SELECT ARRAY(SELECT DISTINCT e.entity FROM crmaudit.entity_mapping e) AS entities) m,
		(SELECT jsonb_object_agg(p.name, coalesce(s.value, p.value)) AS map
			FROM crmaudit.customer_parameter p LEFT JOIN crmaudit.customer_setting s ON s.name = p.name) v,
		(SELECT jsonb_object_agg(w.word, CASE WHEN customer_limits.english THEN w.english ELSE w.chinese END) AS words FROM crmaudit.customer_word w) w
$$;
COMMENT ON FUNCTION crmaudit.customer_limits(boolean) IS 'what the views about customers go by: today, the last two years, words in English or Chinese, whether any entity that tells of contacts is mapped, whether complaints, payments and staff are, and the parameters of customer_parameter as customer_setting changes them';

-- What several views stand on ------------------------------------------------------

-- sum(numeric) keeps a wide state, made for long sums: a million groups of two
-- rows cost twice as much by it.
CREATE AGGREGATE crmaudit.sum_of_few(numeric) (SFUNC = pg_catalog.numeric_add, STYPE = numeric, COMBINEFUNC = pg_catalog.numeric_add, PARALLEL = SAFE);
COMMENT ON AGGREGATE crmaudit.sum_of_few(numeric) IS 'the same as sum(numeric), faster where groups are many and of few rows';

CREATE VIEW crmaudit.customer_payment WITH (security_invoker = true) AS
	SELECT p.payment_id, p.customer_id COLLATE "C" AS customer_id, p.contract_id, p.paid_at, p.amount, p.payer_account, p.payer_name, p.approval
	FROM crmaudit.payment() p
	WHERE p.customer_id IS NOT NULL AND p.paid_at <= now()
	UNION ALL
	SELECT p.payment_id, k.customer_id COLLATE "C", p.contract_id, p.paid_at, p.amount, p.payer_account, p.payer_name, p.approval
	FROM crmaudit.payment() p JOIN crmaudit.contract() k ON k.contract_id = p.contract_id
	WHERE p.customer_id IS NULL AND p.paid_at <= now();
COMMENT ON VIEW crmaudit.customer_payment IS 'payments up to now, each with its customer, or else the customer of its contract; in no order (D9, D24)';

-- Interaction -----------------------------------------------------------------------

-- Grouped by "C", and the window in the order of the result, so that one sort
-- serves all of it; sums of int are several times as fast as those of bigint.
CREATE VIEW crmaudit.interaction_frequency WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m)
	SELECT c.customer_id, c.kind, c.method, c.interactions::bigint AS interactions, c.reached, c.first_at, c.last_at,
		(SELECT l.today FROM l) - crmaudit.day_of(c.last_at) AS days_since_last,
		CASE WHEN c.interactions > 1 THEN round((date_part('epoch', c.last_at - c.first_at) / (86400 * (c.interactions - 1)))::numeric, 1) END AS mean_interval_days,
		sum(c.interactions) OVER customer AS customer_interactions, max(c.last_at) OVER customer AS customer_last_at,
		CASE WHEN sum(c.interactions) OVER customer > 1 THEN round((date_part('epoch', max(c.last_at) OVER customer - min(c.first_at) OVER customer)
			/ (86400 * (sum(c.interactions) OVER customer::float8 - 1)))::numeric, 1) END AS customer_mean_interval_days
	FROM (
		SELECT i.customer_id COLLATE "C" AS customer_id, i.kind COLLATE "C" AS kind, i.method COLLATE "C" AS method, count(*)::int AS interactions,
			count(*) FILTER (WHERE coalesce(i.outcome NOT IN ('no_answer', 'refused', 'invalid'), true)) AS reached,
			min(i.occurred_at) AS first_at, max(i.occurred_at) AS last_at
		FROM crmaudit.interaction() i
		WHERE i.customer_id IS NOT NULL AND i.occurred_at > '-infinity' AND i.occurred_at <= now()
		GROUP BY 1, 2, 3
	) c
	WINDOW customer AS (PARTITION BY c.customer_id ORDER BY c.kind, c.method ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
	ORDER BY c.customer_id, c.kind, c.method;
COMMENT ON VIEW crmaudit.interaction_frequency IS 'how often a customer was in contact, by channel (kind, method): number, how many of them reached the customer, first, last, mean interval in days; customer_* is over all channels; interactions of the future are left out (D21)';

-- What is known of each customer, in two passes over the facts. Facts are
-- united before they are grouped: of a union the planner guesses that there are
-- few groups, and starts from the customers; of casts to text joined with each
-- other it would expect billions of rows. What a fact counts as is told once,
-- when it is read, so that each sum asks for a number only. Readers that do not
-- use the columns of a pass skip it. Without an outcome an interaction counts as
-- one that reached the customer.
CREATE VIEW crmaudit.customer_figures WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m),
	facts AS (
		-- 1 and 2: interactions of the last year and of the one before; 3 and 4:
		-- complaints of the last year, the latter upheld; 0: any other contact;
		-- below: attempts that failed, -1 in the last year
		SELECT i.customer_id COLLATE "C" AS customer_id, i.occurred_at AS at,
			-- most were reached: that is asked first
			CASE WHEN i.outcome <> 'reached' AND i.outcome IN ('no_answer', 'refused', 'invalid') THEN CASE WHEN i.occurred_at >= (SELECT l.year_ago FROM l) THEN -1 ELSE -2 END
				WHEN i.occurred_at >= (SELECT l.year_ago FROM l) THEN 1 WHEN i.occurred_at >= (SELECT l.two_years_ago FROM l) THEN 2 ELSE 0 END AS counts_as,
			NULL::boolean AS is_over, NULL::date AS over_on
		FROM crmaudit.interaction() i WHERE i.occurred_at <= now()
		UNION ALL
		SELECT r.customer_id COLLATE "C", r.opened_at, 0, NULL, NULL FROM crmaudit.service_request() r WHERE r.opened_at <= now()
		UNION ALL
		SELECT o.customer_id COLLATE "C", o.opened_at, CASE WHEN o.opened_at < (SELECT l.year_ago FROM l) OR o.kind = 'opinion' THEN 0 WHEN o.upheld THEN 4 ELSE 3 END, NULL, NULL
		FROM crmaudit.complaint() o WHERE o.opened_at <= now()
		UNION ALL
		SELECT a.customer_id COLLATE "C", a.answered_at, 0, NULL, NULL FROM crmaudit.survey_answer() a WHERE a.answered_at <= now()
		UNION ALL
		-- when a contract was terminated before its time is not known
		SELECT k.customer_id COLLATE "C", k.signed_at, 0,
			coalesce(k.status IN ('terminated', 'cancelled', 'expired'), false) OR coalesce(k.ends_on < (SELECT l.today FROM l), false),
			CASE WHEN k.ends_on > '-infinity' AND k.ends_on < (SELECT l.today FROM l) THEN k.ends_on END
		FROM crmaudit.contract() k WHERE k.signed_at <= now() AND (k.status IN ('draft', 'offered')) IS NOT TRUE
	), activity AS (
		SELECT f.customer_id, max(f.at) FILTER (WHERE f.counts_as >= 0) AS last_contact_at,
			count(*) FILTER (WHERE f.counts_as = 1) AS contacts, count(*) FILTER (WHERE f.counts_as = 2) AS contacts_before,
			count(*) FILTER (WHERE f.counts_as = -1) AS failed_attempts,
			count(*) FILTER (WHERE f.counts_as >= 3) AS complaints, count(*) FILTER (WHERE f.counts_as = 4) AS upheld,
			bool_and(f.is_over) AS is_over, max(f.over_on) AS over_on
		FROM facts f GROUP BY f.customer_id
	), known AS (
		SELECT max(y.year) AS last_year, min(y.year) AS first_year,
			(SELECT min(o.paid_at) FROM crmaudit.payment() o WHERE o.paid_at > '-infinity') < (SELECT l.two_years_ago FROM l) AS payments_reach_back
		FROM crmaudit.customer_year() y WHERE y.year < (SELECT l.this_year FROM l) AND y.fee IS NOT NULL
	), business AS (
		-- years: 0 the last full one, 1 the one before, 2 earlier ones, -1 this one;
		-- payments: 10 of the last year, 11 of the one before, 12 earlier ones
		SELECT y.customer_id COLLATE "C" AS customer_id, y.year, y.fee AS amount, y.revenue, NULL::timestamptz AS paid_at,
			CASE WHEN y.year = (SELECT l.this_year FROM l) THEN -1 WHEN y.year = (SELECT k.last_year FROM known k) THEN 0 WHEN y.year = (SELECT k.last_year - 1 FROM known k) THEN 1
				WHEN y.year < (SELECT k.last_year FROM known k) THEN 2 END AS counts_as
		FROM crmaudit.customer_year() y WHERE y.year <= (SELECT l.this_year FROM l)
		UNION ALL
		SELECT p.customer_id, NULL, p.amount, NULL, p.paid_at,
			CASE WHEN p.paid_at >= (SELECT l.year_ago FROM l) THEN 10 WHEN p.paid_at >= (SELECT l.two_years_ago FROM l) THEN 11 ELSE 12 END
		FROM crmaudit.customer_payment p
	), volumes AS (
		SELECT b.customer_id, max(b.year) IS NOT NULL AS has_years, max(b.paid_at) AS last_payment_at,
			crmaudit.sum_of_few(b.amount) FILTER (WHERE b.counts_as = 0) AS volume,
			crmaudit.sum_of_few(b.amount) FILTER (WHERE b.counts_as = 1) AS before,
			crmaudit.sum_of_few(b.amount) FILTER (WHERE b.counts_as IN (1, 2)) AS earlier,
			min(b.year) FILTER (WHERE b.counts_as IN (1, 2) AND b.amount > 0) AS first_year,
			crmaudit.sum_of_few(b.amount) FILTER (WHERE b.counts_as = -1) AS this_year,
			max(b.revenue) FILTER (WHERE b.counts_as = 0) AS revenue,
			max(b.revenue) FILTER (WHERE b.counts_as = 1) AS revenue_before,
			crmaudit.sum_of_few(b.amount) FILTER (WHERE b.counts_as = 10) AS paid,
			crmaudit.sum_of_few(b.amount) FILTER (WHERE b.counts_as = 11) AS paid_before
		FROM business b GROUP BY b.customer_id
	), compared AS (
		SELECT g.customer_id, g.last_payment_at, g.this_year, g.revenue, g.revenue_before, CASE WHEN g.has_years THEN 'customer_year' ELSE 'payment' END AS source,
			CASE WHEN NOT g.has_years THEN coalesce(g.paid, 0) WHEN (SELECT k.last_year FROM known k) IS NOT NULL THEN coalesce(g.volume, 0) END AS volume,
			-- what was not recorded yet is not nothing
			CASE WHEN g.has_years THEN CASE WHEN (SELECT k.first_year < k.last_year FROM known k) THEN coalesce(g.before, 0) END
				WHEN (SELECT k.payments_reach_back FROM known k) THEN coalesce(g.paid_before, 0) END AS before,
			CASE WHEN g.has_years THEN coalesce(g.earlier, 0) / nullif((SELECT k.last_year FROM known k) - g.first_year, 0) ELSE g.paid_before END AS earlier_mean
		FROM volumes g
	), changed AS (
		-- beneath the outer join each is computed once, however often used; with
		-- OFFSET 0 the planner would no longer see that a customer comes once, and so could not skip it
		SELECT c.*, (c.volume - c.before) / nullif(c.before, 0) AS change
		FROM compared c
	)
	SELECT c.customer_id, c.name, c.kind, c.segment, c.size, c.industry, c.main_business, c.operating_condition, c.region, c.risk, c.owner, n.since, c.closed_at,
		coalesce(c.closed_at <= now(), false) AS is_closed, coalesce(a.is_over, false) AS contracts_over, CASE WHEN a.is_over THEN a.over_on END AS contracts_over_on,
		a.last_contact_at,
		-- never in contact: since the customer is one
		CASE WHEN (SELECT l.knows_contacts FROM l)
			THEN (SELECT l.today FROM l) - coalesce(crmaudit.day_of(nullif(a.last_contact_at, '-infinity')), n.since) END AS days_silent,
		coalesce(a.contacts, 0) AS contacts, coalesce(a.contacts_before, 0) AS contacts_before, coalesce(a.failed_attempts, 0) AS failed_attempts,
		CASE WHEN (SELECT l.knows_complaints FROM l) THEN coalesce(a.complaints, 0) END AS complaints,
		CASE WHEN (SELECT l.knows_complaints FROM l) THEN coalesce(a.upheld, 0) END AS upheld,
		v.last_payment_at, v.source AS volume_source, v.volume, v.before AS volume_before, v.earlier_mean AS volume_earlier_mean, v.this_year AS volume_this_year,
		round(v.change, 4) AS change,
		coalesce(c.annual_volume, v.volume) AS yearly_business,
		CASE WHEN c.annual_volume IS NOT NULL THEN 'customer' WHEN v.volume IS NOT NULL THEN v.source END AS yearly_business_from,
		CASE WHEN v.volume > 0 THEN
				CASE WHEN v.before IS NULL THEN NULL
					WHEN v.before <= 0 OR v.change > (SELECT l.trend_steady FROM l) THEN 'rising'
					WHEN v.change < -(SELECT l.trend_steady FROM l) THEN 'declining'
					WHEN v.volume < v.earlier_mean * (1 - (SELECT l.trend_steady FROM l)) THEN 'declining'
					ELSE 'peak' END
			WHEN v.before > 0 OR v.earlier_mean > 0 THEN 'declining'
			WHEN v.this_year > 0 THEN 'rising' END AS life_cycle,
		v.revenue, v.revenue_before
	FROM crmaudit.customer() c
	-- since ever is no date
	CROSS JOIN LATERAL (SELECT CASE WHEN isfinite(c.since) THEN c.since END AS since) n
	LEFT JOIN activity a ON a.customer_id = c.customer_id
	LEFT JOIN changed v ON v.customer_id = c.customer_id;
COMMENT ON VIEW crmaudit.customer_figures IS 'of each customer, closed ones too, what churn_risk, customer_segments and others stand on. Activity: the last contact (an interaction that reached the customer, or a request, complaint, answer or signature of the customer''s), days since then, contacts in the last 365 days and in the 365 before, attempts that failed, complaints and reports of the last 365 days. Volume: fees of the last full year that customer_year knows against the year before and the mean of all earlier years, or else payments of the last 365 days against the 365 before, and the place in the value life cycle. In no order (D21, D22, D23)';
COMMENT ON COLUMN crmaudit.customer_figures.contracts_over IS 'whether there was a signed contract and all of them are past their last day, or terminated, cancelled or expired';
COMMENT ON COLUMN crmaudit.customer_figures.days_silent IS 'days since the last contact, or, of a customer never in contact, since the customer is one; NULL if that is not known, or no entity with contacts is mapped';
COMMENT ON COLUMN crmaudit.customer_figures.complaints IS 'opinions left out; NULL if complaint is not mapped';
COMMENT ON COLUMN crmaudit.customer_figures.volume_source IS 'customer_year, or payment where customer_year has no row of the customer';
COMMENT ON COLUMN crmaudit.customer_figures.volume_before IS 'NULL if the records do not reach back so far';
COMMENT ON COLUMN crmaudit.customer_figures.yearly_business IS 'customer.annual_volume, or else volume';
COMMENT ON COLUMN crmaudit.customer_figures.life_cycle IS 'rising: more than the year before by more than trend_steady, or the first business; declining: less by more than that, or no business any more, or steady below the mean of the earlier years; peak: steady and not below it; NULL: no volume, or nothing to compare with';

CREATE VIEW crmaudit.silent_customers WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m)
	SELECT f.customer_id, f.name, f.kind, f.owner, f.since, f.last_contact_at, f.days_silent, f.failed_attempts, f.last_payment_at
	FROM crmaudit.customer_figures f
	WHERE NOT f.is_closed AND (f.days_silent > (SELECT l.silent_days FROM l)
		OR f.last_contact_at IS NULL AND f.since IS NULL AND (SELECT l.knows_contacts FROM l))
	ORDER BY f.days_silent DESC NULLS FIRST, f.customer_id COLLATE "C";
COMMENT ON VIEW crmaudit.silent_customers IS 'customers, not closed, without contact for more than customer_setting silent_days (365): longest first, before them those never in contact of whom nothing tells since when they are customers; last_payment_at tells who is silent and pays; failed_attempts: tries of the last 365 days that did not reach them (D21)';

-- Churn ------------------------------------------------------------------------------

CREATE VIEW crmaudit.churn_figures WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m),
	components AS (
		SELECT f.customer_id, f.name, f.kind, f.owner, f.since, f.is_closed, f.closed_at, f.contracts_over, f.contracts_over_on,
			f.days_silent, f.contacts, f.contacts_before, f.complaints, f.upheld, f.volume, f.volume_before, f.yearly_business,
			-- least() and greatest() pass NULL over; float8 is several times as fast as numeric
			CASE WHEN f.days_silent IS NOT NULL THEN least(1, greatest(0, f.days_silent) / (SELECT greatest(1, l.silent_days)::float8 FROM l)) END AS recency_risk,
			CASE WHEN f.contacts_before > 0 THEN greatest(0, 1 - f.contacts / f.contacts_before::float8) END AS frequency_risk,
			CASE WHEN f.complaints IS NOT NULL THEN least(1, (f.complaints + f.upheld) / 3::float8) END AS complaint_risk,
			CASE WHEN f.volume_before > 0 THEN least(1, greatest(0, -f.change::float8)) END AS volume_risk
		FROM crmaudit.customer_figures f
		-- keeps what is used several times from being computed as often
		OFFSET 0
	), scored AS (
		SELECT c.*, num_nonnulls(c.recency_risk, c.frequency_risk, c.complaint_risk, c.volume_risk) AS assessed,
			-- in tenths, as an integer: its way to numeric is short
			round(1000 * (coalesce(c.recency_risk * (SELECT l.churn_recency FROM l), 0) + coalesce(c.frequency_risk * (SELECT l.churn_frequency FROM l), 0)
				+ coalesce(c.complaint_risk * (SELECT l.churn_complaints FROM l), 0) + coalesce(c.volume_risk * (SELECT l.churn_volume FROM l), 0))
				/ nullif(CASE WHEN c.recency_risk IS NULL THEN 0 ELSE (SELECT l.churn_recency FROM l) END
					+ CASE WHEN c.frequency_risk IS NULL THEN 0 ELSE (SELECT l.churn_frequency FROM l) END
					+ CASE WHEN c.complaint_risk IS NULL THEN 0 ELSE (SELECT l.churn_complaints FROM l) END
					+ CASE WHEN c.volume_risk IS NULL THEN 0 ELSE (SELECT l.churn_volume FROM l) END, 0))::int AS tenths
		FROM components c
		OFFSET 0
	)
	SELECT s.customer_id, s.name, s.kind, s.owner, s.tenths,
		CASE WHEN s.tenths >= (SELECT 10 * l.churn_high FROM l) THEN 'high' WHEN s.tenths >= (SELECT 10 * l.churn_medium FROM l) THEN 'medium' WHEN s.tenths IS NOT NULL THEN 'low' END AS level,
		nullif(concat_ws('; ',
			CASE WHEN s.recency_risk >= 0.5 THEN replace((SELECT l.words ->> 'recency' FROM l), '#', s.days_silent::text) END,
			CASE WHEN s.frequency_risk > 0 THEN replace((SELECT l.words ->> 'frequency' FROM l), '#', s.contacts_before::text)
				|| replace((SELECT l.words ->> 'frequency to' FROM l), '#', s.contacts::text) END,
			CASE WHEN s.complaints > 0 THEN replace((SELECT l.words ->> 'complaints' FROM l), '#', s.complaints::text)
				|| CASE WHEN s.upheld > 0 THEN replace((SELECT l.words ->> 'upheld' FROM l), '#', s.upheld::text) ELSE '' END END,
			CASE WHEN s.volume_risk > 0 THEN replace((SELECT l.words ->> 'volume' FROM l), '#', floor(100 * s.volume_risk + 0.5)::int::text) END), '') AS reason,
		s.recency_risk, s.frequency_risk, s.complaint_risk, s.volume_risk, s.assessed,
		s.days_silent, s.contacts, s.contacts_before, s.complaints, s.upheld, s.volume, s.volume_before, s.yearly_business,
		s.since, s.is_closed, s.closed_at, s.contracts_over, s.contracts_over_on
	FROM scored s;
COMMENT ON VIEW crmaudit.churn_figures IS 'implementation of churn_risk and customer_churn: the score of all customers, in tenths of a point, closed ones too, in no order (D22)';

CREATE VIEW crmaudit.churn_risk WITH (security_invoker = true) AS
	SELECT s.customer_id, s.name, s.kind, s.owner, s.tenths * 0.1 AS score, s.level, s.reason,
		round(s.recency_risk * 10000) / 10000 AS recency_risk, round(s.frequency_risk * 10000) / 10000 AS frequency_risk,
		round(s.complaint_risk * 10000) / 10000 AS complaint_risk, round(s.volume_risk * 10000) / 10000 AS volume_risk, s.assessed,
		s.days_silent, s.contacts, s.contacts_before, s.complaints, s.upheld, s.volume, s.volume_before
	FROM crmaudit.churn_figures s
	WHERE NOT s.is_closed
	ORDER BY s.tenths DESC NULLS LAST, s.customer_id COLLATE "C";
COMMENT ON VIEW crmaudit.churn_risk IS 'how likely a customer, not closed, is to leave, from 0 to 100, worst first, with the reason in words. Each component is from 0 to 1, or NULL where nothing tells. recency_risk = days_silent / 365 (customer_setting silent_days), at most 1; frequency_risk = 1 - contacts / contacts_before, at least 0; complaint_risk = (complaints + upheld) / 3, at most 1; volume_risk = 1 - volume / volume_before, at least 0. score = 100 * mean of the components assessed, weighted 30 : 20 : 25 : 25 (churn_recency, churn_frequency, churn_complaints, churn_volume); level is high from 60 (churn_high), medium from 30 (churn_medium) (D22)';
COMMENT ON COLUMN crmaudit.churn_risk.assessed IS 'how many of the four components could be assessed';
COMMENT ON COLUMN crmaudit.churn_risk.reason IS 'silence from half of its limit on, and whatever else raises the score';

CREATE VIEW crmaudit.customer_churn WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m),
	states AS MATERIALIZED (
		SELECT f.customer_id COLLATE "C" AS customer_id, f.name, f.kind, f.owner, f.since,
			CASE WHEN f.is_closed OR f.contracts_over THEN 'left' ELSE 'leaving' END AS state,
			CASE WHEN f.is_closed THEN crmaudit.day_of(nullif(f.closed_at, '-infinity')) ELSE f.contracts_over_on END AS left_on,
			CASE WHEN f.is_closed THEN (SELECT l.words ->> 'left: closed' FROM l) WHEN f.contracts_over THEN (SELECT l.words ->> 'left: contract' FROM l) ELSE f.reason END AS how,
			greatest(f.volume, f.volume_before, f.yearly_business) AS volume_at_stake, CASE WHEN NOT f.is_closed AND NOT f.contracts_over THEN f.tenths * 0.1 END AS score
		FROM crmaudit.churn_figures f
		WHERE f.is_closed OR f.contracts_over OR f.level = 'high'
	), told AS (
		SELECT o.customer_id COLLATE "C" AS customer_id, o.opened_at AS at, true AS is_complaint, o.reason, o.complaint_id AS id FROM crmaudit.complaint() o WHERE o.reason <> '' AND o.opened_at <= now()
		UNION ALL
		SELECT a.customer_id COLLATE "C", a.answered_at, false, a.reason, a.answer_id FROM crmaudit.survey_answer() a WHERE a.answer = 4 AND a.reason <> '' AND a.answered_at <= now()
	), reasons AS (
		SELECT t.customer_id, (array_agg(t.reason ORDER BY t.at DESC, t.id COLLATE "C") FILTER (WHERE t.is_complaint))[1] AS complaint,
			(array_agg(t.reason ORDER BY t.at DESC, t.id COLLATE "C") FILTER (WHERE NOT t.is_complaint))[1] AS answer
		FROM states s JOIN told t ON t.customer_id = s.customer_id
			AND crmaudit.day_of(t.at) BETWEEN coalesce(s.left_on, (SELECT l.today FROM l)) - 365 AND coalesce(s.left_on, (SELECT l.today FROM l))
		GROUP BY t.customer_id
	)
	SELECT s.customer_id, s.name, s.kind, s.owner, s.state, s.left_on, s.how,
		coalesce(nullif(concat_ws('; ', (SELECT l.words ->> 'complained' FROM l) || r.complaint, (SELECT l.words ->> 'dissatisfied' FROM l) || r.answer), ''),
			CASE s.state WHEN 'left' THEN (SELECT l.words ->> 'left: gone quiet' FROM l) ELSE s.how END) AS why,
		extract(year FROM age(coalesce(s.left_on, (SELECT l.today FROM l))::timestamp, s.since::timestamp))::int AS years_of_cooperation,
		s.volume_at_stake, s.score
	FROM states s
	LEFT JOIN reasons r ON r.customer_id = s.customer_id
	ORDER BY s.state DESC, s.volume_at_stake DESC NULLS LAST, s.customer_id;
COMMENT ON VIEW crmaudit.customer_churn IS 'who left (closed, or the last signed contract is over and none is in force), who is about to leave (churn_risk high), how that shows, and why: the last complaint and the last answer "not satisfied" within the 365 days before, with the reasons given; volume_at_stake is the largest of the last two years'' volumes and yearly_business, score that of churn_risk (D22)';

-- Segments -----------------------------------------------------------------------------

CREATE VIEW crmaudit.customer_segments WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m),
	figures AS (
		SELECT f.customer_id, f.name, f.kind, f.segment, f.size, f.main_business, f.industry, f.operating_condition, f.risk, f.region, f.owner, f.since,
			f.yearly_business, f.life_cycle, f.change, f.volume, f.volume_before, f.revenue, f.revenue_before
		FROM crmaudit.customer_figures f
		WHERE NOT f.is_closed
	), industries AS (
		-- like with like: customers of whom both years are known
		SELECT f.industry, sum(f.yearly_business) FILTER (WHERE f.yearly_business > 0) AS business, coalesce(
			sum(f.revenue) FILTER (WHERE f.revenue_before IS NOT NULL) / nullif(sum(f.revenue_before) FILTER (WHERE f.revenue IS NOT NULL), 0),
			sum(f.volume) FILTER (WHERE f.volume_before > 0) / nullif(sum(f.volume_before) FILTER (WHERE f.volume IS NOT NULL), 0)) - 1 AS growth
		FROM figures f GROUP BY f.industry
	), valued AS (
		SELECT f.*, sum(f.yearly_business) FILTER (WHERE f.yearly_business > 0) OVER (ORDER BY f.yearly_business DESC NULLS LAST, f.customer_id COLLATE "C" ROWS UNBOUNDED PRECEDING)
				- f.yearly_business AS larger_ones
		FROM figures f
	), bounds AS (
		SELECT l.value_a * sum(i.business) AS value_a, l.value_b * sum(i.business) AS value_b, (l.today - interval '1 year')::date AS year_ago, (l.today - interval '5 years')::date AS five_years_ago
		FROM l, industries i GROUP BY l.value_a, l.value_b, l.today
	)
	SELECT v.customer_id, v.name, v.kind, v.segment, v.size, v.main_business, v.industry, round(i.growth, 4) AS industry_growth,
		CASE WHEN i.growth > (SELECT l.trend_steady FROM l) THEN 'growing' WHEN i.growth < -(SELECT l.trend_steady FROM l) THEN 'shrinking' WHEN i.growth IS NOT NULL THEN 'steady' END AS industry_trend,
		v.operating_condition, v.risk, v.region, v.owner, v.yearly_business AS volume,
		extract(year FROM age((SELECT l.today::timestamp FROM l), v.since::timestamp))::int AS years_of_cooperation,
		CASE WHEN v.since > (SELECT b.year_ago FROM bounds b) THEN 'new' WHEN v.since > (SELECT b.five_years_ago FROM bounds b) THEN 'established'
			WHEN v.since IS NOT NULL THEN 'long-standing' END AS cooperation,
		-- by what the larger ones make together, without the customer's own part
		CASE WHEN v.yearly_business > 0 THEN CASE WHEN v.larger_ones < (SELECT b.value_a FROM bounds b) THEN 'A'
			WHEN v.larger_ones < (SELECT b.value_b FROM bounds b) THEN 'B' ELSE 'C' END END AS value_class,
		v.life_cycle, v.change, coalesce(v.yearly_business >= (SELECT l.key_volume FROM l), false) AS is_key
	FROM valued v
	LEFT JOIN industries i ON i.industry = v.industry
	ORDER BY v.yearly_business DESC NULLS LAST, v.customer_id COLLATE "C";
COMMENT ON VIEW crmaudit.customer_segments IS 'customers, not closed, by every criterion: kind, size, main business, industry and its growth, operating condition, risk and region as the CRM has them; volume; years of cooperation; value_class A, B, C (the largest customers that make 80 % of all volume, the next to 95 %, the others); life_cycle rising, peak, declining (see customer_figures); is_key from 200,000 yuan a year on (D23)';
COMMENT ON COLUMN crmaudit.customer_segments.industry_growth IS 'growth of the summed revenue of the industry''s customers of whom two years are known (of our volume with them where no revenue is), last full year against the one before';
COMMENT ON COLUMN crmaudit.customer_segments.cooperation IS 'new: less than a year; established: less than five; long-standing';

CREATE VIEW crmaudit.key_customers WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m),
	owned AS (
		SELECT f.customer_id, f.name, f.yearly_business, f.yearly_business_from, f.life_cycle, nullif(btrim(f.owner), '') AS owner, s.name AS owner_name,
			s.position AS owner_position, s.active, s.staff_id IS NOT NULL AS is_staff
		FROM crmaudit.customer_figures f
		-- several sources may know him: he has left when he has left all
		LEFT JOIN (SELECT s.staff_id, min(s.name) AS name, min(s.position) AS position, bool_or(s.active) AS active FROM crmaudit.staff() s GROUP BY s.staff_id) s ON s.staff_id = f.owner
		WHERE NOT f.is_closed AND f.yearly_business >= (SELECT l.key_volume FROM l)
	), judged AS (
		SELECT o.*, CASE WHEN o.owner IS NULL THEN 'no owner' WHEN NOT (SELECT l.knows_staff FROM l) THEN 'not assessed' WHEN NOT o.is_staff THEN 'unknown owner' WHEN NOT o.active THEN 'owner left'
			WHEN coalesce(lower(btrim(o.owner_position)) <> ALL ((SELECT l.key_positions FROM l)::text[]), true) THEN 'wrong position' ELSE 'ok' END AS ownership
		FROM owned o
	)
	SELECT j.customer_id, j.name, j.yearly_business AS volume, j.yearly_business_from AS volume_from, j.life_cycle, j.owner, j.owner_name, j.owner_position, j.ownership,
		(SELECT l.words FROM l) ->> ('key: ' || j.ownership) AS in_words
	FROM judged j
	ORDER BY j.ownership = 'ok', j.yearly_business DESC, j.customer_id COLLATE "C";
COMMENT ON VIEW crmaudit.key_customers IS 'customers, not closed, with a yearly business of 200,000 yuan (customer_setting key_volume) or more, and whether each is owned by a deputy manager (key_positions): ownership is ok, no owner, unknown owner (not among the staff), owner left, wrong position, or not assessed (staff is not mapped); faults first (D11, D23)';

-- Credit --------------------------------------------------------------------------------

-- The findings of a customer are those of the row that it was mapped from. A
-- finding names the row by the key that protect() got; a mapping by the primary key.
CREATE FUNCTION crmaudit.judged_sources() RETURNS TABLE (source regclass, is_judged boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT m.source, EXISTS (
		SELECT FROM crmaudit.protected_table p
		WHERE p.target = m.source AND p.hashed_key = '{}' AND p.mode <> 'off'
			AND (SELECT array_agg(k ORDER BY k) FROM unnest(p.key::text[]) k) = (SELECT array_agg(a.attname::text ORDER BY a.attname::text)
				FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = m.source AND i.indisprimary))
	FROM crmaudit.valid_mappings('customer') m
$$;
COMMENT ON FUNCTION crmaudit.judged_sources() IS 'where customers are mapped from, and whether findings tell the quality of their rows: the table is protected, by its primary key, and that is not hashed';

CREATE FUNCTION crmaudit.customer_quality() RETURNS TABLE (customer_id text, findings bigint, risk numeric)
LANGUAGE plpgsql STABLE ROWS 10000 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	sources regclass[] := ARRAY(SELECT s.source FROM crmaudit.judged_sources() s WHERE s.is_judged);
BEGIN
	IF sources = '{}' THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format('WITH found AS MATERIALIZED (
			SELECT f.target, f.row_key, count(*) AS findings, sum(crmaudit.severity_risk(f.severity) / CASE f.verdict WHEN ''suspect'' THEN 16.0 ELSE 8.0 END) AS risk
			FROM crmaudit.finding f WHERE f.target = ANY ($1) AND f.status IN (''open'', ''acknowledged'') GROUP BY f.target, f.row_key)
		SELECT e.customer_id, sum(coalesce(f.findings, 0))::bigint, sum(coalesce(f.risk, 0))
		FROM (%s) AS e %s JOIN found f ON f.target = e.source AND f.row_key = e.row_key
		WHERE e.source = ANY ($1) GROUP BY e.customer_id', crmaudit.entity_query('customer', true),
		-- where all are judged, those without findings need not be listed
		CASE WHEN EXISTS (SELECT FROM crmaudit.judged_sources() s WHERE NOT s.is_judged) THEN 'LEFT' ELSE '' END) USING sources;
END $$;
COMMENT ON FUNCTION crmaudit.customer_quality() IS 'open findings of the rows that customers are mapped from, and the sum of their risk as in scores (info 0, warning 0.25, error 0.75, critical 1; half where a value is only suspect); customers without any are listed only if not all sources are judged';

CREATE VIEW crmaudit.customer_credit WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m),
	judged AS (SELECT bool_and(s.is_judged) AS is_all FROM crmaudit.judged_sources() s),
	due AS (
		SELECT o.customer_id COLLATE "C" AS customer_id, o.amount, o.ends_on, coalesce(o.starts_on, crmaudit.day_of(o.signed_at)) AS due_from,
			(SELECT l.today - l.payment_grace_days FROM l) AS day
		FROM crmaudit.contract() o
		WHERE o.amount > 0 AND o.signed_at <= now() AND (o.status IN ('cancelled', 'draft', 'offered')) IS NOT TRUE AND (SELECT l.knows_payments FROM l)
	), facts AS (
		SELECT k.customer_id, CASE WHEN k.due_from > k.day THEN 0 WHEN k.ends_on IS NULL OR NOT isfinite(k.ends_on) OR NOT isfinite(k.due_from) OR k.ends_on <= k.due_from OR k.day >= k.ends_on THEN k.amount
			ELSE k.amount * (k.day - k.due_from) / (k.ends_on - k.due_from) END AS due,
			NULL::numeric AS paid, NULL::numeric AS paid_by_others, NULL::int AS complaint, NULL::bigint AS findings, NULL::numeric AS risk
		FROM due k
		UNION ALL
		SELECT p.customer_id, NULL, p.amount,
			CASE WHEN btrim(p.approval) <> '' THEN NULL
				-- plain texts first: most are equal
				WHEN CASE WHEN p.payer_account <> '' AND c.account <> '' THEN
						p.payer_account <> c.account AND crmaudit.normalised(p.payer_account, 'bank_account') <> crmaudit.normalised(c.account, 'bank_account')
					ELSE p.payer_name <> c.name AND crmaudit.name_key(p.payer_name) <> crmaudit.name_key(c.name) END THEN p.amount END,
			NULL, NULL, NULL
		FROM crmaudit.customer_payment p LEFT JOIN crmaudit.customer() c ON c.customer_id COLLATE "C" = p.customer_id
		UNION ALL
		SELECT k.customer_id COLLATE "C", NULL, NULL, NULL, 1, NULL, NULL FROM crmaudit.complaint() k
		WHERE k.opened_at >= (SELECT m.year_ago FROM l m) AND k.opened_at <= now() AND coalesce(k.kind, 'complaint') <> 'opinion'
		UNION ALL
		SELECT q.customer_id COLLATE "C", NULL, NULL, NULL, NULL, q.findings, q.risk FROM crmaudit.customer_quality() q
	), sums AS (
		SELECT f.customer_id, crmaudit.sum_of_few(f.due) AS due, crmaudit.sum_of_few(f.paid) AS paid, crmaudit.sum_of_few(f.paid_by_others) AS paid_by_others,
			count(f.complaint) AS complaints, crmaudit.sum_of_few(f.findings) AS findings, crmaudit.sum_of_few(f.risk) AS risk
		FROM facts f GROUP BY f.customer_id
	), shares AS (
		SELECT c.customer_id, c.name, c.kind, c.closed_at, round(f.due, 2) AS amount_due, coalesce(f.paid, 0) AS amount_paid,
			-- divisions only where they tell something
			CASE WHEN f.due > 0 THEN CASE WHEN f.paid >= f.due THEN 1 WHEN f.paid > 0 THEN (f.paid / f.due)::float8 ELSE 0 END END AS paid_share,
			CASE WHEN f.paid > 0 AND f.paid_by_others > 0 THEN CASE WHEN f.paid_by_others >= f.paid THEN 1 ELSE (f.paid_by_others / f.paid)::float8 END ELSE 0 END AS foreign_share,
			CASE WHEN (SELECT j.is_all FROM judged j) THEN coalesce(f.findings, 0) ELSE f.findings END AS open_findings,
			CASE WHEN (SELECT j.is_all FROM judged j) THEN coalesce(f.risk, 0) ELSE f.risk END AS risk,
			CASE WHEN (SELECT l.knows_complaints FROM l) THEN coalesce(f.complaints, 0) END AS complaints
		FROM crmaudit.customer() c
		LEFT JOIN sums f ON f.customer_id = c.customer_id
		-- computed once, however often used
		OFFSET 0
	), points AS (
		-- greatest() passes NULL over; one decimal
		SELECT s.*, CASE WHEN s.paid_share IS NOT NULL THEN round(10 * greatest(0, 100 * s.paid_share - 50 * s.foreign_share)) / 10 END AS payment_points,
			CASE WHEN s.risk = 0 THEN 100 WHEN s.risk IS NOT NULL THEN round(10 * greatest(0, 100 - 40 * s.risk::float8)) / 10 END AS data_points,
			CASE WHEN s.complaints IS NOT NULL THEN greatest(0, 100 - 25 * s.complaints)::float8 END AS complaint_points
		FROM shares s
		OFFSET 0
	), weighted AS (
		SELECT p.*, CASE WHEN p.payment_points IS NULL THEN 0 ELSE (SELECT l.credit_payment FROM l) END
				+ CASE WHEN p.data_points IS NULL THEN 0 ELSE (SELECT l.credit_data FROM l) END
				+ CASE WHEN p.complaint_points IS NULL THEN 0 ELSE (SELECT l.credit_complaints FROM l) END AS weight,
			coalesce(p.payment_points * (SELECT l.credit_payment FROM l), 0) + coalesce(p.data_points * (SELECT l.credit_data FROM l), 0)
				+ coalesce(p.complaint_points * (SELECT l.credit_complaints FROM l), 0) AS total
		FROM points p
		OFFSET 0
	)
	-- tenths as integers: their way to numeric is short
	SELECT w.customer_id, w.name, w.kind, w.closed_at, floor(10 * w.total / nullif(w.weight, 0) + 0.5)::int * 0.1 AS credit,
		CASE WHEN w.total >= 85 * nullif(w.weight, 0) THEN 'A' WHEN w.total >= 70 * nullif(w.weight, 0) THEN 'B' WHEN w.total >= 50 * nullif(w.weight, 0) THEN 'C'
			WHEN w.weight > 0 THEN 'D' END AS grade,
		w.payment_points, w.data_points, w.complaint_points,
		round(100 * w.weight / nullif((SELECT l.credit_payment + l.credit_data + l.credit_complaints FROM l), 0)) / 100 AS assessed,
		w.amount_due, w.amount_paid, round(w.paid_share * 10000) / 10000 AS paid_share, round(w.foreign_share * 10000) / 10000 AS foreign_share, w.open_findings, w.complaints
	FROM weighted w
	ORDER BY w.total / nullif(w.weight, 0) NULLS LAST, w.amount_due DESC NULLS LAST, w.customer_id COLLATE "C";
COMMENT ON VIEW crmaudit.customer_credit IS 'credit of each customer from 0 to 100, worst first. payment_points = 100 * paid_share - 50 * foreign_share, at least 0; paid_share = amount_paid / amount_due, at most 1, where amount_due is what signed contracts demand up to 30 days ago (payment_grace_days): the part of the amount for the days gone by between first and last day, all of it where there is no term; foreign_share is the part paid from an account (or, where accounts are not known, in a name) that is not the customer''s, without approval. data_points = 100 - 40 * risk of the open findings of the customer''s row (warning 0.25, error 0.75, critical 1, half of it where a value is only suspect), at least 0. complaint_points = 100 - 25 for each complaint or report of the last 365 days, at least 0: a dispute holds up payment, whoever is right. credit = mean of the points assessed, weighted 50 : 30 : 20 (credit_payment, credit_data, credit_complaints); grade A from 85, B from 70, C from 50, D. What cannot be assessed is NULL, and assessed is the part of the weights that could (D24)';
COMMENT ON COLUMN crmaudit.customer_credit.open_findings IS 'of the row that the customer was mapped from; NULL unless that table is protected by its primary key';

-- Reports -------------------------------------------------------------------------------

CREATE VIEW crmaudit.financial_statistics WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m),
	facts AS (
		SELECT k.customer_id COLLATE "C" AS customer_id, extract(year FROM crmaudit.day_of(k.signed_at))::int AS year,
			1 AS contracts, k.amount AS contracted, 0 AS payments, NULL::numeric AS paid, NULL::numeric AS fee, NULL::numeric AS assets, NULL::numeric AS revenue
		FROM crmaudit.contract() k WHERE k.signed_at > '-infinity' AND k.signed_at <= now() AND (k.status IN ('draft', 'offered')) IS NOT TRUE
		UNION ALL
		SELECT p.customer_id, extract(year FROM crmaudit.day_of(p.paid_at))::int, 0, NULL, 1, p.amount, NULL, NULL, NULL
		FROM crmaudit.customer_payment p WHERE p.paid_at > '-infinity'
		UNION ALL
		SELECT y.customer_id COLLATE "C", y.year, 0, NULL, 0, NULL, y.fee, y.assets, y.revenue
		FROM crmaudit.customer_year() y WHERE y.year <= (SELECT m.this_year FROM l m)
	), by_customer AS (
		SELECT f.customer_id, f.year, sum(f.contracts) AS contracts, crmaudit.sum_of_few(f.contracted) AS contracted, sum(f.payments) AS payments, crmaudit.sum_of_few(f.paid) AS paid,
			crmaudit.sum_of_few(f.fee) AS fee, max(f.assets) AS assets, max(f.revenue) AS revenue
		FROM facts f GROUP BY f.customer_id, f.year
	), by_kind AS (
		SELECT b.year, c.kind, grouping(c.kind) = 1 AS is_total, count(*) AS customers, sum(b.contracts) AS contracts, sum(b.contracted) AS contracted,
			sum(b.payments) AS payments, sum(b.paid) AS paid, count(*) FILTER (WHERE b.payments > 0) AS payers,
			sum(b.fee) AS fee, count(b.fee) AS fee_customers, max(b.fee) AS largest_fee, sum(b.assets) AS assets, sum(b.revenue) AS revenue
		FROM by_customer b
		-- several sources may know a customer
		LEFT JOIN (SELECT c.customer_id COLLATE "C" AS customer_id, min(c.kind) AS kind FROM crmaudit.customer() c GROUP BY 1) c ON c.customer_id = b.customer_id
		GROUP BY GROUPING SETS ((b.year), (b.year, c.kind))
	)
	SELECT k.year, k.is_total, k.kind, k.customers, k.contracts, k.contracted, k.payments, k.paid, k.payers, round(k.paid / nullif(k.payers, 0), 2) AS paid_per_payer,
		k.fee, k.fee_customers, round(k.fee / nullif(k.fee_customers, 0), 2) AS mean_fee, round(k.largest_fee / nullif(k.fee, 0), 4) AS largest_fee_share,
		k.assets, k.revenue,
		round(k.paid / nullif(b.paid, 0) - 1, 4) AS paid_change, round(k.fee / nullif(b.fee, 0) - 1, 4) AS fee_change
	FROM by_kind k
	LEFT JOIN by_kind b ON b.year = k.year - 1 AND b.is_total = k.is_total AND b.kind IS NOT DISTINCT FROM k.kind
	ORDER BY k.year, k.is_total DESC, k.kind COLLATE "C";
COMMENT ON VIEW crmaudit.financial_statistics IS 'by year, in total and by kind of customer: customers with figures, contracts signed and their amount, payments, who paid and how much each, fees with mean and the largest customer''s share, customers'' assets and revenue, and the change from the year before, all in yuan; the year that has not ended is as of now (D24)';

CREATE VIEW crmaudit.sales_dynamics WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m),
	facts AS (
		SELECT date_trunc('month', c.since::timestamp)::date AS month, count(*) AS new_customers, 0::bigint AS lost_customers, 0::bigint AS contracts, NULL::numeric AS contracted,
			0::bigint AS payments, NULL::numeric AS paid, 0::bigint AS contacts
		FROM crmaudit.customer() c WHERE c.since > '-infinity' AND c.since <= (SELECT m.today FROM l m) GROUP BY 1
		UNION ALL
		SELECT date_trunc('month', crmaudit.day_of(c.closed_at)::timestamp)::date, 0, count(*), 0, NULL, 0, NULL, 0
		FROM crmaudit.customer() c WHERE c.closed_at <= now() GROUP BY 1
		UNION ALL
		SELECT date_trunc('month', crmaudit.day_of(k.signed_at)::timestamp)::date, 0, 0, count(*), sum(k.amount), 0, NULL, 0
		FROM crmaudit.contract() k WHERE k.signed_at <= now() AND (k.status IN ('draft', 'offered')) IS NOT TRUE GROUP BY 1
		UNION ALL
		SELECT date_trunc('month', crmaudit.day_of(p.paid_at)::timestamp)::date, 0, 0, 0, NULL, count(*), sum(p.amount), 0
		FROM crmaudit.payment() p WHERE p.paid_at <= now() GROUP BY 1
		UNION ALL
		SELECT date_trunc('month', crmaudit.day_of(i.occurred_at)::timestamp)::date, 0, 0, 0, NULL, 0, NULL, count(*)
		FROM crmaudit.interaction() i WHERE i.occurred_at <= now() GROUP BY 1
	), happened AS (
		SELECT f.month, sum(f.new_customers) AS new_customers, sum(f.lost_customers) AS lost_customers, sum(f.contracts) AS contracts,
			coalesce(sum(f.contracted), 0) AS contracted, sum(f.payments) AS payments, coalesce(sum(f.paid), 0) AS paid, sum(f.contacts) AS contacts
		FROM facts f WHERE isfinite(f.month) GROUP BY f.month
	), by_month AS (
		SELECT s.month::date AS month, coalesce(h.new_customers, 0) AS new_customers, coalesce(h.lost_customers, 0) AS lost_customers, coalesce(h.contracts, 0) AS contracts,
			coalesce(h.contracted, 0) AS contracted, coalesce(h.payments, 0) AS payments, coalesce(h.paid, 0) AS paid, coalesce(h.contacts, 0) AS contacts
		FROM (SELECT min(h.month) AS first FROM happened h) r
		CROSS JOIN LATERAL generate_series(r.first::timestamp, (SELECT m.today FROM l m)::timestamp, interval '1 month') AS s(month)
		LEFT JOIN happened h ON h.month = s.month::date
	)
	SELECT b.month, b.new_customers, b.lost_customers,
		sum(b.new_customers - b.lost_customers) OVER so_far + (SELECT count(*) FROM crmaudit.customer() c WHERE isfinite(c.since) IS NOT TRUE) AS customers_at_end,
		b.contracts, b.contracted, b.payments, b.paid, b.contacts,
		round(b.contracted / nullif(lag(b.contracted) OVER so_far, 0) - 1, 4) AS contracted_change,
		round(b.contracted / nullif(lag(b.contracted, 12) OVER so_far, 0) - 1, 4) AS contracted_change_of_year,
		round(b.paid / nullif(lag(b.paid) OVER so_far, 0) - 1, 4) AS paid_change,
		round(b.paid / nullif(lag(b.paid, 12) OVER so_far, 0) - 1, 4) AS paid_change_of_year
	FROM by_month b
	WINDOW so_far AS (ORDER BY b.month)
	ORDER BY b.month;
COMMENT ON VIEW crmaudit.sales_dynamics IS 'month by month: new and lost customers, customers at its end, contracts and payments with their amounts in yuan, interactions, and the change of the amounts from the month before and from the same month of the year before; the last month is as of now; customers of whom it is not known since when count from the first month on (D24)';

-- Importance ------------------------------------------------------------------------------

CREATE VIEW crmaudit.customer_importance WITH (security_invoker = true) AS
	WITH l AS (SELECT m.* FROM crmaudit.customer_limits(crmaudit.speaks_english()) m),
	figures AS (
		-- in the order of the result, so that one sort serves all
		SELECT y.firm_id COLLATE "C" AS firm_id, y.year, y.customer_id COLLATE "C" AS customer_id, sum(y.fee) AS fee, max(y.assets) AS assets
		FROM crmaudit.customer_year() y
		WHERE y.year IS NOT NULL
		GROUP BY 1, 2, 3
	), logs AS (
		SELECT f.*, CASE WHEN f.assets > 0 THEN ln(f.assets::float8) END AS ln_assets FROM figures f
	), firms AS (
		SELECT g.*, count(*) OVER firm AS customers, sum(g.fee) OVER firm AS firm_fee, sum(g.ln_assets) OVER firm AS firm_ln_assets
		FROM logs g WINDOW firm AS (PARTITION BY g.firm_id, g.year)
	), shares AS (
		SELECT f.*, CASE WHEN f.firm_fee > 0 THEN (f.fee / f.firm_fee)::float8 END AS ci1, CASE WHEN f.firm_ln_assets > 0 THEN f.ln_assets / f.firm_ln_assets END AS ci2
		FROM firms f
	)
	SELECT s.firm_id, s.year, s.customer_id, s.customers, s.fee, s.firm_fee, s.ci1::numeric AS ci1,
		crmaudit.winsorized(s.ci1) OVER everything::numeric AS ci1_winsorised,
		s.assets, s.ln_assets, s.firm_ln_assets, s.ci2::numeric AS ci2,
		crmaudit.winsorized(s.ci2) OVER everything::numeric AS ci2_winsorised,
		nullif(concat_ws('; ', CASE WHEN s.fee IS NULL THEN (SELECT l.words ->> 'no fee' FROM l) WHEN s.ci1 IS NULL THEN (SELECT l.words ->> 'no fees' FROM l) END,
			CASE WHEN s.ln_assets IS NULL THEN (SELECT l.words ->> 'no assets' FROM l) WHEN s.ci2 IS NULL THEN (SELECT l.words ->> 'no log assets' FROM l) END), '') AS not_assessed
	FROM shares s
	WINDOW everything AS ()
	ORDER BY s.firm_id, s.year, s.ci1 DESC NULLS LAST, s.customer_id;
COMMENT ON VIEW crmaudit.customer_importance IS 'how much a firm, or person, depends on a customer in a year: ci1 = the customer''s fee / all fees of the firm in the year, ci2 = ln(the customer''s assets in yuan) / sum of ln(assets) of the firm''s customers in the year; *_winsorised are the same at the 1 % and 99 % percentiles (percentile_cont) of all rows together. Rows of one customer, firm and year are one: fees add up, the largest assets count. Without a fee, or with assets that are missing or not above 0, a figure is not assessed, the customer is in no sum, and not_assessed says so (D25)';
