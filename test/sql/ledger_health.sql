-- What of the ledger is not as it should be, each with what mends it.
\set SHOW_CONTEXT never
CREATE DATABASE regress_ledger_health;
\c regress_ledger_health
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE EXTENSION crmaudit;
CREATE TABLE lz_customer (id int PRIMARY KEY, name text);
INSERT INTO lz_customer VALUES (1, 'old');
SELECT crmaudit.protect('lz_customer') \gset
CREATE VIEW lz_health AS
	SELECT subject, target, regexp_replace(problem, '\d{4}-\d\d(-\d\d [\d:]+ \w+)?', 'TIME') AS problem, remedy FROM crmaudit.health ORDER BY 1, 2, 3;
-- Runs what the lines propose.
CREATE PROCEDURE lz_mend() LANGUAGE plpgsql AS $$
DECLARE
	remedy text;
BEGIN
	FOR remedy IN SELECT DISTINCT h.remedy FROM crmaudit.health h WHERE h.remedy ~ '^(SELECT|ALTER)' LOOP
		EXECUTE remedy;
	END LOOP;
END $$;
SELECT * FROM lz_health;

-- A table without a baseline.
SELECT crmaudit.untrack('lz_customer');
SELECT * FROM lz_health;
SET crmaudit.baseline = off;
CALL lz_mend();
SELECT * FROM lz_health;
RESET crmaudit.baseline;
CALL lz_mend();
SELECT * FROM lz_health;

-- Triggers: of a table, of the extension's own, of the ledger, of events.
ALTER TABLE lz_customer DISABLE TRIGGER zz_crmaudit_ledger;
DROP TRIGGER zz_crmaudit_ledger_truncate ON lz_customer;
ALTER TABLE crmaudit.rule DISABLE TRIGGER zz_crmaudit_ledger;
ALTER TABLE crmaudit.ledger_block DISABLE TRIGGER ledger_guard;
ALTER EVENT TRIGGER crmaudit_tracked_table_altered DISABLE;
SELECT * FROM lz_health;
CALL lz_mend();
SELECT * FROM lz_health;

-- A month without a partition.
SELECT count(crmaudit.drop_ledger_partition(p, (date_trunc('month', now()) + interval '1 month')::date)) AS dropped
	FROM unnest('{crmaudit.ledger_entry,crmaudit.ledger_context}'::regclass[]) p;
SELECT * FROM lz_health;
CALL lz_mend();
SELECT * FROM lz_health;

-- An entry that nobody has sealed: here one that says it is an hour old.
SELECT crmaudit.seal() IS NOT NULL AS sealed;
INSERT INTO crmaudit.ledger_entry (incarnation, xid, at, context_xid, table_id, target, ord, context, op, actor, leaf)
	VALUES (crmaudit.ledger_incarnation(), pg_current_xact_id(), now() - interval '1 hour', pg_current_xact_id(), 101, 'lz_customer', 1, 1, 'T', 'x', '');
SELECT * FROM lz_health;
SELECT crmaudit.oldest_unsealed() < now() - interval '59 minutes' AS told;
SELECT crmaudit.seal() IS NOT NULL AS sealed;
SELECT * FROM lz_health;

-- What people decide is in the ledger: about rows put aside, about findings.
SELECT crmaudit.set_mode('lz_customer', 'quarantine') \gset
SELECT crmaudit.add_rule('lz_customer', 'named', 'required', '{name}') \gset
INSERT INTO lz_customer VALUES (2, NULL), (3, NULL);
SELECT crmaudit.release(1, '{"name": "Li"}'), crmaudit.discard(2, 'entered twice');
SELECT crmaudit.alter_rule('lz_customer', 'named', enabled => false) \gset
SELECT table_name, op, row_key, new ->> 'status' AS status, new ->> 'decision' AS decision, new ->> 'event' AS event FROM crmaudit.change_history
WHERE table_name IN ('crmaudit.quarantine', 'crmaudit.finding_event') ORDER BY xid, ord;

\c crmaudit_regress
DROP DATABASE regress_ledger_health;
