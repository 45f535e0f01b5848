-- Views on entities; a name that is no view any more is an error.
SELECT relname FROM pg_class WHERE relkind = 'v' AND oid IN (SELECT ('crmaudit.' || name)::regclass FROM unnest('{
	obligation_status, obligation_coverage,
	revisit_compliance, revisit_monthly, backdated_entries, call_attempts, revisit_record_gaps, conflict_of_interest, serious_exceptions, hazard_cases, record_retention,
	sample_coverage, revisit_spot_checks,
	complaint_timeliness, complaint_analysis, complaint_monthly, satisfaction, audit_clues, visit_plan_completion, churn_by_staff, staff_appraisal, agent_recheck,
	third_party_payments, seller_controlled_accounts, signed_by_others, contract_compliance,
	interaction_frequency, silent_customers, churn_risk, customer_churn, customer_segments, key_customers, customer_credit, financial_statistics, sales_dynamics, customer_importance,
	step_durations, rework, needless_steps, duplicate_entry, usage, inactive_users, error_frequency, crm_table_health
}'::text[]) AS name) ORDER BY relname;
