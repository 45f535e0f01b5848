-- A rule whose SQL fails never loses a row silently, nor shows a value.
\set SHOW_CONTEXT never

CREATE FUNCTION gx_number(value text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN value::int; END $$;
CREATE TABLE gx_customer (id int PRIMARY KEY, score text, name text);
CREATE VIEW gx_findings AS
	SELECT rule, row_key, column_name, reason, verdict, severity, status FROM crmaudit.finding
	WHERE target = 'gx_customer'::regclass ORDER BY row_key, rule;
SELECT crmaudit.protect('gx_customer') \gset
SELECT crmaudit.add_rule('gx_customer', 'score_positive', 'expression', '{score}', '{"sql":"gx_number(score) > 0"}') \gset
SELECT crmaudit.add_rule('gx_customer', 'named', 'required', '{name}') \gset

-- enforce: an error that names the rule, with the SQLSTATE of its SQL; what
-- the SQL said is not shown, for it may hold the value.
INSERT INTO gx_customer VALUES (1, 'secret', 'Li');
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;
INSERT INTO gx_customer VALUES (1, '5', 'Li');
INSERT INTO gx_customer VALUES (2, '-5', 'Li');
UPDATE gx_customer SET score = 'secret' WHERE id = 1;
UPDATE gx_customer SET name = 'Wang' WHERE id = 1;

-- With show_values it is, to a user who may read what the rule reads.
CREATE ROLE gx_writer;
GRANT INSERT ON gx_customer TO gx_writer;
SET crmaudit.show_values = on;
INSERT INTO gx_customer VALUES (2, 'secret', 'Li');
SET ROLE gx_writer;
INSERT INTO gx_customer VALUES (2, 'secret', 'Li');
RESET ROLE;
RESET crmaudit.show_values;

-- observe: a finding with the reason rule_error; the row is stored.
SELECT crmaudit.set_mode('gx_customer', 'observe') \gset
INSERT INTO gx_customer VALUES (2, 'secret', NULL), (3, '-5', 'Li');
SELECT rule, row_key, column_name, reason, verdict, severity, status FROM gx_findings;
SELECT rule, in_words FROM crmaudit.open_findings WHERE target = 'gx_customer'::regclass AND reason = 'rule_error';

-- The old version, on which the rule fails, does not block the repair, which
-- resolves the finding.
SELECT crmaudit.set_mode('gx_customer', 'enforce') \gset
UPDATE gx_customer SET score = '7' WHERE id = 2;
SELECT rule, row_key, status FROM gx_findings WHERE row_key = '{"id": 2}';
-- Nor does it block a DELETE.
SELECT crmaudit.set_mode('gx_customer', 'observe') \gset
UPDATE gx_customer SET score = 'secret' WHERE id = 2;
SELECT crmaudit.set_mode('gx_customer', 'enforce') \gset
DELETE FROM gx_customer WHERE id = 2;
SELECT rule, row_key, status FROM gx_findings WHERE row_key = '{"id": 2}';

-- quarantine: the row is put aside with the reason rule_error.
SELECT crmaudit.set_mode('gx_customer', 'quarantine') \gset
INSERT INTO gx_customer VALUES (4, 'secret', 'Li'), (5, '5', 'Li');
SELECT row_key, in_words FROM crmaudit.quarantined WHERE target = 'gx_customer'::regclass;
SELECT id FROM gx_customer ORDER BY id;

-- A rule that is a warning refuses nothing, in enforce neither.
SELECT crmaudit.set_mode('gx_customer', 'enforce') \gset
SELECT crmaudit.alter_rule('gx_customer', 'score_positive', severity => 'warning') \gset
INSERT INTO gx_customer VALUES (6, 'secret', 'Li');
SELECT rule, reason, verdict, severity, status FROM gx_findings WHERE row_key = '{"id": 6}';

-- A condition that fails is the rule's failure, whatever its kind.
SELECT crmaudit.drop_rule('gx_customer', 'score_positive') \gset
SELECT crmaudit.alter_rule('gx_customer', 'named', condition => 'gx_number(score) > 0') \gset
INSERT INTO gx_customer VALUES (7, '1', NULL);
INSERT INTO gx_customer VALUES (7, '0', NULL);
INSERT INTO gx_customer VALUES (8, 'secret', 'Li');
SELECT crmaudit.set_mode('gx_customer', 'observe') \gset
INSERT INTO gx_customer VALUES (8, 'secret', 'Li');
SELECT rule, column_name, reason, status FROM gx_findings WHERE row_key = '{"id": 8}';

-- At commit it is the same.
SELECT crmaudit.set_mode('gx_customer', 'enforce') \gset
SELECT crmaudit.add_rule('gx_customer', 'score_at_last', 'expression', '{score}', '{"sql":"gx_number(score) < 100","timing":"commit"}') \gset
SELECT crmaudit.drop_rule('gx_customer', 'named') \gset
BEGIN;
INSERT INTO gx_customer VALUES (9, 'secret', 'Li');
COMMIT;
BEGIN;
INSERT INTO gx_customer VALUES (9, 'secret', 'Li');
UPDATE gx_customer SET score = '99' WHERE id = 9;
COMMIT;
SELECT id, score FROM gx_customer WHERE id = 9;

-- A statement that is cancelled is no broken rule.
SELECT crmaudit.set_mode('gx_customer', 'observe') \gset
CREATE FUNCTION gx_slow(value text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_sleep(10); RETURN true; END $$;
SELECT crmaudit.add_rule('gx_customer', 'slow', 'expression', '{name}', '{"sql":"gx_slow(name)"}') \gset
SET statement_timeout = '50ms';
INSERT INTO gx_customer VALUES (10, '1', 'Li');
RESET statement_timeout;
SELECT count(*) FROM gx_findings WHERE row_key = '{"id": 10}';

DELETE FROM crmaudit.quarantine WHERE target = 'gx_customer'::regclass;
DROP VIEW gx_findings;
DROP TABLE gx_customer;
DROP FUNCTION gx_number(text), gx_slow(text);
DROP ROLE gx_writer;
