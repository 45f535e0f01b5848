-- What an auditor reads who does not know the CRM: kinds, reasons, rules and
-- columns in words, English and Chinese.

-- Every kind: what it takes, what it does with NULL, its default dimension.
SELECT kind, level, min_columns AS least, max_columns AS most, dimension, nulls, params FROM crmaudit.rule_kind ORDER BY kind;
SELECT kind, english, chinese FROM crmaudit.rule_kind ORDER BY kind;

-- Every reason has its words in both languages, and no code is there twice.
SELECT reason, english, chinese FROM crmaudit.reason ORDER BY reason;
SELECT reason, hint, hint_chinese FROM crmaudit.reason WHERE hint IS NOT NULL ORDER BY reason;
SELECT count(*) FROM crmaudit.reason WHERE english IS NULL OR chinese IS NULL OR (hint IS NULL) <> (hint_chinese IS NULL);
SELECT reason FROM crmaudit.reason GROUP BY reason HAVING count(*) > 1;

-- A rule in words follows crmaudit.language; a parameter that is not set shows
-- as an ellipsis, an identifier type by its name; an unknown kind has none.
SET crmaudit.language = 'en';
SELECT crmaudit.rule_in_words('length', '{name}', '{"min": 2}');
SELECT crmaudit.rule_in_words('format', '{phone}', '{"type": "phone"}');
SELECT crmaudit.rule_in_words('date_order', '{begun,ended}', '{}');
SELECT crmaudit.rule_in_words('in_set', '{sex}', '{"values": ["M", "F"]}');
SELECT crmaudit.rule_in_words('at_least_one_of', '{phone,mail,profile->>wechat}', '{}');
SELECT crmaudit.rule_in_words('guess', '{name}', '{}') IS NULL AS unknown;
SELECT crmaudit.reason_in_words('check_digit'), crmaudit.reason_in_words('of_old');
SET crmaudit.language = 'zh';
SELECT crmaudit.rule_in_words('length', '{name}', '{"min": 2}');
SELECT crmaudit.rule_in_words('format', '{phone}', '{"type": "phone"}');
SELECT crmaudit.rule_in_words('date_order', '{begun,ended}', '{}');
SELECT crmaudit.reason_in_words('check_digit'), crmaudit.reason_in_words('of_old');
-- One that follows lc_messages is English here.
SET crmaudit.language = 'auto';
SELECT crmaudit.reason_in_words('check_digit');
RESET crmaudit.language;

-- The dictionary holds both languages, whatever the session's is.
SELECT object, name, english, chinese FROM crmaudit.dictionary WHERE object IN ('dimension', 'role', 'pack') ORDER BY object, name;
CREATE TABLE customer (id int PRIMARY KEY, mobile text, closed boolean);
SELECT crmaudit.protect('customer', roles => '{"mobile": "phone"}');
SELECT crmaudit.add_rule('customer', 'phone_valid', 'format', '{mobile}', '{"type": "phone", "region": "CN"}', condition => 'NOT closed') > 0 AS defined;
SET crmaudit.language = 'zh';
SELECT object, target, name, english, chinese FROM crmaudit.dictionary WHERE target = 'customer'::regclass ORDER BY object, name;
SELECT rule, in_words FROM crmaudit.rule_status WHERE target = 'customer'::regclass;
RESET crmaudit.language;
SELECT rule, in_words FROM crmaudit.rule_status WHERE target = 'customer'::regclass;
SELECT count(*) FROM crmaudit.dictionary WHERE english IS NULL OR chinese IS NULL;
DROP TABLE customer;
