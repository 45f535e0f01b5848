-- 72-profile: what the columns of a table hold, and rules that suggest
-- themselves. Nothing here is stored; all runs with the caller's rights.

-- Roles by name ---------------------------------------------------------------

CREATE TABLE crmaudit.role_hint (
	role text NOT NULL,
	words text NOT NULL,
	chinese text NOT NULL DEFAULT '',
	position int NOT NULL DEFAULT 100,
	builtin boolean NOT NULL DEFAULT false,
	PRIMARY KEY (role, words)
);
COMMENT ON TABLE crmaudit.role_hint IS 'names that columns of a role often have; profile() takes them for a hint, which the content must bear out';
COMMENT ON COLUMN crmaudit.role_hint.words IS 'regular expression for whole words of a name, written in lower case with _ between words';
COMMENT ON COLUMN crmaudit.role_hint.chinese IS 'regular expression for a part of a Chinese name';
COMMENT ON COLUMN crmaudit.role_hint.position IS 'of the roles that a name hints at, the first wins';
SELECT pg_catalog.pg_extension_config_dump('crmaudit.role_hint', 'WHERE NOT builtin');

INSERT INTO crmaudit.role_hint (position, role, words, chinese, builtin) VALUES
	(10, 'id_kind', '(id|cert|certificate|document|identity)_(kind|type)|zjlx', '证件类型|证件种类', true),
	(11, 'uscc', 'uscc|(social_)?credit_code|xydm', '信用代码', true),
	(12, 'passport', 'passport(_(no|num|number))?', '护照', true),
	(13, 'resident_id', 'id_(no|num|number)|id_?card(_(no|number))?|resident_id|national_id(_(no|number))?|cert_(no|number)|identity_(no|number|card)|idcard|sfz|sfzh|sfzhm|zjhm', '身份证|证件号', true),
	(14, 'vat_id', 'vat|vat_(id|no|num|number|code)|tax_(id|identifier|no|number)', '税号', true),
	(15, 'lei', 'lei', '法人机构识别', true),
	(16, 'iban', 'iban', '', true),
	(17, 'bank_card', '(bank_?)?card(_(no|num|number))?|yhkh', '银行卡|卡号', true),
	(18, 'bank_account', 'bank_account|(bank_?)?account_(no|num|number)|acc_?number|yhzh', '银行账号|银行帐号|账号|帐号', true),
	(20, 'email', 'e_?mail(_?addr(ess)?)?|mail(_?addr(ess)?)?|yx|dzyx', '邮箱|邮件', true),
	(21, 'phone', 'phone(_?(no|num|number))?|mobile(_?(no|num|number|phone))?|tel|telephone|cell(_?phone)?|fax|sj|sjh|sjhm|dh|lxdh', '手机|电话|传真|联系方式', true),
	(22, 'wechat', 'we_?chat(_id)?|wxh', '微信', true),
	(30, 'birth_date', 'dob|birth_?(date|day)|date_of_birth|csrq|birth', '出生|生日', true),
	(31, 'sex', 'sex|gender|xb', '性别', true),
	(32, 'contact_name', 'contact_(name|person)|lxr', '联系人', true),
	(33, 'company_name', '(company|org|organi[sz]ation|firm|employer)(_?name)?|name_org|qymc|gsmc', '企业名称|公司名称|单位名称|企业名|公司名', true),
	(34, 'name', '(full|first|last|middle|given|family|sur|customer|client|person)_?name|name_(full|first|last|middle)|name|xm|xingming', '姓名|客户名称|客户名', true),
	(40, 'postal_code', 'post(al)?_?code|zip(_?code)?|yb|yzbm', '邮编|邮政编码', true),
	(41, 'address', 'addr(ess)?(_?(full|line_?1|line_?2|street))?|street|dz|lxdz', '地址|住址', true),
	(42, 'region', 'country(_code)?|nationality|region', '国家|国籍|地区', true),
	(50, 'consent_at', 'consent(ed)?_(at|on|date|time)', '同意时间|授权时间', true),
	(51, 'consent_scope', 'consent_scope', '同意范围|授权范围', true),
	(52, 'verified_at', '(verified|checked)_(at|on|date|time)|last_verified', '核实时间|核验时间', true),
	(53, 'updated_at', '(updated?|modified|changed?)_(at|on|date|time)|write_date|last_(update|updated|change|changed|modified)|date_(modified|updated)|gxsj', '更新|修改', true),
	(54, 'created_at', '(created?|creation|inserted|entered|registered)_(at|on|date|time)|date_(created|entered)|lrsj|cjsj', '创建时间|录入时间|登记时间|创建日期|录入日期', true),
	(60, 'customer_no', '(customer|client|cust|record)_?(no|num|number|id|code)|company_(no|number|code)|khbh|khh', '客户编号|客户号|客户代码', true),
	(61, 'owner', 'owner(_id)?|account_manager|sales_?(rep|person|man)(_id)?|responsible|assigned_(to|user)(_id)?|khjl', '负责人|客户经理|归属人', true),
	(62, 'source', 'source|lead_source|channel', '来源|渠道', true),
	(63, 'status', 'status|lifecycle|stage|zt', '状态', true);
-- a database whose encoding has no Chinese goes by the English names
UPDATE crmaudit.role_hint SET chinese = crmaudit.unescape(chinese, '');

-- Chinese words in functions, as the script is ASCII.
DO $$
BEGIN
	EXECUTE format('CREATE FUNCTION crmaudit.chinese_ends() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
		format('SELECT %L::text', crmaudit.unescape('(类型|类别|种类|状态|时间|日期|标志|次数)$', '^$')));
	EXECUTE format('CREATE FUNCTION crmaudit.sex_words() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
		format('SELECT %L::text[]', crmaudit.unescape('{m,f,male,female,man,woman,u,x,unknown,other,divers,d,w,h,男,女,未知,未说明,保密}', '{m,f,male,female,man,woman,u,x,unknown,other,divers,d,w,h}')));
	EXECUTE format('CREATE FUNCTION crmaudit.phone_words() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
		format('SELECT %L::text', crmaudit.unescape('phone|mobile|^tel|^fax|^cell|手机|电话|传真', 'phone|mobile|^tel|^fax|^cell')));
	EXECUTE format('CREATE FUNCTION crmaudit.date_regex(form text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
		format('SELECT CASE form WHEN %L THEN %L WHEN %L THEN %L WHEN %L THEN %L WHEN %L THEN %L WHEN %L THEN %L END',
			'iso', '[12][0-9]{3}([-/.])(0?[1-9]|1[0-2])[-/.](0?[1-9]|[12][0-9]|3[01])([ T].*)?',
			'compact', '[12][0-9]{3}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])',
			'numeric', '(0?[1-9]|[12][0-9]|3[01])[-/.](0?[1-9]|[12][0-9]|3[01])[-/.]([12][0-9]{3}|[0-9]{2})([ T].*)?',
			'month', '([0-3]?[0-9][-. ]+)?[A-Za-z]{3,9}[-., ]+([0-3]?[0-9][-., ]+)?[0-9]{2,4}',
			'chinese', crmaudit.unescape('[12][0-9]{3}年(0?[1-9]|1[0-2])月(0?[1-9]|[12][0-9]|3[01])日', '^$')));
END $$;
COMMENT ON FUNCTION crmaudit.chinese_ends() IS 'what a Chinese name ends with that is about a phone, say, but none';
COMMENT ON FUNCTION crmaudit.sex_words() IS 'words for a sex, in lower case';
COMMENT ON FUNCTION crmaudit.phone_words() IS 'regular expression for codes that say a value is a phone number';
COMMENT ON FUNCTION crmaudit.date_regex(text) IS 'regular expression for a form in which profile() knows dates';

CREATE FUNCTION crmaudit.name_words(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	SELECT '_' || btrim(lower(regexp_replace(regexp_replace(regexp_replace(name,
		'([a-z0-9])([A-Z])', '\1_\2', 'g'), '[^[:alnum:]]+', '_', 'g'), '_\d+(?=_|$)', '', 'g')), '_') || '_'
$$;
COMMENT ON FUNCTION crmaudit.name_words(text) IS 'a name as words in lower case with _ before, between and after: MobilePhone2 is _mobile_phone2_';

-- The words may stand anywhere in the name, but what a name ends with says
-- what it is: phone_type is no phone.
CREATE FUNCTION crmaudit.hinted_roles(name text) RETURNS text[]
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(array_agg(h.role ORDER BY h.position, h.role), '{}')
	FROM crmaudit.role_hint h, crmaudit.name_words(name) AS n(words)
	WHERE n.words ~ ('_(' || h.words || ')[0-9]?_$')
		OR (n.words ~ ('_(' || h.words || ')[0-9]?_')
			AND n.words !~ '_(type|kind|category|class|flag|count|verified|status|state|country|city|town|id|code|at|on|by|date|time|day|ok|valid|name|uid)_$')
		OR (h.chinese <> '' AND name ~ h.chinese AND (name !~ crmaudit.chinese_ends()
			OR h.role NOT IN ('phone', 'email', 'wechat', 'resident_id', 'bank_card', 'name', 'company_name', 'contact_name', 'address')))
$$;
COMMENT ON FUNCTION crmaudit.hinted_roles(text) IS 'roles that the name of a column hints at, the likeliest first';

-- What is gathered of the columns -------------------------------------------------

CREATE FUNCTION crmaudit.profile_columns(target regclass, sample int, seed bigint,
	OUT attnum int2, OUT column_name text, OUT data_type text, OUT class text, OUT rows bigint, OUT nulls bigint,
	OUT blanks bigint, OUT distinct_values bigint, OUT is_exact boolean, OUT min_length int, OUT max_length int,
	OUT min_value text, OUT max_value text, OUT below bigint, OUT above bigint, OUT sampled bigint,
	OUT patterns jsonb, OUT shape text, OUT verdicts jsonb, OUT contents jsonb, OUT seen jsonb)
RETURNS SETOF record LANGUAGE c STRICT
-- a sample is the same again only where rows come in the same order
SET synchronize_seqscans = off
AS 'MODULE_PATHNAME', 'crmaudit_profile_columns';
COMMENT ON FUNCTION crmaudit.profile_columns(regclass, int, bigint) IS 'implementation of profile(): one pass over a table; the column seen shows values';

CREATE FUNCTION crmaudit.wilson_lower(passed numeric, tried numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN tried > 0 THEN greatest(0, round(((p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n))::numeric, 4)) END
	FROM (SELECT 1.959964::float8 AS z, tried::float8 AS n, (passed / nullif(tried, 0))::float8 AS p) AS s
$$;
COMMENT ON FUNCTION crmaudit.wilson_lower(numeric, numeric) IS 'lower 95 % Wilson bound of the share passed / tried; NULL of nothing';

-- Share of the sampled values that a kind of identifier takes, or that are
-- dates. Digits that fit a numbering plan no more often than random ones do are
-- no phone numbers.
CREATE FUNCTION crmaudit.verdict_share(verdicts jsonb, kind text) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN (v ->> 'valid')::float8 - coalesce((v ->> 'chance')::float8, 0) < 0.3 * (v ->> 'valid')::float8 THEN 0
		ELSE coalesce(((v ->> 'valid')::float8 + coalesce((v ->> 'suspect')::float8, 0)) / nullif((v ->> 'tried')::float8, 0), 0) END
	FROM (SELECT verdicts -> kind AS v) AS one
$$;
COMMENT ON FUNCTION crmaudit.verdict_share(jsonb, text) IS 'share of the values tried that are of a kind';

-- The kind of identifier that a text column holds. By content alone a kind
-- must be nearly sure: digits fit many a numbering plan.
CREATE FUNCTION crmaudit.identifier_role(f jsonb) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT k.kind
	FROM unnest('{resident_id,uscc,lei,iban,email,vat_id,bank_card,phone}'::text[]) WITH ORDINALITY AS k(kind, position),
		LATERAL (SELECT f -> 'verdicts' -> k.kind AS verdict, f -> 'hints' ? k.kind AS is_hinted,
			crmaudit.verdict_share(f -> 'verdicts', k.kind) AS share) AS s
	WHERE f -> 'verdicts' ? k.kind AND (verdict ->> 'valid')::float8 >= (verdict ->> 'suspect')::float8
		AND CASE WHEN is_hinted THEN share >= 0.5
			WHEN k.kind <> 'phone' THEN share >= 0.8 AND (verdict ->> 'tried')::int >= 10
			-- a column that means to be something else is no phone
			ELSE share >= 0.9 AND (verdict ->> 'tried')::int >= 10 AND f -> 'hints' = '[]'
				AND ((f #>> '{contents,separators}')::float8 >= 0.5 * (f ->> 'sampled')::float8
					OR verdict ->> 'region' = 'CN' AND (f #>> '{contents,of_length}')::float8 >= 0.8 * (f ->> 'sampled')::float8
						AND (f #>> '{contents,length}')::int = 11 AND f ->> 'words' !~ '_(id|no|number|code)_$')
		END
	ORDER BY is_hinted DESC, share DESC, k.position LIMIT 1
$$;
COMMENT ON FUNCTION crmaudit.identifier_role(jsonb) IS 'the kind of identifier that a column holds, by its content first';

-- Whether the content of a column bears out what its name hints at.
CREATE FUNCTION crmaudit.bears_out(f jsonb, role text) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(CASE
		WHEN role IN ('birth_date', 'created_at', 'updated_at', 'verified_at', 'consent_at') THEN
			f ->> 'class' = 'date' OR is_text AND crmaudit.verdict_share(f -> 'verdicts', 'date') >= 0.5
		WHEN role = 'sex' THEN (f ->> 'class' IN ('text', 'integer')) AND (f ->> 'distinct_values')::bigint <= 12
		WHEN role IN ('name', 'contact_name') THEN is_text AND digits <= 0.2 AND (f ->> 'max_length')::int >= 2
			AND crmaudit.verdict_share(f -> 'verdicts', 'date') < 0.5
			AND crmaudit.verdict_share(f -> 'verdicts', 'email') < 0.5
			AND f ->> 'words' !~ '_(product|file|user|login|city|table|event|campaign|branch|bank|category|group|department|display|host|domain|brand|model|school|state|country|street)_?name_'
		WHEN role IN ('company_name', 'address') THEN is_text AND (f ->> 'max_length')::int >= 4
			AND (f #>> '{contents,codes}')::float8 <= 0.95 * sampled OR role = 'company_name' AND is_text AND digits <= 0.5
		WHEN role = 'postal_code' THEN is_text AND (f ->> 'max_length')::int <= 12 AND digits >= 0.5
		WHEN role IN ('region', 'source', 'status', 'id_kind', 'consent_scope') THEN is_text AND (f ->> 'distinct_values')::bigint <= 300
		WHEN role IN ('passport', 'bank_account') THEN is_text AND digits >= 0.8
		WHEN role = 'wechat' THEN is_text
		WHEN role IN ('customer_no', 'owner') THEN f ->> 'class' IN ('text', 'integer', 'other')
		ELSE false END, false)
	FROM (SELECT f ->> 'class' = 'text' AS is_text, (f ->> 'sampled')::float8 AS sampled,
		(f #>> '{contents,digits}')::float8 / nullif((f ->> 'sampled')::float8, 0) AS digits) AS s
$$;
COMMENT ON FUNCTION crmaudit.bears_out(jsonb, text) IS 'whether a column''s content can be what its name hints at';

-- Whether all values but a few are words for a sex; digits need the name.
CREATE FUNCTION crmaudit.holds_sex(f jsonb) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(sum((v ->> 'rows')::numeric) FILTER (WHERE lower(v ->> 'value') = ANY (crmaudit.sex_words())) >= 0.95 * sum((v ->> 'rows')::numeric)
		AND count(*) FILTER (WHERE lower(v ->> 'value') = ANY (crmaudit.sex_words())) >= 2, false)
	FROM jsonb_array_elements(nullif(f -> 'seen', 'null')) v
$$;
COMMENT ON FUNCTION crmaudit.holds_sex(jsonb) IS 'whether the values of a column are words for a sex';

-- A column's facts with role and confidence. Names only break ties or raise
-- the confidence.
CREATE FUNCTION crmaudit.with_role(f jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_role text;
	bound numeric;
BEGIN
	IF f ->> 'class' = 'text' AND (f ->> 'sampled')::bigint > 0 THEN
		found_role := crmaudit.identifier_role(f);
		IF found_role IS NOT NULL THEN
			bound := crmaudit.wilson_lower((f #>> ARRAY['verdicts', found_role, 'valid'])::numeric
				+ (f #>> ARRAY['verdicts', found_role, 'suspect'])::numeric, (f #>> ARRAY['verdicts', found_role, 'tried'])::numeric);
			bound := CASE WHEN f -> 'hints' ? found_role THEN bound + (1 - bound) / 2 ELSE bound * 0.9 END;
		ELSIF crmaudit.holds_sex(f) THEN
			found_role := 'sex';
			bound := CASE WHEN f -> 'hints' ? 'sex' THEN 0.95 ELSE 0.8 END;
		END IF;
	END IF;
	IF found_role IS NULL AND (f ->> 'rows')::bigint > (f ->> 'nulls')::bigint + (f ->> 'blanks')::bigint THEN
		SELECT h INTO found_role FROM jsonb_array_elements_text(f -> 'hints') WITH ORDINALITY AS t(h, position)
			WHERE crmaudit.bears_out(f, h) ORDER BY position LIMIT 1;
		bound := CASE WHEN found_role IS NOT NULL THEN 0.7 END;
	END IF;
	RETURN f || jsonb_build_object('role', found_role, 'confidence', round(bound, 2));
END $$;
COMMENT ON FUNCTION crmaudit.with_role(jsonb) IS 'the facts about a column, with its likely role';

CREATE FUNCTION crmaudit.column_facts(target regclass, sample int, seed bigint) RETURNS SETOF jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.with_role(to_jsonb(p) || jsonb_build_object(
		'words', crmaudit.name_words(p.column_name),
		'filled', p.rows - p.nulls - p.blanks,
		'hints', CASE WHEN h.hints[1] = 'name' AND crmaudit.name_words(c.relname) ~ '_(compan(y|ies)|org(anization|anisation)?s?|firms?|agenc(y|ies)|suppliers?|enterprises?)_'
			THEN array_replace(h.hints, 'name', 'company_name') ELSE h.hints END,
		'not_null', a.attnotnull, 'generated', a.attgenerated <> '',
		'is_unique', EXISTS (SELECT FROM pg_index i WHERE i.indrelid = target AND i.indisunique AND i.indisvalid
			AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL),
		'is_key', EXISTS (SELECT FROM pg_index i WHERE i.indrelid = target AND i.indisprimary AND a.attnum = ANY (i.indkey)),
		'is_foreign', EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = target AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum])))
	FROM pg_class c, crmaudit.profile_columns(target, sample, seed) p
		JOIN pg_attribute a ON a.attrelid = target AND a.attnum = p.attnum,
		LATERAL (SELECT crmaudit.hinted_roles(p.column_name) AS hints) h
	WHERE c.oid = target
	ORDER BY p.attnum
$$;
COMMENT ON FUNCTION crmaudit.column_facts(regclass, int, bigint) IS 'all that is known of the columns of a table, a json object for each';

-- Codes are shown, not data about persons: a few values, each of several rows.
CREATE FUNCTION crmaudit.shows_values(f jsonb) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT f -> 'seen' <> 'null' AND (f ->> 'distinct_values')::bigint <= 30 AND f ->> 'words' !~ '_(name|note|notes|comment|remark|description)_'
		AND coalesce(f ->> 'role', '') NOT IN ('name', 'contact_name', 'company_name', 'resident_id', 'passport', 'uscc', 'vat_id', 'lei',
			'birth_date', 'phone', 'email', 'address', 'postal_code', 'bank_card', 'bank_account', 'iban', 'wechat', 'owner', 'customer_no')
		AND NOT EXISTS (SELECT FROM jsonb_array_elements(f -> 'seen') v WHERE (v ->> 'rows')::bigint < 5)
$$;
COMMENT ON FUNCTION crmaudit.shows_values(jsonb) IS 'whether profile() shows the values of a column: a few codes';

CREATE FUNCTION crmaudit.profile(target regclass, sample int DEFAULT 100000, seed bigint DEFAULT 0)
RETURNS TABLE (column_name text, data_type text, rows bigint, nulls bigint, blanks bigint, distinct_values bigint, distinct_is_exact boolean,
	min_length int, max_length int, min_value text, max_value text, patterns jsonb, verdicts jsonb, value_rows jsonb, likely_role text, confidence numeric)
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT f ->> 'column_name', f ->> 'data_type', (f ->> 'rows')::bigint, (f ->> 'nulls')::bigint, (f ->> 'blanks')::bigint,
		(f ->> 'distinct_values')::bigint, (f ->> 'is_exact')::boolean, (f ->> 'min_length')::int, (f ->> 'max_length')::int,
		f ->> 'min_value', f ->> 'max_value', nullif(f -> 'patterns', 'null'),
		(SELECT jsonb_object_agg(k.kind, jsonb_build_object('valid', round((k.v ->> 'valid')::numeric / (k.v ->> 'tried')::numeric, 3))
				|| CASE WHEN k.v ? 'suspect' THEN jsonb_build_object('suspect', round((k.v ->> 'suspect')::numeric / (k.v ->> 'tried')::numeric, 3)) ELSE '{}' END
				|| CASE WHEN k.v ->> 'region' <> '' THEN jsonb_build_object('region', k.v ->> 'region') ELSE '{}' END)
			FROM jsonb_each(nullif(f -> 'verdicts', 'null')) AS k(kind, v) WHERE crmaudit.verdict_share(f -> 'verdicts', k.kind) >= 0.05),
		CASE WHEN crmaudit.shows_values(f) THEN
			(SELECT jsonb_object_agg(v ->> 'value', (v ->> 'rows')::bigint) FROM jsonb_array_elements(f -> 'seen') v) END,
		f ->> 'role', (f ->> 'confidence')::numeric
	FROM crmaudit.column_facts(target, sample, seed) f
$$;
COMMENT ON FUNCTION crmaudit.profile(regclass, int, bigint) IS 'what the columns of a table or view hold: counts over all rows; patterns, verdicts and likely role by a sample; shows no values but codes';

-- Rules on trial ----------------------------------------------------------------------

CREATE FUNCTION crmaudit.try_rules(target regclass, rules jsonb,
	OUT name text, OUT rows bigint, OUT assessed bigint, OUT failed bigint, OUT suspect bigint, OUT errors bigint)
RETURNS SETOF record LANGUAGE c STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'crmaudit_try_rules';
COMMENT ON FUNCTION crmaudit.try_rules(regclass, jsonb) IS 'what rules, an array as import_rules() takes it, would say of a table''s rows today; nothing is defined, and the table need not be protected';

-- Suggestions ----------------------------------------------------------------------------

-- What is suggested is first a candidate: a rule as import_rules() takes it,
-- with "why", and "need", the share of the assessed rows that must pass it.
CREATE FUNCTION crmaudit.candidate(name text, kind text, columns text[], params jsonb, severity text, why text,
	need float8 DEFAULT 0, condition text DEFAULT NULL) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('name', name, 'kind', kind, 'columns', columns, 'params', coalesce(params, '{}'),
		'severity', severity, 'condition', condition, 'why', why, 'need', need))
$$;
COMMENT ON FUNCTION crmaudit.candidate(text, text, text[], jsonb, text, text, float8, text) IS 'a rule that may be suggested';

CREATE FUNCTION crmaudit.in_percent(part numeric, whole numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN part < whole AND round(100.0 * part / whole, 1) = 100 THEN '99.9' ELSE trim_scale(round(100.0 * part / nullif(whole, 0), 1))::text END || ' %'
$$;
COMMENT ON FUNCTION crmaudit.in_percent(numeric, numeric) IS 'a share in words';

-- Columns that are nearly always filled.
CREATE FUNCTION crmaudit.presence_candidates(f jsonb) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.candidate(f ->> 'column_name' || '_filled', CASE WHEN is_text THEN 'not_blank' ELSE 'required' END,
		ARRAY[f ->> 'column_name'], '{}', CASE WHEN f ->> 'role' IS NOT NULL THEN 'error' ELSE 'warning' END,
		format('%s of the rows have it', crmaudit.in_percent((f ->> 'filled')::numeric, (f ->> 'rows')::numeric)), 0.9)
	FROM (SELECT f ->> 'class' = 'text' AS is_text) AS s
	WHERE (f ->> 'rows')::bigint >= 20 AND (f ->> 'filled')::float8 >= 0.9 * (f ->> 'rows')::float8
		AND NOT (f ->> 'is_key')::boolean AND (is_text OR f ->> 'class' <> 'other' AND NOT (f ->> 'not_null')::boolean)
$$;
COMMENT ON FUNCTION crmaudit.presence_candidates(jsonb) IS 'candidates: a column is filled';

-- Identifiers, names and addresses.
CREATE FUNCTION crmaudit.role_candidates(f jsonb) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH s AS (SELECT f ->> 'column_name' AS c, f ->> 'role' AS role, f #> ARRAY['verdicts', f ->> 'role'] AS verdict,
		f ->> 'class' = 'text' AS is_text, (f ->> 'filled')::bigint AS filled)
	SELECT crmaudit.candidate(c || '_valid', 'format', ARRAY[c],
			jsonb_build_object('type', role) || CASE WHEN verdict ->> 'region' <> '' THEN jsonb_build_object('region', verdict ->> 'region') ELSE '{}' END,
			'error', format('%s of the %s values looked at are valid%s', crmaudit.in_percent((verdict ->> 'valid')::numeric, (verdict ->> 'tried')::numeric),
				verdict ->> 'tried', CASE WHEN verdict ->> 'region' <> '' THEN '; of all regions ' || (verdict ->> 'region') || ' fits best' ELSE '' END), 0.5)
		FROM s WHERE is_text AND filled >= 10 AND role IN ('email', 'phone', 'resident_id', 'uscc', 'lei', 'iban', 'vat_id', 'bank_card')
	UNION ALL
	SELECT crmaudit.candidate(c || '_not_disposable', 'not_in_list', ARRAY[c], '{"list": "disposable_domains", "part": "domain"}', 'warning',
			'addresses of disposable domains reach nobody', 0.5)
		FROM s WHERE is_text AND filled >= 10 AND role = 'email'
	UNION ALL
	SELECT crmaudit.candidate(c || '_not_placeholder', 'placeholder', ARRAY[c], '{}', 'error',
			format('fillers are common in columns of role %s', role), 0.5)
		FROM s WHERE filled >= 10 AND role IN ('name', 'contact_name', 'company_name', 'phone', 'email', 'address', 'birth_date')
			AND (is_text OR role = 'birth_date')
	UNION ALL
	SELECT crmaudit.candidate(c || '_characters', 'charset', ARRAY[c], '{"forbid": ["control", "zero_width", "private_use", "replacement"]}', 'error',
			'a name has no invisible or broken characters', 0.8)
		FROM s WHERE is_text AND filled >= 10 AND role IN ('name', 'contact_name', 'company_name')
	UNION ALL
	SELECT crmaudit.candidate(c || '_length', 'length', ARRAY[c], jsonb_build_object('min',
			CASE WHEN f ->> 'words' ~ '(first|last|middle|given|family|sur)_?(name)?_|_name_(first|last|middle)_' THEN 1 WHEN role = 'address' THEN 4 ELSE 2 END,
			'max', CASE role WHEN 'address' THEN 250 WHEN 'company_name' THEN 120 ELSE 60 END), 'warning',
			format('usual of role %s; the column has %s to %s characters', role, f ->> 'min_length', f ->> 'max_length'), 0.8)
		FROM s WHERE is_text AND filled >= 10 AND role IN ('name', 'contact_name', 'company_name', 'address')
$$;
COMMENT ON FUNCTION crmaudit.role_candidates(jsonb) IS 'candidates: what is usual of a column''s role';

-- Dates, also those that are text.
CREATE FUNCTION crmaudit.date_candidates(f jsonb) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH s AS (SELECT f ->> 'column_name' AS c, coalesce(f ->> 'role', '') AS role, f ->> 'class' AS class, f #> '{verdicts,date}' AS verdict,
			crmaudit.verdict_share(nullif(f -> 'verdicts', 'null'), 'date') AS share),
	forms AS (SELECT form, (verdict ->> form)::float8 / (verdict ->> 'valid')::float8 AS share
		FROM s, unnest('{iso,compact,numeric,month,chinese}'::text[]) form WHERE class = 'text' AND s.share >= 0.8),
	-- what is readable to rules needs no other form
	used AS (SELECT form FROM forms WHERE share > 0 AND (form = 'iso' OR share >= 0.02) AND (form IN ('iso', 'compact')
		OR (SELECT sum(share) FROM forms WHERE form IN ('iso', 'compact')) < 0.9))
	SELECT crmaudit.candidate(c || '_is_date', 'regex', ARRAY[c],
			jsonb_build_object('pattern', '^(' || CASE WHEN (f ->> 'blanks')::bigint > 0 THEN '|' ELSE '' END || (SELECT string_agg(crmaudit.date_regex(form), '|' ORDER BY form) FROM used) || ')$'),
			'error', format('%s of the %s values looked at are dates; forms in use: %s', crmaudit.in_percent((verdict ->> 'valid')::numeric, (verdict ->> 'tried')::numeric),
				verdict ->> 'tried', (SELECT string_agg(format('%s %s', form, crmaudit.in_percent(forms.share::numeric, 1)), ', ' ORDER BY forms.share DESC) FROM forms WHERE forms.share > 0)), 0.8)
		FROM s WHERE EXISTS (SELECT FROM used)
	UNION ALL
	SELECT crmaudit.candidate(c || '_not_future', 'not_future', ARRAY[c], '{}', CASE WHEN role = '' THEN 'warning' ELSE 'error' END,
			CASE WHEN role <> '' THEN format('role %s', role) ELSE 'no value lies in the future' END,
			CASE WHEN role = '' THEN 1 ELSE 0.9 END)
		FROM s WHERE (class = 'date' AND (role <> '' OR (f ->> 'above')::bigint = 0 AND f ->> 'words' !~ '_(end|ends|due|until|expir.*|valid_to|next|plan|planned|deadline)_')
			OR class = 'text' AND share >= 0.8 AND (SELECT sum(share) FROM forms WHERE form IN ('iso', 'compact')) >= 0.9 AND role <> '')
	UNION ALL
	SELECT crmaudit.candidate(c || '_range', 'range', ARRAY[c], '{"min": "1900-01-01"}', 'error', 'nobody alive was born before', 0.9)
		FROM s WHERE class = 'date' AND role = 'birth_date'
$$;
COMMENT ON FUNCTION crmaudit.date_candidates(jsonb) IS 'candidates: a date is one, and not in the future';

-- Numbers: only bounds that follow from what they are.
CREATE FUNCTION crmaudit.number_candidates(f jsonb) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.candidate(c || '_range', 'range', ARRAY[c], bounds, 'warning',
		format('values run from %s to %s', f ->> 'min_value', f ->> 'max_value'), 0.99)
	FROM (SELECT f ->> 'column_name' AS c, CASE
			WHEN words ~ '_age_' THEN '{"min": 0, "max": 150}'
			WHEN words ~ '_year_' AND f ->> 'class' = 'integer' THEN '{"min": 1900, "max": 2100}'
			WHEN words ~ '_(percent|percentage|pct|probability)_' THEN CASE WHEN (f ->> 'max_value')::numeric <= 1 THEN '{"min": 0, "max": 1}' ELSE '{"min": 0, "max": 100}' END
			WHEN f ->> 'class' = 'number' OR words ~ '_(amount|price|cost|fee|fees|quantity|qty|count|total|size|length|seconds|minutes|hours|days|weight|income|revenue|salary|employees)_' THEN '{"min": 0}'
			END::jsonb AS bounds
		FROM (SELECT f ->> 'words' AS words) AS w) AS s
	WHERE f ->> 'class' IN ('integer', 'number') AND bounds IS NOT NULL
		AND NOT (f ->> 'is_key')::boolean AND NOT (f ->> 'is_foreign')::boolean AND (f ->> 'filled')::bigint >= 10
		AND f ->> 'words' !~ '_(latitude|longitude|lat|lon|lng|balance|delta|change|diff)_'
$$;
COMMENT ON FUNCTION crmaudit.number_candidates(jsonb) IS 'candidates: bounds of a number';

-- The values of a column that are codes: those of enough rows, so that a rare
-- misspelling is none; NULL if the column holds no set of codes.
CREATE FUNCTION crmaudit.code_values(f jsonb) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	WITH s AS (SELECT (f ->> 'filled')::bigint AS filled, coalesce(f ->> 'role', '') AS role, (f ->> 'distinct_values')::bigint AS distinct_values),
	frequent AS (SELECT v ->> 'value' AS value, (v ->> 'rows')::bigint AS rows
		FROM s, jsonb_array_elements(nullif(f -> 'seen', 'null')) v
		WHERE (v ->> 'rows')::bigint >= CASE WHEN filled < 200 THEN 2 ELSE greatest(5, filled / 1000) END)
	SELECT CASE WHEN count(*) BETWEEN 2 AND 30 AND sum(rows) >= 0.9 * filled THEN array_agg(value ORDER BY rows DESC, value) END
	FROM frequent, s
	WHERE filled >= 10 AND NOT (f ->> 'is_key')::boolean AND NOT (f ->> 'is_foreign')::boolean AND NOT (f ->> 'is_unique')::boolean
		AND distinct_values * CASE WHEN role IN ('sex', 'status', 'source', 'region', 'id_kind', 'consent_scope')
			OR f ->> 'words' ~ '_(type|kind|category|class|status)_$' THEN 3 ELSE 8 END <= filled
		AND role NOT IN ('name', 'contact_name', 'company_name', 'resident_id', 'passport', 'uscc', 'vat_id', 'lei', 'birth_date', 'phone',
			'email', 'address', 'postal_code', 'bank_card', 'bank_account', 'iban', 'wechat', 'owner', 'customer_no')
		AND CASE f ->> 'class'
			WHEN 'text' THEN (f ->> 'max_length')::int <= 40 AND NOT f -> 'verdicts' ? 'date'
				AND (f #>> '{contents,spaced}')::float8 <= 0.5 * (f ->> 'sampled')::float8
				AND f ->> 'words' !~ '_(name|city|town|village|street|title|subject|note|notes|comment|description|remark|text|content)_'
				AND NOT EXISTS (SELECT FROM jsonb_array_elements(nullif(f -> 'seen', 'null')) v WHERE v ->> 'value' ~ '\d{5}')
			WHEN 'integer' THEN distinct_values <= 20 AND f ->> 'words' ~ '_(type|kind|status|state|code|flag|level|category|class|sex|gender|grade|stage)_'
			ELSE false END
	GROUP BY filled
$$;
COMMENT ON FUNCTION crmaudit.code_values(jsonb) IS 'the codes that a column holds, the most frequent first; NULL if it holds no codes';

CREATE FUNCTION crmaudit.set_candidates(f jsonb) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.candidate(f ->> 'column_name' || '_known', 'in_set', ARRAY[f ->> 'column_name'],
		jsonb_build_object('values', to_jsonb(codes) || CASE WHEN (f ->> 'blanks')::bigint > 0 THEN '[""]' ELSE '[]' END::jsonb), 'error',
		format('%s of its %s values make up nearly all rows', cardinality(codes), f ->> 'distinct_values'), 0.9)
	FROM crmaudit.code_values(f) AS codes WHERE codes IS NOT NULL
$$;
COMMENT ON FUNCTION crmaudit.set_candidates(jsonb) IS 'candidates: a value is one of a few codes';

-- Codes of one shape, or of one length.
CREATE FUNCTION crmaudit.shape_candidates(f jsonb) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
	WITH s AS (SELECT f ->> 'column_name' AS c, (f #>> '{patterns,0,share}')::float8 AS share, f #>> '{patterns,0,pattern}' AS pattern,
			(f #>> '{contents,of_length}')::float8 / (f ->> 'sampled')::float8 AS same_length, (f #>> '{contents,length}')::int AS length,
			(f ->> 'blanks')::bigint > 0 AS has_blanks)
	SELECT CASE
		-- a number that only grows has more digits tomorrow
		WHEN share >= 0.99 AND pattern ~ '^9(\{\d+\})?$' AND length < 9 AND (f ->> 'distinct_values')::float8 >= 0.95 * (f ->> 'filled')::float8 THEN
			crmaudit.candidate(c || '_shape', 'regex', ARRAY[c], jsonb_build_object('pattern', CASE WHEN has_blanks THEN '^[0-9]*$' ELSE '^[0-9]+$' END), 'error',
				format('%s of the values have digits only', crmaudit.in_percent(share::numeric, 1)), 0.98)
		WHEN share >= 0.99 AND f ->> 'shape' IS NOT NULL THEN
			crmaudit.candidate(c || '_shape', 'regex', ARRAY[c], jsonb_build_object('pattern', CASE WHEN has_blanks THEN '^$|' ELSE '' END || (f ->> 'shape')), 'error',
				format('%s of the values have the shape %s', crmaudit.in_percent(share::numeric, 1), pattern), 0.98)
		WHEN same_length >= 0.9 AND NOT has_blanks THEN
			crmaudit.candidate(c || '_length', 'length', ARRAY[c], jsonb_build_object('min', length, 'max', length), 'warning',
				format('%s of the values have %s characters', crmaudit.in_percent(same_length::numeric, 1), length), 0.9)
		END
	FROM s
	WHERE f ->> 'class' = 'text' AND (f ->> 'sampled')::bigint >= 10 AND length <= 40
		AND (share >= 0.99 OR same_length >= 0.9)
		AND coalesce(f ->> 'role', '') NOT IN ('email', 'phone', 'resident_id', 'uscc', 'lei', 'iban', 'vat_id', 'bank_card', 'sex', 'name',
			'contact_name', 'company_name', 'address', 'birth_date', 'created_at', 'updated_at', 'verified_at', 'consent_at', 'status', 'source')
		AND crmaudit.verdict_share(f -> 'verdicts', 'date') < 0.5
		AND (f #>> '{contents,spaced}')::float8 <= 0.5 * (f ->> 'sampled')::float8
		AND (f ->> 'distinct_values')::bigint >= 5
		AND crmaudit.code_values(f) IS NULL
		-- words of the same length are no codes
		AND ((f #>> '{contents,digits}')::float8 >= 0.5 * (f ->> 'sampled')::float8 OR length <= 3 AND pattern ~ '^A')
$$;
COMMENT ON FUNCTION crmaudit.shape_candidates(jsonb) IS 'candidates: the shape, or the length, of codes';

-- Columns that belong together.
CREATE FUNCTION crmaudit.pair_candidates(facts jsonb[]) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH f AS (SELECT one ->> 'column_name' AS c, coalesce(one ->> 'role', '') AS role, one ->> 'class' AS class, one ->> 'words' AS words,
			crmaudit.verdict_share(nullif(one -> 'verdicts', 'null'), 'date') AS dates, (one ->> 'attnum')::int AS attnum
		FROM unnest(facts) one WHERE NOT (one ->> 'generated')::boolean),
	times AS (SELECT *, CASE WHEN role = 'birth_date' THEN 1
			WHEN role = 'created_at' OR words ~ '_(opened|start|starts|started|signed|begin|begins|from|occurred|ordered)_' THEN 2
			WHEN role IN ('updated_at', 'verified_at') OR words ~ '_(closed|end|ends|ended|expires|until|to|answered|decided|finished|completed|recorded|shipped)_' THEN 3 END AS place
		FROM f WHERE class = 'date' OR class = 'text' AND dates >= 0.9 AND role <> '')
	SELECT crmaudit.candidate(a.c || '_before_' || b.c, 'date_order', ARRAY[a.c, b.c], '{}', 'error', 'by their names, and what the rows hold', 0.99)
		FROM times a JOIN times b ON a.place < b.place WHERE a.place = 1 AND b.role = 'created_at' OR a.place = 2
	UNION ALL
	SELECT crmaudit.candidate(b.c || '_matches_' || a.c, 'id_matches_birth_date', ARRAY[a.c, b.c], '{}', 'error', 'a resident ID number holds the birth date', 0.5)
		FROM f a, f b WHERE a.role = 'resident_id' AND b.role = 'birth_date'
	UNION ALL
	SELECT crmaudit.candidate(b.c || '_matches_' || a.c, 'id_matches_sex', ARRAY[a.c, b.c], '{}', 'error', 'a resident ID number holds the sex', 0.5)
		FROM f a, f b WHERE a.role = 'resident_id' AND b.role = 'sex'
	UNION ALL
	SELECT crmaudit.candidate('contact_present', 'at_least_one_of', array_agg(c ORDER BY attnum), '{}', 'error', 'one way to reach the customer', 0.9)
		FROM f WHERE role IN ('phone', 'email') HAVING count(*) > 1
$$;
COMMENT ON FUNCTION crmaudit.pair_candidates(jsonb[]) IS 'candidates: columns that must agree';

-- One column that holds many kinds of values, and another that says which.
CREATE FUNCTION crmaudit.typed_candidates(facts jsonb[]) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH f AS (SELECT one, one ->> 'column_name' AS c FROM unnest(facts) one WHERE one ->> 'class' = 'text' AND NOT (one ->> 'generated')::boolean),
	kinds AS (SELECT c, v AS code, CASE WHEN lower(v) ~ 'mail' THEN 'email' WHEN lower(v) ~ crmaudit.phone_words() THEN 'phone' END AS kind
		FROM f, unnest(crmaudit.code_values(one)) v WHERE one ->> 'words' ~ '_(type|kind|category|class)_' OR crmaudit.name_words(v) ~ '_e?mail_')
	SELECT crmaudit.candidate(f.c || '_' || kinds.kind || '_valid', 'format', ARRAY[f.c],
		jsonb_build_object('type', kinds.kind) || CASE WHEN kinds.kind = 'phone' AND f.one #>> '{verdicts,phone,region}' <> '' THEN jsonb_build_object('region', f.one #>> '{verdicts,phone,region}') ELSE '{}' END,
		'error', format('%I says what %I holds', kinds.c, f.c), 0.5,
		format('%I IN (%s)', kinds.c, string_agg(quote_literal(code), ', ' ORDER BY code)))
	FROM f, kinds
	WHERE f.c <> kinds.c AND kinds.kind IS NOT NULL AND f.one ->> 'role' IS NULL
		AND crmaudit.verdict_share(f.one -> 'verdicts', kinds.kind) BETWEEN 0.05 AND 0.95
	GROUP BY f.c, f.one, kinds.c, kinds.kind
$$;
COMMENT ON FUNCTION crmaudit.typed_candidates(jsonb[]) IS 'candidates: what a column holds depends on another';

-- Kinds that look at other rows are counted by a query of their own: target
-- and columns are quoted by the caller.
CREATE FUNCTION crmaudit.count_rows(query text, OUT assessed bigint, OUT failed bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE query INTO assessed, failed;
END $$;
COMMENT ON FUNCTION crmaudit.count_rows(text) IS 'runs a query that counts rows assessed and rows that fail, with the caller''s rights';

CREATE FUNCTION crmaudit.relation_sql(target regclass) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || target::text FROM pg_class c WHERE c.oid = target
$$;
COMMENT ON FUNCTION crmaudit.relation_sql(regclass) IS 'a relation without its children by inheritance, as FROM takes it';

-- Where a column says which kind of document it is, the rules of resident IDs
-- hold for the codes under which most values are such; NULL if all are, or there
-- is no such column.
CREATE FUNCTION crmaudit.document_condition(target regclass, facts jsonb[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kind text := (SELECT f ->> 'column_name' FROM unnest(facts) f WHERE f ->> 'role' = 'id_kind' AND crmaudit.code_values(f) IS NOT NULL LIMIT 1);
	document text := (SELECT f ->> 'column_name' FROM unnest(facts) f WHERE f ->> 'role' = 'resident_id' LIMIT 1);
	condition text;
BEGIN
	IF kind IS NOT NULL AND document IS NOT NULL THEN
		EXECUTE format('SELECT CASE WHEN pg_catalog.bool_or(NOT is_id) THEN pg_catalog.format(''%%I IN (%%s)'', $1,
				pg_catalog.string_agg(pg_catalog.quote_literal(kind), '', '' ORDER BY kind) FILTER (WHERE is_id)) END
			FROM (SELECT %1$I::text AS kind, 2 OPERATOR(pg_catalog.*) pg_catalog.count(*) FILTER (WHERE crmaudit.is_valid(''resident_id'', %2$I)) OPERATOR(pg_catalog.>=) pg_catalog.count(%2$I) AS is_id
				FROM %3$s WHERE %1$I IS NOT NULL GROUP BY 1) AS s', kind, document, crmaudit.relation_sql(target)) INTO condition USING kind;
	END IF;
	RETURN condition;
END $$;
COMMENT ON FUNCTION crmaudit.document_condition(regclass, jsonb[]) IS 'condition under which a column holds resident ID numbers, by the kind of document beside it';

CREATE FUNCTION crmaudit.unique_candidates(target regclass, f jsonb) RETURNS SETOF jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.candidate(f ->> 'column_name' || '_unique', 'unique', ARRAY[f ->> 'column_name'], '{}', 'warning',
			format('%s rows share a value with another, and there is no unique index', n.failed), 0.95)
		|| jsonb_build_object('rows', f -> 'rows', 'assessed', n.assessed, 'failed', n.failed)
	FROM crmaudit.count_rows(format(
		'SELECT coalesce(pg_catalog.sum(n), 0)::bigint, coalesce(pg_catalog.sum(n) FILTER (WHERE n OPERATOR(pg_catalog.>) 1), 0)::bigint FROM (SELECT pg_catalog.count(*) AS n FROM %s WHERE %2$I IS NOT NULL GROUP BY %2$I) AS s',
		crmaudit.relation_sql(target), f ->> 'column_name')) n
	WHERE NOT (f ->> 'is_unique')::boolean AND NOT (f ->> 'is_foreign')::boolean AND f ->> 'class' IN ('text', 'integer', 'other')
		AND (f ->> 'filled')::bigint >= 20 AND (f ->> 'distinct_values')::float8 >= 0.95 * (f ->> 'filled')::float8
		AND (coalesce(f ->> 'max_length', '0'))::int <= 340
		AND (coalesce(f ->> 'role', '') IN ('resident_id', 'passport', 'uscc', 'vat_id', 'lei', 'phone', 'email', 'bank_card', 'bank_account', 'iban', 'wechat', 'customer_no')
			OR f ->> 'role' IS NULL AND f ->> 'words' ~ '_(id|no|num|number|code|key|ref|reference|uuid|guid|serial|isbn|sku|login|username)_$'
			OR f ->> 'role' IS NULL AND f ->> 'class' = 'text' AND (f #>> '{patterns,0,share}')::float8 >= 0.98 AND (f #>> '{contents,digits}')::float8 >= 0.98 * (f ->> 'sampled')::float8
				AND crmaudit.verdict_share(f -> 'verdicts', 'date') < 0.5)
$$;
COMMENT ON FUNCTION crmaudit.unique_candidates(regclass, jsonb) IS 'candidates: a value stands in one row only';

-- A column named like the key of another table of the schema.
CREATE FUNCTION crmaudit.reference_candidates(target regclass, f jsonb) RETURNS SETOF jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.candidate(f ->> 'column_name' || '_in_' || k.relname, 'reference', ARRAY[f ->> 'column_name'],
			jsonb_build_object('table', k.relid::regclass::text, 'column', k.attname), 'error',
			format('named like the key of %s; no foreign key', k.relid::regclass), 0.9)
		|| jsonb_build_object('rows', f -> 'rows', 'assessed', n.assessed, 'failed', n.failed)
	FROM (SELECT o.oid AS relid, o.relname, a.attname
			FROM pg_class c JOIN pg_class o ON o.relnamespace = c.relnamespace AND o.relkind IN ('r', 'p') AND o.oid <> c.oid
			JOIN pg_index i ON i.indrelid = o.oid AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL
			JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = i.indkey[0]
			JOIN pg_attribute mine ON mine.attrelid = c.oid AND mine.attname = f ->> 'column_name' AND mine.atttypid = a.atttypid
			WHERE c.oid = target AND has_column_privilege(o.oid, a.attnum, 'SELECT')
				AND (a.attname = mine.attname OR crmaudit.name_words(mine.attname) = crmaudit.name_words(o.relname || '_' || a.attname)
					OR crmaudit.name_words(mine.attname) = crmaudit.name_words(o.relname || '_id'))
				AND a.attname || mine.attname <> 'idid'
			ORDER BY i.indisprimary DESC, o.relname LIMIT 1) k,
		crmaudit.count_rows(format(
			'SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE NOT EXISTS (SELECT FROM %s AS o WHERE o.%I OPERATOR(pg_catalog.=) t.%I)) FROM %s AS t WHERE t.%3$I IS NOT NULL',
			k.relid::regclass, k.attname, f ->> 'column_name', crmaudit.relation_sql(target))) n
	WHERE NOT (f ->> 'is_foreign')::boolean AND NOT (f ->> 'is_key')::boolean AND f ->> 'class' IN ('text', 'integer') AND (f ->> 'filled')::bigint >= 10
$$;
COMMENT ON FUNCTION crmaudit.reference_candidates(regclass, jsonb) IS 'candidates: a value stands in another table';

CREATE FUNCTION crmaudit.dependency_candidates(target regclass, facts jsonb[]) RETURNS SETOF jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT crmaudit.candidate(a ->> 'column_name' || '_determines_' || (b ->> 'column_name'), 'functional_dependency', ARRAY[a ->> 'column_name'],
			jsonb_build_object('determines', b ->> 'column_name'), 'warning', 'a postal code lies in one town', 0.98)
		|| jsonb_build_object('rows', a -> 'rows', 'assessed', n.assessed, 'failed', n.failed)
	FROM unnest(facts) a, unnest(facts) b, crmaudit.count_rows(format(
		'SELECT coalesce(pg_catalog.sum(n), 0)::bigint, coalesce(pg_catalog.sum(n) OPERATOR(pg_catalog.-) pg_catalog.sum(most), 0)::bigint FROM (SELECT pg_catalog.sum(n) AS n, pg_catalog.max(n) AS most FROM (SELECT %1$I AS a, pg_catalog.count(*) AS n FROM %3$s WHERE %1$I IS NOT NULL AND %2$I IS NOT NULL GROUP BY %1$I, %2$I) AS s GROUP BY a) AS t',
		a ->> 'column_name', b ->> 'column_name', crmaudit.relation_sql(target))) n
	WHERE a ->> 'role' = 'postal_code' AND b ->> 'class' = 'text' AND b ->> 'words' ~ '_(city|town)_' AND NOT (b ->> 'generated')::boolean
		-- a dependency shows where values repeat
		AND (a ->> 'distinct_values')::float8 <= 0.5 * (a ->> 'filled')::float8
		AND EXISTS (SELECT FROM crmaudit.rule_kinds() k WHERE k.kind = 'functional_dependency')
$$;
COMMENT ON FUNCTION crmaudit.dependency_candidates(regclass, jsonb[]) IS 'candidates: one column determines another';

CREATE FUNCTION crmaudit.suggest_rules(target regclass, min_confidence numeric DEFAULT 0.5)
RETURNS TABLE (name text, kind text, columns text[], params jsonb, condition text, severity text, dimension text, confidence numeric,
	rows bigint, would_fail bigint, would_suspect bigint, why text, english text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	facts jsonb[] := ARRAY(SELECT f FROM crmaudit.column_facts(target, 100000, 0) f WHERE NOT (f ->> 'generated')::boolean);
	documents text := crmaudit.document_condition(target, facts);
	by_row jsonb;
	by_query jsonb;
BEGIN
	IF NOT EXISTS (SELECT FROM unnest(facts) f WHERE (f ->> 'rows')::bigint > 0) THEN
		RETURN;
	END IF;
	SELECT coalesce(jsonb_agg(CASE WHEN documents IS NOT NULL AND (c ->> 'kind' IN ('id_matches_birth_date', 'id_matches_sex') OR c #>> '{params,type}' = 'resident_id')
		THEN c || jsonb_build_object('condition', documents) ELSE c END), '[]') INTO by_row FROM (
		SELECT c FROM unnest(facts) f,
			LATERAL (SELECT crmaudit.presence_candidates(f) UNION ALL SELECT crmaudit.role_candidates(f)
				UNION ALL SELECT crmaudit.date_candidates(f) UNION ALL SELECT crmaudit.number_candidates(f)
				UNION ALL SELECT crmaudit.set_candidates(f) UNION ALL SELECT crmaudit.shape_candidates(f)) AS one(c)
		UNION ALL SELECT crmaudit.pair_candidates(facts)
		UNION ALL SELECT crmaudit.typed_candidates(facts)) AS all_of_them WHERE c IS NOT NULL;
	-- what refers to another table stands in one row by chance only
	SELECT coalesce(jsonb_agg(c), '[]') INTO by_query FROM (
		SELECT c FROM unnest(facts) f,
			LATERAL (SELECT coalesce(jsonb_agg(r), '[]') AS found FROM crmaudit.reference_candidates(target, f) r) AS refs,
			LATERAL (SELECT jsonb_array_elements(refs.found)
				UNION ALL SELECT u FROM crmaudit.unique_candidates(target, CASE WHEN refs.found = '[]' THEN f END) u) AS one(c)
		UNION ALL SELECT crmaudit.dependency_candidates(target, facts)) AS all_of_them;
	-- results come in the order of the rules; names are told apart afterwards
	RETURN QUERY
		WITH tried AS (
			SELECT c.value || jsonb_build_object('rows', t.rows, 'assessed', t.assessed, 'failed', t.failed, 'suspect', t.suspect) AS c, c.position
			FROM jsonb_array_elements(by_row) WITH ORDINALITY AS c(value, position)
			JOIN ROWS FROM (crmaudit.try_rules(target, by_row)) WITH ORDINALITY AS t(name, rows, assessed, failed, suspect, errors, position) USING (position)
			UNION ALL
			SELECT value || '{"suspect": 0}', 10000 + position FROM jsonb_array_elements(by_query) WITH ORDINALITY AS q(value, position)),
		judged AS (
			SELECT c, position, (c ->> 'assessed')::numeric AS assessed, (c ->> 'assessed')::numeric - (c ->> 'failed')::numeric AS passed FROM tried),
		named AS (
			SELECT *, crmaudit.wilson_lower(passed, assessed) AS bound, row_number() OVER (PARTITION BY c ->> 'name' ORDER BY position) AS number FROM judged
			WHERE assessed > 0 AND passed >= (c ->> 'need')::float8 * assessed)
		SELECT n.c ->> 'name' || CASE WHEN number > 1 THEN '_' || number ELSE '' END, n.c ->> 'kind',
			ARRAY(SELECT jsonb_array_elements_text(n.c -> 'columns')), n.c -> 'params', n.c ->> 'condition', n.c ->> 'severity',
			k.dimension, n.bound, (n.c ->> 'rows')::bigint, (n.c ->> 'failed')::bigint, (n.c ->> 'suspect')::bigint, n.c ->> 'why',
			crmaudit.rule_in_english(n.c ->> 'kind', ARRAY(SELECT jsonb_array_elements_text(n.c -> 'columns')), n.c -> 'params')
				|| coalesce(' [' || (n.c ->> 'condition') || ']', '')
		FROM named n JOIN crmaudit.rule_kinds() k ON k.kind = n.c ->> 'kind'
		WHERE n.bound >= min_confidence
		ORDER BY n.position;
END $$;
COMMENT ON FUNCTION crmaudit.suggest_rules(regclass, numeric) IS 'rules that suggest themselves for a table; confidence is the lower 95 % Wilson bound of the share of values that pass, would_fail is exact';

CREATE FUNCTION crmaudit.suggested_rules_json(target regclass, min_confidence numeric DEFAULT 0.5) RETURNS jsonb
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('target', target::text, 'rules', coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
		'name', s.name, 'kind', s.kind, 'columns', s.columns, 'params', s.params, 'condition', s.condition,
		'severity', s.severity, 'dimension', s.dimension))), '[]'))
	FROM crmaudit.suggest_rules(target, min_confidence) s
$$;
COMMENT ON FUNCTION crmaudit.suggested_rules_json(regclass, numeric) IS 'the rules of suggest_rules(), as import_rules() takes them; protect the table first';
