-- 79-obligation-packs: obligations of the source documents, as data.

CREATE TABLE crmaudit.obligation_pack (
	pack text NOT NULL,
	name text NOT NULL,
	position int NOT NULL,
	definition jsonb NOT NULL,
	demands text[] NOT NULL DEFAULT '{}',
	english text NOT NULL,
	chinese text NOT NULL,
	builtin boolean NOT NULL DEFAULT false,
	PRIMARY KEY (pack, name)
);
COMMENT ON TABLE crmaudit.obligation_pack IS 'named sets of obligations, which install_pack() adds; demands cites the ids of the source documents'' demands';
COMMENT ON COLUMN crmaudit.obligation_pack.definition IS 'arguments of add_obligation() by name';
SELECT pg_catalog.pg_extension_config_dump('crmaudit.obligation_pack', 'WHERE NOT builtin');

-- Where a document gives a duty and no time, the time is ours; its English says so.
-- Who was not reached was not revisited; a CRM that keeps no outcome keeps what
-- took place. A customer who will leave has not left. A contract that was not
-- signed, or was cancelled, is none; one whose status is not known is.
INSERT INTO crmaudit.obligation_pack (pack, name, position, definition, demands, english, chinese, builtin) VALUES
	('finance_revisit', 'finance_new_contract', 1,
		'{"for_each":"contract","within":"5 working days","fulfilled_by":"interaction","condition":"(status IN (''draft'', ''offered'', ''cancelled'')) IS NOT TRUE","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"signed_at","attempts":3,"attempt_if":"kind = ''revisit'' AND (outcome IS DISTINCT FROM ''no_answer'' OR coalesce(ring_seconds, 20) >= 20)","hours":"workdays 10:00-11:00,14:00-16:00","calendar":"CN"}',
		'{D10,D14}', 'a new contract: revisit within 5 working days after signing; three tries of 20 seconds in three hours make it unreachable; calls on working days 10:00 to 11:00 and 14:00 to 16:00', '新合同：签订后 5 个工作日内回访；振铃 20 秒、不同时段三次未接通为无法联系；建议工作日 10:00–11:00、14:00–16:00 拨打', true),
	('finance_revisit', 'finance_new_contract_month', 2,
		'{"for_each":"contract","within":"1 month","fulfilled_by":"interaction","condition":"(status IN (''draft'', ''offered'', ''cancelled'')) IS NOT TRUE","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"signed_at","calendar":"CN","coverage":1}',
		'{D10}', 'all new contracts: revisited within one month, coverage 100 %', '新合同回访一个月内全部完成，覆盖率 100%', true),
	('finance_revisit', 'finance_yearly_revisit', 3,
		'{"for_each":"customer","recurring":"1 year","fulfilled_by":"interaction","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached''","condition":"closed_at IS NULL OR closed_at > now()","attempts":3,"attempt_if":"kind = ''revisit'' AND (outcome IS DISTINCT FROM ''no_answer'' OR coalesce(ring_seconds, 20) >= 20)","calendar":"CN","coverage":1}',
		'{D11}', 'every customer: revisit at least once a year, coverage 100 %', '持续回访：每个客户每年至少一次，覆盖率 100%', true),
	('finance_revisit', 'finance_revisit_recorded', 4,
		'{"for_each":"interaction","within":"1 working days","fulfilled_by":"interaction","fulfilled_at":"recorded_at","condition":"kind = ''revisit''","counting_from":"occurred_at","calendar":"CN","severity":"warning"}',
		'{D15}', 'every revisit: recorded by the end of the next working day (time ours); record_retention: kept three years, letters one', '每次回访：下一工作日结束前完成记录（时限为本系统默认）；保存三年、信函一年见 record_retention', true),
	('finance_revisit', 'finance_spot_check', 5,
		'{"for_each":"sample_member","within":"1 month","fulfilled_by":"interaction","condition":"entity = ''interaction''","fulfilled_if":"kind = ''spot_check'' AND staff_id IS NOT NULL AND (related_id, staff_id) NOT IN (SELECT i.interaction_id, i.staff_id FROM crmaudit.interaction() i JOIN crmaudit.sample_member m ON m.subject_id = i.interaction_id WHERE m.entity = ''interaction'')","link":"related","calendar":"CN"}',
		'{D16,D44}', 'revisits drawn for a spot check: checked by another person within one month (time ours)', '抽中的回访：一个月内由他人抽查（时限为本系统默认）', true),
	('power_supply', 'power_large_customer', 1,
		'{"for_each":"customer","recurring":"calendar year","fulfilled_by":"interaction","condition":"voltage_kv >= 10 AND voltage_kv < 65 AND (closed_at IS NULL OR closed_at > now())","fulfilled_if":"(kind = ''visit'' OR method IN (''visit'', ''meeting'')) AND coalesce(outcome, ''reached'') = ''reached''","calendar":"CN"}',
		'{D11}', 'customers of 10 kV and more: visit or meeting at least once a year; needs the additional column voltage_kv', '10 千伏及以上大客户：每年至少走访或座谈一次（需映射附加列 voltage_kv）', true),
	('power_supply', 'power_largest_customer', 2,
		'{"for_each":"customer","recurring":"calendar year","fulfilled_by":"interaction","condition":"voltage_kv >= 65 AND (closed_at IS NULL OR closed_at > now())","fulfilled_if":"(kind = ''visit'' OR method IN (''visit'', ''meeting'')) AND staff.department IN (''marketing'') AND coalesce(outcome, ''reached'') = ''reached''","calendar":"CN"}',
		'{D11}', 'customers of 65 kV and more: visit or meeting by the marketing section at least once a year', '65 千伏及以上客户：由当地营销部门每年至少走访一次', true),
	('power_supply', 'power_visit_plan', 3,
		'{"for_each":"plan","due":"lower(crmaudit.period_range(period)) - 1","fulfilled_by":"plan","fulfilled_at":"approved_at","condition":"period ~ ''^[0-9]{4}$''","calendar":"CN"}',
		'{D11}', 'the visit plan of a year: approved before the year begins', '年度走访计划：上年末前制定并批准', true),
	('power_supply', 'power_delegates_and_media', 4,
		'{"for_each":"customer","recurring":"calendar year","fulfilled_by":"interaction","condition":"segment IN (''delegate'', ''media'') AND (closed_at IS NULL OR closed_at > now())","fulfilled_if":"kind IN (''revisit'', ''visit'') AND coalesce(outcome, ''reached'') = ''reached''","calendar":"CN"}',
		'{D11}', 'delegates and media: each one at least once a year', '人大代表、政协委员与媒体：逐户每年至少回访一次', true),
	('power_supply', 'power_connection_revisit', 5,
		'{"for_each":"service_request","within":"7 working days","fulfilled_by":"interaction","condition":"kind IN (''new_connection'', ''changed_connection'')","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"archived_at","attempts":3,"attempt_if":"kind = ''revisit''","calendar":"CN"}',
		'{D11,D12}', 'new and changed connections: revisit within 7 working days after archiving, each one', '新装、增容与变更用电：归档后 7 个工作日内回访，100%', true),
	('power_supply', 'power_repair_revisit', 6,
		'{"for_each":"service_request","within":"24 hours","fulfilled_by":"interaction","condition":"kind = ''repair''","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"archived_at","attempts":3,"attempt_if":"kind = ''revisit''","calendar":"CN"}',
		'{D11,D12}', 'repairs: revisit within 24 hours after archiving; extend() gives 48 hours under a declared exception', '故障报修：归档后 24 小时内回访；自然灾害等特殊情况可用 extend() 延长至 48 小时', true),
	('power_supply', 'power_complaint_answer', 7,
		'{"for_each":"complaint","within":"5 working days","fulfilled_by":"complaint","fulfilled_at":"answered_at","condition":"kind = ''complaint''","counting_from":"opened_at","calendar":"CN"}',
		'{D12,D19}', 'complaints: answered within 5 working days', '投诉：5 个工作日内答复', true),
	('power_supply', 'power_report_answer', 8,
		'{"for_each":"complaint","within":"10 working days","fulfilled_by":"complaint","fulfilled_at":"answered_at","condition":"kind = ''report''","counting_from":"opened_at","calendar":"CN"}',
		'{D12,D19}', 'reports of wrongdoing: answered within 10 working days', '举报：10 个工作日内答复', true),
	('power_supply', 'power_opinion_handled', 9,
		'{"for_each":"complaint","within":"5 working days","fulfilled_by":"complaint","fulfilled_at":"closed_at","condition":"kind = ''opinion''","counting_from":"opened_at","calendar":"CN"}',
		'{D12,D19}', 'opinions: handled within 5 working days', '客户意见：5 个工作日内处理', true),
	('power_supply', 'power_complaint_revisit', 10,
		'{"for_each":"complaint","within":"7 working days","fulfilled_by":"interaction","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"closed_at","attempts":3,"attempt_if":"kind = ''revisit''","calendar":"CN"}',
		'{D11,D12}', 'closed complaints: revisit, each one, within 7 working days (time ours)', '投诉办结后逐件回访，7 个工作日内（时限为本系统默认）', true),
	('power_supply', 'power_repair_town', 11,
		'{"for_each":"service_request","within":"45 minutes","fulfilled_by":"service_request","fulfilled_at":"completed_at","condition":"kind = ''repair'' AND area = ''town''","counting_from":"opened_at","calendar":"CN"}',
		'{D12}', 'repairs in town: 45 minutes', '城区抢修：45 分钟', true),
	('power_supply', 'power_repair_country', 12,
		'{"for_each":"service_request","within":"90 minutes","fulfilled_by":"service_request","fulfilled_at":"completed_at","condition":"kind = ''repair'' AND area = ''country''","counting_from":"opened_at","calendar":"CN"}',
		'{D12}', 'repairs in the country: 90 minutes', '农村抢修：90 分钟', true),
	('power_supply', 'power_repair_remote', 13,
		'{"for_each":"service_request","within":"120 minutes","fulfilled_by":"service_request","fulfilled_at":"completed_at","condition":"kind = ''repair'' AND area = ''remote''","counting_from":"opened_at","calendar":"CN"}',
		'{D12}', 'repairs in remote areas: 120 minutes', '边远地区抢修：120 分钟', true),
	('power_supply', 'power_sample_revisit', 14,
		'{"for_each":"sample_member","within":"1 month","fulfilled_by":"interaction","condition":"entity <> ''interaction''","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached''","calendar":"CN"}',
		'{D13}', 'customers drawn by draw_sample(), at least 10 % of each kind (1 % of residential ones): revisited within one month', '抽样回访：每类至少 10%（居民客户 1%），一个月内完成', true),
	('power_supply', 'power_revisit_statistics', 15,
		'{"for_each":"report","due":"upper(crmaudit.period_range(period)) + interval ''6 days 16 hours''","fulfilled_by":"report","fulfilled_at":"submitted_at","condition":"kind = ''revisit'' AND period ~ ''^[0-9]{4}-?[0-9]{2}''","calendar":"CN"}',
		'{D19}', 'revisit statistics of a month: by the 7th of the next, 16:00, holidays or not', '回访统计：次月 7 日 16:00 前报送，节假日不顺延', true),
	('tourism', 'tourism_before_use', 1,
		'{"for_each":"contract","due":"starts_on - 1","fulfilled_by":"interaction","condition":"(status IN (''draft'', ''offered'', ''cancelled'')) IS NOT TRUE","fulfilled_if":"kind IN (''call'', ''revisit'', ''visit'', ''message'') AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"signed_at","calendar":"CN"}',
		'{D12}', 'tour customers: spoken to before use', '旅游客户：使用前回访', true),
	('tourism', 'tourism_after_use', 2,
		'{"for_each":"contract","within":"3 days","fulfilled_by":"interaction","condition":"(status IN (''draft'', ''offered'', ''cancelled'')) IS NOT TRUE","fulfilled_if":"kind IN (''call'', ''revisit'', ''visit'', ''message'') AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"ends_on","calendar":"CN"}',
		'{D12}', 'tour customers: within 3 days after use', '旅游客户：使用后 3 天内回访', true),
	('tourism', 'tourism_month_after_use', 3,
		'{"for_each":"contract","within":"40 days","not_before":"1 month","fulfilled_by":"interaction","condition":"(status IN (''draft'', ''offered'', ''cancelled'')) IS NOT TRUE","fulfilled_if":"kind IN (''call'', ''revisit'', ''visit'', ''message'') AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"ends_on","calendar":"CN"}',
		'{D12}', 'tour customers: again one month after use, until 40 days after it (end ours)', '旅游客户：使用后一个月再次回访（40 天内，截止为本系统默认）', true),
	('tourism', 'tourism_partner_visit', 4,
		'{"for_each":"customer","recurring":"calendar month","fulfilled_by":"interaction","condition":"kind = ''partner'' AND (closed_at IS NULL OR closed_at > now())","fulfilled_if":"kind = ''visit'' AND coalesce(outcome, ''reached'') = ''reached''","calendar":"CN"}',
		'{D12}', 'partners: a visit in each month', '创客（合作伙伴）：每月至少拜访一次', true),
	('tourism', 'tourism_partner_calls', 5,
		'{"for_each":"customer","recurring":"calendar month","fulfilled_by":"interaction","condition":"kind = ''partner'' AND (closed_at IS NULL OR closed_at > now())","fulfilled_if":"kind IN (''call'', ''message'') AND coalesce(outcome, ''reached'') = ''reached''","min_count":2,"hours":"09:00-11:00,15:00-17:00","calendar":"CN"}',
		'{D12,D14}', 'partners: two calls or messages in each month; calls advised 09:00 to 11:00 and 15:00 to 17:00', '创客：每月两次电话或消息；建议 09:00–11:00、15:00–17:00', true),
	('tourism', 'tourism_refuser', 6,
		'{"for_each":"interaction","within":"3 days","fulfilled_by":"interaction","condition":"outcome = ''refused'' AND kind IN (''call'', ''revisit'')","fulfilled_if":"(kind = ''message'' OR method IN (''message'', ''email'')) AND coalesce(outcome, ''reached'') = ''reached''","calendar":"CN","severity":"warning"}',
		'{D12}', 'who refuses calls: reached by message or e-mail within 3 days (time ours)', '拒接电话的客户：3 天内改用短信或邮件联系（时限为本系统默认）', true),
	('tourism', 'tourism_termination', 7,
		'{"for_each":"customer","within":"5 working days","fulfilled_by":"interaction","condition":"closed_at <= now()","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"closed_at","calendar":"CN"}',
		'{D12}', 'customers who left: a revisit within 5 working days (time ours)', '终止合作的客户：5 个工作日内回访（时限为本系统默认）', true),
	('insurance', 'insurance_cooling_off', 1,
		'{"for_each":"contract","due":"cooling_off_ends","fulfilled_by":"interaction","condition":"(status IN (''draft'', ''offered'', ''cancelled'')) IS NOT TRUE","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached''","counting_from":"signed_at","attempts":3,"attempt_if":"kind = ''revisit''","calendar":"CN"}',
		'{D6}', 'a policy: revisit before its cooling-off period ends; rule pack suspicious_cn: its suspicious data cleared up within 3 working days', '保单：犹豫期内完成回访；可疑客户问题件 3 个工作日内核查见规则包 suspicious_cn', true),
	('insurance', 'insurance_upheld_complaint', 2,
		'{"for_each":"complaint","within":"1 month","fulfilled_by":"interaction","condition":"upheld","fulfilled_if":"kind = ''revisit'' AND coalesce(outcome, ''reached'') = ''reached'' AND staff_id IS DISTINCT FROM subject.staff_id","counting_from":"decided_at","calendar":"CN"}',
		'{D7,D16}', 'upheld complaints: the customer is revisited by another person within one month (time ours); agent_recheck lists those of agents with two in a year', '投诉成立：一个月内由他人回访（时限为本系统默认）；一年内两次成立的代理人见 agent_recheck', true),
	('insurance', 'insurance_third_party_approval', 3,
		'{"for_each":"step","due":"due_at","fulfilled_by":"step","fulfilled_at":"left_at","condition":"case_kind = ''approval'' AND step = ''third_party_payment''","calendar":"CN"}',
		'{D9}', 'approvals of payments from another''s account: decided by their deadline', '他人账户付款审批：在期限内完成', true),
	('accounting_firm', 'accounting_yearly', 1,
		'{"for_each":"customer","recurring":"1 year","fulfilled_by":"interaction","condition":"closed_at IS NULL OR closed_at > now()","fulfilled_if":"kind IN (''visit'', ''revisit'') AND coalesce(outcome, ''reached'') = ''reached''","calendar":"CN","coverage":1}',
		'{D11}', 'every customer: at least once a year, coverage 100 %', '每个客户每年至少回访一次，覆盖率 100%', true),
	('accounting_firm', 'accounting_key_account', 2,
		'{"for_each":"customer","recurring":"1 year","fulfilled_by":"interaction","condition":"annual_volume >= 200000 AND (closed_at IS NULL OR closed_at > now())","fulfilled_if":"kind IN (''visit'', ''revisit'') AND staff.position IN (''deputy manager'') AND coalesce(outcome, ''reached'') = ''reached''","calendar":"CN"}',
		'{D11}', 'key customers (200,000 yuan a year or more): a visit by a deputy manager at least once a year; key_customers shows who owns them', '重点客户（年业务量 20 万元及以上）：由副经理每年至少走访一次', true),
	('accounting_firm', 'accounting_yearly_plan', 3,
		'{"for_each":"staff","recurring":"calendar year","within":"30 days","fulfilled_by":"plan","condition":"active IS NOT FALSE AND position IN (''sales'', ''salesperson'')","link":"staff","calendar":"CN"}',
		'{D18}', 'every salesperson: a plan for each year, by the end of its January (day ours)', '业务员每年有年度计划（1 月底前，时限为本系统默认）', true),
	('accounting_firm', 'accounting_monthly_plan', 4,
		'{"for_each":"staff","recurring":"calendar month","within":"5 days","fulfilled_by":"plan","condition":"active IS NOT FALSE AND position IN (''sales'', ''salesperson'')","link":"staff","calendar":"CN"}',
		'{D18}', 'every salesperson: a visit plan for each month, by its 6th day (day ours)', '业务员每月有当月拜访计划（6 日前，时限为本系统默认）', true),
	('accounting_firm', 'accounting_plan_approved', 5,
		'{"for_each":"plan","due":"lower(crmaudit.period_range(period)) - 1","fulfilled_by":"plan","fulfilled_at":"approved_at","calendar":"CN","severity":"warning"}',
		'{D18}', 'plans of a year and of a month: approved before the period begins (time ours)', '年度计划与月度拜访计划：期初前批准（时限为本系统默认）', true),
	('hazard', 'hazard_step', 1,
		'{"for_each":"step","due":"due_at","fulfilled_by":"step","fulfilled_at":"left_at","condition":"case_kind = ''hazard''","calendar":"CN"}',
		'{D43}', 'every step of a hazard: done by its deadline', '隐患整改各环节：在期限内完成', true),
	('hazard', 'hazard_notice', 2,
		'{"for_each":"step","within":"3 working days","fulfilled_by":"step","condition":"case_kind = ''hazard'' AND step = ''found''","fulfilled_if":"step = ''notice''","counting_from":"entered_at","link":"case","calendar":"CN"}',
		'{D43}', 'a hazard that was found: a notice to the customer within 3 working days (time ours)', '发现隐患：3 个工作日内下达整改通知（时限为本系统默认）', true),
	('hazard', 'hazard_recheck', 3,
		'{"for_each":"step","within":"1 month","fulfilled_by":"step","condition":"case_kind = ''hazard'' AND step = ''rectified''","fulfilled_if":"translate(lower(step), ''_-'', ''  '') IN (''recheck'', ''re check'')","counting_from":"entered_at","link":"case","calendar":"CN"}',
		'{D43}', 'a rectified hazard: re-checked within one month (time ours), which closes the loop', '整改完成后：一个月内复查，闭环管理（时限为本系统默认）', true);

UPDATE crmaudit.obligation_pack SET chinese = crmaudit.unescape(chinese, english);
-- positions and departments in Chinese too, where the database's encoding has them
UPDATE crmaudit.obligation_pack p SET definition = replace(p.definition::text, w.english, w.english || ', ' || w.chinese)::jsonb
FROM (VALUES ('accounting_key_account', '''deputy manager''', crmaudit.unescape('''副经理'', ''副总经理''', NULL)),
	('power_largest_customer', '''marketing''', crmaudit.unescape('''营销部'', ''营销部门'', ''市场营销部'', ''营销''', NULL)),
	('accounting_yearly_plan', '''salesperson''', crmaudit.unescape('''业务员'', ''销售''', NULL)),
	('accounting_monthly_plan', '''salesperson''', crmaudit.unescape('''业务员'', ''销售''', NULL))) AS w(name, english, chinese)
WHERE p.name = w.name AND w.chinese IS NOT NULL;

CREATE FUNCTION crmaudit.install_pack(name text) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	one crmaudit.obligation_pack;
	installed int := 0;
BEGIN
	PERFORM crmaudit.require_choice(name, ARRAY(SELECT DISTINCT p.pack FROM crmaudit.obligation_pack p ORDER BY p.pack), 'pack of obligations');
	FOR one IN SELECT * FROM crmaudit.obligation_pack p WHERE p.pack = install_pack.name ORDER BY p.position LOOP
		-- one that is there stays as it is: it may have been altered
		CONTINUE WHEN EXISTS (SELECT FROM crmaudit.obligation o WHERE o.name = one.name);
		PERFORM crmaudit.define_obligation(one.definition || jsonb_build_object('name', one.name), 'pg_catalog, pg_temp', one.pack);
		installed := installed + 1;
	END LOOP;
	RETURN installed;
END $$;
COMMENT ON FUNCTION crmaudit.install_pack(text) IS 'adds the obligations of a pack that are not there yet, and returns how many; what they read can be mapped later';
