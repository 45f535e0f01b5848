-- One planted attack for each status, as a superuser who knows the ledger's
-- tables: exactly that status, and no other.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE DATABASE lv_verify;
\c lv_verify
SET client_min_messages = warning;
CREATE EXTENSION crmaudit;
RESET client_min_messages;

-- Transactions are shown from the one that the test begins with.
CREATE TABLE lv_base AS SELECT NULL::xid8 AS xid;
CREATE FUNCTION lv_verify(digest jsonb DEFAULT NULL, incremental boolean DEFAULT false)
RETURNS TABLE (status text, block_id bigint, ord int, target regclass, row_key jsonb, detail text) LANGUAGE sql AS $$
	SELECT status, block_id, ord, target, row_key, regexp_replace(detail, '\d{4}-\d\d', 'this month') FROM crmaudit.verify_ledger(digest, incremental)
	ORDER BY block_id, status, ord, row_key::text
$$;

CREATE TABLE lv_customer (id int PRIMARY KEY, name text, phone text);
SELECT crmaudit.track('lv_customer', personal => '{phone}');
INSERT INTO lv_customer SELECT i, 'n' || i, '1' || i FROM generate_series(1, 20) i;
SELECT crmaudit.seal();
SELECT crmaudit.ledger_digest() AS first \gset
BEGIN;
UPDATE lv_customer SET name = 'x' WHERE id < 6;
UPDATE lv_customer SET phone = 'y' WHERE id = 7;
COMMIT;
UPDATE lv_customer SET name = 'z' WHERE id = 9;
SELECT crmaudit.seal();
DELETE FROM lv_customer WHERE id = 3;
INSERT INTO lv_customer VALUES (100, 'not sealed', 't');
SELECT crmaudit.ledger_digest() AS last \gset

-- Intact, also with digests, from a digest on, and in ranges; with entries of
-- the transaction itself; where nothing can be written.
SELECT * FROM lv_verify();
SELECT * FROM lv_verify(:'first');
SELECT * FROM lv_verify(:'last', true);
SELECT * FROM crmaudit.verify_ledger_range(1, 1) UNION ALL SELECT * FROM crmaudit.verify_ledger_range(2, NULL);
BEGIN;
INSERT INTO lv_customer VALUES (101, 'mine', NULL);
SELECT * FROM lv_verify();
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SELECT * FROM lv_verify();
COMMIT;

-- What is no digest.
SELECT * FROM lv_verify('{}');
SELECT * FROM lv_verify('[1]');
SELECT * FROM lv_verify('{"block": "x", "hash": ""}');
SELECT * FROM lv_verify('{"block": 1, "hash": "abc"}');
SELECT * FROM lv_verify(NULL, true);

-- From here on the attacker has switched off what would refuse him.
ALTER TABLE crmaudit.ledger_entry DISABLE TRIGGER ledger_guard;
ALTER TABLE crmaudit.ledger_context DISABLE TRIGGER ledger_guard;
ALTER TABLE crmaudit.ledger_block DISABLE TRIGGER ledger_guard;
ALTER TABLE crmaudit.ledger_block_partition DISABLE TRIGGER ledger_guard;
ALTER TABLE crmaudit.ledger_transaction DISABLE TRIGGER ledger_guard;
CREATE TABLE lv_entry AS SELECT * FROM crmaudit.ledger_entry;
CREATE TABLE lv_context AS SELECT * FROM crmaudit.ledger_context;
CREATE TABLE lv_block AS SELECT * FROM crmaudit.ledger_block;
CREATE TABLE lv_partition AS SELECT * FROM crmaudit.ledger_block_partition;
CREATE TABLE lv_transaction AS SELECT * FROM crmaudit.ledger_transaction;
CREATE PROCEDURE lv_restore() LANGUAGE sql AS $$
	DELETE FROM crmaudit.ledger_entry; INSERT INTO crmaudit.ledger_entry SELECT * FROM lv_entry;
	DELETE FROM crmaudit.ledger_context; INSERT INTO crmaudit.ledger_context SELECT * FROM lv_context;
	DELETE FROM crmaudit.ledger_block; INSERT INTO crmaudit.ledger_block SELECT * FROM lv_block;
	DELETE FROM crmaudit.ledger_block_partition; INSERT INTO crmaudit.ledger_block_partition SELECT * FROM lv_partition;
	DELETE FROM crmaudit.ledger_transaction; INSERT INTO crmaudit.ledger_transaction SELECT * FROM lv_transaction;
$$;
-- As if an entry had been written by another transaction, or in another place of one.
CREATE PROCEDURE lv_forge(incarnation bigint, xid xid8, ord int) LANGUAGE sql AS $$
	INSERT INTO crmaudit.ledger_entry SELECT incarnation, xid, e.at, e.context_xid, e.table_id, e.target, ord, e.context, e.op, e.subxid, e.row_key, e.old, e.new, e.actor, e.reason,
		e.client, e.personal, e.salt, e.commitments, e.leaf FROM lv_entry e WHERE e.row_key = '{"id": 9}' AND e.op = 'U';
$$;
SELECT e.xid AS of_nine, e.incarnation FROM lv_entry e WHERE e.row_key = '{"id": 9}' AND e.op = 'U' \gset

-- Edit value.
UPDATE crmaudit.ledger_entry SET new = jsonb_set(new,'{name}','"evil"') WHERE row_key='{"id":9}' AND op='U';
SELECT * FROM lv_verify();
CALL lv_restore();
-- Edit personal value.
UPDATE crmaudit.ledger_entry SET new = jsonb_set(new,'{phone}','"evil"') WHERE row_key='{"id":7}' AND op='U';
SELECT * FROM lv_verify();
CALL lv_restore();
-- Edit leaf.
UPDATE crmaudit.ledger_entry SET leaf = sha256('x') WHERE row_key='{"id":2}' AND op='U';
SELECT * FROM lv_verify();
CALL lv_restore();
-- Edit both.
UPDATE crmaudit.ledger_entry e SET new = jsonb_set(new,'{name}','"evil"') WHERE row_key='{"id":2}' AND op='U';
UPDATE crmaudit.ledger_entry e SET leaf=crmaudit.ledger_leaf(e, c) FROM crmaudit.ledger_context c WHERE (c.incarnation,c.xid,c.context)=(e.incarnation,e.context_xid,e.context) AND row_key='{"id":2}' AND op='U';
SELECT * FROM lv_verify();
CALL lv_restore();
-- Actor.
UPDATE crmaudit.ledger_entry e SET actor='me' WHERE row_key='{"id":2}' AND op='U';
SELECT * FROM lv_verify();
CALL lv_restore();
-- Context.
UPDATE crmaudit.ledger_context SET actor='me', leaf=leaf;
SELECT status, detail, count(*) FROM lv_verify() GROUP BY 1, 2;
CALL lv_restore();
-- Delete one; whole tx; last of tx; all.
DELETE FROM crmaudit.ledger_entry WHERE row_key='{"id":2}' AND op='U';
SELECT * FROM lv_verify();
CALL lv_restore();
DELETE FROM crmaudit.ledger_entry WHERE row_key='{"id":9}' AND op='U';
SELECT * FROM lv_verify();
CALL lv_restore();
DELETE FROM crmaudit.ledger_entry WHERE row_key='{"id":7}' AND op='U';
SELECT * FROM lv_verify();
CALL lv_restore();
DELETE FROM crmaudit.ledger_entry WHERE xid <= :'of_nine'::xid8;
SELECT * FROM lv_verify();
CALL lv_restore();
-- Forged: extra ord, same ord, new xid, future, unknown life.
CALL lv_forge(:incarnation, :'of_nine', 2);
SELECT * FROM lv_verify();
CALL lv_restore();
CALL lv_forge(:incarnation, :'of_nine', 1);
SELECT * FROM lv_verify();
CALL lv_restore();
CALL lv_forge(:incarnation, '3', 1);
SELECT * FROM lv_verify();
CALL lv_restore();
CALL lv_forge(:incarnation, '30000000', 1);
SELECT * FROM lv_verify();
CALL lv_restore();
CALL lv_forge(12345678901234, :'of_nine', 1);
SELECT * FROM lv_verify();
CALL lv_restore();
-- Block edits.
UPDATE crmaudit.ledger_block SET entries=entries+1 WHERE block_id=2;
SELECT * FROM lv_verify();
CALL lv_restore();
UPDATE crmaudit.ledger_block SET hash=sha256('x') WHERE block_id=1;
SELECT * FROM lv_verify();
CALL lv_restore();
UPDATE crmaudit.ledger_block SET coverage='{}' WHERE block_id=1;
SELECT * FROM lv_verify();
CALL lv_restore();
UPDATE crmaudit.ledger_block SET previous_hash=sha256('x') WHERE block_id=2;
SELECT * FROM lv_verify();
CALL lv_restore();
UPDATE crmaudit.ledger_block SET snapshot='1:1:' WHERE block_id=2;
SELECT * FROM lv_verify() LIMIT 3;
CALL lv_restore();
UPDATE crmaudit.ledger_transaction SET root=sha256('x') WHERE xid=:'of_nine'::xid8;
SELECT * FROM lv_verify();
CALL lv_restore();
UPDATE crmaudit.ledger_transaction SET entries=7 WHERE xid=:'of_nine'::xid8;
SELECT * FROM lv_verify();
CALL lv_restore();
DELETE FROM crmaudit.ledger_transaction WHERE xid=:'of_nine'::xid8;
SELECT * FROM lv_verify();
CALL lv_restore();
UPDATE crmaudit.ledger_block_partition SET root=sha256('x') WHERE block_id=2;
SELECT * FROM lv_verify();
CALL lv_restore();
-- Delete block 1 / last block / last block with all.
DELETE FROM crmaudit.ledger_block WHERE block_id=1;
SELECT * FROM lv_verify();
CALL lv_restore();
DELETE FROM crmaudit.ledger_block WHERE block_id=2;
SELECT * FROM lv_verify();
SELECT * FROM lv_verify(:'last');
CALL lv_restore();
DELETE FROM crmaudit.ledger_entry WHERE xid in (SELECT xid FROM crmaudit.ledger_transaction WHERE block_id=2);
DELETE FROM crmaudit.ledger_transaction WHERE block_id=2;
DELETE FROM crmaudit.ledger_block_partition WHERE block_id=2;
DELETE FROM crmaudit.ledger_block WHERE block_id=2;
SELECT * FROM lv_verify();
SELECT * FROM lv_verify(:'last');
CALL lv_restore();
-- Swap.
UPDATE crmaudit.ledger_entry e SET new=s.new FROM lv_entry s WHERE e.op='U' AND s.op='U' AND e.xid=s.xid AND (e.row_key,s.row_key) in (('{"id":1}','{"id":7}'),('{"id":7}','{"id":1}'));
SELECT * FROM lv_verify();
CALL lv_restore();
SELECT * FROM lv_verify();
-- A month that is said to have been pruned, and was not.
BEGIN;
DELETE FROM crmaudit.ledger_entry;
DELETE FROM crmaudit.ledger_context;
INSERT INTO crmaudit.ledger_pruned (period, entries, digest) SELECT period, sum(entries), :'last' FROM crmaudit.ledger_block_partition GROUP BY period;
INSERT INTO crmaudit.ledger_pruned (period, entries, digest, pruned_at) SELECT period + interval '1 month', entries, digest, now() - interval '1 year' FROM crmaudit.ledger_pruned;
SELECT DISTINCT status, block_id, regexp_replace(detail, 'of .* are', 'of this month are') AS detail FROM lv_verify() WHERE target IS DISTINCT FROM 'lv_customer'::regclass ORDER BY 1, 2;
ROLLBACK;
-- The triggers switched off: what is written then, and that they are off.
ALTER TABLE lv_customer DISABLE TRIGGER zz_crmaudit_ledger;
SELECT * FROM lv_verify();
UPDATE lv_customer SET name = 'unseen' WHERE id = 12;
ALTER TABLE lv_customer ENABLE ALWAYS TRIGGER zz_crmaudit_ledger;
SELECT * FROM lv_verify();
UPDATE lv_customer SET name = 'n12' WHERE id = 12;
DROP TRIGGER zz_crmaudit_ledger_truncate ON lv_customer;
SELECT * FROM lv_verify();
SELECT crmaudit.track('lv_customer');
SELECT * FROM lv_verify();
-- An index of the ledger that is gone: a run that sees not everything says so.
BEGIN;
DROP INDEX crmaudit.ledger_entry_default_xid_idx;
SELECT * FROM lv_verify();
ROLLBACK;
-- All computed anew after an edit: only a digest tells (D35).
UPDATE crmaudit.ledger_entry SET old = '{"name": "forged"}' WHERE row_key = '{"id": 9}' AND op = 'U';
UPDATE crmaudit.ledger_entry e SET leaf = crmaudit.ledger_leaf(e, c) FROM crmaudit.ledger_context c
	WHERE (c.incarnation, c.xid, c.context) = (e.incarnation, e.context_xid, e.context) AND row_key = '{"id": 9}' AND op = 'U';
ALTER TABLE crmaudit.ledger_key DISABLE TRIGGER ledger_guard;
ALTER TABLE crmaudit.ledger_incarnation DISABLE TRIGGER ledger_guard;
DELETE FROM crmaudit.ledger_block_partition;
DELETE FROM crmaudit.ledger_transaction;
DELETE FROM crmaudit.ledger_key;
DELETE FROM crmaudit.ledger_incarnation;
DELETE FROM crmaudit.ledger_block;
SELECT crmaudit.seal();
SELECT crmaudit.seal();
SELECT * FROM lv_verify();
SELECT * FROM lv_verify(:'first');
SELECT * FROM lv_verify(:'last');

\c crmaudit_regress
DROP DATABASE lv_verify;
