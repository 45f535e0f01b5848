-- Quarantine: a bad row is put aside with its reasons, and comes back repaired.
\set SHOW_CONTEXT never

CREATE TABLE qu_customer (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int, name text, mail text, born date,
	tags text[], profile jsonb, upper_name text GENERATED ALWAYS AS (upper(name)) STORED
);
ALTER TABLE qu_customer DROP COLUMN gone;
SELECT crmaudit.protect('qu_customer', mode => 'quarantine') \gset
SELECT crmaudit.add_rule('qu_customer', 'named', 'required', '{name}') \gset
SELECT crmaudit.add_rule('qu_customer', 'mail_valid', 'format', '{mail}', '{"type":"email"}') \gset
CREATE VIEW qu_rows AS SELECT q.id - min(q.id) OVER () + 1 AS no, q.* FROM crmaudit.quarantine q WHERE target = 'qu_customer'::regclass;
-- Ids that do not depend on what ran before; qu_id gives the one of the n-th row.
ALTER SEQUENCE crmaudit.quarantine_id_seq RESTART 100001;
CREATE FUNCTION qu_id(n int) RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM qu_rows WHERE no = n $$;

-- The row is kept whole, with all reasons, who and when; the command tag and
-- RETURNING know only of rows that were stored.
INSERT INTO qu_customer (name, mail, born, tags, profile) VALUES
	(NULL, 'bad', '1990-01-01', '{"a b",c}', '{"x": [1, "二"]}'),
	('Wang', 'wang@example.cn', '1990-01-01', NULL, NULL),
	('Li', 'bad', NULL, NULL, NULL) RETURNING id, name;
SELECT no, operation, row_key, row_data, reasons, username = session_user AS by_me, status, at <= now() AS at FROM qu_rows ORDER BY no;
SELECT operation, row_key, rules, in_words FROM crmaudit.quarantined WHERE target = 'qu_customer'::regclass ORDER BY id;

-- A batch goes on with its other rows; COPY as well.
COPY qu_customer (name, mail) FROM stdin;
Zhao	zhao@example.cn
\N	qian@example.cn
Sun	sun@example.cn
\.
SELECT id, name, mail FROM qu_customer ORDER BY id;

-- An UPDATE that would make a row bad leaves it as it was.
UPDATE qu_customer SET mail = 'bad', born = '1991-01-01' WHERE name = 'Wang';
SELECT name, mail, born FROM qu_customer WHERE name = 'Wang';
SELECT no, operation, row_key, row_data, reasons FROM qu_rows WHERE no = 4;

-- release() of a row that is still bad raises the gate's error; the row waits.
SELECT crmaudit.release(qu_id(1)) \gset
SELECT crmaudit.release(qu_id(1), '{"name": "Wu"}') \gset
SELECT status FROM qu_rows WHERE no = 1;

-- With the rest repaired it is stored as it was, identity column included.
SELECT crmaudit.release(qu_id(1), '{"name": "Wu", "mail": "wu@example.cn"}') \gset
SELECT id, name, mail, born, tags, profile, upper_name FROM qu_customer WHERE name = 'Wu';
SELECT status, decided_at IS NOT NULL AS at, decided_by = session_user AS by_me, decision FROM qu_rows WHERE no = 1;

-- Without a patch, once the rule is mended.
SELECT crmaudit.alter_rule('qu_customer', 'named', enabled => false) \gset
SELECT crmaudit.release(qu_id(3)) \gset
SELECT crmaudit.alter_rule('qu_customer', 'named', enabled => true) \gset
SELECT status, decision FROM qu_rows WHERE no = 3;

-- A released UPDATE changes the row it was meant for.
SELECT crmaudit.release(qu_id(4), '{"mail": "w@example.cn"}') \gset
SELECT name, mail, born FROM qu_customer WHERE name = 'Wang';

-- A row is decided on once; the detail says by whom, and when.
\set VERBOSITY terse
SELECT crmaudit.release(qu_id(1)) \gset
SELECT crmaudit.release(0) \gset
\set VERBOSITY default

-- discard() gives it up, with a reason.
SELECT crmaudit.discard(qu_id(2), ' ') \gset
SELECT crmaudit.discard(qu_id(2), NULL) \gset
SELECT crmaudit.discard(qu_id(2), 'entered twice') \gset
SELECT status, decision FROM qu_rows WHERE no = 2;
\set VERBOSITY terse
SELECT crmaudit.discard(qu_id(2), 'again') \gset
\set VERBOSITY default
SELECT count(*) FROM crmaudit.quarantined WHERE target = 'qu_customer'::regclass;

-- A patch names columns that can be written.
INSERT INTO qu_customer (name, mail) VALUES (NULL, NULL);
SELECT crmaudit.release(qu_id(5), '{"fullname": "Zhou"}') \gset
SELECT crmaudit.release(qu_id(5), '{"upper_name": "ZHOU"}') \gset
SELECT crmaudit.release(qu_id(5), NULL) \gset

-- The row to update may be gone.
UPDATE qu_customer SET mail = 'bad' WHERE name = 'Wang';
DELETE FROM qu_customer WHERE name = 'Wang';
SELECT crmaudit.release(qu_id(6), '{"mail": null}') \gset
SELECT status FROM qu_rows WHERE no = 6;

-- An UPDATE that changes the key is released to the row with the old key.
CREATE TABLE qu_account (no text, branch int, owner text, PRIMARY KEY (no, branch));
SELECT crmaudit.protect('qu_account', mode => 'quarantine', roles => '{"no":"bank_account"}') \gset
SELECT crmaudit.add_rule('qu_account', 'owned', 'required', '{owner}') \gset
INSERT INTO qu_account VALUES ('6222', 1, 'Li'), ('6222', 2, 'Wang');
UPDATE qu_account SET branch = 3, owner = NULL WHERE branch = 1;
SELECT operation, row_key -> 'branch' AS branch, row_key ->> 'no' LIKE 'sha256:%' AS hashed, row_data FROM crmaudit.quarantine WHERE target = 'qu_account'::regclass;
SELECT crmaudit.release(id, '{"owner": "Zhao"}') FROM crmaudit.quarantine WHERE target = 'qu_account'::regclass \gset
SELECT no, branch, owner FROM qu_account ORDER BY branch;

-- Quarantine belongs to the transaction: what is rolled back never was.
BEGIN;
INSERT INTO qu_customer (name) VALUES (NULL);
ROLLBACK;
SELECT count(*) FROM qu_rows;

-- A session that wants the error instead may ask for it.
SET crmaudit.refuse_quarantined = on;
INSERT INTO qu_customer (name) VALUES (NULL);
RESET crmaudit.refuse_quarantined;

-- The rows stay after unprotect(), and can still be released.
SELECT crmaudit.unprotect('qu_customer') \gset
SELECT crmaudit.release(qu_id(5)) \gset
SELECT status FROM qu_rows WHERE no = 5;


SELECT crmaudit.release(qu_id(6)) \gset

DELETE FROM crmaudit.quarantine WHERE target IN ('qu_customer'::regclass, 'qu_account'::regclass);
DROP FUNCTION qu_id(int);
DROP VIEW qu_rows;
DROP TABLE qu_customer, qu_account;

-- Of an UPDATE only what it changes is put aside: what others change before
-- the release stays as they left it.
CREATE TABLE qu_later (id int PRIMARY KEY, name text, address text);
SELECT crmaudit.protect('qu_later', '{"name":"name"}', '{person_cn}', mode => 'quarantine') \gset
INSERT INTO qu_later VALUES (1, '李雷', 'old');
UPDATE qu_later SET name = '' WHERE id = 1;
UPDATE qu_later SET address = 'new' WHERE id = 1;
SELECT crmaudit.release(id, '{"name":"韩梅梅"}') FROM crmaudit.quarantine WHERE target = 'qu_later'::regclass AND status = 'waiting' \gset
SELECT id, name, address FROM qu_later;
DROP TABLE qu_later;
