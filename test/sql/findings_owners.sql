-- Whose row it is: owner and channel by the key that a finding has.
\set SHOW_CONTEXT never

CREATE SCHEMA fo_crm;
CREATE TABLE fo_crm.fo_customer (id int PRIMARY KEY, name text, agent text, came_from text);
INSERT INTO fo_crm.fo_customer VALUES (1, 'Li', 'Zhang', 'web'), (2, 'Wang', NULL, 'agency'), (3, 'Zhao', 'Chen', NULL);
SELECT crmaudit.protect('fo_crm.fo_customer', mode => 'observe', history => false, roles => '{"agent":"owner","came_from":"source","id":"customer_no"}') \gset

SELECT crmaudit.row_owner('fo_crm.fo_customer', '{"id": 1}') AS filled, crmaudit.row_owner('fo_crm.fo_customer', '{"id": 2}') AS empty,
	crmaudit.row_owner('fo_crm.fo_customer', '{"id": 4}') AS no_such_row, crmaudit.row_owner('fo_crm.fo_customer', '{}') AS of_the_table;
-- All at once, each under its number; two findings may be about one row.
SELECT * FROM crmaudit.row_owners('fo_crm.fo_customer', '{10,20,30,40}', ARRAY['{"id": 3}', '{"id": 1}', '{"id": 1}', '{"id": 99}']::jsonb[]) ORDER BY id;
-- It is the owner of now, not of then.
UPDATE fo_crm.fo_customer SET agent = 'Sun' WHERE id = 1;
SELECT crmaudit.row_owner('fo_crm.fo_customer', '{"id": 1}');

-- Keys of any type are found by index, whatever the session's settings are.
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TABLE fo_keys (a bigint, b citext, c date, d uuid, e numeric(10,2), f timestamptz, g bytea, "H i" varchar(10), agent text, PRIMARY KEY (a, b, c, d, e, f, g, "H i"));
SELECT crmaudit.protect('fo_keys', mode => 'observe', history => false, roles => '{"agent":"owner"}') \gset
SELECT crmaudit.add_rule('fo_keys', 'two', 'length', '{agent}', '{"min":5}') \gset
INSERT INTO fo_keys VALUES (9007199254740993, 'a "quoted" 名', '2024-02-29', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1.50, '2024-02-29 12:00+08', '\xDEAD', 'x', 'Qian');
SET datestyle = 'German, DMY';
SET timezone = 'Asia/Shanghai';
SELECT crmaudit.row_owner(target, row_key) FROM crmaudit.finding WHERE target = 'fo_keys'::regclass;
RESET datestyle;
RESET timezone;
SELECT crmaudit.row_key_join('fo_keys');
-- Findings of one table, or of all.
SELECT rule, owner, entered_by = session_user AS by_me, nature FROM crmaudit.attribute_findings('fo_keys');
SELECT count(*) FROM crmaudit.attribute_findings('fo_crm.fo_customer');
SELECT count(*) FROM crmaudit.attribute_findings(NULL) WHERE target = 'fo_keys'::regclass;

-- A key that is not unique, and has NULL: one owner, or none.
CREATE TABLE fo_loose (id int, agent text);
INSERT INTO fo_loose VALUES (1, 'Zhou'), (1, 'Wu'), (NULL, 'Zheng');
SELECT crmaudit.protect('fo_loose', mode => 'observe', history => false, key => '{id}', roles => '{"agent":"owner"}') \gset
SELECT crmaudit.row_owner('fo_loose', '{"id": 1}') AS first, crmaudit.row_owner('fo_loose', '{"id": null}') AS none;

-- A role that a path in json has.
CREATE TABLE fo_json (id int PRIMARY KEY, data jsonb);
INSERT INTO fo_json VALUES (1, '{"staff": {"name": "Feng"}}');
SELECT crmaudit.protect('fo_json', mode => 'observe', history => false, roles => '{"data -> staff ->> name": "owner"}') \gset
SELECT crmaudit.row_owner('fo_json', '{"id": 1}');

-- Keys of findings from before the key had its present type.
CREATE TABLE fo_retyped (id text PRIMARY KEY, agent text);
INSERT INTO fo_retyped VALUES ('7', 'Shen');
SELECT crmaudit.protect('fo_retyped', mode => 'observe', history => false, roles => '{"agent":"owner"}') \gset
ALTER TABLE fo_retyped ALTER id TYPE int USING id::int;
SELECT * FROM crmaudit.row_owners('fo_retyped', '{1,2,3}', ARRAY['{"id": "A-7"}', '{"id": "7"}', '{"id": 7}']::jsonb[]) ORDER BY id;

-- Names that would be placeholders of format().
CREATE TABLE "p%s" ("k%s" int PRIMARY KEY, "a%I" text, "s%1$s" text);
SELECT crmaudit.protect('"p%s"', mode => 'observe', history => false, roles => '{"a%I":"owner","s%1$s":"source"}') \gset
SELECT crmaudit.add_rule('"p%s"', 'long', 'length', '{a%I}', '{"min":5}') \gset
INSERT INTO "p%s" VALUES (1, 'Jin', 'web');
SELECT row_key, owner, channel FROM crmaudit.finding_attribution WHERE target = '"p%s"'::regclass;
ALTER TABLE "p%s" ALTER "k%s" TYPE text;
SELECT * FROM crmaudit.row_owners('"p%s"', '{1}', ARRAY['{"k%s": 1}']::jsonb[]);
SELECT crmaudit.unprotect('"p%s"') \gset
DROP TABLE "p%s";

-- No role, a hashed key, a table that is not protected: nobody knows.
CREATE TABLE fo_plain (id int PRIMARY KEY, agent text);
CREATE TABLE fo_hashed (id_no text PRIMARY KEY, agent text);
INSERT INTO fo_plain VALUES (1, 'Han');
INSERT INTO fo_hashed VALUES ('11010519491231002X', 'Yang');
SELECT crmaudit.row_owner('fo_plain', '{"id": 1}');
SELECT crmaudit.protect('fo_plain', mode => 'observe', history => false) \gset
SELECT crmaudit.protect('fo_hashed', mode => 'observe', history => false, roles => '{"id_no":"resident_id","agent":"owner"}') \gset
SELECT crmaudit.row_owner('fo_plain', '{"id": 1}'), crmaudit.row_owner('fo_hashed', '{"id_no": "11010519491231002X"}'), crmaudit.row_key_join('fo_hashed');

-- It is read with the reader's rights: without them there is none, and no error.
CREATE ROLE fo_auditor;
SELECT g FROM crmaudit.grant_duty('auditor', 'fo_auditor') g WHERE g LIKE '%fo\_%';
SELECT 'fo_crm.fo_customer'::regclass::oid AS customer \gset
SET ROLE fo_auditor;
SELECT crmaudit.row_owner(:customer, '{"id": 3}');
RESET ROLE;
GRANT SELECT ON fo_crm.fo_customer TO fo_auditor;
SET ROLE fo_auditor;
SELECT crmaudit.row_owner(:customer, '{"id": 3}') AS no_right_on_the_schema;
RESET ROLE;
GRANT USAGE ON SCHEMA fo_crm TO fo_auditor;
SET ROLE fo_auditor;
SELECT crmaudit.row_owner('fo_crm.fo_customer', '{"id": 3}');
RESET ROLE;
-- Columns suffice; of those that may not be read nothing is told.
REVOKE SELECT ON fo_crm.fo_customer FROM fo_auditor;
GRANT SELECT (id, came_from) ON fo_crm.fo_customer TO fo_auditor;
SET ROLE fo_auditor;
SELECT * FROM crmaudit.row_owners('fo_crm.fo_customer', '{1}', ARRAY['{"id": 2}']::jsonb[]);
RESET ROLE;
-- Policies hold.
GRANT SELECT ON fo_crm.fo_customer TO fo_auditor;
ALTER TABLE fo_crm.fo_customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY fo_mine ON fo_crm.fo_customer USING (agent = 'Chen');
SET ROLE fo_auditor;
SELECT * FROM crmaudit.row_owners('fo_crm.fo_customer', '{1,2,3}', ARRAY['{"id": 1}', '{"id": 2}', '{"id": 3}']::jsonb[]);
RESET ROLE;

SELECT crmaudit.revoke_duty('auditor', 'fo_auditor') \gset
DROP SCHEMA fo_crm CASCADE;
DROP TABLE fo_keys, fo_loose, fo_json, fo_retyped, fo_plain, fo_hashed;
DROP EXTENSION citext;
DROP ROLE fo_auditor;
