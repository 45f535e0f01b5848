-- Times that are not known (-infinity), and what has no end (infinity): no view
-- fails of them, and they are of no year and of no length.
SET client_min_messages = warning;
SET crmaudit.calendar = 'CN';
SET timezone = 'UTC';
CREATE SCHEMA ai;

-- A table for each entity. Its rows have all combinations of never, ever, a day
-- and nothing in all columns that are times, for each of the words given.
CREATE FUNCTION ai.fill(entity text, words jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	id_column text := (SELECT e.id_column FROM crmaudit.entity e WHERE e.entity = fill.entity);
	one record;
	names text := '';
	sources text := '';
	columns jsonb := '{}';
BEGIN
	FOR one IN SELECT c.column_name AS name, c.type FROM crmaudit.entity_column c WHERE c.entity = fill.entity AND c.builtin ORDER BY c.position LOOP
		columns := columns || jsonb_build_object(one.name, one.name);
		names := names || CASE WHEN names <> '' THEN ', ' ELSE '' END || CASE
			WHEN one.type IN ('date', 'timestamptz') OR words ? one.name THEN format('%I.v::%s', one.name || '_list', one.type)
			WHEN one.name IN (id_column, 'customer_id', 'staff_id', 'owner') THEN '(row_number() OVER ())::text'
			ELSE format('NULL::%s', one.type) END || format(' AS %I', one.name);
		sources := sources || CASE WHEN one.type IN ('date', 'timestamptz') THEN format($f$, unnest('{-infinity,infinity,2024-05-05,NULL}'::text[]) AS %I(v)$f$, one.name || '_list')
			WHEN words ? one.name THEN format(', jsonb_array_elements_text(%L) AS %I(v)', words -> one.name, one.name || '_list') ELSE '' END;
	END LOOP;
	EXECUTE format('CREATE TABLE ai.%I AS SELECT %s FROM (SELECT) x%s', entity, names, sources);
	PERFORM crmaudit.map_entity(entity, format('ai.%I', entity)::regclass, columns);
END $$;
SELECT ai.fill('customer', '{"name":["Li"],"kind":["person"]}'), ai.fill('staff', '{"name":["Wu"]}'), ai.fill('contract', '{"status":["signed"],"signed_by":["Wu"]}'),
	ai.fill('interaction', '{"kind":["visit","call","revisit"],"outcome":["reached","no_answer"],"related_entity":["plan"]}'), ai.fill('service_request', '{}'),
	ai.fill('complaint', '{"kind":["complaint","report","opinion"],"upheld":["true"]}'), ai.fill('survey_answer', '{"answer":["1","4"]}'), ai.fill('payment', '{"payer_name":["Wu"]}'),
	ai.fill('plan', '{"period":["2024-05"],"visits":["1"]}'), ai.fill('step', '{"case_kind":["exception","hazard","approval"],"step":["interview","notice"]}'),
	ai.fill('report', '{"kind":["revisit"],"period":["2024-05"]}'), ai.fill('usage_event', '{"action":["login","read"]}'), ai.fill('customer_year', '{"year":["2024"]}') \gset
-- The same in a second source; and each of the staff, a customer and a case by itself, or all together.
CREATE TABLE ai.visits_of_old AS SELECT * FROM ai.interaction;
SELECT crmaudit.map_entity('interaction', 'ai.visits_of_old', (SELECT m.columns FROM crmaudit.entity_mapping m WHERE m.entity = 'interaction'));
CREATE FUNCTION ai.failures() RETURNS TABLE (failed text, error text) LANGUAGE plpgsql AS $$
BEGIN
	FOREACH failed IN ARRAY '{record_retention,sample_coverage,revisit_spot_checks,revisit_compliance,revisit_monthly,backdated_entries,call_attempts,revisit_record_gaps,conflict_of_interest,special_revisits,serious_exceptions,hazard_cases,
			complaint_timeliness,complaint_analysis,complaint_monthly,satisfaction,audit_clues,visit_plan_completion,churn_by_staff,staff_appraisal,untrained_sales,agent_recheck,third_party_payments,seller_controlled_accounts,signed_by_others,
			contract_compliance,step_durations,rework,needless_steps,duplicate_entry,usage,inactive_users,
			interaction_frequency,customer_figures,silent_customers,churn_risk,customer_churn,customer_segments,key_customers,customer_credit,financial_statistics,sales_dynamics,customer_importance}'::text[] LOOP
		BEGIN
			EXECUTE format('SELECT count(v::text) FROM crmaudit.%I v', failed);
			CONTINUE;
		EXCEPTION WHEN OTHERS THEN
			error := SQLERRM;
		END;
		RETURN NEXT;
	END LOOP;
END $$;
-- Obligations: a month that never began would be followed by months without end.
SELECT count(crmaudit.add_obligation('ai_' || n, 'customer', w, f, counting_from => 'since', recurring => r, due => d, fulfilled_at => CASE f WHEN 'customer' THEN 'closed_at' END)) AS added
FROM (VALUES ('once', '5 days', 'interaction', NULL, NULL), ('month', '5 days', 'interaction', 'calendar month', NULL), ('again', '1 month', 'interaction', '1 month', NULL), ('due', NULL, 'interaction', NULL, 'closed_at'), ('self', '5 days', 'customer', NULL, NULL)) AS t(n, w, f, r, d);
SELECT obligation, count(*) > 0 AS has_rows, bool_and(isfinite(starts_at)) AS starts, bool_and(isfinite(due_at)) AS due, bool_and(isfinite(fulfilled_at)) AS fulfilled FROM crmaudit.obligation_status GROUP BY 1 ORDER BY 1;
SELECT min(month) > '2000-01-01' AS begins, max(month) < '2100-01-01' AS ends FROM crmaudit.obligation_coverage;
SELECT count(crmaudit.drop_obligation(o.name)) AS dropped FROM crmaudit.obligation o WHERE o.name LIKE 'ai\_%';
SELECT * FROM ai.failures();
SET crmaudit.calendar = 'weekdays';
SELECT * FROM ai.failures();
SET crmaudit.calendar = 'CN';
UPDATE ai.customer SET owner = '1';
UPDATE ai.contract SET staff_id = '1', customer_id = '1';
UPDATE ai.interaction SET staff_id = '1', customer_id = '1';
UPDATE ai.complaint SET staff_id = '1', customer_id = '1';
UPDATE ai.survey_answer SET staff_id = '1', customer_id = '1';
UPDATE ai.step SET case_id = '1';
UPDATE ai.usage_event SET user_id = '1';
SELECT * FROM ai.failures();
-- Nor does any of parallel workers: what these views ask once a query keeps none
-- away, and loads the library before there are any, so that a new session keeps
-- what it has set.
\set eager_for_workers 'SET crmaudit.calendar = ''CN''; SET crmaudit.language = ''zh''; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;'
SELECT p.proname, p.proparallel FROM pg_proc p WHERE p.oid IN ('crmaudit.speaks_english()'::regprocedure, 'crmaudit.known_days(text)'::regprocedure, 'crmaudit.report_time_zone()'::regprocedure) ORDER BY 1;
\c -
:eager_for_workers
SELECT count(*) >= 0 AS read FROM crmaudit.key_customers;
SELECT current_setting('crmaudit.language') AS language, current_setting('crmaudit.calendar') AS calendar;
\c -
:eager_for_workers
SELECT clue, in_words, count(*) FROM crmaudit.audit_clues GROUP BY 1, 2 ORDER BY 1;
SELECT current_setting('crmaudit.language') AS language, current_setting('crmaudit.calendar') AS calendar;
SELECT * FROM ai.failures();
\c -
SET client_min_messages = warning;
SET crmaudit.calendar = 'CN';
SET timezone = 'UTC';
SELECT crmaudit.unmap_entity('interaction', 'ai.visits_of_old');
TRUNCATE ai.customer, ai.staff, ai.contract, ai.interaction, ai.service_request, ai.complaint, ai.survey_answer, ai.payment, ai.plan, ai.step, ai.report, ai.usage_event;

-- Complaints: of a time not known there is no deadline; what is never closed, or decided, is open.
INSERT INTO ai.complaint (complaint_id, customer_id, staff_id, kind, opened_at, answered_at, decided_at, closed_at, upheld) VALUES
	('1', 'K1', 'S1', 'complaint', '2024-05-06', '2024-05-08', NULL, '2024-05-16', true), ('2', 'K1', 'S1', 'complaint', '2024-05-06', '2024-05-08', 'infinity', 'infinity', true),
	('3', 'K1', 'S1', 'complaint', '-infinity', '2024-05-08', NULL, '-infinity', true), ('4', 'K1', 'S2', 'complaint', '-infinity', 'infinity', NULL, NULL, true), ('5', 'K1', 'S2', 'complaint', '-infinity', NULL, NULL, NULL, true);
SELECT complaint_id, opened_at, due_at, answered_at, state FROM crmaudit.complaint_timeliness ORDER BY complaint_id;
SELECT complaints, in_time, median_days_to_answer AS days_to_answer, median_days_to_close AS days_to_close FROM crmaudit.complaint_analysis WHERE grouped_by = 'all';
SELECT month, kind, received, answered FROM crmaudit.complaint_monthly;
SELECT id, early_warning, of_customer_in_a_year AS of_customer FROM crmaudit.audit_clues ORDER BY id;
-- S2's two are of no year.
SELECT staff_id, upheld_in_a_year, last_complaint_on, recheck_from FROM crmaudit.agent_recheck;
INSERT INTO ai.survey_answer (answer_id, answered_at, answer) VALUES ('1', '-infinity', 1), ('2', NULL, 1), ('3', 'infinity', 4), ('4', '2024-05-06', 1);
SELECT month, answers, satisfied FROM crmaudit.satisfaction;

-- Customers: who came nobody knows when was there before; who left nobody knows when is of no year.
INSERT INTO ai.customer (customer_id, owner, since, closed_at) VALUES ('K1', 'S1', '-infinity', NULL), ('K2', 'S1', '-infinity', '2024-05-05'), ('K3', 'S1', '2024-01-01', 'infinity'), ('K4', 'S1', '2024-01-01', '-infinity'), ('K5', 'S1', 'infinity', NULL);
SELECT staff_id, year, at_start, won, lost, at_end, churn_rate FROM crmaudit.churn_by_staff WHERE year <= 2024;
SELECT year, staff_id, customers, lost, complaints FROM crmaudit.staff_appraisal WHERE year <= 2024;
INSERT INTO ai.staff (staff_id, trained_at) VALUES ('S1', '-infinity'), ('S2', 'infinity'), ('S3', NULL);
INSERT INTO ai.contract (contract_id, staff_id, customer_id, signed_by, starts_on, ends_on, signed_at, status) VALUES ('1', 'S1', 'K1', 'x', '2024-05-05', 'infinity', '2024-05-05', 'signed'), ('2', 'S2', 'K1', 'x', '2024-05-05', '-infinity', '2024-05-05', 'signed'),
	('3', 'S3', 'K1', 'x', 'infinity', '2999-05-05', '-infinity', 'signed');
SELECT staff_id, trained_at, contracts, state FROM crmaudit.untrained_sales;
SELECT contract_id, reason, in_words FROM crmaudit.contract_compliance WHERE reason <> 'no_approval';

-- Interactions and requests.
INSERT INTO ai.interaction (interaction_id, staff_id, customer_id, kind, method, occurred_at, recorded_at, outcome, related_entity, related_id, content, problem, result) VALUES
	('1', 'S1', 'K1', 'revisit', 'visit', '-infinity', '2024-05-05', 'reached', 'service_request', '1', 'x', 'x', 'x'), ('2', 'S1', 'K1', 'revisit', 'visit', '2024-05-05', 'infinity', 'reached', 'service_request', '2', 'x', 'x', 'x'),
	('3', 'S1', 'K1', 'revisit', 'visit', 'infinity', '2024-05-05', 'reached', 'service_request', '1', 'x', 'x', 'x'), ('4', 'S1', 'K1', 'special_revisit', 'visit', '-infinity', '-infinity', 'reached', 'plan', '1', 'x', 'x', 'x'),
	('5', 'S1', 'K1', 'visit', 'visit', '2024-05-05', '2024-05-15', 'reached', NULL, NULL, 'x', 'x', 'x'), ('6', 'S1', 'K1', 'call', 'call', '-infinity', NULL, 'no_answer', NULL, NULL, 'x', 'x', 'x');
INSERT INTO ai.service_request (request_id, customer_id, staff_id, archived_at) VALUES ('1', 'K1', 'S2', '2024-05-05'), ('2', 'K1', 'S2', 'infinity'), ('3', 'K1', 'S2', '-infinity');
INSERT INTO ai.report (report_id, kind, period, submitted_at) VALUES ('1', 'revisit', '2024-05', '-infinity');
INSERT INTO ai.plan (plan_id, period, approved_by) VALUES ('1', '2024-05', 'boss');
SELECT interaction_id, delay FROM crmaudit.backdated_entries;
SELECT month, archived, revisited, not_tried, report FROM crmaudit.revisit_monthly;
SELECT interaction_id, missing FROM crmaudit.revisit_record_gaps;
SELECT interaction_id, state FROM crmaudit.special_revisits;
SELECT (SELECT count(*) FROM crmaudit.call_attempts) AS calls, (SELECT count(*) FROM crmaudit.conflict_of_interest WHERE NOT isfinite(occurred_at)) AS conflicts;
SELECT month, revisits FROM crmaudit.revisit_spot_checks;
SELECT subject_id, keep_until, state FROM crmaudit.record_retention WHERE subject_id IN ('3', '4') ORDER BY subject_id;

-- Steps: what is left at infinity is open; what was left nobody knows when has no length.
INSERT INTO ai.step (case_kind, case_id, step, staff_id, entered_at, left_at, due_at) VALUES
	('a', '1', 'draft', 'S1', '2024-05-06', '2024-05-07', '-infinity'), ('a', '2', 'draft', 'S1', '2024-05-06', 'infinity', NULL), ('a', '3', 'draft', 'S1', '-infinity', '2024-05-06', NULL), ('a', '4', 'draft', 'S1', '2024-05-06', '-infinity', NULL),
	('a', '5', 'draft', 'S1', '-infinity', 'infinity', '-infinity'), ('a', '6', 'draft', 'S1', 'infinity', NULL, NULL),
	-- back in a step, which it has not left; and left nobody knows when
	('b', '1', 'draft', 'S1', '2024-05-06', '2024-05-07', NULL), ('b', '1', 'check', 'S2', '2024-05-07', '2024-05-08', NULL), ('b', '1', 'draft', 'S1', '2024-05-08', 'infinity', NULL),
	('b', '2', 'draft', 'S1', '2024-05-06', '2024-05-07', NULL), ('b', '2', 'check', 'S2', '2024-05-07', '2024-05-08', NULL), ('b', '2', 'draft', 'S1', '2024-05-08', '-infinity', NULL);
SELECT case_kind, step, cases, passages, median_hours, longest_hours, slowest_case, left_late, open, open_overdue, oldest_open_case, without_times FROM crmaudit.step_durations WHERE case_kind = 'a';
SELECT case_id, step, passages, reentries, came_back_from, hours_again > 0 AS has_hours, is_open FROM crmaudit.rework;
-- Ten passages that take seconds, one more that never ends and one of no time: a step that decides nothing.
INSERT INTO ai.step (case_kind, case_id, step, entered_at, left_at)
	SELECT 'c', n::text, s, '2024-05-06'::timestamptz + i, CASE WHEN n = 11 AND s = 'stamp' THEN 'infinity' ELSE '2024-05-06 00:00:10'::timestamptz + i END
	FROM generate_series(1, 11) n, (VALUES ('draft', interval '0'), ('stamp', '1 hour')) v(s, i);
INSERT INTO ai.step (case_kind, case_id, step, entered_at, left_at) VALUES ('c', '12', 'draft', '2024-05-06', '2024-05-06'), ('c', '12', 'stamp', '-infinity', '2024-05-06');
SELECT * FROM crmaudit.needless_steps;
INSERT INTO ai.step (case_kind, case_id, step, entered_at, left_at, due_at) VALUES
	('exception', 'x', 'interview', '2024-05-06', '2024-05-07', NULL), ('exception', 'x', 'self check', '2024-05-06', '2024-05-08', NULL), ('exception', 'x', 'final decision', '2024-05-06', '-infinity', NULL), ('exception', 'x', 'second revisit', '2024-05-06', '2024-05-09', NULL),
	('hazard', 'h', 'notice', '2024-05-06', NULL, '-infinity'), ('hazard', 'h', 'cause', '2024-05-06', '2024-05-07', NULL);
SELECT case_id, state FROM crmaudit.serious_exceptions;
SELECT case_id, deadline, missing, state FROM crmaudit.hazard_cases;
INSERT INTO ai.usage_event (user_id, action, at) VALUES ('u1', 'read', '-infinity'), ('u2', 'read', now());
SELECT users, days_unused, state FROM crmaudit.inactive_users WHERE users IS NOT NULL;

-- Two that are not known are not the same.
CREATE TABLE ai.visits_of_new AS SELECT * FROM ai.interaction WHERE interaction_id IN ('4', '5');
SELECT crmaudit.map_entity('interaction', 'ai.visits_of_new', (SELECT m.columns FROM crmaudit.entity_mapping m WHERE m.entity = 'interaction'));
UPDATE ai.visits_of_new SET recorded_at = NULL;
SELECT entity, first_source, second_source, agrees_in FROM crmaudit.duplicate_entry;

SELECT count(crmaudit.unmap_entity(e)) AS unmapped FROM unnest('{customer,staff,contract,interaction,service_request,complaint,survey_answer,payment,plan,step,report,usage_event,customer_year}'::text[]) e;
DROP SCHEMA ai CASCADE;
