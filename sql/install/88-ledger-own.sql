-- 88-ledger-own: the extension's own tables in the ledger: who changed a rule,
-- a setting, a decision (D36). Last of all, so that what the extension brings
-- with it is not recorded as somebody's doing.

INSERT INTO crmaudit.tracked_table (table_id, target, name, key, personal, builtin) VALUES
	(1, 'crmaudit.rule', 'crmaudit.rule', '{id}', '{}', true),
	(2, 'crmaudit.protected_table', 'crmaudit.protected_table', '{target}', '{}', true),
	(3, 'crmaudit.tracked_table', 'crmaudit.tracked_table', '{table_id}', '{}', true),
	(4, 'crmaudit.quarantine', 'crmaudit.quarantine', '{id}', '{row_data}', true),
	(5, 'crmaudit.value_list', 'crmaudit.value_list', '{list,value}', '{}', true),
	(6, 'crmaudit.dimension_weight', 'crmaudit.dimension_weight', '{dimension}', '{}', true),
	(7, 'crmaudit.finding_event', 'crmaudit.finding_event', '{id}', '{}', true),
	(8, 'crmaudit.role', 'crmaudit.role', '{role}', '{}', true),
	(9, 'crmaudit.retention', 'crmaudit.retention', '{id}', '{}', true),
	(10, 'crmaudit.improvement', 'crmaudit.improvement', '{id}', '{}', true),
	(12, 'crmaudit.entity_mapping', 'crmaudit.entity_mapping', '{id}', '{}', true),
	(13, 'crmaudit.obligation', 'crmaudit.obligation', '{name}', '{}', true),
	(14, 'crmaudit.obligation_exemption', 'crmaudit.obligation_exemption', '{obligation,subject_id}', '{}', true),
	(15, 'crmaudit.obligation_extension', 'crmaudit.obligation_extension', '{id}', '{}', true),
	(11, 'crmaudit.staff_source', 'crmaudit.staff_source', '{source,column_name}', '{}', true),
	(16, 'crmaudit.sample', 'crmaudit.sample', '{id}', '{}', true),
	(17, 'crmaudit.sample_stratum', 'crmaudit.sample_stratum', '{sample_id,stratum}', '{}', true),
	(18, 'crmaudit.sample_member', 'crmaudit.sample_member', '{sample_id,subject_id}', '{}', true),
	(19, 'crmaudit.revisit_setting', 'crmaudit.revisit_setting', '{setting}', '{}', true),
	(20, 'crmaudit.calendar', 'crmaudit.calendar', '{calendar}', '{}', true),
	(21, 'crmaudit.calendar_year', 'crmaudit.calendar_year', '{calendar,year}', '{}', true),
	(22, 'crmaudit.calendar_day', 'crmaudit.calendar_day', '{calendar,day,builtin}', '{}', true),
	(23, 'crmaudit.period', 'crmaudit.period', '{name}', '{}', true),
	(24, 'crmaudit.period_finding', 'crmaudit.period_finding', '{period,finding_id}', '{}', true),
	(25, 'crmaudit.period_score', 'crmaudit.period_score', '{period,run_id}', '{}', true),
	(26, 'crmaudit.period_rule', 'crmaudit.period_rule', '{period,rule_id,version}', '{}', true),
	(27, 'crmaudit.customer_setting', 'crmaudit.customer_setting', '{name}', '{}', true),
	(28, 'crmaudit.approval_threshold', 'crmaudit.approval_threshold', '{kind}', '{}', true),
	(29, 'crmaudit.audit_plan', 'crmaudit.audit_plan', '{id}', '{}', true),
	(30, 'crmaudit.audit_step', 'crmaudit.audit_step', '{id}', '{}', true),
	(31, 'crmaudit.audit_task', 'crmaudit.audit_task', '{id}', '{}', true),
	(32, 'crmaudit.kept_report', 'crmaudit.kept_report', '{id}', '{}', true);

DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY (SELECT pg_catalog.array_agg(t.name) FROM crmaudit.tracked_table t WHERE t.builtin) LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER zz_crmaudit_ledger AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION crmaudit.capture()',
			-- the gate puts rows aside and notes what it found in bulk; what people decide about them is recorded;
			-- what a period freezes is recorded by its root
			CASE WHEN name IN ('crmaudit.quarantine', 'crmaudit.finding_event', 'crmaudit.sample_member', 'crmaudit.period_finding', 'crmaudit.period_score', 'crmaudit.period_rule') THEN 'UPDATE OR DELETE' ELSE 'INSERT OR UPDATE OR DELETE' END, name);
		EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_crmaudit_ledger', name);
	END LOOP;
	CREATE TRIGGER zz_crmaudit_ledger_step AFTER INSERT ON crmaudit.finding_event FOR EACH ROW
		WHEN (NEW.event NOT IN ('seen', 'gone', 'truncated')) EXECUTE FUNCTION crmaudit.capture();
	ALTER TABLE crmaudit.finding_event ENABLE ALWAYS TRIGGER zz_crmaudit_ledger_step;
END $$;
