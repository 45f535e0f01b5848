-- The one error of a refused row: its form, its words, what it does not show.
\set SHOW_CONTEXT never

CREATE TABLE ge_customer (
	id int PRIMARY KEY, name text, id_no text, dob date, mail text, mobile text,
	amount numeric, profile jsonb
);
SELECT crmaudit.protect('ge_customer') \gset
SELECT crmaudit.add_rule('ge_customer', 'named', 'not_blank', '{name}') \gset
SELECT crmaudit.add_rule('ge_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset
SELECT crmaudit.add_rule('ge_customer', 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region":"CN"}') \gset
SELECT crmaudit.add_rule('ge_customer', 'birth_date_matches', 'id_matches_birth_date', '{id_no,dob}') \gset
SELECT crmaudit.add_rule('ge_customer', 'amount_positive', 'expression', params => '{"sql":"amount > 0"}', message => 'must be more than nothing') \gset

-- A good row passes: no error, no finding.
INSERT INTO ge_customer VALUES (1, '张丽', '11010519491231002X', '1949-12-31', 'li@example.cn', '13912345678', 10, '{}');
SELECT count(*) FROM crmaudit.finding WHERE target = 'ge_customer'::regclass;

-- One violation: rule and column stand in the primary message, for some
-- applications show nothing else; the reason in DETAIL; SQLSTATE 23514. The value
-- is not shown.
INSERT INTO ge_customer (id, name, mail) VALUES (2, 'Wang', 'secret.example.cn');
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;

-- The fields, as a client library sees them.
DO $$
DECLARE
	schema_name text; table_name text; column_name text; constraint_name text; sqlstate_seen text;
BEGIN
	INSERT INTO ge_customer (id, name, id_no, dob) VALUES (2, 'Wang', '11010519491231002X', '1950-01-01');
EXCEPTION WHEN check_violation THEN
	GET STACKED DIAGNOSTICS schema_name = SCHEMA_NAME, table_name = TABLE_NAME, column_name = COLUMN_NAME,
		constraint_name = CONSTRAINT_NAME, sqlstate_seen = RETURNED_SQLSTATE;
	RAISE NOTICE '% schema=% table=% column=% constraint=%', sqlstate_seen, schema_name, table_name, column_name, constraint_name;
END $$;

-- Several violations come at once: the first in the primary message, each in a
-- line of DETAIL.
INSERT INTO ge_customer (id, name, id_no, dob, mail, mobile, amount)
	VALUES (2, ' ', '11010519491231002X', '1950-01-01', 'secret.example.cn', '123', -1);

-- Each hint once.
SELECT crmaudit.add_rule('ge_customer', 'name_real', 'placeholder', '{name}') \gset
SELECT crmaudit.add_rule('ge_customer', 'mail_real', 'placeholder', '{mail}') \gset
INSERT INTO ge_customer (id, name, mail) VALUES (2, '测试', 'test@test.com');

-- A rule over two columns names both.
INSERT INTO ge_customer (id, name, id_no, dob) VALUES (2, 'Wang', '11010519491231002X', '1950-01-01');

-- A rule over none names none, and its own message replaces the reason's words.
INSERT INTO ge_customer (id, name, amount) VALUES (2, 'Wang', -1);

-- crmaudit.max_reported bounds DETAIL; the count in the message stays true.
SET crmaudit.max_reported = 2;
INSERT INTO ge_customer (id, name, mail, mobile, amount) VALUES (2, ' ', 'x', '123', -1);
RESET crmaudit.max_reported;
SET crmaudit.max_reported = 0;

-- Words in Chinese; codes and names stay what they are.
SET crmaudit.language = 'zh';
INSERT INTO ge_customer (id, name, id_no, dob, mail) VALUES (2, 'Wang', '11010519491231002X', '1950-01-01', 'x');
INSERT INTO ge_customer (id, name, mail, mobile, amount) VALUES (2, ' ', 'x', '123', -1);
SET crmaudit.max_reported = 1;
INSERT INTO ge_customer (id, name, mail) VALUES (2, ' ', 'x');
RESET crmaudit.max_reported;
-- "auto" follows lc_messages, which is C here.
SET crmaudit.language = 'auto';
INSERT INTO ge_customer (id, name) VALUES (2, NULL);
RESET crmaudit.language;

-- A path into json is named as it was defined.
SELECT crmaudit.add_rule('ge_customer', 'home_valid', 'format', '{profile->>home}', '{"type":"email"}') \gset
INSERT INTO ge_customer (id, name, profile) VALUES (2, 'Wang', '{"home": "x"}');

-- Warnings pass, and become findings; so does what is merely suspect, though
-- the rule is an error. A suspect verdict is a warning.
SELECT crmaudit.alter_rule('ge_customer', 'home_valid', severity => 'warning') \gset
INSERT INTO ge_customer (id, name, mail, profile) VALUES (3, 'Li', NULL, '{"home": "x"}'), (4, 'Li', 'li@firm.invalid', NULL);
SELECT rule, row_key, column_name, reason, verdict, severity FROM crmaudit.open_findings
	WHERE target = 'ge_customer'::regclass ORDER BY row_key, rule;

-- An error beside a warning: the row is refused, so that nothing is recorded.
INSERT INTO ge_customer (id, name, profile) VALUES (5, NULL, '{"home": "x"}');
SELECT count(*) FROM crmaudit.finding WHERE target = 'ge_customer'::regclass AND row_key = '{"id": 5}';

-- critical refuses as error does; info does not.
SELECT crmaudit.alter_rule('ge_customer', 'mail_valid', severity => 'critical') \gset
SELECT crmaudit.alter_rule('ge_customer', 'named', severity => 'info') \gset
INSERT INTO ge_customer (id, name, mail) VALUES (5, NULL, 'x');
INSERT INTO ge_customer (id, name) VALUES (5, NULL);
SELECT rule, severity FROM crmaudit.open_findings WHERE target = 'ge_customer'::regclass AND row_key = '{"id": 5}' ORDER BY rule;
SELECT crmaudit.alter_rule('ge_customer', 'named', severity => 'error') \gset

-- show_values shows the value to a user who may read the column, and to no
-- other: it is set by superusers only, because errors end up in logs.
CREATE ROLE ge_writer;
CREATE ROLE ge_reader;
CREATE ROLE ge_column_reader;
GRANT INSERT ON ge_customer TO ge_writer, ge_reader, ge_column_reader;
GRANT SELECT ON ge_customer TO ge_reader;
GRANT SELECT (mail) ON ge_customer TO ge_column_reader;
SET ROLE ge_reader;
SET crmaudit.show_values = on;
RESET ROLE;
SET crmaudit.show_values = on;
SET ROLE ge_writer;
INSERT INTO ge_customer (id, name, id_no, dob, mail) VALUES (6, 'Wang', '11010519491231002X', '1950-01-01', 'secret.example.cn');
SET ROLE ge_column_reader;
INSERT INTO ge_customer (id, name, id_no, dob, mail) VALUES (6, 'Wang', '11010519491231002X', '1950-01-01', 'secret.example.cn');
SET ROLE ge_reader;
INSERT INTO ge_customer (id, name, id_no, dob, mail) VALUES (6, 'Wang', '11010519491231002X', '1950-01-01', 'secret.example.cn');
INSERT INTO ge_customer (id, name) VALUES (6, NULL);
INSERT INTO ge_customer (id, name, profile, amount) VALUES (6, 'Wang', '{"home": "x"}', -1);
RESET ROLE;

-- Under row-level security what a user may see depends on the row: no value.
ALTER TABLE ge_customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY ge_all ON ge_customer USING (true);
SET ROLE ge_reader;
INSERT INTO ge_customer (id, name, mail) VALUES (6, 'Wang', 'secret.example.cn');
RESET ROLE;
INSERT INTO ge_customer (id, name, mail) VALUES (6, 'Wang', 'secret.example.cn');
RESET crmaudit.show_values;

-- The rights on a partitioned table count for its partitions, which are read
-- through it; attribute numbers differ here.
CREATE TABLE ge_parted (id int, note text, mail text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE ge_parted_1 (mail text, gone int, note text, id int NOT NULL);
ALTER TABLE ge_parted_1 DROP COLUMN gone;
ALTER TABLE ge_parted ATTACH PARTITION ge_parted_1 FOR VALUES FROM (0) TO (10);
SELECT crmaudit.protect('ge_parted') \gset
SELECT crmaudit.add_rule('ge_parted', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset
GRANT INSERT ON ge_parted TO ge_reader, ge_column_reader;
GRANT SELECT (mail) ON ge_parted TO ge_reader;
GRANT SELECT (note) ON ge_parted TO ge_column_reader;
SET crmaudit.show_values = on;
SET ROLE ge_reader;
INSERT INTO ge_parted VALUES (1, 'note', 'secret.example.cn');
SET ROLE ge_column_reader;
INSERT INTO ge_parted VALUES (1, 'note', 'secret.example.cn');
RESET ROLE;
RESET crmaudit.show_values;

-- Names of the table that was protected, not of the partition; as they are
-- spelled, not quoted.
CREATE SCHEMA "GE schema";
CREATE TABLE "GE schema"."Client ""A""" (id int PRIMARY KEY, "E Mail" text);
SELECT crmaudit.protect('"GE schema"."Client ""A"""') \gset
SELECT crmaudit.add_rule('"GE schema"."Client ""A"""', 'E "Mail" 规则', 'required', '{E Mail}') \gset
INSERT INTO "GE schema"."Client ""A""" VALUES (1);

DROP TABLE ge_customer, ge_parted, "GE schema"."Client ""A""";
DROP SCHEMA "GE schema";
DROP ROLE ge_writer, ge_reader, ge_column_reader;
