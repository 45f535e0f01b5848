-- Partitioned tables: one set of rules for all partitions, whatever their shape.
\set SHOW_CONTEXT never

CREATE TABLE gt_customer (id int, region text, mail text, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE gt_north PARTITION OF gt_customer FOR VALUES IN ('N');
-- Another order of attributes, with a hole.
CREATE TABLE gt_south (note text, gone int, mail text, region text NOT NULL, id int NOT NULL);
ALTER TABLE gt_south DROP COLUMN gone;
ALTER TABLE gt_customer ATTACH PARTITION gt_south FOR VALUES IN ('S');
-- Sub-partitions, by hash.
CREATE TABLE gt_east PARTITION OF gt_customer FOR VALUES IN ('E') PARTITION BY HASH (id);
CREATE TABLE gt_east_0 PARTITION OF gt_east FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE gt_east_1 PARTITION OF gt_east FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE VIEW gt_findings AS
	SELECT target, rule, row_key, status, occurrences FROM crmaudit.finding
	WHERE target = 'gt_customer'::regclass ORDER BY row_key, rule;
SELECT crmaudit.protect('gt_customer') \gset
SELECT crmaudit.add_rule('gt_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset
SELECT crmaudit.add_rule('gt_customer', 'noted', 'expression', '{note}', '{"sql":"gt_customer.note <> ''''"}', severity => 'warning') \gset

-- Every leaf is judged, and the error names the table that was protected.
INSERT INTO gt_customer VALUES (1, 'N', 'bad', NULL);
INSERT INTO gt_customer VALUES (1, 'S', 'bad', NULL);
INSERT INTO gt_customer VALUES (1, 'E', 'bad', NULL);
COPY gt_customer FROM stdin;
1	S	good@example.cn	x
1	N	bad	x
\.

-- A row written straight into a leaf is judged as well.
INSERT INTO gt_south (id, region, mail) VALUES (1, 'S', 'bad');
INSERT INTO gt_east VALUES (1, 'E', 'bad', NULL);

-- Findings belong to the protected table, not to the leaf.
INSERT INTO gt_customer VALUES (1, 'N', 'a@example.cn', ''), (2, 'S', 'a@example.cn', ''), (3, 'E', 'a@example.cn', '');
INSERT INTO gt_south (id, region, note) VALUES (4, 'S', '');
SELECT target, rule, row_key, status, occurrences FROM gt_findings;
UPDATE gt_customer SET note = 'x' WHERE id IN (2, 3);
DELETE FROM gt_south WHERE id = 4;
SELECT target, rule, row_key, status, occurrences FROM gt_findings;

-- A row that moves fires UPDATE, DELETE and INSERT triggers; it is judged
-- once, as the UPDATE. An old bad value does not block the move ...
TRUNCATE gt_customer;
SELECT crmaudit.set_mode('gt_customer', 'observe') \gset
INSERT INTO gt_customer VALUES (11, 'N', 'bad', NULL);
SELECT crmaudit.set_mode('gt_customer', 'enforce') \gset
UPDATE gt_customer SET region = 'S' WHERE id = 11;
SELECT tableoid::regclass AS leaf, id FROM gt_customer;
-- ... a new one does ...
UPDATE gt_customer SET region = 'E', mail = 'worse' WHERE id = 11;
SELECT tableoid::regclass AS leaf, id, mail FROM gt_customer;
-- ... and here the key changed with the partition, so that the finding moved too.
SELECT target, rule, row_key, status, occurrences FROM gt_findings WHERE row_key ->> 'id' = '11';
-- A repair on the way resolves it.
UPDATE gt_customer SET region = 'E', mail = 'good@example.cn' WHERE id = 11;
SELECT target, rule, row_key, status, occurrences FROM gt_findings WHERE row_key ->> 'id' = '11';
-- In observe a violation on the way is found once.
SELECT crmaudit.set_mode('gt_customer', 'observe') \gset
UPDATE gt_customer SET region = 'N', mail = 'bad' WHERE id = 11;
SELECT target, rule, row_key, status, occurrences FROM gt_findings WHERE row_key ->> 'id' = '11';
-- Several rows in one statement, some of which move.
INSERT INTO gt_customer SELECT i, 'N', 'good@example.cn', NULL FROM generate_series(20, 23) i;
UPDATE gt_customer SET mail = 'bad', region = CASE WHEN id % 2 = 0 THEN 'S' ELSE 'N' END WHERE id BETWEEN 20 AND 23;
SELECT target, rule, row_key, status, occurrences FROM gt_findings WHERE (row_key ->> 'id')::int BETWEEN 20 AND 23;

-- A move that does not take place leaves no opening: what comes after it is
-- judged, whether the row was quarantined or skipped by a later trigger.
SELECT crmaudit.set_mode('gt_customer', 'quarantine') \gset
INSERT INTO gt_customer VALUES (30, 'N', 'good@example.cn', NULL);
BEGIN;
UPDATE gt_customer SET mail = 'bad' WHERE id = 30;
DELETE FROM gt_customer WHERE id = 30;
SELECT crmaudit.set_mode('gt_customer', 'enforce') \gset
INSERT INTO gt_customer VALUES (30, 'N', 'bad', NULL);
ROLLBACK;
SELECT crmaudit.set_mode('gt_customer', 'enforce') \gset
CREATE FUNCTION gt_skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER zzz_skip BEFORE UPDATE ON gt_north FOR EACH ROW EXECUTE FUNCTION gt_skip();
BEGIN;
UPDATE gt_customer SET note = 'x' WHERE id = 30;
DELETE FROM gt_customer WHERE id = 30;
INSERT INTO gt_customer VALUES (30, 'N', 'bad', NULL);
ROLLBACK;
DROP TRIGGER zzz_skip ON gt_north;
-- The same where the target's own trigger skips the row that arrives.
CREATE TRIGGER a_skip BEFORE INSERT ON gt_south FOR EACH ROW EXECUTE FUNCTION gt_skip();
BEGIN;
UPDATE gt_customer SET region = 'S' WHERE id = 30;
INSERT INTO gt_customer VALUES (30, 'N', 'bad', NULL);
ROLLBACK;
DROP TRIGGER a_skip ON gt_south;

-- MERGE that moves rows, and ON CONFLICT.
SELECT crmaudit.set_mode('gt_customer', 'observe') \gset
MERGE INTO gt_customer c USING (VALUES (30, 'S', 'bad'), (31, 'N', 'bad')) AS s(id, region, mail) ON c.id = s.id
	WHEN MATCHED THEN UPDATE SET region = s.region, mail = s.mail
	WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.region, s.mail, NULL);
INSERT INTO gt_customer VALUES (31, 'N', NULL, '') ON CONFLICT DO NOTHING;
INSERT INTO gt_customer VALUES (31, 'N', NULL, '') ON CONFLICT (id, region) DO UPDATE SET mail = 'good@example.cn';
SELECT target, rule, row_key, status, occurrences FROM gt_findings WHERE (row_key ->> 'id')::int BETWEEN 30 AND 39;

-- A new partition is protected from the start, an attached one from then on; a
-- detached one no longer is.
SELECT crmaudit.set_mode('gt_customer', 'enforce') \gset
CREATE TABLE gt_west PARTITION OF gt_customer FOR VALUES IN ('W');
INSERT INTO gt_west VALUES (40, 'W', 'bad', NULL);
CREATE TABLE gt_new (mail text, id int NOT NULL, region text NOT NULL, note text);
INSERT INTO gt_new VALUES ('bad', 41, 'X', NULL);
ALTER TABLE gt_customer ATTACH PARTITION gt_new FOR VALUES IN ('X');
INSERT INTO gt_new VALUES ('bad', 42, 'X', NULL);
UPDATE gt_customer SET note = 'x' WHERE id = 41;
ALTER TABLE gt_customer DETACH PARTITION gt_new;
INSERT INTO gt_new VALUES ('bad', 42, 'X', NULL);
ALTER TABLE gt_customer ATTACH PARTITION gt_new FOR VALUES IN ('X');
INSERT INTO gt_customer VALUES (43, 'X', 'bad', NULL);

-- A table with triggers of its own by that name cannot be attached.
ALTER TABLE gt_customer DETACH PARTITION gt_new;
SELECT crmaudit.protect('gt_new', key => '{id}') \gset
ALTER TABLE gt_customer ATTACH PARTITION gt_new FOR VALUES IN ('X');
SELECT crmaudit.unprotect('gt_new') \gset
ALTER TABLE gt_customer ATTACH PARTITION gt_new FOR VALUES IN ('X');

-- A changed rule reaches leaves that are cached already.
SELECT crmaudit.alter_rule('gt_customer', 'mail_valid', enabled => false) \gset
INSERT INTO gt_new VALUES ('bad', 44, 'X', NULL);
INSERT INTO gt_east VALUES (44, 'E', 'bad', NULL);

-- A range, with a default partition; values that no partition takes fail as ever.
CREATE TABLE gt_visit (id int, at date, result text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE gt_visit_2024 PARTITION OF gt_visit FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT crmaudit.protect('gt_visit') \gset
SELECT crmaudit.add_rule('gt_visit', 'result_required', 'required', '{result}') \gset
INSERT INTO gt_visit VALUES (1, '2024-05-05', NULL);
INSERT INTO gt_visit VALUES (1, '2025-05-05', 'met');
CREATE TABLE gt_visit_rest PARTITION OF gt_visit DEFAULT;
INSERT INTO gt_visit VALUES (1, '2025-05-05', NULL);
INSERT INTO gt_visit VALUES (1, '2025-05-05', 'met');

-- unprotect() takes the triggers from every partition.
SELECT crmaudit.unprotect('gt_customer') \gset
SELECT count(*) FROM pg_trigger t JOIN pg_partition_tree('gt_customer') p ON t.tgrelid = p.relid WHERE tgname LIKE 'zz\_crmaudit%';
INSERT INTO gt_south (id, region, mail) VALUES (50, 'S', 'bad');

DELETE FROM crmaudit.quarantine WHERE target = 'gt_customer'::regclass;
DROP VIEW gt_findings;
DROP TABLE gt_customer, gt_visit;
DROP FUNCTION gt_skip();
