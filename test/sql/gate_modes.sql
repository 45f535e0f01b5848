-- Modes of a table, and the setting that overrides them.
\set SHOW_CONTEXT never

CREATE TABLE gm_customer (id int PRIMARY KEY, name text, mail text);
CREATE VIEW gm_findings AS
	SELECT rule, row_key, status, occurrences FROM crmaudit.finding
	WHERE target = 'gm_customer'::regclass ORDER BY row_key, rule;
SELECT crmaudit.protect('gm_customer') \gset
SELECT crmaudit.add_rule('gm_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('gm_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}', severity => 'warning') \gset

-- enforce, the default: an error-severity violation refuses the row, and with
-- it the statement.
INSERT INTO gm_customer VALUES (1, 'Li', NULL), (2, NULL, NULL);
SELECT count(*) FROM gm_customer;

-- observe: nothing is refused, all is recorded.
SELECT crmaudit.set_mode('gm_customer', 'observe') \gset
INSERT INTO gm_customer VALUES (1, 'Li', NULL), (2, NULL, 'bad');
SELECT rule, row_key, status, occurrences FROM gm_findings;

-- quarantine: a row with an error is put aside, the others are stored; a
-- warning alone quarantines nothing, but is recorded.
SELECT crmaudit.set_mode('gm_customer', 'quarantine') \gset
INSERT INTO gm_customer VALUES (3, 'Wang', 'bad'), (4, NULL, 'bad'), (5, 'Zhao', NULL);
SELECT id, name, mail FROM gm_customer ORDER BY id;
SELECT operation, row_key, rules, in_words FROM crmaudit.quarantined WHERE target = 'gm_customer'::regclass ORDER BY id;
SELECT rule, row_key, status, occurrences FROM gm_findings;

-- off: nothing is looked at, not even a repair.
SELECT crmaudit.set_mode('gm_customer', 'off') \gset
INSERT INTO gm_customer VALUES (6, NULL, 'bad');
UPDATE gm_customer SET name = 'Qian' WHERE id = 2;
TRUNCATE gm_customer;
SELECT rule, row_key, status, occurrences FROM gm_findings;
SELECT rule, state FROM crmaudit.rule_status WHERE target = 'gm_customer'::regclass ORDER BY rule;

-- A change of mode holds from its commit, and goes with a rollback.
BEGIN;
SELECT crmaudit.set_mode('gm_customer', 'enforce') \gset
INSERT INTO gm_customer VALUES (7, NULL, NULL);
ROLLBACK;
INSERT INTO gm_customer VALUES (7, NULL, NULL);

SELECT crmaudit.set_mode('gm_customer', 'lenient') \gset
SELECT crmaudit.set_mode('gm_customer', NULL) \gset
SELECT crmaudit.set_mode(NULL, 'off') \gset

-- crmaudit.mode is for a maintenance window: "observe" refuses nothing ...
SELECT crmaudit.set_mode('gm_customer', 'enforce') \gset
SET crmaudit.mode = 'observe';
INSERT INTO gm_customer VALUES (8, NULL, NULL);
SELECT rule, row_key, status FROM gm_findings WHERE row_key = '{"id": 8}';
-- ... "off" neither refuses nor records ...
SET crmaudit.mode = 'off';
INSERT INTO gm_customer VALUES (9, NULL, NULL);
SELECT count(*) FROM gm_findings WHERE row_key = '{"id": 9}';
-- ... and "default" is the table's own mode. A table that is off stays off.
SET crmaudit.mode = 'default';
INSERT INTO gm_customer VALUES (10, NULL, NULL);
SELECT crmaudit.set_mode('gm_customer', 'off') \gset
SET crmaudit.mode = 'observe';
INSERT INTO gm_customer VALUES (11, NULL, NULL);
SELECT count(*) FROM gm_findings WHERE row_key = '{"id": 11}';
RESET crmaudit.mode;
SET crmaudit.mode = 'enforce';

-- Only superusers may set it: who writes must not choose not to be checked.
CREATE ROLE gm_clerk;
CREATE ROLE gm_assistant;
GRANT ALL ON gm_customer TO gm_clerk, gm_assistant;
SET ROLE gm_clerk;
SET crmaudit.mode = 'off';
RESET ROLE;

-- preview_mode says beforehand what each rule would have refused, by user,
-- from what was seen while observing. What was seen in other modes, warnings
-- and rows that are merely suspect do not count.
SELECT crmaudit.set_mode('gm_customer', 'observe') \gset
TRUNCATE gm_customer;
SELECT crmaudit.add_rule('gm_customer', 'mail_strict', 'format', '{mail}', '{"type":"email"}') \gset
SET SESSION AUTHORIZATION gm_clerk;
INSERT INTO gm_customer VALUES (1, NULL, 'bad'), (2, NULL, 'suspect@mail.invalid'), (3, NULL, NULL);
SET SESSION AUTHORIZATION gm_assistant;
INSERT INTO gm_customer VALUES (4, NULL, 'bad');
RESET SESSION AUTHORIZATION;
SELECT rule, severity, username, refused FROM crmaudit.preview_mode('gm_customer', 'enforce') WHERE username LIKE 'gm\_%';
SELECT rule, severity, username, refused FROM crmaudit.preview_mode('gm_customer', 'quarantine') WHERE username LIKE 'gm\_%';
SELECT rule, severity, username, refused FROM crmaudit.preview_mode('gm_customer', 'observe');
-- A rule whose severity was lowered meanwhile would refuse nothing.
SELECT crmaudit.alter_rule('gm_customer', 'named', severity => 'warning') \gset
SELECT rule, severity, username, refused FROM crmaudit.preview_mode('gm_customer', 'enforce') WHERE username LIKE 'gm\_%';
SELECT rule FROM crmaudit.preview_mode('gm_customer', 'strict');
SELECT rule FROM crmaudit.preview_mode('crmaudit.rule', 'enforce');

DROP VIEW gm_findings;
DROP TABLE gm_customer;
DELETE FROM crmaudit.quarantine WHERE row_data ? 'mail' AND status = 'waiting';
DROP ROLE gm_clerk, gm_assistant;
