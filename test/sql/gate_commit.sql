-- "timing":"commit": a row's last version is judged when the transaction
-- ends, because applications write a value as typed and format it later.
\set SHOW_CONTEXT never

CREATE TABLE gc_customer (id int PRIMARY KEY, name text, mobile text, note text);
CREATE VIEW gc_findings AS
	SELECT rule, row_key, status, occurrences FROM crmaudit.finding
	WHERE target = 'gc_customer'::regclass ORDER BY row_key, rule;
SELECT crmaudit.protect('gc_customer') \gset
SELECT crmaudit.add_rule('gc_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('gc_customer', 'mobile_formatted', 'regex', '{mobile}', '{"pattern":"^\\+86\\d{11}$","timing":"commit"}') \gset

-- Its trigger exists while such a rule does; it is deferred.
SELECT tgname, tgdeferrable, tginitdeferred FROM pg_trigger WHERE tgrelid = 'gc_customer'::regclass AND tgname LIKE '%commit';

-- Inserted as typed, then formatted, in one transaction: as ORMs do.
BEGIN;
INSERT INTO gc_customer VALUES (1, 'Li', '139 1234 5678');
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 1;
COMMIT;
SELECT id, mobile FROM gc_customer;

-- Never formatted: an error when the transaction commits, which is then lost.
BEGIN;
INSERT INTO gc_customer VALUES (2, 'Wang', '139 1234 5678');
SELECT count(*) FROM gc_customer;
COMMIT;
SELECT count(*) FROM gc_customer;
-- A statement by itself commits at once.
INSERT INTO gc_customer VALUES (2, 'Wang', '139 1234 5678');
-- Other rules of the table still refuse at once.
BEGIN;
INSERT INTO gc_customer VALUES (2, NULL, '139 1234 5678');
ROLLBACK;

-- Several rows in one statement, of which one stays bad.
BEGIN;
INSERT INTO gc_customer SELECT i, 'Li', '1' FROM generate_series(10, 13) i;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id IN (10, 11, 13);
COMMIT;

-- DELETE and INSERT instead of UPDATE: the row that is there at the end counts.
BEGIN;
INSERT INTO gc_customer VALUES (2, 'Wang', '1');
DELETE FROM gc_customer WHERE id = 2;
INSERT INTO gc_customer VALUES (2, 'Wang', '+8613912345678');
COMMIT;
BEGIN;
DELETE FROM gc_customer WHERE id = 2;
INSERT INTO gc_customer VALUES (2, 'Wang', '1');
COMMIT;
BEGIN;
INSERT INTO gc_customer VALUES (3, 'Zhao', '1');
DELETE FROM gc_customer WHERE id = 3;
COMMIT;
SELECT id, mobile FROM gc_customer ORDER BY id;

-- A later statement that touches something else does not hide what is bad.
BEGIN;
INSERT INTO gc_customer VALUES (3, 'Zhao', '1');
UPDATE gc_customer SET note = 'called' WHERE id = 3;
UPDATE gc_customer SET note = 'called again' WHERE id = 3;
COMMIT;
BEGIN;
UPDATE gc_customer SET mobile = '1' WHERE id = 1;
UPDATE gc_customer SET mobile = '12' WHERE id = 1;
UPDATE gc_customer SET mobile = '+8613900000000' WHERE id = 1;
UPDATE gc_customer SET note = 'formatted' WHERE id = 1;
COMMIT;
SELECT id, mobile, note FROM gc_customer ORDER BY id;

-- The key may change on the way.
BEGIN;
INSERT INTO gc_customer VALUES (4, 'Qian', '1');
UPDATE gc_customer SET id = 5 WHERE id = 4;
COMMIT;
BEGIN;
INSERT INTO gc_customer VALUES (4, 'Qian', '1');
UPDATE gc_customer SET id = 5 WHERE id = 4;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 5;
COMMIT;

-- Savepoints: what is rolled back is not judged; what it had mended is bad
-- again.
BEGIN;
SAVEPOINT one;
INSERT INTO gc_customer VALUES (6, 'Sun', '1');
ROLLBACK TO one;
COMMIT;
BEGIN;
INSERT INTO gc_customer VALUES (6, 'Sun', '1');
SAVEPOINT one;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 6;
ROLLBACK TO one;
COMMIT;
BEGIN;
INSERT INTO gc_customer VALUES (6, 'Sun', '1');
SAVEPOINT one;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 6;
RELEASE one;
COMMIT;
BEGIN;
SAVEPOINT one;
INSERT INTO gc_customer VALUES (7, 'Zhou', '1');
RELEASE one;
COMMIT;

-- SET CONSTRAINTS asks for the judgement now, and for immediate ones from now on.
BEGIN;
INSERT INTO gc_customer VALUES (7, 'Zhou', '1');
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
BEGIN;
SET CONSTRAINTS zz_crmaudit_commit IMMEDIATE;
INSERT INTO gc_customer VALUES (7, 'Zhou', '1');
ROLLBACK;
-- A judgement that was asked for in a savepoint is not valid after it is
-- rolled back.
BEGIN;
INSERT INTO gc_customer VALUES (7, 'Zhou', '1');
SAVEPOINT one;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 7;
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK TO one;
COMMIT;
SELECT count(*) FROM gc_customer WHERE id = 7;

-- A prepared transaction is judged when it is prepared.
BEGIN;
INSERT INTO gc_customer VALUES (7, 'Zhou', '1');
PREPARE TRANSACTION 'gc_bad';
BEGIN;
INSERT INTO gc_customer VALUES (7, 'Zhou', '1');
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 7;
PREPARE TRANSACTION 'gc_good';
COMMIT PREPARED 'gc_good';

-- observe: a finding at commit, once; none for what was formatted in time.
SELECT crmaudit.set_mode('gc_customer', 'observe') \gset
BEGIN;
INSERT INTO gc_customer VALUES (20, 'Wu', '1'), (21, 'Wu', '1');
UPDATE gc_customer SET note = 'x' WHERE id = 20;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 21;
SELECT rule, row_key, status, occurrences FROM gc_findings;
COMMIT;
SELECT rule, row_key, status, occurrences FROM gc_findings;

-- A row that was bad before: an unrelated update passes, a repair resolves, a
-- changed key takes the finding with it.
SELECT crmaudit.set_mode('gc_customer', 'enforce') \gset
UPDATE gc_customer SET note = 'y' WHERE id = 20;
UPDATE gc_customer SET mobile = '2' WHERE id = 20;
UPDATE gc_customer SET id = 22 WHERE id = 20;
SELECT rule, row_key, status, occurrences FROM gc_findings;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 22;
SELECT rule, row_key, status, occurrences FROM gc_findings;

-- Found by SET CONSTRAINTS, mended afterwards: resolved.
SELECT crmaudit.set_mode('gc_customer', 'observe') \gset
BEGIN;
INSERT INTO gc_customer VALUES (26, 'Wei', '1'), (27, 'Wei', '1');
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 26;
COMMIT;
SELECT rule, row_key, status, occurrences FROM gc_findings WHERE row_key IN ('{"id": 26}', '{"id": 27}');

-- What is formatted in time writes nothing; an old finding is resolved though
-- the value was bad on the way.
SELECT count(*) AS events FROM crmaudit.finding_event WHERE target = 'gc_customer'::regclass \gset before_
BEGIN;
INSERT INTO gc_customer VALUES (28, 'Jiang', '1');
UPDATE gc_customer SET id = 29 WHERE id = 28;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 29;
INSERT INTO gc_customer VALUES (28, 'Jiang', '1');
DELETE FROM gc_customer WHERE id = 28;
COMMIT;
SELECT count(*) - :before_events AS new_events FROM crmaudit.finding_event WHERE target = 'gc_customer'::regclass;
BEGIN;
UPDATE gc_customer SET mobile = '2' WHERE id = 27;
UPDATE gc_customer SET mobile = '+8613912345678' WHERE id = 27;
COMMIT;
SELECT rule, row_key, status, occurrences FROM gc_findings WHERE row_key = '{"id": 27}';

-- quarantine cannot put aside what is stored: a finding, too.
SELECT crmaudit.set_mode('gc_customer', 'quarantine') \gset
INSERT INTO gc_customer VALUES (23, 'Zheng', '1');
SELECT rule, row_key, status, occurrences FROM gc_findings WHERE row_key = '{"id": 23}';
SELECT count(*) FROM crmaudit.quarantined WHERE target = 'gc_customer'::regclass;

-- off looks at nothing, and what is switched off before the commit is not judged.
SELECT crmaudit.set_mode('gc_customer', 'enforce') \gset
BEGIN;
INSERT INTO gc_customer VALUES (24, 'Feng', '1');
SELECT crmaudit.set_mode('gc_customer', 'off') \gset
COMMIT;
SELECT crmaudit.set_mode('gc_customer', 'enforce') \gset

-- A warning at commit becomes a finding.
SELECT crmaudit.alter_rule('gc_customer', 'mobile_formatted', severity => 'warning') \gset
INSERT INTO gc_customer VALUES (25, 'Chen', '1');
SELECT rule, row_key, status, occurrences FROM gc_findings WHERE row_key = '{"id": 25}';

-- Many rows at once.
INSERT INTO gc_customer SELECT i, 'Chu', '1' FROM generate_series(1001, 4000) i;
SELECT count(*), max(occurrences) FROM gc_findings WHERE (row_key -> 'id')::int > 1000;

-- The trigger goes with the last rule that needs it.
SELECT crmaudit.drop_rule('gc_customer', 'mobile_formatted') \gset
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'gc_customer'::regclass AND tgname LIKE '%commit';

-- The error takes the table's style; partitions; a row that moves.
CREATE TABLE gc_parted (id int, region text, mobile text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE gc_parted_n PARTITION OF gc_parted FOR VALUES IN ('N');
CREATE TABLE gc_parted_s (mobile text, region text NOT NULL, id int NOT NULL);
ALTER TABLE gc_parted ATTACH PARTITION gc_parted_s FOR VALUES IN ('S');
SELECT crmaudit.protect('gc_parted', error_style => 'native') \gset
SELECT crmaudit.add_rule('gc_parted', 'mobile_required', 'required', '{mobile}', '{"timing":"commit"}') \gset
INSERT INTO gc_parted VALUES (1, 'S', NULL);
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;
BEGIN;
INSERT INTO gc_parted VALUES (1, 'N', NULL);
UPDATE gc_parted SET region = 'S' WHERE id = 1;
COMMIT;
BEGIN;
INSERT INTO gc_parted VALUES (1, 'N', NULL);
UPDATE gc_parted SET region = 'S' WHERE id = 1;
UPDATE gc_parted SET mobile = '1' WHERE id = 1;
COMMIT;
SELECT tableoid::regclass AS leaf, id, mobile FROM gc_parted;

-- ON CONFLICT DO NOTHING leaves nothing to be judged.
INSERT INTO gc_parted VALUES (1, 'S', NULL) ON CONFLICT DO NOTHING;

-- live is asked again at the end: a row that was soft-deleted meanwhile passes.
CREATE TABLE gc_live (id int PRIMARY KEY, mobile text, deleted boolean DEFAULT false);
SELECT crmaudit.protect('gc_live', live => 'NOT deleted') \gset
SELECT crmaudit.add_rule('gc_live', 'mobile_required', 'required', '{mobile}', '{"timing":"commit"}') \gset
BEGIN;
INSERT INTO gc_live VALUES (1);
UPDATE gc_live SET deleted = true;
COMMIT;
BEGIN;
UPDATE gc_live SET deleted = false;
COMMIT;

DROP VIEW gc_findings;
DROP TABLE gc_customer, gc_parted, gc_live;
