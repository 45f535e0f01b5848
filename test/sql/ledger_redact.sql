-- Personal values are erased from the ledger, and the proof stays (D33).
CREATE DATABASE ledger_redact;
\c ledger_redact
SET client_min_messages = warning;
CREATE EXTENSION crmaudit;
CREATE TABLE customer (id int PRIMARY KEY, name text, phone text, mail text, born date, tags jsonb, gender text);
SELECT crmaudit.track('customer', personal => '{phone,mail,born,tags}');
INSERT INTO customer VALUES (1, 'Wang', '13912345678', 'wang@163.com', '1980-02-29', '{"vip": [1, null]}', 'f'),
	(2, 'Li', '13987654321', 'li@qq.com', NULL, NULL, 'm');
UPDATE customer SET phone = '13900000000', name = 'Wang Wei' WHERE id = 1;
UPDATE customer SET mail = NULL WHERE id = 1;
DELETE FROM customer WHERE id = 1;

-- what is left of values, and whether the hash is what it was
CREATE VIEW entries AS
	SELECT e.op, e.row_key ->> 'id' AS id, e.old, e.new, e.salt IS NOT NULL AS salt,
		(SELECT string_agg(side || ' ' || name || ' ' || regexp_replace(kept::text, '[0-9a-f]{64}', '...'), ', ' ORDER BY side, name)
			FROM jsonb_each(e.commitments) s(side, columns), jsonb_each(CASE jsonb_typeof(columns) WHEN 'object' THEN columns END) c(name, kept)) AS commitments,
		crmaudit.ledger_leaf(e, c) = e.leaf AS verifies, e.xid, e.ord
	FROM crmaudit.ledger_entry e JOIN crmaudit.ledger_context c ON c.xid = e.context_xid AND c.context = e.context AND c.incarnation = e.incarnation;
CREATE TEMP TABLE before AS SELECT xid, ord, leaf FROM crmaudit.ledger_entry;
CREATE VIEW customer_entries AS SELECT op, id, old, new, salt, commitments, verifies FROM entries WHERE id IS NOT NULL AND op <> 'S' ORDER BY xid, ord;
SELECT * FROM customer_entries;

-- errors
CREATE TABLE untracked (id int PRIMARY KEY);
SELECT crmaudit.redact('untracked', '{"id": 1}', '{phone}', 'request');
SELECT crmaudit.redact('customer', '{"id": 1}', '{phone}', ' ');
SELECT crmaudit.redact('customer', '{"id": 1}', '{name}', 'request');
SELECT crmaudit.redact('customer', '{"id": 1}', '{}', 'request');
SELECT crmaudit.redact('customer', '{"id": 1}', '{NULL}', 'request');
SELECT crmaudit.redact('customer', '{"id": 1}', '{phone,id}', 'request');
SELECT crmaudit.redact('customer', '{"name": 1}', '{phone}', 'request');
SELECT crmaudit.redact('customer', '[1]', '{phone}', 'request');
SELECT crmaudit.redact('customer', '{"id": 1}', '{phone}', NULL);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT crmaudit.redact('customer', '{"id": 1}', '{phone}', 'request');
ROLLBACK;
SELECT count(*) FROM entries WHERE commitments IS NOT NULL;

-- one column, then two more; the others keep their salts
SET client_min_messages = notice;
SELECT crmaudit.redact('customer', '{"id": 1}', '{phone}', 'request 17');
SET client_min_messages = warning;
SELECT * FROM customer_entries;
SELECT crmaudit.redact('customer', '{"id": 1}', '{tags,born}', 'request 18');
SELECT * FROM customer_entries;
-- nothing is left to do, and the rest
SELECT crmaudit.redact('customer', '{"id": 1}', '{tags,born}', 'request 19');
SELECT crmaudit.redact('customer', '{"id": 1}', '{mail,phone,tags}', 'request 20');
SELECT * FROM customer_entries;
SELECT count(*) AS changed FROM before b JOIN entries e USING (xid, ord) JOIN crmaudit.ledger_entry l USING (xid, ord) WHERE l.leaf <> b.leaf OR NOT verifies;
SELECT bool_and(verifies) FROM entries;
SELECT status, row_key, detail FROM crmaudit.verify_ledger();
-- that it was done is recorded, without values
SELECT new FROM entries WHERE new ->> 'action' = 'redact' ORDER BY xid, ord;

-- entries of this transaction
BEGIN;
INSERT INTO customer VALUES (3, 'Zhao', '1', 'zhao@qq.com');
UPDATE customer SET phone = '2' WHERE id = 3;
SELECT crmaudit.redact('customer', '{"id": 3}', '{phone}', 'request 21');
COMMIT;
SELECT * FROM customer_entries WHERE id = '3';
INSERT INTO customer VALUES (4, 'Qian', '4', NULL);

-- a column by the names that it had
UPDATE customer SET phone = '6' WHERE id = 4;
ALTER TABLE customer RENAME phone TO mobile;
UPDATE customer SET mobile = '7' WHERE id = 4;
ALTER TABLE customer RENAME mobile TO "Mobile No";
UPDATE customer SET "Mobile No" = '8' WHERE id = 4;
SELECT crmaudit.redact('customer', '{"id": 4}', '{Mobile No}', 'request 23');
SELECT * FROM customer_entries WHERE id = '4';

-- what was not personal when it was recorded stays, and one is told
SELECT crmaudit.track('customer', personal => '{Mobile No,mail,born,tags,gender}');
UPDATE customer SET gender = 'x' WHERE id = 2;
SELECT crmaudit.redact('customer', '{"id": 2}', '{gender}', 'request 24');
SELECT * FROM customer_entries WHERE id = '2';

-- an entry that somebody tampered with is none the better for it
ALTER TABLE crmaudit.ledger_entry DISABLE TRIGGER ledger_guard;
UPDATE crmaudit.ledger_entry SET salt = NULL WHERE row_key = '{"id": 2}' AND op = 'I';
UPDATE crmaudit.ledger_entry SET commitments = '{"new": {"gender": {"s": 1}, "mail": {"s": "ab"}}, "old": 5}' WHERE row_key = '{"id": 2}' AND op = 'U';
SELECT count(*) FROM crmaudit.maintain();
SELECT crmaudit.redact('customer', '{"id": 2}', '{mail,gender}', 'request 25');
SELECT * FROM customer_entries WHERE id = '2';

-- sealed entries are found by their keys, later ones by themselves
INSERT INTO customer VALUES (5, 'Sun', '4', NULL);
SELECT crmaudit.seal() IS NOT NULL AS sealed;
UPDATE customer SET "Mobile No" = '5' WHERE id = 5;
SELECT crmaudit.redact('customer', '{"id": 5}', '{Mobile No}', 'request 22');
SELECT * FROM customer_entries WHERE id = '5';
-- a row by the names that the columns of its key had; the value of the key alone
INSERT INTO customer VALUES (6, 'Zhou', '4', NULL);
ALTER TABLE customer RENAME id TO customer_no;
UPDATE customer SET "Mobile No" = '5' WHERE customer_no = 6;
SELECT crmaudit.redact('customer', '"6"', '{Mobile No}', 'request 22');
SELECT op, row_key, old, new, commitments IS NOT NULL FROM crmaudit.ledger_entry WHERE row_key IN ('{"id": 6}', '{"customer_no": 6}') ORDER BY xid, ord;

-- an identifier as key
CREATE TABLE person (id_no text, kind int, phone text, PRIMARY KEY (id_no, kind));
SELECT crmaudit.protect('person', roles => '{"id_no": "resident_id", "phone": "phone"}', history => true, mode => 'quarantine', packs => '{contact}');
INSERT INTO person VALUES ('11010519491231002X', 1, '13912345678');
SELECT row_key ->> 'kind', length(row_key ->> 'id_no'), old, new, personal FROM crmaudit.ledger_entry WHERE row_key ? 'id_no';
SELECT crmaudit.redact('person', '{"id_no": "11010519491231002X", "kind": 1}', '{phone}', 'request 26');
SELECT crmaudit.redact('person', row_key, '{phone}', 'request 27') FROM crmaudit.ledger_entry WHERE row_key ? 'id_no';
SELECT crmaudit.redact('person', row_key, '{id_no}', 'request 27') FROM crmaudit.ledger_entry WHERE row_key ? 'id_no';
SELECT row_key ->> 'kind', old, new, commitments IS NOT NULL FROM crmaudit.ledger_entry WHERE row_key ? 'id_no';

-- a row that was put aside, and what the ledger knows of that
UPDATE person SET phone = '110' WHERE kind = 1;
SELECT id, row_key ->> 'kind', row_data FROM crmaudit.quarantine;
SELECT crmaudit.redact('person', row_key, '{phone}', 'request 28') FROM crmaudit.quarantine;
SELECT id, row_key ->> 'kind', row_data ? 'phone' FROM crmaudit.quarantine;
SELECT e.op, e.old, e.new FROM crmaudit.ledger_entry e WHERE e.target = 'crmaudit.quarantine'::regclass;
SELECT bool_and(verifies) FROM entries WHERE id IS DISTINCT FROM '2';
SELECT count(*) FROM crmaudit.ledger_entry e WHERE e::text ~ '13912345678|11010519491231002X';

-- partitions: the row is one of the table
CREATE TABLE visit (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE visit_2026 PARTITION OF visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT crmaudit.track('visit', personal => '{note}');
INSERT INTO visit VALUES (1, '2026-06-06', 'secret'), (2, '2026-06-06', 'secret');
SELECT crmaudit.redact('visit', '{"id": 1, "day": "2026-06-06"}', '{note}', 'request 29');
SELECT crmaudit.redact('visit_2026', '{"id": 2, "day": "2026-06-06"}', '{note}', 'request 30');
SELECT new FROM crmaudit.ledger_entry WHERE target = 'visit'::regclass AND op = 'I';
-- a table that is no longer tracked
SELECT crmaudit.untrack('visit');
SELECT crmaudit.redact('visit', '{"id": 2, "day": "2026-06-06"}', '{note}', 'request 31');

-- what somebody tampered with is all that verification finds
SELECT crmaudit.seal() IS NOT NULL AS sealed;
SELECT status, row_key, op FROM crmaudit.verify_ledger() v LEFT JOIN crmaudit.ledger_entry e USING (xid, ord, row_key);

-- only who may
CREATE ROLE ledger_redact_user;
SET ROLE ledger_redact_user;
SELECT crmaudit.redact('customer', '{"id": 2}', '{mail}', 'no');
SELECT crmaudit.redact_entries(101, '{}', '{mail}');
RESET ROLE;
DROP ROLE ledger_redact_user;
\c crmaudit_regress
DROP DATABASE ledger_redact;
