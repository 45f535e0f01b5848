-- Tables against the ledger: whatever is written in the ordinary way is as
-- recorded, and what is written past the triggers is found, row by row.
-- A database of its own, for all of its ledger is read again and again.
CREATE DATABASE regress_ledger_live;
\c regress_ledger_live
CREATE EXTENSION crmaudit;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- Writes past the trigger of a table.
CREATE FUNCTION ll_past(target regclass, command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s DISABLE TRIGGER zz_crmaudit_ledger', target);
	EXECUTE command;
	EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_crmaudit_ledger', target);
END $$;
-- What is found; whether there is an entry to go with it.
CREATE FUNCTION ll_found(target regclass DEFAULT NULL) RETURNS TABLE (status text, target_name text, row_key jsonb, has_entry boolean, detail text)
LANGUAGE sql AS $$
	SELECT v.status, v.target::text, v.row_key, EXISTS (SELECT FROM crmaudit.ledger_entry e WHERE (e.xid, e.ord) = (v.xid, v.ord)), v.detail
	FROM crmaudit.verify_live(ll_found.target) v ORDER BY 2, v.row_key::text, 5
$$;

CREATE TABLE ll_customer (id int PRIMARY KEY, name text, phone text, secret text, amount numeric);
INSERT INTO ll_customer SELECT i, 'name ' || i, '1391234' || (1000 + i), 'x', i * 1.5 FROM generate_series(1, 20) i;
SELECT crmaudit.track('ll_customer', exclude => '{secret}', personal => '{phone}');
SELECT * FROM ll_found('ll_customer');

-- What is recorded ---------------------------------------------------------------------

UPDATE ll_customer SET name = 'Li', secret = 'y' WHERE id = 1;
UPDATE ll_customer SET secret = 'z';
UPDATE ll_customer SET phone = NULL, amount = amount + 1 WHERE id IN (2, 3);
UPDATE ll_customer SET id = id + 100 WHERE id BETWEEN 4 AND 6;
DELETE FROM ll_customer WHERE id = 7;
INSERT INTO ll_customer VALUES (7, 'again'), (8, 'taken') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
MERGE INTO ll_customer USING (VALUES (9), (42)) AS s (id) ON ll_customer.id = s.id
	WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'merged');
COPY ll_customer (id, name, amount) FROM stdin;
43	copied	1.50
\.
BEGIN;
INSERT INTO ll_customer (id) VALUES (50);
SAVEPOINT a;
INSERT INTO ll_customer (id) VALUES (51);
UPDATE ll_customer SET name = 'undone';
ROLLBACK TO a;
UPDATE ll_customer SET name = 'done' WHERE id = 50;
SAVEPOINT b;
DELETE FROM ll_customer WHERE id = 50;
INSERT INTO ll_customer (id, name) VALUES (50, 'back');
RELEASE b;
-- also what this transaction has not written yet
SELECT * FROM ll_found('ll_customer');
COMMIT;
-- numbers that are equal, but are not the same
UPDATE ll_customer SET amount = amount::numeric(12,4);
-- a value out of line, touched and not
INSERT INTO ll_customer (id, name, phone) SELECT 60, string_agg(md5(i::text), ''), 'p' FROM generate_series(1, 1000) i;
UPDATE ll_customer SET phone = 'q' WHERE id = 60;
UPDATE ll_customer SET name = name || 'z' WHERE id = 60;
SELECT * FROM ll_found('ll_customer');
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT * FROM ll_found('ll_customer');
COMMIT;

-- What is not --------------------------------------------------------------------------

SELECT ll_past('ll_customer', $$UPDATE ll_customer SET name = 'forged', amount = 0 WHERE id = 1$$);
SELECT * FROM ll_found('ll_customer');
UPDATE ll_customer SET name = name || '!', amount = 1 WHERE id = 1;
SELECT * FROM ll_found('ll_customer');
SELECT ll_past('ll_customer', $$INSERT INTO ll_customer VALUES (70, 'forged')$$);
SELECT * FROM ll_found('ll_customer');
DELETE FROM ll_customer WHERE id = 70;
SELECT * FROM ll_found('ll_customer');
SELECT ll_past('ll_customer', $$DELETE FROM ll_customer WHERE id = 2$$);
SELECT * FROM ll_found('ll_customer');
INSERT INTO ll_customer VALUES (2);
SELECT * FROM ll_found('ll_customer');
-- the scale alone; a value taken away; two rows' values exchanged; an excluded column
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET amount = trim_scale(amount) WHERE id = 10$$);
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET phone = NULL WHERE id = 11$$);
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET name = 'name ' || 25 - id WHERE id IN (12, 13)$$);
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET secret = 'forged'$$);
SELECT * FROM ll_found('ll_customer');
-- deleted, and put back as it was
DELETE FROM ll_customer WHERE id = 14;
SELECT ll_past('ll_customer', $$INSERT INTO ll_customer VALUES (14, 'name 14', '13912341014', 'x', 21.0000)$$);
SELECT * FROM ll_found('ll_customer') WHERE row_key = '{"id": 14}';
-- another key, past the trigger: a row is gone, and one is there
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET id = 115 WHERE id = 15$$);
SELECT * FROM ll_found('ll_customer') WHERE row_key ->> 'id' LIKE '%15';
SET session_replication_role = replica;
UPDATE ll_customer SET name = 'under replica role' WHERE id = 16;
RESET session_replication_role;
SELECT count(*) FROM ll_found('ll_customer') WHERE row_key = '{"id": 16}';
-- a new baseline is the new truth
SELECT crmaudit.record_baseline('ll_customer') > 0 AS recorded;
SELECT row_key, detail FROM ll_found('ll_customer');
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET name = 'once more' WHERE id = 16$$);
SELECT row_key, detail FROM ll_found('ll_customer');
UPDATE ll_customer SET name = 'repaired' WHERE id = 16;
DELETE FROM ll_customer WHERE id IN (17, 14, 115);
SELECT ll_past('ll_customer', $$INSERT INTO ll_customer (id) VALUES (17)$$);
SELECT row_key, detail FROM ll_found('ll_customer');
DELETE FROM ll_customer WHERE id = 17;

TRUNCATE ll_customer;
SELECT * FROM ll_found('ll_customer');
INSERT INTO ll_customer VALUES (1, 'new', '1', NULL, 1), (2, 'new', '2', NULL, 2.50), (3, NULL, NULL, NULL, NULL);
SELECT * FROM ll_found('ll_customer');
SELECT ll_past('ll_customer', $$INSERT INTO ll_customer (id) VALUES (4)$$);
SELECT row_key, detail FROM ll_found('ll_customer');
SELECT ll_past('ll_customer', $$DELETE FROM ll_customer WHERE id = 4$$);
ALTER TABLE ll_customer DISABLE TRIGGER zz_crmaudit_ledger_truncate;
TRUNCATE ll_customer;
ALTER TABLE ll_customer ENABLE ALWAYS TRIGGER zz_crmaudit_ledger_truncate;
SELECT row_key, detail FROM ll_found('ll_customer');
TRUNCATE ll_customer;
INSERT INTO ll_customer VALUES (1, 'new', '1', NULL, 1), (2, 'new', '2', NULL, 2.50), (3, NULL, NULL, NULL, NULL);

-- Changes of the table -----------------------------------------------------------------

ALTER TABLE ll_customer ADD COLUMN city text DEFAULT 'Beijing';
SELECT * FROM ll_found('ll_customer');
-- nobody can tell whether this is the default
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET city = 'Xi''an' WHERE id = 1$$);
SELECT * FROM ll_found('ll_customer');
UPDATE ll_customer SET city = 'Wuhan' WHERE id = 1;
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET city = 'Xi''an' WHERE id = 1$$);
SELECT row_key, detail FROM ll_found('ll_customer');
UPDATE ll_customer SET city = 'Wuhan' WHERE id = 1;
ALTER TABLE ll_customer RENAME phone TO mobile;
SELECT * FROM ll_found('ll_customer');
UPDATE ll_customer SET mobile = '3' WHERE id = 3;
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET mobile = '4', name = 'forged' WHERE id = 2$$);
SELECT row_key, detail FROM ll_found('ll_customer');
UPDATE ll_customer SET mobile = '2', name = 'new' WHERE id = 2;
ALTER TABLE ll_customer ALTER amount TYPE text;
SELECT * FROM ll_found('ll_customer');
UPDATE ll_customer SET amount = 'none' WHERE id = 2;
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET amount = 'some' WHERE id IN (1, 2)$$);
SELECT row_key, detail FROM ll_found('ll_customer');
UPDATE ll_customer SET amount = 'none' WHERE id = 2;
ALTER TABLE ll_customer DROP COLUMN city;
SELECT * FROM ll_found('ll_customer');
ALTER TABLE ll_customer ADD COLUMN city int DEFAULT 7;
SELECT * FROM ll_found('ll_customer');
-- the key: its entries have the old name
ALTER TABLE ll_customer RENAME id TO number;
SELECT * FROM ll_found('ll_customer');
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET name = 'forged' WHERE number = 1$$);
SELECT ll_past('ll_customer', $$DELETE FROM ll_customer WHERE number = 3$$);
SELECT row_key, detail FROM ll_found('ll_customer');
UPDATE ll_customer SET name = 'new' WHERE number = 1;
INSERT INTO ll_customer (number) VALUES (3);
ALTER TABLE ll_customer ALTER number TYPE bigint;
SELECT * FROM ll_found('ll_customer');
UPDATE ll_customer SET number = 30, name = 'thirty' WHERE number = 3;
SELECT * FROM ll_found('ll_customer');
-- other keys: the rows are recorded anew
ALTER TABLE ll_customer ALTER number TYPE text;
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET name = 'forged' WHERE number = '1'$$);
SELECT * FROM ll_found('ll_customer');
INSERT INTO ll_customer (number) VALUES ('31');
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET name = 'forged' WHERE number = '31'$$);
SELECT row_key, detail FROM ll_found('ll_customer');
UPDATE ll_customer SET name = 'x' WHERE number = '31';
SELECT crmaudit.record_baseline('ll_customer');
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET name = 'forged' WHERE number = '1'$$);
SELECT * FROM ll_found('ll_customer');
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET name = 'forged again' WHERE number = '1'$$);
SELECT row_key, detail FROM ll_found('ll_customer');
UPDATE ll_customer SET name = 'new' WHERE number = '1';

-- Tracking -----------------------------------------------------------------------------

-- a column that was not recorded is unknown, one that no longer is does not count
SELECT crmaudit.track('ll_customer', exclude => '{mobile}');
UPDATE ll_customer SET mobile = 'not recorded', secret = 'recorded' WHERE number = '1';
SELECT * FROM ll_found('ll_customer');
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET secret = 'forged' WHERE number IN ('1', '2')$$);
SELECT row_key, detail FROM ll_found('ll_customer');
UPDATE ll_customer SET secret = 'recorded';
SELECT crmaudit.track('ll_customer', exclude => '{}');
SELECT * FROM ll_found('ll_customer');
SELECT crmaudit.untrack('ll_customer');
UPDATE ll_customer SET name = 'nobody looked';
INSERT INTO ll_customer (number) VALUES ('32');
SELECT * FROM crmaudit.verify_live('ll_customer');
SELECT * FROM crmaudit.verify_live(0);
SELECT crmaudit.track('ll_customer');
SELECT * FROM ll_found('ll_customer');
SELECT ll_past('ll_customer', $$UPDATE ll_customer SET name = 'forged' WHERE number = '32'$$);
SELECT row_key, detail FROM ll_found('ll_customer');
DROP TABLE ll_customer;

-- Without a baseline only what was recorded counts.
SET crmaudit.baseline = off;
CREATE TABLE ll_order (id int PRIMARY KEY, state text, amount int);
INSERT INTO ll_order SELECT i, 'new', i FROM generate_series(1, 10) i;
SELECT crmaudit.track('ll_order');
RESET crmaudit.baseline;
UPDATE ll_order SET state = 'paid' WHERE id = 1;
DELETE FROM ll_order WHERE id IN (2, 3);
INSERT INTO ll_order VALUES (3, 'again', 3), (11, 'new', 11), (12, 'new', 12);
UPDATE ll_order SET amount = 0 WHERE id = 12;
SELECT * FROM ll_found('ll_order');
SELECT ll_past('ll_order', $$UPDATE ll_order SET state = 'forged' WHERE id IN (1, 4, 12)$$);
SELECT ll_past('ll_order', $$INSERT INTO ll_order VALUES (2), (20)$$);
SELECT ll_past('ll_order', $$DELETE FROM ll_order WHERE id IN (3, 5)$$);
SELECT row_key, detail FROM ll_found('ll_order');

-- An AFTER trigger that changes the row once more is recorded before the change
-- that fired it.
CREATE FUNCTION ll_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		UPDATE ll_order SET state = 'seen', amount = amount + 1 WHERE id = NEW.id;
	ELSIF NEW.amount < 100 THEN
		UPDATE ll_order SET amount = amount + 100 WHERE id = NEW.id;
	ELSIF NEW.amount > 1000 THEN
		DELETE FROM ll_order WHERE id = NEW.id;
	END IF;
	RETURN NULL;
END $$;
TRUNCATE ll_order;
SELECT crmaudit.record_baseline('ll_order');
CREATE TRIGGER again AFTER INSERT OR UPDATE ON ll_order FOR EACH ROW EXECUTE FUNCTION ll_again();
INSERT INTO ll_order VALUES (1, 'new', 1), (2, 'new', 2), (3, 'new', 3);
UPDATE ll_order SET amount = 50 WHERE id = 2;
UPDATE ll_order SET amount = 5000 WHERE id = 3;
SELECT e.op, e.row_key, e.new FROM crmaudit.ledger_entry e WHERE e.target = 'll_order'::regclass AND e.row_key IN ('{"id": 1}', '{"id": 3}')
	AND e.xid > (SELECT max(xid) FROM crmaudit.ledger_entry t WHERE t.target = 'll_order'::regclass AND t.op = 'T') ORDER BY e.xid, e.ord;
SELECT * FROM ll_order ORDER BY id;
SELECT * FROM ll_found('ll_order');
SELECT ll_past('ll_order', $$UPDATE ll_order SET state = 'forged' WHERE id = 2$$);
SELECT * FROM ll_found('ll_order');
DROP TABLE ll_order;
DROP FUNCTION ll_again();

-- Rows that share what was said to be their key.
CREATE TABLE ll_log (day int, words text);
INSERT INTO ll_log VALUES (1, 'a'), (1, 'b'), (2, 'c');
SELECT crmaudit.track('ll_log', key => '{day}');
INSERT INTO ll_log VALUES (2, 'd'), (3, 'e');
UPDATE ll_log SET words = 'bb' WHERE words = 'b';
SELECT * FROM ll_found('ll_log');
SELECT ll_past('ll_log', $$UPDATE ll_log SET words = 'aa' WHERE words = 'a'$$);
SELECT ll_past('ll_log', $$INSERT INTO ll_log VALUES (3, 'f')$$);
SELECT row_key, detail FROM ll_found('ll_log');
DROP TABLE ll_log;

-- Types, and keys of them ----------------------------------------------------------------

CREATE DOMAIN ll_percent AS numeric CHECK (value BETWEEN 0 AND 100);
CREATE TYPE ll_state AS ENUM ('new', 'old');
CREATE TYPE ll_pair AS (a int, b timestamptz);
CREATE TABLE ll_types (id bigint, day date, code uuid, flag boolean, i2 int2, o oid, rel regclass, num numeric, f4 float4, f8 float8,
	share ll_percent, txt varchar(10), fixed char(4), nm name, t time, ttz timetz, ts timestamp, tstz timestamptz, iv interval,
	bin bytea, js json, jb jsonb, arr timestamptz[], state ll_state, pair ll_pair, span tstzrange, ip inet, paid money,
	made bigint GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, day, code));
SELECT crmaudit.track('ll_types');
INSERT INTO ll_types VALUES (4007199254740993, '2026-11-28', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', true, -5, 42, 'pg_class', 1.500, 0.1, 1e-7, 12.5, 'text', 'ab', 'a name',
	'12:30', '12:30+08', '2026-11-28 12:30', '2026-11-28 12:30+08', '1 day 02:03:04', '\x00ff', '{"b":1, "a":2}', '{"b":1.50, "a":[1,null,{"c":[]}]}',
	'{2026-11-28 12:30+08}', 'new', ROW(1, '2026-11-28 12:30+08'), '[2026-11-28 12:30+08,)', '10.0.0.1/8', 12.34);
INSERT INTO ll_types (id, day, code, num, f4, f8, tstz, jb) VALUES (2, 'infinity', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'NaN', '-Infinity', 'NaN', '-infinity', '"scalar"'),
	(3, '2026-11-28', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'Infinity', 0, '-0', NULL, 'null'), (4, '2026-11-28', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 0, 1, 1, NULL, '[]');
SET DateStyle = 'German, DMY';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = 0;
SET bytea_output = 'escape';
SET TimeZone = 'Asia/Shanghai';
UPDATE ll_types SET f8 = f8 * 3, iv = iv * 2, bin = bin || '\x01', jb = jb || '[1.0]' WHERE id <> 3;
SELECT * FROM ll_found('ll_types');
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET bytea_output;
RESET TimeZone;
SELECT * FROM ll_found('ll_types');
SELECT ll_past('ll_types', $$UPDATE ll_types SET flag = NOT flag, i2 = i2 + 1, o = 43, rel = 'pg_proc', num = 1.50, f4 = 0.2, f8 = 1, share = 12.50, txt = 'Text', fixed = 'abc', nm = 'other',
	t = '12:31', ttz = '12:30+07', ts = ts + '1 us', tstz = tstz + '1 us', iv = iv + '1 s', bin = '\x', js = '{"b":1,"a":2}', jb = '{"b":1.5}', arr = '{}', state = 'old',
	pair = ROW(2, NULL), span = 'empty', ip = '10.0.0.1/9', paid = '12.35' WHERE id > 1000$$);
SELECT row_key, detail FROM ll_found('ll_types');
DROP TABLE ll_types;
DROP TYPE ll_pair, ll_state;
DROP DOMAIN ll_percent;

-- Keys that are digests.
CREATE TABLE ll_person (card text PRIMARY KEY, name text);
SELECT crmaudit.protect('ll_person', roles => '{"card": "resident_id", "name": "name"}', key => '{card}', history => true);
SELECT crmaudit.set_mode('ll_person', 'off');
SELECT hashed_key FROM crmaudit.tracked_table WHERE target = 'll_person'::regclass;
INSERT INTO ll_person VALUES ('11010519491231002X', 'Li'), ('110105194912310038', 'Wang');
UPDATE ll_person SET name = 'Li Na' WHERE name = 'Li';
SELECT * FROM ll_found('ll_person');
SELECT ll_past('ll_person', $$UPDATE ll_person SET name = 'forged' WHERE name = 'Wang'$$);
SELECT row_key ->> 'card' LIKE 'sha256:%' AS hashed, detail FROM ll_found('ll_person');
SELECT crmaudit.unprotect('ll_person');
DROP TABLE ll_person;

-- Partitions ---------------------------------------------------------------------------

CREATE TABLE ll_part (id int, region text, name text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE ll_north PARTITION OF ll_part FOR VALUES IN ('N');
CREATE TABLE ll_south PARTITION OF ll_part FOR VALUES IN ('S') PARTITION BY RANGE (id);
CREATE TABLE ll_south_1 PARTITION OF ll_south FOR VALUES FROM (0) TO (100);
INSERT INTO ll_part VALUES (1, 'N', 'old'), (2, 'S', 'old');
SELECT crmaudit.track('ll_part');
SELECT * FROM ll_found('ll_part');
CREATE TABLE ll_south_2 PARTITION OF ll_south FOR VALUES FROM (100) TO (200);
CREATE TABLE ll_west (name text, gone int, id int NOT NULL, region text NOT NULL);
ALTER TABLE ll_west DROP COLUMN gone;
INSERT INTO ll_west VALUES ('attached', 7, 'W');
ALTER TABLE ll_part ATTACH PARTITION ll_west FOR VALUES IN ('W');
SELECT * FROM ll_found('ll_part');
INSERT INTO ll_west VALUES ('direct', 8, 'W');
INSERT INTO ll_part VALUES (9, 'W', 'nine'), (101, 'S', 'two'), (102, 'S', 'two');
UPDATE ll_part SET region = 'N' WHERE id = 7;
SELECT * FROM ll_found('ll_part');
SELECT ll_past('ll_west', $$UPDATE ll_west SET name = 'forged' WHERE id = 8$$);
SELECT ll_past('ll_south_2', $$DELETE FROM ll_south_2 WHERE id = 102$$);
SELECT target_name, row_key, detail FROM ll_found('ll_part');
UPDATE ll_west SET name = 'repaired' WHERE id = 8;
TRUNCATE ll_south_2;
SELECT row_key, detail FROM ll_found('ll_part');
INSERT INTO ll_part VALUES (102, 'S', 'back');
SELECT * FROM ll_found('ll_part');
ALTER TABLE ll_part DETACH PARTITION ll_north;
SELECT * FROM ll_found('ll_part');
UPDATE ll_north SET name = 'its own business';
ALTER TABLE ll_part ATTACH PARTITION ll_north FOR VALUES IN ('N');
SELECT * FROM ll_found('ll_part');
SELECT ll_past('ll_north', $$UPDATE ll_north SET name = 'forged' WHERE id = 1$$);
SELECT row_key, detail FROM ll_found('ll_part');
DROP TABLE ll_south_1;
TRUNCATE ll_part;
SELECT * FROM ll_found('ll_part');
DROP TABLE ll_part;

-- A child by inheritance is a table of its own.
CREATE TABLE ll_parent (id int PRIMARY KEY, name text);
CREATE TABLE ll_child () INHERITS (ll_parent);
INSERT INTO ll_child VALUES (1, 'child');
SELECT crmaudit.track('ll_parent');
INSERT INTO ll_parent VALUES (1, 'parent');
INSERT INTO ll_child VALUES (2, 'child');
SELECT * FROM ll_found('ll_parent');
DROP TABLE ll_parent CASCADE;

-- A partition that cannot be read is told of.
CREATE FOREIGN DATA WRAPPER ll_wrapper;
CREATE SERVER ll_server FOREIGN DATA WRAPPER ll_wrapper;
CREATE TABLE ll_part (id int, name text) PARTITION BY RANGE (id);
CREATE TABLE ll_near PARTITION OF ll_part FOR VALUES FROM (1) TO (100);
CREATE FOREIGN TABLE ll_far PARTITION OF ll_part FOR VALUES FROM (100) TO (200) SERVER ll_server;
SET crmaudit.baseline = off;
SELECT crmaudit.track('ll_part', key => '{id}');
RESET crmaudit.baseline;
INSERT INTO ll_part VALUES (1, 'near');
SELECT * FROM ll_found('ll_part');
SELECT ll_past('ll_near', $$UPDATE ll_near SET name = 'forged'$$);
SELECT * FROM ll_found('ll_part');
DROP TABLE ll_part;
DROP FOREIGN DATA WRAPPER ll_wrapper CASCADE;

-- So is a table that lost its key.
CREATE TABLE ll_key (id int, name text);
SELECT crmaudit.track('ll_key', key => '{id}');
INSERT INTO ll_key VALUES (1, 'x');
ALTER TABLE ll_key DROP COLUMN id;
SELECT * FROM ll_found('ll_key');
DROP TABLE ll_key;

-- The extension's own tables -----------------------------------------------------------

CREATE TABLE ll_ruled (id int PRIMARY KEY, name text);
SELECT crmaudit.protect('ll_ruled');
SELECT crmaudit.add_rule('ll_ruled', 'named', 'required', '{name}') > 0 AS added;
SELECT * FROM ll_found('crmaudit.rule');
CREATE TEMP TABLE ll_saved AS SELECT * FROM crmaudit.rule WHERE target = 'll_ruled'::regclass;
SELECT ll_past('crmaudit.rule', $$UPDATE crmaudit.rule SET severity = 'info' WHERE target = 'll_ruled'::regclass$$);
SELECT status, target_name, row_key ? 'id' AS has_key, has_entry, detail FROM ll_found('crmaudit.rule');
SELECT ll_past('crmaudit.rule', $$DELETE FROM crmaudit.rule WHERE target = 'll_ruled'::regclass$$);
SELECT status, detail FROM ll_found('crmaudit.rule');
INSERT INTO crmaudit.rule OVERRIDING SYSTEM VALUE SELECT * FROM ll_saved;
DROP TABLE ll_saved;
SELECT * FROM ll_found('crmaudit.rule');
DROP TABLE ll_ruled;

-- At random ----------------------------------------------------------------------------

CREATE TABLE ll_random (a int, b text, c numeric, d jsonb, e timestamptz, PRIMARY KEY (a, b));
SELECT crmaudit.track('ll_random');
CREATE FUNCTION ll_value() RETURNS text LANGUAGE sql AS $$ SELECT nullif((random() * 6)::int, 0)::text $$;
CREATE FUNCTION ll_step() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	dice constant int := (random() * 100)::int;
	i constant int := (random() * 40)::int;
	k constant text := 'k' || (random() * 3)::int;
BEGIN
	IF dice < 30 THEN
		INSERT INTO ll_random VALUES (i, k, ll_value()::numeric, to_jsonb(ll_value()), '2026-01-01'::timestamptz + ll_value()::int * interval '1 day')
			ON CONFLICT (a, b) DO UPDATE SET c = excluded.c, e = excluded.e;
	ELSIF dice < 60 THEN
		UPDATE ll_random SET c = ll_value()::numeric(10,2), d = CASE WHEN random() < 0.5 THEN d ELSE jsonb_build_object('v', ll_value()) END WHERE a BETWEEN i AND i + 3;
	ELSIF dice < 75 THEN
		DELETE FROM ll_random WHERE a = i;
	ELSIF dice < 85 THEN
		UPDATE ll_random SET a = i + 100 WHERE a = i AND NOT EXISTS (SELECT FROM ll_random r WHERE r.a = i + 100);
	ELSIF dice < 92 THEN
		BEGIN
			PERFORM ll_step();
			PERFORM ll_step();
			RAISE EXCEPTION 'undone';
		EXCEPTION WHEN raise_exception OR unique_violation THEN
			PERFORM ll_step();
		END;
	ELSIF dice < 94 THEN
		PERFORM crmaudit.record_baseline('ll_random');
	ELSIF dice < 95 THEN
		TRUNCATE ll_random;
	ELSE
		PERFORM ll_step();
		PERFORM ll_step();
	END IF;
END $$;
CREATE PROCEDURE ll_steps(steps int) LANGUAGE plpgsql AS $$
DECLARE
	wrong int := 0;
BEGIN
	FOR i IN 1..steps LOOP
		PERFORM ll_step();
		IF random() < 0.5 THEN
			COMMIT;
		END IF;
		IF i % 50 = 0 THEN
			wrong := wrong + (SELECT count(*) FROM crmaudit.verify_live('ll_random'));
		END IF;
	END LOOP;
	RAISE NOTICE '% wrong', wrong;
END $$;
CALL ll_steps(1000);
INSERT INTO ll_random SELECT 1000 + i, 'k', i FROM generate_series(1, 100) i;
-- then a write of each kind past the trigger, found exactly
CREATE FUNCTION ll_plant(kind text) RETURNS TABLE (found_exactly boolean, detail text) LANGUAGE plpgsql AS $$
DECLARE
	victim ll_random;
BEGIN
	SELECT * INTO victim FROM ll_random ORDER BY random() LIMIT 1;
	PERFORM ll_past('ll_random', format(CASE kind
		WHEN 'update' THEN 'UPDATE ll_random SET c = coalesce(c, 0) + 0.01 WHERE (a, b) = (%L, %L)'
		WHEN 'delete' THEN 'DELETE FROM ll_random WHERE (a, b) = (%L, %L)'
		ELSE 'INSERT INTO ll_random VALUES (%s + 5000, %L)' END, victim.a, victim.b));
	RETURN QUERY SELECT v.row_key = jsonb_build_object('a', victim.a + CASE kind WHEN 'insert' THEN 5000 ELSE 0 END, 'b', victim.b)
		AND v.status = 'UNAUDITED_WRITE', v.detail FROM crmaudit.verify_live('ll_random') v;
	-- and put right
	IF kind = 'update' THEN
		PERFORM ll_past('ll_random', format('UPDATE ll_random SET c = %L WHERE (a, b) = (%L, %L)', victim.c, victim.a, victim.b));
	ELSIF kind = 'delete' THEN
		PERFORM ll_past('ll_random', format('INSERT INTO ll_random SELECT (%L::ll_random).*', victim));
	ELSE
		PERFORM ll_past('ll_random', 'DELETE FROM ll_random WHERE a >= 5000');
	END IF;
END $$;
SELECT * FROM ll_plant('update');
SELECT * FROM ll_plant('delete');
SELECT * FROM ll_plant('insert');
SELECT * FROM ll_found('ll_random');
-- a change of the table between, and once more
ALTER TABLE ll_random RENAME b TO bb;
ALTER TABLE ll_random RENAME bb TO b;
SELECT crmaudit.untrack('ll_random');
SELECT crmaudit.track('ll_random');
CALL ll_steps(500);
INSERT INTO ll_random SELECT 2000 + i, 'k', i FROM generate_series(1, 100) i;
SELECT * FROM ll_plant('update');
SELECT * FROM ll_plant('delete');
SELECT * FROM ll_plant('insert');
-- little memory
SET work_mem = 64;
SELECT * FROM ll_plant('update');
RESET work_mem;
DROP TABLE ll_random;
DROP FUNCTION ll_value, ll_step, ll_plant;
DROP PROCEDURE ll_steps;

-- Types whose values are printed otherwise from then on, also deep in others:
-- their columns are left out until they are written.
CREATE TYPE ll_status AS ENUM ('new', 'old');
CREATE TYPE ll_place AS (street text, status ll_status);
CREATE DOMAIN ll_places AS ll_place[];
CREATE TYPE ll_range AS RANGE (SUBTYPE = ll_status);
CREATE TABLE ll_typed (id int PRIMARY KEY, status ll_status, place ll_place, places ll_places, range ll_range, other text);
SELECT crmaudit.track('ll_typed');
INSERT INTO ll_typed SELECT i, 'old', '(a,old)', ARRAY['(b,old)', '(c,new)']::ll_place[], '[new,old]', 'x' FROM generate_series(1, 3) i;
ALTER TYPE ll_status ADD VALUE 'newer' BEFORE 'old';
SELECT ll_past('ll_typed', 'UPDATE ll_typed SET status = ''new'' WHERE id = 1');
SELECT * FROM ll_found('ll_typed');
SELECT ll_past('ll_typed', 'UPDATE ll_typed SET status = ''old'' WHERE id = 1');
ALTER TYPE ll_status RENAME VALUE 'old' TO 'former';
SELECT * FROM ll_found('ll_typed');
SELECT * FROM crmaudit.as_of(NULL::ll_typed, now());
UPDATE ll_typed SET status = 'new', place = '(z,new)' WHERE id = 2;
ALTER TYPE ll_place ADD ATTRIBUTE code int;
ALTER TYPE ll_place RENAME ATTRIBUTE code TO postcode;
SELECT * FROM ll_found('ll_typed');
UPDATE ll_typed SET place = '(z,new,7)' WHERE id = 3;
ALTER TYPE ll_place DROP ATTRIBUTE street;
SELECT * FROM ll_found('ll_typed');
SELECT ll_past('ll_typed', 'UPDATE ll_typed SET status = ''newer'' WHERE id = 2; UPDATE ll_typed SET other = ''y'' WHERE id = 1');
SELECT * FROM ll_found('ll_typed');
SELECT e.new FROM crmaudit.ledger_entry e WHERE e.target = 'll_typed'::regclass AND e.op = 'S' AND e.new ? 'columns' ORDER BY e.xid, e.ord;
DROP TABLE ll_typed;
DROP TYPE ll_range, ll_place, ll_places, ll_status;

-- A key of another type names rows otherwise: they are recorded anew.
CREATE TABLE ll_key (id int PRIMARY KEY, name text);
SELECT crmaudit.track('ll_key');
INSERT INTO ll_key VALUES (1, 'a'), (2, 'b');
ALTER TABLE ll_key ALTER id TYPE bigint;
SELECT op, row_key FROM crmaudit.ledger_entry WHERE target = 'll_key'::regclass AND op = 'B' ORDER BY xid, ord;
ALTER TABLE ll_key ALTER id TYPE text;
SELECT op, row_key FROM crmaudit.ledger_entry WHERE target = 'll_key'::regclass AND op = 'B' ORDER BY xid, ord;
SELECT * FROM ll_found('ll_key');
SELECT ll_past('ll_key', 'UPDATE ll_key SET name = ''z'' WHERE id = ''1''; INSERT INTO ll_key VALUES (''3'', ''c'')');
SELECT * FROM ll_found('ll_key');
SET crmaudit.baseline = off;
ALTER TABLE ll_key ALTER id TYPE numeric USING id::numeric;
RESET crmaudit.baseline;
SELECT problem FROM crmaudit.health WHERE target = 'll_key'::regclass;
-- A key that is gone.
ALTER TABLE ll_key DROP id;
SELECT problem, remedy FROM crmaudit.health WHERE target = 'll_key'::regclass;
DROP TABLE ll_key;
ALTER EVENT TRIGGER crmaudit_before_drop ENABLE;
SELECT problem, remedy FROM crmaudit.health WHERE subject = 'event trigger';
ALTER EVENT TRIGGER crmaudit_before_drop ENABLE ALWAYS;

CREATE ROLE ll_clerk;
SET ROLE ll_clerk;
SELECT * FROM crmaudit.verify_live();
RESET ROLE;
DROP ROLE ll_clerk;
DROP FUNCTION ll_past, ll_found;

\c crmaudit_regress
DROP DATABASE regress_ledger_live;
