-- Sealing: what was committed since the last block becomes one. In a database
-- of its own, for some entries here are forged. Numbers of blocks are shown from
-- the one that each part begins with.
CREATE DATABASE crmaudit_seal TEMPLATE template0 ENCODING 'UTF8';
\set regress :DBNAME
\c crmaudit_seal
CREATE EXTENSION crmaudit;

-- Nothing is sealed yet.
SELECT crmaudit.ledger_digest();
SELECT count(*) FROM crmaudit.export_chain();

-- The worker does not begin by itself while a dump might be restored: before a
-- table is tracked, and while a trigger is missing.
SELECT crmaudit.may_begin_life(crmaudit.ledger_incarnation());
BEGIN;
CREATE TABLE t (id int PRIMARY KEY);
SELECT crmaudit.track('t');
SELECT crmaudit.may_begin_life(crmaudit.ledger_incarnation());
DROP TRIGGER zz_crmaudit_ledger_truncate ON t;
SELECT crmaudit.may_begin_life(crmaudit.ledger_incarnation());
ROLLBACK;

-- Entries of an earlier life of the database that no block holds are closed
-- before the first block of the present one.
CREATE FUNCTION forge(ord int, at timestamptz, incarnation bigint DEFAULT crmaudit.ledger_incarnation()) RETURNS void LANGUAGE sql AS $$
	INSERT INTO crmaudit.ledger_entry (incarnation, xid, at, context_xid, table_id, target, ord, context, op, actor, leaf)
	VALUES (incarnation, pg_current_xact_id(), at, pg_current_xact_id(), 101, 'pg_class', ord, 1, 'T', 'forger', sha256(int4send(ord)))
$$;
SELECT crmaudit.create_ledger_partition(p, NULL) FROM (VALUES ('crmaudit.ledger_entry'::regclass), ('crmaudit.ledger_context')) AS p(p);
SELECT forge(n, now(), (5 << 24) + n) FROM generate_series(1, 3) n;
SELECT forge(1, now(), 6 << 24);
SELECT forge(1, now());
SELECT crmaudit.seal();
SELECT block_id, incarnation >> 24 AS domain, incarnation & 16777215 AS timeline, snapshot IS NULL AS closing, entries, entries_total, coverage IS NOT NULL AS coverage
FROM crmaudit.ledger_block WHERE incarnation <> crmaudit.ledger_incarnation() ORDER BY 1;
SELECT block_id, snapshot IS NULL AS closing, entries, entries_total FROM crmaudit.ledger_block WHERE incarnation = crmaudit.ledger_incarnation();
-- Each life is linked to the head it found; of earlier ones only the name is known.
SELECT i.first_block, i.system_identifier <> 0 AS known, i.previous_hash = coalesce(b.hash, decode(repeat('00', 32), 'hex')) AS linked
FROM crmaudit.ledger_incarnation i LEFT JOIN crmaudit.ledger_block b ON b.block_id = i.first_block - 1 ORDER BY 1;
SELECT system_identifier = (SELECT system_identifier FROM pg_control_system()) AS system, database = (SELECT oid FROM pg_database WHERE datname = current_database()) AS database,
	ledger = 'crmaudit.ledger_entry'::regclass AS ledger, timeline FROM crmaudit.ledger_incarnation WHERE incarnation = crmaudit.ledger_incarnation();
SELECT crmaudit.may_begin_life(crmaudit.ledger_incarnation());
-- What comes later with such a name was never written then.
SELECT forge(9, now(), 5 << 24);
SELECT crmaudit.seal();
SELECT crmaudit.block_of(5 << 24, '3') AS closing, crmaudit.block_of(7 << 24, '3') AS unknown;

CREATE TABLE sealed_customer (id int PRIMARY KEY, name text, phone text, amount numeric);
SELECT crmaudit.track('sealed_customer', personal => '{phone}');
SELECT crmaudit.seal() AS base \gset

-- Nothing new is no block.
SELECT crmaudit.seal();

-- Two transactions, of which one has a savepoint that fails.
INSERT INTO sealed_customer SELECT n, 'n' || n, '138' || n, n * 1.10 FROM generate_series(1, 5) n;
BEGIN;
UPDATE sealed_customer SET amount = 0 WHERE id <= 2;
SAVEPOINT s;
DELETE FROM sealed_customer;
ROLLBACK TO s;
DELETE FROM sealed_customer WHERE id = 5;
COMMIT;
SELECT crmaudit.seal() - :base AS block;
SELECT block_id - :base AS block, entries, transactions, entries_total - (SELECT entries_total FROM crmaudit.ledger_block WHERE block_id = :base) AS since,
	coverage IS NULL AS coverage_as_before
FROM crmaudit.ledger_block WHERE block_id > :base ORDER BY 1;
SELECT entries FROM crmaudit.ledger_transaction WHERE block_id = :base + 1 ORDER BY xid;
-- Where each row's entries are.
SELECT e.row_key, count(*) FROM crmaudit.ledger_key k JOIN crmaudit.ledger_entry e ON e.xid = k.xid AND e.ord = k.ord
	AND e.table_id = k.table_id AND k.key_hash = jsonb_hash_extended(e.row_key, e.table_id)
WHERE k.block_id = :base + 1 GROUP BY 1 ORDER BY 1;

-- The trees, by the aggregate: a view of what each block ought to have.
CREATE TEMP VIEW wrong_root AS
WITH leaf AS (SELECT t.block_id, t.period, t.xid, t.root, crmaudit.merkle_root(e.leaf ORDER BY e.ord) AS computed
		FROM crmaudit.ledger_transaction t JOIN crmaudit.ledger_entry e ON e.xid = t.xid AND e.incarnation >> 24 = crmaudit.ledger_incarnation() >> 24
			AND date_trunc('month', e.at AT TIME ZONE 'UTC') = t.period GROUP BY 1, 2, 3, 4),
	period AS (SELECT p.block_id, p.period, p.root, crmaudit.merkle_root(t.root ORDER BY t.xid) AS computed
		FROM crmaudit.ledger_block_partition p LEFT JOIN crmaudit.ledger_transaction t USING (block_id, period) GROUP BY 1, 2, 3),
	block AS (SELECT b.block_id, b.root, crmaudit.merkle_root(p.root ORDER BY p.period) AS computed
		FROM crmaudit.ledger_block b LEFT JOIN crmaudit.ledger_block_partition p USING (block_id) GROUP BY 1, 2)
SELECT 'transaction' AS tree, block_id FROM leaf WHERE root <> computed
UNION ALL SELECT 'period', block_id FROM period WHERE root <> computed
UNION ALL SELECT 'block', block_id FROM block WHERE root <> computed;
SELECT tree FROM wrong_root WHERE block_id > :base;

-- A transaction on the border of months has a root in each; partitions do not
-- matter, nor does the order in which rows were written.
SELECT crmaudit.create_ledger_partition('crmaudit.ledger_entry', '2031-01-01');
BEGIN;
SELECT forge(n, CASE WHEN n < 4 THEN '2030-12-31 23:59:59.999999+00' WHEN n < 6 THEN '2031-01-01 00:00+00' ELSE '2031-02-01 00:00+00' END::timestamptz)
FROM (VALUES (6), (2), (1), (5), (3), (4)) AS v(n);
COMMIT;
SELECT forge(1, '2031-01-31 23:59+00');
SELECT crmaudit.seal() - :base AS block;
SELECT period, entries, transactions FROM crmaudit.ledger_block_partition WHERE block_id = :base + 2 ORDER BY 1;
SELECT entries, transactions, last_at AT TIME ZONE 'UTC' AS last_at FROM crmaudit.ledger_block WHERE block_id = :base + 2;
SELECT tree FROM wrong_root WHERE block_id > :base;
SELECT t.period, encode(t.root, 'hex') = encode(sha256('\x01' || sha256('\x01' || sha256(int4send(1)) || sha256(int4send(2))) || sha256(int4send(3))), 'hex') AS promoted
FROM crmaudit.ledger_transaction t WHERE t.block_id = :base + 2 AND t.entries = 3;

-- Each block continues the one before.
SELECT block_id - :base AS block FROM (SELECT *, lag(hash) OVER w AS before, lag(entries_total) OVER w + entries AS total FROM crmaudit.ledger_block
	WINDOW w AS (ORDER BY block_id)) b
WHERE block_id > :base AND (previous_hash <> before OR entries_total <> total);

-- To switch recording off is sealed, though there is no entry of the table.
ALTER TABLE sealed_customer DISABLE TRIGGER zz_crmaudit_ledger;
SELECT crmaudit.seal() - :base AS block;
SELECT coverage #> '{tables}' -> (SELECT table_id::text FROM crmaudit.tracked_table WHERE target = 'sealed_customer'::regclass) AS coverage
FROM crmaudit.ledger_block WHERE block_id = :base + 3;
ALTER TABLE sealed_customer ENABLE ALWAYS TRIGGER zz_crmaudit_ledger;
SELECT crmaudit.seal() - :base AS block;
-- So is a trigger of that name that does something else, and a setting.
DO $$ BEGIN
	DROP TRIGGER zz_crmaudit_ledger ON sealed_customer;
	CREATE TRIGGER zz_crmaudit_ledger AFTER INSERT OR UPDATE OR DELETE ON sealed_customer FOR EACH ROW WHEN (false) EXECUTE FUNCTION crmaudit.capture();
	ALTER TABLE sealed_customer ENABLE ALWAYS TRIGGER zz_crmaudit_ledger;
END $$;
SELECT crmaudit.ledger_trigger_states('sealed_customer');
DO $$ BEGIN
	DROP TRIGGER zz_crmaudit_ledger ON sealed_customer;
	CREATE TRIGGER zz_crmaudit_ledger AFTER INSERT OR UPDATE OR DELETE ON sealed_customer FOR EACH ROW EXECUTE FUNCTION crmaudit.capture();
	ALTER TABLE sealed_customer ENABLE ALWAYS TRIGGER zz_crmaudit_ledger;
END $$;
SELECT crmaudit.ledger_trigger_states('sealed_customer');
CREATE ROLE crmaudit_replica;
ALTER ROLE crmaudit_replica SET session_replication_role = replica;
SELECT crmaudit.ledger_coverage() -> 'defaults';
DROP ROLE crmaudit_replica;
SELECT crmaudit.seal() IS NOT NULL AS sealed;
-- It is kept where it changes only, and hashed as text.
SELECT count(*) AS wrong FROM crmaudit.ledger_block WHERE block_id > :base AND coverage_hash <> sha256(convert_to(coverage::text, 'UTF8'));
SELECT count(*) AS wrong FROM (SELECT *, lag(coverage_hash) OVER (ORDER BY block_id) AS before FROM crmaudit.ledger_block) b
WHERE block_id > :base AND (coverage IS NULL) <> (coverage_hash = before);

-- seal() twice in a transaction, entries after it, and a savepoint that fails.
INSERT INTO sealed_customer VALUES (10, 'before', '1', 1);
SELECT max(block_id) AS base FROM crmaudit.ledger_block \gset
BEGIN;
SELECT crmaudit.seal() - :base AS block;
SELECT crmaudit.seal() - :base AS block;
INSERT INTO sealed_customer VALUES (11, 'after', '1', 1);
SAVEPOINT s;
SELECT crmaudit.seal() - :base AS block;
ROLLBACK TO s;
COMMIT;
SELECT crmaudit.seal() - :base AS block;
SELECT crmaudit.seal() - :base AS block;
SELECT crmaudit.block_of(incarnation, xid) - :base AS block, row_key FROM crmaudit.ledger_entry WHERE row_key ->> 'id' IN ('10', '11') ORDER BY 1;
BEGIN;
INSERT INTO sealed_customer VALUES (12, 'open', '1', 1);
DO $$ BEGIN PERFORM count(*) FROM crmaudit.ledger_entry; END $$;
SELECT crmaudit.block_of(crmaudit.ledger_incarnation(), pg_current_xact_id()) AS not_sealed;
-- Rows of one's own that no trigger has captured are left to the next block too.
ROLLBACK;
BEGIN;
SELECT forge(1, now());
SELECT crmaudit.seal() - :base AS block;
COMMIT;
SELECT crmaudit.seal() - :base AS block;
SELECT tree FROM wrong_root WHERE block_id > :base;

-- Refused: an old snapshot, entries of one's own, a read-only transaction.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT crmaudit.seal();
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT crmaudit.seal();
ROLLBACK;
BEGIN;
INSERT INTO sealed_customer VALUES (20, 'mine', '1', 1);
SELECT crmaudit.seal();
ROLLBACK;
BEGIN READ ONLY;
SELECT crmaudit.seal();
ROLLBACK;
-- A sealer that is prepared would hold off all others.
INSERT INTO sealed_customer VALUES (21, 'n', '1', 1);
BEGIN;
SELECT crmaudit.seal() IS NOT NULL AS sealed;
PREPARE TRANSACTION 'sealed';
SELECT crmaudit.seal() IS NOT NULL AS sealed;
-- What cannot be read in order, or continued, is not sealed.
BEGIN;
DROP INDEX crmaudit.ledger_entry_203101_xid_idx;
SELECT crmaudit.seal();
ROLLBACK;
BEGIN;
ALTER TABLE crmaudit.ledger_block DISABLE TRIGGER USER;
UPDATE crmaudit.ledger_block SET hash = '\x00' WHERE block_id = (SELECT max(block_id) FROM crmaudit.ledger_block);
SELECT crmaudit.seal();
ROLLBACK;
CREATE ROLE crmaudit_stranger;
SET ROLE crmaudit_stranger;
SELECT crmaudit.seal();
RESET ROLE;

-- Whom EXECUTE was granted may seal, without any right on the tables.
GRANT EXECUTE ON FUNCTION crmaudit.seal() TO crmaudit_stranger;
INSERT INTO sealed_customer VALUES (22, 'n', '1', 1);
SET ROLE crmaudit_stranger;
SELECT crmaudit.seal() IS NOT NULL AS sealed;
RESET ROLE;

-- The digest is that of the newest block.
SELECT d.digest ->> 'hash' = encode(b.hash, 'hex') AS hash, d.digest ->> 'previous_hash' = encode(b.previous_hash, 'hex') AS previous_hash,
	(d.digest ->> 'entries')::bigint = b.entries_total AS entries, (d.digest ->> 'sealed_at')::timestamptz = b.sealed_at AS sealed_at,
	(d.digest ->> 'last_commit')::timestamptz = b.last_at AS last_commit, (d.digest ->> 'lsn')::pg_lsn = b.lsn AS lsn,
	(d.digest ->> 'incarnation')::bigint = b.incarnation AS incarnation, d.digest ->> 'database' = current_database() AS database
FROM (SELECT crmaudit.ledger_digest()) AS d(digest), crmaudit.ledger_block b WHERE b.block_id = (d.digest ->> 'block')::bigint
	AND b.block_id = (SELECT max(block_id) FROM crmaudit.ledger_block);

\set SHOW_CONTEXT never
-- Proofs and exports (test/t/ledger_proof.pl has them checked outside).
SELECT crmaudit.ledger_proof('1', 1);
SELECT crmaudit.export_block(0);
BEGIN;
INSERT INTO sealed_customer VALUES (30, 'open', '1', 1);
COMMIT;
DO $$ BEGIN
	PERFORM crmaudit.ledger_proof(xid, ord) FROM crmaudit.ledger_entry WHERE row_key = '{"id": 30}';
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, '\d+', 'N', 'g');
END $$;
SELECT crmaudit.seal() IS NOT NULL AS sealed;
-- Without being told to they disclose no personal value, but commitments.
SELECT p.proof #> '{entry,new}' AS new, p.proof #>> '{entry,salt}' AS salt, p.proof #> '{entry,commitments,new,phone}' ? 'c' AS commitment, o.open #> '{entry,new}' AS disclosed
FROM crmaudit.ledger_entry e CROSS JOIN LATERAL (SELECT crmaudit.ledger_proof(e.xid, e.ord)) AS p(proof)
	CROSS JOIN LATERAL (SELECT crmaudit.ledger_proof(e.xid, e.ord, with_personal => true)) AS o(open) WHERE e.row_key = '{"id": 30}';
-- With these instead of the values an entry has the same hash.
SELECT count(*), bool_and(e.leaf = crmaudit.ledger_leaf(jsonb_populate_record(e, jsonb_build_object('new', e.new - e.personal, 'old', e.old - e.personal, 'salt', NULL,
	'commitments', crmaudit.entry_commitments(e))), c)) AS same_hash
FROM crmaudit.ledger_entry e JOIN crmaudit.ledger_context c ON c.incarnation = e.incarnation AND c.xid = e.context_xid AND c.context = e.context WHERE e.salt IS NOT NULL AND e.target = 'sealed_customer'::regclass;
-- To disclose values takes the right to read them; without it, not.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA crmaudit TO crmaudit_stranger;
GRANT SELECT ON crmaudit.ledger_block, crmaudit.ledger_block_partition, crmaudit.ledger_transaction TO crmaudit_stranger;
SELECT xid, ord FROM crmaudit.ledger_entry WHERE row_key = '{"id": 30}' \gset
SELECT max(block_id) AS newest FROM crmaudit.ledger_block \gset
SET ROLE crmaudit_stranger;
SELECT crmaudit.ledger_proof(:'xid', :ord) IS NOT NULL AS proved;
SELECT count(*) FROM crmaudit.export_block(:newest);
SELECT crmaudit.ledger_proof(:'xid', :ord, with_personal => true);
SELECT count(*) FROM crmaudit.export_block(:newest, true);
RESET ROLE;

DROP OWNED BY crmaudit_stranger;
DROP ROLE crmaudit_stranger;
\c :regress
DROP DATABASE crmaudit_seal;
