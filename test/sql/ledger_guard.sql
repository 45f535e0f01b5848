-- The ledger is only appended to, and is not dropped by mistake.
CREATE DATABASE ledger_guard;
\c ledger_guard
SET client_min_messages = warning;
CREATE ROLE ledger_guard_owner SUPERUSER;
SET ROLE ledger_guard_owner;
CREATE EXTENSION crmaudit;
RESET ROLE;
CREATE TABLE customer (id int PRIMARY KEY, name text);
SELECT crmaudit.track('customer');
INSERT INTO customer VALUES (1, 'Wang');
-- names of this month's partitions
SELECT 'crmaudit.ledger_entry_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM') AS entry,
	'crmaudit.ledger_context_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM') AS context \gset
\set VERBOSITY terse
CREATE FUNCTION attempt(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN format('%s: %s', SQLSTATE, regexp_replace(SQLERRM, '\d{6}', 'MONTH'));
END $$;

-- every table, parents and partitions, empty or not
SELECT relation, trigger_name, fault FROM crmaudit.ledger_guard_faults();
INSERT INTO crmaudit.ledger_transaction VALUES (1, '2020-01-01', '1', 1, '');
INSERT INTO crmaudit.ledger_key VALUES (1, 1, 1, 1, '1');
SELECT attempt(command) FROM unnest(ARRAY[
	'UPDATE crmaudit.ledger_entry SET op = ''I''',
	'DELETE FROM crmaudit.ledger_entry WHERE op = ''I''',
	'DELETE FROM crmaudit.ledger_context',
	'UPDATE crmaudit.ledger_entry SET at = ''2020-01-01''',
	'TRUNCATE crmaudit.ledger_entry',
	'TRUNCATE crmaudit.ledger_context',
	'TRUNCATE crmaudit.ledger_entry_default',
	'TRUNCATE ' || :'entry',
	'DELETE FROM ' || :'entry',
	'DELETE FROM crmaudit.ledger_transaction',
	'UPDATE crmaudit.ledger_key SET block_id = 2',
	'TRUNCATE crmaudit.ledger_block',
	'TRUNCATE crmaudit.ledger_block_partition',
	'TRUNCATE crmaudit.ledger_incarnation',
	'TRUNCATE crmaudit.ledger_pruned',
	'MERGE INTO crmaudit.ledger_key k USING (VALUES (1)) AS v(ord) ON k.ord = v.ord WHEN MATCHED THEN DELETE',
	'SET LOCAL session_replication_role = replica; DELETE FROM crmaudit.ledger_entry',
	-- what prunes calls, called otherwise
	format('SELECT crmaudit.drop_ledger_partition(''crmaudit.ledger_entry'', %L)', date_trunc('month', now() AT TIME ZONE 'UTC')::date)
]) AS command;
\set VERBOSITY default
DELETE FROM crmaudit.ledger_transaction;
\set VERBOSITY terse

-- dropped by whatever command, in part or as a whole
SELECT attempt(command) FROM unnest(ARRAY[
	'DROP TABLE ' || :'entry',
	'DROP TABLE ' || :'context' || ' CASCADE',
	'DROP TABLE crmaudit.ledger_entry CASCADE',
	'ALTER TABLE crmaudit.ledger_key DROP COLUMN xid',
	'DROP SCHEMA crmaudit CASCADE',
	'DROP EXTENSION crmaudit CASCADE',
	'DROP EXTENSION plpgsql CASCADE'
]) AS command;
SELECT attempt('DROP OWNED BY ledger_guard_owner CASCADE');
-- in a new session the library is loaded in time
\c
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT attempt('DROP EXTENSION crmaudit CASCADE');
\c
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT attempt('DROP TABLE ' || :'entry');
\c
SET client_min_messages = warning;
\set VERBOSITY default
DO $$ BEGIN
	DROP EXTENSION crmaudit CASCADE;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	DECLARE hint text;
	BEGIN
		GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
		RAISE WARNING '%: %', SQLERRM, hint;
	END;
END $$;
-- other people's tables of such names are theirs
CREATE SCHEMA other;
CREATE TABLE other.ledger_entry AS SELECT 1 AS a;
CREATE TABLE crmaudit.ledgers AS SELECT 1 AS a;
DROP TABLE other.ledger_entry, crmaudit.ledgers;

-- the setting is for superusers
CREATE ROLE ledger_guard_user;
SET ROLE ledger_guard_user;
SET crmaudit.drop_ledger = on;
RESET ROLE;
-- nobody but its owner comes to the guard at all
SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a
	WHERE c.relnamespace = 'crmaudit'::regnamespace AND c.relname LIKE 'ledger\_%' AND a.grantee <> c.relowner;

-- default privileges give nothing away
ALTER DEFAULT PRIVILEGES IN SCHEMA crmaudit GRANT SELECT ON TABLES TO PUBLIC, ledger_guard_user;
SELECT crmaudit.create_ledger_partition('crmaudit.ledger_entry', '2020-05-01');
SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = 'crmaudit.ledger_entry_202005'::regclass AND a.grantee <> c.relowner;
ALTER DEFAULT PRIVILEGES IN SCHEMA crmaudit REVOKE SELECT ON TABLES FROM PUBLIC, ledger_guard_user;
-- an empty partition may go
DROP TABLE crmaudit.ledger_entry_202005;

-- the trigger function is for the guard only
CREATE TRIGGER wrong AFTER UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION crmaudit.ledger_guard();
UPDATE customer SET name = 'Li';
DROP TRIGGER wrong ON customer;

-- what a superuser switches off is seen, and mended
ALTER TABLE crmaudit.ledger_key DISABLE TRIGGER ledger_guard;
DROP TRIGGER ledger_guard_truncate ON crmaudit.ledger_block;
ALTER TABLE crmaudit.ledger_entry_default ENABLE TRIGGER ledger_guard_truncate;
SELECT * FROM crmaudit.ledger_guard_faults();
DELETE FROM crmaudit.ledger_key;
SELECT * FROM crmaudit.maintain();
SELECT * FROM crmaudit.ledger_guard_faults();
SELECT table_id, new FROM crmaudit.ledger_entry WHERE new ->> 'action' = 'guard' ORDER BY ord;

-- given up on purpose
SET crmaudit.drop_ledger = on;
DROP EXTENSION crmaudit CASCADE;
SELECT count(*) FROM pg_class WHERE relname LIKE 'ledger\_%';
CREATE EXTENSION crmaudit;
RESET crmaudit.drop_ledger;
-- without entries it goes as any other
DROP EXTENSION crmaudit;
\c crmaudit_regress
DROP DATABASE ledger_guard;
DROP ROLE ledger_guard_owner, ledger_guard_user;
