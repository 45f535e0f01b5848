-- protect(), unprotect(): what they set up, what they refuse.
\set SHOW_CONTEXT never

-- One call gives the table its triggers and the rules of its packs.
CREATE TABLE gp_customer (id int PRIMARY KEY, mail text, mobile text, deleted boolean NOT NULL DEFAULT false);
SELECT crmaudit.protect('gp_customer', roles => '{"mail":"email"}', packs => '{contact}') \gset
SELECT tgname FROM pg_trigger WHERE tgrelid = 'gp_customer'::regclass AND NOT tgisinternal ORDER BY tgname;
SELECT name, kind, columns, pack FROM crmaudit.rule WHERE target = 'gp_customer'::regclass ORDER BY id;

-- Settings show in table_status; history waits for the ledger, and says so.
SELECT target, mode, history, live, error_style, key, roles, packs
	FROM crmaudit.table_status WHERE target = 'gp_customer'::regclass;

-- Called again it adds roles and packs, and sets the other options. The rules
-- that were there stay what they are.
SELECT crmaudit.alter_rule('gp_customer', 'email_valid', severity => 'warning') \gset
SELECT crmaudit.protect('gp_customer', roles => '{"mobile":"phone"}', packs => '{consent}', mode => 'observe',
	history => false, live => 'NOT deleted', error_style => 'native') \gset
SELECT target, mode, history, live, error_style, key, roles, packs
	FROM crmaudit.table_status WHERE target = 'gp_customer'::regclass;
SELECT name, kind, columns, severity, pack FROM crmaudit.rule WHERE target = 'gp_customer'::regclass ORDER BY id;

-- live: NULL leaves the condition, an empty text removes it.
SELECT crmaudit.protect('gp_customer', history => true) \gset
SELECT mode, history, live, error_style FROM crmaudit.table_status WHERE target = 'gp_customer'::regclass;
SELECT crmaudit.protect('gp_customer', live => '') \gset
SELECT live FROM crmaudit.table_status WHERE target = 'gp_customer'::regclass;

-- unprotect() removes triggers and rules, and closes the findings.
SELECT crmaudit.set_mode('gp_customer', 'observe') \gset
SELECT crmaudit.add_rule('gp_customer', 'mobile_at_last', 'required', '{mobile}', '{"timing":"commit"}') \gset
INSERT INTO gp_customer (id, mail) VALUES (1, 'no address');
SELECT rule, row_key, status FROM crmaudit.finding WHERE target = 'gp_customer'::regclass ORDER BY rule;
SELECT crmaudit.unprotect('gp_customer') \gset
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'gp_customer'::regclass AND NOT tgisinternal;
SELECT count(*) FROM crmaudit.rule WHERE target = 'gp_customer'::regclass;
SELECT rule, row_key, status, resolution FROM crmaudit.finding WHERE target = 'gp_customer'::regclass ORDER BY rule;
INSERT INTO gp_customer (id, mail) VALUES (2, 'no address');

-- Protected again it begins anew; old findings stay closed.
SELECT crmaudit.protect('gp_customer', roles => '{"mail":"email"}', packs => '{contact}') \gset
INSERT INTO gp_customer (id, mail) VALUES (3, 'no address');
SELECT count(*) FROM crmaudit.open_findings WHERE target = 'gp_customer'::regclass;
SELECT crmaudit.unprotect('gp_customer') \gset

-- Choice of the key: the primary key, else the replica identity, else a unique
-- index over columns that are NOT NULL, else what the caller names.
CREATE TABLE gp_pair (region text, no int, note text, PRIMARY KEY (region, no));
CREATE TABLE gp_replica (a int NOT NULL UNIQUE, b int NOT NULL);
CREATE UNIQUE INDEX gp_replica_b ON gp_replica (b);
ALTER TABLE gp_replica REPLICA IDENTITY USING INDEX gp_replica_b;
CREATE TABLE gp_unique (a int UNIQUE, b int NOT NULL UNIQUE);
CREATE TABLE gp_none (a int UNIQUE, b int);
CREATE UNIQUE INDEX ON gp_none (b) WHERE b > 0;
CREATE UNIQUE INDEX ON gp_none (abs(b));
SELECT crmaudit.protect('gp_pair') \gset
SELECT crmaudit.protect('gp_replica') \gset
SELECT crmaudit.protect('gp_unique') \gset
SELECT crmaudit.protect('gp_none') \gset
SELECT crmaudit.protect('gp_none', key => '{}') \gset
SELECT crmaudit.protect('gp_none', key => '{c}') \gset
ALTER TABLE gp_none ADD extra jsonb;
SELECT crmaudit.protect('gp_none', key => '{extra->>no}') \gset
SELECT crmaudit.protect('gp_none', key => '{b}') \gset
SELECT target, key FROM crmaudit.table_status WHERE target::text LIKE 'gp%' ORDER BY target::text;

-- A named key stays when protect() is called again without one.
SELECT crmaudit.protect('gp_none') \gset
SELECT key FROM crmaudit.table_status WHERE target = 'gp_none'::regclass;

-- A key column that holds an identifier is stored as a digest: findings must
-- not hold personal data. Equal values have equal digests.
CREATE TABLE gp_citizen (id_no text, branch int, name text, PRIMARY KEY (id_no, branch));
SELECT crmaudit.protect('gp_citizen', roles => '{"id_no":"resident_id"}', mode => 'observe') \gset
SELECT crmaudit.add_rule('gp_citizen', 'named', 'required', '{name}') \gset
SELECT key, hashed_key FROM crmaudit.table_status WHERE target = 'gp_citizen'::regclass;
INSERT INTO gp_citizen VALUES ('11010519491231002X', 1), ('11010519491231002X', 2);
SELECT count(*), count(DISTINCT row_key ->> 'id_no'), bool_and(row_key ->> 'id_no' ~ '^sha256:[0-9a-f]{32}$'), array_agg(row_key -> 'branch' ORDER BY row_key -> 'branch')
	FROM crmaudit.finding WHERE target = 'gp_citizen'::regclass;
UPDATE gp_citizen SET name = '张丽' WHERE branch = 1;
SELECT row_key -> 'branch' AS branch, status FROM crmaudit.finding WHERE target = 'gp_citizen'::regclass ORDER BY 1;

-- What cannot be protected.
CREATE VIEW gp_view AS SELECT id FROM gp_customer;
CREATE MATERIALIZED VIEW gp_matview AS SELECT id FROM gp_customer;
CREATE SEQUENCE gp_sequence;
CREATE TYPE gp_type AS (a int);
CREATE FOREIGN DATA WRAPPER gp_wrapper;
CREATE SERVER gp_server FOREIGN DATA WRAPPER gp_wrapper;
CREATE FOREIGN TABLE gp_foreign (id int) SERVER gp_server;
CREATE TEMP TABLE gp_temp (id int PRIMARY KEY);
SELECT crmaudit.protect('gp_view') \gset
SELECT crmaudit.protect('gp_matview') \gset
SELECT crmaudit.protect('gp_foreign') \gset
SELECT crmaudit.protect('gp_sequence') \gset
SELECT crmaudit.protect('gp_customer_pkey') \gset
SELECT crmaudit.protect('gp_type') \gset
SELECT crmaudit.protect('gp_temp') \gset
SELECT crmaudit.protect('pg_class') \gset
SELECT crmaudit.protect('crmaudit.rule') \gset
SELECT crmaudit.protect(NULL) \gset
SELECT crmaudit.protect(0) \gset
SELECT crmaudit.protect('gp_missing') \gset

-- Wrong arguments: each error lists what is possible.
SELECT crmaudit.protect('gp_customer', roles => '{"mail":"e_mail"}') \gset
SELECT crmaudit.protect('gp_customer', roles => '{"e_mail":"email"}') \gset
SELECT crmaudit.protect('gp_customer', roles => '{"mail->>home":"email"}') \gset
SELECT crmaudit.protect('gp_customer', roles => '["mail"]') \gset
SELECT crmaudit.protect('gp_customer', packs => '{contact,person_de}') \gset
SELECT crmaudit.protect('gp_customer', mode => 'strict') \gset
SELECT crmaudit.protect('gp_customer', mode => NULL) \gset
SELECT crmaudit.protect('gp_customer', error_style => 'django') \gset
SELECT crmaudit.protect('gp_customer', live => 'NOT removed') \gset
SELECT crmaudit.protect('gp_customer', live => 'id IN (SELECT 1)') \gset
SELECT count(*) FROM crmaudit.protected_table WHERE target = 'gp_customer'::regclass;

-- Only a protected table has a mode, or can be released from protection.
SELECT crmaudit.unprotect('gp_customer') \gset
SELECT crmaudit.set_mode('gp_customer', 'observe') \gset

-- A partition is protected through its partitioned table only, for a row that
-- moves would meet two sets of rules.
CREATE TABLE gp_parted (id int PRIMARY KEY, mail text) PARTITION BY RANGE (id);
CREATE TABLE gp_parted_1 PARTITION OF gp_parted FOR VALUES FROM (0) TO (100);
SELECT crmaudit.protect('gp_parted') \gset
SELECT crmaudit.protect('gp_parted_1') \gset
SELECT crmaudit.unprotect('gp_parted') \gset
SELECT crmaudit.protect('gp_parted_1') \gset
SELECT crmaudit.protect('gp_parted') \gset
SELECT crmaudit.unprotect('gp_parted_1') \gset
-- Triggers of that name which a partition has by itself are in the way.
CREATE TRIGGER zz_crmaudit_gate BEFORE INSERT ON gp_parted_1 FOR EACH ROW EXECUTE FUNCTION crmaudit.gate();
SELECT crmaudit.protect('gp_parted') \gset
DROP TRIGGER zz_crmaudit_gate ON gp_parted_1;

-- Protection makes triggers, so that PostgreSQL asks for the right to; SQL in
-- it asks for ownership, since it runs as whoever writes the table.
CREATE ROLE gp_admin;
CREATE ROLE gp_owner;
GRANT ALL ON SCHEMA public TO gp_owner;
SELECT g FROM crmaudit.grant_duty('admin', 'gp_admin') g WHERE g LIKE '%gp\_%' ORDER BY g;
ALTER TABLE gp_customer OWNER TO gp_owner;
SET ROLE gp_admin;
SELECT crmaudit.protect('gp_customer') \gset
RESET ROLE;
GRANT SELECT, TRIGGER ON gp_customer TO gp_admin;
SET ROLE gp_admin;
SELECT crmaudit.protect('gp_customer', live => 'NOT deleted') \gset
SELECT crmaudit.protect('gp_customer') \gset
SELECT crmaudit.unprotect('gp_customer') \gset
RESET ROLE;
SELECT crmaudit.unprotect('gp_customer') \gset

SELECT crmaudit.revoke_duty('admin', 'gp_admin') \gset
SELECT crmaudit.unprotect(target) FROM crmaudit.protected_table WHERE target::text LIKE 'gp\_%' ORDER BY target::text;
DROP VIEW gp_view;
DROP MATERIALIZED VIEW gp_matview;
DROP FOREIGN DATA WRAPPER gp_wrapper CASCADE;
DROP SEQUENCE gp_sequence;
DROP TYPE gp_type;
DROP TABLE gp_temp, gp_customer, gp_pair, gp_replica, gp_unique, gp_none, gp_citizen, gp_parted;
REVOKE ALL ON SCHEMA public FROM gp_owner;
DROP ROLE gp_admin, gp_owner;

-- A trigger that somebody dropped: health says so, and protect() brings it back.
CREATE TABLE gp_mend (id int PRIMARY KEY, name text);
SELECT crmaudit.protect('gp_mend', history => false) \gset
DROP TRIGGER zz_crmaudit_stored ON gp_mend;
SELECT subject, target, problem, remedy FROM crmaudit.health WHERE target = 'gp_mend'::regclass;
SELECT crmaudit.protect('gp_mend', history => false) \gset
SELECT count(*) FROM crmaudit.health WHERE target = 'gp_mend'::regclass;
DROP TABLE gp_mend;
