-- Kinds that look into another table: not_staff_contact, reference,
-- has_related. The sweep's side is tested with the sweep.
\set SHOW_CONTEXT never

CREATE SCHEMA kr_hr;
CREATE TABLE kr_hr.staff (id int PRIMARY KEY, code varchar(10), phone text, address text, full_name text);
CREATE TABLE kr_hr.agency (id int PRIMARY KEY, phone varchar(30), hotline crmaudit.phone);
CREATE TABLE kr_relative (id int PRIMARY KEY, phone text);
CREATE TABLE kr_contact (id int PRIMARY KEY, customer bigint, type text, detail text);
CREATE TABLE kr_customer (id int PRIMARY KEY, mobile text, address text, owner bigint, owner_code text, parent int, profile jsonb);
INSERT INTO kr_hr.staff VALUES (1, 'a1', '139 1234 5678', '上海市浦东新区 1 号', 'Li'), (2, 'a2', '无', '', 'Wang');
INSERT INTO kr_hr.agency VALUES (1, '021-62345678', '+864001234567');
INSERT INTO kr_relative VALUES (1, '+8613900139000');
SELECT crmaudit.protect('kr_customer') \gset

-- Definitions that are wrong.
SELECT crmaudit.add_rule('kr_customer', 'r', 'reference', '{owner}', '{"table": "nowhere", "column": "id"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'reference', '{owner}', '{"table": "staff", "column": "id"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'reference', '{owner}', '{"table": "kr_hr.staff", "column": "number"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'reference', '{owner}', '{"table": "kr_hr.staff", "column": "full_name"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'reference', '{profile->>owner}', '{"table": "kr_hr.staff", "column": "id"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'reference', '{owner}', '{"table": "kr_hr.staff"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'reference', '{owner}', '{"table": "kr_hr.staff_pkey", "column": "id"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'reference', '{owner}', '{"table": "kr_customer", "column": "profile->>id"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'has_related', '{}', '{"table": "kr_contact", "key": {}}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'has_related', '{}', '{"table": "kr_contact", "key": {"customer": 1}}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'has_related', '{}', '{"table": "kr_contact", "key": {"party": "id"}}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'has_related', '{}', '{"table": "kr_contact", "key": {"customer": "number"}}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'has_related', '{}', '{"table": "kr_contact", "key": {"customer": "id"}, "min": 0}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'has_related', '{}', '{"table": "kr_contact", "key": {"customer": "id"}, "condition": "type"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'has_related', '{}', '{"table": "kr_contact", "key": {"customer": "id"}, "condition": "mobile IS NULL"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'has_related', '{}', '{"table": "kr_contact", "key": {"customer": "id"}, "condition": "random() > 0.5"}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'not_staff_contact', '{mobile}', '{"type": "phone", "staff": [{"table": "kr_relative", "column": "phone"}]}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'not_staff_contact', '{mobile}', '{"type": "phone", "staff": [{"table": "kr_relative", "column": "phone", "relation": "friend"}]}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'not_staff_contact', '{mobile}', '{"type": "phone", "staff": ["kr_relative"]}');
SELECT crmaudit.add_rule('kr_customer', 'r', 'not_staff_contact', '{mobile}', '{"type": "mobile"}');
CREATE TYPE kr_mood AS ENUM ('good', 'bad');
CREATE TABLE kr_odd (phone kr_mood);
SELECT crmaudit.add_rule('kr_customer', 'r', 'not_staff_contact', '{mobile}', '{"staff": [{"table": "kr_odd", "column": "phone", "relation": "self"}]}');
DROP TABLE kr_odd;
SELECT crmaudit.map_staff('kr_relative', 'number', 'relative');
SELECT crmaudit.map_staff('kr_customer', 'profile->>phone', 'relative');
SELECT crmaudit.map_staff('kr_relative', 'phone', 'friend', 'phone');
SELECT crmaudit.map_staff('kr_relative', 'phone', 'relative');
SELECT crmaudit.map_staff('kr_relative', 'phone', 'relative', 'mobile');
SELECT crmaudit.unmap_staff('kr_relative', 'phone');

-- Names are resolved when a rule is defined.
SET search_path = kr_hr, public;
SELECT crmaudit.add_rule('kr_customer', 'owner_exists', 'reference', '{owner}', '{"table": "staff", "column": "id"}') \gset
SELECT crmaudit.add_rule('kr_customer', 'code_exists', 'reference', '{owner_code}', '{"table": "staff", "column": "code"}') \gset
SELECT crmaudit.add_rule('kr_customer', 'no_staff', 'not_staff_contact', '{mobile}',
	'{"type": "phone", "region": "CN", "staff": [{"table": "staff", "column": "phone", "relation": "self"}, {"table": "agency", "column": "phone", "relation": "agency"}, {"table": "agency", "column": "hotline", "relation": "agency staff"}, {"table": "kr_relative", "column": "phone", "relation": "relative"}]}') \gset
CREATE FUNCTION kr_hr.is_mail(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 = 'email' $$;
RESET search_path;
SELECT crmaudit.add_rule('kr_customer', 'parent_exists', 'reference', '{parent}', '{"table": "kr_customer", "column": "id"}') \gset
SELECT name, params FROM crmaudit.rule WHERE target = 'kr_customer'::regclass ORDER BY id;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass;

-- reference: NULL passes; a row of a tree may refer to itself, or to one that
-- the statement wrote before.
INSERT INTO kr_customer (id, owner) VALUES (1, 1), (2, NULL);
INSERT INTO kr_customer (id, owner) VALUES (3, 9);
INSERT INTO kr_customer (id, owner_code) VALUES (3, 'zz');
INSERT INTO kr_customer (id, parent) VALUES (8, 8), (9, 8);
INSERT INTO kr_customer (id, parent) VALUES (5, 6), (6, NULL);
UPDATE kr_customer SET owner = 9 WHERE id = 1;
CREATE INDEX kr_staff_code ON kr_hr.staff (code);
INSERT INTO kr_customer (id, owner_code) VALUES (7, 'zz');
INSERT INTO kr_customer (id, owner_code) VALUES (7, 'a1');

-- not_staff_contact: every table that holds contacts needs its index.
INSERT INTO kr_customer (id, mobile) VALUES (10, '13912345678');
DELETE FROM kr_customer WHERE id = 10;
CREATE INDEX kr_staff_phone ON kr_hr.staff (crmaudit.normalised(phone, 'phone', 'CN'));
CREATE INDEX kr_agency_phone ON kr_hr.agency (phone);
CREATE INDEX kr_agency_hotline ON kr_hr.agency (hotline);
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass AND rule = 'no_staff';
CREATE INDEX kr_relative_phone ON kr_relative (phone);
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass AND rule = 'no_staff';
INSERT INTO kr_customer (id, mobile) VALUES (10, '+86 13912345678');
INSERT INTO kr_customer (id, mobile) VALUES (10, '+86 21 6234 5678');
INSERT INTO kr_customer (id, mobile) VALUES (10, '4001234567');
INSERT INTO kr_customer (id, mobile) VALUES (10, '139-0013-9000');
INSERT INTO kr_customer (id, mobile) VALUES (10, '13900139001'), (11, '无'), (12, NULL), (13, '12345');

-- Staff that is mapped once, for all tables; by their roles, types or as said.
SELECT crmaudit.protect('kr_hr.staff', '{"address": "address", "phone": "phone"}', mode => 'observe') \gset
SELECT crmaudit.map_staff('kr_hr.staff', 'address', 'self');
SELECT crmaudit.map_staff('kr_hr.agency', 'hotline', 'agency');
SELECT crmaudit.map_staff('kr_relative', 'phone', 'agency staff', 'phone');
SELECT crmaudit.map_staff('kr_relative', 'phone', 'relative', 'phone');
SELECT * FROM crmaudit.staff_source ORDER BY source::text, column_name;
SELECT crmaudit.protect('kr_customer', '{"mobile": "phone", "address": "address"}', '{suspicious_cn}') \gset
SELECT crmaudit.drop_rule('kr_customer', 'no_staff') \gset
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass AND kind = 'not_staff_contact';
CREATE INDEX kr_staff_address ON kr_hr.staff (crmaudit.normalised(address, 'address'));
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass AND kind = 'not_staff_contact';
INSERT INTO kr_customer (id, mobile, address) VALUES (20, '+86 139 0013 9000', '上海市浦东新区1号'), (21, '400-123-4567', '上海市浦东新区 11 号'), (22, NULL, ' ');
SELECT rule, row_key, severity, reason, due_at IS NOT NULL AS is_due FROM crmaudit.finding
WHERE target = 'kr_customer'::regclass AND status = 'open' ORDER BY rule, row_key;
UPDATE kr_customer SET mobile = '13900139002', address = NULL WHERE id = 20;
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'kr_customer'::regclass ORDER BY rule, row_key;
SELECT crmaudit.unmap_staff('kr_hr.staff', 'address');
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass AND rule = 'address_of_staff';
-- a table that is dropped is mapped no more
CREATE TABLE kr_temporary (phone text);
SELECT crmaudit.map_staff('kr_temporary', 'phone', 'self', 'phone');
DROP TABLE kr_temporary;
SELECT count(*) FROM crmaudit.staff_source WHERE source::oid NOT IN (SELECT oid FROM pg_class);

-- has_related, as the row is written: the related rows must be there first.
DELETE FROM kr_customer;
SELECT crmaudit.add_rule('kr_customer', 'has_mail', 'has_related', '{}', '{"table": "kr_contact", "key": {"customer": "id"}, "condition": "kr_hr.is_mail(type) AND kr_contact.detail <> ''''"}') \gset
SELECT params ->> 'condition' AS condition FROM crmaudit.rule WHERE target = 'kr_customer'::regclass AND name = 'has_mail';
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass AND rule = 'has_mail';
CREATE INDEX ON kr_contact (customer);
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass AND rule = 'has_mail';
INSERT INTO kr_customer (id) VALUES (1);
INSERT INTO kr_contact VALUES (1, 1, 'phone', 'x'), (2, 1, 'email', ''), (3, 1, 'email', 'li@example.com');
INSERT INTO kr_customer (id) VALUES (1);

-- At commit, the usual case: they come after.
SELECT crmaudit.alter_rule('kr_customer', 'has_mail', params => '{"table": "kr_contact", "key": {"customer": "id"}, "condition": "kr_hr.is_mail(type)", "min": 2, "timing": "commit"}') \gset
BEGIN;
INSERT INTO kr_customer (id) VALUES (2);
INSERT INTO kr_contact VALUES (4, 2, 'email', 'a'), (5, 2, 'email', 'b');
COMMIT;
BEGIN;
INSERT INTO kr_customer (id) VALUES (3);
INSERT INTO kr_contact VALUES (6, 3, 'email', 'a'), (7, 3, 'phone', 'b');
COMMIT;
BEGIN;
INSERT INTO kr_customer (id) VALUES (3);
SAVEPOINT s;
INSERT INTO kr_contact VALUES (6, 3, 'email', 'a'), (7, 3, 'email', 'b');
ROLLBACK TO s;
COMMIT;
BEGIN;
INSERT INTO kr_customer (id) VALUES (3);
DELETE FROM kr_customer WHERE id = 3;
COMMIT;
SELECT id FROM kr_customer ORDER BY id;

-- Modes: a finding where the rule does not refuse; quarantine; gone with a repair
-- of the row, or its end.
SELECT crmaudit.set_mode('kr_customer', 'observe') \gset
INSERT INTO kr_customer (id) VALUES (3), (4);
SELECT rule, row_key, reason, status FROM crmaudit.finding WHERE target = 'kr_customer'::regclass AND rule = 'has_mail' ORDER BY row_key;
DELETE FROM kr_customer WHERE id = 4;
BEGIN;
UPDATE kr_customer SET id = 5 WHERE id = 3;
INSERT INTO kr_contact VALUES (8, 5, 'email', 'a'), (9, 5, 'email', 'b');
COMMIT;
SELECT rule, row_key, reason, status FROM crmaudit.finding WHERE target = 'kr_customer'::regclass AND rule = 'has_mail' ORDER BY row_key;

-- Several columns, and a path; a NULL key has no related rows.
SELECT crmaudit.drop_rule('kr_customer', 'has_mail') \gset
SELECT crmaudit.set_mode('kr_customer', 'enforce') \gset
SELECT crmaudit.add_rule('kr_customer', 'has_kind', 'has_related', '{id}', '{"table": "kr_contact", "key": {"customer": "owner", "type": "profile->>kind"}}') \gset
CREATE INDEX ON kr_contact (type, customer);
INSERT INTO kr_customer (id, owner, profile) VALUES (6, 1, '{"kind": "email"}');
INSERT INTO kr_customer (id, owner, profile) VALUES (7, 1, '{"kind": "fax"}');
INSERT INTO kr_customer (id, owner, profile) VALUES (7, 1, '{}');
ALTER TABLE kr_customer RENAME owner TO owner_id;
SELECT params FROM crmaudit.rule WHERE target = 'kr_customer'::regclass AND name = 'has_kind';
SELECT crmaudit.drop_rule('kr_customer', 'has_kind') \gset

-- The other table is renamed: the rule is broken, and passed over, until the
-- name is there again.
ALTER TABLE kr_hr.staff RENAME TO people;
INSERT INTO kr_customer (id, owner_id) VALUES (30, 9);
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass AND rule = 'owner_exists';
ALTER TABLE kr_hr.people RENAME TO staff;
INSERT INTO kr_customer (id, owner_id) VALUES (31, 9);
-- an index that goes takes the probe with it
ALTER TABLE kr_hr.staff DROP CONSTRAINT staff_pkey;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_customer'::regclass AND rule = 'owner_exists';
INSERT INTO kr_customer (id, owner_id) VALUES (31, 9);
ALTER TABLE kr_hr.staff ADD PRIMARY KEY (id);
INSERT INTO kr_customer (id, owner_id) VALUES (32, 9);

-- The error in the form of a foreign key's.
SELECT crmaudit.protect('kr_customer', error_style => 'native') \gset
INSERT INTO kr_customer (id, owner_id) VALUES (32, 9);
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;

-- Rights: a rule looks with those of the table's owner, whoever writes. Only the
-- owner lends them.
CREATE ROLE kr_owner;
CREATE ROLE kr_writer;
CREATE ROLE kr_admin;
CREATE TABLE kr_order (id int PRIMARY KEY, staff int, phone text);
ALTER TABLE kr_order OWNER TO kr_owner;
GRANT INSERT ON kr_order TO kr_writer;
GRANT USAGE ON SCHEMA public TO kr_owner, kr_writer;
SELECT crmaudit.protect('kr_order') \gset
SELECT crmaudit.add_rule('kr_order', 'staff_exists', 'reference', '{staff}', '{"table": "kr_hr.staff", "column": "id"}');
GRANT USAGE ON SCHEMA kr_hr TO kr_owner;
SELECT crmaudit.add_rule('kr_order', 'staff_exists', 'reference', '{staff}', '{"table": "kr_hr.staff", "column": "id"}');
GRANT SELECT (id) ON kr_hr.staff TO kr_owner;
SELECT crmaudit.add_rule('kr_order', 'staff_exists', 'reference', '{staff}', '{"table": "kr_hr.staff", "column": "id"}') \gset
SELECT crmaudit.add_rule('kr_order', 'named', 'has_related', '{}', '{"table": "kr_hr.staff", "key": {"id": "staff"}, "condition": "full_name <> ''''"}');
SELECT count(*) > 0 AS grants_wanted FROM crmaudit.grant_duty('admin', 'kr_admin');
SET ROLE kr_admin;
SELECT crmaudit.alter_rule('kr_order', 'staff_exists', params => '{"table": "kr_hr.agency", "column": "id"}');
SELECT crmaudit.add_rule('kr_order', 'r', 'not_staff_contact', '{phone}', '{"staff": [{"table": "kr_relative", "column": "phone", "relation": "self"}]}');
INSERT INTO crmaudit.rule (target, name, kind, columns, params, severity, dimension, attnums, attnames)
	VALUES ('kr_order', 'r', 'reference', '{staff}', '{"table": "kr_hr.agency", "column": "id"}', 'error', 'consistency', '{2}', '{staff}');
RESET ROLE;
SET ROLE kr_writer;
INSERT INTO kr_order VALUES (1, 9);
INSERT INTO kr_order VALUES (1, 1);
SELECT count(*) FROM kr_hr.staff;
RESET ROLE;
-- staff that the owner may not read: the rule says so
SELECT crmaudit.add_rule('kr_order', 'phone_of_staff', 'not_staff_contact', '{phone}', '{"type": "phone"}');
-- row security would make rows look absent, and can run somebody's code
ALTER TABLE kr_hr.staff ENABLE ROW LEVEL SECURITY;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_order'::regclass;
SET ROLE kr_writer;
INSERT INTO kr_order VALUES (2, 9);
RESET ROLE;
ALTER TABLE kr_hr.staff DISABLE ROW LEVEL SECURITY;
SET ROLE kr_writer;
INSERT INTO kr_order VALUES (3, 9);
RESET ROLE;
REVOKE SELECT (id) ON kr_hr.staff FROM kr_owner;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_order'::regclass;
-- a view of somebody else can change what it does
CREATE VIEW kr_view AS SELECT id FROM kr_hr.staff;
GRANT SELECT ON kr_view TO kr_owner;
SELECT crmaudit.add_rule('kr_order', 'r', 'reference', '{staff}', '{"table": "kr_view", "column": "id"}');
ALTER VIEW kr_view OWNER TO kr_owner;
SELECT crmaudit.add_rule('kr_order', 'by_view', 'reference', '{staff}', '{"table": "kr_view", "column": "id"}') \gset
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'kr_order'::regclass AND rule = 'by_view';
DROP VIEW kr_view;

-- An error of what a probe runs is that of the rule.
CREATE FUNCTION kr_fails(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
CREATE TABLE kr_probe (id int PRIMARY KEY);
SELECT crmaudit.protect('kr_probe') \gset
SELECT crmaudit.add_rule('kr_probe', 'has_contact', 'has_related', '{}', '{"table": "kr_contact", "key": {"customer": "id"}, "condition": "kr_fails(type)"}') \gset
INSERT INTO kr_probe VALUES (1);
SELECT current_user = session_user AS same_user;
SELECT crmaudit.set_mode('kr_probe', 'observe') \gset
INSERT INTO kr_probe VALUES (1), (2);
SELECT row_key, reason, status FROM crmaudit.finding WHERE target = 'kr_probe'::regclass ORDER BY row_key;

-- Where the other table is partitioned.
CREATE TABLE kr_parts (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE kr_parts_a PARTITION OF kr_parts FOR VALUES IN ('a');
INSERT INTO kr_parts VALUES (1, 'a');
SELECT crmaudit.add_rule('kr_probe', 'in_parts', 'reference', '{id}', '{"table": "kr_parts", "column": "id"}') \gset
SELECT crmaudit.drop_rule('kr_probe', 'has_contact') \gset
SELECT crmaudit.set_mode('kr_probe', 'enforce') \gset
TRUNCATE kr_probe;
INSERT INTO kr_probe VALUES (1);
INSERT INTO kr_probe VALUES (2);

DROP TABLE kr_probe, kr_parts, kr_order, kr_customer, kr_contact, kr_relative;
SELECT crmaudit.unprotect('kr_hr.staff') \gset
SELECT crmaudit.unmap_staff('kr_hr.agency', 'hotline') \gset
DROP SCHEMA kr_hr CASCADE;
DROP TYPE kr_mood;
DROP FUNCTION kr_fails(text);
SELECT crmaudit.revoke_duty('admin', 'kr_admin') \gset
REVOKE USAGE ON SCHEMA public FROM kr_owner, kr_writer;
DROP ROLE kr_owner, kr_writer, kr_admin;
SELECT count(*) FROM crmaudit.staff_source;
