-- What goes into the ledger: each way to change a row, and what becomes of it.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET TimeZone = 'Asia/Shanghai';

-- Entries of a table, in order. Times and transactions differ from run to run.
CREATE FUNCTION lc_entries(target text) RETURNS TABLE (op "char", row_key jsonb, old jsonb, new jsonb, actor text, reason text)
LANGUAGE sql AS $$
	SELECT e.op, e.row_key, e.old, CASE WHEN e.op = 'S' THEN e.new - 'shape' ELSE e.new END, e.actor, e.reason
	FROM crmaudit.ledger_entry e JOIN crmaudit.tracked_table t USING (table_id)
	WHERE t.name = lc_entries.target ORDER BY e.xid, e.ord
$$;
CREATE TEMP TABLE lc_from (xid xid8);
CREATE FUNCTION lc_forget() RETURNS void LANGUAGE sql AS $$
	INSERT INTO lc_from SELECT pg_current_xact_id();
$$;
-- Entries since lc_forget().
CREATE FUNCTION lc_new() RETURNS TABLE (name text, op "char", row_key jsonb, old jsonb, new jsonb) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT t.name, e.op, e.row_key, e.old, CASE WHEN e.op = 'S' THEN e.new - 'shape' ELSE e.new END
		FROM crmaudit.ledger_entry e JOIN crmaudit.tracked_table t USING (table_id)
		WHERE e.xid > (SELECT max(f.xid) FROM lc_from f) AND NOT t.builtin ORDER BY e.xid, e.ord;
	PERFORM lc_forget();
END $$;

-- track() ---------------------------------------------------------------------------

CREATE TABLE lc_customer (id int PRIMARY KEY, name text, phone text, secret text, amount numeric(10,2));
INSERT INTO lc_customer VALUES (1, 'Li', '13912345678', 'x', 1.50), (2, NULL, NULL, NULL, NULL);
SELECT crmaudit.track('lc_customer', exclude => '{secret}', personal => '{phone}');
SELECT * FROM lc_entries('public.lc_customer');
SELECT target, name, key, hashed_key, exclude, personal, require_reason, tracked, baselined_at IS NOT NULL AS baselined
FROM crmaudit.tracked_table WHERE target = 'lc_customer'::regclass;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'lc_customer'::regclass AND NOT tgisinternal ORDER BY 1;
SELECT personal, length(salt) FROM crmaudit.ledger_entry WHERE target = 'lc_customer'::regclass AND op = 'B';
SELECT lc_forget();

CREATE VIEW lc_view AS SELECT 1 AS id;
CREATE TEMP TABLE lc_temp (id int PRIMARY KEY);
CREATE TABLE lc_keyless (a int);
SELECT crmaudit.track('lc_view');
SELECT crmaudit.track('lc_temp');
SELECT crmaudit.track('crmaudit.rule');
SELECT crmaudit.track(0::regclass);
SELECT crmaudit.track('lc_keyless');
SELECT crmaudit.track('lc_keyless', key => '{b}');
SELECT crmaudit.track('lc_customer', exclude => '{id}');
SELECT crmaudit.track('lc_customer', personal => '{nothing}');
SELECT crmaudit.untrack('lc_keyless');
SELECT crmaudit.untrack('crmaudit.rule');
SELECT crmaudit.record_baseline('lc_keyless');
SELECT crmaudit.require_reason('lc_keyless');
SELECT crmaudit.track('lc_keyless', key => '{a}');
SELECT crmaudit.untrack('lc_keyless');
SELECT crmaudit.track('lc_keyless');
SELECT * FROM lc_new();
DROP TABLE lc_keyless;
SELECT * FROM lc_new();
SELECT target, name, tracked FROM crmaudit.tracked_table WHERE name = 'public.lc_keyless';
DROP VIEW lc_view;

-- Statements --------------------------------------------------------------------------

INSERT INTO lc_customer VALUES (3, 'Wang', '13812345678', 'y', 2), (4, 'Zhao', NULL, NULL, NULL);
UPDATE lc_customer SET name = 'Wang Wei', amount = NULL WHERE id = 3;
UPDATE lc_customer SET phone = '13700000000' WHERE id = 4;
-- nothing that is recorded has changed
UPDATE lc_customer SET secret = 'z', name = name;
-- another key is another row
UPDATE lc_customer SET id = 40 WHERE id = 4;
DELETE FROM lc_customer WHERE id = 2;
INSERT INTO lc_customer VALUES (1, 'again') ON CONFLICT (id) DO NOTHING;
INSERT INTO lc_customer VALUES (1, 'Li Na') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
WITH gone AS (DELETE FROM lc_customer WHERE id = 40 RETURNING *) INSERT INTO lc_customer SELECT 41, name FROM gone;
MERGE INTO lc_customer USING (VALUES (41), (42)) AS s (id) ON lc_customer.id = s.id
	WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'merged');
COPY lc_customer (id, name) FROM stdin;
43	copied
\.
SELECT * FROM lc_new();

-- Transactions --------------------------------------------------------------------------

BEGIN;
INSERT INTO lc_customer (id) VALUES (50);
SAVEPOINT a;
INSERT INTO lc_customer (id) VALUES (51);
SAVEPOINT b;
INSERT INTO lc_customer (id) VALUES (52);
RELEASE b;
ROLLBACK TO a;
INSERT INTO lc_customer (id) VALUES (53);
RELEASE a;
INSERT INTO lc_customer (id) VALUES (54);
COMMIT;
BEGIN;
INSERT INTO lc_customer (id) VALUES (55);
ROLLBACK;
DO $$ BEGIN
	INSERT INTO lc_customer (id) VALUES (56);
	BEGIN
		INSERT INTO lc_customer (id) VALUES (57);
		INSERT INTO lc_customer (id) VALUES (56);
	EXCEPTION WHEN unique_violation THEN
		INSERT INTO lc_customer (id) VALUES (58);
	END;
END $$;
BEGIN;
INSERT INTO lc_customer (id) VALUES (59);
PREPARE TRANSACTION 'lc_one';
BEGIN;
INSERT INTO lc_customer (id) VALUES (60);
PREPARE TRANSACTION 'lc_two';
COMMIT PREPARED 'lc_one';
ROLLBACK PREPARED 'lc_two';
SET session_replication_role = replica;
INSERT INTO lc_customer (id) VALUES (61);
RESET session_replication_role;
-- without gaps: what was rolled back was not counted
SELECT e.xid = lag(e.xid) OVER w AS same, e.ord, e.subxid IS NOT NULL AS nested, e.row_key FROM crmaudit.ledger_entry e
WHERE e.target = 'lc_customer'::regclass AND (e.row_key ->> 'id')::int BETWEEN 50 AND 61 WINDOW w AS (ORDER BY e.xid, e.ord) ORDER BY e.xid, e.ord;

-- More than the buffer holds, in one statement and in pieces that are undone.
BEGIN;
INSERT INTO lc_customer (id) SELECT i FROM generate_series(1001, 3500) i;
SAVEPOINT a;
INSERT INTO lc_customer (id) SELECT i FROM generate_series(4001, 6500) i;
ROLLBACK TO a;
DELETE FROM lc_customer WHERE id > 1000;
COMMIT;
SELECT e.op, count(*), min(e.ord), max(e.ord) FROM crmaudit.ledger_entry e
WHERE e.target = 'lc_customer'::regclass AND (e.row_key ->> 'id')::int > 1000 GROUP BY 1 ORDER BY 1 DESC;
TRUNCATE lc_customer;
SELECT op, row_key, old, new FROM lc_entries('public.lc_customer') OFFSET (SELECT count(*) - 1 FROM lc_entries('public.lc_customer'));

-- Who, from where, why ------------------------------------------------------------------

BEGIN;
INSERT INTO lc_customer (id) VALUES (70);
SET LOCAL crmaudit.actor = 'chen@crm';
SET LOCAL crmaudit.reason = 'customer called';
SET LOCAL application_name = 'crm';
INSERT INTO lc_customer (id) VALUES (71);
SAVEPOINT a;
SET LOCAL crmaudit.reason = 'a mistake';
INSERT INTO lc_customer (id) VALUES (72);
ROLLBACK TO a;
INSERT INTO lc_customer (id) VALUES (73);
SET LOCAL crmaudit.actor = '';
SET LOCAL crmaudit.reason = '';
RESET application_name;
INSERT INTO lc_customer (id) VALUES (74);
COMMIT;
CREATE ROLE lc_clerk;
GRANT SELECT, INSERT ON lc_customer TO lc_clerk;
SET ROLE lc_clerk;
INSERT INTO lc_customer (id) VALUES (75);
RESET ROLE;
SELECT e.row_key, e.actor = session_user AS by_user, CASE WHEN e.actor <> session_user THEN e.actor END AS actor, e.reason, e.client, c.current_username <> c.session_username AS other_role,
	CASE WHEN c.application_name = 'crm' THEN 'crm' END AS application_name
FROM crmaudit.ledger_entry e JOIN crmaudit.ledger_context c ON (c.incarnation, c.xid, c.context) = (e.incarnation, e.context_xid, e.context)
WHERE e.target = 'lc_customer'::regclass AND (e.row_key ->> 'id')::int BETWEEN 70 AND 75 ORDER BY e.xid, e.ord;
REVOKE ALL ON lc_customer FROM lc_clerk;
DROP ROLE lc_clerk;

SELECT crmaudit.require_reason('lc_customer');
INSERT INTO lc_customer (id) VALUES (80);
TRUNCATE lc_customer;
BEGIN;
SET LOCAL crmaudit.reason = 'ticket 17';
INSERT INTO lc_customer (id) VALUES (81);
COMMIT;
SELECT row_key, reason FROM lc_entries('public.lc_customer') WHERE row_key @> '{"id": 81}' OR row_key @> '{"id": 80}';
SELECT crmaudit.require_reason('lc_customer', false);
INSERT INTO lc_customer (id) VALUES (82);

-- Types: what is stored does not depend on the session.
CREATE DOMAIN lc_percent AS numeric CHECK (value BETWEEN 0 AND 100);
CREATE TYPE lc_state AS ENUM ('new', 'old');
CREATE TYPE lc_pair AS (a int, b timestamptz);
CREATE TABLE lc_types (id bigint PRIMARY KEY, flag boolean, i2 int2, o oid, rel regclass, num numeric, f4 float4, f8 float8,
	share lc_percent, txt varchar(10), fixed char(4), nm name, d date, t time, ttz timetz, ts timestamp, tstz timestamptz, iv interval,
	bin bytea, js json, jb jsonb, arr timestamptz[], state lc_state, pair lc_pair, span tstzrange, ip inet, id2 uuid, paid money,
	made bigint GENERATED ALWAYS AS (id * 2) STORED);
SELECT crmaudit.track('lc_types');
SELECT lc_forget();
SET DateStyle = 'German, DMY';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = 0;
SET bytea_output = 'escape';
INSERT INTO lc_types VALUES (4007199254740993, true, -5, 42, 'pg_class', 1.500, 0.1, 1e-7, 12.5, 'text', 'ab', 'a name',
	'2026-11-28', '12:30', '12:30+08', '2026-11-28 12:30', '2026-11-28 12:30+08', '1 day 02:03:04', '\x00ff', '{"b":1, "a":2}', '{"b":1, "a":[1,null]}',
	'{2026-11-28 12:30+08}', 'new', ROW(1, '2026-11-28 12:30+08'), '[2026-11-28 12:30+08,)', '10.0.0.1/8', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 12.34);
INSERT INTO lc_types (id, num, f4, f8, d, tstz, jb) VALUES (2, 'NaN', '-Infinity', 'NaN', 'infinity', '-infinity', '"scalar"');
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET bytea_output;
SELECT key, value FROM lc_new(), jsonb_each(new) ORDER BY row_key DESC, 1;
-- a value that is stored out of line, and not touched
UPDATE lc_types SET txt = 'long', js = to_json(repeat('x', 100000)) WHERE id = 2;
UPDATE lc_types SET txt = 'again' WHERE id = 2;
UPDATE lc_types SET js = js WHERE id = 2;
SELECT op, CASE WHEN length(new ->> 'js') > 1000 THEN new - 'js' || '{"js": "long"}' ELSE new END FROM lc_new();
DROP TABLE lc_types;
DROP TYPE lc_pair, lc_state;
DROP DOMAIN lc_percent;

-- What a column reads is changed without its type.
CREATE TYPE lc_state AS ENUM ('new', 'old');
CREATE TABLE lc_read (id interval PRIMARY KEY, state lc_state[], num int);
INSERT INTO lc_read VALUES ('1 day', '{new}', 1);
SELECT crmaudit.track('lc_read');
SELECT lc_forget();
ALTER TYPE lc_state RENAME VALUE 'new' TO 'fresh';
ALTER TABLE lc_read ALTER num TYPE int USING num + 1;
SET IntervalStyle = 'iso_8601';
UPDATE lc_read SET num = 7;
SELECT * FROM lc_new();
SELECT * FROM crmaudit.verify_live('lc_read');
RESET IntervalStyle;
DROP TABLE lc_read;
DROP TYPE lc_state;

-- Foreign keys ------------------------------------------------------------------------------

CREATE TABLE lc_order (id int PRIMARY KEY, customer int REFERENCES lc_customer ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO lc_order VALUES (1, 70), (2, 71);
SELECT crmaudit.track('lc_order');
SELECT lc_forget();
UPDATE lc_customer SET id = 700 WHERE id = 70;
DELETE FROM lc_customer WHERE id = 71;
SELECT * FROM lc_new();
DROP TABLE lc_order;

-- Partitions ------------------------------------------------------------------------------------

CREATE TABLE lc_part (id int, region text, name text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE lc_north PARTITION OF lc_part FOR VALUES IN ('N');
CREATE TABLE lc_south PARTITION OF lc_part FOR VALUES IN ('S') PARTITION BY RANGE (id);
CREATE TABLE lc_south_1 PARTITION OF lc_south FOR VALUES FROM (0) TO (100);
INSERT INTO lc_part VALUES (1, 'N', 'old'), (2, 'S', 'old');
SELECT crmaudit.track('lc_part');
SELECT crmaudit.track('lc_north');
SELECT * FROM crmaudit.ledger_trigger_faults('lc_part');
CREATE TABLE lc_south_2 PARTITION OF lc_south FOR VALUES FROM (100) TO (200);
CREATE TABLE lc_west (name text, id int NOT NULL, region text NOT NULL);
INSERT INTO lc_west VALUES ('attached', 7, 'W');
ALTER TABLE lc_part ATTACH PARTITION lc_west FOR VALUES IN ('W');
SELECT * FROM crmaudit.ledger_trigger_faults('lc_part');
INSERT INTO lc_west VALUES ('direct', 8, 'W');
UPDATE lc_part SET region = 'N' WHERE id = 7;
INSERT INTO lc_part VALUES (101, 'S', 'two');
TRUNCATE lc_south_2;
DELETE FROM lc_part WHERE id = 8;
SELECT op, row_key, old, new FROM lc_new() WHERE name = 'public.lc_part' AND NOT coalesce(new ->> 'action' = 'triggers', false);
ALTER TABLE lc_part DETACH PARTITION lc_north CONCURRENTLY;
-- Nothing leaves where the command does nothing.
ALTER TABLE IF EXISTS lc_nowhere DETACH PARTITION lc_north;
SELECT count(*) FROM crmaudit.change_history WHERE target = 'lc_part'::regclass AND op = 'delete' AND at > now() - interval '1 minute' AND old ->> 'region' = 'N';
ALTER TABLE lc_part DETACH PARTITION lc_north;
INSERT INTO lc_north VALUES (9, 'N', 'its own');
DROP TABLE lc_south_1;
INSERT INTO lc_part VALUES (150, 'S', 'x');
TRUNCATE lc_part;
SELECT op, row_key, old, new FROM lc_new() WHERE name = 'public.lc_part' AND NOT coalesce(new ->> 'action' = 'triggers', false);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'lc_north'::regclass AND NOT tgisinternal;
SELECT crmaudit.untrack('lc_part');
SELECT relname, tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relname LIKE 'lc\_%' AND relname NOT LIKE 'lc\_customer%' AND NOT tgisinternal;
DROP TABLE lc_part, lc_north;

-- Changes of the table ------------------------------------------------------------------------------

SELECT lc_forget();
ALTER TABLE lc_customer ADD COLUMN city text DEFAULT 'Beijing';
ALTER TABLE lc_customer RENAME phone TO mobile;
ALTER TABLE lc_customer ALTER amount TYPE text;
ALTER TABLE lc_customer DISABLE TRIGGER zz_crmaudit_ledger;
ALTER TABLE lc_customer ENABLE ALWAYS TRIGGER zz_crmaudit_ledger;
DROP TRIGGER zz_crmaudit_ledger_truncate ON lc_customer;
SELECT crmaudit.track('lc_customer');
ALTER TABLE lc_customer RENAME TO lc_client;
ALTER TABLE lc_client DROP COLUMN city;
ALTER TABLE lc_client RENAME TO lc_customer;
SELECT name, new FROM lc_new() WHERE op = 'S';
SELECT name, exclude, personal FROM crmaudit.tracked_table WHERE target = 'lc_customer'::regclass;

-- The extension's own tables (D36) --------------------------------------------------------------------

SELECT crmaudit.protect('lc_customer', roles => '{"mobile": "phone", "name": "name"}', history => true);
SELECT exclude, personal FROM crmaudit.tracked_table WHERE target = 'lc_customer'::regclass;
SET crmaudit.reason = 'the board wants it';
SELECT crmaudit.add_rule('lc_customer', 'named', 'required', '{name}') > 0 AS added;
SELECT crmaudit.set_mode('lc_customer', 'observe');
SELECT crmaudit.drop_rule('lc_customer', 'named') IS NOT NULL AS dropped;
RESET crmaudit.reason;
SELECT t.name, e.op, coalesce(e.new, e.old) ->> 'name' AS rule, e.new ->> 'mode' AS mode, e.reason FROM crmaudit.ledger_entry e JOIN crmaudit.tracked_table t USING (table_id)
WHERE e.reason = 'the board wants it' ORDER BY e.xid, e.ord;
SELECT crmaudit.unprotect('lc_customer');
SELECT tracked FROM crmaudit.tracked_table WHERE target = 'lc_customer'::regclass;
-- tracked again it is the same table, with a new baseline
SELECT crmaudit.protect('lc_customer', history => false);
SET crmaudit.baseline = off;
SELECT crmaudit.track('lc_customer');
RESET crmaudit.baseline;
SELECT count(*), bool_and(baselined_at IS NULL) FROM crmaudit.tracked_table WHERE name = 'public.lc_customer';
SELECT crmaudit.record_baseline('lc_customer');

-- The triggers by themselves, and misused.
CREATE TABLE lc_plain (id int PRIMARY KEY);
CREATE TRIGGER a AFTER INSERT ON lc_plain FOR EACH ROW EXECUTE FUNCTION crmaudit.capture();
INSERT INTO lc_plain VALUES (1);
DROP TRIGGER a ON lc_plain;
CREATE TRIGGER a BEFORE INSERT ON lc_plain FOR EACH ROW EXECUTE FUNCTION crmaudit.capture();
INSERT INTO lc_plain VALUES (2);
DROP TRIGGER a ON lc_plain;
CREATE TRIGGER a AFTER TRUNCATE ON lc_plain FOR EACH STATEMENT EXECUTE FUNCTION crmaudit.capture_truncate();
TRUNCATE lc_plain;
DROP TABLE lc_plain;
SELECT crmaudit.partition_leaving();
-- A function that is the first in its session to do with crmaudit: nobody saw
-- the command come.
CREATE TABLE lc_parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE lc_parted_1 PARTITION OF lc_parted FOR VALUES FROM (0) TO (10);
CREATE TABLE lc_parted_2 PARTITION OF lc_parted FOR VALUES FROM (10) TO (20);
SELECT crmaudit.track('lc_parted');
INSERT INTO lc_parted VALUES (1), (11);
\c -
\set SHOW_CONTEXT never
DO $$ BEGIN ALTER TABLE lc_parted DETACH PARTITION lc_parted_1; END $$;
\c -
\set SHOW_CONTEXT never
DO $$ BEGIN DROP TABLE lc_parted_2; END $$;
DO $$ BEGIN ALTER TABLE lc_parted ADD COLUMN a int; ALTER TABLE lc_parted DETACH PARTITION lc_parted_1; DROP TABLE lc_parted_2; END $$;
\c -
ALTER TABLE lc_parted ATTACH PARTITION lc_parted_1 FOR VALUES FROM (0) TO (10);
\c -
DROP TABLE lc_parted_1;
SELECT e.op, e.row_key, e.new FROM crmaudit.ledger_entry e JOIN crmaudit.tracked_table t USING (table_id)
WHERE t.name = 'public.lc_parted' AND NOT coalesce(e.new ->> 'action' IN ('triggers', 'track'), false) ORDER BY e.xid, e.ord;
SELECT * FROM crmaudit.verify_live('lc_parted');
DROP TABLE lc_parted;

-- A row whose image no jsonb can hold.
INSERT INTO lc_customer (id, name) VALUES (9999, repeat('x', 270000000));

-- Wide rows are found by the ledger's index, as narrow ones are.
CREATE TABLE lc_wide (id int PRIMARY KEY, text text);
SELECT crmaudit.track('lc_wide');
INSERT INTO lc_wide SELECT i, (SELECT string_agg(md5(j::text), '') FROM generate_series(1, i * i * 20) j) FROM generate_series(1, 12) i;
INSERT INTO lc_wide VALUES (13, repeat('x', 1200000)), (14, 'x');
INSERT INTO lc_wide VALUES (15, repeat('x', 100000));
SELECT crmaudit.seal() IS NOT NULL;
SELECT status, detail FROM crmaudit.verify_ledger() WHERE target = 'lc_wide'::regclass OR status LIKE '%\_ENTRY';
SELECT count(*) FROM generate_series(1, 15) i CROSS JOIN crmaudit.row_history('lc_wide', to_jsonb(i)) h WHERE h.block_id IS NOT NULL;
DROP TABLE lc_wide;

-- A partition of the ledger with an index that somebody added.
SELECT 'crmaudit.ledger_entry_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM') AS partition \gset
CREATE INDEX lc_index ON :partition ((new ->> 'name')) WHERE op = 'I';
INSERT INTO lc_customer (id, name) SELECT i, 'indexed' FROM generate_series(10001, 10300) i;
SET enable_seqscan = off;
SELECT count(*) FROM :partition WHERE new ->> 'name' = 'indexed' AND op = 'I';
RESET enable_seqscan;
DROP INDEX crmaudit.lc_index;

-- Who owns the partitioned table can detach a partition of others, who owns the
-- schema can drop it; its rows are recorded all the same.
CREATE ROLE lc_parent;
CREATE ROLE lc_child;
CREATE SCHEMA lc_schema AUTHORIZATION lc_parent;
CREATE TABLE lc_schema.t (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE lc_schema.t1 PARTITION OF lc_schema.t FOR VALUES FROM (0) TO (10);
CREATE TABLE lc_schema.t2 PARTITION OF lc_schema.t FOR VALUES FROM (10) TO (20);
ALTER TABLE lc_schema.t OWNER TO lc_parent;
ALTER TABLE lc_schema.t1 OWNER TO lc_child;
ALTER TABLE lc_schema.t2 OWNER TO lc_child;
SELECT crmaudit.track('lc_schema.t');
INSERT INTO lc_schema.t VALUES (1), (11);
SET ROLE lc_parent;
ALTER TABLE lc_schema.t DETACH PARTITION lc_schema.t1;
DROP TABLE lc_schema.t2;
RESET ROLE;
SELECT op, row_key FROM crmaudit.change_history WHERE target = 'lc_schema.t'::regclass AND op IN ('insert', 'delete') ORDER BY at, xid, ord;
DROP TABLE lc_schema.t, lc_schema.t1;
DROP SCHEMA lc_schema;
DROP ROLE lc_parent, lc_child;

-- A partition that goes with its schema is recorded as gone, though its rows are not.
CREATE SCHEMA lc_schema;
CREATE TABLE lc_split (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE lc_schema.lc_split_1 PARTITION OF lc_split FOR VALUES FROM (0) TO (10);
SELECT crmaudit.track('lc_split');
INSERT INTO lc_split VALUES (1);
SET client_min_messages = warning;
DROP SCHEMA lc_schema CASCADE;
RESET client_min_messages;
SELECT op, new FROM crmaudit.change_history WHERE target = 'lc_split'::regclass AND new ->> 'action' = 'partitions';
DROP TABLE lc_split;

-- A key is the same whatever the session's settings are.
CREATE TABLE lc_key (duration interval, during tstzrange, PRIMARY KEY (duration, during));
SELECT crmaudit.track('lc_key');
INSERT INTO lc_key VALUES ('26 hours', '[2026-01-01 00:00Z,2026-01-02 00:00Z)');
SET intervalstyle = 'iso_8601';
SET timezone = 'Asia/Shanghai';
UPDATE lc_key SET during = during;
DELETE FROM lc_key;
RESET intervalstyle;
RESET timezone;
SELECT op, row_key FROM crmaudit.change_history WHERE target = 'lc_key'::regclass AND op IN ('insert', 'delete') ORDER BY at, xid, ord;
DROP TABLE lc_key;

-- The library writes the ledger's partitions as heaps.
CREATE ACCESS METHOD lc_heap TYPE TABLE HANDLER heap_tableam_handler;
SET default_table_access_method = 'lc_heap';
SELECT crmaudit.create_ledger_partition('crmaudit.ledger_entry', '2199-01-01');
SELECT a.amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.oid = 'crmaudit.ledger_entry_219901'::regclass;
RESET default_table_access_method;
DROP TABLE crmaudit.ledger_entry_219901;
DROP ACCESS METHOD lc_heap;

-- Every entry and every context has the hash that it ought to have.
SELECT count(*) > 5000 AS many, count(*) FILTER (WHERE e.leaf <> crmaudit.ledger_leaf(e, c) OR c.leaf <> crmaudit.ledger_context_leaf(c)) AS wrong,
	count(*) FILTER (WHERE (e.actor, e.reason, e.client) IS DISTINCT FROM (c.actor, c.reason, c.client)) AS differ
FROM crmaudit.ledger_entry e LEFT JOIN crmaudit.ledger_context c ON (c.incarnation, c.xid, c.context) = (e.incarnation, e.context_xid, e.context);
-- and the numbers in each transaction are without gaps
SELECT count(*) FROM (SELECT xid, count(*) AS n, max(ord) AS last FROM crmaudit.ledger_entry GROUP BY incarnation, xid) t WHERE n <> last;
DROP TABLE lc_customer;
DROP FUNCTION lc_entries, lc_forget, lc_new;
