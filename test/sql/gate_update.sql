-- UPDATE: only rules that read a changed column refuse; findings follow the row.
\set SHOW_CONTEXT never

CREATE TABLE gu_customer (id int PRIMARY KEY, name text, mail text, mobile text, country text, note text);
CREATE VIEW gu_findings AS
	SELECT rule, row_key, status, occurrences, resolution FROM crmaudit.finding
	WHERE target = 'gu_customer'::regclass ORDER BY row_key, rule;
SELECT crmaudit.protect('gu_customer', mode => 'observe') \gset
SELECT crmaudit.add_rule('gu_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('gu_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset
SELECT crmaudit.add_rule('gu_customer', 'mobile_valid', 'format', '{mobile}', '{"type":"phone","region_column":"country"}') \gset
INSERT INTO gu_customer VALUES (1, NULL, 'bad', '13912345678', 'CN'), (2, 'Li', 'li@example.cn', '13912345678', 'CN');
SELECT crmaudit.set_mode('gu_customer', 'enforce') \gset
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings;

-- A row that was bad before must not block an unrelated change, not even one
-- that writes the bad value again, as ORMs do with every column.
UPDATE gu_customer SET note = 'called' WHERE id = 1;
UPDATE gu_customer SET note = 'called again', mail = mail, name = NULL WHERE id = 1;
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings;

-- A changed column is judged, and only by its rules: the missing name is not
-- reported here.
UPDATE gu_customer SET mail = 'still bad' WHERE id = 1;

-- A rule reads more than the columns it is about: another country makes the
-- same number wrong.
UPDATE gu_customer SET country = 'GB' WHERE id = 2;

-- strict_update checks everything, for whoever wants old rows mended at once.
SET crmaudit.strict_update = on;
UPDATE gu_customer SET note = 'strict' WHERE id = 1;
UPDATE gu_customer SET note = 'strict' WHERE id = 2;
RESET crmaudit.strict_update;

-- A repair resolves the finding by itself, and leaves the others.
UPDATE gu_customer SET mail = 'wang@example.cn' WHERE id = 1;
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings;

-- Broken again, the finding reopens: the same one, seen twice.
SELECT crmaudit.set_mode('gu_customer', 'observe') \gset
UPDATE gu_customer SET mail = 'bad again' WHERE id = 1;
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings;

-- From one bad value to another: still open, seen once more.
UPDATE gu_customer SET mail = 'bad as ever' WHERE id = 1;
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings;

-- A changed key takes the findings with it, in every mode, though no rule
-- reads the key.
SELECT crmaudit.set_mode('gu_customer', 'enforce') \gset
UPDATE gu_customer SET id = 11 WHERE id = 1;
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings;

-- A changed key with a repair, and with a value that is refused.
UPDATE gu_customer SET id = 21, name = 'Wang' WHERE id = 11;
UPDATE gu_customer SET id = 31, name = NULL WHERE id = 21;
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings;

-- DELETE resolves; of a good row it leaves nothing.
DELETE FROM gu_customer;
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings;

-- TRUNCATE fires no row trigger, and resolves all the same; later rows begin
-- anew.
SELECT crmaudit.set_mode('gu_customer', 'observe') \gset
INSERT INTO gu_customer (id, mail) VALUES (1, 'a@example.cn'), (3, 'bad');
TRUNCATE gu_customer;
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings;
INSERT INTO gu_customer (id, mail) VALUES (3, 'a@example.cn');
SELECT rule, row_key, status, occurrences, resolution FROM gu_findings WHERE row_key = '{"id": 3}';

-- An UPDATE that no rule reads writes nothing at all.
SELECT count(*) AS events FROM crmaudit.finding_event WHERE target = 'gu_customer'::regclass \gset before_
UPDATE gu_customer SET note = 'x';
SELECT count(*) - :before_events AS new_events FROM crmaudit.finding_event WHERE target = 'gu_customer'::regclass;

-- Kinds about a change need the older version: an INSERT passes them.
SELECT crmaudit.set_mode('gu_customer', 'enforce') \gset
SELECT crmaudit.add_rule('gu_customer', 'country_fixed', 'immutable', '{country}', '{"once_set":true}') \gset
SELECT crmaudit.add_rule('gu_customer', 'mobile_with_note', 'changed_together', '{mobile,note}') \gset
UPDATE gu_customer SET country = 'CN' WHERE id = 3;
UPDATE gu_customer SET country = 'DE' WHERE id = 3;
UPDATE gu_customer SET mobile = '13912345678' WHERE id = 3;
UPDATE gu_customer SET mobile = '13912345678', note = 'new number' WHERE id = 3;

-- A large value is compared as it is, though it is stored elsewhere, or
-- compressed: writing it again is no change.
CREATE TABLE gu_large (id int PRIMARY KEY, document text, note text);
SELECT crmaudit.protect('gu_large', mode => 'observe') \gset
SELECT crmaudit.add_rule('gu_large', 'short', 'length', '{document}', '{"max":100}') \gset
INSERT INTO gu_large VALUES (1, repeat('0123456789', 2000));
ALTER TABLE gu_large ALTER document SET STORAGE EXTERNAL;
SELECT crmaudit.set_mode('gu_large', 'enforce') \gset
UPDATE gu_large SET document = repeat('0123456789', 2000), note = 'x';
UPDATE gu_large SET document = repeat('9876543210', 2000), note = 'x';

DROP VIEW gu_findings;
DROP TABLE gu_customer, gu_large;
