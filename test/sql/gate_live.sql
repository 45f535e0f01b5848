-- live: rows for which it is false are neither checked nor counted.
\set SHOW_CONTEXT never

CREATE TABLE gl_customer (id int PRIMARY KEY, name text, mail text, deleted_at date);
CREATE VIEW gl_findings AS
	SELECT rule, row_key, status, resolution FROM crmaudit.finding
	WHERE target = 'gl_customer'::regclass ORDER BY row_key, rule;
SELECT crmaudit.protect('gl_customer', live => 'deleted_at IS NULL') \gset
SELECT crmaudit.add_rule('gl_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('gl_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset

-- A row that is not live is not checked, when it is written and when it changes.
INSERT INTO gl_customer VALUES (1, NULL, 'bad', '2024-01-01');
UPDATE gl_customer SET mail = 'worse' WHERE id = 1;
INSERT INTO gl_customer VALUES (2, NULL, 'bad', NULL);

-- Soft delete of a bad row goes through, and resolves its findings: nobody
-- will repair it.
SELECT crmaudit.set_mode('gl_customer', 'observe') \gset
INSERT INTO gl_customer VALUES (3, NULL, 'bad', NULL);
SELECT crmaudit.set_mode('gl_customer', 'enforce') \gset
UPDATE gl_customer SET deleted_at = '2024-01-01' WHERE id = 3;
SELECT rule, row_key, status, resolution FROM gl_findings;

-- Reactivation checks the row as a whole, though the UPDATE changes no column
-- that the rules read.
UPDATE gl_customer SET deleted_at = NULL WHERE id = 3;
UPDATE gl_customer SET deleted_at = NULL, name = 'Li', mail = 'li@example.cn' WHERE id = 3;
SELECT rule, row_key, status, resolution FROM gl_findings;
-- In observe a bad row comes back with its findings.
SELECT crmaudit.set_mode('gl_customer', 'observe') \gset
UPDATE gl_customer SET deleted_at = NULL WHERE id = 1;
SELECT rule, row_key, status, resolution FROM gl_findings;
SELECT crmaudit.set_mode('gl_customer', 'enforce') \gset

-- Erasure under privacy law sets columns to NULL in the same UPDATE that marks
-- the row, or in a later one.
UPDATE gl_customer SET name = NULL, mail = NULL, deleted_at = '2024-02-02' WHERE id = 3;
UPDATE gl_customer SET name = NULL, mail = NULL WHERE id = 1;
UPDATE gl_customer SET deleted_at = '2024-02-02' WHERE id = 1;
UPDATE gl_customer SET name = NULL, mail = NULL WHERE id = 1;
SELECT rule, row_key, status, resolution FROM gl_findings;

-- A dead row that is deleted, or changes its key, has no findings to resolve.
SELECT count(*) AS events FROM crmaudit.finding_event WHERE target = 'gl_customer'::regclass \gset before_
UPDATE gl_customer SET id = 10 WHERE id = 1;
DELETE FROM gl_customer WHERE id = 10;
SELECT count(*) - :before_events AS new_events FROM crmaudit.finding_event WHERE target = 'gl_customer'::regclass;

-- live decides on NULL as WHERE does: not live.
SELECT crmaudit.protect('gl_customer', live => 'deleted_at > ''2000-01-01''') \gset
INSERT INTO gl_customer VALUES (20, NULL, NULL, NULL);
INSERT INTO gl_customer VALUES (21, NULL, NULL, '2024-01-01');

-- A live condition that fails is an error that names it, where rows are
-- refused; elsewhere the row counts as live.
CREATE TABLE gl_ratio (id int PRIMARY KEY, parts int, name text);
SELECT crmaudit.protect('gl_ratio', live => '100 / parts > 1') \gset
SELECT crmaudit.add_rule('gl_ratio', 'named', 'required', '{name}') \gset
INSERT INTO gl_ratio VALUES (1, 0, 'Li');
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;
SELECT crmaudit.set_mode('gl_ratio', 'observe') \gset
INSERT INTO gl_ratio VALUES (1, 0, NULL), (2, 1000, NULL);
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'gl_ratio'::regclass ORDER BY row_key;
-- The old version, on which it fails, does not block the repair.
SELECT crmaudit.set_mode('gl_ratio', 'enforce') \gset
UPDATE gl_ratio SET parts = 10, name = 'Li' WHERE id = 1;
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'gl_ratio'::regclass ORDER BY row_key;

DROP VIEW gl_findings;
DROP TABLE gl_customer, gl_ratio;
