-- Memory: what the gate holds after many rows is what it held after a few.
\set SHOW_CONTEXT never

CREATE TABLE gy_customer (id int PRIMARY KEY, name text, mail text, mobile text, amount int);
SELECT crmaudit.protect('gy_customer', mode => 'observe', live => 'amount >= 0') \gset
SELECT crmaudit.add_rule('gy_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('gy_customer', 'mail_valid', 'format', '{mail}', '{"type":"email","normalise":true}') \gset
SELECT crmaudit.add_rule('gy_customer', 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region":"CN","normalise":true}') \gset
SELECT crmaudit.add_rule('gy_customer', 'amount_sane', 'expression', '{amount}', '{"sql":"1000000 / amount > 0"}') \gset

CREATE FUNCTION gy_write(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO gy_customer SELECT i, CASE WHEN i % 100 > 0 THEN 'Li' END, 'Li' || i || '@EXAMPLE.CN', '139 1234 5678', i % 50
		FROM generate_series(first, last) i;
	UPDATE gy_customer SET mobile = '138 1234 5678', name = 'Wang' WHERE id BETWEEN first AND last;
	DELETE FROM gy_customer WHERE id BETWEEN first AND last;
$$;
-- Contexts of ours, and those that live as long as the transaction. Blocks are
-- what malloc was asked for.
CREATE VIEW gy_memory AS
	SELECT sum(total_bytes) AS bytes, count(*) AS contexts
	FROM pg_backend_memory_contexts m, coalesce(to_jsonb(m) ->> 'parent', '') above -- no such column since 18
	WHERE name LIKE 'crmaudit%' OR above LIKE 'crmaudit%' OR above = 'TopTransactionContext' OR name = 'TopTransactionContext';

-- In a transaction of its own ...
SELECT gy_write(1, 1000);
SELECT bytes, contexts FROM gy_memory \gset few_
SELECT gy_write(1001, 51000);
SELECT bytes = :few_bytes AS same_bytes, contexts = :few_contexts AS same_contexts FROM gy_memory;

-- ... and while it goes on: the findings of a statement are written out in
-- batches.
BEGIN;
SELECT gy_write(1, 1000);
SELECT bytes, contexts FROM gy_memory \gset few_
SELECT gy_write(1001, 51000);
SELECT bytes = :few_bytes AS same_bytes, contexts = :few_contexts AS same_contexts FROM gy_memory;
COMMIT;

-- A million rows, a hundredth of them bad, in one statement.
CREATE UNLOGGED TABLE gy_bulk (LIKE gy_customer INCLUDING ALL);
SELECT crmaudit.protect('gy_bulk', mode => 'observe', history => false) \gset
SELECT crmaudit.add_rule('gy_bulk', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('gy_bulk', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset
INSERT INTO gy_bulk SELECT i, CASE WHEN i % 100 > 0 THEN 'Li' END, 'li@example.cn' FROM generate_series(1, 1000) i;
SELECT bytes, contexts FROM gy_memory \gset few_
INSERT INTO gy_bulk SELECT i, CASE WHEN i % 100 > 0 THEN 'Li' END, 'li@example.cn' FROM generate_series(1001, 1001000) i;
SELECT bytes = :few_bytes AS same_bytes, contexts = :few_contexts AS same_contexts FROM gy_memory;
DROP TABLE gy_bulk;

-- Rules that change leave nothing behind when the transaction has ended.
DO $$ BEGIN
	FOR i IN 1 .. 100 LOOP
		PERFORM crmaudit.alter_rule('gy_customer', 'named', weight => i);
		INSERT INTO gy_customer VALUES (i, 'Li', NULL, NULL, 1);
	END LOOP;
END $$;
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'crmaudit rule set';

DROP VIEW gy_memory;
DROP TABLE gy_customer;
DROP FUNCTION gy_write(int, int);
