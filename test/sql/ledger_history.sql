-- Reading the ledger: who may see what of the past, and what it says.
\set SHOW_CONTEXT never

-- A database of its own, for its ledger holds blocks and entries that are
-- planted here.
CREATE DATABASE regress_ledger_history;
\c regress_ledger_history
\set SHOW_CONTEXT never
CREATE EXTENSION crmaudit;
CREATE ROLE lh_owner;		-- owns the CRM's tables, and has no duty
CREATE ROLE lh_clerk;		-- may SELECT some columns
CREATE ROLE lh_auditor;		-- has a duty, and no right on the tables
CREATE ROLE lh_stranger;
SELECT crmaudit.create_ledger_partition(p, NULL) IS NOT NULL AS made FROM unnest('{crmaudit.ledger_entry,crmaudit.ledger_context}'::regclass[]) p;
CREATE SCHEMA lh;
GRANT ALL ON SCHEMA lh TO lh_owner;
GRANT USAGE ON SCHEMA lh TO lh_clerk, lh_auditor, lh_stranger;
SELECT g FROM crmaudit.grant_duty('auditor', 'lh_auditor') g;
GRANT EXECUTE ON FUNCTION crmaudit.row_history(regclass, jsonb), crmaudit.field_history(regclass, jsonb, text), crmaudit.as_of(anyelement, timestamptz),
	crmaudit.row_as_of(regclass, jsonb, timestamptz), crmaudit.restore_row(regclass, jsonb, timestamptz, boolean),
	crmaudit.restore_statement(regclass, jsonb, timestamptz), crmaudit.restorable_columns(regclass, jsonb, jsonb, text[]), crmaudit.equality(regclass, text) TO lh_owner, lh_clerk, lh_stranger;

SET ROLE lh_owner;
CREATE TABLE lh.customer (
	id int PRIMARY KEY,
	name text,
	mobile text,
	id_no text,
	birthday date,
	balance numeric(10,2),
	paid money,
	profile jsonb,
	papers json,
	tags text[],
	active boolean,
	updated timestamptz,
	secret text,
	twice int GENERATED ALWAYS AS (id * 2) STORED
);
GRANT SELECT (id, name, mobile) ON lh.customer TO lh_clerk;
GRANT SELECT ON lh.customer TO lh_stranger;
RESET ROLE;
INSERT INTO lh.customer (id, name, mobile) VALUES (1, 'Li', '+8613800138000');
SELECT crmaudit.protect('lh.customer', roles => '{"name":"name","mobile":"phone","id_no":"resident_id","birthday":"birth_date"}', history => false) \gset
SELECT crmaudit.track('lh.customer', exclude => '{secret}') \gset
SELECT crmaudit.track('lh.customer', exclude => '{secret}') \gset
SELECT clock_timestamp() AS t0 \gset

SET crmaudit.actor = 'chen';
SET crmaudit.reason = 'a visit';
SET application_name = 'crm';
INSERT INTO lh.customer VALUES
	(2, 'Wang', '+8613912345678', '11010519491231002X', '1949-12-31', 12.5, '1,234.56', '{"a": [1, {"b": null}]}', '{"z": 1,  "a": 2}', '{x,"y z"}', true, '2020-01-02 03:04:05+08', 'hidden');
SELECT clock_timestamp() AS t1 \gset
SET crmaudit.actor = 'zhao';
RESET crmaudit.reason;
UPDATE lh.customer SET name = 'Wang Wei', balance = NULL WHERE id = 2;
UPDATE lh.customer SET name = 'Li Na', profile = '"text"' WHERE id = 1;
SELECT clock_timestamp() AS t2 \gset
UPDATE lh.customer SET mobile = NULL, active = false WHERE id = 2;
DELETE FROM lh.customer WHERE id = 1;
SELECT clock_timestamp() AS t3 \gset

-- The history of a row, own changes of this transaction included. The key may
-- be given in any form that names the row.
SELECT op, actor, username, application_name, reason, old, new, block_id FROM crmaudit.row_history('lh.customer', '{"id": 2}');
SELECT count(*) FROM crmaudit.row_history('lh.customer', '{"id": 2.0}');
SELECT count(*) FROM crmaudit.row_history('lh.customer', '{"id": "2"}');
SELECT count(*) FROM crmaudit.row_history('lh.customer', '2');
SELECT count(*) FROM crmaudit.row_history('lh.customer', '" 2 "');
SELECT count(*) FROM crmaudit.row_history('lh.customer', '3');
SELECT op, row_key, ord, xid = (SELECT max(h.xid) FROM crmaudit.row_history('lh.customer', '1') h) AS last FROM crmaudit.row_history('lh.customer', '1');
BEGIN;
INSERT INTO lh.customer (id, name) VALUES (3, 'Sun');
UPDATE lh.customer SET name = 'Sun Li' WHERE id = 3;
SELECT op, ord, new FROM crmaudit.row_history('lh.customer', '3');
ROLLBACK;
SELECT count(*) FROM crmaudit.row_history('lh.customer', '3');

-- What is no key, no table, or has no history.
SELECT count(*) FROM crmaudit.row_history('lh.customer', '{"no": 2}');
SELECT count(*) FROM crmaudit.row_history('lh.customer', '{"id": 2, "name": "x"}');
SELECT count(*) FROM crmaudit.row_history('lh.customer', '[2]');
SELECT count(*) FROM crmaudit.row_history('lh.customer', '{"id": {"x": 2}}');
SELECT count(*) FROM crmaudit.row_history('lh.customer', '"two"');
SELECT count(*) FROM crmaudit.row_history('pg_class', '2');
SELECT count(*) FROM crmaudit.row_history(0::oid::regclass, '2');
SELECT count(*) FROM crmaudit.row_history(NULL, '2');

-- A column's history. A baseline that says nothing new is left out.
SELECT crmaudit.record_baseline('lh.customer') AS rows;
SELECT op, old_value, new_value, actor, reason FROM crmaudit.field_history('lh.customer', '2', 'name');
SELECT op, old_value, new_value FROM crmaudit.field_history('lh.customer', '2', 'balance');
SELECT op, old_value, new_value FROM crmaudit.field_history('lh.customer', '1', 'profile');
SELECT op FROM crmaudit.field_history('lh.customer', '2', 'secret');
SELECT op FROM crmaudit.field_history('lh.customer', '2', 'nothing');

-- Rows as they were. What was excluded is NULL.
SELECT * FROM crmaudit.as_of(NULL::lh.customer, :'t0');
\x
SELECT * FROM crmaudit.as_of(NULL::lh.customer, :'t1') ORDER BY id;
\x
SELECT id, name, mobile, balance, profile FROM crmaudit.as_of(NULL::lh.customer, :'t2') ORDER BY id;
SELECT id, name, mobile, active FROM crmaudit.as_of(NULL::lh.customer, :'t3') ORDER BY id;
-- Now, they are what the table holds.
SELECT count(*) FROM (SELECT id, name, papers::text, tags, paid, updated, twice FROM crmaudit.as_of(NULL::lh.customer, 'infinity')
	EXCEPT SELECT id, name, papers::text, tags, paid, updated, twice FROM lh.customer) x;

UPDATE crmaudit.tracked_table SET tracked_at = '2020-01-01 00:00:00+00' WHERE target = 'lh.customer'::regclass;
SELECT * FROM crmaudit.as_of(NULL::lh.customer, '2010-01-01');
SELECT * FROM crmaudit.as_of(NULL::lh.customer, NULL);
SELECT * FROM crmaudit.as_of(1, now());
SELECT * FROM crmaudit.as_of(NULL::pg_catalog.pg_class, now());
SELECT id FROM crmaudit.as_of(NULL::crmaudit.ledger_entry, now()) AS id;

-- Who may read, and what. The owner and whoever has a duty may read the
-- history; whoever may SELECT from the table may read it as of a time.
SET ROLE lh_owner;
SELECT op, old, new FROM crmaudit.row_history('lh.customer', '2') WHERE op <> 'baseline';
SELECT count(*) FROM crmaudit.change_history;
SELECT count(*) FROM crmaudit.ledger_entry;
SET ROLE lh_clerk;
SELECT op FROM crmaudit.row_history('lh.customer', '2');
SELECT op FROM crmaudit.field_history('lh.customer', '2', 'name');
-- Columns without SELECT are NULL, and cannot be restored.
SELECT id, name, mobile, id_no, balance, active FROM crmaudit.as_of(NULL::lh.customer, :'t1') ORDER BY id;
SELECT image, unknown FROM crmaudit.row_as_of('lh.customer', '2', :'t1');
SELECT crmaudit.restore_row('lh.customer', '2', :'t1');
SET ROLE lh_auditor;
-- Personal values are masked to the auditor, who has no right on the table,
-- by the role of the column: what is no identifier is hidden wholly.
SELECT op, old, new FROM crmaudit.row_history('lh.customer', '2') WHERE op <> 'baseline';
SELECT op, old_value, new_value FROM crmaudit.field_history('lh.customer', '2', 'mobile');
SELECT op, old_value, new_value FROM crmaudit.field_history('lh.customer', '2', 'name');
SELECT op, row_key, old, new, actor, username FROM crmaudit.change_history WHERE target = 'lh.customer'::regclass AND op IN ('update', 'delete') ORDER BY at, ord;
SELECT * FROM crmaudit.as_of(NULL::lh.customer, :'t1');
SELECT crmaudit.restore_row('lh.customer', '2', :'t1');
SELECT count(*) FROM crmaudit.ledger_entry;
SELECT count(*) FROM crmaudit.ledger_entry_default;
SELECT op FROM crmaudit.read_row_history(10, 101, '{"{\"id\": 2}"}');
SELECT count(*) FROM crmaudit.find_entries(101, '{"{\"id\": 2}"}');
RESET ROLE;
-- The administrator may execute all functions, and gets no more.
CREATE ROLE lh_admin;
GRANT USAGE ON SCHEMA lh TO lh_admin;
SELECT g FROM crmaudit.grant_duty('admin', 'lh_admin') g;
SET ROLE lh_admin;
SELECT count(*) FROM crmaudit.find_entries(101, '{"{\"id\": 2}"}');
SELECT count(*) FROM crmaudit.find_row_entries(101, '{"{\"id\": 2}"}');
SELECT op FROM crmaudit.read_row_history(10, 101, '{"{\"id\": 2}"}');
SELECT op FROM crmaudit.read_field_history(10, 101, '{"{\"id\": 2}"}', 'name');
SELECT count(*) FROM crmaudit.read_table_events(101);
SELECT crmaudit.read_horizon();
SELECT op, new ->> 'name' AS name FROM crmaudit.row_history('lh.customer', '2') WHERE op = 'insert';
RESET ROLE;
-- With SELECT on a column its values show.
GRANT SELECT (name) ON lh.customer TO lh_auditor;
SET ROLE lh_auditor;
SELECT op, old, new FROM crmaudit.row_history('lh.customer', '2') WHERE op = 'update';
SELECT old, new FROM crmaudit.change_history WHERE target = 'lh.customer'::regclass AND op = 'update' AND row_key = '{"id": 2}' ORDER BY at, ord;
RESET ROLE;
-- In a function with rights of its owner, the owner's count.
CREATE FUNCTION lh.as_owner() RETURNS SETOF jsonb LANGUAGE sql SECURITY DEFINER AS $$
	SELECT old FROM crmaudit.row_history('lh.customer', '2') WHERE op = 'update' $$;
ALTER FUNCTION lh.as_owner() OWNER TO lh_owner;
SET ROLE lh_auditor;
SELECT * FROM lh.as_owner();
RESET ROLE;
-- Row-level security cannot judge rows that are no more.
ALTER TABLE lh.customer ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON lh.customer TO lh_auditor;
SET ROLE lh_auditor;
SELECT op, old FROM crmaudit.row_history('lh.customer', '2') WHERE op = 'update';
SET ROLE lh_stranger;
SELECT * FROM crmaudit.as_of(NULL::lh.customer, now());
SELECT * FROM crmaudit.row_as_of('lh.customer', '2', now());
SET ROLE lh_owner;
SELECT id, name FROM crmaudit.as_of(NULL::lh.customer, now());
RESET ROLE;
ALTER TABLE lh.customer DISABLE ROW LEVEL SECURITY;
REVOKE SELECT ON lh.customer FROM lh_auditor;

-- Who changed how much (D29).
SELECT actor, username, target, inserts, updates, deletes, truncates, rows, transactions, first_at <= last_at AS ordered
	FROM crmaudit.user_activity WHERE target = 'lh.customer'::regclass ORDER BY actor;

-- A filter on the time reads its months only, as the reader too.
SELECT crmaudit.create_ledger_partition(p, m) IS NOT NULL AS made FROM unnest('{crmaudit.ledger_entry,crmaudit.ledger_context}'::regclass[]) p, unnest('{2020-01-01,2020-02-01}'::date[]) m;
CREATE FUNCTION lh.partitions(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ 'on ledger_entry' THEN RETURN NEXT substring(line FROM 'on (ledger_entry_\w+)'); END IF;
	END LOOP;
END $$;
SET ROLE lh_auditor;
SELECT * FROM lh.partitions($$SELECT * FROM crmaudit.change_history WHERE at >= '2020-01-05' AND at < '2020-01-08' AND target = 'lh.customer'::regclass$$);
RESET ROLE;

-- Restoring. The statement, and nothing else, unless it is asked for.
SELECT crmaudit.restore_row('lh.customer', '2', :'t1');
SELECT crmaudit.restore_row('lh.customer', '1', :'t2');
SELECT id, name, mobile, balance FROM lh.customer ORDER BY id;
SELECT crmaudit.restore_row('lh.customer', '1', :'t2', execute => true) IS NOT NULL AS restored;
SELECT crmaudit.restore_row('lh.customer', '2', :'t1', execute => true) IS NOT NULL AS restored;
SELECT id, name, mobile, balance, papers, tags, paid, updated, secret FROM lh.customer ORDER BY id;
-- It is so already.
SELECT crmaudit.restore_row('lh.customer', '2', :'t1', execute => true) IS NULL AS nothing;
SELECT op FROM crmaudit.row_history('lh.customer', '2');
-- It was not there then.
SELECT crmaudit.restore_row('lh.customer', '2', :'t0');
SELECT crmaudit.restore_row('lh.customer', '2', :'t0', true);
SELECT crmaudit.restore_row('lh.customer', '2', :'t0') IS NULL AS nothing;
-- A row of which the ledger knows nothing.
SELECT crmaudit.restore_row('lh.customer', '4', :'t0');
SELECT crmaudit.restore_row('lh.customer', '1', NULL) IS NULL AS nothing;
-- With the caller's rights, and through the gate.
SET ROLE lh_stranger;
SELECT crmaudit.restore_row('lh.customer', '2', :'t1', true);
RESET ROLE;
SELECT crmaudit.add_rule('lh.customer', 'short', 'length', '{name}', '{"max":3}') \gset
SELECT crmaudit.restore_row('lh.customer', '2', :'t1', true);
SELECT crmaudit.set_mode('lh.customer', 'quarantine') \gset
SELECT crmaudit.restore_row('lh.customer', '2', :'t1', true) IS NOT NULL AS statement;
SELECT row_key FROM crmaudit.quarantined;
SELECT crmaudit.set_mode('lh.customer', 'enforce') \gset
SELECT crmaudit.drop_rule('lh.customer', 'short') \gset
-- The table's triggers find what they need by the caller's search_path.
CREATE TABLE lh.note (what text);
CREATE FUNCTION lh.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO note VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON lh.customer FOR EACH ROW EXECUTE FUNCTION lh.note();
SET search_path = lh, public;
SELECT crmaudit.restore_row('customer', '2', :'t1', true) IS NOT NULL AS restored;
RESET search_path;
TABLE lh.note;
DROP TRIGGER note ON lh.customer;

-- Columns are followed when they are renamed. What was added or changed its
-- type is not known until it is written again.
CREATE TABLE lh.visit (no int, part text, note text, score int, PRIMARY KEY (no, part));
SELECT crmaudit.track('lh.visit') \gset
INSERT INTO lh.visit VALUES (1, 'a', 'first', 5), (2, 'b', 'other', 7);
SELECT clock_timestamp() AS v1 \gset
ALTER TABLE lh.visit RENAME no TO number;
ALTER TABLE lh.visit RENAME note TO remark;
UPDATE lh.visit SET remark = 'second' WHERE number = 1;
ALTER TABLE lh.visit RENAME remark TO words;
ALTER TABLE lh.visit ADD place text DEFAULT 'here', ALTER score TYPE text;
SELECT clock_timestamp() AS v2 \gset
UPDATE lh.visit SET words = 'third', place = 'there', score = 'x' WHERE number = 1;
SELECT op, old, new, row_key FROM crmaudit.row_history('lh.visit', '{"part": "a", "number": 1}');
SELECT op, old_value, new_value FROM crmaudit.field_history('lh.visit', '{"part": "a", "number": 1}', 'words');
SELECT op FROM crmaudit.field_history('lh.visit', '{"part": "a", "number": 1}', 'note');
SELECT * FROM crmaudit.as_of(NULL::lh.visit, :'v1') ORDER BY 1;
SELECT * FROM crmaudit.as_of(NULL::lh.visit, :'v2') ORDER BY 1;
SELECT * FROM crmaudit.as_of(NULL::lh.visit, now()) ORDER BY 1;
SELECT crmaudit.restore_row('lh.visit', '{"part": "a", "number": 1}', :'v2');
-- A dropped column keeps its history.
ALTER TABLE lh.visit DROP place;
SELECT op, old_value, new_value FROM crmaudit.field_history('lh.visit', '{"part": "a", "number": 1}', 'place');

-- TRUNCATE ends every row; untracking ends what is known.
TRUNCATE lh.visit;
SELECT clock_timestamp() AS v3 \gset
INSERT INTO lh.visit VALUES (1, 'a', 'fourth', '1');
SELECT op, old_value, new_value FROM crmaudit.field_history('lh.visit', '{"part": "a", "number": 1}', 'words');
SELECT op FROM crmaudit.row_history('lh.visit', '{"part": "b", "number": 2}');
SELECT count(*) FROM crmaudit.as_of(NULL::lh.visit, :'v3');
SELECT crmaudit.restore_row('lh.visit', '{"part": "a", "number": 1}', :'v3');
SELECT crmaudit.untrack('lh.visit') \gset
SELECT clock_timestamp() AS v4 \gset
INSERT INTO lh.visit VALUES (3, 'c', 'unseen', '1');
SELECT * FROM crmaudit.as_of(NULL::lh.visit, :'v4');
SELECT number, words FROM crmaudit.as_of(NULL::lh.visit, :'v3'::timestamptz + (:'v4'::timestamptz - :'v3'::timestamptz) * 0) ORDER BY 1;
SELECT crmaudit.track('lh.visit') \gset
SELECT number, words FROM crmaudit.as_of(NULL::lh.visit, now() + interval '1 minute') ORDER BY 1;
DROP TABLE lh.visit;
SELECT op, new ->> 'action' AS action FROM crmaudit.change_history WHERE table_name = 'lh.visit' AND op = 'schema' ORDER BY at;

-- A key that holds an identifier is recorded as a digest: the row is found by
-- the clear value in any spelling of its type, and by the digest.
CREATE TABLE lh.person (id_no crmaudit.resident_id PRIMARY KEY, name text, mail crmaudit.email);
SELECT crmaudit.protect('lh.person', roles => '{"id_no":"resident_id","name":"name","mail":"email"}', mode => 'observe') \gset
INSERT INTO lh.person VALUES ('11010519491231002X', 'Zhou', 'zhou@example.cn');
UPDATE lh.person SET name = 'Zhou Yi';
SELECT clock_timestamp() AS p1 \gset
DELETE FROM lh.person;
SELECT op FROM crmaudit.row_history('lh.person', '"11010519491231002X"');
SELECT op FROM crmaudit.row_history('lh.person', '{"id_no": "110105 19491231 002x"}');
SELECT row_key::text AS digest FROM crmaudit.row_history('lh.person', '"11010519491231002X"') LIMIT 1 \gset
SELECT op FROM crmaudit.row_history('lh.person', :'digest');
SET ROLE lh_auditor;
SELECT op, row_key ->> 'id_no' LIKE 'sha256:%' AS digest, new FROM crmaudit.row_history('lh.person', :'digest');
RESET ROLE;
SELECT crmaudit.restore_row('lh.person', :'digest', :'p1');
SELECT crmaudit.restore_row('lh.person', '"11010519491231002X"', :'p1', true);
SELECT crmaudit.restore_row('lh.person', '"11010519491231002X"', :'p1') IS NULL AS nothing;
SELECT crmaudit.restore_row('lh.person', :'digest', now() + interval '1 minute') IS NULL AS nothing;
DELETE FROM lh.person;
SELECT crmaudit.restore_row('lh.person', :'digest', now() + interval '1 minute');

-- A partition is asked for by its root, whose rows move between partitions.
CREATE TABLE lh.contract (id int, day date, what text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE lh.contract_1 PARTITION OF lh.contract FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE lh.contract_2 PARTITION OF lh.contract FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
SELECT crmaudit.track('lh.contract') \gset
INSERT INTO lh.contract VALUES (1, '2020-01-05', 'car'), (2, '2020-02-05', 'house');
SELECT clock_timestamp() AS c1 \gset
UPDATE lh.contract SET day = '2020-02-10' WHERE id = 1;
SELECT clock_timestamp() AS c2 \gset
TRUNCATE lh.contract_1;
SELECT op, row_key FROM crmaudit.row_history('lh.contract_1', '{"id": 1, "day": "5 Jan 2020"}');
SELECT * FROM crmaudit.as_of(NULL::lh.contract, :'c1') ORDER BY id;
SELECT * FROM crmaudit.as_of(NULL::lh.contract, :'c2') ORDER BY id;
SELECT * FROM crmaudit.as_of(NULL::lh.contract, 'infinity') ORDER BY id;
SELECT * FROM crmaudit.as_of(NULL::lh.contract_1, now());
SELECT crmaudit.restore_row('lh.contract', '{"id": 1, "day": "2020-01-05"}', :'c1');

-- Identity columns that are always generated; types of extensions as a key.
CREATE TABLE lh.ticket (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial int GENERATED BY DEFAULT AS IDENTITY, what text);
CREATE TABLE lh.line (phone crmaudit.phone, "odd "" name" text, PRIMARY KEY (phone));
SELECT crmaudit.track('lh.ticket'), crmaudit.track('lh.line') \gset
INSERT INTO lh.ticket (what) VALUES ('it''s'), ('b\c');
INSERT INTO lh.line VALUES ('+8613800138000', 'x');
SELECT clock_timestamp() AS i1 \gset
UPDATE lh.ticket SET what = NULL;
UPDATE lh.line SET "odd "" name" = NULL;
SELECT crmaudit.restore_row('lh.ticket', id::text::jsonb, :'i1', true) FROM generate_series(1, 2) id;
SELECT crmaudit.restore_row('lh.line', '"+86 138 0013 8000"', :'i1', true);
DELETE FROM lh.ticket;
SELECT crmaudit.restore_row('lh.ticket', '1', :'i1', true);
TABLE lh.ticket;
TABLE lh.line;

-- What is sealed is found by ledger_key, changes of the table too.
CREATE TABLE lh.plan (id int PRIMARY KEY, what text);
SELECT crmaudit.track('lh.plan') \gset
INSERT INTO lh.plan VALUES (1, 'one');
ALTER TABLE lh.plan RENAME id TO no;
UPDATE lh.plan SET what = 'two';
TRUNCATE lh.plan;
SELECT crmaudit.seal() AS block;
SELECT op, row_key, new, block_id FROM crmaudit.row_history('lh.plan', '1');
SELECT (f.entry).op, (f.entry).new ->> 'action' AS action, f.block_id FROM crmaudit.tracked_table t, crmaudit.find_entries(t.table_id, '{"null"}') f
	WHERE t.target = 'lh.plan'::regclass ORDER BY (f.entry).at;

-- Sealed and not. A block holds what its snapshot sees; the rest is the tail.
-- Blocks are planted, since nobody else is there to hold a transaction open.
CREATE FUNCTION lh.seal(snapshot pg_snapshot DEFAULT pg_current_snapshot()) RETURNS void LANGUAGE sql AS $$
	INSERT INTO crmaudit.ledger_block SELECT b, 1, crmaudit.ledger_incarnation(), seal.snapshot, 0, 0, 0, NULL, '0/0', now(), '', '{}', '', '', ''
		FROM (SELECT 1 + coalesce(max(block_id), 0) FROM crmaudit.ledger_block) AS l(b);
	INSERT INTO crmaudit.ledger_block_partition SELECT (SELECT max(block_id) FROM crmaudit.ledger_block), date_trunc('month', now() AT TIME ZONE 'UTC'), 1, 1, '';
	INSERT INTO crmaudit.ledger_key SELECT e.table_id, e.ord, jsonb_hash_extended(coalesce(e.row_key, 'null'), e.table_id), (SELECT max(block_id) FROM crmaudit.ledger_block), e.xid
		FROM crmaudit.ledger_entry e WHERE pg_visible_in_snapshot(e.xid, seal.snapshot)
			AND NOT EXISTS (SELECT FROM crmaudit.ledger_key k WHERE k.xid = e.xid AND k.ord = e.ord);
$$;
CREATE TABLE lh.deal (id int PRIMARY KEY, what text);
SELECT crmaudit.track('lh.deal') \gset
INSERT INTO lh.deal VALUES (1, 'one');
SELECT lh.seal() \gset
SELECT op, new, block_id FROM crmaudit.row_history('lh.deal', '1');
UPDATE lh.deal SET what = 'two';
SELECT op, new, block_id FROM crmaudit.row_history('lh.deal', '1');
-- A transaction that was open at the last block, whose entries came later.
BEGIN;
UPDATE lh.deal SET what = 'three';
SELECT pg_current_xact_id() AS open_xid \gset
COMMIT;
UPDATE lh.deal SET what = 'four';
SELECT lh.seal(format('%s:%s:%1$s', :'open_xid', pg_snapshot_xmax(pg_current_snapshot()))::pg_snapshot) \gset
UPDATE lh.deal SET what = 'five';
SELECT op, new, block_id FROM crmaudit.row_history('lh.deal', '1');
SELECT op, new_value, block_id FROM crmaudit.field_history('lh.deal', '1', 'what');
-- Renaming, truncation and tracking are found among sealed entries too.
ALTER TABLE lh.deal RENAME id TO no;
TRUNCATE lh.deal;
SELECT lh.seal() \gset
SELECT op, row_key, block_id FROM crmaudit.row_history('lh.deal', '1');
SELECT crmaudit.restore_row('lh.deal', '1', 'infinity') IS NULL AS nothing;
-- The tail of an earlier life of the database, until it is closed by a block.
INSERT INTO crmaudit.ledger_context SELECT incarnation + (1 << 24), '77', now(), 1, 'old', 'old', 'old', NULL, NULL, NULL, '' FROM (SELECT crmaudit.ledger_incarnation()) i(incarnation);
INSERT INTO crmaudit.ledger_entry (incarnation, xid, at, context_xid, table_id, target, ord, context, op, row_key, new, actor, leaf)
	SELECT crmaudit.ledger_incarnation() + (1 << 24), x::text::xid8, now() - interval '1 minute', '77', table_id, target, 1, 1, 'I', format('{"no": %s}', x)::jsonb, '{}', 'old', ''
	FROM crmaudit.tracked_table, unnest('{77,78}'::int[]) x WHERE target = 'lh.deal'::regclass;
SELECT op, username, block_id FROM crmaudit.row_history('lh.deal', '77');
BEGIN;
ALTER TABLE crmaudit.ledger_block DISABLE TRIGGER ledger_guard;
DELETE FROM crmaudit.ledger_block;
SELECT op, username, block_id FROM crmaudit.row_history('lh.deal', '77');
INSERT INTO crmaudit.ledger_block SELECT 9, 1, crmaudit.ledger_incarnation() + (1 << 24), '78:78:', 0, 0, 0, NULL, '0/0', now(), '', '{}', '', '', '';
SELECT count(*) FROM crmaudit.row_history('lh.deal', '77');
SELECT count(*) FROM crmaudit.row_history('lh.deal', '78');
SELECT count(*) FROM crmaudit.row_history('lh.deal', '1');
ROLLBACK;

-- What was erased says so, and is not taken for NULL.
INSERT INTO crmaudit.ledger_context SELECT crmaudit.ledger_incarnation(), '5', '2020-01-10 00:00:00+00', 1, 'chen', 'app', 'app', NULL, 'crm', NULL, '';
INSERT INTO crmaudit.ledger_entry (incarnation, xid, at, context_xid, table_id, target, ord, context, op, row_key, old, new, actor, personal, commitments, leaf)
	SELECT crmaudit.ledger_incarnation(), '5', v.at, '5', t.table_id, t.target, v.ord, 1, v.op, '{"id": 50}', v.old, v.new, 'chen', '{name,mobile}', v.commitments, ''
	FROM crmaudit.tracked_table t, (VALUES
		('2020-01-10 00:00:00+00'::timestamptz, 1, 'I'::"char", NULL::jsonb, '{"id": 50, "mobile": "+8613800138000"}'::jsonb, '{"new": {"name": {"c": "00"}, "mobile": {"s": "00"}}}'::jsonb),
		('2020-01-20 00:00:00+00', 2, 'U', NULL, '{"mobile": "+8613912345678"}', '{"old": {"mobile": {"c": "00"}}}'),
		('2020-02-10 00:00:00+00', 3, 'U', NULL, NULL, '{"old": {"name": {"c": "00"}}}')) v(at, ord, op, old, new, commitments)
	WHERE t.target = 'lh.customer'::regclass;
INSERT INTO crmaudit.ledger_key SELECT e.table_id, e.ord, jsonb_hash_extended(e.row_key, e.table_id), 1, e.xid FROM crmaudit.ledger_entry e WHERE e.xid = '5';
SELECT op, old, new, username, application_name FROM crmaudit.row_history('lh.customer', '50');
SELECT at, op, old_value, new_value FROM crmaudit.field_history('lh.customer', '50', 'name');
SELECT image, unknown FROM crmaudit.row_as_of('lh.customer', '50', '2020-01-15');
SELECT id, name, mobile FROM crmaudit.as_of(NULL::lh.customer, '2020-01-25') WHERE id = 50;
SELECT crmaudit.restore_row('lh.customer', '50', '2020-01-25');
SET ROLE lh_auditor;
SELECT op, old, new FROM crmaudit.change_history WHERE at < '2020-03-01' AND target = 'lh.customer'::regclass ORDER BY ord;
RESET ROLE;

-- What pruning took. Rows that did not change since are known by the baseline
-- that it wrote, and by what was changed before that.
INSERT INTO crmaudit.ledger_block_partition VALUES (0, '2019-12-01', 1, 1, '');
UPDATE crmaudit.tracked_table SET tracked_at = '2019-06-01' WHERE target = 'lh.customer'::regclass;
SELECT id FROM crmaudit.as_of(NULL::lh.customer, '2019-12-31 12:00:00+00');
SELECT crmaudit.restore_row('lh.customer', '50', '2019-12-31 12:00:00+00');
INSERT INTO crmaudit.ledger_entry (incarnation, xid, at, context_xid, table_id, target, ord, context, op, row_key, old, new, actor, leaf)
	SELECT crmaudit.ledger_incarnation(), '6', v.at, '5', t.table_id, t.target, v.ord, 1, v.op, v.row_key, v.old, v.new, 'chen', ''
	FROM crmaudit.tracked_table t, (VALUES
		('2020-02-05 00:00:00+00'::timestamptz, 1, 'U'::"char", '{"id": 51}'::jsonb, '{"balance": 1}'::jsonb, '{"balance": 2, "active": true}'::jsonb),
		('2020-02-06 00:00:00+00', 2, 'B', '{"id": 51}', NULL, '{"id": 51, "name": "He", "balance": 2, "active": true}'),
		('2020-02-06 00:00:00+00', 3, 'B', '{"id": 52}', NULL, '{"id": 52, "name": "Qian"}'),
		('2020-02-07 00:00:00+00', 4, 'D', '{"id": 53}', '{"id": 53, "name": "Feng"}', NULL),
		('2020-02-08 00:00:00+00', 5, 'I', '{"id": 54}', NULL, '{"id": 54, "name": "Chu"}'),
		('2020-02-09 00:00:00+00', 6, 'U', '{"id": 55}', '{"balance": 7}', '{"balance": 8}')) v(at, ord, op, row_key, old, new)
	WHERE t.target = 'lh.customer'::regclass;
SELECT id, name, balance, active FROM crmaudit.as_of(NULL::lh.customer, '2020-02-01 00:00:00+00') WHERE id IS DISTINCT FROM 50 ORDER BY id;
SELECT id, name, balance, active FROM crmaudit.as_of(NULL::lh.customer, '2020-02-10 00:00:00+00') WHERE id IS DISTINCT FROM 50 ORDER BY id;

-- Very many entries of one row.
CREATE TABLE lh.counter (id int PRIMARY KEY, n int, note text, flag boolean, extra jsonb);
SELECT crmaudit.track('lh.counter') \gset
INSERT INTO lh.counter VALUES (1, 0, 'a note', true, '{"deep": [1, 2]}');
DO $$ BEGIN FOR i IN 1 .. 1000 LOOP UPDATE lh.counter SET n = i; END LOOP; END $$;
SELECT * FROM crmaudit.as_of(NULL::lh.counter, 'infinity');

-- The functions below are called with what they cannot read.
SELECT crmaudit.mask_image('[]', NULL, NULL, '{a}', NULL);
SELECT crmaudit.mask_image('{"a": 1}', '[]', NULL, '{a}', NULL);
SELECT crmaudit.current_names('[]', now(), ARRAY[now()], '{"{}"}');
SELECT crmaudit.current_names('{}', now(), ARRAY[now(), now()], '{"{}"}');
-- Of a table that is not there, only a superuser sees values.
SELECT crmaudit.mask_image('{"a": 1, "b": null, "c": [true]}', NULL, 0, '{a,b,c}', NULL) AS superuser,
	crmaudit.mask_image('{"a": 1, "b": null, "c": [true]}', NULL, 0, '{a,b,c}', NULL, 'lh_owner'::regrole) AS owner,
	crmaudit.mask_image(NULL, NULL, 0, '{a}', NULL) IS NULL AS none,
	crmaudit.mask_image('{"a": 13800138000}', NULL, 0, '{a}', '{"a": "phone"}', 'lh_owner'::regrole) AS phone;

\c crmaudit_regress
DROP DATABASE regress_ledger_history;
DROP ROLE lh_owner, lh_clerk, lh_auditor, lh_stranger, lh_admin;

-- What everyone may call takes anything.
SELECT crmaudit.current_names('{"a":1}', '-infinity', ARRAY[now()], ARRAY[NULL]::jsonb[]);
SELECT crmaudit.current_names('{"a":1}', '-infinity', ARRAY[NULL]::timestamptz[], '{"{}"}');
SELECT crmaudit.mask_image('{"a":1,"d":[2]}', '{"z":{"c":"x"}}', NULL, ARRAY['a',NULL,'d'], '[1]', 0);
SELECT crmaudit.ledger_leaf(ROW(1,'5','now','5',1,0,1,1,'I',NULL,'{}','[1]','{"a":1}','x',NULL,NULL,ARRAY[NULL,'a'],'\x00','3','\x00')::crmaudit.ledger_entry,
	ROW(1,'5','now',1,'a','b','c',NULL,NULL,NULL,'\x00')::crmaudit.ledger_context) IS NULL AS is_null;
