-- Packs: named sets of rules over roles, added for the columns mapped to them.
\set SHOW_CONTEXT never

CREATE FUNCTION pg_temp.rules(target regclass) RETURNS TABLE (rule text, kind text, columns text[], severity crmaudit.severity, state text)
LANGUAGE sql AS $$
	SELECT rule, kind, columns, severity, state FROM crmaudit.rule_status WHERE target = $1 ORDER BY rule
$$;

-- Every pack that comes with the extension, what it demands, and how many
-- rules it holds.
SELECT pack, demands, count(r.name) AS rules FROM crmaudit.pack AS p JOIN crmaudit.pack_rule AS r USING (pack)
WHERE p.builtin GROUP BY pack, demands ORDER BY pack;

-- person_cn, fully mapped. Several columns may have one role: each gets the
-- rule, with the column in its name.
CREATE TABLE person (
	id int PRIMARY KEY, name text, id_kind text, id_no text, born date, sex text,
	mobile text, "Home Phone" text, mail text, card text, iban text, passport text, account text);
SELECT crmaudit.protect('person', mode => 'observe', packs => '{person_cn}', roles => '{
	"name": "name", "id_kind": "id_kind", "id_no": "resident_id", "born": "birth_date", "sex": "sex", "mobile": "phone",
	"Home Phone": "phone", "mail": "email", "card": "bank_card", "iban": "iban", "passport": "passport", "account": "bank_account"}');
SELECT rule, kind, columns, severity, state FROM pg_temp.rules('person');

-- Good rows of every kind of document pass; an account that is no card, like a
-- passbook's, is not judged as one.
INSERT INTO person VALUES
	(1, '张伟', NULL, '110105199003072215', '1990-03-07', '男', '138 1234 9876', '010-62781234', 'zhang@mail.cn', '6228480402564890018', 'GB82WEST12345698765432', 'E12345678', '01-1234567'),
	(2, '李丽', '居民身份证', '110105199003072223', '1990-03-07', 'F', '13912349876', NULL, NULL, NULL, NULL, NULL, NULL),
	(3, 'John Smith', 'passport', 'E12345678', '1990-03-07', 'M', '+1 202 555 0143', NULL, 'john@mail.cn', NULL, NULL, NULL, NULL),
	(4, '陈大文', '港澳居民来往内地通行证', 'H12345678', '1990-03-07', 'M', '13912349876', NULL, NULL, NULL, NULL, NULL, NULL),
	(5, '林志明', '台胞证', '12345678', '1990-03-07', 'M', '13912349876', NULL, NULL, NULL, NULL, NULL, NULL),
	(6, '王军', '军官证', '南字第20204567号', '1990-03-07', 'M', '13912349876', NULL, NULL, NULL, NULL, NULL, NULL),
	(7, '张小宝', '出生医学证明', 'Q110123456', '2024-03-07', 'M', '13912349876', NULL, NULL, NULL, NULL, NULL, NULL),
	(8, 'Anna Li', '外国人永久居留身份证', '911124198108030024', '1981-08-03', 'F', '13912349876', NULL, NULL, NULL, NULL, NULL, NULL);
-- Bad rows: each is found, by the rule that is meant for it.
INSERT INTO person VALUES
	(11, ' ', NULL, '110105199003072216', '1990-03-07', '男', '12', '1', 'x', '4111111111111112', 'GB82WEST12345698765433', '1', '0'),
	(12, '测试', '111', '110105199003072215', '1990-03-08', '女', '13800138000', NULL, 'test@test.com', NULL, NULL, NULL, NULL),
	(13, '王总', '', '110105199003072215', '1900-01-01', '男', '13912349876', NULL, 'zhang@mailinator.com', NULL, NULL, NULL, NULL),
	(14, E'张\u200B伟', '护照', '护照', '2990-03-07', 'M', '13912349876', NULL, NULL, NULL, NULL, NULL, NULL),
	(15, '陈大文', '回乡证', '12345678', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(16, '林志明', '台湾居民来往大陆通行证', 'T1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(17, '王军', '士兵证', '1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(18, '张小宝', '出生证', '123', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT id, string_agg(DISTINCT format('%s: %s', v.rule, v.reason), ', ') FILTER (WHERE v.rule IS NOT NULL) AS violations
FROM person AS p LEFT JOIN crmaudit.violations(p) AS v ON true GROUP BY id ORDER BY id;
DROP TABLE person;

-- Rules whose roles are not mapped are left out, and so is the part of a
-- condition that names one; protect() again adds roles and packs.
CREATE TABLE client (id int PRIMARY KEY, full_name text, doc text, profile jsonb);
SELECT crmaudit.protect('client', mode => 'observe', packs => '{person_cn}', roles => '{"doc": "resident_id"}');
SELECT rule, kind, columns, severity, state FROM pg_temp.rules('client');
SELECT crmaudit.protect('client', mode => 'observe', packs => '{contact}', roles => '{"full_name": "name", "profile->>mail": "email", "profile->phones->0": "phone"}');
SELECT rule, kind, columns, severity, state FROM pg_temp.rules('client');
SELECT name, condition FROM crmaudit.rule WHERE target = 'client'::regclass AND condition IS NOT NULL ORDER BY name;

-- Applied once more they are not stated twice.
SELECT crmaudit.protect('client', mode => 'observe', packs => '{contact,person_cn}');
SELECT count(*) FROM crmaudit.rule WHERE target = 'client'::regclass;
DROP TABLE client;

-- policyholder_cn (D1): what a policyholder needs, besides person_cn.
CREATE TABLE holder (id int PRIMARY KEY, name text, sex text, born date, id_no text, address text, phone text);
SELECT crmaudit.protect('holder', mode => 'observe', packs => '{policyholder_cn}', roles => '{
	"name": "name", "sex": "sex", "born": "birth_date", "id_no": "resident_id", "address": "address", "phone": "phone"}');
SELECT rule, kind, columns, severity, state FROM pg_temp.rules('holder');
INSERT INTO holder VALUES
	(1, '张伟', '男', '1990-03-07', '110105199003072215', '北京市朝阳区', '13812349876'),
	(2, NULL, NULL, NULL, NULL, NULL, NULL),
	(3, '', '', NULL, '', ' ', '');
SELECT id, string_agg(DISTINCT format('%s: %s', v.rule, v.reason), ', ') FILTER (WHERE v.rule IS NOT NULL) AS violations
FROM holder AS p LEFT JOIN crmaudit.violations(p) AS v ON true GROUP BY id ORDER BY id;
DROP TABLE holder;

-- insured_cn (D1): a minor needs no ID, by the age on the day the record was
-- made, so that the eighteenth birthday does not turn an old row bad. Without
-- that day it is the age of today.
CREATE TABLE insured (id int PRIMARY KEY, name text, sex text, born date, id_no text, made_at timestamptz);
SELECT crmaudit.protect('insured', mode => 'observe', packs => '{insured_cn}', roles => '{
	"name": "name", "sex": "sex", "born": "birth_date", "id_no": "resident_id", "made_at": "created_at"}');
SELECT rule, kind, columns, severity, state FROM pg_temp.rules('insured') WHERE rule LIKE '%required%';
INSERT INTO insured VALUES
	(1, '张伟', '男', '1990-03-07', '110105199003072215', '2020-01-01'),
	(2, '张伟', '男', '1990-03-07', NULL, '2020-01-01'),
	(3, '张小宝', '男', '2001-06-01', NULL, '2019-05-31'),
	(4, '张小宝', '男', '2001-06-01', NULL, '2019-06-01'),
	(5, '张小宝', '男', current_date - 365, NULL, NULL),
	(6, '张小宝', '男', '1950-01-01', '', NULL),
	(7, '张小宝', '男', NULL, NULL, '2020-01-01');
SELECT id, string_agg(DISTINCT format('%s: %s', v.rule, v.reason), ', ') FILTER (WHERE v.rule IS NOT NULL) AS violations
FROM insured AS p LEFT JOIN crmaudit.violations(p) AS v ON true GROUP BY id ORDER BY id;
DROP TABLE insured;

-- company_cn: the company, its credit code, a contact and one way to reach him.
CREATE TABLE company (id int PRIMARY KEY, name text, code text, contact text, phone text, mail text);
SELECT crmaudit.protect('company', mode => 'observe', packs => '{company_cn}', roles => '{
	"name": "company_name", "code": "uscc", "contact": "contact_name", "phone": "phone", "mail": "email"}');
SELECT rule, kind, columns, severity, state FROM pg_temp.rules('company');
INSERT INTO company VALUES
	(1, '测试仪器有限公司', '91350100M000100Y43', '张伟', '010-62781234', NULL),
	(2, '无锡灵山公司', '91350200M000100Y43', '张伟', NULL, 'zhang@mail.cn'),
	(3, '测试公司', '91350100M000100Y44', '王总', ' ', ''),
	(4, NULL, NULL, NULL, '62781234', 'zhang'),
	(5, '无锡灵山公司', '91350100M000100Y43', '张伟', '95598', NULL),
	(6, '无锡灵山公司', '91350100M000100Y43', '张伟', '0510-62781234转801', NULL);
SELECT id, string_agg(DISTINCT format('%s: %s', v.rule, v.reason), ', ') FILTER (WHERE v.rule IS NOT NULL) AS violations
FROM company AS p LEFT JOIN crmaudit.violations(p) AS v ON true GROUP BY id ORDER BY id;
DROP TABLE company;

-- suspicious_cn looks at other rows: its rules are there, say that they wait
-- for the sweep, and do not concern the gate. The shared address is off.
CREATE TABLE customer (id int PRIMARY KEY, phone text, account text, card text, address text);
SELECT crmaudit.protect('customer', packs => '{suspicious_cn}', roles => '{
	"phone": "phone", "account": "bank_account", "card": "bank_card", "address": "address"}');
SELECT rule, kind, columns, severity, state FROM pg_temp.rules('customer');
SELECT name, params ->> 'due' AS due FROM crmaudit.rule WHERE target = 'customer'::regclass ORDER BY name;
INSERT INTO customer VALUES (1, '1', '1', '1', '1'), (2, '1', '1', '1', '1');
SELECT count(v.rule) FROM customer AS c, crmaudit.violations(c) AS v;
DROP TABLE customer;

-- timely and consent: by the clock, and by what changes together.
CREATE TABLE record (id int PRIMARY KEY, phone text, mail text, verified date, updated timestamptz, agreed timestamptz, scope text);
SELECT crmaudit.protect('record', mode => 'observe', packs => '{timely,consent}', roles => '{
	"phone": "phone", "mail": "email", "verified": "verified_at", "updated": "updated_at", "agreed": "consent_at", "scope": "consent_scope"}');
SELECT rule, kind, columns, severity, state FROM pg_temp.rules('record');
INSERT INTO record VALUES
	(1, '1', NULL, current_date, now(), now(), 'all'),
	(2, '1', NULL, current_date - 800, now() - interval '800 days', now() - interval '4 years', ' '),
	(3, '1', NULL, NULL, now() - interval '800 days', NULL, NULL),
	(4, '1', NULL, NULL, now() + interval '1 day', now() + interval '1 day', NULL);
SELECT id, string_agg(DISTINCT format('%s: %s', v.rule, v.reason), ', ') FILTER (WHERE v.rule IS NOT NULL) AS violations
FROM record AS p LEFT JOIN crmaudit.violations(p) AS v ON true GROUP BY id ORDER BY id;
UPDATE record SET phone = '2' WHERE id = 1;
UPDATE record SET mail = '2', updated = now() WHERE id = 1;
UPDATE record SET updated = now() WHERE id = 3;
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'record'::regclass AND rule LIKE '%changed%' ORDER BY rule, row_key;
DROP TABLE record;

-- A pack of one's own is a few rows.
INSERT INTO crmaudit.role (role, english, chinese) VALUES ('test_floor', 'floor', '楼层');
INSERT INTO crmaudit.pack (pack, english, chinese) VALUES ('test_house', 'a house', '房屋');
INSERT INTO crmaudit.pack_rule (pack, name, kind, roles, params, severity, condition, position) VALUES
	('test_house', 'floor_exists', 'range', '{test_floor}', '{"min": 1}', 'warning', '{status} IS NULL', 1);
CREATE TABLE house (id int PRIMARY KEY, floor int, status text);
SELECT crmaudit.protect('house', packs => '{test_house}', roles => '{"floor": "test_floor", "status": "status"}');
SELECT rule, in_words, severity, pack FROM crmaudit.rule_status WHERE target = 'house'::regclass;

-- A pack or a role that does not exist is an error that lists those that do.
SELECT crmaudit.protect('house', packs => '{person_de}');
SELECT crmaudit.protect('house', roles => '{"floor": "storey"}');
DROP TABLE house;
DELETE FROM crmaudit.pack_rule WHERE pack = 'test_house';
DELETE FROM crmaudit.pack WHERE pack = 'test_house';
DELETE FROM crmaudit.role WHERE role = 'test_floor';

-- Dates that a CRM keeps as text: what cannot be read is not assessed, and
-- stops no row; an empty one is missing.
CREATE TABLE rp_insured (id int PRIMARY KEY, name text, born text, sex text, id_no text, made text);
SELECT crmaudit.protect('rp_insured', '{"name":"name","born":"birth_date","sex":"sex","id_no":"resident_id","made":"created_at"}', '{insured_cn}') \gset
INSERT INTO rp_insured VALUES (1, '张伟', '', '男', NULL, '');
INSERT INTO rp_insured VALUES (2, '张伟', '1990-01-05', '男', NULL, '');
INSERT INTO rp_insured VALUES (3, '张伟', '2015/1/5', '男', NULL, '2021.03.04'), (4, '张伟', '31.12.1990', '男', NULL, 'yesterday');
DROP TABLE rp_insured;

-- A column that tells the country decides how a phone is read; without one it is China.
CREATE TABLE rp_contact (id int PRIMARY KEY, phone text, country text);
SELECT crmaudit.protect('rp_contact', '{"phone":"phone","country":"region"}', '{contact}') \gset
INSERT INTO rp_contact VALUES (1, '020 7946 0018', 'GB'), (2, '139 1365 2478', NULL), (3, '139 1365 2478', 'China');
INSERT INTO rp_contact VALUES (4, '139 1365 2478', 'FR');
DROP TABLE rp_contact;
