-- Kinds about values that rows share, unique and shared_value: how values are
-- compared, how they are defined, and what the gate does where an index
-- serves. The sweep's side is tested with the sweep.
\set SHOW_CONTEXT never

-- The form by which values are compared. What is none of its type is compared
-- as text, unless it says that there is no value.
SELECT type, replace(value, U&'\200B', '<200B>') AS value, crmaudit.normalised(value, type, region) AS normalised FROM (VALUES
	('phone', '138 0013 8000', 'CN'), ('phone', '+86-13800138000', NULL), ('phone', '　１３８００１３８０００', 'CN'),
	('phone', '021-62345678', 'CN'), ('phone', '(021) 6234 5678转12', 'CN'), ('phone', '13800138000', NULL),
	('phone', '1380013', 'CN'), ('phone', '无', 'CN'), ('phone', '', 'CN'), ('phone', NULL, 'CN'),
	('email', ' Li@Example.COM', NULL), ('email', 'li@', NULL), ('email', 'none', NULL),
	('resident_id', '11010519491231002x', NULL), ('bank_card', '6222 0212-3456', NULL),
	('bank_account', ' 3100-0001 abc', NULL), ('bank_account', '无', NULL),
	('address', '上海市　浦东新区 1 号', NULL), ('address', '12  Main　St', NULL), ('address', '１２ MAIN st', NULL), ('address', ' 　', NULL),
	('text', '  a   B ', NULL), ('text', U&'a\200Bb', NULL)) AS v(type, value, region);
SELECT crmaudit.normalised('x', NULL) IS NULL AS no_type;
SELECT crmaudit.normalised('x', 'colour');
SELECT crmaudit.normalised('x', 'email', 'CN');
SELECT crmaudit.normalised('x', 'phone', 'China');

CREATE TABLE ks_customer (id int PRIMARY KEY, mobile text, card varchar(40), mail text, name text, born date,
	profile jsonb, party int, own crmaudit.phone, gone boolean);
SELECT crmaudit.protect('ks_customer', live => 'gone IS NOT true') \gset

-- Definitions that are wrong.
SELECT crmaudit.add_rule('ks_customer', 'r', 'unique', '{mobile}', '{"type": "colour"}');
SELECT crmaudit.add_rule('ks_customer', 'r', 'unique', '{mobile}', '{"region": "CN"}');
SELECT crmaudit.add_rule('ks_customer', 'r', 'unique', '{mobile,mail}', '{"type": "phone"}');
SELECT crmaudit.add_rule('ks_customer', 'r', 'unique', '{mail}', '{"type": "email", "region": "CN"}');
SELECT crmaudit.add_rule('ks_customer', 'r', 'shared_value', '{mobile}', '{"max_customers": 0}');
SELECT crmaudit.add_rule('ks_customer', 'r', 'shared_value', '{mobile}', '{"customer": "nobody"}');
SELECT crmaudit.add_rule('ks_customer', 'r', 'shared_value', '{mobile}', '{"max_customers": 1.5}');

-- Without an index only sweeps look; the state says which would serve.
SELECT crmaudit.add_rule('ks_customer', 'mobile_unique', 'unique', '{mobile}', '{"type": "phone", "region": "CN"}') \gset
SELECT crmaudit.add_rule('ks_customer', 'person_unique', 'unique', '{name,born}') \gset
SELECT crmaudit.add_rule('ks_customer', 'wechat_unique', 'unique', '{profile->>wechat}') \gset
SELECT crmaudit.add_rule('ks_customer', 'path_mail_unique', 'unique', '{profile->contacts->0->>mail}', '{"type": "email"}') \gset
SELECT crmaudit.add_rule('ks_customer', 'paths_unique', 'unique', '{name,profile->>wechat}') \gset
SELECT crmaudit.add_rule('ks_customer', 'own_shared', 'shared_value', '{own}', '{"type": "phone"}') \gset
SELECT crmaudit.add_rule('ks_customer', 'card_shared', 'shared_value', '{card}', '{"type": "bank_card", "customer": "party", "max_customers": 2}') \gset
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'ks_customer'::regclass;
INSERT INTO ks_customer (id, mobile) VALUES (1, '13800138000'), (2, '138 0013 8000');
DELETE FROM ks_customer WHERE id = 2;

-- An index on the normal form is exact; on a column that is one of our types, or
-- is compared as it is, a plain one is. An index that does not hold all rows, or
-- of another region, does not serve.
CREATE INDEX ks_bad1 ON ks_customer (crmaudit.normalised(mobile, 'phone', 'CN')) WHERE id > 5;
CREATE INDEX ks_bad2 ON ks_customer (crmaudit.normalised(mobile, 'phone'));
CREATE INDEX ks_bad3 ON ks_customer (born);
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'ks_customer'::regclass AND rule IN ('mobile_unique', 'person_unique');
CREATE INDEX ks_mobile ON ks_customer (crmaudit.normalised(mobile, 'phone', 'CN')) WHERE gone IS NOT true AND mobile IS NOT NULL;
CREATE INDEX ks_person ON ks_customer (born, name);
CREATE INDEX ks_wechat ON ks_customer USING hash ((profile->>'wechat'));
CREATE INDEX ks_path_mail ON ks_customer (crmaudit.normalised(profile->'contacts'->0->>'mail', 'email'));
CREATE INDEX ks_own ON ks_customer USING hash (own);
CREATE INDEX ks_card ON ks_customer (crmaudit.normalised(card, 'bank_card'));
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'ks_customer'::regclass;
-- every probe goes by its index
DO $$
DECLARE
	before bigint := pg_stat_get_xact_numscans('ks_customer'::regclass);
BEGIN
	INSERT INTO ks_customer VALUES (99, '13800138099', '6222021234567894', 'li@example.com', 'Wu', '2001-01-01',
		'{"wechat": "wx99", "contacts": [{"mail": "wu@example.com"}]}', 99, '+8613800138099', false);
	RAISE NOTICE '% scans of the whole table', pg_stat_get_xact_numscans('ks_customer'::regclass) - before;
	DELETE FROM ks_customer WHERE id = 99;
END $$;

INSERT INTO ks_customer (id, mobile) VALUES (2, '+86 138-0013-8000');
-- a row of the same statement counts
INSERT INTO ks_customer (id, mobile) VALUES (3, '13800138003'), (4, '１３８００１３８００３');
COPY ks_customer (id, mobile) FROM stdin;
3	13800138003
4	13800138003
\.
-- NULL, and what says that there is no value, is not compared
INSERT INTO ks_customer (id, mobile) VALUES (2, NULL), (3, NULL), (4, '无'), (5, '无'), (6, ''), (7, '');
-- a row does not find itself, nor its old version
UPDATE ks_customer SET mobile = '138 0013 8000' WHERE id = 1;
UPDATE ks_customer SET id = 11, mobile = '13800138000' WHERE id = 1;
INSERT INTO ks_customer (id, mobile) VALUES (11, '13800138000') ON CONFLICT (id) DO UPDATE SET mobile = excluded.mobile;
UPDATE ks_customer SET mobile = '13800138000' WHERE id = 2;
-- a row that does not count is neither judged nor found
INSERT INTO ks_customer (id, mobile, gone) VALUES (12, '13800138000', true);
INSERT INTO ks_customer (id, mobile) VALUES (13, '13800138013');
UPDATE ks_customer SET gone = true WHERE id = 11;
UPDATE ks_customer SET mobile = '13800138000' WHERE id = 13;
UPDATE ks_customer SET gone = false WHERE id = 11;

INSERT INTO ks_customer (id, name, born) VALUES (20, 'Li', '1990-01-01'), (21, 'Li', '1990-01-02'), (22, 'Li', NULL), (23, 'Li', NULL);
INSERT INTO ks_customer (id, name, born) VALUES (24, 'Li', '1990-01-02');
INSERT INTO ks_customer (id, profile) VALUES (30, '{"wechat": "wx1"}'), (31, '{"wechat": "wx2"}'), (32, '{"wechat": null}'), (33, '{"wechat": null}');
INSERT INTO ks_customer (id, profile) VALUES (34, '{"wechat": "wx2"}');
INSERT INTO ks_customer (id, profile) VALUES (35, '{"contacts": [{"mail": "li@example.com"}]}');
INSERT INTO ks_customer (id, profile) VALUES (36, '{"contacts": [{"mail": " li@EXAMPLE.com"}]}');
INSERT INTO ks_customer (id, own) VALUES (40, '+8613900139000');
INSERT INTO ks_customer (id, own) VALUES (41, '+86 139 0013 9000');

-- Customers are counted, not rows; a row that names none is one by itself.
INSERT INTO ks_customer (id, card, party) VALUES (50, '6222021234567894', 1), (51, '6222 0212 3456 7894', 1), (52, '6222021234567894', 2);
INSERT INTO ks_customer (id, card, party) VALUES (53, '6222021234567894', 2);
INSERT INTO ks_customer (id, card, party) VALUES (54, '6222021234567894', 3);
INSERT INTO ks_customer (id, card, party) VALUES (54, '6222021234567894', NULL);
UPDATE ks_customer SET party = 1 WHERE id IN (52, 53);
INSERT INTO ks_customer (id, card, party) VALUES (54, '6222021234567894', NULL);
INSERT INTO ks_customer (id, card, party) VALUES (55, '6222021234567894', NULL);

-- A plain index finds the usual spellings of a value.
DROP INDEX ks_mobile;
CREATE INDEX ks_mobile ON ks_customer (mobile);
TRUNCATE ks_customer;
INSERT INTO ks_customer (id, mobile) VALUES (1, '13800138000');
-- full-width digits are not among them
DO $$
DECLARE
	spelling text;
BEGIN
	FOREACH spelling IN ARRAY '{+8613800138000,8613800138000,008613800138000,138 0013 8000,138-0013-8000,+86 138 0013 8000,+86-138-0013-8000,+86 13800138000,１３８００１３８０００}'::text[] LOOP
		UPDATE ks_customer SET mobile = spelling WHERE id = 1;
		BEGIN
			INSERT INTO ks_customer (id, mobile) VALUES (2, '13800138000');
			RAISE NOTICE 'not found by its spelling: %', spelling;
		EXCEPTION WHEN check_violation THEN
			NULL;
		END;
		DELETE FROM ks_customer WHERE id = 2;
	END LOOP;
	FOREACH spelling IN ARRAY '{(021)62345678,021-62345678,021 6234 5678,02162345678,+862162345678,+86-21-62345678,+86 21 6234 5678}'::text[] LOOP
		UPDATE ks_customer SET mobile = spelling WHERE id = 1;
		BEGIN
			INSERT INTO ks_customer (id, mobile) VALUES (2, '021-62345678');
			RAISE NOTICE 'not found by its spelling: %', spelling;
		EXCEPTION WHEN check_violation THEN
			NULL;
		END;
		DELETE FROM ks_customer WHERE id = 2;
	END LOOP;
END $$;
SELECT crmaudit.drop_rule('ks_customer', 'card_shared') \gset
SELECT crmaudit.add_rule('ks_customer', 'card_unique', 'unique', '{card}', '{"type": "bank_card"}') \gset
SELECT crmaudit.add_rule('ks_customer', 'mail_unique', 'unique', '{mail}', '{"type": "email"}') \gset
DROP INDEX ks_card;
CREATE INDEX ks_card ON ks_customer (card);
CREATE INDEX ks_mail ON ks_customer (mail);
INSERT INTO ks_customer (id, card) VALUES (3, '6222 0212 3456 7894');
INSERT INTO ks_customer (id, card) VALUES (4, '6222021234567894');
INSERT INTO ks_customer (id, mail) VALUES (5, 'li@example.com');
INSERT INTO ks_customer (id, mail) VALUES (6, 'Li@Example.com');
INSERT INTO ks_customer (id, mail) VALUES (6, 'li@EXAMPLE.com');

-- Findings: a repair, or a DELETE, is noticed; the group has a name that does
-- not show the value, and the same in any table and rule.
SELECT crmaudit.set_mode('ks_customer', 'observe') \gset
SELECT crmaudit.add_rule('ks_customer', 'mobile_shared', 'shared_value', '{mobile}', '{"type": "phone", "region": "CN"}', severity => 'warning') \gset
INSERT INTO ks_customer (id, mobile) VALUES (60, '13912345678'), (61, '139 1234 5678'), (62, '13912345678');
SELECT f.rule, f.row_key, f.status, f.reason, e.group_key ~ '^[0-9a-f]{24}$' AS named,
	count(*) OVER (PARTITION BY e.group_key) AS in_group
FROM crmaudit.finding f JOIN crmaudit.finding_event e USING (rule_id, row_key)
WHERE f.target = 'ks_customer'::regclass AND e.event = 'seen' ORDER BY f.rule, f.row_key;
UPDATE ks_customer SET mobile = '13912345679' WHERE id = 61;
DELETE FROM ks_customer WHERE id = 62;
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'ks_customer'::regclass ORDER BY rule, row_key;

-- In quarantine the row is put aside, and released when it is mended.
SELECT crmaudit.set_mode('ks_customer', 'quarantine') \gset
INSERT INTO ks_customer (id, mobile) VALUES (70, '13912345678');
SELECT max(id) AS quarantined FROM crmaudit.quarantine \gset
SELECT count(*) FROM ks_customer WHERE id = 70;
SELECT crmaudit.release(:quarantined, '{"mobile": "+86 13912345678"}');
SELECT crmaudit.release(:quarantined, '{"mobile": "13912345670"}') \gset
SELECT mobile FROM ks_customer WHERE id = 70;

-- At commit: rows may change places.
SELECT crmaudit.set_mode('ks_customer', 'enforce') \gset
SELECT crmaudit.drop_rule('ks_customer', 'mobile_shared') \gset
SELECT crmaudit.alter_rule('ks_customer', 'mobile_unique', params => '{"type": "phone", "region": "CN", "timing": "commit"}') \gset
BEGIN;
UPDATE ks_customer SET mobile = '13912345670' WHERE id = 60;
UPDATE ks_customer SET mobile = '13912345678' WHERE id = 70;
COMMIT;
BEGIN;
UPDATE ks_customer SET mobile = '13912345678' WHERE id = 60;
COMMIT;
SELECT id, mobile FROM ks_customer WHERE id IN (60, 70) ORDER BY id;

-- The error in the form of a constraint's: no value, unless it may be shown.
SELECT crmaudit.alter_rule('ks_customer', 'mobile_unique', params => '{"type": "phone", "region": "CN"}') \gset
SELECT crmaudit.protect('ks_customer', error_style => 'native') \gset
INSERT INTO ks_customer (id, mobile) VALUES (71, '13912345678');
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;
INSERT INTO ks_customer (id, mobile, mail) VALUES (71, '13912345678', 'li@example.com');
SET crmaudit.show_values = on;
INSERT INTO ks_customer (id, mobile) VALUES (71, '13912345678');
RESET crmaudit.show_values;

-- Columns that are renamed are followed; one that a rule reads stays.
SELECT crmaudit.add_rule('ks_customer', 'card_shared', 'shared_value', '{card}', '{"type": "bank_card", "customer": "party"}') \gset
ALTER TABLE ks_customer RENAME party TO customer_no;
SELECT params FROM crmaudit.rule WHERE target = 'ks_customer'::regclass AND name = 'card_shared';
ALTER TABLE ks_customer DROP COLUMN customer_no;
DROP TABLE ks_customer;

-- A partitioned table: rows of all partitions are compared, by an index of the
-- table as a whole.
CREATE TABLE ks_part (id int, region text, phone text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE ks_part_a PARTITION OF ks_part FOR VALUES IN ('a');
CREATE TABLE ks_part_b (phone text, region text NOT NULL, id int NOT NULL);
ALTER TABLE ks_part ATTACH PARTITION ks_part_b FOR VALUES IN ('b');
SELECT crmaudit.protect('ks_part') \gset
SELECT crmaudit.add_rule('ks_part', 'phone_unique', 'unique', '{phone}', '{"type": "phone", "region": "CN"}') \gset
CREATE INDEX ON ks_part_a (crmaudit.normalised(phone, 'phone', 'CN'));
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'ks_part'::regclass;
CREATE INDEX ON ks_part (crmaudit.normalised(phone, 'phone', 'CN'));
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'ks_part'::regclass;
INSERT INTO ks_part VALUES (1, 'a', '13800138000'), (2, 'b', '13800138001');
INSERT INTO ks_part VALUES (3, 'b', '+86 13800138000');
INSERT INTO ks_part_b (id, region, phone) VALUES (3, 'b', '13800138000');
UPDATE ks_part SET phone = '13800138001' WHERE id = 1;
-- a row that moves does not find itself
UPDATE ks_part SET region = 'b', phone = '138 0013 8000' WHERE id = 1;
UPDATE ks_part SET region = 'a', phone = '13800138001' WHERE id = 1;
SELECT tableoid::regclass, * FROM ks_part ORDER BY id;
DROP TABLE ks_part;

-- Row security does not hide rows from the gate, and a writer needs no right to
-- read the table.
CREATE ROLE ks_owner;
CREATE ROLE ks_writer;
CREATE TABLE ks_secret (id int PRIMARY KEY, phone text);
ALTER TABLE ks_secret OWNER TO ks_owner;
CREATE INDEX ON ks_secret (phone);
GRANT INSERT ON ks_secret TO ks_writer;
SELECT crmaudit.protect('ks_secret') \gset
SELECT crmaudit.add_rule('ks_secret', 'phone_unique', 'unique', '{phone}') \gset
INSERT INTO ks_secret VALUES (1, '13800138000');
ALTER TABLE ks_secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY insert_only ON ks_secret FOR INSERT WITH CHECK (true);
SET ROLE ks_writer;
INSERT INTO ks_secret VALUES (2, '13800138000');
INSERT INTO ks_secret VALUES (2, '13800138001');
SELECT current_user;
RESET ROLE;
SET ROLE ks_owner;
INSERT INTO ks_secret VALUES (3, '13800138001');
RESET ROLE;
DROP TABLE ks_secret;

-- What a condition calls runs with the owner's rights there: names in it are not
-- looked up by the writer's search_path.
CREATE SCHEMA ks_evil;
GRANT CREATE ON SCHEMA public TO ks_owner;
GRANT USAGE, CREATE ON SCHEMA ks_evil TO ks_writer;
CREATE TABLE ks_secret (id int PRIMARY KEY, phone text, gone boolean);
ALTER TABLE ks_secret OWNER TO ks_owner;
CREATE INDEX ON ks_secret (phone);
GRANT INSERT ON ks_secret TO ks_writer;
CREATE FUNCTION ks_negation(boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 IS NOT true; END $$;
CREATE FUNCTION ks_careless(boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN ks_negation($1); END $$;
CREATE FUNCTION ks_careful(boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.ks_negation($1); END $$;
SELECT crmaudit.protect('ks_secret', live => 'ks_careless(gone)') \gset
SELECT crmaudit.add_rule('ks_secret', 'phone_unique', 'unique', '{phone}') \gset
SET ROLE ks_writer;
SET search_path = ks_evil, public;
CREATE FUNCTION ks_evil.ks_negation(boolean) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'running as %', current_user; RETURN true; END $$;
INSERT INTO ks_secret VALUES (1, '1');
INSERT INTO ks_secret VALUES (2, '1');
RESET ROLE;
RESET search_path;
SELECT crmaudit.protect('ks_secret', live => 'ks_careful(gone)') \gset
SET ROLE ks_writer;
SET search_path = ks_evil, public;
INSERT INTO ks_secret VALUES (2, '1');
RESET ROLE;
RESET search_path;
DROP TABLE ks_secret;
DROP SCHEMA ks_evil CASCADE;
DROP FUNCTION ks_careless(boolean), ks_careful(boolean), ks_negation(boolean);
REVOKE CREATE ON SCHEMA public FROM ks_owner;

-- Text that a type compares by its own rule; numbers; what depends on settings.
CREATE TYPE ks_mood AS ENUM ('good', 'bad');
CREATE TABLE ks_types (mood ks_mood, id int, amount numeric, at timestamptz, padded char(10), uuid uuid, tags text[], PRIMARY KEY (mood, id));
SELECT crmaudit.protect('ks_types') \gset
SELECT count(crmaudit.add_rule('ks_types', c || '_unique', 'unique', ARRAY[c])) FROM unnest('{amount,at,padded,uuid,tags}'::text[]) AS c;
CREATE INDEX ON ks_types (amount);
CREATE INDEX ON ks_types (at);
CREATE INDEX ON ks_types (padded);
CREATE INDEX ON ks_types USING hash (uuid);
CREATE INDEX ON ks_types (tags);
INSERT INTO ks_types VALUES ('good', 1, 1.0, '2024-01-01 00:00+00', 'a', '00000000-0000-0000-0000-000000000001', '{a,b}');
INSERT INTO ks_types (mood, id, amount) VALUES ('good', 2, 1.00);
INSERT INTO ks_types (mood, id, at) VALUES ('good', 2, '2024-01-01 08:00+08');
INSERT INTO ks_types (mood, id, padded) VALUES ('good', 2, 'a   ');
INSERT INTO ks_types (mood, id, uuid) VALUES ('good', 2, '00000000-0000-0000-0000-000000000001');
INSERT INTO ks_types (mood, id, tags) VALUES ('bad', 1, '{a,b}');
UPDATE ks_types SET mood = 'bad', amount = 1.000;
DROP TABLE ks_types;
DROP TYPE ks_mood;

-- A table that is filled by the session which planned the probe when it was
-- small, with statistics that say so.
CREATE TABLE ks_load (id int PRIMARY KEY, phone text);
CREATE INDEX ks_load_phone ON ks_load (phone);
INSERT INTO ks_load VALUES (0, '0');
ANALYZE ks_load;
SELECT crmaudit.protect('ks_load') \gset
SELECT crmaudit.add_rule('ks_load', 'phone_unique', 'unique', '{phone}') \gset
DO $$
DECLARE
	before bigint := pg_stat_get_xact_numscans('ks_load'::regclass);
BEGIN
	INSERT INTO ks_load SELECT i, i FROM generate_series(1, 3000) i;
	RAISE NOTICE '% scans of the whole table', pg_stat_get_xact_numscans('ks_load'::regclass) - before;
END $$;
-- many rule sets, one after the other, leave no plan behind
DO $$
BEGIN
	FOR i IN 1 .. 50 LOOP
		PERFORM crmaudit.alter_rule('ks_load', 'phone_unique', message => 'twice, says version ' || i);
		INSERT INTO ks_load VALUES (10000 + i, 10000 + i);
	END LOOP;
END $$;
SELECT count(*) < 20 AS few_plans FROM pg_backend_memory_contexts WHERE name = 'CachedPlanSource' AND ident LIKE '%ks_load%';
DROP TABLE ks_load;
DROP ROLE ks_owner, ks_writer;
