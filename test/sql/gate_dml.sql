-- Ways to write a row: each meets the gate, and leaves the findings of what
-- was really stored.
\set SHOW_CONTEXT never

CREATE TABLE gd_customer (id int PRIMARY KEY, name text, mail text);
CREATE VIEW gd_findings AS
	SELECT rule, row_key, status, occurrences FROM crmaudit.finding
	WHERE target = 'gd_customer'::regclass ORDER BY row_key, rule;
SELECT crmaudit.protect('gd_customer', mode => 'observe') \gset
SELECT crmaudit.add_rule('gd_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('gd_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset

-- COPY FROM, which fires row triggers only.
COPY gd_customer FROM stdin;
1	Li	li@example.cn
2	\N	bad
\.
SELECT rule, row_key, status, occurrences FROM gd_findings;
SELECT crmaudit.set_mode('gd_customer', 'enforce') \gset
COPY gd_customer FROM stdin;
3	Wang	\N
4	\N	\N
\.
SELECT id FROM gd_customer ORDER BY id;
SELECT crmaudit.set_mode('gd_customer', 'observe') \gset

-- INSERT ... SELECT, also from the table itself.
INSERT INTO gd_customer SELECT id + 2, name, mail FROM gd_customer;
SELECT rule, row_key, status, occurrences FROM gd_findings;

-- MERGE: each action is what it is.
MERGE INTO gd_customer c
	USING (VALUES (2, 'Wang', 'wang@example.cn'), (4, NULL, NULL), (5, NULL, 'bad'), (6, 'Qian', NULL)) AS s(id, name, mail)
	ON c.id = s.id
	WHEN MATCHED AND s.mail IS NULL THEN DELETE
	WHEN MATCHED THEN UPDATE SET name = s.name, mail = s.mail
	WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name, s.mail);
SELECT rule, row_key, status, occurrences FROM gd_findings;

-- ON CONFLICT DO NOTHING: the trigger fires for rows that are then skipped;
-- they leave no finding. Those stored in the same statement do.
TRUNCATE gd_customer;
INSERT INTO gd_customer VALUES (1, 'Li', NULL);
INSERT INTO gd_customer VALUES (1, NULL, 'bad'), (7, 'Sun', 'bad'), (1, NULL, NULL) ON CONFLICT DO NOTHING;
SELECT rule, row_key, status, occurrences FROM gd_findings WHERE status = 'open';
-- The skipped row comes last; nothing of it is left for the next statement.
INSERT INTO gd_customer VALUES (1, NULL, 'bad') ON CONFLICT DO NOTHING;
INSERT INTO gd_customer VALUES (8, 'Zhou', NULL);
SELECT rule, row_key, status, occurrences FROM gd_findings WHERE status = 'open';

-- ON CONFLICT DO UPDATE: the row that is stored counts, not the one proposed.
INSERT INTO gd_customer VALUES (1, NULL, 'bad'), (9, NULL, NULL)
	ON CONFLICT (id) DO UPDATE SET name = coalesce(excluded.name, gd_customer.name), mail = 'li@example.cn';
INSERT INTO gd_customer VALUES (1, NULL, 'bad') ON CONFLICT (id) DO UPDATE SET name = NULL WHERE false;
SELECT rule, row_key, status, occurrences FROM gd_findings WHERE status = 'open';
INSERT INTO gd_customer VALUES (1, 'Li', NULL) ON CONFLICT (id) DO UPDATE SET name = NULL;
SELECT rule, row_key, status, occurrences FROM gd_findings WHERE status = 'open';
-- As with CHECK, a proposed row that is bad is refused before the conflict is seen.
SELECT crmaudit.set_mode('gd_customer', 'enforce') \gset
INSERT INTO gd_customer VALUES (1, NULL, NULL) ON CONFLICT DO NOTHING;
SELECT crmaudit.set_mode('gd_customer', 'observe') \gset

-- RETURNING gives the rows as ever.
TRUNCATE gd_customer;
INSERT INTO gd_customer VALUES (1, NULL, 'bad'), (2, 'Li', NULL) RETURNING id, name;
UPDATE gd_customer SET name = 'Wu' WHERE id = 1 RETURNING id, name;
DELETE FROM gd_customer WHERE id = 1 RETURNING id;
SELECT rule, row_key, status, occurrences FROM gd_findings WHERE row_key IN ('{"id": 1}', '{"id": 2}');

-- Data-modifying WITH: several statements in one.
WITH new AS (INSERT INTO gd_customer VALUES (3, NULL, NULL), (4, 'Zheng', 'bad') RETURNING id),
	changed AS (UPDATE gd_customer SET name = NULL WHERE id = 2 RETURNING id)
SELECT id FROM new UNION ALL SELECT id FROM changed ORDER BY id;
SELECT rule, row_key, status FROM gd_findings WHERE status = 'open';

-- Foreign key actions run as the owner of the table that refers, and meet the
-- gate like any other write.
CREATE TABLE gd_city (city text PRIMARY KEY);
CREATE TABLE gd_address (id int PRIMARY KEY, city text REFERENCES gd_city ON UPDATE CASCADE ON DELETE SET NULL,
	parent int REFERENCES gd_address ON DELETE CASCADE, street text);
SELECT crmaudit.protect('gd_address', mode => 'observe') \gset
SELECT crmaudit.add_rule('gd_address', 'city_short', 'length', '{city}', '{"max":4}') \gset
SELECT crmaudit.add_rule('gd_address', 'city_required', 'required', '{city}') \gset
SELECT crmaudit.add_rule('gd_address', 'street_required', 'required', '{street}') \gset
CREATE ROLE gd_clerk;
GRANT ALL ON gd_city TO gd_clerk;
INSERT INTO gd_city VALUES ('Xian');
INSERT INTO gd_address VALUES (1, 'Xian', NULL, 'a'), (2, 'Xian', 1, NULL);
SET ROLE gd_clerk;
UPDATE gd_city SET city = 'Shanghai';
RESET ROLE;
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'gd_address'::regclass ORDER BY row_key, rule;
SET ROLE gd_clerk;
DELETE FROM gd_city;
RESET ROLE;
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'gd_address'::regclass ORDER BY row_key, rule;
DELETE FROM gd_address WHERE id = 1;
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'gd_address'::regclass ORDER BY row_key, rule;
-- In enforce the cascade is refused, and with it the whole statement.
SELECT crmaudit.set_mode('gd_address', 'enforce') \gset
INSERT INTO gd_city VALUES ('Xian');
INSERT INTO gd_address VALUES (3, 'Xian', NULL, 'a');
UPDATE gd_city SET city = 'Shanghai';
DELETE FROM gd_city;
SELECT city FROM gd_city;

-- Other BEFORE triggers run first, and the gate judges what they made.
TRUNCATE gd_customer;
CREATE FUNCTION gd_fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.name := coalesce(NEW.name, 'filled');
	RETURN NEW;
END $$;
CREATE TRIGGER a_fill BEFORE INSERT OR UPDATE ON gd_customer FOR EACH ROW EXECUTE FUNCTION gd_fill();
INSERT INTO gd_customer VALUES (20, NULL, NULL);
UPDATE gd_customer SET name = NULL WHERE id = 20;
SELECT count(*) FROM gd_findings WHERE row_key = '{"id": 20}';
DROP TRIGGER a_fill ON gd_customer;

-- One that runs after the gate and skips the row: what is not stored leaves
-- nothing, neither a finding nor a repair.
CREATE FUNCTION gd_skip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN NEW.mail = 'skip' THEN NULL ELSE NEW END;
END $$;
CREATE TRIGGER zzz_skip BEFORE INSERT OR UPDATE ON gd_customer FOR EACH ROW EXECUTE FUNCTION gd_skip();
INSERT INTO gd_customer VALUES (21, NULL, 'skip'), (22, NULL, NULL), (23, NULL, 'skip');
UPDATE gd_customer SET name = 'Li', mail = 'skip' WHERE id = 22;
SELECT rule, row_key, status FROM gd_findings WHERE row_key IN ('{"id": 21}', '{"id": 22}', '{"id": 23}');
DROP TRIGGER zzz_skip ON gd_customer;

-- Statements inside triggers keep their findings apart from the outer ones.
CREATE FUNCTION gd_nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id < 100 THEN
		INSERT INTO gd_customer VALUES (NEW.id + 100, NULL, NEW.mail);
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER a_nested BEFORE INSERT ON gd_customer FOR EACH ROW EXECUTE FUNCTION gd_nested();
INSERT INTO gd_customer VALUES (30, 'Li', 'bad'), (31, NULL, NULL);
SELECT rule, row_key, status, occurrences FROM gd_findings WHERE (row_key -> 'id')::int IN (30, 31, 130, 131);
DROP TRIGGER a_nested ON gd_customer;
CREATE TRIGGER a_nested AFTER INSERT ON gd_customer FOR EACH ROW EXECUTE FUNCTION gd_nested();
INSERT INTO gd_customer VALUES (40, 'Li', 'bad'), (41, NULL, NULL);
SELECT rule, row_key, status, occurrences FROM gd_findings WHERE (row_key -> 'id')::int IN (40, 41, 140, 141);
DROP TRIGGER a_nested ON gd_customer;

-- Generated, identity and dropped columns, domains. The gate runs before
-- columns are generated, and passes their value through.
CREATE DOMAIN gd_mail AS varchar(40) CHECK (value <> '');
CREATE TABLE gd_wide (gone1 int, id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone2 text, mail gd_mail,
	born date, shout text GENERATED ALWAYS AS (upper(mail)) STORED, size int, gone3 int);
ALTER TABLE gd_wide DROP COLUMN gone1, DROP COLUMN gone2;
SELECT crmaudit.protect('gd_wide', mode => 'observe') \gset
SELECT crmaudit.add_rule('gd_wide', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset
SELECT crmaudit.add_rule('gd_wide', 'size_range', 'range', '{size}', '{"max":10}') \gset
ALTER TABLE gd_wide DROP COLUMN gone3, ADD COLUMN late text DEFAULT 'late';
SELECT crmaudit.add_rule('gd_wide', 'late_required', 'expression', '{late}', '{"sql":"late IS NOT NULL"}') \gset
INSERT INTO gd_wide (mail, size) VALUES ('a@example.cn', 10), ('bad', 11);
UPDATE gd_wide SET late = NULL WHERE id = 1;
UPDATE gd_wide SET mail = 'b@example.cn' WHERE id = 2;
INSERT INTO gd_wide (mail) VALUES ('');
SELECT id, mail, shout, size, late FROM gd_wide ORDER BY id;
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'gd_wide'::regclass ORDER BY row_key, rule;

-- Prepared statements and cursors.
TRUNCATE gd_customer;
PREPARE gd_insert(int, text) AS INSERT INTO gd_customer VALUES ($1, $2, NULL);
EXECUTE gd_insert(50, 'Li');
EXECUTE gd_insert(51, NULL);
SELECT crmaudit.add_rule('gd_customer', 'name_long', 'length', '{name}', '{"min":3}') \gset
EXECUTE gd_insert(52, 'Li');
DEALLOCATE gd_insert;
BEGIN;
DECLARE gd_cursor CURSOR FOR SELECT id FROM gd_customer WHERE id IN (50, 51) ORDER BY id FOR UPDATE;
MOVE gd_cursor;
UPDATE gd_customer SET name = NULL WHERE CURRENT OF gd_cursor;
MOVE gd_cursor;
DELETE FROM gd_customer WHERE CURRENT OF gd_cursor;
COMMIT;
SELECT rule, row_key, status FROM gd_findings WHERE (row_key -> 'id')::int BETWEEN 50 AND 52;

-- The findings of an aborted subtransaction vanish with its rows; those before
-- and after it stay.
TRUNCATE gd_customer;
BEGIN;
INSERT INTO gd_customer VALUES (60, NULL, NULL);
SAVEPOINT one;
INSERT INTO gd_customer VALUES (61, NULL, NULL);
SAVEPOINT two;
INSERT INTO gd_customer VALUES (62, NULL, NULL);
RELEASE two;
ROLLBACK TO one;
INSERT INTO gd_customer VALUES (63, NULL, NULL);
COMMIT;
SELECT rule, row_key, status FROM gd_findings WHERE (row_key -> 'id')::int BETWEEN 60 AND 69;
DO $$
BEGIN
	INSERT INTO gd_customer VALUES (64, NULL, NULL);
	BEGIN
		INSERT INTO gd_customer VALUES (65, NULL, NULL);
		INSERT INTO gd_customer VALUES (64, NULL, NULL);
	EXCEPTION WHEN unique_violation THEN
		INSERT INTO gd_customer VALUES (66, NULL, NULL);
	END;
END $$;
SELECT rule, row_key, status FROM gd_findings WHERE (row_key -> 'id')::int BETWEEN 60 AND 69;

-- A subtransaction inside the statement that finds: what is found outside it
-- must neither vanish with it, nor be written twice.
CREATE TABLE gd_log (id int PRIMARY KEY, note text);
SELECT crmaudit.protect('gd_log', mode => 'observe') \gset
SELECT crmaudit.add_rule('gd_log', 'noted', 'required', '{note}') \gset
CREATE FUNCTION gd_try() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		INSERT INTO gd_log VALUES (NEW.id, NULL);
		TRUNCATE gd_log;
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN
		INSERT INTO gd_log VALUES (NEW.id, NULL);
	END;
	RETURN NEW;
END $$;
CREATE TRIGGER a_try BEFORE INSERT ON gd_customer FOR EACH ROW EXECUTE FUNCTION gd_try();
INSERT INTO gd_customer SELECT i, NULL, NULL FROM generate_series(2001, 4100) i;
SELECT target, count(*), min(occurrences), max(occurrences) FROM crmaudit.finding
	WHERE target IN ('gd_customer'::regclass, 'gd_log'::regclass) AND (row_key -> 'id')::int > 2000 AND status = 'open'
	GROUP BY target ORDER BY target;

-- A statement that fails leaves nothing, however much it had found.
TRUNCATE gd_customer, gd_log;
DROP TRIGGER a_try ON gd_customer;
INSERT INTO gd_customer SELECT i % 3000, NULL, NULL FROM generate_series(1, 5000) i;
SELECT count(*) FROM gd_findings WHERE status = 'open';

-- A prepared transaction takes its findings with it.
BEGIN;
INSERT INTO gd_customer VALUES (70, NULL, NULL);
PREPARE TRANSACTION 'gd_kept';
BEGIN;
INSERT INTO gd_customer VALUES (71, NULL, NULL);
PREPARE TRANSACTION 'gd_lost';
COMMIT PREPARED 'gd_kept';
ROLLBACK PREPARED 'gd_lost';
SELECT rule, row_key, status FROM gd_findings WHERE (row_key -> 'id')::int BETWEEN 70 AND 79;

DROP VIEW gd_findings;
DROP TABLE gd_customer, gd_city, gd_address, gd_wide, gd_log;
DROP DOMAIN gd_mail;
DROP FUNCTION gd_fill(), gd_skip(), gd_nested(), gd_try();
DROP ROLE gd_clerk;
