-- What recording a table costs: one table by four means, and a table of its own
-- for a long ledger.
CREATE SCHEMA bench_ledger;
SET search_path = bench_ledger;

CREATE TABLE way (n int GENERATED ALWAYS AS IDENTITY, name text PRIMARY KEY, title text NOT NULL, base text NOT NULL DEFAULT 'plain');
CREATE TABLE bulk (name text, statement text, round int, ms float8, wal float8);
CREATE TABLE single (durability text, name text, round int, tps float8, p999 float8, longest float8);
CREATE TABLE pass (n int GENERATED ALWAYS AS IDENTITY, title text, entries bigint, ms float8, cpu float8, peak_kb float8);
CREATE TABLE lookup (n int GENERATED ALWAYS AS IDENTITY, title text, entries bigint, average float8, p99 float8, longest float8);

CREATE FUNCTION add_way(name text, title text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO bench_ledger.way (name, title) VALUES (name, title);
	EXECUTE format('CREATE TABLE bench_ledger.%I (LIKE bench.valid, PRIMARY KEY (customer_no))', name);
END $$;

SELECT add_way('plain', 'plain table');
SELECT add_way('ledger', 'crmaudit''s ledger');
SELECT add_way('json', 'PL/pgSQL trigger, JSON');
SELECT add_way('tablelog', 'tablelog (C)') WHERE :tablelog;

-- As such triggers are written everywhere.
CREATE TABLE json_audit (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	table_name text NOT NULL,
	operation text NOT NULL,
	transaction_id bigint NOT NULL,
	username text NOT NULL,
	changed_at timestamptz NOT NULL,
	old_row jsonb,
	new_row jsonb
);
CREATE FUNCTION json_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO bench_ledger.json_audit (table_name, operation, transaction_id, username, changed_at, old_row, new_row)
	VALUES (TG_TABLE_NAME, TG_OP, txid_current(), session_user, now(),
		CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
	RETURN NULL;
END $$;
CREATE TRIGGER json_audit AFTER INSERT OR UPDATE OR DELETE ON json FOR EACH ROW EXECUTE FUNCTION json_audit();

\if :tablelog
-- With the user, and a key for its log, as its manual begins.
CREATE EXTENSION table_log SCHEMA public;
SET search_path = public;
SELECT table_log_init(5, 'bench_ledger', 'tablelog', 'bench_ledger', 'tablelog_log');
SET search_path = bench_ledger;
\endif

SELECT crmaudit.track('ledger');

-- As CRMs have their tables: with the indexes by which a clerk looks for a customer.
SELECT add_way('plain_searched', 'plain table, two more indexes');
SELECT add_way('ledger_searched', 'crmaudit''s ledger, two more indexes');
UPDATE way SET base = 'plain_searched' WHERE name LIKE '%searched';
CREATE INDEX ON plain_searched (mobile);
CREATE INDEX ON plain_searched (mail);
CREATE INDEX ON ledger_searched (mobile);
CREATE INDEX ON ledger_searched (mail);
SELECT crmaudit.track('ledger_searched');

-- Superusers can: a ledger that has grown would be another measurement.
CREATE FUNCTION empty_ledger() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	target regclass;
	name name;
BEGIN
	FOR target IN
		SELECT relid FROM pg_partition_tree('crmaudit.ledger_entry') WHERE isleaf
		UNION ALL SELECT relid FROM pg_partition_tree('crmaudit.ledger_context') WHERE isleaf
		UNION ALL SELECT unnest('{crmaudit.ledger_block,crmaudit.ledger_block_partition,crmaudit.ledger_transaction,crmaudit.ledger_key,crmaudit.ledger_incarnation}'::regclass[])
	LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', target);
		EXECUTE format('TRUNCATE %s', target);
		FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = target AND NOT tgisinternal LOOP
			EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', target, name);
		END LOOP;
	END LOOP;
END $$;

-- A long ledger: all rows again and again, in transactions of a thousand.
CREATE TABLE account (LIKE bench.valid, PRIMARY KEY (customer_no));
CREATE PROCEDURE write_accounts(rows int) LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 0 .. rows - 1 BY 1000 LOOP
		UPDATE bench_ledger.account SET premium = premium + 1, status = CASE status WHEN 'lead' THEN 'customer' ELSE 'lead' END
			WHERE customer_no BETWEEN n + 1 AND n + 1000;
		IF NOT FOUND THEN
			INSERT INTO bench_ledger.account SELECT * FROM bench.valid WHERE customer_no BETWEEN n + 1 AND n + 1000;
		END IF;
		COMMIT;
	END LOOP;
END $$;
CREATE INDEX valid_customer_no ON bench.valid (customer_no);
