-- 85-packs: roles, lists and packs that come with crmaudit. Packs are data.

CREATE TABLE crmaudit.pack (
	pack text PRIMARY KEY,
	english text NOT NULL,
	chinese text NOT NULL,
	demands text[] NOT NULL DEFAULT '{}',
	builtin boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE crmaudit.pack IS 'named sets of rules over roles; demands cites the ids of the source documents'' demands';

-- No foreign key to pack: pg_restore -j loads tables of an extension in any
-- order, and a rule of a pack that does not exist is never applied.
CREATE TABLE crmaudit.pack_rule (
	pack text NOT NULL,
	name text NOT NULL,
	kind text NOT NULL,
	roles text[] NOT NULL,
	params jsonb NOT NULL DEFAULT '{}',
	severity crmaudit.severity NOT NULL DEFAULT 'error',
	dimension text,
	condition text,
	needs_condition boolean NOT NULL DEFAULT false,
	message text,
	enabled boolean NOT NULL DEFAULT true,
	position int NOT NULL,
	builtin boolean NOT NULL DEFAULT false,
	PRIMARY KEY (pack, name)
);
COMMENT ON TABLE crmaudit.pack_rule IS 'rules of a pack: a rule is added for every column mapped to its first role, if its other roles are mapped too';
COMMENT ON COLUMN crmaudit.pack_rule.condition IS 'SQL in which {role} stands for the column of that role; left out where a role in it is not mapped, unless needs_condition';
COMMENT ON COLUMN crmaudit.pack_rule.needs_condition IS 'the rule makes no sense without its condition';

SELECT pg_catalog.pg_extension_config_dump('crmaudit.pack', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('crmaudit.pack_rule', 'WHERE NOT builtin');

-- Applying packs ---------------------------------------------------------------

-- A column as it is written in SQL: quoted, or a path out of its json column.
CREATE FUNCTION crmaudit.column_sql(spec text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	steps text[] := regexp_split_to_array(spec, '\s*->>?\s*');
	result text := quote_ident(btrim(steps[1]));
	step text;
BEGIN
	FOR i IN 2 .. cardinality(steps) LOOP
		step := btrim(steps[i], ' ''');
		result := result || CASE WHEN i = cardinality(steps) THEN '->>' ELSE '->' END
			|| CASE WHEN step ~ '^\d+$' THEN step ELSE quote_literal(step) END;
	END LOOP;
	RETURN CASE WHEN cardinality(steps) > 1 THEN '(' || result || ')' ELSE result END;
END $$;
COMMENT ON FUNCTION crmaudit.column_sql(text) IS 'a column specification as SQL';

-- Columns mapped to a role, in a stable order.
CREATE FUNCTION crmaudit.role_columns(roles jsonb, role text) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(array_agg(key ORDER BY length(key), key), '{}') FROM jsonb_each_text(roles) WHERE value = role
$$;
COMMENT ON FUNCTION crmaudit.role_columns(jsonb, text) IS 'columns that are mapped to a role';

-- The condition with its roles replaced; NULL if one of them is not mapped.
-- {role|sql} gives the SQL that stands in for a role that is not.
CREATE FUNCTION crmaudit.pack_condition(condition text, roles jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
	place text[];
	spec text;
BEGIN
	FOR place IN SELECT DISTINCT m FROM regexp_matches(condition, '(\{([a-z_]+)(?:\|([^}]*))?\})', 'g') m LOOP
		spec := coalesce(crmaudit.column_sql((crmaudit.role_columns(roles, place[2]))[1]), place[3]);
		IF spec IS NULL THEN
			RETURN NULL;
		END IF;
		condition := replace(condition, place[1], spec);
	END LOOP;
	RETURN condition;
END $$;
COMMENT ON FUNCTION crmaudit.pack_condition(text, jsonb) IS 'the condition of a pack''s rule over the columns that have its roles';

CREATE FUNCTION crmaudit.apply_pack_rule(target regclass, roles jsonb, one crmaudit.pack_rule) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	firsts text[] := crmaudit.role_columns(roles, one.roles[1]);
	first text;
	rule_columns text[];
	rule_condition text;
	rule_name text;
	rule_id bigint;
BEGIN
	rule_condition := crmaudit.pack_condition(one.condition, roles);
	IF one.condition IS NOT NULL AND rule_condition IS NULL AND one.needs_condition THEN
		RETURN;
	END IF;
	IF one.kind = 'at_least_one_of' THEN
		-- all columns of all its roles together; of one column it asks that it is filled
		firsts := ARRAY(SELECT c FROM unnest(one.roles) WITH ORDINALITY r(role, position),
			unnest(crmaudit.role_columns(roles, r.role)) WITH ORDINALITY c(c, n) ORDER BY r.position, c.n);
		IF cardinality(firsts) = 1 THEN
			one.kind := 'not_blank';
		ELSIF cardinality(firsts) > 1 THEN
			rule_columns := firsts;
			firsts := firsts[1:1];
		END IF;
	END IF;
	-- a column that tells the country decides how a phone is read
	IF one.kind = 'format' AND one.params ->> 'type' = 'phone' AND cardinality(crmaudit.role_columns(roles, 'region')) > 0 THEN
		one.params := one.params || jsonb_build_object('region_column', (crmaudit.role_columns(roles, 'region'))[1]);
	END IF;
	FOREACH first IN ARRAY firsts LOOP
		IF one.kind <> 'at_least_one_of' THEN
			rule_columns := ARRAY[first] || CASE WHEN one.kind = 'not_blank' THEN '{}' ELSE
				ARRAY(SELECT (crmaudit.role_columns(roles, role))[1] FROM unnest(one.roles[2:]) WITH ORDINALITY r(role, n) ORDER BY n) END;
		END IF;
		CONTINUE WHEN array_position(rule_columns, NULL) IS NOT NULL;
		rule_name := CASE WHEN cardinality(firsts) = 1 THEN one.name ELSE one.name || '_' || first END;
		CONTINUE WHEN EXISTS (SELECT FROM crmaudit.rule r WHERE r.target = apply_pack_rule.target AND r.name = rule_name);
		-- the same demand of two packs is one rule
		CONTINUE WHEN EXISTS (SELECT FROM crmaudit.rule r WHERE r.target = apply_pack_rule.target AND r.kind = one.kind
			AND r.columns = rule_columns AND r.params = one.params AND r.pack IS NOT NULL
			AND r.severity >= one.severity AND r.condition IS NULL AND rule_condition IS NULL);
		rule_id := crmaudit.define_rule(target, rule_name, one.kind, rule_columns, one.params, one.severity::text,
			one.dimension, 1, rule_condition, one.message, NULL, NULL, NULL, one.pack, 'pg_catalog, pg_temp');
		IF NOT one.enabled THEN
			PERFORM crmaudit.redefine_rule(target, rule_name, '{"enabled": false}', 'pg_catalog, pg_temp');
		END IF;
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.apply_pack_rule(regclass, jsonb, crmaudit.pack_rule) IS 'adds a pack''s rule to a table, for the columns that have its roles';

CREATE FUNCTION crmaudit.apply_packs(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	settings crmaudit.protected_table;
	one crmaudit.pack_rule;
BEGIN
	SELECT * INTO settings FROM crmaudit.protected_table p WHERE p.target = apply_packs.target;
	FOR one IN
		SELECT * FROM crmaudit.pack_rule r WHERE r.pack = ANY (settings.packs)
		ORDER BY array_position(settings.packs, r.pack), r.position
	LOOP
		PERFORM crmaudit.apply_pack_rule(target, settings.roles, one);
	END LOOP;
END $$;
COMMENT ON FUNCTION crmaudit.apply_packs(regclass) IS 'adds the rules of a table''s packs whose roles are mapped';

-- Roles --------------------------------------------------------------------------

INSERT INTO crmaudit.role (role, is_identifier, english, chinese, builtin) VALUES
	('customer_no', false, 'customer number', '客户编号', true),
	('name', false, 'name of a person', '姓名', true),
	('company_name', false, 'name of a company', '企业名称', true),
	('contact_name', false, 'name of the contact', '联系人姓名', true),
	('id_kind', false, 'kind of identity document', '证件类型', true),
	('resident_id', true, 'resident ID number, or the number of another identity document', '居民身份证号码或其他证件号码', true),
	('passport', true, 'passport number', '护照号码', true),
	('uscc', true, 'unified social credit code', '统一社会信用代码', true),
	('vat_id', true, 'VAT number', '增值税号', true),
	('lei', false, 'legal entity identifier', '法人机构识别编码', true),
	('birth_date', false, 'birth date', '出生日期', true),
	('sex', false, 'sex', '性别', true),
	('phone', true, 'phone', '电话', true),
	('email', true, 'e-mail address', '电子邮箱', true),
	('address', false, 'address', '地址', true),
	('postal_code', false, 'postal code', '邮政编码', true),
	('region', false, 'country or region', '国家或地区', true),
	('bank_card', true, 'bank card number', '银行卡号', true),
	('bank_account', true, 'bank account number', '银行账号', true),
	('iban', true, 'international bank account number', '国际银行账号', true),
	('wechat', true, 'WeChat ID', '微信号', true),
	('owner', false, 'staff who is responsible', '负责人', true),
	('source', false, 'where the customer came from', '客户来源', true),
	('status', false, 'status', '状态', true),
	('created_at', false, 'when the record was made', '创建时间', true),
	('score', false, 'data quality score of the row, which crmaudit writes', '数据质量评分（由 crmaudit 写入）', true),
	('updated_at', false, 'when the record was last changed', '更新时间', true),
	('verified_at', false, 'when the data was last verified', '核实时间', true),
	('consent_at', false, 'when consent was given', '同意时间', true),
	('consent_scope', false, 'what the consent covers', '同意范围', true);
UPDATE crmaudit.role SET is_personal = true WHERE role IN ('name', 'contact_name', 'birth_date', 'sex', 'address');

-- Packs -----------------------------------------------------------------------------

INSERT INTO crmaudit.pack (pack, english, chinese, demands, builtin) VALUES
	('contact', 'phone and e-mail are well-formed and real, and there is at least one of them', '联系方式有效、真实，且至少有一种', '{D2}', true),
	('person_cn', 'data of a natural person in China is well-formed, real and free of contradictions', '中国自然人客户资料：有效、真实、不矛盾', '{D2}', true),
	('policyholder_cn', 'a policyholder''s data is complete, besides person_cn', '投保人资料完整（在 person_cn 之上）', '{D1,D2}', true),
	('insured_cn', 'an insured person''s data is complete, besides person_cn; a minor needs no ID', '被保险人资料完整（在 person_cn 之上）；未成年人可免证件号码', '{D1,D2}', true),
	('company_cn', 'data of a company in China is complete and well-formed', '中国企业客户资料：完整、有效', '{D1,D2}', true),
	('suspicious_cn', 'suspicious customers: shared phone, account or address; contact data of staff, agencies or relatives', '可疑客户提示：共用电话、账号、地址；销售人员、代理机构及其亲属的联系方式', '{D5,D6}', true),
	('timely', 'data follows the customer''s latest state', '资料及时更新', '{D4}', true),
	('consent', 'consent is recorded, not in the future, not older than its term', '客户同意已记录且在有效期内', '{D33}', true);

-- Rules of natural persons are those of three packs; the shape of an ID number
-- depends on the kind of document where a column tells it (GA/T 517 codes,
-- insurers' codes, and words).
CREATE FUNCTION crmaudit.install_person_rules(in_pack text, first_position int) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	INSERT INTO crmaudit.pack_rule (pack, name, kind, roles, params, severity, condition, needs_condition, position, builtin)
	SELECT in_pack, t.name, t.kind, t.roles, t.params::jsonb, t.severity::crmaudit.severity,
		replace(t.condition, '{id}', $c$(COALESCE({id_kind}::text, '') = '' OR {id_kind}::text ~* '^(id|id_?card|resident.*|rid|0?1|111|((中国|大陆|内地)?((第?[一二])代)?(居民|临时|临时居民)?身份证))$')$c$),
		t.needs_condition, first_position + t.position, true
	FROM (VALUES
		(1, 'name_not_blank', 'not_blank', '{name}'::text[], '{}', 'error', NULL::text, false),
		(2, 'name_not_placeholder', 'placeholder', '{name}', '{}', 'error', NULL, false),
		(3, 'name_characters', 'charset', '{name}', '{"forbid": ["control", "zero_width", "private_use", "replacement"]}', 'error', NULL, false),
		(4, 'resident_id_valid', 'format', '{resident_id}', '{"type": "resident_id"}', 'error', '{id}', false),
		(5, 'birth_date_matches_id', 'id_matches_birth_date', '{resident_id,birth_date}', '{}', 'error', '{id}', false),
		(6, 'sex_matches_id', 'id_matches_sex', '{resident_id,sex}', '{}', 'error', '{id}', false),
		(7, 'passport_shape', 'regex', '{resident_id}', '{"pattern": "^[A-Za-z0-9]{5,17}$"}', 'error', $c${id_kind}::text ~* '^(passport|护照|外国护照|0?3|41[0-9])$'$c$, true),
		(8, 'home_return_permit_shape', 'regex', '{resident_id}', '{"pattern": "^[HhMm]\\d{8}(\\d{2})?$"}', 'error', $c${id_kind}::text ~* '(回乡证|港澳居民来往内地通行证|^hrp$|^516$)'$c$, true),
		(9, 'taiwan_permit_shape', 'regex', '{resident_id}', '{"pattern": "^\\d{8}(\\d{2}([A-Za-z]|\\(.\\))?)?$"}', 'error', $c${id_kind}::text ~* '(台胞证|台湾居民来往大陆通行证|^511$)'$c$, true),
		(10, 'officer_card_shape', 'regex', '{resident_id}', '{"pattern": "^(?=.*\\d{4}).{6,20}$"}', 'error', $c${id_kind}::text ~* '(军官证|士兵证|警官证|^11[47]$|^123$)'$c$, true),
		(11, 'birth_certificate_shape', 'regex', '{resident_id}', '{"pattern": "^[A-Za-z]\\d{9}$"}', 'error', $c${id_kind}::text ~* '(出生(医学)?证|birth)'$c$, true),
		(12, 'birth_date_not_future', 'not_future', '{birth_date}', '{}', 'error', NULL, false),
		(13, 'birth_date_not_placeholder', 'placeholder', '{birth_date}', '{}', 'error', NULL, false),
		(14, 'phone_valid', 'format', '{phone}', '{"type": "phone", "region": "CN"}', 'error', NULL, false),
		(15, 'phone_not_placeholder', 'placeholder', '{phone}', '{}', 'error', NULL, false),
		(16, 'email_valid', 'format', '{email}', '{"type": "email"}', 'error', NULL, false),
		(17, 'email_not_placeholder', 'placeholder', '{email}', '{}', 'error', NULL, false),
		(18, 'email_not_disposable', 'not_in_list', '{email}', '{"list": "disposable_domains", "part": "domain"}', 'warning', NULL, false),
		(19, 'bank_card_valid', 'format', '{bank_card}', '{"type": "bank_card"}', 'error', NULL, false),
		(20, 'iban_valid', 'format', '{iban}', '{"type": "iban"}', 'error', NULL, false),
		(21, 'passport_number_shape', 'regex', '{passport}', '{"pattern": "^[A-Za-z0-9]{5,17}$"}', 'error', NULL, false)
	) AS t(position, name, kind, roles, params, severity, condition, needs_condition)
$$;

SELECT crmaudit.install_person_rules('person_cn', 0);
SELECT crmaudit.install_person_rules('policyholder_cn', 100);
SELECT crmaudit.install_person_rules('insured_cn', 100);
DROP FUNCTION crmaudit.install_person_rules(text, int);

INSERT INTO crmaudit.pack_rule (pack, name, kind, roles, params, severity, condition, needs_condition, enabled, position, builtin) VALUES
	('contact', 'contact_present', 'at_least_one_of', '{phone,email}', '{}', 'error', NULL, false, true, 1, true),
	('contact', 'phone_valid', 'format', '{phone}', '{"type": "phone", "region": "CN"}', 'error', NULL, false, true, 2, true),
	('contact', 'phone_not_placeholder', 'placeholder', '{phone}', '{}', 'error', NULL, false, true, 3, true),
	('contact', 'email_valid', 'format', '{email}', '{"type": "email"}', 'error', NULL, false, true, 4, true),
	('contact', 'email_not_placeholder', 'placeholder', '{email}', '{}', 'error', NULL, false, true, 5, true),
	('contact', 'email_not_disposable', 'not_in_list', '{email}', '{"list": "disposable_domains", "part": "domain"}', 'warning', NULL, false, true, 6, true),

	-- D1: what a policyholder needs; name_not_blank asks for the name
	('policyholder_cn', 'sex_required', 'not_blank', '{sex}', '{}', 'error', NULL, false, true, 2, true),
	('policyholder_cn', 'birth_date_required', 'not_blank', '{birth_date}', '{}', 'error', NULL, false, true, 3, true),
	('policyholder_cn', 'id_required', 'not_blank', '{resident_id}', '{}', 'error', NULL, false, true, 4, true),
	('policyholder_cn', 'address_required', 'not_blank', '{address}', '{}', 'error', NULL, false, true, 5, true),
	('policyholder_cn', 'phone_required', 'not_blank', '{phone}', '{}', 'error', NULL, false, true, 6, true),

	-- D1: a minor insured is exempt from the ID, by the age when the record was
	-- made, for a birthday must not turn an old row bad
	('insured_cn', 'sex_required', 'not_blank', '{sex}', '{}', 'error', NULL, false, true, 2, true),
	('insured_cn', 'birth_date_required', 'not_blank', '{birth_date}', '{}', 'error', NULL, false, true, 3, true),
	('insured_cn', 'id_required_of_adults', 'not_blank', '{resident_id}', '{}', 'error',
		$c$(crmaudit.read_date({birth_date}) + interval '18 years') <= COALESCE(crmaudit.read_date({created_at|NULL::text}), LOCALTIMESTAMP)$c$, true, true, 4, true),

	('company_cn', 'company_name_not_blank', 'not_blank', '{company_name}', '{}', 'error', NULL, false, true, 1, true),
	('company_cn', 'company_name_not_placeholder', 'placeholder', '{company_name}', '{}', 'error', NULL, false, true, 2, true),
	('company_cn', 'uscc_required', 'not_blank', '{uscc}', '{}', 'error', NULL, false, true, 3, true),
	('company_cn', 'uscc_valid', 'format', '{uscc}', '{"type": "uscc"}', 'error', NULL, false, true, 4, true),
	('company_cn', 'contact_name_not_blank', 'not_blank', '{contact_name}', '{}', 'error', NULL, false, true, 5, true),
	('company_cn', 'contact_name_not_placeholder', 'placeholder', '{contact_name}', '{}', 'error', NULL, false, true, 6, true),
	('company_cn', 'contact_present', 'at_least_one_of', '{phone,email}', '{}', 'error', NULL, false, true, 7, true),
	('company_cn', 'phone_valid', 'format', '{phone}', '{"type": "phone", "region": "CN", "service_numbers": true, "extension_marks": true}', 'error', NULL, false, true, 8, true),
	('company_cn', 'phone_not_placeholder', 'placeholder', '{phone}', '{}', 'error', NULL, false, true, 9, true),
	('company_cn', 'email_valid', 'format', '{email}', '{"type": "email"}', 'error', NULL, false, true, 10, true),
	('company_cn', 'email_not_placeholder', 'placeholder', '{email}', '{}', 'error', NULL, false, true, 11, true),
	('company_cn', 'email_not_disposable', 'not_in_list', '{email}', '{"list": "disposable_domains", "part": "domain"}', 'warning', NULL, false, true, 12, true),

	-- D5, D6: warnings, worked off within 3 working days
	('suspicious_cn', 'phone_shared', 'shared_value', '{phone}', '{"max_customers": 1, "type": "phone", "region": "CN", "due": "3 working days"}', 'warning', NULL, false, true, 1, true),
	('suspicious_cn', 'bank_card_shared', 'shared_value', '{bank_card}', '{"max_customers": 1, "type": "bank_card", "due": "3 working days"}', 'warning', NULL, false, true, 2, true),
	('suspicious_cn', 'bank_account_shared', 'shared_value', '{bank_account}', '{"max_customers": 1, "type": "bank_account", "due": "3 working days"}', 'warning', NULL, false, true, 3, true),
	('suspicious_cn', 'phone_of_staff', 'not_staff_contact', '{phone}', '{"type": "phone", "region": "CN", "due": "3 working days"}', 'warning', NULL, false, true, 4, true),
	('suspicious_cn', 'address_of_staff', 'not_staff_contact', '{address}', '{"type": "address", "due": "3 working days"}', 'warning', NULL, false, true, 5, true),
	('suspicious_cn', 'address_shared', 'shared_value', '{address}', '{"max_customers": 1, "type": "address", "due": "3 working days"}', 'warning', NULL, false, false, 6, true),

	-- D4
	('timely', 'verified_within_a_year', 'max_age', '{verified_at}', '{"interval": "1 year"}', 'warning', NULL, false, true, 1, true),
	('timely', 'updated_within_a_year', 'max_age', '{updated_at}', '{"interval": "1 year"}', 'warning', '{verified_at} IS NULL', false, true, 2, true),
	('timely', 'phone_changed_with_updated_at', 'changed_together', '{phone,updated_at}', '{"if_first": true}', 'warning', NULL, false, true, 3, true),
	('timely', 'email_changed_with_updated_at', 'changed_together', '{email,updated_at}', '{"if_first": true}', 'warning', NULL, false, true, 4, true),
	('timely', 'updated_at_not_future', 'not_future', '{updated_at}', '{}', 'error', NULL, false, true, 5, true),

	-- D33
	('consent', 'consent_recorded', 'not_blank', '{consent_at}', '{}', 'error', NULL, false, true, 1, true),
	('consent', 'consent_not_future', 'not_future', '{consent_at}', '{}', 'error', NULL, false, true, 2, true),
	('consent', 'consent_within_term', 'max_age', '{consent_at}', '{"interval": "3 years"}', 'warning', NULL, false, true, 3, true),
	('consent', 'consent_scope_filled', 'not_blank', '{consent_scope}', '{}', 'error', '{consent_at} IS NOT NULL', false, true, 4, true);

-- Where the encoding has no Chinese, a condition's escapes match nothing.
UPDATE crmaudit.role SET chinese = crmaudit.unescape(chinese, english);
UPDATE crmaudit.pack SET chinese = crmaudit.unescape(chinese, english);
UPDATE crmaudit.pack_rule SET condition = crmaudit.unescape(condition, condition)
	WHERE pg_catalog.strpos(condition, '\u') OPERATOR(pg_catalog.>) 0;
DROP FUNCTION crmaudit.unescape(text, text);
