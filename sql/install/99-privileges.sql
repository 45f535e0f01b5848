-- 99-privileges: least privilege. Whoever writes a protected table needs no
-- right here; duties are handed out by grant_duty().

CREATE TABLE crmaudit.duty_grant (
	duty text NOT NULL CHECK (duty IN ('admin', 'steward', 'auditor')),
	grantee name NOT NULL,
	granted_at timestamptz NOT NULL DEFAULT now(),
	granted_by name NOT NULL DEFAULT session_user,
	PRIMARY KEY (duty, grantee)
);
COMMENT ON TABLE crmaudit.duty_grant IS 'who has which duty: admin defines rules, steward works off findings and quarantine, auditor reads all and changes nothing (D36)';
SELECT pg_catalog.pg_extension_config_dump('crmaudit.duty_grant', '');

-- The statements that give, or take, the rights of a duty.
CREATE FUNCTION crmaudit.duty_rights(duty text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT right_words FROM (VALUES
		('admin', 'USAGE ON SCHEMA crmaudit'),
		('admin', 'SELECT ON ALL TABLES IN SCHEMA crmaudit'),
		('admin', 'INSERT, UPDATE, DELETE ON crmaudit.distribution_baseline, crmaudit.distribution_bucket'),
		('admin', 'INSERT, UPDATE, DELETE ON crmaudit.retention, crmaudit.rule, crmaudit.protected_table, crmaudit.value_list, crmaudit.role, crmaudit.pack, crmaudit.pack_rule, crmaudit.dimension_weight'),
		('admin', 'INSERT, UPDATE, DELETE ON crmaudit.role_hint'),
		('admin', 'INSERT, UPDATE ON crmaudit.rule_version'),
		('admin', 'INSERT, UPDATE, DELETE ON crmaudit.calendar, crmaudit.calendar_year, crmaudit.calendar_day'),
		-- not target: by its rights personal values are masked
		('admin', 'INSERT, UPDATE (name, key, hashed_key, exclude, personal, require_reason, tracked, columns, baselined_at) ON crmaudit.tracked_table'),
		('admin', 'INSERT ON crmaudit.finding_event, crmaudit.key_salt'),
		('admin', 'INSERT (target, rule_id, rule_version, action, reason, findings, points, score, rule_set_version) ON crmaudit.improvement'),
		('admin', 'UPDATE (status, note) ON crmaudit.improvement'),
		('admin', 'USAGE ON ALL SEQUENCES IN SCHEMA crmaudit'),
		('admin', 'EXECUTE ON ALL FUNCTIONS IN SCHEMA crmaudit'),
		('admin', 'INSERT, UPDATE, DELETE ON crmaudit.staff_source'),
		('admin', 'INSERT, UPDATE, DELETE ON crmaudit.entity, crmaudit.entity_column, crmaudit.entity_mapping, crmaudit.obligation, crmaudit.obligation_pack, crmaudit.obligation_exemption, crmaudit.obligation_extension'),
		('steward', 'EXECUTE ON FUNCTION crmaudit.sweep_obligations(regclass), crmaudit.close_unmapped_findings(regclass), crmaudit.same_subject(crmaudit.obligation), crmaudit.entity_types(text), crmaudit.as_moment(text, text, text), crmaudit.known_type(text), crmaudit.valid_mappings(text), crmaudit.entity_query(text, boolean), crmaudit.begin_obligation_run(regclass, bigint, text[]), crmaudit.end_obligation_rule(bigint, bigint, int, bigint, bigint), crmaudit.write_obligation_findings(bigint, bigint, int, crmaudit.severity, text, regclass, jsonb[], text[]), crmaudit.obligation_problems(), crmaudit.obligation_stranger(crmaudit.obligation), crmaudit.beginning_gap(crmaudit.obligation), crmaudit.obligation_calendar_problems(date)'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.obligation_problems(), crmaudit.obligation_stranger(crmaudit.obligation), crmaudit.beginning_gap(crmaudit.obligation), crmaudit.obligation_calendar_problems(date)'),
		('steward', 'EXECUTE ON FUNCTION crmaudit.mapping_problem(crmaudit.entity_mapping), crmaudit.entity_problems()'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.mapping_problem(crmaudit.entity_mapping), crmaudit.entity_problems()'),
		('steward', 'USAGE ON SCHEMA crmaudit'),
		('steward', 'SELECT ON ALL TABLES IN SCHEMA crmaudit'),
		-- findings, how they are counted, and improvement (76)
		('steward', 'INSERT (target, rule_id, rule_version, action, reason, findings, points, score, rule_set_version) ON crmaudit.improvement'),
		('steward', 'UPDATE (status, note) ON crmaudit.improvement'),
		('steward', 'EXECUTE ON FUNCTION crmaudit.row_owner(regclass, jsonb), crmaudit.row_owners(regclass, bigint[], jsonb[]), crmaudit.row_key_join(regclass, boolean), crmaudit.attribute_findings(regclass), crmaudit.report_time_zone(), crmaudit.rejecting_persons(), crmaudit.improvement_in_words(text), crmaudit.points_won(bigint), crmaudit.proposal_sql(text, regclass, text, text, text, jsonb), crmaudit.propose(regclass), crmaudit.carry_out(bigint, text), crmaudit.finding_nature(text, text)'),
		('steward', 'UPDATE ON crmaudit.quarantine'),
		('steward', 'EXECUTE ON FUNCTION crmaudit.preview_mode(regclass, text), crmaudit.export_rules(regclass), crmaudit.require_protected(regclass), crmaudit.release(bigint, jsonb), crmaudit.discard(bigint, text), crmaudit.require_quarantined(bigint), crmaudit.writable_columns(regclass, text)'),
		('steward', 'EXECUTE ON FUNCTION crmaudit.ledger_problems()'),
		('steward', 'EXECUTE ON FUNCTION crmaudit.distribute(bigint[], text), crmaudit.append_distribution(bigint[], text, text[], timestamptz[]), crmaudit.assign(bigint[], text), crmaudit.verify(bigint[], text), crmaudit.false_positive(bigint[], text), crmaudit.waive(bigint[], date, text, text), crmaudit.reopen(bigint[], text), crmaudit.clear_group(text, text), crmaudit.escalate(), crmaudit.fold_findings(), crmaudit.findings_problems()'),
		('admin', 'INSERT, UPDATE, DELETE ON crmaudit.assignment, crmaudit.escalation'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.findings_problems()'),
		('steward', 'EXECUTE ON FUNCTION crmaudit.sweep(regclass, text[], real, bigint, text, int), crmaudit.sweep_table(regclass, text[], real, bigint, text, int, pg_snapshot, timestamptz, text), crmaudit.sweep_changed(regclass), crmaudit.unswept_rules(regclass), crmaudit.sweep_progresses(), crmaudit.after_sweep(bigint), crmaudit.fold_after_sweep(), crmaudit.fold(), crmaudit.fold_findings(), crmaudit.ledger_incarnation()'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.sweep_progresses()'),
		('steward', 'EXECUTE ON FUNCTION crmaudit.rule_query(regclass, text), crmaudit.distribution_shift(regclass, text), crmaudit.baseline_problems()'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.rule_query(regclass, text), crmaudit.distribution_shift(regclass, text), crmaudit.baseline_problems()'),
		('steward', 'EXECUTE ON FUNCTION crmaudit.calendar_problems(date), crmaudit.calendar_gaps(text[], date), crmaudit.schedule_problems(), crmaudit.sweep_jobs()'),
		('auditor', 'USAGE ON SCHEMA crmaudit'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.row_owner(regclass, jsonb), crmaudit.row_owners(regclass, bigint[], jsonb[]), crmaudit.row_key_join(regclass, boolean), crmaudit.attribute_findings(regclass), crmaudit.report_time_zone(), crmaudit.rejecting_persons(), crmaudit.improvement_in_words(text), crmaudit.points_won(bigint), crmaudit.proposal_sql(text, regclass, text, text, text, jsonb), crmaudit.finding_nature(text, text)'),
		('auditor', 'SELECT ON ALL TABLES IN SCHEMA crmaudit'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.ledger_problems(), crmaudit.verify_ledger(jsonb, boolean), crmaudit.verify_ledger_range(bigint, bigint), crmaudit.verify_blocks(jsonb, boolean, bigint, bigint), crmaudit.verify_live(regclass), crmaudit.verify_ranges(int), crmaudit.ledger_digest(), crmaudit.ledger_coverage(), crmaudit.ledger_trigger_states(regclass), crmaudit.ledger_proof(xid8, int, bigint, boolean), crmaudit.masked_proof(xid8, int, bigint), crmaudit.export_block(bigint, boolean), crmaudit.masked_block(bigint), crmaudit.export_chain(bigint, bigint), crmaudit.block_json(crmaudit.ledger_block), crmaudit.block_of(bigint, xid8)'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.calendar_problems(date), crmaudit.calendar_gaps(text[], date), crmaudit.schedule_problems(), crmaudit.sweep_jobs()'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.findings_as_of(timestamptz), crmaudit.close_period(date, date, text, jsonb, text), crmaudit.period_evidence(text), crmaudit.period_content(text), crmaudit.verify_period(text)'),
		('auditor', 'EXECUTE ON FUNCTION crmaudit.preview_mode(regclass, text), crmaudit.export_rules(regclass), crmaudit.require_protected(regclass)')
		,('steward', 'EXECUTE ON FUNCTION crmaudit.live_table_score(regclass), crmaudit.live_column_scores(regclass), crmaudit.live_owner_scores(regclass), crmaudit.live_owner_cells(regclass), crmaudit.rule_cells(crmaudit.rule), crmaudit.severity_risk(crmaudit.severity), crmaudit.cell_points(regclass), crmaudit.waived_row_losses(regclass), crmaudit.owner_adjustments(regclass), crmaudit.waived_losses(regclass), crmaudit.adjusted_score(regclass), crmaudit.score_problems()')
		,('auditor', 'EXECUTE ON FUNCTION crmaudit.live_table_score(regclass), crmaudit.live_column_scores(regclass), crmaudit.live_owner_scores(regclass), crmaudit.live_owner_cells(regclass), crmaudit.rule_cells(crmaudit.rule), crmaudit.severity_risk(crmaudit.severity), crmaudit.cell_points(regclass), crmaudit.waived_row_losses(regclass), crmaudit.owner_adjustments(regclass), crmaudit.waived_losses(regclass), crmaudit.adjusted_score(regclass), crmaudit.score_problems()')
		,('steward', 'EXECUTE ON FUNCTION crmaudit.speaks_english(), crmaudit.complaint_analysis_rows(), crmaudit.visit_plan_completion_rows(), crmaudit.staff_appraisal_rows(), crmaudit.agent_recheck_rows(), crmaudit.third_party_payments_rows(), crmaudit.seller_controlled_accounts_rows(), crmaudit.signed_by_others_rows(), crmaudit.name_key(text), crmaudit.trigram_operator(), crmaudit.lookup_query(text, text, text, text[], text[], text[], text[], text), crmaudit.search_pattern(text), crmaudit.digit_pattern(text), crmaudit.company_lookup(text, int), crmaudit.contact_lookup(text, int), crmaudit.agreement_lookup(text, int), crmaudit.visit_lookup(text, int)')
		,('auditor', 'EXECUTE ON FUNCTION crmaudit.speaks_english(), crmaudit.complaint_analysis_rows(), crmaudit.visit_plan_completion_rows(), crmaudit.staff_appraisal_rows(), crmaudit.agent_recheck_rows(), crmaudit.third_party_payments_rows(), crmaudit.seller_controlled_accounts_rows(), crmaudit.signed_by_others_rows(), crmaudit.name_key(text), crmaudit.trigram_operator(), crmaudit.lookup_query(text, text, text, text[], text[], text[], text[], text), crmaudit.search_pattern(text), crmaudit.digit_pattern(text), crmaudit.company_lookup(text, int), crmaudit.contact_lookup(text, int), crmaudit.agreement_lookup(text, int), crmaudit.visit_lookup(text, int)')
		,('admin', 'INSERT, UPDATE, DELETE ON crmaudit.approval_threshold')
		,('admin', 'INSERT, UPDATE, DELETE ON crmaudit.customer_setting')
		,('steward', 'EXECUTE ON FUNCTION crmaudit.customer_limits(boolean), crmaudit.sum_of_few(numeric), crmaudit.judged_sources(), crmaudit.customer_quality(), crmaudit.valid_mappings(text), crmaudit.entity_query(text, boolean), crmaudit.severity_risk(crmaudit.severity)')
		,('auditor', 'EXECUTE ON FUNCTION crmaudit.customer_limits(boolean), crmaudit.sum_of_few(numeric), crmaudit.judged_sources(), crmaudit.customer_quality(), crmaudit.valid_mappings(text), crmaudit.entity_query(text, boolean), crmaudit.severity_risk(crmaudit.severity)')
		-- revisits, retention, samples (80)
		,('admin', 'INSERT, UPDATE, DELETE ON crmaudit.revisit_setting')
		,('steward', 'EXECUTE ON FUNCTION crmaudit.valid_mappings(text), crmaudit.entity_query(text, boolean), crmaudit.entity_types(text), crmaudit.entity_columns(text), crmaudit.require_entity(text), crmaudit.require_expression(text, text), crmaudit.require_safe_expression(text, text[], oid[], text), crmaudit.require_condition(text, text), crmaudit.record_retention_periods(), crmaudit.retention_problem(text, text, text), crmaudit.retention_problems(), crmaudit.deleted_query(crmaudit.entity_mapping), crmaudit.retention_query(text, text, text), crmaudit.retained_records(), crmaudit.revisit_settings(), crmaudit.ledger_entered(text), crmaudit.period_condition(text, text), crmaudit.sample_rows(text, numeric, text[], bigint, text, text), crmaudit.draw_sample(text, numeric, text[], bigint, text, text)')
		,('auditor', 'EXECUTE ON FUNCTION crmaudit.valid_mappings(text), crmaudit.entity_query(text, boolean), crmaudit.entity_types(text), crmaudit.entity_columns(text), crmaudit.require_entity(text), crmaudit.require_expression(text, text), crmaudit.require_safe_expression(text, text[], oid[], text), crmaudit.require_condition(text, text), crmaudit.record_retention_periods(), crmaudit.retention_problem(text, text, text), crmaudit.retention_problems(), crmaudit.deleted_query(crmaudit.entity_mapping), crmaudit.retention_query(text, text, text), crmaudit.retained_records(), crmaudit.revisit_settings(), crmaudit.ledger_entered(text), crmaudit.period_condition(text, text), crmaudit.sample_rows(text, numeric, text[], bigint, text, text), crmaudit.draw_sample(text, numeric, text[], bigint, text, text)')
		-- who draws a sample, and when, is not for him to say
		,('admin', 'INSERT (entity, percent, strata, seed, condition, period, population, members) ON crmaudit.sample')
		,('admin', 'INSERT (sample_id, entity, subject_id, stratum, customer_id) ON crmaudit.sample_member')
		,('admin', 'INSERT ON crmaudit.sample_stratum')
		,('steward', 'INSERT (entity, percent, strata, seed, condition, period, population, members) ON crmaudit.sample')
		,('steward', 'INSERT (sample_id, entity, subject_id, stratum, customer_id) ON crmaudit.sample_member')
		,('steward', 'INSERT ON crmaudit.sample_stratum')
		,('auditor', 'INSERT (entity, percent, strata, seed, condition, period, population, members) ON crmaudit.sample')
		,('auditor', 'INSERT (sample_id, entity, subject_id, stratum, customer_id) ON crmaudit.sample_member')
		,('auditor', 'INSERT ON crmaudit.sample_stratum')
		-- process, use and performance; audits (83)
		,('steward', 'EXECUTE ON FUNCTION crmaudit.known_days(text), crmaudit.find_rework(), crmaudit.what_tells(), crmaudit.base_tables(regclass), crmaudit.entry_transactions(regclass, jsonb[]), crmaudit.telling_sql(text, text, text), crmaudit.matched_rows_sql(crmaudit.entity_mapping, crmaudit.entity_mapping, text[], text, text), crmaudit.find_duplicate_entries(), crmaudit.recorded_writes(timestamptz), crmaudit.wanted_keys(), crmaudit.index_key(crmaudit.entity_mapping, text), crmaudit.bare_expression(text), crmaudit.has_index(regclass, text[], name[]), crmaudit.suggest_indexes(), crmaudit.bloat_estimate(regclass), crmaudit.table_aspects(), crmaudit.statement_text(text), crmaudit.mapped_tables(), crmaudit.read_statements(), crmaudit.statement_days(int), crmaudit.snapshot_statements(), crmaudit.plain_columns(regclass), crmaudit.pgbench_value(regclass, name, text), crmaudit.pgbench_statement(text, regclass[], int), crmaudit.likely_statements(), crmaudit.pgbench_script(int), crmaudit.personal_columns(regclass), crmaudit.partition_tree(regclass), crmaudit.valid_mappings(text), crmaudit.fitted_expression(text, text, text, text)')
		,('auditor', 'EXECUTE ON FUNCTION crmaudit.known_days(text), crmaudit.find_rework(), crmaudit.what_tells(), crmaudit.base_tables(regclass), crmaudit.entry_transactions(regclass, jsonb[]), crmaudit.telling_sql(text, text, text), crmaudit.matched_rows_sql(crmaudit.entity_mapping, crmaudit.entity_mapping, text[], text, text), crmaudit.find_duplicate_entries(), crmaudit.recorded_writes(timestamptz), crmaudit.wanted_keys(), crmaudit.index_key(crmaudit.entity_mapping, text), crmaudit.bare_expression(text), crmaudit.has_index(regclass, text[], name[]), crmaudit.suggest_indexes(), crmaudit.bloat_estimate(regclass), crmaudit.table_aspects(), crmaudit.statement_text(text), crmaudit.mapped_tables(), crmaudit.read_statements(), crmaudit.statement_days(int), crmaudit.snapshot_statements(), crmaudit.plain_columns(regclass), crmaudit.pgbench_value(regclass, name, text), crmaudit.pgbench_statement(text, regclass[], int), crmaudit.likely_statements(), crmaudit.pgbench_script(int), crmaudit.personal_columns(regclass), crmaudit.partition_tree(regclass), crmaudit.valid_mappings(text), crmaudit.fitted_expression(text, text, text, text)')
		,('auditor', 'EXECUTE ON FUNCTION crmaudit.plan_audit(text, text, text, date, date, text[], regclass[]), crmaudit.add_audit_step(bigint, text, date, date), crmaudit.add_audit_task(bigint, text, text, date), crmaudit.complete_audit_task(bigint, text), crmaudit.complete_audit_step(bigint, text), crmaudit.close_audit(bigint), crmaudit.report_words(text[]), crmaudit.markdown_text(text), crmaudit.markdown_row(text[]), crmaudit.markdown_table(text[], text), crmaudit.audit_figures(crmaudit.audit_plan), crmaudit.report_changes(jsonb, jsonb), crmaudit.report_figures(jsonb), crmaudit.report_findings(crmaudit.audit_plan), crmaudit.report_proposals(crmaudit.audit_plan), crmaudit.report_progress(crmaudit.audit_plan), crmaudit.keep_report(bigint, jsonb, text), crmaudit.audit_report(bigint, boolean)')
	) AS t(duty, right_words) WHERE t.duty = duty_rights.duty
$$;
COMMENT ON FUNCTION crmaudit.duty_rights(text) IS 'the rights of a duty, as GRANT and REVOKE name them';

-- Whoever reads quarantine or key_salt sees personal data, or can guess it.
CREATE FUNCTION crmaudit.grant_duty(duty text, grantee regrole) RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	other name;
	holder name;
	right_words text;
	opposite text := CASE duty WHEN 'admin' THEN 'auditor' WHEN 'auditor' THEN 'admin' END;
BEGIN
	PERFORM crmaudit.require_choice(duty, '{admin,steward,auditor}', 'duty');
	SELECT g.grantee, m.rolname INTO other, holder FROM crmaudit.duty_grant g JOIN pg_roles r ON r.rolname = g.grantee
		JOIN pg_roles m ON NOT m.rolsuper AND pg_has_role(m.oid, r.oid, 'MEMBER') AND pg_has_role(m.oid, grant_duty.grantee, 'MEMBER')
		WHERE g.duty = opposite ORDER BY g.grantee, m.rolname LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'role % cannot have the duty %', grantee, duty
			USING ERRCODE = 'invalid_grant_operation',
				DETAIL = format('Role %I has the duty %s, and %I would have both. Who defines the rules must not audit them (D36).',
					other, opposite, holder),
				HINT = 'Give the duties to roles that have no member in common.';
	END IF;
	FOR right_words IN SELECT crmaudit.duty_rights(duty) LOOP
		EXECUTE format('GRANT %s TO %s', right_words, grantee);
	END LOOP;
	IF duty <> 'admin' THEN
		EXECUTE format('REVOKE ALL ON crmaudit.key_salt FROM %s', grantee);
	ELSE
		-- what the ledger says of a table is not for anybody to make up
		EXECUTE format('REVOKE EXECUTE ON FUNCTION crmaudit.record_schema_entry(int, jsonb) FROM %s', grantee);
	END IF;
	-- the ledger is read through views and functions that mask personal values
	FOR right_words IN
		SELECT format('ALL ON %s', relid::regclass) FROM (SELECT 'crmaudit.ledger_entry'::regclass AS relid
			UNION SELECT p.relid FROM crmaudit.partition_tree('crmaudit.ledger_entry') p) AS raw
	LOOP
		EXECUTE format('REVOKE %s FROM %s', right_words, grantee);
	END LOOP;
	INSERT INTO crmaudit.duty_grant (duty, grantee) SELECT duty, rolname FROM pg_roles WHERE oid = grant_duty.grantee
		ON CONFLICT DO NOTHING;
	-- views are read with the reader's rights on the CRM's own tables
	RETURN QUERY
		SELECT format('GRANT %s ON %s TO %s;',
			CASE duty WHEN 'auditor' THEN 'SELECT' WHEN 'steward' THEN 'SELECT, INSERT, UPDATE' ELSE 'SELECT, TRIGGER' END, p.target, grantee)
		FROM crmaudit.protected_table p
		WHERE NOT has_table_privilege(grantee, p.target, 'SELECT')
			OR duty = 'steward' AND NOT (has_table_privilege(grantee, p.target, 'INSERT') AND has_table_privilege(grantee, p.target, 'UPDATE'))
			OR duty = 'admin' AND NOT has_table_privilege(grantee, p.target, 'TRIGGER')
		ORDER BY p.target;
END $$;
COMMENT ON FUNCTION crmaudit.grant_duty(text, regrole) IS 'gives a role the duty admin, steward or auditor; returns the GRANTs on the CRM''s own tables that the duty still needs';

CREATE FUNCTION crmaudit.revoke_duty(duty text, grantee regrole) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	right_words text;
	left_duty text;
BEGIN
	PERFORM crmaudit.require_choice(duty, '{admin,steward,auditor}', 'duty');
	DELETE FROM crmaudit.duty_grant g USING pg_roles r
		WHERE r.oid = revoke_duty.grantee AND g.grantee = r.rolname AND g.duty = revoke_duty.duty;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'role % does not have the duty %', grantee, duty USING ERRCODE = 'undefined_object';
	END IF;
	FOR right_words IN SELECT crmaudit.duty_rights(duty) LOOP
		EXECUTE format('REVOKE %s FROM %s', right_words, grantee);
	END LOOP;
	FOR left_duty IN SELECT g.duty FROM crmaudit.duty_grant g JOIN pg_roles r ON r.rolname = g.grantee WHERE r.oid = revoke_duty.grantee LOOP
		PERFORM crmaudit.grant_duty(left_duty, grantee);
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.revoke_duty(text, regrole) IS 'takes a duty from a role';

GRANT USAGE ON SCHEMA crmaudit TO PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA crmaudit FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA crmaudit FROM PUBLIC;

GRANT SELECT ON crmaudit.reference_version TO PUBLIC;
-- only what is assigned to whoever reads it
GRANT SELECT ON crmaudit.my_findings TO PUBLIC;
-- profile() goes by names too; it runs with the caller's rights
GRANT SELECT ON crmaudit.role_hint TO PUBLIC;

-- Pure functions, all functions of our base types among them; the conditions
-- of triggers, which run as the writer; trigger functions that partitions get.
DO $$
DECLARE
	names text[] := '{normalised,sweep_only,gate,stored,commit_gate,capture,record_leaving,row_stored,row_awaits_commit,check_value,is_valid,explain_value,mask,like_support,likesel,nlikesel,reference_versions,rule_kinds,rule_in_words,rule_in_english,rule_in_chinese,reasons,reason_in_words,read_date,rename_columns,column_sql,pack_condition,role_columns,require_choice,due_date,dqscore_accum,dqscore_combine,dqscore_avg,violations,score,measure_table,measure_columns,rule_state,live_state,rule_check,expression_columns,column_names,row_history,field_history,as_of,row_as_of,restore_row,restore_statement,restorable_columns,equality,mask_image,op_in_words,current_names,merkle_root,merkle_path,merkle_accum,merkle_path_accum,merkle_final,merkle_path_final,microseconds}'
		|| '{deadline,known_deadline,within_hours,is_working_day,add_working_days,working_days_between,day_of,end_of_day,due_at}'::text[]
		|| '{claimed_at}'::text[]
		|| '{profile,profile_columns,column_facts,with_role,identifier_role,bears_out,holds_sex,shows_values,hinted_roles,name_words,chinese_ends,sex_words,phone_words,date_regex,verdict_share,wilson_lower,try_rules,suggest_rules,suggested_rules_json,candidate,in_percent,presence_candidates,role_candidates,date_candidates,number_candidates,code_values,set_candidates,shape_candidates,pair_candidates,typed_candidates,count_rows,relation_sql,unique_candidates,reference_candidates,dependency_candidates,document_condition}'::text[]
		|| '{winsorize,winsorized,winsorize_accum,winsorize_combine,winsorize_serialize,winsorize_deserialize,winsorize_final}'::text[]
		|| '{measure_segments,segment_score}'::text[]
		-- entities read with the caller's rights
		|| ARRAY(SELECT e.entity FROM crmaudit.entity e) || '{period_range,obligation_rows,base_type,plain_name}'::text[];
	-- findings: what reads with the caller's rights, and what looks at who calls
	finding_names text[] := '{unfolded_events,events_in_holes,pending_findings,findings_of,finding_stream,finding_due,finding_nature,person,row_texts,end_of,key_in_words,mask_as,masked_row,assigned_findings,answer,acknowledge,resolve,comment}';
	function regprocedure;
BEGIN
	-- what the SQL of a rule calls, which runs as the table's owner
	names := names || '{one_edit_apart,is_spelling_variant,spelling_keys,comparable_value,chi_square_p}'::text[];
	FOR function IN SELECT p.oid::regprocedure FROM pg_catalog.pg_proc p
		WHERE p.pronamespace = 'crmaudit'::pg_catalog.regnamespace
			AND (p.proname = ANY (names || finding_names) OR EXISTS (
				SELECT FROM pg_catalog.pg_type t
				WHERE t.oid = ANY (p.proargtypes || p.prorettype) AND t.typtype = 'b' AND t.typelem = 0
					AND t.typnamespace = 'crmaudit'::pg_catalog.regnamespace))
	LOOP
		EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', function);
	END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION crmaudit.wilson_interval(bigint, bigint) TO PUBLIC;
