-- The demo's CRM, with its planted defects: every defect that a rule can tell
-- is found, by its kind, on its row and column, and nothing else is.
SET client_min_messages = warning;
\set customers 1000
\o /dev/null
\i demo/schema.sql
\i demo/data.sql
\set mode observe
\i demo/rules.sql
\i demo/detection.sql
\o

-- What the rules say of the rows as they are: no more than the sweep will.
CREATE TEMP TABLE seen AS
	SELECT 'crm.customer'::regclass AS tab, jsonb_build_object('customer_no', t.customer_no) AS row_key, v.rule
	FROM crm.customer t, crmaudit.violations(t) v
	UNION SELECT 'crm.company', jsonb_build_object('company_no', t.company_no), v.rule
	FROM crm.company t, crmaudit.violations(t) v
	UNION SELECT 'crm.insured', jsonb_build_object('insured_id', t.insured_id), v.rule
	FROM crm.insured t, crmaudit.violations(t) v
	UNION SELECT 'crm.staff', jsonb_build_object('staff_id', t.staff_id), v.rule
	FROM crm.staff t, crmaudit.violations(t) v;

-- Every planted defect that a row shows is found; nothing else is.
SELECT p.tab, p.kind, count(*) AS planted,
	count(*) FILTER (WHERE EXISTS (SELECT FROM seen s WHERE s.tab = p.tab AND s.row_key = p.row_key)) AS found
FROM demo.planted p
WHERE p.tab::text IN ('crm.customer', 'crm.company', 'crm.insured', 'crm.staff')
	AND p.kind IN (SELECT kind FROM crmaudit.rule_kind WHERE level IN ('row', 'update'))
GROUP BY 1, 2 ORDER BY p.tab::text, 2;
SELECT s.tab, s.row_key, s.rule FROM seen s
WHERE NOT EXISTS (SELECT FROM demo.planted p WHERE p.tab = s.tab AND p.row_key = s.row_key)
ORDER BY 1, 2, 3;

-- A sweep of all tables: by kind, row and column.
SELECT count(*) AS tables FROM crmaudit.protected_table p, crmaudit.sweep(p.target) WHERE p.target::text LIKE 'crm.%';
SELECT target, rows, failures FROM crmaudit.run WHERE target::text LIKE 'crm.%' ORDER BY target::text;
SELECT e.tab, e.kind, count(*) AS planted,
	count(*) FILTER (WHERE EXISTS (SELECT FROM demo.found f WHERE f.tab = e.tab AND f.row_key = e.row_key AND f.kind = e.kind
		AND e.column_name = ANY (f.columns))) AS found
FROM demo.expected e WHERE e.by_rule GROUP BY 1, 2 ORDER BY e.tab::text, 2;
SELECT * FROM demo.missed ORDER BY tab::text, row_key, defect;
SELECT tab, row_key, rule, reason FROM demo.false_finding ORDER BY tab::text, row_key, rule;
SELECT * FROM demo.detection;

-- What the rules say of the rows is among it.
SELECT tab, row_key, rule FROM seen EXCEPT SELECT tab, row_key, rule FROM demo.found;

-- Good rows that a careless rule would call bad.
SELECT g.name, count(*) AS rows, count(f.id) AS found
FROM demo.planted_good g LEFT JOIN demo.found f USING (tab, row_key) GROUP BY g.name ORDER BY g.name COLLATE "C";

-- Of whom the phone or the address is, and how large the groups are.
SELECT rule, reason, customers, count(*) AS rows, count(DISTINCT group_key) AS groups
FROM crmaudit.suspicious_customers WHERE target::text LIKE 'crm.%' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- The two of a pair are in one group.
SELECT p.defect, count(DISTINCT f.group_key) AS groups, count(*) AS rows
FROM demo.planted p JOIN crmaudit.finding f ON f.target = p.tab AND f.row_key = p.row_key AND f.column_name = p.column_name
WHERE p.defect IN ('shared_phone', 'shared_card', 'contact_phone_shared') AND f.group_key IS NOT NULL
GROUP BY 1 ORDER BY 1;

-- A second sweep finds what the first did, and nothing new; the scores are the same.
CREATE TEMP TABLE before AS SELECT id, status, reason FROM crmaudit.finding;
CREATE TEMP TABLE score_before AS SELECT target, rows, score FROM crmaudit.table_score;
SELECT count(*) AS tables FROM crmaudit.protected_table p, crmaudit.sweep(p.target, workers => 0) WHERE p.target::text LIKE 'crm.%';
SELECT id, status, reason FROM crmaudit.finding EXCEPT SELECT id, status, reason FROM before;
SELECT target, rows, score FROM crmaudit.table_score EXCEPT SELECT target, rows, score FROM score_before;

-- What is no rule over rows: obligations, and the audit views, on the same CRM.
\o /dev/null
\i demo/entities.sql
\o
CREATE TEMP TABLE audited AS
	SELECT 'revisit_missing' AS defect, subject_id AS id FROM crmaudit.obligation_status WHERE obligation = 'new_contract_revisit' AND state = 'overdue'
	UNION ALL SELECT 'revisit_late', subject_id FROM crmaudit.obligation_status WHERE obligation = 'new_contract_revisit' AND state = 'late'
	UNION ALL SELECT 'complaint_late', subject_id FROM crmaudit.obligation_status WHERE obligation = 'complaint_answer' AND state = 'late'
	UNION ALL SELECT 'complaint_unanswered', subject_id FROM crmaudit.obligation_status WHERE obligation = 'complaint_answer' AND state = 'overdue'
	UNION ALL SELECT 'revisit_by_adviser', interaction_id FROM crmaudit.conflict_of_interest WHERE conflict = 'person'
	UNION ALL SELECT 'revisit_backdated', interaction_id FROM crmaudit.backdated_entries
	UNION ALL SELECT 'revisit_record_gap', interaction_id FROM crmaudit.revisit_record_gaps WHERE missing @> '{content,result,recording}'
	UNION ALL SELECT 'revisit_ring_short', related_id FROM crmaudit.call_attempts WHERE short_rings > 0
	UNION ALL SELECT 'revisit_night_call', related_id FROM crmaudit.call_attempts WHERE outside_hours > 0
		-- a late one may fall on a day off besides
		AND related_id NOT IN (SELECT subject_id FROM crmaudit.obligation_status WHERE obligation = 'new_contract_revisit' AND state = 'late')
	UNION ALL SELECT 'contract_dates_missing', contract_id FROM crmaudit.contract_compliance WHERE reason = 'dates_missing'
	UNION ALL SELECT 'contract_expired_active', contract_id FROM crmaudit.contract_compliance WHERE reason = 'expired_active'
	UNION ALL SELECT 'contract_unsigned', contract_id FROM crmaudit.contract_compliance WHERE reason = 'unsigned'
	UNION ALL SELECT 'contract_signed_by_other', contract_id FROM crmaudit.signed_by_others
	UNION ALL SELECT 'third_party_payment', p.payment_id FROM crmaudit.third_party_payments p
		WHERE NOT EXISTS (SELECT FROM crmaudit.seller_controlled_accounts s WHERE p.payment_id = ANY (s.payment_ids))
	UNION ALL SELECT 'seller_payment', p FROM crmaudit.seller_controlled_accounts, unnest(payment_ids) AS p
	UNION ALL SELECT 'key_account_owner', customer_id FROM crmaudit.key_customers WHERE ownership <> 'ok';
SELECT p.defect, p.kind, count(*) AS planted, count(a.id) AS found
FROM demo.planted p LEFT JOIN audited a ON a.defect = p.defect AND a.id = (SELECT min(value) FROM jsonb_each_text(p.row_key))
WHERE p.kind IN ('obligation', 'view') AND p.defect <> 'agent_two_upheld' GROUP BY 1, 2 ORDER BY p.defect COLLATE "C";
SELECT a.* FROM audited a WHERE NOT EXISTS (SELECT FROM demo.planted p WHERE p.defect = a.defect AND (SELECT min(value) FROM jsonb_each_text(p.row_key)) = a.id) ORDER BY 1, 2;
-- agents whose customers are checked again: those with two upheld complaints
SELECT count(DISTINCT staff_id) AS agents, min(upheld_in_a_year) AS complaints FROM crmaudit.agent_recheck;
DROP TABLE audited;
SELECT count(crmaudit.drop_obligation(name)) AS obligations FROM crmaudit.obligation WHERE name IN ('new_contract_revisit', 'complaint_answer');
SELECT sum(crmaudit.unmap_entity(entity)) AS sources FROM crmaudit.entity WHERE entity <> 'sample_member';
RESET crmaudit.calendar;
DO $$ BEGIN PERFORM crmaudit.unprotect(target) FROM crmaudit.protected_table WHERE target::text LIKE 'crm.%'; END $$;
SELECT crmaudit.unmap_staff(source, column_name) FROM crmaudit.staff_source WHERE source::text LIKE 'crm.%' \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA crm CASCADE;
DROP SCHEMA demo CASCADE;
